"""Many jobs at once: the runs of a table, the videos of a demo. One pool, joblib's, for all.

A job is a function and its arguments. It runs in a process of its own with one thread, so its
numbers don't depend on how many others run beside it. Where `cluster` has an address, all jobs go
there. A caller may choose another kind of worker with `joblib.parallel_config`.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import cache
from threading import RLock, Thread
from typing import TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import get_active_backend
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError, cluster
from tcnsc_lib.machine import cores, threads

Result = TypeVar("Result")

MOST = 8  # jobs at once; a training takes about 2 GB
LOOK = 1.0  # seconds between two looks of a worker at whether its parent is there

# A worker whose memory has grown is replaced between two jobs, and nothing is lost.
warnings.filterwarnings("ignore", "A worker stopped while some jobs were given", UserWarning)


def run_all(
    function: Callable[..., Result],
    jobs: Sequence[tuple],
    title: str,
    workers: int | None = None,
    own_bars: bool = True,
) -> Iterator[Result]:
    """The results of `function(*job)` for every job, as they finish: in no fixed order.

    function, jobs: what pickle takes. title: of the bar on the screen, says where results go.
    workers: at once at most; without it, MOST, and never more than there are cores. A single job,
    or a single worker, runs in this process. own_bars: whether a job draws its own progress bars.

    The first job that fails ends the others; its exception is raised. Raises CompanionError where
    a worker was ended from outside. Ctrl-C ends all workers. So does the end of this process, also
    where nothing is left to tell them (SIGKILL): they look for it.
    """
    count = _workers(len(jobs), workers)
    elsewhere = bool(jobs and cluster.address())
    if elsewhere:
        results = cluster.results(_in_a_worker, [(function, job, 0) for job in jobs])
    elif count > 1:
        results = _beside_each_other(function, jobs, count)
    else:
        results = (_with_one_thread(function, job) for job in jobs)
    # A job draws its own bars: on line 0 in this process, on lines 1, 2, ... in workers.
    drawn_here = own_bars and count <= 1 and not elsewhere
    below = int(drawn_here)
    enough = len(jobs) > int(drawn_here)
    with closing(results):
        yield from tqdm(results, title, len(jobs), position=below, disable=not enough)


def line() -> int | None:
    """In a worker: the line of the screen for its progress bars. In the main process: 0.

    None in a worker of a cluster, which has no screen.
    """
    if cluster.is_worker():
        return None
    name = multiprocessing.current_process().name
    worker = re.match(r"LokyProcess-(\d+)", name)
    if worker is None:
        return 0
    return 1 + (int(worker.group(1)) - 1) % MOST


def _workers(jobs: int, workers: int | None) -> int:
    """How many at once: what a caller's `joblib.parallel_config` asks for, else what fits here."""
    _, asked = get_active_backend()
    if asked in (None, 1):
        asked = min(cores(), workers or MOST)
    elif asked < 0:
        asked = cores()
    return min(jobs, asked)


def _beside_each_other(
    function: Callable[..., Result], jobs: Sequence[tuple], count: int
) -> Iterator[Result]:
    """Results of jobs in `count` workers, who end with them, or with whatever ends this early."""
    pool = Parallel(count, return_as="generator_unordered", batch_size=1, max_nbytes=None)
    work = delayed(_in_a_worker)
    here = os.getpid()
    try:
        yield from pool(work(function, job, here) for job in jobs)
        get_reusable_executor().shutdown()  # else they keep their memory, and today's environment
    except TerminatedWorkerError as error:
        stop()
        _leave_the_bars(count)
        raise CompanionError(
            f"One of {count} workers was ended from outside, most likely for want of memory; the "
            "same command goes on where they were, and `taskset -c 0` before it runs one at a time."
        ) from error
    except BaseException:
        stop()
        _leave_the_bars(count)
        raise


def stop() -> None:
    """End all workers of this process at once, whatever they do, and wait until they are gone.

    Without workers nothing happens.
    """
    get_reusable_executor(kill_workers=True).shutdown(kill_workers=True)


def _leave_the_bars(count: int) -> None:
    """Go below the workers' bars, so that they don't write over what is said next."""
    print("\n" * count, end="", file=sys.stderr)


def _in_a_worker(function: Callable[..., Result], job: tuple, parent: int) -> Result:
    if line():  # else a cluster's worker, or a caller's own kind
        _end_with(parent)
    # tqdm's own lock is one between processes; a worker that is stopped would leave it behind.
    tqdm.set_lock(RLock())
    return _with_one_thread(function, job)


def _with_one_thread(function: Callable[..., Result], job: tuple) -> Result:
    """More threads would add in another order and give other last digits."""
    with threads(1), threadpool_limits(1):
        return function(*job)


@cache
def _end_with(parent: int) -> None:
    """Let this process end soon after its parent did, which may have had no time to end it."""
    Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)  # in the midst of a job: files are whole or not there at all
