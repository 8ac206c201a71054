"""The project: pins, settings, the direction of imports, and the verdict on regenerated numbers."""
import ast
import inspect
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from importlib.metadata import packages_distributions
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from nbval.plugin import get_sanitize_patterns

from tcnsc_lib import paper, verdict
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.figures import read
from tcnsc_lib.overview import differences_table, readme_table
from tcnsc_lib.profiles import PROFILES, Profile
from tcnsc_lib.training import Schedule

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tcnsc_lib"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line]


def name_of(module: str) -> str:
    """A distribution's name as comparisons need it: "scikit_image" -> "scikit-image"."""
    return re.sub(r"[-_.]+", "-", module).lower()


# pins

def test_every_pin_is_exact_and_in_the_lock():
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", pin) for pin in PROJECT["dependencies"])
    assert set(PROJECT["dependencies"]) <= set(LOCK)


def test_the_lock_pins_every_line_exactly():
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+( ; .+)?", line) for line in LOCK)


def test_the_conda_environment_is_the_lock_line_for_line():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (pip,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    assert pip == [*LOCK, "-e ."]
    (python,) = [entry for entry in dependencies if str(entry).startswith("python=")]
    assert python == "python=" + PROJECT["requires-python"].removeprefix(">=")


def test_torch_and_torchvision_are_a_matching_pair():
    assert {"torch==2.11.0", "torchvision==0.26.0"} <= set(PROJECT["dependencies"]) & set(LOCK)


@pytest.mark.parametrize("file", ["pyproject.toml", "requirements.lock", "environment.yml"])
def test_packages_come_from_the_users_own_index(file):
    text = (ROOT / file).read_text()
    assert not re.search(r"https?:|://| @ |git\+|--(extra-)?index|--find-links", text)


def test_everything_imported_is_pinned():
    pinned, providers = {pin.split("==")[0] for pin in PROJECT["dependencies"]}, packages_distributions()
    for path in PACKAGE.rglob("*.py"):
        for module in imports(path):
            top = module.split(".")[0]
            if top != "tcnsc_lib" and top not in sys.stdlib_module_names:
                assert {name_of(name) for name in providers[top]} & pinned, f"{path.name} imports {top}"


# settings

def test_every_setting_of_an_open_choice_exists():
    known = {field.name for kind in (Profile, Schedule) for field in fields(kind)}
    known |= set(inspect.signature(TCNSC).parameters)
    named = {name for choice in paper.OPEN for name in choice.setting.split(", ") if name}
    assert named <= known, f"no such setting: {sorted(named - known)}"


def test_the_defaults_are_the_papers():
    p, schedule = Profile("p", "ffpp"), Schedule()
    assert (p.size, p.frames, p.method, p.width) == (224, 300, "Deepfakes", 64)
    assert (schedule.iterations, schedule.batch_size, schedule.learning_rate) == (10_000, 64, 1e-4)
    assert (schedule.final_lr_share, schedule.flip) == (0.1, True)
    assert (p.lam, p.enlarge, p.weights) == (1.0, 1.3, "random")
    assert p.schedule == schedule
    assert {"input_size": p.size, "width": p.width, "width_z": p.width_z, "lam": p.lam,
            "classified": "raw", "compared": "z"} == {
        name: parameter.default for name, parameter in inspect.signature(TCNSC).parameters.items()}


def test_ffpp_is_the_paper_and_demo_needs_no_data():
    assert PROFILES["ffpp"] == Profile("ffpp", "ffpp")
    assert PROFILES["demo"].source == "demo"
    assert all(name == profile.name for name, profile in PROFILES.items())


def test_nbval_reads_every_rule_of_the_sanitize_file():
    text = (ROOT / "tests/nbval.cfg").read_text()
    patterns = get_sanitize_patterns(text)
    assert len(patterns) == len(re.findall(r"^\s*regex:", text, re.MULTILINE)) > 0
    assert all(re.compile(pattern) for pattern, _ in patterns)


# imports run one way

ORDER = ("paper", "codecs", "faces", "detectors", "evaluation", "batches", "training", "profiles", "experiments",
         "analysis", "tables", "claims", "drawing", "figures", "overview", "pages", "site", "verdict", "cli")
FREE = {"files", "machine", "__init__"}  # what every module may import


def imports(path: Path) -> set[str]:
    """Absolute names of all modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "tcnsc_lib" else {module}
    return found


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    allowed = {"CompanionError", *FREE}
    if layer(path) not in FREE:
        allowed |= {*ORDER[: ORDER.index(layer(path))], *({layer(path)} if path.parent != PACKAGE else ())}
    used = {module.split(".")[1] for module in imports(path) if module.startswith("tcnsc_lib.")}
    assert used <= allowed


# the verdict

def table(**changes) -> pd.DataFrame:
    columns = {"codec": ["RAW", "LQ"], "accuracy": [95.0, 80.0], "n": [160, 160]}
    return pd.DataFrame(columns | changes)


def test_equal_tables_agree():
    assert verdict.compare(table(), table()) == (4, 4, 0.0, "")


LIMIT = verdict.TOLERANCE["accuracy"]


@pytest.mark.parametrize(("ours", "agree"), [([95.0, 80.0 + LIMIT], 4), ([95.0, 80.1 + LIMIT], 3),
                                             ([94.9 - LIMIT, 79.9 - LIMIT], 2), ([95.0, float("nan")], 3)])
def test_a_number_beyond_the_tolerance_is_counted(ours, agree):
    numbers, agreeing, largest, wrong = verdict.compare(table(), table(accuracy=ours))
    assert (numbers, agreeing, wrong) == (4, agree, "")
    assert largest == pytest.approx(pd.Series(ours).sub([95.0, 80.0]).abs().fillna(float("inf")).max())


def test_a_number_without_tolerance_has_to_be_equal():
    assert verdict.compare(table(), table(n=[160, 161])) == (4, 3, 1.0, "")


@pytest.mark.parametrize("ours", [[3.0, 4.0], [1e9, float("nan")], ["soon", "late"]], ids=["equal", "other", "text"])
def test_a_column_without_limit_is_neither_compared_nor_counted(ours):
    assert np.isinf(verdict.TOLERANCE["seconds"])
    committed = table(seconds=[3.0, 4.0])
    assert verdict.compare(committed, table(seconds=ours)) == (4, 4, 0.0, "")
    assert verdict.compare(committed.rename(columns={"seconds": "hours"}),
                           table(hours=[9.0, 9.0])) == (6, 4, 6.0, "")  # another name's are


@pytest.mark.parametrize("file, off, agree", [
    ("table3.csv", 31.9, 4), ("table3.csv", 40.1, 3), ("table2.csv", 31.9, 3), ("table2.csv", 7.9, 4), ("", 7.9, 4)])
def test_a_files_own_tolerance_comes_first(file, off, agree):
    assert verdict.compare(table(), table(accuracy=[95.0, 80 - off]), file)[:2] == (4, agree)


OTHERS = {"row": table().iloc[:1], "column": table().drop(columns="n"),
          "name": table().rename(columns={"n": "N"})}


@pytest.mark.parametrize("ours", OTHERS.values(), ids=OTHERS)
def test_other_rows_or_columns_are_noticed(ours):
    assert verdict.compare(table(), ours)[3] == "other rows or columns"


@pytest.mark.parametrize("codec", [["LQ", "RAW"], ["RAW", None]], ids=["order", "empty"])
def test_a_changed_text_is_noticed(codec):
    assert verdict.compare(table(), table(codec=codec))[3] == "column codec differs"


def test_a_text_that_follows_from_numbers_is_left_to_the_numbers():
    name = next(iter(verdict.DERIVED))
    committed, ours = table(**{name: ["yes", "no"]}), table(**{name: ["yes", "can't tell"]})
    assert verdict.compare(committed, ours) == (4, 4, 0.0, "")


def write(folder: Path, **frames: pd.DataFrame) -> Path:
    folder.mkdir()
    for name, frame in frames.items():
        (folder / f"{name}.csv").write_text("# made by a test\n" + frame.to_csv(index=False))
    return folder


@pytest.mark.parametrize(("ours", "said", "good"), [
    ({"table1": table()}, "agree", True), ({"table1": table(accuracy=[60.0, 80.0])}, "1 DIFFER", False),
    ({"table1": table(codec=["RAW", "MQ"])}, "column codec differs", False), ({}, "MISSING", False)],
    ids=["equal", "number", "text", "missing"])
def test_the_verdict_on_a_folder(tmp_path, ours, said, good):
    result = verdict.verdict(write(tmp_path / "committed", table1=table()), write(tmp_path / "ours", **ours))
    assert result.item.tolist() == ["table1.csv"] and result.verdict.tolist() == [said]
    assert verdict.good(result) is good


def test_a_table_made_apart_may_be_missing_but_not_different(tmp_path):
    name = Path(next(iter(verdict.SEPARATE))).stem
    committed = write(tmp_path / "committed", **{name: table()})
    assert verdict.good(verdict.verdict(committed, write(tmp_path / "none")))
    other = write(tmp_path / "other", **{name: table(n=[160, 161])})
    assert not verdict.good(verdict.verdict(committed, other))


@pytest.mark.parametrize("accuracy, good", [(95.0, True), (9.0, False)])
def test_a_file_that_none_committed_is_named_and_spoils_nothing(tmp_path, accuracy, good):
    ours = write(tmp_path / "ours", table1=table(accuracy=[accuracy, 80.0]), table9=table())
    (ours / "table9.png").write_bytes(b"a picture")
    (ours / "notes.txt").write_text("no table")
    result = verdict.verdict(write(tmp_path / "committed", table1=table()), ours).set_index("item")
    assert result.index.tolist() == ["table1.csv", "table9.csv", "table9.png"]
    assert result.verdict.tolist()[1:] == ["made here, none committed"] * 2
    assert result.numbers.tolist() == [4, 0, 0] and verdict.good(result.reset_index()) is good


COMMITTED = ROOT / "figures/demo"


@pytest.mark.parametrize("name", sorted(path.name for path in COMMITTED.glob("figure*.csv")))
def test_a_committed_figure_agrees_with_itself(name):
    committed = read(COMMITTED / name)
    numbers, agree, largest, wrong = verdict.compare(committed, read(COMMITTED / name), name)
    assert numbers == agree > 0 and (largest, wrong) == (0, "")


@pytest.mark.parametrize("name, column, change", [
    *(("figure4_seeds.csv", column, 0.0) for column in ("same", "different", "auc", "silhouette_RAW", "silhouette_LQ")),
    *(("figure3_means.csv", column, 0.0) for column in ("mean", "low", "high")),
    *(("figure5_means.csv", column, 1.0) for column in ("mean", "low", "high"))])
def test_numbers_that_are_gone_or_moved_are_noticed(name, column, change):
    committed = read(COMMITTED / name)
    moved = committed.assign(**{column: change * (committed[column] + 0.06)})  # nothing left, or 0.06 more
    numbers, agree, largest, wrong = verdict.compare(committed, moved, name)
    assert agree <= numbers - len(committed) / 2 and largest > 0.059 and wrong == ""


@pytest.mark.parametrize("name", verdict.FILES)
def test_a_files_tolerances_are_for_columns_that_it_has(name):
    columns = set(read(COMMITTED / name))
    lost = set(verdict.FILES[name]) - columns
    assert lost.isdisjoint({"low", "high"}) and columns & set(verdict.FILES[name])
    lost -= {"mean"} if "ours" in columns else {"ours"} if "mean" in columns else set()  # of MEAN a file has either
    assert {cell for cell in lost if name != "figure4.csv" or not re.fullmatch(r"c[0-9]{1,2}", cell)} == set()


def test_nothing_to_compare_is_not_agreement(tmp_path):
    assert not verdict.good(verdict.verdict(write(tmp_path / "committed"), write(tmp_path / "ours")))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_readme_shows_the_committed_numbers(number):
    assert readme_table(number) in (ROOT / "README.md").read_text()


def test_the_readmes_differences_are_those_of_the_committed_files():
    assert differences_table() in (ROOT / "README.md").read_text()
    assert "| dual - (i) | **-" in differences_table()


@pytest.mark.parametrize("words, environment, expected", [
    ([], {}, "demo"), ([], {"TCNSC_PROFILE": "ffpp"}, "ffpp"),
    (["PROFILE=photos"], {"TCNSC_PROFILE": "ffpp"}, "photos")])
def test_one_word_changes_the_profile_of_make(words, environment, expected):
    clean = {key: value for key, value in os.environ.items() if key not in ("TCNSC_PROFILE", "PROFILE", "MAKEFLAGS")}
    out = subprocess.run(["make", "-n", "-p", "help", *words], cwd=ROOT, env=clean | environment, text=True,
                         capture_output=True, check=True).stdout
    assert f"\nTCNSC_PROFILE := {expected}\n" in out
