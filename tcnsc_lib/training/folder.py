"""The folder of a run: its files, where it comes from, and whether today's code made it.

The code's digest is recorded and told. It is never a reason to refuse a run, nor to train it again.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tcnsc_lib.files import code_digest
from tcnsc_lib.training.checkpoint import Checkpoint
from tcnsc_lib.training.stored import CONFIG, ENVIRONMENT, LOG, read_made

WEIGHTS = "weights.safetensors"
PREDICTIONS = "predictions.csv"
THRESHOLD = "threshold.json"
TABLES = (LOG, CONFIG, ENVIRONMENT)


def note(folder: Path) -> str:
    """One line on where a finished run comes from: "run <name>: commit .., cpu, torch .., 30 s".

    Raises CompanionError where its environment.json is damaged.
    """
    made = read_made(folder)
    return (
        f"run {Path(folder).name}: commit {made.commit}, {made.device}, "
        f"torch {made.torch}, {made.seconds:.0f} s"
    )


def of_other_code(folder: Path) -> bool:
    """Whether other code than today's trained this run, or the part of it that there is.

    Raises CompanionError where the file that says so is damaged.
    """
    finished = (Path(folder) / ENVIRONMENT).exists()
    code = read_made(folder).code if finished else Checkpoint(folder).code()
    return code is not None and code != code_digest()


def warn(folders: Sequence[Path]) -> None:
    """One line on standard error if code other than today's trained some of these runs."""
    for folder in folders:
        if of_other_code(folder):
            say_once(f"other code than today's trained runs in {os.path.relpath(folder.parent)}")
            return


@cache
def say_once(what: str) -> None:
    """A process says it once, however many of those runs it loads."""
    cure = "if the change touches their numbers, `tcnsc train` with --retrain trains them anew"
    print(f"tcnsc: {what}; {cure}.", file=sys.stderr)


def forget(folders: Sequence[Path]) -> None:
    """Delete those of these runs that other code than today's trained, to train them anew.

    Given again after an interruption, it leaves alone what was trained anew since.
    """
    for folder in folders:
        if of_other_code(folder):
            said = []
            for file in (PREDICTIONS, THRESHOLD):
                said += [path.name for path in Path(folder).glob(f"{Path(file).stem}*")]
            for name in (WEIGHTS, *said, *TABLES):
                (Path(folder) / name).unlink(missing_ok=True)
            Checkpoint(folder).remove()
