"""What a run said of faces: a row a face, and of a video a row a person; as CSV or JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from scipy.special import expit

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.asking.given import Found
from tcnsc_lib.faces.spelling import shown
from tcnsc_lib.files import write_json, write_table

BOX = ["x0", "y0", "x1", "y1"]
WHERE = ["file", "frame", "face", *BOX, "found"]
KINDS = (".csv", ".json")
DIGITS = 4  # of p(fake)


def answers(found: Sequence[Found], odds: pd.DataFrame) -> pd.DataFrame:
    """A row a face. odds: `Judge.log_odds` of their crops, in the same order.

    Columns file; frame (its number in a video, empty in a picture); face (from 1); x0, y0, x1, y1
    (MTCNN's box, pixels); found (that it is a face, 0 to 1); p(fake) after each codec, 0 to 1.
    """
    rows = []
    for one in found:
        corners = dict(zip(BOX, one.box.round(1).tolist(), strict=True))
        row = {"file": shown(one.file), "frame": one.frame, "face": one.face, **corners}
        rows.append(row | {"found": round(one.probability, DIGITS)})
    table = pd.DataFrame(rows, columns=WHERE).astype({"frame": "Int64"})
    return table.join(expit(odds).round(DIGITS))


def people(found: Sequence[Found], odds: pd.DataFrame) -> pd.DataFrame:
    """A row for each person of the videos: the mean of their frames' log-odds decides.

    Columns file, face, frames; p(fake) after each codec. Empty where there are no videos.
    """
    who = pd.DataFrame({
        "file": [shown(one.file) for one in found],
        "face": [one.face for one in found],
        "in_video": [one.frame is not None for one in found],
    })  # fmt: skip
    of_videos = who.join(odds)[who.in_video.to_numpy(bool)]
    each = of_videos.groupby(["file", "face"], sort=False)
    p = expit(each[list(odds)].mean()).round(DIGITS)
    frames = each.size().rename("frames").to_frame()
    return frames.join(p).reset_index()


def check_free(path: Path, kinds: Sequence[str]) -> None:
    """Raise a CompanionError where a file can't be written: its suffix, or one is there already."""
    if path.suffix.lower() not in kinds:
        raise CompanionError(f"{path} can't be written; let its name end in {' or '.join(kinds)}.")
    if path.exists():
        raise CompanionError(f"There is a file {path} already; remove it, or name another.")


def write(
    path: Path,
    faces: pd.DataFrame,
    persons: pd.DataFrame,
    failed: Mapping[Path, str],
    about: Mapping[str, str],
) -> None:
    """Write all answers to a .csv or .json.

    faces, persons: `answers` and `people`. failed: file -> why it gave none. about: what must stand
    beside them (`Judge.about`). JSON: {about: {..}, faces: [..], people: [..], not judged: [..]}.
    CSV: lines "# ..." with `about`; a row each face, then each person, then each file that gave
    none; the column `row` tells which, `reason` why.
    """
    lost = [{"file": shown(file), "reason": reason} for file, reason in failed.items()]
    if path.suffix.lower() == ".json":
        told = {"about": dict(about), "faces": _records(faces), "people": _records(persons)}
        write_json(path, told | {"not judged": lost})
        return
    kinds = {"face": faces, "person": persons, "not judged": pd.DataFrame(lost)}
    parts = [table.assign(row=kind) for kind, table in kinds.items() if len(table)]
    columns = ["row", *WHERE, *paper.CODECS, "frames", "reason"]
    whole = pd.concat(parts).reindex(columns=columns)
    head = "".join(f"# {name}: {sentence}\n" for name, sentence in about.items())
    counts = dict.fromkeys(("frame", "face", "frames"), "Int64")
    write_table(path, whole.astype(counts), head)


def _records(table: pd.DataFrame) -> list[dict]:
    """Rows as JSON has them; what is unknown is null."""
    plain = table.astype(object)
    return plain.where(plain.notna(), None).to_dict("records")
