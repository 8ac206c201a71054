"""What runs say of the test crops, and the thresholds that RAW validation crops choose.

Kept in a run's folder, beside what they depend on. One run after the other, or many on a CPU.
"""
from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import chain
from pathlib import Path

import pandas as pd

from tcnsc_lib import CompanionError, cluster, paper
from tcnsc_lib.checked import Stored, content, record
from tcnsc_lib.codecs import codec, versions
from tcnsc_lib.detectors.outputs import (
    AT_ONCE,
    SEEN,
    STATISTICS,
    best_threshold,
    predict,
    predict_reestimated,
)
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import write_json
from tcnsc_lib.machine import device, threads
from tcnsc_lib.pool import run_all
from tcnsc_lib.training.folder import PREDICTIONS, THRESHOLD, WEIGHTS
from tcnsc_lib.training.identity import slug
from tcnsc_lib.training.kept import CURE, or_told, read_table, save_table
from tcnsc_lib.training.loop import read_by
from tcnsc_lib.training.run import Plan, Run, folder_of, train
from tcnsc_lib.training.stored import start_again
from tcnsc_lib.training.weights import LARGEST

Asked = Mapping[str, Sequence[str]]  # a run's name -> names in `outputs.STATISTICS`


class Odds(Stored):
    """A row of predictions.csv: log-odds of fake of a test crop on the five test sets."""

    RAW: float
    HQ: float
    MQ: float
    LQ: float
    WEBP: float


class Threshold(Stored):
    """threshold.json: log-odds, and beside them what they follow from (`depends_on`)."""

    threshold: float


def predictions(plan: Plan, faces: FaceSet, statistics: str = "") -> pd.DataFrame:
    """Log-odds of fake of each test crop (rows) on the five test sets (columns), float64.

    statistics: "" for the running statistics of the training, else a name in `outputs.STATISTICS`.

    Read from the run's folder if they are there and still hold; else made, and kept, by the run,
    which is loaded, resumed or trained. Damaged ones are told in a line on standard error, and made
    again. faces: whose test part is asked about. Raises CompanionError where that part has no real
    crops or no fakes.
    """
    folder = folder_of(plan)
    found = or_told(_read, folder, faces, statistics)
    if found is None:
        _make(plan, faces, statistics)
        found = _read(folder, faces, statistics)
    return found


def threshold(plan: Plan, faces: FaceSet) -> float:
    """The log-odds from which on calling fake gets most RAW validation crops right.

    RAW whatever the run was trained on, under the running statistics of the training. Read from the
    run's folder, or made and kept as predictions are. Those that lie there stay as they are, so a
    run that has them and no threshold is asked about no test crop.
    """
    found = or_told(_read_threshold, folder_of(plan), faces)
    return _choose(train(plan, tell=False), faces) if found is None else found


def _make(plan: Plan, faces: FaceSet, statistics: str) -> None:
    """Write predictions.csv (a line with what it depends on, the table), and threshold.json."""
    faces.check_part("test")
    run = train(plan, tell=False)
    with threads(1):
        if statistics:
            odds = predict_reestimated(run.detector, faces, paper.CODECS, statistics)
        else:
            odds = predict(run.detector, faces, paper.CODECS)
    depends = depends_on(run.folder, faces, statistics)
    save_table(_path(run.folder, statistics), depends, odds)
    if not statistics:
        _choose(run, faces)


def _choose(run: Run, faces: FaceSet) -> float:
    """Write threshold.json; returns the threshold."""
    with threads(1):
        odds = predict(run.detector, faces, ("RAW",), "val")
    chosen = best_threshold(faces.labels("val"), odds.RAW.to_numpy())
    told = {"threshold": chosen} | depends_on(run.folder, faces)
    write_json(run.folder / THRESHOLD, told)
    return chosen


def kept(folder: Path, faces: FaceSet, statistics: str = "") -> bool:
    """Whether a run's folder has predictions of its weights, these crops and codecs.

    And a threshold, which re-estimated statistics don't have.
    """
    try:
        odds = _read(folder, faces, statistics)
        has_threshold = bool(statistics) or _read_threshold(folder, faces) is not None
    except CompanionError:
        return False
    return odds is not None and has_threshold


