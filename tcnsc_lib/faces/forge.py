"""Pseudo face swaps made by classical means: the fakes used where no generator is available.

A swap keeps the target's head and replaces its inner face (brows to chin) by that of a donor, with the steps that the
literature on self-made training fakes has in common:

* the donor is drawn among the nearest in landmarks, and the face region is blended inside a soft mask: L. Li et al.,
  "Face X-ray for More General Face Forgery Detection", CVPR 2020;
* the face passes through the low resolution of a generator and is warped back, which leaves the resolution mismatch
  that detectors look for: Y. Li and S. Lyu, "Exposing DeepFake Videos by Detecting Face Warping Artifacts", 2018
  (CVPR workshops 2019);
* colour agreement and a mask of adjustable softness decide how hard the fake is: K. Shiohara and T. Yamasaki,
  "Detecting Deepfakes with Self-Blended Images", CVPR 2022.

Everywhere: images are uint8 RGB (H, W, 3); landmarks are float (5, 2), (x, y) in pixels, in the order of MTCNN: the eye
on the left of the image, the other eye, nose tip, left and right corner of the mouth.
"""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist
from skimage.color import lab2rgb, rgb2lab
from skimage.transform import AffineTransform, SimilarityTransform, warp

# Mean face in the canonical unit square (x, y): MTCNN's landmarks on 260 photographs of LFW, mutually aligned, averaged
# with their mirror image, and scaled so that the square reaches from the forehead to the chin.
TEMPLATE = np.array([[0.31, 0.32], [0.69, 0.32], [0.50, 0.542], [0.331, 0.733], [0.669, 0.733]])
BOTTLENECK = 64  # px, side of the canonical square that the donor's face passes through
SOFTNESS = 0.33  # width of the mask's ramp, as a fraction of the mask's radius
LIGHT_SIGMA = 0.16  # of the canonical square's side: detail coarser than this counts as illumination
STD_GAIN = (0.7, 1.4)  # bounds on the contrast change, so that a flat donor's noise is not blown up
DESCRIPTOR_CELLS = 4  # the descriptor's colour part is a grid of this many cells a side
POSE_WEIGHT = 15.0  # colour is corrected after the choice, pose is not: a nose 0.1 aside outweighs any usual colour gap


def _landmarks(landmarks: np.ndarray) -> np.ndarray:
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise ValueError(f"landmarks must be five finite (x, y) points, got an array of shape {points.shape}")
    return points


def _fit(source: np.ndarray, destination: np.ndarray) -> SimilarityTransform:
    if np.ptp(source, axis=0).max() < 1e-6:
        raise ValueError("landmarks coincide, so no face can be aligned by them")
    return SimilarityTransform.from_estimate(source, destination)


def align(landmarks: np.ndarray, size: int) -> SimilarityTransform:
    """Least-squares similarity from image pixels to the canonical square of ``size`` px (pixel centres, x then y).

    Raises ValueError if the landmarks are not five finite points or coincide.
    """
    return _fit(_landmarks(landmarks), TEMPLATE * size - 0.5)


def face_mask(landmarks: np.ndarray, shape: tuple[int, ...], softness: float = SOFTNESS) -> np.ndarray:
    """Soft mask of the inner face, float32 (H, W) in [0, 1], for an image of ``shape`` (H, W, ...).

    ``softness`` in (0, 1] is the fraction of the radius over which the weight rises from 0 at the rim to 1. The mask is
    exactly 0 outside the rim. Raises ValueError on bad landmarks or softness.
    """
    if not 0 < softness <= 1:
        raise ValueError(f"softness must lie in (0, 1], got {softness}")
    to_canonical = align(landmarks, 1).params
    points = _landmarks(landmarks) @ to_canonical[:2, :2].T + to_canonical[:2, 2] + 0.5
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    u, v = (row[0] * x + row[1] * y + row[2] + 0.5 for row in to_canonical[:2].astype(np.float32))
    eyes, nose, mouth = points[:2].mean(axis=0), points[2], points[3:].mean(axis=0)
    top, bottom = eyes[1] - 0.29, mouth[1] + 0.25
    # The outline of a head lies behind the plane of eyes and mouth: as the nose turns one way, it moves the other way.
    middle = (eyes[0] + mouth[0]) / 2
    u0, v0 = middle - 0.4 * (nose[0] - middle), 0.5 * (top + bottom)
    across, down = np.abs(u - u0) / 0.43, (v - v0) / (0.5 * (bottom - top))
    # A flat forehead end and a round chin end: the two power norms agree where they meet (down = 0).
    radius = np.where(down < 0, (across**3 + np.abs(down) ** 3) ** (1 / 3), np.hypot(across, down))
    ramp = np.clip((1 - radius) / softness, 0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)


