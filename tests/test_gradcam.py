"""Grad-CAM against the definition, worked out with autograd and in closed form; and what is asked of its maps, by hand."""
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import build, tiny
from scipy.stats import spearmanr
from sklearn.metrics import silhouette_score
from torch.nn import functional as F

from tcnsc_lib.analysis import gradcam
from tcnsc_lib.analysis.gradcam import SHUFFLED, chance, correlation, enlarge, heat, on_mask, shuffled, strangers
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.detectors.xception import Xception
from tcnsc_lib.evaluation import features, probabilities
from tcnsc_lib.experiments import SEEDED
from tcnsc_lib.profiles import Profile

NAN = float("nan")
TOY = Profile("toy", "demo", seed=3)
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3)).astype(np.uint8)
LABELS = np.array([0, 1, 1, 0, 1])


def unlearned(kind: str, seed: int = 1) -> torch.nn.Module:
    """A small network with random weights and statistics, in evaluation mode, in which both labels have something to say."""
    torch.manual_seed(seed)
    detector = TCNSC(96, width=4, width_z=8) if kind == "TCNSC" else Xception(96, width=2, middle=1)
    for module in detector.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight, 1, 0.3)
            torch.nn.init.normal_(module.bias, 0, 0.3)
    x = detector.prepare(torch.from_numpy(IMAGES))
    detector(x)  # in training mode: statistics that aren't 0 and 1
    detector.eval()
    linear = detector.c if kind == "TCNSC" else detector.fc
    with torch.no_grad():
        mean = detector.features(x).mean(0)
        linear.weight.normal_().sub_(torch.outer(linear.weight @ mean, mean) / mean.square().sum())
    return detector


@pytest.fixture(params=["TCNSC", "Xception"])
def detector(request):
    return unlearned(request.param)


def last_stage(detector, x: torch.Tensor) -> tuple[torch.Tensor, torch.nn.Linear]:
    """Activations (N, C, 3, 3) after the last ReLU, step by step, and the linear layer behind their mean."""
    if isinstance(detector, TCNSC):
        f = detector.f
        x = f.maxpool(f.relu(f.bn1(f.conv1(x))))
        return f.layer4(f.layer3(f.layer2(f.layer1(x)))), detector.c
    x = F.relu(detector.bn1(detector.conv1(x)))
    x = F.relu(detector.bn2(detector.conv2(x)))
    for name in detector.blocks:
        x = getattr(detector, name)(x)
    x = F.relu(detector.bn3(detector.conv3(x)))
    return F.relu(detector.bn4(detector.conv4(x))), detector.fc


def stretched(maps: torch.Tensor) -> np.ndarray:
    """Each map from 0 to 1."""
    maps = maps.detach().numpy()
    return (maps - maps.min((1, 2), keepdims=True)) / np.ptp(maps, axis=(1, 2), keepdims=True)


def test_heat_is_grad_cam_by_autograd_and_in_closed_form(detector):
    a, linear = last_stage(detector, detector.prepare(torch.from_numpy(IMAGES)))
    a = a.detach().requires_grad_()
    logits = linear(a.mean((2, 3)))
    torch.testing.assert_close(logits, detector(detector.prepare(torch.from_numpy(IMAGES))))
    (gradient,) = torch.autograd.grad(logits[range(5), LABELS].sum(), a)
    weights = gradient.mean((2, 3))  # Selvaraju et al., equation 1; then 2
    maps = F.relu((weights[:, :, None, None] * a).sum(1))
    assert a.shape[2:] == (3, 3) and all(0 < (m > 0).sum() for m in maps) and (maps == 0).any()
    found = heat(detector, IMAGES, LABELS)
    assert found.shape == (5, 3, 3) and found.dtype == np.float32
    np.testing.assert_allclose(found, stretched(maps), atol=1e-4)
    plain = F.relu(torch.einsum("nc,nchw->nhw", linear.weight[LABELS], a))  # a linear layer behind a mean: its weights / 9
    np.testing.assert_allclose(found, stretched(plain), atol=1e-4)
    assert np.abs(found - heat(detector, IMAGES, 1 - LABELS)).max() > 0.5  # the other logit's is another


