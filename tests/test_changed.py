"""What runs say after chains: made once for all runs, kept in their folders, stored in short."""
import json

import numpy as np
import pandas as pd
import pytest
from commands import never
from toys import fit, planned

from tcnsc_lib import CompanionError, pool
from tcnsc_lib.chains import CHAINS, chain
from tcnsc_lib.detectors.outputs import log_odds, predict_after
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import ASKED, asked_jobs
from tcnsc_lib.experiments.any_quality import shortened
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.training import changed
from tcnsc_lib.training.changed import CHANGED, predictions_after

NAMES = ["RAW", "JPEG 20", "to 1/2"]


@pytest.fixture
def run(toy_faces, tmp_path, monkeypatch):
    """A short training; chains are asked one after the other, in this process."""
    monkeypatch.setattr(pool, "cores", lambda: 1)
    return fit(toy_faces, tmp_path)


def asked(faces, root, names=NAMES):
    """The plans of that training, and what its run says."""
    plan = planned(faces, root)
    return predictions_after([plan], faces, names)[plan.name()]


def test_each_column_is_what_the_detector_says_of_the_changed_crops(run, toy_faces, tmp_path):
    table = asked(toy_faces, tmp_path)
    assert list(table) == NAMES
    crops = np.array(toy_faces.images("RAW", "test"))
    for name in NAMES:
        pictures = np.stack([chain(name)(crop) for crop in crops])
        np.testing.assert_allclose(table[name], log_odds(run.detector, pictures), atol=1e-5)
    assert not np.allclose(table["RAW"], table["JPEG 20"])


def test_batches_change_nothing_and_each_crop_is_changed_once(run, toy_faces):
    seen = []

    def change(image):
        seen.append(image.sum())
        return image

    crops = toy_faces.images("RAW", "test")
    two = {"one": run.detector, "other": run.detector}
    few = predict_after(two, crops, change, batch_size=3)
    assert len(seen) == len(crops) == len(few)
    np.testing.assert_allclose(few.one, log_odds(run.detector, crops), atol=1e-5)
    assert few.one.tolist() == few.other.tolist()


def test_a_second_time_nothing_is_asked(run, toy_faces, tmp_path, monkeypatch):
    first = asked(toy_faces, tmp_path)
    monkeypatch.setattr(changed, "predict_after", never)
    monkeypatch.setattr(changed, "train", never)
    pd.testing.assert_frame_equal(asked(toy_faces, tmp_path), first, check_exact=True)


def test_other_chains_encoders_or_weights_are_asked_again(run, toy_faces, tmp_path, monkeypatch):
    asked(toy_faces, tmp_path)
    path = run.folder / CHANGED

    def is_kept(names=NAMES):
        return changed._found(run.folder, toy_faces, names) is not None

    assert is_kept() and not is_kept(["RAW", "JPEG 20"]) and not is_kept([*NAMES, "AVIF 20"])
    with monkeypatch.context() as patch:
        patch.setattr(changed, "versions", lambda: {"libavif": "0"})
        assert not is_kept()
    first, _, rows = path.read_text().partition("\n")
    head = json.loads(first.removeprefix("# "))
    head["weights"] = "others"
    path.write_text(f"# {json.dumps(head)}\n{rows}")
    assert not is_kept()


def test_a_damaged_file_is_told_and_made_again(run, toy_faces, tmp_path, capsys):
    first = asked(toy_faces, tmp_path)
    path = run.folder / CHANGED
    text = path.read_text()
    other = "2" if text[-4] == "1" else "1"
    path.write_text(text[:-4] + other + text[-3:])
    again = asked(toy_faces, tmp_path)
    pd.testing.assert_frame_equal(again, first, check_exact=True)
    assert path.read_text() == text
    said = capsys.readouterr().err
    assert f"{path} was changed since it was written; they are made again" in said


def test_an_unknown_chain_is_refused_before_anything_is_made(toy_faces, tmp_path, monkeypatch):
    monkeypatch.setattr(changed, "train", never)
    with pytest.raises(CompanionError, match="no chain 'JPEG 21'"):
        asked(toy_faces, tmp_path, ["JPEG 21"])


# stored in short

def test_three_digits_keep_sign_and_order():
    odds = pd.DataFrame({"RAW": [-0.00012345, 0.0, 3.14159, 123.456, -9.9951]})
    assert shortened(odds)["RAW"].tolist() == [-0.000123, 0.0, 3.14, 123.0, -10.0]
    many = np.random.default_rng(0).normal(size=500)
    short = shortened(pd.DataFrame({"RAW": many}))["RAW"].to_numpy()
    assert ((short >= 0) == (many >= 0)).all()
    assert (np.diff(short[np.argsort(many)]) >= 0).all()


def test_what_is_stored_has_a_column_a_chain_and_no_other(toy):
    odds = pd.DataFrame({name: np.linspace(-2, 2, len(toy.y)) for name in CHAINS})
    toy.chains.save_predictions("model B", 3, odds)
    pd.testing.assert_frame_equal(toy.chains.log_odds("model B", 3), odds, rtol=1e-6)
    assert toy.path("chains/model-B-seed3").exists()
    toy.save("chains/model-B-seed3", odds[NAMES])
    with pytest.raises(CompanionError, match="chains/model-B-seed3.csv doesn't fit"):
        toy.chains.log_odds("model B", 3)


def test_every_row_has_all_seeds_of_its_profile(tmp_path):
    p = PROFILES["demo"]
    jobs = asked_jobs(p)
    assert len(jobs) == len(set(jobs)) == len(ASKED) * p.seeds
    assert Evidence(p, tmp_path).chains.columns == list(CHAINS)
