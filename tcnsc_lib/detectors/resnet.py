"""ResNets without their last layer: f of TCNSC, and the network of FWA.

torchvision's own (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016), or a
narrower one, for a processor's clock: with the same stem, stages and blocks, and every channel
count divided alike.
"""
from __future__ import annotations

from torch import nn
from torchvision.models import ResNet18_Weights, ResNet50_Weights
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from tcnsc_lib import CompanionError
from tcnsc_lib.detectors import imagenet_weights

WIDTH = 64  # channels of the first stage of the published networks


class Encoder(ResNet):
    """ResNet18 up to its global average pooling: (N, 3, S, S) -> (N, 8 * width).

    width: channels of the first stage; 64 is ResNet18 itself. `outputs`: values for each image.
    """

    network = "ResNet18"
    block = BasicBlock
    blocks = (2, 2, 2, 2)  # of each stage
    imagenet = ResNet18_Weights.IMAGENET1K_V1.url

    def __init__(self, width: int = WIDTH):
        self.width = width
        super().__init__(self.block, list(self.blocks))
        self.outputs = 8 * width * self.block.expansion
        self.fc = nn.Identity()
        if width != WIDTH:
            self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")
            self.bn1 = nn.BatchNorm2d(width)

    def _make_layer(self, block, planes, *args, **kwargs):
        """torchvision builds the stages by this method, of 64, 128, 256 and 512 channels.

        Each gets its share of them. The first one's input is the stem, which is put in place
        afterwards.
        """
        if planes == WIDTH:
            self.inplanes = self.width
        planes = planes * self.width // WIDTH
        return super()._make_layer(block, planes, *args, **kwargs)

    def start_from_imagenet(self) -> None:
        """Load torchvision's ImageNet weights, downloaded once.

        Raises CompanionError for another width than 64, or if they can't be had.
        """
        if self.width != WIDTH:
            raise CompanionError(
                f"There are ImageNet weights for {self.network} of width {WIDTH} alone, not "
                f"{self.width}; give width={WIDTH}, or begin with random weights "
                "(weights=\"random\" or pretrained=False).")
        state = imagenet_weights(self.network, self.imagenet)
        own = {name: value for name, value in state.items() if not name.startswith("fc.")}
        self.load_state_dict(own)


class Encoder50(Encoder):
    """ResNet50 up to its global average pooling: (N, 3, S, S) -> (N, 32 * width)."""

    network = "ResNet50"
    block = Bottleneck
    blocks = (3, 4, 6, 3)
    imagenet = ResNet50_Weights.IMAGENET1K_V1.url
