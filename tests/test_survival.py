"""What is left of detectors after chains, from log-odds made by hand."""
import numpy as np
import pandas as pd
import pytest
from made_study import LABELS, UNITS, between_both

from tcnsc_lib.analysis.survival import USABLE, rates, usable, values
from tcnsc_lib.chains import CHAINS, JPEG, QUALITIES

RIGHT = np.where(LABELS == 1, 1.0, -1.0)


def odds(**wrong: int) -> pd.DataFrame:
    """Log-odds of eight crops after two chains; of so many first crops of each person wrong."""
    told = {}
    for name, count in (("RAW", wrong.get("raw", 0)), ("JPEG 20", wrong.get("lq", 0))):
        sign = np.where(np.tile(np.arange(4) < count, 2), -1, 1)
        told[name] = sign * RIGHT
    return pd.DataFrame(told)


def test_accuracy_has_a_threshold_and_auc_has_none():
    moved = RIGHT + 9  # all are called fake, in the right order
    assert values("accuracy", LABELS, moved).mean() == 0.5
    assert values("auc", LABELS, moved).mean() == 1
    assert values("accuracy", LABELS, -RIGHT).mean() == values("auc", LABELS, -RIGHT).mean() == 0


def test_rates_by_hand():
    table = rates(LABELS, UNITS, {"one": [odds(lq=1), odds(lq=2)], "other": [odds(raw=4)]})
    assert table.detector.tolist() == ["one", "one", "other", "other"]
    assert table.chain.tolist() == ["RAW", "JPEG 20"] * 2
    assert table.seeds.tolist() == [2, 2, 1, 1]
    assert table.accuracy.tolist() == [100, 62.5, 0, 100]
    assert table.auc.tolist() == [100, 62.5, 0, 100]
    row = table.iloc[1]
    assert (row.group, row.quality) == (JPEG, 20) and np.isnan(table.quality[0])
    assert (row.accuracy_least, row.accuracy_most) == (50, 75)
    low, high = between_both((0.625, 0.625), (0.5, 0.75))
    ends = [100 * max(low, 0), 100 * min(high, 1)]
    assert [row.accuracy_low, row.accuracy_high] == pytest.approx(ends)


def test_an_interval_over_people_is_narrow_where_they_agree_and_stays_a_share():
    one = odds(raw=1)
    one.loc[UNITS == 1, "RAW"] = RIGHT[UNITS == 1]
    table = rates(LABELS, UNITS, {"one": [one]})
    row = table.iloc[0]
    assert row.accuracy == 87.5 and (row.accuracy_low, row.accuracy_high) == (0, 100)
    assert (table.accuracy_low[1], table.accuracy_high[1]) == (100, 100)


def made(accuracy: dict[int, float], auc: float = 99.0) -> pd.DataFrame:
    """A table of `rates` of one detector: accuracy by JPEG quality, 50 after other chains."""
    rows = []
    for name, chain in CHAINS.items():
        quality = np.nan if chain.quality is None else chain.quality
        right = 50.0 if chain.quality is None else accuracy.get(chain.quality, 100.0)
        low = 10.0 if name == "messenger, 70" else auc
        rows.append({"detector": "one", "chain": name, "group": chain.group, "quality": quality,
                     "accuracy": right, "auc": low})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("accuracy, lowest", [
    ({5: 74.9}, 10), ({}, 5), ({5: 60, 10: 60, 20: 75}, 20), ({50: 60}, 60),
    ({50: 60, 5: 60}, 60)])
def test_usable_is_what_all_higher_qualities_are_too(accuracy, lowest):
    row = usable(made(accuracy)).iloc[0]
    assert row.accuracy_from == lowest and row.auc_from == 5


def test_what_is_usable_nowhere_has_no_quality_and_the_worst_chain_is_named():
    table = usable(made(dict.fromkeys(QUALITIES, 60.0), auc=60))
    row = table.iloc[0]
    assert np.isnan(row.accuracy_from) and np.isnan(row.auc_from)
    assert row.accuracy_chains == row.auc_chains == 0
    assert row.worst == "messenger, 70"


def test_the_share_of_usable_chains_counts_all():
    row = usable(made({5: 60})).iloc[0]
    assert row.accuracy_chains == pytest.approx(100 * (len(QUALITIES) - 1) / len(CHAINS))
    assert USABLE == 0.75
