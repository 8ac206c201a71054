"""Jobs done ahead: in order, few at a time, and nothing left running."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from tcnsc_lib import CompanionError
from tcnsc_lib.ahead import JOBS_AHEAD, MOST, ahead, readers


def square(job: int) -> int:
    time.sleep(0.02 * (job % 3))  # so that later jobs end earlier
    return job * job


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_results_come_in_order(workers):
    assert list(ahead(square, range(3, 12), workers)) == [job * job for job in range(3, 12)]
    assert list(ahead(square, [], workers)) == []


def test_jobs_are_done_in_other_processes(tmp_path):
    found = set(ahead(process, range(6), 2))
    assert len(found) == 2
    assert os.getpid() not in found


def process(job: int) -> int:
    return os.getpid()


def test_nobody_elses_random_numbers_change():
    before = torch.get_rng_state()
    list(ahead(square, range(3), 1))
    assert torch.equal(torch.get_rng_state(), before)


def begun(folder: Path, job: int) -> bytes:
    (folder / str(job)).touch()
    return b""


def test_few_jobs_are_begun_before_they_are_needed(tmp_path):
    jobs = ahead(partial(begun, tmp_path), range(1000), 2)
    next(jobs)
    time.sleep(0.5)
    assert len(list(tmp_path.iterdir())) <= 2 * JOBS_AHEAD + 1
    jobs.close()
    assert not multiprocessing.active_children()


def test_a_process_that_is_a_worker_has_none(monkeypatch):
    [count] = ahead(readers_of, [0], 1)
    assert count == 0
    monkeypatch.setattr("tcnsc_lib.ahead.cores", lambda: 64)
    assert readers() == MOST
    monkeypatch.setattr("tcnsc_lib.ahead.cores", lambda: 1)
    assert readers() == 0


def readers_of(job: int) -> int:
    return readers()


# what goes wrong


def fails(job: int) -> int:
    if job == 2:
        raise CompanionError(f"Job {job} lacks something; give it to it.")
    return job


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_job_that_fails_is_told_in_its_turn(workers):
    jobs = ahead(fails, range(5), workers)
    assert [next(jobs), next(jobs)] == [0, 1]
    with pytest.raises(CompanionError, match=r"^Job 2 lacks something; give it to it\.$"):
        next(jobs)
    assert not multiprocessing.active_children()


def dies(job: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_worker_ended_from_outside_is_told_in_one_sentence():
    with pytest.raises(CompanionError) as told:
        list(ahead(dies, range(5), 2))
    assert "was ended from outside, most likely for want of memory" in str(told.value)
    assert str(told.value).count(".") == 1
    assert not multiprocessing.active_children()


INTERRUPTED = """
import os, signal, time
from tcnsc_lib.ahead import ahead

def sleeps(job):
    if job >= 2:
        time.sleep(120)
    return os.getpid()

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background is deaf
    for worker in ahead(sleeps, range(4), 2):
        print(worker, flush=True)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", ["Ctrl-C", "a notebook's stop", "SIGKILL"])
def test_the_workers_end_with_their_parent(tmp_path, how):
    """Amid a job, whether the parent could tell them or not."""
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    errors = tmp_path / "stderr"
    command = [sys.executable, str(script)]
    with open(errors, "w") as file:
        main = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=file, text=True, start_new_session=True
        )
    with main:
        try:
            workers = [int(main.stdout.readline()) for _ in range(2)]
            if how == "Ctrl-C":
                os.killpg(main.pid, signal.SIGINT)
            else:
                main.send_signal(signal.SIGKILL if how == "SIGKILL" else signal.SIGINT)
            assert main.wait(timeout=60) != 0
        finally:
            main.kill()  # else a failure would wait for it
    assert errors.read_text().count("Traceback") == (how != "SIGKILL")  # the parent's own
    deadline = time.monotonic() + 60
    while any(map(is_alive, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_alive(process: int) -> bool:
    """Whether it runs; a zombie, whose parent has not looked yet, does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
