"""The steps of `tcnsc` about faces: make them, check their videos, ask a detector about them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError, paper, profiles
from tcnsc_lib.codecs import codec
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.published import load_published
from tcnsc_lib.detectors.registry import DETECTORS
from tcnsc_lib.evaluation import evaluate, probabilities
from tcnsc_lib.evaluation import predict as log_odds
from tcnsc_lib.faces import ffpp, splits
from tcnsc_lib.faces.clips import Video
from tcnsc_lib.faces.detect import FaceFinder, crop
from tcnsc_lib.faces.store import open_image
from tcnsc_lib.faces.video import audit_crf
from tcnsc_lib.files import read_json
from tcnsc_lib.training.run import load


def demo(arguments) -> None:
    """Render the demo's videos if they aren't there."""
    p = profiles.profile("demo")
    clips = profiles.source(p).clips("raw")
    print(f"{len(clips)} videos in {profiles.source_folder(p)}")


def faces(arguments) -> None:
    """Make a profile's crops if they aren't there; count them, and those that were missed."""
    crops = profiles.faces(profiles.profile(arguments.profile), arguments.quality)
    counts = crops.manifest.groupby(["split", "label"], sort=False).size().unstack()
    counts = counts.rename(columns={0: "real", 1: "fake"})
    print(f"{len(crops)} crops of {crops.size} px in {crops.root}\n{counts.to_string()}")
    if len(crops.missed):
        reasons = crops.missed.groupby("method").reason.value_counts().head(10)
        print(f"{len(crops.missed)} missed, listed in {crops.root / 'missed.csv'}:")
        print(reasons.to_string())


# a profile's videos

def audit(arguments) -> None:
    """What a copy of FaceForensics++ lacks, what leaks between its parts, its true qualities."""
    p = profiles.profile(arguments.profile)
    source = profiles.source(p)
    root = profiles.source_folder(p)
    if not _qualities(root):
        source.clips("raw")  # renders the demo, or says what isn't there
    clips = {quality: source.clips(quality) for quality in _qualities(root)}
    for quality in clips:
        print(f"\n{quality}\n{ffpp.missing(root, p.method, quality).to_string(index=False)}")
        print("crf found in the streams:", _true_qualities(root, p.method, quality))
    first = next(iter(clips.values()))
    print(f"\nsplit: {p.split}\n{splits.audit(_manifest(first)).to_string()}")


def _qualities(root: Path) -> list[str]:
    """The qualities at which there are videos of real people."""
    return [quality for quality in ffpp.QUALITIES if _videos(root, "original", quality)]


def _videos(root: Path, method: str, quality: str) -> list[Path]:
    return list(ffpp.folder(root, method, quality).glob("*.mp4"))


def _true_qualities(root: Path, method: str, quality: str) -> dict:
    """crf that a stream was encoded with (NaN: it doesn't say) -> number of videos."""
    paths = _videos(root, "original", quality) + _videos(root, method, quality)
    found = [audit_crf(path) for path in tqdm(paths, desc="reading streams", leave=False)]
    return pd.Series(found).value_counts(dropna=False).to_dict()


def _manifest(clips: list[Video]) -> pd.DataFrame:
    """A row a video, in the columns that `splits.audit` reads."""
    columns = ("video", "method", "split", "label", "identity", "source")
    rows = [(clip.name, clip.method, clip.split, clip.label, clip.identity, clip.source)
            for clip in clips]
    return pd.DataFrame(rows, columns=columns)


# a detector and a picture

def predict(arguments) -> None:
    """p(fake) of a picture's main face, from a trained run."""
    config = _config(arguments.run)
    shape = dict(config["arguments"])
    if "pretrained" in shape:
        shape["pretrained"] = False  # the run's own weights come next
    detector = DETECTORS[config["detector"]](**shape)
    run = load(arguments.run.resolve(), detector)
    _of_picture(run.detector, arguments.image, config["enlarge"])


def _config(folder: Path) -> dict:
    """What a run's folder says of its detector. Raises CompanionError where it can't be read."""
    path = folder / "config.json"
    if not path.exists():
        raise CompanionError(f"{folder} holds no run (config.json is missing); `tcnsc train` "
                             "prints the folder.")
    config = read_json(path)
    lost = [key for key in ("detector", "arguments", "enlarge") if key not in config]
    if lost:
        raise CompanionError(f"{path} lacks {', '.join(lost)}; it is no run of this library.")
    if config["detector"] not in DETECTORS:
        raise CompanionError(f"{path} names a detector {config['detector']!r}, which there isn't; "
                             "restore the file.")
    return config


def _of_picture(detector: Detector, path: Path, enlarge: float) -> None:
    """Print p(fake) of a picture's main face after each codec."""
    image = open_image(path)
    found = FaceFinder()(image[None])
    if np.isnan(found.probabilities[0]):
        raise CompanionError(f"No face was found in {path}; give a picture with one clear face.")
    face = crop(image, found.boxes[0], detector.input_size, enlarge)
    for name in paper.CODECS:
        compressed = codec(name)(face)
        p = probabilities(detector, compressed[None])[0]
        print(f"{name:5s} p(fake) = {p:.3f}")


def published(arguments) -> None:
    """A detector with its authors' weights, on a picture or on a profile's test faces."""
    detector = load_published(arguments.name, arguments.weights)
    if arguments.image:
        _of_picture(detector, arguments.image, profiles.Profile.enlarge)
        return
    p = profiles.profile(arguments.profile)
    crops = profiles.faces(p)
    scores = expit(log_odds(detector, crops, paper.CODECS))
    table = evaluate(scores, crops.labels("test"), crops.units("test"))
    print(f"{arguments.name}, weights {arguments.weights}, faces {p.name} (n = {table.n.iloc[0]})")
    percent = 100 * table[["accuracy", "low", "high", "auc", "eer"]]
    print(percent.round(1).to_string())
