"""Any folder of face photographs, one subfolder for each person: real and pseudo-fake crops.

    <root>/<person>/<anything>.jpg (.jpeg .png .webp)

Every photograph with a face gives a real crop and a fake one: its face replaced, by `forge.swap`,
with that of a similar face of another person of the same part. Both crops use the photograph's box,
and both start from the same decoded file, so format and history are the same. People, not
photographs, are divided 70/15/15.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import binary_fill_holes
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import donors, forge
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.detect import BATCH, FaceFinder, Faces, crop
from tcnsc_lib.faces.source import Source, face_columns
from tcnsc_lib.faces.splits import random_split
from tcnsc_lib.faces.store import SPLITS, FaceSet, open_image
from tcnsc_lib.files import digest, read_json, signature, write_json
from tcnsc_lib.machine import device

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
METHODS = ("original", "swap")


@dataclass(frozen=True)
class Photo:
    """A photograph of one person; `name` is unique in the folder."""

    path: Path
    person: str

    @property
    def name(self) -> str:
        return f"{self.person}/{self.path.stem}-{self.path.suffix[1:]}"


class Photographs(Source):
    """A folder of photographs.

    Those without a face and damaged files are listed in `missed`; since they could have been
    donors, mending one changes others, and takes deleting `out`.
    """

    def faces(self, quality: str = "raw") -> FaceSet:
        """Real and fake crops in <out>/raw. Goes on where it was stopped.

        Raises CompanionError on another layout, on a quality of videos, or if a part is left with
        fewer than two people.
        """
        if quality != "raw":
            raise CompanionError(
                f"{self.root} holds photographs, no {quality} videos; choose quality raw."
            )
        photos = photographs(self.root)
        builder = Builder(self.out / "raw", self._determined_by(photos))
        keys = [("original", photo.name) for photo in photos]
        keys += [("swap", photo.name) for photo in photos]
        if builder.complete(keys):
            return FaceSet(builder.root)
        people = sorted({photo.person for photo in photos})
        split = random_split(people, self.settings.seed)
        found = _find(photos, self.out / "boxes")
        donor = self._donors(photos, found, split)
        title = f"faces and swaps -> {os.path.relpath(builder.root)}"
        for photo in tqdm(photos, title):
            if not builder.done("swap", photo.name):
                self._add(builder, photo, donor.get(photo.name), split[photo.person], found)
        return builder.finish(keys)

    def forged_area(self, crops: FaceSet, rows: pd.DataFrame) -> np.ndarray:
        """Where both crops of a photograph differ, bool (N, S, S), without holes.

        They share their box. A difference is one grey level or more: about as far as a weight of a
        few percent reaches (`ffpp.TOUCHED`).
        """
        reals = crops.manifest[crops.manifest.label == 0]
        real = reals.set_index("video").file
        area = np.zeros((len(rows), crops.size, crops.size), bool)
        for i, row in enumerate(rows.itertuples()):
            if row.label == 1:
                differs = crops.load(row.file) != crops.load(real[row.video])
                area[i] = binary_fill_holes(differs.any(-1))
        return area

    def _determined_by(self, photos: list[Photo]) -> dict:
        """What is written beside the crops: whoever asks for others is refused."""
        sizes = [[photo.name, photo.path.stat().st_size] for photo in photos]
        return {
            "size": self.settings.size,
            "enlarge": self.settings.enlarge,
            "bottleneck": self.settings.bottleneck,
            "seed": self.settings.seed,
            "quality": "raw",
            "photographs": digest(sizes),
        }

    def _donors(
        self, photos: list[Photo], found: dict[str, dict], split: dict[str, str]
    ) -> dict[str, Photo]:
        """A photograph's name -> the photograph whose face it gets."""
        usable = [photo for photo in photos if "box" in found[photo.name]]
        self._check_people({photo.person for photo in usable}, split)
        descriptors = np.array([found[photo.name]["descriptor"] for photo in usable])
        people = [photo.person for photo in usable]
        parts = [split[person] for person in people]
        seed = self.settings.seed
        chosen = donors.choose_donors(descriptors, people, parts, seed=seed)
        return {photo.name: usable[i] for photo, i in zip(usable, chosen, strict=True)}

    def _check_people(self, people: set[str], split: dict[str, str]) -> None:
        parts = [split[person] for person in people]
        counts = {part: parts.count(part) for part in SPLITS}
        if min(counts.values()) < 2:
            raise CompanionError(
                f"{self.root} has faces of {counts} people in the three parts; each needs at least "
                "two, so bring photographs of more people (14 or more)."
            )

    def _add(
        self, builder: Builder, photo: Photo, donor: Photo | None, part: str, found: dict
    ) -> None:
        """Both crops of one photograph, the fake last since it vouches for the pair."""
        face = found[photo.name]
        about = {"video": photo.name, "split": part, "frame": 0}
        if donor is None:
            missed = {**about, "method": "original", "reason": face["reason"]}
            builder.add("original", photo.name, [], [], [missed])
            builder.add("swap", photo.name, [], [], [])
            return
        image = open_image(photo.path)
        fake = self._swap(image, face, donor, found)
        box = face["box"]
        where = face_columns(box, face["landmarks"], face["probability"], self.settings)
        about |= {"identity": photo.person, **where}
        sources = ("", donor.person)
        for label, picture in enumerate((image, fake)):
            method = METHODS[label]
            row = {**about, "label": label, "method": method, "source": sources[label]}
            cut = crop(picture, box, self.settings.size, self.settings.enlarge)
            builder.add(method, photo.name, [row], [cut], [])

    def _swap(self, image: np.ndarray, face: dict, donor: Photo, found: dict) -> np.ndarray:
        """The photograph with the donor's face, uint8 (H, W, 3)."""
        points = np.array(face["landmarks"])
        theirs = np.array(found[donor.name]["landmarks"])
        picture = open_image(donor.path)
        fake, _ = forge.swap(image, points, picture, theirs, self.settings.bottleneck)
        return fake


