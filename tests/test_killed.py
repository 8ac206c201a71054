"""kill -9 amid writing, again and again: what comes out is what comes out without it."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from filmed import CUT, contents, film, listed
from toys import build, fit

from tcnsc_lib import files, pool
from tcnsc_lib.faces.budget import BUDGET
from tcnsc_lib.faces.clips import extract
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training import loop

KILLS = (2, 4, 3)  # before which new name of a file: a crop, a checkpoint, ...


def extraction(source: Path, out: Path) -> None:
    pool.cores = lambda: 1
    extract(listed(source), out, "raw", CUT)


def training(source: Path, out: Path) -> None:
    """Streamed, with a checkpoint at each step."""
    os.environ[BUDGET] = "0"
    loop.CHECKPOINT_SECONDS = -1
    faces = FaceSet(source)
    assert not faces.arrays_fit
    fit(faces, out)


def killed(work: Callable[[Path, Path], None], source: Path, out: Path, count: int) -> None:
    """Do it, but end when the file of that number is half written; 0: never."""
    replace = os.replace
    left = [count]

    def half(part: Path, path: Path) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.truncate(part, os.path.getsize(part) // 2)
            os.kill(os.getpid(), signal.SIGKILL)
        replace(part, path)

    files.os.replace = half
    work(source, out)


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.BaseContext:
    """What makes processes that have all libraries, and have done nothing yet."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "toys", "tcnsc_lib.training.run"])
    return context


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize(
    ("work", "make", "same"),
    [
        (extraction, film, ("raw/manifest.csv", "raw/missed.csv", ".png", ".json")),
        (training, build, ("weights.safetensors", "log.csv")),
    ],
)
def test_what_is_killed_three_times_ends_in_the_same_bytes(
    processes, tmp_path, work, make, same
):
    source = tmp_path / "source"
    make(source)

    def status(out: Path, count: int) -> int | None:
        process = processes.Process(target=killed, args=(work, source, out, count))
        process.start()
        process.join(120)
        return process.exitcode

    assert status(tmp_path / "one", 0) == 0
    for count in KILLS:
        assert status(tmp_path / "other", count) == -signal.SIGKILL
    assert list((tmp_path / "other").rglob("*.part"))
    assert status(tmp_path / "other", 0) == 0
    one = contents(tmp_path / "one")
    other = contents(tmp_path / "other")
    expected = {name: data for name, data in one.items() if name.endswith(same)}
    assert len(expected) > 1
    for name, data in expected.items():
        assert other[name] == data, name
