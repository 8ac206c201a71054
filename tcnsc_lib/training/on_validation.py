"""What runs say of validation crops after the five codecs; kept in each run's folder.

Whoever wants to correct what a detector says, by a threshold or a temperature, chooses it here, and
never on test crops.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.detectors.outputs import predict
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.machine import device, threads
from tcnsc_lib.pool import run_all
from tcnsc_lib.training.folder import PREDICTIONS
from tcnsc_lib.training.kept import found_table, save_table
from tcnsc_lib.training.predictions import Odds, depends_on
from tcnsc_lib.training.run import Plan, folder_of, train

PART = "val"
VALIDATED = f"{Path(PREDICTIONS).stem}-validation.csv"


def predictions_on_validation(plans: Sequence[Plan], faces: FaceSet) -> dict[str, pd.DataFrame]:
    """Run's name -> log-odds of fake of each validation crop (rows) after each codec (columns).

    float64, under the running statistics of the training. Read from the runs' folders where they
    are there and still hold; the others are made and kept, several runs at once on a CPU, by runs
    that are loaded, or trained. Raises CompanionError where the validation part has no real crops
    or no fakes.
    """
    found = {plan.name(): _found(folder_of(plan), faces) for plan in plans}
    missing = [plan for plan in plans if found[plan.name()] is None]
    if missing:
        found |= _make(missing, faces)
    return found


def _make(plans: Sequence[Plan], faces: FaceSet) -> dict[str, pd.DataFrame]:
    """Ask these runs, each of which writes what it says into its folder."""
    faces.check_part(PART)
    for plan in plans:
        train(plan, tell=False)
    for name in paper.CODECS:
        faces.images(name, PART)  # before workers would fill one array twice
    workers = 1 if device() == "cuda" else None
    jobs = [(plan, faces) for plan in plans]
    return dict(run_all(_ask, jobs, "validation crops", workers))


def _ask(plan: Plan, faces: FaceSet) -> tuple[str, pd.DataFrame]:
    """A run's name, and what it says."""
    with threads(1):
        run = train(plan, tell=False)
        odds = predict(run.detector, faces, paper.CODECS, PART)
    save_table(run.folder / VALIDATED, _depends(run.folder, faces), odds)
    return plan.name(), odds


def _found(folder: Path, faces: FaceSet) -> pd.DataFrame | None:
    """What a folder holds, as `kept.found_table` has it."""
    shape = (tuple(paper.CODECS), len(faces.labels(PART)))
    return found_table(folder / VALIDATED, partial(_depends, folder, faces), Odds, shape)


def _depends(folder: Path, faces: FaceSet) -> dict:
    """What these log-odds follow from: what predictions do, and the part that is asked about."""
    return depends_on(folder, faces) | {"part": PART}
