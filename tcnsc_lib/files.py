"""Files that are there whole or not at all, and the line that says what made them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import secrets
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tcnsc_lib import CompanionError

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent  # with the committed README, notebooks and figures
LEFT = 3600
PACKAGES = ("torch", "torchvision", "numpy", "pillow", "av", "facenet-pytorch", "scikit-learn")


# ---------------------------------------------------------------- writing and reading


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Write to the yielded path; it becomes `path` on success.

    It vanishes on any error, a full disk included. Each writer has a path of its own, so several
    processes may write the same file at once: the last one stands.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@cache
def _sweep(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder.

    Only what nobody has written to for LEFT seconds goes.
    """
    token = "[0-9a-f]" * 8
    for part in folder.glob(f".*.{token}.part"):
        with contextlib.suppress(FileNotFoundError):
            age = time.time() - part.stat().st_mtime
            if age > LEFT:
                part.unlink()


def write_text(path: Path, text: str) -> None:
    """Atomically write text as UTF-8."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Atomically write a value as indented JSON."""
    write_text(path, json.dumps(value, indent=1) + "\n")


def read_json(path: Path) -> Any:
    """The value in a JSON file; a CompanionError names the file if it is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        message = f"{path} is not valid JSON ({error}); restore or delete it."
        raise CompanionError(message) from error


# ---------------------------------------------------------------- telling things apart


def signature(path: Path) -> list[int]:
    """Size in bytes and time of change of a file: what tells cheaply that it is another one."""
    stat = Path(path).stat()
    return [stat.st_size, stat.st_mtime_ns]


def digest(*values: Any) -> str:
    """Ten hexadecimal digits that change when any of the (JSON-able) values does."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


TRAINS = ("codecs.py", "faces", "synthetic", "detectors", "evaluation.py", "training",
          "profiles.py", "experiments")
"""The rooms whose code makes crops and trains."""


@cache
def code_digest() -> str:
    """Ten hexadecimal digits of the bytes of the sources that make crops and train.

    They are recorded beside what the code made and name nothing: where they differ, a line says so.
    What comes after a training (analyses, tables, reports) can't change it and doesn't count.
    """
    whole = hashlib.sha256()
    for room in TRAINS:
        place = PACKAGE / room
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            whole.update(path.read_bytes())
    return whole.hexdigest()[:10]


# ---------------------------------------------------------------- what made a number


def _git(*words: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(CHECKOUT), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@cache
def commit() -> str:
    """The commit of the checkout the library was imported from.

    "+" follows when files differed from it; "unknown" where there is no checkout.
    """
    try:
        head = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", "tcnsc_lib")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changed else "")


# Asked now: the code that runs is the code of now, whatever a long run sees committed meanwhile.
commit()
code_digest()


def environment(device: str = "cpu") -> dict[str, str]:
    """Versions, processor and commit: what a number needs beside it to be believed."""
    made_by = {
        "commit": commit(),
        "device": device,
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    return made_by | {name: version(name) for name in PACKAGES}
