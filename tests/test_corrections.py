"""What corrections repair, on log-odds made by hand: two people, four crops each."""
from itertools import product

import numpy as np
import pandas as pd
import pytest
from made_study import LABELS, UNITS, between_both
from scipy.special import expit

from tcnsc_lib import paper
from tcnsc_lib.analysis.calibration import ece, temperature
from tcnsc_lib.analysis.corrections import COLUMNS, DRAWN, Said, bins, rates, values

SIGN = np.where(LABELS == 1, 1.0, -1.0)
WIDE = SIGN * np.array([1, 2, 3, 4] * 2)


def said(moved: float = 0.0, raw: float = 0.0, wrong: int = 0) -> Said:
    """Perfect order; at LQ all log-odds are moved, of both parts, on RAW by another amount.

    wrong: so many first test crops of each person are turned, after every codec.
    """
    shift = {codec: 0.0 for codec in paper.CODECS} | {"LQ": moved, "RAW": raw}
    turned = np.where(np.tile(np.arange(4) < wrong, 2), -1, 1)
    odds = pd.DataFrame({codec: turned * WIDE + by for codec, by in shift.items()})
    validation = pd.DataFrame({codec: WIDE + by for codec, by in shift.items()})
    return Said(LABELS, odds, LABELS, validation)


def mean(column: str, of: Said, codec: str = "LQ") -> float:
    return values(column, of, codec).mean()


def test_a_lost_threshold_comes_back_for_whoever_knows_the_codec():
    of = said(moved=9)
    assert mean("auc", of) == 1 and mean("accuracy", of) == 0.5
    assert mean("accuracy_threshold_own", of) == mean("accuracy_platt_own", of) == 1
    assert mean("accuracy_threshold_raw", of) == mean("accuracy_platt_raw", of) == 0.5
    assert mean("ece", of) > 0.49 and mean("ece_platt_own", of) < 0.3


def test_what_is_chosen_on_raw_is_chosen_on_raw():
    of = said(raw=9)
    assert mean("accuracy_threshold_raw", of, "RAW") == 1
    assert mean("accuracy_platt_raw", of, "RAW") == 1
    assert mean("accuracy", of) == 1
    assert mean("accuracy_platt_raw", of) == mean("accuracy_threshold_raw", of) == 0.5
    assert mean("accuracy_platt_own", of) == 1


def test_corrections_are_chosen_on_validation_crops_alone():
    """Half of the test crops are turned around: no threshold of theirs would be found here."""
    of = said(moved=9, wrong=2)
    assert mean("accuracy_threshold_own", of) == mean("accuracy_platt_own", of) == 0.5
    again = Said(1 - LABELS, of.odds, of.y_validation, of.validation)
    corrected = values("accuracy_platt_own", again, "LQ")
    np.testing.assert_array_equal(corrected, 1 - values("accuracy_platt_own", of, "LQ"))


def test_the_temperature_divides_by_one_number_whatever_the_codec():
    of = said(raw=1, moved=2)
    _, correction = COLUMNS["ece_temperature"]
    chosen = temperature(LABELS, of.validation.RAW)
    for codec in paper.CODECS:
        x = correction.of(of, codec)
        np.testing.assert_allclose(chosen * x, of.odds[codec])
        assert mean("ece_temperature", of, codec) == ece(LABELS, x)


def test_rates_are_percent_and_means_over_seeds_with_both_kinds_of_chance():
    told = {"one": [said(wrong=1), said(wrong=2)], "other": [said()]}
    table = rates(UNITS, told)
    assert table.detector.tolist() == ["one"] * 5 + ["other"] * 5
    assert table.codec.tolist() == list(paper.CODECS) * 2
    assert table.seeds.tolist() == [2] * 5 + [1] * 5
    row = table.iloc[0]
    assert row.accuracy == 62.5
    low, high = between_both((0.625, 0.625), (0.75, 0.5))
    ends = [100 * max(low, 0), 100 * min(high, 1)]
    assert [row.accuracy_low, row.accuracy_high] == pytest.approx(ends)
    measured = [name + end for name, end in product(COLUMNS, ("", "_low", "_high"))]
    assert list(table) == ["detector", "codec", "seeds", "temperature", *measured]
    assert table[[*COLUMNS]].min(axis=None) >= 0 and table[[*COLUMNS]].max(axis=None) <= 100
    assert table.ece[5] == pytest.approx(100 * ece(LABELS, WIDE))


def test_the_bins_are_of_all_seeds_before_and_after():
    table = bins({"one": [said(moved=9), said(moved=9)]})
    assert table.correction.unique().tolist() == list(DRAWN)
    lq = table[table.codec == "LQ"].groupby("correction").sum(numeric_only=True)
    assert lq.n.tolist() == [16, 16]
    assert lq.right["as it is"] == 8 and lq.right["codec known"] == 16
    raw = table[(table.codec == "RAW") & (table.correction == "as it is")]
    sure = expit(np.abs(WIDE))
    assert raw.n.iloc[-1] == 2 * (sure >= 0.95).sum()
