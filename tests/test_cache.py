"""Cached arrays: made once, and used only where every byte is as it was written."""

import errno
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import SETTINGS, SIZE, keys_of, noise, tiny_set

from tcnsc_lib import CompanionError
from tcnsc_lib.faces import cache, store
from tcnsc_lib.faces.builder import Builder
from tcnsc_lib.faces.store import FaceSet


def arrays(root: Path) -> list[Path]:
    return list((root / "arrays").glob("*.npy"))


def test_arrays_are_memory_mapped_and_made_once(tmp_path, capsys):
    faces, _ = tiny_set(tmp_path)
    first = faces.images("LQ", "val")
    assert isinstance(first, np.memmap)
    assert not first.flags.writeable
    [path] = arrays(tmp_path)
    before = path.stat().st_mtime_ns
    capsys.readouterr()
    FaceSet(tmp_path).images("LQ", "val")
    assert arrays(tmp_path) == [path]
    assert path.stat().st_mtime_ns == before
    assert capsys.readouterr().err == ""


def test_changed_manifest_rebuilds_the_array(tmp_path):
    faces, crops = tiny_set(tmp_path)
    faces.images("RAW", "val")
    without_the_first = keys_of(faces)[:0:-1]  # and the rest reversed
    changed = Builder(tmp_path, SETTINGS).finish(without_the_first)
    expected = [crops[file] for file in changed.rows("val").file]
    assert len(changed) == 22
    assert changed.fingerprint != faces.fingerprint
    np.testing.assert_array_equal(changed.images("RAW", "val"), expected)
    left = sorted(path.suffix for path in (tmp_path / "arrays").iterdir())
    assert left == [".json", ".npy"]


def test_another_encoder_rebuilds_the_array(tmp_path, monkeypatch):
    faces, _ = tiny_set(tmp_path)
    faces.images("LQ", "val")
    [before] = arrays(tmp_path)
    monkeypatch.setattr(store, "versions", lambda: {"libjpeg-turbo": "another"})
    faces.images("LQ", "val")
    [after] = arrays(tmp_path)
    assert after != before


class FullDisk:
    """A codec after whose third image the disk is full."""

    def __init__(self):
        self.name = "LQ"
        self.left = 3

    def __call__(self, image):
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return image


def test_failure_while_filling_leaves_no_partial_array(tmp_path, monkeypatch):
    faces, _ = tiny_set(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(store, "codec", lambda name: FullDisk())
        with pytest.raises(OSError, match="No space") as full:
            faces.images("LQ", "train")
    assert full.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path / "arrays") == []
    assert faces.images("LQ", "train").shape == (8, SIZE, SIZE, 3)


# ---------------------------------------------------------------- crops that changed since


def test_changed_crop_is_refused_though_an_array_is_cached(tmp_path):
    faces, _ = tiny_set(tmp_path)
    faces.images("LQ", "test")
    file = faces.rows("test").file[3]
    Image.fromarray(noise(SIZE, SIZE, 3, seed=99)).save(tmp_path / file)
    with pytest.raises(CompanionError, match="not the one in the manifest") as error:
        faces.images("LQ", "test")
    assert file in str(error.value)


def test_a_lost_crop_is_refused_though_an_array_is_cached(tmp_path):
    faces, _ = tiny_set(tmp_path)
    faces.images("LQ", "test")
    file = faces.rows("test").file[3]
    (tmp_path / file).unlink()
    with pytest.raises(CompanionError, match=f"{file} is gone; delete"):
        faces.images("LQ", "test")


def test_a_copied_folder_keeps_its_arrays(tmp_path, capsys, monkeypatch):
    faces, _ = tiny_set(tmp_path / "here")
    expected = faces.images("LQ", "test")
    copied = tmp_path / "there"
    shutil.copytree(tmp_path / "here", copied, copy_function=shutil.copyfile)  # with other times
    capsys.readouterr()
    monkeypatch.setattr(cache, "_fill", lambda *ignored: pytest.fail("compressed again"))
    np.testing.assert_array_equal(FaceSet(copied).images("LQ", "test"), expected)
    monkeypatch.setattr(FaceSet, "load", lambda *ignored: pytest.fail("loaded again"))
    np.testing.assert_array_equal(FaceSet(copied).images("LQ", "test"), expected)
    assert capsys.readouterr().err == ""


