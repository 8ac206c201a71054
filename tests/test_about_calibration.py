"""The tables and claims about calibration, from evidence made by hand: two people, four crops."""
import numpy as np
import pandas as pd
import pytest
from made_study import LABELS, UNITS, P, made, right

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.evidence.sheets import write
from tcnsc_lib.experiments import ASKED, AUGMENTED, DUAL, MODEL_B
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.results import calibrating, claims
from tcnsc_lib.results.calibrating import Calibrated
from tcnsc_lib.results.claims.about_calibration import ABOUT_CALIBRATION

SEEDS = (P.seed, P.seed + 1)
SURE = np.array([1.0, 2.0, 3.0, 4.0] * 2)


def tell(e: Evidence, name: str, seed: int, moved: float = 0.0, hits: tuple = (4, 4)) -> None:
    """Store log-odds of both parts. At LQ all are moved; hits: of the test crops there."""
    for part, called_right in ((e, right(hits)), (e.validation, right((4, 4)))):
        odds = {}
        for codec in paper.CODECS:
            is_right = called_right if codec == "LQ" else right((4, 4))
            sign = np.where(is_right == LABELS, 1.0, -1.0)
            odds[codec] = sign * SURE + (moved if codec == "LQ" else 0)
        path = e.measured / f"{part.predicted(name, seed)}.csv"
        write(path, ["made by a test"], pd.DataFrame(odds))


@pytest.fixture
def e(tmp_path):
    """At LQ model B calls all crops fake in the right order; TCNSC, two of eight wrongly."""
    e = made(tmp_path)
    crops = pd.DataFrame({"crop": np.arange(8), "label": LABELS, "unit": UNITS, "person": UNITS})
    write(e.measured / "validation_crops.csv", ["made by a test"], crops)
    for seed in SEEDS:
        for name in ASKED.values():
            tell(e, name, seed)
        tell(e, MODEL_B, seed, moved=9)
        tell(e, DUAL, seed, hits=(3, 3))
    return e


@pytest.fixture
def table(e):
    return claims.judge("Calibration", e).set_index("id")


def test_a_lost_threshold_by_hand(table):
    assert table.ours["calibration.b.lost"] == 50
    assert table.ours["calibration.b.known"] == 50
    assert table.ours["calibration.b.raw"] == table.ours["calibration.b.rest"] == 0
    for claim in ("lost", "known", "rest"):
        assert table["holds here"][f"calibration.b.{claim}"] == "yes"
    assert table["holds here"]["calibration.b.raw"] == "can't tell"
    assert (table.seeds == 2).all() and (table.crops == 8).all()


def test_lost_knowledge_by_hand(table):
    """Each person has two reals and two fakes; a fake with log-odds -4 stands below all reals."""
    assert table.ours["calibration.dual.known"] == 0
    assert table.ours["calibration.dual.rest"] == -25
    assert table["holds here"]["calibration.dual.rest"] == "no"
    assert table.ours["calibration.dual-minus-b.known"] == -25
    assert table.ours["calibration.jpeg-minus-dual.known"] == 25


def test_a_table_is_the_mean_of_what_claims_rest_on(e):
    rates = calibrating.calibration(e).set_index(["detector", "codec"])
    assert len(rates) == len(ASKED) * len(paper.CODECS)
    told = Calibrated(e)
    for column in ("accuracy", "auc", "ece", "ece_temperature", "accuracy_platt_own"):
        mean = told.values(MODEL_B, column, "LQ").mean
        assert rates[column]["model B", "LQ"] == pytest.approx(100 * mean)
    assert rates.accuracy["model B", "LQ"] == 50 and rates.auc["model B", "LQ"] == 100
    assert calibrating.bins(e).groupby(["detector", "codec", "correction"]).n.sum().eq(16).all()


def test_both_parts_of_every_seed_are_needed_and_no_other(e):
    needed = calibrating.needed(e)
    assert len(needed) == len(set(needed)) == 2 + 2 * 2 * len(ASKED)
    assert all(e.has(name) for name in needed)
    e.path(e.validation.predicted(AUGMENTED, SEEDS[1])).unlink()
    assert list(Calibrated(e).values(AUGMENTED, "accuracy", "LQ").by_seed) == [SEEDS[0]]


def test_parts_of_other_faces_are_refused(e):
    crops = e.validation.crops
    write(e.measured / "validation_crops.csv", ["faces 0123456789"], crops)
    with pytest.raises(CompanionError, match=r"validation_crops\.csv is of other faces than"):
        calibrating.calibration(e)


def test_without_any_evidence_nobody_can_tell(tmp_path):
    table = claims.judge("Calibration", made(tmp_path))
    assert set(table["holds here"]) == {"can't tell"} and set(table.seeds) == {0}
    assert {claim.item for claim in ABOUT_CALIBRATION} == {"Calibration"}


# what is committed

def run_of(e: Evidence, name: str) -> str:
    """The line of a file's head that names its run."""
    (line,) = [line for line in e.head(name).splitlines() if line.startswith("run ")]
    return line


@pytest.mark.parametrize("experiment", ASKED.values())
def test_both_parts_that_are_committed_are_of_one_training(experiment):
    """The threshold that stands with the predictions is the best one of these validation crops."""
    e = Evidence(PROFILES["demo"])
    for seed in range(e.p.seed, e.p.seed + e.p.seeds):
        test = e.predicted(experiment, seed)
        assert run_of(e, test) == run_of(e, e.validation.predicted(experiment, seed))
        said = calibrating.said(e, experiment, seed)
        right = calibrating.corrections.values("accuracy_threshold_raw", said, "LQ")
        assert right.tolist() == e.right(experiment, seed, calibrated=True).LQ.tolist()
