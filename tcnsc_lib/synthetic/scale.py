"""How much of the demo is rendered, and how hard its fakes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tcnsc_lib.checked import Count, Stored
from tcnsc_lib.faces.layout import QUALITIES
from tcnsc_lib.faces.store import SPLITS


@dataclass(frozen=True)
class Scale:
    """How much is rendered, and how hard its fakes are.

    train, val, test: pairs of people in each part. length: frames a video. pixels: side of a
    (square) frame. bottleneck: of the swap, pixels: .39 of a crop's side, as of photographs. noise:
    of the camera, standard deviation in grey levels. qualities: at which each video is there.
    """

    qualities: ClassVar[tuple[str, ...]] = QUALITIES

    train: int = 80
    val: int = 8
    test: int = 20
    length: int = 6
    pixels: int = 160
    bottleneck: int = 37
    noise: float = 6.0
    seed: int = 0

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of a frame, pixels."""
        return self.pixels, self.pixels

    def people(self) -> dict[str, list[str]]:
        """Part -> the numbers of its people, an even count; nobody is in two parts."""
        counts = {"train": self.train, "val": self.val, "test": self.test}
        found = {}
        first = 0
        for part in SPLITS:
            after = first + 2 * counts[part]
            found[part] = [f"{i:03d}" for i in range(first, after)]
            first = after
        return found


FULL = Scale()


class Note(Stored):
    """How a demo was rendered: see `Scale`, and RECIPE."""

    train: Count
    val: Count
    test: Count
    length: Count
    pixels: Count
    bottleneck: Count
    noise: float
    seed: int
    recipe: Count


def pairs(scale: Scale) -> dict[str, list[list[str]]]:
    """The splits as FaceForensics++ writes them: part -> [["000", "001"], ...].

    Nobody is in two parts.
    """
    splits = {}
    for part, numbers in scale.people().items():
        members = zip(numbers[::2], numbers[1::2], strict=True)
        splits[part] = [list(pair) for pair in members]
    return splits
