"""One training loop for every detector (section 4.1): exponential schedule, fixed number of iterations.

A Run is a folder named after its experiment and a digest of all that determines it: settings, crops, and the code
that makes crops and trains. Asking for a run that exists loads it; one cut short goes on from its last checkpoint and
ends in the same weights as an uninterrupted one, since every random choice depends on (seed, iteration) alone (bit for bit
on a CPU; on a GPU up to the rounding of kernels that have no deterministic form). On a CPU a run uses one thread, so
that its numbers don't depend on how many cores there are; `experiments.train_all` trains several runs at once instead.

    <run>/weights.safetensors   the detector         <run>/config.json        what determined it
    <run>/log.csv               losses, validation   <run>/environment.json   versions, device, seconds
"""
from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.batches import Part, batch, batch_indices
from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.detectors import Detector
from tcnsc_lib.evaluation import probabilities, summary
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import atomic, code_digest, digest, environment, read_json, write_json, write_text

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # lets cuBLAS be deterministic; read at its first use
CODE = ("codecs.py", "faces/store.py", "detectors/__init__.py", "batches.py", "training.py")
CHECKPOINT_SECONDS = 30
OPTIMIZERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}
BAR = 0  # line of the screen for the progress bar; where several runs train at once, each has its own
WATCHED = 64  # validation crops that `Detector.watch` looks at
WATCH = {base * 10**power for base in (1, 3) for power in range(6)}  # before the first step, the third, the tenth, ...
INTERIM = 5000  # validation crops for a point of the curve; the last point takes all


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train; the defaults are the paper's, where it is silent those of `paper.OPEN`.

    final_lr_share: the learning rate falls exponentially to this share of itself by the last iteration.
    optimizer: "adam" or "sgd", both with PyTorch's other defaults. flip: mirror an image and its twin together, with
    probability 1/2. precision: "float32" or "bfloat16" (autocast).
    validate: iterations between two points of the validation curve.
    """

    iterations: int = 10_000
    batch_size: int = 64
    learning_rate: float = 1e-4
    final_lr_share: float = 0.1
    optimizer: str = "adam"
    flip: bool = True
    precision: str = "bfloat16"
    validate: int = 500


@dataclass
class Run:
    """A trained detector in evaluation mode, its folder, its log (a row each iteration) and what made it."""

    folder: Path
    detector: Detector
    log: pd.DataFrame
    config: dict
    environment: dict


def device() -> str:
    """"cuda" if there is one, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def train(name: str, make: Callable[[], Detector], faces: FaceSet, views: tuple[str, ...], schedule: Schedule,
          root: Path, seed: int = 0, config: dict | None = None, code: tuple[str, ...] = ()) -> Run:
    """The run of this name and these settings: loaded if it exists, resumed if cut short, else trained.

    The crops enter the run's name by their pixels, so the code that made them does too.

    make: builds the detector (seeded here). views: one codec, or two for (X, X'). config: what else determines the run,
    the detector's arguments above all. code: the detector's modules.
    """
    folder, config, schedule = folder_of(name, make, faces, views, schedule, root, seed, config, code)
    torch.manual_seed(seed)
    detector = make().to(config["device"], memory_format=torch.channels_last)
    if not (folder / "weights.safetensors").exists():
        write_json(folder / "config.json", config)
        torch.use_deterministic_algorithms(True, warn_only=True)
        with _one_thread():
            _fit(detector, faces, views, schedule, folder, seed, f"{name} -> {folder.name}")
    return load(folder, detector)


def folder_of(name: str, make: Callable[[], Detector], faces: FaceSet, views: tuple[str, ...], schedule: Schedule,
              root: Path, seed: int = 0, config: dict | None = None,
              code: tuple[str, ...] = ()) -> tuple[Path, dict, Schedule]:
    """Where `train` keeps the run of these arguments, all that determines it, and the schedule on this device."""
    if schedule.precision == "bfloat16" and device() == "cuda" and not torch.cuda.is_bf16_supported(False):
        schedule = replace(schedule, precision="float32")  # before Ampere, bfloat16 convolutions crawl
    config = {"name": name, "views": list(views), "seed": seed, "schedule": asdict(schedule), **(config or {}),
              "device": device(), "faces": faces.fingerprint, "code": code_digest(*CODE, *code)}
    slug = "".join(c if c.isalnum() else "-" for c in name).strip("-").replace("--", "-")
    folder = Path(root) / f"{slug}-seed{seed}-{digest(config)}"
    return folder, config, schedule


