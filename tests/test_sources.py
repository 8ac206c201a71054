"""FaceForensics++: what is cut is what was there, and a killed extraction ends the same."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from main_faces import main_faces
from skimage import data

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import clips, ffpp, layout
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.clips import Video, extract
from tcnsc_lib.faces.detect import crop
from tcnsc_lib.faces.ffpp import FaceForensics
from tcnsc_lib.faces.source import FaceSettings, Source
from tcnsc_lib.faces.splits import audit
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.video import read_frames, write_video
from tcnsc_lib.synthetic import demo

GRID = Path(__file__).resolve().parents[1] / "../shared/videos/grid"
CUT = FaceSettings(size=64, enlarge=1.3, frames=2, split="official")
REALS = [f"{i:03d}" for i in range(6)]
FAKES = ["000_001", "001_000", "002_003", "003_002", "004_005", "005_004"]
SPLITS = {"train": [["000", "001"]], "val": [["002", "003"]], "test": [["004", "005"]]}


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of FaceForensics++ with three pairs.

    They are talking faces, fakes mirrored, where such are at hand; else the demo's.
    """
    root = tmp_path_factory.mktemp("ffpp")
    if not GRID.is_dir():
        return demo.make_demo(root, demo.Scale(train=1, val=1, test=1, length=2))
    wanted = np.array([10, 30])
    paths = sorted(GRID.glob("*.mpg"))[: len(REALS)]
    for fake, path in zip(FAKES, paths, strict=True):
        frames = read_frames(path, wanted)[1]
        for quality, crf in demo.CRF.items():
            write_video(layout.folder(root, "original", quality) / f"{fake[:3]}.mp4", frames, crf)
            mirrored = layout.folder(root, "Deepfakes", quality) / f"{fake}.mp4"
            write_video(mirrored, frames[:, :, ::-1], crf)
    (root / "splits").mkdir()
    for part, members in SPLITS.items():
        (root / "splits" / f"{part}.json").write_text(json.dumps(members))
    return root


@pytest.fixture(scope="module")
def source(copy, tmp_path_factory) -> FaceForensics:
    return FaceForensics(copy, tmp_path_factory.mktemp("faces"), CUT)


@pytest.fixture(scope="module")
def sets(source) -> dict[str, FaceSet]:
    return {quality: source.faces(quality) for quality in layout.QUALITIES}


def extracted(videos: Sequence[Video], out: Path) -> FaceSet:
    return extract(list(videos), out, "raw", CUT)


# ---------------------------------------------------------------- what is there


def test_videos_carry_label_identity_source_and_part(source):
    found = source.clips("c23")
    parts = ["train", "train", "val", "val", "test", "test"]
    assert [clip.name for clip in found] == REALS + FAKES
    assert [clip.label for clip in found] == [0] * 6 + [1] * 6
    assert [clip.identity for clip in found] == REALS * 2
    assert [clip.source for clip in found] == [""] * 6 + [fake[4:] for fake in FAKES]
    assert [clip.split for clip in found] == parts * 2


def test_every_frame_gives_a_crop_that_is_in_the_video(source, sets):
    faces = sets["raw"]
    assert len(faces) == 24
    assert faces.missed.empty
    assert faces.manifest.groupby("video").frame.apply(list).tolist() == [[0, 1]] * 12
    frames = {clip.name: read_frames(clip.path, count=2)[1] for clip in source.clips()}
    for row in faces.manifest.itertuples():
        box = np.array([row.x0, row.y0, row.x1, row.y1])
        expected = crop(frames[row.video][row.frame], box, CUT.size, CUT.enlarge)
        np.testing.assert_array_equal(faces.load(row.file), expected)
        assert row.label == int("_" in row.video)
        assert (row.identity, row.source) == (row.video[:3], row.video[4:])


def test_qualities_share_frames_and_boxes_but_not_pixels(sets):
    raw = sets["raw"].manifest
    before = np.stack([sets["raw"].load(file) for file in raw.file]).astype(int)
    error = {}
    for quality in ("c23", "c40"):
        other = sets[quality].manifest
        pd.testing.assert_frame_equal(other.drop(columns="crc"), raw.drop(columns="crc"))
        after = np.stack([sets[quality].load(file) for file in raw.file])
        error[quality] = np.abs(after - before).mean()
    assert 0 < error["c23"] < error["c40"] < 20


def test_official_split_has_no_leak(sets):
    assert audit(sets["raw"].manifest)["count"].tolist() == [0, 0, 0]


