"""The models and controls of Table 2: what each takes out of TCNSC, or changes."""

import math

import pytest
import torch
from test_method import gradients, moved, views
from torch import Tensor

from tcnsc_lib.detectors.ablations import BothClassified, ClassifierAlone, OnH, SimilarityAlone
from tcnsc_lib.detectors.readings import OneBatchBothClassified
from tcnsc_lib.detectors.tcnsc import TCNSC, loss_cro, loss_sim

ALL = (TCNSC, SimilarityAlone, ClassifierAlone, BothClassified, OnH)


def made(kind: type[TCNSC] = TCNSC, lam: float = 1.0) -> TCNSC:
    """Of the same random weights, whichever kind it is."""
    torch.manual_seed(0)
    return kind(input_size=32, width=4, width_z=8, lam=lam)


def cross_entropy(logits: Tensor, y: list[int]) -> float:
    """In plain Python, over all rows."""
    total = 0.0
    for (real, fake), label in zip(logits.tolist(), y, strict=True):
        total += math.log(math.exp(real) + math.exp(fake)) - (fake if label else real)
    return total / len(y)


# model A


def test_model_a_leaves_the_classifier_and_the_labels_out():
    x, x_twin, y = views()
    model = made(SimilarityAlone, lam=0.3)
    losses = model.losses(x, y, x_twin)
    assert losses["total"].item() == pytest.approx(0.3 * losses["sim"].item(), abs=1e-7)
    losses["total"].backward()
    assert all(grad is None for grad in gradients(model.c))
    assert all(moved(grad) for grad in gradients(model.f) + gradients(model.g))
    assert losses["total"].item() == model.losses(x, 1 - y, x_twin)["total"].item()


def test_model_a_has_the_terms_of_the_dual_model():
    x, x_twin, y = views()
    alone = made(SimilarityAlone).losses(x, y, x_twin)
    dual = made().losses(x, y, x_twin)
    assert torch.equal(alone["sim"], dual["sim"])
    assert torch.equal(alone["cro"], dual["cro"])


# model B


def test_model_b_is_the_classification_loss_of_one_view():
    x, _, y = views()
    model = made(ClassifierAlone)
    losses = model.losses(x, y)
    assert set(losses) == {"total", "cro"}
    assert losses["total"] is losses["cro"]
    assert losses["cro"].item() == pytest.approx(cross_entropy(model(x), y.tolist()), abs=1e-5)
    losses["total"].backward()
    assert all(grad is None for grad in gradients(model.g))
    assert all(moved(grad) for grad in gradients(model.f) + gradients(model.c))


def test_model_b_trains_on_the_classification_loss_whatever_it_is_shown():
    x, x_twin, y = views()
    losses = made(ClassifierAlone).losses(x, y, x_twin)
    dual = made().losses(x, y, x_twin)
    assert torch.equal(losses["total"], dual["cro"])
    assert torch.equal(losses["sim"], dual["sim"])


# controls


def test_both_views_classified_is_the_cross_entropy_over_2n():
    x, x_twin, _ = views()
    y = torch.tensor([1, 1, 0, 1, 0, 0])
    losses = made(BothClassified, lam=0.3).losses(x, y, x_twin)
    cro = losses["cro"].item()
    dual = made()
    logits = dual.c(torch.cat([dual.f(x), dual.f(x_twin)]))
    first, second = (cross_entropy(part, y.tolist()) for part in logits.chunk(2))
    assert cro == pytest.approx(cross_entropy(logits, y.tolist() * 2), abs=1e-5)
    assert cro == pytest.approx(loss_cro(logits, torch.cat([y, y])).item(), abs=1e-6)
    assert cro == pytest.approx((first + second) / 2, abs=1e-5)
    assert abs(first - second) > 1e-3
    sim = losses["sim"].item()
    assert losses["total"].item() == pytest.approx(cro + 0.3 * sim, abs=1e-6)
    assert sim == pytest.approx(made().losses(x, y, x_twin)["sim"].item(), abs=1e-6)


def test_similarity_on_h_leaves_g_out():
    x, x_twin, y = views()
    model = made(OnH, lam=0.3)
    losses = model.losses(x, y, x_twin)
    dual = made()
    h = dual.f(x)
    h_twin = dual.f(x_twin)
    on_z = loss_sim(dual.g(h), dual.g(h_twin)).item()
    assert losses["sim"].item() == pytest.approx(loss_sim(h, h_twin).item(), abs=1e-6)
    assert losses["sim"].item() != pytest.approx(on_z, abs=1e-3)
    by_hand = losses["cro"].item() + 0.3 * losses["sim"].item()
    assert losses["total"].item() == pytest.approx(by_hand, abs=1e-6)
    losses["total"].backward()
    assert all(grad is None for grad in gradients(model.g))
    assert all(moved(grad) for grad in gradients(model.f) + gradients(model.c))


def test_both_views_in_one_batch_without_similarity_are_plain_jpeg_augmentation():
    x, x_twin, y = views()
    control = made(OneBatchBothClassified, lam=0.0)
    losses = control.losses(x, y, x_twin)
    assert losses["total"].item() == losses["cro"].item()
    assert losses["sim"].item() > 0.01
    losses["total"].backward()
    plain = made(ClassifierAlone)  # on twice as many images
    plain.losses(torch.cat([x, x_twin]), torch.cat([y, y]))["total"].backward()
    for name, weight in plain.named_parameters():
        grad = control.get_parameter(name).grad
        if name.startswith("g."):
            assert weight.grad is None and not moved(grad)
        else:
            assert moved(grad), name
            assert torch.allclose(grad, weight.grad, rtol=1e-5, atol=1e-6), name


# all of them


@pytest.mark.parametrize("kind", ALL)
def test_all_start_alike_and_decide_by_c_of_f(kind):
    x, *_ = views()
    assert torch.equal(made(kind).eval()(x), made().eval()(x))


def test_what_the_losses_see_is_said_as_it_is():
    said = {kind.name: (kind.classified, kind.compared) for kind in ALL}
    assert said == {
        "TCNSC": ("X", "z"),
        "model A": ("nothing", "z"),
        "model B": ("X", "nothing"),
        "dual, both views classified": ("X and X'", "z"),
        "similarity on h": ("X", "h"),
    }
