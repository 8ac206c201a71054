"""`tcnsc plan` says what lies ahead: counts are exact, seconds scale, and nothing is kept.

MTCNN and the pace of a training are stood in for where they aren't the question.
"""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import Central, at_home, fail_after
from toys import Tiny, build, planned

from tcnsc_lib import CompanionError, cli, experiments, paper, profiles
from tcnsc_lib.cli.plan_steps import lasting, size
from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.experiments import DUAL, MODEL_B, forecast
from tcnsc_lib.experiments.reading import Reading
from tcnsc_lib.faces import clips, layout, trial
from tcnsc_lib.faces.clips import Video
from tcnsc_lib.faces.follow import SPAN
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.trial import counted, try_videos
from tcnsc_lib.faces.video import EVERY, write_video
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.synthetic import demo
from tcnsc_lib.training import pace as paces
from tcnsc_lib.training.pace import Pace

SMALL = replace(PROFILES["ffpp"], size=32, frames=4, seeds=2)
SCENE = np.random.default_rng(0).integers(0, 256, (6, 12, 3), dtype=np.uint8)
MADE_UP = Pace(step=2.0, crop=0.5, memory=10**6, steps=5, batch=64)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(trial, "FaceFinder", Central)
    return at_home(tmp_path / "home", monkeypatch)


def film(path: Path, length: int = 6) -> Path:
    picture = SCENE.repeat(8, 0).repeat(8, 1)
    write_video(path, np.stack([picture] * length), 0)
    return path


@pytest.fixture
def copy(home, monkeypatch) -> Path:
    """A copy of FaceForensics++: every fourth number at raw, a real video and a fake each."""
    root = home / "data" / "ffpp"
    whole = film(home / "film.mp4").read_bytes()
    for number in range(0, 1000, 50):
        for method, name in (("original", f"{number:03d}"), ("Deepfakes", f"{number:03d}_001")):
            place = layout.folder(root, method, "raw")
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{name}.mp4").write_bytes(whole)
    monkeypatch.setitem(PROFILES, "ffpp", SMALL)
    return root


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


# ---------------------------------------------------------------- faces


def test_frames_are_counted_by_part_turn_and_length(tmp_path):
    """Videos of six frames, four asked for: two methods take turns, so their fakes have half."""
    path = film(tmp_path / "raw" / "videos" / "000.mp4")
    some = [Video(path, "000", "original", "train")]
    turns = [("train", 0, EVERY), ("train", 1, (0, 2)), ("train", 1, (1, 2)), ("val", 0, EVERY)]
    found = try_videos(some, turns, FaceSettings(size=32, frames=4))
    assert found.pictures.loc["train"].tolist() == [4, 4]
    assert found.pictures.loc["val"].tolist() == [4, 0]
    assert found.items.loc["train"].tolist() == [1, 2]
    assert found.share == 1


def test_twice_the_videos_take_twice_the_time(tmp_path, monkeypatch):
    ticks = iter(range(10**6))
    monkeypatch.setattr(trial, "clock", lambda: next(ticks))
    path = film(tmp_path / "raw" / "videos" / "000.mp4")
    some = [Video(path, "000", "original", "train")]
    one = try_videos(some, [("train", 0, EVERY)] * 10, FaceSettings(size=32, frames=4))
    two = try_videos(some, [("train", 0, EVERY)] * 20, FaceSettings(size=32, frames=4))
    assert two.search == pytest.approx(2 * one.search)
    assert two.cut == pytest.approx(2 * one.cut)
    assert one.search > 0


def test_of_a_video_whose_faces_are_followed_a_span_is_searched(tmp_path):
    path = film(tmp_path / "raw" / "videos" / "000.mp4", length=60)
    settings = FaceSettings(size=32, frames=60)
    video = Video(path, "000", "original", "train")
    found = try_videos([video], [("train", 0, EVERY)], settings)
    assert found.measured_on.endswith(f"{SPAN + 1} frames, a face in {SPAN + 1}")


