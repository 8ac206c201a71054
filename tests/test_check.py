"""Are regenerated numbers the committed ones? What is compared, what isn't, how far it may go."""
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.evidence import read_table
from tcnsc_lib.report import check
from tcnsc_lib.report.check import Comparison, compare
from tcnsc_lib.report.tolerances import DRAWN, ONE_CHANNEL, ONE_CROP, RULES, STUDY, Rule, rule_of
from tcnsc_lib.results.derive import DERIVED

ROOT = Path(__file__).resolve().parents[1]
COMMITTED = ROOT / "figures/demo"
SCORES = RULES["table2.csv"]
LIMIT = SCORES.within["accuracy"]


def table(**changes) -> pd.DataFrame:
    columns = {"codec": ["RAW", "LQ"], "accuracy": [95.0, 80.0], "n": [160, 160]}
    return pd.DataFrame(columns | changes)


# two tables

def test_equal_tables_agree():
    assert compare(table(), table(), SCORES) == Comparison(4, 4, 0.0, "")


@pytest.mark.parametrize(("ours", "agree"), [
    ([95.0, 80.0 + LIMIT], 4), ([95.0, 80.1 + LIMIT], 3),
    ([94.9 - LIMIT, 79.9 - LIMIT], 2), ([95.0, float("nan")], 3)])
def test_a_number_beyond_the_tolerance_is_counted(ours, agree):
    found = compare(table(), table(accuracy=ours), SCORES)
    assert (found.numbers, found.agree, found.wrong) == (4, agree, "")
    gaps = np.abs(np.subtract(ours, [95.0, 80.0]))
    assert found.largest == pytest.approx(np.nan_to_num(gaps, nan=np.inf).max())


def test_a_number_that_lacks_in_both_agrees():
    lacking = table(accuracy=[95.0, float("nan")])
    assert compare(lacking, lacking, SCORES) == Comparison(4, 4, 0.0, "")


def test_a_number_without_tolerance_has_to_be_equal():
    assert compare(table(), table(n=[160, 161]), SCORES) == Comparison(4, 3, 1.0, "")
    assert compare(table(), table(accuracy=[95.0, 80.1]), Rule()).agree == 3


@pytest.mark.parametrize("ours", [[3.0, 4.0], [1e9, -2]], ids=["equal", "other"])
def test_a_skipped_column_is_neither_compared_nor_counted(ours):
    committed = table(seconds=[3.0, 4.0])
    rule = Rule(skipped={"seconds": "a clock's"})
    assert compare(committed, table(seconds=ours), rule) == Comparison(4, 4, 0.0, "")


@pytest.mark.parametrize("ours, words", [
    (["soon", "late"], "holds no numbers"), ([True, False], "holds no numbers"),
    ([3.0, np.nan], "LACKS 1 numbers"), ([np.inf, 4.0], "LACKS 1 numbers"),
    ([np.nan, np.nan], "LACKS 2 numbers")])
def test_a_skipped_column_must_hold_numbers_where_the_committed_one_does(ours, words):
    rule = Rule(skipped={"seconds": "a clock's"})
    found = compare(table(seconds=[3.0, 4.0]), table(seconds=ours), rule)
    assert found.wrong == f"column seconds {words}"


def test_a_skipped_column_may_lack_other_numbers_where_the_committed_one_lacks_some():
    rule = Rule(skipped={"auc": "a single crop's"})
    committed = table(auc=[np.nan, 0.5])
    assert compare(committed, table(auc=[0.5, np.nan]), rule).wrong == ""
    assert compare(committed, table(auc=[np.nan, np.nan]), rule).wrong


def test_a_tolerance_is_the_files_and_not_the_columns():
    costs = RULES["table3_costs.csv"]
    assert "seconds" in costs.skipped
    found = compare(table(seconds=[3.0, 4.0]), table(seconds=[9.0, 9.0]), SCORES)
    assert found == Comparison(6, 4, 6.0, "")


@pytest.mark.parametrize("file, off, agree", [
    ("table3.csv", 9.9, 4), ("table3.csv", 10.1, 3), ("calibration.csv", 7.9, 3),
    ("table2.csv", 7.9, 4), ("table9.csv", 7.9, 3)])
def test_each_file_has_its_own_tolerance_and_an_unknown_one_none(file, off, agree):
    _, rule = rule_of(file)
    assert compare(table(), table(accuracy=[95.0, 80 - off]), rule).agree == agree


@pytest.mark.parametrize("ours, words", [
    (table().iloc[:1], "1 rows, committed 2"),
    (table().drop(columns=["n", "accuracy"]), "LACKS column accuracy, n"),
    (table().rename(columns={"n": "N"}), "LACKS column n"),
    (table(more=[1, 2]), "has a column more more"),
    (table()[["n", "codec", "accuracy"]], "columns in another order")])
