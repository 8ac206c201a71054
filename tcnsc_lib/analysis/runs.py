"""What networks and their trainings tell: the parts of TCNSC (Figure 2), whether its similarity
branch collapses (section 3.1), how its pairs agree, and what each detector costs to train."""
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from tcnsc_lib.analysis import some
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.outputs import features
from tcnsc_lib.detectors.tcnsc import TCNSC, cosine
from tcnsc_lib.faces.store import FaceSet

if TYPE_CHECKING:
    from tcnsc_lib.training.run import Run

SEEN = ("gradient_", "cos_", "spread_", "rank_")
"""Beginnings of the columns that `TCNSC.watch` adds to a log."""


def network(detector: TCNSC) -> pd.DataFrame:
    """The parts of TCNSC (Figure 2): part (f, g, c), what it is, values put out, weights it has."""
    rows = [
        ("f", "ResNet18 without its last layer, X -> h", detector.f.outputs),
        ("g", "Linear, ReLU, Linear, h -> z", detector.g[-1].out_features),
        ("c", "Linear, h -> two logits", detector.c.out_features)]
    table = pd.DataFrame(rows, columns=["part", "what", "output"])
    weights = [_weights(getattr(detector, part)) for part in table.part]
    return table.assign(parameters=weights)


def _weights(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def collapse(logs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What `TCNSC.watch` saw while models trained: a row each time. logs: row's name -> `Run.log`.

    Columns training (the row's name), updates (steps taken before), then what was seen.
    """
    parts = []
    for row, log in logs.items():
        looks = log.dropna(subset="cos_twins_z")
        seen = looks[[name for name in looks if name.startswith(SEEN)]]
        parts.append(seen.assign(training=row, updates=looks.iteration - 1))
    table = pd.concat(parts, ignore_index=True)
    rest = table.columns.drop(["training", "updates"])
    return table[["training", "updates", *rest]]


def collapsed(logs: Mapping[tuple[str, int], tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """What `TCNSC.watch` saw before the last step: a row a training.

    logs: (row's name, seed) -> what its run is called, and its log. Columns training (the row's
    name), seed, run, then what was seen.
    """
    rows = []
    for (row, seed), (run, log) in logs.items():
        last = log.dropna(subset="cos_twins_z").iloc[-1]
        seen = {name: last[name] for name in log if name.startswith(SEEN)}
        rows.append({"training": row, "seed": seed, "run": run} | seen)
    return pd.DataFrame(rows)


VALIDATED = {
    "RAW": "val_accuracy",
    "LQ": "val_accuracy_LQ",
    "auc_RAW": "val_auc",
    "auc_LQ": "val_auc_LQ",
}
"""Column of `validation` -> column of a log."""


def validation(logs: Mapping[tuple[str, int], pd.DataFrame]) -> pd.DataFrame:
    """How models do on the validation part while they train: a row each time.

    logs: (row's name, seed) -> `Run.log` of a model whose X is RAW. Columns training (the row's
    name), seed, iteration (steps taken), then accuracy and AUC in percent, as VALIDATED names them.
    """
    parts = []
    for (row, seed), log in logs.items():
        points = log.dropna(subset="val_accuracy")
        scores = {column: points[name] for column, name in VALIDATED.items()}
        table = pd.DataFrame({"iteration": points.iteration} | scores)
        parts.append(table.assign(training=row, seed=seed))
    table = pd.concat(parts, ignore_index=True)
    return table[["training", "seed", "iteration", *VALIDATED]]


def costs(runs: Mapping[str, Run]) -> pd.DataFrame:
    """What detectors cost to train: a row for each name and run, in their order.

    Columns detector, parameters, input_size (pixels), optimizer, batch_size, learning_rate,
    iterations, crops_seen, seconds, crops_per_second, val_auc. val_auc: percent, the last of the
    run's log; on validation crops of what the run was trained on, so RAW ones for most detectors,
    and for Xception-C23 and -C40 those of c23 and c40.
    """
    return pd.DataFrame([_cost(name, run) for name, run in runs.items()])


def _cost(name: str, run: Run) -> dict[str, object]:
    schedule = run.config["schedule"]
    seconds = run.environment["seconds"]
    seen = schedule["iterations"] * schedule["batch_size"]
    return {
        "detector": name,
        "parameters": _weights(run.detector),
        "input_size": run.detector.input_size,
        "optimizer": schedule["optimizer"],
        "batch_size": schedule["batch_size"],
        "learning_rate": schedule["learning_rate"],
        "iterations": schedule["iterations"],
        "crops_seen": seen,
        "seconds": seconds,
        "crops_per_second": seen / seconds,
        "val_auc": run.log.val_auc.dropna().iloc[-1]}


def agreement(spaces: Mapping[str, tuple[Detector, str]], crops: FaceSet,
              pairs: pd.DataFrame) -> pd.DataFrame:
    """Mean cosines of test crops in feature spaces: a row for each of `spaces`, values in [-1, 1].

    spaces: row's name -> (detector, "h" or "z"); z = g(h) is TCNSC's. pairs: `FaceSet.pairs`, of
    which each person's first is taken: a fake and the real crop of the same frame.

    Columns space; "twins (RAW, LQ)": a real crop with itself at LQ; "different people": real crops,
    each with the one before; "real against fake": of one frame.
    """
    first = some(pairs).drop_duplicates("identity")
    files = crops.rows("test").file.tolist()
    real = [files.index(file) for file in first.file_real]
    fake = [files.index(file) for file in first.file]
    raw = crops.images("RAW", "test")
    views = {"real": raw[real], "real LQ": crops.images("LQ", "test")[real], "fake": raw[fake]}
    rows = []
    for name, (detector, space) in spaces.items():
        rows.append({"space": name, **_cosines(detector, space, views)})
    return pd.DataFrame(rows)


def _cosines(detector: Detector, space: str, views: dict[str, np.ndarray]) -> dict[str, float]:
    v = {name: _vectors(detector, space, images) for name, images in views.items()}
    pairs = {
        "twins (RAW, LQ)": (v["real"], v["real LQ"]),
        "different people": (v["real"], v["real"].roll(1, 0)),
        "real against fake": (v["real"], v["fake"])}
    return {name: cosine(*pair).mean().item() for name, pair in pairs.items()}


def _vectors(detector: Detector, space: str, images: np.ndarray) -> Tensor:
    """uint8 (N, S, S, 3) -> h or z of each crop, float32 (N, D)."""
    h = torch.from_numpy(features(detector, images, batch_size=len(images)))
    if space == "h":
        return h
    where = next(detector.parameters()).device
    with torch.no_grad():
        return detector.g(h.to(where)).cpu()
