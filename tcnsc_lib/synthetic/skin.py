"""The face's map: skin, brows, beard, wrinkles, shadows of its own, and the hair's roots."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tcnsc_lib.synthetic.hair import hair_region
from tcnsc_lib.synthetic.people import Person
from tcnsc_lib.synthetic.shape import F, bell, bump, head_width, relief, smooth
from tcnsc_lib.synthetic.textures import KEPT, N, fall, looked_up, noise, plane, strands
from tcnsc_lib.synthetic.view import unit


@lru_cache(maxsize=KEPT)
def face_map(p: Person) -> np.ndarray:
    """(N * N, 7) float32: linear albedo, unit normal in the head's axes, gloss."""
    rng = np.random.default_rng([p.seed, 303])
    px, py = plane()
    r2 = fall(px, py)
    stretch = np.sqrt(1 - r2 / 4)
    y = py * stretch
    x = px * stretch * head_width(p, y)
    z = p.depth * (1 - r2 / 2) + relief(p, x, y)
    front = smooth(1.6, 1.2, np.hypot(px, py))
    folds = _wrinkles(p, rng, x, y) * front
    z = z - 0.006 * folds + 0.0009 * noise(rng, 0.9) * front
    occlusion = _occlusion(p, x, y)
    creased = 1 - 0.16 * np.clip(folds, 0, 2)
    albedo = _skin(p, rng, x, y) * occlusion[..., None] * creased[..., None]
    grain = strands(rng, px, py, (0.6 * p.part, -1.2), 0.6)
    hair = np.array(p.hair, F) * (1 + 0.35 * grain)[..., None]
    beard = _beard(p, rng, x, y) * front
    brows = _brows(p, rng, x, y) * front
    hair = hair * (1 - 0.5 * brows)[..., None]
    roots, cast = _roots(p, hair_region(p, px, py), y)
    cover = np.maximum(np.maximum(beard, brows), roots)
    albedo = albedo * (1 - cast)[..., None]
    albedo = albedo + cover[..., None] * (np.clip(hair, 0.002, 1) - albedo)
    gloss = _gloss(p, x, y) * (1 - cover) * (1 + 0.15 * noise(rng, 1))
    normal = _normals(x, y, z)
    texels = np.concatenate([albedo, normal, gloss[..., None]], -1)
    return texels.reshape(N * N, 7).astype(F)


# ---------------------------------------------------------------- skin


