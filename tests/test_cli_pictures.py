"""`tcnsc published` and `tcnsc predict`: a detector's word on faces, and what it can't read."""
import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import at_home, fail_after
from PIL import Image
from safetensors.torch import save_file
from skimage import data
from toys import build

from tcnsc_lib import CompanionError, cli, paper, profiles
from tcnsc_lib.cli import picture_steps
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.mesonet import Meso4
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.training.identity import RECIPE, run_name
from tcnsc_lib.training.loop import Schedule

SHAPE = {"input_size": 32, "width": 16, "width_z": 8, "lam": 1.0}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    return at_home(tmp_path / "home", monkeypatch)


# ---------------------------------------------------------------- published

def said(capsys) -> tuple[dict[str, str], dict[str, float]]:
    """What the command printed: the lines about run and picture, and p(fake) at each codec."""
    lines = capsys.readouterr().out.splitlines()
    told = dict(line.split(": ", 1) for line in lines if ": " in line)
    numbers = [line.split(" p(fake) = ") for line in lines if " p(fake) = " in line]
    return told, {name.strip(): float(p) for name, p in numbers}


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

    def load(*given) -> Detector:
        asked.append(given)
        return bright

    monkeypatch.setattr(picture_steps, "load_published", load)
    assert cli.main(["published", "Meso4", "weights.h5", "--profile", "photos"]) == 0
    head, columns, index, *rows = capsys.readouterr().out.splitlines()
    assert asked == [("Meso4", Path("weights.h5"))]
    assert head == "Meso4, weights weights.h5, faces photos (n = 8)"
    assert [row.split()[:2] for row in rows] == [[codec, "100.0"] for codec in paper.CODECS]
    assert columns.split() == ["accuracy", "low", "high", "auc", "eer"]
    assert index.split() == ["codec"]


def test_published_weights_on_a_picture(picture, monkeypatch, capsys):
    monkeypatch.setattr(picture_steps, "load_published", lambda *given: Bright())
    no_profile = AssertionError("no profile was asked for")
    monkeypatch.setattr(profiles, "faces", fail_after(0, None, no_profile))
    assert cli.main(["published", "Xception", "weights.pt", "--image", str(picture)]) == 0
    told, found = said(capsys)
    assert list(found) == list(paper.CODECS) and all(0 <= p <= 1 for p in found.values())
    assert told["detector"] == "Xception with the weights weights.pt"
    assert "Lanczos, which isn't the authors'; --whole feeds" in told["protocol"]
    assert told["face"].startswith("the only one found, at x ")


def test_the_whole_picture_is_fed_as_its_authors_do(picture, monkeypatch, capsys):
    model = Meso4().eval()
    monkeypatch.setattr(picture_steps, "load_published", lambda *given: model)
    monkeypatch.setattr(picture_steps, "FaceFinder", fail_after(0, None, AssertionError("sought")))
    command = ["published", "Meso4", "weights.h5", "--image", str(picture), "--whole"]
    assert cli.main(command) == 0
    told, found = said(capsys)
    with Image.open(picture) as image:
        nearest = np.asarray(image.convert("RGB").resize((256, 256), Image.Resampling.NEAREST))
    with torch.no_grad():
        logits = model(torch.from_numpy(nearest.copy())[None].permute(0, 3, 1, 2) / 255)
    assert found["RAW"] == pytest.approx(logits.softmax(1)[0, 1].item(), abs=6e-4)
    assert "256 x 256 px by the nearest pixel, as its authors feed" in told["protocol"]
    assert "face" not in told


def test_whole_needs_a_picture(refused):
    assert "name it with --image" in refused("published", "Meso4", "weights.h5", "--whole")


@pytest.mark.parametrize("name", ["Meso4", "MesoInception", "Capsule", "Xception"])
def test_published_weights_that_are_not_there(refused, tmp_path, monkeypatch, name):
    made_first = CompanionError("faces were made first.")
    monkeypatch.setattr(profiles, "faces", fail_after(0, None, made_first))
    absent = tmp_path / "absent.pt"
    assert f"There is no file {absent}" in refused("published", name, absent)
    assert "unknown suffix" in refused("published", name, tmp_path / "weights.txt")


# ---------------------------------------------------------------- predict

SETTINGS = {
    "detector": "TCNSC", "arguments": SHAPE, "views": ["RAW", "LQ"],
    "schedule": asdict(Schedule(iterations=1)), "enlarge": 1.3, "quality": "raw"}
ENVIRONMENT = {"commit": "0123456", "device": "cpu", "torch": "2.11.0", "seconds": 1.0}
LOG = "iteration,lr,total,val_accuracy,val_auc\n1,0.001,0.5,50.0,50.0\n"


def finished(root: Path, profile: str = "demo", settings: dict | None = None) -> Path:
    """A finished run of a small untrained detector."""
    settings = settings or SETTINGS
    name = run_name("(RAW, LQ)", profile, 0, settings, "0123456789")
    folder = root / name
    folder.mkdir()
    torch.manual_seed(0)
    weights = TCNSC(**SHAPE).state_dict()
    save_file(weights, folder / "weights.safetensors", metadata={"run": folder.name})
    config = {"experiment": "(RAW, LQ)", "profile": profile, "seed": 0, **settings,
              "faces": "0123456789", "recipe": RECIPE, "device": "cpu"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "log.csv").write_text(LOG)
    (folder / "environment.json").write_text(json.dumps(ENVIRONMENT))
    return folder


@pytest.fixture
def run(tmp_path) -> Path:
    return finished(tmp_path)


@pytest.fixture
def picture(tmp_path) -> Path:
    Image.fromarray(data.astronaut()).save(tmp_path / "face.jpg")
    return tmp_path / "face.jpg"


