"""A run's threshold: chosen on RAW validation crops, kept beside what it says of test crops."""
import json
from pathlib import Path

import pytest
from commands import never
from toys import build, planned

from tcnsc_lib import pool
from tcnsc_lib.detectors.outputs import best_threshold, log_odds
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training import loop, predictions
from tcnsc_lib.training.predictions import predict_all, threshold
from tcnsc_lib.training.run import Plan, folder_of, forget, train


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


@pytest.fixture
def plan(faces, tmp_path) -> Plan:
    return planned(faces, tmp_path)


def kept(plan: Plan, pattern: str) -> dict[str, tuple[bytes, int]]:
    """Bytes and times of the files of a run whose names are so."""
    found = {}
    for path in folder_of(plan).glob(pattern):
        found[path.name] = (path.read_bytes(), path.stat().st_mtime_ns)
    return found


@pytest.mark.parametrize("views", [("RAW", "LQ"), ("HQ", "MQ")])
def test_it_is_chosen_on_raw_validation_crops_whatever_was_trained_on(faces, tmp_path, views):
    made = planned(faces, tmp_path, views=views)
    chosen = threshold(made, faces)
    odds = log_odds(train(made).detector, faces.images("RAW", "val"))
    assert chosen == best_threshold(faces.labels("val"), odds)


def test_a_run_on_other_qualities_is_calibrated_on_the_crops_that_are_asked_about(plan, tmp_path):
    others = build(tmp_path / "others", seed=1)
    odds = log_odds(train(plan).detector, others.images("RAW", "val"))
    assert threshold(plan, others) == best_threshold(others.labels("val"), odds)


def test_it_is_kept_with_the_predictions(faces, plan, monkeypatch):
    monkeypatch.setattr(pool, "cores", lambda: 1)
    predict_all([plan], faces)
    assert set(kept(plan, "threshold*")) == {"threshold.json"}
    monkeypatch.setattr(predictions, "train", never)
    threshold(plan, faces)


def test_a_run_without_one_gets_it_and_its_predictions_stay_as_they_are(faces, plan, monkeypatch):
    monkeypatch.setattr(pool, "cores", lambda: 1)
    asked = {plan.name(): ("RAW and LQ",)}
    predict_all([plan], faces, asked)
    said = kept(plan, "predictions*")
    thresholds = kept(plan, "threshold*")
    assert set(said) == {"predictions.csv", "predictions-RAW-and-LQ.csv"}
    assert set(thresholds) == {"threshold.json"}
    (folder_of(plan) / "threshold.json").unlink()
    monkeypatch.setattr(loop, "step", never)
    monkeypatch.setattr(predictions, "_make", never)
    predict_all([plan], faces, asked)
    assert kept(plan, "predictions*") == said
    again = kept(plan, "threshold*")
    assert {name: data for name, (data, _) in again.items()} == {
        name: data for name, (data, _) in thresholds.items()
    }
    monkeypatch.setattr(predictions, "run_all", never)
    predict_all([plan], faces, asked)  # nothing is missing


def test_without_one_no_test_crop_is_asked_about(faces, plan, monkeypatch):
    predictions.predictions(plan, faces)
    (folder_of(plan) / "threshold.json").unlink()
    parts = []
    images = faces.images

    def listed(name, split):
        parts.append((name, split))
        return images(name, split)

    monkeypatch.setattr(faces, "images", listed)
    threshold(plan, faces)
    assert parts == [("RAW", "val")]


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"threshold": NaN}', '{"threshold": "1"}'])
def test_a_damaged_one_is_told_in_a_line_and_chosen_again(faces, plan, capsys, damage):
    chosen = threshold(plan, faces)
    path = folder_of(plan) / "threshold.json"
    path.write_text(damage)
    assert not predictions.kept(folder_of(plan), faces)
    capsys.readouterr()
    assert threshold(plan, faces) == chosen
    told = [line for line in capsys.readouterr().err.splitlines() if "tcnsc: " in line]
    assert len(told) == 1 and str(path) in told[0]
    assert json.loads(path.read_text())["threshold"] == chosen


@pytest.mark.parametrize("change", [{"weights": "0123456789"}, {"faces": "others"}, {"codecs": []}])
def test_one_of_other_weights_crops_or_codecs_is_chosen_again(faces, plan, change):
    chosen = threshold(plan, faces)
    path = folder_of(plan) / "threshold.json"
    held = json.loads(path.read_text())
    path.write_text(json.dumps(held | change | {"threshold": chosen + 1}))
    assert threshold(plan, faces) == chosen


def test_a_run_that_is_trained_anew_loses_it(faces, plan, monkeypatch):
    predictions.predictions(plan, faces)
    predictions.predictions(plan, faces, "LQ")
    threshold(plan, faces)
    monkeypatch.setattr("tcnsc_lib.training.folder.of_other_code", lambda folder: True)
    forget([folder_of(plan)])
    left = [path.name for path in Path(folder_of(plan)).iterdir()]
    assert left == []
