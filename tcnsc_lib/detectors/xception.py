"""Xception, the strongest baseline of Table 3, as FaceForensics++ trains it.

Xception-RAW, -C23 and -C40 are this network, trained on crops from videos of that quality.

F. Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017; A. Roessler
et al., "FaceForensics++", ICCV 2019 (github.com/ondyari/FaceForensics, classification/network).
Modules are named as in the published weights (timm's `legacy_xception`); only FaceForensics++'s
own say "model." first, and "last_linear" for fc.
"""
from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import SETTLING, Detector, Settings, imagenet_weights

WEIGHTS = (
    "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-cadene/"
    "xception-43020ad28.pth"
)
WIDTH = 32  # channels of the published network's first convolution
MIDDLE = 8  # blocks of its middle flow
CHANNELS = (32, 64, 128, 256, 728, 1024, 1536, 2048)  # all channel counts in it


class SeparableConv(nn.Module):
    """Depthwise 3x3 (`conv1`), then 1x1 (`pointwise`), nothing in between.

    (N, inputs, H, W) -> (N, outputs, H, W).
    """

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.conv1(x))


class Block(nn.Module):
    """Separable convolutions, each after a ReLU and before a BN, beside a skip path.

    channels: of the input and after each convolution. stride: 2 ends the block with a max-pool
    3x3. first_relu: the first block does without, its input being activated already. The skip path
    sees the block's raw input. It is the identity where shapes allow it, else a 1x1 convolution
    with that stride and a BN.
    """

    def __init__(self, channels: list[int], stride: int = 1, first_relu: bool = True):
        super().__init__()
        inputs = channels[0]
        outputs = channels[-1]
        layers: list[nn.Module] = []
        for before, after in zip(channels, channels[1:], strict=False):
            own = bool(layers)  # in place only then: the skip path needs the input as it came
            layers.append(nn.ReLU(inplace=own))
            layers.append(SeparableConv(before, after))
            layers.append(nn.BatchNorm2d(after))
        if stride > 1:
            layers.append(nn.MaxPool2d(3, stride, padding=1))
        if not first_relu:
            layers = layers[1:]
        self.rep = nn.Sequential(*layers)
        self.skip = None
        self.skipbn = None
        if inputs != outputs or stride > 1:
            self.skip = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.skipbn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels[0], H, W) -> (N, channels[-1], H / stride, W / stride), not activated.

        Halves are rounded up.
        """
        if self.skip is None:
            return self.rep(x) + x
        return self.rep(x) + self.skipbn(self.skip(x))


def _flow(c: dict[int, int], middle: int) -> list[Block]:
    """All blocks in their order; c: channels in the published network -> channels here."""
    flow = [
        Block([c[64], c[128], c[128]], stride=2, first_relu=False),
        Block([c[128], c[256], c[256]], stride=2),
        Block([c[256], c[728], c[728]], stride=2),
    ]
    for _ in range(middle):
        flow.append(Block([c[728], c[728], c[728], c[728]]))
    flow.append(Block([c[728], c[728], c[1024]], stride=2))
    return flow


class Xception(Detector):
    """Normalised crops (N, 3, S, S) -> logits (N, 2), [real, fake]; 20,811,050 parameters.

    width: channels of the first convolution; 32 is Xception itself, a smaller one divides every
    channel count alike, rounded. middle: blocks of the middle flow; with fewer, the exit block's
    number moves down (for a processor's clock). pretrained: start from ImageNet, all but fc.
    Raises CompanionError if that is asked of another width or depth, or if the weights can't be
    had.
    """

    name = "Xception"
    qualities = ("raw", "c23", "c40")
    from_profile = {"pretrained": "pretrained"}
    authors = Settings(
        arguments={"input_size": 299, "width": WIDTH, "middle": MIDDLE},
        schedule={"batch_size": 32, "learning_rate": 2e-4, "final_lr_share": 1.0})
    reduced = {
        "demo": Settings(
            arguments={"input_size": 96, "width": 8, "middle": 2},
            schedule={"learning_rate": 3e-3, "iterations": 200, **SETTLING}),
        "photos": Settings(
            arguments={"input_size": 96, "width": 16},
            schedule={"learning_rate": 1e-3}),
    }
    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)

    def __init__(self, input_size: int = 299, width: int = WIDTH, middle: int = MIDDLE,
                 pretrained: bool = False):
        super().__init__(input_size)
        c = {channels: round(channels * width / WIDTH) for channels in CHANNELS}
        self.conv1 = nn.Conv2d(3, c[32], 3, stride=2, bias=False)
        self.bn1 = nn.BatchNorm2d(c[32])
        self.conv2 = nn.Conv2d(c[32], c[64], 3, bias=False)
        self.bn2 = nn.BatchNorm2d(c[64])
        self.blocks = []
        for number, block in enumerate(_flow(c, middle), 1):
            self.blocks.append(f"block{number}")
            self.add_module(f"block{number}", block)
        self.conv3 = SeparableConv(c[1024], c[1536])
        self.bn3 = nn.BatchNorm2d(c[1536])
        self.conv4 = SeparableConv(c[1536], c[2048])
        self.bn4 = nn.BatchNorm2d(c[2048])
        self.relu4 = nn.ReLU()
        self.fc = nn.Linear(c[2048], 2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # as the published code does from nothing
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if pretrained:
            self._start_from_imagenet(width, middle)

    def _start_from_imagenet(self, width: int, middle: int) -> None:
        if (width, middle) != (WIDTH, MIDDLE):
            raise CompanionError(
                f"There are ImageNet weights for Xception of width {WIDTH} with {MIDDLE} middle "
                f"blocks alone, not for width {width} with {middle}; give those numbers, or "
                "pretrained=False.")
        state = imagenet_weights("Xception", WEIGHTS)
        own_fc = {f"fc.{name}": value for name, value in self.fc.state_dict().items()}
        self.load_state_dict(state | own_fc)

    def features(self, x: Tensor) -> Tensor:
        """What fc sees: normalised crops (N, 3, S, S) -> (N, 2048 * width / 32), all >= 0."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        for name in self.blocks:
            x = self.get_submodule(name)(x)
        x = F.relu(self.bn3(self.conv3(x)))
        x = self.relu4(self.bn4(self.conv4(x)))
        return x.mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.features(x))

    def losses(self, x: Tensor, y: Tensor, x_twin: Tensor | None = None) -> dict[str, Tensor]:
        """Cross-entropy of logits and y, int64 (N,); the twin isn't used."""
        cro = F.cross_entropy(self(x), y)
        return {"total": cro, "cro": cro}

    @property
    def heat_layer(self) -> nn.Module:
        """The ReLU after bn4, or for S < 192 the last block of the middle flow, not activated.

        (N, 2048 * width / 32, 10, 10) at 299 px; (N, 728 * width / 32, 6, 6) at 96.
        """
        return self.fine_enough(self.relu4, self.get_submodule(self.blocks[-2]))
