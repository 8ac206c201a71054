"""A run: a trained detector and the folder it lives in.

A Plan holds all that determines a run. Asking for a run that exists loads it; one cut short goes on
from its last checkpoint. On a CPU a run uses one thread, so its numbers don't depend on how many
cores there are; `experiments.train_all` trains several runs at once instead.

    <run>/weights.safetensors   the detector
    <run>/log.csv               losses and validation, a row each iteration
    <run>/config.json           all that is in the run's name, and the device
    <run>/environment.json      versions, commit, seconds, the code's digest, precision
    <run>/predictions.csv       what it says of the test crops (`predictions`)
    <run>/threshold.json        from which log-odds on it calls a crop fake (`predictions`)
"""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd
import torch

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import RANDOM_JPEG, codec
from tcnsc_lib.detectors import Detector
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import atomic, code_digest, environment, write_json, write_text
from tcnsc_lib.machine import device, threads
from tcnsc_lib.training.checkpoint import Checkpoint, Progress, stored
from tcnsc_lib.training.folder import TABLES, WEIGHTS, forget, note, warn
from tcnsc_lib.training.identity import RECIPE, run_name
from tcnsc_lib.training.loop import fit
from tcnsc_lib.training.schedule import Schedule, on_this_device
from tcnsc_lib.training.stored import CONFIG, ENVIRONMENT, LOG, check_settings, read_tables
from tcnsc_lib.training.weights import fill, save_file

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # so that cuBLAS can be deterministic


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that determines a run, and where runs are kept.

    experiment, profile: names. detector: the class, and the arguments it is made with. views: one
    codec, or two for (X, X'). faces: its training and validation parts are used. enlarge: of the
    faces' boxes. weights: what f starts from, "random" or "imagenet". quality: of the videos that
    the crops are cut from. start: the plan of a run of the same shape, whose weights this one
    starts from. root: the folder of the profile's runs.

    Raises CompanionError for what no run can have: a negative seed, a schedule without iterations,
    one view where the detector compares two.
    """

    experiment: str
    profile: str
    detector: type[Detector]
    views: tuple[str, ...]
    schedule: Schedule
    faces: FaceSet
    enlarge: float
    root: Path
    seed: int = 0
    arguments: dict = field(default_factory=dict)
    weights: str = "random"
    quality: str = "raw"
    start: Plan | None = None

    def __post_init__(self) -> None:
        check_settings(self.config())
        for view in {*self.views} - {RANDOM_JPEG}:
            codec(view)
        if self.detector.needs_twin() and len(self.views) < 2:
            raise CompanionError(
                f"{self.detector.name} compares two views of each crop, and {self.experiment} has "
                f"{', '.join(self.views)} alone; give it two."
            )

    def settings(self) -> dict:
        """What is in the run's name beside experiment, profile, seed and faces; as JSON has it."""
        settings = {
            "detector": self.detector.name,
            "arguments": self.arguments,
            "views": list(self.views),
            "schedule": asdict(self.schedule),
            "enlarge": self.enlarge,
            "quality": self.quality,
        }
        if self.weights != "random":
            settings["weights"] = self.weights
        if self.start is not None:
            settings["start"] = self.start.name()
        return settings

    def name(self) -> str:
        """The run's name, see `identity.run_name`."""
        return run_name(
            self.experiment, self.profile, self.seed, self.settings(), self.faces.fingerprint
        )

    def config(self) -> dict:
        """What config.json says: all that is in the name, and the device."""
        return {
            "experiment": self.experiment,
            "profile": self.profile,
            "seed": self.seed,
            **self.settings(),
            "faces": self.faces.fingerprint,
            "recipe": RECIPE,
            "device": device(),
        }

    def make(self) -> Detector:
        """The untrained detector on the device; its random weights depend on the seed alone."""
        torch.manual_seed(self.seed)
        detector = self.detector(**self.arguments)
        if self.weights != "random":
            detector.start_from(self.weights)
        return detector.to(device(), memory_format=torch.channels_last)


@dataclass
class Run:
    """A trained detector in evaluation mode, its folder, its log and what made it.

    log: a row each iteration. config, environment: as in the files of these names.
    """

    folder: Path
    detector: Detector
    log: pd.DataFrame
    config: dict
    environment: dict

    @property
    def note(self) -> str:
        """One line on where the run comes from."""
        return note(self.folder)


def folder_of(plan: Plan) -> Path:
    """Where `train` keeps the run of this plan."""
    return Path(plan.root) / plan.name()


def train(plan: Plan, retrain: bool = False, tell: bool = True) -> Run:
    """The run of this plan: loaded if it exists, resumed if it was cut short, else trained.

    retrain: forget first what code other than today's trained. tell: say where other code did, in
    one line on standard error.
    """
    folder = folder_of(plan)
    if retrain:
        forget([folder])
    elif tell:
        warn([folder])
    detector = plan.make()
    if not (folder / WEIGHTS).exists():
        _train(plan, detector, folder)
    return load(folder, detector)


def load(folder: Path, detector: Detector) -> Run:
    """A finished run's weights into a detector of the same shape.

    Raises CompanionError if they don't fit, or if a file of the run is missing, cut or damaged.
    """
    folder = Path(folder)
    path = folder / WEIGHTS
    if not path.exists():
        raise CompanionError(
            f"{folder} holds no finished run ({WEIGHTS} is missing); train it first."
        )
    fill(detector, path)
    lost = [name for name in TABLES if not (folder / name).exists()]
    if lost:
        names = ", ".join(lost)
        raise CompanionError(
            f"The run in {folder} has lost {names}; delete that folder and train again."
        )
    config, log, made = read_tables(folder)
    return Run(
        folder=folder,
        detector=detector.eval(),
        log=log,
        config=config.as_written(),
        environment=made.model_dump(exclude_unset=True),
    )


# Training and its files.

def _train(plan: Plan, detector: Detector, folder: Path) -> None:
    """Train to the end and write the run; the weights come last, since they vouch for the rest."""
    check_parts(plan)
    if plan.start is not None:
        detector.load_state_dict(train(plan.start, tell=False).detector.state_dict())
    today = code_digest()
    schedule = on_this_device(plan.schedule)
    write_json(folder / CONFIG, plan.config())
    checkpoint = Checkpoint(folder, today)
    with threads(1), deterministic():
        progress = fit(detector, plan.faces, plan.views, schedule, plan.seed, checkpoint)
    _write(folder, detector, progress, schedule.precision)
    checkpoint.remove()


def check_parts(plan: Plan) -> None:
    """Raise a CompanionError where the faces can't train this detector, or can't validate it.

    Who makes the fakes of its training needs real crops alone.
    """
    if not plan.detector.real_only:
        plan.faces.check_part("train")
    elif not (plan.faces.labels("train") == 0).any():
        raise CompanionError(
            f"{plan.detector.name} trains on real crops alone, and the train part of the faces in "
            f"{plan.faces.root} has none; bring real faces."
        )
    plan.faces.check_part("val")


def _write(folder: Path, detector: Detector, progress: Progress, precision: str) -> None:
    where = next(detector.parameters()).device.type
    made = environment(where)
    made |= {"code": progress.code, "precision": precision}
    made |= {"seconds": round(progress.seconds, 1)}
    write_json(folder / ENVIRONMENT, made)
    write_text(folder / LOG, pd.DataFrame(progress.log).to_csv(index=False))
    with atomic(folder / WEIGHTS) as path:
        save_file(stored(detector.state_dict()), path, metadata={"run": folder.name})


@contextmanager
def deterministic() -> Iterator[None]:
    """Kernels that give the same sums each time; memory isn't cleared before it is overwritten."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    fill = torch.utils.deterministic.fill_uninitialized_memory
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = fill
