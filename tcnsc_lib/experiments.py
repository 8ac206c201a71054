"""Every run behind every table and figure, by name.

An Experiment says which detector is trained, on which views of which crops; the profile says on whose faces, and how long.
Baselines keep their authors' sizes and schedules (AUTHORS) and see as many crops as TCNSC does, but for what CUTS says.
"""
from __future__ import annotations

import inspect
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from threading import RLock

import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torchvision.models import ResNet18_Weights
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError, paper, training
from tcnsc_lib.codecs import RANDOM_JPEG, versions
from tcnsc_lib.detectors import Detector, imagenet_weights
from tcnsc_lib.detectors.capsule import Capsule
from tcnsc_lib.detectors.fwa import DSPFWA, FWA
from tcnsc_lib.detectors.mesonet import Meso4, MesoInception4
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.detectors.xception import Xception
from tcnsc_lib.evaluation import evaluate, features, predict
from tcnsc_lib.files import code_digest, digest, write_text
from tcnsc_lib.machine import cores, threads
from tcnsc_lib.profiles import Profile, faces, home
from tcnsc_lib.training import Run, Schedule, device, train

DETECTORS = {"TCNSC": TCNSC, "Xception": Xception, "MesoInception": MesoInception4, "Meso4": Meso4, "Capsule": Capsule,
             "FWA": FWA, "DSP-FWA": DSPFWA}
MODULES = {"TCNSC": ("tcnsc",), "Xception": ("xception",), "MesoInception": ("mesonet",), "Meso4": ("mesonet",),
           "Capsule": ("capsule",), **dict.fromkeys(("FWA", "DSP-FWA"), ("fwa", "tcnsc", "../faces/forge"))}


@dataclass(frozen=True)
class Experiment:
    """A detector and what it is trained on.

    views: codecs of X, or of X and X'. arguments: of the detector, where they aren't the profile's. quality: of the videos
    that the training crops are cut from.
    """

    views: tuple[str, ...]
    detector: str = "TCNSC"
    arguments: dict = field(default_factory=dict)
    quality: str = "raw"


MODEL_A, PROBE, UNTRAINED = "model A", "model A, linear probe", "untrained f, linear probe"
DUAL, AUGMENTED, JPEG = "(RAW, LQ)", "(i) both views, no similarity", "(ii) random JPEG, no similarity"
BOTH, ON_H, UNCOMPARED = "(iii) dual, both views classified", "(iv) dual, similarity on h", "(v) dual, nothing compared"
CONTROLS = {  # of Table 2; the paper has none
    AUGMENTED: Experiment(("RAW", "LQ"), arguments={"classified": "both", "lam": 0.0}),
    JPEG: Experiment(("RAW", RANDOM_JPEG), arguments={"classified": "both", "lam": 0.0}),
    BOTH: Experiment(("RAW", "LQ"), arguments={"classified": "both"}),
    ON_H: Experiment(("RAW", "LQ"), arguments={"compared": "h"}),
    UNCOMPARED: Experiment(("RAW", "LQ"), arguments={"lam": 0.0})}  # twins reach batch statistics alone
EXPERIMENTS = {
    # Table 1; and the fourth pair of the literal reading of the training set (`paper.CONTRADICTIONS`, 1)
    **{paper.pair_name(pair): Experiment(pair) for pair in (*paper.PAIRS, ("HQ", "MQ"))},
    # Table 2, whose dual model is (RAW, LQ)
    MODEL_A: Experiment(("RAW", "LQ"), arguments={"classified": "none"}),
    "model B": Experiment(("RAW",), arguments={"lam": 0.0}),
    **CONTROLS,
    # Table 3, whose TCNSC is (RAW, LQ)
    **{f"Xception-{q.upper()}": Experiment(("RAW",), "Xception", quality=q) for q in ("raw", "c23", "c40")},
    **{name: Experiment(("RAW",), name) for name in ("MesoInception", "Meso4", "Capsule", "FWA", "DSP-FWA")}}
SEEDED = (DUAL, "model B", AUGMENTED, ON_H, UNCOMPARED)
"""Trained from several seeds (`Profile.seeds`)."""

AUTHORS = {
    "Xception": {"batch_size": 32, "learning_rate": 2e-4, "final_lr_share": 1.0},
    "MesoInception": {"batch_size": 75, "learning_rate": 1e-3, "final_lr_share": 1.0},
    "Meso4": {"batch_size": 75, "learning_rate": 1e-3, "final_lr_share": 1.0},
    "Capsule": {"batch_size": 100, "learning_rate": 5e-4, "final_lr_share": 1.0},
    "FWA": {"optimizer": "sgd", "learning_rate": 1e-3, "final_lr_share": 0.95**20},
    "DSP-FWA": {"optimizer": "sgd", "learning_rate": 1e-3, "final_lr_share": 0.95**20}}
