"""`tcnsc verify` with damaged files: each fails by its name, and none stops the comparison."""
import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tcnsc_lib import cli
from tcnsc_lib.report import check, drawn

TABLE = ("# made by a test\ntraining,codec,accuracy,auc,n\n"
         "dual,RAW,95.0,99.0,160\ndual,LQ,80.0,85.5,160\n")


def png(width: int = 60, height: int = 40, value: int = 0) -> bytes:
    """A picture of a ramp; value: that of its first corner."""
    ramp = np.add.outer(np.arange(height), np.arange(width)).astype(np.uint8)
    ramp[:5, :5] = value
    file = io.BytesIO()
    Image.fromarray(ramp).convert("RGB").save(file, format="png")
    return file.getvalue()


def blank(width: int = 60, height: int = 40) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(file, format="png")
    return file.getvalue()


def folder(path: Path) -> Path:
    """A profile's folder: a table, a picture, a crop, and a table that none damages."""
    (path / "evidence/crops").mkdir(parents=True)
    (path / "table1.csv").write_text(TABLE)
    (path / "table3.csv").write_text(TABLE)
    (path / "table1.png").write_bytes(png())
    (path / "evidence/crops/7.png").write_bytes(png(16, 16))
    return path


@pytest.fixture
def committed(tmp_path) -> Path:
    return folder(tmp_path / "committed")


@pytest.fixture
def ours(tmp_path) -> Path:
    return folder(tmp_path / "ours")


def verdicts(committed: Path, ours: Path) -> dict[str, str]:
    table = check.verdict(committed, ours)
    return dict(zip(table.item, table.verdict, strict=True))


# pictures

PICTURES = {
    "empty": (b"", "DAMAGED file: it is empty"),
    "no picture": (b"words", "DAMAGED file: it can't be read as an image"),
    "cut": (png()[:-60], "DAMAGED file: it can't be read as an image"),
    "one pixel": (png(1, 1), "BLANK: one colour alone"),
    "blank": (blank(), "BLANK: one colour alone"),
    "half as wide": (png(30, 40), "OTHER SIZE: 30 x 40 px, committed 60 x 40"),
    "higher": (png(60, 45), "OTHER SIZE: 60 x 45 px, committed 60 x 40"),
    "same": (png(), drawn.SAME_BYTES),
    "other pixels": (png(value=200), drawn.OTHER_BYTES),
    "a little wider": (png(65, 42), drawn.OTHER_BYTES)}


@pytest.mark.parametrize("content, words", PICTURES.values(), ids=PICTURES)
def test_a_picture_is_opened_and_its_size_compared(committed, ours, content, words):
    (ours / "table1.png").write_bytes(content)
    found = verdicts(committed, ours)
    assert found["table1.png"].startswith(words)
    assert check.good(check.verdict(committed, ours)) is words.startswith("drawn")
    assert found["table1.csv"] == found["table3.csv"] == "agree"


@pytest.mark.parametrize("content, words", [
    (png(17, 16), "OTHER SIZE: 17 x 16 px, committed 16 x 16"),
    (png(16, 16, value=3), "drawn"),
    (png(32, 32)[:-30], "DAMAGED"),
    (blank(16, 16), "BLANK")])
def test_a_stored_crop_has_its_size_exactly(committed, ours, content, words):
    (ours / "evidence/crops/7.png").write_bytes(content)
    assert verdicts(committed, ours)["evidence/crops/7.png"].startswith(words)


def test_another_face_in_a_stored_crop_is_noticed(committed, ours):
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(noise).save(ours / "evidence/crops/7.png")
    assert verdicts(committed, ours)["evidence/crops/7.png"].startswith("OTHER PICTURE: ")


# tables

