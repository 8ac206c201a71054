"""Pseudo face swaps made by classical means: the fakes used where no generator is available.

A swap keeps the target's head and replaces its inner face (brows to chin) by that of a donor, with
the steps that the literature on self-made training fakes has in common:

* the donor is drawn among the nearest in landmarks (see `donors`), and the face region is blended
  inside a soft mask: L. Li et al., "Face X-ray for More General Face Forgery Detection", CVPR 2020;
* the face passes through the low resolution of a generator and is warped back, which leaves the
  resolution mismatch that detectors look for: Y. Li and S. Lyu, "Exposing DeepFake Videos by
  Detecting Face Warping Artifacts", 2018 (CVPR workshops 2019);
* colour agreement and a mask of adjustable softness decide how hard the fake is: K. Shiohara and
  T. Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022.

Everywhere: images are uint8 RGB (H, W, 3); landmarks are float (5, 2), (x, y) in pixels, in the
order of MTCNN: the eye on the left of the image, the other eye, nose tip, left and right corner of
the mouth.
"""

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.color import lab2rgb, rgb2lab
from skimage.transform import AffineTransform, SimilarityTransform, warp

# Mean face in the canonical unit square (x, y): MTCNN's landmarks on 260 photographs of LFW,
# mutually aligned, averaged with their mirror image, and scaled so that the square reaches from the
# forehead to the chin.
TEMPLATE = np.array([[0.31, 0.32], [0.69, 0.32], [0.50, 0.542], [0.331, 0.733], [0.669, 0.733]])
BOTTLENECK = 64  # px, side of the canonical square that the donor's face passes through
SOFTNESS = 0.33  # width of the mask's ramp, as a fraction of the mask's radius
LIGHT_SIGMA = 0.16  # of the canonical square's side: detail coarser than this is illumination
STD_GAIN = (0.7, 1.4)  # bounds on the contrast change, so that a flat donor's noise isn't blown up


# ---------------------------------------------------------------- alignment