def test_other_rows_or_columns_are_named(ours, words):
    assert compare(table(), ours, SCORES).wrong == words


@pytest.mark.parametrize("codec", [["LQ", "RAW"], ["RAW", None]], ids=["order", "empty"])
def test_a_changed_text_is_noticed(codec):
    assert compare(table(), table(codec=codec), SCORES).wrong == "column codec differs"


def test_a_text_that_follows_from_numbers_is_left_to_the_numbers():
    _, rule = rule_of("table2_claims.csv")
    committed = pd.DataFrame({"ours": [1.0, 2.0], "holds here": ["yes", "no"]})
    ours = committed.assign(**{"holds here": ["yes", "can't tell"]})
    assert compare(committed, ours, rule) == Comparison(2, 2, 0.0, "")
    assert compare(committed, ours.assign(ours=[1.0, 60.0]), rule).agree == 1


# rules

@pytest.mark.parametrize("file, pattern", [
    ("table1.csv", "table1.csv"),
    ("evidence/figure3.csv", "figure3.csv"),
    ("evidence/predictions/RAW-LQ-seed0.csv", "predictions/*.csv"),
    ("evidence/crops.csv", "evidence/crops.csv"),
    ("RAW-LQ-seed0.csv", "RAW-LQ-seed0.csv")])
def test_a_rule_is_found_by_a_files_name_wherever_it_lies(file, pattern):
    assert rule_of(file)[0] == pattern


def test_a_column_is_either_compared_or_skipped_with_a_reason():
    for file, rule in RULES.items():
        assert rule.within.keys().isdisjoint(rule.skipped), file
        assert all(rule.skipped.values()), file
        assert all(0 < limit < np.inf for limit in rule.within.values()), file


def stored(pattern: str) -> Path | None:
    """A committed file that a rule is about: of the demo, else of photographs."""
    found = sorted(path for path in COMMITTED.rglob(pattern) if path.suffix == ".csv")
    found = found or sorted((COMMITTED.parent / "photos").rglob(pattern))
    return found[0] if found else None


@pytest.mark.parametrize("pattern", RULES)
def test_a_rules_columns_are_in_its_file(pattern):
    path = stored(pattern)
    assert path is not None, "nothing is committed that this rule is about"
    columns = set(read_table(path))
    named = RULES[pattern].within.keys() | RULES[pattern].skipped.keys()
    lost = {name for name in named - columns if not re.fullmatch(r"c\d+", name)}  # cells of a map
    assert lost == set()


@pytest.mark.parametrize("path", sorted(COMMITTED.rglob("*.csv")), ids=lambda path: path.name)
def test_a_committed_table_agrees_with_itself(path):
    committed = read_table(path)
    _, rule = rule_of(path.relative_to(COMMITTED).as_posix())
    found = compare(committed, read_table(path), rule)
    assert found.numbers == found.agree and (found.largest, found.wrong) == (0, "")
    assert found.numbers > 0 or set(rule.skipped) >= set(committed)


@pytest.mark.parametrize("pattern, column, change", [
    *(("figure4_seeds.csv", column, 0.0)
      for column in ("same", "different", "auc", "silhouette_RAW", "silhouette_LQ")),
    *(("figure3_means.csv", column, 0.0) for column in ("mean", "low", "high")),
    *(("figure5_means.csv", column, 1.0) for column in ("mean", "low", "high"))])
def test_numbers_that_are_gone_or_moved_are_noticed(pattern, column, change):
    committed = read_table(stored(pattern))
    moved = committed.assign(**{column: change * (committed[column] + 0.06)})
    found = compare(committed, moved, RULES[pattern])
    assert found.agree <= found.numbers - len(committed) / 2
    assert found.largest > 0.059 and found.wrong == ""


# two folders

def write(folder: Path, **frames: pd.DataFrame) -> Path:
    """Tables of a profile; `evidence__x` becomes evidence/x.csv."""
    folder.mkdir()
    for name, frame in frames.items():
        path = folder / f"{name.replace('__', '/')}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# made by a test\n" + frame.to_csv(index=False))
    return folder


@pytest.mark.parametrize(("ours", "said", "good"), [
    ({"table1": table()}, "agree", True),
    ({"table1": table(accuracy=[60.0, 80.0])}, "1 DIFFER", False),
    ({"table1": table(codec=["RAW", "MQ"])}, "column codec differs", False),
    ({}, "MISSING", False)], ids=["equal", "number", "text", "missing"])
def test_the_verdict_on_a_folder(tmp_path, ours, said, good):
    committed = write(tmp_path / "committed", table1=table())
    result = check.verdict(committed, write(tmp_path / "ours", **ours))
    assert result.item.tolist() == ["table1.csv"] and result.verdict.tolist() == [said]
    assert check.good(result) is good


