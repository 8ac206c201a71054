"""Xception, FWA and DSP-FWA: published names, counts and sizes, and the fakes that FWA makes of real faces."""
import math
from unittest.mock import Mock
from urllib.error import URLError

import cv2
import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from skimage.data import astronaut
from torch import nn
from torch.nn import functional as F
from torchvision.models import resnet50

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import fwa
from tcnsc_lib.detectors.fwa import DSPFWA, FWA, Encoder50, PyramidPool, jitter, roi_boxes, warping_artefact
from tcnsc_lib.detectors.xception import WEIGHTS, Block, SeparableConv, Xception
from tcnsc_lib.faces.forge import align, face_mask

LANDMARKS = np.array([[56.0, 58], [99, 61], [77, 86], [54, 97], [97, 99]])
TILTED = (LANDMARKS - 75) @ np.array([[0.8, 0.6], [-0.6, 0.8]]) + 75  # by 37 degrees


def random(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def shapes(module: nn.Module) -> dict[str, list[int]]:
    return {name: list(value.shape) for name, value in module.state_dict().items()}


def size(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # two threads that share a busy core wait for each other most of the time
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """The box of the astronaut's face, enlarged by 1.3: uint8 (149, 149, 3), of which any change would be an error."""
    return frozen(astronaut()[43:192, 149:298].copy())


@pytest.fixture
def small() -> FWA:
    torch.manual_seed(0)
    return FWA(input_size=32, width=4)


def test_xception_has_the_published_names_and_number_of_parameters():
    with torch.device("meta"):
        ours = Xception()
    assert size(ours) == 20_811_050 and ours.mean == ours.std == (0.5, 0.5, 0.5)
    convolutions, norms = ["conv1", "conv2"], ["bn1", "bn2", "bn3", "bn4"]
    for number in range(1, 13):
        repetitions, first = (3 if 4 <= number <= 11 else 2), (0 if number == 1 else 1)
        for i in range(repetitions):
            convolutions += [f"block{number}.rep.{first + 3 * i}.{part}" for part in ("conv1", "pointwise")]
            norms.append(f"block{number}.rep.{first + 3 * i + 1}")
    convolutions += [f"{name}.{part}" for name in ("conv3", "conv4") for part in ("conv1", "pointwise")]
    convolutions += [f"block{number}.skip" for number in (1, 2, 3, 12)]
    norms += [f"block{number}.skipbn" for number in (1, 2, 3, 12)]
    values = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    expected = [f"{name}.weight" for name in convolutions] + [f"{name}.{value}" for name in norms for value in values]
    assert sorted(shapes(ours)) == sorted([*expected, "fc.weight", "fc.bias"])


def test_xception_grows_and_shrinks_where_the_published_one_does():
    with torch.device("meta"):
        model, x = Xception().eval(), torch.empty(1, 3, 299, 299)
    seen = {}
    for name in ("conv1", "conv2", *model.blocks, "conv3", "conv4"):
        model.get_submodule(name).register_forward_hook(
            lambda module, inputs, out, name=name: seen.update({name: (out.shape[1], out.shape[2])}))
    assert model(x).shape == (1, 2)
    middle = {f"block{number}": (728, 19) for number in range(4, 12)}
    assert seen == {"conv1": (32, 149), "conv2": (64, 147), "block1": (128, 74), "block2": (256, 37),
                    "block3": (728, 19), **middle, "block12": (1024, 10), "conv3": (1536, 10), "conv4": (2048, 10)}
    # The exit block grows in its second convolution, an entry block in its first.
    assert model.block12.rep[1].pointwise.out_channels == model.block3.rep[1].pointwise.out_channels == 728


@pytest.mark.parametrize(("make", "width", "smallest"), [(Xception, 8, 32), (Encoder50, 16, 64)])
def test_a_narrow_network_divides_every_channel_count_and_nothing_else(make, width, smallest):
    with torch.device("meta"):
        ours, published = make(width=width), make()
    assert shapes(ours) == {name: [n // 4 if n >= smallest else n for n in shape]  # kernels, colours, logits
                            for name, shape in shapes(published).items()}


def test_a_separable_convolution_is_depthwise_then_pointwise_and_nothing_else():
    layer, x = SeparableConv(3, 5), random(0, 2, 3, 7, 7)
    depth, point = layer.conv1.weight, layer.pointwise.weight
    maps = torch.cat([F.conv2d(x[:, c : c + 1], depth[c : c + 1], padding=1) for c in range(3)], dim=1)
    assert torch.allclose(layer(x), torch.einsum("oc,nchw->nohw", point[:, :, 0, 0], maps), atol=1e-6)
    assert size(layer) == 3 * 9 + 3 * 5


@pytest.mark.parametrize(("channels", "stride"), [([4, 4, 4, 4], 1), ([4, 6, 6], 2), ([4, 4, 6], 2)])
def test_the_skip_path_sees_the_input_before_any_relu(channels, stride):
    block, x = Block(channels, stride).eval(), random(0, 2, 4, 9, 9)
    norm = [layer for layer in block.rep if isinstance(layer, nn.BatchNorm2d)][-1]
    nn.init.zeros_(norm.weight)  # silences the convolutions
    out, x = block(x), random(0, 2, 4, 9, 9)  # drawn again, in case the block changed it
    alone = x if stride == 1 else block.skipbn(F.conv2d(x[:, :, ::2, ::2], block.skip.weight))
    assert torch.allclose(out, alone, atol=1e-6) and (out < 0).any()


def test_xception_is_fc_of_its_features_and_loads_its_own_weights_strictly():
    torch.manual_seed(0)
    one, other = (Xception(64, width=4, middle=1).eval() for _ in range(2))
    assert [one.get_submodule(name).skip is None for name in one.blocks] == [False, False, False, True, False]
    x, y, means = random(0, 3, 3, 64, 64), torch.tensor([0, 1, 1]), []
    assert not torch.allclose(one(x), other(x))
    other.load_state_dict(one.state_dict(), strict=True)
    assert torch.equal(one(x), other(x))
    one.bn4.register_forward_hook(lambda module, inputs, maps: means.append(maps.relu().mean((2, 3))))
    h = one.features(x)
    assert h.shape == (3, 256) and torch.allclose(h, means[0]) and torch.equal(one.fc(h), one(x))
    losses, p = one.losses(x, y), one(x).softmax(1)[range(3), y].tolist()
    assert losses["total"].item() == losses["cro"].item() == pytest.approx(-sum(map(math.log, p)) / 3, abs=1e-5)


@pytest.mark.parametrize("make", [Xception, FWA, DSPFWA])
def test_pretrained_weights_fit_the_published_width_alone(make):
    with pytest.raises(CompanionError, match="There are ImageNet weights .* alone, not .*8.*; give .*pretrained=False"):
        make(width=8, pretrained=True)


@pytest.mark.parametrize("error", [URLError("no route"), RuntimeError("invalid hash value")])
def test_a_failed_download_says_what_to_do(monkeypatch, error):
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", Mock(side_effect=error))
    with pytest.raises(CompanionError, match="(no route|hash).*put that file into .*checkpoints yourself"):
        Xception(pretrained=True)


@pytest.mark.parametrize(("make", "source", "part"), [
    (Xception, WEIGHTS, ""), (FWA, "https://download.pytorch.org/models/resnet50-0676ba61.pth", "f")])
def test_pretrained_weights_go_everywhere_but_into_the_last_layer(monkeypatch, make, source, part):
    with torch.device("meta"):
        names = shapes(make().get_submodule(part)) | {"fc.weight": [1000, 2048], "fc.bias": [1000]}
    published = {name: torch.full(shape, 0.25) for name, shape in names.items()}
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", download := Mock(return_value=published))
    state = make(pretrained=True).state_dict()
    download.assert_called_once_with(source, map_location="cpu", check_hash=True, weights_only=True)
    for name, value in state.items():
        if not name.endswith("num_batches_tracked"):
            assert (value == 0.25).all() != name.startswith(("fc.", "c.")), name


def test_the_encoder_is_resnet50_without_its_last_layer():
    torch.manual_seed(0)
    f, resnet = Encoder50(), resnet50(weights=None)
    resnet.fc = nn.Identity()
    assert shapes(f) == shapes(resnet) and size(f) == 23_508_032
    f.load_state_dict(resnet.state_dict())
    x = random(0, 1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(f.eval()(x), resnet.eval()(x))


def test_the_classifiers_see_2048_means_and_83968_maxima_at_224_px():
    with torch.device("meta"):
        flat, pyramid, x = FWA(), DSPFWA(), torch.empty(1, 3, 224, 224)
        assert flat.f(x).shape == (1, flat.c.in_features) == (1, 2048)
        assert pyramid.f(x).shape == (1, pyramid.c.in_features) == (1, 83_968)
        assert flat(x).shape == pyramid(x).shape == (1, 2)
    assert flat.real_only and pyramid.real_only and not Xception.real_only
    x = random(0, 2, 3, 7, 7)
    by_hand = [F.max_pool2d(x, size, stride).flatten(1) for size, stride in ((7, 7), (4, 3), (2, 1))]
    assert torch.equal(PyramidPool()(x), torch.cat(by_hand, dim=1))  # the authors' windows
    assert PyramidPool()(x[..., :3, :3]).shape == (2, 3 * 41)


@pytest.mark.parametrize("landmarks", [LANDMARKS, TILTED])
@pytest.mark.parametrize("softness", [None, 0.05, 0.5])
def test_the_artefact_changes_the_face_and_not_a_byte_outside(face, landmarks, softness):
    changed = (warping_artefact(face, landmarks, 60, softness) != face).any(axis=2)
    pixels = np.stack(np.meshgrid(np.arange(149), np.arange(149)), axis=-1)
    square = align(landmarks, 60)(pixels.reshape(-1, 2)).reshape(149, 149, 2)
    inside = ((square >= -0.5) & (square < 59.5)).all(axis=2)
    if softness is not None:
        inside &= face_mask(landmarks, face.shape, softness) > 0
    assert not changed[~inside].any() and changed[inside].mean() > 0.75


def test_the_artefact_costs_the_face_its_detail_the_more_the_smaller_the_square(face):
    def detail(image: np.ndarray) -> float:
        return float(cv2.Laplacian(image.astype(np.float32), cv2.CV_32F)[40:115, 40:115].var())

    small, middling, large = (detail(warping_artefact(face, LANDMARKS, side)) / detail(face) for side in (43, 90, 170))
    assert small < middling < large < 0.6 and small < 0.05


def make_batch(model: FWA, face: np.ndarray, n: int = 12, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    given = np.repeat(face[None], n, axis=0), np.zeros(n, np.int64), np.repeat(LANDMARKS[None], n, axis=0)
    return model.training_images(*map(frozen, given), np.random.default_rng(seed))


@pytest.mark.parametrize("n", [1, 2, 7, 12])
def test_exactly_half_become_fakes_whose_label_is_1(monkeypatch, small, face, n):
    monkeypatch.setattr(fwa, "warping_artefact", lambda image, *args: np.zeros_like(image))
    images, y = make_batch(small, face, n)
    assert images.shape == (n, 32, 32, 3) and images.dtype == np.uint8 and y.dtype == np.int64
    assert y.sum() == n // 2 and [int(image.max() == 0) for image in images] == y.tolist()


def test_the_generator_decides_everything(small, face):
    one, same, other = (make_batch(small, face, seed=seed) for seed in (0, 0, 1))
    assert all(map(np.array_equal, one, same)) and not any(map(np.array_equal, one, other))


def test_squares_and_masks_are_drawn_from_their_ranges_and_half_are_whole(monkeypatch, small, face):
    calls = []
    monkeypatch.setattr(fwa, "warping_artefact", lambda image, _, *drawn: calls.append(drawn) or image)
    make_batch(small, face, 400)
    sides, soft = [side for side, _ in calls], [softness for _, softness in calls if softness is not None]
    assert len(calls) == 200 and 43 <= min(sides) < 46 and 167 < max(sides) <= 170  # 149 px times 64 and 256 / 224
    assert 75 <= len(soft) <= 125 and 0.05 <= min(soft) < 0.1 and 0.45 < max(soft) <= 0.5


def test_the_jitter_is_not_the_label(small):
    grey = np.full((64, 64, 3), 120, np.uint8)  # no detail: nothing that the artefact could take
    images, y = make_batch(small, grey, 600)
    brightness = images.mean(axis=(1, 2, 3))
    assert np.ptp(brightness[y == 0]) > 40 and np.ptp(brightness[y == 1]) > 40
    assert ks_2samp(brightness[y == 0], brightness[y == 1]).pvalue > 0.05


def test_the_jitter_by_hand():
    image = np.array([[[40, 40, 40], [80, 80, 80]]], np.uint8)
    assert np.array_equal(jitter(image, [1] * 4), image) and jitter(image, [1, 1.5, 1, 1])[0, :, 0].tolist() == [60, 120]
    assert jitter(image, [1, 1, 0.5, 1])[0, :, 0].tolist() == [50, 70]  # half way to the mean
    red = jitter(np.array([[[100, 0, 0]]], np.uint8), [0.5, 1, 1, 1])[0, 0]
    assert red[0] < 100 and red[1] == red[2] > 0  # half way to its grey
    dot = np.pad(np.full((1, 1, 3), 130, np.uint8), ((2, 2), (2, 2), (0, 0)))
    assert jitter(dot, [1, 1, 1, 0.5])[2, 2, 0] == 90 and jitter(dot, [1, 1, 1, 1.5])[2, 2, 0] == 170  # a smooth one has 50


def test_fake_crops_are_refused(small, face):
    with pytest.raises(CompanionError, match="FWA learns from real crops alone, but 1 of these 2 are labelled fake"):
        small.training_images(np.stack([face] * 2), np.arange(2), np.stack([LANDMARKS] * 2), np.random.default_rng(0))


def test_rois_hold_the_face_box_and_grow_as_far_as_stated():
    boxes = roi_boxes(2000, 2.0, np.random.default_rng(0))  # the face box is [.25, .75]
    grown = np.abs(boxes - [0.25, 0.25, 0.75, 0.75]) / 0.5
    assert (boxes[:, :2] <= 0.25).all() and (boxes[:, 2:] >= 0.75).all()
    assert grown.max(axis=0).tolist() == pytest.approx([1 / 8, 1 / 5, 1 / 8, 1 / 10], rel=0.02)
    near = roi_boxes(2000, 1.3, np.random.default_rng(0))
    assert near.min() == 0 and near.max() <= 1
    assert (roi_boxes(9, 1.0, np.random.default_rng(0)) == [0, 0, 1, 1]).all()


def test_training_and_test_cut_the_same_region(monkeypatch, small, face):
    box = np.array([0.1, 0.0, 0.9, 0.7])
    monkeypatch.setattr(fwa, "JITTER", (1, 1))
    monkeypatch.setattr(fwa, "roi_boxes", lambda n, *args: box[None].repeat(n, 0))
    images, _ = make_batch(small, face, 1)  # a single one stays real
    x = small.prepare(torch.tensor(face)[None])
    assert x.shape == (1, 3, 149, 149)  # prepare doesn't resize
    assert (small.rois(x, box) - small.prepare(torch.from_numpy(images))).abs().max() < 1 / 255 / 0.224


@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_p_is_the_mean_of_the_five_largest_of_ten(monkeypatch, small, scale):
    margins, seen = scale * random(3, 10, 4), []
    stub = iter(torch.stack([-margins / 2, margins / 2], dim=2))  # the logits of the next ROI, whatever it holds
    monkeypatch.setattr(small.f, "forward", lambda x: seen.append(x.shape))
    monkeypatch.setattr(small.c, "forward", lambda _: next(stub))
    logits = small.eval()(random(0, 4, 3, 50, 50))
    assert seen == [(4, 3, 32, 32)] * 10
    p = [sum(sorted(1 / (1 + math.exp(-m)) for m in face)[5:]) / 5 for face in margins.T.tolist()]
    assert logits.softmax(1)[:, 1].tolist() == pytest.approx(p, abs=1e-6)
    assert logits.exp().sum(1).tolist() == pytest.approx([1] * 4, abs=1e-6) and logits.isfinite().all()


@pytest.mark.parametrize("make", [FWA, DSPFWA])
def test_it_tests_whole_crops_in_any_batch_alike_and_trains_on_rois(make):
    torch.manual_seed(0)
    model, x = make(32, width=4), random(0, 3, 3, 48, 48)
    assert torch.equal(model.c(model.f(x)), model(x)) and model.losses(x, torch.tensor([0, 1, 0]))["cro"].requires_grad
    model.eval()
    assert torch.allclose(model(x), torch.cat([model(one[None]) for one in x]), atol=1e-5)
    assert np.array_equal(model.boxes, make(32, width=4).boxes)
    with torch.autocast("cpu", torch.bfloat16):
        low = model(x)
    assert low.dtype == torch.float32 and torch.allclose(low, model(x), atol=0.05)
