"""The FaceSet on disk: crops come back as they were, and whatever is not as it was is refused."""

import errno
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import codec
from tcnsc_lib.faces import store
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.store import LANDMARKS, SPLITS, FaceSet

SIZE = 16
SETTINGS = {"size": SIZE, "seed": 0}
BOX = {"x0": 1.5, "y0": 2, "x1": 3, "y1": 4, "probability": 0.99}


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def row(video: str, frame: int, split: str, method: str, source: str = "") -> dict:
    """A manifest's row, without landmarks."""
    about = {"label": int(method != "original"), "video": video, "frame": frame}
    who = {"identity": video.split("_")[0], "source": source, "method": method, "split": split}
    return about | who | BOX


def tiny_set(root: Path, pixel: int | None = None) -> tuple[FaceSet, dict[str, np.ndarray]]:
    """A FaceSet of 2 reals and 2 fakes in each part, two crops a video, and its crops by file."""
    builder = Builder(root, SETTINGS)
    keys = []
    crops = {}
    for i, part in enumerate(reversed(SPLITS)):
        for j, method in enumerate(("original", "swap", "original", "swap")):
            name = f"{i}{j}"
            images = list(noise(2, SIZE, SIZE, 3, seed=10 * i + j))
            if pixel is not None and name == "00":
                images[0][0, 0, 0] = pixel
            rows = [row(name, frame, part, method) for frame in range(2)]
            builder.add(method, name, rows, images, [])
            files = [about["file"] for about in rows]
            crops |= dict(zip(files, images, strict=True))
            keys.append((method, name))
    return builder.finish(keys), crops


def arrays(root: Path) -> list[Path]:
    return list((root / "arrays").iterdir())


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


def test_the_fingerprint_names_runs_and_keeps_its_value(tmp_path):
    assert tiny_set(tmp_path)[0].fingerprint == "895d2a87fe"


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


# ---------------------------------------------------------------- arrays


def test_arrays_are_memory_mapped_and_made_once(tmp_path):
    faces, _ = tiny_set(tmp_path)
    first = faces.images("LQ", "val")
    assert isinstance(first, np.memmap)
    assert not first.flags.writeable
    [path] = arrays(tmp_path)
    before = path.stat().st_mtime_ns
    FaceSet(tmp_path).images("LQ", "val")
    assert arrays(tmp_path) == [path]
    assert path.stat().st_mtime_ns == before


def test_changed_manifest_rebuilds_the_array(tmp_path):
    faces, crops = tiny_set(tmp_path)
    faces.images("RAW", "val")
    manifest = tmp_path / "manifest.csv"
    header, *rows = manifest.read_text().splitlines()
    without_the_first = [header, *rows[:0:-1]]  # and the rest reversed
    manifest.write_text("\n".join(without_the_first) + "\n")
    changed = FaceSet(tmp_path)
    expected = [crops[file] for file in changed.rows("val").file]
    assert len(changed) == 23
    assert changed.fingerprint != faces.fingerprint
    np.testing.assert_array_equal(changed.images("RAW", "val"), expected)
    assert len(list((tmp_path / "arrays").glob("val-RAW-*"))) == 1


def test_another_encoder_rebuilds_the_array(tmp_path, monkeypatch):
    faces, _ = tiny_set(tmp_path)
    faces.images("LQ", "val")
    [before] = arrays(tmp_path)
    monkeypatch.setattr(store, "versions", lambda: {"libjpeg-turbo": "another"})
    faces.images("LQ", "val")
    [after] = arrays(tmp_path)
    assert after != before


class FullDisk:
    """A codec after whose third image the disk is full."""

    def __init__(self):
        self.name = "LQ"
        self.left = 3

    def __call__(self, image):
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return image


def test_failure_while_filling_leaves_no_partial_array(tmp_path, monkeypatch):
    faces, _ = tiny_set(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(store, "codec", lambda name: FullDisk())
        with pytest.raises(OSError, match="No space"):
            faces.images("LQ", "train")
    assert arrays(tmp_path) == []
    assert faces.images("LQ", "train").shape == (8, SIZE, SIZE, 3)


# ---------------------------------------------------------------- what is refused


def test_changed_crop_is_refused_though_an_array_is_cached(tmp_path):
    faces, _ = tiny_set(tmp_path)
    faces.images("LQ", "test")
    file = faces.rows("test").file[3]
    Image.fromarray(noise(SIZE, SIZE, 3, seed=99)).save(tmp_path / file)
    with pytest.raises(CompanionError, match="not the one in the manifest") as error:
        faces.images("LQ", "test")
    assert file in str(error.value)


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


def test_an_older_versions_manifest_is_refused(tmp_path):
    faces, _ = tiny_set(tmp_path / "raw")
    older = faces.manifest.drop(columns=LANDMARKS)
    older.to_csv(tmp_path / "raw" / "manifest.csv", index=False)
    with pytest.raises(CompanionError, match="made by an older version") as told:
        FaceSet(tmp_path / "raw")
    # and with it the boxes, which lack the landmarks too
    assert f"delete {tmp_path} and" in str(told.value)


def test_what_was_missed_is_listed_beside_the_crops(tmp_path):
    builder = Builder(tmp_path, SETTINGS)
    missed = {"video": "a", "method": "original", "split": "val", "frame": 1, "reason": "no face"}
    builder.add("original", "a", [row("a", 0, "val", "original")], [noise(SIZE, SIZE, 3)], [missed])
    failed = {("swap", "b"): missed | {"video": "b", "reason": "b.mp4 doesn't decode"}}
    faces = builder.finish([("original", "a"), ("swap", "b")], failed)
    expected = pd.DataFrame({"video": ["a", "b"], "reason": ["no face", "b.mp4 doesn't decode"]})
    pd.testing.assert_frame_equal(faces.missed[["video", "reason"]], expected)
