"""A few videos or photographs searched and cut: what that tells of all of them.

So a reader knows what hours and gigabytes lie ahead. Nothing is kept. Seconds are those of
`machine.clock`; waiting for a disk isn't among them.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from PIL import Image

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.album import Photo
from tcnsc_lib.faces.clips import Video
from tcnsc_lib.faces.detect import FaceFinder, crop
from tcnsc_lib.faces.follow import SPAN, is_close, looked
from tcnsc_lib.faces.portraits import Face, find, signature_of
from tcnsc_lib.faces.source import FaceSettings, Trial
from tcnsc_lib.faces.store import SPLITS
from tcnsc_lib.faces.video import Film, Turn, about, frames_of, sample_indices
from tcnsc_lib.machine import clock, device

LOOKED = 12  # videos whose length is read
TRIED = 3  # of them, searched and cut
HEAD = 48  # frames at a video's beginning that are decoded, where faces aren't followed
SEARCHED = 4  # of these, looked at by MTCNN
PHOTOGRAPHS = 6  # searched and cut

Kind = tuple[str, int, Turn]  # a video's part, label and turn
Cut = Callable[[Photo, Face, Photo, Face], list[np.ndarray]]
Result = TypeVar("Result")


@dataclass
class Seen:
    """Seconds and more, one number for each thing that was done.

    decode: of a whole video. again: how often it is decoded until its faces are found, its masks
    among them. find: of a frame, or of a photograph. cut: of a crop. files: bytes.
    """

    decode: list[float] = field(default_factory=list)
    again: list[int] = field(default_factory=list)
    find: list[float] = field(default_factory=list)
    cut: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    crops: list[np.ndarray] = field(default_factory=list)

    def add_crop(self, pixels: np.ndarray) -> None:
        """Keep a crop, and what its file takes."""
        data, seconds = timed(partial(png_of, pixels))
        self.cut.append(seconds)
        self.files.append(len(data))
        self.crops.append(pixels)


def timed(function: Callable[[], Result]) -> tuple[Result, float]:
    """What a function returns, and in how many seconds."""
    begun = clock()
    result = function()
    return result, clock() - begun


def png_of(pixels: np.ndarray) -> bytes:
    """A crop's file, as `builder.Builder` writes it."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", compress_level=1)
    return buffer.getvalue()


def counted(kinds: Iterable[tuple[str, int]]) -> pd.DataFrame:
    """How many there are of each (part, label): a row for each part, columns real and fake."""
    counts = Counter(kinds)
    table = {}
    for label, name in enumerate(("real", "fake")):
        table[name] = [counts[part, label] for part in SPLITS]
    return pd.DataFrame(table, index=list(SPLITS))


# ---------------------------------------------------------------- videos


def try_videos(clips: Sequence[Video], kinds: Sequence[Kind], settings: FaceSettings) -> Trial:
    """Look at the lengths of a few clips, and search and cut a few frames of some of these.

    kinds: of all videos that are meant, a row each. Raises CompanionError where none of those tried
    decodes, or none shows a face.
    """
    films = _films(clips, settings.seed)
    tried = spread(list(films), TRIED)
    seen = _tried(tried, films, settings)
    which = ", ".join(f"{clip.method}/{clip.path.name}" for clip in tried)
    share = share_of(seen, f"frames of {which}")
    frames = _frames(kinds, [film.frames for film in films.values()], settings.frames)
    searched = len(kinds) * np.mean(np.multiply(seen.decode, seen.again))
    decoded = len(kinds) * np.mean(seen.decode)
    crops = share * frames.to_numpy().sum()
    return Trial(
        unit="videos",
        items=counted(kind[:2] for kind in kinds),
        pictures=frames,
        share=share,
        search=searched + frames.to_numpy().sum() * np.mean(seen.find),
        cut=decoded + crops * np.mean(seen.cut),
        file=float(np.mean(seen.files)),
        sample=np.stack(seen.crops),
        measured_on=f"{len(films)} videos opened, {len(seen.decode)} of them decoded and searched "
        f"({which}), {len(seen.find)} frames, a face in {len(seen.crops)}",
    )


def spread(things: Sequence[Result], count: int) -> list[Result]:
    """So many of them, evenly, the first and the last among them; all where there are fewer."""
    places = np.linspace(0, len(things) - 1, min(count, len(things)))
    return [things[int(place)] for place in places]


def share_of(seen: Seen, where: str) -> float:
    """Of the pictures tried, those with a face; CompanionError where there is none."""
    if not seen.crops:
        raise CompanionError(
            f"No face was found in {len(seen.find)} {where}; look at those, and choose videos or "
            "photographs with clear faces."
        )
    return len(seen.crops) / len(seen.find)


