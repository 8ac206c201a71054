"""Many verdicts at once: the correction of Holm (Scandinavian Journal of Statistics, 1979).

Of twenty questions without any effect, one gets a wrong answer at 5 %. After the correction all
answers together are wrong in at most 5 % of cases.
"""
from __future__ import annotations

import numpy as np
import pandas as pd

from tcnsc_lib.evaluation import CONFIDENCE

UNSURE = "can't tell"


def adjusted(p: pd.Series) -> pd.Series:
    """Holm's p of each question; NaN stays, and doesn't count as one.

    The smallest is multiplied by how many there are, the next by one fewer, and so on; none is
    smaller than the one before it, or larger than 1.
    """
    known = p.dropna().sort_values(kind="stable")
    factors = np.arange(len(known), 0, -1)
    larger = np.minimum(known * factors, 1.0).cummax()
    return larger.reindex(p.index)


def corrected(verdicts: pd.Series, p: pd.Series) -> pd.Series:
    """The verdicts that are left: a yes or no whose adjusted p isn't below 5 % is none.

    One that has no p (a printed number that lies in an interval) stays as it is.
    """
    lost = adjusted(p) >= 1 - CONFIDENCE
    return verdicts.mask(lost & verdicts.isin(["yes", "no"]), UNSURE)
