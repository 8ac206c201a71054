"""Crops without arrays: the same pictures, batches and weights as with them, in steady memory."""

import threading
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from toys import TINY, RealOnly, Tiny, build, fit, planned, tiny

from tcnsc_lib import CompanionError, ahead, paper
from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.outputs import predict, predict_by_probe, predict_reestimated
from tcnsc_lib.faces import budget
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.faces.stream import Streamed, chunks
from tcnsc_lib.training import batches as made
from tcnsc_lib.training import checkpoint, loop
from tcnsc_lib.training.batches import Batches, Draws, Part
from tcnsc_lib.training.run import Run


def without_arrays(root: Path) -> FaceSet:
    """The crops that `build` makes, of which no array may be kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(budget.BUDGET, "0")
        faces = build(root)
        assert not faces.arrays_fit
    return faces


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="module")
def streamed(tmp_path_factory) -> FaceSet:
    return without_arrays(tmp_path_factory.mktemp("streamed"))


@pytest.fixture
def workers(monkeypatch) -> Callable[[int], None]:
    """workers(2): so many threads read ahead from now on."""

    def workers(count: int) -> None:
        monkeypatch.setattr(ahead, "readers", lambda: count)
        monkeypatch.setattr(made, "readers", lambda: count)

    return workers


def reading() -> list[threading.Thread]:
    """The threads that read ahead."""
    return [each for each in threading.enumerate() if "ThreadPoolExecutor" in each.name]


# the pictures


@pytest.mark.parametrize("codec", [*paper.CODECS, "C40"])
def test_pictures_are_those_of_the_array(faces, streamed, codec):
    expected = faces.images(codec, "val")
    found = streamed.images(codec, "val")
    assert isinstance(expected, np.memmap)
    assert isinstance(found, Streamed)
    assert len(found) == len(expected)
    assert found.shape == expected.shape
    rows = np.array([5, 0, 5, -1])
    fakes = faces.labels("val") == 1
    for chosen in (3, -2, rows, pd.Series(rows), fakes):
        assert found[chosen].dtype == np.uint8
        np.testing.assert_array_equal(found[chosen], expected[chosen])
    for some in (slice(2, 7), slice(None, None, 3)):
        assert isinstance(found[some], Streamed)
        np.testing.assert_array_equal(np.array(found[some]), expected[some])
    np.testing.assert_array_equal(list(found), expected)


def test_nothing_is_written_beside_the_crops(streamed):
    streamed.images("LQ", "val")[0]
    assert not (streamed.root / "arrays").exists()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_chunks_are_those_of_the_array_in_order(faces, streamed, workers, count):
    workers(count)
    parts = [list(chunks(of.images("LQ", "train"), 7)) for of in (faces, streamed)]
    assert [len(chunk) for chunk in parts[1]] == [7, 7, 7, 3]
    for expected, found in zip(*parts, strict=True):
        np.testing.assert_array_equal(found, expected)


# what decides


def test_the_budget_decides(tmp_path, monkeypatch):
    needed = 40 * 32 * 32 * 3 * 5  # of 40 crops after five codecs
    build(tmp_path)
    for allowed, kept in ((needed, True), (needed - 1, False)):
        monkeypatch.setenv(budget.BUDGET, f"{allowed / budget.GB:.12f}")
        assert isinstance(FaceSet(tmp_path).images("RAW", "val"), Streamed) is not kept


def disk(monkeypatch, free: float) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(budget.shutil, "disk_usage", lambda path: usage)


def test_without_the_variable_small_sets_fit_and_large_ones_get_a_tenth_of_the_disk(
    tmp_path, monkeypatch
):
    folder = tmp_path / "arrays"
    for free, allowed in ((20e9, 4e9), (1e12, 1e11), (3e9, 3e9)):
        disk(monkeypatch, free)
        assert budget.budget(folder) == pytest.approx(allowed)
    monkeypatch.setenv(budget.BUDGET, "500")
    assert budget.budget(folder) == pytest.approx(3e9)  # there is no more


def test_arrays_that_are_there_count_as_room(faces, monkeypatch):
    faces.images("RAW", "val")
    disk(monkeypatch, 0)
    assert budget.budget(faces.root / "arrays") >= 8 * 32 * 32 * 3


def test_where_arrays_have_no_room_one_line_says_so(tmp_path, capsys):
    budget._tell.cache_clear()
    faces = without_arrays(tmp_path)
    for codec in ("RAW", "LQ"):
        faces.images(codec, "val")
    [line] = capsys.readouterr().err.splitlines()
    assert str(tmp_path) in line
    assert "TCNSC_CACHE=<GB> allows more" in line


@pytest.mark.parametrize("said", ["much", "-1", "nan"])
def test_a_budget_that_is_no_number_is_told(tmp_path, monkeypatch, said):
    monkeypatch.setenv(budget.BUDGET, said)
    with pytest.raises(CompanionError, match=f"TCNSC_CACHE={said} is no number of GB; give one"):
        build(tmp_path).images("RAW", "val")


# batches


def batches(faces: FaceSet, detector: Detector, views: tuple[str, ...], count: int) -> Batches:
    draws = Draws(detector, Part(detector, faces, views, "cpu"), TINY.batch_size, seed=3)
    return Batches(draws, TINY, count)


CASES = {
    "pairs": (Detector, ("RAW", "LQ")),
    "one view": (Detector, ("MQ",)),
    "a random JPEG": (Detector, ("RAW", RANDOM_JPEG)),
    "real crops alone": (RealOnly, ("RAW",)),
    "their compressed ones": (RealOnly, ("HQ",)),
}


@pytest.mark.parametrize(
    ("case", "count"), [*product(CASES, (0, 1)), ("pairs", 2)]
)
def test_batches_are_those_of_the_array_wherever_one_begins(faces, streamed, case, count):
    kind, views = CASES[case]
    ours = batches(streamed, kind(32), views, count)
    other = batches(faces, kind(32), views, 0)
    for iteration in (0, 1, 2, 5, 6, 4, 7):  # on, then back
        x, y = ours.at(iteration)
        expected, labels = other.at(iteration)
        assert torch.equal(y, labels)
        assert len(x) == len(expected) == len(views)
        assert all(map(torch.equal, x, expected))
        if iteration == 5:
            ours.close()
    ours.close()
    assert not reading()


@pytest.mark.parametrize(("where", "by_a_reader"), [("cpu", True), ("cuda", False)])
def test_what_a_gpu_sees_is_prepared_when_its_turn_comes(streamed, monkeypatch, where, by_a_reader):
    preparing = []

    def seen(*given):
        preparing.append(threading.current_thread() is not threading.main_thread())
        return given

    monkeypatch.setattr(made, "seen", seen)
    draws = Draws(Detector(32), Part(Detector(32), streamed, ("RAW",), where), 4, seed=3)
    ours = Batches(draws, TINY, 1)
    ours.at(0)
    ours.close()
    assert set(preparing) == {by_a_reader}


def test_beside_a_training_on_a_cpu_few_threads_read(streamed, workers):
    workers(16)
    for where, count in (("cpu", made.READERS), ("cuda", None)):
        draws = Draws(Detector(32), Part(Detector(32), streamed, ("RAW",), where), 4, seed=3)
        assert Batches(draws, TINY).workers == count


def test_where_a_gpu_holds_the_crops_nothing_is_made_ahead(faces):
    part = Part(Detector(32), faces, ("RAW",), "cpu")
    part.held = True
    ours = Batches(Draws(Detector(32), part, 4, seed=3), TINY, 1)
    ours.at(0)
    assert not reading()


def test_each_crop_of_a_pair_is_decoded_once(streamed, monkeypatch):
    read = []
    lossless = Streamed.lossless

    def counted(images, row):
        read.append(row)
        return lossless(images, row)

    monkeypatch.setattr(Streamed, "lossless", counted)
    batches(streamed, Detector(32), ("RAW", "LQ"), 0).at(0)
    assert len(read) == len(set(read)) == TINY.batch_size


# trainings


@pytest.fixture(scope="module")
def whole(faces, tmp_path_factory) -> Run:
    return fit(faces, tmp_path_factory.mktemp("whole"))


def assert_same(ours: Run, other: Run) -> None:
    assert ours.folder.name == other.folder.name
    for name in ("weights.safetensors", "log.csv"):
        assert (ours.folder / name).read_bytes() == (other.folder / name).read_bytes()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_training_without_arrays_ends_in_the_same_weights(
    streamed, whole, tmp_path, workers, count
):
    workers(count)
    assert_same(fit(streamed, tmp_path), whole)
    assert not reading()


@pytest.mark.parametrize("count", [0, 2])
def test_one_that_was_cut_short_goes_on_as_if_it_had_not(
    streamed, whole, tmp_path, monkeypatch, workers, count
):
    workers(count)
    step = loop.step

    def stopping(*arguments):
        if arguments[-1] == 3:
            raise KeyboardInterrupt
        return step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "step", stopping)
        patch.setattr(loop, "CHECKPOINT_SECONDS", -1)
        with pytest.raises(KeyboardInterrupt):
            fit(streamed, tmp_path)
    assert not reading()
    assert list(tmp_path.glob(f"*/{checkpoint.Checkpoint(tmp_path).path.name}"))
    assert_same(fit(streamed, tmp_path), whole)


@pytest.mark.parametrize("count", [0, 1])
@pytest.mark.parametrize("part", ["train", "val"])
def test_a_damaged_crop_ends_it_in_one_sentence(tmp_path, workers, part, count):
    workers(count)
    faces = without_arrays(tmp_path / "faces")
    file = faces.rows(part).file[7]
    Image.new("RGB", (32, 32)).save(faces.root / file)
    with pytest.raises(CompanionError) as told:
        fit(faces, tmp_path / "runs")
    assert str(told.value) == (
        f"The crop {faces.root / file} is not the one in the manifest; "
        f"delete {faces.root} and extract the faces again."
    )
    assert not reading()


# what is said of the test crops


@pytest.mark.parametrize("count", [0, 1])
def test_predictions_are_those_of_the_arrays(faces, streamed, workers, count):
    workers(count)
    detector = tiny()
    ways = (
        lambda of: predict(detector, of, paper.CODECS),
        lambda of: predict(detector, of, ("RAW",), "val"),
        lambda of: predict_by_probe(detector, of, ("LQ",)),
        lambda of: predict_reestimated(detector, of, ("RAW", "LQ"), "RAW and LQ"),
    )
    for way in ways:
        pd.testing.assert_frame_equal(way(streamed), way(faces), check_exact=True)


def test_a_run_is_named_alike(faces, streamed, tmp_path):
    names = {planned(of, tmp_path, detector=Tiny).name() for of in (faces, streamed)}
    assert len(names) == 1
