"""Batches: in a step, a detector sees the crops, views, labels and landmarks that it should see."""
import numpy as np
import pytest
import torch
from toys import RealOnly, build

from tcnsc_lib.codecs import RANDOM_JPEG, RANDOM_QUALITIES, Codec, codec
from tcnsc_lib.detectors import Detector
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training.batches import Part, batch, batch_indices

ROWS = np.array([3, 0, 7, 11, 2, 20, 15, 9])


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


def detector() -> Detector:
    return Detector(32)


def batches(faces: FaceSet, views: tuple[str, ...], rows: np.ndarray, flip: bool, seed: list[int]):
    """The views of these rows, and their labels, for a detector that wants nothing special."""
    part = Part(detector(), faces, views, "cpu")
    return batch(detector(), part, rows, flip, seed)


@pytest.mark.parametrize("n", [24, 25])
def test_an_epoch_takes_each_crop_at_most_once(n):
    order = [batch_indices(n, 8, iteration, 0) for iteration in range(9)]
    first, *others = np.concatenate(order).reshape(3, 24)
    for epoch in (first, *others):
        assert len(set(epoch)) == 24
        assert set(epoch) <= set(range(n))
    assert not any(np.array_equal(first, epoch) for epoch in others)


def test_batches_depend_on_seed_and_iteration_alone():
    np.testing.assert_array_equal(batch_indices(50, 8, 9, 3), batch_indices(50, 8, 9, 3))
    assert not np.array_equal(batch_indices(50, 8, 9, 3), batch_indices(50, 8, 9, 4))


def test_few_crops_make_one_batch_of_all():
    for iteration in (0, 1):
        assert sorted(batch_indices(5, 8, iteration, 0)) == list(range(5))


def test_a_twin_is_the_compressed_image_mirrored_alike(faces):
    raw = faces.images("RAW", "train")
    (x, x_twin), y = batches(faces, ("RAW", "LQ"), ROWS, True, [0, 0])
    assert y.tolist() == faces.labels("train")[ROWS].tolist()
    mirrored = []
    for i, row in enumerate(ROWS):
        pair = np.stack([raw[row], codec("LQ")(raw[row])])
        straight = prepared(pair)
        mirror = prepared(pair[:, :, ::-1])
        mirrored.append(torch.equal(x[i], mirror[0]))
        seen = torch.stack([x[i], x_twin[i]])
        assert torch.equal(seen, mirror if mirrored[-1] else straight)
    assert 0 < sum(mirrored) < len(ROWS)


def prepared(pictures: np.ndarray) -> torch.Tensor:
    """uint8 (N, S, S, 3) as the detector sees them."""
    return detector().prepare(torch.from_numpy(pictures.copy()))


def test_without_flip_nothing_is_mirrored(faces):
    (x,), _ = batches(faces, ("RAW",), np.arange(24), False, [0, 0])
    assert torch.equal(x, prepared(faces.images("RAW", "train")))


# a quality of its own for each image, each time

def jpegs(faces: FaceSet, seed: list[int], flip: bool = False) -> list[torch.Tensor]:
    """Both views of ROWS, the second at random qualities."""
    x, _ = batches(faces, ("RAW", RANDOM_JPEG), ROWS, flip, seed)
    return x


def qualities(raw: np.ndarray, x: torch.Tensor) -> list[int]:
    """The JPEG qualities from 1 to 100 that turn a crop into what the detector saw."""
    pictures = np.stack([Codec("any", "jpeg", quality)(raw) for quality in range(1, 101)])
    same = (prepared(pictures) == x).flatten(1).all(1)
    return (same.nonzero().flatten() + 1).tolist()


def test_each_image_of_a_random_jpeg_view_has_a_quality_of_its_own_within_the_range(faces):
    x, x_twin = jpegs(faces, [0, 0])
    raw = faces.images("RAW", "train")[ROWS]
    assert torch.equal(x, prepared(raw))
    found = [qualities(*pair) for pair in zip(raw, x_twin, strict=True)]
    low, high = RANDOM_QUALITIES
    for possible in found:
        assert any(low <= quality <= high for quality in possible)
    assert len({possible[0] for possible in found}) > 4


