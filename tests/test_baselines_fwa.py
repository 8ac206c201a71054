"""FWA and DSP-FWA: the fakes they make of real faces, and how they look at whole crops."""

import math
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from skimage.data import astronaut
from torch import Tensor
from torch.nn import functional as F

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import fwa
from tcnsc_lib.detectors.fwa import DSPFWA, FWA, PyramidPool, roi_boxes
from tcnsc_lib.detectors.warping import jitter, warping_artefact
from tcnsc_lib.faces.masks import align, face_mask

LANDMARKS = np.array([[56.0, 58], [99, 61], [77, 86], [54, 97], [97, 99]])
TURN = np.array([[0.8, 0.6], [-0.6, 0.8]])  # by 37 degrees
TILTED = (LANDMARKS - 75) @ TURN + 75


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two threads that share a busy core mostly wait for each other
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """The box of the astronaut's face, enlarged by 1.3: uint8 (149, 149, 3), not to be changed."""
    return frozen(astronaut()[43:192, 149:298].copy())


@pytest.fixture
def small() -> FWA:
    torch.manual_seed(0)
    return FWA(input_size=32, width=4)


# the networks


def test_the_classifiers_see_2048_means_and_83968_maxima_at_224_px():
    with torch.device("meta"):
        flat = FWA()
        pyramid = DSPFWA()
        x = torch.empty(1, 3, 224, 224)
        assert flat.f(x).shape == (1, flat.c.in_features) == (1, 2048)
        assert pyramid.f(x).shape == (1, pyramid.c.in_features) == (1, 83_968)
        assert flat(x).shape == pyramid(x).shape == (1, 2)
    assert flat.real_only and pyramid.real_only


def test_the_pyramid_has_the_authors_windows():
    x = normal(0, 2, 3, 7, 7)
    windows = ((7, 7), (4, 3), (2, 1))
    by_hand = [F.max_pool2d(x, size, stride).flatten(1) for size, stride in windows]
    assert torch.equal(PyramidPool()(x), torch.cat(by_hand, dim=1))
    assert PyramidPool()(x[..., :3, :3]).shape == (2, 3 * 41)


@pytest.mark.parametrize("make", [FWA, DSPFWA])
def test_imagenet_weights_fit_the_published_width_alone(make):
    said = "There are ImageNet weights .* alone, not .*8.*; give .*pretrained=False"
    with pytest.raises(CompanionError, match=said):
        make(width=8, pretrained=True)


def test_imagenet_weights_go_everywhere_but_into_the_last_layer(monkeypatch):
    with torch.device("meta"):
        names = FWA().f.state_dict()
    published = {name: torch.full(value.shape, 0.25) for name, value in names.items()}
    published |= {"fc.weight": torch.ones(1000, 2048), "fc.bias": torch.ones(1000)}
    download = Mock(return_value=published)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", download)
    for name, value in FWA(pretrained=True).state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert (value == 0.25).all() != name.startswith("c."), name
    url = "https://download.pytorch.org/models/resnet50-0676ba61.pth"
    download.assert_called_once_with(url, map_location="cpu", check_hash=True, weights_only=True)


# the artefact


@pytest.mark.parametrize("landmarks", [LANDMARKS, TILTED], ids=["straight", "tilted"])
@pytest.mark.parametrize("softness", [None, 0.05, 0.5])
def test_the_artefact_changes_the_face_and_not_a_byte_outside(face, landmarks, softness):
    changed = (warping_artefact(face, landmarks, 60, softness) != face).any(axis=2)
    grid = np.meshgrid(np.arange(149), np.arange(149))
    pixels = np.stack(grid, axis=-1).reshape(-1, 2)
    square = align(landmarks, 60)(pixels).reshape(149, 149, 2)
    inside = ((square >= -0.5) & (square < 59.5)).all(axis=2)
    if softness is not None:
        inside &= face_mask(landmarks, face.shape, softness) > 0
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.75


def detail(image: np.ndarray) -> float:
    """Of the middle of a crop: the variance of its Laplacian."""
    curvature = cv2.Laplacian(image.astype(np.float32), cv2.CV_32F)
    return float(curvature[40:115, 40:115].var())


