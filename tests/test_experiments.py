"""Every run behind every table is what its name, the paper and the authors of the baselines say."""
import ast
import inspect
import json
import multiprocessing
import os
import shutil
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import build
from PIL import Image
from safetensors.torch import load_file

from tcnsc_lib import CompanionError, experiments, paper, profiles, tables, training
from tcnsc_lib.codecs import RANDOM_JPEG
from tcnsc_lib.evaluation import probabilities
from tcnsc_lib.experiments import (AUGMENTED, CONTROLS, CUTS, DETECTORS, DUAL, EXPERIMENTS, JPEG, MODEL_A, MODULES,
                                   PROBE, SEEDED, UNTRAINED, predictions, setup, train_all)
from tcnsc_lib.faces import forge, photos
from tcnsc_lib.faces.detect import Faces
from tcnsc_lib.faces.store import LANDMARKS, FaceSet
from tcnsc_lib.profiles import PROFILES, Profile
from tcnsc_lib.training import Schedule, folder_of

FOURTH = "(HQ, MQ)"
BASELINES = tuple(paper.TABLE3.index.drop("TCNSC"))
TOY = Profile("toy", "photos", size=32, width=4, width_z=8, pretrained=False, seeds=2,
              schedule=Schedule(iterations=3, batch_size=8, learning_rate=5e-3, precision="float32", validate=3))


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """No test reads what another predicted, nor the developer's own folders."""
    for name in ("TCNSC_HOME", "TCNSC_SOURCE", "TCNSC_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    predictions.cache_clear()
    yield
    predictions.cache_clear()


@pytest.fixture(scope="module")
def noise(tmp_path_factory) -> dict[str, FaceSet]:
    """Other crops for each quality of the videos."""
    return {quality: build(tmp_path_factory.mktemp("faces") / quality, seed)
            for seed, quality in enumerate(("raw", "c23", "c40"))}


# which experiments there are

def test_every_row_of_every_table_has_an_experiment():
    assert set(paper.TABLE1.index) <= set(EXPERIMENTS)
    assert set(paper.TABLE2.index) - {"dual"} <= set(EXPERIMENTS) and set(BASELINES) <= set(EXPERIMENTS)
    assert set(EXPERIMENTS) == {*paper.TABLE1.index, FOURTH, "model A", "model B", *CONTROLS, *BASELINES}
    assert set(SEEDED) == {"(RAW, LQ)", "model B", "(i) both views, no similarity", "(iv) dual, similarity on h",
                           "(v) dual, nothing compared"}


ALONE, PAIR = ("RAW",), ("RAW", "LQ")
TRAINED_ON = {  # views, what Loss_cro sees, what Loss_sim compares, lambda
    "(RAW, HQ)": (("RAW", "HQ"), "raw", "z", 1), "(RAW, MQ)": (("RAW", "MQ"), "raw", "z", 1),
    DUAL: (PAIR, "raw", "z", 1), "(LQ, MQ)": (("LQ", "MQ"), "raw", "z", 1),
    FOURTH: (("HQ", "MQ"), "raw", "z", 1),
    MODEL_A: (PAIR, "none", "z", 1), "model B": (ALONE, "raw", "z", 0),
    AUGMENTED: (PAIR, "both", "z", 0), JPEG: (("RAW", RANDOM_JPEG), "both", "z", 0),
    "(iii) dual, both views classified": (PAIR, "both", "z", 1),
    "(iv) dual, similarity on h": (PAIR, "raw", "h", 1), "(v) dual, nothing compared": (PAIR, "raw", "z", 0)}


@pytest.mark.parametrize("p", PROFILES.values(), ids=PROFILES)
def test_a_row_of_tables_1_and_2_differs_by_what_its_name_says_and_nothing_else(p):
    assert set(TRAINED_ON) == {name for name, experiment in EXPERIMENTS.items() if experiment.detector == "TCNSC"}
    for name, (views, classified, compared, lam) in TRAINED_ON.items():
        experiment, arguments, schedule = setup(name, p)
        model = {"classified": "raw", "compared": "z"} | arguments
        assert experiment.views == views and experiment.quality == "raw", name
        assert model == {"input_size": p.size, "width": p.width, "width_z": p.width_z, "lam": lam * p.lam,
                         "classified": classified, "compared": compared}, name
        assert schedule == p.schedule, name


@pytest.mark.parametrize("p", PROFILES.values(), ids=PROFILES)
def test_every_control_sees_as_many_images_a_step_as_the_dual_model(p):
    def images(name):
        experiment, _, schedule = setup(name, p)
        return schedule.batch_size * len(experiment.views), schedule.iterations

    assert {images(name) for name in CONTROLS} == {images(DUAL)} == {images(MODEL_A)}
    assert images("model B") == (images(DUAL)[0] // 2, images(DUAL)[1])


# the baselines

@pytest.mark.parametrize("p", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_sees_as_many_crops_as_tcnsc_or_says_that_it_is_cut(name, p):
    experiment, arguments, schedule = setup(name, p)
    crops, ours = schedule.iterations * schedule.batch_size, p.schedule.iterations * p.schedule.batch_size
    assert crops <= ours
    if "iterations" not in CUTS.get(p.name, {}).get(experiment.detector, {}):
        assert crops > ours - schedule.batch_size
    assert (schedule.flip, schedule.precision) == (p.schedule.flip, p.schedule.precision)
    assert set(arguments) <= set(inspect.signature(DETECTORS[experiment.detector]).parameters)


AUTHORS = {  # BASELINES.md: optimizer, learning rate, its share at the end, batch, input size, from ImageNet
    **dict.fromkeys(("Xception-RAW", "Xception-C23", "Xception-C40"), ("adam", 2e-4, 1, 32, 299, True)),
    **dict.fromkeys(("Meso4", "MesoInception"), ("adam", 1e-3, 1, 75, 256, False)),
    "Capsule": ("adam", 5e-4, 1, 100, 128, True),
    **dict.fromkeys(("FWA", "DSP-FWA"), ("sgd", 1e-3, pytest.approx(0.358486, abs=1e-6), 64, 224, True))}  # .95^20


@pytest.mark.parametrize("profile", ["ffpp", "ffpp-official"])
@pytest.mark.parametrize("name", BASELINES)
def test_on_the_papers_data_baselines_are_their_authors(name, profile):
    experiment, arguments, schedule = setup(name, PROFILES[profile])
    optimizer, rate, share, batch, size, imagenet = AUTHORS[name]
    assert (schedule.optimizer, schedule.learning_rate, schedule.final_lr_share, schedule.batch_size) == (
        optimizer, rate, share, batch)
    crop = {"enlarge": PROFILES[profile].enlarge} if "FWA" in name else {}
    assert arguments == ({"pretrained": True} if imagenet else {}) | crop  # all else is the class's own
    parameters = inspect.signature(DETECTORS[experiment.detector]).parameters
    assert parameters["input_size"].default == size and ("pretrained" in parameters) == imagenet
    assert profile not in CUTS and tables.cuts(PROFILES[profile]).empty


@pytest.mark.parametrize("profile", ["demo", "photos", "photos-224"])
def test_elsewhere_nothing_is_downloaded(profile):
    for name in EXPERIMENTS:
        assert "pretrained" not in setup(name, PROFILES[profile])[1], name
    assert PROFILES[profile].weights == "random"


def test_what_is_cut_is_told_beside_what_the_authors_have():
    told = tables.cuts(PROFILES["demo"]).set_index(["detector", "setting"])
    for (name, setting), row in told.iterrows():
        assert row.here == CUTS["demo"][name][setting]
    assert told.authors["Xception", "input_size"] == 299 and told.authors["Meso4", "momentum"] == 0.01
    assert (told.authors["FWA", "optimizer"], told.here["FWA", "optimizer"]) == ("sgd", "adam")
    assert told.authors["Capsule", "iterations"] == "as many crops as TCNSC"
    assert told.here["Capsule", "iterations"] == 128
    assert {name for name, _ in told.index} == set(DETECTORS) - {"TCNSC"}


# which crops, which folder

@pytest.mark.parametrize("profile", ["demo", "ffpp", "photos"])
def test_xception_c23_and_c40_train_on_videos_of_that_quality_or_photographs_through_that_codec(monkeypatch, profile):
    monkeypatch.setattr(experiments, "faces", lambda p, quality="raw": quality)
    for quality in ("c23", "c40"):
        crops = experiments._crops(EXPERIMENTS[f"Xception-{quality.upper()}"], PROFILES[profile])
        assert crops == (("raw", (quality.upper(),)) if profile == "photos" else (quality, ("RAW",)))
    others = [name for name in EXPERIMENTS if not name.startswith("Xception-C")]
    assert all(experiments._crops(EXPERIMENTS[name], PROFILES[profile]) == ("raw", EXPERIMENTS[name].views)
               for name in others)


def test_every_experiment_and_seed_has_a_folder_of_its_own(monkeypatch, noise):
    monkeypatch.setattr(training, "code_digest", cache(training.code_digest))  # for speed
    monkeypatch.setattr(experiments, "faces", lambda p, quality="raw": noise[quality])
    folders = {(name, seed): folder_of(*experiments._call(name, TOY, seed))[0]
               for name in EXPERIMENTS for seed in (0, 1)}
    assert len(set(folders.values())) == 2 * len(EXPERIMENTS)
    assert folder_of(*experiments._call(DUAL, TOY, None))[0] == folders[DUAL, TOY.seed]
    for change in ({"lam": 2.0}, {"schedule": replace(TOY.schedule, flip=False)}, {"enlarge": 1.5}):
        assert folder_of(*experiments._call(DUAL, replace(TOY, **change), None))[0] not in folders.values()


def imported(path: Path) -> set[str]:
    """The library's modules that one of them imports, as paths inside the package."""
    found = {node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
    return {name.removeprefix("tcnsc_lib.").replace(".", "/") for name in found if name.startswith("tcnsc_lib.")}


@pytest.mark.parametrize("name", DETECTORS)
def test_the_code_that_a_detector_is_made_of_is_in_its_runs_name(name):
    package = Path(experiments.__file__).parent
    named = {os.path.normpath(f"detectors/{module}") for module in MODULES[name]}
    assert Path(inspect.getfile(DETECTORS[name])).relative_to(package).with_suffix("").as_posix() in named
    needed = set().union(*(imported(package / f"{module}.py") for module in named))
    assert needed <= named | {"detectors"}  # the last is in training.CODE


# what is kept

def test_predictions_are_asked_for_again_when_test_faces_encoders_or_evaluation_change(monkeypatch, noise):
    def kept() -> Path:
        return experiments._predicted("Xception-C23", replace(TOY, source="ffpp"))

    monkeypatch.setattr(experiments, "faces", lambda p, quality="raw": noise[quality])
    first = kept()
    assert kept() == first
    for name, value in (("faces", lambda p, quality="raw": noise["c40" if quality == "raw" else quality]),
                        ("versions", lambda: {"Pillow": "another"}), ("code_digest", lambda *modules: "another")):
        with monkeypatch.context() as patch:
            patch.setattr(experiments, name, value)
            assert kept().parent == first.parent and kept() != first, name  # the same run, other predictions


class Central:
    """Stands in for MTCNN: the face is the middle half of every picture, its landmarks those of the mean face."""

    def __init__(self, device):
        pass

    def __call__(self, frames):
        height, width = frames.shape[1:3]
        corner, side = np.array([width / 4, height / 4]), np.array([width / 2, height / 2])
        many = (len(frames), 1, 1)
        return Faces(np.tile(np.concatenate([corner, corner + side]), many[:2]), np.ones(len(frames)),
                     np.tile(corner + forge.TEMPLATE * side, many))


@pytest.fixture(scope="module")
def album(tmp_path_factory) -> Path:
    """A home with a photograph of each of 16 people, whose faces and swaps are extracted."""
    home, random = tmp_path_factory.mktemp("home"), np.random.default_rng(0)
    for person in range(16):
        path = home / "data/photos" / f"person {person}" / "a.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8)).resize((64, 64)).save(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TCNSC_HOME", str(home))
        patch.setattr(photos, "FaceFinder", Central)
        profiles.faces(TOY)
    return home


@pytest.fixture
def home(album, tmp_path, monkeypatch) -> Path:
    """A copy of the album's home, in which MTCNN isn't there."""
    shutil.copytree(album, tmp_path / "home")
    monkeypatch.setenv("TCNSC_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(photos, "FaceFinder", None)
    return tmp_path / "home"


def never(*given, **options):
    raise AssertionError("this should not have been called")


def test_landmarks_of_photographs_are_in_pixels_of_the_crop(home):
    crops = profiles.faces(TOY)  # boxes of 32 of 64 pixels, enlarged to 42, from 11 on, resized to 32
    by_hand = ((16 + 32 * forge.TEMPLATE).round(2) - 11 + 0.5) * 32 / 42 - 0.5
    for part, people in (("train", 11), ("val", 3), ("test", 2)):
        assert crops.landmarks(part).shape == (2 * people, 5, 2)
        np.testing.assert_allclose(crops.landmarks(part), np.tile(by_hand, (2 * people, 1, 1)), atol=0.0051)
    assert list(crops.manifest[LANDMARKS]) == LANDMARKS


def test_predictions_are_kept_on_disk_and_read_back_equal(home, monkeypatch):
    first = predictions("model B", TOY)
    run, crops = experiments.train_experiment("model B", TOY), profiles.faces(TOY)
    assert list(first) == list(paper.CODECS) and len(first) == len(crops.labels("test"))
    for codec, p in first.items():
        np.testing.assert_array_equal(p, probabilities(run.detector, crops.images(codec, "test")))
    (path,) = run.folder.glob("predictions-*.csv")
    predictions.cache_clear()
    monkeypatch.setattr(training, "step", never)
    with monkeypatch.context() as patch:
        patch.setattr(experiments, "predict", never)
        patch.setattr(experiments, "train", never)
        pd.testing.assert_frame_equal(predictions("model B", TOY), first, check_exact=True)
    predictions.cache_clear()
    path.unlink()
    pd.testing.assert_frame_equal(predictions("model B", TOY), first, check_exact=True)  # from the same weights
    scores = experiments.scores("model B", TOY)
    assert scores.training.tolist() == ["model B"] * 5 and scores.codec.tolist() == list(paper.CODECS)
    assert (scores.n == 4).all() and (scores.seed == 0).all()


def test_the_untrained_probe_reads_the_f_that_model_a_starts_from(monkeypatch, noise, tmp_path):
    monkeypatch.setenv("TCNSC_HOME", str(tmp_path))
    monkeypatch.setattr(experiments, "faces", lambda p, quality="raw": noise[quality])
    read, begun, fit = [], [], training._fit

    def features(detector, images):
        read.append((detector.f.conv1.weight.clone(), images))
        return images.mean((1, 2, 3))[:, None]  # of this noise, enough to tell real from fake

    def remember(detector, *given):
        begun.append(detector.f.conv1.weight.clone())
        fit(detector, *given)

    monkeypatch.setattr(experiments, "features", features)
    monkeypatch.setattr(training, "_fit", remember)
    probed = [predictions(name, TOY) for name in (UNTRAINED, PROBE)]
    untrained, trained = read[0][0], read[6][0]
    assert len(begun) == 1 and torch.equal(untrained, begun[0]) and not torch.equal(trained, untrained)
    np.testing.assert_array_equal(read[0][1], noise["raw"].images("RAW", "train"))  # fitted on RAW alone
    for table in probed:
        assert ((table.T >= 0.5) == noise["raw"].labels("test")).all(axis=None)


# several at once

def test_an_unknown_name_is_refused_before_anything_is_made(monkeypatch):
    monkeypatch.setattr(experiments, "faces", never)
    for name in ("model C", "(LQ, RAW)", PROBE, "dual"):
        with pytest.raises(CompanionError, match="There is no experiment .*; choose one of"):
            train_all([(name, None)], TOY)


def test_two_runs_at_once_predict_as_one_after_the_other(home, tmp_path, monkeypatch):
    jobs, alone = [(DUAL, None), ("model B", 1), (DUAL, None)], tmp_path / "alone"
    shutil.copytree(home, alone)
    monkeypatch.setattr(experiments, "device", lambda: "cpu")
    monkeypatch.setattr(experiments, "cores", lambda: 2)
    with monkeypatch.context() as patch:
        patch.setattr(experiments, "train", never)  # but in processes of their own
        train_all(jobs, TOY)
        patch.setattr(experiments, "predictions", never)
        train_all(jobs, TOY)  # nothing is missing
    monkeypatch.setenv("TCNSC_HOME", str(alone))
    monkeypatch.setattr(experiments, "WORKERS", 1)
    train_all(jobs, TOY)
    ours, others = ({path.relative_to(root): path for path in sorted((root / "runs/toy").rglob("*.*"))}
                    for root in (home, alone))
    assert ours.keys() == others.keys() and len(ours) == 2 * 5
    seeds = {json.loads(path.read_text())["seed"] for name, path in ours.items() if name.name == "config.json"}
    assert seeds == {0, 1}
    for name, path in ours.items():
        if name.name != "environment.json":  # which has the seconds
            assert path.read_bytes() == others[name].read_bytes(), name
    weights = [load_file(path) for name, path in ours.items() if name.suffix == ".safetensors"]
    assert not torch.equal(weights[0]["f.conv1.weight"], weights[1]["f.conv1.weight"])


@pytest.mark.parametrize("name", [DUAL, JPEG, "model B", FOURTH])
def test_what_a_run_reads_is_compressed_before_workers_share_it(home, monkeypatch, name):
    experiments._fill_arrays([(name, None)], TOY)
    monkeypatch.setattr(FaceSet, "_fill", never)
    predictions(name, TOY)


def test_a_worker_that_is_killed_is_told_in_a_sentence(home, monkeypatch):
    class Killed(Future):
        def result(self):
            raise BrokenProcessPool

    monkeypatch.setattr(experiments, "device", lambda: "cpu")
    monkeypatch.setattr(experiments, "cores", lambda: 2)
    monkeypatch.setattr(experiments, "as_completed", lambda futures: [Killed()])
    with pytest.raises(CompanionError, match="^One of 2 trainings was ended from outside, most likely for want of memory"):
        train_all([("model B", None), ("model B", 1)], TOY)


def test_a_run_that_fails_is_told_without_waiting_for_the_others(home, monkeypatch):
    monkeypatch.setattr(experiments, "device", lambda: "cpu")
    monkeypatch.setattr(experiments, "cores", lambda: 2)
    patient, jobs = replace(TOY, schedule=replace(TOY.schedule, iterations=3000)), [("model B", None), ("model B", 1)]
    failing, other = (folder_of(*experiments._call(*job[:1], patient, job[1]))[0] for job in jobs)
    failing.mkdir(parents=True)
    (failing / "checkpoint.safetensors").write_bytes(b"damaged")
    with pytest.raises(CompanionError, match="is damaged"):
        train_all(jobs, patient)
    assert not multiprocessing.active_children() and not (other / "weights.safetensors").exists()
