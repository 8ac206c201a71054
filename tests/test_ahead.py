"""Jobs done ahead: in order, few at a time, and nothing left running."""

import multiprocessing
import threading
import time

import pytest

from tcnsc_lib import CompanionError
from tcnsc_lib.ahead import JOBS_AHEAD, MOST, ahead, readers


def square(job: int) -> int:
    time.sleep(0.01 * (job % 3))  # so that later jobs end earlier
    return job * job


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_results_come_in_order(workers):
    assert list(ahead(square, range(3, 12), workers)) == [job * job for job in range(3, 12)]
    assert list(ahead(square, [], workers)) == []


def test_jobs_are_done_by_so_many_other_threads():
    meet = threading.Barrier(2, timeout=30)

    def thread(job: int) -> int:
        if job < 2:
            meet.wait()
        return threading.get_ident()

    found = set(ahead(thread, range(6), 2))
    assert len(found) == 2
    assert threading.get_ident() not in found


def test_few_jobs_are_begun_before_they_are_needed_and_none_once_it_is_closed():
    begun = []
    before = threading.active_count()
    jobs = ahead(begun.append, range(1000), 2)
    next(jobs)
    time.sleep(0.2)
    assert len(begun) <= 2 * JOBS_AHEAD + 1
    jobs.close()
    done = len(begun)
    assert threading.active_count() == before
    assert len(begun) == done


def test_a_process_that_is_a_worker_has_none(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(multiprocessing.current_process(), "name", "LokyProcess-1")
        assert readers() == 0
    monkeypatch.setattr("tcnsc_lib.ahead.cores", lambda: 64)
    assert readers() == MOST
    monkeypatch.setattr("tcnsc_lib.ahead.cores", lambda: 1)
    assert readers() == 0


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_job_that_fails_is_told_in_its_turn(workers):
    def fails(job: int) -> int:
        if job == 2:
            raise CompanionError(f"Job {job} lacks something; give it to it.")
        return job

    before = threading.active_count()
    jobs = ahead(fails, range(5), workers)
    assert [next(jobs), next(jobs)] == [0, 1]
    with pytest.raises(CompanionError, match=r"^Job 2 lacks something; give it to it\.$"):
        next(jobs)
    assert threading.active_count() == before
