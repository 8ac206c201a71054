"""Faces: what is stored is what was cut, what is cut is what was in the video, nobody leaks between parts."""

import errno
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import maximum_filter
from skimage import data

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import codec
from tcnsc_lib.faces import demo, ffpp, forge, photos, store
from tcnsc_lib.faces.detect import FaceFinder, crop, square
from tcnsc_lib.faces.ffpp import Video
from tcnsc_lib.faces.store import SPLITS, Builder, FaceSet
from tcnsc_lib.faces.video import audit_crf, read_frames, sample_indices, write_video

SHARED = Path(__file__).resolve().parents[1] / "../shared"
GRID, LFW = SHARED / "videos/grid", SHARED / "photos/lfw"
CUT = {"size": 64, "enlarge": 1.3, "frames": 2}
BOX = ["x0", "y0", "x1", "y1"]


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


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


# ---------------------------------------------------------------- detect

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


# ---------------------------------------------------------------- ffpp

PAIRS = {"train": [["000", "001"]], "val": [["002", "003"]], "test": [["004", "005"]]}


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of FaceForensics++ with three pairs: talking faces where they are at hand, else the demo's."""
    root = tmp_path_factory.mktemp("ffpp")
    if not GRID.is_dir():
        return demo.make_demo(root, demo.Scale(train=1, val=1, test=1, length=2))
    reals = {f"{i:03d}": read_frames(path, np.array([10, 30]))[1]
             for i, path in enumerate(sorted(GRID.glob("*.mpg"))[:6])}
    for quality, crf in demo.CRF.items():
        for [(a, b)] in PAIRS.values():
            for target, source in ((a, b), (b, a)):
                write_video(ffpp.folder(root, "original", quality) / f"{target}.mp4", reals[target], crf)
                write_video(ffpp.folder(root, "Deepfakes", quality) / f"{target}_{source}.mp4",
                            reals[target][:, :, ::-1], crf)
    (root / "splits").mkdir()
    for part, members in PAIRS.items():
        (root / "splits" / f"{part}.json").write_text(json.dumps(members))
    return root


@pytest.fixture(scope="module")
def sets(copy, tmp_path_factory) -> dict[str, FaceSet]:
    out = tmp_path_factory.mktemp("faces")
    return {quality: ffpp.extract(ffpp.videos(copy, "Deepfakes", quality, "official"), out, quality, **CUT)
            for quality in ffpp.QUALITIES}


def test_videos_carry_label_identity_source_and_part(copy):
    clips = ffpp.videos(copy, "Deepfakes", "c23", "official")
    assert [clip.name for clip in clips] == [f"{i:03d}" for i in range(6)] + \
        ["000_001", "001_000", "002_003", "003_002", "004_005", "005_004"]
    assert [clip.label for clip in clips] == [0] * 6 + [1] * 6
    assert [clip.identity for clip in clips] == [f"{i:03d}" for i in range(6)] * 2
    assert [clip.source for clip in clips] == [""] * 6 + ["001", "000", "003", "002", "005", "004"]
    assert [clip.split for clip in clips] == ["train", "train", "val", "val", "test", "test"] * 2


