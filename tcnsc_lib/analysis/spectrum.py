"""Figure 6: azimuthally averaged power spectra of crops before and after compression (section 4.3).

`durall` is the definition that the paper's picture follows: Durall, Keuper and Keuper, "Watch Your Up-Convolution", CVPR
2020, with the numbers of their published code (cc-hpc-itwm/DeepFakeDetection). `power` is the plain one: mean power, then
decibel. Crops must be square; a spectrum may be resized, a picture never is.
"""
from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline
from skimage.color import rgb2gray
from tqdm.auto import tqdm

from tcnsc_lib import paper
from tcnsc_lib.analysis import sample
from tcnsc_lib.profiles import Profile, faces

EACH = 100
POINTS = 300  # of a resized spectrum: theirs for FaceForensics++, whose faces come in many sizes
EPSILON = 1e-8
BANDS = ("low", "middle", "high")
FLOOR = 1e-12  # of the power, so that a constant picture has a logarithm; 8-bit rounding alone leaves about 1e-1


def _grey(image: np.ndarray) -> np.ndarray:
    if image.ndim != 3 or image.shape[0] != image.shape[1]:
        raise ValueError(f"a spectrum is taken of a square picture (S, S, 3), not of shape {image.shape}")
    return 255 * rgb2gray(image)


def _by_radius(values: np.ndarray, centre: float) -> np.ndarray:
    """Mean of a square array over rings floor(distance from the centre) = 0, 1, 2, ... out to the corner."""
    y, x = np.indices(values.shape)
    ring = np.hypot(x - centre, y - centre).astype(int).ravel()
    return np.bincount(ring, values.ravel()) / np.bincount(ring)


def durall(image: np.ndarray, points: int | None = POINTS) -> np.ndarray:
    """Durall et al.'s 1D spectrum: uint8 (S, S, 3) -> float64 (points,), the first value 1.

    20 ln(|F| + 1e-8) of the grey picture's centred transform, averaged *in the log domain* over integer rings around
    the array's middle (S - 1) / 2, half a sample off the zero frequency for an even S; without the innermost and the
    outermost ring (128 px leave 88), which reaches into the corners; cubic interpolation to `points` (None: as it is),
    divided by the first value.
    """
    spectrum = np.fft.fftshift(np.fft.fft2(_grey(image)))
    line = _by_radius(20 * np.log(np.abs(spectrum) + EPSILON), (len(spectrum) - 1) / 2)[1:-1]
    if points is not None:
        line = CubicSpline(np.linspace(0, 1, len(line)), line)(np.linspace(0, 1, points))
    return line / line[0]


def power(image: np.ndarray) -> np.ndarray:
    """The plain spectrum: uint8 (S, S, 3) -> mean power |F|^2 / S^2 on rings of radius 0, 1, ... S // 2, in grey levels^2.

    Radius r is r cycles over the picture's side; ring 0 is the zero frequency alone, ring S // 2 the finest stripes
    that pixels can show. Corners beyond are left out.
    """
    grey = _grey(image)
    side = len(grey)
    return _by_radius(np.abs(np.fft.fftshift(np.fft.fft2(grey))) ** 2 / side**2, side // 2)[: side // 2 + 1]


def bands(line: np.ndarray) -> np.ndarray:
    """Means over the low, middle and high third of the radii above 0: (R,) -> (3,). In dB where the line is."""
    return np.array([part.mean() for part in np.array_split(line[1:], 3)])


def figure6(p: Profile) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spectra of 100 real and 100 fake test crops at each codec: the curves, and the bands of each crop.

    Curves: label, codec, definition ("Durall", relative; "power", dB), radius as a share of the largest (Durall's reaches
    into the corners), mean and sd over crops. Bands: crop, unit, label, codec; low, middle, high: mean level in dB;
    low_change, middle_change, high_change: mean over radii of the absolute change against the same crop's RAW, in dB. A
    loss and a gain cancel in the level, not in the change.
    """
    crops, curves, rows = faces(p), [], []
    chosen = sample(crops, EACH, p.seed)
    for name in tqdm(paper.CODECS, desc="spectra"):
        images = crops.images(name, "test")[chosen.crop]
        lines = {"Durall": np.array([durall(image) for image in images]),
                 "power": 10 * np.log10(np.array([power(image) for image in images]) + FLOOR)}
        if name == "RAW":
            raw = lines["power"]
        both = (lines["power"], np.abs(lines["power"] - raw))
        level, change = (np.array([bands(line) for line in values]).T for values in both)
        rows.append(chosen.assign(codec=name, **dict(zip(BANDS, level, strict=True)),
                                  **{f"{band}_change": values for band, values in zip(BANDS, change, strict=True)}))
        for definition, values in lines.items():
            for label in (0, 1):
                these = values[chosen.label.to_numpy() == label]
                curves.append(pd.DataFrame({"label": label, "codec": name, "definition": definition,
                                            "radius": np.linspace(0, 1, these.shape[1]), "mean": these.mean(0),
                                            "sd": these.std(0, ddof=1)}))
    return pd.concat(curves, ignore_index=True), pd.concat(rows, ignore_index=True).round(4)


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """`figure6`'s bands with each crop's own level on RAW taken off: the same columns without the rows of RAW."""
    raw = table[table.codec == "RAW"].set_index("crop")[list(BANDS)]
    after = table[table.codec != "RAW"].reset_index(drop=True)
    return after.assign(**{name: after[name] - after.crop.map(raw[name]) for name in BANDS})
