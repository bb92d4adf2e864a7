"""Chapter 7, FSRCNN: a small network that enlarges the luma, in its last layer.

Source: Dong, Loy and Tang, "Accelerating the super-resolution convolutional neural network", ECCV 2016, section 3.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from ..degradation import bicubic_upsample
from ..images import Images, luma
from ..losses import distance
from ..presets import Preset
from .regression import clean_pairs
from .system import Batch, Losses, Phase, System, initial_weights

# A grey level g has the luma 16/255 + 219/255 g: one level of luma is this many levels of R, G and B.
_RGB_PER_LUMA = 255 / 219


class FSRCNN(nn.Module):
    """FSRCNN(d, s, m), luma to luma: (n, 1, h, w) -> (n, 1, scale h, scale w).

    Extract 5x5, shrink 1x1, m mappings 3x3, expand 1x1, deconvolution 9x9; PReLU after all but the last. 12,464 weights
    at (56, 12, 4), biases and slopes of the PReLU not counted, as in the paper's Table 1.

    Args:
        d: Features of the LR image.
        s: Features after shrinking.
        m: Mapping layers.
        scale: Enlargement, the stride of the deconvolution.
    """

    def __init__(self, d: int = 56, s: int = 12, m: int = 4, scale: int = 4) -> None:
        super().__init__()

        def conv(channels: int, features: int, kernel: int) -> list[nn.Module]:
            return [nn.Conv2d(channels, features, kernel, padding=kernel // 2), nn.PReLU(features)]

        self.features = nn.Sequential(
            *conv(1, d, 5), *conv(d, s, 1), *(layer for _ in range(m) for layer in conv(s, s, 3)), *conv(s, d, 1)
        )
        self.deconv = nn.ConvTranspose2d(d, 1, 9, stride=scale, padding=4, output_padding=scale - 1)
        self._start()

    def _start(self) -> None:
        """Start the convolutions by He's rule for PReLU, slope 0.25, and the deconvolution near 0 (section 4.1)."""
        for layer in self.features:
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight, a=0.25)
                nn.init.zeros_(layer.bias)
        nn.init.normal_(self.deconv.weight, std=1e-3)
        if self.deconv.bias is not None:
            nn.init.zeros_(self.deconv.bias)

    def forward(self, y: Tensor) -> Tensor:
        """Return the enlarged luma."""
        return self.deconv(self.features(y))


class FSRCNNSystem(System):
    """FSRCNN(56, 12, 4) on bicubic pairs: luma by the network, chroma by bicubic interpolation.

    Mean squared error, and a learning rate of 1e-3 that is ten times smaller in the deconvolution (section 4.1).
    """

    def __init__(self, preset: Preset) -> None:
        # Departure: trained on the photographs of Y and Z like all others, not on 91 images and General-100.
        super().__init__("FSRCNN(56,12,4)", "Dong et al., ECCV 2016, 3 and 4.1", (clean_pairs(preset),))
        self.scale = preset.scale
        with initial_weights(preset.seed):
            self.network = FSRCNN(scale=preset.scale)

    def make_optimizers(self, phase: Phase) -> dict[str, Optimizer]:
        """Return Adam with the two learning rates."""
        # Departure: Adam instead of SGD, as a public port has it: SGD needs far more steps.
        groups = [
            {"params": list(self.network.features.parameters()), "lr": 1e-3},
            {"params": list(self.network.deconv.parameters()), "lr": 1e-4},
        ]
        return {"network": Adam(groups, fused=True)}

    def step(self, batch: Batch) -> Losses:
        """Move the network towards the luma of the HR image."""
        low, high = batch
        with self.arithmetic.forward():
            loss = distance(self.network(luma(low)), luma(high), 2)
        self.arithmetic.minimise(loss, self.optimizers["network"])
        return {"distance": loss.detach()}

    def upscaler(self) -> nn.Module:
        """Return the network."""
        return self.network

    def forward(self, x: Images) -> Images:
        """Return bicubic(x) with the luma of the network.

        To move the luma of a colour and leave its chroma is to move R, G and B by the same amount.
        """
        enlarged = bicubic_upsample(x, self.scale)
        return enlarged + _RGB_PER_LUMA * (self.network(luma(x)) - luma(enlarged))


def weight_count(network: FSRCNN) -> int:
    """Return the number of weights as the paper counts them: kernels only."""
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))]
    return sum(math.prod(layer.weight.shape) for layer in layers)
