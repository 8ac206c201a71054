"""Batches: what a detector sees in a step is the crops, views, labels and landmarks it is meant to see."""
import numpy as np
import pytest
import torch
from conftest import build

from tcnsc_lib.batches import Part, batch, batch_indices
from tcnsc_lib.codecs import RANDOM_JPEG, RANDOM_QUALITIES, Codec, codec
from tcnsc_lib.detectors import Detector
from tcnsc_lib.faces.store import FaceSet


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


def detector() -> Detector:
    return Detector(32)


def test_an_epoch_takes_each_crop_at_most_once():
    for n, size in ((24, 8), (25, 8)):
        epochs = [np.concatenate([batch_indices(n, size, 3 * e + i, 0) for i in range(3)]) for e in range(3)]
        for epoch in epochs:
            assert len(epoch) == len(set(epoch)) == 24 and set(epoch) <= set(range(n))
        assert not any(np.array_equal(epochs[0], epoch) for epoch in epochs[1:])


def test_batches_depend_on_seed_and_iteration_alone():
    np.testing.assert_array_equal(batch_indices(50, 8, 9, 3), batch_indices(50, 8, 9, 3))
    assert not np.array_equal(batch_indices(50, 8, 9, 3), batch_indices(50, 8, 9, 4))


def test_few_crops_make_one_batch_of_all():
    assert [sorted(batch_indices(5, 8, i, 0)) for i in (0, 1)] == [list(range(5))] * 2


def test_a_twin_is_the_compressed_image_mirrored_alike(faces):
    rows = np.array([3, 0, 7, 11, 2, 20, 15, 9])
    raw = faces.images("RAW", "train")
    (x, x_twin), y = batch(detector(), Part(detector(), faces, ("RAW", "LQ"), "cpu"), rows, True, [0, 0])
    assert y.tolist() == faces.labels("train")[rows].tolist()
    mirrored = []
    for i, row in enumerate(rows):
        pictures = np.stack([raw[row], codec("LQ")(raw[row])])
        straight, mirror = (detector().prepare(torch.tensor(p.copy())) for p in (pictures, pictures[:, :, ::-1]))
        mirrored.append(torch.equal(x[i], mirror[0]))
        assert torch.equal(torch.stack([x[i], x_twin[i]]), mirror if mirrored[-1] else straight)
    assert 0 < sum(mirrored) < len(rows)


def test_without_flip_nothing_is_mirrored(faces):
    raw = faces.images("RAW", "train")
    (x,), _ = batch(detector(), Part(detector(), faces, ("RAW",), "cpu"), np.arange(24), False, [0, 0])
    assert torch.equal(x, detector().prepare(torch.tensor(raw)))


# a quality of its own for each image, each time

ROWS = np.array([3, 0, 7, 11, 2, 20, 15, 9])


def jpegs(faces: FaceSet, seed: list[int], flip: bool = False) -> list[torch.Tensor]:
    return batch(detector(), Part(detector(), faces, ("RAW", RANDOM_JPEG), "cpu"), ROWS, flip, seed)[0]


def qualities(raw: np.ndarray, x: torch.Tensor) -> list[int]:
    """The JPEG qualities from 1 to 100 that turn a crop into what the detector saw."""
    files = np.stack([Codec("any", "jpeg", quality)(raw) for quality in range(1, 101)])
    same = (detector().prepare(torch.from_numpy(files)) == x).flatten(1).all(1)
    return (same.nonzero().flatten() + 1).tolist()


def test_each_image_of_a_random_jpeg_view_has_a_quality_of_its_own_within_the_range(faces):
    x, x_twin = jpegs(faces, [0, 0])
    raw = faces.images("RAW", "train")[ROWS]
    assert torch.equal(x, detector().prepare(torch.from_numpy(raw)))
    found = [qualities(*pair) for pair in zip(raw, x_twin, strict=True)]
    assert all(any(RANDOM_QUALITIES[0] <= quality <= RANDOM_QUALITIES[1] for quality in some) for some in found)
    assert len({some[0] for some in found}) > 4


def test_a_random_jpeg_view_is_another_at_another_iteration_and_seed_and_the_same_at_the_same(faces):
    first = jpegs(faces, [0, 5])[1]
    assert torch.equal(jpegs(faces, [0, 5])[1], first)
    for seed in ([0, 6], [1, 5]):
        same = [torch.equal(one, other) for one, other in zip(jpegs(faces, seed)[1], first, strict=True)]
        assert sum(same) <= 1  # by chance the same quality, of 81


def test_a_random_jpeg_view_is_mirrored_with_its_twin_after_compression(faces):
    (x, x_twin), (flipped, flipped_twin) = jpegs(faces, [0, 3]), jpegs(faces, [0, 3], flip=True)
    mirrored = torch.tensor([not torch.equal(one, other) for one, other in zip(x, flipped, strict=True)])
    assert 0 < mirrored.sum() < len(ROWS)
    assert torch.equal(flipped[mirrored], x[mirrored].flip(3))
    assert torch.equal(flipped_twin, torch.where(mirrored.view(-1, 1, 1, 1), x_twin.flip(3), x_twin))


# detectors that see real crops alone

class RealOnly(Detector):
    """Makes every other crop brighter, calls those fake, and remembers what it was given."""

    real_only = True

    def __init__(self):
        super().__init__(32)
        self.given = []

    def training_images(self, crops, y, landmarks, rng):
        self.given.append((crops, y, landmarks, rng.random()))
        made = np.arange(len(crops)) % 2
        return (crops + 100 * made[:, None, None, None]).astype(np.uint8), made


def test_a_detector_of_real_crops_never_sees_another_and_gets_the_landmarks_of_each(faces):
    maker, reals = RealOnly(), np.flatnonzero(faces.labels("train") == 0)
    part = Part(maker, faces, ("RAW",), "cpu")
    assert len(part) == 12
    for iteration in range(3):  # an epoch
        batch(maker, part, batch_indices(len(part), 4, iteration, 0), True, [0, iteration])
    crops, y, landmarks, draws = (np.stack(values) for values in zip(*maker.given, strict=True))
    seen = landmarks.reshape(12, 5, 2)[:, 0, 0].astype(int) // 10  # `build` numbers the crops so
    assert sorted(seen) == reals.tolist() and not y.any()
    np.testing.assert_array_equal(crops.reshape(12, 32, 32, 3), faces.images("RAW", "train")[seen])
    np.testing.assert_array_equal(landmarks.reshape(12, 10), 10 * seen[:, None] + np.arange(10))
    assert len(set(draws.tolist())) == 3  # another forgery at each iteration


def test_what_a_detector_made_of_real_crops_is_what_it_learns_from(faces):
    maker = RealOnly()
    (x,), y = batch(maker, Part(maker, faces, ("RAW",), "cpu"), np.arange(4), False, [0, 0])
    crops = maker.given[0][0]
    assert y.tolist() == [0, 1, 0, 1]
    assert torch.equal(x[::2], maker.prepare(torch.from_numpy(crops[::2])))
    assert torch.equal(x[1::2], maker.prepare(torch.from_numpy(crops[1::2] + 100)))


def test_other_detectors_see_both_classes_and_the_label_of_each_crop(faces):
    part = Part(detector(), faces, ("RAW", "LQ"), "cpu")
    (x, _), y = batch(detector(), part, ROWS, False, [0, 0])
    assert len(part) == 24 and set(y.tolist()) == {0, 1}
    bright = x.mean((1, 2, 3)) > 0  # `build` makes fakes bright
    assert bright.tolist() == (y == 1).tolist()
