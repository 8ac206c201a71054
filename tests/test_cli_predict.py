"""`tcnsc predict`: a run's word on your own pictures and videos, and what it can't read."""

import csv
import json
import os
import re
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import at_home
from PIL import Image
from safetensors.torch import save_file
from skimage import data

from tcnsc_lib import cli, paper
from tcnsc_lib.asking import given
from tcnsc_lib.asking.judge import judge_of
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.video import write_video
from tcnsc_lib.training.identity import RECIPE, run_name
from tcnsc_lib.training.loop import Schedule

SHAPE = {"input_size": 32, "width": 16, "width_z": 8, "lam": 1.0}
SETTINGS = {
    "detector": "TCNSC",
    "arguments": SHAPE,
    "views": ["RAW", "LQ"],
    "schedule": asdict(Schedule(iterations=1)),
    "enlarge": 1.3,
    "quality": "raw",
}
ENVIRONMENT = {"commit": "0123456", "device": "cpu", "torch": "2.11.0", "seconds": 1.0}
LOG = "iteration,lr,total,val_accuracy,val_auc\n1,0.001,0.5,50.0,50.0\n"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    return at_home(tmp_path / "home", monkeypatch)


def finished(root: Path, profile: str = "demo", settings: dict | None = None) -> Path:
    """A finished run of a small untrained detector."""
    settings = settings or SETTINGS
    name = run_name("(RAW, LQ)", profile, 0, settings, "0123456789")
    folder = root / name
    folder.mkdir()
    torch.manual_seed(0)
    weights = TCNSC(**SHAPE).state_dict()
    save_file(weights, folder / "weights.safetensors", metadata={"run": folder.name})
    config = {"experiment": "(RAW, LQ)", "profile": profile, "seed": 0, **settings}
    config |= {"faces": "0123456789", "recipe": RECIPE, "device": "cpu"}
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


def two_faces() -> np.ndarray:
    """A large face, and a smaller one of the same person at the left."""
    face = data.astronaut()[:280, 110:330]
    small = np.full_like(face, 128)
    small[70:210, 55:165] = face[::2, ::2]
    return np.hstack([small, face])


@pytest.fixture
def several(tmp_path, picture) -> Path:
    """A folder: pictures of one and of two faces, a video, a wall, a broken file, a text."""
    place = tmp_path / "mine"
    (place / "deeper").mkdir(parents=True)
    shutil.copy(picture, place / "one.jpg")
    Image.fromarray(two_faces()).save(place / "deeper" / "two.png")
    clip = np.stack([np.roll(data.astronaut()[:280, 110:330], step, 1) for step in range(6)])
    write_video(place / "clip.mp4", clip, 10)
    Image.fromarray(np.full((120, 160, 3), 128, np.uint8)).save(place / "wall.png")
    (place / "broken.jpg").write_text("<html>404</html>")
    (place / "notes.txt").write_text("mine")
    return place


def said(capsys) -> tuple[dict[str, str], list[str]]:
    """What the command printed: the sentences about the run, and the lines about faces."""
    lines = capsys.readouterr().out.splitlines()
    told = dict(line.split(": ", 1) for line in lines if ": " in line and line[0] != " ")
    return told, [line.strip() for line in lines if "p(fake)" in line and line[0] == " "]


def probabilities(line: str) -> dict[str, float]:
    """"face 1 ...: p(fake) RAW 0.1, HQ 0.2" -> {"RAW": 0.1, "HQ": 0.2}."""
    pairs = re.findall(r"([A-Z]+) ([0-9.]+)", line.split("p(fake) ")[1])
    return {name: float(p) for name, p in pairs}


# ---------------------------------------------------------------- one picture


def test_a_face_gets_a_probability_for_each_codec(run, picture, capsys):
    assert cli.main(["predict", str(picture), "--run", str(run)]) == 0
    told, [line] = said(capsys)
    found = probabilities(line)
    assert list(found) == list(paper.CODECS)
    assert all(0 <= p <= 1 for p in found.values()) and len(set(found.values())) > 1
    assert told[str(picture)] == "picture, 512 x 512 px as displayed"
    edges = [int(number) for number in re.findall(r"[0-9]+", line.split(" px")[0])]
    assert edges[2:] == pytest.approx([176, 270, 61, 180], abs=12)
    assert line.startswith("face 1 of 1, at x ")


