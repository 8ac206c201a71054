"""What is measured is stored with what made it; what is computed from it is the same everywhere."""
import os
import re

import numpy as np
import pandas as pd
import pytest
from conftest import P
from PIL import Image
from scipy.special import expit
from toys import build

from tcnsc_lib import CompanionError, evidence, paper
from tcnsc_lib.evidence import Evidence, read_table
from tcnsc_lib.evidence.sheets import MEASURED
from tcnsc_lib.experiments import DUAL, MODEL_B
from tcnsc_lib.profiles import PROFILES

TABLE = pd.DataFrame({"row": ["a", "b, c"], "value": [1 / 3, 2e-9], "n": [3, 4]})


@pytest.fixture
def empty(tmp_path) -> Evidence:
    return Evidence(P, tmp_path)


# tables


def test_a_table_comes_back_with_seven_digits(empty):
    empty.save("costs", TABLE)
    empty.derive("means", TABLE)
    for name in ("costs", "means"):
        assert empty.has(name)
        pd.testing.assert_frame_equal(empty.read(name), TABLE, rtol=1e-6)


def test_what_is_measured_lies_apart_from_what_is_computed(empty, tmp_path):
    assert empty.save("costs", TABLE) == tmp_path / "evidence/costs.csv" == empty.path("costs")
    assert empty.derive("means", TABLE) == tmp_path / "means.csv" == empty.path("means")


def test_a_measured_table_says_what_made_it(empty):
    empty.save("costs", TABLE, ["run RAW-LQ-seed0-1234567890: 30 s", "another line"])
    first, *notes = empty.head("costs").splitlines()
    assert first.startswith("profile toy; seed 3; commit ")
    for fact in ("device cpu", "python 3.", "torch ", "libjpeg-turbo "):
        assert fact in first
    assert notes == ["run RAW-LQ-seed0-1234567890: 30 s", "another line"]


def test_the_same_evidence_gives_the_same_bytes_at_any_commit(empty, monkeypatch):
    before = empty.derive("means", TABLE).read_bytes()
    monkeypatch.setattr(evidence, "environment", lambda where: {"commit": "another", "torch": "9"})
    monkeypatch.setattr(evidence, "versions", lambda: {"Pillow": "99"})
    assert empty.derive("means", TABLE).read_bytes() == before
    assert "another" in empty.save("costs", TABLE).read_text()
    assert empty.head("means") == "profile toy; seed 3; computed by `tcnsc report` from evidence/"


def test_by_default_the_tables_are_those_of_the_profile(monkeypatch, tmp_path):
    monkeypatch.setenv("TCNSC_FIGURES", str(tmp_path))
    assert Evidence(PROFILES["demo"]).folder == tmp_path / "demo"


def test_a_missing_table_is_named_with_what_makes_it(empty, tmp_path):
    with pytest.raises(CompanionError, match=rf"{tmp_path}/table2\.csv.*tcnsc report"):
        empty.read("table2")
    assert not empty.has("table2") and empty.head("table2") == ""


@pytest.mark.parametrize(
    "content",
    [b"", b"# profile demo\n", b"a,b\n1,2\n1,2,3\n", b"a,b\n\xff,1\n"],
    ids=["nothing", "comments", "ragged", "no text"],
)
def test_a_file_that_is_no_table_is_named(tmp_path, content):
    path = tmp_path / "table2.csv"
    path.write_bytes(content)
    with pytest.raises(CompanionError, match=r"table2\.csv is no table"):
        read_table(path)


def test_a_table_without_rows_and_a_path_without_table_are_named(tmp_path):
    path = tmp_path / "table2.csv"
    with pytest.raises(CompanionError, match=r"There is no .*table2\.csv"):
        read_table(path)
    path.write_text("a,b\n")
    with pytest.raises(CompanionError, match=r"table2\.csv has no rows"):
        read_table(path)


def pipe(path):
    path.unlink()
    os.mkfifo(path)


DAMAGES = {
    "a column lost": (lambda path: edit(path, "person", "people"), "lacks the column person"),
    "a label of 2": (lambda path: edit(path, ",1,", ",2,"), "label: 2 is not 0 or 1"),
    "a label of text": (lambda path: edit(path, ",1,", ",fake,"), "label: 'fake' is not 0 or 1"),
    "a unit of -1": (lambda path: edit(path, "1,1\n", "-1,1\n"), "unit: -1 is not a whole number"),
    "half a person": (lambda path: edit(path, ",1\n", ",1.5\n"), "person: 1.5 is not a whole"),
    "a row lost": (lambda path: edit(path, "3,1,0,0\n", ""), "lacks crops or has them in another"),
    "binary": (lambda path: path.write_bytes(bytes(range(256))), "is no table"),
    "a pipe": (pipe, "is a pipe, not a file"),
    "huge": (lambda path: os.truncate(path, 6 << 30), "more than the"),
}


