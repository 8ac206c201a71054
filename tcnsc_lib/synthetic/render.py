"""Miniature talking-head portraits of made-up people, ray-cast in numpy frame by frame.

A person is a bent ellipsoid with a relief for the face, maps of skin and hair baked once, eyes,
mouth and glasses drawn analytically in the face's own coordinates, and neck, clothes and a blurred
background behind. Everything is a function of seeds, so the same call gives the same bytes;
landmarks come from the very projection that draws the picture.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tcnsc_lib.synthetic.clothes import body
from tcnsc_lib.synthetic.hair import bun, long_hair, shell
from tcnsc_lib.synthetic.motion import Pose
from tcnsc_lib.synthetic.parts import ear, eye, glasses, mouth
from tcnsc_lib.synthetic.people import Person
from tcnsc_lib.synthetic.shape import F, head_width, relief
from tcnsc_lib.synthetic.skin import face_map
from tcnsc_lib.synthetic.textures import KEPT, background
from tcnsc_lib.synthetic.view import (
    CENTRE_Y,
    HEAD,
    JAW_DROP,
    Frame,
    View,
    coverage,
    drop,
    equal_area,
    lookup,
    over,
    shade,
    window,
)

STEPS = 4  # until a ray has found the face


def render(
    person: Person,
    pose: Pose,
    size: int = 128,
    noise: float = 2.0,
    seed: int = 0,
    frame: Frame | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one frame.

    Returns the (size, size, 3) uint8 RGB frame and its (5, 2) float64 landmarks, x and y in pixels
    (pixel centres at whole numbers): left eye, right eye, nose tip, left and right mouth corner,
    left and right as in the picture. noise: standard deviation of the camera noise in grey levels,
    drawn from `seed`; give each frame of a clip its own. frame: height and width of a wider scene
    round that square, pixels; then the frame is (height, width, 3).
    """
    view = View(person, pose, size, frame)
    image = _compose(view)
    # A soft shoulder, as a camera has, keeps bright skin from clipping.
    shoulder = 0.5 + 0.45 * np.tanh((image - 0.5) / 0.45)
    image = np.where(image > 0.5, shoulder, np.maximum(image, 0))
    seen = 255 * np.sqrt(image) + F(noise) * _grain(seed, view.frame)
    return np.clip(seen + 0.5, 0, 255).astype(np.uint8), _landmarks(view)


@lru_cache(maxsize=KEPT)
def _grain(seed: int, frame: Frame) -> np.ndarray:
    """The camera's noise, (height, width, 3) float32; a person has it twice, in either pose."""
    rng = np.random.default_rng([seed, 606])
    return rng.standard_normal((*frame, 3), dtype=F)


def _compose(view: View) -> np.ndarray:
    """(height, width, 3) float32 linear colours of everything, painted from back to front."""
    p = view.p
    image = background(p, view.frame).copy()
    height, width = view.frame
    rows, columns = np.mgrid[:height, :width].astype(F)
    sx = (columns - F(view.centre[0])) / F(view.unit)
    sy = (rows - F(view.centre[1])) / F(view.unit)
    _paint_body(view, image, rows, columns)
    for side in (-1, 1):
        middle = side * float(view.rot[0, 0]) * p.width
        at = window(sx, sy, (middle - 0.3, -0.3), (middle + 0.3, 0.65))
        image[at] = ear(view, side, image[at], sx[at], sy[at])
    if p.style in ("long", "bob"):
        at = window(sx, sy, (-1.25, -1.1), (1.25, 9))
        image[at] = long_hair(view, image[at], sx[at], sy[at])
    if p.style == "bun":
        at = window(sx, sy, (-0.8, -1.7), (0.8, 0))
        image[at] = bun(view, image[at], sx[at], sy[at])
    at = window(sx, sy, (-1.0, -1.45), (1.0, 1.25))
    image[at] = _head_and_hair(view, image[at], sx[at], sy[at])
    if p.glasses:
        at = window(sx, sy, (-0.95, -0.5), (0.95, 0.55))
        image[at] = glasses(view, image[at], sx[at], sy[at])
    return image


