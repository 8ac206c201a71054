"""How fast are faces found in the frames of a video, and are the boxes MTCNN's own?

    .venv/bin/python benchmarks/extraction.py [folder of GRID's .mpg clips] [frames a clip]

facenet-pytorch's `MTCNN(keep_all=True).detect` is called frame by frame with its defaults. Beside
it stand whole looks in batches (`FaceFinder.all`) and followed faces (`follow.looked`), on the same
frames. First with one thread (whole looks always have two): seconds are those of cores, so other
work on the machine counts little. Then, by the wall's clock on an otherwise idle machine, with all
cores: facenet has a thread for each, and faces are followed as `tcnsc faces` does, by a process for
each core. Decoding isn't measured. Clips of the GRID corpus (Cooke et al. 2006) have 360 x 288
pixels; without a folder they are left out.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from facenet_pytorch import MTCNN
from joblib import Parallel, delayed
from PIL import Image

from tcnsc_lib.faces.detect import Candidates, FaceFinder
from tcnsc_lib.faces.follow import FEWEST, looked
from tcnsc_lib.faces.tracks import overlap_of
from tcnsc_lib.faces.video import Film, read_frames
from tcnsc_lib.files import environment
from tcnsc_lib.machine import cores, device, threads
from tcnsc_lib.synthetic.motion import motion
from tcnsc_lib.synthetic.people import person
from tcnsc_lib.synthetic.render import render

FRAMES = 97  # a clip: two spans of `follow`, and its last frame
PEOPLE = 2  # of each kind but GRID's own size
EVERY = 4  # facenet is given one frame in so many, for it takes longest
SAME = 0.9  # overlap
RATE = 25.0
Clip = np.ndarray  # uint8 (T, H, W, 3)


@dataclass
class Row:
    """What one kind of clip gives: seconds of each way, and overlaps of two with MTCNN's boxes."""

    plain: float = 0.0
    whole: float = 0.0
    followed: float = 0.0
    plain_all_cores: float = 0.0
    followed_all_cores: float = 0.0
    frames: int = 0
    overlaps_whole: list[float] = field(default_factory=list)
    overlaps_followed: list[float] = field(default_factory=list)


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


def timed(work: Callable[[], list], clock: Callable[[], float]) -> tuple[list, float]:
    """What it returns, and its seconds."""
    start = clock()
    result = work()
    return result, clock() - start


@cache
def finder() -> FaceFinder:
    """One of each process."""
    return FaceFinder(device())


def plain(mtcnn: MTCNN, clip: Clip) -> list:
    """What facenet finds, frame by frame, in one frame of EVERY."""
    return [mtcnn.detect(frame, landmarks=True) for frame in clip[::EVERY]]


def followed(clip: Clip) -> list[Candidates]:
    """What `tcnsc faces` finds in a clip."""
    film = Film(*clip.shape[1:3], len(clip), RATE)
    with threads(1):
        return list(looked(clip, film, np.arange(len(clip)), finder()))


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


def measured(clips: list[Clip], mtcnn: MTCNN) -> Row:
    """All clips of a kind."""
    row = Row(frames=sum(map(len, clips)))
    for clip in clips:
        share = len(clip[::EVERY]) / len(clip)
        with threads(1):
            found, seconds = timed(lambda c=clip: plain(mtcnn, c), time.process_time)
            row.plain += seconds / share
        whole, seconds = timed(lambda c=clip: finder().all(c[::EVERY]), time.process_time)
        row.whole += seconds / share
        near, seconds = timed(lambda c=clip: followed(c), time.process_time)
        row.followed += seconds
        row.overlaps_whole += overlaps(found, whole)
        row.overlaps_followed += overlaps(found, near[::EVERY])
        with threads(cores()):
            _, seconds = timed(lambda c=clip: plain(mtcnn, c), time.perf_counter)
            row.plain_all_cores += seconds / share
    row.followed_all_cores = on_all_cores(clips)
    return row


def on_all_cores(clips: list[Clip]) -> float:
    """Seconds in which as many processes as there are cores follow the faces of these clips."""
    import extraction  # by this name processes find what they load once

    work = delayed(extraction.followed)
    with Parallel(cores()) as pool:
        pool(work(clip[:FEWEST]) for clip in clips)  # each loads its networks
        return timed(lambda: pool(work(clip) for clip in clips), time.perf_counter)[1]


def told(row: Row) -> str:
    """Frames a second, ratios, overlaps."""
    parts = []
    for name in ("plain", "whole", "followed", "plain_all_cores", "followed_all_cores"):
        parts.append(f"{name} {row.frames / getattr(row, name):.1f}")
    ratios = {
        "whole": row.plain / row.whole,
        "followed": row.plain / row.followed,
        "followed_all_cores": row.plain_all_cores / row.followed_all_cores,
    }
    parts += [f"{name} {ratio:.1f} x" for name, ratio in ratios.items()]
    for name in ("whole", "followed"):
        values = np.array(getattr(row, f"overlaps_{name}"))
        same = f"{100 * np.mean(values >= SAME):.1f} % >= {SAME}, median {np.median(values):.3f}"
        parts.append(f"{name} {same} of {len(values)}")
    return "; ".join(parts)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    count = int(sys.argv[2]) if len(sys.argv) > 2 else FRAMES
    print(environment(device()), f"{cores()} cores")
    print("frames a second, of a core, and of the wall with all cores:")
    mtcnn = MTCNN(keep_all=True, device=device())
    measured([rendered(9, FEWEST)], mtcnn)
    for title, clips in kinds(folder, count):
        print(f"{title}: {told(measured(list(clips), mtcnn))}", flush=True)


if __name__ == "__main__":
    main()