def test_every_frame_gives_a_crop_that_is_in_the_video(copy, sets):
    faces = sets["raw"]
    assert len(faces) == 24 and faces.missed.empty
    assert faces.manifest.groupby("video").frame.apply(list).tolist() == [[0, 1]] * 12
    clips = ffpp.videos(copy, "Deepfakes", "raw", "official")
    frames = {clip.name: read_frames(clip.path, count=2)[1] for clip in clips}
    for row in faces.manifest.itertuples():
        expected = crop(frames[row.video][row.frame], np.array([row.x0, row.y0, row.x1, row.y1]), 64, 1.3)
        np.testing.assert_array_equal(faces.load(row.file), expected)
        assert (row.label, row.identity, row.source) == (len(row.video) // 7, row.video[:3], row.video[4:])


def test_qualities_share_frames_and_boxes_but_not_pixels(sets):
    raw = sets["raw"].manifest
    for quality in ("c23", "c40"):
        pd.testing.assert_frame_equal(sets[quality].manifest.drop(columns="crc"), raw.drop(columns="crc"))
    pixels = {quality: np.stack([faces.load(file) for file in raw.file]).astype(int)
              for quality, faces in sets.items()}
    error = {quality: np.abs(pixels[quality] - pixels["raw"]).mean() for quality in ("c23", "c40")}
    assert 0 < error["c23"] < error["c40"] < 20


def test_official_split_has_no_leak(sets):
    assert ffpp.audit(sets["raw"].manifest)["count"].tolist() == [0, 0, 0]


def test_damaged_videos_and_frames_without_a_face_are_listed(copy, tmp_path):
    good, other = (ffpp.folder(copy, "original", "raw") / f"{i:03d}.mp4" for i in (0, 1))
    frames = read_frames(other, count=2)[1]
    frames[1] = 128
    write_video(tmp_path / "001.mp4", frames, 0)
    (tmp_path / "002.mp4").write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    paths = (good, tmp_path / "001.mp4", tmp_path / "002.mp4")
    clips = [Video(path, path.stem, "original", "train") for path in paths]
    faces = ffpp.extract(clips, tmp_path / "out", "raw", **CUT)
    assert list(zip(faces.manifest.video, faces.manifest.frame)) == [("000", 0), ("000", 1), ("001", 0)]
    assert faces.missed[["video", "frame"]].values.tolist() == [["001", "1"], ["002", ""]]
    assert faces.missed.reason[0] == "no face" and "002.mp4 doesn't decode" in faces.missed.reason[1]


def test_random_split_is_700_150_150_and_seeded():
    split = ffpp.random_split(seed=0)
    assert pd.Series(split).value_counts().to_dict() == {"train": 700, "val": 150, "test": 150}
    assert set(split) == set(ffpp.NUMBERS) and split == ffpp.random_split(seed=0) != ffpp.random_split(seed=1)


def manifest(split: dict[str, str], source) -> pd.DataFrame:
    """One real and one fake of everybody; source: a person's number -> that of the face put in."""
    reals = [{"video": n, "method": "original", "label": 0, "identity": n, "source": ""} for n in split]
    fakes = [{"video": f"{n}_{source(n)}", "method": "Deepfakes", "label": 1, "identity": n,
              "source": source(n)} for n in split]
    return pd.DataFrame([row | {"split": split[row["identity"]]} for row in reals + fakes])


def test_random_split_leaks_the_source_of_70_percent_of_test_fakes():
    table = ffpp.audit(manifest(ffpp.random_split(), lambda n: f"{(int(n) + 1) % 1000:03d}"))
    assert table.loc["test people whose own video is in training", "count"] == 0
    leak = table.loc["test fakes whose source person is in training"]
    assert leak["of"] == 150 and 0.6 < leak["count"] / leak["of"] < 0.8


def test_audit_counts_by_hand():
    split = {"000": "train", "001": "train", "002": "test", "003": "test"}
    table = manifest(split, {"000": "003", "001": "000", "002": "000", "003": "002"}.get)
    table.loc[len(table)] = {"video": "000b", "method": "original", "label": 0, "identity": "000",
                             "source": "", "split": "test"}
    # test people: 000 (in training too), 002, 003; test fakes: 002_000 (000 trains, as a source too), 003_002
    assert ffpp.audit(table).values.tolist() == [[1, 3], [1, 2], [1, 2]]


def test_partial_copy_is_told_by_what_it_lacks(tmp_path):
    present = {"original": ["000", "001", "002"], "Deepfakes": ["000_001", "001_000", "007_008"]}
    for method, names in present.items():
        ffpp.folder(tmp_path, method, "c23").mkdir(parents=True)
        for name in names:
            (ffpp.folder(tmp_path, method, "c23") / f"{name}.mp4").touch()
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "train.json").write_text("[]")
    lacks = ffpp.missing(tmp_path, "Deepfakes", "c23").set_index("what")
    assert lacks["count"].tolist() == [3, 3, 1, 1, 2]
    assert lacks.which["real videos without a fake"] == "002"
    assert lacks.which["fakes without their real video"] == "007"
    assert lacks.which["split files missing"] == "test val"


