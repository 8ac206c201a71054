"""Which pixels of a crop are forged: from FaceForensics++'s mask videos, and from the two crops of a photograph."""
import shutil

import numpy as np
import pandas as pd
import pytest
from skimage.draw import disk

from tcnsc_lib import profiles
from tcnsc_lib.faces import ffpp, photos
from tcnsc_lib.faces.detect import crop
from tcnsc_lib.faces.store import LANDMARKS, Builder, FaceSet
from tcnsc_lib.faces.video import write_video
from tcnsc_lib.profiles import Profile

SIZE = 32


def row(video: str, frame: int, left: int, top: int, side: int = SIZE, method: str = "Deepfakes",
        split: str = "test") -> dict:
    """A row of a manifest whose crop is this square of the frame."""
    fake = method != "original"
    return {"label": int(fake), "video": video, "frame": frame, "identity": video.split("_")[0], "split": split,
            "source": video.split("_")[-1] if fake else "", "method": method, "probability": 1.0,
            "x0": left, "y0": top, "x1": left + side, "y1": top + side, **dict.fromkeys(LANDMARKS, 0.0)}


# mask videos

@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A layout with one mask video, 64 x 80 pixels, four frames: what is white moves four pixels a frame."""
    masks = np.zeros((4, 64, 80, 3), np.uint8)
    for i, mask in enumerate(masks):
        mask[20:30, 24 + 4 * i : 40 + 4 * i] = 255
    masks[1, 40:44, 24:28] = (0, 14, 0)  # more than a twentieth, in one channel
    masks[1, 50:54, 24:28] = 12  # less
    masks[:, :4, :4] = 255  # in the frame's corner
    place = tmp_path_factory.mktemp("ffpp")
    write_video(place / "manipulated_sequences/Deepfakes/masks/videos/000_001.mp4", masks, 0)
    return place


def area(root, *rows: dict) -> np.ndarray:
    return ffpp.forged_area(pd.DataFrame(rows, index=range(7, 7 + len(rows))), root, SIZE, 1.0)


def test_a_mask_of_its_own_frame_is_cut_like_the_crop(root):
    # frames out of order and one twice; the second box cuts the white area, the third misses it
    found = area(root, row("000_001", 3, 20, 16), row("000_001", 0, 30, 22), row("000_001", 2, 45, 31),
                 row("000_001", 3, 30, 10))
    assert found.shape == (4, SIZE, SIZE) and found.dtype == bool
    expected = np.zeros_like(found)
    expected[0, 4:14, 16:32] = True  # x from 36 to 52
    expected[1, :8, :10] = True  # x from 24 to 40, y from 20 to 30
    expected[3, 10:20, 6:22] = True
    np.testing.assert_array_equal(found, expected)


def test_a_twentieth_of_the_weight_in_any_channel_counts(root):
    expected = np.zeros((SIZE, SIZE), bool)
    expected[10:14, 4:8] = True  # 14 of 255 in green; 12 in all three is too little
    np.testing.assert_array_equal(area(root, row("000_001", 1, 20, 30))[0], expected)


def test_beyond_the_frame_its_edge_is_repeated_as_in_the_crop(root):
    found = area(root, row("000_001", 0, -10, -6))[0]
    expected = np.zeros((SIZE, SIZE), bool)
    expected[:10, :14] = True  # the corner's four pixels, and what stands for those beyond
    expected[26:, 34:] = True
    np.testing.assert_array_equal(found, expected)


def test_a_mask_is_resized_like_the_crop(root):
    found = area(root, row("000_001", 0, 16, 0, side=64))[0]  # two pixels of the frame make one of the crop
    sure = np.zeros((SIZE, SIZE), bool)
    sure[10:15, 4:12] = True
    assert found[sure].all() and found.sum() <= 7 * 10
    picture = np.zeros((64, 80, 3), np.uint8)
    picture[20:30, 24:40] = 255
    assert (crop(picture, (16, 0, 80, 64), SIZE, 1.0)[found].max(-1) > 0).all()


@pytest.mark.filterwarnings("error")
def test_reals_and_fakes_without_a_mask_video_are_forged_nowhere(root):
    found = area(root, row("000", 0, 20, 16, method="original"), row("000_001", 0, 20, 16),
                 row("002_003", 0, 20, 16), row("000_001", 0, 20, 16, method="FaceSwap"))
    assert found.any((1, 2)).tolist() == [False, True, False, False]


@pytest.mark.parametrize("damage, frame", [(lambda whole: whole[: len(whole) // 2], 0), (lambda whole: b"noise" * 99, 0),
                                           (lambda whole: whole, 4)], ids=["half", "noise", "a frame too few"])
def test_fakes_of_a_damaged_mask_video_have_no_mask_and_the_others_theirs(root, tmp_path, damage, frame):
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    good = ffpp.folder(tmp_path, "Deepfakes", "masks") / "000_001.mp4"
    good.with_name("000_000.mp4").write_bytes(damage(good.read_bytes()))
    with pytest.warns(UserWarning, match="000_000.mp4 .*without a known mask") as told:
        found = area(tmp_path, row("000_000", frame, 20, 16), row("000_001", 3, 20, 16), row("000_000", 0, 20, 16))
    assert len(told) == 1 and found.sum((1, 2)).tolist() == [0, 10 * 16, 0]


# photographs

def swapped(height: int, hole: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A real crop, its fake, and what was forged: a disk, of which a fake with a hole shares some pixels with the real."""
    real = np.random.default_rng(height).integers(0, 250, (SIZE, SIZE, 3)).astype(np.uint8)
    forged = np.zeros((SIZE, SIZE), bool)
    forged[disk((height, 15), 8)] = True
    fake = real.copy()
    fake[forged, 2] += 1  # the least difference, in one channel
    if hole:
        fake[height - 2 : height + 3, 13:18] = real[height - 2 : height + 3, 13:18]
    return real, fake, forged


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> tuple[FaceSet, dict[str, np.ndarray]]:
    """Crops of three photographs, one of them of another part; and where each fake is forged."""
    builder, forged = Builder(tmp_path_factory.mktemp("photos"), {"size": SIZE}), {}
    for video, height, hole, split in (("ann/1-jpg", 10, False, "train"), ("bob/1-jpg", 12, False, "test"),
                                       ("cat/1-jpg", 20, True, "test")):
        real, fake, forged[video] = swapped(height, hole)
        for method, picture in (("original", real), ("swap", fake)):
            about = row(video, 0, 0, 0, method=method, split=split) | {"identity": video[:3], "source": ""}
            builder.add(method, video, [about], [picture], [])
    keys = [(method, video) for method in ("original", "swap") for video in forged]
    return builder.finish(keys), forged


