"""From an experiment's name to its run, from many to their predictions, and on to the evidence."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd
import torch

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.detectors.outputs import predict_by_probe
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments.cards import write_cards
from tcnsc_lib.experiments.names import (
    EXPERIMENTS,
    MODEL_A,
    MODEL_B,
    PROBE,
    PROBES,
    REESTIMATED,
    STATISTICS_OF_TWINS,
    Experiment,
    Job,
    at,
    trained_as,
)
from tcnsc_lib.experiments.ready import check
from tcnsc_lib.experiments.study import STUDY, Row, restated, study_jobs
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.machine import device, threads
from tcnsc_lib.profiles import Profile, faces, runs_folder
from tcnsc_lib.training.folder import WEIGHTS
from tcnsc_lib.training.predictions import predict_all, predictions, threshold
from tcnsc_lib.training.run import Plan, Run, folder_of, forget, note, train, warn
from tcnsc_lib.training.stored import check_seed, read_log, read_made


def find(name: str) -> Experiment:
    """The experiment of that name. Raises CompanionError where there is none."""
    known = EXPERIMENTS | STUDY
    if name not in known:
        raise CompanionError(f"There is no experiment {name!r}; choose one of {', '.join(known)}.")
    return known[name]


def plan(
    name: str,
    p: Profile,
    seed: int | None = None,
    crops: Callable[[Profile, str], FaceSet] | None = None,
) -> Plan:
    """All that determines the run of an experiment at a profile; makes faces that aren't there.

    crops: gives those of a video quality instead. Where two experiments are one training
    (`names.trained_as`), so is their plan. Raises CompanionError for an unknown name and for what
    can't be a seed before it makes any.
    """
    name = trained_as(name, p)
    experiment = at(find(name), p)
    seed = p.seed if seed is None else seed
    check_seed(seed)
    detector = experiment.detector
    schedule = replace(p.schedule_of(detector), **experiment.schedule)
    return Plan(
        experiment=name,
        profile=p.name,
        seed=seed,
        detector=detector,
        arguments=p.arguments(detector) | experiment.arguments,
        views=experiment.views,
        schedule=schedule,
        faces=(crops or faces)(p, experiment.quality),
        enlarge=p.enlarge,
        weights=p.weights_of(detector),
        quality=experiment.quality,
        start=plan(experiment.start, p, seed, crops) if experiment.start else None,
        root=runs_folder(p),
    )


def train_experiment(name: str, p: Profile, seed: int | None = None, retrain: bool = False) -> Run:
    """The run of an experiment at a profile; trained, or resumed, if it isn't there."""
    check({name: find(name)}, p)
    return train(plan(name, p, seed), retrain)


def train_all(wanted: Sequence[Job], p: Profile, retrain: bool = False) -> None:
    """Train what is missing of these, several runs at once on a CPU, and keep their predictions.

    retrain: train anew what other code than today's trained. Raises CompanionError for an unknown
    name, and for files that can't train one of these, before anything is made.
    """
    check({name: find(name) for name, _ in wanted}, p)
    plans = {}
    for name, seed in _once(wanted, p):
        made = plan(name, p, seed)
        plans[made.name()] = made  # two experiments may be one training
    crops = faces(p)
    train_plans(list(plans.values()), crops, retrain)
    write_cards(plans.values(), p, crops)


def train_plans(plans: Sequence[Plan], crops: FaceSet, retrain: bool = False) -> None:
    """The same of any plans. crops: their test part is predicted."""
    folders = [folder_of(made) for made in plans]
    if retrain:
        forget(folders)
    else:
        warn(folders)
    predict_all(plans, crops)


def _once(wanted: Sequence[Job], p: Profile) -> list[Job]:
    """Each job once, its seed a number."""
    numbered = [(name, p.seed if seed is None else seed) for name, seed in wanted]
    return list(dict.fromkeys(numbered))


def tcnsc(p: Profile) -> TCNSC:
    """An untrained TCNSC of the profile's shape, f from random or ImageNet weights."""
    detector = TCNSC(**p.arguments(TCNSC))
    detector.start_from(p.weights)
    return detector


# From runs to evidence.

