"""The rehearsal of FaceForensics++: rendered videos go the way of the real ones, from end to end.

MTCNN and the pace of a training are stood in for; frames are small, and trainings take two steps.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from commands import Central, at_home
from main_faces import main_faces

from tcnsc_lib import CompanionError, cli, pool, profiles
from tcnsc_lib.cli import rehearse_steps
from tcnsc_lib.experiments import forecast
from tcnsc_lib.faces import clips, layout, trial
from tcnsc_lib.faces.ffpp import FaceForensics
from tcnsc_lib.faces.splits import official_split, random_split
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.video import about, read_frames
from tcnsc_lib.profiles import FFPP, PROFILES, REHEARSAL
from tcnsc_lib.synthetic import demo, rehearsal
from tcnsc_lib.synthetic.rehearsal import Scene, make_rehearsal, scene
from tcnsc_lib.synthetic.scale import pairs
from tcnsc_lib.training.pace import Pace

TINY = Scene(train=1, val=1, test=1, length=2, pixels=100, height=120, width=160)
SHORT = replace(REHEARSAL.schedule, iterations=2, batch_size=4, validate=1)
SMALL = replace(REHEARSAL, size=32, frames=2, schedule=SHORT)
MADE_UP = Pace(step=0.1, crop=0.01, memory=10**6, steps=5, batch=4)
BOXES = ["method", "video", "frame", "x0", "y0", "x1", "y1"]


def small(monkeypatch) -> None:
    """Let a rehearsal be a small one, in this process."""
    monkeypatch.setattr(rehearse_steps, "scene", lambda videos: TINY)
    monkeypatch.setitem(PROFILES, REHEARSAL.name, SMALL)
    monkeypatch.setattr(forecast, "pace", lambda todo, size: MADE_UP)
    monkeypatch.setattr(demo, "WORKERS", 1)
    monkeypatch.setattr(pool, "MOST", 1)
    for module in (clips, trial):
        monkeypatch.setattr(module, "FaceFinder", Central)


@dataclass
class Rehearsed:
    """A rehearsal in a folder. out: what it printed; videos: where they lie."""

    home: Path
    status: int
    out: str

    @property
    def videos(self) -> Path:
        return self.home / "data" / "rehearsal"

    def crops(self, quality: str) -> FaceSet:
        return FaceSet(self.home / "data" / "faces" / "rehearsal" / quality)


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Iterator[Rehearsed]:
    """One that went through all steps; TCNSC_SOURCE names a folder all the while."""
    home = tmp_path_factory.mktemp("out")
    real = tmp_path_factory.mktemp("real")
    printed = home.with_suffix(".txt")
    with pytest.MonkeyPatch.context() as patch, printed.open("w") as file:
        at_home(tmp_path_factory.mktemp("elsewhere"), patch)
        patch.setenv("TCNSC_SOURCE", str(real))
        small(patch)
        patch.setattr("sys.stdout", file)
        status = cli.main(["rehearse", "--out", str(home)])
    assert list(real.iterdir()) == []
    return Rehearsed(home, status, printed.read_text())


@pytest.fixture
def again(done, tmp_path, monkeypatch, capsys):
    """A copy of that folder, and what the same command says there: its status and its output."""
    home = tmp_path / "copy"
    shutil.copytree(done.home, home)
    at_home(tmp_path / "elsewhere", monkeypatch)
    small(monkeypatch)

    def run() -> Rehearsed:
        capsys.readouterr()
        status = cli.main(["rehearse", "--out", str(home)])
        return Rehearsed(home, status, capsys.readouterr().out)

    return home, run


def times(root: Path, pattern: str) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob(pattern)}


# ---------------------------------------------------------------- who, and how many


@pytest.mark.parametrize(
    ("videos", "parts"), [(12, (1, 1, 1)), (100, (17, 4, 4)), (2000, (350, 75, 75))]
)
def test_videos_are_divided_like_those_of_faceforensics(videos, parts):
    one = scene(videos)
    assert (one.train, one.val, one.test) == parts
    assert one.videos == videos
    assert scene(100) == Scene()


@pytest.mark.parametrize("videos", [-4, 0, 8, 13, 2004])
def test_another_number_of_videos_is_refused(videos):
    with pytest.raises(CompanionError, match=f"can't have {videos} videos; choose a multiple of 4"):
        scene(videos)


@pytest.mark.parametrize("videos", [12, 100, 2000])
def test_people_are_in_the_part_that_the_papers_split_draws(videos):
    drawn = random_split()
    one = scene(videos)
    people = one.people()
    for part, numbers in people.items():
        assert {drawn[number] for number in numbers} == {part}
        assert len(numbers) == 2 * getattr(one, part)
    every = sum(people.values(), [])
    assert len(set(every)) == len(every) == videos // 2


def test_frames_are_as_large_as_those_of_videos_and_show_a_face(finder):
    one = replace(Scene(), length=1)
    seen, landmarks = demo.frames("003", one)
    assert seen.shape == (1, 480, 640, 3)
    faces = main_faces(finder, seen)
    assert faces.probabilities[0] > 0.9
    np.testing.assert_allclose(faces.landmarks[0], landmarks[0], atol=15)


# ---------------------------------------------------------------- the profile


def test_the_profile_is_ffpp_on_smaller_numbers_and_in_a_folder_of_its_own(tmp_path, monkeypatch):
    at_home(tmp_path, monkeypatch)
    ours = asdict(REHEARSAL)
    differs = {name for name, value in asdict(FFPP).items() if ours[name] != value}
    numbers = {"size", "frames", "width", "seeds", "decisive_seeds", "schedule"}
    assert differs == numbers | {"name", "folder", "pretrained"}
    assert REHEARSAL.schedule.precision == FFPP.schedule.precision
    (tmp_path / "data" / "rehearsal").mkdir(parents=True)
    assert type(profiles.source(REHEARSAL)) is FaceForensics
    monkeypatch.setenv("TCNSC_SOURCE", str(tmp_path / "ffpp"))
    assert profiles.source_folder(FFPP) == tmp_path / "ffpp"
    assert profiles.source_folder(REHEARSAL) == tmp_path / "data" / "rehearsal"


def test_without_its_videos_the_profile_says_who_makes_them(refused, tmp_path, monkeypatch):
    at_home(tmp_path, monkeypatch)
    assert "`tcnsc rehearse` makes it" in refused("faces", "--profile", "rehearsal")


# ---------------------------------------------------------------- from end to end


def test_every_step_is_a_command_of_ffpp_and_ends_well(done):
    assert done.status == 0
    steps = [line for line in done.out.splitlines() if " of 8: " in line]
    assert [line.split(": ")[1] for line in steps] == [
        "videos",
        "tcnsc audit --profile rehearsal",
        "tcnsc plan --profile rehearsal",
        "tcnsc faces --quality raw --profile rehearsal",
        "tcnsc faces --quality c23 --profile rehearsal",
        'tcnsc train "(RAW, LQ)" --profile rehearsal',
        'tcnsc train "model B" --profile rehearsal',
        "tcnsc table 1 --profile rehearsal",
    ]
    assert "\nwarnings: 0\n" in done.out
    assert "faces   in 24 of 24 sampled frames (100.0 %)" in done.out
    assert "`tcnsc plan --profile ffpp` says how many hours" in done.out
    assert len(list((done.home / "runs" / "rehearsal").iterdir())) == 5
    assert (done.home / "figures" / "rehearsal" / "table1.csv").exists()


def test_the_folder_is_that_of_faceforensics(done):
    fakes = []
    for a, b in sum(pairs(TINY).values(), []):
        fakes += [f"{a}_{b}", f"{b}_{a}"]
    for quality in ("raw", "c23"):
        found = layout.listing(done.videos, "Deepfakes", quality)
        assert sorted(found.videos) == sorted(fakes)
        assert found.left_out == []
        for path in found.videos.values():
            film = about(path)
            assert (film.width, film.height, film.frames) == (160, 120, 2)
    assert layout.listing(done.videos, "original", "c40").videos == {}


def test_nobody_is_in_two_parts_by_either_split(done):
    official = official_split(done.videos)
    drawn = random_split()
    assert official == {number: drawn[number] for number in official}
    manifest = done.crops("raw").manifest
    fakes = manifest[manifest.label == 1]
    assert set(manifest.split) == {"train", "val", "test"}
    assert (manifest.split == manifest.identity.map(official)).all()
    assert (fakes.split == fakes.source.map(official)).all()


def test_faces_are_the_same_at_both_qualities_and_pixels_are_not(done):
    raw = done.crops("raw")
    copy = done.crops("c23")
    assert raw.manifest[BOXES].equals(copy.manifest[BOXES])
    assert raw.settings["boxes found in"] == copy.settings["boxes found in"] == "raw"
    name = next(iter(layout.listing(done.videos, "original", "raw").videos))
    both = []
    for quality in ("raw", "c23"):
        path = layout.listing(done.videos, "original", quality).videos[name]
        both.append(read_frames(path, count=1)[1].astype(int))
    assert 0 < np.abs(both[0] - both[1]).mean() < 5


def test_a_second_call_makes_nothing_anew(again):
    home, run = again
    made = times(home, "*.mp4") | times(home, "*.png") | times(home / "runs", "*")
    second = run()
    assert second.status == 0
    assert "12 videos, 0 of them new" in second.out
    assert times(home, "*.mp4") | times(home, "*.png") | times(home / "runs", "*") == made


def test_a_video_that_is_gone_is_made_again_with_its_pair_alone(done, tmp_path):
    videos = shutil.copytree(done.videos, tmp_path / "videos")
    before = times(videos, "*.mp4")
    gone = sorted(layout.listing(videos, "original", "c23").videos.values())[0]
    whole = gone.read_bytes()
    gone.unlink()
    assert make_rehearsal(videos, TINY) == 4
    assert gone.read_bytes() == whole
    after = times(videos, "*.mp4")
    assert sum(after[path] != before[path] for path in before) == 4 * 2 + 2  # masks, too
    assert make_rehearsal(videos, TINY) == 0


def test_a_warning_of_the_audit_ends_it(again):
    home, run = again
    c23 = sorted(layout.listing(home / "data/rehearsal", "original", "c23").videos.values())[0]
    raw = layout.listing(home / "data/rehearsal", "original", "raw").videos[c23.stem]
    shutil.copy(raw, c23)
    ended = run()
    assert ended.status == 1
    assert "filed under c23 and was encoded with crf 0" in ended.out
    assert "rehearsal is done" not in ended.out


# ---------------------------------------------------------------- other folders


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    at_home(tmp_path / "home", monkeypatch)
    small(monkeypatch)
    return tmp_path / "out"


def test_a_folder_that_holds_something_else_is_left_alone(refused, elsewhere):
    elsewhere.mkdir()
    for name in ("letter.txt", ".DS_Store"):
        (elsewhere / name).touch()
    sentence = refused("rehearse", "--out", elsewhere)
    assert "holds something else than a rehearsal (letter.txt)" in sentence
    assert len(list(elsewhere.iterdir())) == 2


def test_a_file_in_place_of_a_folder_is_refused(refused, elsewhere):
    elsewhere.touch()
    assert "is a file, and a folder is needed" in refused("rehearse", "--out", elsewhere)


def test_videos_of_another_kind_are_left_alone(refused, elsewhere):
    videos = elsewhere / "data" / "rehearsal"
    layout.folder(videos, "original", "raw").mkdir(parents=True)
    sentence = refused("rehearse", "--out", elsewhere)
    assert f"{videos} holds something else than a rehearsal" in sentence
    assert not (videos / rehearsal.NOTE).exists()


def test_another_rehearsal_is_refused(done, tmp_path):
    shutil.copytree(done.videos, tmp_path / "videos")
    other = replace(TINY, train=2, noise=3.0)
    with pytest.raises(CompanionError, match=r"another rehearsal \(it differs in train, noise\)"):
        make_rehearsal(tmp_path / "videos", other)
