"""Xception, the strongest baseline of Table 3, as FaceForensics++ trains it: Xception-RAW, -C23, -C40 are this network
trained on crops from videos of that quality.

F. Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017; A. Roessler et al.,
"FaceForensics++", ICCV 2019 (github.com/ondyari/FaceForensics, classification/network). Modules are named as in the
published weights (timm's `legacy_xception`); only FaceForensics++'s own say "model." first, and "last_linear" for fc.
"""
from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import Detector, imagenet_weights

WEIGHTS = "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-cadene/xception-43020ad28.pth"


class SeparableConv(nn.Module):
    """Depthwise 3x3 (`conv1`), then 1x1 (`pointwise`), nothing in between: (N, inputs, H, W) -> (N, outputs, H, W)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.conv1(x))


class Block(nn.Module):
    """Separable convolutions, each after a ReLU and before a BN, beside a skip path that sees the block's raw input.

    channels: of the input and after each convolution. stride: 2 ends the block with a max-pool 3x3. first_relu: the
    first block does without, its input being activated already. The skip path is the identity where shapes allow it,
    else a 1x1 convolution with that stride and a BN.
    """

    def __init__(self, channels: list[int], stride: int = 1, first_relu: bool = True):
        super().__init__()
        inputs, outputs = channels[0], channels[-1]
        layers: list[nn.Module] = []
        for before, after in zip(channels, channels[1:]):
            # In place only on what is the block's own: the skip path needs the input as it came.
            layers += [nn.ReLU(inplace=bool(layers)), SeparableConv(before, after), nn.BatchNorm2d(after)]
        if stride > 1:
            layers.append(nn.MaxPool2d(3, stride, padding=1))
        self.rep = nn.Sequential(*layers[0 if first_relu else 1:])
        self.skip = self.skipbn = None
        if inputs != outputs or stride > 1:
            self.skip = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.skipbn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels[0], H, W) -> (N, channels[-1], ceil(H / stride), ceil(W / stride)), not activated."""
        return self.rep(x) + (x if self.skip is None else self.skipbn(self.skip(x)))


class Xception(Detector):
    """Normalised crops (N, 3, S, S) -> logits (N, 2), [real, fake]; 20,811,050 parameters as published.

    width: channels of the first convolution; 32 is Xception itself, a smaller one divides every channel count alike,
    rounded. middle: blocks of the middle flow; with fewer, the exit block's number moves down (for the demo's clock).
    pretrained: start from ImageNet, all but fc. Raises CompanionError if that is asked of another width or depth, or
    if the weights can't be had.
    """

    mean = std = (0.5, 0.5, 0.5)

    def __init__(self, input_size: int = 299, width: int = 32, middle: int = 8, pretrained: bool = False):
        super().__init__(input_size)
        c32, c64, c128, c256, c728, c1024, c1536, c2048 = (
            round(channels * width / 32) for channels in (32, 64, 128, 256, 728, 1024, 1536, 2048))
        self.conv1 = nn.Conv2d(3, c32, 3, stride=2, bias=False)
        self.bn1 = nn.BatchNorm2d(c32)
        self.conv2 = nn.Conv2d(c32, c64, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(c64)
        entry = [Block([c64, c128, c128], 2, first_relu=False), Block([c128, c256, c256], 2),
                 Block([c256, c728, c728], 2)]
        flow = [*entry, *(Block([c728] * 4) for _ in range(middle)), Block([c728, c728, c1024], 2)]
        self.blocks = [f"block{number}" for number in range(1, len(flow) + 1)]
        for name, block in zip(self.blocks, flow, strict=True):
            self.add_module(name, block)
        self.conv3 = SeparableConv(c1024, c1536)
        self.bn3 = nn.BatchNorm2d(c1536)
        self.conv4 = SeparableConv(c1536, c2048)
        self.bn4 = nn.BatchNorm2d(c2048)
        self.fc = nn.Linear(c2048, 2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # as the published code does when it starts from nothing
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if pretrained:
            self._start_from_imagenet(width, middle)

    def _start_from_imagenet(self, width: int, middle: int) -> None:
        if (width, middle) != (32, 8):
            raise CompanionError("There are ImageNet weights for Xception of width 32 with 8 middle blocks alone, not "
                                 f"for width {width} with {middle}; give those numbers, or pretrained=False.")
        state = imagenet_weights("Xception", WEIGHTS)
        self.load_state_dict(state | {f"fc.{name}": value for name, value in self.fc.state_dict().items()})

    def features(self, x: Tensor) -> Tensor:
        """What fc sees, normalised crops (N, 3, S, S) -> (N, 2048 * width / 32), all >= 0."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        for name in self.blocks:
            x = self.get_submodule(name)(x)
        x = F.relu(self.bn3(self.conv3(x)))
        x = F.relu(self.bn4(self.conv4(x)))
        return x.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x))

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """Cross-entropy of logits and y, int64 (N,); the twin isn't used."""
        cro = F.cross_entropy(self(x), y)
        return {"total": cro, "cro": cro}