def alike(ours: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """bool (N,): which images are the same."""
    return (ours == others).flatten(1).all(1)


def test_a_random_jpeg_view_is_another_at_another_iteration_and_seed(faces):
    first = jpegs(faces, [0, 5])[1]
    assert alike(jpegs(faces, [0, 5])[1], first).all()
    for seed in ([0, 6], [1, 5]):
        same = alike(jpegs(faces, seed)[1], first)
        assert same.sum() <= 1  # by chance the same quality, of 81


def test_a_random_jpeg_view_is_mirrored_with_its_twin_after_compression(faces):
    x, x_twin = jpegs(faces, [0, 3])
    flipped, flipped_twin = jpegs(faces, [0, 3], flip=True)
    mirrored = ~alike(x, flipped)
    assert 0 < mirrored.sum() < len(ROWS)
    assert torch.equal(flipped[mirrored], x[mirrored].flip(3))
    mask = mirrored.view(-1, 1, 1, 1)
    assert torch.equal(flipped_twin, torch.where(mask, x_twin.flip(3), x_twin))


# detectors that see real crops alone

def test_a_detector_of_real_crops_never_sees_another_and_gets_the_landmarks_of_each(faces):
    maker = RealOnly()
    part = Part(maker, faces, ("RAW",), "cpu")
    assert len(part) == 12
    for iteration in range(3):  # an epoch
        rows = batch_indices(len(part), 4, iteration, 0)
        batch(maker, part, rows, True, [0, iteration])
    crops, y, landmarks, draws = (np.stack(values) for values in zip(*maker.given, strict=True))
    landmarks = landmarks.reshape(12, 10)
    seen = landmarks[:, 0].astype(int) // 10  # `build` numbers the crops so
    assert sorted(seen) == np.flatnonzero(faces.labels("train") == 0).tolist()
    assert not y.any()
    shown = faces.images("RAW", "train")[seen]
    np.testing.assert_array_equal(crops.reshape(12, 32, 32, 3), shown)
    np.testing.assert_array_equal(landmarks, 10 * seen[:, None] + np.arange(10))
    assert len(set(draws.tolist())) == 3  # another forgery at each iteration


def test_crops_that_a_gpu_holds_are_for_networks_and_fakes_are_made_from_the_array(faces):
    toy = RealOnly()
    part = Part(toy, faces, ("RAW",), "cpu")
    part.views[0].held = torch.from_numpy(np.array(part.views[0].array))
    batch(toy, part, np.arange(8), False, [0, 0])
    assert type(toy.given[0][0]) is not torch.Tensor
    held = Part(detector(), faces, ("RAW",), "cpu")
    held.views[0].held = torch.zeros(24, 32, 32, 3, dtype=torch.uint8)
    [x], _ = batch(detector(), held, ROWS, False, [0, 0])
    assert torch.equal(x, prepared(np.zeros((8, 32, 32, 3), np.uint8)))


def test_what_a_detector_made_of_real_crops_is_what_it_learns_from(faces):
    maker = RealOnly()
    part = Part(maker, faces, ("RAW",), "cpu")
    (x,), y = batch(maker, part, np.arange(4), False, [0, 0])
    crops = maker.given[0][0]
    assert y.tolist() == [0, 1, 0, 1]
    assert torch.equal(x[::2], prepared(crops[::2]))
    assert torch.equal(x[1::2], prepared(crops[1::2] + 100))


def test_other_detectors_see_both_classes_and_the_label_of_each_crop(faces):
    (x, _), y = batches(faces, ("RAW", "LQ"), ROWS, False, [0, 0])
    assert len(Part(detector(), faces, ("RAW", "LQ"), "cpu")) == 24
    assert set(y.tolist()) == {0, 1}
    bright = x.mean((1, 2, 3)) > 0  # `build` makes fakes bright
    assert bright.tolist() == (y == 1).tolist()
