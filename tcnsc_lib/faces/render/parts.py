"""Parts drawn afresh in every frame: eyes, mouth, ears, falling hair, neck with clothes, glasses."""
from __future__ import annotations

import numpy as np

from tcnsc_lib.faces.render.people import Person, Pose
from tcnsc_lib.faces.render.textures import F, smooth
from tcnsc_lib.faces.render.view import View, mix, over, shade

GAP = 0.17          # height of a fully open mouth, in head units


def eye(p: Person, pose: Pose, side: int, x: np.ndarray, y: np.ndarray, albedo: np.ndarray, e: float) -> tuple:
    """Albedo (k, 3) with one eye drawn in, and its highlight (k,); `e` is a pixel in head units."""
    t = side * (x - side * p.eye_x) / p.eye_w
    v = y - p.eye_y + p.eye_tilt * p.eye_w * t
    arc = np.clip(1 - t * t, -1, 1)
    low = .62 * p.eye_h * arc * (1 + .15 * t)
    high = -p.eye_h * arc * (1 - .18 * t)
    crease = np.exp(-((v - high * 1.25 + .03) / (.012 + .3 * e)) ** 2) * np.clip(arc + .3, 0, 1)
    high = high + pose.blink * (low - high)
    inside = np.clip(.5 + np.minimum(v - high, low - v) / e, 0, 1) * (arc > 0)
    radius = .46 * p.eye_w
    ix, iy = x - side * p.eye_x - .35 * p.eye_w * pose.gaze[0], v + .012 - .25 * p.eye_h * pose.gaze[1]
    dist = np.hypot(ix, iy)
    dim = .35 * np.clip(np.abs(t), 0, 1) ** 3 + .25 * np.exp(-np.maximum(v - high, 0) / .03)
    white = np.array([.57, .54, .52], F) * (1 - dim)[:, None]
    rays = 1 + .22 * np.sin(9 * np.arctan2(iy, ix) + p.seed) + .5 * iy / radius
    iris = np.array(p.iris, F) * (1.35 * rays * (1 - .6 * smooth(.7, 1.0, dist / radius)))[:, None]
    ball = mix(white, iris, np.clip(.5 + (radius - dist) / e, 0, 1))
    ball = mix(ball, (.004, .004, .005), np.clip(.5 + (.45 * radius - dist) / e, 0, 1))
    ball = ball * (1 - .45 * np.exp(-np.maximum(v - high, 0) / .022))[:, None]
    out = mix(albedo * (1 - .3 * crease)[:, None], ball, inside)
    lid = np.exp(-((v - high) / (.011 + .35 * e)) ** 2) * smooth(1.12, .95, np.abs(t))
    rim = np.exp(-((v - low) / (.008 + .3 * e)) ** 2) * smooth(1.05, .9, np.abs(t))
    out = mix(out * (1 - .25 * rim)[:, None], (.012, .008, .007), np.clip(p.lash * lid, 0, .95))
    glint = np.hypot(ix - .3 * radius * np.sign(p.light[0]), iy + .35 * radius)
    return out, .8 * inside * np.exp(-(glint / (.2 * radius + .35 * e)) ** 2)


def mouth(p: Person, pose: Pose, x: np.ndarray, y: np.ndarray, albedo: np.ndarray, e: float) -> tuple:
    """Albedo (k, 3) with lips, teeth and the inside of the mouth, and where the lips are (k,)."""
    t = x / p.mouth_w
    arc = np.clip(1 - t * t, 0, 1)
    line = p.mouth_y - p.smile * t * t - .008 * np.cos(4 * t) * arc
    gap = GAP * pose.mouth * arc
    cupid = 1 + .22 * np.exp(-((np.abs(t) - .28) / .2) ** 2) - .2 * np.exp(-(t / .12) ** 2)
    upper, lower = line - .12 * gap, line + .88 * gap
    top, bottom = upper - p.lip_up * arc * cupid, lower + p.lip_low * arc ** .75

    def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.clip(.5 + np.minimum(y - a, b - y) / (e + .008), 0, 1) * (np.abs(t) < 1)

    streaks = 1 + .08 * np.sin(x * 150 + 6 * np.sin(x * 37))
    lip = np.array(p.lip, F) * streaks[:, None]
    up, down = between(top, upper), between(lower, bottom)
    inner = between(upper, lower) * np.clip(gap / e, 0, 1)
    out = mix(mix(albedo, .72 * lip, .9 * up), lip * (1.12 - .35 * (y - lower) / p.lip_low)[:, None], .9 * down)
    teeth = np.clip(.5 + (upper + .05 - y) / e, 0, 1) * smooth(.85, .5, np.abs(t)) * smooth(.015, .05, gap)
    tongue = np.clip((y - lower + .05) / .05, 0, 1) * smooth(.7, .3, np.abs(t))
    cavity = mix(np.full_like(albedo, .012), (.22, .05, .05), tongue)
    out = mix(out, mix(cavity, (.62, .58, .50), teeth), inner)
    seam = np.exp(-((y - upper) / (.009 + .3 * e)) ** 2) * smooth(1.08, .9, np.abs(t)) * (.8 - .45 * pose.mouth)
    return out * (1 - seam)[:, None], np.maximum(up, down) * (1 - inner)


