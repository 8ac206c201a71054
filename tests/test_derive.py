"""What is derived follows from the evidence: here, twice alike, and in what is committed."""
import shutil

import pandas as pd
import pytest
from conftest import P

from tcnsc_lib import CompanionError
from tcnsc_lib.evidence import DIGITS, Evidence
from tcnsc_lib.experiments import DUAL, MODEL_B, TABLE3, UNTRAINED
from tcnsc_lib.files import CHECKOUT
from tcnsc_lib.profiles import PROFILES
from tcnsc_lib.results import claims
from tcnsc_lib.results.derive import DERIVED, lacking, write

FROM_PREDICTIONS = [name for name in DERIVED if name.startswith(("table", "difficulty"))]
FIGURES = CHECKOUT / "figures"
ABSENT = {
    "demo": set(),
    "photos": {"study_factors", "study_effects"},
}
COMMITTED = {name: Evidence(PROFILES[name], FIGURES / name) for name in ("demo", "photos")}


def rounded(table: pd.DataFrame, tmp_path) -> pd.DataFrame:
    """As it comes back from a file."""
    path = tmp_path / "rounded.csv"
    table.to_csv(path, index=False, float_format=DIGITS)
    return pd.read_csv(path)


# what is committed


@pytest.mark.parametrize("name", DERIVED)
@pytest.mark.parametrize("profile", COMMITTED)
def test_the_committed_tables_follow_from_the_committed_evidence(profile, name, tmp_path):
    e = COMMITTED[profile]
    if missing := lacking(name, e):
        assert name in ABSENT[profile], f"{profile} has lost {missing[0]}"
        pytest.skip(f"{profile} has no {missing[0]}")
    ours = rounded(DERIVED[name].make(e), tmp_path)
    pd.testing.assert_frame_equal(ours, e.read(name), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("model", ["TCNSC", MODEL_B, "Xception-RAW"])
@pytest.mark.parametrize("profile", COMMITTED)
def test_figure_3_and_the_tables_are_of_the_same_trainings(profile, model):
    e = COMMITTED[profile]
    experiment = TABLE3.get(model, model)
    if not e.has_predictions(experiment):
        pytest.skip(f"{profile} has no {e.predicted(experiment)}")
    rows = e.read("figure3").query("model == @model")
    right = e.right(experiment).stack()
    ours = right.loc[list(zip(rows.crop, rows.codec, strict=True))]
    assert rows.classifier.tolist() == ours.tolist()


@pytest.mark.parametrize("model", ["TCNSC", MODEL_B, "Xception-RAW"])
@pytest.mark.parametrize("profile", COMMITTED)
def test_figure_3_and_the_tables_are_of_the_same_trainings_from_every_seed(profile, model):
    e = COMMITTED[profile]
    trained = e.read("figure3_seeds").query("model == @model").groupby("seed")
    assert list(trained.groups) == list(range(e.p.seed, e.p.seed + e.p.seeds))
    for seed, rows in trained:
        right = e.right(TABLE3.get(model, model), seed).stack()
        ours = right.loc[list(zip(rows.crop, rows.codec, strict=True))]
        assert rows.classifier.tolist() == ours.tolist()


@pytest.mark.parametrize("profile", COMMITTED)
def test_what_lies_beside_the_evidence_is_derived_and_nothing_in_it_is(profile):
    e = COMMITTED[profile]
    beside = {path.stem for path in e.folder.glob("*.csv")}
    measured = {path.stem for path in e.measured.glob("*.csv")}
    assert beside == set(DERIVED) - ABSENT[profile]
    assert not measured & set(DERIVED)


# here


def test_every_item_with_claims_has_a_table_of_them():
    stored = [claims.stored_as(item) for item in claims.ITEMS]
    assert sorted(name for name in DERIVED if name.endswith("_claims")) == sorted(stored)


def test_the_same_evidence_gives_the_same_bytes(toy):
    names = ["table1", "table2_differences", "table2_claims", "table3_drops"]
    assert write(toy, names) == [(name, "new") for name in names]
    before = {path.stem: path.read_bytes() for path in toy.folder.glob("*.csv")}
    assert set(before) == set(names)
    assert write(toy, names) == [(name, "same") for name in names]
    assert {path.stem: path.read_bytes() for path in toy.folder.glob("*.csv")} == before


def test_a_table_changes_where_its_evidence_does_and_nowhere_else(toy, say):
    names = ["table1", "difficulty", "table3"]
    write(toy, names)
    say(MODEL_B, LQ=(1, 2))
    assert write(toy, names) == [("table1", "same"), ("difficulty", "changed"), ("table3", "same")]


@pytest.mark.parametrize("name", FROM_PREDICTIONS)
def test_a_table_needs_the_evidence_that_it_names_and_no_other(name, toy, tmp_path):
    alone = Evidence(P, tmp_path / "alone")
    for need in DERIVED[name].needs(toy):
        path = alone.measured / f"{need}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(toy.path(need), path)
    assert write(alone, [name]) == [(name, "new")]


def test_what_lacks_evidence_is_left_as_it_is(toy):
    write(toy, ["table2"])
    before = toy.path("table2").read_bytes()
    toy.path(toy.predicted(UNTRAINED)).unlink()
    happened = dict(write(toy, ["table2", "table2_seeds", "figure3_means"]))
    lost = toy.predicted(UNTRAINED)
    assert happened["table2"] == f"left as it is, for want of {lost}"
    assert happened["table2_seeds"] == "new"
    assert happened["figure3_means"] == "left as it is, for want of figure3_seeds"
    assert toy.path("table2").read_bytes() == before and not toy.has("figure3_means")


def test_it_is_said_how_much_evidence_is_missing(toy):
    for experiment in ("Meso4", "FWA", DUAL):
        toy.path(toy.predicted(experiment)).unlink()
    ((_, happened),) = write(toy, ["table3"])
    assert happened == f"left as it is, for want of {toy.predicted('Meso4')} and 2 more"


def test_a_derived_table_that_there_is_not_is_named(toy):
    with pytest.raises(CompanionError, match="no derived table 'table4'; choose some of"):
        write(toy, ["table1", "table4"])
    assert not toy.has("table1")
