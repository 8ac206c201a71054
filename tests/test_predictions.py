"""What runs say of the test crops: kept beside them, the same however many train at once."""
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from commands import never
from PIL import Image
from safetensors.torch import load_file, save_file
from toys import build

from tcnsc_lib import CompanionError, experiments, paper, pool, profiles
from tcnsc_lib.detectors.outputs import OWN, STATISTICS, log_odds, predict_reestimated
from tcnsc_lib.evidence import Evidence
from tcnsc_lib.experiments import (
    DUAL,
    MODEL_A,
    MODEL_B,
    PROBE,
    RANDOM_AUGMENTED,
    REESTIMATED,
    UNTRAINED,
    collect,
    execute,
    plan,
    study,
    train_all,
)
from tcnsc_lib.faces import cache, masks, portraits
from tcnsc_lib.faces.detect import Candidates
from tcnsc_lib.faces.store import LANDMARKS
from tcnsc_lib.profiles import Profile
from tcnsc_lib.training import loop, predictions, run
from tcnsc_lib.training.identity import slug
from tcnsc_lib.training.predictions import predict_all
from tcnsc_lib.training.run import folder_of
from tcnsc_lib.training.schedule import Schedule

SHORT = Schedule(iterations=3, batch_size=8, learning_rate=5e-3, precision="float32", validate=3)
SHAPE = {"size": 32, "width": 4, "width_z": 8, "pretrained": False, "seeds": 2}
TOY = Profile("toy", "photos", schedule=SHORT, **SHAPE)


