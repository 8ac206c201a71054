"""Figure 6: azimuthally averaged power spectra of crops before and after compression (section 4.3).

`durall` is the definition that the paper's picture follows: Durall, Keuper and Keuper, "Watch Your
Up-Convolution", CVPR 2020, with the numbers of their published code
(cc-hpc-itwm/DeepFakeDetection), of 8-bit luma, as OpenCV reads it. `power` is the plain one, ours:
mean power of brightness (Rec. 709, not rounded), then decibel. Crops must be square; a spectrum may
be resized, a picture never is.
"""
from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline
from skimage.color import rgb2gray
from tqdm.auto import tqdm

from tcnsc_lib import CompanionError, paper
from tcnsc_lib.analysis import sample
from tcnsc_lib.faces.store import FaceSet

EACH = 100
POINTS = 300  # of a resized spectrum: theirs for FaceForensics++, whose faces come in many sizes
EPSILON = 1e-8
BANDS = ("low", "middle", "high")
CHANGES = tuple(f"{band}_change" for band in BANDS)
FLOOR = 1e-12  # of the power, so that a flat picture has a logarithm; rounding to 8 bits leaves 0.1


LUMA = np.array([9798, 19235, 3735])  # red, green, blue: .299, .587, .114 (ITU-R BT.601) x 2^15
LUMA_BITS = 15


def luma(image: np.ndarray) -> np.ndarray:
    """How bright pixels are, in 8 bits, as OpenCV has it: uint8 (..., 3) RGB -> uint8 (...).

    The integers of cv2.cvtColor(..., COLOR_RGB2GRAY): BT.601 weights, rounded. Pillow's
    convert("L") has 16 bits and differs by 1 in a pixel of 800.
    """
    weighted = image.astype(np.int64) @ LUMA
    half = 1 << (LUMA_BITS - 1)
    return ((weighted + half) >> LUMA_BITS).astype(np.uint8)


def _square(image: np.ndarray, axes: tuple[int, ...] = (3,)) -> np.ndarray:
    """The picture, if it is square and has so many axes. Raises CompanionError otherwise."""
    if image.ndim not in axes or image.shape[0] != image.shape[1]:
        raise CompanionError(
            f"A spectrum is taken of a square picture (S, S, 3), not of shape {image.shape}; "
            "cut it square first.")
    return image


def _centred(grey: np.ndarray) -> np.ndarray:
    """F of a grey picture, the zero frequency in the middle: (S, S) -> complex (S, S)."""
    return np.fft.fftshift(np.fft.fft2(grey))


def _by_radius(values: np.ndarray, centre: float) -> np.ndarray:
    """Mean of a square array over rings floor(distance from the centre) = 0, 1, 2, ... ."""
    y, x = np.indices(values.shape)
    ring = np.hypot(x - centre, y - centre).astype(int).ravel()
    return np.bincount(ring, values.ravel()) / np.bincount(ring)


def durall(image: np.ndarray, points: int | None = POINTS) -> np.ndarray:
    """Durall et al.'s 1D spectrum: uint8 (S, S, 3) -> float64 (points,), the first value 1.

    20 ln |F + 1e-8| of the 8-bit luma's centred transform, averaged *in the log domain* over
    integer rings around the array's middle (S - 1) / 2, half a sample off the zero frequency for an
    even S; without the innermost and the outermost ring (128 px leave 88), which reaches into the
    corners; cubic interpolation to `points` (None: as it is), divided by the first value.

    A picture of uint8 (S, S) is taken for luma as it is. They read files so, with
    cv2.imread(path, 0): of a JPEG file that is the Y stored there, from which `luma` of the decoded
    colours differs where a colour was cut off at 0 or 255.
    Raises CompanionError for a picture that isn't square.
    """
    grey = _square(image, (2, 3))
    if grey.ndim == 3:
        grey = luma(grey)
    level = 20 * np.log(np.abs(_centred(grey) + EPSILON))
    line = _by_radius(level, (len(level) - 1) / 2)[1:-1]
    if points is not None:
        spline = CubicSpline(np.linspace(0, 1, len(line)), line)
        line = spline(np.linspace(0, 1, points))
    return line / line[0]


