"""Many jobs at once: the same results, one line for what went wrong, and nothing left running."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import joblib
import pytest
import torch
from threadpoolctl import threadpool_info

from tcnsc_lib import CompanionError, pool

sees_processes = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="looks for processes in /proc"
)
needs_two_cores = pytest.mark.skipif(pool.cores() < 2, reason="needs two cores")


def square(x: int) -> int:
    return x * x


def about_the_process(x: int) -> tuple[int, int, int, int]:
    """Process, line on the screen, threads of PyTorch, most threads of any numerical library."""
    time.sleep(0.3)  # so that no worker does all jobs
    threads = [library["num_threads"] for library in threadpool_info()]
    return os.getpid(), pool.line(), torch.get_num_threads(), max(threads)


def is_alive(process: int) -> bool:
    """Whether it runs; a zombie, whose parent has not looked yet, does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def are_gone(processes: Iterable[int]) -> bool:
    """Whether all of them end within ten seconds."""
    deadline = time.monotonic() + 10
    while any(map(is_alive, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def results(function, jobs, **options) -> list:
    return sorted(pool.run_all(function, jobs, "jobs -> nowhere", **options))


@pytest.fixture(scope="module")
def workers() -> list[tuple[int, int, int, int]]:
    """What four jobs in two workers say about their process."""
    return results(about_the_process, [(i,) for i in range(4)])


@needs_two_cores
def test_results_are_those_of_one_job_after_the_other():
    jobs = [(i,) for i in range(7)]
    assert (
        results(square, jobs) == results(square, jobs, workers=1) == [square(*job) for job in jobs]
    )


@needs_two_cores
def test_jobs_run_in_processes_of_their_own_with_one_thread_and_a_line_each(workers):
    processes = {process for process, *_ in workers}
    lines = {line for _, line, *_ in workers}
    assert os.getpid() not in processes
    assert len(processes) == len(lines) == 2
    assert lines <= set(range(1, pool.MOST + 1))
    assert {threads for *_, threads, _ in workers} == {1}
    assert {threads for *_, threads in workers} == {1}


@needs_two_cores
@sees_processes
def test_the_processes_end_with_their_jobs(workers):
    assert are_gone({process for process, *_ in workers})


@pytest.mark.parametrize(("jobs", "workers"), [(1, None), (3, 1)])
def test_one_job_or_one_worker_stays_in_this_process(jobs, workers):
    found = results(about_the_process, [(i,) for i in range(jobs)], workers=workers)
    assert {process for process, *_ in found} == {os.getpid()}
    assert {line for _, line, *_ in found} == {0}
    assert {threads for *_, threads, _ in found} == {1}


def test_with_one_core_too(monkeypatch):
    monkeypatch.setattr(pool, "cores", lambda: 1)
    assert {process for process, *_ in results(about_the_process, [(0,), (1,)])} == {os.getpid()}


def test_nothing_to_do_is_no_error():
    assert results(square, []) == []


def test_there_are_no_more_workers_than_jobs_cores_or_than_asked_for(monkeypatch):
    monkeypatch.setattr(pool, "cores", lambda: 40)
    assert pool._workers(100, None) == pool.MOST
    assert pool._workers(3, None) == 3
    assert pool._workers(100, 16) == 16
    monkeypatch.setattr(pool, "cores", lambda: 4)
    assert pool._workers(100, 16) == 4


def test_a_callers_own_kind_of_workers_is_respected():
    here = os.getpid()
    with joblib.parallel_config("threading", n_jobs=3):
        assert pool._workers(100, None) == 3
        found = results(about_the_process, [(i,) for i in range(3)])
    assert {process for process, *_ in found} == {here}


# what goes wrong


def fails_or_sleeps(x: int) -> int:
    if x == 1:
        raise CompanionError(f"Job {x} lacks something; give it to it.")
    time.sleep(120)
    return x


@needs_two_cores
def test_a_job_that_fails_is_told_at_once_and_ends_the_others():
    start = time.monotonic()
    with pytest.raises(CompanionError, match="^Job 1 lacks something; give it to it.$"):
        results(fails_or_sleeps, [(i,) for i in range(4)])
    assert time.monotonic() - start < 100
    assert results(square, [(2,), (3,)]) == [4, 9]  # the next pool is a new one


def dies_or_sleeps(x: int) -> int:
    if x == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(120)
    return x


@needs_two_cores
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_worker_ended_from_outside_is_told_in_one_sentence():
    start = time.monotonic()
    with pytest.raises(CompanionError) as told:
        results(dies_or_sleeps, [(i,) for i in range(4)])
    assert time.monotonic() - start < 100
    assert "ended from outside, most likely for want of memory" in str(told.value)
    assert "`taskset -c 0`" in str(told.value)
    assert str(told.value).count(".") == 1
    assert results(square, [(2,), (3,)]) == [4, 9]


INTERRUPTED = """
import os, signal, sys, time
from tcnsc_lib.pool import run_all

def sleeps(x):
    os.write(1, f"{os.getpid()}\\n".encode())  # whole lines, whoever else writes
    time.sleep(120)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background is deaf
    list(run_all(sleeps, [(0,), (1,), (2,)], "jobs -> nowhere"))
"""


@contextmanager
def waiting(folder: Path) -> Iterator[tuple[subprocess.Popen, list[int]]]:
    """A process whose workers wait, and the numbers of two of them; killed at the end."""
    script = folder / "interrupted.py"
    script.write_text(INTERRUPTED)
    command = [sys.executable, str(script)]
    silent = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(command, start_new_session=True, **silent) as main:
        try:
            workers = [int(main.stdout.readline()) for _ in range(2)]
            assert all(map(is_alive, workers))
            yield main, workers
        finally:
            main.kill()  # else a failure would wait for it


@needs_two_cores
@sees_processes
@pytest.mark.parametrize("to_all", [True, False], ids=["Ctrl-C", "a notebook's stop"])
def test_an_interruption_ends_the_workers_too(tmp_path, to_all):
    """Ctrl-C reaches all processes of the terminal, a notebook's stop its own alone."""
    with waiting(tmp_path) as (main, workers):
        send = os.killpg if to_all else os.kill
        send(main.pid, signal.SIGINT)
        assert main.wait(timeout=30) != 0
    assert are_gone(workers)


@needs_two_cores
@sees_processes
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_workers_end_soon_after_their_parent_was_killed(tmp_path):
    """SIGKILL leaves the parent no time to end them: they look for it themselves."""
    with waiting(tmp_path) as (main, workers):
        main.kill()
    assert are_gone(workers)


def sleeps_after_the_first(x: int) -> int:
    if x > 0:
        time.sleep(120)
    return os.getpid()


@needs_two_cores
@sees_processes
def test_stopping_ends_workers_amid_their_jobs():
    running = pool.run_all(sleeps_after_the_first, [(i,) for i in range(4)], "jobs -> nowhere")
    worker = next(running)
    assert is_alive(worker)
    pool.stop()
    assert are_gone([worker])
    running.close()
    assert results(square, [(2,), (3,)]) == [4, 9]


def test_without_workers_there_is_nothing_to_stop():
    pool.stop()
    assert results(square, [(2,), (3,)]) == [4, 9]
