"""`tcnsc train`, `table` and `report`: what they ask for, print and save."""
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from commands import at_home
from conftest import P
from made_costs import keep

from tcnsc_lib import cli, experiments, paper, profiles
from tcnsc_lib.cli import table_steps
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.report import readme, remake
from tcnsc_lib.results import derive
from tcnsc_lib.results.plots import pictures
from tcnsc_lib.results.plots.alike import same_picture


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    return at_home(tmp_path / "home", monkeypatch)


# train

@pytest.fixture
def trained(monkeypatch, toy_faces) -> list:
    """What `train_all` was asked for; runs are named after theirs, the first 6 of 8 are right."""
    def run(plan, tell):
        assert tell is False  # `train_all` has told already
        log = pd.DataFrame({"total": [0.5], "val_accuracy": [75.0], "val_auc": [80.0]})
        return SimpleNamespace(folder=Path(plan), log=log,
                               environment={"seconds": 7.0, "device": "cpu"})

    def odds(plan, crops):
        fake = 2.0 * crops.labels("test") - 1
        fake[6:] *= -1
        return pd.DataFrame({codec: fake for codec in paper.CODECS})

    asked = []
    monkeypatch.setattr(experiments, "train_all",
                        lambda jobs, p, retrain: asked.append((list(jobs), p.name, retrain)))
    monkeypatch.setattr(experiments, "plan", lambda name, p, seed: f"{name} {seed}")
    monkeypatch.setattr(profiles, "faces", lambda p: toy_faces)
    monkeypatch.setattr(table_steps.training, "train", run)
    monkeypatch.setattr(table_steps, "predictions", odds)
    return asked


@pytest.mark.parametrize("words, job, retrain", [
    (["model B", "--seed", "4"], ("model B", 4), False),
    (["(RAW, LQ)"], ("(RAW, LQ)", None), False),
    (["(RAW, LQ)", "--retrain"], ("(RAW, LQ)", None), True)])
def test_train_trains_what_it_was_asked_to(trained, capsys, words, job, retrain):
    assert cli.main(["train", *words]) == 0
    assert trained == [([job], "demo", retrain)]
    out = capsys.readouterr().out
    assert f"{job[0]} {job[1]}\n" in out
    assert "RAW 75.0, HQ 75.0, MQ 75.0, LQ 75.0, WEBP 75.0" in out


def test_train_all_trains_and_tells_every_job_once(trained, capsys):
    assert cli.main(["train", "all", "--profile", "photos"]) == 0
    ((jobs, profile, _),) = trained
    assert jobs == experiments.jobs("all", profiles.PROFILES["photos"]) and profile == "photos"
    told = capsys.readouterr().out.splitlines()[::3]
    assert sorted(told) == sorted(f"{name} {seed}" for name, seed in set(jobs))


# table

@pytest.fixture
def stored(toy, monkeypatch) -> Evidence:
    """A profile "toy" whose evidence is there: every experiment is right on every crop."""
    monkeypatch.setenv("TCNSC_FIGURES", str(toy.folder.parent))
    monkeypatch.setitem(profiles.PROFILES, P.name, P)
    return toy


@pytest.fixture
def collected(stored, monkeypatch) -> list:
    """What `collect` was asked for."""
    asked = []
    monkeypatch.setattr(experiments, "collect",
                        lambda jobs, e: asked.append((list(jobs), e.p, e.folder)))
    monkeypatch.setattr(table_steps, "save_costs", keep)
    return asked


@pytest.mark.parametrize("number", ["1", "2", "3"])
def test_a_table_collects_its_jobs_and_is_printed_and_saved(collected, stored, capsys, number):
    assert cli.main(["table", number, "--profile", "toy"]) == 0
    assert collected == [(experiments.jobs(number, P), P, stored.folder)]
    out = capsys.readouterr().out
    made = stored.read(f"table{number}")
    assert (made.accuracy == 100).all() and made.seed.unique().tolist() == [P.seed]
    for row in made.training.unique():
        assert out.count(f"{row} ") >= 3  # accuracy, the paper's, AUC
    assert "accuracy (%)" in out and "the paper" in out and "AUC (%)" in out
    assert f"n = 8 crops of 2 people, seed {P.seed}" in out
    assert str(stored.path(f"table{number}")) in out
    assert ("several seeds" in out) is (number == "2")


def test_a_table_leaves_other_tables_alone(collected, stored):
    assert cli.main(["table", "1", "--profile", "toy"]) == 0
    assert [path.name for path in stored.folder.glob("*.csv")] == ["table1.csv"]


