"""Which pixels of a crop are forged: from mask videos, and from the two crops of a photograph."""
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from skimage.draw import disk

from tcnsc_lib.faces import layout
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.detect import crop
from tcnsc_lib.faces.ffpp import FaceForensics
from tcnsc_lib.faces.photos import Photographs
from tcnsc_lib.faces.source import FaceSettings
from tcnsc_lib.faces.store import LANDMARKS, FaceSet
from tcnsc_lib.faces.video import write_video
from tcnsc_lib.synthetic.demo import Demo

SIZE = 32
SETTINGS = FaceSettings(size=SIZE, enlarge=1.0)


def row(video: str, frame: int, corner: tuple[int, int], side: int = SIZE,
        method: str = "Deepfakes", split: str = "test") -> dict:
    """A row of a manifest whose crop is this square of the frame; corner: left, top."""
    left, top = corner
    label = int(method != "original")
    target, *donor = video.split("_")
    about = {"label": label, "video": video, "frame": frame, "method": method, "split": split}
    whose = {"identity": target, "source": donor[0] if donor else "", "probability": 1.0}
    box = {"x0": left, "y0": top, "x1": left + side, "y1": top + side}
    return {**about, **whose, **box, **dict.fromkeys(LANDMARKS, 0.0)}


def store(root: Path, *rows: dict) -> FaceSet:
    """A FaceSet of black crops with these rows."""
    builder = Builder(root, {"size": SIZE})
    for about in rows:
        black = np.zeros((SIZE, SIZE, 3), np.uint8)
        builder.add(about["method"], about["video"], [about], [black], [])
    return builder.finish([(about["method"], about["video"]) for about in rows])


# mask videos

@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A layout with one mask video, 64 x 80 pixels, four frames.

    What is white moves four pixels a frame.
    """
    masks = np.zeros((4, 64, 80, 3), np.uint8)
    for i, mask in enumerate(masks):
        mask[20:30, 24 + 4 * i : 40 + 4 * i] = 255
    masks[1, 40:44, 24:28] = (0, 14, 0)  # more than a twentieth, in one channel
    masks[1, 50:54, 24:28] = 12  # less
    masks[:, :4, :4] = 255  # in the frame's corner
    place = tmp_path_factory.mktemp("ffpp")
    write_video(place / "manipulated_sequences/Deepfakes/masks/videos/000_001.mp4", masks, 0)
    return place


@pytest.fixture(scope="module")
def crops(tmp_path_factory) -> FaceSet:
    return store(tmp_path_factory.mktemp("crops"), row("000_001", 0, (20, 16)))


@pytest.fixture
def area(root, crops):
    """area(row, ...): where these rows of a manifest are forged."""

    def area(*rows: dict, root: Path = root) -> np.ndarray:
        source = FaceForensics(root, crops.root, SETTINGS)
        numbered = pd.DataFrame(rows, index=range(7, 7 + len(rows)))
        return source.forged_area(crops, numbered)

    return area


def test_a_mask_of_its_own_frame_is_cut_like_the_crop(area):
    # frames out of order and one twice; the second box cuts the white area, the third misses it
    found = area(row("000_001", 3, (20, 16)), row("000_001", 0, (30, 22)),
                 row("000_001", 2, (45, 31)), row("000_001", 3, (30, 10)))
    assert found.shape == (4, SIZE, SIZE)
    assert found.dtype == bool
    expected = np.zeros_like(found)
    expected[0, 4:14, 16:32] = True  # x from 36 to 52
    expected[1, :8, :10] = True  # x from 24 to 40, y from 20 to 30
    expected[3, 10:20, 6:22] = True
    np.testing.assert_array_equal(found, expected)


def test_a_twentieth_of_the_weight_in_any_channel_counts(area):
    expected = np.zeros((SIZE, SIZE), bool)
    expected[10:14, 4:8] = True  # 14 of 255 in green; 12 in all three is too little
    np.testing.assert_array_equal(area(row("000_001", 1, (20, 30)))[0], expected)


def test_beyond_the_frame_its_edge_is_repeated_as_in_the_crop(area):
    found = area(row("000_001", 0, (-10, -6)))[0]
    expected = np.zeros((SIZE, SIZE), bool)
    expected[:10, :14] = True  # the corner's four pixels, and what stands for those beyond
    expected[26:, 34:] = True
    np.testing.assert_array_equal(found, expected)


def test_a_mask_is_resized_like_the_crop(area):
    found = area(row("000_001", 0, (16, 0), side=64))[0]  # two pixels of the frame make one
    sure = np.zeros((SIZE, SIZE), bool)
    sure[10:15, 4:12] = True
    assert found[sure].all()
    assert found.sum() <= 7 * 10
    picture = np.zeros((64, 80, 3), np.uint8)
    picture[20:30, 24:40] = 255
    cut = crop(picture, (16, 0, 80, 64), SIZE, 1.0)
    assert (cut[found].max(-1) > 0).all()


@pytest.mark.filterwarnings("error")
def test_reals_and_fakes_without_a_mask_video_are_forged_nowhere(area):
    found = area(row("000", 0, (20, 16), method="original"), row("000_001", 0, (20, 16)),
                 row("002_003", 0, (20, 16)), row("000_001", 0, (20, 16), method="FaceSwap"))
    assert found.any((1, 2)).tolist() == [False, True, False, False]


DAMAGES = {
    "half": (lambda whole: whole[: len(whole) // 2], 0),
    "noise": (lambda whole: b"noise" * 99, 0),
    "a frame too few": (lambda whole: whole, 4)}


@pytest.mark.parametrize(("damage", "frame"), DAMAGES.values(), ids=DAMAGES)
def test_fakes_of_a_damaged_mask_video_have_no_mask_and_the_others_theirs(
        area, root, tmp_path, damage, frame):
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    good = layout.folder(tmp_path, "Deepfakes", "masks") / "000_001.mp4"
    good.with_name("000_000.mp4").write_bytes(damage(good.read_bytes()))
    rows = [row("000_000", frame, (20, 16)), row("000_001", 3, (20, 16)),
            row("000_000", 0, (20, 16))]
    with pytest.warns(UserWarning, match="000_000.mp4 .*without a known mask") as told:
        found = area(*rows, root=tmp_path)
    assert len(told) == 1
    assert found.sum((1, 2)).tolist() == [0, 10 * 16, 0]


@pytest.mark.parametrize("kind", [FaceForensics, Demo])
def test_videos_have_their_masks_where_the_source_lies(root, tmp_path, kind):
    faces = store(tmp_path, row("000", 0, (20, 16), method="original"),
                  row("000_001", 0, (20, 16)))
    source = kind(root, tmp_path, SETTINGS)
    found = source.forged_area(faces, faces.rows("test"))
    assert found.sum((1, 2)).tolist() == [0, 10 * 16]


# photographs

def swapped(height: int, hole: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A real crop, its fake, and what was forged: a disk.

    Of a disk with a hole the fake shares some pixels with the real crop.
    """
    random = np.random.default_rng(height)
    real = random.integers(0, 250, (SIZE, SIZE, 3)).astype(np.uint8)
    forged = np.zeros((SIZE, SIZE), bool)
    forged[disk((height, 15), 8)] = True
    fake = real.copy()
    fake[forged, 2] += 1  # the least difference, in one channel
    if hole:
        inside = (slice(height - 2, height + 3), slice(13, 18))
        fake[inside] = real[inside]
    return real, fake, forged


