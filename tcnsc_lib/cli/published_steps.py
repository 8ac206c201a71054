"""The step of `tcnsc` that asks detectors with their authors' own weights."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.special import expit

from tcnsc_lib import CompanionError, paper, profiles
from tcnsc_lib.asking.given import Cut, faces_in
from tcnsc_lib.codecs import codec
from tcnsc_lib.detectors import Detector
from tcnsc_lib.detectors.outputs import predict as log_odds
from tcnsc_lib.detectors.outputs import probabilities
from tcnsc_lib.detectors.published import load_published
from tcnsc_lib.detectors.views import authors_view
from tcnsc_lib.evaluation import evaluate
from tcnsc_lib.faces.detect import FaceFinder
from tcnsc_lib.faces.opening import open_image

PUBLISHED_LIMIT = (
    "it knows its authors' forgeries alone; p(fake) is no chance that a picture is forged."
)
LONGEST = 16383  # pixels of a side in WebP


# ---------------------------------------------------------------- a picture

def _main_face(image: np.ndarray, path: Path, cut: Cut) -> tuple[np.ndarray, str]:
    """The crop that is judged, uint8 (S, S, 3), and which face it is, in words."""
    found = faces_in(image, path, FaceFinder(), cut)
    if not found:
        raise CompanionError(f"No face was found in {path}; give a picture with one clear face.")
    x0, y0, x1, y1 = (round(float(edge)) for edge in found[0].box)
    place = f"at x {x0} to {x1}, y {y0} to {y1} px"
    where = f"the only one found, {place}"
    if len(found) > 1:
        where = (f"the largest and central of {len(found)}, {place}; cut the picture to "
                 "judge another")
    return found[0].crop, where


def _tell_picture(path: Path, image: np.ndarray) -> None:
    height, width = image.shape[:2]
    print(f"picture: {path}, {width} x {height} px as displayed")


def _tell(detector: Detector, after: Callable[[str], np.ndarray]) -> None:
    """Print p(fake) at each codec; after: a codec's name -> uint8 (S, S, 3)."""
    for name in paper.CODECS:
        [p] = probabilities(detector, after(name)[None])
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
        face, where = _main_face(image, arguments.image, Cut(detector.input_size, enlarge))
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