@pytest.fixture
def studied(stored, monkeypatch) -> list:
    """What `collect_study` was asked for, after it was told how long that takes."""
    asked = []
    monkeypatch.setattr(experiments, "tell_study", lambda rows, p: asked.append((rows, p)))
    monkeypatch.setattr(experiments, "collect_study",
                        lambda rows, e, trains: asked.append((rows, e.p, e.folder, trains)))
    monkeypatch.setattr(experiments, "study_logs", lambda rows, p: logs(rows))
    return asked


def logs(rows: list, rank: float = 1.0) -> dict:
    """What `study_logs` tells of these rows, all of them trained."""
    steps = pd.DataFrame({"iteration": [1, 2], "val_accuracy": 90.0, "val_auc": 99.0})
    steps = steps.assign(val_accuracy_LQ=70.0, val_auc_LQ=80.0, cos_twins_z=0.5, rank_z=rank)
    jobs = experiments.study.study_jobs(rows, P)
    return {(name, seed): (f"{name}-{seed}", steps) for name, seed in jobs}


def test_the_study_collects_all_its_rows_and_says_where_they_lie(studied, stored, capsys):
    assert cli.main(["study", "--profile", "toy"]) == 0
    every = list(experiments.study.ROWS)
    assert studied == [(every, P), (every, P, stored.folder, True)]
    assert str(stored.measured / "study") in capsys.readouterr().out


def test_the_study_takes_the_rows_that_it_is_asked_for_in_its_own_order(studied):
    assert cli.main(["study", "similarity on h", "model B", "--profile", "toy"]) == 0
    rows = studied[-1][0]
    assert [row.name for row in rows] == ["model B", "similarity on h"]


def test_the_study_of_what_is_stored_trains_nothing(studied):
    assert cli.main(["study", "--stored", "--profile", "toy"]) == 0
    assert studied[-1][-1] is False


def test_the_study_keeps_how_its_trainings_ended_in_its_own_order(studied, stored):
    assert cli.main(["study", "model B", "--profile", "toy"]) == 0
    assert cli.main(["study", "predictor, stop-gradient", "(RAW, LQ)", "--profile", "toy"]) == 0
    table = stored.read("study_collapse")
    ended = list(zip(table.training, table.seed, strict=True))
    assert ended == [
        ("model B", 3), ("model B", 4), ("model B", 5),
        ("(RAW, LQ)", 3), ("(RAW, LQ)", 4), ("(RAW, LQ)", 5),
        ("predictor, stop-gradient", 3), ("predictor, stop-gradient", 4)]
    assert not stored.has("validation")  # never were both asked for


def test_what_was_trained_again_replaces_what_was_stored(studied, stored):
    rows = experiments.study.chosen(["model B", "predictor, stop-gradient"])
    table_steps.save_watched(stored, logs(rows))
    table_steps.save_watched(stored, logs(rows[1:], rank=7.0))
    assert stored.read("study_collapse").rank_z.tolist() == [1, 1, 1, 7, 7]


def test_the_study_keeps_the_curves_of_model_b_and_dual_from_all_their_seeds(studied, stored):
    assert cli.main(["study", "model B", "(RAW, LQ)", "--profile", "toy"]) == 0
    table = stored.read("validation")
    seeds = table.groupby("training").seed.unique()
    assert {name: sorted(each) for name, each in seeds.items()} == {
        "model B": [3, 4, 5], "dual": [3, 4, 5]}
    assert "run (RAW, LQ)-3" in stored.head("validation")


# report

@pytest.fixture
def few(stored, monkeypatch) -> Evidence:
    """The same, with one picture to draw."""
    monkeypatch.setattr(pictures, "PICTURES", {"table1": pictures.PICTURES["table1"]})
    return stored


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*.*")}


def test_report_makes_what_the_evidence_has_and_says_what_it_lacks(few, capsys):
    assert cli.main(["report", "--profile", "toy"]) == 0
    made = {path.stem for path in few.folder.glob("*.csv")}
    assert made == {name for name in derive.DERIVED if not derive.lacking(name, few)}
    assert {"table1", "table2_claims", "table3_drops"} <= made and "figure3_means" not in made
    assert (few.folder / "table1.png").exists()
    out = capsys.readouterr().out
    assert "toy/table1.csv: new" in out and "toy/table1.png: new" in out
    assert "toy/table1.svg: new" in out
    assert "figure3_means.csv: left as it is, for want of figure3" in out
    assert f"0 files are the same, {len(made) + 2} changed." in out


def test_a_second_report_touches_nothing(few, capsys):
    cli.main(["report", "--profile", "toy"])
    before = contents(few.folder)
    times = {path: path.stat().st_mtime_ns for path in before}
    capsys.readouterr()
    assert cli.main(["report", "--profile", "toy"]) == 0
    assert "0 changed." in capsys.readouterr().out
    assert contents(few.folder) == before
    assert {path: path.stat().st_mtime_ns for path in before} == times


