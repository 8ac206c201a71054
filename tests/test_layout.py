"""FaceForensics++'s folders: a name is read whole or not at all, and what isn't read is told."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import ffpp, layout
from tcnsc_lib.faces.ffpp import FaceForensics
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.video import write_video

OFFICIAL = FaceSettings(size=32, frames=1, split="official")


def empty_copy(root: Path, reals=("000", "003"), fakes=("000_003", "003_000")) -> Path:
    """A copy of FaceForensics++ with empty files, for what looks at names alone."""
    for method, names in (("original", reals), ("Deepfakes", fakes)):
        place = layout.folder(root, method, "raw")
        place.mkdir(parents=True)
        for name in names:
            (place / f"{name}.mp4").touch()
    (root / "splits").mkdir()
    for part, pairs in (("train", [["000", "003"]]), ("val", []), ("test", [])):
        (root / "splits" / f"{part}.json").write_text(json.dumps(pairs))
    return root


@pytest.fixture
def root(tmp_path) -> Path:
    return empty_copy(tmp_path / "copy")


@pytest.fixture
def reals(root) -> Path:
    return layout.folder(root, "original", "raw")


@pytest.fixture
def source(root, tmp_path) -> FaceForensics:
    return FaceForensics(root, tmp_path / "faces", OFFICIAL)


def told(source: FaceForensics) -> dict[str, str]:
    """File -> why it isn't read."""
    return {os.fsencode(item.path.name): item.reason for item in source.left_out()}


# ---------------------------------------------------------------- names


def test_a_complete_copy_leaves_nothing_out(source):
    assert [clip.name for clip in source.clips()] == ["000", "003", "000_003", "003_000"]
    assert source.left_out() == []


def test_a_suffix_in_capitals_is_read(source, reals):
    (reals / "000.mp4").rename(reals / "000.MP4")
    assert [clip.path.name for clip in source.clips()][:2] == ["000.MP4", "003.mp4"]
    assert source.left_out() == []


def test_of_two_suffixes_that_differ_in_case_the_second_is_told(source, reals):
    (reals / "000.MP4").touch()
    assert [clip.path.name for clip in source.clips()][:2] == ["000.mp4", "003.mp4"]
    assert "suffix has other letters" in told(source)[b"000.MP4"]


@pytest.mark.parametrize(
    "name", ["0.mp4", "000 (1).mp4", "000_copy.mp4", "d0.mp4", "0000.mp4", "٠٠٠.mp4", "000_003.mp4"]
)
def test_a_real_video_of_another_name_is_left_out_and_told_how_names_must_look(source, reals, name):
    (reals / name).touch()
    assert len(source.clips()) == 4
    assert told(source) == {os.fsencode(name): layout.REAL_IS_NAMED}


@pytest.mark.parametrize("name", ["000.mp4", "000_003_copy.mp4", "0_3.mp4", "000-003.mp4"])
def test_a_fake_of_another_name_is_left_out_and_told_how_names_must_look(source, root, name):
    (layout.folder(root, "Deepfakes", "raw") / name).touch()
    assert len(source.clips()) == 4
    assert told(source) == {os.fsencode(name): layout.FAKE_IS_NAMED}


def test_a_name_that_is_not_utf8_is_left_out(source, reals):
    with open(os.fsencode(reals) + b"/\xff00.mp4", "wb"):
        pass
    assert told(source) == {b"\xff00.mp4": layout.REAL_IS_NAMED}


def test_other_suffixes_folders_and_what_is_no_file_are_told(source, reals):
    (reals / "005.avi").touch()
    (reals / "006.mp4").mkdir()
    (reals / "007.mp4").symlink_to(reals / "nowhere.mp4")
    os.mkfifo(reals / "008.mp4")
    (reals.parent / "009.mp4").touch()
    assert len(source.clips()) == 4
    assert told(source) == {
        b"005.avi": "only .mp4 is read",
        b"006.mp4": "it is a folder, and videos must lie directly in videos",
        b"007.mp4": "it is a link to nothing",
        b"008.mp4": "it is a pipe or a device, not a file",
        b"009.mp4": "it lies beside the folder videos, not in it",
    }


