"""Another processor gives the demo's numbers, as far as `report.tolerances` says."""
import numpy as np
import pandas as pd
import pytest

from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import TABLE3
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.report.tolerances import RULES, rule_of
from tcnsc_lib.results.derive import DERIVED
from tcnsc_lib.training.identity import slug

DEMO = Evidence(PROFILES["demo"])
OTHERS = DEMO.read("other_processor")
SETTINGS = {"paper", "table", "learning_rate", "lr", "radius", "quality"}
"""Columns of numbers that nobody measures: they are equal everywhere."""

BINS = {"low", "high"}  # of calibration_bins.csv


def gaps(table: pd.DataFrame) -> pd.DataFrame:
    """How far accuracy and AUC differ, points."""
    return pd.DataFrame({name: (table[name] - table[f"{name}_other"]).abs()
                         for name in ("accuracy", "auc")})


def rule_for(run: str) -> dict[str, float]:
    """What is allowed to a single training, by the table that it stands in."""
    baselines = {slug(name) for row, name in TABLE3.items() if row != "TCNSC"}
    return RULES["table3.csv" if run in baselines else "table2.csv"].within


@pytest.mark.parametrize("processor", OTHERS.processor.unique())
def test_each_training_moved_by_less_than_is_allowed(processor):
    table = OTHERS[OTHERS.processor == processor]
    moved = gaps(table)
    for name in ("accuracy", "auc"):
        allowed = table.run.map(lambda run, name=name: rule_for(run)[name])
        assert (moved[name] <= allowed).all(), table[moved[name] > allowed]


@pytest.mark.parametrize("processor", OTHERS.processor.unique())
def test_means_over_seeds_moved_by_five_points_and_three_of_auc_at_most(processor):
    table = OTHERS[OTHERS.processor == processor]
    several = table.groupby(["run", "codec"]).filter(lambda rows: len(rows) >= 3)
    moved = gaps(several.groupby(["run", "codec"]).mean(numeric_only=True))
    assert len(moved) >= 50
    assert moved.accuracy.max() <= 5
    assert moved.auc.max() <= 3


def test_both_processors_were_asked_about_todays_trainings():
    for (run, seed), rows in OTHERS.groupby(["run", "seed"]):
        if seed < DEMO.p.seeds and run in {slug(name) for name in TABLE3.values()}:
            right = DEMO.right(*_experiment(run, seed))
            ours = 100 * np.array([right[codec].mean() for codec in rows.codec])
            assert ours == pytest.approx(rows.accuracy.to_numpy(), abs=1e-3), run


def _experiment(run: str, seed: int) -> tuple[str, int]:
    (name,) = {name for name in TABLE3.values() if slug(name) == run}
    return name, int(seed)


@pytest.mark.parametrize("name", DERIVED)
def test_every_measured_number_of_a_derived_table_has_a_tolerance(name):
    if not DEMO.has(name):
        pytest.skip(f"demo has no {name}")
    numbers_are_ruled(f"{name}.csv", DEMO.read(name))


@pytest.mark.parametrize("path", sorted(DEMO.measured.glob("*.csv")), ids=lambda path: path.stem)
def test_every_measured_number_of_the_evidence_has_a_tolerance(path):
    numbers_are_ruled(f"evidence/{path.name}", DEMO.read(path.stem))


def numbers_are_ruled(file: str, table: pd.DataFrame) -> None:
    """Each column of broken numbers may move, or is skipped with a reason, or is a setting."""
    _, rule = rule_of(file)
    if rule.apart or not rule.within:
        return
    settings = SETTINGS | BINS if file == "calibration_bins.csv" else SETTINGS
    broken = set(table.select_dtypes("floating"))
    assert broken <= settings | set(rule.within) | set(rule.skipped)
