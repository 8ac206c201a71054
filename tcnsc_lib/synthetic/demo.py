"""A miniature FaceForensics++ of rendered people: same folders, names, pair splits, qualities.

    original_sequences/youtube/{raw,c23,c40}/videos/000.mp4 ...       a person each
    manipulated_sequences/Deepfakes/{raw,c23,c40}/videos/000_001.mp4  001's face on 000's head
    manipulated_sequences/Deepfakes/masks/videos/000_001.mp4          white where pixels changed
    splits/{train,val,test}.json                                      pairs of people

A forged frame is a real swap (`forge.swap`): the donor is rendered in the target's pose, as the
autoencoder of a deepfake would draw it, aligned, passed through a low resolution, matched in colour
and blended. The real frame passes through the same steps with its own face at its own resolution
(`forge.resampled`, under the same mask), so that resampling alone tells nothing. How hard the fakes
are (`Scale`'s bottleneck and noise) was fixed by one rule that looks at the classifier alone: at
least 95 % right on RAW, at least 10 points lost at LQ.
"""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import record
from tcnsc_lib.faces import forge
from tcnsc_lib.faces.clips import Video
from tcnsc_lib.faces.copies import CRF
from tcnsc_lib.faces.ffpp import FaceForensics, videos
from tcnsc_lib.faces.layout import folder
from tcnsc_lib.faces.source import Promise, Trial
from tcnsc_lib.faces.store import SPLITS
from tcnsc_lib.faces.trial import timed, try_videos
from tcnsc_lib.faces.video import EVERY, write_video
from tcnsc_lib.files import write_json
from tcnsc_lib.pool import run_all
from tcnsc_lib.synthetic.motion import motion
from tcnsc_lib.synthetic.people import person
from tcnsc_lib.synthetic.render import render
from tcnsc_lib.synthetic.scale import FULL, Note, Scale, pairs

METHOD = "Deepfakes"
WORKERS = 16  # at once at most
RECIPE = 2  # raised when rendered or forged pixels change


class Demo(FaceForensics):
    """The rendered people, treated as FaceForensics++ once they are there."""

    private = False
    methods = ()
    shows = "rendered faces"
    limits = "a demo run knows rendered faces alone; on photographs its p(fake) means nothing."
    scale = FULL

    def clips(self, quality: str | None = None) -> list[Video]:
        make_demo(self.root, self.scale)
        return super().clips(quality)

    def trial(self, folder: Path) -> Trial:
        """Where videos aren't rendered yet, a pair of people is, into `folder`."""
        _check(self.root, self.scale)
        left = to_render(self.root, self.scale)
        if not left:
            return super().trial(folder)
        _, seconds = timed(partial(_make_pair, folder, left[0], self.scale))
        some = videos(folder, METHOD, "raw", "paper")
        kinds = []
        for part, members in pairs(self.scale).items():
            kinds += [(part, 0, EVERY), (part, 1, EVERY)] * 2 * len(members)
        tried = try_videos(some, kinds, self.settings)
        told = f"1 of {len(left)} pairs of people rendered; {tried.measured_on}"
        return replace(tried, first=seconds * len(left), measured_on=told)

    def promised(self, quality: str | None = None) -> Promise:
        """Real and fake ones in each part: what isn't rendered yet will be."""
        return dict.fromkeys(SPLITS, {0, 1})

    def people(self) -> dict[str, str]:
        """Each video shows another person."""
        return {}

    def determined_by(self) -> dict:
        return {**super().determined_by(), **asdict(self.scale), "recipe": RECIPE}


# ---------------------------------------------------------------- all of it


def make_demo(root: Path, scale: Scale = FULL) -> Path:
    """Render what is missing of the demo's videos into `root`; returns it.

    A second call finds it done. Goes on where it was stopped. Raises CompanionError where another
    demo is.
    """
    root = Path(root)
    if not _check(root, scale):
        write_json(root / "scale.json", asdict(scale) | {"recipe": RECIPE})
    complete(root, scale)
    return root


def complete(root: Path, scale: Scale) -> None:
    """Render the videos that aren't there, several pairs at once; then write the split's files."""
    jobs = [(root, pair, scale) for pair in to_render(root, scale)]
    title = f"rendering pairs of people -> {os.path.relpath(root)}"
    for _ in run_all(_make_pair, jobs, title, WORKERS):
        pass
    for part, members in pairs(scale).items():
        path = root / "splits" / f"{part}.json"
        if not path.exists():
            write_json(path, members)


