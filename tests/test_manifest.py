"""What a FaceSet's tables hold is checked: what was changed since is refused in one sentence."""

import json
import os
import zlib
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from tiny import SETTINGS, SIZE, keys_of, noise, tiny_set

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import manifest
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.store import FaceSet

AGAIN = "run `tcnsc faces` again"


def refused(root: Path) -> str:
    """The one sentence with which a set is refused."""
    with pytest.raises(CompanionError) as told:
        FaceSet(root)
    sentence = str(told.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert len(sentence) < 500
    return sentence


def believed(root: Path) -> None:
    """Write the tables' digests anew, so that nothing but their content can be wrong."""
    path = root / "about.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps(about | {"digests": manifest.digests(root, "")}))


# ---------------------------------------------------------------- changed since they were written


def cut(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)))


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", manifest.TABLES)
@pytest.mark.parametrize("change", [cut, emptied, binary, pipe, folder, Path.unlink])
def test_a_table_that_was_changed_is_refused_and_written_again(tmp_path, name, change):
    faces, _ = tiny_set(tmp_path)
    keys = keys_of(faces)
    change(tmp_path / name)
    sentence = refused(tmp_path)
    if name != "manifest.csv" or change is not Path.unlink:
        assert f"{tmp_path / name} is" in sentence
    assert AGAIN.replace(" again", "") in sentence
    builder = Builder(tmp_path, SETTINGS)
    assert not builder.complete(keys)
    if change is not folder:
        assert builder.finish(keys).fingerprint == faces.fingerprint
        assert builder.complete(keys)


# ---------------------------------------------------------------- written by somebody else

CELLS = [
    ("label", 2, "label"),
    ("label", -1, "label"),
    ("label", 0.5, "label"),
    ("label", "real", "label"),
    ("label", 1, "should lie in crops/train/fake/"),
    ("split", "tset", "split"),
    ("split", "val", "should lie in crops/val/"),
    ("frame", -1, "frame"),
    ("frame", 1.5, "frame"),
    ("video", "", "video"),
    ("method", "", "method"),
    ("x0", 1e9, "x0"),
    ("y1", float("inf"), "y1"),
    ("y1", "", "y1"),
    ("probability", 1.5, "probability"),
    ("probability", -0.5, "probability"),
    ("nose_x", 1e9, "nose_x"),
    ("nose_x", "left", "nose_x"),
    ("crc", -1, "crc"),
    ("crc", 1 << 33, "crc"),
    ("file", "/etc/passwd", "file"),
    ("file", "../outside.png", "file"),
    ("file", "crops/test/real/../../../outside.png", "file"),
    ("file", "crops/test/real/00/./0000.png", "file"),
    ("file", "crops/test/real/00/0000.txt", "file"),
    ("file", "", "file"),
]


@pytest.mark.parametrize(("column", "value", "told"), CELLS)
def test_a_cell_that_cant_be_is_told_by_row_and_column(tmp_path, column, value, told):
    tiny_set(tmp_path)
    path = tmp_path / "manifest.csv"
    table = pd.read_csv(path, dtype=object, keep_default_na=False)
    row = int((table.split == "train").argmax())
    table.loc[row, column] = value
    table.to_csv(path, index=False)
    believed(tmp_path)
    sentence = refused(tmp_path)
    assert f"{path} is damaged (row " in sentence
    assert told in sentence


@pytest.mark.parametrize("column", manifest.COLUMNS)
def test_a_column_that_is_lacking_is_named(tmp_path, column):
    faces, _ = tiny_set(tmp_path)
    faces.manifest.drop(columns=column).to_csv(tmp_path / "manifest.csv", index=False)
    believed(tmp_path)
    assert f"manifest.csv lacks the column {column}; delete {tmp_path}" in refused(tmp_path)


def test_a_crop_that_is_listed_twice_is_named(tmp_path):
    faces, _ = tiny_set(tmp_path)
    twice = pd.concat([faces.manifest, faces.manifest[:1]])
    twice.to_csv(tmp_path / "manifest.csv", index=False)
    believed(tmp_path)
    assert f"{faces.manifest.file[0]} has two rows" in refused(tmp_path)


