"""FWA and DSP-FWA, baselines of Table 3 that never see a fake.

They learn the traces of warping a face into place. Y. Li and S. Lyu, "Exposing DeepFake Videos By
Detecting Face Warping Artifacts", CVPR workshops 2019 (github.com/yuezunli/
CVPRW2019_Face_Artifacts, TensorFlow 1, whose training code sets the numbers below); and its
successor (github.com/yuezunli/DSP-FWA), of which network and test were published, but not the
training. Here both train alike.

A region of interest (ROI) is what the network sees: the face box, a little enlarged at random, cut
from the crop.
"""
from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector, Settings
from tcnsc_lib.detectors.resnet import Encoder50
from tcnsc_lib.detectors.warping import jitter, warping_artefact

# Sides of the square that the face is aligned to, in sides of the crop. FWA's own code draws 64 to
# 127 px for faces of any size; its square fits a face tighter than `forge`'s, which would need 89
# to 177 px to keep as much detail.
SIDES = (64 / 224, 256 / 224)
# Of the mask, where the artefact is kept to the inner face; the authors' polygon is hard.
SOFTNESS = (0.05, 0.5)
# Factors of brightness, contrast, sharpness: FWA's default, though its own training has .8 to 1.2.
JITTER = (0.5, 1.5)
ROIS = 10  # regions looked at in each test face
TOP = 5  # how many of them count
PYRAMID = (1, 2, 6)  # sides of the grids of the spatial pyramid
# Plain SGD at 1e-3 fine-tunes. From nothing, it learns nothing here.
SCRATCH = {"optimizer": "adam", "final_lr_share": 0.1}


def roi_boxes(n: int, enlarge: float, rng: np.random.Generator) -> np.ndarray:
    """n random ROIs, float (n, 4), x0 y0 x1 y1 in [0, 1], as fractions of the crop's side.

    enlarge: of the face box, when the crop was made; so the box is the crop's centre, 1 / enlarge
    wide. It grows by up to 1/8 of its width to both sides, 1/5 of its height up and half of that
    down (the authors' `cut_head`), as far as the crop reaches.
    """
    face = 1 / enlarge
    low = (1 - face) / 2
    high = (1 + face) / 2
    aside = rng.uniform(0, face / 8, n)
    up = rng.uniform(0, face / 5, n)
    sides = [low - aside, low - up, high + aside, high + up / 2]
    return np.clip(np.stack(sides, axis=1), 0, 1)


class PyramidPool(nn.Module):
    """The largest value in each cell of a 1x1, a 2x2 and a 6x6 grid: (N, C, H, W) -> (N, 41 C).

    At 7x7, the size at 224 px, these are the authors' windows; smaller maps, which theirs refuse,
    have cells that share values.
    """

    def __init__(self):
        super().__init__()
        self.pools = nn.ModuleList(nn.AdaptiveMaxPool2d(side) for side in PYRAMID)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([pool(x).flatten(1) for pool in self.pools], dim=1)