def test_evidence_below_the_folder_is_compared_too(tmp_path):
    crops = pd.DataFrame({"crop": [0, 1], "label": [0, 1]})
    committed = write(tmp_path / "committed", table1=table(), evidence__crops=crops)
    same = check.verdict(committed, committed)
    assert same.item.tolist() == ["evidence/crops.csv", "table1.csv"] and check.good(same)
    other = crops.assign(label=[1, 0])
    ours = write(tmp_path / "ours", table1=table(), evidence__crops=other)
    result = check.verdict(committed, ours)
    assert result.verdict.tolist() == ["2 DIFFER", "agree"] and not check.good(result)


def test_predictions_must_be_there_in_the_same_shape_and_are_left_to_the_tables(tmp_path):
    odds = pd.DataFrame({codec: [1.0, -2.0] for codec in ("RAW", "HQ", "MQ", "LQ", "WEBP")})
    name = "evidence__predictions__Meso4-seed0"
    committed = write(tmp_path / "committed", table1=table(), **{name: odds})
    moved = write(tmp_path / "moved", table1=table(), **{name: odds + 3})
    assert check.good(check.verdict(committed, moved))
    fewer = write(tmp_path / "fewer", table1=table(), **{name: odds[:1]})
    assert not check.good(check.verdict(committed, fewer))
    assert not check.good(check.verdict(committed, write(tmp_path / "none", table1=table())))


def test_a_table_made_apart_may_be_missing_but_not_different(tmp_path):
    odds = pd.DataFrame({"RAW": [1.0]})
    committed = write(tmp_path / "committed", study=table(), study_claims=table(),
                      evidence__study__a=odds)
    (committed / "study.png").write_bytes(b"a picture")
    missing = check.verdict(committed, write(tmp_path / "none"))
    assert check.good(missing) and missing.verdict.tolist() == [STUDY.apart] * 4
    assert "made apart" in STUDY.apart and "tcnsc study" in STUDY.apart
    other = write(tmp_path / "other", study=table(n=[160, 161]))
    assert not check.good(check.verdict(committed, other))


def test_what_batch_normalisation_meets_is_compared_but_for_the_choice_of_a_channel(tmp_path):
    layers = pd.DataFrame({"model": ["model B"] * 2, "layer": [0, 1], "codec": ["LQ"] * 2,
                           "shift": [0.5, 1.0], "spread": [1.0, 1.0]})
    one = pd.DataFrame({"layer": [3], "channel": [7], "codec": ["LQ"], "left": [0.0],
                        "right": [0.1], "share": [0.5], "mean": [0.2], "running_mean": [0.1]})
    committed = write(tmp_path / "committed", evidence__channel=one,
                      evidence__channel_shifts=layers)
    near = write(tmp_path / "near", evidence__channel=one.assign(channel=9, mean=2.0),
                 evidence__channel_shifts=layers.assign(**{"shift": [0.9, 0.6]}))
    assert check.good(check.verdict(committed, near))
    for number, (name, changed) in enumerate((
        ("channel", one.assign(layer=4)), ("channel", one.assign(share=np.nan)),
        ("channel_shifts", layers.assign(layer=[0, 2])),
        ("channel_shifts", layers.assign(**{"shift": [0.5, 1.6]})))):
        tables = {"evidence__channel": one, "evidence__channel_shifts": layers}
        tables[f"evidence__{name}"] = changed
        far = write(tmp_path / str(number), **tables)
        assert not check.good(check.verdict(committed, far)), name
    assert not check.good(check.verdict(committed, write(tmp_path / "none")))


@pytest.mark.parametrize("accuracy, good", [(95.0, True), (9.0, False)])
def test_a_file_that_none_committed_is_named_and_spoils_nothing(tmp_path, accuracy, good):
    changed = table(accuracy=[accuracy, 80.0])
    ours = write(tmp_path / "ours", table1=changed, table9=table())
    (ours / "table9.png").write_bytes(b"a picture")
    (ours / "notes.txt").write_text("no table")
    result = check.verdict(write(tmp_path / "committed", table1=table()), ours)
    assert result.item.tolist() == ["table1.csv", "table9.csv", "table9.png"]
    assert result.verdict.tolist()[1:] == [check.NEW] * 2
    assert result.numbers.tolist() == [4, 0, 0] and check.good(result) is good


