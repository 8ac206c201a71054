"""Jobs on a Dask cluster: what this machine alone gives, and one sentence for what goes wrong."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filmed import CUT, contents, film
from toys import build, planned

from tcnsc_lib import CompanionError, cluster, pool
from tcnsc_lib.faces.clips import extract
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training.predictions import predict_all
from tcnsc_lib.training.run import folder_of

distributed = pytest.importorskip("distributed", reason="the package distributed isn't installed")

EXACT = ("weights.safetensors", "log.csv", "config.json", "predictions.csv", "threshold.json")


@pytest.fixture(scope="module")
def two() -> Iterator[distributed.LocalCluster]:
    """A cluster of two worker processes; one that was killed may take long to come back."""
    deployed = distributed.config["distributed"]["deploy"]
    deployed["lost-worker-timeout"] = "300s"
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as made:
        yield made


@pytest.fixture
def there(two, monkeypatch) -> distributed.LocalCluster:
    monkeypatch.setenv(cluster.ADDRESS, two.scheduler_address)
    monkeypatch.setattr(pool, "_beside_each_other", None)  # nothing may run here
    monkeypatch.setattr(pool, "_workers", lambda jobs, workers: 1)
    return two


def small(monkeypatch, workers: int = 1, threads: int = 1) -> distributed.LocalCluster:
    """A cluster in this process."""
    options = {"processes": False, "dashboard_address": ":0"}
    made = distributed.LocalCluster(workers, threads_per_worker=threads, **options)
    monkeypatch.setenv(cluster.ADDRESS, made.scheduler_address)
    return made


def results(function, jobs) -> list:
    return sorted(pool.run_all(function, jobs, "jobs -> nowhere"))


# the same as on one machine


def about_the_process(x: int) -> tuple[int, int | None]:
    return os.getpid(), pool.line()


def test_jobs_run_in_its_workers_which_draw_no_bars(there):
    found = results(about_the_process, [(i,) for i in range(3)])
    processes = {process for process, _ in found}
    assert os.getpid() not in processes
    assert {line for _, line in found} == {None}
    [alone] = results(about_the_process, [(0,)])  # a single job too
    assert alone[0] != os.getpid()


def test_an_extraction_leaves_the_same_files(two, tmp_path, monkeypatch, capsys):
    videos = film(tmp_path / "videos")
    here = extract(videos, tmp_path / "here", "raw", CUT)
    capsys.readouterr()
    monkeypatch.setenv(cluster.ADDRESS, two.scheduler_address)
    elsewhere = extract(videos, tmp_path / "there", "raw", CUT)
    assert len(elsewhere) == len(here) == 6
    assert elsewhere.missed.video.tolist() == ["002"]
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert "the face of 000_001.mp4 is chosen without it." in capsys.readouterr().err


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


def test_trainings_have_the_same_names_weights_logs_and_predictions(
    two, faces, tmp_path, monkeypatch
):
    made = {}
    for place in ("here", "there"):
        plans = [planned(faces, tmp_path / place, seed=seed) for seed in (0, 1)]
        with monkeypatch.context() as patch:
            if place == "there":
                patch.setenv(cluster.ADDRESS, two.scheduler_address)
                patch.setattr(pool, "_with_one_thread", None)  # nothing may run here
            else:
                patch.setattr(pool, "cores", lambda: 1)
            predict_all(plans, faces)
        folders = [folder_of(plan) for plan in plans]
        made[place] = {folder.name: contents(folder) for folder in folders}
    assert len(made["here"]) == 2
    assert set(made["here"]) == set(made["there"])
    for name, files in made["here"].items():
        assert set(files) == set(made["there"][name]) >= set(EXACT)
        for file in EXACT:
            assert files[file] == made["there"][name][file], file


# what goes wrong


def fails(x: int) -> int:
    if x == 1:
        raise CompanionError(f"Job {x} lacks something; give it to it.")
    time.sleep(0.05)
    return x


def test_a_job_that_fails_is_told_and_what_was_not_begun_is_taken_back(there):
    with pytest.raises(CompanionError, match="^Job 1 lacks something; give it to it.$"):
        results(fails, [(i,) for i in range(500)])
    deadline = time.monotonic() + 10
    while len(there.scheduler.tasks) > 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(there.scheduler.tasks) == 0


def dies_once(folder: Path, x: int) -> int:
    """Of a process that is killed amid job 1, the first time."""
    mark = folder / "died"
    if x == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / f"{x}-{time.monotonic_ns()}").touch()
    return x


needs_sigkill = pytest.mark.skipif(
    not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL"
)


@needs_sigkill
def test_the_job_of_a_killed_worker_is_done_by_another(there, tmp_path):
    jobs = [(tmp_path, x) for x in range(6)]
    assert results(dies_once, jobs) == list(range(6))
    done = sorted(path.name.partition("-")[0] for path in tmp_path.glob("*-*"))
    assert done == [str(x) for x in range(6)]  # each was done once


def dies(x: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@needs_sigkill
def test_a_job_that_ends_its_workers_is_told(there, monkeypatch):
    monkeypatch.setattr(there.scheduler, "allowed_failures", 0)
    with pytest.raises(CompanionError, match="workers were ended from outside at the same job"):
        results(dies, [(0,)])


def test_a_worker_with_several_threads_is_refused(monkeypatch):
    with small(monkeypatch, threads=2), pytest.raises(CompanionError, match="--nthreads 1"):
        results(fails, [(0,), (2,)])


def test_a_worker_with_other_versions_is_refused(monkeypatch):
    known = iter([{"torch": "2.11.0"}, {"torch": "1.0"}])
    monkeypatch.setattr(cluster, "_versions", lambda: next(known))
    with small(monkeypatch), pytest.raises(CompanionError, match="has torch 1.0, not 2.11.0"):
        results(fails, [(0,)])


def test_a_lost_connection_is_told(monkeypatch):
    with small(monkeypatch) as made:
        running = pool.run_all(fails, [(i + 2,) for i in range(100)], "jobs -> nowhere")
        next(running)
        made.close()
        with pytest.raises(CompanionError, match="The connection to the Dask scheduler at .* lost"):
            list(running)


@pytest.mark.parametrize("where", ["tcp://127.0.0.1:9", "nowhere", "nowhere.invalid:8786", "7:x:y"])
def test_an_address_that_nobody_answers_is_told_within_seconds(monkeypatch, where):
    monkeypatch.setenv(cluster.ADDRESS, where)
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    begun = time.monotonic()
    with pytest.raises(CompanionError) as told:
        results(fails, [(0,)])
    assert time.monotonic() - begun < 20
    assert f"No Dask scheduler answers at TCNSC_CLUSTER={where}; " in str(told.value)


ABSENT = """
import os, sys
sys.modules["distributed"] = None
from tcnsc_lib import pool
os.environ["TCNSC_CLUSTER"] = "tcp://127.0.0.1:9"
list(pool.run_all(print, [(0,)], "jobs -> nowhere"))
"""


def test_without_the_package_that_is_told():
    done = subprocess.run([sys.executable, "-c", ABSENT], capture_output=True, text=True)
    assert "the package distributed isn't installed; `pip install distributed`" in done.stderr


def test_without_jobs_nobody_is_asked(monkeypatch):
    monkeypatch.setenv(cluster.ADDRESS, "tcp://127.0.0.1:9")
    assert results(fails, []) == []
