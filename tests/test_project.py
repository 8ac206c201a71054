"""The project around the library: pins, settings, and documents that name only what there is."""

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from inspect import signature
from pathlib import Path

import pytest
import yaml
from nbval.plugin import get_sanitize_patterns
from packaging.requirements import Requirement
from packaging.version import Version

from tcnsc_lib import cli, paper
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.profiles import PROFILES, Profile
from tcnsc_lib.training.loop import Schedule

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
LOCK = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line]
WORKFLOW = ROOT / ".github/workflows/check.yml"
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/ARCHITECTURE.md",
    "docs/CHECKLIST.md",
    "docs/CLUSTER.md",
    "docs/GLOSSARY.md",
    "docs/HOSTING.md",
    "docs/RESULTS.md",
    "docs/SUMMARY.md",
    "data/README.md",
    "figures/README.md",
)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# pins

LOCKED = {line.split("==")[0]: Version(re.split(r"==| ;", line)[1]) for line in LOCK}


@pytest.mark.parametrize("line", DECLARED)
def test_the_lock_has_every_dependency_in_its_range(line):
    wanted = Requirement(line)
    assert LOCKED[wanted.name] in wanted.specifier


def test_the_lock_pins_every_line_exactly():
    pin = re.compile(r"[a-z0-9-]+==[0-9a-z.]+( ; .+)?")
    assert [line for line in LOCK if not pin.fullmatch(line)] == []


def test_the_conda_environment_is_the_lock_line_for_line():
    dependencies = yaml.safe_load(read("environment.yml"))["dependencies"]
    (pip,) = [entry["pip"] for entry in dependencies if isinstance(entry, dict)]
    assert pip == [*LOCK, "-e ."]
    (python,) = [entry for entry in dependencies if str(entry).startswith("python=")]
    assert python == "python=" + PROJECT["requires-python"].removeprefix(">=")


def test_torch_and_torchvision_are_a_matching_pair():
    pair = {"torch==2.11.0", "torchvision==0.26.0"}
    assert pair <= set(PROJECT["dependencies"])
    assert pair <= set(LOCK)


FROM_AN_INDEX = ("pyproject.toml", "requirements.lock", "environment.yml", "Makefile", ".ci/run")


@pytest.mark.parametrize("file", [*FROM_AN_INDEX, ".github/workflows/check.yml"])
def test_packages_come_from_the_users_own_index(file):
    address = re.compile(r"https?:|://| @ |git\+|--(extra-)?index|--find-links")
    assert not address.search(read(file))


def test_every_python_that_may_run_this_is_checked():
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    pythons = jobs["unit"]["strategy"]["matrix"]["python"]
    assert pythons == ["3.11", "3.12", "3.13"]
    assert pythons[0] == PROJECT["requires-python"].removeprefix(">=")


@pytest.mark.parametrize("file", [".github/workflows/check.yml", ".pre-commit-config.yaml"])
def test_what_runs_by_itself_runs_tests_that_are_there(file):
    named = re.findall(r"tests/[a-z_]+\.py", read(file))
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_one_version_everywhere():
    version = PROJECT["version"]
    assert yaml.safe_load(read("CITATION.cff"))["version"] == version
    assert re.search(r"^## ([0-9.]+)", read("CHANGELOG.md"), re.MULTILINE).group(1) == version


def test_the_paper_is_cited_by_its_identifier():
    (reference,) = yaml.safe_load(read("CITATION.cff"))["references"]
    assert reference["doi"] in read("README.md")
    assert f"{reference['journal']} {reference['year']}" in read("README.md")


# settings


def names(kind: type) -> set[str]:
    return {field.name for field in fields(kind)}


def defaults(function) -> dict[str, object]:
    return {name: value.default for name, value in signature(function).parameters.items()}


def test_every_setting_of_an_open_choice_exists():
    known = names(Profile) | names(Schedule) | set(defaults(TCNSC))
    for choice in paper.OPEN:
        named = {name for name in choice.setting.split(", ") if name}
        assert named <= known, choice


def test_the_defaults_are_the_papers():
    p = Profile("p", "ffpp")
    schedule = Schedule()
    assert (p.size, p.frames, p.method, p.width) == (224, 300, "Deepfakes", 64)
    assert (schedule.iterations, schedule.batch_size) == (10_000, 64)
    assert (schedule.learning_rate, schedule.final_lr_share, schedule.flip) == (1e-4, 0.1, True)
    assert (p.lam, p.enlarge, p.weights) == (1.0, 1.3, "random")
    assert p.schedule == schedule
    settings = {"input_size": p.size, "width": p.width, "width_z": p.width_z, "lam": p.lam}
    assert settings == defaults(TCNSC)


def test_ffpp_is_the_paper_and_demo_needs_no_data():
    assert PROFILES["ffpp"] == Profile("ffpp", "ffpp")
    assert PROFILES["demo"].source == "demo"
    assert [p.name for p in PROFILES.values()] == list(PROFILES)


def test_nbval_reads_every_rule_of_the_sanitize_file():
    text = read("tests/nbval.cfg")
    rules = re.findall(r"^\s*regex:", text, re.MULTILINE)
    patterns = get_sanitize_patterns(text)
    assert len(patterns) == len(rules) > 0
    assert all(re.compile(pattern) for pattern, _ in patterns)