class Central:
    """Stands in for MTCNN: the face is the middle half of every picture, as the mean face lies."""

    def __init__(self, device):
        pass

    def all(self, frames):
        height, width = frames.shape[1:3]
        corner = np.array([width / 4, height / 4])
        side = np.array([width / 2, height / 2])
        box = np.concatenate([corner, corner + side])
        landmarks = corner + masks.TEMPLATE * side
        one = Candidates(box[None], np.ones(1), landmarks[None], np.ones(1))
        return [one for _ in frames]


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Path:
    """A home with a photograph of each of 16 people, whose faces and swaps are extracted."""
    home = tmp_path_factory.mktemp("home")
    random = np.random.default_rng(0)
    for person in range(16):
        path = home / "data/photos" / f"person {person}" / "a.png"
        path.parent.mkdir(parents=True)
        noise = random.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((64, 64)).save(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TCNSC_HOME", str(home))
        patch.delenv("TCNSC_SOURCE", raising=False)
        patch.setattr(portraits, "FaceFinder", Central)
        profiles.faces(TOY)
    return home


@pytest.fixture
def home(album, tmp_path, monkeypatch) -> Path:
    """A copy of the album's home, in which MTCNN isn't there."""
    shutil.copytree(album, tmp_path / "home")
    monkeypatch.setenv("TCNSC_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TCNSC_SOURCE", raising=False)
    monkeypatch.setattr(portraits, "FaceFinder", None)
    return tmp_path / "home"


def told(name: str, p: Profile = TOY, seed: int | None = None) -> pd.DataFrame:
    """An experiment's log-odds, asked of its run."""
    return predictions.predictions(plan(name, p, seed), profiles.faces(p))


# kept, and made again when stale


def test_landmarks_of_photographs_are_in_pixels_of_the_crop(home):
    crops = profiles.faces(TOY)
    # boxes of 32 of 64 pixels, enlarged to 42, from 11 on, resized to 32
    by_hand = ((16 + 32 * masks.TEMPLATE).round(2) - 11 + 0.5) * 32 / 42 - 0.5
    for part, people in {"train": 11, "val": 3, "test": 2}.items():
        everyone = np.tile(by_hand, (2 * people, 1, 1))
        np.testing.assert_allclose(crops.landmarks(part), everyone, atol=0.0051)
    assert list(crops.manifest[LANDMARKS]) == LANDMARKS


def test_predictions_are_log_odds_kept_on_disk_and_read_back_equal(home, monkeypatch):
    first = told(MODEL_B)
    made = experiments.train_experiment(MODEL_B, TOY)
    crops = profiles.faces(TOY)
    assert list(first) == list(paper.CODECS)
    for codec, odds in first.items():
        by_hand = log_odds(made.detector, crops.images(codec, "test"))
        np.testing.assert_array_equal(odds, by_hand)
    monkeypatch.setattr(loop, "step", never)
    with monkeypatch.context() as patch:
        patch.setattr(predictions, "predict", never)
        patch.setattr(predictions, "train", never)
        pd.testing.assert_frame_equal(told(MODEL_B), first, check_exact=True)
    (made.folder / "predictions.csv").unlink()
    again = told(MODEL_B)  # from the same weights
    pd.testing.assert_frame_equal(again, first, check_exact=True)


def test_predictions_are_made_again_when_weights_crops_codecs_or_encoders_change(
    home, tmp_path, monkeypatch
):
    told(MODEL_B)
    folder = folder_of(plan(MODEL_B, TOY))
    crops = profiles.faces(TOY)
    assert predictions.kept(folder, crops)
    assert not predictions.kept(folder, build(tmp_path / "other"))
    harder = replace(predictions.codec("LQ"), quality=10)
    changes = {"versions": lambda: {"Pillow": "another"}, "codec": lambda name: harder}
    for name, value in changes.items():
        with monkeypatch.context() as patch:
            patch.setattr(predictions, name, value)
            assert not predictions.kept(folder, crops), name
    path = folder / "weights.safetensors"
    weights = load_file(path)
    weights["c.bias"] += 1
    save_file(weights, path, metadata={"run": folder.name})
    assert not predictions.kept(folder, crops)


# with statistics estimated anew


def test_predictions_with_other_statistics_have_a_file_of_their_own_and_are_found_again(
    home, monkeypatch
):
    crops = profiles.faces(TOY)
    made = plan(MODEL_B, TOY)
    usual = predictions.predictions(made, crops)
    anew = predictions.predictions(made, crops, "RAW and LQ")
    assert list(anew) == list(paper.CODECS)
    assert (anew - usual).abs().to_numpy().max() > 1e-3
    detector = experiments.train_experiment(MODEL_B, TOY).detector
    by_hand = predict_reestimated(detector, crops, paper.CODECS, "RAW and LQ")
    pd.testing.assert_frame_equal(anew, by_hand, check_exact=True)
    names = {path.name for path in folder_of(made).glob("*predictions*")}
    assert names == {"predictions.csv", "predictions-RAW-and-LQ.csv"}
    assert predictions.kept(folder_of(made), crops, "RAW and LQ")
    assert not predictions.kept(folder_of(made), crops, "LQ")
    monkeypatch.setattr(predictions, "train", never)
    for statistics, table in (("", usual), ("RAW and LQ", anew)):
        again = predictions.predictions(made, crops, statistics)
        pd.testing.assert_frame_equal(again, table, check_exact=True)


def test_all_files_of_statistics_have_names_of_their_own(tmp_path):
    names = {predictions._path(tmp_path, statistics) for statistics in ("", *STATISTICS)}
    assert len(names) == 1 + len(STATISTICS)


def test_many_runs_are_asked_with_their_own_statistics(home, monkeypatch):
    monkeypatch.setattr(pool, "cores", lambda: 1)
    crops = profiles.faces(TOY)
    plans = [plan(MODEL_B, TOY), plan(MODEL_B, TOY, 1)]
    asked = {plans[0].name(): ("LQ", OWN)}
    predict_all(plans, crops, asked)
    kept = []
    for made in plans:
        kept.append([name for name in STATISTICS if predictions.kept(folder_of(made), crops, name)])
    assert kept == [["LQ", OWN], []]
    monkeypatch.setattr(predictions, "run_all", never)
    predict_all(plans, crops, asked)  # nothing is missing


def test_what_statistics_are_estimated_on_is_compressed_before_workers_share_it(home, monkeypatch):
    crops = profiles.faces(TOY)
    told(MODEL_B)
    predictions._fill_unlabelled([("", "LQ", OWN)], crops)
    monkeypatch.setattr(cache, "_fill", never)
    predictions.predictions(plan(MODEL_B, TOY), crops, "LQ")
    predictions.predictions(plan(MODEL_B, TOY), crops, OWN)


# several at once


def test_an_unknown_name_is_refused_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(execute, "faces", never)
    for name in ("model C", "(LQ, RAW)", PROBE, "dual"):
        with pytest.raises(CompanionError, match="There is no experiment .*; choose one of"):
            train_all([(MODEL_B, None), (name, None)], TOY)


@pytest.fixture
def two_cores(monkeypatch) -> None:
    monkeypatch.setattr(pool, "cores", lambda: 2)


def all_files(root: Path) -> dict[Path, Path]:
    found = sorted((root / "runs/toy").rglob("*.*"))
    return {path.relative_to(root): path for path in found}


def test_two_runs_at_once_predict_as_one_after_the_other(home, two_cores, tmp_path, monkeypatch):
    jobs = [(DUAL, None), (MODEL_B, 1), (DUAL, TOY.seed)]
    alone = tmp_path / "alone"
    shutil.copytree(home, alone)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "step", never)  # but in processes of their own
        train_all(jobs, TOY)
        patch.setattr(predictions, "predictions", never)
        train_all(jobs, TOY)  # nothing is missing
    monkeypatch.setenv("TCNSC_HOME", str(alone))
    monkeypatch.setattr(pool, "cores", lambda: 1)
    train_all(jobs, TOY)
    ours = all_files(home)
    others = all_files(alone)
    assert ours.keys() == others.keys()
    assert len(ours) == 2 * 8  # a run's six files, and its card for people and for programs
    for name, path in ours.items():
        if name.name != "environment.json":  # which has the seconds
            assert path.read_bytes() == others[name].read_bytes(), name
    configs = [json.loads(path.read_text()) for name, path in ours.items() if "config" in name.name]
    assert {config["seed"] for config in configs} == {0, 1}
    weights = [load_file(path) for name, path in ours.items() if name.suffix == ".safetensors"]
    assert not torch.equal(weights[0]["f.conv1.weight"], weights[1]["f.conv1.weight"])


