"""The tables and notes of a FaceSet: what they must hold, and reading them; see `store`."""

from __future__ import annotations

import hashlib
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import AfterValidator, Field, create_model

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import (
    FAR,
    LARGEST_TABLE,
    Count,
    Pixel,
    Share,
    Stored,
    content,
    record,
    table,
)

SPLITS = ("train", "val", "test")
POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
LANDMARKS = [f"{point}_{axis}" for point, axis in product(POINTS, "xy")]
WHO = ["file", "label", "video", "frame", "identity", "source", "method", "split"]
CONTENT = [*WHO, "crc"]  # what a fingerprint is of; crc: the checksum of a crop's pixels
COLUMNS = [*WHO, "x0", "y0", "x1", "y1", "probability", *LANDMARKS, "crc"]
MISSED = ["video", "method", "split", "frame", "reason"]
DOUBTFUL = ["video", "method", "split", "frame", "faces", "taken"]
DOUBTFUL_TEXT = ("video", "method", "split", "taken")
TEXT = ("file", "video", "identity", "source", "method", "split")  # columns; "000" is no number

KINDS = ("real", "fake")  # by label
TABLES = ("manifest.csv", "missed.csv", "doubtful.csv")
LARGEST_CROP = 10_000  # pixels of a side

# Below crops/, in the folder of a part and a kind; no step is "." or "..".
STEP = r"(?:[^./][^/]*|\.[^./][^/]*|\.\.[^/]+)"
PLACE = rf"^crops/(train|val|test)/(real|fake)(/{STEP})+\.png$"


def _is_number(cell: str) -> str:
    """A cell of a column that isn't all numbers: empty where a landmark is unknown."""
    if cell and abs(float(cell)) > FAR:
        raise ValueError(f"input should be a number between -{FAR} and {FAR}")
    return cell


Mark = Pixel | Annotated[str, AfterValidator(_is_number)]

# ---------------------------------------------------------------- what they must hold


class Known(Stored):
    """A row of the manifest without its landmarks."""

    file: Annotated[str, Field(pattern=PLACE)]
    label: Annotated[int, Field(ge=0, le=1)]
    video: Annotated[str, Field(min_length=1)]
    frame: Count
    identity: str
    source: str
    method: Annotated[str, Field(min_length=1)]
    split: Literal["train", "val", "test"]
    x0: Pixel
    y0: Pixel
    x1: Pixel
    y1: Pixel
    probability: Share
    crc: Annotated[int, Field(ge=0, lt=1 << 32)]


PieceRow = create_model("PieceRow", __base__=Known, **dict.fromkeys(LANDMARKS, (Mark, "")))
Row = create_model("Row", __base__=Known, **dict.fromkeys(LANDMARKS, (Mark, ...)))


class MissedRow(Stored):
    """A frame without a face, or a video or photograph that gave nothing (frame: empty)."""

    video: str
    method: str
    split: str
    frame: Count | str
    reason: str


class DoubtfulRow(Stored):
    """A frame whose face is in doubt. faces: how many there are. taken: why this one."""

    video: str
    method: str
    split: str
    frame: Count
    faces: Count
    taken: str


def _fits(row: dict[str, Any]) -> dict[str, Any]:
    PieceRow.model_validate(row)
    return row


class Piece(Stored):
    """What one video gave. of: its signature. Numbers in rows stay as written, 2 or 2.0."""

    of: list[Any] | None = None
    rows: list[Annotated[dict[str, Any], AfterValidator(_fits)]]
    missed: list[MissedRow]
    doubtful: list[DoubtfulRow] = []


class Settings(Stored):
    """All that determines the crops. Sources have further ones. size: pixels of a side."""

    size: Annotated[int, Field(ge=1, le=LARGEST_CROP)]


class About(Stored):
    """How a FaceSet was made. keys: a digest of what it is of. digests: of its tables' bytes.

    Both are empty as long as it isn't finished.
    """

    settings: Settings
    codecs: dict[str, str | None] = {}
    keys: str = ""
    digests: dict[str, str] = {}


# ---------------------------------------------------------------- reading them


def settings(root: Path) -> dict[str, Any]:
    """What determined the crops of a finished FaceSet.

    Raises CompanionError where it isn't finished, or a table is another than that which was.
    """
    path = root / "about.json"
    if not (root / "manifest.csv").exists():
        state = "an unfinished FaceSet" if path.exists() else "no FaceSet"
        raise CompanionError(
            f"There is {state} in {root}; run `tcnsc faces` (again) to complete it."
        )
    about = record(path, About, anew(root))
    again = "run `tcnsc faces` again to complete it"
    if not about.digests:
        raise CompanionError(
            f"The FaceSet in {root} was made by an older version, or isn't finished; {again}."
        )
    for name, found in digests(root, again).items():
        if about.digests.get(name) != found:
            raise CompanionError(f"{root / name} isn't as `tcnsc faces` wrote it; {again}.")
    return about.settings.model_dump()


def anew(root: Path) -> str:
    """The cure where nothing else helps."""
    return f"delete {root} and run `tcnsc faces` again"


def digests(root: Path, cure: str) -> dict[str, str]:
    """Name of a table -> what changes when any of its bytes does.

    Raises CompanionError, which ends in `cure`, where one isn't there.
    """
    found = {}
    for name in TABLES:
        data = content(root / name, LARGEST_TABLE, cure)
        found[name] = hashlib.sha256(data).hexdigest()[:16]
    return found


def rows(root: Path) -> pd.DataFrame:
    """A row for each crop, with COLUMNS; landmarks are numbers, or empty where unknown."""
    path = root / "manifest.csv"
    found = table(path, Row, anew(root), text=TEXT)
    misplaced = _misplaced(found)
    if misplaced:
        row = min(misplaced)
        wrong = f"row {row + 1}: {found.file[row]} should lie in {misplaced[row]}"
        raise CompanionError(f"{path} is damaged ({wrong}); {anew(root)}.")
    twice = found.file[found.file.duplicated()]
    if len(twice):
        wrong = f"{twice.iloc[0]} has two rows"
        raise CompanionError(f"{path} is damaged ({wrong}); {anew(root)}.")
    return found


def _misplaced(found: pd.DataFrame) -> dict[int, str]:
    """Of each part and kind, the first row whose crop lies elsewhere -> where it should lie."""
    wrong = {}
    for (split, label), files in found.groupby(["split", "label"]).file:
        folder = f"crops/{split}/{KINDS[label]}/"
        elsewhere = files[~files.str.startswith(folder)]
        if len(elsewhere):
            wrong[elsewhere.index[0]] = folder
    return wrong


def missed(root: Path) -> pd.DataFrame:
    """What gave no crop, with the columns MISSED, all text."""
    path = root / "missed.csv"
    return table(path, MissedRow, anew(root), text=MISSED, may_be_empty=True)


def doubtful(root: Path) -> pd.DataFrame:
    """Frames with several faces, with the columns DOUBTFUL."""
    path = root / "doubtful.csv"
    return table(path, DoubtfulRow, anew(root), text=DOUBTFUL_TEXT, may_be_empty=True)