SAMPLES = [("done in 12.5 s", "done in SECONDS"), ("device cuda", "device DEVICE")]


@pytest.mark.parametrize(("text", "expected"), SAMPLES)
def test_what_differs_between_machines_is_not_compared(text, expected):
    for pattern, replacement in get_sanitize_patterns(read("tests/nbval.cfg")):
        text = re.sub(pattern, replacement, text)
    assert text == expected


# make


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        ([], {}, "demo"),
        ([], {"TCNSC_PROFILE": "ffpp"}, "ffpp"),
        (["PROFILE=photos"], {"TCNSC_PROFILE": "ffpp"}, "photos"),
    ],
)
def test_one_word_changes_the_profile_of_make(words, environment, expected):
    ours = ("TCNSC_PROFILE", "PROFILE", "MAKEFLAGS")
    clean = {key: value for key, value in os.environ.items() if key not in ours}
    command = ["make", "-n", "-p", "help", *words]
    told = clean | environment
    done = subprocess.run(command, cwd=ROOT, env=told, text=True, capture_output=True, check=True)
    assert f"\nTCNSC_PROFILE := {expected}\n" in done.stdout


def test_make_test_asks_the_quick_questions_first():
    command = ["make", "-n", "-o", ".venv/.ready", "test", "PROFILE=demo"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    quick = ["ruff check", "pytest tests", "tcnsc report --check"]
    questions = [*quick, "tcnsc train all", "--nbval-lax", "tcnsc verify"]
    places = [done.stdout.index(question) for question in questions]
    assert places == sorted(places)


@pytest.mark.parametrize(("profile", "has_study"), [("demo", True), ("pictures", False)])
def test_notebook_8_is_left_out_where_there_is_no_study_and_that_is_said(profile, has_study):
    command = ["make", "-n", "-o", ".venv/.ready", "reproduce", f"PROFILE={profile}"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    assert ("notebooks/08_what_does_it.ipynb" in done.stdout) == has_study
    assert "notebooks/09_any_quality.ipynb" in done.stdout
    assert f"tcnsc study --profile {profile}" in done.stdout


FOREIGN = '{"argv": ["/bin/false"], "display_name": "other", "language": "python"}'
WHICH_KERNEL = """#!/bin/sh
mkdir -p "$BUILD/notebooks"
touch "$BUILD/notebooks/1.ipynb"
exec "{python}" -c 'from jupyter_client.kernelspec import get_kernel_spec as get
print("kernel:", get("python3").resource_dir)'
"""


@pytest.mark.parametrize("target", ["reproduce", "refresh", "lab"])
@pytest.mark.parametrize("place", ["JUPYTER_PATH", "HOME", "JUPYTER_DATA_DIR"])
def test_notebooks_run_on_this_environments_kernel(target, place, tmp_path):
    """A kernel of the same name lies where Jupyter looks; make starts a stand-in of Jupyter."""
    inside = ".local/share/jupyter/kernels" if place == "HOME" else "kernels"
    kernel = tmp_path / "user" / inside / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(FOREIGN)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("jupyter", "tcnsc", "sphinx-build"):
        text = WHICH_KERNEL.format(python=sys.executable) if name == "jupyter" else "#!/bin/sh\n"
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")}
    told = clean | {place: str(tmp_path / "user")}
    command = ["make", "-o", ".venv/.ready", target, "PROFILE=demo", f"BIN={tools}",
               f"BUILD={tmp_path}/build"]
    done = subprocess.run(command, cwd=ROOT, env=told, text=True, capture_output=True, check=True)
    assert "kernel: /" in done.stdout
    assert str(kernel) not in done.stdout


@pytest.mark.parametrize("said", ["~/pics", "pics", "with a blank/pics", "/elsewhere"])
def test_make_leaves_folders_to_the_library(said):
    command = ["make", "-n", "-p", "help"]
    told = os.environ | {"TCNSC_SOURCE": said}
    done = subprocess.run(command, cwd=ROOT, env=told, text=True, capture_output=True, check=True)
    assert f"\nTCNSC_SOURCE = {said}\n" in done.stdout


# documents name only what there is


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)", read(page))
    here = (ROOT / page).parent
    inside = [link for link in links if "://" not in link]
    assert [link for link in inside if not (here / link).exists()] == []


def code(page: str) -> str:
    """What a page shows as code: its blocks and its words between backquotes."""
    return "\n".join(re.findall(r"```.*?```|`[^`]+`", read(page), re.DOTALL))


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_and_tcnsc_step_that_a_page_names_exists(page, capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    steps = set(re.findall(r"^    ([a-z]+) ", capsys.readouterr().out, re.MULTILINE))
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = re.findall(r"\b(make|tcnsc) ([a-z]+)", code(page))
    known = {"make": targets, "tcnsc": steps}
    assert [words for words in named if words[1] not in known[words[0]]] == []


def test_every_file_and_folder_that_the_map_names_exists():
    text = read("docs/ARCHITECTURE.md")
    files = re.findall(r"`([a-z_/0-9]+\.(?:py|md|in|csv))`", text)
    folders = re.findall(r"`([a-z_/]+)/`", text)
    assert len(files) > 10
    assert len(folders) > 10
    for name in (*files, *folders):
        assert (ROOT / name).exists() or (ROOT / "tcnsc_lib" / name).exists(), name