def photographs(root: Path) -> list[Photo]:
    """All photographs under <root>/<person>/, sorted. Raises CompanionError on another layout."""
    root = Path(root)
    if not root.is_dir():
        raise CompanionError(
            f"There is no folder {root}; put photographs there, one subfolder for each person, "
            "see data/README.md."
        )
    files = [path for path in sorted(root.glob("*/*")) if path.suffix.lower() in SUFFIXES]
    if not files:
        raise CompanionError(
            f"{root} holds no photographs in subfolders; one subfolder for each person is needed."
        )
    return [Photo(path, path.parent.name) for path in files]


def _find(photos: list[Photo], folder: Path) -> dict[str, dict]:
    """Box, landmarks and descriptor of every photograph's main face, or why there is none.

    They are kept in `folder` and found anew for a file that has changed.
    """
    finder = FaceFinder(device())
    for i in tqdm(range(0, len(photos), BATCH), f"MTCNN -> {os.path.relpath(folder)}"):
        opened = list(_opened(photos[i : i + BATCH], folder))
        for _, same_size in groupby(opened, key=lambda item: item[1].shape):
            group = list(same_size)
            faces = finder(np.stack([image for _, image in group]))
            for row, (photo, image) in enumerate(group):
                _note(folder, photo, _about(faces, row, image))
    return {photo.name: read_json(folder / f"{photo.name}.json") for photo in photos}


def _opened(photos: list[Photo], folder: Path) -> Iterator[tuple[Photo, np.ndarray]]:
    """Those whose face isn't known yet, with their pixels; of a damaged one, the reason is kept."""
    for photo in photos:
        about = folder / f"{photo.name}.json"
        if about.exists() and read_json(about)["signature"] == signature(photo.path):
            continue
        try:
            yield photo, open_image(photo.path)
        except CompanionError as error:
            _note(folder, photo, {"reason": str(error)})


def _note(folder: Path, photo: Photo, about: dict) -> None:
    write_json(folder / f"{photo.name}.json", {"signature": signature(photo.path), **about})


def _about(faces: Faces, row: int, image: np.ndarray) -> dict:
    if np.isnan(faces.probabilities[row]):
        return {"reason": "no face"}
    box = faces.boxes[row]
    points = faces.landmarks[row]
    descriptor = donors.descriptor(image, points)
    return {
        "box": box.round(2).tolist(),
        "probability": round(float(faces.probabilities[row]), 5),
        "landmarks": points.round(2).tolist(),
        "descriptor": descriptor.round(4).tolist(),
    }
