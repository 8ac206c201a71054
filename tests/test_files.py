"""Files are there whole or not at all, whoever writes them at once and however a writer ends."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tcnsc_lib import files


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


ENDED = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], text=True,
                       capture_output=True, check=True).stdout.strip()
OTHER = "0" * 8  # machine


@pytest.mark.parametrize(
    ("writer", "age", "stays"),
    [
        (f"{files.MACHINE}-{ENDED}-", files.ABANDONED / 2, True),
        (f"{files.MACHINE}-{ENDED}-", 2 * files.ABANDONED, False),
        (f"{files.MACHINE}-{os.getpid()}-", 2 * files.ABANDONED, True),
        (f"{files.MACHINE}-{os.getpid()}-", 2 * files.LEFT, False),
        (f"{files.MACHINE}-1-", 2 * files.ABANDONED, True),
        (f"{files.MACHINE}-{'9' * 30}-", 2 * files.ABANDONED, True),
        (f"{OTHER}-{ENDED}-", 2 * files.ABANDONED, True),
        (f"{OTHER}-{ENDED}-", 2 * files.LEFT, False),
        ("", 2 * files.ABANDONED, True),
        ("", 2 * files.LEFT, False),
    ],
)
def test_a_part_goes_a_minute_after_its_writer_has_ended(tmp_path, writer, age, stays):
    part = tmp_path / f".a.txt.{writer}0123abcd.part"
    part.write_text("half")
    old = time.time() - age
    os.utime(part, (old, old))
    files.write_text(tmp_path / "b.txt", "")
    assert part.exists() is stays


KILLED = """
import os, signal, sys
from pathlib import Path
from tcnsc_lib.files import atomic
with atomic(Path(sys.argv[1])) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_writers_part_goes_after_a_minute(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a.txt")])
    [part] = tmp_path.iterdir()
    old = time.time() - 2 * files.ABANDONED
    os.utime(part, (old, old))
    files.write_text(tmp_path / "b.txt", "")
    assert os.listdir(tmp_path) == ["b.txt"]


def test_a_file_has_the_permissions_of_any_new_file_whoever_wrote_its_part(tmp_path):
    (tmp_path / "any").touch()
    with files.atomic(tmp_path / "a") as part:
        part.unlink()
        os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))
    files.write_bytes(tmp_path / "b", b"b")
    modes = {path.name: path.stat().st_mode for path in tmp_path.iterdir()}
    assert modes["a"] == modes["b"] == modes["any"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_is_an_error_that_says_so(tmp_path):
    with pytest.raises(OSError) as full, files.atomic(tmp_path / "a") as part:
        part.unlink()
        part.symlink_to("/dev/full")
        part.write_bytes(b"much")
    assert full.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a" * 250, "ü" * 125, os.fsdecode(b"\xfc" * 250)])
def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path, name):
    files.write_bytes(tmp_path / name, b"data")
    assert (tmp_path / name).read_bytes() == b"data"


# telling files apart


def test_a_copy_has_the_signature_of_its_original(tmp_path):
    one = tmp_path / "one"
    one.write_bytes(bytes(range(256)) * 2000)
    before = files.signature(one)
    os.utime(one, (1, 1))
    shutil.copyfile(one, tmp_path / "two")
    assert before == files.signature(one) == files.signature(tmp_path / "two")
    assert json.loads(json.dumps(before)) == before


@pytest.mark.parametrize("size", [1, 1000, files.BLOCK, 3 * files.BLOCK])
@pytest.mark.parametrize("where", [0, 0.5, 0.999999])
def test_another_byte_or_size_is_another_signature(tmp_path, size, where):
    data = bytearray(size)
    path = tmp_path / "a"
    path.write_bytes(data)
    before = files.signature(path)
    data[int(where * size)] = 1
    path.write_bytes(data)
    assert files.signature(path) != before
    path.write_bytes(bytes(size + 1))
    assert files.signature(path) != before


def test_the_signature_of_a_long_file_costs_no_more(tmp_path):
    path = tmp_path / "a"
    with open(path, "wb") as file:
        file.truncate(1 << 36)  # 64 GB of holes
    assert files.signature(path)[0] == 1 << 36


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
