"""What runs say of validation crops: asked once, kept in their folders, stored as evidence."""
import json

import numpy as np
import pandas as pd
import pytest
from commands import never
from toys import build, fit, planned

from tcnsc_lib import CompanionError, paper, pool
from tcnsc_lib.detectors.outputs import best_threshold, log_odds
from tcnsc_lib.experiments import any_quality
from tcnsc_lib.training import on_validation
from tcnsc_lib.training.on_validation import VALIDATED, predictions_on_validation
from tcnsc_lib.training.predictions import predictions, threshold
from tcnsc_lib.training.run import forget


@pytest.fixture
def run(toy_faces, tmp_path, monkeypatch):
    """A short training; its run is asked in this process."""
    monkeypatch.setattr(pool, "cores", lambda: 1)
    return fit(toy_faces, tmp_path)


def asked(faces, root) -> pd.DataFrame:
    """What that training's run says."""
    plan = planned(faces, root)
    return predictions_on_validation([plan], faces)[plan.name()]


def test_each_column_is_what_the_detector_says_of_validation_crops(run, toy_faces, tmp_path):
    table = asked(toy_faces, tmp_path)
    assert list(table) == list(paper.CODECS)
    for name in paper.CODECS:
        said = log_odds(run.detector, toy_faces.images(name, "val"))
        np.testing.assert_allclose(table[name], said, atol=1e-6)
    test = predictions(planned(toy_faces, tmp_path), toy_faces)
    assert not np.allclose(table, test)


def test_the_threshold_of_the_tables_follows_from_its_first_column(run, toy_faces, tmp_path):
    table = asked(toy_faces, tmp_path)
    best = best_threshold(toy_faces.labels("val"), table.RAW.to_numpy())
    assert threshold(planned(toy_faces, tmp_path), toy_faces) == pytest.approx(best, abs=1e-6)


def test_a_second_time_nothing_is_asked(run, toy_faces, tmp_path, monkeypatch):
    first = asked(toy_faces, tmp_path)
    monkeypatch.setattr(on_validation, "predict", never)
    monkeypatch.setattr(on_validation, "train", never)
    pd.testing.assert_frame_equal(asked(toy_faces, tmp_path), first, check_exact=True)


@pytest.mark.parametrize("fact", ["weights", "faces", "codecs", "encoders", "part"])
def test_what_follows_from_something_else_is_asked_again(run, toy_faces, tmp_path, fact):
    asked(toy_faces, tmp_path)
    path = run.folder / VALIDATED
    assert on_validation._found(run.folder, toy_faces) is not None
    first, _, rows = path.read_text().partition("\n")
    head = json.loads(first.removeprefix("# "))
    head[fact] = "others"
    path.write_text(f"# {json.dumps(head)}\n{rows}")
    assert on_validation._found(run.folder, toy_faces) is None


def test_a_damaged_file_is_told_and_made_again(run, toy_faces, tmp_path, capsys):
    first = asked(toy_faces, tmp_path)
    path = run.folder / VALIDATED
    text = path.read_text()
    other = "2" if text[-4] == "1" else "1"
    path.write_text(text[:-4] + other + text[-3:])
    pd.testing.assert_frame_equal(asked(toy_faces, tmp_path), first, check_exact=True)
    assert path.read_text() == text
    assert f"{path} was changed since it was written; they are made again" in (
        capsys.readouterr().err)


def test_a_run_that_is_forgotten_takes_them_along(run, toy_faces, tmp_path, monkeypatch):
    asked(toy_faces, tmp_path)
    monkeypatch.setattr("tcnsc_lib.training.folder.of_other_code", lambda folder: True)
    forget([run.folder])
    assert not (run.folder / VALIDATED).exists()


# as evidence

def test_they_are_evidence_beside_the_crops_of_their_part(toy, toy_faces):
    odds = pd.DataFrame({name: np.linspace(-2, 2, 8) for name in paper.CODECS})
    before = toy.path("crops").read_bytes()
    toy.validation.save_crops(toy_faces)
    toy.validation.save_predictions("model B", 3, odds)
    pd.testing.assert_frame_equal(toy.validation.log_odds("model B", 3), odds, rtol=1e-6)
    assert toy.path("validation/model-B-seed3").exists()
    assert toy.path("crops").read_bytes() == before
    assert toy.validation.y.tolist() == toy_faces.labels("val").tolist()
    assert toy.validation.faces("validation_crops") == toy_faces.fingerprint


def test_those_of_other_faces_or_crops_are_refused(toy, toy_faces, tmp_path):
    odds = pd.DataFrame({name: np.linspace(-2, 2, 8) for name in paper.CODECS})
    toy.validation.save_crops(toy_faces)
    with pytest.raises(CompanionError, match=r"are of 5 crops, .*validation_crops\.csv has 8"):
        toy.validation.save_predictions("model B", 3, odds[:5])
    toy.validation.save_predictions("model B", 3, odds)
    toy.validation.save_crops(build(tmp_path / "others", seed=1))
    with pytest.raises(CompanionError, match=r"of other faces than .*validation_crops\.csv"):
        toy.validation.log_odds("model B", 3)


@pytest.mark.parametrize("known", [True, False])
def test_notebook_9_stores_them_and_test_predictions_only_where_they_lack(
    run, toy, toy_faces, tmp_path, monkeypatch, known
):
    collected = []
    for name, stand_in in {
        "asked_jobs": lambda p: [("model B", 3)],
        "train_all": lambda jobs, p: None,
        "faces": lambda p: toy_faces,
        "plan": lambda name, p, seed: planned(toy_faces, tmp_path),
        "collect": lambda jobs, evidence: collected.extend(jobs),
    }.items():
        monkeypatch.setattr(any_quality, name, stand_in)
    if not known:
        toy.path(toy.predicted("model B", 3)).unlink()
    any_quality.collect_validation(toy)
    assert collected == ([] if known else [("model B", 3)])
    said = asked(toy_faces, tmp_path)
    pd.testing.assert_frame_equal(toy.validation.log_odds("model B", 3), said, rtol=1e-6)
    assert f"run {run.folder.name}: " in toy.head("validation/model-B-seed3")
