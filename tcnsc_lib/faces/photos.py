"""Any folder of face photographs, one subfolder for each person: real and pseudo-fake crops.

    <root>/<person>/<anything>.jpg (.jpeg .png .webp)

Every photograph with a face gives a real crop and a fake one: its face replaced, by `forge.swap`,
with that of a similar face of another person of the same part. Both crops use the photograph's box,
both start from the same decoded file, and the real one's face is `forge.resampled` under the same
mask at its own resolution, so format and history are the same. A monochrome
photograph's fake has its tones, and such a one lends no face to photographs in colour. People, not
photographs, are divided 70/15/15; people who share a picture stay together.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import binary_fill_holes
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import donors, forge
from tcnsc_lib.faces.album import (
    Album,
    Photo,
    album,
    same_pictures,
    tell_same,
    tell_spellings,
    together,
    told,
)
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.detect import crop, square
from tcnsc_lib.faces.opening import open_image
from tcnsc_lib.faces.portraits import Face, Portrait, Signature, find, signature_of
from tcnsc_lib.faces.source import LeftOut, Source, Trial, face_columns, tell_left_out
from tcnsc_lib.faces.splits import random_split
from tcnsc_lib.faces.store import SPLITS, FaceSet
from tcnsc_lib.faces.trial import try_photographs
from tcnsc_lib.files import digest

NO_DONOR = "in colour, and its part has no face in colour of another person to lend it"
MOST = 4  # times a crop's side; squares around faces are shrunk to between this and its double
METHODS = ("original", "swap")


@dataclass(frozen=True)
class Chosen:
    """split: person -> part. donors: a photograph's name -> the photograph whose face it gets."""

    split: dict[str, str]
    donors: dict[str, Photo]


