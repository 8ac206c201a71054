"""The swap changes the inner face alone; donors are others of the same part, and near."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import laplace

from tcnsc_lib.faces import donors, forge
from tcnsc_lib.faces.donors import choose_donors, descriptor, is_monochrome
from tcnsc_lib.faces.masks import TEMPLATE, align, face_mask, mask_in
from tcnsc_lib.synthetic.demo import FULL
from tcnsc_lib.synthetic.motion import motion
from tcnsc_lib.synthetic.people import person
from tcnsc_lib.synthetic.render import render

Face = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def faces() -> list[Face]:
    """Two people in the same pose, without camera noise."""
    pose = motion(0, 1)[0]
    return [render(person(seed), pose, 160, noise=0) for seed in (0, 1000)]


def noisy(seed: int, frame: int) -> Face:
    pose = motion(seed, 40)[frame]
    return render(person(seed), pose, FULL.pixels, FULL.noise, seed)


# ---------------------------------------------------------------- the swap


def test_swap_changes_the_inner_face_and_nothing_else(faces):
    (target, points), (donor, donor_points) = faces
    before = target.copy()
    fake, mask = forge.swap(target, points, donor, donor_points)
    again, _ = forge.swap(target, points, donor, donor_points)
    changed = np.abs(fake.astype(int) - target)
    assert fake.dtype == np.uint8
    assert fake.shape == target.shape
    np.testing.assert_array_equal(target, before)
    np.testing.assert_array_equal(fake[mask == 0], target[mask == 0])
    np.testing.assert_array_equal(fake, again)
    assert changed[mask > 0.9].mean() > 2


def test_mask_holds_the_landmarks_and_leaves_the_border(faces):
    points = faces[0][1]
    mask = face_mask(points, (160, 160))
    assert mask.dtype == np.float32
    assert (mask.min(), mask.max()) == (0, 1)
    assert 0.05 < (mask > 0).mean() < 0.5
    for x, y in points.round().astype(int):
        assert mask[y, x] > 0.3
    assert not mask[[0, -1]].any()
    assert not mask[:, [0, -1]].any()


def test_own_face_through_a_wide_bottleneck_comes_back(faces):
    image, points = faces[0]
    error = {}
    for bottleneck in (256, 64, 16):
        fake, mask = forge.swap(image, points, image, points, bottleneck)
        error[bottleneck] = np.abs(fake.astype(int) - image)[mask > 0].mean()
    assert error[256] < 1.5
    assert error[256] < error[64] < error[16]


def test_narrow_bottleneck_takes_fine_detail():
    image, points = noisy(0, 0)
    donor = noisy(1000, 1)

    def detail(bottleneck):
        fake, mask = forge.swap(image, points, *donor, bottleneck)
        return laplace(fake.mean(2))[mask > 0.95].std()

    assert detail(16) < detail(48) < detail(128)


def test_a_real_face_is_resampled_as_softly_as_a_swap_at_its_own_resolution(faces):
    """Fine detail under the mask: of the picture, of the real face beside a swap, of swaps."""
    image, points = noisy(0, 0)
    own = forge.own_resolution(points)
    swapped, mask = forge.swap(image, points, image, points, own)
    real = forge.resampled(image, points, mask)

    def detail(picture):
        return laplace(picture.mean(2))[mask > 0.95].std()

    assert detail(real) == pytest.approx(detail(swapped), rel=0.01)
    assert detail(real) < 0.9 * detail(image)
    assert detail(forge.resampled(image, points, mask, own // 2)) < 0.8 * detail(real)
    np.testing.assert_array_equal(real[mask == 0], image[mask == 0])


def test_the_square_at_its_own_resolution_has_the_pixels_of_the_picture():
    for scale in (20, 77.3, 300):
        points = TEMPLATE * scale + 40
        side = forge.own_resolution(points)
        assert side == round(scale)
        assert align(points, side).scale == pytest.approx(1, rel=0.03)


def test_resampling_nothing_changes_nothing(faces):
    image, points = faces[0]
    nowhere = np.zeros(image.shape[:2], np.float32)
    same = forge.resampled(image, points, nowhere)
    np.testing.assert_array_equal(same, image)
    with pytest.raises(ValueError, match="uint8 RGB"):
        forge.resampled(image[..., 0], points, nowhere)


def test_the_mask_is_found_in_a_window_alone():
    """What lies outside the window that is looked at has weight 0."""
    rng = np.random.default_rng(0)
    for _ in range(30):
        points = faces_points(rng)
        whole = mask_in(np.s_[0:160, 0:200], points, 0.3)
        np.testing.assert_array_equal(face_mask(points, (160, 200), 0.3), whole)


def faces_points(rng: np.random.Generator) -> np.ndarray:
    """Five landmarks somewhere, also outside the picture; turned, of any size."""
    angle = rng.uniform(-2, 2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (TEMPLATE - 0.5) @ turn * rng.uniform(20, 200) + rng.uniform(-40, 240, 2)


def test_a_large_face_is_sampled_from_a_smaller_copy_and_looks_the_same(faces):
    image, points = faces[0]
    large = np.asarray(Image.fromarray(image).resize((1600, 1600), Image.Resampling.BICUBIC))
    small = forge.sample(image, align(points, 8), 8)
    again = forge.sample(large, align((points + 0.5) * 10 - 0.5, 8), 8)
    assert np.abs(small - again).max() < 0.02


def test_a_picture_made_smaller_keeps_its_points(faces):
    image, points = faces[0]
    box = np.array([20, 30, 120, 130])
    small, corners, marks = forge.shrunk(image, box, points, 2)
    assert small.shape == (80, 80, 3)
    np.testing.assert_array_equal(corners, box / 2)
    np.testing.assert_allclose((marks + 0.5) * 2, points + 0.5)
    assert forge.shrunk(image, box, points, 1)[0] is image


TONES = {"grey": (1, 1, 1), "brown": (1, 0.8, 0.6)}


def toned(image: np.ndarray, name: str) -> np.ndarray:
    light = image @ forge.LUMA
    return np.rint(light[..., None] * TONES[name]).astype(np.uint8)


def test_grey_and_toned_faces_are_told_from_coloured_ones(faces):
    rng = np.random.default_rng(0)
    for image, points in faces:
        assert not is_monochrome(image, points)
        for name in TONES:
            noise = rng.normal(0, 2, image.shape)
            picture = np.clip(toned(image, name) + noise, 0, 255).astype(np.uint8)
            assert is_monochrome(picture, points)
            data = BytesIO()
            Image.fromarray(toned(image, name)).save(data, "JPEG", quality=90)
            assert is_monochrome(np.asarray(Image.open(data)), points)


def test_a_grey_targets_fake_is_grey_and_a_brown_ones_brown(faces):
    (target, points), (donor, donor_points) = faces
    for name, tone in TONES.items():
        picture = toned(target, name)
        fake, mask = forge.swap(picture, points, donor, donor_points)
        result = forge.in_tones_of(picture, fake, mask)
        np.testing.assert_array_equal(result[mask == 0], picture[mask == 0])
        inside = result[mask > 0.9].astype(float)
        assert np.abs(inside - picture[mask > 0.9]).mean() > 2
        off = np.abs(inside[:, 2] - tone[2] * inside[:, 0])
        assert off.mean() < 8
        assert name != "grey" or off.max() == 0


WRONG = [
    {"target": np.zeros((160, 160, 3))},
    {"donor": np.zeros((160, 160), np.uint8)},
    {"target": np.zeros((160, 160, 4), np.uint8)},
    {"target_landmarks": np.zeros((4, 2))},
    {"donor_landmarks": np.full((5, 2), np.nan)},
    {"target_landmarks": np.ones((5, 2))},
    {"bottleneck": 4},
    {"softness": 0},
    {"softness": 1.5},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: next(iter(wrong)))
def test_swap_refuses_bad_input(faces, wrong):
    (target, points), (donor, donor_points) = faces
    good = {"target": target, "target_landmarks": points}
    good |= {"donor": donor, "donor_landmarks": donor_points}
    with pytest.raises(ValueError, match="must|coincide"):
        forge.swap(**good | wrong)


# ---------------------------------------------------------------- donors


def test_donors_are_others_of_the_same_part_and_near():
    descriptors = np.random.default_rng(0).normal(size=(60, 4))
    people = np.array([str(i // 2) for i in range(60)])
    parts = np.array(["train"] * 40 + ["val"] * 8 + ["test"] * 12)
    donors = choose_donors(descriptors, people, parts, k=3, seed=1)
    for i, j in enumerate(donors):
        assert people[i] != people[j]
        assert parts[i] == parts[j]
        allowed = (people != people[i]) & (parts == parts[i])
        gaps = np.linalg.norm(descriptors - descriptors[i], axis=1)
        assert gaps[j] <= np.sort(gaps[allowed])[2] + 1e-9
    np.testing.assert_array_equal(donors, choose_donors(descriptors, people, parts, k=3, seed=1))
    assert (donors != choose_donors(descriptors, people, parts, k=3, seed=2)).any()


def test_a_monochrome_face_lends_itself_to_monochrome_ones_only():
    descriptors = np.random.default_rng(0).normal(size=(40, 4))
    people = [str(i) for i in range(40)]
    flat = [i % 4 == 0 for i in range(40)]
    chosen = choose_donors(descriptors, people, ["test"] * 40, monochrome=flat)
    plain = choose_donors(descriptors, people, ["test"] * 40)
    for i, j in enumerate(chosen):
        assert flat[i] or not flat[j]
    untouched = [i for i in range(40) if flat[i] or not flat[plain[i]]]
    assert 10 < len(untouched) < 40
    np.testing.assert_array_equal(chosen[untouched], plain[untouched])
    none = choose_donors(descriptors[:4], people[:4], ["test"] * 4, monochrome=[True] * 3 + [False])
    assert none[3] == -1
    assert (none[:3] >= 0).all()


@pytest.mark.parametrize(("count", "shown"), [(20, False), (31, True)])
def test_choosing_donors_for_many_faces_shows_a_bar(count, shown, monkeypatch, capsys):
    monkeypatch.setattr(donors, "LONG", 30)
    descriptors = np.random.default_rng(0).normal(size=(count, 4))
    choose_donors(descriptors, list(map(str, range(count))), ["test"] * count)
    assert ("donors: 100%" in capsys.readouterr().err) == shown


def test_of_equally_near_donors_the_first_ones_count():
    chosen = choose_donors(np.zeros((9, 4)), list("abcdefghi"), ["test"] * 9, k=2)
    assert set(chosen) <= {0, 1, 2}


def test_donors_need_two_people_in_each_part_and_equal_lengths():
    people = ["a", "b", "c", "c"]
    parts = ["train", "train", "val", "val"]
    with pytest.raises(ValueError, match="'val' needs at least two"):
        choose_donors(np.zeros((4, 2)), people, parts)
    with pytest.raises(ValueError, match="equal lengths"):
        choose_donors(np.zeros((3, 2)), ["a", "b"], ["train", "train"])


def test_descriptor_ignores_place_and_sees_pose_and_colour(faces):
    image, points = faces[0]
    turned = points.copy()
    turned[2, 0] += 6  # the nose

    here = descriptor(image, points)
    gaps = {
        "moved": descriptor(np.roll(image, (4, -3), (0, 1)), points + [-3, 4]) - here,
        "turned": descriptor(image, turned) - here,
        "darker": descriptor((image * 0.6).astype(np.uint8), points) - here,
    }
    size = {name: np.linalg.norm(gap) for name, gap in gaps.items()}
    assert here.shape == (58,)
    assert size["moved"] < 0.1 < min(size["turned"], size["darker"])
