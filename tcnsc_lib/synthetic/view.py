"""The camera: projection of the head into a frame, map look-up, light and compositing."""

from __future__ import annotations

import numpy as np

from tcnsc_lib.synthetic.motion import Pose
from tcnsc_lib.synthetic.people import Person
from tcnsc_lib.synthetic.shape import F, head_width, relief, smooth
from tcnsc_lib.synthetic.textures import EXTENT, N

HEAD = 0.325  # half the head's height as a fraction of the frame at scale 1
CENTRE_Y = 0.48  # height of the head's centre in the frame
JAW_DROP = 0.10  # how far an open mouth lowers the chin, in head units
Frame = tuple[int, int]  # height and width of a picture, pixels


# ---------------------------------------------------------------- projection


def rotation(pose: Pose) -> np.ndarray:
    """(3, 3) float32 matrix from the head's axes to the camera's."""
    angles = [pose.yaw, pose.pitch, pose.roll]
    cy, cp, cr = np.cos(angles)
    sy, sp, sr = np.sin(angles)
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (roll @ yaw @ pitch).astype(F)


def drop(pose: Pose, y: np.ndarray) -> np.ndarray:
    """How far the open jaw has lowered the skin now found at height y."""
    return JAW_DROP * pose.mouth * smooth(0.45, 1.05, y)


