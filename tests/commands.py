"""What the tests of the `tcnsc` command share."""
from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tcnsc_lib import cli
from tcnsc_lib.faces.detect import Candidates


def at_home(home: Path, monkeypatch) -> Path:
    """`home` as the folder for data/, runs/ and figures/; no source, the default profile."""
    monkeypatch.setenv("TCNSC_HOME", str(home))
    for name in ("TCNSC_SOURCE", "TCNSC_PROFILE", "TCNSC_METHOD", "TCNSC_FIGURES"):
        monkeypatch.delenv(name, raising=False)
    return home


def refusal(capsys, argv: tuple, status: int) -> str:
    """The one sentence with which the command ends, beside progress bars."""
    capsys.readouterr()
    assert cli.main([str(word) for word in argv]) == status
    lines = re.split(r"[\r\n]+", capsys.readouterr().err)
    [sentence] = [line for line in lines if line.strip() and not re.search(r"\d%\|", line)]
    assert sentence.startswith("tcnsc: ") and sentence.endswith(".")
    assert "Traceback" not in sentence
    return sentence


def never(*given, **options):
    """Stands in for what must not be called."""
    raise AssertionError("this should not have been called")


def fail_after(count: int, function: Callable | None, error: BaseException) -> Callable:
    """The function, but that it raises from the call after `count` on."""
    calls = []

    def call(*args, **options):
        calls.append(args)
        if len(calls) > count:
            raise error
        return function(*args, **options)
    return call


class Central:
    """Stands in for MTCNN, for speed: the face is in the middle of every frame."""

    def __init__(self, device):
        pass

    def all(self, frames):
        return [self.whole(frame) for frame in frames]

    def near(self, frames, places):
        return self.all(frames)

    def whole(self, frame):
        height, width = frame.shape[:2]
        box = np.array([[width / 4, height / 4, 3 * width / 4, 3 * height / 4]])
        return Candidates(box, np.ones(1), np.zeros((1, 5, 2)), np.ones(1))

    def ranked(self, shape, faces):
        return faces
