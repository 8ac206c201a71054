"""FWA and DSP-FWA, baselines of Table 3 that never see a fake: they learn the traces of warping a face into place.

Y. Li and S. Lyu, "Exposing DeepFake Videos By Detecting Face Warping Artifacts", CVPR workshops 2019
(github.com/yuezunli/CVPRW2019_Face_Artifacts, TensorFlow 1, whose training code sets the numbers below); and its successor
(github.com/yuezunli/DSP-FWA), of which network and test were published, but not the training. Here both train alike.

A region of interest (ROI) is what the network sees: the face box, a little enlarged at random, cut from the crop.
"""
from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from PIL import Image, ImageEnhance
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import ResNet50_Weights
from torchvision.models.resnet import Bottleneck

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector, imagenet_weights
from tcnsc_lib.detectors.tcnsc import Encoder
from tcnsc_lib.faces.forge import align, face_mask

# Sides of the square that the face is aligned to, in sides of the crop. FWA's own code draws 64 to 127 px for faces of
# any size; its square fits a face tighter than `forge`'s, which would need 89 to 177 px to keep as much detail.
SIDES = (64 / 224, 256 / 224)
SOFTNESS = (0.05, 0.5)  # of the mask, where the artefact is kept to the inner face; the authors' polygon is hard
JITTER = (0.5, 1.5)  # factors of brightness, contrast, sharpness: FWA's default, though its own training has .8 to 1.2
ROIS, TOP = 10, 5  # regions looked at in each test face, and how many of them count
PYRAMID = (1, 2, 6)


def warping_artefact(image: np.ndarray, landmarks: np.ndarray, side: int,
                     mask_softness: float | None = None) -> np.ndarray:
    """What a generator's last step leaves behind: the face aligned to the mean face, blurred, and warped back.

    image: uint8 (H, W, 3), not changed. landmarks: float (5, 2), x y in pixels, of eyes, nose and corners of the mouth.
    side: pixels of the aligned square; the smaller, the more detail is lost. mask_softness: in (0, 1], keeps the
    artefact to the inner face (`forge.face_mask`); None pastes the whole square. Returns uint8 (H, W, 3), equal to
    `image` byte for byte outside. Raises ValueError on landmarks that are not five finite points or coincide.
    """
    to_square = align(landmarks, side).params[:2]
    height, width = image.shape[:2]
    face = cv2.warpAffine(image, to_square, (side, side), borderMode=cv2.BORDER_REPLICATE)
    face = cv2.GaussianBlur(face, (5, 5), 0)
    back = cv2.warpAffine(face, to_square, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                          borderMode=cv2.BORDER_REPLICATE)
    if mask_softness is None:
        x, y = np.arange(width), np.arange(height)[:, None]
        u, v = (row[0] * x + row[1] * y + row[2] for row in to_square)
        inside = (np.minimum(u, v) >= -0.5) & (np.maximum(u, v) < side - 0.5)
        return np.where(inside[..., None], back, image)
    weight = face_mask(landmarks, image.shape, mask_softness)[..., None]
    return np.rint(weight * back + (1 - weight) * image).astype(np.uint8)


def roi_boxes(n: int, enlarge: float, rng: np.random.Generator) -> np.ndarray:
    """n random ROIs, float (n, 4), x0 y0 x1 y1 in [0, 1], as fractions of the crop's side.

    enlarge: of the face box, when the crop was made; so the box is the crop's centre, 1 / enlarge wide. It grows by up
    to 1/8 of its width to both sides, 1/5 of its height up and half of that down (the authors' `cut_head`), as far as
    the crop reaches.
    """
    face = 1 / enlarge
    low, high = (1 - face) / 2, (1 + face) / 2
    aside, up = rng.uniform(0, face / 8, n), rng.uniform(0, face / 5, n)
    return np.clip(np.stack([low - aside, low - up, high + aside, high + up / 2], axis=1), 0, 1)


