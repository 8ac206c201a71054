"""Profiles: source, sizes and schedule, chosen by one word; and the faces that belong to it.

    TCNSC_PROFILE   demo (default), photos, photos-224, ffpp, ffpp-official
    TCNSC_SOURCE    where photographs or FaceForensics++ lie, if not in data/<photos|ffpp>
    TCNSC_HOME      the folder that holds data/, runs/ and figures/; default: the checkout
    TCNSC_FIGURES   where tables and figures go, if not in figures/

In a folder, ~ is the home folder; a relative one counts from where the command, `make` or Jupyter
was started, in a notebook too. A variable that is empty counts as not set.
"""
from __future__ import annotations

import math
import os
from dataclasses import dataclass, fields, replace
from pathlib import Path

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector, Settings
from tcnsc_lib.faces.ffpp import FaceForensics
from tcnsc_lib.faces.photos import Photographs
from tcnsc_lib.faces.source import FaceSettings, Source
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import CHECKOUT
from tcnsc_lib.machine import folder_named_in
from tcnsc_lib.synthetic.demo import Demo
from tcnsc_lib.training.schedule import Schedule
from tcnsc_lib.training.stored import MOST_SEED

SOURCES: dict[str, type[Source]] = {"demo": Demo, "photos": Photographs, "ffpp": FaceForensics}

RANGES: dict[str, tuple[type, float, float]] = {
    "size": (int, 16, 4096),
    "enlarge": (float, 0.1, 10),
    "frames": (int, 1, 1_000_000),
    "bottleneck": (float, 0.1, 4),
    "width": (int, 1, 4096),
    "width_z": (int, 1, 65536),
    "lam": (float, 0, 1e6),
    "seed": (int, 0, MOST_SEED),
    "seeds": (int, 1, 1000),
}
"""Field of a profile -> whether it is whole, and between which numbers it may lie."""

CHOICES: dict[str, tuple[str, ...]] = {
    "source": tuple(SOURCES),
    "split": ("paper", "official"),
    "weights": ("random", "imagenet"),
}


