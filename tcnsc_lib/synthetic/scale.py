"""How much of the demo is rendered, and how hard its fakes are."""

from __future__ import annotations

from dataclasses import dataclass

from tcnsc_lib.checked import Count, Stored
from tcnsc_lib.faces.store import SPLITS


@dataclass(frozen=True)
class Scale:
    """How much is rendered, and how hard its fakes are.

    train, val, test: pairs of people in each part. length: frames a video. pixels: side of a
    (square) frame. bottleneck: of the swap, pixels: .39 of a crop's side, as of photographs. noise:
    of the camera, standard deviation in grey levels.
    """

    train: int = 80
    val: int = 8
    test: int = 20
    length: int = 6
    pixels: int = 160
    bottleneck: int = 37
    noise: float = 6.0
    seed: int = 0


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
    counts = {"train": scale.train, "val": scale.val, "test": scale.test}
    splits = {}
    first = 0
    for part in SPLITS:
        after = first + 2 * counts[part]
        splits[part] = [[f"{i:03d}", f"{i + 1:03d}"] for i in range(first, after, 2)]
        first = after
    return splits
