"""The sources: FaceForensics++ and photographs. What is cut is what was there, nobody leaks between parts."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import maximum_filter
from skimage import data

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import demo, ffpp, forge, photos
from tcnsc_lib.faces.detect import crop
from tcnsc_lib.faces.ffpp import Video
from tcnsc_lib.faces.store import SPLITS, Builder, FaceSet
from tcnsc_lib.faces.video import read_frames, write_video

SHARED = Path(__file__).resolve().parents[1] / "../shared"
GRID, LFW = SHARED / "videos/grid", SHARED / "photos/lfw"
CUT = {"size": 64, "enlarge": 1.3, "frames": 2}
BOX = ["x0", "y0", "x1", "y1"]


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
