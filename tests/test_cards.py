"""The model card beside a run says what the run is worth on its own test part, and no more."""

import numpy as np
import pytest
from scipy.special import expit
from toys import build, fit, planned, tiny

from tcnsc_lib import paper
from tcnsc_lib.asking.judge import judge_of
from tcnsc_lib.detectors.registry import DETECTORS
from tcnsc_lib.evaluation import accuracy
from tcnsc_lib.experiments.cards import CARD, PAGE, read_card, write_cards
from tcnsc_lib.profiles import DEMO
from tcnsc_lib.training.predictions import predictions, weights_digest


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The plan of a finished toy run, its folder, and the faces that it was made of."""
    root = tmp_path_factory.mktemp("cards")
    faces = build(root / "faces")
    run = fit(faces, root)
    plan = planned(faces, root)
    write_cards([plan], DEMO, faces)
    return plan, run.folder, faces


def test_a_run_without_a_card_has_none(tmp_path):
    assert read_card(tmp_path) is None


def test_the_numbers_are_those_of_the_runs_predictions(made):
    plan, folder, faces = made
    card = read_card(folder)
    odds = predictions(plan, faces)
    y = faces.labels("test")
    for name in paper.CODECS:
        expected = accuracy(y, expit(odds[name].to_numpy()))
        assert card.test[name].accuracy == pytest.approx(expected, abs=5e-5)
    assert card.crops == len(y)
    assert card.people == len(np.unique(faces.units("test")))


def test_the_page_says_what_the_run_knows_and_what_not(made):
    plan, folder, _ = made
    page = (folder / PAGE).read_text()
    assert f"# {plan.experiment}, seed {plan.seed}" in page
    assert "on rendered faces (profile demo)" in page
    assert "on photographs its p(fake) means nothing" in page
    card = read_card(folder)
    assert f"| LQ | {100 * card.test['LQ'].accuracy:.1f} |" in page


def test_a_card_is_written_once_and_again_where_it_was_changed(made):
    plan, folder, faces = made
    before = (folder / CARD).read_text()
    time = (folder / CARD).stat().st_mtime_ns
    write_cards([plan], DEMO, faces)
    assert (folder / CARD).stat().st_mtime_ns == time
    (folder / CARD).write_text("{")
    write_cards([plan], DEMO, faces)
    assert (folder / CARD).read_text() == before


def test_a_card_of_other_weights_is_not_cited(made, monkeypatch):
    _, folder, _ = made
    monkeypatch.setitem(DETECTORS, "tiny", lambda **_: tiny())
    card = read_card(folder)
    assert card.weights == weights_digest(folder)
    other = card.model_copy(update={"weights": "0123456789"})
    (folder / CARD).write_text(other.model_dump_json())
    assert judge_of(folder).card is None
    (folder / CARD).write_text(card.model_dump_json())
    assert judge_of(folder).card == card
