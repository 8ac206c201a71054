"""Maps that are baked once a person: the plane they lie on, their noise, and the background.

Maps of the head lie on Lambert's equal-area plane of its ellipsoid: N x N texels over
-EXTENT..EXTENT, which covers the front and well past the sides without a seam.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, zoom

from tcnsc_lib.synthetic.people import Person
from tcnsc_lib.synthetic.shape import F, smooth

N = 288
EXTENT = 1.8
KEPT = 48  # people whose maps stay in memory
BACKGROUND = 96  # pixels a side, before it is enlarged


def plane() -> tuple[np.ndarray, np.ndarray]:
    """px, py of every texel, each (N, N) float32."""
    share = np.arange(N, dtype=F) / (N - 1)
    axis = (share * 2 - 1) * F(EXTENT)
    px, py = np.meshgrid(axis, axis)
    return px, py


def fall(px: np.ndarray, py: np.ndarray) -> np.ndarray:
    """Squared distance from the plane's middle, short of its rim (2), where the head ends."""
    return np.minimum(px * px + py * py, 3.96)


def noise(rng: np.random.Generator, sigma: float) -> np.ndarray:
    """(N, N) float32 Gaussian noise of unit deviation, smoothed over `sigma` texels."""
    field = smoothed(rng, sigma)
    return field / field.std()


def smoothed(rng: np.random.Generator, sigma: float) -> np.ndarray:
    """Such noise as it comes out of the filter, weaker the smoother it is."""
    white = rng.standard_normal((N, N), dtype=F)
    return gaussian_filter(white, sigma, mode="wrap")


def looked_up(field: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A field (N, N), without a seam, at other places of the plane, in texels."""
    return map_coordinates(field, [rows, columns], order=1, mode="grid-wrap")


def strands(
    rng: np.random.Generator,
    px: np.ndarray,
    py: np.ndarray,
    origin: tuple[float, float],
    curl: float,
) -> np.ndarray:
    """Hair-strand noise running away from `origin` on the plane, (N, N) float32, unit deviation."""
    wave = curl * noise(rng, 9)
    x = px - origin[0]
    y = py - origin[1]
    angle = np.arctan2(y, x) + 0.03 * wave
    radius = np.hypot(x, y)
    total = np.zeros_like(px)
    for fine, weight in ((0.95, 1.0), (0.35, 0.8)):
        source = smoothed(rng, 0.6)
        around = angle / (2 * np.pi) * N * fine * 2.6
        outwards = radius * 14 + wave
        total += weight * looked_up(source, around, outwards)
    return total / total.std()


@lru_cache(maxsize=KEPT)
def background(p: Person, frame: tuple[int, int]) -> np.ndarray:
    """Linear colours, float32 (height, width, 3): a soft gradient with out-of-focus blobs."""
    rng = np.random.default_rng([p.seed, 505])
    grid = np.linspace(-1, 1, BACKGROUND, dtype=F)
    x, y = np.meshgrid(grid, grid)
    first, second, third = (np.array(colour, F) for colour in p.back)
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    share = 0.5 + 0.4 * along
    image = first + (second - first) * share[..., None]
    for _ in range(rng.integers(4, 12)):
        alpha = _blob(rng, x, y)
        colour = third * rng.uniform(0.5, 1.6)
        image = image + alpha[..., None] * (colour - image)
    vignette = 1 - 0.2 * (x * x + y * y)
    image = gaussian_filter(image, (2, 2, 0)) * vignette[..., None]
    height, width = frame
    factors = (height / BACKGROUND, width / BACKGROUND, 1)
    image = zoom(image, factors, order=1, grid_mode=True, mode="nearest")
    return np.clip(image, 0, 1).astype(F)


def _blob(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Opacity of a round or square spot with a soft edge, like x and y."""
    cx, cy = rng.uniform(-1, 1, 2)
    radius = rng.uniform(0.1, 0.5)
    soft = rng.uniform(0.05, 0.3)
    u = np.abs(x - cx)
    v = np.abs(y - cy)
    is_round = rng.random() < 0.6
    distance = np.hypot(u, v) if is_round else np.maximum(u, 0.5 * v)
    opacity = rng.uniform(0.2, 0.6)
    return opacity * smooth(radius + soft, radius, distance)