"""The baselines' own schedules, as far as their authors tell; how long is TCNSC's: as many crops as it sees."""

SCRATCH = {"optimizer": "adam", "final_lr_share": 0.1}  # plain SGD at 1e-3 fine-tunes; from nothing, it learns nothing here
CUTS: dict[str, dict[str, dict]] = {
    "demo": {
        "Xception": {"input_size": 96, "width": 8, "middle": 2, "learning_rate": 1e-3, "iterations": 200},
        "MesoInception": {"input_size": 96, "momentum": 0.1, "iterations": 150},
        "Meso4": {"input_size": 96, "momentum": 0.1},
        "Capsule": {"input_size": 96, "width": 16, "iterations": 128},
        "FWA": {"input_size": 96, "width": 8, "learning_rate": 2e-3, "iterations": 300, "validate": 150, **SCRATCH},
        "DSP-FWA": {"input_size": 96, "width": 8, "learning_rate": 2e-3, "iterations": 300, "validate": 150, **SCRATCH}},
    "photos": {
        "Xception": {"input_size": 96, "width": 16, "learning_rate": 1e-3},
        "MesoInception": {"input_size": 96, "momentum": 0.1},
        "Meso4": {"input_size": 96, "momentum": 0.1},
        "Capsule": {"input_size": 96},
        "FWA": {"input_size": 96, "width": 32, "learning_rate": 1e-3, **SCRATCH},
        "DSP-FWA": {"input_size": 96, "width": 32, "learning_rate": 1e-3, **SCRATCH}}}
"""Profile -> baseline -> what two processor cores demand otherwise than the authors have it."""


def setup(name: str, p: Profile) -> tuple[Experiment, dict, Schedule]:
    """An experiment, the arguments of its detector, and its schedule at a profile."""
    if name not in EXPERIMENTS:
        raise CompanionError(f"There is no experiment {name!r}; choose one of {', '.join(EXPERIMENTS)}.")
    experiment = EXPERIMENTS[name]
    if experiment.detector == "TCNSC":
        arguments = {"input_size": p.size, "width": p.width, "width_z": p.width_z, "lam": p.lam} | experiment.arguments
        return experiment, arguments, p.schedule
    cuts = CUTS.get(p.name, {}).get(experiment.detector, {})
    timing = {key: value for key, value in (AUTHORS[experiment.detector] | cuts).items() if hasattr(p.schedule, key)}
    size = timing.get("batch_size", p.schedule.batch_size)
    schedule = replace(p.schedule, iterations=p.schedule.iterations * p.schedule.batch_size // size)
    arguments = {key: value for key, value in cuts.items() if key not in timing}
    takes = inspect.signature(DETECTORS[experiment.detector]).parameters
    if p.pretrained and "pretrained" in takes:
        arguments["pretrained"] = True
    if "enlarge" in takes:
        arguments["enlarge"] = p.enlarge
    return experiment, arguments, replace(schedule, **timing)


def train_experiment(name: str, p: Profile, seed: int | None = None) -> Run:
    """The run of an experiment at a profile; trained, or resumed, if it isn't there."""
    return train(*_call(name, p, seed))


def _call(name: str, p: Profile, seed: int | None) -> tuple:
    """The arguments of `training.train` for an experiment."""
    experiment, arguments, schedule = setup(name, p)
    crops, views = _crops(experiment, p)
    config = {"detector": experiment.detector, "arguments": arguments, "enlarge": p.enlarge}
    imagenet = experiment.detector == "TCNSC" and p.weights != "random"
    if imagenet:
        config["weights"] = p.weights

    def make() -> Detector:
        detector = DETECTORS[experiment.detector](**arguments)
        return _from_imagenet(detector) if imagenet else detector

    return (name, make, crops, views, schedule, home() / "runs" / p.name, p.seed if seed is None else seed, config,
            tuple(f"detectors/{module}.py" for module in MODULES[experiment.detector]))


def _crops(experiment: Experiment, p: Profile):
    """The faces an experiment trains on, and their views.

    Photographs have no c23 video: each crop goes through that codec as a clip of one frame.
    """
    if p.source == "photos" and experiment.quality != "raw":
        return faces(p), (experiment.quality.upper(),)
    return faces(p, experiment.quality), experiment.views


def tcnsc(p: Profile) -> TCNSC:
    """An untrained TCNSC of the profile's shape, f from random or ImageNet weights."""
    detector = TCNSC(p.size, p.width, p.width_z, p.lam)
    return detector if p.weights == "random" else _from_imagenet(detector)


def _from_imagenet(detector: TCNSC) -> TCNSC:
    if detector.f.features != 512:
        raise CompanionError(f"ImageNet weights exist for ResNet18 itself (width 64), not for width "
                             f"{detector.f.features // 8}; set weights to \"random\".")
    state = imagenet_weights("ResNet18", ResNet18_Weights.IMAGENET1K_V1.url)
    detector.f.load_state_dict({key: value for key, value in state.items() if not key.startswith("fc.")})
    return detector


def train_all(jobs: list[tuple[str, int | None]], p: Profile) -> None:
    """Train what is missing of these (experiment, seed) and keep their predictions; several runs at once on a CPU.

    A run takes one core, so its numbers don't depend on how many there are.
    """
    for name, _ in jobs:
        setup(name, p)  # an unknown name is told before anything is made
    jobs = [(name, None if seed == p.seed else seed) for name, seed in jobs]
    missing = [job for job in dict.fromkeys(jobs) if not _predicted(job[0], p, job[1]).exists()]
    workers = min(len(missing), cores(), WORKERS)
    if device() == "cuda" or workers < 2:
        for job in missing:
            predictions(job[0], p, job[1])
        return
    _fill_arrays(missing, p)
    context = multiprocessing.get_context("spawn")
    lines, others = context.Queue(), set(multiprocessing.active_children())
    for line in range(workers):
        lines.put(line)
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(lines,)) as pool:
        futures = [pool.submit(predictions, name, p, seed) for name, seed in missing]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException as error:  # told at once, and last on the screen: the other runs resume another time
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            print("\n" * workers, end="", file=sys.stderr)
            if isinstance(error, BrokenProcessPool):
                raise CompanionError(f"One of {workers} trainings was ended from outside, most likely for want of memory "
                                     "(each takes about 2 GB); the same command goes on where they were, and `taskset -c 0` "
                                     "before it trains one at a time.") from error
            raise