def test_a_mask_is_decoded_too(tmp_path, monkeypatch):
    ticks = iter(range(10**6))
    monkeypatch.setattr(trial, "clock", lambda: next(ticks))
    path = film(tmp_path / "raw" / "videos" / "000.mp4")
    plain = Video(path, "000", "original", "train")
    kinds = [("train", 0, EVERY)]
    settings = FaceSettings(size=32, frames=4)
    without = try_videos([plain], kinds, settings)
    both = try_videos([replace(plain, masks=(path, path))], kinds, settings)
    assert both.search - without.search == pytest.approx(2)  # a tick each
    assert both.cut == pytest.approx(without.cut)


def test_a_video_that_does_not_decode_costs_itself_and_all_of_them_a_sentence(tmp_path):
    good = Video(film(tmp_path / "raw" / "videos" / "000.mp4"), "000", "original", "train")
    bad = replace(good, path=tmp_path / "raw" / "videos" / "001.mp4", name="001")
    bad.path.write_bytes(b"no film")
    kinds = [("train", 0, EVERY)] * 2
    assert try_videos([good, bad], kinds, FaceSettings(size=32)).share == 1
    with pytest.raises(CompanionError, match=r"001.mp4 doesn't decode .*copy it again\.$"):
        try_videos([bad], kinds, FaceSettings(size=32))


def test_where_no_face_is_found_that_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(Central, "all", lambda finder, frames: [()] * len(frames))
    good = Video(film(tmp_path / "raw" / "videos" / "000.mp4"), "000", "original", "train")
    with pytest.raises(CompanionError, match=r"No face was found in 4 frames of original/000.mp4"):
        try_videos([good], [("train", 0, EVERY)], FaceSettings(size=32))


def test_a_demo_that_is_not_rendered_is_planned_from_one_pair(home, tmp_path):
    scale = demo.Scale(train=3, val=1, test=1, length=2)
    source = demo.Demo(home / "data/demo", home / "faces", FaceSettings(size=32, frames=2))
    source.scale = scale
    found = source.trial(tmp_path / "tried")
    assert found.items.to_numpy().tolist() == [[6, 6], [2, 2], [2, 2]]
    assert found.pictures.to_numpy().sum() == 2 * 20
    assert found.first > 0
    assert found.measured_on.startswith("1 of 5 pairs of people rendered; 4 videos opened")
    assert not (home / "data").exists()


# ---------------------------------------------------------------- trainings


def test_a_step_is_measured_on_fewer_crops_where_it_takes_long(toy_faces, tmp_path, monkeypatch):
    plan = planned(toy_faces, tmp_path)
    quick = paces.pace(plan, 32)
    assert (quick.batch, quick.steps > 0) == (plan.schedule.batch_size, True)
    monkeypatch.setattr(paces, "SECONDS", 0)
    slow = paces.pace(plan, 32)
    assert slow.batch == paces.FEW < plan.schedule.batch_size
    assert list(tmp_path.iterdir()) == []


def test_memory_grows_with_the_batch_and_not_with_how_much_of_it_is_tried(toy_faces, tmp_path):
    plan = planned(toy_faces, tmp_path)
    whole = paces._measured(plan, 32, 8, most=1).memory
    half = paces._measured(plan, 32, 4, most=1).memory
    more = paces.pace(replace(plan, schedule=replace(plan.schedule, batch_size=16)), 32).memory
    assert half == pytest.approx(whole, rel=0.2)
    assert more > 1.2 * whole


def test_only_what_changes_a_step_makes_another_kind(toy_faces, tmp_path):
    plan = planned(toy_faces, tmp_path)
    assert paces.kind(plan) == paces.kind(replace(plan, seed=7, views=("HQ", "MQ")))
    others = [
        replace(plan, views=("RAW", "random JPEG")),
        replace(plan, arguments={"width": 8}),
        replace(plan, schedule=replace(plan.schedule, batch_size=4)),
    ]
    assert len({paces.kind(other) for other in (plan, *others)}) == 4
    assert plan.detector is Tiny


