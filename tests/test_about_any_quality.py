"""The claims about any quality, on log-odds made by hand: two people, four crops each."""
import numpy as np
import pandas as pd
import pytest
from made_study import LABELS, P, between_people, made, right

from tcnsc_lib.chains import CHAINS, MOVED, NETWORKS, OTHERS, SEEN, names_in, unseen
from tcnsc_lib.evidence.sheets import write
from tcnsc_lib.experiments import ASKED, AUGMENTED, DUAL, MODEL_B, ON_H
from tcnsc_lib.results import claims, surviving
from tcnsc_lib.results.claims.about_any_quality import ABOUT_ANY_QUALITY, CODECS
from tcnsc_lib.results.surviving import Survived

SEEDS = (P.seed, P.seed + 1)


def tell(e, name: str, seed: int, hits: dict | None = None, shift: float = 0.0) -> None:
    """Store log-odds. hits: chain -> how many of each person's four crops are right; else all."""
    odds = {}
    for chain in CHAINS:
        called_fake = right((hits or {}).get(chain, (4, 4))) == LABELS
        odds[chain] = np.where(called_fake, 1.0, -1.0) + shift
    path = e.measured / f"{e.chains.predicted(name, seed)}.csv"
    write(path, ["made by a test"], pd.DataFrame(odds))


@pytest.fixture
def e(tmp_path):
    """B is half right after all chains, TCNSC after networks and where the grid is moved.

    JPEG augmentation is always right but for a threshold: it calls all crops fake.
    """
    e = made(tmp_path)
    half = dict.fromkeys(CHAINS, (2, 2))
    some = dict.fromkeys([*names_in(NETWORKS), *names_in(MOVED)], (2, 2))
    for seed in SEEDS:
        tell(e, MODEL_B, seed, hits=half)
        tell(e, DUAL, seed, hits=some)
        tell(e, AUGMENTED, seed, shift=9)
        for name in (ON_H, "Xception-RAW", "Xception-C23"):
            tell(e, name, seed)
    return e


@pytest.fixture
def table(e):
    return claims.judge("Quality", e).set_index("id")


def test_the_gains_on_model_b_by_hand(table):
    lost = len(names_in(NETWORKS)) + len(names_in(MOVED))
    share = 1 - lost / len(unseen())
    for end in ("", ".auc"):
        assert table.ours[f"quality.dual-minus-b.unseen{end}"] == pytest.approx(50 * share)
        assert table.ours[f"quality.dual-minus-b.codecs{end}"] == 50
        assert table.ours[f"quality.dual-minus-b.networks{end}"] == 0
    row = table.loc["quality.dual-minus-b.codecs"]
    assert (row.seeds, row.crops, row["holds here"]) == (2, 8, "yes")
    assert table["holds here"]["quality.dual-minus-b.networks"] == "can't tell"


def test_a_lost_threshold_costs_accuracy_and_no_auc(table):
    assert table.ours["quality.jpeg-minus-dual.codecs"] == -50
    assert table.ours["quality.jpeg-minus-dual.codecs.auc"] == 0
    assert table.ours["quality.jpeg-minus-dual.networks"] == 0
    assert table.ours["quality.jpeg-minus-dual.networks.auc"] == 50


def test_a_moved_grid_is_compared_with_the_same_quality_unmoved(e, table):
    assert table.ours["quality.dual.moved"] == -50
    assert table["holds here"]["quality.dual.moved"] == "no"
    for seed in SEEDS:
        tell(e, DUAL, seed, hits=dict.fromkeys(names_in(MOVED), (4, 3)))
    row = claims.judge("Quality", e).set_index("id").loc["quality.dual.moved"]
    assert row.ours == pytest.approx(-12.5)
    assert [row.low, row.high] == pytest.approx(between_people(0, -25))


def test_the_chains_of_a_claim_are_never_those_of_a_training():
    assert set(CODECS) == set(names_in(OTHERS)) - {"H.264 c23"}
    assert not set(SEEN) & (set(unseen()) | set(CODECS) | set(names_in(NETWORKS)))
    assert {claim.item for claim in ABOUT_ANY_QUALITY} == {"Quality"}
    assert not any(claim.headline for claim in ABOUT_ANY_QUALITY)


def test_without_any_evidence_nobody_can_tell(tmp_path):
    table = claims.judge("Quality", made(tmp_path))
    assert set(table["holds here"]) == {"can't tell"} and set(table.seeds) == {0}


def test_tables_need_every_seed_of_every_row_and_are_of_them(e):
    assert len(surviving.needed(e)) == 1 + 2 * len(ASKED)
    assert all(e.has(name) for name in surviving.needed(e))
    rates = surviving.quality(e).set_index(["detector", "chain"])
    assert len(rates) == len(ASKED) * len(CHAINS)
    assert rates.accuracy["model B", "AVIF 20"] == 50
    assert rates.accuracy["TCNSC", "AVIF 20"] == 100
    assert rates.accuracy[AUGMENTED, "RAW"] == 50 and rates.auc[AUGMENTED, "RAW"] == 100
    lowest = surviving.usable(e).set_index("detector").accuracy_from
    assert lowest["TCNSC"] == 5 and np.isnan(lowest["model B"])


def test_the_mean_over_chains_weighs_each_alike(e):
    values = Survived(e).values(DUAL, "accuracy", ["RAW", "Facebook, 71"])
    assert values.mean == 0.75 and sorted(values.by_seed) == list(SEEDS)
