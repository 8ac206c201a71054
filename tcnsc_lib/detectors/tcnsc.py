"""TCNSC: the encoder f, the projection head g, the classifier c, and equations 1-4 (section 3).

Symbols are the paper's: X an image and X' its compressed twin, h = f(X), z = g(h), p from c(h), y the label.
The constructor's defaults are the paper's, and where the paper is silent those of `paper.OPEN`.
"""
from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, ResNet

from tcnsc_lib.detectors import Detector


class Encoder(ResNet):
    """f: torchvision's ResNet18 up to its global average pooling, X (N, 3, S, S) -> h (N, 8 * width).

    width: channels of the first stage; 64 is ResNet18 itself. A smaller width keeps the stem, all four stages
    and both blocks of each, and divides every channel count alike (for the demo's clock). block, layers: of another
    ResNet in the same way; h then has 8 * width * block.expansion values.

    torchvision's ResNet builds its four stages by calling `_make_layer` with 64, 128, 256 and 512 channels, the first time
    after a stem of 64; here each is asked for its share of them, and the stem is put in place afterwards.
    """

    def __init__(self, width: int = 64, block: type[nn.Module] = BasicBlock, layers: Sequence[int] = (2, 2, 2, 2)):
        self.stage1 = width
        super().__init__(block, list(layers))
        self.features = 8 * width * block.expansion
        self.fc = nn.Identity()
        if width != 64:
            self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
            self.bn1 = nn.BatchNorm2d(width)

    def _make_layer(self, block, planes, *args, **kwargs):
        if planes == 64:  # the first stage: what comes in is the narrower stem
            self.inplanes = self.stage1
        return super()._make_layer(block, planes * self.stage1 // 64, *args, **kwargs)


def cosine(z: Tensor, z_twin: Tensor) -> Tensor:
    """Equation 1: cos(z_i, z'_i) of each pair, (N, D), (N, D) -> (N,) in [-1, 1].

    In float32 at least, also where f and g run in bfloat16, whose steps near 1 are as large as the loss.
    """
    dtype = torch.promote_types(z.dtype, torch.float32)
    return F.cosine_similarity(z.to(dtype), z_twin.to(dtype), dim=1)


def loss_sim(z: Tensor, z_twin: Tensor) -> Tensor:
    """Equation 2 as printed. Its two sums are equal, so the value is 1 - mean cos(z, z'), in [0, 2]."""
    n = len(z)
    return ((1 - cosine(z, z_twin)).sum() + (1 - cosine(z_twin, z)).sum()) / (2 * n)


def loss_cro(logits: Tensor, y: Tensor) -> Tensor:
    """Equation 3: binary cross-entropy of p = softmax(logits)[:, 1], the probability of fake; y int64 (N,)."""
    return F.cross_entropy(logits, y)


def effective_rank(v: Tensor) -> float:
    """How many directions vectors (N, D) use, 1 to min(N, D): exp of the entropy of their singular values, uncentred.

    1: all lie on one line through the origin. Roy and Vetterli, EUSIPCO 2007; as RankMe (Garrido et al., ICML 2023) uses it.
    """
    share = torch.linalg.svdvals(v.float())
    share = share / share.sum()
    return torch.special.entr(share).sum().exp().item()


def spread(v: Tensor) -> float:
    """Standard deviation of vectors (N, D) of length 1, times sqrt(D): 0 if all point one way, 1 if every way alike.

    After SimSiam (Chen and He, CVPR 2021), section 4.1.
    """
    return (F.normalize(v.float(), dim=1).std(0).mean() * v.shape[1] ** 0.5).item()


class TCNSC(Detector):
    """The dual-branch model; trained on one view it is the classifier alone (model B of Table 2).

    width: of the encoder. width_z: output width of g, whose hidden layer is as wide as h. lam: lambda of eq. 4.
    classified: the views that Loss_cro sees, "raw" (the first of the pair: algorithm 2, eq. 3), "both" (what the
    text's "(h, h')" may mean) or "none" (model A). compared: what Loss_sim compares, "z" (eq. 1) or "h" (without g).
    """

    def __init__(self, input_size: int = 224, width: int = 64, width_z: int = 128, lam: float = 1.0,
                 classified: str = "raw", compared: str = "z"):
        super().__init__(input_size)
        self.lam, self.classified, self.compared = lam, classified, compared
        self.f = Encoder(width)
        h = self.f.features
        self.g = nn.Sequential(nn.Linear(h, h), nn.ReLU(), nn.Linear(h, width_z))
        self.c = nn.Linear(h, 2)

    def forward(self, x: Tensor) -> Tensor:
        """The path used at test time: c(f(X)), normalised crops (N, 3, S, S) -> logits (N, 2), [real, fake]."""
        return self.c(self.f(x))

    def features(self, x: Tensor) -> Tensor:
        """h = f(X): (N, 3, S, S) -> (N, 8 * width)."""
        return self.f(x)

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """Algorithms 1 and 2 in one step: equation 4 in "total", its terms in "cro" and "sim".

        x, x_twin: (N, 3, S, S). Both views go through f as one batch of 2N (section 3.1, step 10), so they share
        batch statistics; by default the classification loss sees h of the first view alone (algorithm 2).
        """
        if x_twin is None:
            cro = loss_cro(self(x), y)
            return {"total": cro, "cro": cro}
        h, h_twin = self.f(torch.cat([x, x_twin])).chunk(2)
        cro = loss_cro(self.c(torch.cat([h, h_twin])), y.repeat(2)) if self.classified == "both" else loss_cro(self.c(h), y)
        sim = loss_sim(h, h_twin) if self.compared == "h" else loss_sim(self.g(h), self.g(h_twin))
        total = self.lam * sim if self.classified == "none" else cro + self.lam * sim
        return {"total": total, "cro": cro, "sim": sim}

    def watch(self, x: Tensor, y: Tensor, x_twin: Tensor) -> dict[str, float]:
        """Is Loss_sim satisfied by a constant? Measured on fixed pairs, with batch statistics, leaving the model as it is.

        For z and h: mean cosine of twins and of different images (one's first view, another's second), `spread`, `effective_rank` (of the first view); and
        the norm of the gradient that each term of equation 4, lambda included, sends into f.
        """
        copy = deepcopy(self).train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            losses, weights = copy.losses(x, y, x_twin), list(copy.f.parameters())
            parts = {"cro": losses["cro"] * (self.classified != "none"), "sim": losses["sim"] * self.lam}
            out = {f"gradient_{name}": torch.stack([g.norm() for g in torch.autograd.grad(part, weights, retain_graph=True)]
                                                   ).norm().item() for name, part in parts.items()}
            with torch.no_grad():
                h, h_twin = copy.f(torch.cat([x, x_twin])).chunk(2)
                z, z_twin = self.g(h), self.g(h_twin)
        with torch.autocast(x.device.type, enabled=False):  # in bfloat16, steps near 1 are as large as what is looked for
            for name, a, b in (("z", z.float(), z_twin.float()), ("h", h.float(), h_twin.float())):
                cos = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
                out |= {f"cos_twins_{name}": cos.diag().mean().item(),
                        f"cos_different_{name}": cos[~torch.eye(len(a), dtype=torch.bool, device=a.device)].mean().item(),
                        f"spread_{name}": spread(a), f"rank_{name}": effective_rank(a)}
        return out
