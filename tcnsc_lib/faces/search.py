"""Looking for the face of a video: every face of its sampled frames, then one track of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from pydantic import ValidationError
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.boxes import Boxes, Signature, Thumbnail, thumbnail, thumbnails_of
from tcnsc_lib.faces.detect import Candidates, FaceFinder
from tcnsc_lib.faces.follow import looked
from tcnsc_lib.faces.forgery import Forgery
from tcnsc_lib.faces.tracks import Choice, choose
from tcnsc_lib.faces.video import EndsEarly, Film, Turn, about, frames_of, sample_indices


class Searched(Protocol):
    """What must be known of a video: see `clips.Video`."""

    origin: Path
    masks: tuple[Path, ...]
    label: int
    turn: Turn


def found_now(
    clip: Searched,
    count: int,
    found_in: str,
    of: Sequence[Signature],
    finder: FaceFinder,
) -> Boxes:
    """The boxes of `count` frames of a video, those of its turn, looked for in `clip.origin`.

    found_in, of: see `boxes.known`. Raises CompanionError where the video doesn't decode, or its
    masks lie on no face.
    """
    film = about(clip.origin)
    try:
        numbers = sample_indices(film.frames, count, clip.turn)
        candidates, thumbnails = _look(clip.origin, film, numbers, finder)
    except EndsEarly as error:
        # The container promised more frames than it holds.
        if not error.total:
            raise
        film = replace(film, frames=error.total)
        numbers = sample_indices(film.frames, count, clip.turn)
        candidates, thumbnails = _look(clip.origin, film, numbers, finder)
    choices = _chosen(clip, film, numbers, candidates)
    found = {
        "count": count,
        "found_in": found_in,
        "signature": of[0],
        "masks": list(of[1:]),
        "height": film.height,
        "width": film.width,
        "total": film.frames,
        "rate": film.rate,
        "frames": numbers.tolist(),
        "faces": [choice.faces for choice in choices],
        "taken": [choice.taken for choice in choices],
        "thumbnails": [small.model_dump() for small in thumbnails],
        **_rounded(candidates, choices),
    }
    try:
        return Boxes.model_validate_json(json.dumps(found))
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise CompanionError(
            f"In {clip.origin} a face is found where none can be ({reason}); remove it."
        ) from error


def _look(
    path: Path, film: Film, numbers: np.ndarray, finder: FaceFinder
) -> tuple[list[Candidates], list[Thumbnail]]:
    """Every face of these frames, and thumbnails of some; only a few frames are held."""
    kept = thumbnails_of(numbers)
    thumbnails = []

    def frames() -> Iterator[np.ndarray]:
        for number, frame in frames_of(path, numbers):
            if number in kept:
                thumbnails.append(thumbnail(number, frame))
            yield frame
            del frame

    found = list(looked(frames(), film, numbers, finder))
    return found, thumbnails


def _chosen(
    clip: Searched, film: Film, numbers: np.ndarray, candidates: list[Candidates]
) -> list[Choice]:
    """One face a frame, by the masks where they are of use."""
    forgery = Forgery(film, numbers, may_be_shorter=not clip.label)
    for path in clip.masks:
        try:
            forgery.add(path)
        except CompanionError as error:
            _tell(f"{str(error).rstrip('.')}; the face of {clip.origin.name} is chosen without it.")
    shares = forgery.shares(candidates)
    choices = choose(candidates, shares)
    if choices and clip.masks and not shares:
        choices = [_without_mask(choice) for choice in choices]
    if choices is None:
        masks = ", ".join(map(str, clip.masks))
        raise CompanionError(
            f"In {clip.origin} no face is found where it is forged by {masks}; if that is its "
            "mask, remove the video, else the mask."
        )
    return choices


def _without_mask(choice: Choice) -> Choice:
    """The same choice; where it is doubtful, it says that there are masks, and that none helped."""
    if not choice.taken:
        return choice
    return replace(choice, taken=f"{choice.taken}, and its mask can't be used")


def _tell(sentence: str) -> None:
    tqdm.write(f"tcnsc: {sentence}", file=sys.stderr)


def _rounded(candidates: list[Candidates], choices: list[Choice]) -> dict[str, list]:
    """The faces chosen as JSON has them: a hundredth of a pixel, None where there is none."""
    boxes = []
    landmarks = []
    probabilities = []
    for faces, choice in zip(candidates, choices, strict=True):
        i = choice.index
        boxes.append(None if i is None else faces.boxes[i].round(2).tolist())
        landmarks.append(None if i is None else faces.landmarks[i].round(2).tolist())
        probabilities.append(None if i is None else round(float(faces.probabilities[i]), 5))
    return {"boxes": boxes, "landmarks": landmarks, "probabilities": probabilities}