def _common_mask(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...], softness: float) -> np.ndarray:
    """The smaller weight of two faces, so that neither one's background enters the blend."""
    return np.minimum(face_mask(first, shape, softness), face_mask(second, shape, softness))


def _sample(image: np.ndarray, transform: SimilarityTransform, size: int) -> np.ndarray:
    """Canonical square of ``size`` px, float (size, size, 3) in [0, 1], antialiased; borders are replicated."""
    corners = transform.inverse(np.array([[0, 0], [size, 0], [0, size], [size, size]]) - 0.5)
    step = 1 / transform.scale
    margin = 3 * step + 2
    limit = np.array(image.shape[1::-1]) - 1
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, limit).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + margin), 0, limit).astype(int) + 1
    crop = image[low[1] : high[1], low[0] : high[0]].astype(np.float32) / 255
    if step > 1:
        crop = gaussian_filter(crop, (0.5 * (step - 1),) * 2 + (0,), mode="nearest")
    shifted = AffineTransform(AffineTransform(translation=-low).params @ transform.inverse.params)
    return warp(crop, shifted, output_shape=(size, size), order=1, mode="edge", clip=False)


def _match_colour(donor: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Give aligned ``donor`` the target's Lab statistics and illumination under ``weight``; RGB floats in and out."""
    source, goal = rgb2lab(donor), rgb2lab(target)
    share = (weight + 1e-6)[..., None]  # never all zero, even where the two masks hardly meet
    share /= share.sum()
    mean_s, mean_g = ((share * lab).sum(axis=(0, 1)) for lab in (source, goal))
    std_s, std_g = (np.sqrt((share * (lab - m) ** 2).sum(axis=(0, 1))) for lab, m in ((source, mean_s), (goal, mean_g)))
    source = (source - mean_s) * np.clip(std_g / (std_s + 1e-6), *STD_GAIN) + mean_g
    # What differs at low frequency under the mask is light, not identity: normalised blur of the masked difference.
    sigma = LIGHT_SIGMA * len(weight)
    blurred = gaussian_filter(share * (goal - source), (sigma, sigma, 0), mode="constant")
    support = gaussian_filter(share, (sigma, sigma, 0), mode="constant")
    lab = source + blurred / np.maximum(support, 1e-12)
    lab[..., 0] = np.clip(lab[..., 0], 0, 100)
    lab[..., 2] = np.minimum(lab[..., 2], 1.72 * (lab[..., 0] + 16))  # yellower than this has negative Z
    return lab2rgb(lab)


def swap(
    target: np.ndarray,
    target_landmarks: np.ndarray,
    donor: np.ndarray,
    donor_landmarks: np.ndarray,
    bottleneck: int = BOTTLENECK,
    softness: float = SOFTNESS,
) -> tuple[np.ndarray, np.ndarray]:
    """Put the donor's inner face on the target's head.

    Returns the fake, uint8 (H, W, 3) like ``target``, and the blending weight of the donor's face, float32 (H, W) in
    [0, 1]: the smaller of both faces' ``face_mask``. Where it is 0 the fake equals the target byte for byte.
    ``bottleneck`` is the side in px of the square that holds the donor's face on its way, ``softness`` that of
    ``face_mask``. Deterministic. Raises ValueError if an image is not uint8 RGB or on bad landmarks, softness or
    bottleneck.
    """
    for image in (target, donor):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"images must be uint8 RGB, got {image.dtype} of shape {image.shape}")
    if bottleneck < 8:
        raise ValueError(f"bottleneck must be at least 8 px, got {bottleneck}")
    to_square = align(target_landmarks, bottleneck)
    aligned = to_square(_landmarks(target_landmarks))
    donor_to_square = _fit(_landmarks(donor_landmarks), aligned)
    donor_aligned = donor_to_square(_landmarks(donor_landmarks))
    mask = _common_mask(target_landmarks, to_square.inverse(donor_aligned), target.shape, softness)
    fake = target.copy()
    if not mask.any():
        return fake, mask
    weight = _common_mask(aligned, donor_aligned, (bottleneck, bottleneck), softness)
    face = _sample(donor, donor_to_square, bottleneck)
    face = _match_colour(face, _sample(target, to_square, bottleneck), weight)
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    to_face = AffineTransform(to_square.params @ AffineTransform(translation=(columns[0], rows[0])).params)
    back = 255 * warp(face, to_face, output_shape=mask[box].shape, order=3, mode="edge", clip=False)
    alpha = mask[box][..., None]
    fake[box] = np.clip(np.rint(alpha * back + (1 - alpha) * target[box]), 0, 255).astype(np.uint8)
    return fake, mask