def ear(view: View, side: int, image: np.ndarray, sx: np.ndarray, sy: np.ndarray) -> np.ndarray:
    """One ear (side -1 left, 1 right in the picture) over `image`, to be covered in part by the head."""
    p, e = view.p, 1 / view.unit
    at = view.rot @ np.array([side * (p.width * (1 + p.cheek) - .025), p.eye_y + .17, -.05], F)
    u, v = side * (sx - at[0]), sy - at[1]
    u = u + .18 * v
    wide = .10 + .05 * smooth(0., -.2, v)
    r = np.sqrt((u / wide) ** 2 + (v / .25) ** 2)
    fold = .45 * np.exp(-((r - .68) / .16) ** 2) + .35 * np.exp(-(r / .35) ** 2)
    n = np.stack([side * np.clip(.5 * r, 0, .8), .2 * v, np.full_like(u, .8)], -1).reshape(-1, 3)
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    albedo = np.array(p.skin, F) * np.array([1, .84, .80], F) * (1 - fold)[..., None]
    colour = shade(p, albedo.reshape(-1, 3), n.astype(F), np.zeros(u.size, F)).reshape(*u.shape, 3)
    return over(image, colour, np.clip(.5 + (1 - r) * .12 / e, 0, 1))


def long_hair(view: View, image: np.ndarray, sx: np.ndarray, sy: np.ndarray) -> np.ndarray:
    """Hair that falls behind the head and beside the neck, over `image`."""
    p, e = view.p, 1 / view.unit
    length = 1.7 if p.style == "long" else .82
    c, s = np.cos(view.pose.roll * .6), np.sin(view.pose.roll * .6)
    x, y = c * sx + s * sy + .1 * view.pose.yaw, c * sy - s * sx
    crown = np.sqrt(np.clip(1 - np.minimum(y + .1, 0) ** 2 / .9, 0, 1))
    outer = crown * (p.width + .10 + p.volume) + .05 * np.sin(4 * y + p.seed)
    outer = outer + (.08 if p.style == "long" else -.14) * smooth(.2, 1.0, y)
    inner = .36 + .12 * np.sin(3 * y + 1.7 * p.seed) * smooth(.9, 1.3, y)
    ax = np.abs(x)
    end = length + .04 * np.sin(9 * x + p.seed) - .25 * smooth(.3, .9, ax) * (p.style != "long")
    d = np.minimum(np.minimum(outer - ax, end - y), y + .9)
    d = np.minimum(d, np.where(y > .75, ax - inner * smooth(.7, 1.0, y), 9))
    grain = np.sin(x * 70 + 5 * np.sin(2.5 * y + p.seed)) + np.sin(x * 113 + 4 * np.sin(3.1 * y))
    nx = np.clip((ax - .3) / (outer - .3), -.2, .92) * np.sign(x)
    n = np.stack([nx, np.zeros_like(nx), np.sqrt(1 - nx * nx)], -1).reshape(-1, 3).astype(F)
    albedo = np.array(p.hair, F) * ((1 + .16 * grain) * (.35 + .65 * smooth(.35, .8, ax)))[..., None]
    colour = shade(p, albedo.reshape(-1, 3), n, .25 * smooth(.35, .8, ax).ravel()).reshape(*nx.shape, 3)
    return over(image, colour, np.clip(.5 + d / (e + .02), 0, 1))


def bun(view: View, image: np.ndarray, sx: np.ndarray, sy: np.ndarray) -> np.ndarray:
    """A bun of hair on the crown, behind the head, over `image`."""
    p, e = view.p, 1 / view.unit
    at = view.rot @ np.array([0, -1.08, -.25], F)
    u, v = (sx - at[0]) / .34, (sy - at[1]) / .28
    r2 = u * u + v * v
    n = np.stack([u, v, np.sqrt(np.clip(1 - r2, .01, 1))], -1).reshape(-1, 3)
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    grain = np.sin(26 * np.hypot(u - .3, v + .5) + 3 * np.sin(4 * u + p.seed))
    albedo = np.array(p.hair, F) * (1 + .25 * grain)[..., None]
    colour = shade(p, albedo.reshape(-1, 3), n, np.full(u.size, .3, F)).reshape(*u.shape, 3)
    return over(image, colour, np.clip(.5 + (1 - np.sqrt(r2)) * .3 / e, 0, 1))


