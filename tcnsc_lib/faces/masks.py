"""Where a face's inner part lies: aligned by five landmarks, and its soft mask.

Landmarks are float (5, 2), (x, y) in pixels, in the order of MTCNN: the eye on the left of the
image, the other eye, nose tip, left and right corner of the mouth.
"""

import numpy as np
from skimage.transform import SimilarityTransform

# Mean face in the canonical unit square (x, y): MTCNN's landmarks on 260 photographs of LFW,
# mutually aligned, averaged with their mirror image, and scaled so that the square reaches from the
# forehead to the chin.
TEMPLATE = np.array([[0.31, 0.32], [0.69, 0.32], [0.50, 0.542], [0.331, 0.733], [0.669, 0.733]])
SOFTNESS = 0.33  # width of the mask's ramp, as a fraction of the mask's radius
ACROSS = 0.43  # of the canonical square's side: half the inner face's width
ABOVE = 0.29  # from the eyes to its upper rim
BELOW = 0.25  # from the mouth to its lower rim
SPARE = 2  # pixels around the rim

Window = tuple[slice, slice]  # rows and columns of a picture


# ---------------------------------------------------------------- alignment


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks as float64 (5, 2). Raises ValueError if they are not five finite points."""
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise ValueError(
            f"landmarks must be five finite (x, y) points, got an array of shape {points.shape}"
        )
    return points


def fit(source: np.ndarray, destination: np.ndarray) -> SimilarityTransform:
    """Least-squares similarity between points (N, 2). Raises ValueError where they coincide."""
    if np.ptp(source, axis=0).max() < 1e-6:
        raise ValueError("landmarks coincide, so no face can be aligned by them")
    return SimilarityTransform.from_estimate(source, destination)


def align(landmarks: np.ndarray, size: int) -> SimilarityTransform:
    """Least-squares similarity from image pixels to the canonical square of `size` px.

    Pixel centres, x then y. Raises ValueError if the landmarks are not five finite points or
    coincide.
    """
    return fit(five_points(landmarks), TEMPLATE * size - 0.5)


# ---------------------------------------------------------------- the mask


def face_mask(
    landmarks: np.ndarray, shape: tuple[int, ...], softness: float = SOFTNESS
) -> np.ndarray:
    """Soft mask of the inner face, float32 (H, W) in [0, 1], for an image of `shape` (H, W, ...).

    softness: in (0, 1], the fraction of the radius over which the weight rises from 0 at the rim to
    1. The mask is exactly 0 outside the rim. Raises ValueError on bad landmarks or softness.
    """
    mask = np.zeros(shape[:2], np.float32)
    where = reach(landmarks, shape)
    mask[where] = mask_in(where, landmarks, softness)
    return mask


def reach(landmarks: np.ndarray, shape: tuple[int, ...]) -> Window:
    """The rows and columns of an image of `shape` (H, W, ...) that hold the whole inner face.

    Empty where it lies outside. Raises ValueError on bad landmarks.
    """
    to_canonical = align(landmarks, 1)
    centre, half = _middle(_canonical_points(landmarks, to_canonical))
    signs = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]])
    rim = to_canonical.inverse(centre + signs * np.abs(half) - 0.5)
    limit = np.array(shape[1::-1])
    low = np.clip(np.floor(rim.min(axis=0)) - SPARE, 0, limit).astype(int)
    high = np.clip(np.ceil(rim.max(axis=0)) + SPARE + 1, 0, limit).astype(int)
    left, top = low
    right, bottom = high
    return np.s_[top:bottom, left:right]


def mask_in(where: Window, landmarks: np.ndarray, softness: float) -> np.ndarray:
    """What `face_mask` has in these rows and columns, float32."""
    if not 0 < softness <= 1:
        raise ValueError(f"softness must lie in (0, 1], got {softness}")
    to_canonical = align(landmarks, 1)
    points = _canonical_points(landmarks, to_canonical)
    u, v = _canonical_plane(to_canonical.params, where)
    radius = _radius(points, u, v)
    ramp = np.clip((1 - radius) / softness, 0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)


def common_mask(
    first: np.ndarray, second: np.ndarray, where: Window, softness: float
) -> np.ndarray:
    """The smaller weight of two faces, so that neither one's background enters the blend."""
    return np.minimum(mask_in(where, first, softness), mask_in(where, second, softness))


def _canonical_points(landmarks: np.ndarray, to_canonical: SimilarityTransform) -> np.ndarray:
    """Landmarks in the canonical unit square, (5, 2)."""
    turn = to_canonical.params[:2, :2]
    shift = to_canonical.params[:2, 2]
    return five_points(landmarks) @ turn.T + shift + 0.5


def _canonical_plane(to_canonical: np.ndarray, where: Window) -> list[np.ndarray]:
    """Where each pixel lies in the canonical unit square: u and v, float32 (H, W)."""
    y, x = np.mgrid[where].astype(np.float32)
    across, down = to_canonical[:2].astype(np.float32)
    u = across[0] * x + across[1] * y + across[2] + 0.5
    v = down[0] * x + down[1] * y + down[2] + 0.5
    return [u, v]


def _middle(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inner face's middle, and half its width and height, in the canonical unit square."""
    eyes = points[:2].mean(axis=0)
    nose = points[2]
    mouth = points[3:].mean(axis=0)
    top = eyes[1] - ABOVE
    bottom = mouth[1] + BELOW
    # The outline of a head lies behind the plane of eyes and mouth: as the nose turns one way, it
    # moves the other way.
    middle = (eyes[0] + mouth[0]) / 2
    u0 = middle - 0.4 * (nose[0] - middle)
    v0 = 0.5 * (top + bottom)
    return np.array([u0, v0]), np.array([ACROSS, 0.5 * (bottom - top)])


def _radius(points: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Distance from the inner face's middle, 1 on its rim, in each direction; like u and v."""
    (u0, v0), (half_width, half_height) = _middle(points)
    across = np.abs(u - u0) / half_width
    down = (v - v0) / half_height
    # A flat forehead end and a round chin end: the power norms agree where they meet (down = 0).
    forehead = (across**3 + np.abs(down) ** 3) ** (1 / 3)
    return np.where(down < 0, forehead, np.hypot(across, down))
