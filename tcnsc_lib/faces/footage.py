"""One video that is to be cut: its file, whose it is, and where its boxes are found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tcnsc_lib.faces.layout import QUALITIES, SUFFIX
from tcnsc_lib.faces.video import EVERY, Turn


@dataclass(frozen=True)
class Video:
    """One video: method "original" (label 0) or a manipulation (label 1).

    name: of the target, as 000, or of target and source, as 000_003. split: train, val or test.
    masks: videos of where the forgery is: a fake's own, or those of all fakes of a real one. turn:
    which of the sampled frames are taken (`video.sample_indices`).
    """

    path: Path
    name: str
    method: str
    split: str
    masks: tuple[Path, ...] = ()
    turn: Turn = EVERY

    @property
    def label(self) -> int:
        return int(self.method != "original")

    @property
    def identity(self) -> str:
        return self.name.split("_")[0]

    @property
    def source(self) -> str:
        return self.name.split("_")[1] if self.label else ""

    @cached_property
    def origin(self) -> Path:
        """The file in which its boxes are found: the best quality of this video that is there."""
        folder = self.path.parents[2] if len(self.path.parents) > 2 else self.path.parent
        if self.path.parents[1].name not in QUALITIES:
            return self.path
        for quality in QUALITIES:
            path = _same_video(folder / quality / self.path.parent.name, self.path)
            if path is not None:
                return path
        return self.path

    @property
    def columns(self) -> dict[str, str]:
        """What a manifest's rows and the missed ones say alike."""
        return {"video": self.name, "method": self.method, "split": self.split}


def _same_video(place: Path, path: Path) -> Path | None:
    """The file in a folder with the name of this one; its suffix may have other letters."""
    plain = place / f"{path.stem}{SUFFIX}"
    if os.path.isfile(plain):
        return plain
    others = sorted(place.glob(f"{path.stem}.*"))
    videos = [other for other in others if other.suffix.lower() == SUFFIX and other.is_file()]
    return videos[0] if videos else None
