"""Numbers don't depend on how many threads the user's machine offers."""
import pytest
import torch
from skimage.data import astronaut

from tcnsc_lib import machine


def test_threads_are_what_is_asked_for_and_then_what_they_were():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), machine.threads(before + 1):
        assert torch.get_num_threads() == before + 1
        1 / 0
    assert torch.get_num_threads() == before


def test_the_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda pid: {3}, raising=False)
    assert machine.cores() == 1


def test_faces_are_looked_for_with_two_threads_everywhere(finder, monkeypatch):
    seen, detect = [], finder.mtcnn.detect
    monkeypatch.setattr(finder.mtcnn, "detect", lambda *given, **named: seen.append(torch.get_num_threads()) or detect(
        *given, **named))
    for count in (1, 4):
        with machine.threads(count):
            finder(astronaut()[None])
    assert seen == [2, 2]
