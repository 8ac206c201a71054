"""Training: a run is what its settings say, whether it went through or was cut short."""
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from toys import TINY, Tiny, build, fit, tiny

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors.ablations import SimilarityAlone
from tcnsc_lib.detectors.outputs import probabilities
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.evaluation import summary
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training import checkpoint, loop
from tcnsc_lib.training.batches import Part, batch, batch_indices
from tcnsc_lib.training.run import Run, load

FINISHED = {"weights.safetensors", "log.csv", "config.json", "environment.json"}
SGD = replace(TINY, optimizer="sgd", learning_rate=0.1, flip=False)


@pytest.fixture(scope="module")
def faces(tmp_path_factory) -> FaceSet:
    return build(tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="module")
def whole(faces, tmp_path_factory) -> Run:
    """The uninterrupted run that others are compared with."""
    return fit(faces, tmp_path_factory.mktemp("whole"))


@pytest.fixture
def steps(monkeypatch) -> list[int]:
    """The seeds of the steps really taken."""
    taken = []
    step = loop.step

    def counted(*arguments):
        taken.append(arguments[-1])
        return step(*arguments)

    monkeypatch.setattr(loop, "step", counted)
    return taken


def interrupt(faces: FaceSet, root: Path, after: int, **changes) -> Path:
    """A run cut short by Ctrl-C after some iterations, a checkpoint at each; returns its folder."""
    step = loop.step

    def stopping(*arguments):
        if arguments[-1] == changes.get("seed", 0) + after:
            raise KeyboardInterrupt
        return step(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "step", stopping)
        patch.setattr(loop, "CHECKPOINT_SECONDS", -1)
        with pytest.raises(KeyboardInterrupt):
            fit(faces, root, **changes)
    (path,) = root.glob("*/checkpoint.safetensors")
    assert not (path.parent / "weights.safetensors").exists()
    return path.parent


def stored(run: Run) -> dict[str, bytes]:
    """Every tensor of the stored weights, as bytes."""
    weights = load_file(run.folder / "weights.safetensors")
    return {name: value.numpy().tobytes() for name, value in weights.items()}


def assert_same(ours: Run, other: Run) -> None:
    assert ours.folder != other.folder
    assert ours.folder.name == other.folder.name
    assert stored(ours) == stored(other)
    assert (ours.folder / "log.csv").read_text() == (other.folder / "log.csv").read_text()


# one run


def test_the_loss_falls_and_the_task_is_learned(faces, tmp_path):
    run = fit(faces, tmp_path, schedule=replace(TINY, iterations=48))
    assert run.log.cro[-5:].mean() < run.log.cro[:5].mean() / 2
    assert run.log.val_accuracy.iloc[-1] == run.log.val_auc.iloc[-1] == 100
    assert not run.detector.training
    assert run.detector.f.bn1.num_batches_tracked == 2 * 48  # statistics of both views


def test_the_log_has_a_row_each_iteration_and_the_terms_of_equation_4(whole):
    assert whole.log.iteration.tolist() == list(range(1, 9))
    np.testing.assert_allclose(whole.log.total, whole.log.cro + 1.0 * whole.log.sim, rtol=1e-6)
    assert whole.log.iteration[whole.log.val_accuracy.notna()].tolist() == [4, 8]


def test_the_curve_has_the_scores_of_raw_and_of_compressed_validation_crops(whole, faces):
    y = faces.labels("val")
    last = whole.log.iloc[-1]
    for codec, ending in (("RAW", ""), ("LQ", "_LQ")):
        p = probabilities(whole.detector, faces.images(codec, "val"))
        scores = summary(y, p)
        assert last[f"val_accuracy{ending}"] == pytest.approx(100 * scores["accuracy"])
        assert last[f"val_auc{ending}"] == pytest.approx(100 * scores["auc"])


def test_the_learning_rate_falls_exponentially_to_its_final_share(whole):
    lr = whole.log.lr.to_numpy()
    factor = TINY.final_lr_share ** (1 / TINY.iterations)
    assert lr[0] == TINY.learning_rate
    np.testing.assert_allclose(lr[1:] / lr[:-1], factor, rtol=1e-9)
    assert lr[-1] * factor == pytest.approx(TINY.learning_rate * TINY.final_lr_share)


def test_the_first_view_validates(faces, tmp_path, monkeypatch):
    seen = []

    def half(detector, images):
        seen.append(images)
        return np.full(len(images), 0.5)

    monkeypatch.setattr(loop, "probabilities", half)
    fit(faces, tmp_path, views=("LQ", "MQ"), schedule=replace(TINY, iterations=1))
    np.testing.assert_array_equal(seen[0], faces.images("LQ", "val"))


def test_bfloat16_keeps_float32_weights(faces, tmp_path):
    schedule = replace(TINY, iterations=2, precision="bfloat16")
    run = fit(faces, tmp_path, schedule=schedule)
    assert {value.dtype for value in run.detector.parameters()} == {torch.float32}
    assert np.isfinite(run.log.total).all()