PROFILES = [
    ("demo", "on rendered faces (profile demo)", "on photographs its p(fake) means nothing"),
    ("photos", "on photographs with swaps made here", "is no chance that a picture is forged"),
    ("own", "on faces that aren't known here", "nothing is known here of its faces"),
]


@pytest.mark.parametrize(("profile", "trained", "limit"), PROFILES)
def test_run_training_and_limits_are_said(tmp_path, picture, capsys, profile, trained, limit):
    run = finished(tmp_path, profile)
    assert cli.main(["predict", str(picture), "--run", str(run)]) == 0
    told = said(capsys)[0]
    assert told["run"] == str(run)
    assert told["detector"].startswith(f"TCNSC, trained as (RAW, LQ) {trained}")
    assert limit in told["limits"]
    assert told["right on its own test part"].startswith("not known")


def test_every_face_of_a_picture_is_judged_the_largest_first(run, tmp_path, capsys):
    Image.fromarray(two_faces()).save(tmp_path / "two.png")
    assert cli.main(["predict", str(tmp_path / "two.png"), "--run", str(run)]) == 0
    lines = said(capsys)[1]
    assert [line.split(",")[0] for line in lines] == ["face 1 of 2", "face 2 of 2"]
    left = [int(line.split(" at x ")[1].split()[0]) for line in lines]
    assert left[0] > 220 > left[1]


def test_a_picture_is_turned_as_its_camera_says(run, picture, tmp_path, capsys):
    sideways = Image.open(picture).crop((0, 0, 512, 300)).transpose(Image.Transpose.ROTATE_90)
    tags = Image.Exif()
    tags[0x0112] = 6
    sideways.save(tmp_path / "phone.png", exif=tags)
    assert cli.main(["predict", str(tmp_path / "phone.png"), "--run", str(run)]) == 0
    assert "512 x 300 px as displayed" in said(capsys)[0][str(tmp_path / "phone.png")]


def test_of_an_animation_the_first_frame_is_taken_and_said(run, tmp_path, capsys):
    first = Image.fromarray(data.astronaut())
    first.save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", first.size)])
    assert cli.main(["predict", str(tmp_path / "a.gif"), "--run", str(run)]) == 0
    assert said(capsys)[0][str(tmp_path / "a.gif")].endswith("the first frame of 2")


def test_grey_and_transparent_pictures(run, picture, tmp_path):
    with Image.open(picture) as image:
        image.convert("L").save(tmp_path / "grey.png")
        image.convert("RGBA").save(tmp_path / "clear.png")
    for name in ("grey.png", "clear.png"):
        assert cli.main(["predict", str(tmp_path / name), "--run", str(run)]) == 0


def test_a_run_of_cut_faces_takes_pictures_whole_and_no_videos(tmp_path, capsys, refused, several):
    run = finished(tmp_path, "pictures-cut")
    wall = np.full((120, 160, 3), 128, np.uint8)
    Image.fromarray(wall).save(tmp_path / "wall.png")
    assert cli.main(["predict", str(tmp_path / "wall.png"), "--run", str(run)]) == 0
    told, [line] = said(capsys)
    assert "taken whole" in told[str(tmp_path / "wall.png")]
    assert "at x 20 to 140, y 0 to 120 px" in line
    assert "give such pictures" in refused("predict", several / "clip.mp4", "--run", run)


def test_a_name_that_is_no_formula_and_no_utf8_loses_nothing(run, picture, tmp_path):
    place = tmp_path / "odd"
    place.mkdir()
    shutil.copy(picture, place / "a$_$.jpg")
    shutil.copy(picture, os.fsencode(place) + b"/caf\xe9.jpg")
    command = ["predict", str(place), "--run", str(run)]
    command += ["--out", str(tmp_path / "o.csv"), "--sheet", str(tmp_path / "o.png")]
    assert cli.main(command) == 0
    assert "caf" in (tmp_path / "o.csv").read_text(encoding="utf-8")


