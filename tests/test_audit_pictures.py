"""`tcnsc` at a folder of labelled pictures: what is told before anything is trained, and where."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from commands import at_home
from made_pictures import as_jpeg, blocks, divided, save, table, undivided
from toys import RealOnly

from tcnsc_lib import CompanionError, cli, experiments, profiles
from tcnsc_lib.detectors.fwa import FWA
from tcnsc_lib.experiments import EXPERIMENTS, forecast, ready
from tcnsc_lib.profiles import PICTURES_CUT, PROFILES
from tcnsc_lib.training.batches import Part


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """Where profile pictures-cut expects its pictures; crops are small."""
    home = at_home(tmp_path, monkeypatch)
    monkeypatch.setitem(PROFILES, "pictures-cut", replace(PICTURES_CUT, size=24))
    return home / "data" / "pictures"


def audited(capsys) -> str:
    capsys.readouterr()
    assert cli.main(["audit", "--profile", "pictures-cut"]) == 0
    return capsys.readouterr().out


def test_a_clean_folder_ends_without_a_warning(root, capsys):
    undivided(root)
    said = audited(capsys)
    assert said.endswith("warnings: 0\n")
    assert "warning:" not in said
    [every] = [line for line in said.splitlines() if line.startswith("all ")]
    assert every.split() == ["all", "20", "20"]
    assert "Table 1: nothing is lacking." in said
    assert said == audited(capsys)


def test_leaks_and_confounds_are_counted_and_long_lists_are_tables(root, capsys):
    divided(root, 25)
    for i in range(21):
        save(root / "val" / "real" / f"copy-{i}.png", blocks(i))
    for seed, path in enumerate(sorted(root.glob("*/fake/*.png"))):
        save(path.with_suffix(".jpg"), blocks(5000 + seed), quality=90)
        path.unlink()
    save(root / "test" / "real" / "notes.png.txt", blocks(0), format="png")
    table(root, "train/real/24.png,Ann", "test/real/24.png,Ann", columns="file,person")
    said = audited(capsys)
    assert "the same person in two parts: 1" in said
    assert "warning: the same person in two parts: train/real/24.png (train), test" in said
    assert "the same picture in two parts: 21" in said
    assert "... 21 such warnings, all of them in " in said
    stored = pd.read_csv(root.parent / "faces/pictures-cut/audit/same-in-two-parts.csv")
    assert len(stored) == 21
    assert "warning: by file format alone, real is told from fake in 100 %" in said
    assert "fake: 100 % JPEG" in said
    assert "warning: 1 not read, the format .txt" in said
    assert said.endswith(f"warnings: {1 + 21 + 4 + 1}\n")


def test_who_lent_a_face_is_counted_where_the_table_says_it(root, capsys):
    divided(root, 2)
    rows = ("test/fake/00.png,Ann,Bea", "train/real/00.png,Bea,", "test/fake/01.png,Cy,Dan")
    table(root, *rows, columns="file,person,source")
    said = audited(capsys)
    [line] = [line for line in said.splitlines() if "source person is in training" in line]
    assert line.split()[-2:] == ["1", "2"]


def test_faces_tell_what_may_mislead_in_few_lines(root, capsys):
    divided(root, 20)
    for i in range(20):
        save(root / "test" / "fake" / f"near-{i}.png", as_jpeg(blocks(1000 + i), 50))
    assert cli.main(["faces", "--profile", "pictures-cut"]) == 0
    said = capsys.readouterr()
    told = [line for line in said.err.splitlines() if line.startswith("tcnsc: ")]
    assert len(told) == 2
    assert "near-duplicates in two parts" in told[0]
    assert told[0].endswith(", and 19 more")
    assert "140 crops of 24 px" in said.out
    assert cli.main(["faces", "--profile", "pictures-cut"]) == 0
    assert "tcnsc: " not in capsys.readouterr().err


def test_the_folder_is_named_where_there_is_none(root, refused):
    for step in (("faces",), ("audit",), ("table", "1")):
        sentence = refused(*step, "--profile", "pictures-cut")
        assert f"There is no folder {root}" in sentence
    assert profiles.source_folder(PROFILES["pictures"]) == root


def test_a_plan_counts_pictures_and_needs_no_crops(root):
    undivided(root)
    cut = forecast.cutting(PROFILES["pictures-cut"], ["raw"])
    assert cut.crops.sum().tolist() == [20, 20]
    assert cut.crops.sum(axis=1).tolist() == [28, 6, 6]
    assert cut.trial.unit == "pictures"
    assert cut.files > 0
    assert not (root.parent / "faces").exists()


# ---------------------------------------------------------------- what pictures can't do


def test_detectors_that_need_landmarks_are_refused_before_pictures_are_cut(root, refused):
    undivided(root)
    assert "FWA and DSP-FWA can't be trained on pictures that are cut already" in refused(
        "table", "3", "--profile", "pictures-cut")
    assert not (root.parent / "faces").exists()
    asked = {name: EXPERIMENTS[name] for name in experiments.TABLE2.values() if name in EXPERIMENTS}
    assert ready.lacks(asked, PROFILES["pictures-cut"]) == []
    every = {name: EXPERIMENTS[name] for name in ("FWA", "Meso4")}
    assert [one.names for one in ready.lacks(every, PROFILES["pictures-cut"])] == [["FWA"]]


def test_without_landmarks_fwa_is_one_sentence_and_others_train(root):
    undivided(root)
    faces = profiles.faces(PROFILES["pictures-cut"])
    with pytest.raises(CompanionError, match="FWA makes its fakes by the landmarks of faces"):
        Part(FWA(32, width=4), faces, ("RAW",), "cpu")
    assert len(Part(RealOnly(), faces, ("RAW",), "cpu")) == 14


@pytest.mark.parametrize(("name", "found"), [("photos", "cut"), ("pictures", "mask")])
def test_a_way_to_find_faces_that_a_source_lacks_is_refused(name, found):
    with pytest.raises(CompanionError, match=f"found can't be '{found}'; choose one of mtcnn"):
        replace(PROFILES[name], found=found)


def test_profiles_of_pictures_are_as_large_as_that_of_photographs():
    ours = {"name": "photos", "source": "photos", "found": "mtcnn"}
    for name in ("pictures", "pictures-cut"):
        assert replace(PROFILES[name], **ours) == PROFILES["photos"]
        for experiment in EXPERIMENTS.values():
            made = PROFILES[name].arguments(experiment.detector)
            assert made == PROFILES["photos"].arguments(experiment.detector)
