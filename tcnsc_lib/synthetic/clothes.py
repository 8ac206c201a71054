"""Neck, shoulders and clothes, before the background and behind the head."""

from __future__ import annotations

import numpy as np

from tcnsc_lib.synthetic.people import Person
from tcnsc_lib.synthetic.shape import F, bell, smooth
from tcnsc_lib.synthetic.view import edge, over, shade_grid


def body(
    p: Person, image: np.ndarray, x: np.ndarray, y: np.ndarray, chin: float, e: float
) -> np.ndarray:
    """Neck, shoulders and clothes over `image`.

    x, y: in head units about the body's axis. chin: its height. e: a pixel in head units.
    """
    image = _neck(p, image, x, y, chin, e)
    ax = np.abs(x)
    top = _neckline(p, ax, y)
    hole = _hole(p, ax, y)
    inside = edge(np.minimum(y - top, 0.25 * hole), e)
    rim = 0.06 if p.collar != "shirt" else 0.16
    is_open = p.collar != "turtle"
    band = smooth(rim + e, rim - e, np.abs(hole) * 0.25) * is_open
    cloth = over(_cloth(p, x, y), _edging(p), band)
    wave = np.sin(5 * x + 9 * y + p.seed)
    fold = 1 + 0.08 * wave * smooth(1.1, 1.4, y)
    below = np.clip(y - top, 0, 9) / 0.05
    beside = np.clip(ax - 0.45, 0, 9) / 0.1
    cast = fold * (1 - 0.45 * np.exp(-below - beside))  # the head's shadow
    leaning = np.clip(x / 1.7, -0.9, 0.9)
    lit = _lit(p, cloth * cast[..., None], leaning, -0.3)
    return over(image, lit, inside)


def _neck(
    p: Person, image: np.ndarray, x: np.ndarray, y: np.ndarray, chin: float, e: float
) -> np.ndarray:
    """The neck over `image`, in the chin's shadow."""
    ax = np.abs(x)
    flare = p.neck + 0.30 * smooth(0.95, 1.35, y) ** 2
    tendon = bell(ax - 0.16 - 0.2 * (1.3 - y), 0.05)
    under_chin = smooth(chin + 0.42, chin - 0.05, y + 0.25 * ax)
    shadow = 1 - 0.62 * under_chin - 0.12 * tendon
    albedo = np.array(p.skin, F) * shadow[..., None]
    leaning = np.clip(x / flare, -0.95, 0.95) * 0.9
    skin = _lit(p, albedo, leaning, 0.0)
    return over(image, skin, edge(flare - ax, e) * (y > 0.2))


def _lit(p: Person, albedo: np.ndarray, nx: np.ndarray, ny: float) -> np.ndarray:
    """Lit colours (h, w, 3) of a surface whose normal leans by nx and ny; (h, w) and a number."""
    nz = np.sqrt(np.clip(1 - nx * nx - ny * ny, 0.02, 1))
    normal = np.stack([nx, np.full_like(nx, ny), nz], -1)
    return shade_grid(p, albedo, normal, np.zeros(nx.shape, F))


def _neckline(p: Person, ax: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height of the clothes' upper edge: shoulders that fall off to the sides."""
    slope = 0.26 * smooth(0.3, 1.25, ax)
    top = 1.06 + slope + 0.9 * np.maximum(ax - 1.2, 0) ** 2
    if p.collar == "turtle":
        top = top - 0.16 * smooth(p.neck + 0.12, p.neck + 0.03, ax)
    return top


def _hole(p: Person, ax: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The opening for the neck, negative inside it."""
    below = y - 0.95
    if p.collar == "crew":
        return ax**2 / 0.26 + below**2 / 0.075 - 1
    if p.collar == "vee":
        return ax / 0.5 + below / 0.5 - 1
    if p.collar == "shirt":
        return ax / 0.42 + below / 0.48 - 1
    return np.full_like(ax, 2.0) - 1


def _edging(p: Person) -> np.ndarray:
    """Colour of the band along the collar, (3,)."""
    if p.collar == "shirt":
        return np.array(p.cloth_alt, F)
    return 0.75 * np.array(p.cloth, F)


def _cloth(p: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Plain, striped or knitted, (h, w, 3)."""
    ax = np.abs(x)
    cloth = np.broadcast_to(np.array(p.cloth, F), (*x.shape, 3))
    if p.pattern == "stripes":
        wave = np.sin((y - 0.2 * ax) * 38)
        return over(cloth, np.array(p.cloth_alt, F), smooth(-0.3, 0.3, wave))
    if p.pattern == "knit":
        stitches = np.sin(x * 60) * np.sin((y + 0.2 * ax) * 45)
        return cloth * (1 + 0.12 * stitches)[..., None]
    return cloth
