"""Every run behind every table and figure, by name; and the profiles, of which one word chooses one.

    TCNSC_PROFILE   demo (default), photos, photos-224, ffpp, ffpp-official
    TCNSC_SOURCE    where the photographs or FaceForensics++ lie, if not in data/<photos|ffpp>
    TCNSC_HOME      the folder that holds data/, runs/ and figures/; default: the checkout
    TCNSC_FIGURES   where tables and figures go, if not in figures/
"""
from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from torchvision.models import ResNet18_Weights

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.detectors.tcnsc import TCNSC
from tcnsc_lib.evaluation import evaluate, interval, predict
from tcnsc_lib.faces import ffpp, photos
from tcnsc_lib.faces.demo import Scale, make_demo
from tcnsc_lib.faces.store import FaceSet
from tcnsc_lib.training import Run, Schedule, device, train


@dataclass(frozen=True)
class Profile:
    """Source, sizes and schedule. The defaults are the paper's, and where it is silent those of `paper.OPEN`.

    name: files its faces, runs and figures. source: "demo", "photos" or "ffpp". size: pixels of a crop. enlarge: of
    MTCNN's box. frames: sampled a video. method, split: of FaceForensics++. bottleneck: of the swaps, pixels.
    width, width_z, lam: of `TCNSC`. weights: what f starts from, "random" or "imagenet" (torchvision's, downloaded once;
    width 64 only). seed: of the split, the swaps and the training.
    """

    name: str
    source: str
    size: int = 224
    enlarge: float = 1.3
    frames: int = 300
    method: str = "Deepfakes"
    split: str = "paper"
    bottleneck: int = 48
    width: int = 64
    width_z: int = 128
    lam: float = 1.0
    weights: str = "random"
    seed: int = 0
    schedule: Schedule = Schedule()


PROFILES = {profile.name: profile for profile in (
    Profile("demo", "demo", size=96, frames=8, split="official", width=16,
            schedule=Schedule(iterations=400, learning_rate=2e-3, precision="float32", validate=40)),
    Profile("photos", "photos", size=96, schedule=Schedule(iterations=800, learning_rate=1e-3, validate=100)),
    Profile("photos-224", "photos"),
    Profile("ffpp", "ffpp"),
    Profile("ffpp-official", "ffpp", split="official"))}
DEMO = Scale()


def profile(name: str | None = None) -> Profile:
    """The profile of that name; without one, that of the environment variable TCNSC_PROFILE, else demo."""
    name = name or os.environ.get("TCNSC_PROFILE") or "demo"
    if name not in PROFILES:
        raise CompanionError(f"There is no profile {name!r}; choose one of {', '.join(PROFILES)}.")
    return PROFILES[name]


def home() -> Path:
    """The folder that holds data/, runs/ and figures/."""
    return Path(os.environ.get("TCNSC_HOME") or Path(__file__).parent.parent)


def source_folder(p: Profile) -> Path:
    """Where this profile's videos or photographs lie."""
    if p.source != "demo" and os.environ.get("TCNSC_SOURCE"):
        return Path(os.environ["TCNSC_SOURCE"])
    return home() / "data" / p.source


def faces_folder(p: Profile) -> Path:
    """Where this profile's crops go."""
    return home() / "data" / "faces" / p.name


def clips(p: Profile, quality: str = "raw") -> list[ffpp.Video]:
    """The videos of a profile at a quality, each with its part; the demo's are rendered first if they aren't there."""
    if p.source == "photos":
        raise CompanionError(f"Profile {p.name} has photographs, no videos; choose demo or ffpp.")
    if p.source == "demo":
        make_demo(source_folder(p), DEMO)
    return ffpp.videos(source_folder(p), p.method, quality, p.split, p.seed)


