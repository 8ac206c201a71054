"""Warnings of a step: printed, counted, and kept in tables where they are too many to print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from tcnsc_lib.faces.source import NAMED, LeftOut, left_out_lines
from tcnsc_lib.faces.spelling import shown
from tcnsc_lib.files import write_table

ALL = 20  # warnings of a kind; of as many, only the first few are printed
FIRST = 5


class Warnings:
    """Prints warnings and counts them.

    folder: where a file with all warnings of a kind goes, where they are too many to print.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def tell(self, kind: str, found: Sequence[str]) -> None:
        """A line a warning; the first ones, and where the others are, if there are many."""
        self.count += len(found)
        many = len(found) >= ALL
        for sentence in found[: FIRST if many else None]:
            self._line(sentence)
        if many:
            path = self.folder / f"{kind}.csv"
            write_table(path, pd.DataFrame({"warning": found}))
            print(f"... {len(found)} such warnings, all of them in {path}")

    def say(self, sentence: str) -> None:
        """One warning."""
        self.count += 1
        self._line(sentence)

    def left_out(self, kind: str, root: Path, left_out: Sequence[LeftOut]) -> None:
        """A line a reason, with the first names; a table of all where a line can't hold them."""
        self.count += len(left_out)
        for line in left_out_lines(root, left_out):
            self._line(line)
        reasons = Counter(item.reason for item in left_out)
        if max(reasons.values(), default=0) > NAMED:
            path = self.folder / f"{kind}.csv"
            rows = [(shown(item.path), item.reason) for item in left_out]
            write_table(path, pd.DataFrame(rows, columns=["file", "reason"]))
            print(f"... all of them in {path}")

    def _line(self, sentence: str) -> None:
        print(f"warning: {sentence}")