def power(image: np.ndarray) -> np.ndarray:
    """The plain spectrum: uint8 (S, S, 3) -> mean power |F|^2 / S^2 on rings, in grey levels^2.

    Grey levels are brightness by Rec. 709, not rounded: rounding would add noise of its own.
    Rings of radius 0, 1, ... S // 2. Radius r is r cycles over the picture's side; ring 0 is the
    zero frequency alone, ring S // 2 the finest stripes that pixels can show. Corners beyond are
    left out. Raises CompanionError for a picture that isn't square.
    """
    grey = 255 * rgb2gray(_square(image))
    size = np.abs(_centred(grey))
    side = len(size)
    line = _by_radius(size**2 / side**2, side // 2)
    return line[: side // 2 + 1]


def bands(line: np.ndarray) -> np.ndarray:
    """Means over the low, middle and high third of the radii above 0: (R,) -> (3,).

    In dB where the line is.
    """
    return np.array([part.mean() for part in np.array_split(line[1:], len(BANDS))])


def figure6(crops: FaceSet, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spectra of 100 real and 100 fake test crops at each codec: the curves, and each crop's bands.

    Curves: label, codec, definition ("Durall", relative; "power", dB), radius as a share of the
    largest (Durall's reaches into the corners), mean and sd over crops.

    Bands: crop, unit, label, codec; low, middle, high: mean level in dB; low_change, middle_change,
    high_change: mean over radii of the absolute change against the same crop's RAW, in dB. A loss
    and a gain cancel in the level, not in the change.
    """
    chosen = sample(crops, EACH, seed)
    y = chosen.label.to_numpy()
    lines = {}
    for name in tqdm(paper.CODECS, desc="spectra"):
        lines[name] = _lines(crops.images(name, "test")[chosen.crop])
    curves = []
    rows = []
    for name, own in lines.items():
        curves += _curves(own, y, name)
        change = np.abs(own["power"] - lines["RAW"]["power"])
        rows.append(_bands(chosen.assign(codec=name), own["power"], change))
    return pd.concat(curves, ignore_index=True), pd.concat(rows, ignore_index=True).round(4)


def _lines(images: np.ndarray) -> dict[str, np.ndarray]:
    """Definition -> a spectrum a crop: (N, S, S, 3) -> (N, points) each; "power" in dB."""
    plain = np.array([power(image) for image in images])
    theirs = np.array([durall(image) for image in images])
    return {"Durall": theirs, "power": 10 * np.log10(plain + FLOOR)}


def _bands(rows: pd.DataFrame, level: np.ndarray, change: np.ndarray) -> pd.DataFrame:
    """Rows of crops with their bands: level and change, (N, R) in dB, a spectrum a row."""
    table = rows.copy()
    table[list(BANDS)] = np.array([bands(line) for line in level])
    table[list(CHANGES)] = np.array([bands(line) for line in change])
    return table


def _curves(lines: dict[str, np.ndarray], y: np.ndarray, name: str) -> list[pd.DataFrame]:
    """Mean and standard deviation over real and over fake crops of each definition's spectra."""
    out = []
    for definition, values in lines.items():
        radius = np.linspace(0, 1, values.shape[1])
        for label in (0, 1):
            these = values[y == label]
            curve = pd.DataFrame({"label": label, "codec": name, "definition": definition,
                                  "radius": radius})
            out.append(curve.assign(mean=these.mean(0), sd=these.std(0, ddof=1)))
    return out


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """`figure6`'s bands with each crop's own level on RAW taken off.

    The same columns without the rows of RAW.
    """
    raw = table[table.codec == "RAW"].set_index("crop")
    after = table[table.codec != "RAW"].reset_index(drop=True)
    own = {name: after.crop.map(raw[name]) for name in BANDS}
    return after.assign(**{name: after[name] - own[name] for name in BANDS})