def faces(p: Profile, quality: str = "raw") -> FaceSet:
    """The profile's crops at a video quality ("raw", "c23", "c40"); made, or completed, if they aren't there."""
    if p.source == "photos":
        if quality != "raw":
            raise CompanionError(f"Profile {p.name} has photographs, no {quality} videos; choose quality raw.")
        return photos.extract(source_folder(p), faces_folder(p), size=p.size, enlarge=p.enlarge,
                              bottleneck=p.bottleneck, seed=p.seed, device=device())
    found = clips(p, quality)
    settings = {"method": p.method, "split": p.split, "seed": p.seed}
    if p.source == "demo":
        settings |= asdict(DEMO)
    return ffpp.extract(found, faces_folder(p), quality, size=p.size, enlarge=p.enlarge, frames=p.frames,
                        settings=settings, device=device())


EXPERIMENTS = {paper.pair_name(pair): pair for pair in (*paper.PAIRS, ("HQ", "MQ"))} | {"model B": ("RAW",)}
"""Name -> the views that f sees: the four pairs of Table 1, the fourth pair of the literal reading of the training set
(`paper.CONTRADICTIONS`, 1), and the classifier alone, which fixes how hard the demo is."""


def train_experiment(name: str, p: Profile, seed: int | None = None) -> Run:
    """The run of an experiment at a profile; trained, or resumed, if it isn't there."""
    if name not in EXPERIMENTS:
        raise CompanionError(f"There is no experiment {name!r}; choose one of {', '.join(EXPERIMENTS)}.")
    shape = {"input_size": p.size, "width": p.width, "width_z": p.width_z, "lam": p.lam}
    start = {} if p.weights == "random" else {"weights": p.weights}
    return train(name, lambda: tcnsc(p), faces(p), EXPERIMENTS[name], p.schedule, home() / "runs" / p.name,
                 p.seed if seed is None else seed, {"detector": "TCNSC", "enlarge": p.enlarge, **shape, **start},
                 ("detectors/tcnsc.py",))


def tcnsc(p: Profile) -> TCNSC:
    """An untrained TCNSC of the profile's shape, f from random or ImageNet weights."""
    detector = TCNSC(p.size, p.width, p.width_z, p.lam)
    if p.weights == "imagenet":
        if p.width != 64:
            raise CompanionError(f"ImageNet weights exist for ResNet18 itself (width 64), not for width {p.width}; "
                                 "set weights to \"random\".")
        state = ResNet18_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
        detector.f.load_state_dict({key: value for key, value in state.items() if not key.startswith("fc.")})
    return detector


@cache
def predictions(name: str, p: Profile, seed: int | None = None) -> pd.DataFrame:
    """An experiment's p(fake) of every test crop (rows) on the five test sets (columns)."""
    return predict(train_experiment(name, p, seed).detector, faces(p), paper.CODECS)


def scores(name: str, p: Profile, seed: int | None = None) -> pd.DataFrame:
    """An experiment's `evaluation.evaluate` on the five test sets, with its name and seed."""
    table = evaluate(predictions(name, p, seed), faces(p)).reset_index()
    table.insert(0, "training", name)
    return table.assign(seed=p.seed if seed is None else seed)


def table1(p: Profile) -> pd.DataFrame:
    """Table 1, long form: four training pairs x five test sets, with the paper's accuracy in column "paper"."""
    table = pd.concat([scores(paper.pair_name(pair), p) for pair in paper.PAIRS], ignore_index=True)
    return table.assign(paper=[paper.TABLE1.loc[row.training, row.codec] for row in table.itertuples()])


def literal_table1(p: Profile) -> pd.DataFrame:
    """Table 1 with the training qualities as printed (HQ = 20, LQ = 80): the same networks under other names, but one.

    Test sets keep 80/50/20. (RAW, HQ) as printed is (RAW, LQ) of `table1` and the reverse; (LQ, MQ) is JPEG 80 and 50.
    """
    ours = {"(RAW, HQ)": "(RAW, LQ)", "(RAW, MQ)": "(RAW, MQ)", "(RAW, LQ)": "(RAW, HQ)", "(LQ, MQ)": "(HQ, MQ)"}
    table = pd.concat([scores(run, p).assign(training=printed) for printed, run in ours.items()], ignore_index=True)
    return table.assign(paper=[paper.TABLE1.loc[row.training, row.codec] for row in table.itertuples()])