class Photographs(Source):
    """A folder of photographs.

    Those without a face and damaged files are listed in `missed`; since they could have been
    donors, mending one changes others, and takes deleting `out`.
    """

    shows = "photographs with swaps made here"
    limits = (
        "it knows such swaps alone; p(fake) is no chance that a picture is forged, and of other "
        "forgeries it means little."
    )

    def faces(self, quality: str | None = None) -> FaceSet:
        """Real and fake crops in <out>/raw. Goes on where it was stopped.

        Raises CompanionError on another layout, on a quality of videos, or if a part is left with
        fewer than two people.
        """
        if quality not in (None, "raw"):
            raise CompanionError(
                f"{self.root} holds photographs, no {quality} videos; choose quality raw."
            )
        content = album(self.root)
        photos = content.photos
        signatures = [signature_of(photo.path) for photo in photos]
        builder = Builder(self.out / "raw", self._determined_by(photos, signatures))
        keys = [("original", photo.name) for photo in photos]
        keys += [("swap", photo.name) for photo in photos]
        if builder.complete(keys):
            return FaceSet(builder.root)
        tell_left_out(self.root, content.left_out)
        tell_spellings(content)
        found = find(photos, signatures, self.out / "boxes")
        chosen = self._choose(content, found)
        title = f"faces and swaps -> {os.path.relpath(builder.root)}"
        for photo in tqdm(photos, title):
            if not all(builder.done(method, photo.name) for method in METHODS):
                self._add(builder, photo, found, chosen)
        return builder.finish(keys)

    def trial(self, folder: Path) -> Trial:
        content = album(self.root)
        people = {photo.person for photo in content.photos}
        parts = random_split(sorted(people), self.settings.seed)
        self._check_people(people, parts, content)
        return try_photographs(content.photos, parts, self._crops, folder, self.settings.seed)

    def left_out(self, quality: str | None = None) -> list[LeftOut]:
        """What lies in the folder and isn't read, and why."""
        return album(self.root).left_out

    def forged_area(self, crops: FaceSet, rows: pd.DataFrame) -> np.ndarray:
        """Where both crops of a photograph differ, bool (N, S, S), without holes.

        They share their box. A difference is one grey level or more: about as far as a weight of a
        few percent reaches (`forgery.TOUCHED`).
        """
        reals = crops.manifest[crops.manifest.label == 0]
        real = reals.set_index("video").file
        area = np.zeros((len(rows), crops.size, crops.size), bool)
        for i, row in enumerate(rows.itertuples()):
            if row.label == 1:
                differs = crops.load(row.file) != crops.load(real[row.video])
                area[i] = binary_fill_holes(differs.any(-1))
        return area

    def _determined_by(
        self, photos: Sequence[Photo], signatures: Sequence[Signature | None]
    ) -> dict:
        """What is written beside the crops: whoever asks for others is refused."""
        who = [[photo.name, photo.person] for photo in photos]
        return {
            "size": self.settings.size,
            "enlarge": self.settings.enlarge,
            "bottleneck": self.settings.bottleneck,
            "forger": forge.RECIPE,
            "seed": self.settings.seed,
            "quality": "raw",
            "photographs": digest(who, signatures),
        }

    def _choose(self, content: Album, found: Mapping[str, Portrait]) -> Chosen:
        """Every photograph's part, and whose face it gets."""
        usable = [photo for photo in content.photos if found[photo.name].face is not None]
        faces = [found[photo.name].face for photo in usable]
        pixels = {photo.name: face.pixels for photo, face in zip(usable, faces, strict=True)}
        groups = same_pictures(usable, pixels)
        tell_same(groups)
        tied = together({photo.person for photo in content.photos}, groups)
        parts = random_split(sorted(set(tied.values())), self.settings.seed)
        split = {person: parts[first] for person, first in tied.items()}
        people = [tied[photo.person] for photo in usable]
        self._check_people(set(people), parts, content)
        indices = donors.choose_donors(
            np.array([face.descriptor for face in faces]),
            people,
            [parts[person] for person in people],
            seed=self.settings.seed,
            monochrome=[face.monochrome for face in faces],
        )
        drawn = zip(usable, indices, strict=True)
        return Chosen(split, {photo.name: usable[i] for photo, i in drawn if i >= 0})

    def _check_people(self, people: set[str], split: dict[str, str], content: Album) -> None:
        parts = [split[person] for person in people]
        counts = {part: parts.count(part) for part in SPLITS}
        if min(counts.values()) < 2:
            raise CompanionError(
                f"{self.root} has faces of {counts} people in the three parts; each needs at least "
                "two, so bring photographs of more people (14 or more)"
                f"{told(content.left_out)}."
            )

    def _add(
        self, builder: Builder, photo: Photo, found: Mapping[str, Portrait], chosen: Chosen
    ) -> None:
        """Both crops of one photograph, or why it gives none."""
        portrait = found[photo.name]
        donor = chosen.donors.get(photo.name)
        about = {"video": photo.name, "split": chosen.split[photo.person], "frame": 0}
        if donor is None:
            reason = portrait.reason or NO_DONOR
            missed = {**about, "method": "original", "reason": reason}
            builder.add("original", photo.name, [], [], [missed])
            builder.add("swap", photo.name, [], [], [])
            return
        face = portrait.face
        where = face_columns(face.box, face.landmarks, face.probability, self.settings)
        row = {**about, "identity": photo.person, **where}
        real, fake = self._crops(photo, face, donor, found[donor.name].face)
        original = {**row, "label": 0, "method": "original", "source": ""}
        swapped = {**row, "label": 1, "method": "swap", "source": donor.person}
        doubtful = _doubtful(about, face)
        builder.add("original", photo.name, [original], [real], [], doubtful=doubtful)
        builder.add("swap", photo.name, [swapped], [fake], [])

    def _crops(self, photo: Photo, face: Face, donor: Photo, theirs: Face) -> list[np.ndarray]:
        """The face, and the same with the donor's face in it: uint8 (S, S, 3) each."""
        size = self.settings.size
        enlarge = self.settings.enlarge
        factor = max(1, square(face.box, enlarge)[2] // (MOST * size))
        image, box, points = forge.shrunk(
            open_image(photo.path), face.box, np.array(face.landmarks), factor
        )
        lent = open_image(donor.path)
        lent_points = np.array(theirs.landmarks)
        fake, mask = forge.swap(image, points, lent, lent_points, self.settings.square)
        real = forge.resampled(image, points, mask)
        if face.monochrome:
            fake = forge.in_tones_of(image, fake, mask)
        return [crop(picture, box, size, enlarge) for picture in (real, fake)]


def _doubtful(about: dict, face: Face) -> list[dict]:
    """A row where a photograph shows several faces."""
    if face.faces < 2:
        return []
    return [{**about, "method": "original", "faces": face.faces, "taken": "largest and central"}]
