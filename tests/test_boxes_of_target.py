"""With `boxes` "target", a fake is cut where its real target's face is, frame by frame."""
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import clips
from tcnsc_lib.faces.boxes import known, of_frames
from tcnsc_lib.faces.clips import Video, extract
from tcnsc_lib.faces.detect import Candidates
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.video import EVERY, write_video
from tcnsc_lib.profiles import PROFILES

OWN = FaceSettings(size=32, enlarge=1.0, frames=4)
TARGET = replace(OWN, boxes="target")
BOX = [8.0, 8.0, 40.0, 40.0]
LARGER = [6.0, 6.0, 42.0, 42.0]
SCENE = np.random.default_rng(0).integers(0, 256, (6, 12, 3), dtype=np.uint8)


class Finder:
    """Stands in for MTCNN: the face is larger where the frame's first pixel is white, as in fakes.

    It moves by a pixel each frame, so that boxes of other frames are seen.
    """

    def __init__(self, device: str) -> None:
        pass

    def all(self, frames: np.ndarray) -> list[Candidates]:
        found = []
        for i, frame in enumerate(frames):
            box = np.array([LARGER if frame[0, 0].min() > 200 else BOX]) + i
            found.append(Candidates(box, np.ones(1), np.zeros((1, 5, 2)), np.ones(1)))
        return found


@pytest.fixture(autouse=True)
def finder(monkeypatch):
    monkeypatch.setattr(clips, "FaceFinder", Finder)


def filed(root: Path, name: str, method: str, length: int = 8, quality: str = "raw") -> Video:
    """A film of one scene; of a fake, the first pixels are white."""
    picture = SCENE.repeat(8, 0).repeat(8, 1)
    picture[:4, :4] = 0 if method == "original" else 255
    path = root / method / quality / "videos" / f"{name}.mp4"
    write_video(path, np.stack([picture] * length), 0)
    return Video(path, name, method, "train")


def extracted(root: Path, settings: FaceSettings, *videos: Video, quality="raw") -> FaceSet:
    return extract(list(videos), root / "out", quality, settings)


def of(faces: FaceSet, label: int) -> list[list]:
    rows = faces.manifest[faces.manifest.label == label]
    return rows[["frame", "x0", "y0", "x1", "y1"]].values.tolist()


def test_its_own_square_may_be_larger_and_its_targets_is_not(tmp_path):
    pair = (filed(tmp_path, "000", "original"), filed(tmp_path, "000_001", "Deepfakes"))
    own = extracted(tmp_path / "own", OWN, *pair)
    assert of(own, 1)[0][1:] == LARGER
    target = extracted(tmp_path / "target", TARGET, *pair)
    assert of(target, 1) == of(target, 0) == of(own, 0)
    assert len(of(target, 1)) == 4


def test_the_settings_of_crops_say_so_and_are_not_mixed(tmp_path):
    pair = (filed(tmp_path, "000", "original"), filed(tmp_path, "000_001", "Deepfakes"))
    assert "boxes" not in extracted(tmp_path, OWN, *pair).settings
    with pytest.raises(CompanionError, match="boxes: None there, target now"):
        extracted(tmp_path, TARGET, *pair)


def test_methods_that_take_turns_get_the_boxes_of_their_frames(tmp_path):
    real = filed(tmp_path, "000", "original")
    fakes = []
    for i, method in enumerate(("Deepfakes", "Face2Face")):
        fakes.append(replace(filed(tmp_path, "000_001", method), turn=(i, 2)))
    faces = extracted(tmp_path, TARGET, real, *fakes)
    places = of(faces, 0)
    for fake, expected in zip(fakes, (places[::2], places[1::2]), strict=True):
        rows = faces.manifest[faces.manifest.method == fake.method]
        assert rows[["frame", "x0", "y0", "x1", "y1"]].values.tolist() == expected
        assert len(expected) == 2


def test_at_another_quality_it_is_the_same_square(tmp_path):
    raw = [filed(tmp_path, "000", "original"), filed(tmp_path, "000_001", "Deepfakes")]
    faces = extracted(tmp_path, TARGET, *raw)
    copies = [filed(tmp_path, clip.name, clip.method, quality="c23") for clip in raw]
    other = extracted(tmp_path, TARGET, *copies, quality="c23")
    assert of(other, 1) == of(faces, 1) == of(faces, 0)


def test_a_fake_of_another_length_is_missed_and_told(tmp_path):
    real = filed(tmp_path, "000", "original")
    fake = filed(tmp_path, "000_001", "Deepfakes", length=7)
    faces = extracted(tmp_path, TARGET, real, fake)
    assert of(faces, 1) == []
    assert faces.missed.video.tolist() == ["000_001"]
    assert "000_001.mp4 doesn't fit" in faces.missed.reason[0]
    assert "original/raw/videos/000.mp4" in faces.missed.reason[0]
    assert "(7 frames and 8)" in faces.missed.reason[0]


def test_a_fake_whose_target_is_not_there_is_missed_and_told(tmp_path):
    real = filed(tmp_path, "002", "original")
    fake = filed(tmp_path, "000_001", "Deepfakes")
    faces = extracted(tmp_path, TARGET, real, fake)
    assert faces.missed.video.tolist() == ["000_001"]
    assert "has no real video 000, whose boxes it would have" in faces.missed.reason[0]
    assert len(extracted(tmp_path / "own", OWN, real, fake)) == 8


def test_what_was_cut_with_the_boxes_of_another_file_is_not_kept(tmp_path):
    pair = (filed(tmp_path, "000", "original"), filed(tmp_path, "000_001", "Deepfakes"))
    before = extracted(tmp_path, TARGET, *pair)
    signatures = json.loads((tmp_path / "out/boxes/original/000.json").read_text())["signature"]
    path = tmp_path / "out/boxes/original/000.json"
    boxes = known(path, 4, "raw/videos/000.mp4", [signatures], EVERY)
    assert of_frames(boxes, (1, 2)).frames == boxes.frames[1::2]
    shorter = filed(tmp_path, "000", "original", length=6)
    after = extracted(tmp_path, TARGET, shorter, pair[1])
    assert len(of(before, 1)) == 4
    assert of(after, 1) == []
    assert after.missed.video.tolist() == ["000_001"]


def test_a_profile_takes_no_other_word_and_own_is_the_default():
    assert {p.boxes for p in PROFILES.values()} == {"own"}
    assert replace(PROFILES["ffpp"], boxes="target").face_settings.boxes == "target"
    for name, boxes in (("ffpp", "theirs"), ("photos", "target")):
        with pytest.raises(CompanionError, match="boxes"):
            replace(PROFILES[name], boxes=boxes)
