"""A model card beside every run: what it was trained on, how often it is right, what it is for.

    <run>/card.md     for people
    <run>/card.json   the same facts, for `tcnsc predict`

After Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, as far as there is something to
say.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import Field
from scipy.special import expit

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.checked import Count, Share, Stored, record
from tcnsc_lib.evaluation import summary
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import write_json, write_text
from tcnsc_lib.profiles import SOURCES, Profile
from tcnsc_lib.training.predictions import depends_on, predictions
from tcnsc_lib.training.run import Plan, folder_of
from tcnsc_lib.training.stored import read_made

CARD = "card.json"
PAGE = "card.md"
CURE = "`tcnsc train` with the run's experiment and profile writes it again"


class Scores(Stored):
    """On one test set. auc: area under the ROC curve. Both in [0, 1]."""

    accuracy: Share
    auc: Share


class Card(Stored):
    """card.json. weights: digest of those that were asked. shows: what the faces are, in words.

    limits: how far the run reaches, a sentence. crops, people: of its own test part; people who
    lent each other their faces count once, and pictures where people aren't known. test: codec ->
    how often it is right there, at p(fake) = 1/2. made: commit, device and version of torch.
    """

    run: str
    weights: str
    experiment: str
    detector: str
    profile: str
    shows: str
    limits: str
    crops: Count
    people: Count
    test: Annotated[dict[str, Scores], Field(min_length=1)]
    made: str


def write_cards(plans: Iterable[Plan], p: Profile, faces: FaceSet) -> None:
    """Write the cards of these finished runs, where they aren't there or say something else.

    faces: whose test part the runs are judged on; their predictions of it are read, or made.
    """
    for plan in plans:
        folder = folder_of(plan)
        card = _card(plan, p, faces)
        if _stored(folder) != card:
            cut = "whole pictures"
            if p.found != "cut":
                cut = f"MTCNN's box {plan.enlarge:g} times as large"
            write_text(folder / PAGE, _page(card, plan, cut))
            write_json(folder / CARD, card.model_dump())


def read_card(folder: Path) -> Card | None:
    """The card of a run; None where it has none. Raises CompanionError for a damaged one."""
    path = Path(folder) / CARD
    return record(path, Card, CURE) if path.exists() else None


def _stored(folder: Path) -> Card | None:
    """None for a damaged one too, which is then written again."""
    try:
        return read_card(folder)
    except CompanionError:
        return None


def _card(plan: Plan, p: Profile, faces: FaceSet) -> Card:
    folder = folder_of(plan)
    odds = predictions(plan, faces)
    y = faces.labels("test")
    test = {}
    for name in paper.CODECS:
        found = summary(y, expit(odds[name].to_numpy()))
        test[name] = Scores(accuracy=round(found["accuracy"], 4), auc=round(found["auc"], 4))
    source = SOURCES[p.source]
    made = read_made(folder)
    return Card(
        run=folder.name,
        weights=depends_on(folder, faces)["weights"],
        experiment=plan.experiment,
        detector=plan.detector.name,
        profile=p.name,
        shows=source.shows,
        limits=source.limits,
        crops=len(y),
        people=len(set(faces.units("test"))),
        test=test,
        made=f"commit {made.commit}, {made.device}, torch {made.torch}",
    )


def _page(card: Card, plan: Plan, cut: str) -> str:
    """card.md. cut: what of a picture the crops show, in words."""
    rows = []
    for name, scores in card.test.items():
        rows.append(f"| {name} | {100 * scores.accuracy:.1f} | {100 * scores.auc:.1f} |")
    schedule = plan.schedule
    return "\n".join([
        f"# {card.experiment}, seed {plan.seed}",
        "",
        f"A detector of fake faces: {card.detector}, trained as *{card.experiment}* on "
        f"{card.shows} (profile {card.profile}).",
        "",
        f"On its own test part, {card.crops} crops in {card.people} groups (people, pairs of "
        "people, or pictures where people aren't known), calling fake what has p(fake) of 1/2 or "
        "more:",
        "",
        "| test set | accuracy, % | AUC, % |",
        "|---|---|---|",
        *rows,
        "",
        "This is one training; another seed gives other numbers. `figures/` has intervals.",
        "",
        "## What it is for",
        "",
        f"To study the paper's method. Don't judge anybody's picture by it: {card.limits}",
        "",
        "## How it was made",
        "",
        f"- sees {' and '.join(plan.views)}, crops of {plan.faces.size} px, {cut}",
        f"- {schedule.iterations} iterations of {schedule.batch_size} crops, learning rate "
        f"{schedule.learning_rate:g}, {schedule.precision}",
        f"- faces {plan.faces.fingerprint}",
        f"- run {card.run}: {card.made}",
        "",
    ])