# ---------------------------------------------------------------- videos, folders, files


def test_a_video_has_a_line_a_frame_and_one_for_all_frames_of_a_person(run, several, capsys):
    command = ["predict", str(several / "clip.mp4"), "--run", str(run), "--frames", "3"]
    assert cli.main(command) == 0
    told, lines = said(capsys)
    assert told[str(several / "clip.mp4")] == "video, 220 x 280 px as displayed, 3 of 6 frames"
    *frames, person = lines
    assert [line.split(",")[0] for line in frames] == ["frame 0", "frame 2", "frame 5"]
    assert person.startswith("person 1, by 3 frames together")
    each = np.array([probabilities(line)["RAW"] for line in frames])
    odds = np.log(each / (1 - each))
    assert probabilities(person)["RAW"] == pytest.approx(1 / (1 + np.exp(-np.mean(odds))), abs=2e-3)


def test_a_folder_gives_what_it_can_and_names_what_it_cant(run, several, tmp_path, capsys):
    out = tmp_path / "answers.json"
    assert cli.main(["predict", str(several), "--run", str(run), "--out", str(out)]) == 0
    err = capsys.readouterr().err
    assert "1 files not read, neither pictures nor videos" in err and "notes.txt" in err
    told = json.loads(out.read_text())
    names = [Path(row["file"]).name for row in told["faces"]]
    assert names == ["clip.mp4"] * 6 + ["one.jpg"] + ["two.png"] * 2
    assert [row["frame"] for row in told["faces"]] == [0, 1, 2, 3, 4, 5, None, None, None]
    assert {Path(row["file"]).name for row in told["not judged"]} == {"wall.png", "broken.jpg"}
    assert told["about"]["limits"].endswith("means nothing.")
    [person] = told["people"]
    assert person["frames"] == 6 and person["face"] == 1


def test_a_table_holds_the_same(run, several, tmp_path):
    out = tmp_path / "answers.csv"
    assert cli.main(["predict", str(several), "--run", str(run), "--out", str(out)]) == 0
    lines = out.read_text().splitlines()
    about = [line for line in lines if line.startswith("# ")]
    assert any(line.startswith("# limits: a demo run") for line in about)
    rows = list(csv.DictReader(lines[len(about) :]))
    kinds = [row["row"] for row in rows]
    assert kinds == ["face"] * 9 + ["person"] + ["not judged"] * 2
    assert all(row["reason"] for row in rows[-2:])
    assert [row["face"] for row in rows[:9]] == ["1"] * 7 + ["1", "2"]


def test_a_sheet_shows_all_faces(run, several, tmp_path):
    out = tmp_path / "sheet.png"
    assert cli.main(["predict", str(several), "--run", str(run), "--sheet", str(out)]) == 0
    with Image.open(out) as image:
        assert image.width > 1000 and image.height > 1000


