"""A run: a trained detector and the folder it lives in.

A Plan holds all that determines a run. Asking for a run that exists loads it; one cut short goes on
from its last checkpoint. On a CPU a run uses one thread, so its numbers don't depend on how many
cores there are; `experiments.train_all` trains several runs at once instead.

    <run>/weights.safetensors   the detector
    <run>/log.csv               losses and validation, a row each iteration
    <run>/config.json           all that is in the run's name, and the device
    <run>/environment.json      versions, commit, seconds, the code's digest, the precision used
    <run>/predictions.csv       what it says of the test crops (`predictions`)
"""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import atomic, code_digest, environment, read_json, write_json, write_text
from tcnsc_lib.machine import device, threads
from tcnsc_lib.training.checkpoint import Checkpoint, Progress, stored
from tcnsc_lib.training.folder import TABLES, WEIGHTS, forget, note, warn
from tcnsc_lib.training.identity import RECIPE, run_name
from tcnsc_lib.training.loop import Schedule, fit

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # so that cuBLAS can be deterministic


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that determines a run, and where runs are kept.

    experiment, profile: names. detector: the class, and the arguments it is made with. views: one
    codec, or two for (X, X'). faces: its training and validation parts are used. enlarge: of the
    faces' boxes. weights: what f starts from, "random" or "imagenet". quality: of the videos that
    the crops are cut from. root: the folder of the profile's runs.
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
        return settings if self.weights == "random" else settings | {"weights": self.weights}

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

    Raises CompanionError if they don't fit.
    """
    folder = Path(folder)
    path = folder / WEIGHTS
    if not path.exists():
        raise CompanionError(
            f"{folder} holds no finished run ({WEIGHTS} is missing); train it first."
        )
    _fill(detector, path)
    lost = [name for name in TABLES if not (folder / name).exists()]
    if lost:
        raise CompanionError(
            f"The run in {folder} has lost {', '.join(lost)}; delete that folder and train again."
        )
    return Run(
        folder=folder,
        detector=detector.eval(),
        log=pd.read_csv(folder / "log.csv"),
        config=read_json(folder / "config.json"),
        environment=read_json(folder / "environment.json"),
    )


# Training and its files.

def _train(plan: Plan, detector: Detector, folder: Path) -> None:
    """Train to the end and write the run; the weights come last, since they vouch for the rest."""
    today = code_digest()
    schedule = on_this_device(plan.schedule)
    write_json(folder / "config.json", plan.config())
    checkpoint = Checkpoint(folder, today)
    with threads(1), _deterministic():
        progress = fit(detector, plan.faces, plan.views, schedule, plan.seed, checkpoint)
    _write(folder, detector, progress, schedule.precision)
    checkpoint.remove()


def _write(folder: Path, detector: Detector, progress: Progress, precision: str) -> None:
    where = next(detector.parameters()).device.type
    made = environment(where)
    made |= {"code": progress.code, "precision": precision}
    made |= {"seconds": round(progress.seconds, 1)}
    write_json(folder / "environment.json", made)
    write_text(folder / "log.csv", pd.DataFrame(progress.log).to_csv(index=False))
    with atomic(folder / WEIGHTS) as path:
        save_file(stored(detector.state_dict()), path, metadata={"run": folder.name})


def on_this_device(schedule: Schedule) -> Schedule:
    """float32 where a GPU lacks bfloat16: before Ampere, such convolutions crawl."""
    lacking = device() == "cuda" and not torch.cuda.is_bf16_supported(False)
    if schedule.precision == "bfloat16" and lacking:
        return replace(schedule, precision="float32")
    return schedule


@contextmanager
def _deterministic() -> Iterator[None]:
    """Kernels that give the same sums each time; memory isn't cleared before it is overwritten."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    fill = torch.utils.deterministic.fill_uninitialized_memory
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.utils.deterministic.fill_uninitialized_memory = fill


def _fill(detector: Detector, path: Path) -> None:
    """Load weights, after a look at whose they are."""
    try:
        with safe_open(path, framework="pt") as file:
            owner = (file.metadata() or {}).get("run")
        if owner != path.parent.name:
            raise CompanionError(
                f"{path} belongs to the run {owner}, not to {path.parent.name}; move it back."
            )
        detector.load_state_dict(load_file(path))
    except SafetensorError as error:
        raise CompanionError(
            f"{path} is damaged ({error}); delete {path.parent} and train again."
        ) from error
    except RuntimeError as error:
        if "state_dict" not in str(error):
            raise
        raise CompanionError(
            f"{path} holds the weights of another detector than the {type(detector).__name__} "
            "asked for; check the folder's config.json."
        ) from error
