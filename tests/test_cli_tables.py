"""`tcnsc train` and `tcnsc table`: which runs they ask for, and what they print and save of them."""
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from tcnsc_lib import cli, experiments, figures, paper, profiles, tables


@pytest.fixture(autouse=True)
def demo(monkeypatch) -> None:
    """The default profile, whatever the developer works with."""
    monkeypatch.delenv("TCNSC_PROFILE", raising=False)


@pytest.fixture
def trained(monkeypatch) -> list:
    """The jobs given to `train_all`; runs are named after theirs and were right on 90, 80, ... % of the crops."""
    def run(name, p, seed=None):
        log = pd.DataFrame({"iteration": [1], "total": [0.5], "val_accuracy": [75.0], "val_auc": [80.0]})
        return SimpleNamespace(folder=Path(f"{name} {seed}"), log=log, environment={"seconds": 7.0, "device": "cpu"})

    def scores(name, p, seed=None):
        return pd.DataFrame({"codec": paper.CODECS, "accuracy": [90.0, 80, 70, 60, 50]})

    jobs = []
    monkeypatch.setattr(experiments, "train_all", lambda given, p: jobs.append((list(given), p.name)))
    monkeypatch.setattr(experiments, "train_experiment", run)
    monkeypatch.setattr(experiments, "scores", scores)
    return jobs


@pytest.mark.parametrize("words, job", [
    (["model B", "--seed", "4"], ("model B", 4)), (["(RAW, LQ)"], ("(RAW, LQ)", None))])
def test_train_trains_what_it_was_asked_to(trained, capsys, words, job):
    assert cli.main(["train", *words]) == 0
    assert trained == [([job], "demo")]
    out = capsys.readouterr().out
    assert f"{job[0]} {job[1]}\n" in out and "RAW 90.0, HQ 80.0, MQ 70.0, LQ 60.0, WEBP 50.0" in out


def test_train_all_trains_and_tells_every_job_once(trained, capsys):
    assert cli.main(["train", "all", "--profile", "photos"]) == 0
    ((jobs, profile),) = trained
    assert (jobs, profile) == (tables.jobs("all", profiles.PROFILES["photos"]), "photos")
    told = capsys.readouterr().out.splitlines()[::3]
    assert sorted(told) == sorted(f"{name} {seed}" for name, seed in set(jobs))


@pytest.mark.parametrize("number", ["1", "2", "3"])
def test_a_table_trains_its_jobs_prints_and_saves_itself(trained, capsys, monkeypatch, number):
    def made(p):
        return pd.DataFrame([{"training": "a row", "codec": codec, "accuracy": 12.34, "paper": 56.78, "auc": 90.12,
                              "n": 160, "people": 10} for codec in paper.CODECS])

    def differences(p):
        asked.append(p)
        return pd.DataFrame({"difference of accuracy": ["one - other"], "codec": ["LQ"], "difference": [-7.77],
                             "settled": ["yes"]})

    saved, asked = [], []
    monkeypatch.setattr(tables, f"table{number}", made)
    monkeypatch.setattr(tables, "seed_differences", differences)
    monkeypatch.setattr(figures, "save", lambda *given: saved.append(given) or Path("there.csv"))
    assert cli.main(["table", number]) == 0
    p, out = profiles.PROFILES["demo"], capsys.readouterr().out
    assert trained == [(tables.jobs(number, p), "demo")]
    (name, profile, frame, runs), = saved
    assert (name, profile) == (f"table{number}", p) and frame.equals(made(p))
    runs = {str(run.folder) for run in runs}  # those behind the table: of the profile's own seed
    assert runs == {f"{experiment} None" for experiment, seed in tables.jobs(number, p) if seed is None}
    assert all(out.count(value) == 5 for value in ("12.3", "56.8", "90.1"))
    assert "n = 160 crops of 10 people, seed 0" in out and "there.csv" in out
    assert asked == ([p] if number == "2" else [])  # several seeds stand behind Table 2 alone
    told = [line.split() for line in out.partition("\nseveral seeds\n")[2].splitlines()]
    assert told[1:2] == ([["one", "-", "other", "LQ", "-7.8", "yes"]] if number == "2" else [])


# pictures and pages from what is stored


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """An empty folder for figures, with the curves of Figure 6 in it."""
    monkeypatch.setenv("TCNSC_FIGURES", str(tmp_path))
    line = pd.DataFrame({"radius": [i / 40 for i in range(41)], "mean": [1 - i / 80 for i in range(41)], "sd": 0.1})
    figures.save("figure6", profiles.profile("demo"), pd.concat([
        line.assign(label=label, codec=codec, definition=definition) for label in (0, 1) for codec in paper.CODECS
        for definition in ("Durall", "power")]))
    return tmp_path / "demo"


def test_draw_draws_what_is_stored_and_says_what_is_not(stored, capsys):
    assert cli.main(["draw"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [path.name for path in stored.glob("*.png")] == ["figure6.png"] and str(stored) in out[-1]
    assert [line.split(":")[0] for line in out[:-1]] == list(figures.PICTURES)
    assert all("there is no" in line for line in out[:-1] if not line.startswith(("figure6:", "in ")))


@pytest.mark.parametrize("name, words", [("figure7", "choose some of figure1, "), ("figure3", "figure3.csv; run the notebook")])
def test_draw_names_what_it_cannot_draw(stored, name, words, capsys):
    assert cli.main(["draw", name]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tcnsc: There is no ") and words in error and not list(stored.glob("*.png"))


def test_a_site_of_nothing_is_one_sentence(tmp_path, capsys):
    assert cli.main(["site", str(tmp_path / "none"), str(tmp_path), str(tmp_path / "site")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("tcnsc: ") and str(tmp_path / "none") in error and not (tmp_path / "site").exists()