def test_a_run_holds_four_files_and_no_pickle(whole):
    assert {path.name for path in whole.folder.iterdir()} == FINISHED
    header = (whole.folder / "weights.safetensors").read_bytes()[:9]
    # safetensors: eight bytes of length, then JSON; neither zip nor pickle
    assert header[8:9] == b"{"
    assert whole.config["views"] == ["RAW", "LQ"]
    assert whole.config["schedule"]["batch_size"] == 8


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run(faces, tmp_path, bad):
    class Broken(Tiny):
        def losses(self, x, y, x_twin=None):
            losses = super().losses(x, y, x_twin)
            return losses | {"total": losses["total"] * bad}

    with pytest.raises(CompanionError, match="iteration 1"):
        fit(faces, tmp_path, detector=Broken)
    assert not list(tmp_path.glob("*/*.safetensors"))


# optimizers and threads


def step_by_hand(detector: TCNSC, faces: FaceSet, iteration: int, rate: float) -> None:
    """Plain gradient descent on the loss of the batch of this iteration."""
    part = Part(detector, faces, ("RAW", "LQ"), "cpu")
    rows = batch_indices(24, 8, iteration, 0)
    x, y = batch(detector, part, rows, False, [0, iteration])
    torch.manual_seed(iteration)  # of the dropout
    detector.zero_grad()
    detector.train().losses(x[0], y, x[1])["total"].backward()
    with torch.no_grad():
        for weight in detector.parameters():
            weight -= rate * weight.grad


def test_sgd_takes_the_steps_of_its_name_at_the_scheduled_rate(faces, tmp_path):
    schedule = replace(SGD, iterations=2, learning_rate=0.02, final_lr_share=0.25)
    run = fit(faces, tmp_path, schedule=schedule)
    torch.manual_seed(0)
    by_hand = tiny()
    step_by_hand(by_hand, faces, 0, 0.02)
    step_by_hand(by_hand, faces, 1, 0.01)
    theirs = dict(by_hand.named_parameters())
    for name, ours in run.detector.named_parameters():
        torch.testing.assert_close(ours, theirs[name], rtol=1e-4, atol=1e-5, msg=name)


ARGUMENTS = {"input_size": 32, "width": 4, "width_z": 8}
MODEL_A = {"detector": SimilarityAlone, "arguments": ARGUMENTS}


@pytest.mark.parametrize(
    "settings", [{"schedule": SGD}, MODEL_A], ids=["sgd", "weights without gradient"]
)
def test_a_run_goes_on_with_any_optimizer_and_without_all_gradients(faces, tmp_path, settings):
    interrupt(faces, tmp_path / "cut", 3, **settings)
    resumed = fit(faces, tmp_path / "cut", **settings)
    assert_same(resumed, fit(faces, tmp_path / "whole", **settings))


def test_model_a_ends_with_the_classifier_that_it_began_with(faces, tmp_path):
    run = fit(faces, tmp_path, **MODEL_A)
    torch.manual_seed(0)
    start = SimilarityAlone(**ARGUMENTS)
    assert torch.equal(run.detector.c.weight, start.c.weight)
    assert torch.equal(run.detector.c.bias, start.c.bias)
    assert not torch.equal(run.detector.f.conv1.weight, start.f.conv1.weight)


def test_the_number_of_threads_changes_nothing_and_comes_back(faces, tmp_path, monkeypatch):
    before = torch.get_num_threads()
    step = loop.step
    inside = []

    def counted(*given):
        inside.append(torch.get_num_threads())
        return step(*given)

    monkeypatch.setattr(loop, "step", counted)
    wide = {"detector": TCNSC, "arguments": {"input_size": 32, "width": 16, "width_z": 32}}
    runs = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            runs.append(fit(faces, tmp_path / str(count), **wide))
            assert torch.get_num_threads() == count
            interrupt(faces, tmp_path / "cut" / str(count), 1)
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(before)
    assert_same(*runs)
    assert set(inside) == {1}


# the same run again


def test_the_same_settings_give_the_same_run(faces, whole, tmp_path):
    torch.rand(7)  # random numbers drawn before must not matter
    assert_same(fit(faces, tmp_path), whole)


def test_another_seed_gives_other_weights(faces, whole, tmp_path):
    other = fit(faces, tmp_path, seed=1)
    ours = whole.detector.state_dict()["f.conv1.weight"]
    assert not torch.equal(ours, other.detector.state_dict()["f.conv1.weight"])


