"""The steps of `tcnsc` about numbers: train, make tables, and all that is made of them."""
from __future__ import annotations

import os
from collections import Counter

import pandas as pd
from scipy.special import expit

from tcnsc_lib import CompanionError, experiments, profiles
from tcnsc_lib.analysis.runs import collapsed, costs, validation
from tcnsc_lib.evaluation import accuracy
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.report import check, remake
from tcnsc_lib.results import contrasts, derive, tables
from tcnsc_lib.results.tables import wide
from tcnsc_lib.training import run as training
from tcnsc_lib.training.predictions import predictions
from tcnsc_lib.training.run import Plan

# trainings and tables

def train(arguments) -> None:
    """Train one experiment, or all that the notebooks need, and tell how each run did."""
    p = profiles.profile(arguments.profile, arguments.method)
    every = arguments.experiment == "all"
    if every and arguments.seed is not None:
        raise CompanionError("--seed is for a single experiment; `tcnsc train all` takes the "
                             "profile's seeds.")
    jobs = [(arguments.experiment, arguments.seed)]
    if every:
        jobs = experiments.jobs("all", p)
    experiments.train_all(jobs, p, arguments.retrain)
    for name, seed in dict.fromkeys(jobs):
        _tell(experiments.plan(name, p, seed), profiles.faces(p))
    for note in p.notes:
        print(note)


def _tell(plan: Plan, crops: FaceSet) -> None:
    """A run's folder, how long it took, how it ended, and how often it is right."""
    run = training.train(plan, tell=False)
    made = run.environment
    last = run.log.iloc[-1]
    validation = f"accuracy {last.val_accuracy:.1f} %, AUC {last.val_auc:.1f} %"
    print(os.path.relpath(run.folder))
    print(f"  {len(run.log)} iterations, {made['seconds']} s on {made['device']}; "
          f"loss {last.total:.3f}, validation {validation}")
    y = crops.labels("test")
    odds = predictions(plan, crops)
    right = {name: 100 * accuracy(y, expit(odds[name])) for name in odds}
    said = ", ".join(f"{name} {share:.1f}" for name, share in right.items())
    print(f"  test accuracy (%): {said}")


def table(arguments) -> None:
    """Train what one of the paper's tables needs, store the evidence, print and save the table."""
    e = Evidence(profiles.profile(arguments.profile, arguments.method))
    number = arguments.number
    experiments.collect(experiments.jobs(number, e.p), e)
    if number == "3":
        save_costs(e)
    name = f"table{number}"
    derive.write(e, [name])
    made = e.read(name)
    for title, value in (("accuracy (%)", "accuracy"), ("the paper", "paper"), ("AUC (%)", "auc")):
        print(f"\n{title}\n{wide(made, value).round(1).to_string()}")
    print(f"\nn = {made.n[0]} crops of {made.people[0]} people, seed {e.p.seed}")
    if number == "2":
        differences = tables.seed_differences(e).round(1)
        print(f"\nseveral seeds\n{differences.to_string(index=False)}")
    shared = experiments.shared_notes(experiments.TABLE3.values(), e.p) if number == "3" else []
    for note in (*e.p.notes, *shared):
        print(note)
    print(e.path(name))


def save_costs(e: Evidence) -> None:
    """What Table 3's detectors cost to train, and whether that was enough (`trained.marks`)."""
    runs = {}
    for row, experiment in experiments.TABLE3.items():
        runs[row] = experiments.train_experiment(experiment, e.p)
    e.save("table3_costs", costs(runs), [run.note for run in runs.values()])


def study(arguments) -> None:
    """Train what the study lacks, store its predictions, and name their folder."""
    e = Evidence(profiles.profile(arguments.profile, arguments.method))
    rows = experiments.study.chosen(arguments.experiment)
    experiments.tell_study(rows, e.p)
    experiments.collect_study(rows, e, not arguments.stored)
    save_watched(e, experiments.study_logs(rows, e.p))
    print(e.study.measured / e.study.part)


def save_watched(e: Evidence, logs: dict[experiments.Job, tuple[str, pd.DataFrame]]) -> None:
    """How the study's trainings went: do they collapse, and do model B and dual still learn?

    logs: as `experiments.study_logs` has them. What is stored of other trainings stays. The curves
    of model B and dual are written where both have all their seeds.
    """
    if not logs:
        return
    e.save("study_collapse", _with_stored(collapsed(logs), e))
    curves = {}
    notes = []
    both = experiments.study.chosen([experiments.MODEL_B, experiments.DUAL])
    for name, seed in experiments.study.study_jobs(both, e.p):
        if (name, seed) not in logs:
            return
        run, log = logs[name, seed]
        curves[contrasts.TITLES.get(name, name), seed] = log
        notes.append(f"run {run}")
    e.save("validation", validation(curves), notes)


def _with_stored(seen: pd.DataFrame, e: Evidence) -> pd.DataFrame:
    """Rows of `collapsed` and the stored ones of other trainings, in the order of the study."""
    if e.has("study_collapse"):
        both = pd.concat([seen, e.read("study_collapse")])
        seen = both.drop_duplicates(["training", "seed"])
    place = {row.name: i for i, row in enumerate(experiments.study.ROWS)}
    return seen.sort_values(["training", "seed"], key=lambda column: column.replace(place))


# what is made of the tables

def report(arguments) -> int:
    """Make again all that follows from the evidence; tell what changed and what lacks evidence.

    Returns 1 where only a check was asked for and something would change, else 0.
    """
    keep = not arguments.check
    one = None
    if arguments.profile or arguments.method:
        one = profiles.profile(arguments.profile, arguments.method)
    counts: Counter[str] = Counter()
    for file, what in remake.everything(remake.committed(one), keep):
        counts[what] += 1
        if what != remake.SAME:
            print(f"{os.path.relpath(file)}: {what}")
    changed = counts[remake.CHANGED] + counts[remake.NEW]
    left = counts.total() - counts[remake.SAME] - changed
    verb = "changed" if keep else "would change"
    print(f"{counts[remake.SAME]} files are the same, {changed} {verb}.")
    if left:
        print(f"{left} were not made, see above. Predictions come from `tcnsc table 1`, "
              "2 and 3 with that --profile, all else from the notebooks (figures/README.md).")
    return int(arguments.check and changed > 0)


def verify(arguments) -> int:
    """Compare two folders of a profile, file by file. Returns 0 where all agree, else 1."""
    table = check.verdict(arguments.committed, arguments.ours)
    print(f"regenerated in {arguments.ours}, committed in {arguments.committed}")
    apart = table.verdict.str.startswith("made apart")
    with pd.option_context("display.width", 120, "display.max_colwidth", 60):
        print(table[~apart].to_string(index=False))
    for reason, files in table[apart].groupby("verdict").item:
        print(f"{len(files)} committed files {reason}: {files.iloc[0]}, ...")
    print("not compared:", *check.not_compared(arguments.committed), sep="\n  ")
    if flips := check.flips(arguments.committed, arguments.ours):
        print("other words, from numbers that may differ so far:", *flips, sep="\n  ")
    fine = check.good(table)
    said = "all agree within the stated tolerance" if fine else "the numbers do NOT all agree"
    print(f"VERDICT: {said}.")
    return 0 if fine else 1