def test_hidden_files_are_ignored_silently(source, reals):
    for name in ("._000.mp4", ".DS_Store", ".001.mp4"):
        (reals / name).touch()
    (reals / ".trash").mkdir()
    assert len(source.clips()) == 4
    assert source.left_out() == []


def test_a_link_to_a_video_is_read(source, reals, tmp_path):
    (reals / "000.mp4").rename(tmp_path / "elsewhere.mp4")
    (reals / "000.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    assert len(source.clips()) == 4


def test_videos_that_no_part_of_the_split_names_are_told(source, root, reals):
    (reals / "500.mp4").touch()
    (layout.folder(root, "Deepfakes", "raw") / "500_000.mp4").touch()
    assert len(source.clips()) == 4
    reasons = told(source)
    assert reasons[b"500.mp4"] == "no part of the split names it"
    assert reasons[b"500_000.mp4"] == "no part of the split names its target"


# ---------------------------------------------------------------- nothing left


def test_where_no_name_can_be_read_one_sentence_says_how_they_must_look(tmp_path):
    root = empty_copy(tmp_path, reals=["d0"], fakes=["d0_x"])
    with pytest.raises(CompanionError) as refused:
        ffpp.videos(root, "Deepfakes", "raw", "paper")
    sentence = str(refused.value)
    assert "1 left out, the first, d0.mp4" in sentence
    assert layout.REAL_IS_NAMED in sentence
    assert layout.FAKE_IS_NAMED in sentence


def test_where_the_split_names_no_video_it_is_one_sentence(source, root):
    (root / "splits" / "train.json").write_text('[["100", "101"]]')
    with pytest.raises(CompanionError, match="2 left out, .*no part of the split names it"):
        source.clips()


@pytest.mark.parametrize("damage", ["absent", "a file"])
def test_a_folder_that_is_absent_or_a_file_holds_no_videos(tmp_path, damage):
    place = layout.folder(tmp_path, "original", "raw")
    if damage == "a file":
        place.parent.mkdir(parents=True)
        place.touch()
    with pytest.raises(CompanionError, match=f"No videos .*{place}"):
        ffpp.videos(tmp_path, "Deepfakes", "raw", "paper")


# ---------------------------------------------------------------- what is lacking


def test_partial_copy_is_told_by_what_it_lacks(tmp_path):
    reals = ["000", "001", "002", "d0"]
    root = empty_copy(tmp_path, reals, ["000_001", "001_000", "007_008", "d0_x"])
    (root / "splits" / "val.json").unlink()
    (root / "splits" / "test.json").unlink()
    lacks = layout.missing(root, "Deepfakes", "raw").set_index("what")
    assert lacks["count"].tolist() == [3, 3, 1, 1, 2]
    assert lacks.which["real videos without a fake"] == "002"
    assert lacks.which["fakes without their real video"] == "007"
    assert lacks.which["split files missing"] == "test val"


# ---------------------------------------------------------------- masks


def test_a_fake_knows_its_mask_and_a_real_video_those_of_its_fakes(source, root):
    masks = layout.folder(root, "Deepfakes", "masks")
    masks.mkdir(parents=True)
    for name in ("000_003.mp4", "000_870.MP4", "000_003_copy.mp4"):
        (masks / name).touch()
    os.mkfifo(masks / "003_000.mp4")
    known = {}
    for clip in source.clips():
        known[clip.name] = [path.name for path in clip.masks]
    assert known["000_003"] == ["000_003.mp4"]
    assert known["000"] == ["000_003.mp4", "000_870.MP4"]
    assert known["003"] == known["003_000"] == []
    assert len(told(source)) == 2


# ---------------------------------------------------------------- told before the work starts


def test_what_is_left_out_is_told_before_faces_are_looked_for(source, root, reals, capsys):
    (reals / "005.avi").touch()
    for clip in source.clips():
        write_video(clip.path, np.zeros((1, 32, 32, 3), np.uint8), 0)
    with pytest.raises(CompanionError, match="No face"):
        source.faces()
    assert "1 not read, only .mp4 is read: original_sequences" in capsys.readouterr().err