def test_predict_gives_a_probability_for_each_codec(run, picture, capsys):
    assert cli.main(["predict", str(picture), "--run", str(run)]) == 0
    found = said(capsys)[1]
    assert list(found) == ["RAW", "HQ", "MQ", "LQ", "WEBP"]
    assert all(0 <= p <= 1 for p in found.values()) and len(set(found.values())) > 1


PROFILES = [
    ("demo", "on rendered faces (profile demo)", "on photographs its p(fake) means nothing"),
    ("photos", "on photographs with swaps made here", "is no chance that a picture is forged"),
    ("own", "on faces that aren't known here", "nothing is known here of its faces")]


@pytest.mark.parametrize(("profile", "trained", "limit"), PROFILES)
def test_predict_says_run_training_and_limits(tmp_path, picture, capsys, profile, trained, limit):
    run = finished(tmp_path, profile)
    assert cli.main(["predict", str(picture), "--run", str(run)]) == 0
    told = said(capsys)[0]
    assert told["run"] == str(run)
    assert told["detector"].startswith(f"TCNSC, trained as (RAW, LQ) {trained}")
    assert limit in told["limits"]
    assert told["picture"] == f"{picture}, 512 x 512 px as displayed"
    edges = [int(word.strip(",")) for word in told["face"].split() if word.strip(",").isdigit()]
    assert edges == pytest.approx([176, 270, 61, 180], abs=12)
    assert told["face"].startswith("the only one found")


def test_predict_says_which_of_several_faces_it_judged(run, tmp_path, capsys):
    face = data.astronaut()[:280, 110:330]
    small = np.full_like(face, 128)
    small[70:210, 55:165] = face[::2, ::2]
    Image.fromarray(np.hstack([small, face, small])).save(tmp_path / "three.png")
    assert cli.main(["predict", str(tmp_path / "three.png"), "--run", str(run)]) == 0
    where = said(capsys)[0]["face"]
    assert where.startswith("the largest and central of 3, at x ")
    assert where.endswith("cut the picture to judge another")
    left = int(where.split(" at x ")[1].split()[0])
    assert 220 < left < 440


def test_predict_shows_a_picture_turned_as_its_camera_says(run, picture, tmp_path, capsys):
    sideways = Image.open(picture).crop((0, 0, 512, 300)).transpose(Image.Transpose.ROTATE_90)
    tags = Image.Exif()
    tags[0x0112] = 6
    sideways.save(tmp_path / "phone.png", exif=tags)
    assert cli.main(["predict", str(tmp_path / "phone.png"), "--run", str(run)]) == 0
    assert "512 x 300 px as displayed" in said(capsys)[0]["picture"]


def test_no_number_is_no_answer(refused, run, picture, monkeypatch):
    def nowhere(detector, crops):
        return np.full(len(crops), np.nan)

    monkeypatch.setattr(picture_steps, "probabilities", nowhere)
    assert "gives no number for this picture" in refused("predict", picture, "--run", run)


def test_predict_without_a_run(refused, run, picture, tmp_path):
    assert "holds no run" in refused("predict", picture, "--run", tmp_path / "nowhere")
    (run / "weights.safetensors").unlink()
    assert "no finished run" in refused("predict", picture, "--run", run)


def test_predict_with_a_damaged_or_foreign_run(refused, run, picture, tmp_path):
    shutil.copytree(run, tmp_path / "other")
    assert "to the run RAW-LQ" in refused("predict", picture, "--run", tmp_path / "other")
    whole = (run / "weights.safetensors").read_bytes()
    (run / "weights.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "is damaged" in refused("predict", picture, "--run", run)
    for text in ("{", "null", "[]", "7", '{"detector": 3}'):
        (run / "config.json").write_text(text)
        assert "config.json is damaged" in refused("predict", picture, "--run", run)


FOREIGN = [
    (SETTINGS | {"detector": "Meso5"}, "names a detector 'Meso5'"),
    (SETTINGS | {"arguments": {"depth": 3}}, "holds arguments that a TCNSC can't have")]


@pytest.mark.parametrize(("settings", "words"), FOREIGN)
def test_predict_with_a_config_of_something_else(refused, tmp_path, picture, settings, words):
    run = finished(tmp_path, settings=settings)
    assert words in refused("predict", picture, "--run", run)


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_predict_with_a_truncated_picture(refused, run, picture, share):
    whole = picture.read_bytes()
    picture.write_bytes(whole[: int(share * len(whole))])
    assert f"{picture} can't be read as an image" in refused("predict", picture, "--run", run)


def test_predict_with_no_picture(refused, run, tmp_path):
    (tmp_path / "face.jpg").write_text("<html>404</html>")
    assert "There is no file" in refused("predict", tmp_path / "absent.jpg", "--run", run)
    page = tmp_path / "face.jpg"
    assert f"{page} can't be read as an image" in refused("predict", page, "--run", run)
    assert f"{tmp_path} is a folder, not a file" in refused("predict", tmp_path, "--run", run)


def test_predict_without_a_face(refused, run, tmp_path):
    Image.fromarray(np.full((120, 160, 3), 128, np.uint8)).save(tmp_path / "wall.png")
    assert "No face was found in" in refused("predict", tmp_path / "wall.png", "--run", run)


def test_predict_takes_grey_and_transparent_pictures(run, picture, tmp_path):
    with Image.open(picture) as image:
        image.convert("L").save(tmp_path / "grey.png")
        image.convert("RGBA").save(tmp_path / "clear.png")
    for name in ("grey.png", "clear.png"):
        assert cli.main(["predict", str(tmp_path / name), "--run", str(run)]) == 0
