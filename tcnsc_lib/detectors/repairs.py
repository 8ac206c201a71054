"""TCNSC with what other methods use against a collapse: nothing in Loss_sim forbids g a constant.

Each changes what `similarity` asks of the two views; lambda weighs it as it does Loss_sim.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tcnsc_lib.detectors.tcnsc import TCNSC, loss_sim

TEMPERATURE = 0.5  # of SimCLR, as its authors have it for short trainings
COVARIANCE = 1 / 25  # VICReg's weight of the covariances, where the other two terms weigh 1
STEADY = 1e-4  # added to variances before their root, as VICReg's authors do


class Predictor(TCNSC):
    """SimSiam (Chen and He, CVPR 2021): a predictor, and no gradient into what it predicts.

    z can't come to meet z': only the prediction q(z) is pulled, towards a z' that holds still.
    """

    name = "predictor, stop-gradient"
    compared = "q(z) with z'"

    def __init__(self, input_size: int = 224, width: int = 64, width_z: int = 128,
                 lam: float = 1.0):
        super().__init__(input_size, width, width_z, lam)
        hidden = max(1, width_z // 4)
        self.q = nn.Sequential(nn.Linear(width_z, hidden), nn.ReLU(), nn.Linear(hidden, width_z))

    def similarity(self, h: Tensor, h_twin: Tensor) -> Tensor:
        """The mean of 1 - cos(q(z), z') and 1 - cos(q(z'), z)."""
        z = self.g(h)
        z_twin = self.g(h_twin)
        one = loss_sim(self.q(z), z_twin.detach())
        other = loss_sim(self.q(z_twin), z.detach())
        return (one + other) / 2


class Negatives(TCNSC):
    """NT-Xent, the loss of SimCLR (Chen et al., ICML 2020), which the paper says it follows.

    Each image must find its twin among all 2N - 1 others: a constant z finds nothing.
    """

    name = "negatives (NT-Xent)"
    compared = "z, against others"

    def similarity(self, h: Tensor, h_twin: Tensor) -> Tensor:
        """Cross-entropy of finding the twin by its cosine, mean over 2N images."""
        both = self.g(torch.cat([h, h_twin])).float()
        unit = F.normalize(both, dim=1)
        with precise(unit):
            cos = unit @ unit.T
        itself = torch.eye(len(cos), dtype=torch.bool, device=cos.device)
        cos = cos.masked_fill(itself, -torch.inf)
        twins = torch.arange(len(cos), device=cos.device).roll(len(h))
        return F.cross_entropy(cos / TEMPERATURE, twins)


class Variance(TCNSC):
    """VICReg (Bardes et al., ICLR 2022): z must vary over a batch, each value on its own.

    Variance forbids a constant, covariance that all values say the same.
    """

    name = "variance and covariance (VICReg)"
    compared = "z, which must vary"

    def similarity(self, h: Tensor, h_twin: Tensor) -> Tensor:
        """Squared distance of twins, plus what each view lacks in variance, plus covariances.

        The three terms' weights have the ratios of the authors (25, 25, 1), the first being 1.
        """
        z = self.g(h).float()
        z_twin = self.g(h_twin).float()
        apart = F.mse_loss(z, z_twin)
        flat = (lacking(z) + lacking(z_twin)) / 2
        shared = covariance(z) + covariance(z_twin)
        return apart + flat + COVARIANCE * shared


def precise(z: Tensor) -> torch.autocast:
    """The context in which products stay float32: bfloat16's steps near 1 are too coarse."""
    return torch.autocast(z.device.type, enabled=False)


def lacking(z: Tensor) -> Tensor:
    """By how much the standard deviation of each value of z (N, D) is below 1, mean over D."""
    deviation = (z.var(0) + STEADY).sqrt()
    return F.relu(1 - deviation).mean()


def covariance(z: Tensor) -> Tensor:
    """Sum of the squared covariances of different values of z (N, D), over D."""
    with precise(z):
        matrix = torch.cov(z.T)
    different = matrix - torch.diag(matrix.diag())
    return different.pow(2).sum() / z.shape[1]


class Agreement(TCNSC):
    """The two predictions must agree: c(h) and c(h'), without g (as consistency training does).

    A constant prediction would cost Loss_cro, which works on the same c.
    """

    name = "agreement of predictions (KL)"
    compared = "c(h) with c(h')"

    def similarity(self, h: Tensor, h_twin: Tensor) -> Tensor:
        """Kullback-Leibler divergence between the two distributions, mean of both directions."""
        one = F.log_softmax(self.c(h).float(), dim=1)
        other = F.log_softmax(self.c(h_twin).float(), dim=1)
        there = F.kl_div(one, other, reduction="batchmean", log_target=True)
        back = F.kl_div(other, one, reduction="batchmean", log_target=True)
        return (there + back) / 2