def _skin(p: Person, rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Linear albedo of bare skin with pores, mottling, blush, freckles and moles, (N, N, 3)."""
    pores = 0.045 * noise(rng, 0.75) + 0.02 * noise(rng, 1.6)
    mottle = 0.035 * noise(rng, 7) + 0.04 * noise(rng, 25)
    skin = np.array(p.skin, F) * (1 + pores + mottle)[..., None]
    red = p.blush * _blush(p, x, y) + 0.6 * mottle
    reddening = np.array([0.10, -0.22, -0.16], F)
    skin *= 1 + red[..., None] * reddening
    sockets = 0.22 * bump(np.abs(x), y, p.eye_x, p.eye_y, 0.19, 0.10)
    dark = sockets * (0.6 + 0.5 * p.age)
    for _ in range(p.freckles):
        dark += _freckle(rng, x, y)
    for _ in range(rng.integers(0, 4)):
        dark += _mole(rng, x, y)
    browning = np.array([0.7, 0.9, 1.0], F)
    melanin = np.clip(dark, 0, 0.8)[..., None] * browning
    return skin * (1 - melanin)


def _blush(p: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    cheeks = bump(np.abs(x), y, 0.40, 0.30, 0.17, 0.15)
    nose = bump(x, y, 0, p.nose_y, 0.1, 0.09)
    return cheeks + 0.7 * nose


def _freckle(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    size = rng.uniform(0.006, 0.014)
    depth = rng.uniform(0.15, 0.4)
    across = rng.normal(0, 0.3)
    down = rng.normal(0.22, 0.13)
    return depth * bump(x, y, across, down, size, size)


def _mole(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    size = rng.uniform(0.012, 0.022)
    across = rng.uniform(-0.5, 0.5)
    down = rng.uniform(-0.3, 0.9)
    return 0.6 * bump(x, y, across, down, size, size)


def _gloss(p: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How much the skin shines: most on nose and forehead."""
    nose = 0.5 * bump(x, y, 0, p.nose_y, 0.1, 0.12)
    forehead = 0.3 * bump(x, y, 0, -0.4, 0.4, 0.2)
    return 0.45 + nose + forehead


def _wrinkles(p: Person, rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Depth of the skin's folds, about 0..1, deeper with age."""
    ax = np.abs(x)
    waver = 0.012 * noise(rng, 12)
    forehead = _forehead(x, y, waver) * smooth(0.45, 0.25, ax)
    # From the nose to the corners of the mouth.
    line = p.nose_w + 0.04 + 0.55 * np.clip(y - p.nose_y, 0, 0.4)
    fold = bell(ax - line + waver, 0.022)
    fold = fold * smooth(p.mouth_y + 0.08, p.mouth_y - 0.06, y)
    fold = fold * smooth(p.nose_y - 0.02, p.nose_y + 0.06, y)
    rays = np.sin((y - p.eye_y) * 60 * (1 + 0.6 * (ax - 0.5)))
    outside = bump(ax, y, p.eye_x + 0.24, p.eye_y, 0.06, 0.09)
    crow = bell(rays - 1, 0.5) * outside
    below = y - p.eye_y - 0.115 + (ax - p.eye_x) ** 2
    bag = bell(below, 0.02) * smooth(0.17, 0.08, np.abs(ax - p.eye_x))
    with_age = (0.1 + 0.8 * p.age) * (0.5 * forehead + 0.6 * crow)
    always = (0.35 + 0.6 * p.age) * (fold + 0.6 * bag)
    return with_age + always


def _forehead(x: np.ndarray, y: np.ndarray, waver: np.ndarray) -> np.ndarray:
    """Three folds, one above the other."""
    bent = 0.12 * x * x
    lines = [y + 0.36 + 0.1 * k + bent + waver for k in range(3)]
    return sum(bell(line, 0.012) for line in lines)


def _occlusion(p: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Share of ambient light that reaches the face.

    Dark in the sockets and nostrils, under the nose and under the lip.
    """
    ax = np.abs(x)
    shade = 0.30 * bump(ax, y, p.eye_x - 0.1, p.eye_y - 0.06, 0.11, 0.06)
    shade += 0.14 * bump(ax, y, p.eye_x, p.eye_y - 0.05, 0.15, 0.06)
    shade += 0.16 * bump(x, y, 0, p.nose_y + 0.125, 0.9 * p.nose_w, 0.035)
    shade += 0.22 * bump(ax, y, p.nose_w + 0.055, p.nose_y + 0.04, 0.025, 0.055)
    shade += 0.25 * bump(x, y, 0, p.mouth_y + p.lip_low + 0.05, 0.14, 0.03)
    shade += 0.12 * bump(ax, y, p.mouth_w + 0.03, p.mouth_y, 0.035, 0.04)
    # The nose shades the cheek turned from the light.
    away = -np.sign(p.light[0]) * (p.nose_w + 0.03)
    shade += 0.42 * abs(p.light[0]) * bump(x, y, away, p.nose_y, 0.05, 0.10)
    slanted = y - 0.25 * (ax - 0.5 * p.nose_w)
    nostril = bump(ax, slanted, 0.52 * p.nose_w, p.nose_y + 0.085, 0.036, 0.02)
    hole = 0.78 * np.clip(1.2 * nostril, 0, 1)
    return (1 - np.clip(shade, 0, 0.8)) * (1 - hole)


def _normals(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Unit surface normals in the head's axes, (N, N, 3)."""
    points = np.stack([x, y, z], -1)
    across = np.gradient(points, axis=1)
    down = np.gradient(points, axis=0)
    return unit(np.cross(across, down), 1e-9)


# ---------------------------------------------------------------- hair on the skin


def _roots(p: Person, region: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Opacity of the hair's roots on the scalp, and how dark its shadow is on the skin, (N, N).

    region: of `hair_region`.
    """
    if p.style == "bald":
        return 0.18 * smooth(-0.1, 0.1, region), np.zeros_like(region)
    roots = 0.95 * smooth(-0.02, 0.06, region) * smooth(0.35, 0.2, y)
    cast = 0.45 * smooth(-0.16, 0.0, region) * smooth(0.6, 0, y)
    return roots, cast * min(1, 8 * p.volume)


def _brows(p: Person, rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Opacity of the eyebrows in 0..1."""
    ax = np.abs(x)
    t = (ax - p.eye_x) / 0.2
    tilt = 0.2 * p.brow_tilt * t
    line = p.eye_y - p.brow_y - tilt + p.brow_arch * t * t
    line = line - 0.02 * bell(t - 0.45, 0.3)
    thick = p.brow_h * np.clip(1.12 - 0.45 * (t + 0.3), 0.2, 1.2)
    body = smooth(1.5, 0.35, np.abs(y - line) / thick)
    body = body * smooth(1.15, 0.85, np.abs(t))
    at = body > 0
    rows = y * 60 + x * 50
    columns = ax * 120 - y * 60
    hairs = 1 + 0.2 * looked_up(noise(rng, 0.7), rows[at], columns[at])
    body[at] = np.clip(body[at] * hairs, 0, 1) * p.brow_dark
    return body


def _beard(p: Person, rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Opacity of the beard in 0..1: jaw, chin and moustache, free of the lips; 0 without one."""
    if not p.beard:
        return np.zeros_like(x)
    area = np.maximum(_jaw(p, x, y), bump(x, y, 0, 0.9, 0.2, 0.16))
    area = np.clip(np.maximum(area, _moustache(p, x, y)), 0, 1)
    grain = noise(rng, 0.7)
    if p.beard_full:
        return np.clip(area * (0.78 + 0.2 * grain), 0, 0.92)
    return area * np.clip(0.3 + 0.28 * grain, 0, 1) * (0.4 + 0.6 * p.beard)


def _jaw(p: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    ax = np.abs(x)
    rim = 0.42 - (ax - 0.62) ** 2 + 0.25 * smooth(0.5, 0.1, ax)
    cheek = smooth(-0.08, 0.12, y - rim)
    from_lips = np.hypot(x / 1.25, y - p.mouth_y) + 0.1 * (y > p.mouth_y)
    return cheek * smooth(0.12, 0.34, from_lips)


def _moustache(p: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    line = p.mouth_y - 0.115 + 0.5 * x * x
    hairs = smooth(0.075, 0.03, np.abs(y - line))
    return hairs * smooth(p.mouth_w + 0.06, p.mouth_w - 0.05, np.abs(x))
