"""Hair: where it grows, its map, the shell around the head, and what falls or stands behind it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tcnsc_lib.synthetic.people import Person
from tcnsc_lib.synthetic.shape import F, bell, smooth
from tcnsc_lib.synthetic.textures import KEPT, N, fall, noise, plane, strands
from tcnsc_lib.synthetic.view import (
    View,
    coverage,
    edge,
    equal_area,
    lookup,
    over,
    shade,
    shade_grid,
    unit,
)

PARTED = ("side", "long", "bob")
OPENING = {"crop": 1.04, "long": 0.93, "bob": 0.90, "fringe": 0.96, "beanie": 1.02}  # half as wide
BOTTOM = {
    "crop": 0.08,
    "side": 0.12,
    "back": 0.12,
    "curly": 0.32,
    "fringe": 0.25,
    "bun": 0.02,
    "beanie": -0.12,
    "long": 0.6,
    "bob": 0.6,
}
CURL = {"curly": 4.0, "long": 1.2}
RAGGED = {"fringe": 0.05, "bob": 0.025, "crop": 0.03, "curly": 0.06, "beanie": 0.0}


# ---------------------------------------------------------------- the map


def hair_region(p: Person, px: np.ndarray, py: np.ndarray) -> np.ndarray:
    """Signed measure on the equal-area plane, > 0 where hair grows: all but the face."""
    is_parted = p.style in PARTED
    top = p.hairline * 1.06 + 0.35 * p.part * px * is_parted
    if p.style in ("crop", "back", "bun"):
        corners = bell(np.abs(px) - 0.42, 0.2)
        top = top - (0.6 * abs(p.part) - 0.04) * corners
    middle = 0.4
    wide = OPENING.get(p.style, 1.0)
    power = 4.0 if p.style in ("fringe", "bob", "beanie") else 3.0
    across = np.abs(px) / wide
    up = np.clip((middle - py) / (middle - top), 0, None)
    return (across**power + up**power) ** (1 / power) - 1


def hair_bottom(p: Person) -> float:
    """Height down to which the shell of hair reaches at the sides."""
    return BOTTOM[p.style]


@lru_cache(maxsize=KEPT)
def hair_map(p: Person) -> np.ndarray:
    """(N * N, 3) float32 over the hair's own shell: opacity, brightness, strand tilt."""
    rng = np.random.default_rng([p.seed, 404])
    px, py = plane()
    y = py * np.sqrt(1 - fall(px, py) / 4)
    grain = _grain(p, rng, px, py)
    region = hair_region(p, px, py) + RAGGED.get(p.style, 0.025) * grain
    bottom = hair_bottom(p)
    soft = 0.10 if p.style == "crop" else 0.035
    above = smooth(bottom + 0.08, bottom - 0.08, y + 0.02 * grain)
    alpha = smooth(-soft, soft, region) * above
    rim = 1 - 0.45 * smooth(0.25, 0.0, region)
    if p.style == "beanie":
        rim = 1.1 - 0.5 * bell(region - 0.2, 0.025)  # a turned-up cuff
    bright = np.clip(1 + 0.25 * grain, 0.4, 1.8) * rim
    bright = bright * (1 + 0.12 * noise(rng, 14))
    texels = np.stack([alpha, bright, 0.18 * grain], -1)
    return texels.reshape(N * N, 3).astype(F)


def _grain(p: Person, rng: np.random.Generator, px: np.ndarray, py: np.ndarray) -> np.ndarray:
    """Strands, curls or a knitted cap, (N, N), about 0."""
    origin = (1.6 * p.part, -1.15) if p.style in PARTED else (0, -1.3)
    grain = strands(rng, px, py, origin, CURL.get(p.style, 0.5))
    if p.style == "curly":
        grain = 0.5 * grain + 0.9 * noise(rng, 3)
    if p.style == "beanie":
        ribs = np.sin(70 * np.arctan2(px, py + 3))
        grain = 1.4 * ribs + 0.4 * grain
    return grain


# ---------------------------------------------------------------- the shell around the head


