"""Videos cut by several processes at once: what one process gives, to the last byte."""

from pathlib import Path

import pytest
from filmed import CUT, contents, film

from tcnsc_lib import pool
from tcnsc_lib.faces import clips
from tcnsc_lib.faces.clips import Video, extract
from tcnsc_lib.faces.store import FaceSet


@pytest.fixture(scope="module")
def videos(tmp_path_factory) -> list[Video]:
    return film(tmp_path_factory.mktemp("videos"))


def extracted(videos: list[Video], out: Path, monkeypatch, cores: int) -> FaceSet:
    monkeypatch.setattr(clips, "FRAMES", 1)  # however few there are
    monkeypatch.setattr(pool, "cores", lambda: cores)
    return extract(videos, out, "raw", CUT)


def test_two_workers_leave_the_files_that_one_process_leaves(
    videos, tmp_path, monkeypatch, capsys
):
    alone = extracted(videos, tmp_path / "one", monkeypatch, 1)
    said = capsys.readouterr().err
    both = extracted(videos, tmp_path / "two", monkeypatch, 2)
    said_by_workers = capsys.readouterr().err
    assert alone.missed.video.tolist() == both.missed.video.tolist() == ["002"]
    assert len(both) == 6
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    for told in (said, said_by_workers):  # on lines of their own, not within the progress bar
        assert "the face of 000_001.mp4 is chosen without it." in told
        [line] = [line for line in told.splitlines() if "chosen without it" in line]
        assert line.startswith("tcnsc: ")


def test_mtcnn_is_made_once_for_all_videos_of_a_process(videos, tmp_path, monkeypatch):
    made = []

    class Counted(clips.FaceFinder):
        def __init__(self, device: str) -> None:
            made.append(device)
            super().__init__(device)

    monkeypatch.setattr(clips, "FaceFinder", Counted)
    extracted(videos, tmp_path, monkeypatch, 1)
    assert len(made) == 1


@pytest.mark.parametrize(
    ("frames", "where", "workers"),
    [(0, "cpu", 1), (100, "cpu", 1), (640, "cpu", 10), (10**6, "cpu", 32), (10**6, "cuda", 4)],
)
def test_a_worker_has_so_much_to_do_that_it_is_worth_its_start(
    monkeypatch, frames, where, workers
):
    monkeypatch.setattr(clips, "device", lambda: where)
    assert clips._at_once(frames) == workers