def test_what_is_not_compared_is_listed_with_its_reason(tmp_path):
    odds = pd.DataFrame({"RAW": [1.0]})
    committed = write(tmp_path / "committed", table1=table(), study=table(), figure3=table(),
                      evidence__predictions__a=odds, evidence__predictions__b=odds,
                      evidence__study__a=odds, evidence__channel=table())
    (committed / "table1.png").write_bytes(b"a picture")
    (committed / "table1.svg").write_bytes(b"a picture")
    assert check.not_compared(committed) == [
        f"{ONE_CHANNEL}: channel.csv (channel, left, right, share, mean, running_mean)",
        f"{ONE_CROP}: predictions/*.csv (RAW, HQ, MQ, LQ, WEBP); "
        "figure3.csv (x, y, silhouette, neighbour, probe, classifier)",
        f"{STUDY.apart}: study/*.csv, where it is missing; study*, where it is missing",
        f"{DRAWN}: *.png; *.svg"]


# verdicts

def claims(**changes) -> pd.DataFrame:
    columns = {"id": ["a.lq", "b.lq"], "ours": [1.0, 2.0], "holds here": ["yes", "no"]}
    return pd.DataFrame(columns | changes)


def flipped(tmp_path: Path, old: dict, new: dict) -> list[str]:
    """The flips between two folders, neither of which fails."""
    committed = write(tmp_path / "committed", **old)
    ours = write(tmp_path / "ours", **new)
    assert check.good(check.verdict(committed, ours))
    return check.flips(committed, ours)


def test_each_verdict_that_flips_is_told_and_fails_nothing(tmp_path):
    changed = claims(**{"holds here": ["can't tell", "yes"]})
    found = flipped(tmp_path, {"table2_claims": claims()}, {"table2_claims": changed})
    assert found == ["table2_claims.csv: a.lq: yes committed, can't tell here",
                     "table2_claims.csv: b.lq: no committed, yes here"]


def test_equal_verdicts_and_moved_numbers_are_no_flips(tmp_path):
    moved = claims(ours=[1.5, 2.5])
    empty = claims(**{"holds here": ["yes", None]})
    old = {"table2_claims": claims(), "table1_claims": empty}
    assert flipped(tmp_path, old, {"table2_claims": moved, "table1_claims": empty}) == []


def test_a_verdict_that_came_or_went_is_a_flip(tmp_path):
    gone = claims(**{"holds here": ["yes", None]})
    found = flipped(tmp_path, {"table2_claims": claims()}, {"table2_claims": gone})
    assert found == ["table2_claims.csv: b.lq: no committed, nothing here"]


def test_a_row_without_an_id_is_named_by_its_first_two_columns(tmp_path):
    name = "difference of accuracy"
    old = pd.DataFrame({name: ["dual - model B"], "codec": ["LQ"], "settled": ["yes"]})
    new = old.assign(settled=["no"])
    found = flipped(tmp_path, {"table2_differences": old}, {"table2_differences": new})
    assert found == ["table2_differences.csv: dual - model B, LQ: yes committed, no here"]


def test_what_is_skipped_for_another_reason_is_no_verdict(tmp_path):
    old = table(seconds=[3.0, 4.0])
    new = table(seconds=[9.0, 9.0])
    assert flipped(tmp_path, {"table3_costs": old}, {"table3_costs": new}) == []


@pytest.mark.parametrize("ours", [
    {}, {"table2_claims": claims().iloc[:1]}, {"table2_claims": claims().drop(columns="ours")},
    {"table2_claims": claims(id=["b.lq", "a.lq"], **{"holds here": ["no", "yes"]})}],
    ids=["missing", "row", "column", "order"])
def test_files_of_other_rows_fail_and_have_no_flips(tmp_path, ours):
    committed = write(tmp_path / "committed", table2_claims=claims())
    regenerated = write(tmp_path / "ours", **ours)
    assert not check.good(check.verdict(committed, regenerated))
    assert check.flips(committed, regenerated) == []


def test_every_committed_verdict_names_its_row():
    names = {path.name for path in COMMITTED.glob("*_claims.csv")}
    assert {"table2_claims.csv", "table3_claims.csv"} <= names
    for name in (*names, "table2_differences.csv", "table3_drops.csv"):
        rows = check._row_names(read_table(COMMITTED / name))
        assert len(set(rows)) == len(rows), name


def test_nothing_to_compare_is_not_agreement(tmp_path):
    empty = check.verdict(write(tmp_path / "committed"), write(tmp_path / "ours"))
    assert not check.good(empty)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(CompanionError, match="There is no folder .*nowhere; name the committed"):
        check.verdict(tmp_path / "nowhere", tmp_path)


@pytest.mark.parametrize("name", DERIVED)
def test_a_derived_table_has_a_tolerance_and_a_line_in_the_list_of_files(name):
    _, rule = rule_of(f"{name}.csv")
    said = rule.within or rule.apart
    assert said, f"say in tolerances.py how far {name} may move on another processor"
    listed = (ROOT / "figures" / "README.md").read_text(encoding="utf-8")
    of_figures = re.sub(r"^figure[3-6]", "figure<n>", name)
    assert f"{name}.csv" in listed or f"{of_figures}.csv" in listed, name
