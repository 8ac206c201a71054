"""What runs say of the test crops: each kept in its run's folder, beside what it depends on.

One run after the other, or many at once on a CPU.
"""
from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.codecs import RANDOM_JPEG, codec, versions
from tcnsc_lib.evaluation import predict
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import write_text
from tcnsc_lib.machine import device, threads
from tcnsc_lib.pool import run_all
from tcnsc_lib.training.folder import PREDICTIONS, WEIGHTS
from tcnsc_lib.training.loop import twin_view
from tcnsc_lib.training.run import Plan, folder_of, train


def predictions(plan: Plan, faces: FaceSet) -> pd.DataFrame:
    """Log-odds of fake of each test crop (rows) on the five test sets (columns), float64.

    Read from the run's folder if they are there and still hold; else made, and kept, by the run,
    which is loaded, resumed or trained. faces: whose test part is asked about.
    """
    folder = folder_of(plan)
    if not kept(folder, faces):
        run = train(plan, tell=False)
        with threads(1):
            table = predict(run.detector, faces, paper.CODECS)
        head = json.dumps(depends_on(folder, faces))
        write_text(_path(folder), f"# {head}\n{table.to_csv(index=False)}")
    return pd.read_csv(_path(folder), skiprows=1)


def kept(folder: Path, faces: FaceSet) -> bool:
    """Whether a run's folder holds predictions made by its weights, from these crops and codecs."""
    path = _path(folder)
    if not path.exists() or not (Path(folder) / WEIGHTS).exists():
        return False
    with open(path, encoding="utf-8") as file:
        head = file.readline().removeprefix("# ").strip()
    return head == json.dumps(depends_on(folder, faces))


def depends_on(folder: Path, faces: FaceSet) -> dict:
    """What predictions follow from: weights, crops, codecs and encoders."""
    weights = (Path(folder) / WEIGHTS).read_bytes()
    return {
        "weights": hashlib.sha256(weights).hexdigest()[:10],
        "faces": faces.fingerprint,
        "codecs": [asdict(codec(name)) for name in paper.CODECS],
        "encoders": versions(),
    }


def _path(folder: Path) -> Path:
    return Path(folder) / PREDICTIONS


# Many runs at once.

def predict_all(plans: Sequence[Plan], faces: FaceSet) -> None:
    """Keep the `predictions` of all these runs, several at once on a CPU.

    A run takes one core, so its numbers don't depend on how many there are.
    """
    missing = [plan for plan in plans if not kept(folder_of(plan), faces)]
    if not missing:
        return
    at_once = 1 if device() == "cuda" else None
    if at_once is None:
        fill_arrays(missing, faces)
    jobs = [(plan, faces) for plan in missing]
    title = f"runs -> {os.path.relpath(missing[0].root)}"
    for _ in run_all(_predict, jobs, title, at_once):
        pass


def _predict(plan: Plan, faces: FaceSet) -> None:
    """In a worker: the table stays there, on disk."""
    predictions(plan, faces)


def fill_arrays(plans: Sequence[Plan], faces: FaceSet) -> None:
    """Compress all crops that these runs read, before workers share them."""
    for plan in plans:
        for view in plan.views:
            plan.faces.images("RAW" if view == RANDOM_JPEG else view, "train")
        for view in (plan.views[0], twin_view(plan.views)):
            plan.faces.images(view, "val")
    for name in paper.CODECS:
        faces.images(name, "test")
