"""The fakes that FWA and DSP-FWA make of real faces: the traces of warping a face into place."""
from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageEnhance

from tcnsc_lib.faces.masks import align, face_mask


def warping_artefact(image: np.ndarray, landmarks: np.ndarray, side: int,
                     mask_softness: float | None = None) -> np.ndarray:
    """What a generator's last step leaves: the face aligned to the mean face, blurred, warped back.

    image: uint8 (H, W, 3), not changed. landmarks: float (5, 2), x y in pixels, of eyes, nose and
    corners of the mouth. side: pixels of the aligned square; the smaller, the more detail is lost.
    mask_softness: in (0, 1], keeps the artefact to the inner face (`forge.face_mask`); None pastes
    the whole square. Returns uint8 (H, W, 3), equal to `image` byte for byte outside. Raises
    ValueError on landmarks that are not five finite points or coincide.
    """
    to_square = align(landmarks, side).params[:2]
    height, width = image.shape[:2]
    face = cv2.warpAffine(image, to_square, (side, side), borderMode=cv2.BORDER_REPLICATE)
    face = cv2.GaussianBlur(face, (5, 5), 0)
    inverse = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    back = cv2.warpAffine(face, to_square, (width, height), flags=inverse,
                          borderMode=cv2.BORDER_REPLICATE)
    if mask_softness is None:
        inside = _square(to_square, side, height, width)
        return np.where(inside[..., None], back, image)
    weight = face_mask(landmarks, image.shape, mask_softness)[..., None]
    blend = weight * back + (1 - weight) * image
    return np.rint(blend).astype(np.uint8)


def _square(to_square: np.ndarray, side: int, height: int, width: int) -> np.ndarray:
    """Which pixels of the image lie in the aligned square: bool (H, W)."""
    x = np.arange(width)
    y = np.arange(height)[:, None]
    u, v = (row[0] * x + row[1] * y + row[2] for row in to_square)
    low = np.minimum(u, v)
    high = np.maximum(u, v)
    return (low >= -0.5) & (high < side - 0.5)


def jitter(image: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Colour, brightness, contrast and sharpness changed, in this order, by four factors (PIL's).

    uint8 (H, W, 3) -> the same.
    """
    picture = Image.fromarray(image)
    steps = (
        ImageEnhance.Color,
        ImageEnhance.Brightness,
        ImageEnhance.Contrast,
        ImageEnhance.Sharpness,
    )
    for enhancer, factor in zip(steps, factors, strict=True):
        picture = enhancer(picture).enhance(factor)
    return np.asarray(picture)
