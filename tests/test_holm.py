"""Holm's correction, by hand and by simulation."""
import numpy as np
import pandas as pd
import pytest

from tcnsc_lib.results.claims.holm import adjusted, corrected

NAN = float("nan")


def test_p_is_adjusted_by_hand():
    p = pd.Series([0.04, 0.01, NAN, 0.03, 0.5])
    assert adjusted(p).tolist() == pytest.approx([0.09, 0.04, NAN, 0.09, 0.5], nan_ok=True)


def test_a_verdict_is_lost_among_many_and_one_without_p_stays():
    verdicts = pd.Series(["yes", "no", "yes", "can't tell", "no"])
    p = pd.Series([0.001, 0.04, NAN, 0.2, 0.02])
    left = ["yes", "can't tell", "yes", "can't tell", "can't tell"]
    assert corrected(verdicts, p).tolist() == left


def test_one_question_alone_is_judged_as_before():
    assert corrected(pd.Series(["yes"]), pd.Series([0.049])).tolist() == ["yes"]


def test_without_any_effect_a_wrong_answer_comes_in_one_of_twenty_cases():
    rng = np.random.default_rng(0)
    cases = [adjusted(pd.Series(rng.random(20))).min() < 0.05 for _ in range(2000)]
    assert 0.035 < np.mean(cases) < 0.065
