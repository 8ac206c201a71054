"""Miniature talking-head portraits of made-up people, ray-cast in numpy frame by frame.

A person is a bent ellipsoid with a relief for the face, maps of skin and hair baked once (see
`textures`), eyes, mouth and glasses drawn analytically in the face's own coordinates, and neck,
clothes and a blurred background behind.  Everything is a function of seeds, so the same call gives
the same bytes; landmarks come from the very projection that draws the picture.
"""
from __future__ import annotations

import numpy as np

from tcnsc_lib.faces.render.parts import body, bun, ear, eye, glasses, long_hair, mouth
from tcnsc_lib.faces.render.people import Person, Pose, motion, person
from tcnsc_lib.faces.render.textures import F, background, face_map, hair_bottom, hair_map, head_width, relief, smooth
from tcnsc_lib.faces.render.view import CENTRE_Y, HEAD, JAW_DROP, View, coverage, drop, equal_area, lookup, over, shade, window

__all__ = ["Person", "Pose", "motion", "person", "render"]


def _head(view: View, sx: np.ndarray, sy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lit colours (h, w, 3) and opacity (h, w) of the head without hair."""
    p, pose, rot = view.p, view.pose, view.rot
    y, shift, wide, h = sy, drop(pose, sy), head_width(p, sy), 0.0
    for _ in range(4):
        q = view.hit(sx - rot[0, 2] * h, sy - rot[1, 2] * h, (wide, 1.0, p.depth), (0, 0, 0), shift)
        y = q[1]
        wide, shift, h = head_width(p, y), drop(pose, y + shift), relief(p, q[0] * wide, y)
    cover = coverage(q[3])
    keep = cover > 0
    qx, qy, qz = (v[keep] for v in q[:3])
    x, y, e = qx * wide[keep], qy, 1 / view.unit
    texel = lookup(face_map(p), *equal_area(qx, qy, qz))
    albedo, normal, gloss = texel[:, :3].copy(), texel[:, 3:6] @ rot.T, texel[:, 6].copy()
    glint = np.zeros_like(x)
    front = qz > 0
    for side in (-1, 1):
        at = np.flatnonzero(front & (np.abs(x - side * p.eye_x) < 1.3 * p.eye_w) & (np.abs(y - p.eye_y) < .17))
        albedo[at], glint[at] = eye(p, pose, side, x[at], y[at], albedo[at], e)
    at = np.flatnonzero(front & (np.abs(x) < 1.15 * p.mouth_w) & (np.abs(y - p.mouth_y - .1) < .35))
    albedo[at], lips = mouth(p, pose, x[at], y[at], albedo[at], e)
    gloss[at] += .8 * lips
    colour = np.zeros((*cover.shape, 3), F)
    colour[keep] = shade(p, albedo, normal, np.clip(gloss, 0, 2)) + glint[:, None]
    return colour, cover


def _hair(view: View, sx: np.ndarray, sy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lit colours (h, w, 3) of the shell of hair, its opacity behind the head and before it (h, w)."""
    p = view.p
    upright = sy - view.pose.roll * sx
    wide = p.width * (1 + p.cheek + .11 * smooth(-.25, -.9, upright)) + .8 * p.volume
    radii = (wide, 1 + p.volume, p.depth + p.volume)
    q = view.hit(sx, sy, radii, (0, -.02 - .3 * p.volume, -.05))
    field = q[3]
    if p.style == "curly":
        angle = np.arctan2(q[1], q[0])
        field = field + .05 * np.sin(11 * angle + p.seed) + .04 * np.sin(23 * angle + 2 * p.seed)
    cover = coverage(field)
    keep = cover > 0
    qx, qy, qz = (v[keep] for v in q[:3])
    texel = lookup(hair_map(p), *equal_area(qx, qy, qz))
    normal = np.stack([qx / wide[keep], qy / radii[1], qz / radii[2]], -1)
    normal[:, 0] += texel[:, 2]
    normal = (normal / (np.linalg.norm(normal, axis=1, keepdims=True) + 1e-6)) @ view.rot.T
    colour, behind, before = np.zeros((*cover.shape, 3), F), np.zeros_like(cover), np.zeros_like(cover)
    albedo = np.array(p.cloth_alt if p.style == "beanie" else p.hair, F) * texel[:, 1:2]
    colour[keep] = shade(p, albedo, normal, .6 * texel[:, 1] * (p.style not in ("curly", "beanie")))
    # a ray through the opening for the face that misses the head meets the hair on the far side
    behind[keep] = cover[keep] * smooth(hair_bottom(p) + .08, hair_bottom(p) - .08, qy)
    before[keep] = cover[keep] * texel[:, 0]
    return colour, behind, before


def _landmarks(view: View) -> np.ndarray:
    """(5, 2) pixel positions of eyes, nose tip and mouth corners; left first, as in the picture."""
    p = view.p
    corner = p.mouth_y - p.smile
    spots = [(-p.eye_x, p.eye_y), (p.eye_x, p.eye_y), (0, p.nose_y), (-p.mouth_w, corner), (p.mouth_w, corner)]
    return view.pixels(np.array([view.on_face(x, y) for x, y in spots]))


def _compose(view: View) -> np.ndarray:
    """(size, size, 3) float32 linear colours of everything, painted from back to front."""
    p, pose, size = view.p, view.pose, view.size
    image = background(p, size).copy()
    rows, cols = np.mgrid[:size, :size].astype(F)
    sx, sy = (cols - F(view.centre[0])) / F(view.unit), (rows - F(view.centre[1])) / F(view.unit)
    unit = F(HEAD * size * (.6 + .4 * pose.scale))      # the body follows the head in part
    bx = (cols - F((.5 + .6 * pose.dx) * size - .5)) / unit - F(.04 * pose.yaw)
    by = (rows - F((CENTRE_Y + .6 * pose.dy) * size - .5)) / unit

    at = window(bx, by, -9, .2, 9, 9)
    image[at] = body(p, image[at], bx[at], by[at], float(view.rot[1, 1]) + JAW_DROP * pose.mouth, 1 / unit)
    for side in (-1, 1):
        edge = side * float(view.rot[0, 0]) * p.width
        at = window(sx, sy, edge - .3, -.3, edge + .3, .65)
        image[at] = ear(view, side, image[at], sx[at], sy[at])
    if p.style in ("long", "bob"):
        at = window(sx, sy, -1.25, -1.1, 1.25, 9)
        image[at] = long_hair(view, image[at], sx[at], sy[at])
    if p.style == "bun":
        at = window(sx, sy, -.8, -1.7, .8, 0)
        image[at] = bun(view, image[at], sx[at], sy[at])
    at = window(sx, sy, -1.0, -1.45, 1.0, 1.25)
    head = _head(view, sx[at], sy[at])
    if p.style == "bald":
        image[at] = over(image[at], *head)
    else:
        colour, behind, before = _hair(view, sx[at], sy[at])
        image[at] = over(over(over(image[at], colour, behind), *head), colour, before)
    if p.glasses:
        at = window(sx, sy, -.95, -.5, .95, .55)
        image[at] = glasses(view, image[at], sx[at], sy[at])
    return image


def render(person: Person, pose: Pose, size: int = 128, noise: float = 2.0, seed: int = 0
           ) -> tuple[np.ndarray, np.ndarray]:
    """Draw one frame.

    Returns the (size, size, 3) uint8 RGB frame and its (5, 2) float64 landmarks, x and y in pixels
    (pixel centres at whole numbers): left eye, right eye, nose tip, left and right mouth corner,
    left and right as in the picture.  `noise` is the standard deviation of the camera noise in
    grey levels, drawn from `seed`; give each frame of a clip its own.
    """
    view = View(person, pose, size)
    image = _compose(view)
    grain = np.random.default_rng([seed, 606]).standard_normal(image.shape, dtype=F)
    # a soft shoulder, as a camera has, keeps bright skin from clipping
    image = np.where(image > .5, .5 + .45 * np.tanh((image - .5) / .45), np.maximum(image, 0))
    frame = 255 * np.sqrt(image) + F(noise) * grain
    return np.clip(frame + .5, 0, 255).astype(np.uint8), _landmarks(view)
