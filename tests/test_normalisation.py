"""Batch statistics estimated anew, by hand; group normalisation, which keeps images apart."""
import pytest
import torch
from test_method import views
from torch import Tensor, nn

from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.ablations import ClassifierAlone
from tcnsc_lib.detectors.normalisation import (
    Grouped,
    GroupedBothClassified,
    GroupedClassifierAlone,
    batch_norms,
    reestimated,
)
from tcnsc_lib.detectors.tcnsc import TCNSC

SHAPE = {"input_size": 32, "width": 4, "width_z": 8}
GROUPED = (Grouped, GroupedClassifierAlone, GroupedBothClassified)


def made(kind: type[TCNSC] = TCNSC, **changes) -> TCNSC:
    """Of the same random weights, whichever kind it is."""
    torch.manual_seed(0)
    return kind(**(SHAPE | changes))


def batches() -> list[Tensor]:
    """Three batches of unlike means, the last a short one."""
    random = torch.Generator().manual_seed(2)
    sizes = (6, 6, 2)
    return [k + torch.randn(n, 3, 32, 32, generator=random) for k, n in enumerate(sizes)]


# statistics estimated anew


class Two(Detector):
    """One layer and one batch normalisation, with dropout between."""

    def __init__(self):
        super().__init__(32)
        self.conv = nn.Conv2d(3, 4, 3)
        self.drop = nn.Dropout(0.5)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.drop(self.conv(x))).mean((2, 3))


def test_running_statistics_are_the_plain_means_over_batches():
    asked = Two()
    copy = reestimated(asked, batches())
    maps = [asked.conv(x).detach() for x in batches()]
    mean = torch.stack([part.mean((0, 2, 3)) for part in maps]).mean(0)
    var = torch.stack([part.var((0, 2, 3)) for part in maps]).mean(0)
    torch.testing.assert_close(copy.norm.running_mean, mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(copy.norm.running_var, var, rtol=1e-5, atol=1e-6)
    assert copy.norm.num_batches_tracked == 3


def test_every_batch_normalisation_is_estimated_from_what_reaches_it_in_training_mode():
    copy = reestimated(made(), batches()[:1])
    trained = made().train()
    for norm in batch_norms(trained).values():
        norm.momentum = 1.0  # the last batch alone
    trained(batches()[0])
    norms = batch_norms(trained)
    assert len(norms) == 20
    for name, norm in batch_norms(copy).items():
        torch.testing.assert_close(norm.running_mean, norms[name].running_mean, msg=name)
        torch.testing.assert_close(norm.running_var, norms[name].running_var, msg=name)


def test_what_was_running_before_is_of_no_account():
    other = made()
    other.train()(50 + batches()[0])
    theirs = reestimated(other, batches()).state_dict()
    for name, value in reestimated(made(), batches()).state_dict().items():
        assert torch.equal(theirs[name], value), name


def test_no_weight_changes_and_the_detector_that_was_given_stays_as_it_is():
    asked = made().train()
    before = {name: value.clone() for name, value in asked.state_dict().items()}
    copy = reestimated(asked, batches())
    assert asked.training
    assert asked.f.bn1.momentum == 0.1
    for name, value in asked.state_dict().items():
        assert torch.equal(before[name], value), name
    for name, weight in copy.named_parameters():
        assert torch.equal(before[name], weight), name
    assert not torch.equal(before["f.bn1.running_mean"], copy.f.bn1.running_mean)


def test_the_same_batches_give_the_same_copy_in_evaluation_mode():
    one = reestimated(made(), batches())
    other = reestimated(made(), batches())
    x, *_ = views()
    assert torch.equal(one(x), other(x))
    assert not any(module.training for module in one.modules())
    assert torch.equal(one(x[:1]), one(x)[:1]) or torch.allclose(one(x[:1]), one(x)[:1], atol=1e-5)


def test_no_gradient_is_kept():
    copy = reestimated(made(), batches())
    assert copy.f.bn1.running_mean.grad_fn is None
    assert all(weight.grad is None for weight in copy.parameters())


# group normalisation


@pytest.mark.parametrize("kind", GROUPED)
def test_every_batch_normalisation_gives_way_to_groups_of_four_channels(kind):
    channels = [norm.num_features for norm in batch_norms(made(width=16)).values()]
    grouped = made(kind, width=16)
    groups = [part for part in grouped.modules() if isinstance(part, nn.GroupNorm)]
    assert not batch_norms(grouped)
    assert [norm.num_channels for norm in groups] == channels
    assert all(norm.num_channels == 4 * norm.num_groups for norm in groups)


def test_group_normalisation_by_hand():
    norm = made(Grouped, width=16).f.bn1
    maps = torch.randn(2, 16, 5, 5, generator=torch.Generator().manual_seed(0))
    for image, out in zip(maps, norm(maps), strict=True):
        for start in (0, 4):
            part = image[start : start + 4]
            by_hand = (part - part.mean()) / (part.var(unbiased=False) + 1e-5).sqrt()
            torch.testing.assert_close(out[start : start + 4], by_hand, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", GROUPED)
def test_an_images_output_does_not_depend_on_others_in_training_mode(kind):
    x, x_twin, _ = views()
    model = made(kind).train()
    together = model(torch.cat([x[:1], 5 * x_twin]))[:1]
    torch.testing.assert_close(together, model(x[:1]), rtol=1e-4, atol=1e-5)
    batched = made().train()
    apart = batched(torch.cat([x[:1], 5 * x_twin]))[:1] - batched(x)[:1]
    assert apart.abs().max() > 1e-2


def descend(model: TCNSC, steps: int, *, twin: bool) -> list[float]:
    """Losses of steps of Adam on noise, with the second view or without."""
    adam = torch.optim.Adam(model.parameters(), 1e-3)
    told = []
    for step in range(steps):
        x, x_twin, y = views()
        shown = (x + step, y, x_twin + step) if twin else (x + step, y)
        losses = model.train().losses(*shown)
        adam.zero_grad()
        losses["total"].backward()
        adam.step()
        told.append(losses["total"].item())
    return told


def test_grouped_lambda_0_trains_as_grouped_model_b():
    without = descend(made(Grouped, lam=0.0), 4, twin=True)
    model_b = descend(made(GroupedClassifierAlone), 4, twin=False)
    assert without == pytest.approx(model_b, rel=1e-5)
    assert len(set(without)) == 4


def test_with_batch_normalisation_the_twin_stays_in_what_lambda_0_says_at_test_time():
    x, *_ = views()
    without = made(TCNSC, lam=0.0)
    model_b = made(ClassifierAlone)
    trained = descend(without, 4, twin=True)
    assert trained == pytest.approx(descend(model_b, 4, twin=False), rel=1e-5)
    assert (without.eval()(x) - model_b.eval()(x)).abs().max() > 1e-3