WORKERS = 8  # runs at once at most; each takes about 2 GB


def _begin(lines) -> None:
    """In each worker: one thread, a line of its own for the progress bar, no time for clearing memory that is overwritten."""
    torch.set_num_threads(1)
    torch.utils.deterministic.fill_uninitialized_memory = False
    training.BAR = lines.get()
    tqdm.set_lock(RLock())  # its own would be one between processes, which a worker that is stopped leaves behind


def _fill_arrays(jobs: list[tuple[str, int | None]], p: Profile) -> None:
    """Compress all crops that these runs read before workers share them."""
    for name, _ in jobs:
        crops, views = _crops(EXPERIMENTS[name], p)
        kept = ["RAW" if view == RANDOM_JPEG else view for view in views]  # which is compressed anew for each batch
        twin = views[1] if len(views) > 1 and views[1] != RANDOM_JPEG else "LQ"  # of the validation crops that are watched
        for split, needed in (("train", kept), ("val", [views[0], twin])):
            for view in needed:
                crops.images(view, split)
    for codec in paper.CODECS:
        faces(p).images(codec, "test")


def _predicted(name: str, p: Profile, seed: int | None = None) -> Path:
    """The file in the run's folder that keeps its test predictions; named after all that they depend on beside the run."""
    folder = training.folder_of(*_call(name, p, seed))[0]
    key = digest(faces(p).fingerprint, versions(), code_digest("codecs.py", "evaluation.py"))
    return folder / f"predictions-{key}.csv"


@cache
def predictions(name: str, p: Profile, seed: int | None = None) -> pd.DataFrame:
    """An experiment's p(fake) of every test crop (rows) on the five test sets (columns); computed once, then read."""
    if name in (PROBE, UNTRAINED):
        return probed(name, p)
    path = _predicted(name, p, seed)
    if not path.exists():
        run = train_experiment(name, p, seed)
        with threads(1):
            table = predict(run.detector, faces(p), paper.CODECS)
        write_text(path, table.to_csv(index=False))
    return pd.read_csv(path)


def right(name: str, p: Profile, seed: int | None = None) -> pd.DataFrame:
    """1.0 where an experiment is right, 0.0 where it is wrong: test crops x test sets."""
    return (predictions(name, p, seed) >= 0.5).eq(faces(p).labels("test"), axis=0).astype(float)


def probed(name: str, p: Profile) -> pd.DataFrame:
    """p(fake) by a linear probe: logistic regression on the frozen h of RAW training crops, standardised.

    name: PROBE, on model A's f, or UNTRAINED, on the random f that it started from: what training added is the difference.
    """
    torch.manual_seed(p.seed)
    detector = train_experiment(MODEL_A, p).detector if name == PROBE else tcnsc(p).to(device())
    crops = faces(p)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    with threads(1):
        probe.fit(features(detector, crops.images("RAW", "train")), crops.labels("train"))
        return pd.DataFrame({codec: probe.predict_proba(features(detector, crops.images(codec, "test")))[:, 1]
                             for codec in paper.CODECS})


def scores(name: str, p: Profile, seed: int | None = None) -> pd.DataFrame:
    """An experiment's `evaluation.evaluate` on the five test sets, with its name and seed."""
    table = evaluate(predictions(name, p, seed), faces(p)).reset_index()
    table.insert(0, "training", name)
    return table.assign(seed=p.seed if seed is None else seed)