def test_the_artefact_costs_the_face_its_detail_the_more_the_smaller_the_square(face):
    left = [detail(warping_artefact(face, LANDMARKS, side)) for side in (43, 90, 170)]
    small, middling, large = (value / detail(face) for value in left)
    assert small < middling < large < 0.6
    assert small < 0.05


def test_the_jitter_by_hand():
    image = np.array([[[40, 40, 40], [80, 80, 80]]], np.uint8)
    assert np.array_equal(jitter(image, [1] * 4), image)
    assert jitter(image, [1, 1.5, 1, 1])[0, :, 0].tolist() == [60, 120]
    assert jitter(image, [1, 1, 0.5, 1])[0, :, 0].tolist() == [50, 70]  # half way to the mean
    red = jitter(np.array([[[100, 0, 0]]], np.uint8), [0.5, 1, 1, 1])[0, 0]
    assert red[0] < 100 and red[1] == red[2] > 0  # half way to its grey
    dot = np.pad(np.full((1, 1, 3), 130, np.uint8), ((2, 2), (2, 2), (0, 0)))
    assert jitter(dot, [1, 1, 1, 0.5])[2, 2, 0] == 90  # a smooth one has 50
    assert jitter(dot, [1, 1, 1, 1.5])[2, 2, 0] == 170


# the training batch


def make_batch(model: FWA, face: np.ndarray, n: int = 12, seed: int = 0):
    """ROIs and labels of n copies of a real face, given as arrays that can't be changed."""
    crops = frozen(np.repeat(face[None], n, axis=0))
    y = frozen(np.zeros(n, np.int64))
    landmarks = frozen(np.repeat(LANDMARKS[None], n, axis=0))
    return model.training_images(crops, y, landmarks, np.random.default_rng(seed))


@pytest.mark.parametrize("n", [1, 2, 7, 12])
def test_exactly_half_become_fakes_whose_label_is_1(monkeypatch, small, face, n):
    monkeypatch.setattr(fwa, "warping_artefact", lambda image, *args: np.zeros_like(image))
    images, y = make_batch(small, face, n)
    assert images.shape == (n, 32, 32, 3)
    assert images.dtype == np.uint8
    assert y.dtype == np.int64
    assert y.sum() == n // 2
    assert [int(image.max() == 0) for image in images] == y.tolist()


def test_the_generator_decides_everything(small, face):
    one, same, other = (make_batch(small, face, seed=seed) for seed in (0, 0, 1))
    assert all(map(np.array_equal, one, same))
    assert not any(map(np.array_equal, one, other))


def test_squares_and_masks_are_drawn_from_their_ranges_and_half_are_whole(
    monkeypatch, small, face
):
    sides = []
    soft = []

    def note(image, landmarks, side, softness):
        sides.append(side)
        soft.append(softness)
        return image

    monkeypatch.setattr(fwa, "warping_artefact", note)
    make_batch(small, face, 400)
    assert len(sides) == 200
    assert 43 <= min(sides) < 46  # 149 px times 64 / 224
    assert 167 < max(sides) <= 170  # and times 256 / 224
    soft = [softness for softness in soft if softness is not None]
    assert 75 <= len(soft) <= 125
    assert 0.05 <= min(soft) < 0.1
    assert 0.45 < max(soft) <= 0.5


def test_the_jitter_is_not_the_label(small):
    grey = np.full((64, 64, 3), 120, np.uint8)  # no detail that the artefact could take
    images, y = make_batch(small, grey, 600)
    brightness = images.mean(axis=(1, 2, 3))
    assert np.ptp(brightness[y == 0]) > 40
    assert np.ptp(brightness[y == 1]) > 40
    assert ks_2samp(brightness[y == 0], brightness[y == 1]).pvalue > 0.05


def test_fake_crops_are_refused(small, face):
    crops = np.stack([face] * 2)
    landmarks = np.stack([LANDMARKS] * 2)
    said = "FWA learns from real crops alone, but 1 of these 2 are labelled fake"
    with pytest.raises(CompanionError, match=said):
        small.training_images(crops, np.arange(2), landmarks, np.random.default_rng(0))


