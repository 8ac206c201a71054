"""Jobs on other machines: a Dask cluster, whose scheduler a variable names.

    TCNSC_CLUSTER   its address, as tcp://10.0.0.1:8786; without it, this machine does all

Every machine must see this library's folders under the same paths, and have the same versions of
all that makes numbers. A worker does one job at a time. Where one is ended from outside, Dask gives
its job to another; what that job had written before is kept.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from tqdm.auto import tqdm

from tcnsc_lib import CompanionError
from tcnsc_lib.files import PACKAGES, code_digest, environment

if TYPE_CHECKING:
    from distributed import Client

ADDRESS = "TCNSC_CLUSTER"
PATIENCE = 8  # seconds for a scheduler's answer

Result = TypeVar("Result")


def address() -> str:
    """Of the scheduler; "" where this machine does all."""
    return os.environ.get(ADDRESS, "").strip()


def results(function: Callable[..., Result], jobs: Sequence[tuple]) -> Iterator[Result]:
    """The results of `function(*job)` for every job, as they finish on the cluster's workers.

    The first job that fails ends this; its exception is raised. What was not begun then is taken
    back, as it is after Ctrl-C; what was begun goes on to its end. Raises CompanionError where
    nobody answers, the connection is lost, workers aren't as they must be, or several of them ended
    at one job.
    """
    with _client() as client:
        # joblib's own backend for Dask waits for ever where a job has ended its workers
        from distributed import KilledWorker, as_completed

        work = [partial(function, *job) for job in jobs]
        # in one message: what is taken back before the scheduler knows of it would be done all
        # the same
        tasks = client.map(_at_work, work, made_with=_versions(), pure=False)
        try:
            for task in as_completed(tasks, loop=client.loop):
                yield task.result()
        except KilledWorker as error:
            raise CompanionError(
                f"{error.last_worker.host} and others of the cluster's workers were ended from "
                "outside at the same job, most likely for want of memory; give workers more "
                "(--memory-limit), then the same command goes on where they were."
            ) from error
        except CancelledError as error:
            raise CompanionError(
                f"The connection to the Dask scheduler at {address()} is lost; look whether it "
                "still runs, then the same command goes on where it was."
            ) from error
        finally:
            with suppress(OSError, TimeoutError, CancelledError):
                client.cancel(tasks)


def is_worker() -> bool:
    """Whether this runs in a worker of a cluster, whose screen nobody looks at."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


@contextmanager
def _client() -> Iterator[Client]:
    """A connection to the scheduler. Raises CompanionError where there can be none."""
    where = address()
    try:
        from distributed import Client
    except ImportError as error:
        raise CompanionError(
            f"{ADDRESS}={where} asks for a Dask cluster, and the package distributed isn't "
            "installed; `pip install distributed`, or unset that variable."
        ) from error
    try:
        client = Client(where, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise CompanionError(
            f"No Dask scheduler answers at {ADDRESS}={where}; start one with `dask scheduler` and "
            "give the address that it prints, or unset that variable."
        ) from error
    with client:
        if not client.ncores():
            _tell(f"the Dask cluster at {where} has no workers yet; waiting for some.")
        yield client


def _at_work(work: Callable[[], Result], made_with: dict[str, str]) -> Result:
    """In a worker: a job's result, if numbers come out here as on the machine that asks for it."""
    from distributed import get_worker

    here = platform.node()
    if get_worker().state.nthreads > 1:
        raise CompanionError(
            f"A Dask worker on {here} does several jobs at once, and these share random numbers; "
            "start it with --nthreads 1, and more of them with --nworkers."
        )
    for name, version in _versions().items():
        if version != made_with[name]:
            raise CompanionError(
                f"A Dask worker on {here} has {name} {version}, not {made_with[name]}; install "
                "the same there, and start it anew."
            )
    return work()


def _versions() -> dict[str, str]:
    """What decides the numbers beside the processor: packages, and the library's own code."""
    found = environment()
    return {name: found[name] for name in PACKAGES} | {"the library's code": code_digest()}


def _tell(sentence: str) -> None:
    tqdm.write(f"tcnsc: {sentence}", file=sys.stderr)
