"""Claims about figures, from tables made by hand, of two people."""
from itertools import product

import numpy as np
import pandas as pd
import pytest
from conftest import P

from tcnsc_lib import paper
from tcnsc_lib.analysis.gradcam import SHUFFLED
from tcnsc_lib.analysis.ssim import OURS
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.results import claims
from tcnsc_lib.results.claims import rules

NAN = float("nan")
T = "TCNSC"
B = "model B"
X = "Xception-RAW"
S = SHUFFLED

# crops 4 and 2 of one person, 9 and 1 of another; the later of each is fake
CROPS = pd.DataFrame({"crop": [4, 2, 9, 1], "unit": [7, 7, 3, 3], "label": [0, 1, 0, 1]})


@pytest.fixture
def e(tmp_path, extremes) -> Evidence:
    return Evidence(P, tmp_path)


def four(values: tuple[float, ...]) -> list[float]:
    """Of four crops: as given, or one for each person."""
    return list(values) if len(values) == 4 else np.repeat(values, 2).tolist()


def long(keys: list[str], **measures: dict) -> pd.DataFrame:
    """An analysis's table from {key: four values, or two (one a person)} of each measure.

    NaN where a measure lacks a key. The rows are in no order.
    """
    parts = []
    for key in set().union(*measures.values()):
        rows = CROPS.copy()
        rows[keys] = [key] if isinstance(key, str) else key
        for name, given in measures.items():
            rows[name] = four(given.get(key, (NAN, NAN)))
        parts.append(rows)
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=0)


