"""What is set otherwise than elsewhere, and what that changes: three tables.

    ablation   in each row of Table 2, otherwise than in TCNSC
    cuts       for two processor cores, otherwise than the authors of the baselines have it
    choices    where the paper is silent, otherwise than by default
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd
from scipy.special import expit

from tcnsc_lib.detectors.collapse import NOTHING
from tcnsc_lib.detectors.registry import BASELINES
from tcnsc_lib.evaluation import evaluate
from tcnsc_lib.experiments.execute import plan, train_plans
from tcnsc_lib.experiments.names import DUAL, EXPERIMENTS, TABLE2, Experiment
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.profiles import Profile, faces
from tcnsc_lib.training.predictions import predictions
from tcnsc_lib.training.run import Plan


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


# What the paper leaves open and a training can tell: a setting, and another value than the default.
OF_PROFILE = (("lam", 10.0), ("lam", 100.0))
OF_SCHEDULE = (("final_lr_share", 1.0), ("flip", False))
PERCENT = ["accuracy", "auc", "eer", "reals_called_fake", "fakes_called_real", "low", "high"]


@dataclass(frozen=True)
class Choice:
    """(RAW, LQ) with one setting changed: its name, its value, the profile with it, the seed."""

    setting: str
    value: str
    p: Profile
    seed: int


def variants(p: Profile) -> list[Choice]:
    """The default, another seed, and each open choice taken otherwise."""
    other_seed = p.seed + 1
    found = [
        Choice("default", "", p, p.seed),
        Choice("seed", str(other_seed), p, other_seed),
    ]
    for setting, value in OF_PROFILE:
        changed = replace(p, **{setting: value})
        found.append(Choice(setting, str(value), changed, p.seed))
    for setting, value in OF_SCHEDULE:
        changed = replace(p, schedule=replace(p.schedule, **{setting: value}))
        found.append(Choice(setting, str(value), changed, p.seed))
    return found


def choices(p: Profile) -> pd.DataFrame:
    """(RAW, LQ) with one open choice changed at a time, and unchanged ("default"): the scores.

    Trains what is missing. A row a test set and choice: training, codec, the columns of
    `evaluation.evaluate` in percent, people, seed, setting, value.
    """
    crops = faces(p)
    open_to_us = variants(p)
    plans = [plan(DUAL, choice.p, choice.seed) for choice in open_to_us]
    train_plans(plans, crops)
    rows = []
    for choice, made in zip(open_to_us, plans, strict=True):
        scores = _scores(made, crops)
        rows.append(scores.assign(setting=choice.setting, value=choice.value))
    return pd.concat(rows, ignore_index=True)


def _scores(made: Plan, crops: FaceSet) -> pd.DataFrame:
    """A run's row for each test set, in percent."""
    p_fake = expit(predictions(made, crops))
    table = evaluate(p_fake, crops.labels("test"), crops.units("test"))
    table[PERCENT] = 100 * table[PERCENT]
    people = crops.rows("test").identity.nunique()
    table = table.assign(people=people).reset_index()
    table.insert(0, "training", made.experiment)
    return table.assign(seed=made.seed)
