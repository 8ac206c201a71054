"""`tcnsc published` and `tcnsc predict`: a detector's word on faces, and what it can't read."""
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import at_home, fail_after, refusal
from PIL import Image
from safetensors.torch import save_file
from skimage import data
from toys import build

from tcnsc_lib import CompanionError, cli, paper, profiles
from tcnsc_lib.cli import face_steps
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.tcnsc import TCNSC

SHAPE = {"input_size": 32, "width": 16, "width_z": 8, "lam": 1.0}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    return at_home(tmp_path / "home", monkeypatch)


@pytest.fixture
def refused(capsys):
    """Run the command; it must end with one sentence, which comes back."""
    return lambda *argv: refusal(capsys, argv, 1)


# ---------------------------------------------------------------- published

def said(capsys) -> dict[str, float]:
    """p(fake) at each codec, as the command printed it."""
    lines = [line.split(" p(fake) = ") for line in capsys.readouterr().out.splitlines()]
    return {name.strip(): float(p) for name, p in lines}


class Bright(Detector):
    """Calls bright crops fake; reads no file."""

    def __init__(self):
        super().__init__(32)
        self.factor = torch.nn.Parameter(torch.tensor(50.0))

    def forward(self, x):
        return self.factor * torch.stack([torch.zeros(len(x)), x.mean((1, 2, 3))], 1)


def test_published_weights_on_a_profiles_faces(tmp_path, monkeypatch, capsys):
    faces = build(tmp_path / "faces")
    asked = []
    monkeypatch.setattr(profiles, "faces", lambda p: faces)
    bright = Bright()
    monkeypatch.setattr(face_steps, "load_published", lambda *given: asked.append(given) or bright)
    assert cli.main(["published", "Meso4", "weights.h5", "--profile", "photos"]) == 0
    head, columns, index, *rows = capsys.readouterr().out.splitlines()
    assert asked == [("Meso4", Path("weights.h5"))]
    assert head == "Meso4, weights weights.h5, faces photos (n = 8)"
    assert [row.split()[:2] for row in rows] == [[codec, "100.0"] for codec in paper.CODECS]
    assert columns.split() == ["accuracy", "low", "high", "auc", "eer"]
    assert index.split() == ["codec"]


def test_published_weights_on_a_picture(picture, monkeypatch, capsys):
    monkeypatch.setattr(face_steps, "load_published", lambda *given: Bright())
    no_profile = AssertionError("no profile was asked for")
    monkeypatch.setattr(profiles, "faces", fail_after(0, None, no_profile))
    assert cli.main(["published", "Xception", "weights.pt", "--image", str(picture)]) == 0
    found = said(capsys)
    assert list(found) == list(paper.CODECS) and all(0 <= p <= 1 for p in found.values())


@pytest.mark.parametrize("name", ["Meso4", "MesoInception", "Capsule", "Xception"])
def test_published_weights_that_are_not_there(refused, tmp_path, monkeypatch, name):
    made_first = CompanionError("faces were made first.")
    monkeypatch.setattr(profiles, "faces", fail_after(0, None, made_first))
    absent = tmp_path / "absent.pt"
    assert f"There is no file {absent}" in refused("published", name, absent)
    assert "unknown suffix" in refused("published", name, tmp_path / "weights.txt")


# ---------------------------------------------------------------- predict

@pytest.fixture
def run(tmp_path) -> Path:
    """A finished run of a small untrained detector."""
    folder = tmp_path / "RAW-LQ-seed0-0123456789"
    folder.mkdir()
    torch.manual_seed(0)
    weights = TCNSC(**SHAPE).state_dict()
    save_file(weights, folder / "weights.safetensors", metadata={"run": folder.name})
    config = {"detector": "TCNSC", "arguments": SHAPE, "enlarge": 1.3}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "log.csv").write_text("iteration,total\n1,0.5\n")
    (folder / "environment.json").write_text("{}")
    return folder


@pytest.fixture
def picture(tmp_path) -> Path:
    Image.fromarray(data.astronaut()).save(tmp_path / "face.jpg")
    return tmp_path / "face.jpg"


def test_predict_gives_a_probability_for_each_codec(run, picture, capsys):
    assert cli.main(["predict", str(picture), "--run", str(run)]) == 0
    found = said(capsys)
    assert list(found) == ["RAW", "HQ", "MQ", "LQ", "WEBP"]
    assert all(0 <= p <= 1 for p in found.values()) and len(set(found.values())) > 1


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


@pytest.mark.parametrize("config, words", [
    ({"arguments": SHAPE}, "lacks detector, enlarge; it is no run of this library"),
    ({"detector": "Meso5", "arguments": {}, "enlarge": 1.3}, "names a detector 'Meso5'")])
def test_predict_with_a_config_of_something_else(refused, run, picture, config, words):
    (run / "config.json").write_text(json.dumps(config))
    assert words in refused("predict", picture, "--run", run)


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