def judge(e: Evidence, item: str, name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The claims about an item, from its stored table; by the id without the item."""
    e.save(name, table)
    judged = claims.judge(item, e)
    short = judged.id.str.split(".", n=1).str[1]
    return judged.set_index(short)


def check(table: pd.DataFrame, expected: dict[str, tuple]) -> None:
    """id -> (ours, low, high, holds here), in this order."""
    assert table.index.tolist() == list(expected)
    for name, (*numbers, holds) in expected.items():
        row = table.loc[name]
        ours = row[["ours", "low", "high"]].tolist()
        assert ours == pytest.approx(numbers, nan_ok=True), name
        assert row["holds here"] == holds, name


def test_the_claims_about_figure_1_by_hand(e):
    blocking = {
        "RAW": (1, 1),
        "HQ": (1.1, 1.1),
        "MQ": (1.05, 1),
        "LQ": (1.5, 0.8, 1.3, 1.4),
        "WEBP": (9, 9),
    }
    table = judge(e, "Figure 1", "figure1_blocks", long(["codec"], blocking=blocking))
    check(
        table,
        {
            "blocks.real": (0.4, 0.3, 0.5, "yes"),
            "blocks.fake": (0.1, -0.2, 0.4, "can't tell"),
            "more-blocks.mq": (-0.075, -0.1, -0.05, "no"),
            "more-blocks.lq": (0.225, 0.1, 0.35, "yes"),
        },
    )
    assert table.paper.isna().all() and table.crops.tolist() == [2, 2, 4, 4]
    assert (table["holds if"] == rules.MORE).all()


def test_the_claims_about_figure_3_by_hand(e):
    once = long(
        ["model", "codec"],
        silhouette={
            (T, "RAW"): (0.5, 0.7),
            (T, "MQ"): (0.4, 0.4),
            (T, "LQ"): (0.3, 0.5),
            (X, "RAW"): (-0.1, 0.3),
            (X, "MQ"): (0.2, 0.2),
            (X, "LQ"): (0.3, 0.3),
            (B, "RAW"): (0.6, 0.6),
            (B, "MQ"): (0.9, 0.9),
            (B, "LQ"): (0, 0),
        },
        neighbour={
            (T, "RAW"): (1, 1),
            (T, "LQ"): (1, 0, 1, 1),
            (X, "RAW"): (1, 0, 1, 0),
            (X, "LQ"): (1, 1, 1, 0),
            (B, "RAW"): (1, 1),
            (B, "LQ"): (1, 0, 0, 0),
        },
        probe={(T, "LQ"): (1, 1), (X, "LQ"): (1, 0, 1, 0), (T, "RAW"): (0, 0)},
        classifier={(T, "LQ"): (1, 0, 0, 0), (X, "LQ"): (0, 1, 1, 1), (T, "RAW"): (0, 0)},
    )
    table = pd.concat([once.assign(seed=3), once.assign(seed=4)])
    judged = judge(e, "Figure 3", "figure3_seeds", table)
    check(
        judged,
        {
            "margin.raw.tcnsc": (0.6, 0.5, 0.7, "yes"),
            "margin.raw-minus-mq.tcnsc": (0.2, 0.1, 0.3, "yes"),
            "margin.mq-minus-lq.tcnsc": (0, -0.1, 0.1, "can't tell"),
            "neighbours.raw-minus-lq.tcnsc": (0.25, 0, 0.5, "can't tell"),
            "margin.raw.xception": (0.1, -0.1, 0.3, "can't tell"),
            "margin.raw-minus-mq.xception": (-0.1, -0.3, 0.1, "can't tell"),
            "margin.mq-minus-lq.xception": (-0.1, -0.1, -0.1, "no"),
            "neighbours.raw-minus-lq.xception": (-0.25, -0.5, 0, "can't tell"),
            # falls: -0.4 and 0, 0.2 and 0.2
            "fall.xception-minus-tcnsc": (-0.4, -0.6, -0.2, "no"),
            "fall.b-minus-tcnsc": (0.4, 0.4, 0.4, "yes"),
            "neighbours-fall.b-minus-tcnsc": (0.5, 0, 1, "can't tell"),  # of crops 2 and 3
            "threshold.tcnsc": (0.75, 0.5, 1, "yes"),
            "threshold.xception": (-0.25, -0.5, 0, "can't tell"),
        },
    )
    assert judged.paper.isna().all()
    assert (judged.seeds == 2).all() and (judged.crops == 4).all()


def heat_maps(**changes) -> pd.DataFrame:
    """Figure 4's rows: every correlation 0.5 and every map with heat, but for what is said."""
    every = list(product((T, B, X, S), ("RAW", "HQ", "MQ", "LQ")))
    given = {}
    for name, value in {"same": 0.5, "different": 0.5, "trained": 0.5, "heat": 1}.items():
        given[name] = {key: (value, value) for key in every} | changes.get(name, {})
    fakes_only = {key: (NAN, 0.5, NAN, 0.5) for key in every} | changes.get("auc", {})
    return long(["model", "codec"], **given, auc=fakes_only)


def test_the_claims_about_figure_4_by_hand(e):
    maps = heat_maps(
        same={
            (T, "HQ"): (0.9, 0.7),
            (T, "MQ"): (0.4, 0.8),
            (T, "LQ"): (0.4, 0.2, NAN, 0.1),
            (B, "LQ"): (0.7, 0.9),
            (X, "LQ"): (0.2, 0.0, 0.5, 0.0),
            (S, "LQ"): (0.8, 0.8),
        },
        different={
            (T, "MQ"): (0.1, 0.9),
            (T, "LQ"): (0.6, 0.8, 0.1, 0.9),
            (B, "LQ"): (0.5, 0.6),
            (X, "LQ"): (0, 0, 0.4, 0.4),
        },
        heat={
            (T, "LQ"): (1, 0, 1, 0),
            (X, "LQ"): (0, 1, 0, 1),
            (B, "LQ"): (0, 0, 1, 0),
            (X, "RAW"): (1, 0, 1, 0),
        },
        auc={
            (T, "RAW"): (NAN, 0.7, NAN, 0.9),
            (B, "RAW"): (NAN, 0.4, NAN, 0.7),
            (X, "RAW"): (NAN, 0.1, NAN, 0.3),
            (X, "LQ"): (NAN, 0.9, NAN, 0.9),
        },
    )
    table = judge(e, "Figure 4", "figure4_maps", maps)
    check(
        table,
        {
            "stays.hq.tcnsc": (0.3, 0.2, 0.4, "yes"),
            "stays.mq.tcnsc": (0.1, -0.1, 0.3, "can't tell"),
            # -0.2 and -0.6, and the one map that isn't empty, -0.8
            "stays.lq.tcnsc": (-1.6 / 3, -0.8, -0.4, "no"),
            "stays.lq.b": (0.25, 0.2, 0.3, "yes"),
            "stays.lq.xception": (-0.025, -0.15, 0.1, "can't tell"),
            "same.tcnsc-minus-xception": (0.15, 0.1, 0.2, "yes"),
            # -0.6 minus 0; -0.8 minus -0.4
            "beyond-others.tcnsc-minus-xception": (-0.5, -0.6, -0.4, "no"),
            # 0.2 and 0.2; 0 minus 0.5, and 0.1
            "all-crops.tcnsc-minus-xception": (0, -0.2, 0.2, "can't tell"),
            "same.tcnsc-minus-b": (-0.65, -0.8, -0.5, "no"),
            "beyond-others.tcnsc-minus-b": (-0.95, -1.1, -0.8, "no"),
            "all-crops.tcnsc-minus-b": (-0.625, -0.85, -0.4, "no"),
            # both labels: -0.4 and -0.6; -0.7
            "same.tcnsc-minus-shuffled": (-1.7 / 3, -0.7, -0.5, "no"),
            "beyond-others.tcnsc-minus-shuffled": (-2.5 / 3, -1.1, -0.7, "no"),
            "all-crops.tcnsc-minus-shuffled": (-0.625, -0.75, -0.5, "no"),
            "not-empty.tcnsc-minus-xception": (1, 1, 1, "yes"),
            "not-empty.tcnsc-minus-b": (0.5, 0, 1, "can't tell"),
            "forgery.tcnsc": (0.3, 0.2, 0.4, "yes"),
            "forgery.b": (0.05, -0.1, 0.2, "can't tell"),
            "forgery.xception": (-0.3, -0.4, -0.2, "no"),
        },
    )
    assert table.crops.tolist() == [4, 4, 3, 4, 4, *(2, 2, 4) * 2, 3, 3, 4, *(2,) * 5]


def test_an_empty_map_counts_as_no_correlation_where_all_crops_do(e):
    maps = heat_maps(same={(T, "LQ"): (0.4, 0.4, NAN, NAN), (B, "LQ"): (0.2, NAN, NAN, 0.6)})
    table = judge(e, "Figure 4", "figure4_maps", maps)
    every = table.loc["all-crops.tcnsc-minus-b"]  # 0.2 and 0.4; 0 and -0.6
    assert every[["ours", "low", "high"]].tolist() == pytest.approx([0, -0.3, 0.3])
    assert every.crops == 4 and "all crops" in every.claim and "fakes" not in every.claim
    for name in ("same.tcnsc-minus-b", "beyond-others.tcnsc-minus-b"):  # no fake has both maps
        row = table.loc[name]
        assert row.crops == 0 and np.isnan(row.ours) and row["holds here"] == "can't tell"


@pytest.mark.filterwarnings("error")
def test_without_masks_nobody_can_tell_whether_heat_lies_on_the_forgery(e):
    table = judge(e, "Figure 4", "figure4_maps", heat_maps().assign(auc=NAN))
    about = table[table.claim.str.contains("forgery")]
    assert len(about) == 3 and about[["ours", "low", "high"]].isna().all(axis=None)
    assert (about["holds here"] == "can't tell").all() and (about.crops == 0).all()


def test_the_claims_about_figure_5_by_hand(e):
    ssim = {
        "HQ": (0.96, 0.94, 0.98, 0.97),
        "MQ": (0.88, 0.90, 0.90, 0.95),
        "LQ": (0.80, 0.79, 0.70, 0.79),
        "WEBP": (1, 1),
    }
    low = {name: (0.1, 0.1) for name in ssim}
    other = "colour, Gaussian"
    table = judge(e, "Figure 5", "figure5", long(["codec"], **{OURS: ssim, other: low}))
    check(
        table,
        {
            "change.hq.real": (-3, -4, -2, "yes"),
            "change.hq.fake": (-4.5, -6, -3, "can't tell"),
            "change.mq.real": (-11, -12, -10, "yes"),
            "change.mq.fake": (-7.5, -10, -5, "no"),
            "change.lq.real": (-25, -30, -20, "yes"),
            "change.lq.fake": (-21, -21, -21, "no"),
            "falls.mq": (5.5, 5, 6, "yes"),
            "falls.lq": (13.75, 9.5, 18, "yes"),
        },
    )
    printed = [NAN, NAN, -11.3, -13.3, -20.4, -20.2, NAN, 20.3 - 12.3]
    assert table.paper.tolist() == pytest.approx(printed, nan_ok=True)
    holds_if = [rules.NEAR_ONE] * 2 + [rules.PRINTED] * 4 + [rules.MORE] * 2
    assert table["holds if"].tolist() == holds_if
    assert table.crops.tolist() == [2] * 6 + [4] * 2
    swapped = judge(e, "Figure 5", "figure5", long(["codec"], **{OURS: low, other: ssim}))
    assert swapped["holds here"].tolist() == ["no"] * 6 + ["can't tell"] * 2


def test_the_claims_about_figure_6_by_hand(e):
    bands = long(
        ["codec"],
        low={
            "RAW": (50, 40),
            "HQ": (50.5, 39.5),
            "MQ": (51.5, 42),
            "LQ": (49.5, 41.5),
            "WEBP": (0, 0),
        },
        middle={"RAW": (30, 30), "LQ": (20, 20), "WEBP": (0, 0)},
        high={"RAW": (10, 12, 11, 12), "LQ": (9, 11, 8, 9), "WEBP": (0, 0)},
        low_change={"RAW": (0, 0), "LQ": (0.4, 0.8), "WEBP": (9, 9)},
        middle_change={
            "RAW": (0, 0),
            "HQ": (2, 1),
            "MQ": (0, 0),
            "LQ": (0.9, 1.3),
            "WEBP": (9, 9),
        },
        high_change={"RAW": (0, 0), "HQ": (0.5, 0), "MQ": (3, 1), "LQ": (0.7, 4.8), "WEBP": (0, 0)},
    )
    table = judge(e, "Figure 6", "figure6_bands", bands)
    check(
        table,
        {
            "gain.low.hq": (0, -0.5, 0.5, "yes"),
            "gain.low.mq": (1.75, 1.5, 2, "no"),
            "gain.low.lq": (0.5, -0.5, 1.5, "can't tell"),
            "impact.low.lq": (0.6, 0.4, 0.8, "yes"),
            "impact.middle.lq": (1.1, 0.9, 1.3, "can't tell"),
            "impact.high-minus-middle.hq": (-1.25, -1.5, -1, "no"),
            "impact.high-minus-middle.mq": (2, 1, 3, "yes"),
            "impact.high-minus-middle.lq": (1.65, -0.2, 3.5, "can't tell"),
            "loss.high.lq": (2, 1, 3, "yes"),
            "fake-minus-real.high.raw": (1.5, 1, 2, "yes"),  # 12 and 12, minus 10 and 11
        },
    )
    assert table.paper.isna().all() and table.crops.tolist() == [4] * 10
    holds_if = [rules.FLAT] * 3 + [rules.MODEST] * 2 + [rules.MORE] * 5
    assert table["holds if"].tolist() == holds_if


@pytest.mark.parametrize(
    ("reals", "fakes"), [([1, 2, 3], [10, 20]), ([5], [1, 2, 3, 4]), ([1, 2], [1, 2])]
)
def test_fake_minus_real_is_the_difference_of_the_two_means_whatever_their_numbers(
    e, reals, fakes
):
    high = np.array([*reals, *fakes], float)
    crops = pd.DataFrame({"crop": range(len(high)), "high": high})
    crops["unit"] = crops.crop % 2
    crops["label"] = (crops.crop >= len(reals)).astype(int)
    for name in ("low", "middle", "low_change", "middle_change", "high_change"):
        crops[name] = 1.0
    table = pd.concat([crops.assign(codec=name) for name in paper.CODECS], ignore_index=True)
    ours = judge(e, "Figure 6", "figure6_bands", table).ours["fake-minus-real.high.raw"]
    assert ours == pytest.approx(np.mean(fakes) - np.mean(reals))
