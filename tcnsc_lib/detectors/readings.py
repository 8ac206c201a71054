"""Other readings of one training step of TCNSC (`paper.OPEN`, 7 and 17; `paper.CONTRADICTIONS`, 4).

How the views pass through f matters to batch normalisation alone; see `normalisation`.
"""
from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from tcnsc_lib.detectors.ablations import BothClassified
from tcnsc_lib.detectors.tcnsc import TCNSC, loss_cro


class OneBatch(TCNSC):
    """Both views pass through f as one batch of 2N (section 3.1, step 10), and share statistics."""

    name = "one batch of 2N"

    def encode(self, x: Tensor, x_twin: Tensor) -> tuple[Tensor, Tensor]:
        """As TCNSC's, in one pass."""
        both = torch.cat([x, x_twin])
        h, h_twin = self.f(both).chunk(2)
        return h, h_twin


class OneBatchBothClassified(OneBatch, BothClassified):
    """With lambda 0, JPEG augmentation: cross-entropy on a batch of raw and compressed images."""

    name = "one batch of 2N, both views classified"


class ThreePasses(TCNSC):
    """X is "also fed" into the classification branch (Figure 2): once more, for c alone."""

    name = "three passes"

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor) -> dict[str, Tensor]:
        """As TCNSC's, but that the running statistics follow X twice and X' once."""
        h, h_twin = self.encode(x, x_twin)
        sim = self.similarity(h, h_twin)
        cro = loss_cro(self.c(self.f(x)), y)
        total = cro + self.lam * sim
        return {"total": total, "cro": cro, "sim": sim}


class Alternating(TCNSC):
    """Algorithms 1 and 2 one after the other, each with its own update, as they are printed.

    Adam divides a gradient by its own size, so lambda is of no account here.
    """

    name = "alternating updates"
    optimizers = 2

    def updates(self, x: Tensor, y: Tensor, x_twin: Tensor) -> Iterator[dict[str, Tensor]]:
        """Loss_sim of f and g; then, with the f that this leaves, Loss_cro of f and c."""
        h, h_twin = self.encode(x, x_twin)
        sim = self.similarity(h, h_twin)
        yield {"total": sim, "sim": sim}
        cro = loss_cro(self(x), y)
        yield {"total": cro, "cro": cro}