def test_wrong_layout_missing_split_and_unknown_method_are_refused(copy, tmp_path):
    with pytest.raises(CompanionError, match=str(tmp_path / "original_sequences/youtube/raw/videos")):
        ffpp.videos(tmp_path, "Deepfakes", "raw", "paper")
    with pytest.raises(CompanionError, match="manipulated_sequences/FaceSwap/raw/videos"):
        ffpp.videos(copy, "FaceSwap", "raw", "paper")
    with pytest.raises(CompanionError, match="no method 'Deepfake'.*Deepfakes, Face2Face"):
        ffpp.videos(copy, "Deepfake", "raw", "paper")
    for method in ("original", "Deepfakes"):
        shutil.copytree(ffpp.folder(copy, method, "raw"), ffpp.folder(tmp_path, method, "raw"))
    with pytest.raises(CompanionError, match="splits/train.json is missing"):
        ffpp.videos(tmp_path, "Deepfakes", "raw", "official")
    assert len(ffpp.videos(tmp_path, "Deepfakes", "raw", "paper")) == 12


def same_files(one: Path, two: Path) -> bool:
    """Whether two FaceSets have the same manifest and the same crops, byte for byte, and nothing else."""
    names = [sorted(p.relative_to(root) for p in root.rglob("*.[pc][ns][gv]")) for root in (one, two)]
    return names[0] == names[1] and all((one / n).read_bytes() == (two / n).read_bytes() for n in names[0])


def test_interrupted_extraction_ends_in_the_same_bytes(copy, sets, tmp_path, monkeypatch):
    clips, add, done = ffpp.videos(copy, "Deepfakes", "raw", "official"), Builder.add, []

    def stop_after_four(self, method, video, *rest):
        if len(done) == 4:
            raise KeyboardInterrupt
        add(self, method, video, *rest)
        done.append(video)

    with monkeypatch.context() as patch:
        patch.setattr(Builder, "add", stop_after_four)
        with pytest.raises(KeyboardInterrupt):
            ffpp.extract(clips, tmp_path, "raw", **CUT)
    with pytest.raises(CompanionError, match="unfinished"):
        FaceSet(tmp_path / "raw")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "raw/crops").rglob("*.png")}
    ffpp.extract(clips, tmp_path, "raw", **CUT)
    assert len(times) == 8 and all(path.stat().st_mtime_ns == time for path, time in times.items())
    assert same_files(tmp_path / "raw", sets["raw"].root)


