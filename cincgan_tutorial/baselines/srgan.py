r"""Chapter 7, SRGAN: SRResNet, first by mean squared error, then by features and a judge.

Source: Ledig et al., "Photo-realistic single image super-resolution using a GAN", CVPR 2017, sections 2 and 3.2.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from ..architectures import Upsampler
from ..images import Images
from ..losses import distance
from ..presets import Preset
from .features import make_features
from .regression import Regression, clean_pairs
from .sizes import Sizes, sizes_of
from .system import Batch, Losses, Phase, System, adam, initial_weights

SOURCE = "Ledig et al., CVPR 2017, 2 and 3.2"
_ADVERSARIAL = 1e-3


class SRResNet(nn.Module):
    """SRResNet, the generator of Fig. 4: (n, 3, h, w) -> (n, 3, s h, s w).

    Args:
        width: Features.
        blocks: Residual blocks: conv, BN, PReLU, conv, BN, and the input is added.
        scale: Enlargement, a power of two: one pixel shuffle for each factor 2.
    """

    def __init__(self, width: int = 64, blocks: int = 16, scale: int = 4) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(3, width, 9, padding=4), nn.PReLU())
        self.body = nn.Sequential(
            *(_Block(width) for _ in range(blocks)), nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)
        )
        self.upsample = Upsampler(
            *(
                layer
                for _ in range(int(math.log2(scale)))
                for layer in (nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.PReLU())
            )
        )
        self.tail = nn.Conv2d(width, 3, 9, padding=4)

    def forward(self, images: Images) -> Images:
        """Return the enlarged images."""
        features = self.head(images)
        return self.tail(self.upsample(features + self.body(features)))


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.PReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class SRGANDiscriminator(nn.Module):
    """The discriminator of Fig. 4: images (n, 3, side, side) -> (n, 1), unbounded; the loss takes its sigmoid.

    Eight 3x3 convolutions, every second with stride 2, BatchNorm in all but the first, then two dense layers: one
    verdict for the whole patch, so patches have one size.

    Args:
        width: Features of the first convolution; the last has eight times as many, the dense layer sixteen times.
        side: Side of an HR patch.
    """

    def __init__(self, width: int = 64, side: int = 96) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for number in range(8):
            features = width * 2 ** (number // 2)
            layers.append(nn.Conv2d(channels, features, 3, stride=1 + number % 2, padding=1))
            layers += [nn.BatchNorm2d(features)] if number else []
            layers.append(nn.LeakyReLU(0.2))
            channels = features
        self.convolutions = nn.Sequential(*layers)
        smallest = math.ceil(side / 16)
        self.dense = nn.Sequential(
            nn.Linear(channels * smallest**2, 16 * width), nn.LeakyReLU(0.2), nn.Linear(16 * width, 1)
        )

    def forward(self, images: Images) -> Tensor:
        """Return one score per image."""
        return self.dense(self.convolutions(images).flatten(1))


def judged_real(scores: Tensor) -> Tensor:
    r"""Return the mean of $-\log \sigma(s)$: 0 where the judge is certain that all is real."""
    return F.softplus(-scores.float()).mean()


def judged_fake(scores: Tensor) -> Tensor:
    r"""Return the mean of $-\log(1 - \sigma(s))$."""
    return F.softplus(scores.float()).mean()


def srresnet_size(sizes: Sizes) -> str:
    """Return blocks and features, such as ``8x32``."""
    return f"{sizes.srgan_blocks}x{sizes.srgan}"


def srresnet(preset: Preset) -> Regression:
    """Return SRResNet trained by mean squared error on bicubic pairs: SRGAN before its game."""
    sizes = sizes_of(preset)
    with initial_weights(preset.seed):
        network = SRResNet(sizes.srgan, sizes.srgan_blocks, preset.scale)
    # Departure: a preset's own learning rate instead of 1e-4, as for EDSR.
    name = f"SRResNet-{srresnet_size(sizes)}"
    return Regression(name, SOURCE, (clean_pairs(preset),), network, 2, preset.pretrain.lr)


class SRGAN(System):
    r"""SRGAN: mean squared error first, then features + $10^{-3}$ adversary.

    Args:
        preset: Sizes, learning rate of the first phase, scale and seed.
        phases: The one called "mse" is by mean squared error, all others are by features and judge.
        plus: What its name gets, behind its size.
        lr: Learning rate of the game, 1e-4 in the paper.
    """

    def __init__(
        self, preset: Preset, phases: tuple[Phase, ...] | None = None, plus: str = "", lr: float = 1e-4
    ) -> None:
        sizes = sizes_of(preset)
        features, stand_in = make_features()
        # Departure: equal shares; the paper gives the game a fifth as many steps, out of a million.
        phases = phases or (clean_pairs(preset, "mse", 0.5), clean_pairs(preset, "game", 0.5))
        super().__init__(f"SRGAN-{srresnet_size(sizes)}{plus}{stand_in}", SOURCE, phases)
        self.lr_mse, self.lr = preset.pretrain.lr, lr
        with initial_weights(preset.seed):
            self.G = SRResNet(sizes.srgan, sizes.srgan_blocks, preset.scale)
            self.D = SRGANDiscriminator(sizes.srgan_judge, preset.patch * preset.scale)
        # In a list, where no module is looked for: features are fixed, large, and no part of what is saved.
        self._features = [features]

    def make_optimizers(self, phase: Phase) -> dict[str, Optimizer]:
        """Return Adam for G, and from the second phase on for D."""
        if phase.name == "mse":
            return {"G": adam(self.lr_mse, self.G)}
        return {"G": adam(self.lr, self.G), "D": adam(self.lr, self.D)}

    def step(self, batch: Batch) -> Losses:
        """Move G, then D; in the first phase G alone."""
        low, high = batch
        if self.phase.name == "mse":
            with self.arithmetic.forward():
                loss = distance(self.G(low), high, 2)
            self.arithmetic.minimise(loss, self.optimizers["G"])
            return {"distance": loss.detach()}
        features = self._features[0].to(high.device)
        with self.arithmetic.forward():
            enlarged = self.G(low)
            scores = self.D(enlarged)
            with torch.no_grad():
                wanted = features(high)
            content = (features(enlarged) - wanted).float().square().mean()
            gan = judged_real(scores)
        self.arithmetic.minimise(content + _ADVERSARIAL * gan, self.optimizers["G"], keep_graph=True)
        with self.arithmetic.forward():
            judged = judged_real(self.D(high)) + judged_fake(scores)
        self.arithmetic.minimise(judged, self.optimizers["D"])
        return {"content": content.detach(), "gan": gan.detach(), "D": judged.detach()}

    def upscaler(self) -> nn.Module:
        """Return the generator."""
        return self.G

    def forward(self, x: Images) -> Images:
        """Return the enlarged images."""
        return self.G(x)
