"""What runs say of the test crops: each kept in its run's folder, beside what it depends on.

One run after the other, or many at once on a CPU.
"""
from __future__ import annotations

import hashlib
import json
import os
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.checked import LARGEST_TABLE, Stored, content, table_in
from tcnsc_lib.codecs import RANDOM_JPEG, codec, versions
from tcnsc_lib.detectors.outputs import (
    AT_ONCE,
    SEEN,
    STATISTICS,
    predict,
    predict_reestimated,
)
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import write_text
from tcnsc_lib.machine import device, threads
from tcnsc_lib.pool import run_all
from tcnsc_lib.training.folder import PREDICTIONS, WEIGHTS
from tcnsc_lib.training.identity import slug
from tcnsc_lib.training.loop import twin_view
from tcnsc_lib.training.run import Plan, folder_of, train
from tcnsc_lib.training.stored import start_again
from tcnsc_lib.training.weights import LARGEST

CURE = "they are made again"
Asked = Mapping[str, Sequence[str]]  # a run's name -> names in `outputs.STATISTICS`


class Odds(Stored):
    """A row of predictions.csv: log-odds of fake of a test crop on the five test sets."""

    RAW: float
    HQ: float
    MQ: float
    LQ: float
    WEBP: float


def predictions(plan: Plan, faces: FaceSet, statistics: str = "") -> pd.DataFrame:
    """Log-odds of fake of each test crop (rows) on the five test sets (columns), float64.

    statistics: "" for the running statistics of the training, else a name in `outputs.STATISTICS`.

    Read from the run's folder if they are there and still hold; else made, and kept, by the run,
    which is loaded, resumed or trained. Damaged ones are told in a line on standard error, and made
    again. faces: whose test part is asked about. Raises CompanionError where that part has no real
    crops or no fakes.
    """
    folder = folder_of(plan)
    try:
        found = _read(folder, faces, statistics)
    except CompanionError as error:
        tqdm.write(f"tcnsc: {error}", file=sys.stderr)  # not on the line of a progress bar
        found = None
    if found is None:
        _make(plan, faces, statistics)
        found = _read(folder, faces, statistics)
    return found


def _make(plan: Plan, faces: FaceSet, statistics: str) -> None:
    """Write predictions.csv: what it depends on and its checksum in a line, then the table."""
    faces.check_part("test")
    folder = folder_of(plan)
    run = train(plan, tell=False)
    with threads(1):
        if statistics:
            odds = predict_reestimated(run.detector, faces, paper.CODECS, statistics)
        else:
            odds = predict(run.detector, faces, paper.CODECS)
    rows = odds.to_csv(index=False)
    head = depends_on(folder, faces, statistics) | {"crc": _checksum(rows)}
    write_text(_path(folder, statistics), f"# {json.dumps(head)}\n{rows}")


def kept(folder: Path, faces: FaceSet, statistics: str = "") -> bool:
    """Whether a run's folder holds predictions made by its weights, from these crops and codecs."""
    try:
        return _read(folder, faces, statistics) is not None
    except CompanionError:
        return False


def _read(folder: Path, faces: FaceSet, statistics: str) -> pd.DataFrame | None:
    """The predictions in a folder; None where there are none, or those of something else.

    Raises CompanionError where they are damaged or incomplete.
    """
    path = _path(folder, statistics)
    if not path.exists() or not (Path(folder) / WEIGHTS).exists():
        return None
    data = content(path, LARGEST_TABLE, CURE)
    first, _, rows = data.decode(errors="replace").partition("\n")
    try:
        head = json.loads(first.removeprefix("# "))
        crc = head.pop("crc", None)  # older ones have none
    except (ValueError, AttributeError, TypeError) as error:
        raise CompanionError(f"{path} is damaged (its first line); {CURE}.") from error
    if head != depends_on(folder, faces, statistics):
        return None
    odds = table_in(data, Odds, path, CURE)
    if list(odds) != list(paper.CODECS) or len(odds) != len(faces.labels("test")):
        raise CompanionError(f"{path} isn't of all test crops on the five test sets; {CURE}.")
    if crc not in (None, _checksum(rows)):
        raise CompanionError(f"{path} was changed since it was written; {CURE}.")
    return odds


def _checksum(rows: str) -> str:
    return f"{zlib.crc32(rows.encode()):08x}"


def depends_on(folder: Path, faces: FaceSet, statistics: str = "") -> dict:
    """What predictions follow from: weights, crops, codecs, encoders, re-estimated statistics."""
    weights = content(Path(folder) / WEIGHTS, LARGEST, start_again(folder))
    found = {
        "weights": hashlib.sha256(weights).hexdigest()[:10],
        "faces": faces.fingerprint,
        "codecs": [asdict(codec(name)) for name in paper.CODECS],
        "encoders": versions(),
    }
    return found | {"statistics": [statistics, SEEN, AT_ONCE]} if statistics else found


def _path(folder: Path, statistics: str) -> Path:
    """predictions.csv, or "predictions-RAW-and-LQ.csv"."""
    name = Path(PREDICTIONS)
    return Path(folder) / (f"{name.stem}-{slug(statistics)}{name.suffix}" if statistics else name)


# Many runs at once.

def predict_all(plans: Sequence[Plan], faces: FaceSet, statistics: Asked | None = None) -> None:
    """Keep the `predictions` of all these runs, several at once on a CPU.

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
    at_once = 1 if device() == "cuda" else None
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


def _fill_unlabelled(statistics: Sequence[Sequence[str]], faces: FaceSet) -> None:
    """Compress the training crops that statistics are estimated on, before workers share them."""
    for name in dict.fromkeys(chain(*statistics)):
        if name:
            for view in STATISTICS[name] or paper.CODECS:
                faces.images(view, "train")


def fill_arrays(plans: Sequence[Plan], faces: FaceSet) -> None:
    """Compress all crops that these runs read, before workers share them."""
    for plan in plans:
        for view in plan.views:
            plan.faces.images("RAW" if view == RANDOM_JPEG else view, "train")
        for view in (plan.views[0], twin_view(plan.views)):
            plan.faces.images(view, "val")
    for name in paper.CODECS:
        faces.images(name, "test")