CHOICES = (("lam", 10.0), ("lam", 100.0), ("final_lr_share", 1.0), ("flip", False))
"""What the paper leaves open and a training can tell: (setting, another value than the default)."""


def choices(p: Profile) -> pd.DataFrame:
    """(RAW, LQ) with one open choice changed at a time, and unchanged ("default", and with another seed): the scores."""
    rows = [scores("(RAW, LQ)", p).assign(setting="default", value=""),
            scores("(RAW, LQ)", p, p.seed + 1).assign(setting="seed", value=str(p.seed + 1))]
    for setting, value in CHOICES:
        change = {"schedule": replace(p.schedule, **{setting: value})} if hasattr(p.schedule, setting) else {setting: value}
        rows.append(scores("(RAW, LQ)", replace(p, **change)).assign(setting=setting, value=str(value)))
    return pd.concat(rows, ignore_index=True)


def wide(table: pd.DataFrame, value: str = "accuracy") -> pd.DataFrame:
    """Long form -> the paper's: a row a training pair, a column a test set, in the paper's order."""
    return table.pivot(index="training", columns="codec", values=value).loc[
        list(dict.fromkeys(table.training)), list(dict.fromkeys(table.codec))]


def table1_claims(p: Profile) -> pd.DataFrame:
    """The sentences of section 4.2.1 as differences of accuracy in points: the paper's, ours, a paired 95 % interval.

    "holds here" is yes or no where the whole interval says so, else "can't tell". The claim about one test set can be
    read two ways (a model over the qualities, or the models at one quality); both are there. Where best and worst are
    picked by the same crops, the difference is biased upwards. One seed.
    """
    names, y = [paper.pair_name(pair) for pair in paper.PAIRS], faces(p).labels("test")
    right = {name: (predictions(name, p) >= 0.5).eq(y, axis=0).astype(float) for name in (*names, "model B")}
    theirs = pd.concat([paper.TABLE1, paper.TABLE2.loc[["model B"]]])
    ours = pd.DataFrame({name: 100 * table.mean() for name, table in right.items()}).T
    rest = ours.loc[names].drop("(RAW, LQ)").mean(axis=1).idxmax()
    steepest, best, worst = (ours.RAW - ours.LQ)[names].idxmax(), ours.LQ[names].idxmax(), ours.LQ[names].idxmin()
    pairs, one = theirs.loc[names], "(RAW, LQ)"
    fall, their_fall = {name: table.RAW - table.LQ for name, table in right.items()}, theirs.RAW - theirs.LQ
    rows = [
        ("(RAW, LQ) is the best pair: its mean over the five test sets, less that of the best other pair", "above 0",
         pairs.mean(axis=1)[one] - pairs.drop(one).mean(axis=1).max(), right[one].mean(axis=1) - right[rest].mean(axis=1)),
        ("a model is right about as often at every quality: the largest loss from RAW to LQ", "at most the paper's",
         their_fall[names].max(), fall[steepest]),
        ("the models are right about equally often at one quality: best less worst at LQ", "at most the paper's",
         pairs.LQ.max() - pairs.LQ.min(), right[best].LQ - right[worst].LQ),
        ("similarity learning makes robust: what the classifier alone loses from RAW to LQ, less what (RAW, LQ) loses",
         "above 0", their_fall["model B"] - their_fall[one], fall["model B"] - fall[one])]
    units = faces(p).units("test")
    out = [(claim, rule, printed, 100 * values.mean(), *interval(values, units)) for claim, rule, printed, values in rows]
    claims = pd.DataFrame(out, columns=["claim, in points of accuracy", "holds if", "paper", "ours", "low", "high"])
    more = claims["holds if"] == "above 0"
    bound = claims.paper.where(~more, 0.0)
    above, below = claims.low > bound, claims.high < bound
    wanted, unwanted = above.where(more, below), below.where(more, above)
    return claims.assign(**{"holds here": np.select([wanted, unwanted], ["yes", "no"], "can't tell")})
