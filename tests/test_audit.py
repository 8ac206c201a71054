"""`tcnsc audit`: it names what is wrong with a copy of FaceForensics++, and never breaks off."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import at_home, refusal

from tcnsc_lib import cli
from tcnsc_lib.cli import warned
from tcnsc_lib.faces import layout
from tcnsc_lib.faces.video import write_video

REALS = ("000", "003")
FAKES = ("000_003", "003_000")
CRF = {"raw": 0, "c23": 23, "c40": 40}


def film(name: str, length: int = 3) -> np.ndarray:
    """Noise that depends on a video's name, uint8 (T, 32, 48, 3)."""
    seed = int.from_bytes(name.encode(), "big")
    frame = np.random.default_rng(seed).integers(0, 255, (32, 48, 3))
    return np.stack([frame.astype(np.uint8)] * length)


def video(
    root: Path, quality: str, name: str, crf: int, length: int = 3, method: str = "Deepfakes"
) -> Path:
    method = method if "_" in name else "original"
    path = layout.folder(root, method, quality) / f"{name}.mp4"
    write_video(path, film(name, length), crf)
    return path


@pytest.fixture
def copy(tmp_path, monkeypatch) -> Path:
    """A pair at raw and at c23, in the training part; it is the source of the profile ffpp."""
    root = tmp_path / "copy"
    at_home(tmp_path / "home", monkeypatch)
    monkeypatch.setenv("TCNSC_SOURCE", str(root))
    for quality in ("raw", "c23"):
        for name in REALS + FAKES:
            video(root, quality, name, CRF[quality])
    (root / "splits").mkdir()
    for part, pairs in (("train", [["000", "003"]]), ("val", []), ("test", [])):
        (root / "splits" / f"{part}.json").write_text(json.dumps(pairs))
    return root


@pytest.fixture
def audited(capsys, copy):
    """What the audit prints."""

    def run(*more: str) -> str:
        capsys.readouterr()
        assert cli.main(["audit", "--profile", "ffpp-official", *more]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(capsys, copy):
    """The sentence with which the audit ends; what it printed before comes back too."""

    def run() -> tuple[str, str]:
        argv = ["audit", "--profile", "ffpp-official"]
        capsys.readouterr()
        status = cli.main(argv)
        out, err = capsys.readouterr()
        assert status == 1
        [sentence] = [line for line in re.split(r"[\r\n]+", err) if line.strip()]
        return out, sentence

    return run


def warnings(out: str) -> list[str]:
    return [line for line in out.splitlines() if line.startswith("warning: ")]


# ---------------------------------------------------------------- copies


def test_a_good_copy_has_no_warnings(audited):
    out = audited()
    assert "crf found in the streams: 0 in 4" in out
    assert "crf found in the streams: 23 in 4" in out
    assert "no videos at c40" in out
    assert out.endswith("\nwarnings: 0\n")
    assert warnings(out) == []
    assert "nan" not in out.lower()


def test_a_file_of_another_quality_is_named_with_what_to_do(audited, copy):
    path = video(copy, "c23", "003", 40)
    out = audited()
    sentence = f"{path} is filed under c23 and was encoded with crf 40; copy it again."
    assert warnings(out) == [f"warning: {sentence}"]
    assert "23 in 3, 40 in 1" in out
    assert out.endswith("\nwarnings: 1\n")


def test_of_many_such_files_five_are_named_and_a_table_has_all(audited, copy, monkeypatch):
    monkeypatch.setattr(warned, "ALL", 4)
    monkeypatch.setattr(warned, "FIRST", 2)
    for name in REALS + FAKES:
        video(copy, "c23", name, 40)
    out = audited()
    assert len(warnings(out)) == 2
    [path] = re.findall(r"4 such warnings, all of them in (\S+)", out)
    assert Path(path).read_text().count("encoded with crf 40") == 4
    assert out.endswith("\nwarnings: 4\n")


def test_an_unknown_crf_is_counted_and_no_warning(audited, copy, monkeypatch):
    monkeypatch.setattr("tcnsc_lib.faces.copies.audit_crf", lambda path: None)
    out = audited()
    assert "crf found in the streams: unknown in 4" in out
    assert out.endswith("\nwarnings: 0\n")


def test_copies_of_another_length_than_raw_are_named(audited, copy):
    path = video(copy, "c23", "000", 23, length=2)
    out = audited()
    assert "videos of another size, rate or length than at raw: 1" in out
    [warning] = warnings(out)
    assert f"{path} has 2 frames of 48x32 pixels at 25 a second, its raw copy 3 frames" in warning


def test_a_fake_that_is_a_copy_of_a_real_video_is_named(audited, copy):
    real = layout.folder(copy, "original", "c23") / "003.mp4"
    fake = layout.folder(copy, "Deepfakes", "c23") / "000_003.mp4"
    fake.write_bytes(real.read_bytes())
    assert warnings(audited()) == [f"warning: {fake} holds the same as {real}; copy both again."]


@pytest.mark.parametrize("content", [b"", b"a text, not a film", None])
def test_what_is_no_video_is_named_and_the_rest_goes_on(audited, copy, content):
    path = layout.folder(copy, "original", "c23") / "000.mp4"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3] if content is None else content)
    out = audited()
    assert "23 in 3" in out
    [warning] = warnings(out)
    assert warning.startswith(f"warning: {path} doesn't decode")