@pytest.mark.parametrize("name", [DUAL, RANDOM_AUGMENTED, MODEL_B, "(HQ, MQ)"])
def test_what_a_run_reads_is_compressed_before_workers_share_it(home, monkeypatch, name):
    predictions.fill_arrays([plan(name, TOY)], profiles.faces(TOY))
    monkeypatch.setattr(cache, "_fill", never)
    told(name)


def test_a_run_that_fails_is_told_without_waiting_for_the_others(home, two_cores):
    patient = replace(TOY, schedule=replace(SHORT, iterations=100_000))
    failing = folder_of(plan(MODEL_B, patient))
    other = folder_of(plan(MODEL_B, patient, 1))
    failing.mkdir(parents=True)
    (failing / "weights.safetensors").write_bytes(b"damaged")
    begun = time.monotonic()
    with pytest.raises(CompanionError, match="is damaged"):
        train_all([(MODEL_B, None), (MODEL_B, 1)], patient)
    assert time.monotonic() - begun < 100  # the other would take many minutes
    assert not (other / "weights.safetensors").exists()


# the evidence


def test_the_untrained_probe_reads_the_f_that_model_a_starts_from(home, monkeypatch):
    probed = []
    begun = []
    fit = run.fit

    def read(detector, faces, codecs):
        probed.append(detector.f.conv1.weight.clone())
        return pd.DataFrame(0.0, range(2), codecs)

    def remember(detector, *given):
        begun.append(detector.f.conv1.weight.clone())
        return fit(detector, *given)

    monkeypatch.setattr(execute, "predict_by_probe", read)
    monkeypatch.setattr(run, "fit", remember)
    for name in (UNTRAINED, PROBE):
        experiments.probed(name, TOY)
    untrained, trained = probed
    assert len(begun) == 1
    assert torch.equal(untrained, begun[0])
    assert not torch.equal(trained, untrained)


