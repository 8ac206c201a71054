"""The machine: its cores, its device, threads of arithmetic, folders that variables name.

The number of threads decides the last digits of a sum.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import torch

from tcnsc_lib import CompanionError


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def device() -> str:
    """Where networks run: "cuda", a graphics card, where there is one, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def clock() -> float:
    """Seconds since some moment: of this process's cores, whatever else runs beside it.

    Where a GPU works, seconds of the wall clock.
    """
    return time.perf_counter() if device() == "cuda" else time.process_time()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """PyTorch with so many threads, however many cores there are.

    Sums that are split in another way have other last digits.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def named_folder(variable: str, folder: Path | None) -> Iterator[None]:
    """The variable names another folder meanwhile; None: it stays as it is."""
    before = os.environ.get(variable)
    if folder is not None:
        os.environ[variable] = str(folder)
    try:
        yield
    finally:
        if folder is not None:
            del os.environ[variable]
            if before is not None:
                os.environ[variable] = before


def folder_named_in(variable: str) -> Path | None:
    """The folder that a variable names, as a whole path; None where it is empty.

    Raises CompanionError where ~ or a relative path can't be followed.
    """
    said = os.environ.get(variable, "").strip()
    if not said:
        return None
    try:
        path = Path(said).expanduser()
    except RuntimeError as error:
        raise CompanionError(
            f"{variable}={said} begins with a home folder that isn't known; give the whole path."
        ) from error
    if path.is_absolute():
        return path
    try:
        return Path(os.path.abspath(_started_in() / path))
    except (psutil.Error, OSError, ValueError) as error:
        raise CompanionError(
            f"{variable}={said} is a relative path, and the folder from which this was started "
            "isn't known; give the whole path."
        ) from error


def _started_in() -> Path:
    """The folder from which the command was started, or Jupyter.

    A notebook runs in its own folder, Jupyter where somebody started it.
    """
    jupyter = os.environ.get("JPY_PARENT_PID")
    if jupyter:
        return Path(psutil.Process(int(jupyter)).cwd())
    return Path.cwd()
