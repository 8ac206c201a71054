"""Shape of the head and the maps baked once per person: skin, hair, background.

The head is an ellipsoid whose width follows the jaw line, with a relief (nose, sockets, lips, ...)
added along z.  Maps live on Lambert's equal-area plane of that ellipsoid: N x N texels over
-EXTENT..EXTENT, which covers the front and well past the sides without a seam.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, zoom

from tcnsc_lib.faces.render.people import Person

N, EXTENT = 288, 1.8
F = np.float32


def smooth(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """Smoothstep from 0 at `low` to 1 at `high` (`low` may exceed `high`)."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def bump(x: np.ndarray, y: np.ndarray, cx: float, cy: float, sx: float, sy: float) -> np.ndarray:
    """Gaussian bump of height 1 at (cx, cy)."""
    return np.exp(-(((x - cx) / sx) ** 2 + ((y - cy) / sy) ** 2))


def head_width(p: Person, y: np.ndarray) -> np.ndarray:
    """Half-axis of the head along x at height y."""
    return p.width * (1 + p.jaw * smooth(.2, .8, y) + p.cheek * np.exp(-((y - .25) / .3) ** 2)
                      + .11 * smooth(-.25, -.9, y))


def relief(p: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Height of the face along z above the ellipsoid, float array like x and y."""
    ax = np.abs(x)
    rise = np.clip((y + .2) / (p.nose_y + .2), 0, 1)
    nose = p.nose_h * (.12 + .88 * rise ** 1.5) * smooth(-.25, -.02, y) * smooth(p.nose_y + .18, p.nose_y, y)
    h = nose * np.exp(-(x / (.055 + .6 * p.nose_w * rise ** 2)) ** 2)
    h += .055 * bump(ax, y, p.nose_w, p.nose_y + .045, .05, .05)
    h -= .055 * bump(ax, y, p.eye_x - .03, p.eye_y - .02, .17, .085)
    h += .035 * bump(ax, y, p.eye_x, p.eye_y + .005, .1, .06)
    h += .03 * bump(ax, y, .27, p.eye_y - p.brow_y - .02, .2, .07)
    h += .05 * bump(ax, y, .40, .27, .15, .14)
    h += .045 * bump(ax, y, 0, p.mouth_y, .8 * p.mouth_w, .13)
    h -= .02 * bump(ax, y, 0, p.mouth_y + .17, .13, .035)
    h += .05 * bump(ax, y, 0, .87, .15, .1)
    return h


def hair_region(p: Person, px: np.ndarray, py: np.ndarray) -> np.ndarray:
    """Signed measure (> 0 where hair grows) on the equal-area plane: all but a window for the face."""
    top = p.hairline * 1.06 + .35 * p.part * px * (p.style in ("side", "long", "bob"))
    if p.style in ("crop", "back", "bun"):
        top = top - (.6 * abs(p.part) - .04) * np.exp(-((np.abs(px) - .42) / .2) ** 2)
    centre = .4
    rx = {"crop": 1.04, "long": .93, "bob": .90, "fringe": .96, "beanie": 1.02}.get(p.style, 1.0)
    power = 4.0 if p.style in ("fringe", "bob", "beanie") else 3.0
    v = np.clip((centre - py) / (centre - top), 0, None)
    return ((np.abs(px) / rx) ** power + v ** power) ** (1 / power) - 1


def hair_bottom(p: Person) -> float:
    """Height down to which the shell of hair reaches at the sides."""
    return {"crop": .08, "side": .12, "back": .12, "curly": .32, "fringe": .25, "bun": .02, "beanie": -.12,
            "long": .6, "bob": .6}[p.style]


def plane() -> tuple[np.ndarray, np.ndarray]:
    """px, py of every texel, each (N, N) float32."""
    axis = (np.arange(N, dtype=F) / (N - 1) * 2 - 1) * F(EXTENT)
    return np.meshgrid(axis, axis)


def _noise(rng: np.random.Generator, sigma: float | tuple[float, float]) -> np.ndarray:
    """(N, N) float32 Gaussian noise of unit deviation, smoothed over `sigma` texels."""
    field = gaussian_filter(rng.standard_normal((N, N), dtype=F), sigma, mode="wrap")
    return field / field.std()


def strands(rng: np.random.Generator, px: np.ndarray, py: np.ndarray, origin: tuple[float, float],
            curl: float) -> np.ndarray:
    """Hair-strand noise of unit deviation running away from `origin` on the plane, (N, N) float32."""
    wave = curl * _noise(rng, 9)
    angle = np.arctan2(py - origin[1], px - origin[0]) + .03 * wave
    radius = np.hypot(px - origin[0], py - origin[1])
    total = np.zeros_like(px)
    for fine, weight in ((.95, 1.0), (.35, .8)):
        source = gaussian_filter(rng.standard_normal((N, N), dtype=F), .6, mode="wrap")
        coords = [angle / (2 * np.pi) * N * fine * 2.6, radius * 14 + wave]
        total += weight * map_coordinates(source, coords, order=1, mode="grid-wrap")
    return total / total.std()


def _brows(p: Person, rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Opacity of the eyebrows in 0..1."""
    t = (np.abs(x) - p.eye_x) / .2
    line = p.eye_y - p.brow_y - .2 * p.brow_tilt * t + p.brow_arch * t * t
    line = line - .02 * np.exp(-((t - .45) / .3) ** 2)
    thick = p.brow_h * np.clip(1.12 - .45 * (t + .3), .2, 1.2)
    slanted = [y * 60 + x * 50, np.abs(x) * 120 - y * 60]
    hairs = 1 + .2 * map_coordinates(_noise(rng, .7), slanted, order=1, mode="grid-wrap")
    body = smooth(1.5, .35, np.abs(y - line) / thick) * smooth(1.15, .85, np.abs(t))
    return np.clip(body * hairs, 0, 1) * p.brow_dark


def _beard(p: Person, rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Opacity of the beard in 0..1: jaw, chin and moustache, free of the lips."""
    edge = .42 - (np.abs(x) - .62) ** 2 + .25 * smooth(.5, .1, np.abs(x))
    cheek = smooth(-.08, .12, y - edge)
    jaw = cheek * smooth(.12, .34, np.hypot(x / 1.25, y - p.mouth_y) + .1 * (y > p.mouth_y))
    tache = smooth(.075, .03, np.abs(y - (p.mouth_y - .115 + .5 * x * x)))
    tache = tache * smooth(p.mouth_w + .06, p.mouth_w - .05, np.abs(x))
    goatee = bump(x, y, 0, .9, .2, .16)
    area = np.clip(np.maximum(np.maximum(jaw, goatee), tache), 0, 1)
    grain = _noise(rng, .7)
    if p.beard_full:
        return np.clip(area * (.78 + .2 * grain), 0, .92)
    return area * np.clip(.3 + .28 * grain, 0, 1) * (.4 + .6 * p.beard)


def _wrinkles(p: Person, rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Depth of the skin's folds, about 0..1, deeper with age."""
    ax = np.abs(x)
    waver = .012 * _noise(rng, 12)
    forehead = sum(np.exp(-((y + .36 + .1 * k + .12 * x * x + waver) / .012) ** 2) for k in range(3))
    forehead = forehead * smooth(.45, .25, ax)
    fold = ax - (p.nose_w + .04 + .55 * np.clip(y - p.nose_y, 0, .4))
    fold = np.exp(-((fold + waver) / .022) ** 2) * smooth(p.mouth_y + .08, p.mouth_y - .06, y)
    fold = fold * smooth(p.nose_y - .02, p.nose_y + .06, y)
    rays = np.sin((y - p.eye_y) * 60 * (1 + .6 * (ax - .5)))
    crow = np.exp(-((rays - 1) / .5) ** 2) * bump(ax, y, p.eye_x + .24, p.eye_y, .06, .09)
    bag = np.exp(-((y - p.eye_y - .115 + (ax - p.eye_x) ** 2) / .02) ** 2)
    bag = bag * smooth(.17, .08, np.abs(ax - p.eye_x))
    return (.1 + .8 * p.age) * (.5 * forehead + .6 * crow) + (.35 + .6 * p.age) * (fold + .6 * bag)


def _skin(p: Person, rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Linear albedo of bare skin with pores, mottling, blush, freckles and moles, (N, N, 3)."""
    pores = .045 * _noise(rng, .75) + .02 * _noise(rng, 1.6)
    mottle = .035 * _noise(rng, 7) + .04 * _noise(rng, 25)
    skin = np.array(p.skin, F) * (1 + pores + mottle)[..., None]
    ax = np.abs(x)
    red = p.blush * (bump(ax, y, .40, .30, .17, .15) + .7 * bump(x, y, 0, p.nose_y, .1, .09)) + .6 * mottle
    skin *= 1 + red[..., None] * np.array([.10, -.22, -.16], F)
    dark = .22 * bump(ax, y, p.eye_x, p.eye_y, .19, .10) * (.6 + .5 * p.age)
    for _ in range(p.freckles):
        size = rng.uniform(.006, .014)
        dark += rng.uniform(.15, .4) * bump(x, y, rng.normal(0, .3), rng.normal(.22, .13), size, size)
    for _ in range(rng.integers(0, 4)):
        size = rng.uniform(.012, .022)
        dark += .6 * bump(x, y, rng.uniform(-.5, .5), rng.uniform(-.3, .9), size, size)
    return skin * (1 - np.clip(dark, 0, .8)[..., None] * np.array([.7, .9, 1.0], F))


def _occlusion(p: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Share of ambient light that reaches the face: dark in the sockets, nostrils, under the nose and lip."""
    ax = np.abs(x)
    shade = .30 * bump(ax, y, p.eye_x - .1, p.eye_y - .06, .11, .06)
    shade += .14 * bump(ax, y, p.eye_x, p.eye_y - .05, .15, .06)
    shade += .16 * bump(x, y, 0, p.nose_y + .125, .9 * p.nose_w, .035)
    shade += .22 * bump(ax, y, p.nose_w + .055, p.nose_y + .04, .025, .055)
    shade += .25 * bump(x, y, 0, p.mouth_y + p.lip_low + .05, .14, .03)
    shade += .12 * bump(ax, y, p.mouth_w + .03, p.mouth_y, .035, .04)
    away = -np.sign(p.light[0]) * (p.nose_w + .03)      # the nose shades the cheek turned from the light
    shade += .42 * abs(p.light[0]) * bump(x, y, away, p.nose_y, .05, .10)
    nostril = bump(ax, y - .25 * (ax - .5 * p.nose_w), .52 * p.nose_w, p.nose_y + .085, .036, .02)
    return (1 - np.clip(shade, 0, .8)) * (1 - .78 * np.clip(1.2 * nostril, 0, 1))


def _normals(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Unit surface normals in the head's axes, (N, N, 3)."""
    points = np.stack([x, y, z], -1)
    n = np.cross(np.gradient(points, axis=1), np.gradient(points, axis=0))
    return n / (np.linalg.norm(n, axis=-1, keepdims=True) + 1e-9)


@lru_cache(maxsize=48)
def face_map(p: Person) -> np.ndarray:
    """(N * N, 7) float32: linear albedo, unit normal in the head's axes, gloss."""
    rng = np.random.default_rng([p.seed, 303])
    px, py = plane()
    r2 = np.minimum(px * px + py * py, 3.96)
    stretch = np.sqrt(1 - r2 / 4)
    y = py * stretch
    x = px * stretch * head_width(p, y)
    z = p.depth * (1 - r2 / 2) + relief(p, x, y)
    front = smooth(1.6, 1.2, np.hypot(px, py))
    folds = _wrinkles(p, rng, x, y) * front
    z = z - .006 * folds + .0009 * _noise(rng, .9) * front
    albedo = _skin(p, rng, x, y) * _occlusion(p, x, y)[..., None] * (1 - .16 * np.clip(folds, 0, 2))[..., None]
    hair = np.array(p.hair, F) * (1 + .35 * strands(rng, px, py, (.6 * p.part, -1.2), .6))[..., None]
    cover = _beard(p, rng, x, y) * front if p.beard else np.zeros_like(x)
    brows = _brows(p, rng, x, y) * front
    hair = hair * (1 - .5 * brows)[..., None]
    cover = np.maximum(cover, brows)
    region = hair_region(p, px, py)
    if p.style != "bald":
        cover = np.maximum(cover, .95 * smooth(-.02, .06, region) * smooth(.35, .2, y))
        cast = .45 * smooth(-.16, .0, region) * smooth(.6, 0, y) * min(1, 8 * p.volume)
        albedo = albedo * (1 - cast)[..., None]
    else:
        cover = np.maximum(cover, .18 * smooth(-.1, .1, region))
    albedo = albedo + cover[..., None] * (np.clip(hair, .002, 1) - albedo)
    gloss = .45 + .5 * bump(x, y, 0, p.nose_y, .1, .12) + .3 * bump(x, y, 0, -.4, .4, .2)
    gloss = gloss * (1 - cover) * (1 + .15 * _noise(rng, 1))
    return np.concatenate([albedo, _normals(x, y, z), gloss[..., None]], -1).reshape(N * N, 7).astype(F)


@lru_cache(maxsize=48)
def hair_map(p: Person) -> np.ndarray:
    """(N * N, 3) float32 over the hair's own shell: opacity, brightness, strand tilt."""
    rng = np.random.default_rng([p.seed, 404])
    px, py = plane()
    y = py * np.sqrt(1 - np.minimum(px * px + py * py, 3.96) / 4)
    origin = (1.6 * p.part, -1.15) if p.style in ("side", "long", "bob") else (0, -1.3)
    curl = {"curly": 4.0, "long": 1.2}.get(p.style, .5)
    grain = strands(rng, px, py, origin, curl)
    if p.style == "curly":
        grain = .5 * grain + .9 * _noise(rng, 3)
    if p.style == "beanie":
        grain = 1.4 * np.sin(70 * np.arctan2(px, py + 3)) + .4 * grain
    ragged = {"fringe": .05, "bob": .025, "crop": .03, "curly": .06, "beanie": .0}.get(p.style, .025)
    region = hair_region(p, px, py) + ragged * grain
    bottom = hair_bottom(p)
    soft = .10 if p.style == "crop" else .035
    alpha = smooth(-soft, soft, region) * smooth(bottom + .08, bottom - .08, y + .02 * grain)
    edge = 1 - .45 * smooth(.25, .0, region)
    if p.style == "beanie":
        edge = 1.1 - .5 * np.exp(-((region - .2) / .025) ** 2)     # a turned-up cuff
    bright = np.clip(1 + .25 * grain, .4, 1.8) * edge * (1 + .12 * _noise(rng, 14))
    return np.stack([alpha, bright, .18 * grain], -1).reshape(N * N, 3).astype(F)


@lru_cache(maxsize=48)
def background(p: Person, size: int) -> np.ndarray:
    """(size, size, 3) float32 linear colours: a soft gradient with out-of-focus blobs."""
    rng = np.random.default_rng([p.seed, 505])
    grid = np.linspace(-1, 1, 96, dtype=F)
    x, y = np.meshgrid(grid, grid)
    a, b, c = (np.array(v, F) for v in p.back)
    angle = rng.uniform(0, 2 * np.pi)
    mix = .5 + .4 * (x * np.cos(angle) + y * np.sin(angle))
    image = a + (b - a) * mix[..., None]
    for _ in range(rng.integers(4, 12)):
        cx, cy, radius, soft = *rng.uniform(-1, 1, 2), rng.uniform(.1, .5), rng.uniform(.05, .3)
        u, v = np.abs(x - cx), np.abs(y - cy)
        shape = np.hypot(u, v) if rng.random() < .6 else np.maximum(u, .5 * v)
        alpha = rng.uniform(.2, .6) * smooth(radius + soft, radius, shape)
        image = image + alpha[..., None] * (c * rng.uniform(.5, 1.6) - image)
    image = gaussian_filter(image, (2, 2, 0)) * (1 - .2 * (x * x + y * y))[..., None]
    factor = size / 96
    return np.clip(zoom(image, (factor, factor, 1), order=1, grid_mode=True, mode="nearest"), 0, 1).astype(F)
