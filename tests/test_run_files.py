"""A run's files: what is damaged is told in a sentence, or made again; never taken for sound."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from toys import TINY, build, fit, planned

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.fwa import FWA
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training import loop, predictions
from tcnsc_lib.training.predictions import predict_all
from tcnsc_lib.training.run import check_parts, folder_of, train
from tcnsc_lib.training.stored import read_config
from tcnsc_lib.training.weights import notes_of

Change = Callable[[Path], object]
CONFIG = "config.json"
MADE = "environment.json"
LOG = "log.csv"
WEIGHTS = "weights.safetensors"
TOLD = "predictions.csv"
CHECKPOINT = "checkpoint.safetensors"


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="module")
def whole(faces, tmp_path_factory) -> Path:
    """The folder of a finished run, with its predictions."""
    plan = planned(faces, tmp_path_factory.mktemp("whole"))
    predictions.predictions(plan, faces)
    return folder_of(plan)


@pytest.fixture(scope="module")
def half(faces, tmp_path_factory) -> Path:
    """The folder of a run that was cut short after three of eight iterations."""
    step = loop.step

    def stopping(*given):
        if given[-1] == 3:
            raise KeyboardInterrupt
        return step(*given)

    root = tmp_path_factory.mktemp("half")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "step", stopping)
        patch.setattr(loop, "CHECKPOINT_SECONDS", -1)
        with pytest.raises(KeyboardInterrupt):
            fit(faces, root)
    return next(root.iterdir())


def copied(folder: Path, root: Path) -> Path:
    return Path(shutil.copytree(folder, root / folder.name))


# how to damage a file


def written(file: str, data: bytes) -> Change:
    return lambda folder: (folder / file).write_bytes(data)


def pipe(file: str) -> Change:
    def change(folder: Path) -> None:
        (folder / file).unlink()
        os.mkfifo(folder / file)

    return change


def huge(file: str) -> Change:
    return lambda folder: os.truncate(folder / file, 6 << 30)  # takes no room on the disk


def entry(file: str, key: str, value: object) -> Change:
    def change(folder: Path) -> None:
        told = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(told | {key: value}))

    return change


def rows(file: str, edit: Callable[[list[str]], list[str]]) -> Change:
    def change(folder: Path) -> None:
        lines = (folder / file).read_text().splitlines()
        (folder / file).write_text("\n".join(edit(lines)) + "\n")

    return change


def tensors(file: str, edit: Callable[[dict], dict], **notes: str) -> Change:
    """Other tensors or notes, written without a checksum."""

    def change(folder: Path) -> None:
        path = folder / file
        known = {name: value.clone() for name, value in load_file(path).items()}
        old = notes_of(path, "")
        old.pop("crc")
        save_file(edit(known), path, metadata=old | notes)

    return change


def same(known: dict) -> dict:
    return known


def with_nan(known: dict) -> dict:
    next(value for value in known.values() if value.dim() > 1).view(-1)[0] = float("nan")
    return known


def as_integers(known: dict) -> dict:
    return {name: value.to(torch.int32) for name, value in known.items()}


def one_less(known: dict) -> dict:
    return dict(list(known.items())[1:])


def flipped(file: str) -> Change:
    """A bit of the last number."""

    def change(folder: Path) -> None:
        data = bytearray((folder / file).read_bytes())
        data[-2] ^= 1
        (folder / file).write_bytes(data)

    return change


FINISHED = {
    "config a list": (CONFIG, written(CONFIG, b"[]"), "should be an object"),
    "config binary": (CONFIG, written(CONFIG, b"\xff\xfe"), "invalid JSON"),
    "config without a key": (CONFIG, written(CONFIG, b"{}"), "experiment: field required"),
    "config enlarge 0": (CONFIG, entry(CONFIG, "enlarge", 0), "enlarge: input should be greater"),
    "config other enlarge": (CONFIG, entry(CONFIG, "enlarge", 2.0), "belongs to the run RAW-LQ-"),
    "config a pipe": (CONFIG, pipe(CONFIG), "is a pipe"),
    "made of null": (MADE, written(MADE, b"null"), "should be an object"),
    "made without seconds": (MADE, entry(MADE, "seconds", None), "seconds: input should be"),
    "made huge": (MADE, huge(MADE), "more than the"),
    "log empty": (LOG, written(LOG, b""), "is no table"),
    "log binary": (LOG, written(LOG, bytes(range(256))), "is no table"),
    "log without rows": (LOG, rows(LOG, lambda lines: lines[:1]), "has no rows"),
    "log cut": (LOG, rows(LOG, lambda lines: lines[:-2]), "6 rows up to iteration 6, not one"),
    "log to 99": (LOG, rows(LOG, lambda all: [*all[:-1], "99" + all[-1][1:]]), "to iteration 99"),
    "weights NaN": (WEIGHTS, tensors(WEIGHTS, with_nan), "no finite number"),
    "weights whole": (WEIGHTS, tensors(WEIGHTS, as_integers), "type int32, not float32"),
    "weights lost": (WEIGHTS, tensors(WEIGHTS, one_less), "another detector"),
    "weights changed": (WEIGHTS, flipped(WEIGHTS), "aren't those that were written"),
    "weights a pipe": (WEIGHTS, pipe(WEIGHTS), "is a pipe"),
    "weights huge": (WEIGHTS, huge(WEIGHTS), "more than the"),
}


@pytest.mark.parametrize(("file", "change", "words"), FINISHED.values(), ids=FINISHED)
def test_a_damaged_file_of_a_finished_run_is_named(whole, faces, tmp_path, file, change, words):
    folder = copied(whole, tmp_path)
    change(folder)
    with pytest.raises(CompanionError) as told:
        train(planned(faces, tmp_path))
    said = str(told.value)
    assert f"{folder / file}" in said
    assert words in said
    assert said.endswith("train again.")


UNFINISHED = {
    "further than its end": (tensors(CHECKPOINT, same, iteration="99"), "at iteration 99 of 8"),
    "further than its log": (tensors(CHECKPOINT, same, iteration="4"), "3 rows up to iteration 3"),
    "no time": (tensors(CHECKPOINT, same, spent="nan"), "spent: input should be a finite"),
    "no log": (tensors(CHECKPOINT, same, log="x"), "lacks the column iteration"),
    "NaN": (tensors(CHECKPOINT, with_nan), "no finite number"),
    "whole numbers": (tensors(CHECKPOINT, as_integers), "type int32, not float32"),
    "a weight lost": (tensors(CHECKPOINT, one_less), "of another network"),
    "changed": (flipped(CHECKPOINT), "aren't those that were written"),
    "a pipe": (pipe(CHECKPOINT), "is a pipe"),
}


@pytest.mark.parametrize(("change", "words"), UNFINISHED.values(), ids=UNFINISHED)
def test_a_damaged_checkpoint_says_to_delete_it(half, faces, tmp_path, change, words):
    folder = copied(half, tmp_path)
    change(folder)
    with pytest.raises(CompanionError) as told:
        train(planned(faces, tmp_path))
    assert f"{folder / CHECKPOINT}" in str(told.value)
    assert words in str(told.value)
    assert str(told.value).endswith("; delete it to start this run again.")
    assert not (folder / WEIGHTS).exists()


def test_a_checkpoint_of_an_older_version_has_no_checksum_and_goes_on(half, faces, tmp_path):
    folder = copied(half, tmp_path)
    tensors(CHECKPOINT, same)(folder)
    assert len(train(planned(faces, tmp_path)).log) == TINY.iterations


def without_last(row: str) -> str:
    return row[: row.rindex(",")]


def older(head: str) -> str:
    """The first line as an older version wrote it: without a checksum."""
    about = json.loads(head.removeprefix("# "))
    del about["crc"]
    return f"# {json.dumps(about)}"


PREDICTIONS = {
    "empty": written(TOLD, b""),
    "binary": written(TOLD, bytes(range(256))),
    "a list as head": rows(TOLD, lambda lines: ["# []", *lines[1:]]),
    "cut": rows(TOLD, lambda lines: lines[:-1]),
    "cut, without a checksum": rows(TOLD, lambda lines: [older(lines[0]), *lines[1:-1]]),
    "a codec lost": rows(TOLD, lambda lines: [lines[0], *map(without_last, lines[1:])]),
    "not finite": rows(TOLD, lambda lines: [*lines[:-1], "inf,1,1,1,1"]),
    "a number changed": rows(TOLD, lambda lines: [*lines[:-1], "1,1,1,1,1"]),
    "a pipe": pipe(TOLD),
}


@pytest.mark.parametrize("change", PREDICTIONS.values(), ids=PREDICTIONS)
def test_damaged_predictions_are_told_in_a_line_and_made_again(
    whole, faces, tmp_path, capsys, change
):
    folder = copied(whole, tmp_path)
    change(folder)
    assert not predictions.kept(folder, faces)
    again = predictions.predictions(planned(faces, tmp_path), faces)
    told = [line for line in capsys.readouterr().err.splitlines() if "tcnsc: " in line]
    assert len(told) == 1
    assert str(folder / TOLD) in told[0]
    assert told[0].endswith("; they are made again.")
    assert (folder / TOLD).read_bytes() == (whole / TOLD).read_bytes()
    assert again.shape == (8, len(paper.CODECS))
    assert np.isfinite(again.to_numpy()).all()


def test_what_a_config_says_gives_the_name_of_its_folder(whole):
    assert read_config(whole).name() == whole.name


# before a training starts


def only(faces: FaceSet, root: Path, split: str, label: int) -> FaceSet:
    """The same crops, but of one label in a part."""
    shutil.copytree(faces.root, root)
    made = FaceSet(root)
    left = (made.manifest.split != split) | (made.manifest.label == label)
    made.manifest = made.manifest[left].reset_index(drop=True)
    return made


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("label", [0, 1])
def test_a_part_of_one_class_is_told_before_a_training(faces, tmp_path, split, label):
    one = only(faces, tmp_path / "faces", split, label)
    with pytest.raises(CompanionError, match=f"{split} part has no"):
        train(planned(one, tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_who_makes_the_fakes_of_a_training_needs_real_crops_alone(faces, tmp_path):
    arguments = {"input_size": 32, "width": 4}
    made = {"detector": FWA, "arguments": arguments, "views": ("RAW",)}
    check_parts(planned(only(faces, tmp_path / "reals", "train", 0), tmp_path, **made))
    fakes = only(faces, tmp_path / "fakes", "train", 1)
    with pytest.raises(CompanionError, match="FWA trains on real crops alone, and the train part"):
        check_parts(planned(fakes, tmp_path, **made))


def test_a_test_part_of_one_class_is_told_before_trainings_that_it_is_asked_about(faces, tmp_path):
    one = only(faces, tmp_path / "faces", "test", 0)
    with pytest.raises(CompanionError, match="test part has no fakes"):
        predict_all([planned(faces, tmp_path / "runs")], one)
    assert not (tmp_path / "runs").exists()


IMPOSSIBLE = {
    "seed -1": ({"seed": -1}, "-1 can't be a seed"),
    "seed 2^32": ({"seed": 2**32}, "4294967296 can't be a seed"),
    "enlarge 0": ({"enlarge": 0}, "enlarge = 0"),
    "one view of two": ({"views": ("RAW",)}, "tiny compares two views of each crop"),
    "no view": ({"views": ()}, "views"),
    "unknown view": ({"views": ("RAW", "XQ")}, "There is no codec 'XQ'"),
    "no steps": ({"schedule": replace(TINY, iterations=0)}, "schedule.iterations = 0"),
    "optimizer": ({"schedule": replace(TINY, optimizer="lbfgs")}, "schedule.optimizer = 'lbfgs'"),
}


@pytest.mark.parametrize(("changes", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_what_no_run_can_have_is_refused_by_its_plan(faces, tmp_path, changes, words):
    with pytest.raises(CompanionError) as told:
        planned(faces, tmp_path, **changes)
    assert words in str(told.value)


def test_a_detector_says_whether_it_needs_a_second_view():
    assert TCNSC.needs_twin()
    assert not Detector.needs_twin()
    assert not FWA.needs_twin()


# saving


def test_weights_have_the_permissions_of_other_new_files(faces, tmp_path):
    before = os.umask(0o027)
    try:
        folder = fit(faces, tmp_path).folder
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes[WEIGHTS] == modes[LOG] == 0o640


@pytest.mark.parametrize("file", [CHECKPOINT, WEIGHTS])
def test_a_full_disk_is_an_error_of_the_system_and_leaves_nothing(
    faces, tmp_path, monkeypatch, file
):
    write = Path.write_bytes

    def full(path, data):
        if file not in path.name:
            return write(path, data)
        write(path, data[:99])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1)
    with pytest.raises(OSError, match="No space left"):
        fit(faces, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if file in path.name]