def collect(wanted: Sequence[Job], evidence: Evidence) -> None:
    """Train what is missing of these, then write the test crops and all predictions as evidence.

    Model A brings its two probes along; PROBE and UNTRAINED may also be asked for by name. Model B
    brings what its runs say after their statistics were re-estimated. All but these and the probes
    have a threshold that was chosen on RAW validation crops (`Evidence.threshold`).
    """
    p = evidence.p
    asked = _once(wanted, p)
    runs = [job for job in asked if job[0] not in PROBES]
    probes = [name for name, _ in asked if name in PROBES]
    train_all(runs, p)
    crops = faces(p)
    evidence.save_crops(crops)
    for name, seed in runs:
        made = plan(name, p, seed)
        _save(evidence, name, made, crops)
        if name == MODEL_B:
            _save(evidence, REESTIMATED, made, crops, STATISTICS_OF_TWINS)
    if (MODEL_A, p.seed) in runs:
        probes = PROBES
    for name in probes:
        evidence.save_predictions(name, p.seed, probed(name, p))


def _save(
    evidence: Evidence, name: str, made: Plan, crops: FaceSet, statistics: str = ""
) -> None:
    """Write what a run says under a name, with its threshold, the best on RAW validation crops."""
    said = predictions(made, crops, statistics)
    notes = [note(folder_of(made))]
    if not statistics:
        chosen = round(threshold(made, crops), 4) + 0.0  # + 0.0: no "-0.0000"
        notes.append(f"threshold {chosen:.4f}")
    evidence.save_predictions(name, made.seed, said, notes)


def tell_study(rows: Sequence[Row], p: Profile) -> None:
    """Print how many trainings these rows still take, and about how long, judged by others."""
    check({row.name: find(row.name) for row in rows}, p)
    plans = {job: plan(job[0], p, job[1]) for job in study_jobs(rows, p)}
    done = _done(plans)
    missing = len(plans) - len(done)
    print(f"{len(plans)} trainings, {missing} to do.")
    if missing and done:
        seconds = [read_made(folder_of(made)).seconds for made in done.values()]
        hours = missing * sum(seconds) / len(seconds) / 3600
        print(f"A training took {sum(seconds) / len(seconds):.0f} s on average: about {hours:.1f} "
              "hours of one core.")


def collect_study(rows: Sequence[Row], evidence: Evidence, training: bool = True) -> None:
    """Train what these rows of the study lack, then write their predictions as evidence.

    Each is written as it was trained, and once for each of its re-estimated statistics. training:
    False leaves out what isn't trained yet.
    """
    p = evidence.p
    check({row.name: find(row.name) for row in rows}, p)
    crops = faces(p)
    asked = {row.name: row.statistics for row in rows}
    plans = {job: plan(job[0], p, job[1]) for job in study_jobs(rows, p)}
    if not training:
        plans = _done(plans)
    statistics = {made.name(): asked[made.experiment] for made in plans.values()}
    predict_all(list(plans.values()), crops, statistics)
    write_cards(plans.values(), p, crops)
    evidence.save_crops(crops)
    for (name, _), made in plans.items():
        for each in ("", *asked[name]):
            _save(evidence.study, restated(name, each), made, crops, each)


def study_logs(rows: Sequence[Row], p: Profile) -> dict[Job, tuple[str, pd.DataFrame]]:
    """Each training of these rows that is done -> what its run is called, and its log."""
    plans = _done({job: plan(job[0], p, job[1]) for job in study_jobs(rows, p)})
    found = {}
    for job, made in plans.items():
        folder = folder_of(made)
        found[job] = (folder.name, read_log(folder, made.schedule.iterations))
    return found


def _done(plans: dict[Job, Plan]) -> dict[Job, Plan]:
    """Those that are trained to the end."""
    return {job: made for job, made in plans.items() if (folder_of(made) / WEIGHTS).exists()}


def probed(name: str, p: Profile) -> pd.DataFrame:
    """Log-odds of fake by a linear probe (`outputs.predict_by_probe`) on the five test sets.

    name: PROBE, on model A's f, or UNTRAINED, on the random f that it started from. The difference
    is what training added.
    """
    if name == PROBE:
        detector = train_experiment(MODEL_A, p).detector
    else:
        torch.manual_seed(p.seed)
        detector = tcnsc(p).to(device())
    with threads(1):
        return predict_by_probe(detector, faces(p), paper.CODECS)
