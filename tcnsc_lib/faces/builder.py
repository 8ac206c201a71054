"""How a FaceSet comes onto the disk: piece by piece, so that what was cut short goes on.

See `store` for what lies where.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np
import pandas as pd
from PIL import Image

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import record
from tcnsc_lib.codecs import versions
from tcnsc_lib.faces.manifest import (
    COLUMNS,
    DOUBTFUL,
    KINDS,
    MISSED,
    About,
    Piece,
    anew,
    digests,
)
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.files import atomic, digest, write_json, write_table

LONG = 150  # bytes of a file's name; 255 is the most, and a part's name has further ones
NAMED = 3  # reasons that an error lists


class Noted(TypedDict, total=False):
    """What may be said of a piece. of: its `signature`. doubtful: rows with columns DOUBTFUL."""

    of: list | None
    doubtful: list[dict]


class Builder:
    """Fills a FaceSet folder piece by piece (a video, a photograph).

    A piece is there whole or not at all; several processes may fill one folder at once. settings:
    all that determines the crops. A folder that was begun with other settings is refused.
    by_method: crops lie in a folder for each method, since two methods have videos of one name.
    """

    def __init__(self, root: Path, settings: dict, by_method: bool = False) -> None:
        self.root = Path(root)
        self.settings = settings
        self.by_method = by_method
        path = self.root / "about.json"
        if path.exists() or path.is_symlink():
            refuse_others(self.root, self._about().settings.model_dump(), settings)
        else:
            write_json(path, {"settings": settings, "codecs": versions()})

    def _about(self) -> About:
        return record(self.root / "about.json", About, anew(self.root))

    def piece(self, method: str, video: str) -> Path:
        """The file that vouches for a video's crops."""
        return self.root / "pieces" / method / f"{_short(video)}.json"

    def done(self, method: str, video: str, of: list | None = None) -> bool:
        """Whether this video's crops are all on disk, and were cut from the same file.

        of: its `signature`. A piece that can't be read counts as not done.
        """
        try:
            return self._read(method, video).of == of
        except CompanionError:
            return False

    def _read(self, method: str, video: str) -> Piece:
        """A piece; CompanionError where it isn't there, is damaged or is another video's."""
        path = self.piece(method, video)
        again = "delete it and run `tcnsc faces` again"
        piece = record(path, Piece, again)
        files = set()
        for row in piece.rows:
            files.add(row["file"])
            if (row["method"], row["video"], row["file"]) != (method, video, self._place(row)):
                raise CompanionError(f"{path} is not about {video} ({method}); {again}.")
        if len(files) < len(piece.rows):
            raise CompanionError(f"{path} has two rows for one crop; {again}.")
        return piece

    def add(
        self,
        method: str,
        video: str,
        rows: list[dict],
        crops: list[np.ndarray],
        missed: list[dict],
        **noted: Unpack[Noted],
    ) -> None:
        """Write the crops (uint8 (S, S, 3)), then the piece that vouches for them."""
        for row, crop in zip(rows, crops, strict=True):
            row["file"] = self._place(row)
            row["crc"] = zlib.crc32(crop.tobytes())
            with atomic(self.root / row["file"]) as part:
                Image.fromarray(crop).save(part, format="png", compress_level=1)
        noted = {"of": None, "doubtful": []} | noted
        write_json(self.piece(method, video), {**noted, "rows": rows, "missed": missed})

    def _place(self, row: dict) -> str:
        """Where a row's crop lies, below the FaceSet's folder."""
        kind = KINDS[row["label"]]
        method = f"{row['method']}/" if self.by_method and row["label"] else ""
        return f"crops/{row['split']}/{kind}/{method}{_short(row['video'])}/{row['frame']:04d}.png"

    def complete(self, keys: list[tuple]) -> bool:
        """Whether the tables on disk are those of exactly these (method, video, ...)."""
        about = self._about()
        if about.keys != digest(keys):
            return False
        try:
            return about.digests == digests(self.root, "finish it")
        except CompanionError:
            return False

    def finish(self, keys: list[tuple], failed: dict[tuple, dict] | None = None) -> FaceSet:
        """Gather the pieces of these (method, video, ...) in this order into the manifest.

        Whatever else a key holds is the signature of a file: where one changes, the set is no
        longer complete. failed: what to list as missed for those that couldn't be read; they have
        no piece. Raises CompanionError where there is no face at all.
        """
        failed = failed or {}
        found = []
        lost = []
        unsure = []
        for key in keys:
            if key in failed:
                lost.append(failed[key])
                continue
            piece = self._read(*key[:2])
            found += piece.rows
            lost += [dict(row) for row in piece.missed]
            unsure += [dict(row) for row in piece.doubtful]
        missed = pd.DataFrame(lost, columns=MISSED)
        if not found:
            raise CompanionError(
                f"No face was found in anything given for {self.root}{_reasons(missed)}; "
                "mend that, or choose videos or photographs with clear faces."
            )
        write_table(self.root / "missed.csv", missed)
        write_table(self.root / "doubtful.csv", pd.DataFrame(unsure, columns=DOUBTFUL))
        write_table(self.root / "manifest.csv", pd.DataFrame(found, columns=COLUMNS))
        about = {"settings": self.settings, "codecs": versions(), "keys": digest(keys)}
        about["digests"] = digests(self.root, "run `tcnsc faces` again")
        write_json(self.root / "about.json", about)
        return FaceSet(self.root)


def refuse_others(root: Path, old: dict, new: dict) -> None:
    """Raise a CompanionError where faces were made with other settings than these."""
    changes = []
    for name in sorted({*old, *new}):
        there = old.get(name)
        now = new.get(name)
        if there != now:
            changes.append(f"{name}: {there} there, {now} now")
    if changes:
        raise CompanionError(
            f"The faces in {root} were made otherwise ({', '.join(changes)}); delete that folder "
            "to make them anew, or set TCNSC_HOME to another folder to keep it."
        )


def _short(path: str) -> str:
    """A path of which each overlong name has its beginning and a digest of the whole name."""
    return "/".join(map(_short_name, path.split("/")))


def _short_name(name: str) -> str:
    whole = os.fsencode(name)
    if len(whole) <= LONG:
        return name
    beginning = whole[: LONG // 2].decode(errors="ignore")
    return f"{beginning}~{hashlib.sha256(whole).hexdigest()[:16]}"


def _reasons(missed: pd.DataFrame) -> str:
    """Why nothing was found, with counts, as a part of a sentence; empty where nothing is known."""
    counts = missed.reason.value_counts()
    if counts.empty:
        return ""
    told = [f"{reason.rstrip('.')}: {count}" for reason, count in counts.head(NAMED).items()]
    rest = len(counts) - len(told)
    more = f", and {rest} more reasons" if rest else ""
    return f" ({', '.join(told)}{more})"
