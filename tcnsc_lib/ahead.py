"""Small jobs in order, done a little before they are needed: the batches of a training.

By threads: what reads, decodes and compresses pictures lets go of the interpreter. `pool` is for
large jobs, such as whole trainings.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from tcnsc_lib.machine import cores

Result = TypeVar("Result")

MOST = 16  # threads
JOBS_AHEAD = 2  # of each of them


def ahead(
    function: Callable[[int], Result], jobs: Sequence[int], workers: int | None = None
) -> Generator[Result]:
    """`function(job)` of every job, in order; threads do the next few while one is used.

    workers: how many threads, by default `readers()`. With 0, each job is done when its turn comes.
    Memory doesn't grow with the number of jobs. What a job raises is raised when its turn comes.
    Closing the iterator waits for the few jobs that were begun, and begins no other.
    """
    count = readers() if workers is None else workers
    if count == 0:
        yield from map(function, jobs)
        return
    todo = iter(jobs)
    begun: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(count)
    try:
        for job in islice(todo, JOBS_AHEAD * count):
            begun.append(pool.submit(function, job))
        while begun:
            result = begun.popleft().result()
            for job in islice(todo, 1):
                begun.append(pool.submit(function, job))
            yield result
    finally:
        pool.shutdown(cancel_futures=True)


def readers() -> int:
    """How many threads: one a core, but for the core of the main thread.

    None in a process that is itself a worker: there, other runs have the other cores.
    """
    if multiprocessing.current_process().name != "MainProcess":
        return 0
    return min(MOST, cores() - 1)