# regions of interest


def test_rois_hold_the_face_box_and_grow_as_far_as_stated():
    boxes = roi_boxes(2000, 2.0, np.random.default_rng(0))  # the face box is [.25, .75]
    grown = np.abs(boxes - [0.25, 0.25, 0.75, 0.75]) / 0.5
    assert (boxes[:, :2] <= 0.25).all()
    assert (boxes[:, 2:] >= 0.75).all()
    assert grown.max(axis=0).tolist() == pytest.approx([1 / 8, 1 / 5, 1 / 8, 1 / 10], rel=0.02)


def test_rois_end_where_the_crop_does():
    near = roi_boxes(2000, 1.3, np.random.default_rng(0))
    assert near.min() == 0
    assert near.max() <= 1
    assert (roi_boxes(9, 1.0, np.random.default_rng(0)) == [0, 0, 1, 1]).all()


def test_training_and_test_cut_the_same_region(monkeypatch, small, face):
    box = np.array([0.1, 0.0, 0.9, 0.7])
    monkeypatch.setattr(fwa, "JITTER", (1, 1))
    monkeypatch.setattr(fwa, "roi_boxes", lambda n, *args: box[None].repeat(n, 0))
    images, _ = make_batch(small, face, 1)  # a single one stays real
    x = small.prepare(torch.tensor(face)[None])
    assert x.shape == (1, 3, 149, 149)  # prepare doesn't resize
    difference = small.rois(x, box) - small.prepare(torch.from_numpy(images))
    assert difference.abs().max() < 1 / 255 / 0.224


# what it says of whole crops


@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_p_is_the_mean_of_the_five_largest_of_ten(monkeypatch, small, scale):
    margins = scale * normal(3, 10, 4)
    logits_of_rois = torch.stack([-margins / 2, margins / 2], dim=2)
    coming = iter(logits_of_rois)  # whatever the next ROI holds
    seen = []
    monkeypatch.setattr(small.f, "forward", lambda x: seen.append(x.shape))
    monkeypatch.setattr(small.c, "forward", lambda _: next(coming))
    logits = small.eval()(normal(0, 4, 3, 50, 50))
    assert seen == [(4, 3, 32, 32)] * 10
    by_hand = []
    for face in margins.T.tolist():
        p = sorted(1 / (1 + math.exp(-margin)) for margin in face)
        by_hand.append(sum(p[5:]) / 5)
    assert logits.softmax(1)[:, 1].tolist() == pytest.approx(by_hand, abs=1e-6)
    assert logits.exp().sum(1).tolist() == pytest.approx([1] * 4, abs=1e-6)
    assert logits.isfinite().all()


@pytest.mark.parametrize("make", [FWA, DSPFWA])
def test_it_trains_on_rois(make):
    model = make(32, width=4)
    x = normal(0, 3, 3, 48, 48)
    assert torch.equal(model.c(model.f(x)), model(x))
    losses = model.losses(x, torch.tensor([0, 1, 0]))
    assert losses["cro"].requires_grad
    assert losses["total"] is losses["cro"]


@pytest.mark.parametrize("make", [FWA, DSPFWA])
def test_it_tests_whole_crops_in_any_batch_alike(make):
    model = make(32, width=4)
    x = normal(0, 3, 3, 48, 48)
    model(x)  # in training mode, for batch statistics
    model.eval()
    alone = [model(one[None]) for one in x]
    assert torch.allclose(model(x), torch.cat(alone), atol=1e-5)
    assert np.array_equal(model.boxes, make(32, width=4).boxes)
    with torch.autocast("cpu", torch.bfloat16):
        low = model(x)
    assert low.dtype == torch.float32
    assert torch.allclose(low, model(x), atol=0.05)


def test_features_are_the_mean_of_f_over_the_same_ten_regions(small):
    small.eval()
    x = normal(0, 3, 3, 48, 48)
    total = torch.zeros(3, 32 * 4)
    for box in small.boxes:
        total += small.f(small.rois(x, box))
    assert len(small.boxes) == 10
    assert torch.allclose(small.features(x), total / 10, atol=1e-6)
