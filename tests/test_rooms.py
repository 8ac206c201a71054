"""Which room may import which, which names they have, and what they need from outside."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tcnsc_lib"
LIBRARY = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").glob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))
SOURCES = [*LIBRARY, *TESTS, *BENCHMARKS]


# imports run one way

# A room imports from itself and from those above it.
ROOMS = (
    "__init__",
    "files",
    "checked",
    "cluster",
    "pool",
    "ahead",
    "machine",
    "paper",
    "codecs",
    "chains",
    "faces",
    "synthetic",
    "detectors",
    "evaluation",
    "training",
    "profiles",
    "evidence",
    "experiments",
    "analysis",
    "results",
    "asking",
    "report",
    "cli",
    "__main__",
)
TOGETHER = {"files", "cluster", "pool", "ahead", "machine"}  # these stand side by side


def dotted(path: Path) -> str:
    """tcnsc_lib/faces/store.py -> "tcnsc_lib.faces.store"; a folder has its own name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in LIBRARY}


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(node: ast.AST, at_run_time: bool) -> Iterator[ast.AST]:
    """All nodes below this one; at_run_time: without what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if at_run_time and is_for_types(child):
            continue
        yield child
        yield from statements(child, at_run_time)


@cache
def imported(path: Path, at_run_time: bool = False) -> set[str]:
    """Dotted names of the modules that a file imports, anywhere in it."""
    names = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in statements(tree, at_run_time):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            inside = whole & set(MODULES)
            names |= inside
            if inside != whole:
                names.add(node.module)
    return names


def own(path: Path, at_run_time: bool = False) -> set[str]:
    """Those of our own modules."""
    return imported(path, at_run_time) & set(MODULES)


def test_every_room_is_in_the_list_and_no_other():
    assert {room(module) for module in MODULES} == set(ROOMS)


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_from_those_above_it(module):
    place = room(module)
    above = {*ROOMS[: ROOMS.index(place)], place}
    if place in TOGETHER:
        above |= TOGETHER
    assert {room(name) for name in own(MODULES[module])} <= above


def test_no_import_runs_in_a_circle():
    graph = {module: own(path) - {module} for module, path in MODULES.items()}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert set(order) == set(MODULES)


# What makes faces and trains networks. Analyses and results get what these have made.
MAKERS = ("pool", "synthetic", "training.loop", "training.run", "training.batches")
SOURCES_OF_FACES = ("faces.source", "faces.photos", "faces.ffpp", "faces.detect", "faces.video")


@pytest.mark.parametrize("name", ["analysis", "results"])
def test_what_computes_from_predictions_never_trains_or_makes_faces(name):
    makers = tuple(f"tcnsc_lib.{maker}" for maker in (*MAKERS, *SOURCES_OF_FACES))
    for module, path in MODULES.items():
        if room(module) == name:
            used = {other for other in own(path, at_run_time=True) if other.startswith(makers)}
            assert used == set(), module


def test_analyses_load_without_any_of_it():
    """In a Python of its own, since other tests have loaded everything here."""
    names = [module for module in MODULES if room(module) == "analysis"]
    code = f"import sys, {', '.join(names)}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, text=True, capture_output=True, check=True).stdout.split()
    assert set(names) <= set(loaded)
    makers = tuple(f"tcnsc_lib.{maker}" for maker in ("pool", "synthetic", "training", "profiles"))
    assert [name for name in loaded if name.startswith(makers)] == []
    assert "facenet_pytorch" not in loaded


# names


def test_no_two_modules_share_a_name():
    folders = [path.parent.name for path in LIBRARY if path.name == "__init__.py"]
    files = [path.stem for path in LIBRARY if path.name != "__init__.py"]
    counts = Counter([*folders, *files])
    assert [name for name, count in counts.items() if count > 1] == []


# everything imported is declared

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMMANDS = {  # used by name: on a command line, by JupyterLab or in docs/conf.py
    "ipykernel",
    "ipywidgets",
    "jupyterlab",
    "latex2mathml",
    "myst-nb",
    "nbconvert",
    "pillow-heif",
    "pre-commit",
    "ruff",
    "setuptools",
    "sphinx",
    "sphinx-book-theme",
    "sphinx-external-toc",
    "uv",
}


def name_of(distribution: str) -> str:
    """A distribution's name as comparisons need it: "scikit_image" -> "scikit-image"."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def declared(requirements: list[str]) -> set[str]:
    return {re.match(r"[a-z0-9-]+", line).group() for line in requirements}


FOR_USE = declared(PROJECT["dependencies"])
MORE = PROJECT["optional-dependencies"]
FOR_CLUSTERS = declared(MORE["cluster"])  # imported where a user asks for it
FOR_TESTS = FOR_USE | declared(MORE["dev"])
OURS = {"tcnsc_lib", *(path.stem for path in [*TESTS, *BENCHMARKS])}


def outside(paths: list[Path]) -> dict[str, set[str]]:
    """Top name of each foreign module that these files import -> distributions that have it.

    What isn't installed has its own name.
    """
    names = set().union(*map(imported, paths))
    tops = {name.split(".")[0] for name in names}
    foreign = tops - OURS - set(sys.stdlib_module_names)
    providers = packages_distributions()
    return {top: set(map(name_of, providers.get(top, [top]))) for top in foreign}


@pytest.mark.parametrize(
    ("paths", "known"), [(LIBRARY, FOR_USE | FOR_CLUSTERS), ([*TESTS, *BENCHMARKS], FOR_TESTS)]
)
def test_everything_imported_is_declared(paths, known):
    lost = [top for top, distributions in outside(paths).items() if not distributions & known]
    assert lost == []


def test_everything_declared_is_imported_or_a_command():
    used = set().union(*outside(SOURCES).values())
    assert FOR_TESTS - used <= COMMANDS
