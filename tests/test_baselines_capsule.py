"""Capsule: the authors' weights give their numbers, and its routing number by number."""

import math
from unittest.mock import Mock
from urllib.error import URLError

import pytest
import torch
from published_weights import CONFORMANCE, authors
from torch import Tensor
from torchvision.models.vgg import cfgs, make_layers

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors.capsule import Capsule, CapsuleHead, squash, vgg19_features
from tcnsc_lib.detectors.published import load_capsule_head, load_published


def uniform(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@authors
def test_the_authors_head_gives_the_authors_probabilities():
    head = load_capsule_head(CONFORMANCE / "capsule/capsule_v1_face2face_c23.pt")
    n = torch.arange(2 * 256 * 16 * 16).reshape(2, 256, 16, 16)
    maps = ((37 * n % 101).float() / 50.5 - 1).relu()
    fake_real = torch.tensor([[0.705321, 0.294679], [0.705062, 0.294938]])
    assert head(maps).mean(1).allclose(fake_real.flip(1), rtol=0, atol=1e-4)


# routing


def squashed(v: list[float]) -> list[float]:
    s = sum(value * value for value in v)
    return [s / (1 + s) * value / math.sqrt(s) for value in v]


def literal_votes(u: list[list[float]], w: list[list[list[float]]]) -> list[list[float]]:
    """u: 8 values of each of 3 capsules; w: of one class -> 4 values of each of 3 votes."""
    votes = []
    for i in range(3):
        vote = []
        for k in range(4):
            vote.append(sum(w[i][k][j] * u[j][i] for j in range(8)))
        votes.append(vote)
    return votes


def literal_output(votes: list[list[float]]) -> list[float]:
    """3 votes -> the 4 values of one class's output capsule, after two rounds of agreement."""
    b = [[0.0] * 4 for _ in range(3)]
    for _ in range(2):
        s = []
        for k in range(4):
            shares = [math.exp(row[k]) for row in b]
            s.append(sum(shares[i] * votes[i][k] for i in range(3)) / sum(shares))
        v = squashed(s)
        for i in range(3):
            for k in range(4):
                b[i][k] += votes[i][k] * v[k]
    return v


def literal_head(u: Tensor, weights: Tensor) -> list[list[float]]:
    """One image's capsules u (8, 3), not yet squashed -> 4 lists [p real, p fake]."""
    rows = [squashed(row) for row in u.tolist()]  # over the capsules
    real, fake = (literal_output(literal_votes(rows, w)) for w in weights.tolist())
    probabilities = []
    for a, b in zip(real, fake, strict=True):
        total = math.exp(a) + math.exp(b)
        probabilities.append([math.exp(a) / total, math.exp(b) / total])
    return probabilities


def settled_head(x: Tensor) -> CapsuleHead:
    """With running statistics of x, without which an untrained head says .5 to all."""
    head = CapsuleHead(16)
    for module in head.modules():
        module.momentum = 1.0
    head(x)
    return head


@pytest.mark.parametrize(
    ("training", "low"), [(False, False), (True, False), (False, True)], ids=str
)
def test_routing_number_by_number_with_noise_only_in_training_and_always_in_float32(training, low):
    x = uniform(3, 16, 6, 6)
    head = settled_head(x).train(training)
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        torch.manual_seed(7)
        ours = head(x)
        again = head(x)
        torch.manual_seed(7)
        weights = head.route_weights + 0.01 * torch.randn(2, 3, 4, 8) * training
        u = torch.stack([capsule(x) for capsule in head.primary], dim=2)
    literal = torch.tensor([literal_head(one, weights) for one in u])
    assert torch.allclose(ours, literal, atol=1e-5)
    assert torch.equal(ours, again) is not training
    assert ours.std() > 0.01


def test_a_primary_capsule_sees_mean_and_unbiased_deviation_of_each_channel():
    x = uniform(3, 16, 6, 6)
    pooling = CapsuleHead(16).primary[0][6]
    deviation = x.flatten(2).var(2, correction=1).sqrt()
    by_hand = torch.stack([x.mean((2, 3)), deviation], 1)
    assert pooling(x).allclose(by_hand, atol=1e-6)
    assert pooling(x.bfloat16()).dtype == torch.float32


def test_the_features_are_the_squashed_primary_capsules():
    model = Capsule(32, width=4).eval()
    x = uniform(2, 3, 32, 32)
    maps = model.vgg(x)
    u = torch.stack([capsule(maps) for capsule in model.head.primary], dim=2)
    by_hand = []
    for image in u.tolist():
        rows = [squashed(row) for row in image]
        by_hand.append(sum(rows, []))
    assert model.features(x).shape == (2, 24)
    assert torch.allclose(model.features(x), torch.tensor(by_hand), atol=1e-5)


# the head and the frozen part


def test_the_head_has_the_published_number_of_weights_and_starts_as_the_authors_does():
    head = CapsuleHead()
    learned = [weight for weight in head.parameters() if weight.requires_grad]
    assert sum(weight.numel() for weight in learned) == 471_321
    assert head.route_weights.std().item() == pytest.approx(1, abs=0.2)
    for conv, norm, *_ in head.primary:
        assert conv.weight.std().item() == pytest.approx(0.02, rel=0.05)
        assert norm.weight.std().item() == pytest.approx(0.02, abs=0.01)
        assert norm.weight.mean().item() == pytest.approx(1, abs=0.01)


def test_silence_has_a_gradient():
    head = CapsuleHead()
    v = torch.zeros(2, 3, requires_grad=True)
    silence = squash(v, 1).sum() + head(torch.zeros(4, 256, 4, 4)).log().sum()
    silence.backward()
    assert not v.grad.any()
    assert all(weight.grad.isfinite().all() for weight in head.parameters())


def test_the_frozen_part_is_vgg19_up_to_its_third_pooling(monkeypatch, tmp_path):
    vgg = make_layers(cfgs["E"])
    state = {f"features.{key}": value for key, value in vgg.state_dict().items()}
    state["classifier.6.bias"] = torch.ones(1)
    download = Mock(return_value=state)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", download)
    head = CapsuleHead().eval()
    named = {"routing_stats.route_weights": head.route_weights}
    for i, capsule in enumerate(head.primary, 1):
        for key, value in capsule.state_dict().items():
            named[f"fea_ext.ext_{i}.{key}"] = value
    torch.save({"net": named}, tmp_path / "head.pth")
    model = load_published("Capsule", tmp_path / "head.pth")
    assert download.call_args.kwargs["check_hash"]
    assert download.call_args.kwargs["weights_only"]
    x = uniform(2, 3, 32, 48)
    maps = vgg[:19](x)
    assert torch.equal(model.vgg(x), maps)
    assert not model.training
    assert model.input_size == 128
    fake_real = head(maps).mean(1)
    assert model(x).softmax(1).allclose(fake_real.flip(1), atol=1e-6)
    assert not fake_real.allclose(fake_real.flip(1))


def test_a_random_vgg19_starts_as_torchvisions():
    first = vgg19_features()[0]
    assert first.weight.std().item() == pytest.approx(math.sqrt(2 / (64 * 3 * 3)), rel=0.1)
    assert not first.bias.any()


# loss and training


def test_the_loss_and_the_logits_by_hand():
    model = Capsule(32, width=4)
    p_fake = (0.1, 0.6, 0.7, 0.8)
    said = torch.tensor([[1 - p, p] for p in p_fake]).expand(3, -1, -1)
    model.head.forward = lambda maps: said
    x = torch.zeros(3, 3, 32, 32)
    y = [1, 0, 1]
    by_hand = 0.0
    for p in p_fake:
        total = math.exp(p) + math.exp(1 - p)
        for fake in y:
            by_hand += math.log(total) - (p if fake else 1 - p)
    losses = model.losses(x, torch.tensor(y))
    assert losses["capsule"].item() == pytest.approx(by_hand / 3, abs=1e-6)
    assert set(losses) == {"total", "capsule"}
    assert losses["total"] is losses["capsule"]
    assert model(x).softmax(1)[:, 1].tolist() == pytest.approx([0.55] * 3, abs=1e-6)


@pytest.mark.parametrize("label", [0, 1])
def test_class_1_is_fake_and_training_moves_the_head_alone(label):
    torch.manual_seed(0)
    model = Capsule(32, width=4).train()
    assert model.head.training
    assert not any(module.training for module in model.vgg.modules())
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    x = uniform(4, 3, 32, 32)
    y = torch.full((4,), label)
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    for _ in range(10):
        optimizer.zero_grad()
        model.losses(x, y)["total"].backward()
        optimizer.step()
    assert (model(x).argmax(1) == label).all()
    for name, value in model.named_parameters():
        has_moved = not torch.equal(value, before[name])
        assert has_moved is name.startswith("head."), name
        assert (value.grad is not None) is has_moved, name


@pytest.mark.parametrize("size", [96, 224])
def test_other_sizes_and_bfloat16(size):
    model = Capsule(size, width=8)
    crops = torch.randint(256, (4, 128, 128, 3), dtype=torch.uint8)
    y = torch.arange(4) % 2
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.losses(model.prepare(crops), y)["total"]
        p = model.eval()(model.prepare(crops)).float().softmax(1)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert p.shape == (4, 2)
    assert p.sum(1).allclose(torch.ones(4))
    assert all(weight.grad.isfinite().all() for weight in model.head.parameters())


def test_what_cant_be_built_is_one_sentence(monkeypatch):
    download = Mock(side_effect=URLError("no route to host"))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", download)
    with pytest.raises(CompanionError, match="width 32; use width=64, or pretrained=False"):
        Capsule(width=32, pretrained=True)
    with pytest.raises(CompanionError, match=r"https://.*/vgg19-.*\.pth .*no route to host"):
        Capsule(pretrained=True)
