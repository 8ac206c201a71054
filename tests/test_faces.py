"""The FaceSet on disk, finding and cutting faces, and videos."""

import errno
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from skimage import data

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import codec
from tcnsc_lib.faces import store
from tcnsc_lib.faces.detect import FaceFinder, crop, square, to_crop
from tcnsc_lib.faces.store import LANDMARKS, SPLITS, Builder, FaceSet
from tcnsc_lib.faces.video import audit_crf, read_frames, sample_indices, write_video

def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# ---------------------------------------------------------------- store

SETTINGS = {"size": 16, "seed": 0}


def tiny_set(root: Path, pixel: int | None = None) -> tuple[FaceSet, dict[str, np.ndarray]]:
    """A FaceSet of 2 reals and 2 fakes in each part, two crops a video, and its crops by file."""
    builder, keys, crops = Builder(root, SETTINGS), [], {}
    for i, part in enumerate(reversed(SPLITS)):
        for j, method in enumerate(("original", "swap", "original", "swap")):
            name = f"{i}{j}"
            images = list(noise(2, 16, 16, 3, seed=10 * i + j))
            if pixel is not None and name == "00":
                images[0][0, 0, 0] = pixel
            rows = [{"label": int(method != "original"), "video": name, "frame": t, "identity": name,
                     "source": "", "method": method, "split": part, "x0": 1.5, "y0": 2, "x1": 3, "y1": 4,
                     "probability": 0.99} for t in range(2)]
            builder.add(method, name, rows, images, [])
            crops |= {row["file"]: image for row, image in zip(rows, images, strict=True)}
            keys.append((method, name))
    return builder.finish(keys), crops


def test_crops_come_back_losslessly(tmp_path):
    faces, crops = tiny_set(tmp_path)
    assert len(faces) == len(crops) == 24 and faces.size == 16
    for file, image in crops.items():
        np.testing.assert_array_equal(faces.load(file), image)
        assert file.split("/")[2] == ("fake" if faces.manifest.set_index("file").label[file] else "real")


def test_rows_labels_and_images_share_one_order(tmp_path):
    faces, crops = tiny_set(tmp_path)
    for part in SPLITS:
        rows = faces.rows(part)
        assert len(rows) == 8 and set(rows.split) == {part}
        np.testing.assert_array_equal(faces.images("RAW", part), [crops[file] for file in rows.file])
        np.testing.assert_array_equal(faces.labels(part), (rows.method != "original").to_numpy(np.int64))


@pytest.mark.parametrize("name", ["LQ", "WEBP", "C40"])
def test_images_are_the_codec_of_each_crop(tmp_path, name):
    faces, crops = tiny_set(tmp_path)
    expected = np.stack([codec(name)(crops[file]) for file in faces.rows("test").file])
    np.testing.assert_array_equal(faces.images(name, "test"), expected)


def test_arrays_are_memory_mapped_and_made_once(tmp_path):
    faces, _ = tiny_set(tmp_path)
    first = faces.images("LQ", "val")
    assert isinstance(first, np.memmap) and not first.flags.writeable
    [path] = (tmp_path / "arrays").iterdir()
    before = path.stat().st_mtime_ns
    FaceSet(tmp_path).images("LQ", "val")
    assert list((tmp_path / "arrays").iterdir()) == [path] and path.stat().st_mtime_ns == before


def test_changed_crop_is_refused_though_an_array_is_cached(tmp_path):
    faces, _ = tiny_set(tmp_path)
    faces.images("LQ", "test")
    file = faces.rows("test").file[3]
    Image.fromarray(noise(16, 16, 3, seed=99)).save(tmp_path / file)
    with pytest.raises(CompanionError, match="not the one in the manifest") as error:
        faces.images("LQ", "test")
    assert file in str(error.value)


def test_changed_manifest_rebuilds_the_array(tmp_path):
    faces, crops = tiny_set(tmp_path)
    faces.images("RAW", "val")
    manifest = tmp_path / "manifest.csv"
    header, *rows = manifest.read_text().splitlines()
    manifest.write_text("\n".join([header, *rows[:0:-1]]) + "\n")  # the first row gone, the rest reversed
    changed = FaceSet(tmp_path)
    assert len(changed) == 23 and changed.fingerprint != faces.fingerprint
    np.testing.assert_array_equal(changed.images("RAW", "val"), [crops[f] for f in changed.rows("val").file])
    assert len(list((tmp_path / "arrays").glob("val-RAW-*"))) == 1


