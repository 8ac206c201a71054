"""Small jobs in order, done a little before they are needed: the batches of a training.

The workers are those of PyTorch's DataLoader. `pool` is for large jobs, such as whole trainings.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import BaseContext
from threading import Thread
from typing import TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from tcnsc_lib import CompanionError
from tcnsc_lib.machine import cores

Result = TypeVar("Result")

MOST = 16  # workers
JOBS_AHEAD = 2  # of each of them


def ahead(
    function: Callable[[int], Result], jobs: Sequence[int], workers: int | None = None
) -> Generator[Result]:
    """`function(job)` of every job, in order; workers do the next few while one is used.

    function: what pickle takes; its results are pickled too. workers: by default `readers()`. With
    0, each job is done here when its turn comes. Memory doesn't grow with the number of jobs.

    A CompanionError of a job is raised when its turn comes; one is raised too where a worker was
    ended from outside. Closing the iterator ends the workers at once. They end with this
    process, too, where nothing is left to tell them.
    """
    count = readers() if workers is None else workers
    if count == 0:
        yield from map(function, jobs)
        return
    loader = DataLoader(
        _Jobs(function),
        batch_size=None,
        sampler=jobs,
        num_workers=count,
        collate_fn=_as_it_is,
        worker_init_fn=_become_a_reader,
        prefetch_factor=JOBS_AHEAD,
        generator=torch.Generator(),  # its own, so that nobody else's draws are others
        multiprocessing_context=_context(function.__module__),
    )
    results = iter(loader)
    try:
        with all_readers_there():
            for result in results:
                if isinstance(result, CompanionError):
                    raise result
                yield result
    finally:
        results._shutdown_workers()  # an exception that somebody keeps would keep them too


def _context(module: str) -> BaseContext:
    """Workers are forked from a process that never had threads, and that has read the module.

    A fork of this one may wait for ever for a lock that a thread of it held.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, module])
    return context


def readers() -> int:
    """How many workers: one a core, but for the core of this process.

    None in a process that is itself a worker: there, other runs have the other cores.
    """
    if multiprocessing.current_process().name != "MainProcess":
        return 0
    return min(MOST, cores() - 1)


@contextmanager
def all_readers_there() -> Iterator[None]:
    """Tells in one sentence where a worker of `ahead` was ended from outside.

    PyTorch raises that in the main thread, whatever it does just then.
    """
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise CompanionError(
            "A process that reads crops ahead was ended from outside, most likely for want of "
            "memory; the same command goes on from the last checkpoint, and `taskset -c 0` before "
            "it reads without such processes."
        ) from error


class _Jobs(Dataset):
    """What a DataLoader asks for its items: the results of jobs."""

    def __init__(self, function: Callable[[int], Result]):
        self.function = function

    def __getitem__(self, job: int) -> Result | CompanionError:
        try:
            return self.function(job)
        except CompanionError as error:
            return error  # else PyTorch makes many lines of it


def _as_it_is(result: Result) -> Result:
    return result


def _become_a_reader(number: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who ends this
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """PyTorch looks for the process that forked this one, and here that is another."""
    multiprocessing.parent_process().join()
    os._exit(1)