def test_a_training_takes_its_steps_its_curve_and_its_predictions(toy_faces, tmp_path):
    """8 steps, a point of the curve after 4 and one at the end, a threshold, 40 crops of Table 1.

    Without arrays, each of these crops is decoded, and compressed for its views.
    """
    plan = planned(toy_faces, tmp_path)
    parts = {"train": 24, "val": 8, "test": 8}
    crops = 2 * 8 + 2 * 8 + 8 + 40
    work = 8 * 2.0 + crops * 0.5
    assert forecast._whole(plan, MADE_UP, parts, None) == work
    reading = Reading(1.0, {"RAW": 0.0, "HQ": 2.0, "MQ": 3.0, "LQ": 5.0, "WEBP": 10.0})
    trained = 8 * plan.schedule.batch_size * (1.0 + sum(map(reading.compress.get, plan.views)))
    predicted = crops * (1.0 + 4.0)
    assert forecast._whole(plan, MADE_UP, parts, reading) == work + trained + predicted


def test_on_a_gpu_threads_read_while_it_works(toy_faces, tmp_path, monkeypatch):
    monkeypatch.setattr(forecast, "device", lambda: "cuda")
    monkeypatch.setattr(forecast, "readers", lambda: 4)
    plan = planned(toy_faces, tmp_path)
    parts = {"train": 24, "val": 8, "test": 8}
    work = forecast._whole(plan, MADE_UP, parts, None)
    free = dict.fromkeys(paper.CODECS, 0.0)
    assert forecast._whole(plan, MADE_UP, parts, Reading(0.0, free)) == work
    read = 8 * plan.schedule.batch_size + 2 * 8 + 2 * 8 + 8 + 40
    assert forecast._whole(plan, MADE_UP, parts, Reading(100.0, free)) == 100 * read / 4


def test_reading_knows_every_view_of_a_training(toy_faces, tmp_path):
    sample = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), np.uint8)
    reading = Reading.of(sample, ["C40", RANDOM_JPEG])
    assert reading.decode > 0
    assert reading.compress["C40"] > reading.compress[RANDOM_JPEG]  # a step makes the JPEG
    plan = planned(toy_faces, tmp_path)
    for second in ("C40", RANDOM_JPEG):
        assert reading.seconds(replace(plan, views=("RAW", second)), 40) > 0


@pytest.fixture
def whole(copy, monkeypatch) -> Path:
    """What `tcnsc plan --profile ffpp` measures of trainings, made up; c23 and c40 are there."""
    for path in list(copy.rglob("raw")):
        for quality in ("c23", "c40"):
            path.with_name(quality).symlink_to(path)
    monkeypatch.setattr(forecast, "pace", lambda plan, size: MADE_UP)
    return copy


def test_each_training_is_counted_once(whole):
    p = profiles.profile("ffpp")
    found = forecast.trainings(p, forecast.TABLES)
    for table, one in found.items():
        assert one.asked == len(set(experiments.jobs(table, p)))
        assert one.done == 0
        assert one.above + len(one.seconds) == len(one.plans)
    shared = [job for job in experiments.jobs("2", p) if job in experiments.jobs("1", p)]
    assert found["2"].above == len(set(shared)) > 0
    every = set().union(*(experiments.jobs(table, p) for table in forecast.TABLES))
    assert sum(len(one.seconds) for one in found.values()) == len(every)


def test_where_c23_stands_for_raw_xception_is_trained_once(whole, monkeypatch):
    monkeypatch.setitem(PROFILES, "ffpp-c23", replace(SMALL, name="ffpp-c23", raw_quality="c23"))
    one = forecast.trainings(profiles.profile("ffpp-c23"), ["3"])["3"]
    assert one.asked - len(one.plans) == SMALL.seeds


def test_a_finished_run_is_not_to_do(home, monkeypatch):
    """Of the demo's name and of these crops; not one of the same name and other crops."""
    p = replace(SMALL, name="toy", source="photos", raw_quality="raw")
    build(profiles.faces_folder(p) / "raw")
    before = forecast.trainings(p, ["1"])["1"]
    names = {one.experiment: name for name, one in before.plans.items() if one.seed == 0}
    folder = profiles.runs_folder(p) / names[DUAL]
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").touch()
    after = forecast.trainings(p, ["1"])["1"]
    assert (before.done, after.done) == (0, 1)
    assert set(before.seconds) - set(after.seconds) == {names[DUAL]}
    assert MODEL_B in names


