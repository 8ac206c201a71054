"""A miniature FaceForensics++ of rendered people: same folders, names, pair splits and H.264 qualities.

    original_sequences/youtube/{raw,c23,c40}/videos/000.mp4 ...        a person each
    manipulated_sequences/Deepfakes/{raw,c23,c40}/videos/000_001.mp4   person 001's face on person 000's head
    manipulated_sequences/Deepfakes/masks/videos/000_001.mp4           white where the pixels were exchanged
    splits/{train,val,test}.json                                       pairs of people

A forged frame is a real swap (`forge.swap`): the donor is rendered in the target's pose, as the autoencoder of a deepfake
would draw it, aligned, passed through a low resolution, matched in colour and blended. How hard the fakes are (`Scale`'s
bottleneck and noise) was fixed by one rule that looks at the classifier alone: at least 95 % right on RAW, at least 10
points lost at LQ.
"""
from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import forge
from tcnsc_lib.faces.render import motion, person, render
from tcnsc_lib.faces.video import write_video
from tcnsc_lib.files import PACKAGE, code_digest, read_json, write_json
from tcnsc_lib.machine import cores

METHOD = "Deepfakes"
CRF = {"raw": 0, "c23": 23, "c40": 40}
WORKERS = 16  # at once at most


@dataclass(frozen=True)
class Scale:
    """Pairs of people in each part, frames a video, pixels of a (square) frame; bottleneck of the swap, pixels;
    noise of the camera, standard deviation in grey levels."""

    train: int = 60
    val: int = 6
    test: int = 16
    length: int = 8
    pixels: int = 160
    bottleneck: int = 48
    noise: float = 6.0
    seed: int = 0


def pairs(scale: Scale) -> dict[str, list[list[str]]]:
    """The splits as FaceForensics++ writes them: part -> [["000", "001"], ...]; nobody is in two parts."""
    numbers = iter(range(2 * (scale.train + scale.val + scale.test)))
    return {part: [[f"{next(numbers):03d}", f"{next(numbers):03d}"] for _ in range(getattr(scale, part))]
            for part in ("train", "val", "test")}


@cache
def code() -> str:
    """Digest of the code that renders and forges the demo."""
    return code_digest("faces/demo.py", "faces/forge.py", "faces/video.py",
                       *sorted(f"faces/render/{path.name}" for path in (PACKAGE / "faces/render").glob("*.py")))


def make_demo(root: Path, scale: Scale = Scale()) -> Path:
    """Render what is missing of the demo's videos into `root`; a second call finds it done. Goes on where stopped."""
    root, splits = Path(root), pairs(scale)
    note, made = root / "scale.json", asdict(scale) | {"code": code()}
    if not note.exists():
        write_json(note, made)
    if read_json(note) != made:
        raise CompanionError(f"The demo in {root} was rendered at another scale, or by other code ({read_json(note)}); delete that folder "
                             f"and {root.parent / 'faces' / 'demo'} to make them anew.")
    todo = [pair for part in splits.values() for pair in part
            if not all(path.exists() for path in _paths(root, *pair).values())]
    if todo:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(cores(), len(todo), WORKERS), context) as pool:
            jobs = [pool.submit(_make_pair, root, pair, scale) for pair in todo]
            try:
                title = f"rendering pairs of people -> {os.path.relpath(root)}"
                for job in tqdm(as_completed(jobs), total=len(jobs), desc=title):
                    job.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    for part, members in splits.items():
        if not (root / "splits" / f"{part}.json").exists():
            write_json(root / "splits" / f"{part}.json", members)
    return root


def frames(number: str, scale: Scale) -> tuple[np.ndarray, list[np.ndarray]]:
    """A real video: uint8 (T, S, S, 3) and the landmarks (5, 2) of each frame."""
    who, poses = person(_seed(number, scale)), motion(_seed(number, scale), scale.length)
    drawn = [render(who, pose, scale.pixels, scale.noise, seed=_seed(number, scale) + t) for t, pose in enumerate(poses)]
    return np.stack([image for image, _ in drawn]), [points for _, points in drawn]


def forged(target: str, source: str, real: np.ndarray, landmarks: list[np.ndarray], scale: Scale):
    """The fake video of a real one: uint8 (T, S, S, 3), and its masks, the same shape, 0 to 255."""
    donor, poses = person(_seed(source, scale)), motion(_seed(target, scale), scale.length)
    swapped = [forge.swap(image, points, *render(donor, pose, scale.pixels, scale.noise,
                          _seed(source, scale) + t), scale.bottleneck)
               for t, (image, points, pose) in enumerate(zip(real, landmarks, poses, strict=True))]
    masks = np.stack([np.repeat(mask[..., None], 3, 2) for _, mask in swapped])
    return np.stack([image for image, _ in swapped]), (masks * 255).round().astype(np.uint8)


def _seed(number: str, scale: Scale) -> int:
    return 1000 * (1000 * scale.seed + int(number))


def _paths(root: Path, a: str, b: str) -> dict[tuple[str, str], Path]:
    """All files of a pair of people: (video, quality or "masks") -> path."""
    real, fake = root / "original_sequences" / "youtube", root / "manipulated_sequences" / METHOD
    paths = {(name, quality): real / quality / "videos" / f"{name}.mp4" for name in (a, b) for quality in CRF}
    return paths | {(name, quality): fake / quality / "videos" / f"{name}.mp4"
                    for name in (f"{a}_{b}", f"{b}_{a}") for quality in (*CRF, "masks")}


def _make_pair(root: Path, pair: list[str], scale: Scale) -> None:
    """Both people's real videos and both fakes, at every quality."""
    paths = _paths(root, *pair)
    for target, source in (pair, pair[::-1]):
        real, landmarks = frames(target, scale)
        fake, masks = forged(target, source, real, landmarks, scale)
        for quality, crf in CRF.items():
            write_video(paths[target, quality], real, crf)
            write_video(paths[f"{target}_{source}", quality], fake, crf)
        write_video(paths[f"{target}_{source}", "masks"], masks, 0)
