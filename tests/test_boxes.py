"""Boxes are found once, in the best quality, and used only where they fit."""

import json
import os
import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import boxes, clips, follow, search
from tcnsc_lib.faces.clips import Video, extract
from tcnsc_lib.faces.detect import Candidates
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.tracks import JUMPED
from tcnsc_lib.faces.video import frames_of, write_video

CUT = FaceSettings(size=32, enlarge=1.0, frames=4)
BOX = [8.0, 8.0, 40.0, 40.0]
OTHER = [50.0, 8.0, 82.0, 40.0]
SCENE = np.random.default_rng(0).integers(0, 256, (6, 12, 3), dtype=np.uint8)


class Finder:
    """Stands in for MTCNN: one face, or two where the frame's first pixel is white."""

    looked = 0

    def __init__(self, device: str = "cpu") -> None:
        pass

    def all(self, frames: np.ndarray) -> list[Candidates]:
        Finder.looked += len(frames)
        found = []
        for frame in frames:
            count = 2 if frame[0, 0].min() > 200 else 1
            corners = np.array([BOX, OTHER][:count])
            weights = np.array([2.0, 1.0][:count])
            found.append(Candidates(corners, np.ones(count), np.zeros((count, 5, 2)), weights))
        return found


@pytest.fixture(autouse=True)
def finder(monkeypatch):
    monkeypatch.setattr(clips, "FaceFinder", Finder)
    monkeypatch.setattr(Finder, "looked", 0)


def scene(length: int = 6, scale: int = 8, two: bool = False) -> np.ndarray:
    """A noisy picture, 48 x 96 pixels; with two people its first pixels are white."""
    picture = SCENE.repeat(scale, 0).repeat(scale, 1)
    if two:
        picture[:4, :4] = 255
    return np.stack([picture] * length)


def filed(root: Path, name: str, frames: np.ndarray, quality: str = "raw", fps: int = 25) -> Video:
    method = "original" if "_" not in name else "Deepfakes"
    path = root / method / quality / "videos" / f"{name}.mp4"
    write_video(path, frames, 0, fps)
    return Video(path, name, method, "train")


def extracted(root: Path, quality: str, *videos: Video) -> FaceSet:
    return extract(list(videos), root / "out", quality, CUT)


def stored(root: Path, name: str = "000") -> Path:
    return root / "out" / "boxes" / "original" / f"{name}.json"


# ---------------------------------------------------------------- where they are found


def test_boxes_are_found_in_raw_whatever_is_extracted_first(tmp_path):
    raw = filed(tmp_path, "000", scene())
    copy = filed(tmp_path, "000", scene(), "c40")
    first = extracted(tmp_path, "c40", copy)
    assert first.settings["boxes found in"] == "raw"
    assert json.loads(stored(tmp_path).read_text())["found_in"] == "raw/videos/000.mp4"
    assert Finder.looked == 4
    second = extracted(tmp_path, "raw", raw)
    assert Finder.looked == 4
    assert second.manifest.x0.tolist() == first.manifest.x0.tolist() == [8.0] * 4


def test_raw_that_comes_later_is_told_and_not_mixed(tmp_path):
    copy = filed(tmp_path, "000", scene(), "c40")
    assert extracted(tmp_path, "c40", copy).settings["boxes found in"] == "c40"
    filed(tmp_path, "000", scene())
    copy = Video(copy.path, "000", "original", "train")
    with pytest.raises(CompanionError, match="boxes found in: c40 there, raw now"):
        extracted(tmp_path, "c40", copy)


FAR = {
    "far box": {"boxes": [[0.0, 0.0, 1e5, 1e5]] * 4},
    "far point": {"landmarks": [[[1e9, 0.0]] * 5] * 4},
}


