"""Labelled pictures: what folders and labels.csv say, and what can't be is one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from made_pictures import blocks, divided, save, table, undivided

from tcnsc_lib import CompanionError
from tcnsc_lib.faces.imagefolder import UNLABELLED, Picture, labelled


def by_file(root: Path) -> dict[str, Picture]:
    return {picture.file: picture for picture in labelled(root).pictures}


def refusal_of(root: Path) -> str:
    with pytest.raises(CompanionError) as error:
        labelled(root)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith(".")
    return str(error.value)


# ---------------------------------------------------------------- folders


def test_folders_give_label_part_and_method_in_any_case(tmp_path):
    divided(tmp_path, 1)
    save(tmp_path / "TRAIN" / "Fake" / "FaceSwap" / "deep" / "a.JPG", blocks(7))
    save(tmp_path / "Test" / "REAL" / "Ann" / "b.webp", blocks(8))
    found = by_file(tmp_path)
    assert len(found) == 8
    swapped = found["TRAIN/Fake/FaceSwap/deep/a.JPG"]
    assert (swapped.split, swapped.label, swapped.method) == ("train", 1, "FaceSwap")
    other = found["Test/REAL/Ann/b.webp"]
    assert (other.split, other.label, other.method) == ("test", 0, "original")
    plain = found["val/fake/00.png"]
    assert (plain.split, plain.label, plain.method) == ("val", 1, "pictures")
    assert len({picture.name for picture in found.values()}) == 8


def test_parts_may_lie_below_real_and_fake_and_name_no_method(tmp_path):
    for kind in ("real", "Fake"):
        for part in ("train", "Val", "test"):
            save(tmp_path / kind / part / "FaceSwap" / "a.png", blocks(len(kind + part)))
    found = labelled(tmp_path)
    assert found.is_divided
    told = {picture.file: (picture.split, picture.method) for picture in found.pictures}
    assert told["Fake/Val/FaceSwap/a.png"] == ("val", "FaceSwap")
    assert told["real/test/FaceSwap/a.png"] == ("test", "original")
    assert sorted({part for part, _ in told.values()}) == ["test", "train", "val"]


def test_a_folder_whose_own_name_is_no_text_is_read(tmp_path):
    root = tmp_path / os.fsdecode(b"bl\xe4tter")
    undivided(root, 1)
    content = labelled(root)
    assert [picture.file for picture in content.pictures] == ["fake/00.png", "real/00.png"]
    assert not content.left_out


def test_undivided_folders_say_no_part(tmp_path):
    content = labelled(undivided(tmp_path, 2))
    assert not content.is_divided
    assert [picture.split for picture in content.pictures] == [""] * 4
    assert labelled(divided(tmp_path / "parts")).is_divided


def test_what_has_no_label_or_another_format_is_told_and_hidden_files_arent(tmp_path):
    undivided(tmp_path, 1)
    save(tmp_path / "masks" / "a.png", blocks(1))
    (tmp_path / "real" / "notes.txt").write_text("notes")
    (tmp_path / "real" / ".DS_Store").write_text("x")
    save(tmp_path / ".cache" / "a.png", blocks(1))
    told = {item.path.name: item.reason for item in labelled(tmp_path).left_out}
    assert told == {"a.png": UNLABELLED, "notes.txt": "the format .txt"}


def test_linked_folders_are_read_and_a_circle_ends(tmp_path):
    undivided(tmp_path / "elsewhere", 2)
    root = tmp_path / "root"
    root.mkdir()
    for kind in ("real", "fake"):
        (root / kind).symlink_to(tmp_path / "elsewhere" / kind)
    (tmp_path / "elsewhere" / "real" / "again").symlink_to(root, target_is_directory=True)
    assert list(by_file(root)) == ["fake/00.png", "fake/01.png", "real/00.png", "real/01.png"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["training/real/a", "validation/real/a"], "folders training (real), validation (real)"),
        (["0/a", "1/a"], "the folders 0, 1;"),
        (["train/0/a", "train/1/a", "val/0/a"], "the folders train (0, 1), val (0)"),
        (["a", "b"], "holds no folders"),
        (["real/a"], "has no fakes"),
    ],
)
def test_another_layout_is_one_sentence_that_names_what_is_there(tmp_path, names, said):
    for name in names:
        save(tmp_path / f"{name}.png", blocks(1))
    sentence = refusal_of(tmp_path)
    assert said in sentence
    assert "must hold the folders train, val and test with real and fake in each" in sentence


def test_without_val_it_is_one_sentence(tmp_path):
    divided(tmp_path, parts=("train", "test"))
    save(tmp_path / "validation" / "real" / "a.png", blocks(1))
    sentence = refusal_of(tmp_path)
    assert "has no pictures in val" in sentence
    assert "test (fake, real), train (fake, real), validation (real)" in sentence


def test_no_folder_and_nothing_in_it_are_one_sentence(tmp_path):
    assert f"There is no folder {tmp_path}/none" in refusal_of(tmp_path / "none")
    assert "holds no folders" in refusal_of(tmp_path)


# ---------------------------------------------------------------- labels.csv


def test_the_table_gives_people_sources_and_what_folders_dont_say(tmp_path):
    for i in range(6):
        save(tmp_path / "all" / f"{i}.png", blocks(i))
    parts = ("train", "TRAIN", "val", "val", "test", "test")
    labels = ("real", "1", "0", "Fake", "REAL", "fake")
    rows = []
    for i, (part, label) in enumerate(zip(parts, labels, strict=True)):
        source = "Bea" if i % 2 else ""
        rows.append(f"./all/{i}.png,{label},{'Ann' if i < 2 else ''},{source},{part}")
    found = by_file(table(tmp_path, *rows))
    assert [picture.label for picture in found.values()] == [0, 1] * 3
    assert [picture.split for picture in found.values()] == [part.lower() for part in parts]
    assert [picture.person for picture in found.values()] == ["Ann", "Ann", "", "", "", ""]
    assert [picture.source for picture in found.values()] == ["", "Bea"] * 3
    assert found["all/1.png"].method == "pictures"


def test_one_column_is_enough_and_two_spellings_are_one_person(tmp_path):
    undivided(tmp_path, 2)
    assert len(by_file(table(tmp_path, "real/00.png", columns="file"))) == 4
    rows = ("real/00.png,Ann_Lee", "fake/00.png,ann lee")
    found = by_file(table(tmp_path, *rows, columns="file,person"))
    assert found["real/00.png"].person == found["fake/00.png"].person == "Ann_Lee"


def test_a_number_as_a_person_keeps_its_zeros(tmp_path):
    undivided(tmp_path, 1)
    found = by_file(table(tmp_path, "real/00.png,007", columns="file,person"))
    assert found["real/00.png"].person == "007"


WRONG = {
    "another label": (["train/real/00.png,fake,,,", "val/real/00.png,1,,,"],
                      "another label than the folder in 2 rows, the first of them train/real/00"),
    "another part": (["train/real/00.png,,,,val"], "another part than the folder in 1 row"),
    "not there": (["train/real/99.png,,,,", "x.png,,,,"], "a file that isn't there in 2 rows"),
    "twice": (["train/real/00.png,,,,", "./train/real/00.png,,,,"], "a file twice in 1 row"),
    "unknown label": (["train/real/00.png,maybe,,,"], "a label that isn't known in 1 row"),
    "unknown part": (["train/real/00.png,,,,training"], "a part that isn't known in 1 row"),
    "a source of a real face": (["train/real/00.png,,Ann,Bea,"], "a source for a real picture"),
}


@pytest.mark.parametrize(("rows", "said"), WRONG.values(), ids=WRONG.keys())
def test_what_the_table_can_not_say_is_one_sentence_that_counts(tmp_path, rows, said):
    sentence = refusal_of(table(divided(tmp_path, 1), *rows))
    assert f"{tmp_path}/labels.csv has {said}" in sentence


def test_a_table_without_files_is_one_sentence(tmp_path):
    undivided(tmp_path, 1)
    assert "lacks the column file" in refusal_of(table(tmp_path, "a,b", columns="name,label"))
    (tmp_path / "labels.csv").unlink()
    os.mkfifo(tmp_path / "labels.csv")
    assert "labels.csv is a pipe" in refusal_of(tmp_path)


def test_parts_for_some_pictures_alone_are_refused(tmp_path):
    undivided(tmp_path, 3)
    sentence = refusal_of(table(tmp_path, "real/00.png,,,,train"))
    assert "says no part for 5 of 6 pictures, the first of them fake/00.png" in sentence
