"""MTCNN in a region of a few frames: the faces there, for a small part of a whole look's price.

Weights, thresholds and pyramid are facenet-pytorch's. A pyramid has a frame in many sizes; here
only those cells of it are computed that lie about where the face should be, and only the sizes at
which a face about as large shows. So a face has the box here that `MTCNN().detect` gives it in the
whole frame, but for the few that are won there by a candidate from farther away. (The whole frame
is a region too.)
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from facenet_pytorch import MTCNN
from facenet_pytorch.models.utils import detect_face as facenet
from torch.nn.functional import pad
from torchvision.ops import batched_nms

from tcnsc_lib.faces.region import CELL, Region, parts, scales

OF_A_SIZE = 0.5  # overlap from which two candidates are one: of one size of the pyramid
OVERLAP = 0.7  # of all sizes
FEW = 32  # candidates that a network on a CPU is given at once; what it computes is in the cache
MANY = 512  # on a GPU
R_SIDE = 24  # pixels, what R-Net is given
O_SIDE = 48  # pixels, what O-Net is given


@dataclass(frozen=True)
class Found:
    """The N faces in a region of T frames.

    boxes: float64 (N, 4), x0 y0 x1 y1 in pixels of the frame. probabilities: (N,) in [0, 1].
    landmarks: (N, 5, 2), x y. frames: int (N,), in which of the T they are.
    """

    boxes: np.ndarray
    probabilities: np.ndarray
    landmarks: np.ndarray
    frames: np.ndarray

    def of(self, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Boxes, probabilities and landmarks of one frame."""
        rows = self.frames == frame
        return self.boxes[rows], self.probabilities[rows], self.landmarks[rows]


class Near:
    """MTCNN's three networks, looking at a region."""

    def __init__(self, mtcnn: MTCNN) -> None:
        self.mtcnn = mtcnn
        self.rnet = _faster(mtcnn.rnet, R_SIDE, mtcnn.device)
        self.onet = _faster(mtcnn.onet, O_SIDE, mtcnn.device)

    @torch.no_grad()
    def __call__(self, region: Region) -> Found:
        """The faces whose size is about that of the region's face."""
        boxes, frames = self._proposed(region)
        boxes, frames = self._refined(region, boxes, frames)
        return self._decided(region, boxes, frames)

    def _proposed(self, region: Region) -> tuple[torch.Tensor, torch.Tensor]:
        """P-Net's candidates: boxes (N, 4), squares, and their frames (N,)."""
        every = [torch.empty(0, 9)]
        frames = [torch.empty(0, dtype=torch.long)]
        for scale in scales(region):
            some, of = self._at(region, scale)
            every.append(some)
            frames.append(of)
        boxes, of = _alone(torch.cat(every), torch.cat(frames), OVERLAP)
        sides = (boxes[:, 2:4] - boxes[:, :2]).repeat(1, 2)
        return facenet.rerec(boxes[:, :4] + boxes[:, 5:] * sides), of

    def _at(self, region: Region, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
        """P-Net's candidates at one size of the pyramid: (N, 9) as facenet has them, (N,)."""
        rows, columns = region.windows(scale)
        if min(rows.inside.shape[1], columns.inside.shape[1]) < CELL:
            return torch.empty(0, 9), torch.empty(0, dtype=torch.long)
        frames = np.arange(region.count)
        pixels = region.means(frames, rows.inside, columns.inside)
        moves, scores = self.mtcnn.pnet(pixels.to(self.mtcnn.device))
        # As if P-Net had seen nothing to the left of these cells and above them.
        margin = (columns.first // 2, 0, rows.first // 2, 0)
        least = self.mtcnn.thresholds[0]
        boxes, of = facenet.generateBoundingBox(
            pad(moves.cpu(), margin), pad(scores[:, 1].cpu(), margin), scale, least
        )
        return _alone(boxes, of, OF_A_SIZE)

    def _refined(
        self, region: Region, boxes: torch.Tensor, frames: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Those that R-Net takes for faces, moved and made square."""
        boxes, frames, pixels = _cut(region, boxes, frames, R_SIDE)
        moves, scores = self._all(self.rnet, pixels)
        taken = scores[:, 1] > self.mtcnn.thresholds[1]
        rows = torch.cat([boxes, scores[:, 1:], moves], 1)[taken]
        rows, frames = _alone(rows, frames[taken], OVERLAP)
        return facenet.rerec(facenet.bbreg(rows[:, :4], rows[:, 5:])), frames

    def _decided(self, region: Region, boxes: torch.Tensor, frames: torch.Tensor) -> Found:
        """Those that O-Net takes for faces, with their landmarks."""
        boxes, frames, pixels = _cut(region, boxes, frames, O_SIDE)
        moves, points, scores = self._all(self.onet, pixels)
        scores = scores[:, 1]
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        across_and_down = points.reshape(-1, 2, 5).transpose(1, 2)
        points = across_and_down * sides[:, None] + boxes[:, None, :2] - 1
        boxes = facenet.bbreg(boxes, moves)
        taken = (scores > self.mtcnn.thresholds[2]).nonzero()[:, 0]
        kept = facenet.batched_nms_numpy(
            boxes[taken], scores[taken], frames[taken], OVERLAP, "Min"
        )
        taken = taken[kept]
        parts = (boxes, scores, points, frames)
        boxes, scores, points, frames = (part[taken].numpy() for part in parts)
        return Found(boxes.astype(float), scores.astype(float), points.astype(float), frames)

    def _all(self, network: torch.nn.Module, pixels: torch.Tensor) -> list[torch.Tensor]:
        """What a network says of all candidates."""
        if not len(pixels):
            pixels = pixels.new_zeros(1, *pixels.shape[1:])
            return [each[:0] for each in self._all(network, pixels)]
        count = FEW if torch.device(self.mtcnn.device).type == "cpu" else MANY
        parts = [network(some.to(self.mtcnn.device)) for some in pixels.split(count)]
        return [torch.cat(each).cpu() for each in zip(*parts, strict=True)]


def _faster(network: torch.nn.Module, side: int, device: str) -> torch.nn.Module:
    """The same network; on a processor with its layers in the form that is fastest there."""
    if torch.device(device).type != "cpu":
        return network
    with warnings.catch_warnings():
        # PyTorch is pinned, and what it offers instead needs a compiler.
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(network, torch.zeros(2, 3, side, side))
        return torch.jit.optimize_for_inference(traced)


def _alone(
    boxes: torch.Tensor, frames: torch.Tensor, overlap: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of candidates that overlap in a frame, the most probable one. boxes: (N, 5 or more)."""
    kept = batched_nms(boxes[:, :4], boxes[:, 4], frames, overlap)
    return boxes[kept], frames[kept]


def _cut(
    region: Region, boxes: torch.Tensor, frames: torch.Tensor, side: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The candidates inside the region, and their pixels, (N, 3, side, side)."""
    y, last_y, x, last_x = facenet.pad(boxes, region.width, region.height)
    corners = np.stack([x - 1, y - 1, last_x, last_y], 1).astype(int)
    inside = region.contains(corners)
    corners = corners[inside]
    kept = torch.from_numpy(inside)
    inside_each = [parts(corners[:, axis], corners[:, axis + 2], side) for axis in (0, 1)]
    pixels = region.means(frames[kept].numpy(), inside_each[1], inside_each[0])
    return boxes[kept], frames[kept], pixels