def _read_threshold(folder: Path, faces: FaceSet) -> float | None:
    """The threshold in a folder, as `_read` reads predictions."""
    path = Path(folder) / THRESHOLD
    if not path.exists() or not (Path(folder) / WEIGHTS).exists():
        return None
    found = record(path, Threshold, CURE)
    same = found.model_extra == depends_on(folder, faces)
    return found.threshold if same else None


def _read(folder: Path, faces: FaceSet, statistics: str) -> pd.DataFrame | None:
    """The predictions in a folder; None where there are none, or those of something else.

    Raises CompanionError where they are damaged or incomplete.
    """
    shape = (paper.CODECS, len(faces.labels("test")))
    depends = partial(depends_on, folder, faces, statistics)
    return read_table(_path(folder, statistics), depends, Odds, shape)


def depends_on(folder: Path, faces: FaceSet, statistics: str = "") -> dict:
    """What predictions follow from: weights, crops, codecs, encoders, re-estimated statistics."""
    found = {
        "weights": weights_digest(folder),
        "faces": faces.fingerprint,
        "codecs": [asdict(codec(name)) for name in paper.CODECS],
        "encoders": versions(),
    }
    return found | {"statistics": [statistics, SEEN, AT_ONCE]} if statistics else found


def weights_digest(folder: Path) -> str:
    """Ten hexadecimal digits that change when a byte of a run's weights does."""
    weights = content(Path(folder) / WEIGHTS, LARGEST, start_again(folder))
    return hashlib.sha256(weights).hexdigest()[:10]


def _path(folder: Path, statistics: str) -> Path:
    """predictions.csv, or "predictions-RAW-and-LQ.csv"."""
    name = Path(PREDICTIONS)
    return Path(folder) / (f"{name.stem}-{slug(statistics)}{name.suffix}" if statistics else name)


# Many runs at once.

def predict_all(plans: Sequence[Plan], faces: FaceSet, statistics: Asked | None = None) -> None:
    """Keep the `predictions` of all these runs and each `threshold`.

    Several at once on a CPU, and on a cluster.

    A run takes one core, so its numbers don't depend on how many there are. statistics: run's name
    -> with which running statistics beside its own; none by default.
    """
    asked = [(plan, ("", *(statistics or {}).get(plan.name(), ()))) for plan in plans]
    missing = [job for job in asked if not _all_kept(*job, faces)]
    if not missing:
        return
    faces.check_part("test")
    if starts := [plan.start for plan, _ in missing if plan.start is not None]:
        predict_all(starts, faces)  # before workers would train one twice
    at_once = 1 if device() == "cuda" and not cluster.address() else None
    if at_once is None:
        fill_arrays([plan for plan, _ in missing], faces)
        _fill_unlabelled([names for _, names in missing], faces)
    jobs = [(plan, names, faces) for plan, names in missing]
    title = f"runs -> {os.path.relpath(missing[0][0].root)}"
    for _ in run_all(_predict, jobs, title, at_once):
        pass


def _all_kept(plan: Plan, statistics: Sequence[str], faces: FaceSet) -> bool:
    return all(kept(folder_of(plan), faces, name) for name in statistics)


def _predict(plan: Plan, statistics: Sequence[str], faces: FaceSet) -> None:
    """In a worker: the tables stay there, on disk."""
    for name in statistics:
        predictions(plan, faces, name)
    threshold(plan, faces)


def _fill_unlabelled(statistics: Sequence[Sequence[str]], faces: FaceSet) -> None:
    """Compress the training crops that statistics are estimated on, before workers share them."""
    for name in dict.fromkeys(chain(*statistics)):
        if name:
            for view in STATISTICS[name] or paper.CODECS:
                faces.images(view, "train")


def fill_arrays(plans: Sequence[Plan], faces: FaceSet) -> None:
    """Compress all crops that these runs read, before workers share them."""
    for plan in plans:
        for part, view in read_by(plan.views):
            plan.faces.images(view, part)
    for name in paper.CODECS:
        faces.images(name, "test")
    faces.images("RAW", "val")
