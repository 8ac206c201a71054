"""Who is drawn, and means with intervals: by hand."""
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.analysis import means, sample, spelled

NAN = float("nan")

# who is drawn

Y = np.array([0, 0, 1] * 20)
PEOPLE = np.repeat([f"{person:03d}" for person in range(12)][::-1], 5)
CROPS = SimpleNamespace(labels=lambda split: {"test": Y}[split],
                        units=lambda split: {"test": PEOPLE}[split])


@pytest.mark.parametrize(
    ("each", "reals", "fakes"), [(7, 7, 7), (20, 20, 20), (30, 30, 20), (1000, 40, 20)])
def test_as_many_reals_as_fakes_are_drawn_as_long_as_there_are_any(each, reals, fakes):
    chosen = sample(CROPS, each, seed=0)
    assert (chosen.label == 0).sum() == reals
    assert (chosen.label == 1).sum() == fakes
    assert chosen.crop.is_monotonic_increasing  # in the part's order
    assert chosen.crop.is_unique
    assert chosen.label.tolist() == Y[chosen.crop].tolist()


def test_each_person_has_a_number():
    chosen = sample(CROPS, 7, seed=0)
    people = PEOPLE[chosen.crop]
    pairs = set(zip(chosen.unit, people, strict=True))
    assert len(pairs) == chosen.unit.nunique() == len(set(people))


def test_a_draw_depends_on_the_seed_alone():
    one = sample(CROPS, 7, 0)
    pd.testing.assert_frame_equal(one, sample(CROPS, 7, 0))
    assert one.crop.tolist() != sample(CROPS, 7, 1).crop.tolist()
    drawn = np.concatenate([sample(CROPS, 7, seed).crop for seed in range(60)])
    assert set(drawn) == set(range(60))


def test_the_draw_of_the_committed_tables_stays_as_it_is():
    chosen = sample(CROPS, 4, seed=0)
    assert chosen.crop.tolist() == [5, 11, 13, 23, 24, 27, 44, 49]
    assert chosen.unit.tolist() == [10, 9, 9, 7, 7, 6, 3, 2]


@pytest.mark.parametrize(("labels", "words"), [
    ([0, 0], "2 real and 0 fake crops"), ([1], "0 real and 1 fake"), ([], "0 real and 0 fake")])
def test_a_draw_of_one_kind_is_refused(labels, words):
    crops = SimpleNamespace(labels=lambda split: np.array(labels, int), units=CROPS.units)
    with pytest.raises(CompanionError, match=f"The test part has {words}"):
        sample(crops, 7, 0)


# means

def rows(*values: tuple) -> pd.DataFrame:
    return pd.DataFrame(values, columns=["label", "codec", "unit", "a", "b"])


def test_means_by_hand_with_an_interval_over_people_not_crops():
    reals = rows(
        (0, "LQ", 5, 0.0, 1), (0, "LQ", 9, 1.0, 2), (0, "LQ", 9, 1.0, 3), (0, "LQ", 9, 1.0, 4))
    fakes = rows((1, "LQ", 5, 0.3, 7), (1, "LQ", 9, 0.5, 7))
    out = means(pd.concat([reals, fakes]), ["label", "codec"], ["a", "b"])
    assert out.columns.tolist() == ["label", "codec", "measure", "mean", "low", "high", "crops"]
    names = [[0, "LQ", "a"], [0, "LQ", "b"], [1, "LQ", "a"], [1, "LQ", "b"]]
    assert out.iloc[:, :3].values.tolist() == names
    # two people: in a quarter of the draws both are the one, in a quarter both the other
    expected = [[0.75, 0, 1, 4], [2.5, 1, 3, 4], [0.4, 0.3, 0.5, 2], [7, 7, 7, 2]]
    np.testing.assert_allclose(out.iloc[:, 3:].astype(float), expected)


def test_a_crop_without_a_value_does_not_count():
    reals = rows((0, "LQ", 5, 0.2, NAN), (0, "LQ", 5, NAN, NAN), (0, "LQ", 9, 0.6, NAN))
    fakes = rows((1, "LQ", 5, 0.3, 1), (1, "LQ", 5, 0.5, 2))
    out = means(pd.concat([reals, fakes]), ["label"], ["a", "b"])
    out = out.set_index(["label", "measure"])
    assert out.loc[(0, "a")].tolist() == pytest.approx([0.4, 0.2, 0.6, 2])
    assert out.loc[(0, "b")].tolist() == pytest.approx([NAN, NAN, NAN, 0], nan_ok=True)
    one_person = out.loc[(1, "a")].tolist()  # who has no interval
    assert one_person == pytest.approx([0.4, NAN, NAN, 2], nan_ok=True)


def test_groups_keep_the_order_in_which_they_first_appear():
    table = rows((1, "RAW", 5, 1, 1), (0, "RAW", 5, 1, 1), (1, "LQ", 5, 1, 1), (0, "LQ", 5, 1, 1))
    out = means(table, ["codec", "label"], ["a"])
    assert out.codec.tolist() == ["RAW", "RAW", "LQ", "LQ"]
    assert out.label.tolist() == [1, 0, 1, 0]


def test_means_are_spelled_with_their_interval():
    fakes = [(1, "a", 0.918, 0.9, 0.93, 4), (1, "b", -0.001, -0.5, 0.5, 4)]
    reals = [(0, "a", NAN, NAN, NAN, 0), (0, "b", 2.0, NAN, NAN, 1)]
    columns = ["label", "measure", "mean", "low", "high", "crops"]
    table = spelled(pd.DataFrame(fakes + reals, columns=columns))
    assert table.index.tolist() == ["fake", "real"]
    assert table.loc["fake"].tolist() == ["0.92 (0.90 to 0.93)", "0.00 (-0.50 to 0.50)"]
    assert table.a["real"] == ""
