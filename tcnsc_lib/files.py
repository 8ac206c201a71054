"""Files that are there whole or not at all, and the line that says what made them."""
from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import platform
import secrets
import subprocess
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Iterator

from tcnsc_lib import CompanionError

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent  # with the committed README, notebooks and figures
LEFT = 3600


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Write to the yielded path; it becomes `path` on success and vanishes on any error, a full disk included.

    Each writer has a path of its own, so several processes may write the same file at once: the last one stands.
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
    """Remove what killed processes left half-written in a folder, once nobody has written to it for LEFT seconds."""
    for part in folder.glob(f".*.{'[0-9a-f]' * 8}.part"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > LEFT:
                part.unlink()


def write_text(path: Path, text: str) -> None:
    """Atomically write text as UTF-8."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value) -> None:
    """Atomically write a value as indented JSON."""
    write_text(path, json.dumps(value, indent=1) + "\n")


def read_json(path: Path):
    """The value in a JSON file; a CompanionError names the file if it is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise CompanionError(f"{path} is not valid JSON ({error}); restore or delete it.") from error


def signature(path: Path) -> list[int]:
    """Size in bytes and time of change of a file: what tells cheaply that it is another one."""
    stat = Path(path).stat()
    return [stat.st_size, stat.st_mtime_ns]


def digest(*values) -> str:
    """Ten hexadecimal digits that change when any of the (JSON-able) values does."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:10]


def code_digest(*modules: str) -> str:
    """Digest of the package's modules ("faces/detect.py", ...) without comments and docstrings.

    A run is filed under it, so that a changed line of code asks for a new run and a changed sentence doesn't.
    """
    trees = []
    for name in modules:
        tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
                node.body = node.body[1:]
        trees.append(ast.dump(tree))
    return digest(*trees)


@cache
def commit() -> str:
    """The commit of the checkout the library was imported from, "+" when files differed from it, or "unknown"."""
    def git(*words):
        return subprocess.run(["git", "--no-optional-locks", "-C", str(CHECKOUT), *words], capture_output=True, text=True, check=True)
    try:
        head = git("rev-parse", "--short=10", "HEAD").stdout.strip()
        dirty = git("status", "--porcelain", "--untracked-files=no", "--", "tcnsc_lib").stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if dirty else "")


commit()  # asked now: the code that runs is the code of now, whatever a long run sees committed meanwhile


def environment(device: str = "cpu") -> dict[str, str]:
    """Versions, processor and commit: what a number needs beside it to be believed."""
    names = ("torch", "torchvision", "numpy", "pillow", "av", "facenet-pytorch", "scikit-learn")
    return {"commit": commit(), "device": device, "machine": platform.machine(),
            "python": platform.python_version(), **{name: version(name) for name in names}}
