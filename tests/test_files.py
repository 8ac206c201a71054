"""Files are there whole or not at all, whoever writes them at once and however a writer ends."""
import os
import time

import pytest

from tcnsc_lib import files


@pytest.fixture(autouse=True)
def unswept():
    files._sweep.cache_clear()


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    with files.atomic(tmp_path / "a.json") as one:
        one.write_text("one")
        with files.atomic(tmp_path / "a.json") as other:
            other.write_text("other")
        assert (tmp_path / "a.json").read_text() == "other" and one.read_text() == "one"
    assert (tmp_path / "a.json").read_text() == "one"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    files.write_text(tmp_path / "a.txt", "old")
    with pytest.raises(OSError), files.atomic(tmp_path / "a.txt") as part:
        part.write_text("half")
        raise OSError
    assert (tmp_path / "a.txt").read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_what_a_killed_writer_left_goes_when_it_is_old(tmp_path):
    for name in (".a.txt.0123abcd.part", ".b.txt.4567cdef.part", ".mine.part", "c.txt"):
        (tmp_path / name).write_text("")
    for name in (".a.txt.0123abcd.part", ".mine.part", "c.txt"):
        os.utime(tmp_path / name, (time.time() - 2 * files.LEFT,) * 2)
    files.write_text(tmp_path / "d.txt", "")
    assert sorted(os.listdir(tmp_path)) == [".b.txt.4567cdef.part", ".mine.part", "c.txt", "d.txt"]
