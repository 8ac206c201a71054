"""Decisions for whole videos: what the frames of one say together (future work of the paper).

Frames of a video are alike, so they err together, and many of them say less than as many videos
would. Where each video has a single frame (photographs), nothing is gained.
"""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib import paper
from tcnsc_lib.evaluation import HALF, auc_values, over_trainings
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import TABLE3, seeds_of

RULES = ("mean", "median", "majority")
"""How the frames of a video decide: by the mean or median of their log-odds, or each by a vote."""


def videos(e: Evidence) -> pd.DataFrame:
    """The test part's videos: label, unit, frames; a row a video, by its number.

    Crops of one label, unit and person are one video's.
    """
    every = e.crops.groupby(numbers(e))
    return every.agg(label=("label", "first"), unit=("unit", "first"), frames=("crop", "size"))


def numbers(e: Evidence) -> np.ndarray:
    """The number of its video for each test crop, int (N,)."""
    return e.crops.groupby(["label", "unit", "person"]).ngroup().to_numpy()


def table3_videos(e: Evidence) -> pd.DataFrame:
    """Table 3 for whole videos, a row a detector and test set; means over its seeds, in percent.

    Columns training, codec; videos, frames (a video, on average), seeds; frame (accuracy of single
    frames, each video weighing the same), mean, median, majority (accuracy by each of RULES; half
    of the votes are enough for fake), auc (by the mean), gain (mean minus frame, in points) with
    its 95 % interval low, high over trainings and people.
    """
    seen = videos(e)
    video = numbers(e)
    rows = []
    for training, experiment in TABLE3.items():
        told = [_scores(e, experiment, seed, video) for seed in seeds_of(experiment, e.p)]
        for codec in paper.CODECS:
            of_codec = [_column(scores, codec) for scores in told]
            rows.append({"training": training, "codec": codec} | _row(of_codec, seen))
    return pd.DataFrame(rows)


def _scores(
    e: Evidence, experiment: str, seed: int, video: np.ndarray
) -> dict[str, pd.DataFrame]:
    """Of one training, a row a video, a column a test set: by each rule a score, fake from 0 on.

    frame: the share of its frames that are called rightly.
    """
    odds = e.log_odds(experiment, seed)
    votes = (odds >= 0).groupby(video).mean()
    return {
        "mean": odds.groupby(video).mean(),
        "median": odds.groupby(video).median(),
        "majority": votes - HALF,
        "frame": e.right(experiment, seed).groupby(video).mean(),
    }


def _column(scores: dict[str, pd.DataFrame], codec: str) -> dict[str, np.ndarray]:
    return {name: table[codec].to_numpy() for name, table in scores.items()}


def _row(trainings: list[dict[str, np.ndarray]], seen: pd.DataFrame) -> dict[str, float]:
    """The numbers of a row from the `_scores` of each training on one test set."""
    y = seen.label.to_numpy()
    frame = np.array([scores["frame"] for scores in trainings])
    row = {"videos": len(seen), "frames": seen.frames.mean(), "seeds": len(trainings)}
    row["frame"] = 100 * frame.mean()
    right = {}
    for name in RULES:
        called = np.array([scores[name] >= 0 for scores in trainings])
        right[name] = (called == y).astype(float)
        row[name] = 100 * right[name].mean()
    row["auc"] = 100 * np.mean([auc_values(y, scores["mean"]) for scores in trainings])
    gains = right["mean"] - frame
    low, high = over_trainings(gains, seen.unit.to_numpy())
    return row | {"gain": 100 * gains.mean(), "low": 100 * low, "high": 100 * high}
