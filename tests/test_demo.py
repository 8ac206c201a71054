"""The demo: the layout of FF++, swaps of the inner face alone, and no half-rendered leftovers."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import ffpp, layout
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.video import audit_crf, read_frames
from tcnsc_lib.machine import cores
from tcnsc_lib.synthetic import demo
from tcnsc_lib.synthetic.demo import FULL, RECIPE, Demo, Scale, make_demo, pairs

TINY = Scale(train=1, val=1, test=1, length=2)
NUMBERS = [f"{i:03d}" for i in range(6)]
FAKES = ["000_001", "001_000", "002_003", "003_002", "004_005", "005_004"]
CHANGE = [13.581, 11.717, 11.425]  # of 001 on 000, at TINY
RESAMPLED = [2.645, 2.196, 2.160]  # of the real video beside it
MASKED = 0.1119
PARTS = ["train", "train", "val", "val", "test", "test"]


class TinyDemo(Demo):
    scale = TINY


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    return make_demo(tmp_path_factory.mktemp("demo"), TINY)


def content(root: Path) -> dict[str, bytes]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


# ---------------------------------------------------------------- the layout


def test_pairs_have_the_official_form_and_share_nobody():
    splits = pairs(FULL)
    members = splits["train"] + splits["val"] + splits["test"]
    numbers = np.array(members).ravel().tolist()
    assert [len(splits[part]) for part in ("train", "val", "test")] == [80, 8, 20]
    assert all(isinstance(pair, list) for pair in members)
    assert numbers == [f"{i:03d}" for i in range(216)]


def test_demo_has_the_layout_and_the_splits_of_ffpp(videos):
    expected = {f"splits/{part}.json" for part in ("train", "val", "test")} | {"scale.json"}
    for quality in ("raw", "c23", "c40"):
        folder = f"original_sequences/youtube/{quality}/videos"
        expected |= {f"{folder}/{name}.mp4" for name in NUMBERS}
    for quality in ("raw", "c23", "c40", "masks"):
        folder = f"manipulated_sequences/Deepfakes/{quality}/videos"
        expected |= {f"{folder}/{name}.mp4" for name in FAKES}
    assert set(content(videos)) == expected
    assert json.loads((videos / "splits/test.json").read_text()) == [["004", "005"]]
    assert ffpp.official_split(videos) == dict(zip(NUMBERS, PARTS, strict=True))


@pytest.mark.parametrize(("quality", "crf"), [("raw", 0), ("c23", 23), ("c40", 40)])
@pytest.mark.parametrize(("method", "name"), [("original", "004"), ("Deepfakes", "004_005")])
def test_demo_is_encoded_at_the_quality_it_is_filed_under(videos, quality, crf, method, name):
    path = layout.folder(videos, method, quality) / f"{name}.mp4"
    frames = read_frames(path, count=9)[1]
    assert audit_crf(path) == crf
    assert frames.shape == (TINY.length, TINY.pixels, TINY.pixels, 3)


# ---------------------------------------------------------------- the pictures


def test_outside_the_mask_a_forged_video_is_the_real_one(videos):
    for name in FAKES:
        mask = read_frames(layout.folder(videos, "Deepfakes", "masks") / f"{name}.mp4", count=2)[1]
        fake = read_frames(layout.folder(videos, "Deepfakes", "raw") / f"{name}.mp4", count=2)[1]
        real = read_frames(layout.folder(videos, "original", "raw") / f"{name[:3]}.mp4", count=2)[1]
        changed = np.abs(fake.astype(int) - real)
        np.testing.assert_array_equal(fake[mask == 0], real[mask == 0])
        assert 0.5 < (mask == 0).mean() < 0.95
        assert mask.max() > 250
        assert changed[mask > 230].mean() > 2


def test_fakes_show_the_source_in_the_pose_of_the_target():
    seen, points = demo.frames("000", TINY)
    one, mask = demo.forged("000", "001", seen, points, TINY)
    other, _ = demo.forged("000", "003", seen, points, TINY)
    assert one.shape == seen.shape
    assert mask.shape == seen.shape[:3]
    assert mask.dtype == np.float32
    assert np.abs(one.astype(int) - other)[mask > 0.9].mean() > 2


def test_forged_pixels_are_those_of_this_recipe():
    """Where this fails, demos that were rendered before are others: raise `demo.RECIPE`.

    How much red, green and blue of the fake and of the real video differ from what the camera saw,
    under the mask, in grey levels; and the mask's mean.
    """
    seen, points = demo.frames("000", TINY)
    fake, mask = demo.forged("000", "001", seen, points, TINY)
    real = demo.resampled(seen, points, mask)
    for video, change in ((fake, CHANGE), (real, RESAMPLED)):
        differs = np.abs(video.astype(int) - seen)[mask > 0]
        np.testing.assert_allclose(differs.mean(axis=0), change, atol=0.02)
    assert mask.mean() == pytest.approx(MASKED, abs=1e-4)


def test_demo_is_the_same_bytes_twice(videos, tmp_path):
    assert content(make_demo(tmp_path, TINY)) == content(videos)


# ---------------------------------------------------------------- the source


def test_the_demo_is_a_source_that_shows_nobody_real(videos, tmp_path):
    settings = FaceSettings(size=64, frames=2, split="official", seed=5)
    source = TinyDemo(videos, tmp_path, settings)
    faces = source.faces("c40")
    area = source.forged_area(faces, faces.rows("test"))
    expected = asdict(TINY) | {"recipe": RECIPE, "size": 64, "enlarge": 1.3, "frames": 2}
    expected |= {"quality": "c40", "method": "Deepfakes", "split": "official"}
    expected |= {"boxes found in": "raw"}
    assert not source.private
    assert source.has_videos
    assert faces.settings == expected
    assert len(faces) == 24
    assert len(faces.pairs("test", source.same_frame)) == 2
    assert area.any((1, 2)).tolist() == [False] * 4 + [True] * 4


def test_the_source_renders_what_is_not_there(videos, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(demo, "make_demo", lambda root, scale: made.append((root, scale)))
    assert len(TinyDemo(videos, tmp_path, FaceSettings(split="official")).clips("c23")) == 12
    assert made == [(videos, TINY)]


# ---------------------------------------------------------------- cut short, and begun again


@pytest.mark.parametrize("change", [{"recipe": RECIPE + 1}, {"noise": 5.0}], ids=str)
def test_another_demo_is_refused(videos, tmp_path, change):
    known = json.loads((videos / "scale.json").read_text())
    (tmp_path / "scale.json").write_text(json.dumps(known | change))
    message = "another recipe .* delete that folder and .*faces/demo to make them anew"
    with pytest.raises(CompanionError, match=message):
        make_demo(tmp_path, TINY)
    assert list(tmp_path.iterdir()) == [tmp_path / "scale.json"]


@pytest.mark.parametrize("damage", ["[]", "null", "{}", "no JSON", '{"train": "one"}'])
def test_a_damaged_note_is_one_sentence(tmp_path, damage):
    (tmp_path / "scale.json").write_text(damage)
    with pytest.raises(CompanionError, match=r"scale.json is damaged .*; delete .* to render it"):
        make_demo(tmp_path, TINY)


def test_interrupted_demo_is_completed_and_a_complete_one_left_alone(videos, tmp_path):
    # Of the second pair nothing but its first video is there.
    first = "original_sequences/youtube/raw/videos/002.mp4"
    whole = content(videos)
    kept = [name for name in whole if name == first or not re.search(r"/00[23]|val", name)]
    for name in kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(videos / name, tmp_path / name)
    kept.remove(first)
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in kept}
    assert "scale.json" in kept  # processes that share a demo don't write to it
    assert len(kept) < len(whole) - 10
    make_demo(tmp_path, TINY)
    after = {name: (tmp_path / name).stat().st_mtime_ns for name in kept}
    assert content(tmp_path) == whole
    assert after == before


RENDERS = """
import signal
import sys
from pathlib import Path
from tcnsc_lib.synthetic.demo import Scale, make_demo

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background is deaf
    make_demo(Path(sys.argv[1]), Scale(train=40, val=1, test=1, length=4))
"""


@pytest.mark.skipif(cores() < 2, reason="needs two cores")
def test_an_interruption_stops_the_rendering_and_leaves_no_half_a_video(tmp_path):
    script = tmp_path / "renders.py"
    script.write_text(RENDERS)
    root = tmp_path / "demo"
    command = [sys.executable, str(script), str(root)]
    options = {"stderr": subprocess.PIPE, "start_new_session": True, "text": True}
    with subprocess.Popen(command, **options) as main:
        try:
            while not list(root.rglob("*.mp4")):
                assert main.poll() is None
                time.sleep(0.2)
            main.send_signal(signal.SIGINT)
            told = main.communicate(timeout=60)[1]
        finally:
            main.kill()  # else a failure would wait for it
    assert main.returncode != 0
    assert "KeyboardInterrupt" in told
    there = len(list(root.rglob("*.mp4")))
    time.sleep(3)
    videos = list(root.rglob("*.mp4"))
    assert len(videos) == there < 40 * 4
    for path in videos:
        assert len(read_frames(path, count=4)[1]) == 4
