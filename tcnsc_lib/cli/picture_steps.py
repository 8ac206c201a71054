"""The steps of `tcnsc` that ask a detector: a run about a picture, authors' weights about faces."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.special import expit

from tcnsc_lib import CompanionError, paper, profiles
from tcnsc_lib.codecs import codec
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.outputs import predict as log_odds
from tcnsc_lib.detectors.outputs import probabilities
from tcnsc_lib.detectors.published import load_published
from tcnsc_lib.detectors.registry import DETECTORS
from tcnsc_lib.detectors.views import authors_view
from tcnsc_lib.evaluation import evaluate
from tcnsc_lib.faces.detect import FaceFinder, crop
from tcnsc_lib.faces.opening import open_image
from tcnsc_lib.training.run import load
from tcnsc_lib.training.stored import CONFIG, Config, read_config

# Source of a profile -> what its faces are, and how far what a run has learned of them reaches.
FACES = {
    "demo": "rendered faces",
    "photos": "photographs with swaps made here",
    "pictures": "labelled pictures that were given",
    "ffpp": "faces of FaceForensics++",
}
LIMITS = {
    "demo": "a demo run knows rendered faces alone; on photographs its p(fake) means nothing.",
    "photos": "it knows such swaps alone; p(fake) is no chance that a picture is forged, and of "
    "other forgeries it means little.",
    "pictures": "it knows such pictures alone, and may know them by their files instead of their "
    "faces (`tcnsc audit`); of other forgeries and cameras p(fake) means little.",
    "ffpp": "it knows one kind of forgery alone; p(fake) is no chance that a picture is forged, "
    "and of other forgeries and cameras it means little.",
}
UNKNOWN = "nothing is known here of its faces, so p(fake) means nothing."
PUBLISHED_LIMIT = (
    "it knows its authors' forgeries alone; p(fake) is no chance that a picture is forged."
)
LONGEST = 16383  # pixels of a side in WebP


# ---------------------------------------------------------------- a run

def predict(arguments) -> None:
    """p(fake) of a picture's main face from a trained run, and what both are."""
    folder = arguments.run.expanduser().resolve()
    if not (folder / CONFIG).exists():
        raise CompanionError(f"{arguments.run} holds no run ({CONFIG} is missing); `tcnsc train` "
                             "prints the folder.")
    config = read_config(folder)
    detector = load(folder, _untrained(config, folder)).detector
    image = open_image(arguments.image)
    face, where = _main_face(image, arguments.image, detector.input_size, config.enlarge)
    source = _source(config.profile)
    trained = FACES.get(source, "faces that aren't known here")
    print(f"run: {folder}")
    print(f"detector: {config.detector}, trained as {config.experiment} on {trained} "
          f"(profile {config.profile})")
    _tell_picture(arguments.image, image)
    print(f"face: {where}")
    print(f"limits: {LIMITS.get(source, UNKNOWN)}")
    _tell(detector, _cropped(face))


def _source(profile: str) -> str:
    """Where the faces of a profile come from, a key of FACES; "" where it isn't known."""
    known = profiles.named(profile)
    return known.source if known else ""


def _untrained(config: Config, folder: Path) -> Detector:
    """The detector of a run, without its weights."""
    if config.detector not in DETECTORS:
        raise CompanionError(f"{folder / CONFIG} names a detector {config.detector!r}, which there "
                             "isn't; restore the file.")
    shape = dict(config.arguments)
    if "pretrained" in shape:
        shape["pretrained"] = False  # the run's own weights come next
    try:
        return DETECTORS[config.detector](**shape)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CompanionError(f"{folder / CONFIG} holds arguments that a {config.detector} can't "
                             f"have ({error}); restore the file.") from error


# ---------------------------------------------------------------- a picture

def _main_face(
    image: np.ndarray, path: Path, size: int, enlarge: float
) -> tuple[np.ndarray, str]:
    """The crop that is judged, uint8 (size, size, 3), and which face it is, in words."""
    [faces] = FaceFinder().all(image[None])
    if not len(faces.boxes):
        raise CompanionError(f"No face was found in {path}; give a picture with one clear face.")
    box = faces.boxes[0]
    x0, y0, x1, y1 = (round(float(edge)) for edge in box)
    place = f"at x {x0} to {x1}, y {y0} to {y1} px"
    where = f"the only one found, {place}"
    if len(faces.boxes) > 1:
        where = (f"the largest and central of {len(faces.boxes)}, {place}; cut the picture to "
                 "judge another")
    return crop(image, box, size, enlarge), where


def _tell_picture(path: Path, image: np.ndarray) -> None:
    height, width = image.shape[:2]
    print(f"picture: {path}, {width} x {height} px as displayed")


def _tell(detector: Detector, after: Callable[[str], np.ndarray]) -> None:
    """Print p(fake) at each codec; after: a codec's name -> uint8 (S, S, 3)."""
    for name in paper.CODECS:
        p = probabilities(detector, after(name)[None])[0]
        if not np.isfinite(p):
            raise CompanionError(f"The detector gives no number for this picture at {name}; its "
                                 "weights are damaged, so get them again.")
        print(f"{name:5s} p(fake) = {p:.3f}")


# ---------------------------------------------------------------- authors' weights

def published(arguments) -> None:
    """A detector with its authors' weights, on a picture or on a profile's test faces."""
    if arguments.whole and not arguments.image:
        raise CompanionError("--whole is about a picture; name it with --image.")
    detector = load_published(arguments.name, arguments.weights)
    if arguments.image:
        _published_on_picture(detector, arguments)
        return
    p = profiles.profile(arguments.profile, arguments.method)
    crops = profiles.faces(p)
    scores = expit(log_odds(detector, crops, paper.CODECS))
    table = evaluate(scores, crops.labels("test"), crops.units("test"))
    print(f"{arguments.name}, weights {arguments.weights}, faces {p.name} (n = {table.n.iloc[0]})")
    percent = 100 * table[["accuracy", "low", "high", "auc", "eer"]]
    print(percent.round(1).to_string())
    for note in p.notes:
        print(note)


def _published_on_picture(detector: Detector, arguments) -> None:
    image = open_image(arguments.image)
    view = authors_view(detector)
    lines = [f"protocol: {view.words}, as its authors feed pictures"]
    after = _whole(image, view.resize, arguments.image)
    if not arguments.whole:
        enlarge = profiles.Profile.enlarge
        face, where = _main_face(image, arguments.image, detector.input_size, enlarge)
        lines = [
            f"face: {where}",
            f"protocol: MTCNN's box, {enlarge} times as large, resized with Lanczos, which isn't "
            f"the authors'; --whole feeds {view.words}, as they do",
        ]
        after = _cropped(face)
    print(f"detector: {arguments.name} with the weights {arguments.weights}")
    _tell_picture(arguments.image, image)
    print(*lines, sep="\n")
    print(f"limits: {PUBLISHED_LIMIT}")
    _tell(detector, after)


def _cropped(face: np.ndarray) -> Callable[[str], np.ndarray]:
    """Codec -> the crop compressed."""
    return lambda name: codec(name)(face)


def _whole(
    image: np.ndarray, resize: Callable[[np.ndarray], np.ndarray], path: Path
) -> Callable[[str], np.ndarray]:
    """Codec -> the picture compressed as it is, then resized: uint8 (S, S, 3)."""
    if max(image.shape) > LONGEST:
        raise CompanionError(f"{path} has a side of {max(image.shape)} px, and WebP takes "
                             f"{LONGEST}; make it smaller.")
    return lambda name: resize(codec(name)(image))