@pytest.mark.parametrize("damage", ["", "[]", "null", "no JSON", '{"count": 4}', *FAR])
def test_damaged_boxes_are_found_again(tmp_path, damage):
    raw = filed(tmp_path, "000", scene())
    copy = filed(tmp_path, "000", scene(), "c23")
    extracted(tmp_path, "raw", raw)
    whole = stored(tmp_path).read_text()
    far = json.loads(whole) | FAR.get(damage, {})
    stored(tmp_path).write_text(json.dumps(far) if damage in FAR else damage)
    faces = extracted(tmp_path, "c23", copy)
    assert faces.missed.empty
    assert faces.manifest.x1.tolist() == [40.0] * 4
    assert stored(tmp_path).read_text() == whole


def test_the_second_of_two_processes_takes_the_boxes_of_the_first(tmp_path):
    extracted(tmp_path, "raw", filed(tmp_path, "000", scene()))
    first = boxes.known(stored(tmp_path), 4, "raw/videos/000.mp4", [signature_of(tmp_path)])
    moved = first.model_copy(update={"taken": ["x"] * 4})
    assert boxes.keep(stored(tmp_path), moved) == first
    other = first.model_copy(update={"signature": [1, "a"]})
    assert boxes.keep(stored(tmp_path), other) == other
    assert [path.name for path in stored(tmp_path).parent.iterdir()] == ["000.json"]


def signature_of(root: Path) -> list:
    return json.loads(stored(root).read_text())["signature"]


def test_a_copy_of_the_videos_is_not_extracted_again(tmp_path, monkeypatch):
    first = extracted(tmp_path, "raw", filed(tmp_path, "000", scene()))
    shutil.copytree(tmp_path / "original", tmp_path / "copy/original", copy_function=shutil.copy)
    path = tmp_path / "copy/original/raw/videos/000.mp4"
    os.utime(path, (0, 0))
    monkeypatch.setattr(clips, "FaceFinder", lambda device: pytest.fail("looked for faces again"))
    again = extracted(tmp_path, "raw", Video(path, "000", "original", "train"))
    assert again.fingerprint == first.fingerprint


def test_no_more_frames_than_a_batch_are_held_and_none_afterwards(tmp_path, monkeypatch):
    frames = []
    held = []

    def watched(*asked):
        for number, frame in frames_of(*asked):
            frames.append(weakref.ref(frame))
            held.append(alive(frames))
            yield number, frame

    monkeypatch.setattr(search, "frames_of", watched)
    monkeypatch.setattr(clips, "frames_of", watched)
    monkeypatch.setattr(follow, "batch_of", lambda *size: 2)
    many = FaceSettings(size=32, enlarge=1.0, frames=12)
    videos = [filed(tmp_path, name, scene(12)) for name in ("000", "001")]
    extract(videos, tmp_path / "out", "raw", many)
    assert len(held) == 2 * 2 * 12  # each video is looked through, then cut
    assert max(held) <= 2 + 1  # a batch, and the one that comes
    assert alive(frames) == 0


def alive(things: list[weakref.ref]) -> int:
    return sum(thing() is not None for thing in things)


# ---------------------------------------------------------------- whether they fit


UNLIKE = {
    "frames": (scene(5), 25, "5 frames and 6"),
    "size": (scene(scale=10), 25, "120 x 60 pixels and 96 x 48"),
    "rate": (scene(), 30, "30 frames a second and 25"),
    "picture": (scene()[:, ::-1], 25, "frame [0-9] shows something else"),
}


@pytest.mark.parametrize(("frames", "fps", "difference"), UNLIKE.values(), ids=UNLIKE)
def test_a_copy_that_does_not_fit_costs_itself(tmp_path, frames, fps, difference):
    filed(tmp_path, "000", scene())
    filed(tmp_path, "001", scene())
    copies = [filed(tmp_path, "000", frames, "c23", fps), filed(tmp_path, "001", scene(), "c23")]
    faces = extracted(tmp_path, "c23", *copies)
    assert faces.manifest.video.unique().tolist() == ["001"]
    assert faces.missed.video.tolist() == ["000"]
    both = "c23/videos/000.mp4 doesn't fit .*raw/videos/000.mp4"
    assert faces.missed.reason.str.contains(f"{both}.*{difference}").all()


