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

A real face beside such a fake is `resampled` under the same mask, at its own resolution. Otherwise
whatever has been resampled at all would be fake, which isn't what a detector is meant to learn.

Everywhere: images are uint8 RGB (H, W, 3); landmarks are float (5, 2), (x, y) in pixels, in the
order of MTCNN: the eye on the left of the image, the other eye, nose tip, left and right corner of
the mouth.
"""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.color import lab2rgb, rgb2lab
from skimage.transform import AffineTransform, SimilarityTransform, warp

from tcnsc_lib.faces.masks import SOFTNESS, align, common_mask, fit, five_points, reach

RECIPE = 2  # raised when the pixels of a swap, or of the real face beside it, change
BOTTLENECK = 64  # px, side of the canonical square that the donor's face passes through
LEAST = 8  # px, of that side
CUBIC = 3  # order of the splines that carry a face into the square and back
LIGHT_SIGMA = 0.16  # of the canonical square's side: detail coarser than this is illumination
STD_GAIN = (0.7, 1.4)  # bounds on the contrast change, so that a flat donor's noise isn't blown up
LUMA = np.array([0.299, 0.587, 0.114])  # BT.601's
COARSE = 16  # image pixels a pixel of the square; from here on, sampling begins by shrinking
FINE = 8  # image pixels a pixel of the square that shrinking leaves


# ---------------------------------------------------------------- the square


def sample(
    image: np.ndarray, transform: SimilarityTransform, size: int, order: int = 1
) -> np.ndarray:
    """Canonical square of `size` px, float (size, size, 3) in [0, 1].

    Antialiased; borders are replicated. order: of the spline, 1 (linear) or 3 (cubic, which keeps
    more of the finest detail).
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
    shrink = int(step // FINE) if step >= COARSE else 1
    part = _reduced(image[top:bottom, left:right], shrink).astype(np.float32) / 255
    if step > shrink:
        blur = 0.5 * (step / shrink - 1)
        part = gaussian_filter(part, (blur, blur, 0), mode="nearest")
    to_part = AffineTransform(translation=-low).params @ transform.inverse.params
    if shrink > 1:
        to_part = _shrinking(shrink).params @ to_part
    shifted = AffineTransform(to_part)
    square = warp(part, shifted, output_shape=(size, size), order=order, mode="edge", clip=False)
    return np.clip(square, 0, 1)  # a cubic spline overshoots at edges


def _reduced(image: np.ndarray, factor: int) -> np.ndarray:
    """Means of factor x factor pixels, uint8."""
    if factor == 1:
        return image
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).reduce(factor))


def _shrinking(factor: int) -> AffineTransform:
    """Where pixel centres of an image lie in the `_reduced` one."""
    return AffineTransform(scale=1 / factor, translation=[0.5 / factor - 0.5] * 2)


def shrunk(
    image: np.ndarray, boxes: np.ndarray, landmarks: np.ndarray, factor: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image with its boxes' corners (..., 4) and landmarks (..., 2), smaller by a whole factor.

    By the factor 1 they stay as they are.
    """
    if factor == 1:
        return image, boxes, landmarks
    points = (np.asarray(landmarks) + 0.5) / factor - 0.5
    return _reduced(image, factor), np.asarray(boxes) / factor, points


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
    if bottleneck < LEAST:
        raise ValueError(f"bottleneck must be at least {LEAST} px, got {bottleneck}")
    # Both faces into the square: the target's by its landmarks, the donor's onto the target's.
    to_square = align(target_landmarks, bottleneck)
    aligned = to_square(five_points(target_landmarks))
    donor_to_square = fit(five_points(donor_landmarks), aligned)
    donor_aligned = donor_to_square(five_points(donor_landmarks))
    donor_on_head = to_square.inverse(donor_aligned)
    where = reach(target_landmarks, target.shape)
    near = common_mask(target_landmarks, donor_on_head, where, softness)
    mask = np.zeros(target.shape[:2], np.float32)
    mask[where] = near
    if not near.any():
        return target.copy(), mask
    # The donor's face at low resolution, in the target's colours.
    square = np.s_[:bottleneck, :bottleneck]
    weight = common_mask(aligned, donor_aligned, square, softness)
    face = sample(donor, donor_to_square, bottleneck, CUBIC)
    face = _match_colour(face, sample(target, to_square, bottleneck, CUBIC), weight)
    return _blend(target, face, to_square, mask), mask


def own_resolution(landmarks: np.ndarray) -> int:
    """Side of the square whose pixels are as large as the image's own, px.

    Raises ValueError on bad landmarks.
    """
    return max(LEAST, round(1 / float(align(landmarks, 1).scale)))


def resampled(
    image: np.ndarray, landmarks: np.ndarray, mask: np.ndarray, side: int | None = None
) -> np.ndarray:
    """A face that passed through the square and back as a swap's does: uint8 like `image`.

    mask: the blending weight, float32 (H, W) in [0, 1]; where it is 0, nothing changes. side: of
    the square, px; without one, the face keeps its own resolution. Deterministic. Raises ValueError
    if the image is not uint8 RGB or on bad landmarks.
    """
    _check(image)
    if not mask.any():
        return image.copy()
    side = side or own_resolution(landmarks)
    to_square = align(landmarks, side)
    return _blend(image, sample(image, to_square, side, CUBIC), to_square, mask)


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
    back = 255 * warp(face, to_face, output_shape=shape, order=CUBIC, mode="edge", clip=False)
    alpha = mask[box][..., None]
    mixed = np.rint(alpha * back + (1 - alpha) * target[box])
    fake = target.copy()
    fake[box] = np.clip(mixed, 0, 255).astype(np.uint8)
    return fake


def in_tones_of(target: np.ndarray, fake: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A fake of a monochrome target: where the mask isn't 0, its light with the target's tones.

    A grey target's fake is grey, a brown one's is brown. uint8 (H, W, 3); mask: (H, W).
    """
    inside = mask > 0
    own = target[inside].astype(float)
    tones = own - (own @ LUMA)[:, None]
    light = fake[inside] @ LUMA
    toned = np.rint(light[:, None] + tones)
    result = fake.copy()
    result[inside] = np.clip(toned, 0, 255).astype(np.uint8)
    return result