def descriptor(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Pose and colour of a face for ``choose_donors``, float32 (58,); Euclidean distances between them are meant.

    The pose part is the ten landmark coordinates in the canonical square (translation, scale and rotation are gone),
    the colour part the mean CIE Lab colour in each cell of a 4 x 4 grid over the square, which also tells where the
    light comes from and whether hair hides the forehead. Raises ValueError on bad landmarks.
    """
    to_square = align(landmarks, DESCRIPTOR_CELLS * 8)
    pose = to_square(_landmarks(landmarks)) / (DESCRIPTOR_CELLS * 8)
    lab = rgb2lab(_sample(image, to_square, DESCRIPTOR_CELLS * 8))
    cells = lab.reshape(DESCRIPTOR_CELLS, 8, DESCRIPTOR_CELLS, 8, 3).mean(axis=(1, 3)) / 50
    return np.concatenate([POSE_WEIGHT * pose.ravel(), cells.ravel()]).astype(np.float32)


def choose_donors(
    descriptors: np.ndarray, identities: Sequence[str], groups: Sequence[str], k: int = 5, seed: int = 0
) -> np.ndarray:
    """Index of a donor for every target, int64 (N,), drawn evenly among its ``k`` nearest by descriptor (N, D).

    Candidates share the target's group (train, val or test) and have another identity; where fewer than ``k`` exist,
    all of them count. The same seed gives the same draw. Raises ValueError if the lengths differ, ``k`` < 1, or a group
    holds fewer than two identities.
    """
    features = np.asarray(descriptors, dtype=np.float64)
    people = np.unique(np.asarray(identities), return_inverse=True)[1]
    labels, parts = np.unique(np.asarray(groups), return_inverse=True)
    if not len(features) == len(people) == len(parts) or k < 1:
        raise ValueError("descriptors, identities and groups must have equal lengths and k must be at least 1")
    for part, label in enumerate(labels):
        if len(np.unique(people[parts == part])) < 2:
            raise ValueError(f"group '{label}' needs at least two identities to find donors of another identity")
    rng = np.random.default_rng(seed)
    donors = np.empty(len(features), dtype=np.int64)
    for i in range(len(features)):
        allowed = (parts == parts[i]) & (people != people[i])
        distance = np.where(allowed, cdist(features[i : i + 1], features)[0], np.inf)
        nearest = np.argsort(distance, kind="stable")[: min(k, allowed.sum())]
        donors[i] = rng.choice(nearest)
    return donors