def test_a_pipe_and_a_link_to_nothing_cost_themselves(tmp_path):
    good = filed(tmp_path, "000", scene())
    place = good.path.parent
    os.mkfifo(place / "001.mp4")
    (place / "002.mp4").symlink_to(place / "nowhere.mp4")
    odd = [Video(place / f"00{i}.mp4", f"00{i}", "original", "train") for i in (1, 2)]
    faces = extracted(tmp_path, "raw", good, *odd)
    assert faces.manifest.video.unique().tolist() == ["000"]
    assert faces.missed.reason.str.contains("is a pipe|is a link to nothing").all()


# ---------------------------------------------------------------- several people


def masked(root: Path, name: str, box: list[float], **how) -> Path:
    mask = np.zeros_like(scene())
    x0, y0, x1, y1 = map(int, box)
    mask[:, y0:y1, x0:x1] = 255
    path = root / f"{name}.mp4"
    write_video(path, mask[: how.get("length", 6)], 0)
    return path


def test_of_two_people_the_forged_one_is_cut_real_and_fake(tmp_path):
    mask = masked(tmp_path, "mask", OTHER)
    videos = []
    for name in ("000", "000_003"):
        there = filed(tmp_path, name, scene(two=True))
        videos.append(Video(there.path, name, there.method, "train", masks=(mask,)))
    faces = extracted(tmp_path, "raw", *videos)
    assert faces.manifest.x0.tolist() == [50.0] * 8
    assert faces.doubtful.taken.tolist() == ["the mask"] * 8
    assert faces.doubtful.faces.astype(int).tolist() == [2] * 8


def test_without_a_mask_it_is_one_track_and_doubtful(tmp_path):
    faces = extracted(tmp_path, "raw", filed(tmp_path, "000", scene(two=True)))
    assert faces.manifest.x0.tolist() == [8.0] * 4
    assert faces.doubtful.taken.tolist() == ["its track"] * 4


def test_a_face_that_jumps_is_cut_and_doubtful(tmp_path, monkeypatch):
    places = iter([BOX, [8.0, 8.0, 24.0, 24.0], BOX, BOX])

    def one(finder: Finder, frames: np.ndarray) -> list[Candidates]:
        found = [np.array([next(places)]) for _ in frames]
        return [Candidates(box, np.ones(1), np.zeros((1, 5, 2)), np.ones(1)) for box in found]

    monkeypatch.setattr(Finder, "all", one)
    faces = extracted(tmp_path, "raw", filed(tmp_path, "000", scene()))
    assert len(faces) == 4
    assert faces.doubtful.taken.tolist() == [JUMPED] * 2
    assert faces.doubtful.frame.tolist() == faces.manifest.frame.tolist()[1:3]


def test_a_video_forged_where_no_face_is_found_is_told(tmp_path):
    good = filed(tmp_path, "001", scene())
    there = filed(tmp_path, "000", scene())
    mask = masked(tmp_path, "mask", OTHER)
    video = Video(there.path, "000", "original", "train", masks=(mask,))
    faces = extracted(tmp_path, "raw", good, video)
    assert faces.missed.video.tolist() == ["000"]
    assert "no face is found where it is forged by" in faces.missed.reason[0]


def test_a_mask_that_does_not_fit_is_told_and_not_used(tmp_path, capsys):
    there = filed(tmp_path, "000_003", scene(two=True))
    mask = masked(tmp_path, "mask", OTHER, length=3)
    video = Video(there.path, "000_003", "Deepfakes", "train", masks=(mask,))
    faces = extracted(tmp_path, "raw", video)
    assert faces.manifest.x0.tolist() == [8.0] * 4
    told = capsys.readouterr().err
    assert "mask.mp4 has 3 frames, its video 6; the face of 000_003.mp4 is chosen without" in told