def test_a_check_writes_nothing_and_fails_where_something_would_change(few, capsys):
    assert cli.main(["report", "--check", "--profile", "toy"]) == 1
    assert not (few.folder / "table1.csv").exists()
    cli.main(["report", "--profile", "toy"])
    assert cli.main(["report", "--check", "--profile", "toy"]) == 0
    odds = few.log_odds("model B")
    few.save_predictions("model B", P.seed, -odds)
    before = contents(few.folder)
    capsys.readouterr()
    assert cli.main(["report", "--check", "--profile", "toy"]) == 1
    out = capsys.readouterr().out
    assert "toy/difficulty.csv: changed" in out and "would change." in out
    assert contents(few.folder) == before
    cli.main(["report", "--profile", "toy"])
    assert np.isclose(few.read("difficulty").accuracy, 0).all()


def test_a_picture_is_drawn_again_where_its_look_or_its_origin_changed(few, monkeypatch):
    cli.main(["report", "--profile", "toy"])
    picture = few.folder / "table1.png"
    old = picture.read_bytes()
    monkeypatch.setattr(Evidence, "head", lambda e, name: "profile toy; made elsewhere")
    cli.main(["report", "--profile", "toy"])
    new = picture.read_bytes()
    assert new != old and same_picture(picture, old)


def test_report_takes_every_profile_that_has_evidence(few, monkeypatch):
    monkeypatch.setattr(remake, "everything", lambda evidences, keep: iter(
        [(e.folder, remake.SAME) for e in evidences.values()]))
    assert list(remake.committed()) == ["toy"]
    (few.folder.parent / "demo/evidence").mkdir(parents=True)
    assert list(remake.committed()) == ["demo", "toy"]
    assert cli.main(["report"]) == 0


def test_report_without_evidence_is_one_sentence(refused, home):
    assert f"No profile has evidence in {home / 'figures'}; " in refused("report")
    words = refused("report", "--profile", "photos")
    assert "Profile photos has no evidence in" in words and "--profile photos` makes some" in words


@pytest.fixture
def page(few, tmp_path, monkeypatch) -> Path:
    """A first page of one sentence, in a checkout whose figures are these."""
    template = tmp_path / "README.md.in"
    template.write_text("It is right on {table1[(RAW, LQ),LQ].accuracy:.0f} %.\n")
    monkeypatch.setattr(remake, "CHECKOUT", few.folder.parents[1])
    monkeypatch.setattr(readme, "PAGES", {tmp_path / "README.md": template})
    monkeypatch.setattr(readme, "SHOWN", ("toy",))
    monkeypatch.setattr(readme, "blocks", lambda evidences: {})
    monkeypatch.setattr(readme, "DEFAULT", "toy")
    return tmp_path / "README.md"


def test_the_readme_is_written_from_what_was_just_made(page, few, capsys):
    assert cli.main(["report", "--check", "--profile", "toy"]) == 1 and not page.exists()
    assert cli.main(["report", "--profile", "toy"]) == 0
    assert page.read_text() == "It is right on 100 %.\n"
    assert "README.md: new" in capsys.readouterr().out


def test_figures_elsewhere_leave_the_readme_alone(page, monkeypatch, tmp_path):
    monkeypatch.setattr(remake, "CHECKOUT", tmp_path / "another")
    assert cli.main(["report", "--profile", "toy"]) == 0
    assert not page.exists()


def test_verify_lists_what_it_compares_and_what_not(few, capsys):
    cli.main(["report", "--profile", "toy"])
    capsys.readouterr()
    assert cli.main(["verify", str(few.folder), str(few.folder)]) == 0
    out = capsys.readouterr().out
    assert "table1_claims.csv" in out and "evidence/crops.csv" in out
    assert "not compared:\n" in out and "predictions/*.csv (RAW, HQ, MQ, LQ, WEBP)" in out
    assert out.endswith("VERDICT: all agree within the stated tolerance.\n")


def test_verify_tells_of_a_verdict_that_came_out_otherwise(few, tmp_path, capsys):
    cli.main(["report", "--profile", "toy"])
    ours = shutil.copytree(few.folder, tmp_path / "again")
    path = ours / "table1_claims.csv"
    committed = few.read("table1_claims")["holds here"][0]
    other = "no" if committed != "no" else "yes"
    path.write_text(path.read_text().replace(f",{committed},", f",{other},", 1))
    capsys.readouterr()
    assert cli.main(["verify", str(few.folder), str(ours)]) == 0
    told = f"table1_claims.csv: table1.best-pair: {committed} committed, {other} here"
    assert told in capsys.readouterr().out