def to_render(root: Path, scale: Scale = FULL) -> list[list[str]]:
    """The pairs of people whose videos aren't all there."""
    every = chain.from_iterable(pairs(scale).values())
    return [pair for pair in every if not _is_there(root, pair, scale)]


def _check(root: Path, scale: Scale) -> bool:
    """Whether it is noted how the demo was rendered; CompanionError where that is another way."""
    note = Path(root) / "scale.json"
    if not note.exists():
        return False
    faces = root.parent / "faces" / "demo"
    known = record(note, Note, f"delete {root} and {faces} to render it anew").model_dump()
    if known != asdict(scale) | {"recipe": RECIPE}:
        raise CompanionError(
            f"The demo in {root} was rendered at another scale or by another recipe ({known}); "
            f"delete that folder and {faces} to make them anew."
        )
    return True


# ---------------------------------------------------------------- one pair


def frames(number: str, scale: Scale) -> tuple[np.ndarray, list[np.ndarray]]:
    """What the camera saw of a person: uint8 (T, H, W, 3), and the landmarks (5, 2) of each."""
    return _rendered(number, number, scale)


def forged(
    target: str, source: str, seen: np.ndarray, landmarks: list[np.ndarray], scale: Scale
) -> tuple[np.ndarray, np.ndarray]:
    """The fake video of a person: uint8 (T, H, W, 3), and its masks, float32 (T, H, W) in [0, 1].

    seen, landmarks: the target's, of `frames`.
    """
    lent, points = _rendered(source, target, scale)
    fakes = []
    masks = []
    for t in range(scale.length):
        fake, mask = forge.swap(seen[t], landmarks[t], lent[t], points[t], scale.bottleneck)
        fakes.append(fake)
        masks.append(mask)
    return np.stack(fakes), np.stack(masks)


def resampled(seen: np.ndarray, landmarks: list[np.ndarray], masks: np.ndarray) -> np.ndarray:
    """The real video of a person: what the camera saw, with the history of its fake, same shape."""
    frames_and_masks = zip(seen, landmarks, masks, strict=True)
    return np.stack([forge.resampled(*frame) for frame in frames_and_masks])


def _rendered(who: str, moves_as: str, scale: Scale) -> tuple[np.ndarray, list[np.ndarray]]:
    """A person who moves as another: uint8 (T, H, W, 3), and the landmarks (5, 2) of each frame."""
    seed = _seed(who, scale)
    one = person(seed)
    images = []
    landmarks = []
    for t, pose in enumerate(motion(_seed(moves_as, scale), scale.length)):
        grain = seed + t
        image, points = render(one, pose, scale.pixels, scale.noise, grain, scale.frame)
        images.append(image)
        landmarks.append(points)
    return np.stack(images), landmarks


def _seed(number: str, scale: Scale) -> int:
    return 1000 * (1000 * scale.seed + int(number))


def _path(root: Path, name: str, quality: str) -> Path:
    """The file of a person, as 000, or of a fake, as 000_001; quality: also "masks"."""
    method = METHOD if "_" in name else "original"
    return folder(root, method, quality) / f"{name}.mp4"


def _is_there(root: Path, pair: list[str], scale: Scale) -> bool:
    """Whether all files of a pair of people are."""
    a, b = pair
    fakes = [f"{a}_{b}", f"{b}_{a}"]
    paths = [_path(root, fake, "masks") for fake in fakes]
    for quality in scale.qualities:
        paths += [_path(root, name, quality) for name in (a, b, *fakes)]
    return all(path.exists() for path in paths)


def _make_pair(root: Path, pair: list[str], scale: Scale) -> None:
    """Both people's real videos and both fakes, at every quality of the scale."""
    for target, source in (pair, pair[::-1]):
        fake_name = f"{target}_{source}"
        seen, landmarks = frames(target, scale)
        fake, masks = forged(target, source, seen, landmarks, scale)
        real = resampled(seen, landmarks, masks)
        for quality in scale.qualities:
            write_video(_path(root, target, quality), real, CRF[quality])
            write_video(_path(root, fake_name, quality), fake, CRF[quality])
        grey = np.repeat((masks * 255).round().astype(np.uint8)[..., None], 3, 3)
        write_video(_path(root, fake_name, "masks"), grey, 0)