WRONG = [
    ("--out", "answers.txt", "let its name end in .csv or .json"),
    ("--sheet", "sheet.jpg", "let its name end in .png"),
    ("--sheet", "face.png", "There is a file"),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_file_that_cant_be_written_is_refused_first(refused, run, picture, wrong):
    option, name, words = wrong
    mine = picture.with_name("face.png")
    shutil.copy(picture, mine)
    assert words in refused("predict", picture, "--run", run, option, picture.with_name(name))
    assert mine.read_bytes() == picture.read_bytes()


def test_what_was_judged_is_kept_when_the_rest_is_stopped(run, several, tmp_path, monkeypatch):
    look = given.look

    def stopped(path: Path, *rest):
        if path.name == "two.png":
            raise KeyboardInterrupt
        return look(path, *rest)

    monkeypatch.setattr(given, "look", stopped)
    out = tmp_path / "answers.json"
    assert cli.main(["predict", str(several), "--run", str(run), "--out", str(out)]) == 130
    assert len(json.loads(out.read_text())["faces"]) == 7


# ---------------------------------------------------------------- what can't be


def test_no_number_is_no_answer(refused, run, picture):
    weights = TCNSC(**SHAPE).state_dict()
    for weight in weights.values():
        if weight.is_floating_point():
            weight.fill_(float("nan"))
    save_file(weights, run / "weights.safetensors", metadata={"run": run.name})
    assert "finite" in refused("predict", picture, "--run", run)


def test_without_a_run(refused, run, picture, tmp_path):
    assert "holds no run" in refused("predict", picture, "--run", tmp_path / "nowhere")
    (run / "weights.safetensors").unlink()
    assert "no finished run" in refused("predict", picture, "--run", run)


def test_with_a_damaged_or_foreign_run(refused, run, picture, tmp_path):
    shutil.copytree(run, tmp_path / "other")
    assert "to the run RAW-LQ" in refused("predict", picture, "--run", tmp_path / "other")
    whole = (run / "weights.safetensors").read_bytes()
    (run / "weights.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "is damaged" in refused("predict", picture, "--run", run)
    for text in ("{", "null", "[]", "7", '{"detector": 3}'):
        (run / "config.json").write_text(text)
        assert "config.json is damaged" in refused("predict", picture, "--run", run)


def test_with_a_damaged_card(refused, run, picture):
    (run / "card.json").write_text("{}")
    assert "card.json is damaged" in refused("predict", picture, "--run", run)


FOREIGN = [
    (SETTINGS | {"detector": "Meso5"}, "names a detector 'Meso5'"),
    (SETTINGS | {"arguments": {"depth": 3}}, "holds arguments that a TCNSC can't have"),
]


@pytest.mark.parametrize(("settings", "words"), FOREIGN)
def test_with_a_config_of_something_else(refused, tmp_path, picture, settings, words):
    run = finished(tmp_path, settings=settings)
    assert words in refused("predict", picture, "--run", run)


@pytest.mark.parametrize("share", [0, 0.3, 0.9])
def test_with_a_truncated_picture(refused, run, picture, share):
    whole = picture.read_bytes()
    picture.write_bytes(whole[: int(share * len(whole))])
    assert f"{picture} can't be read as an image" in refused("predict", picture, "--run", run)


def test_with_no_picture(refused, run, tmp_path):
    (tmp_path / "face.jpg").write_text("<html>404</html>")
    assert "There is no file" in refused("predict", tmp_path / "absent.jpg", "--run", run)
    page = tmp_path / "face.jpg"
    assert f"{page} can't be read as an image" in refused("predict", page, "--run", run)
    (tmp_path / "nothing").mkdir()
    assert "no picture and no video" in refused("predict", tmp_path / "nothing", "--run", run)


def test_without_a_face(refused, run, tmp_path):
    Image.fromarray(np.full((120, 160, 3), 128, np.uint8)).save(tmp_path / "wall.png")
    assert "No face was found in" in refused("predict", tmp_path / "wall.png", "--run", run)


def test_a_folder_without_any_face_is_a_failure(run, tmp_path):
    (tmp_path / "walls").mkdir()
    for name in ("a.png", "b.png"):
        wall = Image.fromarray(np.full((120, 160, 3), 128, np.uint8))
        wall.save(tmp_path / "walls" / name)
    assert cli.main(["predict", str(tmp_path / "walls"), "--run", str(run)]) == 1


def test_a_number_of_frames_that_cant_be(run, picture, capsys):
    with pytest.raises(SystemExit):
        cli.main(["predict", str(picture), "--run", str(run), "--frames", "0"])
    assert "0 can't be a number of frames" in capsys.readouterr().err


def test_heat_maps_are_those_of_fake(run):
    judge = judge_of(run)
    crop = data.astronaut()[60:180, 160:280][:32, :32]
    [cells] = judge.heat([crop])
    assert cells.ndim == 2 and 0 <= cells.min() <= cells.max() <= 1