def test_the_relu_behind_bn4_matters():
    detector, raw = unlearned("Xception"), []
    hook = detector.bn4.register_forward_hook(lambda module, given, out: raw.append(out))
    detector(detector.prepare(torch.from_numpy(IMAGES)))
    hook.remove()
    signed = F.relu(torch.einsum("nc,nchw->nhw", detector.fc.weight[LABELS], raw[0]))
    some = signed.amax((1, 2)) > 0
    assert np.abs(heat(detector, IMAGES, LABELS)[some] - stretched(signed[some])).max() > 0.1


def test_heat_does_not_depend_on_the_batch(detector, monkeypatch):
    whole = heat(detector, IMAGES, LABELS)
    monkeypatch.setattr(gradcam, "BATCH", 2)
    np.testing.assert_allclose(heat(detector, IMAGES, LABELS), whole, atol=1e-4)


def test_there_is_no_heat_where_nothing_speaks_for_the_label(detector):
    linear = detector.c if isinstance(detector, TCNSC) else detector.fc
    torch.nn.init.constant_(linear.weight, -1)
    assert (heat(detector, IMAGES, LABELS) == 0).all()


def hooks(detector) -> int:
    return sum(len(module._forward_hooks) + len(module._backward_hooks) + len(module._forward_pre_hooks)
               for module in detector.modules())


def test_outputs_are_the_same_while_and_after_a_map_is_made(detector):
    before = probabilities(detector, IMAGES)
    with gradcam._last_stage(detector) as layer:
        np.testing.assert_array_equal(probabilities(detector, IMAGES), before)
        shown = []
        hook = layer.register_forward_hook(lambda module, given, out: shown.append(out))
        probabilities(detector, IMAGES)
        hook.remove()
        assert 0 <= shown[0].min() < 1e-30 < shown[0].max()  # after its ReLU
    heat(detector, IMAGES, LABELS)
    np.testing.assert_array_equal(probabilities(detector, IMAGES), before)
    assert hooks(detector) == 0


def test_no_hook_is_left_behind_by_an_error(detector):
    with pytest.raises(RuntimeError):
        heat(detector, IMAGES[..., :2], LABELS)
    assert hooks(detector) == 0


def test_heat_changes_no_weight_no_statistic_and_no_mode(detector):
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    with torch.no_grad():
        one = heat(detector, IMAGES, LABELS)
    gradients = [None if w.grad is None else w.grad.clone() for w in detector.parameters()]
    two = heat(detector, IMAGES, LABELS)
    np.testing.assert_array_equal(one, two)
    for old, w in zip(gradients, detector.parameters(), strict=True):  # those of the last batch, not of all so far
        assert old is None and w.grad is None or torch.equal(old, w.grad)
    assert not any(module.training for module in detector.modules())
    for name, value in detector.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert all(w.requires_grad for w in detector.parameters())


def test_heat_is_of_evaluation_mode_whatever_mode_the_network_is_in():
    detector = tiny()  # with dropout
    torch.manual_seed(0)
    quiet = heat(detector.eval(), IMAGES, LABELS)
    np.testing.assert_array_equal(heat(detector.train(), IMAGES, LABELS), quiet)


def test_enlarged_maps_are_pictures_with_their_heat_in_the_same_place():
    maps = np.zeros((2, 3, 3), np.float32)
    maps[0, 1, 2] = maps[1, 2, 0] = 1
    big = enlarge(maps, 96)
    assert big.shape == (2, 96, 96) and big.dtype == np.float32 and big.min() == 0 and big.max() == pytest.approx(1)
    for map_, (row, column) in zip(big, ((48, 80), (80, 16))):
        assert map_[row, column] > 0.9 and map_[:32].max() < 0.51
        assert map_[row - 16 : row + 16, column - 16 : column + 16].sum() > map_.sum() / 2
    assert big[0, 48, 48] < 0.1  # the middle of the next cell


# weights shuffled

def test_shuffled_weights_keep_their_values_and_lose_their_places(detector):
    before = {name: value.clone() for name, value in detector.state_dict().items()}
    copy, again, other = shuffled(detector, 0), shuffled(detector, 0), shuffled(detector, 1)
    moved = {f"{name}.weight" for name, module in detector.named_modules()
             if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear))}
    for name, value in copy.state_dict().items():
        assert torch.equal(detector.state_dict()[name], before[name])
        assert torch.equal(value, again.state_dict()[name])
        assert torch.equal(value.flatten().sort().values, before[name].flatten().sort().values)
        if name in moved:
            assert (value != before[name]).float().mean() > 0.5 and (value != other.state_dict()[name]).any()
        else:
            assert torch.equal(value, before[name])  # norms and offsets stay
    assert np.abs(heat(copy, IMAGES, LABELS) - heat(detector, IMAGES, LABELS)).max() > 0.3


