"""The detectors of notebook 9: what they say of test crops after every chain, and of others."""
from __future__ import annotations

import pandas as pd

from tcnsc_lib.chains import CHAINS, versions
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments.execute import collect, plan, train_all
from tcnsc_lib.experiments.names import AUGMENTED, DUAL, MODEL_B, ON_H, XCEPTION, Job, seeds_of
from tcnsc_lib.profiles import Profile, faces
from tcnsc_lib.training.changed import predictions_after
from tcnsc_lib.training.folder import note
from tcnsc_lib.training.on_validation import predictions_on_validation
from tcnsc_lib.training.run import Plan, folder_of

ASKED = {
    TCNSC.name: DUAL,
    MODEL_B: MODEL_B,
    AUGMENTED: AUGMENTED,
    ON_H: ON_H,
    XCEPTION: XCEPTION,
    "Xception-C23": "Xception-C23",
}
"""Row -> experiment; each is trained from `Profile.seeds` seeds."""

DIGITS = 3
"""Of a stored log-odds: its sign and its rank hardly need more, and files stay small."""


def asked_jobs(p: Profile) -> list[Job]:
    """The trainings behind notebook 9; all are behind Tables 2 and 3 too."""
    jobs = []
    for name in ASKED.values():
        jobs += [(name, seed) for seed in seeds_of(name, p)]
    return jobs


def collect_chains(evidence: Evidence) -> None:
    """Train what is missing, then write what each of `asked_jobs` says after every chain."""
    p = evidence.p
    jobs = asked_jobs(p)
    train_all(jobs, p)
    crops = faces(p)
    plans = {job: plan(job[0], p, job[1]) for job in jobs}
    told = predictions_after(_distinct(plans), crops, list(CHAINS))
    evidence.save_crops(crops)
    encoders = "; ".join(f"{name} {value}" for name, value in versions().items())
    for (name, seed), made in plans.items():
        odds = shortened(told[made.name()])
        notes = [note(folder_of(made)), f"encoders {encoders}"]
        evidence.chains.save_predictions(name, seed, odds, notes)


def collect_validation(evidence: Evidence) -> None:
    """Train what is missing, then write what each of `asked_jobs` says of validation crops.

    Test crops and predictions that aren't evidence yet are written too (`execute.collect`): what is
    chosen on the one part is judged on the other.
    """
    p = evidence.p
    jobs = asked_jobs(p)
    if missing := [job for job in jobs if not evidence.has_predictions(*job)]:
        collect(missing, evidence)
    train_all(jobs, p)
    crops = faces(p)
    plans = {job: plan(job[0], p, job[1]) for job in jobs}
    told = predictions_on_validation(_distinct(plans), crops)
    validation = evidence.validation
    validation.save_crops(crops)
    for (name, seed), made in plans.items():
        validation.save_predictions(name, seed, told[made.name()], [note(folder_of(made))])


def _distinct(plans: dict[Job, Plan]) -> list[Plan]:
    """Each training once: two rows may be one."""
    return list({made.name(): made for made in plans.values()}.values())


def shortened(odds: pd.DataFrame) -> pd.DataFrame:
    """The same with DIGITS significant digits; none changes its sign."""
    return odds.map(lambda value: float(f"{value:.{DIGITS}g}"))