KILLED = """
import os, signal, sys
from pathlib import Path
from PIL import Image
from tcnsc_lib.faces import ffpp
save, count = Image.Image.save, [0]
def half(image, path, **options):
    save(image, path, **options)
    count[0] += 1
    if count[0] == 6:
        data = Path(path).read_bytes()
        Path(path).write_bytes(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
Image.Image.save = half
ffpp.extract(ffpp.videos(Path(sys.argv[1]), "Deepfakes", "c40", "official"), Path(sys.argv[2]), "c40",
             size=64, enlarge=1.3, frames=2)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL, which this system doesn't have")
def test_killed_extraction_ends_in_the_same_bytes(copy, sets, tmp_path):
    shutil.copytree(sets["c40"].root.parent / "boxes", tmp_path / "boxes")
    command = [sys.executable, "-c", KILLED, str(copy), str(tmp_path)]
    killed = subprocess.run(command, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list((tmp_path / "c40/crops").rglob("*.png"))) == 6
    with pytest.raises(CompanionError, match="unfinished"):
        FaceSet(tmp_path / "c40")
    ffpp.extract(ffpp.videos(copy, "Deepfakes", "c40", "official"), tmp_path, "c40", **CUT)
    assert same_files(tmp_path / "c40", sets["c40"].root)


def test_finished_set_is_read_without_looking_for_faces(copy, sets, monkeypatch):
    monkeypatch.setattr(ffpp, "FaceFinder", lambda device: pytest.fail("the faces were looked for again"))
    clips = ffpp.videos(copy, "Deepfakes", "raw", "official")
    assert ffpp.extract(clips, sets["raw"].root.parent, "raw", **CUT).fingerprint == sets["raw"].fingerprint


def test_a_face_in_every_frame_of_grid(finder):
    if not GRID.is_dir():
        pytest.skip("the GRID clips lie outside the repository and are not here")
    for path in sorted(GRID.glob("*.mpg"))[-3:]:
        numbers, frames = read_frames(path, count=5)
        faces = finder(frames)
        heights = faces.boxes[:, 3] - faces.boxes[:, 1]
        assert numbers.tolist() == [0, 18, 37, 56, 74] and (faces.probabilities > 0.9).all()
        assert (100 < heights).all() and (heights < 200).all()


# ---------------------------------------------------------------- photos

PEOPLE = 12
PHOTOS = {"size": 64, "enlarge": 1.3, "bottleneck": 48}


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Path:
    """A photograph of each of 12 people and its mirror image; one is truncated, one shows a wall."""
    if not LFW.is_dir():
        pytest.skip("the photographs of LFW lie outside the repository and are not here")
    root, people = tmp_path_factory.mktemp("album"), sorted(LFW.iterdir())[:PEOPLE]
    for person in people:
        (root / person.name).mkdir()
        path = min(person.glob("*.jpg"))
        (root / person.name / path.name).write_bytes(path.read_bytes())
        with Image.open(path) as image:
            image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(root / person.name / "mirrored.png")
    whole = next((root / people[0].name).glob("*.jpg")).read_bytes()
    (root / people[0].name / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (250, 250), (128, 128, 128)).save(root / people[1].name / "grey.png")
    return root


@pytest.fixture(scope="module")
def portraits(album, tmp_path_factory) -> FaceSet:
    return photos.extract(album, tmp_path_factory.mktemp("portraits"), **PHOTOS)


def pairs_of(faces: FaceSet) -> list[tuple]:
    real, fake = (faces.manifest[faces.manifest.label == label].set_index("video") for label in (0, 1))
    assert real.index.is_unique and sorted(real.index) == sorted(fake.index)
    return [(name, real.loc[name], fake.loc[name]) for name in real.index]


def photograph(album: Path, person: str, name: str) -> Path:
    """The file of a photograph's name, which is the person's, the file's and its type."""
    [path] = [p for p in (album / person).iterdir() if name == f"{person}/{p.stem}-{p.suffix[1:]}"]
    return path


def test_damaged_and_faceless_photographs_are_listed(album, portraits):
    assert len(pairs_of(portraits)) == 2 * PEOPLE
    reasons = portraits.missed.set_index("video").reason
    assert sorted(name.split("/")[-1] for name in reasons.index) == ["cut-jpg", "grey-png"]
    assert "cut.jpg can't be read" in reasons.filter(like="cut").iloc[0]
    assert reasons.filter(like="grey").iloc[0] == "no face"


def test_real_and_fake_share_box_and_part_and_the_fake_names_its_source(portraits):
    for _, real, fake in pairs_of(portraits):
        assert real[[*BOX, "split", "identity"]].tolist() == fake[[*BOX, "split", "identity"]].tolist()
        assert real.source == "" and fake.source not in ("", fake.identity)


