"""What a run is called: a name from what a person would say determines it, never from the code.

The name is the same on every Python and on every device. This module needs no PyTorch.
"""
from __future__ import annotations

import json
import re

from tcnsc_lib import CompanionError
from tcnsc_lib.files import digest

RECIPE = 2
"""Raised by hand when the meaning of training changes: when the same settings give other weights.

The golden training in tests/test_golden.py says when.
"""


def slug(name: str) -> str:
    """A name as a part of a file's name: "(RAW, LQ)" -> "RAW-LQ"."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")


def run_name(
    experiment: str, profile: str, seed: int, settings: dict, faces: str, recipe: int = RECIPE
) -> str:
    """The name of a run, and of its folder: "RAW-LQ-seed0-" and ten hexadecimal digits.

    experiment, profile: their names. settings: the detector, its arguments, views, schedule and
    what else the training depends on, as JSON has it (numbers, text, lists, dicts). faces: the
    fingerprint of the crops. The order of the settings doesn't matter, nor whether 1 is written as
    1 or 1.0. Raises CompanionError where a setting is nothing that JSON knows.
    """
    determined_by = {
        "experiment": experiment,
        "profile": profile,
        "seed": seed,
        "settings": _plain(settings),
        "faces": faces,
        "recipe": recipe,
    }
    text = json.dumps(determined_by, sort_keys=True)
    return f"{slug(experiment)}-seed{seed}-{digest(text)}"


def _plain(value):
    """A value with tuples as lists and whole numbers as int, so that equal settings read alike."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise CompanionError(
        f"A run can't be named after {value!r}, a {type(value).__name__}; "
        "give settings as numbers, text, lists or dicts."
    )