class FWA(Detector):
    """ResNet50 on ROIs. Trained on real crops, half of them made into fakes; tested on whole crops.

    In training mode: normalised ROIs (N, 3, S, S) -> logits (N, 2), [real, fake]. In evaluation
    mode: normalised crops of any size (N, 3, S0, S0) -> log [1 - p, p], (N, 2), where p in (0, 1)
    is the mean of the five largest p(fake) among the same ten ROIs of every crop (as in the
    authors' demos of both networks).

    width: of the first stage; 64 is ResNet50 itself. pretrained: start from ImageNet, all but the
    last layer. enlarge: of the face box, when the crops were made. Raises CompanionError if
    ImageNet is asked of another width, or if its weights can't be had.
    """

    name = "FWA"
    real_only = True
    by_landmarks = True
    from_profile = {"pretrained": "pretrained", "enlarge": "enlarge"}
    authors = Settings(
        arguments={"input_size": 224, "width": 64},
        schedule={"optimizer": "sgd", "learning_rate": 1e-3, "final_lr_share": 0.95**20})
    reduced = {
        "demo": Settings(
            arguments={"input_size": 96, "width": 8},
            schedule={"learning_rate": 2e-3, "iterations": 200, "validate": 100, **SCRATCH}),
        "photos": Settings(
            arguments={"input_size": 96, "width": 32},
            schedule={"learning_rate": 1e-3, **SCRATCH}),
    }

    def __init__(self, input_size: int = 224, width: int = 64, pretrained: bool = False,
                 enlarge: float = 1.3):
        super().__init__(input_size)
        self.enlarge = enlarge
        self.boxes = roi_boxes(ROIS, enlarge, np.random.default_rng(0))
        self.f = Encoder50(width)
        self.c = nn.Linear(self.f.outputs, 2)
        if pretrained:
            self.f.start_from_imagenet()

    def resize(self, x: Tensor) -> Tensor:
        """(N, 3, S0, S0) as it is: ROIs are cut first, and resized then."""
        return x

    def training_images(self, crops: np.ndarray, y: np.ndarray, landmarks: np.ndarray,
                        rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Real crops -> ROIs, uint8 (N, S, S, 3), and their labels, int64 (N,).

        N // 2 became fakes, chosen by `rng`. crops: uint8 (N, S0, S0, 3). y: all 0. landmarks:
        float (N, 5, 2), x y in pixels of the crop. Nothing given is changed. The artefact is the
        only thing that depends on the label; all else is drawn for every crop alike. Raises
        CompanionError if a label is not 0, ValueError on landmarks that no face can be aligned by.
        """
        if np.any(y):
            raise CompanionError(
                f"{type(self).__name__} learns from real crops alone, but {np.count_nonzero(y)} of "
                f"these {len(y)} are labelled fake; give it those with label 0.")
        n, side = crops.shape[:2]
        fake = np.zeros(n, np.int64)
        fake[rng.permutation(n)[: n // 2]] = 1
        smallest, largest = (round(share * side) for share in SIDES)
        squares = rng.integers(smallest, largest, n, endpoint=True)
        masked = rng.random(n) < 0.5
        softness = rng.uniform(*SOFTNESS, n)
        factors = rng.uniform(*JITTER, (n, 4))
        boxes = roi_boxes(n, self.enlarge, rng)
        rois = np.empty((n, self.input_size, self.input_size, 3), np.uint8)
        for i, image in enumerate(crops):
            if fake[i]:
                soft = softness[i] if masked[i] else None
                image = warping_artefact(image, landmarks[i], int(squares[i]), soft)
            rois[i] = self.cut(jitter(image, factors[i]), boxes[i])
        return rois, fake

    def cut(self, image: np.ndarray, box: np.ndarray) -> np.ndarray:
        """A ROI of a crop for training: uint8 (S0, S0, 3), box (4,) -> uint8 (S, S, 3)."""
        x0, y0, x1, y1 = np.rint(box * len(image)).astype(int)
        size = (self.input_size, self.input_size)
        return cv2.resize(image[y0:y1, x0:x1], size, interpolation=cv2.INTER_LINEAR)

    def rois(self, x: Tensor, box: np.ndarray) -> Tensor:
        """The same ROI of each crop, resized as in training (not antialiased).

        x: (N, 3, S0, S0), box: (4,), as fractions of S0 -> (N, 3, S, S).
        """
        x0, y0, x1, y1 = np.rint(box * x.shape[-1]).astype(int)
        size = (self.input_size, self.input_size)
        return F.interpolate(x[:, :, y0:y1, x0:x1], size, mode="bilinear")

    def features(self, x: Tensor) -> Tensor:
        """Mean of f over the ten ROIs of whole crops: (N, 3, S0, S0) -> (N, D)."""
        seen = [self.f(self.rois(x, box)) for box in self.boxes]
        return torch.stack(seen).mean(0)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return self.c(self.f(x))
        logs = []
        for box in self.boxes:  # one ROI of the batch after the other, never ten times the batch
            logits = self.c(self.f(self.rois(x, box)))
            logs.append(logits.float().log_softmax(1))  # logarithms, since p rounds to 1 too soon
        logs = torch.stack(logs)
        margin = logs[..., 1] - logs[..., 0]
        most_fake = margin.topk(TOP, dim=0).indices
        chosen = logs.gather(0, most_fake[..., None].expand(-1, -1, 2))
        return chosen.logsumexp(0) - math.log(TOP)

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """Cross-entropy of logits and y, int64 (N,); the twin isn't used."""
        cro = F.cross_entropy(self(x), y)
        return {"total": cro, "cro": cro}

    @property
    def heat_layer(self) -> nn.Module:
        """The last stage of f, or for S < 192 the third, for a ROI; both end with a ReLU.

        (N, 32 * width, S/32, S/32), 7 x 7 cells at 224 px; or (N, 16 * width, S/16, S/16), 6 x 6
        at 96. Halves are rounded up.
        """
        return self.fine_enough(self.f.layer4, self.f.layer3)


class DSPFWA(FWA):
    """FWA with a spatial pyramid for its average pooling; 83,968 values a ROI at width 64."""

    name = "DSP-FWA"

    def __init__(self, input_size: int = 224, width: int = 64, pretrained: bool = False,
                 enlarge: float = 1.3):
        super().__init__(input_size, width, pretrained, enlarge)
        self.f.avgpool = PyramidPool()
        cells = sum(side**2 for side in PYRAMID)
        self.c = nn.Linear(self.f.outputs * cells, 2)