def test_a_photographs_forged_pixels_are_those_that_differ_without_holes(photographs):
    faces, forged = photographs
    found = photos.forged_area(faces, faces.manifest)
    assert found.shape == (6, SIZE, SIZE) and found.dtype == bool
    for row_, area_ in zip(faces.manifest.itertuples(), found, strict=True):
        np.testing.assert_array_equal(area_, forged[row_.video] & (row_.label == 1))
    part = faces.manifest.iloc[[5, 1]]  # some rows, in their order
    np.testing.assert_array_equal(photos.forged_area(faces, part), found[[5, 1]])


# by profile

def test_rows_are_those_of_the_test_part(photographs, monkeypatch):
    faces, forged = photographs
    monkeypatch.setattr(profiles, "faces", lambda p: faces)
    test = faces.rows("test")
    found = profiles.forged_area(Profile("toy", "photos", size=SIZE), np.array([3, 0, 2]))
    for number, area_ in zip((3, 0, 2), found, strict=True):
        np.testing.assert_array_equal(area_, forged[test.video[number]] & (test.label[number] == 1))


@pytest.mark.parametrize("source", ["ffpp", "demo"])
def test_videos_have_their_masks_where_the_source_lies(root, monkeypatch, tmp_path, source):
    builder = Builder(tmp_path, {"size": SIZE})
    for about in (row("000", 0, 20, 16, method="original"), row("000_001", 0, 20, 16)):
        builder.add(about["method"], about["video"], [about], [np.zeros((SIZE, SIZE, 3), np.uint8)], [])
    faces = builder.finish([("original", "000"), ("Deepfakes", "000_001")])
    monkeypatch.setattr(profiles, "faces", lambda p: faces)
    monkeypatch.setattr(profiles, "source_folder", lambda p: root)
    found = profiles.forged_area(Profile("toy", source, size=SIZE, enlarge=1.0), np.array([0, 1]))
    assert found.sum((1, 2)).tolist() == [0, 10 * 16]
