"""Other readings of a training step: one batch of 2N, three passes, alternating updates."""
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from test_ablations import made
from test_method import gradients, moved, views
from test_run_files import CHECKPOINT, tensors
from test_training import assert_same, interrupt, stored
from toys import TINY, build, fit

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors.ablations import BothClassified
from tcnsc_lib.detectors.readings import (
    Alternating,
    OneBatch,
    OneBatchBothClassified,
    ThreePasses,
)
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training.loop import step
from tcnsc_lib.training.schedule import make_optimizers

SHAPE = {"input_size": 32, "width": 4, "width_z": 8}
TURNS = {"detector": Alternating, "arguments": SHAPE}


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


# one batch of 2N


@pytest.mark.parametrize("kind", [OneBatch, OneBatchBothClassified])
def test_in_one_batch_both_views_share_batch_statistics(kind):
    x, x_twin, _ = views()
    model = made(kind).train()
    h, h_twin = model.encode(x, x_twin)
    both = model.f(torch.cat([x, x_twin]))
    assert torch.equal(torch.cat([h, h_twin]), both)
    other, _ = model.encode(x, 5 * x_twin)
    assert (h - other).abs().max() > 1e-2


def test_in_one_batch_the_classification_loss_feels_the_twin_and_in_two_passes_it_does_not():
    x, x_twin, y = views()
    felt = {}
    for kind in (OneBatch, TCNSC):
        one = made(kind).losses(x, y, x_twin)["cro"].item()
        other = made(kind).losses(x, y, 5 * x_twin)["cro"].item()
        felt[kind] = abs(one - other)
    assert felt[OneBatch] > 1e-4
    assert felt[TCNSC] < 1e-6


