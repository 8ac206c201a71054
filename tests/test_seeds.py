"""What runs of the study are worth, seed by seed: from log-odds made by hand."""
import math

import numpy as np
import pytest
from made_study import LABELS, UNITS, between_both, made, right, tell
from sklearn.metrics import roc_auc_score

from tcnsc_lib.experiments import DUAL, MODEL_B
from tcnsc_lib.results.seeds import AUC, NOT_THERE, Told, Values, contrast, minus, told


@pytest.fixture
def e(tmp_path):
    return made(tmp_path)


def values(**by_seed: float) -> Values:
    """The same value for each of two people's crops: s3=0.5 is of seed 3."""
    numbers = {int(name[1:]): np.full(2, value) for name, value in by_seed.items()}
    return Values(numbers, np.array([0, 1]))


def test_a_seed_is_worth_its_hits_on_each_crop(e):
    tell(e, DUAL, 3, LQ=(3, 1))
    tell(e, DUAL, 4, RAW=(2, 4))
    study = Told(e)
    at_lq = study.values(DUAL).by_seed
    assert list(at_lq) == [3, 4]
    assert at_lq[3].tolist() == right((3, 1)).tolist()
    assert at_lq[4].tolist() == [1.0] * 8
    raw = study.values(DUAL, codec="RAW")
    assert raw.by_seed[4].tolist() == right((2, 4)).tolist()
    assert raw.mean == (1 + 6 / 8) / 2
    assert raw.units.tolist() == UNITS.tolist()


def test_auc_does_not_depend_on_a_threshold_and_accuracy_does(e):
    tell(e, DUAL, shift=9, LQ=(3, 2))
    study = Told(e)
    assert study.values(DUAL).mean == 0.5  # all are called fake
    odds = e.study.log_odds(DUAL).LQ
    assert study.values(DUAL, AUC).mean == pytest.approx(roc_auc_score(LABELS, odds))
    assert study.values(DUAL, AUC).mean == pytest.approx(5 / 8)


def test_a_crop_on_the_threshold_is_called_fake_as_everywhere(e):
    tell(e, DUAL, shift=1.0)  # reals 0, fakes 2
    assert Told(e).values(DUAL).mean == e.study.right(DUAL).LQ.mean() == 0.5


def test_seeds_are_those_of_the_profile_until_one_is_missing(e):
    for seed in (2, 3, 4, 6):
        tell(e, DUAL, seed)
    assert list(Told(e).values(DUAL).by_seed) == [3, 4]


def test_what_was_never_predicted_has_no_seeds_and_no_mean(e):
    study = Told(e)
    assert not study.has(MODEL_B)
    assert study.values(MODEL_B).by_seed == {}
    assert math.isnan(study.values(MODEL_B, AUC, "RAW").mean)


def test_predictions_are_read_once(e):
    tell(e, DUAL)
    study = Told(e)
    before = study.values(DUAL)
    tell(e, DUAL, LQ=(0, 0))
    assert study.values(DUAL) is before
    assert Told(e).values(DUAL).mean == 0


def test_the_tables_predictions_are_none_of_the_studys(e):
    tell(e, MODEL_B)
    e.save_predictions(DUAL, 3, e.study.log_odds(MODEL_B))
    assert e.has_predictions(DUAL)
    assert not Told(e).has(DUAL)
    assert Told(e).has(MODEL_B)


# what one gains on another

def test_a_contrast_weighs_each_seed_that_all_of_them_have():
    one = values(s3=0.5, s4=0.7, s5=0.9)
    other = values(s4=0.2, s3=0.1)
    third = values(s4=0.4, s5=0.0, s3=0.3)
    sums = contrast([(0.5, one), (0.5, other), (-1.0, third)])
    assert np.array(sums) == pytest.approx(np.array([[0.0, 0.0], [0.05, 0.05]]))


def test_a_difference_is_taken_seed_by_seed_and_only_where_both_have_the_seed(e):
    for seed, hits in ((3, (3, 3)), (4, (3, 2)), (5, (4, 4))):
        tell(e, DUAL, seed, LQ=hits)
    tell(e, MODEL_B, 3, LQ=(1, 1))
    tell(e, MODEL_B, 4, LQ=(0, 1))
    study = Told(e)
    found = minus(study.values(DUAL), study.values(MODEL_B))
    # seed 3: 0.5, 0.5; seed 4: 0.75, 0.25; so people 0.625, 0.375, and seeds alike
    low, high = between_both((0.625, 0.375), (0.5, 0.5))
    assert (found.points, found.seeds) == (0.5, 2)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_without_a_shared_seed_there_is_no_difference():
    found = minus(values(s3=0.5), values(s4=0.5))
    assert found == NOT_THERE == told([], np.array([0, 1]))
    assert found.seeds == 0
    assert all(math.isnan(number) for number in (found.points, found.low, found.high))