PHOTOGRAPHS = (
    ("ann/1-jpg", 10, False, "train"),
    ("bob/1-jpg", 12, False, "test"),
    ("cat/1-jpg", 20, True, "test"))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> tuple[FaceSet, dict[str, np.ndarray]]:
    """Crops of three photographs, one of another part; and where each fake is forged."""
    builder = Builder(tmp_path_factory.mktemp("photos"), {"size": SIZE})
    forged = {}
    for video, height, hole, split in PHOTOGRAPHS:
        real, fake, forged[video] = swapped(height, hole)
        for method, picture in (("original", real), ("swap", fake)):
            about = row(video, 0, (0, 0), method=method, split=split)
            about |= {"identity": video[:3], "source": ""}
            builder.add(method, video, [about], [picture], [])
    keys = [("original", video) for video in forged] + [("swap", video) for video in forged]
    return builder.finish(keys), forged


@pytest.fixture
def source(photographs) -> Photographs:
    root = photographs[0].root
    return Photographs(root, root, SETTINGS)


def test_a_photographs_forged_pixels_are_those_that_differ_without_holes(photographs, source):
    faces, forged = photographs
    found = source.forged_area(faces, faces.manifest)
    assert found.shape == (6, SIZE, SIZE)
    assert found.dtype == bool
    for about, area in zip(faces.manifest.itertuples(), found, strict=True):
        np.testing.assert_array_equal(area, forged[about.video] & (about.label == 1))


def test_rows_are_those_asked_for_in_their_order(photographs, source):
    faces, forged = photographs
    chosen = faces.rows("test").iloc[[3, 0, 2]]
    found = source.forged_area(faces, chosen)
    for about, area in zip(chosen.itertuples(), found, strict=True):
        np.testing.assert_array_equal(area, forged[about.video] & (about.label == 1))
