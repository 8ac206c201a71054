"""Profiles: source, sizes and schedule, chosen by one word; and the faces that belong to it.

    TCNSC_PROFILE   demo (default), photos, photos-224, ffpp, ffpp-official, ffpp-c23
    TCNSC_METHOD    Deepfakes (default), Face2Face, ...: whose fakes; several with commas between
    TCNSC_SOURCE    where photographs or FaceForensics++ lie, if not in data/<photos|ffpp>
    TCNSC_HOME      the folder that holds data/, runs/ and figures/; default: the checkout
    TCNSC_FIGURES   where tables and figures go, if not in figures/

In a folder, ~ is the home folder; a relative one counts from where the command, `make` or Jupyter
was started, in a notebook too. A variable that is empty counts as not set.
"""
from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from pathlib import Path

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector, Settings
from tcnsc_lib.faces.copies import CRF
from tcnsc_lib.faces.ffpp import FaceForensics
from tcnsc_lib.faces.layout import methods_in
from tcnsc_lib.faces.photos import Photographs
from tcnsc_lib.faces.source import FaceSettings, Source
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import CHECKOUT
from tcnsc_lib.machine import folder_named_in
from tcnsc_lib.synthetic.demo import Demo
from tcnsc_lib.training.ranges import RANGES, check_choice, check_number
from tcnsc_lib.training.schedule import Schedule

SOURCES: dict[str, type[Source]] = {"demo": Demo, "photos": Photographs, "ffpp": FaceForensics}

CHOICES: dict[str, tuple[str, ...]] = {
    "source": tuple(SOURCES),
    "split": ("paper", "official"),
    "weights": ("random", "imagenet"),
    "raw_quality": tuple(CRF),
    "boxes": ("own", "target"),
}
"""Field of a profile -> the words that it may be."""


@dataclass(frozen=True)
class Profile:
    """Source, sizes and schedule. The defaults are the paper's, or those of `paper.OPEN`.

    name: files its faces, runs and figures. source: a name in SOURCES. size: pixels of a crop.
    enlarge: of MTCNN's box. frames: sampled a video. method, split: of FaceForensics++ (method:
    one, or several with commas between, see `of_methods`). bottleneck: of the swaps, as a share of
    a crop's side. width, width_z, lam: of `TCNSC`. weights: what f starts from, "random" or
    "imagenet" (torchvision's, downloaded once; width 64 only). pretrained: whether those baselines
    start from ImageNet whose authors' do (downloaded once). seed: of the split, the swaps and the
    training. seeds: how many, from `seed` on, for the ablation's main rows; decisive_seeds: for the
    study's. raw_quality: of the videos that stand for RAW, where there are videos. boxes: "own", or
    those of the real "target", with which a fake video is cut.
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
    decisive_seeds: int = 3
    schedule: Schedule = Schedule()
    raw_quality: str = "raw"
    boxes: str = "own"

    def __post_init__(self) -> None:
        """Raise a CompanionError for a setting that no profile can have."""
        for name, (kind, least, most) in RANGES.items():
            check_number(name, getattr(self, name), kind, least, most)
        for name, known in CHOICES.items():
            check_choice(name, getattr(self, name), known)
        if not SOURCES[self.source].has_videos:
            check_choice("raw_quality", self.raw_quality, ("raw",))
            check_choice("boxes", self.boxes, ("own",))

    @property
    def face_settings(self) -> FaceSettings:
        """What its source needs to know."""
        names = [field.name for field in fields(FaceSettings)]
        return FaceSettings(**{name: getattr(self, name) for name in names})

    @property
    def notes(self) -> list[str]:
        """What must stand beside its numbers: a sentence where RAW isn't raw."""
        if self.raw_quality == "raw":
            return []
        copy = f"the {self.raw_quality} copy, H.264 at crf {CRF[self.raw_quality]}"
        return [f"RAW here is {copy}, so RAW is already compressed."]

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


DEMO = Profile(
    name="demo",
    source="demo",
    size=96,
    frames=6,
    split="official",
    width=8,
    pretrained=False,
    decisive_seeds=10,
    schedule=Schedule(
        iterations=320, learning_rate=3e-3, final_lr_share=0.02, precision="float32", validate=40
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
FFPP_C23 = Profile(name="ffpp-c23", source="ffpp", raw_quality="c23")

PROFILES = {p.name: p for p in (DEMO, PHOTOS, PHOTOS_224, FFPP, FFPP_OFFICIAL, FFPP_C23)}


def profile(name: str | None = None, method: str | None = None) -> Profile:
    """The profile of that name; without one, that of the variable TCNSC_PROFILE, else demo.

    method: whose fakes it has, see `of_methods`; without a name, by default that of TCNSC_METHOD.
    """
    if not name:
        name = os.environ.get("TCNSC_PROFILE") or DEMO.name
        method = method or os.environ.get("TCNSC_METHOD")
    found = named(name)
    if found is None:
        raise CompanionError(f"There is no profile {name!r}; choose one of {', '.join(PROFILES)}.")
    return of_methods(found, method) if method else found


def named(name: str) -> Profile | None:
    """A profile by its name, "ffpp-Face2Face" (`of_methods`) too; None where there is none."""
    if name in PROFILES:
        return PROFILES[name]
    for base in PROFILES.values():
        words = name.removeprefix(f"{base.name}-").split("-")
        if set(words) <= set(SOURCES[base.source].methods):
            found = of_methods(base, ",".join(words))
            return found if found.name == name else None
    return None


def of_methods(p: Profile, text: str) -> Profile:
    """The profile with the fakes of other methods, "Face2Face", or several, "Deepfakes,Face2Face".

    It has them in its name, "ffpp-Deepfakes-Face2Face", so its faces, runs and figures go to
    folders of their own. Raises CompanionError where there is no choice, or no such method.
    """
    if not SOURCES[p.source].methods:
        raise CompanionError(
            f"Profile {p.name} has no methods to choose from, and {text} was asked for; leave out "
            "--method and TCNSC_METHOD, or choose a profile of FaceForensics++."
        )
    methods = methods_in(text)
    chosen = ",".join(methods)
    if chosen == p.method:
        return p
    if p.name not in PROFILES:
        raise CompanionError(f"Profile {p.name} is of {p.method}, not of {chosen}; name one alone.")
    if len(methods) > p.frames:
        raise CompanionError(
            f"{len(methods)} methods can't take turns at {p.frames} frames a video; choose fewer."
        )
    return replace(p, name="-".join([p.name, *methods]), method=chosen)


def source(p: Profile) -> Source:
    """Where its faces come from. CompanionError where TCNSC_SOURCE names a folder in vain."""
    said = os.environ.get("TCNSC_SOURCE")
    folder = source_folder(p)
    if said and p.source != DEMO.source and not folder.is_dir():
        raise CompanionError(
            f"TCNSC_SOURCE={said} means {folder}, and there is no such folder; name the one that "
            "holds the photographs or videos."
        )
    return SOURCES[p.source](folder, faces_folder(p), p.face_settings)


def faces(p: Profile, quality: str | None = None) -> FaceSet:
    """The profile's crops at a video quality, "raw", "c23" or "c40"; without one, that of its RAW.

    They are made, or completed, if they aren't there. Raises CompanionError where the source isn't
    there or lacks something.
    """
    return source(p).faces(quality)


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