class View:
    """Projection of one pose into a frame.

    size: pixels a side of the square that the head is composed in. frame: height and width of the
    picture, pixels; the square lies in its middle. corner: x and y of the square in the frame,
    pixels. unit: pixels a head unit. pixel: head units a pixel.
    """

    def __init__(self, p: Person, pose: Pose, size: int, frame: Frame | None = None) -> None:
        self.p = p
        self.pose = pose
        self.size = size
        self.frame = frame or (size, size)
        height, width = self.frame
        self.corner = ((width - size) // 2, (height - size) // 2)
        self.rot = rotation(pose)
        self.unit = HEAD * size * pose.scale
        self.pixel = 1 / self.unit
        x = (0.5 + pose.dx) * size - 0.5 + self.corner[0]
        y = (CENTRE_Y + pose.dy) * size - 0.5 + self.corner[1]
        self.centre = np.array([x, y])

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """(k, 2) pixel positions of (k, 3) points in the head's axes."""
        across_and_down = self.rot[:2].T.astype(float)
        return points @ across_and_down * self.unit + self.centre

    def on_face(self, x: float, y: float) -> np.ndarray:
        """Point in space, (3,), of the face's own coordinates x, y (jaw closed)."""
        now = y
        for _ in range(30):
            before = now
            now = y + float(drop(self.pose, np.float64(before)))
            if now == before:
                break
        across = x / head_width(self.p, np.float64(y))
        z = self.p.depth * np.sqrt(max(0.0, 1 - across**2 - y * y))
        height = relief(self.p, np.float64(x), np.float64(y))
        return np.array([x, now, z + height])

    def hit(
        self,
        sx: np.ndarray,
        sy: np.ndarray,
        radii: tuple,
        centre: tuple,
        lowered: np.ndarray | float = 0.0,
    ) -> tuple:
        """Nearest hit of the rays at screen sx, sy with an ellipsoid.

        Returns unit-sphere x, y, z and the discriminant, negative outside the outline.
        """
        # A ray is o + t d, both in units of the ellipsoid's radii.
        d = [self.rot[2, k] / radii[k] for k in range(3)]
        o = []
        for k in range(3):
            inside = sx * self.rot[0, k] + sy * self.rot[1, k] - centre[k]
            o.append(inside / radii[k])
        o[1] = o[1] - lowered
        # |o + t d| = 1 is a t^2 + 2 b t + c = 0.
        a = d[0] ** 2 + d[1] ** 2 + d[2] ** 2
        b = o[0] * d[0] + o[1] * d[1] + o[2] * d[2]
        c = o[0] ** 2 + o[1] ** 2 + o[2] ** 2 - 1
        outline = (b * b - a * c) / a
        t = (np.sqrt(np.maximum(outline, 0) * a) - b) / a
        x, y, z = (o[k] + t * d[k] for k in range(3))
        return x, y, z, outline


def window(
    sx: np.ndarray, sy: np.ndarray, corner: tuple[float, float], opposite: tuple[float, float]
) -> tuple[slice, slice]:
    """Rows and columns of the screen grids sx, sy inside a rectangle in head units.

    corner: its left and top. opposite: its right and bottom.
    """
    left, top = corner
    right, bottom = opposite
    first_row, end_row = np.searchsorted(sy[:, 0], [top, bottom])
    first_column, end_column = np.searchsorted(sx[0], [left, right])
    return slice(int(first_row), int(end_row)), slice(int(first_column), int(end_column))


# ---------------------------------------------------------------- maps


def equal_area(qx: np.ndarray, qy: np.ndarray, qz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Plane position of points near the unit sphere."""
    norm = np.sqrt(qx * qx + qy * qy + qz * qz) + 1e-6
    front = np.maximum(1 + qz / norm, 0.05)
    factor = np.sqrt(2 / front) / norm
    return qx * factor, qy * factor


def lookup(table: np.ndarray, px: np.ndarray, py: np.ndarray) -> np.ndarray:
    """Bilinear samples, (k, channels), of an (N * N, channels) map at plane positions (k,)."""
    u = _texels(px)
    v = _texels(py)
    i = u.astype(np.int32)
    j = v.astype(np.int32)
    fu = (u - i)[:, None]
    fv = (v - j)[:, None]
    at = j * N + i
    left = 1 - fu
    upper = table.take(at, 0) * left + table.take(at + 1, 0) * fu
    lower = table.take(at + N, 0) * left + table.take(at + N + 1, 0) * fu
    return upper + fv * (lower - upper)


def _texels(position: np.ndarray) -> np.ndarray:
    half = 0.5 * (N - 1)
    return np.clip((position / EXTENT + 1) * half, 0, N - 1.001)


# ---------------------------------------------------------------- light


def unit(normals: np.ndarray, floor: float = 0.0) -> np.ndarray:
    """Vectors (k, 3) of length 1; floor: is added to their length, where it may be 0."""
    return normals / (np.linalg.norm(normals, axis=-1, keepdims=True) + floor)


def shade(p: Person, albedo: np.ndarray, n: np.ndarray, gloss: np.ndarray) -> np.ndarray:
    """Lit linear colours, (k, 3), for unit normals in the camera's axes.

    albedo: (k, 3). gloss: (k,), of the highlights.
    """
    light = np.array(p.light, F)
    key = n @ light
    wrap = np.array([0.34, 0.22, 0.18], F)  # red light travels further in skin
    wrapped = (key[:, None] + wrap) / (1 + wrap)
    direct = np.clip(wrapped, 0, None) * F(0.95 * p.key)
    ambient = 0.27 - 0.10 * n[:, 1] + 0.06 * n[:, 2]
    half = light + np.array([0, 0, 1], F)
    spec = np.clip(n @ (half / np.linalg.norm(half)), 0, 1)
    shine = gloss * (0.10 * spec**14 + 0.10 * spec**50)
    tint = np.array([1 + p.warmth, 1, 1 - p.warmth], F)
    diffuse = albedo * (direct * tint + ambient[:, None])
    return (diffuse + shine[:, None] * p.key).astype(F)


def shade_grid(p: Person, albedo: np.ndarray, n: np.ndarray, gloss: np.ndarray) -> np.ndarray:
    """`shade` of a grid: albedo and n (h, w, 3), gloss (h, w) -> (h, w, 3)."""
    flat = shade(p, albedo.reshape(-1, 3), n.reshape(-1, 3), gloss.ravel())
    return flat.reshape(albedo.shape)


# ---------------------------------------------------------------- compositing


def coverage(field: np.ndarray) -> np.ndarray:
    """Anti-aliased inside (0..1) of an implicit field that is positive inside."""
    gy, gx = np.gradient(field)
    slope = np.sqrt(gx * gx + gy * gy) + 1e-6
    return np.clip(0.5 + field / slope, 0, 1)


def edge(distance: np.ndarray, pixel: float) -> np.ndarray:
    """Anti-aliased inside (0..1) at a distance from an edge, positive inside."""
    return np.clip(0.5 + distance / pixel, 0, 1)


def mix(colour: np.ndarray, paint: object, alpha: np.ndarray) -> np.ndarray:
    """`colour` (k, 3) painted over with `paint` at opacity `alpha` (k,)."""
    return colour + alpha[:, None] * (np.asarray(paint, F) - colour)


def over(image: np.ndarray, colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """`image` (h, w, 3) covered by `colour` at opacity `alpha` (h, w)."""
    return image + alpha[..., None] * (colour - image)
