"""Files are there whole or not at all, whoever writes them at once and however a writer ends."""

import os
import re
import shutil
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


def digest_of(package: Path, monkeypatch) -> str:
    monkeypatch.setattr(files, "PACKAGE", package)
    files.code_digest.cache_clear()
    found = files.code_digest()
    files.code_digest.cache_clear()
    return found


def test_the_codes_digest_changes_with_any_byte_of_what_trains_and_with_nothing_else(
        tmp_path, monkeypatch):
    package = tmp_path / "tcnsc_lib"
    source = shutil.ignore_patterns("__pycache__")
    shutil.copytree(files.PACKAGE, package, ignore=source)
    before = digest_of(package, monkeypatch)
    assert re.fullmatch("[0-9a-f]{10}", before)
    for room in ("results/tables.py", "report/text.py", "training/notes.txt"):
        with open(package / room, "a") as file:
            file.write("# a word\n")
    assert digest_of(package, monkeypatch) == before
    for room in files.TRAINS:
        place = package / room
        changed = place / "__init__.py" if place.is_dir() else place
        with open(changed, "a") as file:
            file.write("# a word\n")
        after = digest_of(package, monkeypatch)
        assert after != before, room
        before = after


def test_a_number_has_versions_processor_and_commit_beside_it():
    found = files.environment("cuda")
    assert found["device"] == "cuda"
    assert {"commit", "machine", "python", "torch", "numpy", "av"} <= set(found)
    assert all(found.values())
