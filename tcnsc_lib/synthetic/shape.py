"""Shape of the head: an ellipsoid whose width follows the jaw line, with a relief along z.

Lengths are in head units (see `people`).
"""

from __future__ import annotations

import numpy as np

from tcnsc_lib.synthetic.people import Person

F = np.float32


def smooth(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """Smoothstep from 0 at `low` to 1 at `high` (`low` may exceed `high`)."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def bell(x: np.ndarray, width: float | np.ndarray) -> np.ndarray:
    """Gaussian bump of height 1 at 0."""
    return np.exp(-((x / width) ** 2))


def bump(x: np.ndarray, y: np.ndarray, cx: float, cy: float, sx: float, sy: float) -> np.ndarray:
    """Gaussian bump of height 1 at (cx, cy)."""
    across = (x - cx) / sx
    down = (y - cy) / sy
    return np.exp(-(across**2 + down**2))


def head_width(p: Person, y: np.ndarray) -> np.ndarray:
    """Half-axis of the head along x at height y."""
    jaw = p.jaw * smooth(0.2, 0.8, y)
    cheek = p.cheek * bell(y - 0.25, 0.3)
    crown = 0.11 * smooth(-0.25, -0.9, y)
    return p.width * (1 + jaw + cheek + crown)


def relief(p: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height of the face along z above the ellipsoid, float array like x and y."""
    ax = np.abs(x)
    height = _nose(p, x, y)
    height += 0.055 * bump(ax, y, p.nose_w, p.nose_y + 0.045, 0.05, 0.05)  # nostrils
    height -= 0.055 * bump(ax, y, p.eye_x - 0.03, p.eye_y - 0.02, 0.17, 0.085)  # sockets
    height += 0.035 * bump(ax, y, p.eye_x, p.eye_y + 0.005, 0.1, 0.06)  # eyes
    brow_y = p.eye_y - p.brow_y - 0.02
    height += 0.03 * bump(ax, y, 0.27, brow_y, 0.2, 0.07)
    height += 0.05 * bump(ax, y, 0.40, 0.27, 0.15, 0.14)  # cheeks
    height += 0.045 * bump(ax, y, 0, p.mouth_y, 0.8 * p.mouth_w, 0.13)
    height -= 0.02 * bump(ax, y, 0, p.mouth_y + 0.17, 0.13, 0.035)  # below the lip
    height += 0.05 * bump(ax, y, 0, 0.87, 0.15, 0.1)  # chin
    return height


def _nose(p: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The bridge rises towards the tip and grows wider."""
    rise = np.clip((y + 0.2) / (p.nose_y + 0.2), 0, 1)
    ridge = p.nose_h * (0.12 + 0.88 * rise**1.5)
    ridge = ridge * smooth(-0.25, -0.02, y)
    ridge = ridge * smooth(p.nose_y + 0.18, p.nose_y, y)
    wide = 0.055 + 0.6 * p.nose_w * rise**2
    return ridge * bell(x, wide)
