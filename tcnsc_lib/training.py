"""One training loop for every detector (section 4.1): Adam, exponential schedule, fixed number of iterations.

A Run is a folder named after its experiment and a digest of all that determines it: settings, crops, and the code
that makes crops and trains. Asking for a run that exists loads it; one cut short goes on from its last checkpoint and
ends in the same weights as an uninterrupted one, since every random choice depends on (seed, iteration) alone (bit for bit
on a CPU; on a GPU up to the rounding of kernels that have no deterministic form).

    <run>/weights.safetensors   the detector         <run>/config.json        what determined it
    <run>/log.csv               losses, validation   <run>/environment.json   versions, device, seconds
"""
from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import nullcontext
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
from tcnsc_lib.detectors import Detector
from tcnsc_lib.evaluation import probabilities, summary
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import atomic, code_digest, digest, environment, read_json, write_json, write_text

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # lets cuBLAS be deterministic; read at its first use
CODE = ("codecs.py", "faces/store.py", "detectors/__init__.py", "training.py")
CHECKPOINT_SECONDS = 30
ROOM = 8 << 30  # bytes of a GPU left free for a batch of 224 px and its gradients
INTERIM = 5000  # validation crops for a point of the curve; the last point takes all


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train; the defaults are the paper's, where it is silent those of `paper.OPEN`.

    final_lr_share: the learning rate falls exponentially to this share of itself by the last iteration.
    flip: mirror an image and its twin together, with probability 1/2. precision: "float32" or "bfloat16" (autocast).
    validate: iterations between two points of the validation curve.
    """

    iterations: int = 10_000
    batch_size: int = 64
    learning_rate: float = 1e-4
    final_lr_share: float = 0.1
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


def batch_indices(n: int, batch_size: int, iteration: int, seed: int) -> np.ndarray:
    """Rows of the batch at this iteration: epochs are seeded permutations, the last short batch of each is dropped.

    With fewer crops than a batch needs, a batch is a whole permutation.
    """
    per_epoch = max(1, n // batch_size)
    order = np.random.default_rng([seed, iteration // per_epoch]).permutation(n)
    start = iteration % per_epoch * batch_size
    return order[start : start + batch_size]


class Crops:
    """The training part after one codec, as tensors on the device where they fit, else read from disk batch by batch."""

    def __init__(self, array: np.ndarray, where: str):
        self.array, self.where = array, where
        self.held = None
        if where == "cuda":
            torch.cuda.empty_cache()
            if array.nbytes < torch.cuda.mem_get_info()[0] - ROOM:
                self.held = torch.empty(array.shape, dtype=torch.uint8, device=where)
                for i in range(0, len(array), 4096):
                    self.held[i : i + 4096] = torch.from_numpy(np.array(array[i : i + 4096])).to(where)

    def __getitem__(self, rows: np.ndarray) -> Tensor:
        if self.held is not None:
            return self.held[torch.from_numpy(rows).to(self.where)]
        return torch.from_numpy(self.array[rows]).to(self.where)


def train(name: str, make: Callable[[], Detector], faces: FaceSet, views: tuple[str, ...], schedule: Schedule,
          root: Path, seed: int = 0, config: dict | None = None, code: tuple[str, ...] = ()) -> Run:
    """The run of this name and these settings: loaded if it exists, resumed if cut short, else trained.

    The crops enter the run's name by their pixels, so the code that made them does too.

    make: builds the detector (seeded here). views: one codec, or two for (X, X'). config: what else determines the run,
    the detector's arguments above all. code: the detector's modules.
    """
    if schedule.precision == "bfloat16" and device() == "cuda" and not torch.cuda.is_bf16_supported(False):
        schedule = replace(schedule, precision="float32")  # before Ampere, bfloat16 convolutions crawl
    config = {"name": name, "views": list(views), "seed": seed, "schedule": asdict(schedule), **(config or {}),
              "device": device(), "faces": faces.fingerprint, "code": code_digest(*CODE, *code)}
    slug = "".join(c if c.isalnum() else "-" for c in name).strip("-").replace("--", "-")
    folder = Path(root) / f"{slug}-seed{seed}-{digest(config)}"
    torch.manual_seed(seed)
    detector = make().to(config["device"], memory_format=torch.channels_last)
    if not (folder / "weights.safetensors").exists():
        write_json(folder / "config.json", config)
        torch.use_deterministic_algorithms(True, warn_only=True)
        _fit(detector, faces, views, schedule, folder, seed, f"{name} -> {folder.name}")
    return load(folder, detector)


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
    crops = [Crops(faces.images(view, "train"), where) for view in views]
    y = torch.tensor(faces.labels("train")).to(where)
    val, y_val = faces.images(views[0], "val"), faces.labels("val")
    optimizer = torch.optim.Adam(detector.parameters(), schedule.learning_rate)
    gamma = schedule.final_lr_share ** (1 / schedule.iterations)
    start, log, spent = _resume(detector, optimizer, folder)
    begun = saved = time.monotonic()
    bar = tqdm(range(start, schedule.iterations), initial=start, total=schedule.iterations, desc=title)
    for iteration in bar:
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate * gamma**iteration
        rows = batch_indices(len(y), schedule.batch_size, iteration, seed)
        x = batch(detector, crops, rows, schedule.flip, [seed, iteration])
        losses = step(detector, optimizer, x, y[torch.from_numpy(rows).to(where)], schedule.precision, seed + iteration)
        if not np.isfinite(losses["total"]):
            raise CompanionError(f"The loss of {title} is {losses['total']} at iteration {iteration + 1}; "
                                 "try a smaller learning rate.")
        log.append({"iteration": iteration + 1, "lr": optimizer.param_groups[0]["lr"], **losses})
        if (iteration + 1) % schedule.validate == 0 or iteration + 1 == schedule.iterations:
            every = 1 if iteration + 1 == schedule.iterations else max(1, len(y_val) // INTERIM)
            log[-1] |= validate(detector, val[::every], y_val[::every])
            bar.set_postfix({"loss": f"{losses['total']:.3f}", "val acc": f"{log[-1]['val_accuracy']:.1f} %"})
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            saved = time.monotonic()
            _checkpoint(detector, optimizer, folder, iteration + 1, log, spent + saved - begun)
    write_json(folder / "environment.json", environment(where) | {"seconds": round(spent + time.monotonic() - begun, 1)})
    write_text(folder / "log.csv", pd.DataFrame(log).to_csv(index=False))
    with atomic(folder / "weights.safetensors") as part:
        save_file(_contiguous(detector.state_dict()), part, metadata={"run": folder.name})
    (folder / "checkpoint.safetensors").unlink(missing_ok=True)


def batch(detector: Detector, crops: list[Crops], rows: np.ndarray, flip: bool, seed: list[int]) -> list[Tensor]:
    """The views of a batch, each float32 (N, 3, S, S), mirrored alike."""
    mirror = np.random.default_rng([*seed, 1]).random(len(rows)) < 0.5
    x = [detector.prepare(view[rows]).contiguous(memory_format=torch.channels_last) for view in crops]
    if flip:
        mask = torch.from_numpy(mirror).to(x[0].device).view(-1, 1, 1, 1)
        x = [torch.where(mask, view.flip(3), view) for view in x]
    return x


def step(detector: Detector, optimizer: torch.optim.Optimizer, x: list[Tensor], y: Tensor, precision: str,
         seed: int) -> dict[str, float]:
    """One update of all parameters on the joint loss; returns the losses as numbers."""
    torch.manual_seed(seed)  # for detectors with dropout or noise, so that a resumed run draws the same
    detector.train()
    low = torch.autocast(x[0].device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()
    with low:
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
    """Weights, Adam's moments, log and progress in one file, so that none can be newer than another."""
    tensors = {f"detector/{k}": v for k, v in _contiguous(detector.state_dict()).items()}
    for name, values in optimizer.state_dict()["state"].items():
        tensors |= {f"adam/{name}/{k}": v.detach().cpu().contiguous() for k, v in values.items()}
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
        if key.startswith("adam/"):
            _, index, name = key.split("/")
            state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    log = pd.read_csv(StringIO(meta["log"])).to_dict("records")
    return int(meta["iteration"]), log, float(meta["spent"])
