"""Parts of the head drawn afresh in every frame: eyes, mouth, ears and glasses."""

from __future__ import annotations

import numpy as np

from tcnsc_lib.synthetic.people import Person
from tcnsc_lib.synthetic.shape import F, bell, smooth
from tcnsc_lib.synthetic.view import View, edge, mix, over, shade_grid, unit

GAP = 0.17  # height of a fully open mouth, in head units
PUPIL = (0.004, 0.004, 0.005)
LASHES = (0.012, 0.008, 0.007)
WHITE = (0.57, 0.54, 0.52)
TONGUE = (0.22, 0.05, 0.05)
TEETH = (0.62, 0.58, 0.50)
SQUARE = (0.225, 0.17, 0.08)  # half the width and height of a glass, and its rounding
ROUND = (0.205, 0.195, 0.19)


# ---------------------------------------------------------------- eyes


def eye(
    view: View, side: int, x: np.ndarray, y: np.ndarray, albedo: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Albedo (k, 3) with one eye drawn in, and its highlight (k,).

    side: -1 left, 1 right in the picture. x, y: (k,), on the face, in head units.
    """
    p = view.p
    pose = view.pose
    e = view.pixel
    t = side * (x - side * p.eye_x) / p.eye_w  # -1 and 1 in the corners
    v = y - p.eye_y + p.eye_tilt * p.eye_w * t
    arc = np.clip(1 - t * t, -1, 1)
    low = 0.62 * p.eye_h * arc * (1 + 0.15 * t)
    high = -p.eye_h * arc * (1 - 0.18 * t)
    crease = bell(v - high * 1.25 + 0.03, 0.012 + 0.3 * e)
    crease = crease * np.clip(arc + 0.3, 0, 1)
    high = high + pose.blink * (low - high)
    inside = edge(np.minimum(v - high, low - v), e) * (arc > 0)
    ix = x - side * p.eye_x - 0.35 * p.eye_w * pose.gaze[0]
    iy = v + 0.012 - 0.25 * p.eye_h * pose.gaze[1]
    below = np.maximum(v - high, 0)  # the upper lid, whose shadow lies on the ball
    shadow = 1 - 0.45 * np.exp(-below / 0.022)
    ball = _ball(p, ix, iy, e, _white(t, below)) * shadow[:, None]
    out = mix(albedo * (1 - 0.3 * crease)[:, None], ball, inside)
    at = np.abs(t)
    lid = bell(v - high, 0.011 + 0.35 * e) * smooth(1.12, 0.95, at)
    rim = bell(v - low, 0.008 + 0.3 * e) * smooth(1.05, 0.9, at)
    lashes = np.clip(p.lash * lid, 0, 0.95)
    out = mix(out * (1 - 0.25 * rim)[:, None], LASHES, lashes)
    return out, 0.8 * inside * _glint(p, ix, iy, e)


def _white(t: np.ndarray, below: np.ndarray) -> np.ndarray:
    corners = np.clip(np.abs(t), 0, 1) ** 3
    shadow = np.exp(-below / 0.03)
    dim = 0.35 * corners + 0.25 * shadow
    return np.array(WHITE, F) * (1 - dim)[:, None]


def _ball(p: Person, ix: np.ndarray, iy: np.ndarray, e: float, white: np.ndarray) -> np.ndarray:
    """Iris and pupil on the white, (k, 3); ix, iy: from the iris's middle."""
    radius = 0.46 * p.eye_w
    dist = np.hypot(ix, iy)
    wave = np.sin(9 * np.arctan2(iy, ix) + p.seed)
    rays = 1 + 0.22 * wave + 0.5 * iy / radius
    bright = 1.35 * rays * (1 - 0.6 * smooth(0.7, 1.0, dist / radius))
    iris = np.array(p.iris, F) * bright[:, None]
    ball = mix(white, iris, edge(radius - dist, e))
    return mix(ball, PUPIL, edge(0.45 * radius - dist, e))


def _glint(p: Person, ix: np.ndarray, iy: np.ndarray, e: float) -> np.ndarray:
    """The light's reflection, (k,), on the side that it comes from."""
    radius = 0.46 * p.eye_w
    from_light = ix - 0.3 * radius * np.sign(p.light[0])
    distance = np.hypot(from_light, iy + 0.35 * radius)
    return bell(distance, 0.2 * radius + 0.35 * e)


# ---------------------------------------------------------------- mouth


def mouth(
    view: View, x: np.ndarray, y: np.ndarray, albedo: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Albedo (k, 3) with lips, teeth and the inside of the mouth, and where the lips are (k,)."""
    p = view.p
    e = view.pixel
    t = x / p.mouth_w
    at = np.abs(t)  # 1 in the corners
    arc = np.clip(1 - t * t, 0, 1)
    bow = 0.008 * np.cos(4 * t) * arc
    line = p.mouth_y - p.smile * t * t - bow
    gap = GAP * view.pose.mouth * arc
    cupid = 1 + 0.22 * bell(at - 0.28, 0.2) - 0.2 * bell(t, 0.12)
    upper = line - 0.12 * gap
    lower = line + 0.88 * gap
    top = upper - p.lip_up * arc * cupid
    bottom = lower + p.lip_low * arc**0.75

    def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return edge(np.minimum(y - a, b - y), e + 0.008) * (at < 1)

    up = between(top, upper)
    down = between(lower, bottom)
    inner = between(upper, lower) * np.clip(gap / e, 0, 1)
    streaks = 1 + 0.08 * np.sin(x * 150 + 6 * np.sin(x * 37))
    lip = np.array(p.lip, F) * streaks[:, None]
    swell = 1.12 - 0.35 * (y - lower) / p.lip_low
    out = mix(albedo, 0.72 * lip, 0.9 * up)
    out = mix(out, lip * swell[:, None], 0.9 * down)
    teeth = edge(upper + 0.05 - y, e) * smooth(0.85, 0.5, at)
    teeth = teeth * smooth(0.015, 0.05, gap)
    tongue = np.clip((y - lower + 0.05) / 0.05, 0, 1) * smooth(0.7, 0.3, at)
    cavity = mix(np.full_like(albedo, 0.012), TONGUE, tongue)
    out = mix(out, mix(cavity, TEETH, teeth), inner)
    seam = bell(y - upper, 0.009 + 0.3 * e) * smooth(1.08, 0.9, at)
    seam = seam * (0.8 - 0.45 * view.pose.mouth)
    lips = np.maximum(up, down) * (1 - inner)
    return out * (1 - seam)[:, None], lips


# ---------------------------------------------------------------- ears and glasses


def ear(view: View, side: int, image: np.ndarray, sx: np.ndarray, sy: np.ndarray) -> np.ndarray:
    """One ear over `image`, to be covered in part by the head.

    side: -1 left, 1 right in the picture. sx, sy: on the screen, in head units.
    """
    p = view.p
    beside = side * (p.width * (1 + p.cheek) - 0.025)
    middle = [beside, p.eye_y + 0.17, -0.05]
    at = view.rot @ np.array(middle, F)
    u = side * (sx - at[0])
    v = sy - at[1]
    u = u + 0.18 * v
    wide = 0.10 + 0.05 * smooth(0.0, -0.2, v)
    r = np.sqrt((u / wide) ** 2 + (v / 0.25) ** 2)
    fold = 0.45 * bell(r - 0.68, 0.16) + 0.35 * bell(r, 0.35)
    nx = side * np.clip(0.5 * r, 0, 0.8)
    normal = unit(np.stack([nx, 0.2 * v, np.full_like(u, 0.8)], -1))
    reddish = np.array([1, 0.84, 0.80], F)
    albedo = np.array(p.skin, F) * reddish * (1 - fold)[..., None]
    colour = shade_grid(p, albedo, normal.astype(F), np.zeros(u.shape, F))
    return over(image, colour, edge((1 - r) * 0.12, view.pixel))


def glasses(view: View, image: np.ndarray, sx: np.ndarray, sy: np.ndarray) -> np.ndarray:
    """Spectacles over `image`, flat in front of the eyes, with arms back to the ears."""
    p = view.p
    e = view.pixel
    depth = p.depth + 0.05
    half, tall, corner = SQUARE if p.glasses == "square" else ROUND
    x, y = _in_their_plane(view, sx, sy, depth)
    ax = np.abs(x)
    a = np.abs(ax - p.eye_x) - half + corner
    b = np.abs(y) - tall + corner
    outside = np.hypot(np.maximum(a, 0), np.maximum(b, 0))
    rim = outside + np.minimum(np.maximum(a, b), 0) - corner  # distance, negative on the glass
    frame = np.abs(rim) - 0.017
    arch = np.abs(y + 0.05 - 0.25 * x * x) - 0.015
    bridge = np.maximum(arch, ax - (p.eye_x - half))
    d = np.minimum(frame, bridge)
    for side in (-1, 1):
        hinge = (side * (p.eye_x + half), p.eye_y - 0.03, depth)
        d = np.minimum(d, _arm(view, side, hinge, sx, sy))
    lens = np.clip(0.5 - rim / e, 0, 1)
    streak = np.abs(ax - p.eye_x + 0.9 * y - 0.06)
    glare = 0.05 * lens * smooth(0.05, 0.0, streak)
    dimmed = image * (1 - 0.06 * lens)[..., None]
    image = over(dimmed, np.ones(3, F), glare)
    gleam = smooth(0.012, 0, np.abs(frame + 0.012))
    ink = np.array(p.glasses_rgb, F) + 0.10 * gleam[..., None]
    return over(image, ink, np.clip(0.5 - d / e, 0, 1))


def _in_their_plane(
    view: View, sx: np.ndarray, sy: np.ndarray, depth: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where screen positions lie in the glasses' plane, x y from between the eyes."""
    rot = view.rot
    inverse = np.linalg.inv(rot[:2, :2])
    u = sx - rot[0, 2] * depth
    v = sy - rot[1, 2] * depth
    x = inverse[0, 0] * u + inverse[0, 1] * v
    y = inverse[1, 0] * u + inverse[1, 1] * v - view.p.eye_y - 0.025
    return x, y


def _arm(
    view: View,
    side: int,
    hinge: tuple[float, float, float],
    sx: np.ndarray,
    sy: np.ndarray,
) -> np.ndarray:
    """Distance to one arm on the screen, negative on it."""
    p = view.p
    start = view.rot @ np.array(hinge, F)
    behind = [side * p.width * 1.01, p.eye_y - 0.03, 0.1]
    stop = view.rot @ np.array(behind, F)
    along = stop[:2] - start[:2]
    u = sx - start[0]
    v = sy - start[1]
    share = (u * along[0] + v * along[1]) / (along @ along + 1e-6)
    t = np.clip(share, 0, 1)
    return np.hypot(u - t * along[0], v - t * along[1]) - 0.016
