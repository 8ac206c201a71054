"""Profiles: source, sizes and schedule, of which one word chooses one; and the faces that belong to it.

    TCNSC_PROFILE   demo (default), photos, photos-224, ffpp, ffpp-official
    TCNSC_SOURCE    where the photographs or FaceForensics++ lie, if not in data/<photos|ffpp>
    TCNSC_HOME      the folder that holds data/, runs/ and figures/; default: the checkout
    TCNSC_FIGURES   where tables and figures go, if not in figures/
"""
from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import demo, ffpp, photos
from tcnsc_lib.faces.demo import Scale, make_demo
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import code_digest
from tcnsc_lib.training import Schedule, device


@dataclass(frozen=True)
class Profile:
    """Source, sizes and schedule. The defaults are the paper's, and where it is silent those of `paper.OPEN`.

    name: files its faces, runs and figures. source: "demo", "photos" or "ffpp". size: pixels of a crop. enlarge: of
    MTCNN's box. frames: sampled a video. method, split: of FaceForensics++. bottleneck: of the swaps, pixels.
    width, width_z, lam: of `TCNSC`. weights: what f starts from, "random" or "imagenet" (torchvision's, downloaded once;
    width 64 only). pretrained: whether those baselines start from ImageNet whose authors' do (downloaded once).
    seed: of the split, the swaps and the training. seeds: how many, from `seed` on, for the ablation's main rows.
    """

    name: str
    source: str
    size: int = 224
    enlarge: float = 1.3
    frames: int = 300
    method: str = "Deepfakes"
    split: str = "paper"
    bottleneck: int = 48
    width: int = 64
    width_z: int = 128
    lam: float = 1.0
    weights: str = "random"
    pretrained: bool = True
    seed: int = 0
    seeds: int = 3
    schedule: Schedule = Schedule()


PROFILES = {profile.name: profile for profile in (
    Profile("demo", "demo", size=96, frames=8, split="official", width=16, pretrained=False,
            schedule=Schedule(iterations=320, learning_rate=2e-3, precision="float32", validate=40)),
    Profile("photos", "photos", size=96, pretrained=False,
            schedule=Schedule(iterations=400, learning_rate=1e-3, validate=200)),
    Profile("photos-224", "photos", pretrained=False),
    Profile("ffpp", "ffpp"),
    Profile("ffpp-official", "ffpp", split="official"))}
DEMO = Scale()


def profile(name: str | None = None) -> Profile:
    """The profile of that name; without one, that of the environment variable TCNSC_PROFILE, else demo."""
    name = name or os.environ.get("TCNSC_PROFILE") or "demo"
    if name not in PROFILES:
        raise CompanionError(f"There is no profile {name!r}; choose one of {', '.join(PROFILES)}.")
    return PROFILES[name]


def home() -> Path:
    """The folder that holds data/, runs/ and figures/."""
    return Path(os.environ.get("TCNSC_HOME") or Path(__file__).parent.parent)


def source_folder(p: Profile) -> Path:
    """Where this profile's videos or photographs lie."""
    if p.source != "demo" and os.environ.get("TCNSC_SOURCE"):
        return Path(os.environ["TCNSC_SOURCE"])
    return home() / "data" / p.source


def faces_folder(p: Profile) -> Path:
    """Where this profile's crops go."""
    return home() / "data" / "faces" / p.name


def clips(p: Profile, quality: str = "raw") -> list[ffpp.Video]:
    """The videos of a profile at a quality, each with its part; the demo's are rendered first if they aren't there."""
    if p.source == "photos":
        raise CompanionError(f"Profile {p.name} has photographs, no videos; choose demo or ffpp.")
    if p.source == "demo":
        make_demo(source_folder(p), DEMO)
    return ffpp.videos(source_folder(p), p.method, quality, p.split, p.seed)


def faces(p: Profile, quality: str = "raw") -> FaceSet:
    """The profile's crops at a video quality ("raw", "c23", "c40"); made, or completed, if they aren't there."""
    if p.source == "photos":
        if quality != "raw":
            raise CompanionError(f"Profile {p.name} has photographs, no {quality} videos; choose quality raw.")
        return photos.extract(source_folder(p), faces_folder(p), size=p.size, enlarge=p.enlarge,
                              bottleneck=p.bottleneck, seed=p.seed, device=device())
    found = clips(p, quality)
    settings = {"method": p.method, "split": p.split, "seed": p.seed}
    if p.source == "demo":
        settings |= asdict(DEMO) | {"code": demo.code() + code_digest("faces/detect.py", "faces/ffpp.py")}
    return ffpp.extract(found, faces_folder(p), quality, size=p.size, enlarge=p.enlarge, frames=p.frames,
                        settings=settings, device=device())


def forged_area(p: Profile, rows: np.ndarray) -> np.ndarray:
    """The pixels that the forgery touched in these test crops (row numbers): bool (N, size, size).

    Nowhere in real crops; nowhere in fakes, either, whose mask isn't known (FaceForensics++ without its mask videos).
    """
    crops = faces(p)
    chosen = crops.rows("test").iloc[rows]
    if p.source == "photos":
        return photos.forged_area(crops, chosen)
    return ffpp.forged_area(chosen, source_folder(p), p.size, p.enlarge)
