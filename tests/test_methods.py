"""Fakes of another method, or of several: never mixed with others, and as many as real crops."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from commands import Central, at_home

from tcnsc_lib import CompanionError, cli, profiles
from tcnsc_lib.asking.judge import _source
from tcnsc_lib.cli import table_steps
from tcnsc_lib.faces import clips, layout
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.video import sample_indices, write_video
from tcnsc_lib.profiles import FFPP, PROFILES
from tcnsc_lib.report import remake

SMALL = replace(FFPP, size=32, frames=4, split="official")
BOTH = "Deepfakes,Face2Face"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    return at_home(tmp_path / "home", monkeypatch)


# ---------------------------------------------------------------- a name and folders of its own


def test_another_method_has_faces_runs_and_figures_of_its_own(home):
    p = profiles.profile("ffpp", "Face2Face")
    assert profiles.faces_folder(p) == home / "data/faces/ffpp-Face2Face"
    assert profiles.runs_folder(p) == home / "runs/ffpp-Face2Face"
    assert profiles.figures_folder(p) == home / "figures/ffpp-Face2Face"
    assert profiles.source_folder(p) == home / "data/ffpp"
    assert replace(p, name="ffpp", method="Deepfakes") == FFPP


def test_the_order_of_methods_is_no_other_choice_and_the_profiles_own_is_no_other_name():
    both = profiles.profile("ffpp", BOTH)
    assert profiles.profile("ffpp", "Face2Face, Deepfakes,Face2Face") == both
    assert both.name == "ffpp-Deepfakes-Face2Face"
    assert profiles.profile("ffpp", "Deepfakes") is FFPP


def test_a_profile_of_methods_is_found_by_its_name():
    for base in ("ffpp", "ffpp-official", "ffpp-c23"):
        for method in ("FaceSwap", BOTH):
            p = profiles.profile(base, method)
            assert profiles.named(p.name) == p
            assert _source(p.name) == "ffpp"
    for name in ("FaceSwap", "ffpp-", "ffpp-Deepfakes", "demo-FaceSwap", "ffpp-FaceSwap-Deepfakes"):
        assert profiles.named(name) is None


def test_the_variable_counts_where_the_profile_isnt_named_in_the_code(monkeypatch):
    monkeypatch.setenv("TCNSC_PROFILE", "ffpp")
    monkeypatch.setenv("TCNSC_METHOD", "NeuralTextures")
    assert profiles.profile().name == "ffpp-NeuralTextures"
    assert profiles.profile("demo").name == "demo"


@pytest.mark.parametrize("said", ["option", "variable"])
def test_every_step_of_a_profile_takes_a_method(monkeypatch, said):
    asked = []
    monkeypatch.setattr(table_steps, "Evidence", asked.append)
    argv = ["table", "1", "--profile", "ffpp"]
    if said == "option":
        argv += ["--method", "FaceSwap"]
    else:
        monkeypatch.setenv("TCNSC_METHOD", "FaceSwap")
    with pytest.raises(AttributeError):  # what stands in for the evidence has none
        cli.main(argv)
    assert [p.name for p in asked] == ["ffpp-FaceSwap"]


def test_evidence_of_other_methods_is_reported_with_the_rest(home):
    for name in ("ffpp-Face2Face", "demo", "somebody's"):
        (home / "figures" / name / "evidence").mkdir(parents=True)
    assert list(remake.committed()) == ["demo", "ffpp-Face2Face"]


STEPS = [("faces",), ("audit",), ("train", "model B"), ("table", "1"), ("study",), ("report",)]


@pytest.mark.parametrize("argv", STEPS, ids=" ".join)
def test_a_method_that_there_isnt_is_one_sentence(refused, argv):
    sentence = refused(*argv, "--profile", "ffpp", "--method", "Deepfakes,Face3Face")
    assert "no method 'Face3Face' in FaceForensics++; choose one of Deepfakes, " in sentence


@pytest.mark.parametrize("profile", ["demo", "photos"])
def test_a_method_of_the_demo_or_of_photographs_is_one_sentence(refused, monkeypatch, profile):
    for argv in STEPS:
        sentence = refused(*argv, "--profile", profile, "--method", "Face2Face")
        assert f"Profile {profile} has no methods to choose from" in sentence
    monkeypatch.setenv("TCNSC_METHOD", "Deepfakes")
    assert "leave out --method and TCNSC_METHOD" in refused("table", "1", "--profile", profile)


def test_two_methods_for_one_name_or_more_than_frames_are_refused(monkeypatch):
    with pytest.raises(CompanionError, match="ffpp-FaceSwap is of FaceSwap, not of Face2Face"):
        profiles.profile("ffpp-FaceSwap", "Face2Face")
    monkeypatch.setitem(PROFILES, "ffpp", replace(FFPP, frames=1))
    with pytest.raises(CompanionError, match="2 methods can't take turns at 1 frames"):
        profiles.profile("ffpp", BOTH)


# ---------------------------------------------------------------- several: turns at the frames


@pytest.mark.parametrize(("total", "count"), [(300, 300), (461, 300), (7, 300), (40, 7)])
def test_turns_share_the_sampled_frames_out(total, count):
    every = sample_indices(total, count)
    turns = [sample_indices(total, count, (i, 3)) for i in range(3)]
    np.testing.assert_array_equal(np.sort(np.concatenate(turns)), every)
    lengths = [len(numbers) for numbers in turns]
    assert max(lengths) - min(lengths) <= 1


def test_a_film_too_short_for_a_turn_gives_its_last_frame():
    assert sample_indices(2, 300, (2, 3)).tolist() == [1]


def film(root: Path, method: str, name: str, grey: int, length: int = 6) -> None:
    """A video of frames of one grey, with a mask where it is a fake."""
    frames = np.full((length, 32, 32, 3), grey, np.uint8)
    write_video(layout.folder(root, method, "raw") / f"{name}.mp4", frames, 0)


@pytest.fixture
def source(home, monkeypatch):
    """A pair of people with the fakes of two methods; each video has a grey of its own.

    Face2Face's are shorter, so that both methods sample frame 3.
    """
    root = home / "data/ffpp"
    for i, name in enumerate(("000", "003")):
        film(root, "original", name, 20 + 40 * i)
    for i, method in enumerate(layout.METHODS[:2]):
        for j, name in enumerate(("000_003", "003_000")):
            film(root, method, name, 120 + 40 * i + 20 * j, length=6 - 2 * i)
    (root / "splits").mkdir()
    for part, members in (("train", [["000", "003"]]), ("val", []), ("test", [])):
        (root / "splits" / f"{part}.json").write_text(json.dumps(members))
    monkeypatch.setattr(clips, "FaceFinder", Central)
    monkeypatch.setitem(PROFILES, "ffpp", SMALL)
    return profiles.source(profiles.profile("ffpp", BOTH))


def test_classes_stay_balanced_and_no_crop_overwrites_another(source):
    crops = source.faces().manifest
    assert crops.groupby("label").size().tolist() == [8, 8]
    assert crops.file.is_unique
    fakes = crops[crops.label == 1]
    assert fakes.groupby("method").frame.apply(lambda frames: sorted({*frames})).to_dict() == {
        "Deepfakes": [0, 3],
        "Face2Face": [1, 3],
    }


def test_each_crop_is_of_its_own_methods_video(source):
    faces = source.faces()
    expected = {
        ("Deepfakes", "000_003"): 120,
        ("Deepfakes", "003_000"): 140,
        ("Face2Face", "000_003"): 160,
        ("Face2Face", "003_000"): 180,
        ("original", "000"): 20,
        ("original", "003"): 60,
    }
    for row in faces.manifest.itertuples():
        assert abs(faces.load(row.file).mean() - expected[row.method, row.video]) < 3


def test_each_fake_video_has_a_real_frame_beside_it_and_a_pair_of_people_is_one_unit(source):
    faces = source.faces()
    pairs = faces.pairs("train", source.same_frame)
    videos = set(product(layout.METHODS[:2], ("000_003", "003_000")))
    assert set(zip(pairs.method, pairs.video, strict=True)) == videos
    assert len(pairs) == len(videos)
    assert set(faces.units("train")) == {"000+003"}


def test_several_methods_are_read_back_without_looking_for_faces(source, monkeypatch):
    before = source.faces()
    monkeypatch.setattr(clips, "FaceFinder", lambda device: pytest.fail("looked for faces again"))
    assert source.faces().fingerprint == before.fingerprint


def test_one_methods_crops_lie_where_they_always_did(source, home):
    p = profiles.profile("ffpp")
    files = profiles.faces(p).manifest.file
    assert all(len(Path(file).parts) == 5 for file in files)
    assert FaceSet(home / "data/faces/ffpp/raw").settings["method"] == "Deepfakes"


def test_a_real_video_takes_the_masks_of_the_first_method_that_has_any(source):
    for method in layout.METHODS[:2]:
        place = layout.folder(source.root, method, "masks")
        place.mkdir(parents=True)
        (place / "003_000.mp4").touch()
    (layout.folder(source.root, "Face2Face", "masks") / "000_003.mp4").touch()
    known = {}
    for clip in source.clips():
        known[clip.method, clip.name] = [path.parts[-4] for path in clip.masks]
    assert known["original", "003"] == known["Deepfakes", "003_000"] == ["Deepfakes"]
    assert known["original", "000"] == known["Face2Face", "000_003"] == ["Face2Face"]
    assert known["Deepfakes", "000_003"] == []
