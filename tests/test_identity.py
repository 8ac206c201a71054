"""A run is named after what determines it: the same on every Python, whatever the code says."""
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toys import TINY, build, fit, planned

from tcnsc_lib import CompanionError, files
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training import folder, loop, run, schedule
from tcnsc_lib.training.identity import RECIPE, run_name, slug
from tcnsc_lib.training.run import Plan, folder_of, train
from tcnsc_lib.training.stored import read_config

SETTINGS = {
    "detector": "TCNSC",
    "arguments": {"input_size": 96, "lam": 1.0, "pretrained": False},
    "views": ["RAW", "random JPEG"],
    "schedule": {"learning_rate": 1e-4, "final_lr_share": 0.95**20, "flip": True},
    "enlarge": 1.3,
}
GOLDEN = "RAW-LQ-seed3-1a314f3e47"


def named(**changes) -> str:
    given = {
        "experiment": "(RAW, LQ)",
        "profile": "demo",
        "seed": 3,
        "settings": SETTINGS,
        "faces": "1f29c9665a",
    }
    return run_name(**(given | changes))


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


# what is in the name


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("(RAW, LQ)", "RAW-LQ"),
        ("model A, linear probe", "model-A-linear-probe"),
        ("DSP-FWA", "DSP-FWA"),
        ("λ = 0.5", "0-5"),
    ],
)
def test_a_name_becomes_a_part_of_a_files_name(name, file):
    assert slug(name) == file


def test_all_that_determines_a_run_is_in_its_name():
    changes = [
        {"experiment": "(RAW, MQ)"},
        {"profile": "photos"},
        {"seed": 4},
        {"settings": SETTINGS | {"enlarge": 1.5}},
        {"settings": SETTINGS | {"weights": "imagenet"}},
        {"faces": "other"},
        {"recipe": RECIPE + 1},
    ]
    names = [named(), *(named(**change) for change in changes)]
    assert len(set(names)) == len(changes) + 1


def test_the_order_of_settings_and_how_a_number_is_written_are_not():
    turned = dict(reversed(SETTINGS.items()))
    assert named(settings=turned) == named()
    whole = SETTINGS["arguments"] | {"lam": 1}
    assert named(settings=SETTINGS | {"arguments": whole}) == named()
    assert named(settings=SETTINGS | {"views": ("RAW", "random JPEG")}) == named()


def test_true_is_not_one():
    flags = SETTINGS["schedule"] | {"flip": 1}
    assert named(settings=SETTINGS | {"schedule": flags}) != named()


@pytest.mark.parametrize("odd", [TCNSC, {1, 2}, Path("x")], ids=["a class", "a set", "a path"])
def test_a_setting_that_is_no_json_is_refused(odd):
    with pytest.raises(CompanionError, match="can't be named after"):
        named(settings={"odd": odd})


@pytest.mark.parametrize(
    "change",
    [
        {"arguments": {"lam": 0.5}},
        {"seed": 1},
        {"views": ("RAW", "MQ")},
        {"views": ("LQ", "RAW")},
        {"experiment": "other"},
        {"profile": "other"},
        {"detector": TCNSC},
        {"enlarge": 1.5},
        {"weights": "imagenet"},
        {"quality": "c23"},
        {"schedule": replace(TINY, flip=False)},
        {"schedule": replace(TINY, iterations=9)},
    ],
    ids=str,
)
def test_a_changed_setting_makes_another_run(faces, tmp_path, change):
    assert folder_of(planned(faces, tmp_path, **change)) != folder_of(planned(faces, tmp_path))


def test_changed_crops_make_another_run(faces, tmp_path):
    ours = planned(faces, tmp_path).name()
    assert planned(build(tmp_path / "same"), tmp_path).name() == ours
    assert planned(build(tmp_path / "other", seed=1), tmp_path).name() != ours


def test_device_and_place_are_not_in_the_name(faces, tmp_path, monkeypatch):
    ours = planned(faces, tmp_path).name()
    monkeypatch.setattr(run, "device", lambda: "cuda")
    assert planned(faces, tmp_path / "elsewhere").name() == ours


# a run that starts from another


def started(faces: FaceSet, root: Path, seed: int = 0) -> Plan:
    """The plan of a second training, from the weights of the first."""
    first = planned(faces, root, experiment="first", seed=seed)
    return planned(faces, root, experiment="second", start=first)


def test_the_weights_of_another_run_are_those_at_step_0(faces, tmp_path):
    plan = started(faces, tmp_path)
    seen = []
    iterate = loop.Trainer.iterate

    def watching(trainer, iteration):
        if iteration == 0:
            state = trainer.detector.state_dict()
            seen.append({name: value.clone() for name, value in state.items()})
        return iterate(trainer, iteration)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Trainer, "iterate", watching)
        second = train(plan)
    first = train(plan.start)  # by now it is there
    before = first.detector.state_dict()
    made = seen[-1]
    assert all(torch.equal(made[name], value) for name, value in before.items())
    untrained = planned(faces, tmp_path).make()
    assert not torch.equal(made["f.conv1.weight"], untrained.f.conv1.weight)
    assert not torch.equal(second.detector.f.conv1.weight, first.detector.f.conv1.weight)
    again = train(plan.start).detector.state_dict()
    assert all(torch.equal(again[name], value) for name, value in before.items())


def test_a_finished_run_needs_no_more_what_it_started_from(faces, tmp_path):
    plan = started(faces, tmp_path)
    made = train(plan).detector.state_dict()
    first = folder_of(plan.start)
    shutil.rmtree(first)
    again = train(plan).detector.state_dict()
    assert all(torch.equal(again[name], value) for name, value in made.items())
    assert not first.exists()