def test_another_encoder_rebuilds_the_array(tmp_path, monkeypatch):
    faces, _ = tiny_set(tmp_path)
    faces.images("LQ", "val")
    [before] = (tmp_path / "arrays").iterdir()
    monkeypatch.setattr(store, "versions", lambda: {"libjpeg-turbo": "another"})
    faces.images("LQ", "val")
    [after] = (tmp_path / "arrays").iterdir()
    assert after != before


def test_fingerprint_changes_with_one_pixel(tmp_path):
    prints = [tiny_set(tmp_path / str(i), pixel)[0].fingerprint for i, pixel in enumerate((7, 7, 8))]
    assert prints[0] == prints[1] != prints[2]


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


def test_truncated_crop_is_refused_by_name(tmp_path):
    faces, _ = tiny_set(tmp_path)
    file = faces.rows("train").file[1]
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes()[:300])
    with pytest.raises(CompanionError, match=file):
        faces.load(file)
    with pytest.raises(CompanionError, match=file):
        faces.images("RAW", "train")


def test_failure_while_filling_leaves_no_partial_array(tmp_path, monkeypatch):
    class Full:
        def __init__(self):
            self.name, self.left = "LQ", 3

        def __call__(self, image):
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return image

    faces, _ = tiny_set(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(store, "codec", lambda name: Full())
        with pytest.raises(OSError, match="No space"):
            faces.images("LQ", "train")
    assert list((tmp_path / "arrays").iterdir()) == []
    assert faces.images("LQ", "train").shape == (8, 16, 16, 3)


def test_a_set_without_any_face_is_refused(tmp_path):
    builder = Builder(tmp_path, SETTINGS)
    missed = {"video": "000", "method": "original", "split": "train", "frame": 0, "reason": "no face"}
    builder.add("original", "000", [], [], [missed])
    with pytest.raises(CompanionError, match="no face"):
        builder.finish([("original", "000")])


def test_landmarks_are_five_points_a_crop_and_nan_where_unknown(tmp_path):
    builder, rows = Builder(tmp_path, SETTINGS), []
    for frame in range(3):
        row = {"label": 0, "video": "a", "frame": frame, "identity": "a", "source": "", "method": "original",
               "split": "val", "x0": 0, "y0": 0, "x1": 16, "y1": 16, "probability": 1.0}
        rows.append(row | ({} if frame == 1 else dict(zip(LANDMARKS, range(10 * frame, 10 * frame + 10), strict=True))))
    builder.add("original", "a", rows, list(noise(3, 16, 16, 3)), [])
    points = builder.finish([("original", "a")]).landmarks("val")
    assert points.shape == (3, 5, 2) and points.dtype == np.float64
    assert points[0].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]  # x y of the left eye first
    assert np.isnan(points[1]).all() and (points[2] == points[0] + 20).all()
    assert LANDMARKS[:3] == ["left_eye_x", "left_eye_y", "right_eye_x"] and LANDMARKS[-1] == "right_mouth_y"


def test_a_set_without_any_landmark_has_nan(tmp_path):
    points = tiny_set(tmp_path)[0].landmarks("test")
    assert points.shape == (8, 5, 2) and np.isnan(points).all()


def test_an_older_versions_manifest_is_refused(tmp_path):
    faces, _ = tiny_set(tmp_path / "raw")
    faces.manifest.drop(columns=LANDMARKS).to_csv(tmp_path / "raw" / "manifest.csv", index=False)
    with pytest.raises(CompanionError, match="made by an older version") as told:
        FaceSet(tmp_path / "raw")
    assert f"delete {tmp_path} and" in str(told.value)  # and with it the boxes, which lack the landmarks too


# ---------------------------------------------------------------- detect

def test_a_point_of_the_frame_in_its_crop_by_hand():
    box = np.array([10.0, 20.0, 30.0, 60.0])  # enlarged by 1.5: 60 pixels from (-10, 10) on
    points = np.array([[20.0, 40.0], [-10.0, 10.0], [49.0, 69.0], [19.5, 39.5]])
    by_hand = [[14.75, 14.75], [-0.25, -0.25], [29.25, 29.25], [14.5, 14.5]]  # first, last and middle pixel
    np.testing.assert_allclose(to_crop(points, box, 30, 1.5), by_hand)
    np.testing.assert_allclose(to_crop(points.reshape(2, 2, 2), box, 60, 1.5).reshape(4, 2), points + [10, -10])