def test_a_fake_differs_from_its_real_inside_the_face_only(album, portraits):
    for name, real, fake in pairs_of(portraits):
        path = photograph(album, real.identity, name)
        found = json.loads((portraits.root.parent / "boxes" / f"{name}.json").read_text())
        mask = forge.face_mask(np.array(found["landmarks"]), np.asarray(Image.open(path)).shape)
        box = real[BOX].to_numpy(float)
        one, two = (portraits.load(row.file).astype(int) for row in (real, fake))
        near = np.repeat((maximum_filter(mask, 13) > 0)[..., None], 3, 2).astype(np.uint8) * 255
        outside = crop(near, box, 64, 1.3) == 0  # farther from the mask than the resampling reaches
        assert outside.mean() > 0.1 and outside[0, 0].all() and outside[-1, -1].all()
        np.testing.assert_array_equal(one[outside], two[outside])
        inside = crop(np.repeat((mask > 0.9)[..., None], 3, 2).astype(np.uint8) * 255, box, 64, 1.3) == 255
        assert np.abs(one - two)[inside].mean() > 2


def test_the_real_crop_is_the_photograph_itself(album, portraits):
    for name, real, _ in pairs_of(portraits)[:3]:
        path = photograph(album, real.identity, name)
        expected = crop(np.asarray(Image.open(path).convert("RGB")), real[BOX].to_numpy(float), 64, 1.3)
        np.testing.assert_array_equal(portraits.load(real.file), expected)


def test_nobody_is_in_two_parts_and_donors_come_from_the_same(portraits):
    assert (portraits.manifest.groupby("identity").split.nunique() == 1).all()
    assert set(portraits.manifest.split) == set(SPLITS)
    part = portraits.manifest.groupby("identity").split.first()
    fakes = portraits.manifest[portraits.manifest.label == 1]
    assert fakes.source.map(part).tolist() == fakes.split.tolist()
    assert ffpp.audit(portraits.manifest)["count"].tolist() == [0, 0, 0]


def test_interrupted_photographs_end_in_the_same_bytes(album, portraits, tmp_path, monkeypatch):
    shutil.copytree(portraits.root.parent / "boxes", tmp_path / "boxes")
    add, calls = Builder.add, []

    def stop_between_real_and_fake(self, method, *rest):
        calls.append(method)
        if len(calls) == 8:
            assert method == "swap"
            raise KeyboardInterrupt
        add(self, method, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Builder, "add", stop_between_real_and_fake)
        with pytest.raises(KeyboardInterrupt):
            photos.extract(album, tmp_path, **PHOTOS)
    photos.extract(album, tmp_path, **PHOTOS)
    assert same_files(tmp_path / "raw", portraits.root)


def test_photographs_without_subfolders_and_absent_folders_are_refused(tmp_path):
    for i in range(12):
        (tmp_path / f"{i}.jpg").touch()
    with pytest.raises(CompanionError, match="no photographs in subfolders"):
        photos.extract(tmp_path, tmp_path / "out", **PHOTOS)
    with pytest.raises(CompanionError, match="no folder .*absent"):
        photos.photographs(tmp_path / "absent")


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


def test_a_video_copied_anew_is_cut_anew(tmp_path):
    frames = np.stack([data.astronaut()[:200, 130:330]] * 2)
    path, out = tmp_path / "000.mp4", tmp_path / "out"
    clips, options = [ffpp.Video(path, "000", "original", "test")], {"size": 32, "enlarge": 1.3, "frames": 2}
    path.write_bytes(b"half a copy")
    with pytest.raises(CompanionError, match="doesn't decode"):
        ffpp.extract(clips, out, "raw", **options)
    write_video(path, frames, 0)
    before = ffpp.extract(clips, out, "raw", **options).manifest
    write_video(path, np.roll(frames, 25, axis=2), 0)
    after = ffpp.extract(clips, out, "raw", **options).manifest
    assert (after.x0 > before.x0 + 15).all() and (after.crc != before.crc).all()
