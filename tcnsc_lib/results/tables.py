"""The paper's tables and sentences as DataFrames: ours, beside the paper's.

Long form: a row for each training and test set (`evaluation.evaluate`'s columns); `wide` turns it into the paper's form.
"""
from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.evaluation import interval
from tcnsc_lib.experiments import (AUGMENTED, AUTHORS, CONTROLS, CUTS, DETECTORS, DUAL, EXPERIMENTS, MODEL_A, ON_H,
                                   PROBE, SEEDED, UNCOMPARED, UNTRAINED, right, scores, setup, tcnsc, train_experiment)
from tcnsc_lib.profiles import Profile, faces


def table1(p: Profile) -> pd.DataFrame:
    """Table 1, long form: four training pairs x five test sets, with the paper's accuracy in column "paper"."""
    return _beside(pd.concat([scores(paper.pair_name(pair), p) for pair in paper.PAIRS], ignore_index=True), paper.TABLE1)


def difficulty(p: Profile) -> pd.DataFrame:
    """The classifier alone (model B of Table 2), which fixes how hard a profile is, in `table1`'s form."""
    return _beside(scores("model B", p), paper.TABLE2)


def literal_table1(p: Profile) -> pd.DataFrame:
    """Table 1 with the training qualities as printed (HQ = 20, LQ = 80): the same networks under other names, but one.

    Test sets keep 80/50/20. (RAW, HQ) as printed is (RAW, LQ) of `table1` and the reverse; (LQ, MQ) is JPEG 80 and 50.
    """
    ours = {"(RAW, HQ)": "(RAW, LQ)", "(RAW, MQ)": "(RAW, MQ)", "(RAW, LQ)": "(RAW, HQ)", "(LQ, MQ)": "(HQ, MQ)"}
    table = pd.concat([scores(run, p).assign(training=printed) for printed, run in ours.items()], ignore_index=True)
    return _beside(table, paper.TABLE1)


CHOICES = (("lam", 10.0), ("lam", 100.0), ("final_lr_share", 1.0), ("flip", False))
"""What the paper leaves open and a training can tell: (setting, another value than the default)."""


def choices(p: Profile) -> pd.DataFrame:
    """(RAW, LQ) with one open choice changed at a time, and unchanged ("default", and with another seed): the scores."""
    rows = [scores("(RAW, LQ)", p).assign(setting="default", value=""),
            scores("(RAW, LQ)", p, p.seed + 1).assign(setting="seed", value=str(p.seed + 1))]
    for setting, value in CHOICES:
        change = {"schedule": replace(p.schedule, **{setting: value})} if hasattr(p.schedule, setting) else {setting: value}
        rows.append(scores("(RAW, LQ)", replace(p, **change)).assign(setting=setting, value=str(value)))
    return pd.concat(rows, ignore_index=True)


def wide(table: pd.DataFrame, value: str = "accuracy") -> pd.DataFrame:
    """Long form -> the paper's: a row a training pair, model or detector, a column a test set, in the paper's order."""
    return table.pivot(index="training", columns="codec", values=value).loc[
        list(dict.fromkeys(table.training)), list(dict.fromkeys(table.codec))]


TABLE2 = ((MODEL_A, MODEL_A), (PROBE, PROBE), (UNTRAINED, UNTRAINED), ("model B", "model B"), ("dual", DUAL),
          *((name, name) for name in CONTROLS))
"""Row of the table -> what it is called in `EXPERIMENTS`: the paper's three, then our controls."""

TABLE3 = tuple((name, DUAL if name == "TCNSC" else name) for name in paper.TABLE3.index)
"""The same for Table 3."""

SEES = {"raw": "X", "both": "X and X'", "none": "nothing"}


def ablation(p: Profile) -> pd.DataFrame:
    """What each row of `table2` is trained on: the views, what the two losses see, images that f sees a step, steps."""
    rows = []
    for row, run in TABLE2:
        if run in EXPERIMENTS:
            experiment, arguments, schedule = setup(run, p)
            two, similarity = len(experiment.views) == 2, len(experiment.views) == 2 and arguments["lam"] > 0
            sim = f"{arguments.get('compared', 'z')}, λ = {arguments['lam']:g}" if similarity else "nothing"
            rows.append((row, ", ".join(experiment.views), SEES[arguments.get("classified", "raw")], sim,
                         schedule.batch_size * (1 + two), schedule.iterations))
    return pd.DataFrame(rows, columns=["row", "views", "Loss_cro sees", "Loss_sim compares", "images a step", "steps"])


def table2(p: Profile) -> pd.DataFrame:
    """Table 2, long form: A (its untrained classifier; a linear probe on its frozen h), B, dual, and the controls.

    A's probe has a reference, the same probe on the random f that A started from. Column "paper" is empty for the rows
    that the paper doesn't have; its model A may be either of the first two.
    """
    return _beside(pd.concat([scores(run, p).assign(training=row) for row, run in TABLE2], ignore_index=True), paper.TABLE2)


def table3(p: Profile) -> pd.DataFrame:
    """Table 3, long form: nine detectors x five test sets, with the paper's accuracy in column "paper"."""
    rows = [scores(run, p).assign(training=row) for row, run in TABLE3]
    return _beside(pd.concat(rows, ignore_index=True), paper.TABLE3)


