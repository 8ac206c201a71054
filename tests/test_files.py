"""Files are there whole or not at all, whoever writes them at once and however a writer ends."""

import os
import re
import time
from pathlib import Path

import pytest

from tcnsc_lib import CompanionError, files


@pytest.fixture(autouse=True)
def unswept():
    files._sweep.cache_clear()


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "a.json"
    with files.atomic(path) as one:
        one.write_text("one")
        with files.atomic(path) as other:
            other.write_text("other")
        assert path.read_text() == "other"
        assert one.read_text() == "one"
    assert path.read_text() == "one"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    files.write_text(path, "old")
    with pytest.raises(OSError), files.atomic(path) as part:
        part.write_text("half")
        raise OSError
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_a_killed_writer_left_goes_when_it_is_old(tmp_path):
    old = time.time() - 2 * files.LEFT
    for name in (".a.txt.0123abcd.part", ".b.txt.4567cdef.part", ".mine.part", "c.txt"):
        (tmp_path / name).write_text("")
    for name in (".a.txt.0123abcd.part", ".mine.part", "c.txt"):
        os.utime(tmp_path / name, (old, old))
    files.write_text(tmp_path / "d.txt", "")
    left = [".b.txt.4567cdef.part", ".mine.part", "c.txt", "d.txt"]
    assert sorted(os.listdir(tmp_path)) == left


def test_json_comes_back_and_what_is_none_is_refused_by_name(tmp_path):
    files.write_json(tmp_path / "a.json", {"b": [1, None, "ü"]})
    assert files.read_json(tmp_path / "a.json") == {"b": [1, None, "ü"]}
    (tmp_path / "half.json").write_text('{"b": [1,')
    with pytest.raises(CompanionError, match="half.json is not valid JSON .* restore or delete it"):
        files.read_json(tmp_path / "half.json")


# the code's digest


def copy_of(tmp_path: Path, name: str = "a.py", text: str = "x = 1\n") -> Path:
    package = tmp_path / name.replace(".", "-")
    (package / "room").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "room" / name).write_text(text)
    return package


def digest_of(package: Path, monkeypatch) -> str:
    monkeypatch.setattr(files, "PACKAGE", package)
    files.code_digest.cache_clear()
    found = files.code_digest()
    files.code_digest.cache_clear()
    return found


def test_the_codes_digest_changes_with_any_byte_of_any_source(tmp_path, monkeypatch):
    package = copy_of(tmp_path)
    before = digest_of(package, monkeypatch)
    assert re.fullmatch("[0-9a-f]{10}", before)
    assert digest_of(package, monkeypatch) == before
    (package / "room" / "notes.txt").write_text("no source")
    assert digest_of(package, monkeypatch) == before
    (package / "room" / "a.py").write_text("x = 1  # a comment\n")
    assert digest_of(package, monkeypatch) != before


def test_a_number_has_versions_processor_and_commit_beside_it():
    found = files.environment("cuda")
    assert found["device"] == "cuda"
    assert {"commit", "machine", "python", "torch", "numpy", "av"} <= set(found)
    assert all(found.values())
