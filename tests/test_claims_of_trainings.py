"""Figure 3 over several trainings: another seed is heard, in its means and in its claims."""
from itertools import product

import numpy as np
import pandas as pd
import pytest
from conftest import P

from tcnsc_lib.evidence import Evidence
from tcnsc_lib.results import claims, derive

T1 = 12.70620474  # 97.5 % of Student's t with 1 degree of freedom, from its tables
T = "TCNSC"
B = "model B"
MODELS = (T, B, "Xception-RAW")
CODECS = ("RAW", "MQ", "LQ")
MEASURES = ("silhouette", "neighbour", "probe", "classifier")

# crops 4 and 2 of one person, 9 and 1 of another; the later of each is fake
CROPS = pd.DataFrame({"crop": [4, 2, 9, 1], "unit": [7, 7, 3, 3], "label": [0, 1, 0, 1]})


@pytest.fixture
def e(tmp_path) -> Evidence:
    return Evidence(P, tmp_path)


def trainings(*silhouettes: dict) -> pd.DataFrame:
    """`figure3_seeds` of one training for each argument, seeds 3, 4, ...; rows in no order.

    silhouettes: (model, codec) -> of the first and of the second person; all else is 0.5.
    """
    parts = []
    for seed, given in enumerate(silhouettes, start=3):
        for model, codec in product(MODELS, CODECS):
            rows = CROPS.assign(model=model, codec=codec, seed=seed, **dict.fromkeys(MEASURES, 0.5))
            people = given.get((model, codec), (0.5, 0.5))
            parts.append(rows.assign(silhouette=np.repeat(people, 2)))
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=0)


def judged(e: Evidence, name: str, *silhouettes: dict) -> pd.Series:
    e.save("figure3_seeds", trainings(*silhouettes))
    return claims.judge("Figure 3", e).set_index("id").loc[f"figure3.{name}"]


def falls(model: str, by: float) -> dict:
    """A silhouette that falls by so much from RAW to LQ, of everybody."""
    return {(model, "RAW"): (0.9, 0.9), (model, "LQ"): (0.9 - by, 0.9 - by)}


def test_seeds_that_agree_give_a_verdict_with_an_interval_over_trainings_and_people(e):
    first = {(T, "RAW"): (0.70, 0.72)}
    second = {(T, "RAW"): (0.73, 0.75)}
    row = judged(e, "margin.raw.tcnsc", first, second)
    # the people's means are 0.715 and 0.735, the trainings' 0.71 and 0.74
    half = T1 * np.hypot(0.01, 0.015)
    expected = [0.725, 0.725 - half, 0.725 + half, 0.71, 0.74]
    assert row[["ours", "low", "high", "least", "most"]].tolist() == pytest.approx(expected)
    assert row["holds here"] == "yes" and row.seeds == 2 and row.crops == 4


def test_a_verdict_of_the_first_seed_does_not_outlive_a_second_that_disagrees(e):
    first = falls(T, 0.1) | falls(B, 0.5)
    second = falls(T, 0.55) | falls(B, 0.5)
    alone = judged(e, "fall.b-minus-tcnsc", first)
    assert alone.ours == pytest.approx(0.4) and alone.seeds == 1
    assert alone["holds here"] == "yes"
    both = judged(e, "fall.b-minus-tcnsc", first, second)
    expected = [0.175, 0.175 - T1 * 0.225, 0.175 + T1 * 0.225, -0.05, 0.4]
    assert both[["ours", "low", "high", "least", "most"]].tolist() == pytest.approx(expected)
    assert both["holds here"] == "can't tell"


def test_models_are_compared_seed_by_seed(e):
    row = judged(e, "fall.b-minus-tcnsc", falls(T, 0.1) | falls(B, 0.3),
                 falls(T, 0.5) | falls(B, 0.7))
    assert row[["ours", "low", "high", "least", "most"]].tolist() == pytest.approx([0.2] * 5)
    assert row["holds here"] == "yes"


def test_the_means_of_figure_3_are_over_crops_and_seeds(e):
    table = trainings({(T, "LQ"): (0.20, 0.22)}, {(T, "LQ"): (0.23, 0.25)})
    e.save("figure3_seeds", table)
    means = derive.figure3_means(e)
    assert list(means) == ["model", "codec", "measure", "mean", "low", "high", "crops"]
    assert len(means) == len(MODELS) * len(CODECS) * len(MEASURES)
    half = T1 * np.hypot(0.01, 0.015)
    row = means.set_index(["model", "codec", "measure"]).loc[T, "LQ", "silhouette"]
    assert row.tolist() == pytest.approx([0.225, 0.225 - half, 0.225 + half, 4])


def test_no_mean_of_figure_3_reaches_beyond_1(e):
    e.save("figure3_seeds", trainings({(T, "RAW"): (1, 0.9)}, {(T, "RAW"): (0.2, 0.3)}))
    row = derive.figure3_means(e).set_index(["model", "codec", "measure"])
    assert row.loc[T, "RAW", "silhouette"].tolist() == pytest.approx([0.6, -1, 1, 4])