def edit(path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(("damage", "words"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_table_of_crops_is_told_in_a_sentence(toy, damage, words):
    damage(toy.path("crops"))
    with pytest.raises(CompanionError) as told:
        Evidence(P, toy.folder).read("crops")
    assert words in str(told.value)
    assert f"{toy.path('crops')}" in str(told.value)
    assert str(told.value).endswith(", see figures/README.md.")


def test_each_measured_table_that_is_committed_has_what_it_must_have():
    for name in ("demo", "photos"):
        e = Evidence(PROFILES[name])
        held = [table for table in MEASURED if e.has(table)]
        assert len(held) > 10
        for table in held:
            e.read(table)


def test_text_that_a_spreadsheet_would_compute_is_stored_safe_and_read_as_it_was(empty):
    table = pd.DataFrame({"model": ["=1+1", "@x", "'=y", "(RAW, LQ)"], "number": [-1.5, 2, 3, 4]})
    path = empty.save("costs", table)
    assert "\n'=1+1,-1.5\n'@x,2\n''=y,3\n" in path.read_text()
    pd.testing.assert_frame_equal(empty.read("costs"), table, check_dtype=False)


# crops and predictions


def test_the_crops_are_kept_as_numbers_without_names(toy, toy_faces):
    rows = toy_faces.rows("test")
    assert toy.y.tolist() == toy_faces.labels("test").tolist()
    assert toy.units.tolist() == [0, 0, 0, 0, 1, 1, 1, 1] == toy.people.tolist()
    text = toy.path("crops").read_text()
    assert not any(name in text for name in (*rows.identity, *rows.video))


def test_people_who_lent_each_other_their_faces_are_one_unit(empty, toy_faces, monkeypatch):
    rows = toy_faces.rows("test")
    other = rows.identity.map({"test0": "test1", "test1": "test0"})
    swapped = rows.assign(source=other.where(rows.label == 1, ""))
    monkeypatch.setattr(toy_faces, "rows", lambda split: swapped)
    empty.save_crops(toy_faces)
    assert set(empty.units) == {0} and empty.people.tolist() == [0] * 4 + [1] * 4


def test_the_numbers_of_units_are_in_the_order_of_their_names(toy, toy_faces):
    """So that an interval from numbers draws the same people as one from names."""
    names = toy_faces.units("test")
    assert np.unique(names)[toy.units].tolist() == names.tolist()


def test_predictions_come_back_as_log_odds_probabilities_and_right_answers(toy):
    log_odds = pd.DataFrame({name: np.linspace(-40, 2, 8) for name in paper.CODECS})
    toy.save_predictions(DUAL, 4, log_odds, ["run of mine"])
    assert toy.log_odds(DUAL, 4).to_numpy() == pytest.approx(log_odds.to_numpy(), rel=1e-6)
    p = toy.predictions(DUAL, 4)
    assert p.to_numpy() == pytest.approx(expit(log_odds).to_numpy(), rel=1e-4)
    assert 0 < p.RAW[0] < 1e-15  # a probability with seven digits would be 0
    called_fake = log_odds.RAW >= 0
    assert toy.right(DUAL, 4).RAW.tolist() == (called_fake == toy.y).astype(float).tolist()
    assert "\nrun of mine\n" in toy.head(toy.predicted(DUAL, 4))


def test_a_threshold_comes_back_from_the_head_and_decides_who_is_called_fake(toy):
    log_odds = pd.DataFrame({name: np.linspace(-3, 4, 8) for name in paper.CODECS})
    toy.save_predictions(DUAL, 4, log_odds, ["run of mine", "threshold 2.5000"])
    assert toy.threshold(DUAL, 4) == 2.5
    called_fake = log_odds >= 2.5
    assert called_fake.LQ.sum() == 2  # of five at 0
    right = called_fake.eq(toy.y, axis=0).astype(float)
    pd.testing.assert_frame_equal(toy.right(DUAL, 4, calibrated=True), right)
    assert not toy.right(DUAL, 4).equals(right)
    assert toy.faces(toy.predicted(DUAL, 4)) == toy.faces("crops")


def test_older_predictions_have_no_threshold_and_nothing_is_right_or_wrong_at_it(toy):
    assert np.isnan(toy.threshold(DUAL)) and np.isnan(toy.threshold(DUAL, 99))
    right = toy.right(DUAL, calibrated=True)
    assert right.shape == (8, 5) and right.isna().all(axis=None)
    assert toy.right(DUAL).notna().all(axis=None)


def test_a_damaged_threshold_is_told_in_a_sentence(toy):
    toy.save_predictions(DUAL, None, toy.log_odds(DUAL), ["threshold high"])
    with pytest.raises(CompanionError, match=r"RAW-LQ-seed3\.csv is damaged \(its threshold is"):
        toy.threshold(DUAL)


def test_predictions_of_other_faces_are_refused(toy, tmp_path):
    assert toy.faces("crops") == toy.faces(toy.predicted(DUAL)) != ""
    toy.save_crops(build(tmp_path / "others", seed=1))
    with pytest.raises(CompanionError, match=r"RAW-LQ-seed3\.csv is of other faces than .*crops"):
        toy.right(DUAL)


@pytest.mark.parametrize("cell", ["", "much", "inf"])
def test_predictions_without_a_number_are_refused(toy, cell):
    path = toy.path(toy.predicted(DUAL))
    lines = path.read_text().splitlines()
    lines[-1] = ",".join([cell, *lines[-1].split(",")[1:]])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(CompanionError, match=r"RAW-LQ-seed3\.csv (lacks|holds)"):
        toy.right(DUAL)


def test_measured_numbers_stand_before_a_table_that_lies_beside_them(toy):
    toy.derive("other", pd.DataFrame({"x": [1]}))
    toy.save("other", pd.DataFrame({"x": [2]}))
    assert toy.read("other").x.tolist() == [2]


def test_a_crop_on_the_threshold_is_called_fake(toy):
    toy.save_predictions(DUAL, None, pd.DataFrame({name: np.zeros(8) for name in paper.CODECS}))
    assert toy.right(DUAL).RAW.tolist() == toy.y.tolist()


def test_predictions_are_filed_by_experiment_and_seed(toy, say):
    path = toy.path(toy.predicted(DUAL))
    assert re.fullmatch(r".*/evidence/predictions/RAW-LQ-seed3\.csv", str(path))
    assert toy.has_predictions(MODEL_B, 4) and not toy.has_predictions(MODEL_B, 5)
    say(MODEL_B, 4, LQ=(0, 0))
    assert toy.right(MODEL_B).LQ.sum() == 8 and toy.right(MODEL_B, 4).LQ.sum() == 0


def test_predictions_of_other_crops_are_refused(toy):
    short = toy.log_odds(DUAL)[:5]
    with pytest.raises(CompanionError, match=r"are of 5 crops, .*crops\.csv has 8"):
        toy.save_predictions(DUAL, None, short)
    toy.save(toy.predicted(DUAL), short)
    with pytest.raises(CompanionError, match=r"RAW-LQ-seed3\.csv doesn't fit .*crops\.csv"):
        toy.log_odds(DUAL)
    toy.save(toy.predicted(DUAL), toy.log_odds(MODEL_B).drop(columns="WEBP"))
    with pytest.raises(CompanionError, match="doesn't fit"):
        toy.right(DUAL)


# the crops of a picture


def test_a_crop_of_a_private_source_is_not_stored(empty, toy_faces):
    image = np.array(toy_faces.images("RAW", "test")[5])
    with pytest.raises(CompanionError, match="show somebody"):
        empty.save_picture(5, image)
    assert not (empty.measured / "crops").exists()


def test_a_crop_of_a_picture_is_kept_without_loss(tmp_path, toy_faces):
    empty = Evidence(PROFILES["demo"], tmp_path)
    image = np.array(toy_faces.images("RAW", "test")[5])
    path = empty.save_picture(5, image)
    assert path == empty.measured / "crops/5.png"
    np.testing.assert_array_equal(empty.picture(5), image)
    with Image.open(path) as picture:
        assert picture.format == "PNG"


def test_a_crop_that_was_not_kept_is_named(empty):
    with pytest.raises(CompanionError, match=r"There is no .*crops/7\.png"):
        empty.picture(7)