def jitter(image: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Colour, brightness, contrast and sharpness changed, in this order, by four factors (PIL's), uint8 (H, W, 3) -> same."""
    picture = Image.fromarray(image)
    steps = (ImageEnhance.Color, ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Sharpness)
    for enhancer, factor in zip(steps, factors, strict=True):
        picture = enhancer(picture).enhance(factor)
    return np.asarray(picture)


class Encoder50(Encoder):
    """torchvision's ResNet50 up to its pooling, X (N, 3, S, S) -> (N, 32 * width); width scales it as in `Encoder`."""

    def __init__(self, width: int = 64):
        super().__init__(width, Bottleneck, (3, 4, 6, 3))


class PyramidPool(nn.Module):
    """The largest value in each cell of a 1x1, a 2x2 and a 6x6 grid: (N, C, H, W) -> (N, 41 C).

    At 7x7, the size at 224 px, these are the authors' windows; smaller maps, which theirs refuse, have cells that share
    values.
    """

    def __init__(self):
        super().__init__()
        self.pools = nn.ModuleList(nn.AdaptiveMaxPool2d(side) for side in PYRAMID)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([pool(x).flatten(1) for pool in self.pools], dim=1)


class FWA(Detector):
    """ResNet50 on ROIs. Trained on real crops, of which `training_images` makes half into fakes; tested on whole crops.

    In training mode: normalised ROIs (N, 3, S, S) -> logits (N, 2), [real, fake]. In evaluation mode: normalised crops
    of any size (N, 3, S0, S0) -> log [1 - p, p], (N, 2), where p in (0, 1) is the mean of the five largest p(fake)
    among the same ten ROIs of every crop (as in the authors' demos of both networks).

    width: of the first stage; 64 is ResNet50 itself. pretrained: start from ImageNet, all but the last layer. enlarge:
    of the face box, when the crops were made. Raises CompanionError if ImageNet is asked of another width, or if its
    weights can't be had.
    """

    real_only = True

    def __init__(self, input_size: int = 224, width: int = 64, pretrained: bool = False, enlarge: float = 1.3):
        super().__init__(input_size)
        self.enlarge = enlarge
        self.boxes = roi_boxes(ROIS, enlarge, np.random.default_rng(0))
        self.f = Encoder50(width)
        self.c = nn.Linear(self.f.features, 2)
        if pretrained:
            if width != 64:
                raise CompanionError(f"There are ImageNet weights for ResNet50 of width 64 alone, not {width}; give "
                                     "width=64, or pretrained=False.")
            state = imagenet_weights("ResNet50", ResNet50_Weights.IMAGENET1K_V1.url)
            self.f.load_state_dict({name: value for name, value in state.items() if not name.startswith("fc.")})

    def prepare(self, crops: Tensor) -> Tensor:
        """uint8 crops or ROIs (N, S0, S0, 3) -> normalised float32 (N, 3, S0, S0); not resized, ROIs are cut first."""
        mean, std = (torch.tensor(v, device=crops.device).view(3, 1, 1) for v in (self.mean, self.std))
        return (crops.permute(0, 3, 1, 2).float() / 255 - mean) / std

    def training_images(self, crops: np.ndarray, y: np.ndarray, landmarks: np.ndarray,
                        rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Real crops -> ROIs, uint8 (N, S, S, 3), and their labels, int64 (N,): N // 2 became fakes, chosen by `rng`.

        crops: uint8 (N, S0, S0, 3). y: all 0. landmarks: float (N, 5, 2), x y in pixels of the crop. Nothing given is
        changed. The artefact is the only thing that depends on the label; all else is drawn for every crop alike.
        Raises CompanionError if a label is not 0, ValueError on landmarks that no face can be aligned by.
        """
        if np.any(y):
            raise CompanionError(f"{type(self).__name__} learns from real crops alone, but {np.count_nonzero(y)} of "
                                 f"these {len(y)} are labelled fake; give it those with label 0.")
        n, side = crops.shape[:2]
        fake = np.zeros(n, np.int64)
        fake[rng.permutation(n)[: n // 2]] = 1
        squares = rng.integers(round(SIDES[0] * side), round(SIDES[1] * side), n, endpoint=True)
        masked, softness = rng.random(n) < 0.5, rng.uniform(*SOFTNESS, n)
        factors, boxes = rng.uniform(*JITTER, (n, 4)), roi_boxes(n, self.enlarge, rng)
        rois = np.empty((n, self.input_size, self.input_size, 3), np.uint8)
        for i, image in enumerate(crops):
            if fake[i]:
                image = warping_artefact(image, landmarks[i], int(squares[i]), softness[i] if masked[i] else None)
            x0, y0, x1, y1 = np.rint(boxes[i] * side).astype(int)
            roi = jitter(image, factors[i])[y0:y1, x0:x1]
            rois[i] = cv2.resize(roi, (self.input_size, self.input_size), interpolation=cv2.INTER_LINEAR)
        return rois, fake

    def rois(self, x: Tensor, box: np.ndarray) -> Tensor:
        """The same ROI of each crop, resized as in training (not antialiased): (N, 3, S0, S0) -> (N, 3, S, S)."""
        x0, y0, x1, y1 = np.rint(box * x.shape[-1]).astype(int)
        return F.interpolate(x[:, :, y0:y1, x0:x1], (self.input_size, self.input_size), mode="bilinear")

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return self.c(self.f(x))
        # One ROI of the batch after the other, never ten times the batch; logarithms, since p rounds to 1 far too soon.
        logs = torch.stack([self.c(self.f(self.rois(x, box))).float().log_softmax(1) for box in self.boxes])
        most_fake = (logs[..., 1] - logs[..., 0]).topk(TOP, dim=0).indices
        return logs.gather(0, most_fake[..., None].expand(-1, -1, 2)).logsumexp(0) - math.log(TOP)

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """Cross-entropy of logits and y, int64 (N,); the twin isn't used."""
        cro = F.cross_entropy(self(x), y)
        return {"total": cro, "cro": cro}


class DSPFWA(FWA):
    """FWA with a spatial pyramid in place of the average pooling: 83,968 values an ROI at width 64; else as FWA."""

    def __init__(self, input_size: int = 224, width: int = 64, pretrained: bool = False, enlarge: float = 1.3):
        super().__init__(input_size, width, pretrained, enlarge)
        self.f.avgpool = PyramidPool()
        self.c = nn.Linear(self.f.features * sum(side**2 for side in PYRAMID), 2)
