"""Files that are there whole or not at all, and the line that says what made them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent  # with the committed README, notebooks and figures
LEFT = 3600  # seconds after which a half-written file is nobody's
ABANDONED = 60  # the same where its writer has ended
PART = re.compile(r"\.(?:([0-9a-f]{8})-(\d+)-)?[0-9a-f]{8}\.part$")  # machine, process, chance
MACHINE = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
NAMED = 100  # bytes of a file's name that its part's name keeps
BLOCK = 1 << 16  # bytes that a signature reads at the beginning, the middle and the end
PACKAGES = ("torch", "torchvision", "numpy", "pillow", "av", "facenet-pytorch", "scikit-learn")


# ---------------------------------------------------------------- writing


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Write to the yielded path; it becomes `path` on success.

    It vanishes on any error. A full disk is an OSError with its errno. Each writer has a path of
    its own, so several processes may write the same file at once: the last one stands. The file
    gets the permissions that any new file gets, whatever permissions the writer gave it.
    """
    with _part(Path(path)) as part:
        permissions = part.stat().st_mode & 0o777
        yield part
        part.chmod(permissions)
        os.replace(part, path)


def write_once(path: Path, text: str) -> bool:
    """Atomically write text as UTF-8 if no file is there; whether it was written.

    Of several processes, the first one's stands. On a disk without links, the last one's.
    """
    with _part(Path(path)) as part:
        part.write_text(text, encoding="utf-8")
        try:
            os.link(part, path)
        except FileExistsError:
            return False
        except OSError:  # a disk without links
            os.replace(part, path)
    return True


@contextlib.contextmanager
def _part(path: Path) -> Iterator[Path]:
    """An empty file beside `path`, this writer's own; what is left of it at the end vanishes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    token = f"{MACHINE}-{os.getpid()}-{secrets.token_hex(4)}"
    part = path.with_name(f".{_beginning(path.name)}.{token}.part")
    try:
        part.touch(exist_ok=False)
        yield part
    finally:
        part.unlink(missing_ok=True)


def _beginning(name: str) -> str:
    """So much of a file's name that there is room for what makes it a part's."""
    return os.fsencode(name)[:NAMED].decode(errors="ignore")


@cache
def _sweep(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder.

    Only what nobody has written to for LEFT seconds goes; where its writer was a process of this
    machine and has ended, for ABANDONED seconds.
    """
    for part in folder.glob(".*.part"):
        writer = PART.search(part.name)
        if writer is None:
            continue
        patience = ABANDONED if _has_ended(*writer.groups()) else LEFT
        with contextlib.suppress(FileNotFoundError):
            age = time.time() - part.stat().st_mtime
            if age > patience:
                part.unlink()


def _has_ended(machine: str | None, process: str | None) -> bool:
    """Whether it is known that there is no such process any more; a part's name tells which."""
    if machine != MACHINE or process is None or os.name != "posix":
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def write_bytes(path: Path, data: bytes) -> None:
    """Atomically write bytes."""
    with atomic(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Atomically write text as UTF-8."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


FORMULA = ("=", "+", "-", "@")  # a cell that begins so is computed by a spreadsheet, not shown


def write_table(path: Path, table: pd.DataFrame, head: str = "", **how: Any) -> None:
    """Atomically write a table as CSV, without its index, below a head of "# " lines.

    Text that a spreadsheet would take for a formula gets an apostrophe in front; `plain_text` takes
    it off again. how: further arguments of `DataFrame.to_csv`.
    """
    safe = table.copy()
    for name in safe.columns[safe.dtypes.map(lambda kind: kind.kind not in "biuf")]:
        safe[name] = safe[name].map(_no_formula)
    write_text(path, head + safe.to_csv(index=False, **how))


def _no_formula(cell: Any) -> Any:
    begins = isinstance(cell, str) and cell.lstrip("'").startswith(FORMULA)
    return f"'{cell}" if begins else cell


def plain_text(cell: str) -> str:
    """A text cell as it was before `write_table` made it safe."""
    begins = cell.startswith("'") and cell.lstrip("'").startswith(FORMULA)
    return cell[1:] if begins else cell


def write_json(path: Path, value: Any) -> None:
    """Atomically write a value as indented JSON."""
    write_text(path, json.dumps(value, indent=1) + "\n")


# ---------------------------------------------------------------- telling things apart


def signature(path: Path) -> list[int | str]:
    """Size in bytes and a digest of the content: what tells cheaply that a file is another one.

    The digest is of its first, middle and last 64 kB, so that a long video costs no more than a
    short one. A copy has the signature of its original.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        parts = hashlib.sha256()
        for start in (0, max(0, size // 2 - BLOCK // 2), max(0, size - BLOCK)):
            file.seek(start)
            parts.update(file.read(BLOCK))
    return [size, parts.hexdigest()[:16]]


def digest(*values: Any) -> str:
    """Ten hexadecimal digits that change when any of the (JSON-able) values does."""
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


TRAINS = ("codecs.py", "faces", "synthetic", "detectors", "evaluation.py", "training",
          "profiles", "experiments")
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
