"""The demo: rendered people whom MTCNN takes for real, swaps of the inner face alone, the layout of FF++."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import laplace

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import demo, ffpp, forge
from tcnsc_lib.faces.demo import Scale, make_demo, pairs
from tcnsc_lib.faces.detect import FaceFinder
from tcnsc_lib.faces.render import motion, person, render
from tcnsc_lib.faces.video import audit_crf, read_frames

TINY = Scale(train=1, val=1, test=1, length=2)
NUMBERS = [f"{i:03d}" for i in range(6)]


# ---------------------------------------------------------------- render

@pytest.fixture(scope="module")
def portraits() -> list[tuple[np.ndarray, np.ndarray]]:
    """A frame, as the demo draws it, and the landmarks of each of 24 people."""
    return [render(person(seed), motion(seed, 40)[i], Scale.pixels, Scale.noise, seed)
            for i, seed in enumerate(range(0, 24_000, 1000))]


def test_the_same_seeds_draw_the_same_frame(portraits):
    image, landmarks = render(person(1000), motion(1000, 40)[1], Scale.pixels, Scale.noise, 1000)
    np.testing.assert_array_equal(image, portraits[1][0])
    np.testing.assert_array_equal(landmarks, portraits[1][1])
    again = render(person(1000), motion(1000, 40)[1], Scale.pixels, Scale.noise, 1001)[0]
    assert (image != again).mean() > 0.5  # the camera's noise is another in each frame


def test_different_seeds_draw_different_people():
    pose = motion(0, 1)[0]
    faces = [render(person(seed), pose, 64, noise=0)[0].astype(int) for seed in range(0, 6000, 1000)]
    for i, one in enumerate(faces):
        for other in faces[:i]:
            assert np.abs(one - other)[16:48, 16:48].mean() > 5


def test_frames_are_pictures_with_landmarks_inside(portraits):
    for image, landmarks in portraits:
        assert image.dtype == np.uint8 and image.shape == (Scale.pixels, Scale.pixels, 3) and image.std() > 20
        assert landmarks.shape == (5, 2) and (landmarks > 0).all() and (landmarks < Scale.pixels - 1).all()


def test_mtcnn_finds_rendered_faces_and_their_landmarks(portraits):
    faces = FaceFinder()(np.stack([image for image, _ in portraits]))
    assert np.mean(faces.probabilities > 0.9) >= 0.98
    drawn = np.stack([landmarks for _, landmarks in portraits])
    between_eyes = np.linalg.norm(drawn[:, 1] - drawn[:, 0], axis=1)
    error = np.linalg.norm(faces.landmarks - drawn, axis=2).mean(axis=1) / between_eyes
    assert np.nanmedian(error) < 0.1 and np.nanmax(error) < 0.25


def test_a_talking_head_moves_from_frame_to_frame():
    poses = motion(3000, 50)
    yaw, mouth = np.array([p.yaw for p in poses]), np.array([p.mouth for p in poses])
    assert 0 < np.abs(np.diff(yaw)).max() < 0.1 and np.ptp(mouth) > 0.05
    assert motion(3000, 50) == poses != motion(4000, 50)


# ---------------------------------------------------------------- forge

@pytest.fixture(scope="module")
def faces() -> list[tuple[np.ndarray, np.ndarray]]:
    """Two people in the same pose, without camera noise."""
    return [render(person(seed), motion(0, 1)[0], 160, noise=0) for seed in (0, 1000)]


def test_swap_changes_the_inner_face_and_nothing_else(faces):
    (target, points), (donor, donor_points) = faces
    before = target.copy()
    fake, mask = forge.swap(target, points, donor, donor_points)
    np.testing.assert_array_equal(target, before)
    np.testing.assert_array_equal(fake[mask == 0], target[mask == 0])
    changed = np.abs(fake.astype(int) - target)
    assert changed[mask > 0.9].mean() > 2 and fake.dtype == np.uint8 and fake.shape == target.shape
    np.testing.assert_array_equal(fake, forge.swap(target, points, donor, donor_points)[0])


def test_mask_holds_the_landmarks_and_leaves_the_border(faces):
    mask = forge.face_mask(faces[0][1], (160, 160))
    assert mask.dtype == np.float32 and mask.min() == 0 and mask.max() == 1 and 0.05 < (mask > 0).mean() < 0.5
    for x, y in faces[0][1].round().astype(int):
        assert mask[y, x] > 0.3
    assert not mask[[0, -1]].any() and not mask[:, [0, -1]].any()


def test_own_face_through_a_wide_bottleneck_comes_back(faces):
    image, points = faces[0]
    error = {}
    for bottleneck in (256, 64, 16):
        fake, mask = forge.swap(image, points, image, points, bottleneck)
        error[bottleneck] = np.abs(fake.astype(int) - image)[mask > 0].mean()
    assert error[256] < 1.5 and error[256] < error[64] < error[16]


def test_narrow_bottleneck_takes_fine_detail(portraits):
    image, points = portraits[0]

    def detail(bottleneck):
        fake, mask = forge.swap(image, points, *portraits[1], bottleneck)
        return laplace(fake.mean(2))[mask > 0.95].std()

    assert detail(16) < detail(48) < detail(128)


@pytest.mark.parametrize("wrong", [
    {"target": np.zeros((160, 160, 3))}, {"donor": np.zeros((160, 160), np.uint8)},
    {"target": np.zeros((160, 160, 4), np.uint8)}, {"target_landmarks": np.zeros((4, 2))},
    {"donor_landmarks": np.full((5, 2), np.nan)}, {"target_landmarks": np.ones((5, 2))},
    {"bottleneck": 4}, {"softness": 0}, {"softness": 1.5}], ids=lambda wrong: next(iter(wrong)))
def test_swap_refuses_bad_input(faces, wrong):
    (target, points), (donor, donor_points) = faces
    good = {"target": target, "target_landmarks": points, "donor": donor, "donor_landmarks": donor_points}
    with pytest.raises(ValueError):
        forge.swap(**good | wrong)


def test_donors_are_others_of_the_same_part_and_near():
    rng = np.random.default_rng(0)
    descriptors = rng.normal(size=(60, 4))
    people, parts = [str(i // 2) for i in range(60)], ["train"] * 40 + ["val"] * 8 + ["test"] * 12
    donors = forge.choose_donors(descriptors, people, parts, k=3, seed=1)
    for i, j in enumerate(donors):
        assert people[i] != people[j] and parts[i] == parts[j]
        gaps = sorted(np.linalg.norm(descriptors[i] - descriptors[m]) for m in range(60)
                      if people[m] != people[i] and parts[m] == parts[i])
        assert np.linalg.norm(descriptors[i] - descriptors[j]) <= gaps[2] + 1e-9
    np.testing.assert_array_equal(donors, forge.choose_donors(descriptors, people, parts, k=3, seed=1))
    assert (donors != forge.choose_donors(descriptors, people, parts, k=3, seed=2)).any()


def test_donors_need_two_people_in_each_part_and_equal_lengths():
    with pytest.raises(ValueError, match="'val' needs at least two"):
        forge.choose_donors(np.zeros((4, 2)), ["a", "b", "c", "c"], ["train", "train", "val", "val"])
    with pytest.raises(ValueError, match="equal lengths"):
        forge.choose_donors(np.zeros((3, 2)), ["a", "b"], ["train", "train"])


def test_descriptor_ignores_place_and_sees_pose_and_colour(faces):
    image, points = faces[0]
    here = forge.descriptor(image, points)
    moved = forge.descriptor(np.roll(image, (4, -3), (0, 1)), points + [-3, 4])
    turned = forge.descriptor(image, points + [[0, 0], [0, 0], [6, 0], [0, 0], [0, 0]])
    darker = forge.descriptor((image * 0.6).astype(np.uint8), points)
    gap_moved, gap_turned, gap_darker = (np.linalg.norm(d - here) for d in (moved, turned, darker))
    assert gap_moved < 0.1 < min(gap_turned, gap_darker)


# ---------------------------------------------------------------- demo

@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> Path:
    return make_demo(tmp_path_factory.mktemp("demo"), TINY)


def content(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_pairs_have_the_official_form_and_share_nobody():
    splits = pairs(Scale())
    assert {part: len(members) for part, members in splits.items()} == {"train": 60, "val": 6, "test": 16}
    numbers = [number for members in splits.values() for pair in members for number in pair]
    assert all(isinstance(pair, list) and len(pair) == 2 for members in splits.values() for pair in members)
    assert len(set(numbers)) == len(numbers) == 164
    assert all(re.fullmatch(r"\d{3}", number) for number in numbers)


def test_demo_has_the_layout_and_the_splits_of_ffpp(videos):
    fakes = ["000_001", "001_000", "002_003", "003_002", "004_005", "005_004"]
    expected = {f"original_sequences/youtube/{q}/videos/{n}.mp4" for q in ffpp.QUALITIES for n in NUMBERS}
    expected |= {f"manipulated_sequences/Deepfakes/{q}/videos/{n}.mp4" for q in (*ffpp.QUALITIES, "masks")
                 for n in fakes}
    expected |= {f"splits/{part}.json" for part in ("train", "val", "test")}
    assert set(content(videos)) == expected | {"scale.json"}
    assert json.loads((videos / "splits/test.json").read_text()) == [["004", "005"]]
    parts = ["train", "train", "val", "val", "test", "test"]
    assert ffpp.official_split(videos) == dict(zip(NUMBERS, parts, strict=True))


def test_demo_is_encoded_at_the_quality_it_is_filed_under(videos):
    for quality, crf in (("raw", 0), ("c23", 23), ("c40", 40)):
        for method, name in (("original", "004"), ("Deepfakes", "004_005")):
            path = ffpp.folder(videos, method, quality) / f"{name}.mp4"
            assert audit_crf(path) == crf
            assert read_frames(path, count=9)[1].shape == (2, TINY.pixels, TINY.pixels, 3)


def test_outside_the_mask_a_forged_video_is_the_real_one(videos):
    masks = videos / "manipulated_sequences/Deepfakes/masks/videos"
    for path in sorted(masks.glob("*.mp4")):
        mask, fake, real = (read_frames(p, count=2)[1] for p in (
            path, ffpp.folder(videos, "Deepfakes", "raw") / path.name,
            ffpp.folder(videos, "original", "raw") / f"{path.stem[:3]}.mp4"))
        np.testing.assert_array_equal(fake[mask == 0], real[mask == 0])
        assert 0.5 < (mask == 0).mean() < 0.95
        assert mask.max() > 250 and np.abs(fake.astype(int) - real)[mask > 230].mean() > 2


def test_fakes_show_the_source_in_the_pose_of_the_target():
    real, points = demo.frames("000", TINY)
    one, mask = demo.forged("000", "001", real, points, TINY)
    other, _ = demo.forged("000", "003", real, points, TINY)
    assert one.shape == mask.shape == real.shape and mask.dtype == np.uint8
    assert np.abs(one.astype(int) - other)[mask > 230].mean() > 2


def test_demo_is_the_same_bytes_twice(videos, tmp_path):
    assert content(make_demo(tmp_path, TINY)) == content(videos)


def test_a_demo_of_other_code_is_refused(videos, monkeypatch):
    monkeypatch.setattr(demo, "code", lambda: "0123456789")
    with pytest.raises(CompanionError, match="by other code .* delete that folder and .*faces/demo to make them anew"):
        make_demo(videos, TINY)


def test_interrupted_demo_is_completed_and_a_complete_one_left_alone(videos, tmp_path):
    for name, data in content(videos).items():  # of the second pair nothing but its first video is there
        if not re.search(r"/00[23]|val", name) or name.endswith("youtube/raw/videos/002.mp4"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(data)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file() and path.stem != "002"}
    assert tmp_path / "scale.json" in before  # processes that share a demo don't write to it
    assert content(tmp_path).keys() < content(videos).keys()
    make_demo(tmp_path, TINY)
    assert content(tmp_path) == content(videos)
    assert {path: path.stat().st_mtime_ns for path in before} == before
