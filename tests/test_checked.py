"""Stored files are read through a schema: each thing that doesn't fit is one sentence."""

import os
from pathlib import Path

import pandas as pd
import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.checked import Count, Share, Stored, content, record, regular, table
from tcnsc_lib.files import write_table

CURE = "make it again"


class Note(Stored):
    name: str
    count: Count
    share: Share = 0.5


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def nothing(path: Path) -> None:
    path.symlink_to("nothing")


def circle(path: Path) -> None:
    path.symlink_to(path)


def large(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(5000)


@pytest.mark.parametrize(
    ("put", "told"),
    [
        (pipe, "is a pipe, not a file"),
        (device, "is a device, not a file"),
        (Path.mkdir, "is a folder, not a file"),
        (nothing, "is a link to nothing"),
        (circle, "can't be read"),
        (large, "has 0.0 MB, more than the 0.0 MB"),
        (lambda path: None, "is not there"),
    ],
)
@pytest.mark.parametrize("read", [regular, content])
def test_what_is_no_file_of_that_size_is_told_before_it_is_read(tmp_path, put, told, read):
    put(tmp_path / "a")
    with pytest.raises(CompanionError, match=rf"a {told}.*; make it again\.$"):
        read(tmp_path / "a", 1000, CURE)


def test_a_name_that_no_system_takes_is_told():
    with pytest.raises(CompanionError, match="can't be read"):
        regular(Path("a\0b"), 1000, CURE)


# ---------------------------------------------------------------- JSON


def test_a_record_comes_back_with_its_types(tmp_path):
    (tmp_path / "a.json").write_text('\ufeff{"name": "ü", "count": 2, "more": [1]}')
    note = record(tmp_path / "a.json", Note, CURE)
    assert (note.name, note.count, note.share, note.more) == ("ü", 2, 0.5, [1])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "invalid JSON"),
        ("{", "invalid JSON"),
        ("[" * 5000, "invalid JSON"),
        ("\0", "invalid JSON"),
        ("[]", "should be an object"),
        ("null", "should be an object"),
        ('{"count": 1}', "name: field required"),
        ('{"name": 1, "count": 1}', "name: "),
        ('{"name": "a", "count": "1"}', "count: "),
        ('{"name": "a", "count": true}', "count: "),
        ('{"name": "a", "count": -1}', "count: "),
        ('{"name": "a", "count": 1, "share": NaN}', "share: "),
        ('{"name": "a", "count": 1, "share": 1e999}', "share: "),
    ],
)
def test_a_record_that_doesnt_fit_is_told_in_a_line(tmp_path, text, place):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(CompanionError) as told:
        record(path, Note, CURE)
    sentence = str(told.value)
    assert sentence.startswith(f"{path} is damaged (")
    assert place in sentence
    assert sentence.endswith("; make it again.")
    assert "\n" not in sentence


# ---------------------------------------------------------------- CSV


def test_a_table_comes_back_below_its_head(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('\ufeff# a head\n# and more\nname,count,share\n000,1,0.5\n"a\nb",2,1\n')
    rows = table(path, Note, CURE, text=["name"])
    assert rows.to_dict("list") == {"name": ["000", "a\nb"], "count": [1, 2], "share": [0.5, 1]}


def test_formulas_are_text_in_a_spreadsheet_and_come_back(tmp_path):
    names = ["=1+1", "+1", "-1", "@a", "'=1", "''-1", "'a", "a=1", ""]
    before = table(_written(tmp_path / "b.csv", names), Note, CURE, text=["name"])
    write_table(tmp_path / "a.csv", before)
    cells = [line.rpartition(",")[0] for line in (tmp_path / "a.csv").read_text().splitlines()]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    after = table(tmp_path / "a.csv", Note, CURE, text=["name"])
    assert after.name.tolist() == names


def _written(path: Path, names: list[str]) -> Path:
    write_table(path, pd.DataFrame({"name": names, "count": range(len(names))}))
    return path


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is no table"),
        (b"# only a head", "is no table"),
        (b"\x89PNG\r\n\xff\xfe", "is no table"),
        (b"name,count\na,1\0\n", "is no table .it holds zero bytes"),
        (b"name,count\na,1\nb,2,3\n", "is no table"),
        (b"name,count\na,1,2\nb,2,3\n", "is no table"),
        (b'name,count\n"a,1\n', "is no table"),
        (b"name,share\na,0.5\n", "lacks the column count"),
        (b"name,count\n", "has no rows"),
        (b"name,count\na,one\n", "row 1, count: 'one'"),
        (b"name,count\na,1\nb\n", "row 2, count: "),
        (b"name,count\na,1\nb,-1\n", "row 2, count: -1"),
        (b"name,count\na,1\nb,1.5\n", "row "),
        (b"name,count\na,99999999999999999999999\n", "row 1, count: "),
        (b"name,count,share\na,1,nan\n", "row 1, share: "),
        (b"name,count,share\na,1,inf\n", "row 1, share: inf"),
        (b"name,count,share\na,1,\n", "row 1, share: "),
        (b"name,count,share\na,1," + b"9" * 10_000 + b"\n", "row 1, share: "),
        (b'name,count,share\na,1,"a\nb"\n', "row 1, share: "),
    ],
)
def test_a_table_that_doesnt_fit_is_told_in_a_line(tmp_path, data, told):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(CompanionError, match=f"a.csv .*{told}.*; make it again.$") as error:
        table(path, Note, CURE, text=["name"])
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_table_may_be_empty_where_that_is_said(tmp_path):
    (tmp_path / "a.csv").write_text("name,count\n")
    assert table(tmp_path / "a.csv", Note, CURE, text=["name"], may_be_empty=True).empty
