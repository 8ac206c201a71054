"""The FaceSet on disk: crops come back as they were, and whatever is not as it was is refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny import SETTINGS, SIZE, keys_of, noise, row, tiny_set

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import codec
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.store import LANDMARKS, SPLITS, FaceSet

# ---------------------------------------------------------------- what comes back


def test_crops_come_back_losslessly(tmp_path):
    faces, crops = tiny_set(tmp_path)
    labels = faces.manifest.set_index("file").label
    assert len(faces) == len(crops) == 24
    assert faces.size == SIZE
    for file, image in crops.items():
        np.testing.assert_array_equal(faces.load(file), image)
        assert file.split("/")[2] == ("fake" if labels[file] else "real")


def test_rows_labels_and_images_share_one_order(tmp_path):
    faces, crops = tiny_set(tmp_path)
    for part in SPLITS:
        rows = faces.rows(part)
        assert len(rows) == 8
        assert set(rows.split) == {part}
        np.testing.assert_array_equal(faces.images("RAW", part), [crops[f] for f in rows.file])
        np.testing.assert_array_equal(faces.labels(part), rows.method != "original")


@pytest.mark.parametrize("name", ["LQ", "WEBP", "C40"])
def test_images_are_the_codec_of_each_crop(tmp_path, name):
    faces, crops = tiny_set(tmp_path)
    expected = np.stack([codec(name)(crops[file]) for file in faces.rows("test").file])
    np.testing.assert_array_equal(faces.images(name, "test"), expected)


def test_landmarks_are_five_points_a_crop_and_nan_where_unknown(tmp_path):
    builder = Builder(tmp_path, SETTINGS)
    rows = [row("a", frame, "val", "original") for frame in range(3)]
    for frame in (0, 2):
        points = range(10 * frame, 10 * frame + 10)
        rows[frame] |= dict(zip(LANDMARKS, points, strict=True))
    builder.add("original", "a", rows, list(noise(3, SIZE, SIZE, 3)), [])
    points = builder.finish([("original", "a")]).landmarks("val")
    assert points.shape == (3, 5, 2)
    assert points.dtype == np.float64
    assert points[0].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]  # the left eye first
    assert np.isnan(points[1]).all()
    assert (points[2] == points[0] + 20).all()
    assert LANDMARKS[:3] == ["left_eye_x", "left_eye_y", "right_eye_x"]
    assert LANDMARKS[-1] == "right_mouth_y"


def test_a_set_without_any_landmark_has_nan(tmp_path):
    points = tiny_set(tmp_path)[0].landmarks("test")
    assert points.shape == (8, 5, 2)
    assert np.isnan(points).all()


def test_fingerprint_changes_with_one_pixel(tmp_path):
    prints = [
        tiny_set(tmp_path / str(i), pixel)[0].fingerprint for i, pixel in enumerate((7, 7, 8))
    ]
    assert prints[0] == prints[1] != prints[2]


def refiled(root: Path, changes: dict) -> str:
    """The fingerprint of a set whose first row has other cells, but the same pixels."""
    builder = Builder(root, SETTINGS)
    rows = [row("a", frame, "test", "original") for frame in range(2)]
    rows[0] |= changes
    builder.add("original", "a", rows, list(noise(2, SIZE, SIZE, 3)), [])
    return builder.finish([("original", "a")]).fingerprint


@pytest.mark.parametrize("cell", ["x0", "y1", "probability", "nose_x"])
def test_a_hundredth_of_a_pixel_is_the_same_faces_on_another_processor(tmp_path, cell):
    one = refiled(tmp_path / "one", {cell: 0.5})
    assert refiled(tmp_path / "other", {cell: 0.51}) == one


@pytest.mark.parametrize("cell", ["identity", "source"])
def test_the_fingerprint_changes_with_whose_face_it_is(tmp_path, cell):
    one = refiled(tmp_path / "one", {cell: "000"})
    assert refiled(tmp_path / "other", {cell: "001"}) != one


def test_the_fingerprint_names_runs_and_keeps_its_value(tmp_path):
    assert tiny_set(tmp_path)[0].fingerprint == "eee8536dd8"


# ---------------------------------------------------------------- who belongs together


@pytest.fixture
def lenders(tmp_path) -> FaceSet:
    """Five people, of whom two lent each other their faces; two frames a video."""
    builder = Builder(tmp_path, SETTINGS)
    keys = []
    fakes = {"a_b": "b", "b_a": "a", "c_d": "d", "d_e": "e"}
    for video, source in {**dict.fromkeys("abcde", ""), **fakes}.items():
        method = "swap" if source else "original"
        rows = [row(video, frame, "test", method, source) for frame in range(2)]
        builder.add(method, video, rows, list(noise(2, SIZE, SIZE, 3)), [])
        keys.append((method, video))
    return builder.finish(keys)


def test_units_join_people_who_lent_each_other_their_faces(lenders):
    expected = ["a+b", "a+b", "c", "d", "e", "a+b", "a+b", "c", "d"]
    assert lenders.units("test").tolist() == np.repeat(expected, 2).tolist()


def test_a_fake_is_paired_with_the_real_crop_of_its_frame_once_a_video(lenders):
    pairs = lenders.pairs("test", ("identity", "frame"))
    assert pairs.video.tolist() == ["a_b", "b_a", "c_d", "d_e"]
    assert pairs.video_real.tolist() == ["a", "b", "c", "d"]
    assert set(pairs.frame) == {0}
    assert pairs.file.str.contains("fake").all()
    assert pairs.file_real.str.contains("real").all()


def test_of_a_photograph_both_crops_have_the_same_name(tmp_path):
    builder = Builder(tmp_path, SETTINGS)
    for method in ("original", "swap"):
        builder.add(method, "a", [row("a", 0, "val", method)], [noise(SIZE, SIZE, 3)], [])
    faces = builder.finish([("original", "a"), ("swap", "a")])
    [pair] = faces.pairs("val", ("video",)).itertuples()
    assert (pair.label, pair.label_real) == (1, 0)
    assert pair.file != pair.file_real
    assert faces.pairs("test", ("video",)).empty


# ---------------------------------------------------------------- what is refused


def test_truncated_crop_is_refused_by_name(tmp_path):
    faces, _ = tiny_set(tmp_path)
    file = faces.rows("train").file[1]
    whole = (tmp_path / file).read_bytes()
    (tmp_path / file).write_bytes(whole[:300])
    with pytest.raises(CompanionError, match=file):
        faces.load(file)
    with pytest.raises(CompanionError, match=file):
        faces.images("RAW", "train")


def test_other_settings_are_refused_naming_what_changed(tmp_path):
    tiny_set(tmp_path)
    Builder(tmp_path, dict(SETTINGS))
    with pytest.raises(CompanionError, match="size: 16 there, 32 now") as error:
        Builder(tmp_path, SETTINGS | {"size": 32})
    assert "seed" not in str(error.value)


def test_unfinished_and_absent_sets_are_told_apart(tmp_path):
    Builder(tmp_path / "begun", SETTINGS)
    with pytest.raises(CompanionError, match="unfinished FaceSet"):
        FaceSet(tmp_path / "begun")
    with pytest.raises(CompanionError, match="no FaceSet"):
        FaceSet(tmp_path / "never")


def test_a_set_without_any_face_is_refused(tmp_path):
    builder = Builder(tmp_path, SETTINGS)
    missed = {"video": "000", "method": "original", "split": "train", "frame": 0}
    builder.add("original", "000", [], [], [missed | {"reason": "no face"}])
    with pytest.raises(CompanionError, match="no face"):
        builder.finish([("original", "000")])


def test_an_older_versions_set_is_refused_and_finished_again(tmp_path):
    faces, _ = tiny_set(tmp_path)
    about = json.loads((tmp_path / "about.json").read_text())
    keys = keys_of(faces)
    del about["digests"]
    (tmp_path / "about.json").write_text(json.dumps(about))
    with pytest.raises(CompanionError, match="older version.*run `tcnsc faces` again"):
        FaceSet(tmp_path)
    builder = Builder(tmp_path, SETTINGS)
    assert not builder.complete(keys)
    assert all(builder.done(*key) for key in keys)
    assert builder.finish(keys).fingerprint == faces.fingerprint


def test_what_was_missed_is_listed_beside_the_crops(tmp_path):
    builder = Builder(tmp_path, SETTINGS)
    missed = {"video": "a", "method": "original", "split": "val", "frame": 1, "reason": "no face"}
    builder.add("original", "a", [row("a", 0, "val", "original")], [noise(SIZE, SIZE, 3)], [missed])
    failed = {("swap", "b"): missed | {"video": "b", "reason": "b.mp4 doesn't decode"}}
    faces = builder.finish([("original", "a"), ("swap", "b")], failed)
    expected = pd.DataFrame({"video": ["a", "b"], "reason": ["no face", "b.mp4 doesn't decode"]})
    pd.testing.assert_frame_equal(faces.missed[["video", "reason"]], expected)