def body(p: Person, image: np.ndarray, x: np.ndarray, y: np.ndarray, chin: float, e: float) -> np.ndarray:
    """Neck, shoulders and clothes over `image`; x, y in head units about the body's axis."""
    ax = np.abs(x)

    def lit(albedo: np.ndarray, nx: np.ndarray, ny: float) -> np.ndarray:
        nz = np.sqrt(np.clip(1 - nx * nx - ny * ny, .02, 1))
        n = np.stack([nx, np.full_like(nx, ny), nz], -1).reshape(-1, 3)
        return shade(p, albedo.reshape(-1, 3), n, np.zeros(len(n), F)).reshape(*nx.shape, 3)

    flare = p.neck + .30 * smooth(.95, 1.35, y) ** 2
    tendon = np.exp(-((ax - .16 - .2 * (1.3 - y)) / .05) ** 2)
    shadow = 1 - .62 * smooth(chin + .42, chin - .05, y + .25 * ax) - .12 * tendon
    skin = lit(np.array(p.skin, F) * shadow[..., None], np.clip(x / flare, -.95, .95) * .9, 0.)
    image = over(image, skin, np.clip(.5 + (flare - ax) / e, 0, 1) * (y > .2))
    top = 1.06 + .26 * smooth(.3, 1.25, ax) + .9 * np.clip(ax - 1.2, 0, 1) ** 2
    hole = {"crew": ax ** 2 / .26 + (y - .95) ** 2 / .075, "vee": ax / .5 + (y - .95) / .5,
            "shirt": ax / .42 + (y - .95) / .48, "turtle": np.full_like(x, 2.)}[p.collar] - 1
    top = top - (.16 * smooth(p.neck + .12, p.neck + .03, ax) if p.collar == "turtle" else 0)
    inside = np.clip(.5 + np.minimum(y - top, .25 * hole) / e, 0, 1)
    cloth = np.broadcast_to(np.array(p.cloth, F), (*x.shape, 3))
    if p.pattern == "stripes":
        cloth = over(cloth, np.array(p.cloth_alt, F), smooth(-.3, .3, np.sin((y - .2 * ax) * 38)))
    elif p.pattern == "knit":
        cloth = cloth * (1 + .12 * np.sin(x * 60) * np.sin((y + .2 * ax) * 45))[..., None]
    fold = 1 + .08 * np.sin(5 * x + 9 * y + p.seed) * smooth(1.1, 1.4, y)
    rim = .06 if p.collar != "shirt" else .16
    band = smooth(rim + e, rim - e, np.abs(hole) * .25) * (p.collar != "turtle")
    edging = np.array(p.cloth_alt, F) if p.collar == "shirt" else .75 * np.array(p.cloth, F)
    cloth = over(cloth, edging, band)
    cast = fold * (1 - .45 * np.exp(-np.clip(y - top, 0, 9) / .05 - np.clip(ax - .45, 0, 9) / .1))
    return over(image, lit(cloth * cast[..., None], np.clip(x / 1.7, -.9, .9), -.3), inside)


def glasses(view: View, image: np.ndarray, sx: np.ndarray, sy: np.ndarray) -> np.ndarray:
    """Spectacles over `image`, flat in front of the eyes, with arms back to the ears."""
    p, e, rot = view.p, 1 / view.unit, view.rot
    depth = p.depth + .05
    inverse = np.linalg.inv(rot[:2, :2])
    u, v = sx - rot[0, 2] * depth, sy - rot[1, 2] * depth
    x, y = inverse[0, 0] * u + inverse[0, 1] * v, inverse[1, 0] * u + inverse[1, 1] * v - p.eye_y - .025
    half, tall, corner = (.225, .17, .08) if p.glasses == "square" else (.205, .195, .19)
    a, b = np.abs(np.abs(x) - p.eye_x) - half + corner, np.abs(y) - tall + corner
    edge = np.hypot(np.maximum(a, 0), np.maximum(b, 0)) + np.minimum(np.maximum(a, b), 0) - corner
    frame = np.abs(edge) - .017
    bridge = np.maximum(np.abs(y + .05 - .25 * x * x) - .015, np.abs(x) - (p.eye_x - half))
    d = np.minimum(frame, bridge)
    for side in (-1, 1):
        start = rot @ np.array([side * (p.eye_x + half), p.eye_y - .03, depth], F)
        stop = rot @ np.array([side * p.width * 1.01, p.eye_y - .03, .1], F)
        along = stop[:2] - start[:2]
        t = np.clip(((sx - start[0]) * along[0] + (sy - start[1]) * along[1]) / (along @ along + 1e-6), 0, 1)
        d = np.minimum(d, np.hypot(sx - start[0] - t * along[0], sy - start[1] - t * along[1]) - .016)
    lens = np.clip(.5 - edge / e, 0, 1)
    glare = .05 * lens * smooth(.05, .0, np.abs(np.abs(x) - p.eye_x + .9 * y - .06))
    image = over(image * (1 - .06 * lens)[..., None], np.ones(3, F), glare)
    ink = np.array(p.glasses_rgb, F) + .10 * smooth(.012, 0, np.abs(frame + .012))[..., None]
    return over(image, ink, np.clip(.5 - d / e, 0, 1))