def shell(view: View, sx: np.ndarray, sy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lit colours (h, w, 3) of the shell of hair, and its opacity behind and before the head."""
    p = view.p
    upright = sy - view.pose.roll * sx
    crown = 0.11 * smooth(-0.25, -0.9, upright)
    wide = p.width * (1 + p.cheek + crown) + 0.8 * p.volume
    radii = (wide, 1 + p.volume, p.depth + p.volume)
    centre = (0, -0.02 - 0.3 * p.volume, -0.05)
    *q, field = view.hit(sx, sy, radii, centre)
    if p.style == "curly":
        field = field + _curls(p, np.arctan2(q[1], q[0]))
    cover = coverage(field)
    keep = cover > 0
    qx, qy, qz = (values[keep] for values in q)
    texel = lookup(hair_map(p), *equal_area(qx, qy, qz))
    out_of_it = [qx / wide[keep], qy / radii[1], qz / radii[2]]
    normal = np.stack(out_of_it, -1)
    normal[:, 0] += texel[:, 2]
    normal = unit(normal, 1e-6) @ view.rot.T
    colour = np.zeros((*cover.shape, 3), F)
    colour[keep] = _lit(p, texel, normal)
    # A ray through the opening for the face that misses the head meets the hair on the far side.
    bottom = hair_bottom(p)
    behind = np.zeros_like(cover)
    behind[keep] = cover[keep] * smooth(bottom + 0.08, bottom - 0.08, qy)
    before = np.zeros_like(cover)
    before[keep] = cover[keep] * texel[:, 0]
    return colour, behind, before


def _curls(p: Person, angle: np.ndarray) -> np.ndarray:
    """How far curls stand out of the outline."""
    large = np.sin(11 * angle + p.seed)
    small = np.sin(23 * angle + 2 * p.seed)
    return 0.05 * large + 0.04 * small


def _lit(p: Person, texel: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Colours (k, 3) of hair or cap; texel: (k, 3), of `hair_map`."""
    colour = p.cloth_alt if p.style == "beanie" else p.hair
    albedo = np.array(colour, F) * texel[:, 1:2]
    is_glossy = p.style not in ("curly", "beanie")
    return shade(p, albedo, normal, 0.6 * texel[:, 1] * is_glossy)


# ---------------------------------------------------------------- behind the head


def long_hair(view: View, image: np.ndarray, sx: np.ndarray, sy: np.ndarray) -> np.ndarray:
    """Hair that falls behind the head and beside the neck, over `image`."""
    p = view.p
    tilt = view.pose.roll * 0.6
    c = np.cos(tilt)
    s = np.sin(tilt)
    x = c * sx + s * sy + 0.1 * view.pose.yaw
    y = c * sy - s * sx
    ax = np.abs(x)
    outer = _outline(p, y)
    within = _within(p, x, y, outer)
    bulge = np.clip((ax - 0.3) / (outer - 0.3), -0.2, 0.92)
    nx = bulge * np.sign(x)
    nz = np.sqrt(1 - nx * nx)
    normal = np.stack([nx, np.zeros_like(nx), nz], -1).astype(F)
    away = smooth(0.35, 0.8, ax)  # from the neck's shadow
    bright = (1 + 0.16 * _waves(p, x, y)) * (0.35 + 0.65 * away)
    albedo = np.array(p.hair, F) * bright[..., None]
    colour = shade_grid(p, albedo, normal, 0.25 * away)
    return over(image, colour, edge(within, view.pixel + 0.02))


def _waves(p: Person, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Strands that hang and wave, about 0."""
    coarse = 5 * np.sin(2.5 * y + p.seed)
    fine = 4 * np.sin(3.1 * y)
    return np.sin(x * 70 + coarse) + np.sin(x * 113 + fine)


def _outline(p: Person, y: np.ndarray) -> np.ndarray:
    """Half the width of falling hair at height y."""
    above = np.minimum(y + 0.1, 0)
    crown = np.sqrt(np.clip(1 - above**2 / 0.9, 0, 1))
    wave = np.sin(4 * y + p.seed)
    outer = crown * (p.width + 0.10 + p.volume) + 0.05 * wave
    flare = 0.08 if p.style == "long" else -0.14
    return outer + flare * smooth(0.2, 1.0, y)


def _within(p: Person, x: np.ndarray, y: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Distance to the edge of falling hair, positive inside; it is open over the chest."""
    ax = np.abs(x)
    wave = np.sin(3 * y + 1.7 * p.seed)
    inner = 0.36 + 0.12 * wave * smooth(0.9, 1.3, y)
    length = 1.7 if p.style == "long" else 0.82
    is_cut = p.style != "long"
    rounded = 0.25 * smooth(0.3, 0.9, ax) * is_cut
    end = length + 0.04 * np.sin(9 * x + p.seed) - rounded
    within = np.minimum(outer - ax, end - y)
    within = np.minimum(within, y + 0.9)
    opening = np.where(y > 0.75, ax - inner * smooth(0.7, 1.0, y), 9)
    return np.minimum(within, opening)


def bun(view: View, image: np.ndarray, sx: np.ndarray, sy: np.ndarray) -> np.ndarray:
    """A bun of hair on the crown, behind the head, over `image`."""
    p = view.p
    at = view.rot @ np.array([0, -1.08, -0.25], F)
    u = (sx - at[0]) / 0.34
    v = (sy - at[1]) / 0.28
    r2 = u * u + v * v
    towards = np.sqrt(np.clip(1 - r2, 0.01, 1))
    normal = unit(np.stack([u, v, towards], -1))
    winding = 26 * np.hypot(u - 0.3, v + 0.5)
    grain = np.sin(winding + 3 * np.sin(4 * u + p.seed))
    albedo = np.array(p.hair, F) * (1 + 0.25 * grain)[..., None]
    colour = shade_grid(p, albedo, normal, np.full(u.shape, 0.3, F))
    return over(image, colour, edge((1 - np.sqrt(r2)) * 0.3, view.pixel))