# ---------------------------------------------------------------- arrays that changed since


def one_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1000] ^= 1
    path.write_bytes(data)


def other(array: np.ndarray):
    return lambda path: np.save(path, array)


def replace_note(text: str):
    return lambda path: path.with_suffix(".json").write_text(text)


def without_note(path: Path) -> None:
    path.with_suffix(".json").unlink()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("nothing")


DAMAGE = {
    "one byte": one_byte,
    "cut": lambda path: os.truncate(path, 500),
    "cut by one": lambda path: os.truncate(path, path.stat().st_size - 1),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"0"),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("no array"),
    "another type": other(np.zeros((8, SIZE, SIZE, 3), np.float32)),
    "a type of one byte": other(np.zeros((8, SIZE, SIZE, 3), np.int8)),
    "another shape": other(np.zeros((4, SIZE, SIZE, 6), np.uint8)),
    "another order": other(np.asfortranarray(np.zeros((8, SIZE, SIZE, 3), np.uint8))),
    "objects": other(np.array([{}], object)),
    "a pipe": pipe,
    "a link to nothing": link_to_nothing,
    "no note": without_note,
    "a note that is a list": replace_note("[]"),
    "a note that is null": replace_note("null"),
    "a note that is none": replace_note("{"),
    "a note without its checksum": replace_note('{"shape": [8, 16, 16, 3], "dtype": "uint8"}'),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_array_is_made_again_and_a_line_says_so(tmp_path, how, capsys):
    faces, _ = tiny_set(tmp_path)
    expected = np.array(faces.images("LQ", "test"))
    [path] = arrays(tmp_path)
    time.sleep(0.01)  # so that the time of change is another
    DAMAGE[how](path)
    capsys.readouterr()
    np.testing.assert_array_equal(faces.images("LQ", "test"), expected)
    said = capsys.readouterr().err.splitlines()[0]
    assert said.startswith(f"tcnsc: {path} is made again: ")
    np.testing.assert_array_equal(faces.images("LQ", "test"), expected)
    assert capsys.readouterr().err == ""


def test_an_array_under_anothers_name_is_not_believed(tmp_path, capsys):
    faces, _ = tiny_set(tmp_path)
    expected = np.array(faces.images("LQ", "test"))
    faces.images("RAW", "test")
    [low] = (tmp_path / "arrays").glob("test-LQ-*.npy")
    [raw] = (tmp_path / "arrays").glob("test-RAW-*.npy")
    for suffix in (".npy", ".json"):
        shutil.copy(raw.with_suffix(suffix), low.with_suffix(suffix))
    np.testing.assert_array_equal(faces.images("LQ", "test"), expected)
    assert "is another array's" in capsys.readouterr().err


def test_an_array_is_read_once_a_process(tmp_path, monkeypatch):
    faces, _ = tiny_set(tmp_path)
    faces.images("LQ", "test")
    FaceSet(tmp_path).images("LQ", "test")
    monkeypatch.setattr(cache.zlib, "crc32", lambda *ignored: pytest.fail("read again"))
    FaceSet(tmp_path).images("LQ", "test")


def test_another_process_may_delete_the_old_array_first(tmp_path, monkeypatch):
    faces, _ = tiny_set(tmp_path)
    faces.images("LQ", "test")
    changed = Builder(tmp_path, SETTINGS).finish(keys_of(faces)[::-1])
    glob = Path.glob

    def deleted_meanwhile(folder, pattern):
        for path in list(glob(folder, pattern)):
            path.unlink()
            yield path

    monkeypatch.setattr(Path, "glob", deleted_meanwhile)
    assert changed.images("LQ", "test").shape == (8, SIZE, SIZE, 3)


def test_a_folder_in_an_arrays_place_is_told(tmp_path):
    faces, _ = tiny_set(tmp_path)
    faces.images("LQ", "test")
    [path] = arrays(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(CompanionError, match="is a folder where an array belongs; remove it"):
        faces.images("LQ", "test")