@dataclass(frozen=True)
class Profile:
    """Source, sizes and schedule. The defaults are the paper's, or those of `paper.OPEN`.

    name: files its faces, runs and figures. source: a name in SOURCES. size: pixels of a crop.
    enlarge: of MTCNN's box. frames: sampled a video. method, split: of FaceForensics++.
    bottleneck: of the swaps, as a share of a crop's side. width, width_z, lam: of `TCNSC`.
    weights: what f starts from, "random" or "imagenet" (torchvision's, downloaded once; width 64
    only). pretrained: whether those baselines start from ImageNet whose authors' do (downloaded
    once). seed: of the split, the swaps and the training. seeds: how many, from `seed` on, for the
    ablation's main rows.
    """

    name: str
    source: str
    size: int = 224
    enlarge: float = 1.3
    frames: int = 300
    method: str = "Deepfakes"
    split: str = "paper"
    bottleneck: float = 0.39
    width: int = 64
    width_z: int = 128
    lam: float = 1.0
    weights: str = "random"
    pretrained: bool = True
    seed: int = 0
    seeds: int = 3
    schedule: Schedule = Schedule()

    def __post_init__(self) -> None:
        """Raise a CompanionError for a setting that no profile can have."""
        for name, (kind, least, most) in RANGES.items():
            _check_number(name, getattr(self, name), kind, least, most)
        for name, known in CHOICES.items():
            _check_choice(name, getattr(self, name), known)

    @property
    def face_settings(self) -> FaceSettings:
        """What its source needs to know."""
        names = [field.name for field in fields(FaceSettings)]
        return FaceSettings(**{name: getattr(self, name) for name in names})

    def arguments(self, detector: type[Detector]) -> dict:
        """What a detector is made with."""
        ours = {name: getattr(self, value) for name, value in detector.from_profile.items()}
        return ours | detector.authors.arguments | self.reduced(detector).arguments

    def schedule_of(self, detector: type[Detector]) -> Schedule:
        """How long and how fast a detector trains: on as many crops as TCNSC, unless reduced."""
        own = detector.authors.schedule | self.reduced(detector).schedule
        crops = self.schedule.iterations * self.schedule.batch_size
        size = own.get("batch_size", self.schedule.batch_size)
        return replace(self.schedule, **{"iterations": crops // size, **own})

    def weights_of(self, detector: type[Detector]) -> str:
        """What a detector starts from; the profile says it of those that have a choice."""
        return self.weights if len(detector.starts) > 1 else "random"

    def reduced(self, detector: type[Detector]) -> Settings:
        """What two processor cores demand otherwise than the authors of a detector have it."""
        return detector.reduced.get(self.name, Settings())


def _check_number(name: str, value: object, kind: type, least: float, most: float) -> None:
    """Raise a CompanionError for a number of another kind or out of its range."""
    kinds = (int,) if kind is int else (int, float)
    is_number = isinstance(value, kinds) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not least <= value <= most:
        word = "a whole number" if kind is int else "a number"
        raise CompanionError(
            f"A profile's {name} can't be {value!r}; choose {word} from {least} to {most}."
        )


def _check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise CompanionError(
            f"A profile's {name} can't be {value!r}; choose one of {', '.join(known)}."
        )


DEMO = Profile(
    name="demo",
    source="demo",
    size=96,
    frames=6,
    split="official",
    width=8,
    pretrained=False,
    schedule=Schedule(
        iterations=240,
        learning_rate=4e-3,
        final_lr_share=0.02,
        precision="float32",
        validate=30,
    ),
)
PHOTOS = Profile(
    name="photos",
    source="photos",
    size=96,
    width=32,
    pretrained=False,
    schedule=Schedule(iterations=600, learning_rate=2e-3, final_lr_share=0.02, validate=50),
)
PHOTOS_224 = Profile(name="photos-224", source="photos", pretrained=False)
FFPP = Profile(name="ffpp", source="ffpp")
FFPP_OFFICIAL = Profile(name="ffpp-official", source="ffpp", split="official")

PROFILES = {p.name: p for p in (DEMO, PHOTOS, PHOTOS_224, FFPP, FFPP_OFFICIAL)}


def profile(name: str | None = None) -> Profile:
    """The profile of that name; without one, that of the variable TCNSC_PROFILE, else demo."""
    name = name or os.environ.get("TCNSC_PROFILE") or DEMO.name
    if name not in PROFILES:
        raise CompanionError(f"There is no profile {name!r}; choose one of {', '.join(PROFILES)}.")
    return PROFILES[name]


def source(p: Profile) -> Source:
    """Where the profile's faces come from."""
    return SOURCES[p.source](source_folder(p), faces_folder(p), p.face_settings)


def faces(p: Profile, quality: str = "raw") -> FaceSet:
    """The profile's crops at a video quality, "raw", "c23" or "c40".

    They are made, or completed, if they aren't there. Raises CompanionError where the source isn't
    there or lacks something.
    """
    said = os.environ.get("TCNSC_SOURCE")
    folder = source_folder(p)
    if said and p.source != DEMO.source and not folder.is_dir():
        raise CompanionError(
            f"TCNSC_SOURCE={said} means {folder}, and there is no such folder; name the one that "
            "holds the photographs or videos."
        )
    return source(p).faces(quality)


# Folders.

def home() -> Path:
    """The folder that holds data/, runs/ and figures/."""
    return folder_named_in("TCNSC_HOME") or CHECKOUT


def source_folder(p: Profile) -> Path:
    """Where this profile's videos or photographs lie."""
    elsewhere = folder_named_in("TCNSC_SOURCE")
    if elsewhere and p.source != DEMO.source:
        return elsewhere
    return home() / "data" / p.source


def faces_folder(p: Profile) -> Path:
    """Where this profile's crops go."""
    return home() / "data" / "faces" / p.name


def runs_folder(p: Profile) -> Path:
    """Where this profile's runs go."""
    return home() / "runs" / p.name


def figures_folder(p: Profile) -> Path:
    """Where this profile's evidence, tables and pictures go."""
    return (folder_named_in("TCNSC_FIGURES") or home() / "figures") / p.name