def test_damaged_videos_and_frames_without_a_face_are_listed(copy, tmp_path):
    folder = layout.folder(copy, "original", "raw")
    frames = read_frames(folder / "001.mp4", count=2)[1]
    frames[1] = 128
    write_video(tmp_path / "001.mp4", frames, 0)
    whole = (folder / "000.mp4").read_bytes()
    (tmp_path / "002.mp4").write_bytes(whole[: len(whole) // 2])
    paths = (folder / "000.mp4", tmp_path / "001.mp4", tmp_path / "002.mp4")
    videos = [Video(path, path.stem, "original", "train") for path in paths]
    faces = extracted(videos, tmp_path / "out")
    cut = faces.manifest[["video", "frame"]].values.tolist()
    assert cut == [["000", 0], ["000", 1], ["001", 0]]
    assert faces.missed[["video", "frame"]].values.tolist() == [["001", "1"], ["002", ""]]
    assert faces.missed.reason[0] == "no face"
    assert "002.mp4 doesn't decode" in faces.missed.reason[1]


def test_crops_say_how_they_were_made(sets):
    expected = {"size": 64, "enlarge": 1.3, "frames": 2, "quality": "c23"}
    expected["boxes found in"] = "raw"
    of_the_source = {"method": "Deepfakes", "split": "official", "seed": 0}
    assert sets["c23"].settings == expected | of_the_source


def test_a_face_in_every_frame_of_grid(finder):
    if not GRID.is_dir():
        pytest.skip("the GRID clips lie outside the repository and are not here")
    for path in sorted(GRID.glob("*.mpg"))[-3:]:
        numbers, frames = read_frames(path, count=5)
        faces = main_faces(finder, frames)
        heights = faces.boxes[:, 3] - faces.boxes[:, 1]
        assert numbers.tolist() == [0, 18, 37, 56, 74]
        assert (faces.probabilities > 0.9).all()
        assert ((heights > 100) & (heights < 200)).all()


# ---------------------------------------------------------------- what is lacking


def test_wrong_layout_missing_split_and_unknown_method_are_refused(copy, tmp_path):
    with pytest.raises(CompanionError, match=f"{tmp_path}/original_sequences/youtube/raw/videos"):
        ffpp.videos(tmp_path, "Deepfakes", "raw", "paper")
    with pytest.raises(CompanionError, match="manipulated_sequences/FaceSwap/raw/videos"):
        ffpp.videos(copy, "FaceSwap", "raw", "paper")
    with pytest.raises(CompanionError, match="no method 'Deepfake'.*Deepfakes, Face2Face"):
        ffpp.videos(copy, "Deepfake", "raw", "paper")
    for method in ("original", "Deepfakes"):
        there = layout.folder(copy, method, "raw")
        shutil.copytree(there, layout.folder(tmp_path, method, "raw"))
    with pytest.raises(CompanionError, match="splits/train.json is not there"):
        ffpp.videos(tmp_path, "Deepfakes", "raw", "official")
    assert len(ffpp.videos(tmp_path, "Deepfakes", "raw", "paper")) == 12


def test_a_source_without_videos_says_so(tmp_path):
    with pytest.raises(CompanionError, match=f"{tmp_path} holds no videos; choose"):
        Source(tmp_path, tmp_path, CUT).clips()


# ---------------------------------------------------------------- cut short, and begun again


def same_files(one: Path, two: Path) -> bool:
    """Whether two FaceSets have the same manifest and crops, byte for byte, and nothing else."""
    files = [path.relative_to(one) for path in sorted(one.rglob("*.[pc][ns][gv]"))]
    if files != [path.relative_to(two) for path in sorted(two.rglob("*.[pc][ns][gv]"))]:
        return False
    return all((one / file).read_bytes() == (two / file).read_bytes() for file in files)


def times(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.png")}


def test_interrupted_extraction_ends_in_the_same_bytes(source, sets, tmp_path, monkeypatch):
    add = Builder.add
    done = []

    def stop_after_four(self, method, video, *rest, **named):
        if len(done) == 4:
            raise KeyboardInterrupt
        add(self, method, video, *rest, **named)
        done.append(video)

    again = FaceForensics(source.root, tmp_path, CUT)
    with monkeypatch.context() as patch:
        patch.setattr(Builder, "add", stop_after_four)
        with pytest.raises(KeyboardInterrupt):
            again.faces()
    with pytest.raises(CompanionError, match="unfinished"):
        FaceSet(tmp_path / "raw")
    before = times(tmp_path / "raw/crops")
    again.faces()
    after = times(tmp_path / "raw/crops")
    assert len(before) == 8
    assert {path: after[path] for path in before} == before
    assert same_files(tmp_path / "raw", sets["raw"].root)


KILLED = """
import os, signal, sys
from pathlib import Path
from PIL import Image
from tcnsc_lib.faces.ffpp import FaceForensics
from tcnsc_lib.faces.source import FaceSettings
save = Image.Image.save
count = [0]
def half(image, path, **options):
    save(image, path, **options)
    count[0] += 1
    if count[0] == 6:
        data = Path(path).read_bytes()
        Path(path).write_bytes(data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
Image.Image.save = half
settings = FaceSettings(size=64, enlarge=1.3, frames=2, split="official")
FaceForensics(Path(sys.argv[1]), Path(sys.argv[2]), settings).faces("c40")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_extraction_ends_in_the_same_bytes(source, sets, tmp_path):
    shutil.copytree(source.out / "boxes", tmp_path / "boxes")
    command = [sys.executable, "-c", KILLED, str(source.root), str(tmp_path)]
    killed = subprocess.run(command, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list((tmp_path / "c40/crops").rglob("*.png"))) == 5
    assert len(list((tmp_path / "c40/crops").rglob("*.part"))) == 1  # half of the sixth
    with pytest.raises(CompanionError, match="unfinished"):
        FaceSet(tmp_path / "c40")
    FaceForensics(source.root, tmp_path, CUT).faces("c40")
    assert same_files(tmp_path / "c40", sets["c40"].root)


def test_finished_set_is_read_without_looking_for_faces(source, sets, monkeypatch):
    monkeypatch.setattr(clips, "FaceFinder", lambda device: pytest.fail("looked for faces again"))
    assert source.faces().fingerprint == sets["raw"].fingerprint


def test_a_video_copied_anew_is_cut_anew(tmp_path):
    frames = np.stack([data.astronaut()[:200, 130:330]] * 2)
    path = tmp_path / "000.mp4"
    path.write_bytes(b"half a copy")
    videos = [Video(path, "000", "original", "test")]
    with pytest.raises(CompanionError, match="doesn't decode"):
        extracted(videos, tmp_path / "out")
    write_video(path, frames, 0)
    before = extracted(videos, tmp_path / "out").manifest
    write_video(path, np.roll(frames, 25, axis=2), 0)
    after = extracted(videos, tmp_path / "out").manifest
    assert (after.x0 > before.x0 + 15).all()
    assert (after.crc != before.crc).all()
