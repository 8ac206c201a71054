"""What batch normalisation meets: a channel's mean and spread, on RAW and compressed crops.

A channel is normalised by its running mean and standard deviation. Where compressed crops have
others, it comes out shifted, and so does all that is computed from it.
"""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.normalisation import batch_norms
from tcnsc_lib.detectors.outputs import AT_ONCE, log_odds

BINS = 60
TAIL = 0.5  # percent of values that a histogram leaves out on either side


def moments(detector: Detector, images: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Mean and standard deviation of every channel as it comes in, beside the running ones.

    images: codec -> the same crops, uint8 (N, S, S, 3). Columns layer (its place, from 0), channel,
    codec, mean, sd, running_mean, running_sd, shift: (mean - running_mean) / running_sd. The
    detector runs as at test time.
    """
    rows = []
    for codec, crops in images.items():
        for place, norm, found in _sums(detector, crops):
            running_sd = (norm.running_var + norm.eps).sqrt().cpu().numpy()
            running_mean = norm.running_mean.cpu().numpy()
            mean = found[0].numpy()
            sd = (found[1] - found[0] ** 2).clamp(min=0).sqrt().numpy()
            rows.append(pd.DataFrame({
                "layer": place,
                "channel": np.arange(len(mean)),
                "codec": codec,
                "mean": mean,
                "sd": sd,
                "running_mean": running_mean,
                "running_sd": running_sd,
                "shift": (mean - running_mean) / running_sd,
            }))
    return pd.concat(rows, ignore_index=True)


@torch.inference_mode()
def _sums(detector: Detector, crops: np.ndarray) -> list[tuple[int, nn.BatchNorm2d, Tensor]]:
    """Of each batch normalisation: place, itself, means of its input and of that squared (2, C)."""
    norms = list(batch_norms(detector.eval()).values())
    met: dict[int, list[Tensor]] = {place: [] for place in range(len(norms))}
    hooks = []
    for place, norm in enumerate(norms):
        hooks.append(norm.register_forward_pre_hook(_keeper(met[place])))
    try:
        log_odds(detector, crops, AT_ONCE)
    finally:
        for hook in hooks:
            hook.remove()
    found = []
    for place, norm in enumerate(norms):
        sums = torch.stack(met[place])
        found.append((place, norm, sums.sum(0)[:2] / sums.sum(0)[2]))
    return found


def _keeper(kept: list[Tensor]):
    """A hook that keeps sum, sum of squares and count of each channel, float64 (3, C)."""
    def keep(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        x = given[0].double()
        count = torch.full((x.shape[1],), x.numel() / x.shape[1], dtype=torch.float64)
        sums = [x.sum((0, 2, 3)).cpu(), x.pow(2).sum((0, 2, 3)).cpu(), count]
        kept.append(torch.stack(sums))

    return keep


def shifts(detectors: Mapping[str, Detector], images: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """How far off each layer's running statistics are: a row a model, layer and codec.

    Columns model, layer, codec, shift: mean over channels of |shift| in `moments`; spread: their
    mean of sd / running_sd.
    """
    parts = []
    for name, detector in detectors.items():
        table = moments(detector, images)
        table["shift"] = table["shift"].abs()
        table["spread"] = table["sd"] / table["running_sd"]
        means = table.groupby(["layer", "codec"], sort=False)[["shift", "spread"]].mean()
        parts.append(means.reset_index().assign(model=name))
    return pd.concat(parts, ignore_index=True)[["model", "layer", "codec", "shift", "spread"]]


@torch.inference_mode()
def channel(
    detector: Detector, images: Mapping[str, np.ndarray], layer: int, codec: str
) -> pd.DataFrame:
    """Histograms of one channel: of a layer, the one that is shifted most at a codec.

    Columns layer, channel, codec, left, right (of a bin, in units of the channel), share (of the
    values that fall there), and of all rows of a codec alike mean, running_mean.
    """
    table = moments(detector, images)
    here = table[(table.layer == layer) & (table.codec == codec)]
    number = int(here.channel.iloc[int(here["shift"].abs().to_numpy().argmax())])
    values = {name: _values(detector, crops, layer, number) for name, crops in images.items()}
    every = np.concatenate(list(values.values()))
    edges = np.linspace(*np.percentile(every, [TAIL, 100 - TAIL]), BINS + 1)
    rows = []
    for name, found in values.items():
        of_codec = table.query("layer == @layer and codec == @name and channel == @number").iloc[0]
        counts = np.histogram(found, edges)[0]
        rows.append(pd.DataFrame({
            "layer": layer,
            "channel": number,
            "codec": name,
            "left": edges[:-1],
            "right": edges[1:],
            "share": counts / len(found),
            "mean": of_codec["mean"],
            "running_mean": of_codec["running_mean"],
        }))
    return pd.concat(rows, ignore_index=True)


def _values(detector: Detector, crops: np.ndarray, layer: int, number: int) -> np.ndarray:
    """All values of a channel before it is normalised, (n,)."""
    norm = list(batch_norms(detector.eval()).values())[layer]
    kept: list[np.ndarray] = []

    def keep(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        kept.append(given[0][:, number].cpu().numpy().ravel())

    with norm.register_forward_pre_hook(keep):
        log_odds(detector, crops, AT_ONCE)
    return np.concatenate(kept)