def _paint_body(view: View, image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> None:
    """Neck and clothes into `image`; the body follows the head in part."""
    pose = view.pose
    unit = F(HEAD * view.size * (0.6 + 0.4 * pose.scale))
    left, top = view.corner
    middle = F((0.5 + 0.6 * pose.dx) * view.size - 0.5 + left)
    height = F((CENTRE_Y + 0.6 * pose.dy) * view.size - 0.5 + top)
    x = (columns - middle) / unit - F(0.04 * pose.yaw)
    y = (rows - height) / unit
    chin = float(view.rot[1, 1]) + JAW_DROP * pose.mouth
    at = window(x, y, (-9, 0.2), (9, 9))
    pixel = 1 / unit
    image[at] = body(view.p, image[at], x[at], y[at], chin, pixel)


def _head_and_hair(view: View, image: np.ndarray, sx: np.ndarray, sy: np.ndarray) -> np.ndarray:
    """The head over `image`, between the hair behind it and the hair before it."""
    head, cover = _head(view, sx, sy)
    if view.p.style == "bald":
        return over(image, head, cover)
    hair, behind, before = shell(view, sx, sy)
    image = over(image, hair, behind)
    image = over(image, head, cover)
    return over(image, hair, before)


def _head(view: View, sx: np.ndarray, sy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lit colours (h, w, 3) and opacity (h, w) of the head without hair."""
    p = view.p
    q, outline, wide = _hit_face(view, sx, sy)
    cover = coverage(outline)
    keep = cover > 0
    qx, y, qz = (values[keep] for values in q)
    x = qx * wide[keep]
    front = qz > 0
    texel = lookup(face_map(p), *equal_area(qx, y, qz))
    albedo = texel[:, :3].copy()
    normal = texel[:, 3:6] @ view.rot.T
    gloss = texel[:, 6].copy()
    glint = np.zeros_like(x)
    for side in (-1, 1):
        beside = np.abs(x - side * p.eye_x) < 1.3 * p.eye_w
        at = np.flatnonzero(front & beside & (np.abs(y - p.eye_y) < 0.17))
        albedo[at], glint[at] = eye(view, side, x[at], y[at], albedo[at])
    beside = np.abs(x) < 1.15 * p.mouth_w
    at = np.flatnonzero(front & beside & (np.abs(y - p.mouth_y - 0.1) < 0.35))
    albedo[at], lips = mouth(view, x[at], y[at], albedo[at])
    gloss[at] += 0.8 * lips
    colour = np.zeros((*cover.shape, 3), F)
    lit = shade(p, albedo, normal, np.clip(gloss, 0, 2))
    colour[keep] = lit + glint[:, None]
    return colour, cover


def _hit_face(view: View, sx: np.ndarray, sy: np.ndarray) -> tuple[list, np.ndarray, np.ndarray]:
    """Where rays meet the face: on the unit sphere, their discriminant, and the head's width there.

    Width, jaw and relief depend on where the ray meets them, so that is found step by step.
    """
    p = view.p
    rot = view.rot
    shift = drop(view.pose, sy)
    wide = head_width(p, sy)
    height = 0.0
    for step in range(STEPS):
        x_there = sx - rot[0, 2] * height
        y_there = sy - rot[1, 2] * height
        radii = (wide, 1.0, p.depth)
        *q, outline = view.hit(x_there, y_there, radii, (0, 0, 0), shift)
        y = q[1]
        if step < STEPS - 1:
            height = relief(p, q[0] * wide, y)
            shift = drop(view.pose, y + shift)
        wide = head_width(p, y)
    return q, outline, wide


def _landmarks(view: View) -> np.ndarray:
    """(5, 2) pixel positions of eyes, nose tip and mouth corners; left first, as in the picture."""
    p = view.p
    corner = p.mouth_y - p.smile
    spots = [
        (-p.eye_x, p.eye_y),
        (p.eye_x, p.eye_y),
        (0, p.nose_y),
        (-p.mouth_w, corner),
        (p.mouth_w, corner),
    ]
    points = [view.on_face(x, y) for x, y in spots]
    return view.pixels(np.array(points))
