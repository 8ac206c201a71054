"""The swap changes the inner face alone; donors are others of the same part, and near."""

import numpy as np
import pytest
from scipy.ndimage import laplace

from tcnsc_lib.faces import forge
from tcnsc_lib.faces.donors import choose_donors, descriptor
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
    mask = forge.face_mask(points, (160, 160))
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