def five_points(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks as float64 (5, 2). Raises ValueError if they are not five finite points."""
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise ValueError(
            f"landmarks must be five finite (x, y) points, got an array of shape {points.shape}"
        )
    return points


def _fit(source: np.ndarray, destination: np.ndarray) -> SimilarityTransform:
    if np.ptp(source, axis=0).max() < 1e-6:
        raise ValueError("landmarks coincide, so no face can be aligned by them")
    return SimilarityTransform.from_estimate(source, destination)


def align(landmarks: np.ndarray, size: int) -> SimilarityTransform:
    """Least-squares similarity from image pixels to the canonical square of `size` px.

    Pixel centres, x then y. Raises ValueError if the landmarks are not five finite points or
    coincide.
    """
    return _fit(five_points(landmarks), TEMPLATE * size - 0.5)


def sample(image: np.ndarray, transform: SimilarityTransform, size: int) -> np.ndarray:
    """Canonical square of `size` px, float (size, size, 3) in [0, 1].

    Antialiased; borders are replicated.
    """
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]])
    corners = transform.inverse(corners - 0.5)
    step = 1 / transform.scale  # image pixels a pixel of the square
    margin = 3 * step + 2
    limit = np.array(image.shape[1::-1]) - 1
    low = np.floor(corners.min(axis=0) - margin)
    low = np.clip(low, 0, limit).astype(int)
    high = np.ceil(corners.max(axis=0) + margin)
    high = np.clip(high, 0, limit).astype(int) + 1
    left, top = low
    right, bottom = high
    part = image[top:bottom, left:right].astype(np.float32) / 255
    if step > 1:
        blur = 0.5 * (step - 1)
        part = gaussian_filter(part, (blur, blur, 0), mode="nearest")
    to_part = AffineTransform(translation=-low).params @ transform.inverse.params
    shifted = AffineTransform(to_part)
    return warp(part, shifted, output_shape=(size, size), order=1, mode="edge", clip=False)


# ---------------------------------------------------------------- the mask


def face_mask(
    landmarks: np.ndarray, shape: tuple[int, ...], softness: float = SOFTNESS
) -> np.ndarray:
    """Soft mask of the inner face, float32 (H, W) in [0, 1], for an image of `shape` (H, W, ...).

    softness: in (0, 1], the fraction of the radius over which the weight rises from 0 at the rim to
    1. The mask is exactly 0 outside the rim. Raises ValueError on bad landmarks or softness.
    """
    if not 0 < softness <= 1:
        raise ValueError(f"softness must lie in (0, 1], got {softness}")
    to_canonical = align(landmarks, 1).params
    turn = to_canonical[:2, :2]
    shift = to_canonical[:2, 2]
    points = five_points(landmarks) @ turn.T + shift + 0.5
    u, v = _canonical_plane(to_canonical, shape)
    radius = _radius(points, u, v)
    ramp = np.clip((1 - radius) / softness, 0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)


def _canonical_plane(to_canonical: np.ndarray, shape: tuple[int, ...]) -> list[np.ndarray]:
    """Where each pixel lies in the canonical unit square: u and v, float32 (H, W)."""
    height, width = shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    across, down = to_canonical[:2].astype(np.float32)
    u = across[0] * x + across[1] * y + across[2] + 0.5
    v = down[0] * x + down[1] * y + down[2] + 0.5
    return [u, v]


def _radius(points: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Distance from the inner face's middle, 1 on its rim, in each direction; like u and v."""
    eyes = points[:2].mean(axis=0)
    nose = points[2]
    mouth = points[3:].mean(axis=0)
    top = eyes[1] - 0.29
    bottom = mouth[1] + 0.25
    # The outline of a head lies behind the plane of eyes and mouth: as the nose turns one way, it
    # moves the other way.
    middle = (eyes[0] + mouth[0]) / 2
    u0 = middle - 0.4 * (nose[0] - middle)
    v0 = 0.5 * (top + bottom)
    across = np.abs(u - u0) / 0.43
    down = (v - v0) / (0.5 * (bottom - top))
    # A flat forehead end and a round chin end: the power norms agree where they meet (down = 0).
    forehead = (across**3 + np.abs(down) ** 3) ** (1 / 3)
    return np.where(down < 0, forehead, np.hypot(across, down))


def _common_mask(
    first: np.ndarray, second: np.ndarray, shape: tuple[int, ...], softness: float
) -> np.ndarray:
    """The smaller weight of two faces, so that neither one's background enters the blend."""
    return np.minimum(face_mask(first, shape, softness), face_mask(second, shape, softness))


# ---------------------------------------------------------------- colour


def _statistics(lab: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and standard deviation of each channel, (3,)."""
    mean = (share * lab).sum(axis=(0, 1))
    variance = (share * (lab - mean) ** 2).sum(axis=(0, 1))
    return mean, np.sqrt(variance)


def _match_colour(donor: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Give the aligned donor the target's Lab statistics and illumination under `weight`.

    RGB floats in and out.
    """
    source = rgb2lab(donor)
    goal = rgb2lab(target)
    share = (weight + 1e-6)[..., None]  # never all zero, even where the two masks hardly meet
    share /= share.sum()
    mean, std = _statistics(source, share)
    goal_mean, goal_std = _statistics(goal, share)
    gain = np.clip(goal_std / (std + 1e-6), *STD_GAIN)
    source = (source - mean) * gain + goal_mean
    # What differs at low frequency under the mask is light, not identity: normalised blur of the
    # masked difference.
    sigma = LIGHT_SIGMA * len(weight)
    blurred = gaussian_filter(share * (goal - source), (sigma, sigma, 0), mode="constant")
    support = gaussian_filter(share, (sigma, sigma, 0), mode="constant")
    lab = source + blurred / np.maximum(support, 1e-12)
    lab[..., 0] = np.clip(lab[..., 0], 0, 100)
    yellowest = 1.72 * (lab[..., 0] + 16)  # yellower than this has negative Z
    lab[..., 2] = np.minimum(lab[..., 2], yellowest)
    return lab2rgb(lab)


# ---------------------------------------------------------------- the swap


def swap(
    target: np.ndarray,
    target_landmarks: np.ndarray,
    donor: np.ndarray,
    donor_landmarks: np.ndarray,
    bottleneck: int = BOTTLENECK,
    softness: float = SOFTNESS,
) -> tuple[np.ndarray, np.ndarray]:
    """Put the donor's inner face on the target's head.

    Returns the fake, uint8 (H, W, 3) like `target`, and the blending weight of the donor's face,
    float32 (H, W) in [0, 1]: the smaller of both faces' `face_mask`. Where it is 0 the fake equals
    the target byte for byte. bottleneck: side in px of the square that holds the donor's face on
    its way. softness: that of `face_mask`. Deterministic. Raises ValueError if an image is not
    uint8 RGB or on bad landmarks, softness or bottleneck.
    """
    _check(target)
    _check(donor)
    if bottleneck < 8:
        raise ValueError(f"bottleneck must be at least 8 px, got {bottleneck}")
    # Both faces into the square: the target's by its landmarks, the donor's onto the target's.
    to_square = align(target_landmarks, bottleneck)
    aligned = to_square(five_points(target_landmarks))
    donor_to_square = _fit(five_points(donor_landmarks), aligned)
    donor_aligned = donor_to_square(five_points(donor_landmarks))
    donor_on_head = to_square.inverse(donor_aligned)
    mask = _common_mask(target_landmarks, donor_on_head, target.shape, softness)
    if not mask.any():
        return target.copy(), mask
    # The donor's face at low resolution, in the target's colours.
    weight = _common_mask(aligned, donor_aligned, (bottleneck, bottleneck), softness)
    face = sample(donor, donor_to_square, bottleneck)
    face = _match_colour(face, sample(target, to_square, bottleneck), weight)
    return _blend(target, face, to_square, mask), mask


def _check(image: np.ndarray) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"images must be uint8 RGB, got {image.dtype} of shape {image.shape}")


def _blend(
    target: np.ndarray, face: np.ndarray, to_square: SimilarityTransform, mask: np.ndarray
) -> np.ndarray:
    """The face of the square, warped back onto the target under the mask: uint8 (H, W, 3)."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    top = rows[0]
    left = columns[0]
    box = np.s_[top : rows[-1] + 1, left : columns[-1] + 1]
    shift = AffineTransform(translation=(left, top)).params
    to_face = AffineTransform(to_square.params @ shift)
    shape = mask[box].shape
    back = 255 * warp(face, to_face, output_shape=shape, order=3, mode="edge", clip=False)
    alpha = mask[box][..., None]
    mixed = np.rint(alpha * back + (1 - alpha) * target[box])
    fake = target.copy()
    fake[box] = np.clip(mixed, 0, 255).astype(np.uint8)
    return fake
