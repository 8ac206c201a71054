"""The `tcnsc` command: every bad input gets one sentence, what, where and what to do, never a traceback."""

import errno
import json
import os
import signal
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import build
from PIL import Image
from safetensors.torch import save_file
from skimage import data

from tcnsc_lib import CompanionError, cli, experiments, files, paper, profiles
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces import demo, ffpp
from tcnsc_lib.faces.detect import Faces
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.video import write_video

STEPS = ("demo", "faces", "audit", "train", "table", "draw", "readme", "site", "predict", "published", "verify")
SHAPE = {"input_size": 32, "width": 16, "width_z": 8, "lam": 1.0}
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/disk/file")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """An empty home for data/, runs/ and figures/; no source, the default profile."""
    monkeypatch.setenv("TCNSC_HOME", str(tmp_path / "home"))
    for name in ("TCNSC_SOURCE", "TCNSC_PROFILE", "TCNSC_FIGURES"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


@pytest.fixture
def refused(capsys):
    """Run the command; it must end with `status` and one sentence, which comes back."""
    def run(*argv, status: int = 1) -> str:
        capsys.readouterr()
        assert cli.main([str(word) for word in argv]) == status
        lines = re.split(r"[\r\n]+", capsys.readouterr().err)
        [sentence] = [line for line in lines if line.strip() and not re.search(r"\d%\|", line)]  # but bars
        assert sentence.startswith("tcnsc: ") and sentence.endswith(".") and "Traceback" not in sentence
        return sentence
    return run


def names(root: Path, quality: str, reals=("000", "001"), fakes=("000_001", "001_000")) -> Path:
    """A copy of FaceForensics++ with empty files, for what looks at names alone."""
    for method, stems in (("original", reals), ("Deepfakes", fakes)):
        folder = ffpp.folder(root, method, quality)
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


@pytest.mark.parametrize("argv", [[], ["fetch"], ["faces", "--quality", "c99"], ["table", "7"],
                                  ["predict", "a.jpg"], ["published", "FWA", "a.pt"], ["published", "Meso4"]])
def test_wrong_words_end_with_the_usage(argv, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(argv)
    assert end.value.code == 2 and "usage: tcnsc" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["faces"], ["audit"], ["train", "model B"], ["table", "1"]], ids=" ".join)
def test_unknown_profile(refused, monkeypatch, argv):
    assert "'papr'; choose one of demo, photos" in refused(*argv, "--profile", "papr")
    monkeypatch.setenv("TCNSC_PROFILE", "papr")
    assert "'papr'; choose one of demo, photos" in refused(*argv)


@pytest.mark.parametrize("name", ["RAW, LQ", "model C", ""])
def test_unknown_experiment(refused, name):
    assert f"no experiment {name!r}; choose one of (RAW, HQ)" in refused("train", name)


# ---------------------------------------------------------------- sources

@pytest.mark.parametrize("argv", [["faces"], ["audit"], ["train", "(RAW, LQ)"], ["table", "1"]], ids=" ".join)
@pytest.mark.parametrize("profile, what", [("ffpp", "No videos"), ("photos", "photographs")])
def test_missing_source(refused, home, argv, profile, what):
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


@pytest.mark.parametrize("step", ["faces", "audit"])
def test_copy_without_official_splits(refused, tmp_path, monkeypatch, step):
    monkeypatch.setenv("TCNSC_SOURCE", str(names(tmp_path / "copy", "raw")))
    sentence = refused(step, "--profile", "ffpp-official")
    assert "splits/train.json is missing" in sentence and "dataset/splits" in sentence


def test_damaged_split_file(refused, tmp_path, monkeypatch):
    copy = names(tmp_path / "copy", "raw")
    (copy / "splits").mkdir()
    (copy / "splits" / "train.json").write_text('[["000", "001"]')
    monkeypatch.setenv("TCNSC_SOURCE", str(copy))
    assert "train.json is not valid JSON" in refused("faces", "--profile", "ffpp-official")


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
    assert "has photographs, no c40 videos" in refused("faces", "--profile", "photos", "--quality", "c40")
    assert "has photographs, no videos" in refused("audit", "--profile", "photos")


# ---------------------------------------------------------------- steps that work, and are stopped

SMALL = replace(profiles.PROFILES["ffpp"], size=32, frames=2)


@pytest.fixture(scope="module")
def miniature(tmp_path_factory) -> Path:
    """Two reals and a fake at raw and c23, two frames each; the file under c23 is crf 40."""
    root, scale = tmp_path_factory.mktemp("copy"), demo.Scale(length=2)
    reals = {number: demo.frames(number, scale) for number in ("000", "001")}
    fake, _ = demo.forged("000", "001", *reals["000"], scale)
    for quality, crf in (("raw", 0), ("c23", 40)):
        for number, (frames, _) in reals.items():
            write_video(ffpp.folder(root, "original", quality) / f"{number}.mp4", frames, crf)
        write_video(ffpp.folder(root, "Deepfakes", quality) / "000_001.mp4", fake, crf)
    return root


class Central:
    """Stands in for MTCNN, for speed: the face is in the middle of every frame."""

    def __init__(self, device):
        pass

    def __call__(self, frames):
        height, width = frames.shape[1:3]
        box = np.array([width / 4, height / 4, 3 * width / 4, 3 * height / 4])
        return Faces(np.tile(box, (len(frames), 1)), np.ones(len(frames)), np.zeros((len(frames), 5, 2)))


@pytest.fixture
def copy(miniature, monkeypatch) -> Path:
    monkeypatch.setattr(ffpp, "FaceFinder", Central)
    monkeypatch.setitem(profiles.PROFILES, "ffpp", SMALL)
    monkeypatch.setenv("TCNSC_SOURCE", str(miniature))
    return miniature


def fail_after(count: int, function, error: BaseException):
    calls = []

    def call(*args, **options):
        calls.append(args)
        if len(calls) > count:
            raise error
        return function(*args, **options)
    return call


def test_a_time_limit_stops_it_like_ctrl_c(capsys, monkeypatch):
    monkeypatch.setattr(profiles, "clips", lambda p: os.kill(os.getpid(), signal.SIGTERM))
    assert cli.main(["demo"]) == 130
    assert "stopped; the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize("where, name, after", [(files.os, "replace", 0), (files.os, "replace", 3),
                                                (Image.Image, "save", 3)])
def test_full_disk_loses_nothing_finished(refused, capsys, copy, home, monkeypatch, where, name, after):
    with monkeypatch.context() as patch:
        patch.setattr(where, name, fail_after(after, getattr(where, name), FULL))
        sentence = refused("faces", "--profile", "ffpp")
    assert "/disk/file (No space left" in sentence and "make room" in sentence
    assert not list(home.rglob("*.part"))
    assert cli.main(["faces", "--profile", "ffpp"]) == 0
    assert "6 crops of 32 px" in capsys.readouterr().out


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(refused, copy, home, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", fail_after(3, Image.Image.save, KeyboardInterrupt()))
        assert "goes on where it stopped" in refused("faces", "--profile", "ffpp", status=130)
    assert len(list((home / "data/faces/ffpp/raw/pieces").rglob("*.json"))) == 1
    assert cli.main(["faces", "--profile", "ffpp"]) == 0
    assert len(FaceSet(home / "data/faces/ffpp/raw")) == 6


@pytest.mark.parametrize("argv, module, function", [
    (["demo"], profiles, "clips"), (["faces"], profiles, "faces"), (["audit"], profiles, "clips"),
    (["train", "all"], experiments, "train_all"), (["table", "1"], experiments, "train_all")])
def test_ctrl_c_in_every_step(refused, monkeypatch, argv, module, function):
    monkeypatch.setattr(module, function, fail_after(0, None, KeyboardInterrupt()))
    assert "stopped" in refused(*argv, status=130)


def test_other_profile_settings_in_the_same_folder(refused, copy, monkeypatch):
    assert cli.main(["faces", "--profile", "ffpp"]) == 0
    monkeypatch.setitem(profiles.PROFILES, "ffpp", replace(SMALL, enlarge=1.5))
    assert "enlarge: 1.3 there, 1.5 now" in refused("faces", "--profile", "ffpp")


def test_audit_tells_the_true_quality_and_what_is_missing(copy, capsys):
    assert cli.main(["audit", "--profile", "ffpp"]) == 0
    raw, c23 = capsys.readouterr().out.split("\nc23\n")
    assert "{0.0: 3}" in raw and "{40.0: 3}" in c23 and "001" in raw.split("without a fake")[1].split("\n")[0]


def test_unexpected_errors_are_not_hidden(monkeypatch):
    monkeypatch.setattr(profiles, "faces", fail_after(0, None, ZeroDivisionError("a bug")))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        cli.main(["faces"])


def test_all_takes_the_profiles_seeds(refused, monkeypatch):
    monkeypatch.setattr(experiments, "train_all", fail_after(0, None, AssertionError("it trained")))
    assert "--seed is for a single experiment" in refused("train", "all", "--seed", "1")


# ---------------------------------------------------------------- published

class Bright(Detector):
    """Calls bright crops fake; reads no file."""

    def __init__(self):
        super().__init__(32)
        self.scale = torch.nn.Parameter(torch.tensor(50.0))

    def forward(self, x):
        return self.scale * torch.stack([torch.zeros(len(x)), x.mean((1, 2, 3))], 1)


def test_published_weights_on_a_profiles_faces(tmp_path, monkeypatch, capsys):
    faces, asked = build(tmp_path / "faces"), []
    monkeypatch.setattr(profiles, "faces", lambda p: faces)
    monkeypatch.setattr(cli, "load_published", lambda *given: asked.append(given) or Bright())
    assert cli.main(["published", "Meso4", "weights.h5", "--profile", "photos"]) == 0
    head, columns, index, *rows = capsys.readouterr().out.splitlines()
    assert asked == [("Meso4", Path("weights.h5"))]
    assert head == "Meso4, weights weights.h5, faces photos (n = 8)"
    assert [row.split()[:2] for row in rows] == [[codec, "100.0"] for codec in paper.CODECS]
    assert columns.split() == ["accuracy", "low", "high", "auc", "eer"] and index.split() == ["codec"]


def test_published_weights_on_a_picture(picture, monkeypatch, capsys):
    monkeypatch.setattr(cli, "load_published", lambda *given: Bright())
    monkeypatch.setattr(profiles, "faces", fail_after(0, None, AssertionError("no profile was asked for")))
    assert cli.main(["published", "Xception", "weights.pt", "--image", str(picture)]) == 0
    lines = [line.split(" p(fake) = ") for line in capsys.readouterr().out.splitlines()]
    assert [name.strip() for name, _ in lines] == list(paper.CODECS) and all(0 <= float(p) <= 1 for _, p in lines)


@pytest.mark.parametrize("name", ["Meso4", "MesoInception", "Capsule", "Xception"])
def test_published_weights_that_are_not_there(refused, tmp_path, monkeypatch, name):
    monkeypatch.setattr(profiles, "faces", fail_after(0, None, CompanionError("faces were made first.")))
    assert f"There is no file {tmp_path / 'absent.pt'}" in refused("published", name, tmp_path / "absent.pt")
    assert "unknown suffix" in refused("published", name, tmp_path / "weights.txt")


# ---------------------------------------------------------------- predict

@pytest.fixture
def run(tmp_path) -> Path:
    """A finished run of a small untrained detector."""
    folder = tmp_path / "RAW-LQ-seed0-0123456789"
    folder.mkdir()
    torch.manual_seed(0)
    save_file(TCNSC(**SHAPE).state_dict(), folder / "weights.safetensors", metadata={"run": folder.name})
    (folder / "config.json").write_text(json.dumps({"detector": "TCNSC", "arguments": SHAPE, "enlarge": 1.3}))
    (folder / "log.csv").write_text("iteration,total\n1,0.5\n")
    (folder / "environment.json").write_text("{}")
    return folder


@pytest.fixture
def picture(tmp_path) -> Path:
    Image.fromarray(data.astronaut()).save(tmp_path / "face.jpg")
    return tmp_path / "face.jpg"


def test_predict_gives_a_probability_for_each_codec(run, picture, capsys):
    assert cli.main(["predict", str(picture), "--run", str(run)]) == 0
    lines = [line.split(" p(fake) = ") for line in capsys.readouterr().out.splitlines()]
    assert [name.strip() for name, _ in lines] == ["RAW", "HQ", "MQ", "LQ", "WEBP"]
    assert all(0 <= float(p) <= 1 for _, p in lines) and len({p for _, p in lines}) > 1


def test_predict_without_a_run(refused, run, picture, tmp_path):
    assert "holds no run" in refused("predict", picture, "--run", tmp_path / "nowhere")
    (run / "weights.safetensors").unlink()
    assert "no finished run" in refused("predict", picture, "--run", run)


def test_predict_with_a_damaged_or_foreign_run(refused, run, picture, tmp_path):
    shutil.copytree(run, tmp_path / "other")
    assert "belongs to the run RAW-LQ" in refused("predict", picture, "--run", tmp_path / "other")
    whole = (run / "weights.safetensors").read_bytes()
    (run / "weights.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "is damaged" in refused("predict", picture, "--run", run)
    (run / "config.json").write_text("{")
    assert "config.json is not valid JSON" in refused("predict", picture, "--run", run)


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_predict_with_a_truncated_picture(refused, run, picture, share):
    whole = picture.read_bytes()
    picture.write_bytes(whole[: int(share * len(whole))])
    assert f"{picture} can't be read as an image" in refused("predict", picture, "--run", run)


def test_predict_with_no_picture(refused, run, tmp_path):
    (tmp_path / "face.jpg").write_text("<html>404</html>")
    assert "There is no file" in refused("predict", tmp_path / "absent.jpg", "--run", run)
    for path in (tmp_path / "face.jpg", tmp_path):
        assert f"{path} can't be read as an image" in refused("predict", path, "--run", run)


def test_predict_without_a_face(refused, run, tmp_path):
    Image.fromarray(np.full((120, 160, 3), 128, np.uint8)).save(tmp_path / "wall.png")
    assert "No face was found in" in refused("predict", tmp_path / "wall.png", "--run", run)


def test_predict_takes_grey_and_transparent_pictures(run, picture, tmp_path):
    with Image.open(picture) as image:
        image.convert("L").save(tmp_path / "grey.png")
        image.convert("RGBA").save(tmp_path / "clear.png")
    for name in ("grey.png", "clear.png"):
        assert cli.main(["predict", str(tmp_path / name), "--run", str(run)]) == 0
