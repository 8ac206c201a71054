"""The faces in files that somebody gives: pictures, videos, and folders of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.album import files_below
from tcnsc_lib.faces.detect import Candidates, FaceFinder, central_square, crop
from tcnsc_lib.faces.opening import opened
from tcnsc_lib.faces.tracks import Track, link
from tcnsc_lib.faces.video import EndsEarly, about, frames_of, sample_indices

PICTURES = (
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".jp2", ".avif",
    ".heic", ".heif",
)  # fmt: skip
VIDEOS = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".3gp")
FRAMES = 8  # of a video, evenly


@dataclass(frozen=True)
class Cut:
    """How faces are cut: pixels of a crop's side; how large the square is, in MTCNN's boxes.

    found: "mtcnn", or "cut" where pictures are faces already, taken whole.
    """

    size: int
    enlarge: float
    found: str = "mtcnn"


@dataclass(frozen=True)
class Found:
    """One face.

    frame: its number in a video, None in a picture. face: counts from 1; in a picture the first is
    the largest and most central one, in a video it numbers people over all frames. box: x0 y0 x1 y1
    in pixels. probability: that it is a face, as MTCNN says. crop: uint8 (S, S, 3).
    """

    file: Path
    frame: int | None
    face: int
    box: np.ndarray
    probability: float
    crop: np.ndarray


@dataclass(frozen=True)
class Looked:
    """What a file shows. what: in words, as "picture, 512 x 512 px as displayed"."""

    what: str
    faces: list[Found]


def is_video(path: Path) -> bool:
    """By its name."""
    return path.suffix.lower() in VIDEOS


def files_in(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The pictures and videos among these paths and in these folders; and what isn't read.

    A file that is named is taken whatever its name; of a folder, subfolders included, what has the
    suffix of a picture or a video. Each once, in the order given; hidden files are passed over.
    Raises CompanionError where nothing is left.
    """
    taken: list[Path] = []
    left: list[Path] = []
    for path in paths:
        if not path.is_dir():
            taken.append(path)
            continue
        for file in files_below(path):
            known = file.suffix.lower() in (*PICTURES, *VIDEOS)
            (taken if known else left).append(file)
    if not taken:
        names = ", ".join(map(str, paths))
        raise CompanionError(f"There is no picture and no video in {names}; name another folder.")
    return list(dict.fromkeys(taken)), left


def look(path: Path, finder: FaceFinder, cut: Cut, frames: int = FRAMES) -> Looked:
    """Every face in a picture, or in `frames` frames of a video.

    Raises CompanionError where the file can't be read, or shows no face.
    """
    looked = _video(path, finder, cut, frames) if is_video(path) else _picture(path, finder, cut)
    if not looked.faces:
        where = "any frame looked at" if is_video(path) else "it"
        raise CompanionError(
            f"No face was found in {path}; give a file with a clear face (nothing of 20 px or more "
            f"in {where} looks like one)."
        )
    return looked


def _picture(path: Path, finder: FaceFinder, cut: Cut) -> Looked:
    image, remark = opened(path)
    if cut.found == "cut":
        box = central_square(image)
        whole = Found(path, None, 1, np.array(box, float), 1.0, crop(image, box, cut.size, 1))
        return Looked("picture, taken whole, as this run's training did", [whole])
    height, width = image.shape[:2]
    what = f"picture, {width} x {height} px as displayed"
    what += f", {remark}" if remark else ""
    return Looked(what, faces_in(image, path, finder, cut))


def faces_in(image: np.ndarray, path: Path, finder: FaceFinder, cut: Cut) -> list[Found]:
    """All that MTCNN finds in a picture, uint8 (H, W, 3), that comes from a file."""
    [candidates] = finder.all(image[None])
    found = []
    for i, box in enumerate(candidates.boxes):
        square = crop(image, box, cut.size, cut.enlarge)
        found.append(Found(path, None, i + 1, box, float(candidates.probabilities[i]), square))
    return found


def _video(path: Path, finder: FaceFinder, cut: Cut, frames: int) -> Looked:
    """Frames are held one at a time; of each, its crops are kept until all faces are linked."""
    if cut.found == "cut":
        raise CompanionError(
            f"{path} is a video, and this run was trained on pictures that are faces already; give "
            "such pictures."
        )
    film = about(path)
    try:
        seen = list(_each(path, sample_indices(film.frames, frames), finder, cut))
    except EndsEarly as error:  # the container promised more frames than it holds
        if not error.total:
            raise
        seen = list(_each(path, sample_indices(error.total, frames), finder, cut))
    people = _by_weight([candidates for _, candidates, _ in seen])
    found = []
    for person, track in enumerate(people, 1):
        for t, i in track.places.items():
            number, candidates, crops = seen[t]
            chance = float(candidates.probabilities[i])
            found.append(Found(path, number, person, candidates.boxes[i], chance, crops[i]))
    what = (
        f"video, {film.width} x {film.height} px as displayed, {len(seen)} of {film.frames} frames"
    )
    return Looked(what, found)


def _each(
    path: Path, numbers: np.ndarray, finder: FaceFinder, cut: Cut
) -> Iterator[tuple[int, Candidates, list[np.ndarray]]]:
    """A frame's number, its faces, and their crops."""
    for number, image in frames_of(path, numbers):
        [candidates] = finder.all(image[None])
        crops = [crop(image, box, cut.size, cut.enlarge) for box in candidates.boxes]
        yield number, candidates, crops


def _by_weight(candidates: list[Candidates]) -> list[Track]:
    """The people of a video, the largest and most central over all its frames first."""

    def weight(track: Track) -> float:
        return sum(float(candidates[t].weights[i]) for t, i in track.places.items())

    return sorted(link(candidates), key=weight, reverse=True)