def test_what_is_left_out_is_told_by_reason(audited, copy):
    place = layout.folder(copy, "original", "raw")
    for name in ("0.mp4", "d0.mp4", "005.avi"):
        (place / name).touch()
    os.mkfifo(place / "005.mp4")
    out = audited()
    told = [line.split(": ")[1] for line in warnings(out)]
    assert told == [
        f"2 not read, {layout.REAL_IS_NAMED}",
        "1 not read, it is a pipe or a device, not a file",
        "1 not read, only .mp4 is read",
    ]
    assert out.endswith("\nwarnings: 4\n")


def test_a_quality_without_fakes_is_told_and_the_others_are_audited(audited, copy):
    for name in FAKES:
        (layout.folder(copy, "Deepfakes", "raw") / f"{name}.mp4").unlink()
    out = audited()
    place = layout.folder(copy, "Deepfakes", "raw")
    assert f"warning: No videos (*.mp4) in {place}" in out
    assert "Deepfakes videos      0" in out
    assert "test videos that are in training, too" in out


def test_without_raw_the_other_qualities_are_compared_with_the_best_there_is(audited, copy):
    for path in copy.rglob("raw"):
        shutil.rmtree(path)
    for name in REALS + FAKES:
        video(copy, "c40", name, 40)
    path = video(copy, "c40", "000_003", 40, length=2)
    out = audited()
    assert "videos of another size, rate or length than at c23: 1" in out
    [warning] = warnings(out)
    assert f"{path} has 2 frames" in warning and "its c23 copy 3 frames" in warning


# ---------------------------------------------------------------- parts and tables


def counted(out: str, quality: str) -> list[list[str]]:
    """The table of the parts below a quality: rows of part, real and fake."""
    below = out.split(f"\n{quality}\n")[1].split("videos of each part\n")[1]
    return [line.split() for line in below.splitlines()[1:5]]


def test_real_and_fake_videos_of_each_part_are_counted_with_their_sums(audited, copy):
    (copy / "splits" / "test.json").write_text('[["007", "008"]]')
    video(copy, "raw", "007", 0)
    out = audited()
    assert counted(out, "raw") == [
        ["train", "2", "2"],
        ["val", "0", "0"],
        ["test", "1", "0"],
        ["all", "3", "2"],
    ]
    assert counted(out, "c23")[3] == ["all", "2", "2"]


def test_videos_that_no_part_claims_are_counted_apart_and_all_named_in_a_table(audited, copy):
    for number in range(500, 505):
        video(copy, "c23", f"{number}", 23)
    out = audited()
    assert counted(out, "c23")[3] == ["all", "2", "2"]
    [told] = warnings(out)
    assert told.startswith("warning: 5 not read, no part of the split names it: ")
    [path] = re.findall(r"all of them in (\S+not-read-c23.csv)", out)
    assert Path(path).read_text().count("no part of the split names it") == 5