def test_a_finished_run_is_loaded_not_trained(faces, whole, steps):
    path = whole.folder / "weights.safetensors"
    before = path.stat().st_mtime_ns
    again = fit(faces, whole.folder.parent)
    assert not steps
    assert path.stat().st_mtime_ns == before
    assert again.folder == whole.folder
    theirs = again.detector.state_dict()
    for name, value in whole.detector.state_dict().items():
        assert torch.equal(value, theirs[name]), name
    pd.testing.assert_frame_equal(again.log, whole.log)


@pytest.mark.parametrize("after", [1, 2, 3, 6])  # of 8; at 4 it validates
def test_an_interrupted_run_ends_as_an_uninterrupted_one(faces, whole, tmp_path, steps, after):
    interrupt(faces, tmp_path, after)
    taken = len(steps)
    run = fit(faces, tmp_path)
    assert taken == after
    assert steps[taken:] == list(range(after, 8))  # it went on, it didn't start again
    assert_same(run, whole)
    assert {path.name for path in run.folder.iterdir()} == FINISHED


def hang_in_checkpoint(number: int) -> None:
    """Leave that checkpoint half written, say so, wait to be killed. Runs in the child below."""
    save = checkpoint.save_file

    def half(tensors, path, metadata):
        save(tensors, path, metadata=metadata)
        if metadata["iteration"] == str(number):
            os.truncate(path, path.stat().st_size // 2)
            print("half written", flush=True)
            time.sleep(120)

    checkpoint.save_file = half
    loop.CHECKPOINT_SECONDS = -1


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_training as t
t.torch.set_num_threads(int(sys.argv[4]))
t.hang_in_checkpoint(5)
t.fit(t.FaceSet(Path(sys.argv[2])), Path(sys.argv[3]))
"""


def test_a_run_killed_while_it_writes_ends_as_an_uninterrupted_one(faces, whole, tmp_path, steps):
    here = Path(__file__).parent
    given = [here, faces.root, tmp_path / "runs", torch.get_num_threads()]
    command = [sys.executable, "-B", "-c", CHILD, *map(str, given)]
    said = tmp_path / "stderr"
    with open(said, "w") as file:
        child = subprocess.Popen(
            command, stderr=file, stdout=subprocess.PIPE, text=True, cwd=here.parent
        )
        with child:
            try:
                line = child.stdout.readline()
            finally:
                child.kill()  # SIGKILL: no handler, no clean-up
    assert line == "half written\n", said.read_text()
    run = fit(faces, tmp_path / "runs")
    assert steps == [4, 5, 6, 7]  # from the last whole checkpoint
    assert_same(run, whole)


# what doesn't belong or is damaged


def test_a_checkpoint_of_another_run_is_refused(faces, tmp_path):
    one = interrupt(faces, tmp_path / "one", 2)
    other = interrupt(faces, tmp_path / "other", 2, seed=1)
    shutil.copy(one / "checkpoint.safetensors", other)
    with pytest.raises(CompanionError, match=f"belongs to the run {one.name}"):
        fit(faces, tmp_path / "other", seed=1)
    assert not (other / "weights.safetensors").exists()


def copy(run: Run, root: Path) -> Path:
    return Path(shutil.copytree(run.folder, root / run.folder.name))


DAMAGES = {
    "cut": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "text": lambda data: b"not weights" * 9,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_weights_are_named(faces, whole, tmp_path, damage):
    path = copy(whole, tmp_path) / "weights.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CompanionError, match="is damaged") as told:
        fit(faces, tmp_path)
    assert str(path) in str(told.value)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_checkpoint_is_named(faces, tmp_path, damage):
    path = interrupt(faces, tmp_path, 2) / "checkpoint.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(CompanionError, match="is damaged") as told:
        fit(faces, tmp_path)
    assert str(path) in str(told.value)


def test_weights_of_another_run_are_refused(whole, tmp_path):
    renamed = copy(whole, tmp_path).rename(tmp_path / "another")
    with pytest.raises(CompanionError, match="belongs to the run"):
        load(renamed, tiny())


def test_weights_of_another_shape_are_refused(whole):
    with pytest.raises(CompanionError, match="another detector"):
        load(whole.folder, TCNSC(input_size=32, width=8, width_z=8))


@pytest.mark.parametrize("lost", ["log.csv", "config.json", "environment.json"])
def test_a_run_that_lost_a_file_is_told(whole, tmp_path, lost):
    (copy(whole, tmp_path) / lost).unlink()
    with pytest.raises(CompanionError, match=f"has lost {lost}"):
        load(tmp_path / whole.folder.name, tiny())


def test_an_unfinished_run_does_not_load(tmp_path):
    with pytest.raises(CompanionError, match="no finished run"):
        load(tmp_path, tiny())


def test_a_run_loads_into_what_was_trained(whole):
    model = tiny()
    run = load(whole.folder, model)
    assert run.detector is model
    assert not model.training
    assert torch.equal(model.f.conv1.weight, whole.detector.f.conv1.weight)
    assert run.config == whole.config
    assert run.environment["torch"] == torch.__version__.split("+")[0]