def test_weights_in_another_memory_order_are_shuffled_alike():
    plain = unlearned("TCNSC")
    last = unlearned("TCNSC").to(memory_format=torch.channels_last)
    for one, other in zip(shuffled(plain, 0).parameters(), shuffled(last, 0).parameters(), strict=True):
        assert torch.equal(one, other)


# agreement of maps

SQUARE = np.array([[1.0, 2], [3, 4]])


@pytest.mark.parametrize("other, expected", [
    ([[1, 2], [3, 4]], 1), ([[4, 3], [2, 1]], -1), ([[1, 2], [4, 3]], 0.8),  # 1 - 6 * 2 / (4 * 15)
    ([[1, 4], [9, 1e6]], 1),  # ranks, not values
    ([[1, 1], [2, 3]], 4.5 / 22.5**0.5),  # ranks 1.5 1.5 3 4
    ([[2, 2], [2, 2]], NAN)])
def test_correlation_by_hand(other, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert correlation(SQUARE, np.array(other, float)) == pytest.approx(expected, nan_ok=True)
        assert correlation(np.array(other, float), SQUARE) == pytest.approx(expected, nan_ok=True)


def test_each_map_is_compared_with_its_own_others():
    random = np.random.default_rng(0)
    maps, others = random.normal(size=(4, 3, 3)), random.normal(size=(4, 5, 3, 3))
    found = correlation(maps[:, None], others)
    assert found.shape == (4, 5)
    for i in range(4):
        for j in range(5):
            assert found[i, j] == pytest.approx(spearmanr(maps[i].ravel(), others[i, j].ravel()).statistic)


@pytest.mark.parametrize("seed", range(3))
def test_strangers_are_other_people_with_the_same_label(seed):
    random = np.random.default_rng(seed)
    labels = random.permuted(np.tile([0, 0, 1, 1], (6, 1)), axis=1).ravel()
    chosen = pd.DataFrame({"unit": np.repeat(np.arange(6), 4), "label": labels}, index=random.permutation(24))
    found = strangers(chosen, seed)
    assert found.shape == (24, gradcam.OTHERS)
    unit, label = chosen.unit.to_numpy(), chosen.label.to_numpy()
    assert (unit[found] != unit[:, None]).all() and (label[found] == label[:, None]).all()
    assert found.tolist() == strangers(chosen, seed).tolist() != strangers(chosen, seed + 1).tolist()
    assert set(found.ravel()) == set(range(24))


# heat and forgery

HEAT = np.array([[1, 0.5], [0.25, 0.25]])


@pytest.mark.parametrize("area, expected", [
    ([[1, 0], [0, 0]], (1 / 2, 1, 1, 1 / 4)),
    ([[0, 1], [1, 0]], (0.75 / 2, 0, 1.5 / 4, 1 / 2)),  # of four pairs one is right and one a tie
    ([[0, 0], [1, 1]], (0.5 / 2, 0, 0, 1 / 2)),
    ([[1, 1], [1, 0]], (1.75 / 2, 1, 2.5 / 3, 3 / 4)),
    ([[0, 0], [0, 0]], (NAN, NAN, NAN, NAN)), ([[1, 1], [1, 1]], (NAN, NAN, NAN, 1))])
def test_heat_on_a_mask_by_hand(area, expected):
    table = on_mask(HEAT[None], np.array([area], bool))
    assert table.columns.tolist() == ["inside", "hit", "auc", "covered"]
    assert table.iloc[0].tolist() == pytest.approx(list(expected), nan_ok=True)


def test_a_map_without_heat_hits_nothing_and_misses_nothing():
    area = np.array([[[1, 0], [0, 0]]] * 3, bool)
    table = on_mask(np.stack([HEAT, 0 * HEAT, HEAT]), area)
    assert table.inside.tolist() == pytest.approx([0.5, NAN, 0.5], nan_ok=True)
    assert table.hit.isna().tolist() == table.auc.isna().tolist() == [False, True, False]
    assert table.covered.tolist() == [0.25] * 3


def test_chance_is_how_many_cells_have_their_hottest_pixel_in_the_area():
    area = np.zeros((4, 96, 96), bool)
    area[0, :, :48] = area[1, 40:56, 40:56] = area[2] = True  # a half, the middle cell's centre, everything, nothing
    assert chance(area, 2) == pytest.approx([1 / 2, 0, 1, NAN], nan_ok=True)
    area[0] = False
    area[0, :, :32] = True
    assert chance(area, 3) == pytest.approx([1 / 3, 1 / 9, 1, NAN], nan_ok=True)


# the figure's tables

@pytest.fixture(scope="module")
def figure4(tmp_path_factory):
    """Figure 4 of the toy faces (8 test crops of two people), three untrained networks, forged upper halves."""
    faces, patch = build(tmp_path_factory.mktemp("toy")), pytest.MonkeyPatch()
    networks = {"(RAW, LQ)": unlearned("TCNSC"), "model B": tiny().eval(), "Xception-RAW": unlearned("Xception")}

    def area(p, rows):
        out = np.zeros((len(rows), 32, 32), bool)
        out[faces.labels("test")[rows] == 1, :16] = True
        return out

    patch.setattr(gradcam, "faces", lambda p: faces)
    patch.setattr(gradcam, "forged_area", area)
    patch.setattr(gradcam, "train_experiment", lambda name, p: SimpleNamespace(detector=networks[name]))
    panels, table = gradcam.figure4(TOY)
    patch.undo()
    return faces, networks, panels, table


def test_figure_4_compares_each_map_with_its_own_on_raw_and_with_strangers(figure4):
    faces, networks, _, table = figure4
    assert list(table.groupby(["model", "codec"], sort=False).groups) == [
        (model, name) for model in ("TCNSC", "model B", "Xception-RAW", SHUFFLED) for name in ("RAW", "HQ", "MQ", "LQ")]
    y = faces.labels("test")
    for model, detector in {"TCNSC": networks["(RAW, LQ)"], "Xception-RAW": networks["Xception-RAW"]}.items():
        raw, after = (heat(detector, faces.images(name, "test"), y) for name in ("RAW", "LQ"))
        rows = table[(table.model == model) & (table.codec == "LQ")]
        assert rows.crop.tolist() == list(range(8)) and rows.label.tolist() == y.tolist()
        for i, row in enumerate(rows.itertuples()):
            assert row.same == pytest.approx(spearmanr(after[i].ravel(), raw[i].ravel()).statistic, abs=1e-4, nan_ok=True)
            assert row.heat == (after[i] > 0).any()
            strange = [spearmanr(after[i].ravel(), raw[j].ravel()).statistic
                       for j in range(8) if y[j] == y[i] and rows.unit.iloc[j] != row.unit]
            assert len(strange) == 2 and min(strange) - 1e-4 <= row.different <= max(strange) + 1e-4
    same = table[(table.codec == "RAW") & (table.model != "model B")].same
    np.testing.assert_allclose(same.dropna(), 1)
    np.testing.assert_allclose(table[table.model == "TCNSC"].trained.dropna(), 1)
    assert table[table.model == SHUFFLED].trained.mean() < 0.9


def test_figure_4_looks_for_the_forgery_in_fakes_alone(figure4):
    faces, networks, _, table = figure4
    assert table[table.label == 0][["inside", "hit", "auc", "covered"]].isna().all(axis=None)
    assert (table[table.label == 1].covered == 0.5).all()
    rows = table[(table.model == "Xception-RAW") & (table.codec == "MQ") & (table.label == 1)]
    maps = enlarge(heat(networks["Xception-RAW"], faces.images("MQ", "test"), faces.labels("test")), 32)
    for row in rows.itertuples():
        assert row.inside == pytest.approx(maps[row.crop][:16].sum() / maps[row.crop].sum(), abs=1e-4)
        assert row.hit == (maps[row.crop].argmax() < 16 * 32)


def test_maps_with_other_grids_are_compared_on_trained_tcnscs(monkeypatch, toy_faces):
    networks = {"(RAW, LQ)": torch.nn.Linear(7, 1), "model B": torch.nn.Linear(7, 1), "Xception-RAW": torch.nn.Linear(10, 1)}
    y = toy_faces.labels("test")

    def heat_of(detector, images, labels):
        """Rising row by row from 0 to 1, on as many cells as the network has inputs; falling for fakes on 10 x 10 cells."""
        cells = detector.in_features
        rising = np.linspace(0, 1, cells**2, dtype=np.float32).reshape(cells, cells)
        return np.stack([rising[::-1, ::-1] if label and cells == 10 else rising for label in labels])

    monkeypatch.setattr(gradcam, "faces", lambda p: toy_faces)
    monkeypatch.setattr(gradcam, "forged_area", lambda p, rows: np.repeat(
        y[rows, None, None] * np.eye(2, dtype=int)[0].repeat(16)[:, None] > 0, 32, axis=2))  # upper halves of fakes
    monkeypatch.setattr(gradcam, "train_experiment", lambda name, p: SimpleNamespace(detector=networks[name]))
    monkeypatch.setattr(gradcam, "heat", heat_of)
    monkeypatch.setattr(gradcam, "probabilities", lambda detector, images: np.full(len(images), 0.5))
    panels, table = gradcam.figure4(TOY)
    for model, own, fakes, hit in (("TCNSC", 1, 1, 0), ("model B", 1, 1, 0), ("Xception-RAW", 1, -1, 1)):
        rows = table[table.model == model]
        assert len(rows) == 4 * 8 and (rows[["same", "different"]] == own).all(axis=None)
        assert (rows[rows.label == 0].trained == 1).all() and (rows[rows.label == 1].trained == fakes).all()
        assert (rows[rows.label == 1].hit == hit).all()
    assert (table[(table.model == "Xception-RAW") & (table.label == 1)].chance == 0.5).all()  # five of ten rows of cells
    cells = panels[[f"c{i}" for i in range(100)]].to_numpy(float)
    small = (panels.model == "TCNSC").to_numpy()
    np.testing.assert_allclose(cells[small, :49], np.tile(np.linspace(0, 1, 49), (small.sum(), 1)), atol=1e-6)
    assert np.isnan(cells[small, 49:]).all() and not np.isnan(cells[~small]).any()


def test_another_seed_is_judged_by_its_own_network(monkeypatch, toy_faces):
    networks = {(name, seed): unlearned("TCNSC", number) for number, (name, seed) in enumerate(
        (name, seed) for name in SEEDED for seed in (3, 4))}
    area = np.zeros((8, 32, 32), bool)
    y = toy_faces.labels("test")
    area[y == 1, :, 16:] = True
    monkeypatch.setattr(gradcam, "faces", lambda p: toy_faces)
    monkeypatch.setattr(gradcam, "forged_area", lambda p, rows: area[rows])
    monkeypatch.setattr(gradcam, "train_experiment", lambda name, p, seed: SimpleNamespace(detector=networks[name, seed]))
    table = gradcam.by_seed(replace(TOY, seeds=2))
    assert table.seed.tolist() == [3, 4] * len(SEEDED) and table.model.tolist()[:4] == ["TCNSC"] * 2 + ["model B"] * 2
    for row, detector in zip(table.itertuples(), networks.values(), strict=True):
        raw, after = (toy_faces.images(name, "test") for name in ("RAW", "LQ"))
        one, other = heat(detector, raw, y), heat(detector, after, y)
        same = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one[y == 1], other[y == 1])]
        assert row.same == pytest.approx(np.nanmean(same))
        on = on_mask(enlarge(one, 32)[y == 1], area[y == 1])
        assert (row.hit, row.auc) == pytest.approx((on.hit.mean(), on.auc.mean()))
        assert row.silhouette_RAW == pytest.approx(silhouette_score(features(detector, raw), y), abs=1e-6)
        assert row.silhouette_LQ == pytest.approx(silhouette_score(features(detector, after), y), abs=1e-6)


def test_the_panels_of_figure_4_hold_the_maps_and_p_of_a_fake_and_its_real_crop(figure4):
    faces, networks, panels, _ = figure4
    test = faces.rows("test")
    assert len(panels) == 2 * 4 * 2 * gradcam.SUBJECTS
    for row in panels.itertuples():
        assert test.label[row.crop] == row.label and test.frame[row.crop] == 0
    assert panels.groupby("subject").crop.agg(lambda crops: test.identity[crops].nunique()).tolist() == [1, 1, 1]
    for model, detector in {"TCNSC": networks["(RAW, LQ)"], "Xception-RAW": networks["Xception-RAW"]}.items():
        rows = panels[(panels.model == model) & (panels.codec == "LQ")]
        images = faces.images("LQ", "test")[rows.crop.to_numpy()]
        np.testing.assert_allclose(rows.p, probabilities(detector, images), atol=1e-6)
        cells = rows[[f"c{i}" for i in range(9)]].to_numpy(float).reshape(-1, 3, 3)
        np.testing.assert_allclose(cells, heat(detector, images, rows.label.to_numpy()), atol=1e-5)
