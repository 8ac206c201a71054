"""Is the similarity loss satisfied by a constant? What is measured of f and g while they train.

Loss_sim is 0 if every image gets the same z, and nothing in equation 2 stands in the way. Such a
collapse shows: different images then have a cosine of 1, a spread of 0 and a rank of 1.
"""
from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NOTHING = "nothing"  # what a loss sees where it doesn't count


def effective_rank(v: Tensor) -> float:
    """How many directions vectors (N, D) use, from 1 to min(N, D).

    The exponential of the entropy of their singular values, uncentred. 1: all lie on one line
    through the origin. Roy and Vetterli, EUSIPCO 2007; as RankMe (Garrido et al., ICML 2023)
    uses it.
    """
    share = torch.linalg.svdvals(v.float())
    share = share / share.sum()
    entropy = torch.special.entr(share).sum()
    return entropy.exp().item()


def spread(v: Tensor) -> float:
    """Standard deviation of vectors (N, D) brought to length 1, times sqrt(D).

    0 if all point one way, 1 if every way alike. After SimSiam (Chen and He, CVPR 2021),
    section 4.1.
    """
    unit = F.normalize(v.float(), dim=1)
    deviation = unit.std(0).mean()
    return (deviation * v.shape[1] ** 0.5).item()


def watch(model: nn.Module, x: Tensor, y: Tensor, x_twin: Tensor) -> dict[str, float]:
    """What f and g of a TCNSC do with fixed pairs, in training mode; the model stays as it is.

    x, x_twin: X and X', float32 (N, 3, S, S). y: int64 (N,). Returns

        gradient_cro, gradient_sim       see `gradients`
        cos_twins_z, cos_different_z     mean cosine of an image with its own twin, with others'
        spread_z, rank_z                 `spread` and `effective_rank` of the first view

    and the last four of h.
    """
    copy = deepcopy(model).train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        seen = gradients(copy, x, y, x_twin)
        with torch.no_grad():
            h, h_twin = copy.encode(x, x_twin)
            z = copy.g(h)
            z_twin = copy.g(h_twin)
    # In bfloat16, steps near 1 are as large as what is looked for.
    with torch.autocast(x.device.type, enabled=False):
        seen |= geometry("z", z.float(), z_twin.float())
        seen |= geometry("h", h.float(), h_twin.float())
    return seen


def gradients(model: nn.Module, x: Tensor, y: Tensor, x_twin: Tensor) -> dict[str, float]:
    """Norm of the gradient that each term of equation 4, lambda included, sends into f."""
    losses = model.losses(x, y, x_twin)
    cro = losses["cro"] * (model.classified != NOTHING)
    sim = losses["sim"] * model.lam * (model.compared != NOTHING)
    weights = list(model.f.parameters())
    return {"gradient_cro": _norm(cro, weights), "gradient_sim": _norm(sim, weights)}


def _norm(term: Tensor, weights: list[Tensor]) -> float:
    parts = torch.autograd.grad(term, weights, retain_graph=True)
    norms = torch.stack([part.norm() for part in parts])
    return norms.norm().item()


def geometry(space: str, v: Tensor, v_twin: Tensor) -> dict[str, float]:
    """How vectors (N, D) lie to their twins and to each other; the names end in `space`."""
    unit = F.normalize(v, dim=1)
    unit_twin = F.normalize(v_twin, dim=1)
    cos = unit @ unit_twin.T
    same = torch.eye(len(v), dtype=torch.bool, device=v.device)
    twins = cos.diag().mean()
    different = cos[~same].mean()
    return {
        f"cos_twins_{space}": twins.item(),
        f"cos_different_{space}": different.item(),
        f"spread_{space}": spread(v),
        f"rank_{space}": effective_rank(v),
    }
