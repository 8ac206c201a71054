"""What runs say of test crops that went through chains; kept in each run's folder.

A chain's pictures are made once for all runs that ask, and are kept nowhere.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from pydantic import create_model

from tcnsc_lib.chains import chain, check_encoders, versions
from tcnsc_lib.checked import Stored
from tcnsc_lib.detectors.outputs import predict_after
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.machine import device, threads
from tcnsc_lib.pool import run_all
from tcnsc_lib.training.folder import PREDICTIONS
from tcnsc_lib.training.kept import found_table, save_table
from tcnsc_lib.training.predictions import depends_on
from tcnsc_lib.training.run import Plan, folder_of, train

CHANGED = f"{Path(PREDICTIONS).stem}-chains.csv"


def predictions_after(
    plans: Sequence[Plan], faces: FaceSet, names: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Run's name -> log-odds of fake of each test crop (rows) after each chain (columns), float64.

    names: of chains. Read from the runs' folders where they are there and still hold; the others
    are made and kept, several chains at once on a CPU, by runs that are loaded, or trained. Raises
    CompanionError for an unknown chain, and where the test part has no real crops or no fakes.
    """
    for name in names:
        chain(name)
    found = {plan.name(): _found(folder_of(plan), faces, names) for plan in plans}
    missing = [plan for plan in plans if found[plan.name()] is None]
    if missing:
        found |= _make(missing, faces, names)
    return found


def _make(plans: Sequence[Plan], faces: FaceSet, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Ask these runs, and write what they say into their folders."""
    faces.check_part("test")
    check_encoders()
    faces.images("RAW", "test")  # before workers would fill one array twice
    for plan in plans:
        train(plan, tell=False)
    workers = 1 if device() == "cuda" else None
    jobs = [(plans, faces, name) for name in names]
    by_chain = dict(run_all(_ask, jobs, "chains", workers))
    made = {}
    for plan in plans:
        told = {name: by_chain[name][plan.name()] for name in names}
        table = pd.DataFrame(told)
        folder = folder_of(plan)
        save_table(folder / CHANGED, _depends(folder, faces, names), table)
        made[plan.name()] = table
    return made


def _ask(plans: Sequence[Plan], faces: FaceSet, name: str) -> tuple[str, pd.DataFrame]:
    """A chain's name, and what each run says after it: a column a run."""
    with threads(1):
        detectors = {plan.name(): train(plan, tell=False).detector for plan in plans}
        return name, predict_after(detectors, faces.images("RAW", "test"), chain(name))


def _found(folder: Path, faces: FaceSet, names: Sequence[str]) -> pd.DataFrame | None:
    """What a folder holds, as `kept.found_table` has it."""
    row = create_model("Row", __base__=Stored, **dict.fromkeys(names, (float, ...)))
    shape = (names, len(faces.labels("test")))
    return found_table(folder / CHANGED, partial(_depends, folder, faces, names), row, shape)


def _depends(folder: Path, faces: FaceSet, names: Sequence[str]) -> dict:
    """What these log-odds follow from: weights, crops, chains and encoders."""
    usual = depends_on(folder, faces)
    recipes = [chain(name).recipe for name in names]
    return {
        "weights": usual["weights"],
        "faces": usual["faces"],
        "chains": recipes,
        "encoders": versions(),
    }