def _films(clips: Sequence[Video], seed: int) -> dict[Video, Film]:
    """A few videos, drawn with a seed, that can be read, in the order of `clips`.

    Raises CompanionError where none of so many can.
    """
    order = np.random.default_rng(seed).permutation(len(clips))[:LOOKED]
    films = {}
    refused = []
    for i in sorted(order):
        try:
            films[clips[i]] = about(clips[i].origin)
        except CompanionError as error:
            refused.append(error)
    if not films:
        raise refused[0]
    return films


def _tried(clips: Sequence[Video], films: dict[Video, Film], settings: FaceSettings) -> Seen:
    """What those of a few videos give that decode; CompanionError where none does."""
    finder = FaceFinder(device())
    seen = Seen()
    refused = []
    for clip in clips:
        try:
            _try(clip, films[clip], finder, settings, seen)
        except CompanionError as error:
            refused.append(error)
    if not seen.decode:
        raise refused[0]
    return seen


def _try(
    clip: Video, film: Film, finder: FaceFinder, settings: FaceSettings, seen: Seen
) -> None:
    """Decode a video's beginning; search some of its sampled frames, and cut them."""
    numbers = sample_indices(film.frames, settings.frames, clip.turn)
    close = is_close(film, numbers)
    head = numbers[: SPAN + 1] if close else numbers[numbers <= max(HEAD, numbers[0])]
    decoded, seconds = timed(lambda: list(frames_of(clip.origin, head)))
    seen.decode.append(seconds / (head[-1] + 1) * film.frames)
    seen.again.append(1 + len(clip.masks))
    some = decoded if close else spread(decoded, SEARCHED)
    frames = [frame for _, frame in some]
    if not seen.find:  # the first call takes longer than the others
        list(looked(frames, film, numbers, finder))
    found, seconds = timed(lambda: list(looked(frames, film, numbers, finder)))
    seen.find += [seconds / len(frames)] * len(frames)
    for frame, faces in zip(frames, found, strict=True):
        if len(faces):
            cut = partial(crop, frame, faces.boxes[0], settings.size, settings.enlarge)
            pixels, seconds = timed(cut)
            seen.add_crop(pixels)
            seen.cut[-1] += seconds


def _frames(kinds: Sequence[Kind], lengths: Sequence[int], count: int) -> pd.DataFrame:
    """How many frames are sampled, as `counted`, if all videos are as long as some of them.

    lengths: of these, frames. count: asked for of each video.
    """
    means = {}
    for turn in {kind[2] for kind in kinds}:
        means[turn] = np.mean([len(sample_indices(each, count, turn)) for each in lengths])
    frames = counted([]).astype(float)
    for part, label, turn in kinds:
        frames.loc[part, "fake" if label else "real"] += means[turn]
    return frames.round().astype(int)


# ---------------------------------------------------------------- photographs


def try_photographs(
    photos: Sequence[Photo], parts: Mapping[str, str], cut: Cut, folder: Path, seed: int
) -> Trial:
    """Search a few photographs, and swap and cut their faces among themselves.

    parts: person -> part. cut: gives a photograph's two crops, of its face and of another's in its
    place. folder: where what `portraits.find` writes goes. Raises CompanionError where none of them
    shows a face.
    """
    order = np.random.default_rng(seed).permutation(len(photos))[:PHOTOGRAPHS]
    some = [photos[i] for i in sorted(order)]
    signatures = [signature_of(photo.path) for photo in some]
    find(some[:1], signatures[:1], folder)  # the first call takes longer than the others
    found, seconds = timed(partial(find, some, signatures, folder))
    faces = {photo: found[photo.name].face for photo in some}
    usable = [photo for photo in some if faces[photo] is not None]
    seen = Seen(find=[seconds / len(some)] * len(some))
    for photo, donor in zip(usable, usable[1:] + usable[:1], strict=True):
        both, seconds = timed(partial(cut, photo, faces[photo], donor, faces[donor]))
        for pixels in both:
            seen.add_crop(pixels)
            seen.cut[-1] += seconds / 2
    share = share_of(seen, "photographs that were tried") / 2
    of_part = [parts[photo.person] for photo in photos]
    items = counted(product(of_part, (0, 1)))
    return Trial(
        unit="photographs",
        items=items,
        pictures=items,
        share=share,
        search=len(photos) * np.mean(seen.find),
        cut=2 * len(photos) * share * np.mean(seen.cut),
        file=float(np.mean(seen.files)),
        sample=np.stack(seen.crops),
        measured_on=f"{len(some)} photographs searched, a face in {len(usable)}; "
        f"{len(seen.crops)} crops cut",
    )
