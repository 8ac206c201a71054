"""`tcnsc published`: what detectors with their authors' weights say of faces."""
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import at_home, fail_after
from PIL import Image
from skimage import data
from toys import build

from tcnsc_lib import CompanionError, cli, paper, profiles
from tcnsc_lib.cli import published_steps
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.mesonet import Meso4


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    return at_home(tmp_path / "home", monkeypatch)


@pytest.fixture
def picture(tmp_path) -> Path:
    Image.fromarray(data.astronaut()).save(tmp_path / "face.jpg")
    return tmp_path / "face.jpg"


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

    monkeypatch.setattr(published_steps, "load_published", load)
    assert cli.main(["published", "Meso4", "weights.h5", "--profile", "photos"]) == 0
    head, columns, index, *rows = capsys.readouterr().out.splitlines()
    assert asked == [("Meso4", Path("weights.h5"))]
    assert head == "Meso4, weights weights.h5, faces photos (n = 8)"
    assert [row.split()[:2] for row in rows] == [[codec, "100.0"] for codec in paper.CODECS]
    assert columns.split() == ["accuracy", "low", "high", "auc", "eer"]
    assert index.split() == ["codec"]


def test_published_weights_on_a_picture(picture, monkeypatch, capsys):
    monkeypatch.setattr(published_steps, "load_published", lambda *given: Bright())
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
    monkeypatch.setattr(published_steps, "load_published", lambda *given: model)
    sought = AssertionError("a face was sought")
    monkeypatch.setattr(published_steps, "FaceFinder", fail_after(0, None, sought))
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


def test_no_number_is_no_answer(refused, picture, monkeypatch):
    bright = Bright()
    bright.factor.data.fill_(float("nan"))
    monkeypatch.setattr(published_steps, "load_published", lambda *given: bright)
    assert "gives no finite number" in refused("published", "Xception", "weights.pt", "--image",
                                               picture)
