"""The camera: projection of the head into a frame, map look-up, light and compositing."""
from __future__ import annotations

import numpy as np

from tcnsc_lib.faces.render.people import Person, Pose
from tcnsc_lib.faces.render.textures import EXTENT, N, F, head_width, relief, smooth

HEAD = 0.325        # half the head's height as a fraction of the frame at scale 1
CENTRE_Y = 0.48     # height of the head's centre in the frame
JAW_DROP = 0.10     # how far an open mouth lowers the chin, in head units


def rotation(pose: Pose) -> np.ndarray:
    """(3, 3) float32 matrix from the head's axes to the camera's."""
    angles = [pose.yaw, pose.pitch, pose.roll]
    (cy, cp, cr), (sy, sp, sr) = np.cos(angles), np.sin(angles)
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (roll @ yaw @ pitch).astype(F)


def drop(pose: Pose, y: np.ndarray) -> np.ndarray:
    """How far the open jaw has lowered the skin now found at height y."""
    return JAW_DROP * pose.mouth * smooth(.45, 1.05, y)


class View:
    """Projection of one pose into a frame of `size` pixels."""

    def __init__(self, p: Person, pose: Pose, size: int) -> None:
        self.p, self.pose, self.size = p, pose, size
        self.rot = rotation(pose)
        self.unit = HEAD * size * pose.scale
        self.centre = np.array([(.5 + pose.dx) * size - .5, (CENTRE_Y + pose.dy) * size - .5])

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """(k, 2) pixel positions of (k, 3) points in the head's axes."""
        return points @ self.rot[:2].T.astype(float) * self.unit + self.centre

    def on_face(self, x: float, y: float) -> np.ndarray:
        """Point in space, (3,), of the face's own coordinates x, y (jaw closed)."""
        now = y
        for _ in range(30):
            now = y + float(drop(self.pose, np.float64(now)))
        z = self.p.depth * np.sqrt(max(0., 1 - (x / head_width(self.p, np.float64(y))) ** 2 - y * y))
        return np.array([x, now, z + relief(self.p, np.float64(x), np.float64(y))])

    def hit(self, sx: np.ndarray, sy: np.ndarray, radii: tuple, centre: tuple,
            lowered: np.ndarray | float = 0.0) -> tuple:
        """Nearest hit of the rays at screen sx, sy with an ellipsoid: unit-sphere x, y, z and the
        discriminant, negative outside the outline."""
        d = [self.rot[2, k] / radii[k] for k in range(3)]
        o = [(sx * self.rot[0, k] + sy * self.rot[1, k] - centre[k]) / radii[k] for k in range(3)]
        o[1] = o[1] - lowered
        a, b = d[0] ** 2 + d[1] ** 2 + d[2] ** 2, o[0] * d[0] + o[1] * d[1] + o[2] * d[2]
        disc = (b * b - a * (o[0] ** 2 + o[1] ** 2 + o[2] ** 2 - 1)) / a
        t = (np.sqrt(np.maximum(disc, 0) * a) - b) / a
        return o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2], disc


def coverage(field: np.ndarray) -> np.ndarray:
    """Anti-aliased inside (0..1) of an implicit field that is positive inside."""
    gy, gx = np.gradient(field)
    return np.clip(.5 + field / (np.sqrt(gx * gx + gy * gy) + 1e-6), 0, 1)


def lookup(table: np.ndarray, px: np.ndarray, py: np.ndarray) -> np.ndarray:
    """Bilinear samples, (k, channels), of an (N * N, channels) map at plane positions (k,)."""
    u = np.clip((px / EXTENT + 1) * (.5 * (N - 1)), 0, N - 1.001)
    v = np.clip((py / EXTENT + 1) * (.5 * (N - 1)), 0, N - 1.001)
    i, j = u.astype(np.int32), v.astype(np.int32)
    fu, fv = (u - i)[:, None], (v - j)[:, None]
    at = j * N + i
    upper = table[at] * (1 - fu) + table[at + 1] * fu
    return upper + fv * (table[at + N] * (1 - fu) + table[at + N + 1] * fu - upper)


def equal_area(qx: np.ndarray, qy: np.ndarray, qz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Plane position of points near the unit sphere."""
    norm = np.sqrt(qx * qx + qy * qy + qz * qz) + 1e-6
    factor = np.sqrt(2 / np.maximum(1 + qz / norm, .05)) / norm
    return qx * factor, qy * factor


def shade(p: Person, albedo: np.ndarray, n: np.ndarray, gloss: np.ndarray) -> np.ndarray:
    """Lit linear colours, (k, 3), for unit normals in the camera's axes."""
    key = n @ np.array(p.light, F)
    wrap = np.array([.34, .22, .18], F)    # red light travels further in skin
    direct = np.clip((key[:, None] + wrap) / (1 + wrap), 0, None) * F(.95 * p.key)
    ambient = (.27 - .10 * n[:, 1] + .06 * n[:, 2])[:, None]
    half = np.array(p.light, F) + np.array([0, 0, 1], F)
    spec = np.clip(n @ (half / np.linalg.norm(half)), 0, 1)
    shine = gloss * (.10 * spec ** 14 + .10 * spec ** 50)
    tint = np.array([1 + p.warmth, 1, 1 - p.warmth], F)
    return (albedo * (direct * tint + ambient) + shine[:, None] * p.key).astype(F)


def mix(colour: np.ndarray, paint: object, alpha: np.ndarray) -> np.ndarray:
    """`colour` (k, 3) painted over with `paint` at opacity `alpha` (k,)."""
    return colour + alpha[:, None] * (np.asarray(paint, F) - colour)


def window(sx: np.ndarray, sy: np.ndarray, left: float, top: float, right: float, bottom: float
           ) -> tuple[slice, slice]:
    """Rows and columns of the screen grids sx, sy inside a rectangle in head units."""
    rows, cols = np.searchsorted(sy[:, 0], [top, bottom]), np.searchsorted(sx[0], [left, right])
    return slice(int(rows[0]), int(rows[1])), slice(int(cols[0]), int(cols[1]))


def over(image: np.ndarray, colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """`image` (h, w, 3) covered by `colour` at opacity `alpha` (h, w)."""
    return image + alpha[..., None] * (colour - image)