def _beside(table: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    known = [theirs.loc[row.training, row.codec] if row.training in theirs.index else np.nan for row in table.itertuples()]
    return table.assign(paper=known)


def jobs(table: str, p: Profile) -> list[tuple[str, int | None]]:
    """The (experiment, seed) behind a table: "1", "2", "3", or "all" that the notebooks need."""
    pairs = [(paper.pair_name(pair), None) for pair in paper.PAIRS]
    second = [(name, p.seed + i) for name in SEEDED for i in range(1, p.seeds)]
    second += [(run, None) for _, run in TABLE2 if run in EXPERIMENTS]
    third = [(run, None) for _, run in TABLE3]
    return {"1": [*pairs, ("model B", None)], "2": second, "3": third,
            "all": [*third, *second, *pairs, *((name, None) for name in EXPERIMENTS)]}[table]


def seeds(p: Profile) -> pd.DataFrame:
    """`scores` of the ablation's main rows (`SEEDED`) from each of the profile's seeds, in long form."""
    names = {run: row for row, run in TABLE2}
    return pd.concat([scores(name, p, p.seed + i).assign(training=names[name]) for name in SEEDED for i in range(p.seeds)],
                     ignore_index=True)


def seed_summary(p: Profile) -> pd.DataFrame:
    """Mean over seeds of accuracy and AUC for each row and test set, and the standard deviation between seeds (0 for one)."""
    groups = seeds(p).groupby(["training", "codec"], sort=False)
    table = groups[["accuracy", "auc"]].agg(["mean", lambda v: v.std(ddof=1) if len(v) > 1 else 0.0])
    table.columns = ["accuracy", "accuracy_sd", "auc", "auc_sd"]
    return table.assign(seeds=groups.seed.nunique()).reset_index()


DIFFERENCES = (("dual - model B", DUAL, "model B"), ("dual - (i)", DUAL, AUGMENTED), ("dual - (v)", DUAL, UNCOMPARED),
               ("(i) - model B", AUGMENTED, "model B"), ("(iv) - model B", ON_H, "model B"), ("(iv) - (i)", ON_H, AUGMENTED))


def seed_differences(p: Profile) -> pd.DataFrame:
    """Differences of accuracy in points between the ablation's main rows, on the same test crops, seed by seed.

    difference: mean over seeds; low, high: its paired 95 % interval over test people, for these seeds; least, most: of
    the single seeds, which says what another training does. settled: "yes" where the interval and all seeds lie on one
    side of 0.
    """
    units, rows = faces(p).units("test"), []
    hits = {name: [right(name, p, p.seed + i) for i in range(p.seeds)] for name in SEEDED}
    for title, one, other in DIFFERENCES:
        for codec in paper.CODECS:
            gaps = np.array([a[codec] - b[codec] for a, b in zip(hits[one], hits[other], strict=True)])
            single = 100 * gaps.mean(axis=1)
            rows.append((title, codec, single.mean(), *interval(gaps.mean(axis=0), units), single.min(), single.max()))
    table = pd.DataFrame(rows, columns=["difference of accuracy", "codec", "difference", "low", "high", "least", "most"])
    above = table[["low", "least"]].min(axis=1, skipna=False) > 0
    below = table[["high", "most"]].max(axis=1, skipna=False) < 0
    return table.assign(settled=np.where(above | below, "yes", "no"))


WATCHED = (("dual", DUAL), ("model B", "model B"), (MODEL_A, MODEL_A),
           *((name, name) for name in (AUGMENTED, ON_H, UNCOMPARED)))


def collapse(p: Profile) -> pd.DataFrame:
    """What `TCNSC.watch` saw while the ablation's rows trained: a row each time. updates: steps taken before."""
    parts = []
    for row, run in WATCHED:
        log = train_experiment(run, p).log.dropna(subset="cos_twins_z")
        seen = log[[name for name in log if name.startswith(("gradient_", "cos_", "spread_", "rank_"))]]
        parts.append(seen.assign(training=row, updates=log.iteration - 1))
    table = pd.concat(parts, ignore_index=True)
    return table[["training", "updates", *table.columns.drop(["training", "updates"])]]


def network(p: Profile) -> pd.DataFrame:
    """The parts of TCNSC (Figure 2) at this profile: part (f, g, c), what it is, values put out, weights it has."""
    detector, what = tcnsc(p), {"f": "ResNet18 without its last layer, X -> h", "g": "Linear, ReLU, Linear, h -> z",
                                "c": "Linear, h -> two logits"}
    put_out = {"f": detector.f.features, "g": detector.g[-1].out_features, "c": detector.c.out_features}
    return pd.DataFrame([(part, text, put_out[part], sum(w.numel() for w in getattr(detector, part).parameters()))
                         for part, text in what.items()], columns=["part", "what", "output", "parameters"])


def costs(p: Profile) -> pd.DataFrame:
    """What each detector of Table 3 costs to train at this profile: parameters, crops seen, seconds, crops a second."""
    rows = []
    for name, experiment in TABLE3:
        run = train_experiment(experiment, p)
        schedule, seconds = run.config["schedule"], run.environment["seconds"]
        seen = schedule["iterations"] * schedule["batch_size"]
        rows.append((name, sum(w.numel() for w in run.detector.parameters()), run.detector.input_size, schedule["optimizer"],
                     schedule["batch_size"], schedule["learning_rate"], schedule["iterations"], seen, seconds, seen / seconds))
    return pd.DataFrame(rows, columns=["detector", "parameters", "input_size", "optimizer", "batch_size", "learning_rate",
                                       "iterations", "crops_seen", "seconds", "crops_per_second"])


def cuts(p: Profile) -> pd.DataFrame:
    """What is done otherwise than the authors of a baseline do: detector, setting, theirs, here. Empty where nothing is."""
    rows = []
    for name, changes in CUTS.get(p.name, {}).items():
        authors = {key: value.default for key, value in inspect.signature(DETECTORS[name]).parameters.items()} | AUTHORS[name]
        rows += [(name, key, authors.get(key, "as many crops as TCNSC"), value) for key, value in changes.items()
                 if key != "validate"]  # changes no training
    return pd.DataFrame(rows, columns=["detector", "setting", "authors", "here"])