@pytest.mark.parametrize("size", [20, 40, 96])
@pytest.mark.parametrize("x, y", [(31.5, 23.5), (20, 30), (44, 12)], ids=["centre", "left", "right"])
def test_what_is_at_a_point_of_the_frame_is_at_that_point_of_the_crop(size, x, y):
    box, (rows, columns) = np.array([16.0, 8, 48, 40]), np.indices((64, 64))
    spot = (255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)).astype(np.uint8)
    weight = crop(np.repeat(spot[..., None], 3, 2), box, size, 1.875)[..., 0].astype(float)  # 60 pixels, over the top
    found = [(weight.sum(axis) * np.arange(size)).sum() / weight.sum() for axis in (0, 1)]
    np.testing.assert_allclose(found, to_crop((x, y), box, size, 1.875), atol=0.1)
    if (x, y) == (31.5, 23.5):  # the middle of the box
        np.testing.assert_allclose(found, [(size - 1) / 2] * 2, atol=0.1)


@pytest.mark.parametrize("enlarge, expected", [(1.0, (0, 20, 40)), (1.5, (-10, 10, 60)), (0.5, (10, 30, 20))])
def test_square_on_the_longer_side_about_the_centre(enlarge, expected):
    assert square(np.array([10.0, 20.0, 30.0, 60.0]), enlarge) == expected


def test_crop_of_a_box_of_its_own_size_is_the_frame(size=32):
    frame = noise(60, 80, 3)
    np.testing.assert_array_equal(crop(frame, np.array([8, 5, 40, 37]), size, 1.0), frame[5:37, 8:40])
    np.testing.assert_array_equal(crop(frame, np.array([16, 13, 32, 29]), size, 2.0), frame[5:37, 8:40])


def test_crop_over_the_border_repeats_the_edge():
    frame = noise(40, 50, 3)
    padded = np.pad(frame, ((20, 20), (20, 20), (0, 0)), mode="edge")
    for x0, y0 in ((-6, -9), (30, 20), (-6, 20), (5, 15)):
        got = crop(frame, np.array([x0, y0, x0 + 30, y0 + 30]), 30, 1.0)
        np.testing.assert_array_equal(got, padded[y0 + 20 : y0 + 50, x0 + 20 : x0 + 50])


def test_crop_keeps_the_aspect_ratio():
    rows, columns = np.mgrid[:100, :100]
    disc = np.repeat((np.hypot(rows - 50, columns - 50) < 20)[..., None], 3, 2).astype(np.uint8) * 255
    face = crop(disc, np.array([40.0, 30.0, 60.0, 70.0]), 64, 1.3)[..., 0] > 127
    assert abs(int(face.any(0).sum()) - int(face.any(1).sum())) <= 1
    assert face.any(0).sum() == pytest.approx(64 * 40 / 52, abs=2)


def test_finder_finds_the_astronaut_and_nothing_in_noise(finder):
    image = data.astronaut()
    faces = finder(np.stack([image, noise(*image.shape)]))
    x0, y0, x1, y1 = faces.boxes[0]
    assert faces.probabilities[0] > 0.99 and 60 < x1 - x0 < 130 and 80 < y1 - y0 < 150
    x, y = faces.landmarks[0].T
    assert (x0 < x).all() and (x < x1).all() and (y0 < y).all() and (y < y1).all()
    assert x[0] < x[1] and x[3] < x[4] and y[:2].max() < y[2] < y[3:].min()
    for part in (faces.boxes, faces.probabilities, faces.landmarks):
        assert np.isnan(part[1]).all()


def main_of(finder: FaceFinder, boxes: list, probabilities: list) -> list:
    landmarks = np.arange(len(boxes) * 10, dtype=float).reshape(-1, 5, 2)
    box, p, points = finder._main((200, 300), boxes, probabilities, landmarks)
    return [box.tolist(), p, points[0, 0]]


CENTRAL, CUT_BY_BORDER, SMALL = [120, 60, 180, 140], [250, 0, 330, 110], [145, 95, 155, 105]


def test_main_face_is_central_before_larger_and_larger_before_smaller(finder):
    assert main_of(finder, [CUT_BY_BORDER, CENTRAL], [1.0, 0.95]) == [CENTRAL, 0.95, 10]
    assert main_of(finder, [CENTRAL, SMALL], [0.95, 1.0]) == [CENTRAL, 0.95, 0]


def test_an_improbable_face_is_none(finder):
    assert main_of(finder, [CENTRAL, SMALL], [0.89, 0.91]) == [SMALL, 0.91, 10]
    assert np.isnan(main_of(finder, [CENTRAL], [0.89])[0]).all()
    assert np.isnan(finder._main((200, 300), None, [None], None)[0]).all()


def test_central_face_is_found_beside_a_larger_one_cut_by_the_border(finder):
    face = data.astronaut()[20:220, 120:320]  # its face: about 87 x 110 pixels at (61, 42)
    picture = np.full((260, 560, 3), 128, np.uint8)
    picture[30:230, 180:380] = face
    large = np.asarray(Image.fromarray(face).resize((280, 280)))
    picture[:, 390:] = large[:260, :170]
    box = finder(picture[None]).boxes[0]
    assert 200 < box[0] and box[2] < 360