TABLES = {
    "empty": (b"", "DAMAGED file: it is empty"),
    "a head alone": (b"# made\n", "DAMAGED file: it is no table"),
    "no rows": (TABLE.partition("dual")[0].encode(), "DAMAGED file: it has no rows"),
    "binary": (bytes(range(256)) * 9, "DAMAGED file: it holds zero bytes"),
    "no text": (b"\xff\xfe" + b"\x81" * 90, "DAMAGED file: it is no table"),
    "ragged": (TABLE.encode() + b"a,b,c,d,e,f,g,h\n", "DAMAGED file: it is no table"),
    "a column less": (TABLE.replace(",auc", "").replace(",99.0", "").replace(",85.5", "").encode(),
                      "LACKS column auc"),
    "NaN": (TABLE.replace("80.0", "nan").encode(), "1 DIFFER"),
    "infinite": (TABLE.replace("80.0", "inf").encode(), "1 DIFFER"),
    "words": (TABLE.replace("80.0", "many").encode(), "column accuracy differs"),
    "cut": (TABLE.partition("dual,LQ")[0].encode(), "1 rows, committed 2")}


@pytest.mark.parametrize("content, words", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("name", ["table1.csv", "table3.csv"])
def test_a_damaged_table_fails_by_name_and_stops_nothing(committed, ours, name, content, words):
    (ours / name).write_bytes(content)
    found = verdicts(committed, ours)
    assert found.pop(name).startswith(words)
    assert set(found.values()) <= {"agree", drawn.SAME_BYTES}
    assert check.flips(committed, ours) == []


@pytest.mark.parametrize("cell", ["", "nan", "inf", "many"])
def test_a_prediction_that_is_no_number_is_noticed(committed, ours, cell):
    for place in (committed, ours):
        (place / "evidence/predictions").mkdir()
        (place / "evidence/predictions/dual-seed0.csv").write_text("RAW,HQ\n1.5,2.5\n-1.5,0.5\n")
    assert check.good(check.verdict(committed, ours))
    (ours / "evidence/predictions/dual-seed0.csv").write_text(f"RAW,HQ\n1.5,2.5\n-1.5,{cell}\n")
    assert not check.good(check.verdict(committed, ours))


@pytest.mark.parametrize("name", ["table1.csv", "table1.png"])
@pytest.mark.parametrize("side", ["committed", "ours"])
def test_what_is_no_file_fails_by_name(committed, ours, name, side):
    path = {"committed": committed, "ours": ours}[side] / name
    whose = {"committed": "committed file", "ours": "file"}[side]
    path.unlink()
    os.mkfifo(path)
    assert verdicts(committed, ours)[name] == f"DAMAGED {whose}: it is a pipe, not a file"
    path.unlink()
    path.mkdir()
    assert verdicts(committed, ours)[name] == f"DAMAGED {whose}: it is a folder, not a file"
    path.rmdir()
    path.symlink_to(path.parent / "nowhere")
    assert verdicts(committed, ours)[name].startswith(f"DAMAGED {whose}: it is a link to nothing")


@pytest.mark.parametrize("name", ["table1.csv", "table1.png"])
def test_a_damaged_committed_file_fails_by_name_too(committed, ours, name):
    (committed / name).write_bytes(b"")
    assert verdicts(committed, ours)[name] == "DAMAGED committed file: it is empty"


@pytest.mark.parametrize("name", ["table1.csv", "table1.png", "evidence/crops/7.png"])
def test_the_command_names_a_damaged_or_missing_file_and_ends_with_1(committed, ours, name, capsys):
    command = ["verify", str(committed), str(ours)]
    assert cli.main(command) == 0
    (ours / name).write_bytes(b"")
    for word in ("DAMAGED", "MISSING"):
        capsys.readouterr()
        assert cli.main(command) == 1
        out = capsys.readouterr().out
        line = next(line for line in out.splitlines() if line.lstrip().startswith(name))
        assert word in line and out.endswith("VERDICT: the numbers do NOT all agree.\n")
        (ours / name).unlink(missing_ok=True)


def test_a_damaged_table_has_no_flips(committed, ours):
    claims = pd.DataFrame({"id": ["a", "b"], "ours": [1, 2], "holds here": ["yes", "no"]})
    claims.to_csv(committed / "table2_claims.csv", index=False)
    (ours / "table2_claims.csv").write_bytes(b"")
    assert check.flips(committed, ours) == []
