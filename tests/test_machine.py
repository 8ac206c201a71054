"""Numbers don't depend on how many threads the user's machine offers."""

import pytest
import torch
from skimage.data import astronaut

from tcnsc_lib import machine


def test_threads_are_what_is_asked_for_and_then_what_they_were():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), machine.threads(before + 1):
        assert torch.get_num_threads() == before + 1
        1 / 0  # noqa: B018, an error is what is wanted
    assert torch.get_num_threads() == before


def test_the_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda pid: {3}, raising=False)
    assert machine.cores() == 1


def test_without_a_list_of_them_the_cores_are_those_that_there_are(monkeypatch):
    monkeypatch.delattr(machine.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 6)
    assert machine.cores() == 6


@pytest.mark.parametrize(("there", "expected"), [(True, "cuda"), (False, "cpu")])
def test_networks_run_on_a_graphics_card_where_there_is_one(monkeypatch, there, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert machine.device() == expected


def test_faces_are_looked_for_with_as_many_threads_everywhere(finder, monkeypatch):
    seen = []
    onet = finder.mtcnn.onet.forward
    near = finder._near.onet

    def watched(network):
        def watching(*given):
            seen.append(torch.get_num_threads())
            return network(*given)

        return watching

    monkeypatch.setattr(finder.mtcnn.onet, "forward", watched(onet))
    monkeypatch.setattr(finder._near, "onet", watched(near))
    for count in (1, 4):
        with machine.threads(count):
            finder.all(astronaut()[None])
            finder.whole(astronaut())
    assert seen == [2, 1, 2, 1]
