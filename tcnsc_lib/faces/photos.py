"""Any folder of face photographs, one subfolder for each person, as a source of real and pseudo-fake crops.

    <root>/<person>/<anything>.jpg (.jpeg .png .webp)

Every photograph with a face gives a real crop and a fake one: its face replaced, by `forge.swap`, with that of a
similar face of another person of the same part. Both crops use the photograph's box, and both start from the same
decoded file, so format and history are the same. People, not photographs, are divided 70/15/15.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import binary_fill_holes
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import forge
from tcnsc_lib.faces.detect import BATCH, FaceFinder, crop, to_crop
from tcnsc_lib.faces.ffpp import random_split
from tcnsc_lib.faces.store import LANDMARKS, SPLITS, Builder, FaceSet, open_image
from tcnsc_lib.files import digest, read_json, signature, write_json

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class Photo:
    """A photograph of one person; `name` is unique in the folder."""

    path: Path
    person: str

    @property
    def name(self) -> str:
        return f"{self.person}/{self.path.stem}-{self.path.suffix[1:]}"


def photographs(root: Path) -> list[Photo]:
    """All photographs under <root>/<person>/, sorted. Raises CompanionError on another layout."""
    root = Path(root)
    if not root.is_dir():
        raise CompanionError(f"There is no folder {root}; put photographs there, one subfolder for each person, "
                             "see data/README.md.")
    found = [Photo(path, path.parent.name) for path in sorted(root.glob("*/*")) if path.suffix.lower() in SUFFIXES]
    if not found:
        raise CompanionError(f"{root} holds no photographs in subfolders; one subfolder for each person is needed.")
    return found


def extract(root: Path, out: Path, *, size: int, enlarge: float, bottleneck: int, seed: int = 0,
            device: str = "cpu") -> FaceSet:
    """Real and fake crops of a folder of photographs in <out>/raw, a FaceSet. Goes on where it was stopped.

    size: pixels of a crop. enlarge: of MTCNN's box. bottleneck: of the swap, pixels. seed: of split and donors.
    Photographs without a face and damaged files are listed in `missed`; since they could have been donors, mending one
    changes others, and takes deleting `out`. Raises CompanionError if a part is left with fewer than two people.
    """
    out, photos = Path(out), photographs(root)
    settings = {"size": size, "enlarge": enlarge, "bottleneck": bottleneck, "seed": seed, "quality": "raw",
                "photographs": digest([[photo.name, photo.path.stat().st_size] for photo in photos])}
    builder = Builder(out / "raw", settings)
    keys = [(method, photo.name) for method in ("original", "swap") for photo in photos]
    if builder.complete(keys):
        return FaceSet(builder.root)
    split = random_split(sorted({photo.person for photo in photos}), seed)
    found = _find(photos, out / "boxes", device)
    usable = [photo for photo in photos if "box" in found[photo.name]]
    people = {part: len({photo.person for photo in usable if split[photo.person] == part}) for part in SPLITS}
    if min(people.values()) < 2:
        raise CompanionError(f"{root} has faces of {people} people in the three parts; each needs at least two, so bring "
                             "photographs of more people (14 or more).")
    donors = forge.choose_donors(np.array([found[photo.name]["descriptor"] for photo in usable]),
                                 [photo.person for photo in usable], [split[photo.person] for photo in usable], seed=seed)
    donor = {photo.name: usable[i] for photo, i in zip(usable, donors, strict=True)}
    for photo in tqdm(photos, desc=f"faces and swaps -> {os.path.relpath(builder.root)}"):
        if not builder.done("swap", photo.name):
            _add(builder, photo, donor.get(photo.name), split[photo.person], found, size, enlarge, bottleneck)
    return builder.finish(keys)


def forged_area(faces: FaceSet, rows: pd.DataFrame) -> np.ndarray:
    """The pixels that the forgery touched: rows of the manifest -> bool (N, S, S), nowhere in real crops.

    Both crops of a photograph share their box, so these are the pixels in which they differ, by one grey level or more,
    without holes: about as far as a weight of a few percent reaches (`ffpp.TOUCHED`).
    """
    real = faces.manifest[faces.manifest.label == 0].set_index("video").file
    area = np.zeros((len(rows), faces.size, faces.size), bool)
    for i, row in enumerate(rows.itertuples()):
        if row.label == 1:
            area[i] = binary_fill_holes((faces.load(row.file) != faces.load(real[row.video])).any(-1))
    return area


def _find(photos: list[Photo], folder: Path, device: str) -> dict[str, dict]:
    """Box, landmarks and descriptor of every photograph's main face, or the reason why there is none."""
    finder = FaceFinder(device)
    for i in tqdm(range(0, len(photos), BATCH), desc=f"MTCNN -> {os.path.relpath(folder)}"):
        todo = []
        for photo in photos[i : i + BATCH]:
            about = folder / f"{photo.name}.json"
            if not about.exists() or read_json(about)["signature"] != signature(photo.path):
                try:
                    todo.append((photo, open_image(photo.path)))
                except CompanionError as error:
                    write_json(about, {"signature": signature(photo.path), "reason": str(error)})
        for _, group in groupby(todo, key=lambda item: item[1].shape):
            group = list(group)
            faces = finder(np.stack([image for _, image in group]))
            for row, (photo, image) in enumerate(group):
                write_json(folder / f"{photo.name}.json",
                           {"signature": signature(photo.path), **_about(faces, row, image)})
    return {photo.name: read_json(folder / f"{photo.name}.json") for photo in photos}


def _about(faces, row: int, image: np.ndarray) -> dict:
    if np.isnan(faces.probabilities[row]):
        return {"reason": "no face"}
    return {"box": faces.boxes[row].round(2).tolist(), "probability": round(float(faces.probabilities[row]), 5),
            "landmarks": faces.landmarks[row].round(2).tolist(),
            "descriptor": forge.descriptor(image, faces.landmarks[row]).round(4).tolist()}


def _add(builder: Builder, photo: Photo, donor: Photo | None, part: str, found: dict, size: int, enlarge: float,
         bottleneck: int) -> None:
    """Both crops of one photograph, the fake last since it vouches for the pair."""
    face, about = found[photo.name], {"video": photo.name, "split": part, "identity": photo.person, "frame": 0}
    if donor is None:
        missed = {"video": photo.name, "method": "original", "split": part, "frame": 0, "reason": face["reason"]}
        builder.add("original", photo.name, [], [], [missed])
        return builder.add("swap", photo.name, [], [], [])
    image = open_image(photo.path)
    fake, _ = forge.swap(image, np.array(face["landmarks"]), open_image(donor.path),
                         np.array(found[donor.name]["landmarks"]), bottleneck)
    about |= {"probability": face["probability"], **dict(zip(("x0", "y0", "x1", "y1"), face["box"], strict=True)),
              **dict(zip(LANDMARKS, to_crop(face["landmarks"], face["box"], size, enlarge).ravel().round(2), strict=True))}
    for method, picture, label, source in (("original", image, 0, ""), ("swap", fake, 1, donor.person)):
        row = {**about, "label": label, "method": method, "source": source}
        builder.add(method, photo.name, [row], [crop(picture, face["box"], size, enlarge)], [])
