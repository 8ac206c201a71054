"""The `tcnsc` command: every bad input gets one sentence, what, where and what to do."""
import errno
import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from commands import Central, at_home, fail_after
from PIL import Image

from tcnsc_lib import cli, experiments, files, profiles
from tcnsc_lib.faces import clips, layout
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.video import write_video
from tcnsc_lib.synthetic import demo

STEPS = ("demo", "faces", "audit", "plan", "train", "table", "study", "report", "predict",
         "published", "verify", "rehearse")
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/disk/file")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """An empty home for data/, runs/ and figures/; no source, the default profile."""
    return at_home(tmp_path / "home", monkeypatch)


def names(root: Path, quality: str, reals=("000", "001"), fakes=("000_001", "001_000")) -> Path:
    """A copy of FaceForensics++ with empty files, for what looks at names alone."""
    for method, stems in (("original", reals), ("Deepfakes", fakes)):
        folder = layout.folder(root, method, quality)
        folder.mkdir(parents=True)
        for stem in stems:
            (folder / f"{stem}.mp4").touch()
    return root


# ---------------------------------------------------------------- words

def test_help_names_every_step(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["--help"])
    text = capsys.readouterr().out
    assert end.value.code == 0
    for step in STEPS:
        assert re.search(rf"^    {step}\s", text, re.MULTILINE), step
    assert all(name in text for name in profiles.PROFILES)


@pytest.mark.parametrize("argv", [
    [], ["fetch"], ["faces", "--quality", "c99"], ["table", "7"], ["table", "choices"],
    ["predict", "a.jpg"],
    ["published", "FWA", "a.pt"], ["published", "Meso4"]])
def test_wrong_words_end_with_the_usage(argv, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(argv)
    assert end.value.code == 2 and "usage: tcnsc" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["faces"], ["audit"], ["train", "model B"], ["table", "1"],
                                  ["study"], ["report"]], ids=" ".join)
def test_unknown_profile(refused, monkeypatch, argv):
    assert "'papr'; choose one of demo, photos" in refused(*argv, "--profile", "papr")
    if argv != ["report"]:  # which takes all that have evidence
        monkeypatch.setenv("TCNSC_PROFILE", "papr")
        assert "'papr'; choose one of demo, photos" in refused(*argv)


@pytest.mark.parametrize("name", ["RAW, LQ", "model C", ""])
def test_unknown_experiment(refused, name):
    assert f"no experiment {name!r}; choose one of (RAW, HQ)" in refused("train", name)


@pytest.mark.parametrize("row", ["dual", "model C", ""])
def test_unknown_row_of_the_study(refused, monkeypatch, home, row):
    collect = fail_after(0, None, AssertionError("it trained"))
    monkeypatch.setattr(experiments, "collect_study", collect)
    sentence = refused("study", "model B", row)
    assert f"The study has no row {row!r}; choose some of model B, " in sentence
    assert "similarity on h" in sentence
    assert not (home / "runs").exists()


# ---------------------------------------------------------------- sources

@pytest.mark.parametrize("argv", [["faces"], ["train", "(RAW, LQ)"], ["table", "1"], ["audit"]],
                         ids=" ".join)
@pytest.mark.parametrize("profile, what", [("ffpp", "No videos"), ("photos", "photographs")])
def test_missing_source(refused, home, argv, profile, what):
    if argv == ["audit"] and profile == "photos":
        what = "holds no videos"
    assert what in refused(*argv, "--profile", profile)
    assert not (home / "runs").exists()


def test_missing_source_names_the_folder_asked_for(refused, tmp_path, monkeypatch):
    monkeypatch.setenv("TCNSC_SOURCE", str(tmp_path / "elsewhere"))
    assert str(tmp_path / "elsewhere") in refused("faces", "--profile", "ffpp")
    assert str(tmp_path / "elsewhere") in refused("faces", "--profile", "photos")


def test_copy_with_another_quality_only(refused, tmp_path, monkeypatch):
    monkeypatch.setenv("TCNSC_SOURCE", str(names(tmp_path / "copy", "c23")))
    sentence = refused("faces", "--profile", "ffpp", "--quality", "raw")
    assert "copy/original_sequences/youtube/raw/videos" in sentence


def test_copy_without_the_fakes(refused, tmp_path, monkeypatch):
    monkeypatch.setenv("TCNSC_SOURCE", str(names(tmp_path / "copy", "raw", fakes=())))
    assert "manipulated_sequences/Deepfakes/raw/videos" in refused("faces", "--profile", "ffpp")


def test_copy_without_official_splits(refused, tmp_path, monkeypatch):
    monkeypatch.setenv("TCNSC_SOURCE", str(names(tmp_path / "copy", "raw")))
    sentence = refused("faces", "--profile", "ffpp-official")
    assert "splits/train.json is not there" in sentence and "dataset/splits" in sentence


def test_damaged_split_file(refused, tmp_path, monkeypatch):
    copy = names(tmp_path / "copy", "raw")
    (copy / "splits").mkdir()
    (copy / "splits" / "train.json").write_text('[["000", "001"]')
    monkeypatch.setenv("TCNSC_SOURCE", str(copy))
    assert "train.json is damaged (invalid JSON" in refused("faces", "--profile", "ffpp-official")


def test_no_video_decodes(refused, tmp_path, monkeypatch):
    monkeypatch.setenv("TCNSC_SOURCE", str(names(tmp_path / "copy", "raw")))
    sentence = refused("faces", "--profile", "ffpp")
    assert "No face was found in anything" in sentence and "000.mp4 doesn't decode" in sentence


def test_photographs_without_subfolders(refused, tmp_path, monkeypatch):
    (tmp_path / "album").mkdir()
    Image.new("RGB", (40, 40)).save(tmp_path / "album" / "a.jpg")
    monkeypatch.setenv("TCNSC_SOURCE", str(tmp_path / "album"))
    assert "holds no photographs in subfolders" in refused("faces", "--profile", "photos")


def test_photographs_have_no_video_quality(refused):
    words = refused("faces", "--profile", "photos", "--quality", "c40")
    assert "holds photographs, no c40 videos" in words
    assert "holds no videos" in refused("audit", "--profile", "photos")


# ---------------------------------------------------------------- steps that work, and are stopped

SMALL = replace(profiles.PROFILES["ffpp"], size=32, frames=2)


@pytest.fixture(scope="module")
def miniature(tmp_path_factory) -> Path:
    """Two reals and a fake at raw and c23, two frames each; the file under c23 is crf 40."""
    root = tmp_path_factory.mktemp("copy")
    scale = demo.Scale(length=2)
    reals = {number: demo.frames(number, scale) for number in ("000", "001")}
    fake, _ = demo.forged("000", "001", *reals["000"], scale)
    for quality, crf in (("raw", 0), ("c23", 40)):
        for number, (real, _) in reals.items():
            write_video(layout.folder(root, "original", quality) / f"{number}.mp4", real, crf)
        write_video(layout.folder(root, "Deepfakes", quality) / "000_001.mp4", fake, crf)
    return root


@pytest.fixture
def copy(miniature, monkeypatch) -> Path:
    monkeypatch.setattr(clips, "FaceFinder", Central)
    monkeypatch.setitem(profiles.PROFILES, "ffpp", SMALL)
    monkeypatch.setenv("TCNSC_SOURCE", str(miniature))
    return miniature


def test_a_time_limit_stops_it_like_ctrl_c(capsys, monkeypatch):
    monkeypatch.setattr(profiles, "source", lambda p: os.kill(os.getpid(), signal.SIGTERM))
    assert cli.main(["demo"]) == 130
    assert "stopped; the same command goes on" in capsys.readouterr().err


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize("fault", [
    (files.os, "replace", 0), (files.os, "replace", 3), (Image.Image, "save", 3)])
def test_full_disk_loses_nothing_finished(refused, capsys, home, monkeypatch, fault):
    where, name, after = fault
    with monkeypatch.context() as patch:
        patch.setattr(where, name, fail_after(after, getattr(where, name), FULL))
        sentence = refused("faces", "--profile", "ffpp")
    assert "/disk/file (No space left" in sentence and "make room" in sentence
    assert not list(home.rglob("*.part"))
    assert cli.main(["faces", "--profile", "ffpp"]) == 0
    assert "6 crops of 32 px" in capsys.readouterr().out


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(refused, copy, home, monkeypatch):
    with monkeypatch.context() as patch:
        stopped = fail_after(3, Image.Image.save, KeyboardInterrupt())
        patch.setattr(Image.Image, "save", stopped)
        assert "goes on where it stopped" in refused("faces", "--profile", "ffpp", status=130)
    assert len(list((home / "data/faces/ffpp/raw/pieces").rglob("*.json"))) == 1
    assert cli.main(["faces", "--profile", "ffpp"]) == 0
    assert len(FaceSet(home / "data/faces/ffpp/raw")) == 6


@pytest.mark.parametrize("argv, module, function", [
    (["demo"], profiles, "source"), (["faces"], profiles, "faces"),
    (["audit"], profiles, "source"), (["train", "all"], experiments, "train_all"),
    (["table", "1"], experiments, "collect"), (["study"], experiments, "tell_study")])
def test_ctrl_c_in_every_step(refused, monkeypatch, argv, module, function):
    monkeypatch.setattr(module, function, fail_after(0, None, KeyboardInterrupt()))
    assert "stopped" in refused(*argv, status=130)


def test_other_profile_settings_in_the_same_folder(refused, copy, monkeypatch):
    assert cli.main(["faces", "--profile", "ffpp"]) == 0
    monkeypatch.setitem(profiles.PROFILES, "ffpp", replace(SMALL, enlarge=1.5))
    assert "enlarge: 1.3 there, 1.5 now" in refused("faces", "--profile", "ffpp")


def test_unexpected_errors_are_not_hidden(monkeypatch):
    monkeypatch.setattr(profiles, "faces", fail_after(0, None, ZeroDivisionError("a bug")))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        cli.main(["faces"])


def test_all_takes_the_profiles_seeds(refused, monkeypatch):
    monkeypatch.setattr(experiments, "train_all", fail_after(0, None, AssertionError("it trained")))
    assert "--seed is for a single experiment" in refused("train", "all", "--seed", "1")
