"""How fast are faces found in the frames of a video, and are the boxes MTCNN's own?

    .venv/bin/python benchmarks/extraction.py [folder of GRID's .mpg clips] [frames a clip]

facenet-pytorch's `MTCNN(keep_all=True).detect` is called frame by frame with its defaults. Beside
it stand whole looks in batches (`FaceFinder.all`) and followed faces (`follow.looked`), on the same
frames with as many threads. Seconds are those of this process's cores, so other work on the machine
counts little. The wall's seconds stand in brackets. Decoding isn't measured. Clips of the GRID
corpus (Cooke et al. 2006) have 360 x 288 pixels; without a folder they are left out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from facenet_pytorch import MTCNN
from PIL import Image

from tcnsc_lib.faces.detect import Candidates, FaceFinder
from tcnsc_lib.faces.follow import looked
from tcnsc_lib.faces.tracks import overlap_of
from tcnsc_lib.faces.video import Film, read_frames
from tcnsc_lib.files import environment
from tcnsc_lib.machine import device, threads
from tcnsc_lib.synthetic.motion import motion
from tcnsc_lib.synthetic.people import person
from tcnsc_lib.synthetic.render import render

THREADS = 2  # as `FaceFinder` has
FRAMES = 49  # a clip: two spans of `follow`
PEOPLE = 2  # of each kind but GRID's own size
EVERY = 4  # facenet is given one frame in so many, for it takes longest
SAME = 0.9  # overlap
RATE = 25.0
Clip = np.ndarray  # uint8 (T, H, W, 3)


@dataclass
class Row:
    """What one kind of clip gives: seconds (of cores, of the wall) of three ways; overlaps."""

    plain: np.ndarray
    whole: np.ndarray
    followed: np.ndarray
    frames: int
    overlaps_whole: list[float]
    overlaps_followed: list[float]


def resized(clip: Clip, width: int, height: int) -> Clip:
    """Every frame made as large; a face grows with it."""
    images = [Image.fromarray(frame) for frame in clip]
    return np.stack([np.asarray(each.resize((width, height))) for each in images])


def pasted(clip: Clip, width: int, height: int) -> Clip:
    """Every frame at the middle of a larger scene, its own blurred copy."""
    small = resized(clip, 16, 9)
    scene = resized(small, width, height)
    top = (height - clip.shape[1]) // 2
    left = (width - clip.shape[2]) // 2
    scene[:, top : top + clip.shape[1], left : left + clip.shape[2]] = clip
    return scene


def rendered(seed: int, count: int) -> Clip:
    """A rendered person, 480 pixels high, in a scene of 640 x 480."""
    frames = []
    for t, pose in enumerate(motion(seed, count)):
        frames.append(render(person(seed), pose, 480, 6.0, seed + t)[0])
    return pasted(np.stack(frames), 640, 480)


def kinds(folder: Path | None, count: int) -> Iterator[tuple[str, Iterator[Clip]]]:
    """Title -> clips, one at a time."""
    paths = sorted(folder.glob("*.mpg")) if folder else []
    some = paths[:PEOPLE]
    people = range(PEOPLE)
    if paths:
        clips = (read_frames(path, count=count)[1] for path in paths)
        yield "GRID, 360 x 288", clips
    yield "rendered, 640 x 480", (rendered(seed, count) for seed in people)
    for width, height in ((1280, 720), (1920, 1080)):
        for how in (pasted, resized):
            clips = (how(_first(path, count), width, height) for path in some)
            if not some:
                clips = (how(rendered(seed, count), width, height) for seed in people)
            yield f"{how.__name__} to {width} x {height}", clips


def _first(path: Path, count: int) -> Clip:
    return read_frames(path, np.arange(count))[1]


def timed(work: Callable[[], list]) -> tuple[list, np.ndarray]:
    """What it returns, and its seconds: of cores, of the wall."""
    cores = time.process_time()
    wall = time.perf_counter()
    result = work()
    return result, np.array([time.process_time() - cores, time.perf_counter() - wall])


def overlaps(clip: list, found: list[Candidates]) -> list[float]:
    """Of each frame in which MTCNN finds a face: the overlap of the main face's box with its box.

    0 where no face is found.
    """
    values = []
    for (boxes, probabilities, _), faces in zip(clip, found, strict=True):
        probable = boxes is not None and max(probabilities) >= 0.9
        if probable and len(faces):
            values.append(max(overlap_of(faces.boxes[0], box.astype(float)) for box in boxes))
        elif probable:
            values.append(0.0)
    return values


def measured(clips: Iterator[Clip], mtcnn: MTCNN, finder: FaceFinder) -> Row:
    """All clips of a kind, each looked at in three ways one after the other."""
    row = Row(np.zeros(2), np.zeros(2), np.zeros(2), 0, [], [])
    for clip in clips:
        film = Film(*clip.shape[1:3], len(clip), RATE)
        numbers = np.arange(len(clip))
        some = clip[::EVERY]
        plain, seconds = timed(lambda c=some: [mtcnn.detect(f, landmarks=True) for f in c])
        row.plain += seconds * len(clip) / len(some)
        whole, seconds = timed(lambda c=clip: finder.all(c))
        row.whole += seconds
        followed, seconds = timed(
            lambda c=clip, f=film, n=numbers: list(looked(c, f, n, finder))
        )
        row.followed += seconds
        row.frames += len(clip)
        row.overlaps_whole += overlaps(plain, whole[::EVERY])
        row.overlaps_followed += overlaps(plain, followed[::EVERY])
    return row


def told(row: Row) -> str:
    """Frames a second, ratios, overlaps."""
    parts = []
    for name in ("plain", "whole", "followed"):
        cores, wall = row.frames / getattr(row, name)
        parts.append(f"{name} {cores:6.1f} ({wall:.1f})")
    for name in ("whole", "followed"):
        ratio = row.plain / getattr(row, name)
        values = np.array(getattr(row, f"overlaps_{name}"))
        same = f"{100 * np.mean(values >= SAME):.1f} % >= {SAME}, median {np.median(values):.3f}"
        parts.append(f"{name} {ratio[0]:.1f} x ({ratio[1]:.1f}), {same}")
    return "; ".join(parts)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    count = int(sys.argv[2]) if len(sys.argv) > 2 else FRAMES
    print(environment(device()), f"{THREADS} threads")
    print("frames a second, of this process's cores (of the wall):")
    mtcnn = MTCNN(keep_all=True, device=device())
    finder = FaceFinder(device())
    with threads(THREADS):
        warm = rendered(9, 25)
        measured(iter([warm]), mtcnn, finder)
        for title, clips in kinds(folder, count):
            print(f"{title}: {told(measured(clips, mtcnn, finder))}", flush=True)


if __name__ == "__main__":
    main()