def test_the_evidence_of_a_table_is_what_its_runs_and_probes_say(home, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "cores", lambda: 1)
    e = Evidence(TOY, tmp_path / "evidence")
    collect([(MODEL_B, None), (MODEL_B, 1), (MODEL_A, None)], e)
    crops = profiles.faces(TOY)
    assert e.y.tolist() == crops.labels("test").tolist()
    for name, seed in ((MODEL_B, 0), (MODEL_B, 1), (MODEL_A, 0)):
        ours = e.log_odds(name, seed)
        np.testing.assert_allclose(ours, told(name, seed=seed), rtol=1e-6)
    for seed in (0, 1):
        anew = predictions.predictions(plan(MODEL_B, TOY, seed), crops, "RAW and LQ")
        np.testing.assert_allclose(e.log_odds(REESTIMATED, seed), anew, rtol=1e-6)
        chosen = predictions.threshold(plan(MODEL_B, TOY, seed), crops)
        assert e.threshold(MODEL_B, seed) == pytest.approx(chosen, abs=5.1e-5)
        assert np.isnan(e.threshold(REESTIMATED, seed))
    for name in (PROBE, UNTRAINED):
        np.testing.assert_allclose(e.log_odds(name), experiments.probed(name, TOY), rtol=1e-6)
        assert np.isnan(e.threshold(name))
    assert f"run {folder_of(plan(MODEL_B, TOY, 1)).name}: commit" in e.path(
        "predictions/model-B-seed1"
    ).read_text()
    assert not e.has_predictions(DUAL)


def test_a_probe_may_be_asked_for_by_name(home, tmp_path):
    e = Evidence(TOY, tmp_path / "evidence")
    collect([(UNTRAINED, None)], e)
    assert e.has_predictions(UNTRAINED)
    assert not e.has_predictions(PROBE)
    assert not (home / "runs").exists()


def test_the_evidence_of_the_study_is_what_its_runs_say_with_and_without_other_statistics(
    home, tmp_path, monkeypatch
):
    monkeypatch.setattr(pool, "cores", lambda: 1)
    p = replace(TOY, seeds=1, decisive_seeds=1)
    e = Evidence(p, tmp_path / "evidence")
    rows = study.chosen([MODEL_B, study.GROUPED])
    experiments.collect_study(rows, e)
    crops = profiles.faces(p)
    filed = {"group-normalisation-seed0", "model-B-seed0"}
    filed |= {f"model-B-statistics-of-{slug(name)}-seed0" for name in STATISTICS}
    found = {path.stem for path in (e.measured / "study").iterdir()}
    assert found == filed
    assert not (e.measured / "predictions").exists()
    for name in ("", *STATISTICS):
        ours = e.study.log_odds(study.restated(MODEL_B, name))
        said = predictions.predictions(plan(MODEL_B, p), crops, name)
        np.testing.assert_allclose(ours, said, rtol=1e-6)
    assert np.isfinite(e.study.threshold(MODEL_B))


def test_the_study_tells_how_many_trainings_it_takes(home, capsys):
    rows = study.chosen([study.TWICE])
    experiments.tell_study(rows, TOY)
    assert capsys.readouterr().out == "2 trainings, 2 to do.\n"
    experiments.train_experiment(study.TWICE, TOY)
    experiments.tell_study(rows, TOY)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "2 trainings, 1 to do."
    assert second.endswith("hours of one core.")
