"""What the settings of a profile may be: numbers in a range, words of a list."""

from __future__ import annotations

import math

from tcnsc_lib import CompanionError
from tcnsc_lib.training.stored import MOST_SEED

RANGES: dict[str, tuple[type, float, float]] = {
    "size": (int, 16, 4096),
    "enlarge": (float, 0.1, 10),
    "frames": (int, 1, 1_000_000),
    "bottleneck": (float, 0.1, 4),
    "width": (int, 1, 4096),
    "width_z": (int, 1, 65536),
    "lam": (float, 0, 1e6),
    "seed": (int, 0, MOST_SEED),
    "seeds": (int, 1, 1000),
    "decisive_seeds": (int, 1, 1000),
}
"""Field of a profile -> whether it is whole, and between which numbers it may lie."""


def check_number(name: str, value: object, kind: type, least: float, most: float) -> None:
    """Raise a CompanionError for a number of another kind or out of its range."""
    kinds = (int,) if kind is int else (int, float)
    is_number = isinstance(value, kinds) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not least <= value <= most:
        word = "a whole number" if kind is int else "a number"
        raise CompanionError(
            f"A profile's {name} can't be {value!r}; choose {word} from {least} to {most}."
        )


def check_choice(name: str, value: object, known: tuple[str, ...]) -> None:
    """Raise a CompanionError for a word that isn't known."""
    if value not in known:
        raise CompanionError(
            f"A profile's {name} can't be {value!r}; choose one of {', '.join(known)}."
        )
