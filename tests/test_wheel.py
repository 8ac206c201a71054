"""What is installed is whole: the wheel has every module and file, and works without a checkout."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tcnsc_lib"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
CACHES = ("__pycache__", ".ruff_cache")
OFFLINE = ["--no-deps", "--no-index", "--quiet"]

# Imports every module of the installed package and says where each came from.
IMPORT_ALL = """
import importlib.metadata, importlib.resources, pkgutil, tcnsc_lib
for module in pkgutil.walk_packages(tcnsc_lib.__path__, "tcnsc_lib."):
    print(module.name, importlib.import_module(module.name).__file__, sep="\\t")
print(importlib.resources.files("tcnsc_lib.report").joinpath("README.md.in").is_file())
print(importlib.metadata.entry_points(group="console_scripts", name="tcnsc")["tcnsc"].load())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy of the sources, so that no old build folder adds to it."""
    copy = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    leave_out = shutil.ignore_patterns(*CACHES)
    shutil.copytree(PACKAGE, copy / "tcnsc_lib", ignore=leave_out)
    out = tmp_path_factory.mktemp("wheel")
    command = [*PIP, "wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", out, copy]
    subprocess.run(command, check=True)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> tuple[Path, Path]:
    """A new environment with the wheel alone; today's dependencies are found behind it.

    Returns (folder of its packages, its Python).
    """
    folder = tmp_path_factory.mktemp("environment with spaces")
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin/python"
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    subprocess.run([*PIP, "--python", python, "install", *OFFLINE, wheel], check=True)
    here = [path for path in sys.path if path.endswith("-packages")]
    (packages / "dependencies.pth").write_text("\n".join(here))
    return packages, python


def test_the_wheel_holds_what_the_package_holds(wheel):
    files = [path for path in PACKAGE.rglob("*") if path.is_file()]
    own = [path for path in files if not set(path.parts) & set(CACHES)]
    expected = {str(path.relative_to(ROOT)) for path in own}
    inside = {name for name in ZipFile(wheel).namelist() if name.startswith("tcnsc_lib/")}
    assert inside == expected
    assert "tcnsc_lib/report/README.md.in" in inside


def test_every_module_of_the_wheel_can_be_imported(installed, tmp_path):
    packages, python = installed
    command = [python, "-I", "-c", IMPORT_ALL]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    *lines, template, command = done.stdout.splitlines()
    came_from = dict(line.split("\t") for line in lines)
    assert len(came_from) == len(list(PACKAGE.rglob("*.py"))) - 1  # all but the package itself
    assert all(path.startswith(str(packages)) for path in came_from.values())
    assert template == "True"
    assert command.startswith("<function main")