def test_what_each_table_lacks_is_told(audited, copy):
    parts = {"train": ("000", "003"), "val": ("010", "011"), "test": ("020", "021")}
    for part, pair in parts.items():
        (copy / "splits" / f"{part}.json").write_text(json.dumps([pair]))
        for quality in ("raw", "c23"):
            for name in (*pair, "_".join(pair)):
                video(copy, quality, name, CRF[quality])
    out = audited()
    told = [line for line in out.splitlines() if line.startswith("Table ")]
    assert told[:2] == ["Table 1: nothing is lacking.", "Table 2: nothing is lacking."]
    place = layout.folder(copy, "original", "c40")
    [third] = told[2:]
    assert third.startswith(f"Table 3: Xception-C40 can't be trained: no videos (*.mp4) in {place}")
    video(copy, "raw", "020_021", 0).unlink()
    assert audited().count("the test part has no fakes among its raw videos") == 3


def test_several_methods_are_audited_each_with_its_own_fakes(audited, copy):
    for name in FAKES:
        video(copy, "raw", name, 0, length=4, method="FaceSwap")
        path = video(copy, "c23", name, 40, method="FaceSwap")
    out = audited("--method", "FaceSwap,Deepfakes")
    assert counted(out, "raw")[3] == ["all", "2", "4"]
    assert len([line for line in warnings(out) if "its raw copy 4 frames" in line]) == 2
    assert f"{path} is filed under c23 and was encoded with crf 40" in out
    assert "FaceSwap" not in audited()


# ---------------------------------------------------------------- who is in two parts


def test_without_a_list_of_people_it_says_that_it_counts_videos(audited):
    out = audited()
    assert "counted: videos" in out
    assert "about 885 people in its 1000 videos" in out


def test_with_a_list_of_people_it_counts_people(audited, copy):
    (copy / "splits" / "train.json").write_text('[["000", "870"]]')
    (copy / "splits" / "test.json").write_text('[["003", "001"]]')
    hidden = audited()
    (copy / "splits" / "people.json").write_text('[["000", "003"]]')
    out = audited()
    assert re.search(r"test videos that are in training, too +0 +1", hidden)
    assert "counted: people, of whom splits/people.json names 1 with 2 videos" in out
    assert re.search(r"test people whose own video is in training +1 +1", out)


# ---------------------------------------------------------------- refused, after all else was told


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("test", '[["000"', "test.json is damaged"),
        ("test", '[["003", "001"]]', "test.json has the video 003 as train.json has"),
        ("people", '[["000", 3]]', "people.json is damaged"),
    ],
)
def test_a_broken_split_is_told_last(refused, copy, name, text, what):
    (copy / "splits" / f"{name}.json").write_text(text)
    out, sentence = refused()
    assert what in sentence
    assert "crf found in the streams: 23 in 4" in out
    assert out.endswith("\nwarnings: 0\n")


def test_without_official_splits_the_rest_is_told(refused, copy):
    for path in (copy / "splits").iterdir():
        path.unlink()
    out, sentence = refused()
    assert "splits/train.json is not there; copy the three files of dataset/splits" in sentence
    assert re.search("split files missing +3 +test train val", out)


def test_own_clips_with_other_names_get_one_sentence(refused, copy):
    for path in sorted(copy.rglob("*.mp4")):
        path.rename(path.with_name(f"d{path.name}"))
    sentence = refused()[1]
    assert layout.REAL_IS_NAMED in sentence
    assert layout.FAKE_IS_NAMED in sentence


@pytest.mark.parametrize("profile", ["ffpp", "photos"])
def test_without_any_video_it_is_one_sentence(tmp_path, monkeypatch, capsys, profile):
    at_home(tmp_path, monkeypatch)
    sentence = refusal(capsys, ("audit", "--profile", profile), 1)
    assert "No videos" in sentence if profile == "ffpp" else "holds no videos" in sentence
