"""How a FaceSet comes onto the disk: piece by piece, so that what was cut short goes on.

See `store` for what lies where.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tcnsc_lib import CompanionError
from tcnsc_lib.codecs import versions
from tcnsc_lib.faces.store import COLUMNS, FaceSet
from tcnsc_lib.files import digest, read_json, write_json, write_text

MISSED = ["video", "method", "split", "frame", "reason"]


class Builder:
    """Fills a FaceSet folder piece by piece (a video, a photograph).

    A piece is there whole or not at all. settings: all that determines the crops. A folder that was
    begun with other settings is refused.
    """

    def __init__(self, root: Path, settings: dict) -> None:
        self.root = Path(root)
        self.settings = settings
        about = self.root / "about.json"
        if about.exists():
            self._check(read_json(about).get("settings", {}))
        else:
            write_json(about, {"settings": settings, "codecs": versions()})

    def _check(self, old: dict) -> None:
        new = self.settings
        changes = []
        for name in sorted({*old, *new}):
            there = old.get(name)
            now = new.get(name)
            if there != now:
                changes.append(f"{name}: {there} there, {now} now")
        if changes:
            raise CompanionError(
                f"The faces in {self.root} were made otherwise ({', '.join(changes)}); delete that "
                "folder to make them anew, or set TCNSC_HOME to another folder to keep it."
            )

    def piece(self, method: str, video: str) -> Path:
        """The file that vouches for a video's crops."""
        return self.root / "pieces" / method / f"{video}.json"

    def done(self, method: str, video: str, of: list[int] | None = None) -> bool:
        """Whether this video's crops are all on disk, and were cut from the same file.

        of: its `signature`.
        """
        piece = self.piece(method, video)
        return piece.exists() and read_json(piece).get("of") == of

    def add(
        self,
        method: str,
        video: str,
        rows: list[dict],
        crops: list[np.ndarray],
        missed: list[dict],
        of: list[int] | None = None,
    ) -> None:
        """Write the crops (uint8 (S, S, 3)), then the piece that vouches for them."""
        for row, crop in zip(rows, crops, strict=True):
            kind = "fake" if row["label"] else "real"
            row["file"] = f"crops/{row['split']}/{kind}/{video}/{row['frame']:04d}.png"
            row["crc"] = zlib.crc32(crop.tobytes())
            path = self.root / row["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(crop).save(path, compress_level=1)
        write_json(self.piece(method, video), {"of": of, "rows": rows, "missed": missed})

    def complete(self, keys: list[tuple]) -> bool:
        """Whether the manifest on disk is that of exactly these (method, video, ...)."""
        about = read_json(self.root / "about.json")
        return about.get("keys") == digest(keys) and (self.root / "manifest.csv").exists()

    def finish(self, keys: list[tuple], failed: dict[tuple, dict] | None = None) -> FaceSet:
        """Gather the pieces of these (method, video, ...) in this order into the manifest.

        Whatever else a key holds is the signature of a file: where one changes, the set is no
        longer complete. failed: what to list as missed for those that couldn't be read; they have
        no piece. Raises CompanionError where there is no face at all.
        """
        failed = failed or {}
        found = []
        lost = []
        for key in keys:
            if key in failed:
                lost.append(failed[key])
                continue
            piece = read_json(self.piece(*key[:2]))
            found += piece["rows"]
            lost += piece["missed"]
        missed = pd.DataFrame(lost, columns=MISSED)
        if not found:
            reasons = missed.reason.value_counts().to_dict()
            raise CompanionError(
                f"No face was found in anything given for {self.root}; see what was missed: "
                f"{reasons}."
            )
        rows = pd.DataFrame(found, columns=COLUMNS)
        write_text(self.root / "missed.csv", missed.to_csv(index=False))
        write_text(self.root / "manifest.csv", rows.to_csv(index=False))
        about = {"settings": self.settings, "codecs": versions(), "keys": digest(keys)}
        write_json(self.root / "about.json", about)
        return FaceSet(self.root)
