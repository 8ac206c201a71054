"""What a profile consists of: whose faces, at which sizes, and how long is trained."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from tcnsc_lib.detectors import Detector, Settings
from tcnsc_lib.faces.copies import CRF
from tcnsc_lib.faces.ffpp import FaceForensics
from tcnsc_lib.faces.labelled_pictures import Pictures
from tcnsc_lib.faces.photos import Photographs
from tcnsc_lib.faces.source import FaceSettings, Source
from tcnsc_lib.synthetic.demo import Demo
from tcnsc_lib.training.ranges import RANGES, check_choice, check_number
from tcnsc_lib.training.schedule import Schedule

SOURCES: dict[str, type[Source]] = {
    "demo": Demo,
    "photos": Photographs,
    "pictures": Pictures,
    "ffpp": FaceForensics,
}

CHOICES: dict[str, tuple[str, ...]] = {
    "source": tuple(SOURCES),
    "split": ("paper", "official"),
    "weights": ("random", "imagenet"),
    "raw_quality": tuple(CRF),
    "boxes": ("own", "target"),
    "found": ("mtcnn", "cut"),
}
"""Field of a profile -> the words that it may be."""

REDUCED_LIKE = {"pictures": "photos", "pictures-cut": "photos"}
"""Profile -> another of its size, as at which detectors are reduced (`Detector.reduced`)."""


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
    those of the real "target", with which a fake video is cut. found: by "mtcnn" in a labelled
    picture, or "cut" before. folder: in data/, where its pictures are made; "" where they are
    given, in data/<source> or where TCNSC_SOURCE says.
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
    found: str = "mtcnn"
    folder: str = ""

    def __post_init__(self) -> None:
        """Raise a CompanionError for a setting that no profile can have."""
        for name, (kind, least, most) in RANGES.items():
            check_number(name, getattr(self, name), kind, least, most)
        for name, known in CHOICES.items():
            check_choice(name, getattr(self, name), known)
        if not SOURCES[self.source].has_videos:
            check_choice("raw_quality", self.raw_quality, ("raw",))
            check_choice("boxes", self.boxes, ("own",))
        check_choice("found", self.found, SOURCES[self.source].ways_found)

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
        name = REDUCED_LIKE.get(self.name, self.name)
        return detector.reduced.get(name, Settings())
