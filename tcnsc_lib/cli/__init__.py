"""The `tcnsc` command: one word for each step, in the order of the paper's pipeline.

The words are in `words`; what they do is in `face_steps`, `audit_steps`, `picture_steps` and
`table_steps`. Here is how every step ends. This module imports next to nothing, so that Ctrl-C is
heard while the libraries are loaded, which takes seconds.
"""
from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, TextIO

from tcnsc_lib import CompanionError

STOPPED = "stopped; the same command goes on where it stopped."
INTERRUPTED = 130  # exit status of what Ctrl-C ended, as shells have it
CLOSED = 141  # exit status of what wrote into a closed pipe


class Lines:
    """A text stream that knows whether the next character begins a line, and what went wrong."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.fresh = True
        self.failed: OSError | None = None

    def write(self, text: str) -> int:
        if text:
            self.fresh = text.endswith("\n")
        return self._noting(self.stream.write, text)

    def flush(self) -> None:
        self._noting(self.stream.flush)

    def _noting(self, action: Callable, *given: str) -> Any:
        try:
            return action(*given)
        except OSError as error:
            self.failed = error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def give_up(self) -> None:
        """Let what can't be written go to nowhere, or Python's end would complain of it."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stream.fileno())
        os.close(nowhere)


def main(argv: list[str] | None = None) -> int:
    """Run one step. Returns the exit status: 0, or 1 with one sentence on standard error.

    130 after Ctrl-C; 141 where nobody reads on, as after `| head`, without a word.
    """
    before = (sys.stdout, sys.stderr)
    ours = tuple(map(Lines, before))
    sys.stdout, sys.stderr = ours
    try:
        return _guarded(argv)
    except BrokenPipeError as error:
        if error not in [stream.failed for stream in ours]:
            raise  # a worker's
        return CLOSED
    finally:
        sys.stdout, sys.stderr = before
        for stream in ours:
            if stream.failed:
                stream.give_up()


def _guarded(argv: list[str] | None) -> int:
    """The step's status, and the sentence where it fails."""
    try:
        return _run(argv)
    except CompanionError as error:
        _say(str(error))
    except KeyboardInterrupt:
        _stop_workers()
        _say(STOPPED)
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        _say(_disk(error))
    return 1


def _run(argv: list[str] | None) -> int:
    if isinstance(sys.stdout.stream, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be no text
    try:
        parser = _while_deaf(_words)
        arguments = parser.parse_args(argv)
        # a time limit stops it as Ctrl-C does, workers included
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return arguments.step(arguments) or 0
    finally:
        sys.stdout.flush()


def _words() -> Any:
    """The parser, and with it all libraries."""
    from tcnsc_lib.cli import words
    return words.parser()


def _while_deaf(load: Callable[[], Any]) -> Any:
    """What `load` returns; Ctrl-C meanwhile ends the process with the sentence, at once.

    An exception would be raised inside a library that is half loaded, and some take it for a fault.
    """
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler:  # ignored, as by nohup
        return load()
    signal.signal(signal.SIGINT, _leave)
    try:
        return load()
    finally:
        signal.signal(signal.SIGINT, usual)


def _stop_workers() -> None:
    """End what runs beside this process; further signals meanwhile change nothing."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if "tcnsc_lib.pool" in sys.modules:
        from tcnsc_lib import pool
        pool.stop()


def _leave(*_: object) -> None:
    _say(STOPPED)
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _say(sentence: str) -> None:
    """A sentence on a line of its own, below what progress bars have left."""
    if not sys.stderr.fresh:
        print(file=sys.stderr)
    print(f"tcnsc: {sentence}", file=sys.stderr)


def _disk(error: OSError) -> str:
    """What to do about a file that can't be read or written."""
    cure = "check that path and its permissions, or choose another folder with TCNSC_HOME"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        cure = "make room"
    name = error.filename or "a file"
    if error is sys.stdout.failed:
        name = "what was printed"
        cure = "look where the output goes"
    return (f"can't read or write {name} ({error.strerror}); nothing "
            f"finished is lost: {cure}, then give the same command again.")
