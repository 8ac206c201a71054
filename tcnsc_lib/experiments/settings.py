"""What is set otherwise than elsewhere: two tables.

    ablation   in each row of Table 2, otherwise than in TCNSC
    cuts       for two processor cores, otherwise than the authors of the baselines have it
"""
from __future__ import annotations

import pandas as pd

from tcnsc_lib.detectors.collapse import NOTHING
from tcnsc_lib.detectors.registry import BASELINES
from tcnsc_lib.experiments.names import EXPERIMENTS, TABLE2, Experiment
from tcnsc_lib.profiles import Profile


def ablation(p: Profile) -> pd.DataFrame:
    """What each row of Table 2 is trained on.

    Columns: row, views, Loss_cro sees, Loss_sim compares, images a step (that f sees), steps.
    """
    rows = []
    for row, name in TABLE2.items():
        if name in EXPERIMENTS:
            rows.append({"row": row} | _sees(EXPERIMENTS[name], p))
    return pd.DataFrame(rows)


def _sees(experiment: Experiment, p: Profile) -> dict:
    detector = experiment.detector
    schedule = p.schedule_of(detector)
    lam = (p.arguments(detector) | experiment.arguments)["lam"]
    compared = detector.compared
    similar = compared != NOTHING and lam > 0
    return {
        "views": ", ".join(experiment.views),
        "Loss_cro sees": detector.classified,
        "Loss_sim compares": f"{compared}, λ = {lam:g}" if similar else NOTHING,
        "images a step": schedule.batch_size * len(experiment.views),
        "steps": schedule.iterations,
    }


def cuts(p: Profile) -> pd.DataFrame:
    """What is done otherwise than the authors of a baseline do: detector, setting, authors, here.

    Empty where nothing is.
    """
    rows = []
    for detector in BASELINES:
        reduced = p.reduced(detector)
        theirs = detector.authors.arguments | detector.authors.schedule
        theirs |= {"iterations": "as many crops as TCNSC"}
        changes = reduced.arguments | reduced.schedule
        changes.pop("validate", None)  # changes no training
        for setting, here in changes.items():
            rows.append((detector.name, setting, theirs[setting], here))
    return pd.DataFrame(rows, columns=["detector", "setting", "authors", "here"])