@contextmanager
def _one_thread() -> Iterator[None]:
    """Arithmetic on one CPU core: more cores would add in another order, and give other numbers."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def load(folder: Path, detector: Detector) -> Run:
    """A finished run's weights into a detector of the same shape. Raises CompanionError if they don't fit."""
    folder = Path(folder)
    path = folder / "weights.safetensors"
    if not path.exists():
        raise CompanionError(f"{folder} holds no finished run (weights.safetensors is missing); train it first.")
    try:
        with safe_open(path, framework="pt") as file:
            owner = (file.metadata() or {}).get("run")
        if owner != folder.name:
            raise CompanionError(f"{path} belongs to the run {owner}, not to {folder.name}; move it back.")
        detector.load_state_dict(load_file(path))
    except SafetensorError as error:
        raise CompanionError(f"{path} is damaged ({error}); delete {folder} and train again.") from error
    except RuntimeError as error:
        if "state_dict" not in str(error):
            raise
        raise CompanionError(f"{path} holds the weights of another detector than the {type(detector).__name__} asked for; "
                             "check the folder's config.json.") from error
    if lost := [name for name in ("log.csv", "config.json", "environment.json") if not (folder / name).exists()]:
        raise CompanionError(f"The run in {folder} has lost {', '.join(lost)}; delete that folder and train again.")
    log = pd.read_csv(folder / "log.csv")
    return Run(folder, detector.eval(), log, read_json(folder / "config.json"), read_json(folder / "environment.json"))


def _fit(detector: Detector, faces: FaceSet, views: tuple[str, ...], schedule: Schedule, folder: Path, seed: int,
         title: str) -> None:
    """Train to the end, from the last checkpoint if there is one, and write the run."""
    where = next(detector.parameters()).device.type
    part, watched = Part(detector, faces, views, where), _watched(detector, faces, views, where)
    val, y_val = faces.images(views[0], "val"), faces.labels("val")
    optimizer = OPTIMIZERS[schedule.optimizer]([w for w in detector.parameters() if w.requires_grad], schedule.learning_rate)
    gamma = schedule.final_lr_share ** (1 / schedule.iterations)
    start, log, spent = _resume(detector, optimizer, folder)
    begun = saved = time.monotonic()
    bar = tqdm(range(start, schedule.iterations), initial=start, total=schedule.iterations, desc=title, position=BAR)
    for iteration in bar:
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate * gamma**iteration
        low, last = autocast(where, schedule.precision), iteration + 1 == schedule.iterations
        x, y = batch(detector, part, batch_indices(len(part), schedule.batch_size, iteration, seed), schedule.flip,
                     [seed, iteration])
        with low:
            seen = detector.watch(*watched) if iteration + 1 in WATCH or last else {}
        losses = step(detector, optimizer, x, y, schedule.precision, seed + iteration)
        if not np.isfinite(losses["total"]):
            raise CompanionError(f"The loss of {title} is {losses['total']} at iteration {iteration + 1}; "
                                 "try a smaller learning rate.")
        log.append({"iteration": iteration + 1, "lr": optimizer.param_groups[0]["lr"], **losses, **seen})
        if (iteration + 1) % schedule.validate == 0 or last:
            every = 1 if last else max(1, len(y_val) // INTERIM)
            log[-1] |= validate(detector, val[::every], y_val[::every])
            bar.set_postfix({"loss": f"{losses['total']:.3f}", "val acc": f"{log[-1]['val_accuracy']:.1f} %"})
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            saved = time.monotonic()
            _checkpoint(detector, optimizer, folder, iteration + 1, log, spent + saved - begun)
    write_json(folder / "environment.json", environment(where) | {"seconds": round(spent + time.monotonic() - begun, 1)})
    write_text(folder / "log.csv", pd.DataFrame(log).to_csv(index=False))
    with atomic(folder / "weights.safetensors") as path:
        save_file(_contiguous(detector.state_dict()), path, metadata={"run": folder.name})
    (folder / "checkpoint.safetensors").unlink(missing_ok=True)


def autocast(where: str, precision: str):
    """The context in which a forward pass runs."""
    return torch.autocast(where, torch.bfloat16) if precision == "bfloat16" else nullcontext()


def _watched(detector: Detector, faces: FaceSet, views: tuple[str, ...], where: str) -> tuple[Tensor, Tensor, Tensor]:
    """Fixed validation pairs for `Detector.watch`: the first view, y, and the second view (LQ if there is no fixed one)."""
    y = faces.labels("val")
    rows = np.unique(np.linspace(0, len(y) - 1, WATCHED).astype(int))
    twin = views[1] if len(views) > 1 and views[1] != RANDOM_JPEG else "LQ"
    x, x_twin = (detector.prepare(torch.from_numpy(faces.images(view, "val")[rows]).to(where)) for view in (views[0], twin))
    return x, torch.from_numpy(y[rows]).to(where), x_twin


def step(detector: Detector, optimizer: torch.optim.Optimizer, x: list[Tensor], y: Tensor, precision: str,
         seed: int) -> dict[str, float]:
    """One update of all parameters on the joint loss; returns the losses as numbers."""
    torch.manual_seed(seed)  # for detectors with dropout or noise, so that a resumed run draws the same
    detector.train()
    with autocast(x[0].device.type, precision):
        losses = detector.losses(x[0], y, *x[1:])
    optimizer.zero_grad(set_to_none=True)
    losses["total"].backward()
    optimizer.step()
    return {name: loss.item() for name, loss in losses.items()}


def validate(detector: Detector, images: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Accuracy and AUC on validation crops, uint8 (N, S, S, 3), after the codec of the first view; y int64 (N,)."""
    scores = summary(y, probabilities(detector, images))
    return {"val_accuracy": scores["accuracy"], "val_auc": scores["auc"]}


