"""Where a profile's folders lie: ~, relative paths in a shell and in a notebook, nothing set."""
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from tcnsc_lib import CompanionError, profiles
from tcnsc_lib.files import CHECKOUT

P = replace(profiles.PROFILES["photos"], name="toy")
FOLDERS = {
    "TCNSC_HOME": (profiles.home, ""),
    "TCNSC_SOURCE": (lambda: profiles.source_folder(P), ""),
    "TCNSC_FIGURES": (lambda: profiles.figures_folder(P), "toy")}
EACH = pytest.mark.parametrize("variable", FOLDERS)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in (*FOLDERS, "TCNSC_PROFILE", "TCNSC_METHOD", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)


def folder(variable: str) -> Path:
    return FOLDERS[variable][0]()


def expected(variable: str, root: Path) -> Path:
    return root / FOLDERS[variable][1]


@EACH
@pytest.mark.parametrize(("said", "there"), [("~", ""), ("~/pics and more", "pics and more")])
def test_the_tilde_is_the_home_folder(monkeypatch, tmp_path, variable, said, there):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, said)
    assert folder(variable) == expected(variable, tmp_path / there)


@EACH
def test_a_home_that_isnt_known_is_told(monkeypatch, variable):
    monkeypatch.setenv(variable, "~nobody-of-this-name/pics")
    with pytest.raises(CompanionError, match=f"{variable}=~nobody-of-this-name/pics begins with a"):
        folder(variable)


@EACH
@pytest.mark.parametrize("said", ["pics", "./pics", "other/../pics"])
def test_a_relative_folder_counts_from_where_the_command_is_started(
        monkeypatch, tmp_path, variable, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, said)
    assert folder(variable) == expected(variable, tmp_path / "pics")


@EACH
@pytest.mark.parametrize("said", ["", "  "])
def test_an_empty_variable_is_not_set(monkeypatch, variable, said):
    before = folder(variable)
    monkeypatch.setenv(variable, said)
    assert folder(variable) == before
    assert before.is_relative_to(CHECKOUT)


def test_an_empty_profile_is_the_demo(monkeypatch):
    monkeypatch.setenv("TCNSC_PROFILE", "")
    assert profiles.profile().name == "demo"
    monkeypatch.setenv("TCNSC_PROFILE", "papr")
    with pytest.raises(CompanionError, match="no profile 'papr'; choose one of demo, photos"):
        profiles.profile()


@EACH
def test_in_a_notebook_it_counts_from_where_jupyter_was_started(monkeypatch, tmp_path, variable):
    monkeypatch.chdir(tmp_path)
    waiting = "print(flush=True); input()"
    command = [sys.executable, "-c", waiting]
    started = tmp_path / "started here"
    started.mkdir()
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=started, stdin=pipe, stdout=pipe) as jupyter:
        jupyter.stdout.readline()
        monkeypatch.setenv("JPY_PARENT_PID", str(jupyter.pid))
        monkeypatch.setenv(variable, "pics")
        assert folder(variable) == expected(variable, started / "pics")
        jupyter.communicate(b"\n")
    with pytest.raises(CompanionError, match=f"{variable}=pics is a relative path, and the folder"):
        folder(variable)


def test_a_notebooks_kernel_reads_the_source_that_the_shell_means(tmp_path):
    """With Jupyter itself; the notebook lies, and runs, in a folder below."""
    book = nbformat.v4.new_notebook()
    code = "from tcnsc_lib import profiles\nprint(profiles.source_folder(profiles.PHOTOS))"
    book.cells = [nbformat.v4.new_code_cell(code)]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(book, tmp_path / "notebooks/a.ipynb")
    told = {**os.environ, "TCNSC_SOURCE": "pics", "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute",
               "--output", "b", "notebooks/a.ipynb"]
    subprocess.run(command, cwd=tmp_path, env=told, check=True, capture_output=True)
    done = nbformat.read(tmp_path / "notebooks/b.ipynb", 4)
    assert done.cells[0].outputs[0].text == f"{tmp_path}/pics\n"


def test_a_source_that_isnt_there_is_told_as_it_was_said_and_as_it_was_meant(
        monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TCNSC_SOURCE", "pics")
    with pytest.raises(CompanionError) as error:
        profiles.faces(P)
    assert f"TCNSC_SOURCE=pics means {tmp_path}/pics, and there is no" in str(error.value)


# settings out of range

WRONG = [
    ("enlarge", 0), ("enlarge", -1), ("enlarge", float("nan")), ("enlarge", "1.3"), ("size", 0),
    ("size", 96.5), ("size", True), ("size", 10**6), ("frames", 0), ("frames", -3), ("width", 0),
    ("bottleneck", 0), ("lam", -1.0), ("seed", -1), ("seed", 2**32), ("seeds", 0)]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_number_out_of_range_makes_no_profile(name, value):
    with pytest.raises(CompanionError) as error:
        replace(P, **{name: value})
    assert str(error.value).startswith(f"A profile's {name} can't be {value!r}; choose a ")


@pytest.mark.parametrize("name", ["source", "split", "weights"])
def test_an_unknown_word_makes_no_profile(name):
    with pytest.raises(CompanionError, match=f"A profile's {name} can't be 'x'; choose one of "):
        replace(P, **{name: "x"})