def test_a_manifest_without_rows_is_refused(tmp_path):
    faces, _ = tiny_set(tmp_path)
    faces.manifest[:0].to_csv(tmp_path / "manifest.csv", index=False)
    believed(tmp_path)
    assert "manifest.csv has no rows" in refused(tmp_path)


WRONG_RECORDS = [
    "",
    "[]",
    "null",
    "3",
    '"settings"',
    "{}",
    '{"settings": []}',
    '{"settings": {}}',
    '{"settings": {"size": 0}}',
    '{"settings": {"size": -16}}',
    '{"settings": {"size": "16"}}',
    '{"settings": {"size": 16.5}}',
    '{"settings": {"size": 1e300}}',
    '{"settings": {"size": 16}, "digests": []}',
    '{"settings": {"size": 16}, "digests": {"manifest.csv": 3}}',
    '{"settings": {"size": 16}, "keys": null}',
    '{"settings": ' + "[" * 10_000,
    "\0\0\0",
]


@pytest.mark.parametrize("text", WRONG_RECORDS)
def test_about_json_is_checked(tmp_path, text):
    tiny_set(tmp_path)
    path = tmp_path / "about.json"
    path.write_text(text)
    assert refused(tmp_path).startswith(f"{path} is damaged (")
    with pytest.raises(CompanionError, match=r"about.json is damaged .*; delete .* again\.$"):
        Builder(tmp_path, SETTINGS)


def test_formulas_as_names_come_back_as_they_were(tmp_path):
    builder = Builder(tmp_path, SETTINGS)
    about = {"label": 0, "frame": 0, "method": "original", "split": "val", "source": ""}
    box = {"x0": 0, "y0": 0, "x1": 1, "y1": 1, "probability": 1.0}
    name = "=1+1"
    rows = [{**about, **box, "video": name, "identity": name}]
    builder.add("original", name, rows, [noise(SIZE, SIZE, 3)], [])
    faces = builder.finish([("original", name)])
    assert faces.manifest.identity.tolist() == [name]
    assert "'=1+1" in (tmp_path / "manifest.csv").read_text()


# ---------------------------------------------------------------- crops


def bomb(path: Path) -> None:
    """A small file that says that it is a picture of 10 000 megapixels."""
    data = bytearray(path.read_bytes())
    data[16:24] = (100_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)


def jpeg(path: Path) -> None:
    Image.open(path).save(path, "jpeg")


def grey(path: Path) -> None:
    Image.open(path).convert("L").save(path)


def larger(path: Path) -> None:
    Image.open(path).resize((2 * SIZE, 2 * SIZE)).save(path)


def huge(path: Path) -> None:
    with open(path, "ab") as file:
        file.truncate(1 << 40)  # of holes


def endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (bomb, "it is no PNG of 16 x 16 pixels"),
        (jpeg, "it is no PNG of 16 x 16 pixels"),
        (larger, "it is no PNG of 16 x 16 pixels"),
        (grey, "is not the one in the manifest"),
        (emptied, "it is no PNG"),
        (binary, "it is no PNG"),
        (huge, "more than the 0.1 MB that such a file can have"),
        (endless, "is a device, not a file"),
        (link_to_nothing, "is a link to nothing"),
        (pipe, "is a pipe, not a file"),
        (folder, "is a folder, not a file"),
        (Path.unlink, "is not there"),
    ],
)
def test_a_crop_that_isnt_the_manifests_is_refused(tmp_path, change, told):
    faces, _ = tiny_set(tmp_path)
    path = tmp_path / faces.manifest.file[0]
    change(path)
    with pytest.raises(CompanionError, match=told) as error:
        faces.load(faces.manifest.file[0])
    assert str(path) in str(error.value)
    assert str(error.value).endswith(f"delete {tmp_path} and extract the faces again.")