def test_in_one_batch_the_running_statistics_follow_a_step_once():
    x, x_twin, y = views()
    model = made(OneBatch).train()
    model.losses(x, y, x_twin)
    mean = model.f.conv1(torch.cat([x, x_twin])).mean((0, 2, 3))
    assert model.f.bn1.num_batches_tracked == 1
    torch.testing.assert_close(model.f.bn1.running_mean, 0.1 * mean, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kinds", [(OneBatch, TCNSC), (OneBatchBothClassified, BothClassified)])
def test_without_batch_statistics_one_batch_and_two_passes_are_the_same(kinds):
    x, x_twin, y = views()
    one, two = (made(kind).eval().losses(x, y, x_twin) for kind in kinds)
    for name, loss in one.items():
        assert loss.item() == pytest.approx(two[name].item(), abs=1e-5), name


# three passes


def test_three_passes_have_the_losses_and_gradients_of_two():
    x, x_twin, y = views()
    three = made(ThreePasses, 0.3).train()
    two = made(TCNSC, 0.3).train()
    ours = three.losses(x, y, x_twin)
    theirs = two.losses(x, y, x_twin)
    for name, loss in theirs.items():
        assert ours[name].item() == pytest.approx(loss.item(), abs=1e-6), name
    ours["total"].backward()
    theirs["total"].backward()
    for one, other in zip(gradients(three), gradients(two), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_in_three_passes_the_running_statistics_follow_x_then_its_twin_then_x_again():
    x, x_twin, y = views()
    model = made(ThreePasses).train()
    model.losses(x, y, x_twin)
    running = torch.zeros(4)
    for view in (x, x_twin, x):
        mean = model.f.conv1(view).mean((0, 2, 3))
        running = 0.9 * running + 0.1 * mean
    assert model.f.bn1.num_batches_tracked == 3
    torch.testing.assert_close(model.f.bn1.running_mean, running, rtol=1e-4, atol=1e-6)


# alternating updates


def taken(model: TCNSC, lam: float = 1.0) -> dict[str, float]:
    """One step of its training, by the loop."""
    model.lam = lam
    x, x_twin, y = views()
    return step(model, make_optimizers(model, TINY), [x, x_twin], y, "float32", 0)


def weights(model: TCNSC) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


def test_the_first_update_is_of_f_and_g_and_the_second_of_f_and_c():
    x, x_twin, y = views()
    model = made(Alternating).train()
    updates = model.updates(x, y, x_twin)
    seen = [{"f": True, "g": True, "c": False}, {"f": True, "g": False, "c": True}]
    for losses, expected in zip(updates, seen, strict=True):
        model.zero_grad()
        losses["total"].backward()
        for part, is_moved in expected.items():
            grads = gradients(model.get_submodule(part))
            assert all(moved(grad) == is_moved for grad in grads), part


def test_a_step_is_two_updates_of_adam_the_second_with_the_f_that_the_first_has_left():
    x, x_twin, y = views()
    ours = made(Alternating)
    told = taken(ours)
    by_hand = made(TCNSC).train()
    first = torch.optim.Adam(by_hand.parameters(), TINY.learning_rate)
    sim = by_hand.losses(x, y, x_twin)["sim"]
    sim.backward()
    first.step()
    for name, weight in by_hand.named_parameters():
        assert torch.equal(weight, made(TCNSC).get_parameter(name)) == name.startswith("c."), name
    by_hand.zero_grad()
    second = torch.optim.Adam(by_hand.parameters(), TINY.learning_rate)
    cro = by_hand.losses(x, y, x_twin)["cro"]
    cro.backward()
    second.step()
    assert told["sim"] == pytest.approx(sim.item(), abs=1e-6)
    assert told["cro"] == pytest.approx(cro.item(), abs=1e-5)
    assert told["total"] == pytest.approx(told["sim"] + told["cro"], abs=1e-6)
    theirs = weights(by_hand)
    for name, weight in weights(ours).items():
        apart = (weight - theirs[name]).abs().mean()
        assert apart < 0.02 * TINY.learning_rate, name


def test_the_second_loss_is_not_that_of_the_f_before():
    x, x_twin, y = views()
    before = made(TCNSC).train().losses(x, y, x_twin)["cro"].item()
    assert abs(taken(made(Alternating))["cro"] - before) > 1e-3


def test_lambda_is_of_no_account_to_alternating_updates():
    one = made(Alternating)
    other = made(Alternating)
    assert taken(one, 1.0) == taken(other, 100.0)
    theirs = weights(other)
    assert all(torch.equal(weight, theirs[name]) for name, weight in weights(one).items())
    joint = made(TCNSC)
    weighed = made(TCNSC)
    taken(joint, 1.0)
    taken(weighed, 100.0)
    assert not torch.equal(joint.f.conv1.weight, weighed.f.conv1.weight)


def test_an_interrupted_run_of_alternating_updates_ends_as_an_uninterrupted_one(faces, tmp_path):
    folder = interrupt(faces, tmp_path / "cut", 3, **TURNS)
    names = load_file(folder / CHECKPOINT)
    assert {name.split("/")[1] for name in names if name.startswith("optimizer/")} == {"0", "1"}
    resumed = fit(faces, tmp_path / "cut", **TURNS)
    whole = fit(faces, tmp_path / "whole", **TURNS)
    assert_same(resumed, whole)
    assert stored(whole) != stored(fit(faces, tmp_path / "joint", arguments=SHAPE, detector=TCNSC))


@pytest.mark.parametrize(
    "wrong",
    ["optimizer/2/0/", "optimizer/1/999/", "optimizer/0/"],
    ids=["a third optimizer", "a weight that there isn't", "no weight"],
)
def test_a_damaged_moment_of_either_optimizer_is_one_sentence(faces, tmp_path, wrong):
    def rename(known: dict) -> dict:
        return {name.replace("optimizer/1/0/", wrong): value for name, value in known.items()}

    folder = interrupt(faces, tmp_path, 2, **TURNS)
    tensors(CHECKPOINT, rename)(folder)
    with pytest.raises(CompanionError) as told:
        fit(faces, tmp_path, **TURNS)
    said = str(told.value)
    assert f"{folder / CHECKPOINT} is damaged ({wrong}" in said
    assert said.endswith("fits no weight); delete it to start this run again.")
    assert "\n" not in said


def test_the_log_of_alternating_updates_tells_both_losses_and_their_sum(faces, tmp_path):
    log = fit(faces, tmp_path, schedule=replace(TINY, iterations=2), **TURNS).log
    assert (log.total - log.sim - log.cro).abs().max() < 1e-6
