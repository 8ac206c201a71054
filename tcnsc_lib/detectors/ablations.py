"""TCNSC with a part taken out or added: models A and B of Table 2, and two controls of ours.

Each is TCNSC but for its losses. Another control, lambda 0, is an argument: `TCNSC(lam=0.0)`.
"""
from __future__ import annotations

import torch
from torch import Tensor

from tcnsc_lib.detectors.collapse import NOTHING
from tcnsc_lib.detectors.tcnsc import TCNSC, loss_cro, loss_sim


class SimilarityAlone(TCNSC):
    """Model A: algorithm 1 alone. c is never trained; "cro" is only told."""

    name = "model A"
    classified = NOTHING

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor) -> dict[str, Tensor]:
        """As TCNSC's, but "total" is lambda Loss_sim."""
        losses = super().losses(x, y, x_twin)
        return losses | {"total": self.lam * losses["sim"]}


class ClassifierAlone(TCNSC):
    """Model B: algorithm 2 alone, on one view. g is never trained."""

    name = "model B"
    compared = NOTHING

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """Loss_cro, as "total" and "cro". With a twin, as `watch` has it, "sim" is told too."""
        if x_twin is not None:
            losses = super().losses(x, y, x_twin)
            return losses | {"total": losses["cro"]}
        cro = loss_cro(self(x), y)
        return {"total": cro, "cro": cro}


class BothClassified(TCNSC):
    """c sees both views: what the text's "(h, h')" may mean (`paper.OPEN`, 7)."""

    name = "dual, both views classified"
    classified = "X and X'"

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor) -> dict[str, Tensor]:
        """As TCNSC's, but Loss_cro is the mean over 2N images."""
        h, h_twin = self.encode(x, x_twin)
        sim = self.similarity(h, h_twin)
        logits = self.c(torch.cat([h, h_twin]))
        cro = loss_cro(logits, y.repeat(2))
        total = cro + self.lam * sim
        return {"total": total, "cro": cro, "sim": sim}


class OnH(TCNSC):
    """Loss_sim compares h with h', without g."""

    name = "similarity on h"
    compared = "h"

    def similarity(self, h: Tensor, h_twin: Tensor) -> Tensor:
        """Loss_sim of h and h'."""
        return loss_sim(h, h_twin)