def test_the_run_that_it_starts_from_is_in_the_name_and_in_config_json(faces, tmp_path):
    plan = started(faces, tmp_path)
    alone = planned(faces, tmp_path, experiment="second")
    names = {plan.name(), alone.name(), started(faces, tmp_path, seed=1).name()}
    assert len(names) == 3
    assert "start" not in alone.config()
    made = train(plan)
    assert made.config["start"] == plan.start.name()
    assert json.loads((made.folder / "config.json").read_text())["start"] == plan.start.name()
    assert read_config(made.folder).name() == made.folder.name


def test_a_run_that_starts_from_another_goes_on_after_an_interruption(faces, tmp_path):
    whole = train(started(faces, tmp_path / "whole"))
    cut = started(faces, tmp_path / "cut")
    train(cut.start)
    step = loop.step

    def stopping(*given):
        if given[-1] == 3:
            raise KeyboardInterrupt
        return step(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "step", stopping)
        patch.setattr(loop, "CHECKPOINT_SECONDS", -1)
        with pytest.raises(KeyboardInterrupt):
            train(cut)
    resumed = train(cut).detector.state_dict()
    ours = whole.detector.state_dict()
    assert all(torch.equal(resumed[name], value) for name, value in ours.items())


# the same on every Python

PRINT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from tcnsc_lib.training.identity import run_name
print(run_name(**json.loads(sys.argv[2])))
"""
PYTHONS = ("python3.11", "python3.12", "python3.13")


def interpreter(name: str) -> str | None:
    """One of this name: beside the running one, as version managers keep them, or on PATH."""
    beside = Path(sys.base_prefix).parent.glob(f"*/bin/{name}")
    found = [path for path in sorted(beside) if os.access(path, os.X_OK)]
    return str(found[0]) if found else shutil.which(name)


def test_the_name_is_the_one_that_committed_notes_have():
    assert named() == GOLDEN


@pytest.mark.parametrize("name", PYTHONS)
def test_every_python_gives_the_same_name(name):
    python = interpreter(name)
    if python is None:
        pytest.skip(f"there is no {name} here")
    given = {
        "experiment": "(RAW, LQ)",
        "profile": "demo",
        "seed": 3,
        "settings": SETTINGS,
        "faces": "1f29c9665a",
    }
    command = [python, "-E", "-S", "-c", PRINT, str(files.CHECKOUT), json.dumps(given)]
    said = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert said.stdout.strip() == GOLDEN, said.stderr


# the code that trained it


@pytest.fixture
def told(monkeypatch):
    """Every process tells only once; here each test does."""
    folder.say_once.cache_clear()
    yield
    folder.say_once.cache_clear()


def other_code(monkeypatch) -> None:
    """From now on, the code is another."""
    for module in (run, folder):
        monkeypatch.setattr(module, "code_digest", lambda: "another")


def test_a_run_says_what_made_it(faces, tmp_path):
    made = fit(faces, tmp_path)
    assert made.environment["code"] == files.code_digest()
    assert made.environment["precision"] == "float32"
    assert made.config["recipe"] == RECIPE
    assert made.config["device"] == made.environment["device"] == "cpu"
    assert made.note.startswith(f"run {made.folder.name}: commit {files.commit()}, cpu, torch ")
    assert made.note.endswith(" s")


def test_other_code_is_told_in_one_line_and_nothing_is_refused(
    faces, tmp_path, monkeypatch, capsys, told
):
    first = fit(faces, tmp_path)
    capsys.readouterr()
    fit(faces, tmp_path)
    assert capsys.readouterr().err == ""
    other_code(monkeypatch)
    again = fit(faces, tmp_path)
    assert again.folder == first.folder
    assert again.environment == first.environment
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--retrain" in said
    fit(faces, tmp_path)
    assert capsys.readouterr().err == ""


def test_retraining_is_of_what_other_code_trained_and_of_that_once(
    faces, tmp_path, monkeypatch, told
):
    fit(faces, tmp_path)
    seeds = []
    step = loop.step

    def counted(*given):
        seeds.append(given[-1])
        return step(*given)

    monkeypatch.setattr(loop, "step", counted)
    plan = planned(faces, tmp_path)
    train(plan, retrain=True)
    assert not seeds  # today's code trained it
    other_code(monkeypatch)
    assert train(plan, retrain=True).environment["code"] == "another"
    assert len(seeds) == TINY.iterations
    train(plan, retrain=True)
    assert len(seeds) == TINY.iterations


def test_a_run_that_two_codes_trained_names_both(faces, tmp_path, monkeypatch, capsys, told):
    first = files.code_digest()
    step = loop.step

    def stopping(*given):
        if given[-1] == 3:
            raise KeyboardInterrupt
        return step(*given)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "step", stopping)
        patch.setattr(loop, "CHECKPOINT_SECONDS", -1)
        with pytest.raises(KeyboardInterrupt):
            fit(faces, tmp_path)
    capsys.readouterr()
    other_code(monkeypatch)
    made = fit(faces, tmp_path)
    assert made.environment["code"] == f"{first}+another"
    assert "--retrain" in capsys.readouterr().err


def test_a_gpu_without_bfloat16_trains_in_float32_under_the_same_name(monkeypatch):
    half = replace(TINY, precision="bfloat16")
    assert schedule.on_this_device(half) == half  # a CPU
    monkeypatch.setattr(schedule, "device", lambda: "cuda")
    monkeypatch.setattr(schedule.torch.cuda, "is_bf16_supported", lambda emulated: False)
    assert schedule.on_this_device(half) == replace(half, precision="float32")
    monkeypatch.setattr(schedule.torch.cuda, "is_bf16_supported", lambda emulated: True)
    assert schedule.on_this_device(half) == half