def _contiguous(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def _checkpoint(detector: Detector, optimizer: torch.optim.Optimizer, folder: Path, iteration: int, log: list[dict],
                spent: float) -> None:
    """Weights, the optimizer's moments, log and progress in one file, so that none can be newer than another."""
    tensors = {f"detector/{k}": v for k, v in _contiguous(detector.state_dict()).items()}
    for name, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{name}/{k}": v.detach().cpu().contiguous() for k, v in values.items() if v is not None}
    meta = {"run": folder.name, "iteration": str(iteration), "spent": str(spent),
            "log": pd.DataFrame(log).to_csv(index=False)}
    with atomic(folder / "checkpoint.safetensors") as part:
        save_file(tensors, part, metadata=meta)


def _resume(detector: Detector, optimizer: torch.optim.Optimizer, folder: Path) -> tuple[int, list[dict], float]:
    """Restore the last checkpoint: iterations done, log, seconds spent; zeros if there is none."""
    path = folder / "checkpoint.safetensors"
    if not path.exists():
        return 0, [], 0.0
    try:
        with safe_open(path, framework="pt") as file:
            tensors, meta = {k: file.get_tensor(k) for k in file.keys()}, file.metadata()
    except SafetensorError as error:
        raise CompanionError(f"{path} is damaged ({error}); delete it to start this run again.") from error
    if (owner := (meta or {}).get("run")) != folder.name:
        raise CompanionError(f"{path} belongs to the run {owner}, not to {folder.name}; move it back or delete it.")
    detector.load_state_dict({k.removeprefix("detector/"): v for k, v in tensors.items() if k.startswith("detector/")})
    state: dict[int, dict] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer/"):
            _, index, name = key.split("/")
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    log = pd.read_csv(StringIO(meta["log"])).to_dict("records")
    return int(meta["iteration"]), log, float(meta["spent"])
