"""Who is in which part of the data, and whether anybody is in two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tcnsc_lib.faces.store import SPLITS

SHARES = (0.70, 0.15, 0.15)  # of training, validation and test
NUMBERS = [f"{number:03d}" for number in range(1000)]  # the real videos of FaceForensics++


def random_split(people: Sequence[str] = NUMBERS, seed: int = 0) -> dict[str, str]:
    """The paper's split: person -> "train", "val" or "test", 70/15/15 % at random.

    Of FaceForensics++ those are 700/150/150 real videos; fakes follow their target. All 1000
    numbers are drawn, whichever are on disk, so that a partial copy's videos keep their part as it
    grows. It does not look at a fake's source, which may sit in another part; `audit` counts how
    often.
    """
    order = np.random.default_rng(seed).permutation(sorted(people))
    ends = np.cumsum(SHARES)
    train = round(len(order) * ends[0])
    val = round(len(order) * ends[1])
    counts = (train, val - train, len(order) - val)
    parts = np.repeat(SPLITS, counts).tolist()
    return dict(zip(order.tolist(), parts, strict=True))


def audit(manifest: pd.DataFrame) -> pd.DataFrame:
    """Leaks between the parts of a split: how many of the test part, out of how many.

    One row a question (index), columns count and of. A random split over targets puts the source
    person of most test fakes into training; that face has been seen.
    """
    train = manifest[manifest.split == "train"]
    test = manifest[manifest.split == "test"]
    fakes = test[test.label == 1].drop_duplicates(["method", "video"])
    people = set(test.identity)
    seen = set(train.identity)
    lent = set(train.source) - {""}
    from_seen = fakes.source.isin(seen).sum()
    from_lent = fakes.source.isin(lent).sum()
    rows = {
        "test people whose own video is in training": (len(people & seen), len(people)),
        "test fakes whose source person is in training": (from_seen, len(fakes)),
        "test fakes whose source face is in a training fake": (from_lent, len(fakes)),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["count", "of"])
    return table.rename_axis("question")