# ---------------------------------------------------------------- video

@pytest.mark.parametrize("total, count, expected", [
    (75, 5, [0, 18, 37, 56, 74]), (10, 2, [0, 9]), (3, 10, [0, 1, 2]), (4, 4, [0, 1, 2, 3]), (9, 1, [0])])
def test_sample_indices(total, count, expected):
    assert sample_indices(total, count).tolist() == expected


def test_crf_0_is_lossless(tmp_path):
    frames = noise(5, 40, 52, 3)
    write_video(tmp_path / "a.mp4", frames, crf=0)
    numbers, back = read_frames(tmp_path / "a.mp4", count=5)
    assert numbers.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(back, frames)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory) -> Path:
    """A video of 24 frames whose grey level is ten times their number, in the order of B frames."""
    path = tmp_path_factory.mktemp("numbered") / "a.mp4"
    write_video(path, np.stack([np.full((64, 64, 3), 10 * i, np.uint8) for i in range(24)]), crf=23)
    return path


@pytest.mark.parametrize("asked", [{"indices": np.array([0, 3, 7, 22, 23])}, {"count": 6}, {"count": 99}])
def test_exactly_the_frames_asked_for(numbered, asked):
    numbers, frames = read_frames(numbered, **asked)
    assert np.abs(frames.mean(axis=(1, 2, 3)) / 10 - numbers).max() < 0.3
    expected = asked["indices"] if "indices" in asked else sample_indices(24, asked["count"])
    assert numbers.tolist() == expected.tolist() and len(frames) == len(expected)


@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.95])
def test_truncated_video_is_refused_by_name(numbered, tmp_path, share):
    whole = numbered.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CompanionError, match="cut.mp4.*copy it again"):
        read_frames(tmp_path / "cut.mp4", count=4)


def test_truncated_streamable_video_is_refused(numbered, tmp_path):
    """With its index in front, as the web likes it, a cut file opens and decodes up to the cut."""
    streamable = tmp_path / "front.mp4"
    front = {"movflags": "faststart"}
    with av.open(str(numbered)) as old, av.open(str(streamable), "w", options=front) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    assert len(read_frames(streamable, count=24)[1]) == 24
    streamable.write_bytes(streamable.read_bytes()[:-600])
    with pytest.raises(CompanionError, match="front.mp4.*copy it again"):
        read_frames(streamable, count=24)


def test_no_video_and_no_frame_are_refused(numbered, tmp_path):
    (tmp_path / "text.mp4").write_text("Access denied")
    with pytest.raises(CompanionError, match="text.mp4"):
        read_frames(tmp_path / "text.mp4", count=4)
    with pytest.raises(CompanionError, match="absent.mp4"):
        read_frames(tmp_path / "absent.mp4", count=4)
    with pytest.raises(CompanionError, match="ends early: 1 of 2"):
        read_frames(numbered, np.array([3, 24]))


@pytest.mark.parametrize("crf", [0, 23, 40])
def test_audit_reads_the_true_crf(tmp_path, crf):
    write_video(tmp_path / "c23.mp4", noise(2, 32, 32, 3), crf)
    assert audit_crf(tmp_path / "c23.mp4") == crf


def test_audit_of_another_encoder_is_none(tmp_path):
    with av.open(str(tmp_path / "a.mpg"), "w", format="mpeg") as container:
        stream = container.add_stream("mpeg1video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(noise(32, 32, 3), format="rgb24")))
        container.mux(stream.encode())
    assert audit_crf(tmp_path / "a.mpg") is None
    assert len(read_frames(tmp_path / "a.mpg", count=3)[1]) == 1  # MPEG-1 doesn't say how many frames it has


def test_units_join_people_who_lent_each_other_their_faces(tmp_path):
    builder, keys = Builder(tmp_path, SETTINGS), []
    fakes = [("a", "b"), ("b", "a"), ("c", "d"), ("d", "e")]
    for person, source in [(p, "") for p in "abcde"] + fakes:
        method, video = ("swap", f"{person}_{source}") if source else ("original", person)
        row = {"label": int(bool(source)), "video": video, "frame": 0, "identity": person, "source": source,
               "method": method, "split": "test"} | dict.fromkeys(("x0", "y0", "x1", "y1", "probability"), 0.0)
        builder.add(method, video, [row], [np.zeros((SETTINGS["size"],) * 2 + (3,), np.uint8)], [])
        keys.append((method, video))
    assert builder.finish(keys).units("test").tolist() == ["a+b", "a+b", "c", "d", "e", "a+b", "a+b", "c", "d"]