def test_hours_here_are_those_of_all_cores_and_no_shorter_than_the_longest(monkeypatch):
    monkeypatch.setattr(forecast, "cores", lambda: 4)
    many = forecast.Trainings({}, 8, 0, 0, dict.fromkeys("abcdefgh", 10.0))
    assert (many.at_once, many.here) == (4, 20)
    uneven = forecast.Trainings({}, 2, 0, 0, {"a": 100.0, "b": 1.0})
    assert (uneven.at_once, uneven.here) == (2, 100)
    assert forecast.Trainings({}, 2, 2, 0, {}).here == 0


def test_crops_made_otherwise_are_refused_as_tcnsc_faces_refuses_them(home):
    p = replace(SMALL, name="toy", source="photos", size=64)
    build(profiles.faces_folder(p) / "raw")
    with pytest.raises(CompanionError, match="made otherwise .size: 32 there, 64 now"):
        forecast.made(p, "raw")


# ---------------------------------------------------------------- the command


def test_the_plan_says_it_all_and_leaves_nothing(whole, home, capsys):
    before = files(home)
    assert cli.main(["plan", "--profile", "ffpp"]) == 0
    out = capsys.readouterr().out
    assert files(home) == before
    assert "frames sampled: about 160\n" in out  # 2 x 20 videos of six frames, four of each
    assert "crops of 32 px at raw: about 160\n" in out
    assert "as many again at c23 and c40" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["all", "20", "20"] in rows
    assert ["all", "80", "80"] in rows
    assert "12 videos opened, 3 of them decoded and searched (original/" in out
    assert "12 frames, a face in 12" in out
    assert "their cached arrays: " in out
    assert "on a GPU: not measured here" in out
    tables = [row for row in rows if row[:1] in (["1"], ["2"], ["3"])]
    assert len(tables) == 3


def test_what_table_3_alone_lacks_is_told_and_the_others_are_planned(whole, capsys, monkeypatch):
    monkeypatch.setenv("TCNSC_CACHE", "0")
    for path in list(whole.rglob("c40")):
        path.unlink()
    assert cli.main(["plan", "--profile", "ffpp"]) == 0
    out = capsys.readouterr().out
    assert "Table 3: Xception-C40 can't be trained: no videos" in out
    assert "as many again" not in out
    assert "no cached arrays: they could take 2.5 MB, and 0 bytes are allowed" in out


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (["--profile", "ffpp"], "No videos (*.mp4) in"),
        (["--profile", "photos"], "There is no folder"),
        (["--profile", "ffpp", "--method", "Deepfake"], "There is no method 'Deepfake'"),
        (["--profile", "papr"], "'papr'; choose one of demo, photos"),
    ],
)
def test_what_is_not_there_is_one_sentence(refused, home, argv, sentence):
    assert sentence in refused("plan", *argv)
    assert not home.exists()


def test_a_part_without_fakes_is_told_before_anything_is_measured(refused, copy, monkeypatch):
    monkeypatch.setattr(clips, "FaceFinder", fail_after(0, None, AssertionError("it looked")))
    monkeypatch.setattr(trial, "FaceFinder", fail_after(0, None, AssertionError("it looked")))
    parts = profiles.source(SMALL).promised()
    assert parts["val"] == {0, 1}
    for clip in profiles.source(SMALL).clips():
        if clip.split == "val" and clip.label:
            clip.path.unlink()
    assert "the val part has no fakes among its raw videos" in refused("plan", "--profile", "ffpp")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "nothing"),
        (0.4, "a moment"),
        (90, "about 90 seconds"),
        (130, "about 2.2 minutes"),
        (3 * 3600, "about 3 hours"),
        (40 * 86400 + 5, "about 40 days"),
    ],
)
def test_durations_have_two_digits(seconds, said):
    assert lasting(seconds) == said


def test_sizes_have_two_digits_and_counts_a_row_for_each_part():
    assert [size(1.26e12), size(49.9e9), size(12)] == ["1.3 TB", "50 GB", "12 bytes"]
    assert counted([("val", 1), ("val", 1)]).to_numpy().tolist() == [[0, 0], [0, 2], [0, 0]]
