"""A rehearsal of FaceForensics++: its folders, filled with rendered people in a wide scene.

They are made as the demo's are (`demo`), in frames of 640 x 480 pixels, at raw and c23. Nothing but
the files is the demo's: whoever reads them afterwards, reads FaceForensics++. People have numbers
that the paper's random split draws, so that its parts, and those of the split's files, are the same
and nobody is in two of them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import record
from tcnsc_lib.faces.splits import SHARES, random_split
from tcnsc_lib.faces.store import SPLITS
from tcnsc_lib.files import write_json
from tcnsc_lib.synthetic.demo import RECIPE, complete, to_render
from tcnsc_lib.synthetic.scale import Note, Scale

NOTE = "rehearsal.json"  # beside the videos: how they were rendered
OF_PAIR = 4  # videos: two people, and a fake of each
LEAST = 12  # videos: a pair in each part
MOST = 2000  # videos: as many as FaceForensics++ has of real ones and of one method's fakes


@dataclass(frozen=True)
class Scene(Scale):
    """The demo's scale with a wide frame.

    pixels: side of the square round the head. height, width: of a frame, pixels. bottleneck: low,
    so that few steps of a training are enough to see the fakes.
    """

    qualities: ClassVar[tuple[str, ...]] = ("raw", "c23")

    train: int = 17
    val: int = 4
    test: int = 4
    length: int = 8
    pixels: int = 280
    bottleneck: int = 16
    noise: float = 2.0
    height: int = 480
    width: int = 640

    @property
    def frame(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def videos(self) -> int:
        """Real ones and fakes."""
        return OF_PAIR * (self.train + self.val + self.test)

    def people(self) -> dict[str, list[str]]:
        """Part -> the first of the numbers that the paper's split draws for it."""
        counts = {"train": self.train, "val": self.val, "test": self.test}
        drawn: dict[str, list[str]] = {part: [] for part in SPLITS}
        for number, part in sorted(random_split().items()):
            if len(drawn[part]) < 2 * counts[part]:
                drawn[part].append(number)
        return drawn


def scene(videos: int) -> Scene:
    """So many videos, divided like FaceForensics++'s. CompanionError where that can't be."""
    if not LEAST <= videos <= MOST or videos % OF_PAIR:
        raise CompanionError(
            f"A rehearsal can't have {videos} videos; choose a multiple of {OF_PAIR} from {LEAST} "
            f"to {MOST}, for two people and a fake of each go together."
        )
    every = videos // OF_PAIR
    few = max(1, round(SHARES[-1] * every))
    return Scene(train=every - 2 * few, val=few, test=few)


def make_rehearsal(root: Path, scene: Scene) -> int:
    """Render what is missing of a scene's videos into `root`; returns how many were missing.

    A second call finds it done, and one that was stopped is gone on with. Raises CompanionError
    where the folder holds anything but videos of such a scene.
    """
    root = Path(root)
    note = asdict(scene) | {"recipe": RECIPE}
    if not _is_noted(root, note):
        write_json(root / NOTE, note)
    missing = to_render(root, scene)
    complete(root, scene)
    return OF_PAIR * len(missing)


def _is_noted(root: Path, note: dict) -> bool:
    """Whether such a rehearsal has begun there. CompanionError where anything else is there."""
    elsewhere = "name another folder with --out"
    if not root.exists():
        return False
    if not root.is_dir():
        raise CompanionError(f"{root} is a file, and videos are to go there; {elsewhere}.")
    if not (root / NOTE).exists():
        if any(not path.name.startswith(".") for path in root.iterdir()):
            raise CompanionError(
                f"{root} holds something else than a rehearsal, and nothing is written there; "
                f"empty it, or {elsewhere}."
            )
        return False
    known = record(root / NOTE, Note, f"delete {root}, or {elsewhere}").model_dump()
    if known != note:
        differs = ", ".join(name for name in note if known.get(name) != note[name])
        raise CompanionError(
            f"{root} holds another rehearsal (it differs in {differs}); delete it with its crops, "
            f"or {elsewhere}."
        )
    return True
