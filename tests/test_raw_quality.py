"""Where only a compressed copy is at hand, it stands for RAW; and no other run gets a new name."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from commands import at_home
from conftest import P
from made_costs import keep

from tcnsc_lib import CompanionError, cli, experiments, profiles
from tcnsc_lib.cli import table_steps
from tcnsc_lib.experiments import DUAL, EXPERIMENTS, execute, plan
from tcnsc_lib.faces import layout
from tcnsc_lib.profiles import FFPP, FFPP_C23, PROFILES, Profile
from tcnsc_lib.training.schedule import Schedule

COPY = "RAW here is the c23 copy, H.264 at crf 23, so RAW is already compressed."
SAME = "Xception-C23 and Xception-RAW are one and the same training here."


@pytest.fixture
def there(monkeypatch) -> None:
    """Every profile has faces, whose fingerprint is their quality."""
    monkeypatch.setattr(
        execute, "faces", lambda p, quality=None: SimpleNamespace(fingerprint=str(quality))
    )
    monkeypatch.setattr(execute, "check", lambda experiments, p: None)


# ---------------------------------------------------------------- which crops, which run

SHORT = Schedule(iterations=240, learning_rate=4e-3, final_lr_share=0.02, precision="float32")
DEMO = Profile(
    "demo", "demo", size=96, frames=6, split="official", width=8, pretrained=False, schedule=SHORT
)
NAMES = [
    (DEMO, DUAL, "RAW-LQ-seed0-23f2d2d065"),
    (DEMO, "Xception-C40", "Xception-C40-seed0-a63b47b5a8"),
    (Profile("ffpp", "ffpp"), "Xception-C23", "Xception-C23-seed0-e3f77a6b2d"),
    (Profile("photos", "photos", size=96), "Xception-C23", "Xception-C23-seed0-f8e6ae5b06"),
]


@pytest.mark.parametrize(("p", "name", "run"), NAMES)
def test_runs_where_raw_is_raw_keep_the_names_that_they_had(monkeypatch, p, name, run):
    faces = SimpleNamespace(fingerprint="0123456789")
    monkeypatch.setattr(execute, "faces", lambda p, quality: faces)
    assert plan(name, p).name() == run


@pytest.mark.usefixtures("there")
def test_all_but_xception_c40_trains_on_c23_crops_and_its_config_says_so():
    for name in EXPERIMENTS:
        made = plan(name, FFPP_C23)
        quality = "c40" if name == "Xception-C40" else "c23"
        assert (made.quality, made.faces.fingerprint) == (quality, quality)
        assert made.config()["quality"] == quality


@pytest.mark.usefixtures("there")
def test_xception_of_c23_is_that_of_raw_and_trained_once(monkeypatch):
    assert plan("Xception-C23", FFPP_C23, 2).name() == plan("Xception-RAW", FFPP_C23, 2).name()
    assert plan("Xception-C23", FFPP).name() != plan("Xception-RAW", FFPP).name()
    trained = []
    monkeypatch.setattr(execute, "train_plans", lambda plans, crops, retrain: trained.append(plans))
    monkeypatch.setattr(execute, "write_cards", lambda plans, p, faces: None)
    both = [("Xception-RAW", None), ("Xception-C23", None)]
    for p in (FFPP_C23, FFPP):
        execute.train_all(both, p)
    assert [len(plans) for plans in trained] == [1, 2]


def test_a_source_of_c23_takes_it_where_no_quality_is_named(tmp_path, monkeypatch):
    at_home(tmp_path, monkeypatch)
    for quality in ("raw", "c23"):
        for method, name in (("original", "000"), ("Deepfakes", "000_003")):
            place = layout.folder(tmp_path / "data/ffpp", method, quality)
            place.mkdir(parents=True)
            (place / f"{name}.mp4").touch()
    for p, quality in ((FFPP_C23, "c23"), (FFPP, "raw")):
        clips = profiles.source(p).clips()
        assert {clip.path.parents[1].name for clip in clips} == {quality}


def test_photographs_have_no_copy_that_could_stand_for_raw():
    with pytest.raises(CompanionError, match="raw_quality can't be 'c23'; choose one of raw"):
        replace(PROFILES["photos"], raw_quality="c23")


# ---------------------------------------------------------------- what is said beside numbers


@pytest.fixture
def printed(toy, monkeypatch, capsys):
    """What `tcnsc table` prints at a profile whose RAW is of that quality."""

    def run(number: str, quality: str) -> str:
        p = replace(P, source="ffpp", raw_quality=quality)
        monkeypatch.setenv("TCNSC_FIGURES", str(toy.folder.parent))
        monkeypatch.setitem(PROFILES, P.name, p)
        monkeypatch.setattr(experiments, "collect", lambda jobs, e: None)
        monkeypatch.setattr(table_steps, "save_costs", keep)
        assert cli.main(["table", number, "--profile", P.name]) == 0
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("number", ["1", "2", "3"])
def test_every_table_says_that_its_raw_is_compressed(printed, toy, number):
    out = printed(number, "c23")
    assert out.count(COPY) == 1
    assert (SAME in out) is (number == "3")
    assert COPY in toy.head(f"table{number}")


def test_a_table_of_raw_says_nothing_of_a_copy(printed, toy):
    out = printed("3", "raw")
    assert "RAW here" not in out + toy.head("table3")
    assert SAME not in out
