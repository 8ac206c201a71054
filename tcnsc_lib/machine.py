"""The machine: its cores, its device, and how many threads arithmetic takes.

The number of threads decides the last digits of a sum.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def device() -> str:
    """Where networks run: "cuda", a graphics card, where there is one, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


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
