"""Any folder of labelled pictures, real ones and fakes, as torchvision's ImageFolder has them.

Each picture gives one crop: of its main face (found "mtcnn"), or, where pictures are faces that are
cut already (found "cut"), of all of it; of one that isn't square, of its central square. What the
forgery touched isn't known. See `imagefolder` for the layout, `division` for the parts, and `leaks`
for what is told of both before anything is trained.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import leaks
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.detect import central_square, crop
from tcnsc_lib.faces.division import Divided, divide
from tcnsc_lib.faces.imagefolder import Labelled, Picture, labelled
from tcnsc_lib.faces.looks import look
from tcnsc_lib.faces.opening import open_image
from tcnsc_lib.faces.portraits import Portrait, Signature, find, signature_of
from tcnsc_lib.faces.source import (
    FaceSettings,
    LeftOut,
    Promise,
    Source,
    Trial,
    face_columns,
    tell_left_out,
)
from tcnsc_lib.faces.spelling import shown
from tcnsc_lib.faces.splits import random_split
from tcnsc_lib.faces.store import SPLITS, FaceSet
from tcnsc_lib.faces.trial_pictures import try_pictures
from tcnsc_lib.files import digest

NOT_SQUARE = "pictures that aren't square, of which the central square is taken"


class Pictures(Source):
    """A folder of labelled pictures. Those without a face and damaged files are in `missed`."""

    same_frame = ()  # no fake is known to be made of one of the real pictures
    ways_found = ("mtcnn", "cut")
    shows = "labelled pictures that were given"
    limits = (
        "it knows such pictures alone, and may know them by their files instead of their faces "
        "(`tcnsc audit`); of other forgeries and cameras p(fake) means little."
    )

    def faces(self, quality: str | None = None) -> FaceSet:
        """The crops in <out>/raw, after lines about what may mislead. Goes on where it was stopped.

        Raises CompanionError on another layout, on a quality of videos, or where a part is left
        without real pictures or without fakes.
        """
        if quality not in (None, "raw"):
            raise CompanionError(
                f"{self.root} holds pictures, no {quality} videos; choose quality raw."
            )
        content = labelled(self.root)
        signatures = [signature_of(picture.path) for picture in content.pictures]
        place = self.out / "raw"
        # A folder that can't be divided leaves nothing behind.
        found = None if place.exists() else self._divided(content, signatures)
        builder = Builder(place, self._determined_by(content, signatures))
        keys = [(picture.method, picture.name) for picture in content.pictures]
        if builder.complete(keys):
            return FaceSet(builder.root)
        tell_left_out(self.root, content.left_out)
        found = found or self._divided(content, signatures)
        self._tell(found)
        portraits = self._portraits(content.pictures, signatures)
        title = f"faces -> {os.path.relpath(builder.root)}"
        for i, picture in enumerate(tqdm(content.pictures, title)):
            if not builder.done(picture.method, picture.name):
                self._add(builder, found, i, portraits.get(picture.name))
        return builder.finish(keys)

    def examined(self) -> Divided:
        """All pictures, their parts, and what their files show; no face is looked for."""
        content = labelled(self.root)
        return self._divided(content, [signature_of(one.path) for one in content.pictures])

    def promised(self, quality: str | None = None) -> Promise | None:
        content = labelled(self.root)
        if not content.is_divided:
            return None
        promise: dict[str, set[int]] = {part: set() for part in SPLITS}
        for picture in content.pictures:
            promise[picture.split].add(picture.label)
        return promise

    def trial(self, folder: Path) -> Trial:
        content = labelled(self.root)
        names = [picture.name for picture in content.pictures]
        drawn = random_split(names, self.settings.seed)  # about so many; groups come later
        kinds = []
        for picture in content.pictures:
            kinds.append((picture.split or drawn[picture.name], picture.label))
        return try_pictures(content.pictures, kinds, self._tried, folder, self.settings.seed)

    def left_out(self, quality: str | None = None) -> list[LeftOut]:
        """What lies in the folder and isn't read, and why."""
        return labelled(self.root).left_out

    def forged_area(self, crops: FaceSet, rows: pd.DataFrame) -> np.ndarray:
        """Nowhere, bool (N, S, S): of labelled pictures it isn't known."""
        return np.zeros((len(rows), crops.size, crops.size), bool)

    # ------------------------------------------------------------ how they are cut

    @property
    def _is_cut(self) -> bool:
        return self.settings.found == "cut"

    def _divided(self, content: Labelled, signatures: Sequence[Signature | None]) -> Divided:
        looks = look(content.pictures, signatures, self.out / "looks")
        return divide(self.root, content, looks, self.settings.seed)

    def _determined_by(
        self, content: Labelled, signatures: Sequence[Signature | None]
    ) -> dict:
        """What is written beside the crops: whoever asks for others is refused."""
        who = []
        for one in content.pictures:
            who.append([one.name, one.method, one.label, one.split, one.person, one.source])
        return {
            "size": self.settings.size,
            "enlarge": self.settings.enlarge,
            "found": self.settings.found,
            "seed": self.settings.seed,
            "quality": "raw",
            "pictures": digest(who, signatures),
        }

    def _tell(self, found: Divided) -> None:
        """On standard error: what may mislead a detector, and which pictures aren't square."""
        told = leaks.lines(found)
        odd = not_square(found) if self._is_cut else []
        if odd:
            more = ", ..." if len(odd) > 1 else ""
            told.append(f"{NOT_SQUARE}: {len(odd)}, {shown(odd[0])}{more}")
        for line in told:
            print(f"tcnsc: {line}", file=sys.stderr)

    def _portraits(
        self, pictures: Sequence[Picture], signatures: Sequence[Signature | None]
    ) -> Mapping[str, Portrait]:
        return {} if self._is_cut else find(pictures, signatures, self.out / "boxes")

    def _add(self, builder: Builder, found: Divided, i: int, portrait: Portrait | None) -> None:
        """The crop of one picture, or why it gives none."""
        picture = found.pictures[i]
        place = {"video": picture.name, "method": picture.method, "split": found.splits[i]}
        about = {**place, "frame": 0}
        reason = found.looks[i].reason or (portrait.reason if portrait else "")
        if reason:
            builder.add(picture.method, picture.name, [], [], [{**about, "reason": reason}])
            return
        who = {"label": picture.label, "identity": found.identities[i], "source": picture.source}
        image = open_image(picture.path)
        doubtful = []
        if portrait is None:
            pixels, where = whole(image, self.settings)
        else:
            face = portrait.face
            pixels = crop(image, face.box, self.settings.size, self.settings.enlarge)
            where = face_columns(face.box, face.landmarks, face.probability, self.settings)
            if face.faces > 1:
                doubtful = [{**about, "faces": face.faces, "taken": "largest and central"}]
        row = {**about, **who, **where}
        builder.add(picture.method, picture.name, [row], [pixels], [], doubtful=doubtful)

    def _tried(self, pictures: Sequence[Picture], folder: Path) -> list[np.ndarray]:
        """The crops of those of some pictures that show a face; see `trial.try_pictures`."""
        signatures = [signature_of(picture.path) for picture in pictures]
        looks = look(pictures, signatures, folder / "looks")
        boxes = {} if self._is_cut else find(pictures, signatures, folder / "boxes")
        crops = []
        for picture, seen in zip(pictures, looks, strict=True):
            if seen.reason or (boxes and boxes[picture.name].reason):
                continue
            image = open_image(picture.path)
            if self._is_cut:
                crops.append(whole(image, self.settings)[0])
            else:
                box = boxes[picture.name].face.box
                crops.append(crop(image, box, self.settings.size, self.settings.enlarge))
        return crops


def whole(image: np.ndarray, settings: FaceSettings) -> tuple[np.ndarray, dict[str, float]]:
    """The central square of a picture, and where it lies, as columns of a manifest.

    uint8 (H, W, 3) -> uint8 (S, S, 3). Landmarks aren't known. The probability is 1: that it is a
    face is taken for granted.
    """
    box = central_square(image)
    where = {**dict(zip(("x0", "y0", "x1", "y1"), box, strict=True)), "probability": 1.0}
    return crop(image, box, settings.size, 1), where


def not_square(found: Divided) -> list[str]:
    """The files of pictures whose sides differ."""
    files = []
    for picture, seen in zip(found.pictures, found.looks, strict=True):
        if seen.height != seen.width:
            files.append(picture.file)
    return files
