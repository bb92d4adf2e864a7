r"""Chapter 7, DualGAN between up-sampled noisy images and photographs: two U-Nets, two Wasserstein critics.

Source: Yi et al., "DualGAN: unsupervised dual learning for image-to-image translation", ICCV 2017, section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import Optimizer, RMSprop

from ..degradation import bicubic_upsample
from ..images import Images
from ..losses import distance
from ..presets import Preset
from .cycle_gan import extended, patch_gan, start_translator
from .sizes import sizes_of
from .system import Batch, Losses, Phase, System, initial_weights

SOURCE = "Yi et al., ICCV 2017, 3"


class UNet(nn.Module):
    """A U-Net of the pix2pix kind: images (n, 3, h, w) -> the same, in [0, 1].

    ``depth`` convolutions of kernel 4 halve the size, as many transposed ones double it, and each of these but the
    first also sees what the way down had at its size. Batches may be of one image, so instances are normalised;
    nothing is where the way down ends. Sizes that are no multiple of 2^depth are extended at the border and cut again.

    Args:
        width: Features of the first layer, doubled up to eight times as many.
        depth: Halvings.
    """

    def __init__(self, width: int = 64, depth: int = 7) -> None:
        super().__init__()
        self.depth = depth
        features = [3] + [width * min(2**number, 8) for number in range(depth)]
        self.down = nn.ModuleList(
            nn.Sequential(
                *([nn.LeakyReLU(0.2)] if number else []),
                nn.Conv2d(features[number], features[number + 1], 4, stride=2, padding=1),
                *([nn.InstanceNorm2d(features[number + 1])] if 0 < number < depth - 1 else []),
            )
            for number in range(depth)
        )
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(),
                nn.ConvTranspose2d(
                    features[number + 1] * (1 if number == depth - 1 else 2), features[number], 4, stride=2, padding=1
                ),
                *([nn.InstanceNorm2d(features[number])] if number else [nn.Tanh()]),
            )
            for number in reversed(range(depth))
        )
        start_translator(self)

    def forward(self, images: Images) -> Images:
        """Return the translated images. Inside, white is 1 and black is -1."""
        height, width = images.shape[-2:]
        features = 2 * extended(images, 2**self.depth) - 1
        passed: list[Tensor] = []
        for layer in self.down:
            features = layer(features)
            passed.append(features)
        features = self.up[0](passed.pop())
        for layer in list(self.up)[1:]:
            features = layer(torch.cat([features, passed.pop()], 1))
        return (features[..., :height, :width] + 1) / 2


class DualGAN(System):
    """DualGAN on bicubically enlarged input.

    Critics D answer high for real: mean D(fake) - mean D(real) is their loss, and after each of their steps all their
    weights are cut to +-``clip``. Generators minimise -mean D(fake) of both directions and the L1 reconstructions, of
    weight 500 as in the public code. RMSProp at 5e-5 moves all four networks; critics move ``critic_steps`` times, on
    an image each, for each step of the generators.
    """

    clip = 0.01
    weight = 500.0
    critic_steps = 3

    def __init__(self, preset: Preset) -> None:
        size = sizes_of(preset)
        name = f"DualGAN-{size.unet_depth}x{size.translator}"
        super().__init__(name, SOURCE, (Phase("game", "unpaired", self.critic_steps, fall="never"),))
        self.scale = preset.scale
        with initial_weights(preset.seed):
            self.G_Z, self.G_X = (UNet(size.translator, size.unet_depth) for _ in range(2))
            self.D_Z, self.D_X = (patch_gan(size.translator) for _ in range(2))

    def make_optimizers(self, phase: Phase) -> dict[str, Optimizer]:
        """Return RMSProp for the generators together, and for the critics together."""

        def rmsprop(*networks: nn.Module) -> RMSprop:
            return RMSprop([p for network in networks for p in network.parameters()], lr=5e-5)

        return {"G": rmsprop(self.G_Z, self.G_X), "D": rmsprop(self.D_Z, self.D_X)}

    def critics_loss(self, x: Images, z: Images) -> Tensor:
        """Return mean D(fake) - mean D(real) of both critics; their generators are not moved by it."""
        with torch.no_grad():
            to_z, to_x = self.G_Z(x), self.G_X(z)
        wrong = self.D_Z(to_z).float().mean() + self.D_X(to_x).float().mean()
        return wrong - self.D_Z(z).float().mean() - self.D_X(x).float().mean()

    def generators_terms(self, x: Images, z: Images) -> tuple[Tensor, Tensor]:
        """Return the adversarial and the reconstruction term; x is enlarged, (n, 3, s h, s w) as z is."""
        to_z, to_x = self.G_Z(x), self.G_X(z)
        gan = -self.D_Z(to_z).float().mean() - self.D_X(to_x).float().mean()
        # Twice: distances of the code are between images in [-1, 1].
        return gan, 2 * (distance(self.G_X(to_z), x, 1) + distance(self.G_Z(to_x), z, 1))

    def step(self, batch: Batch) -> Losses:
        """Move the critics on each image of the batch, then the generators on the last one."""
        x, _, z = batch
        x = bicubic_upsample(x, self.scale)
        for one_x, one_z in zip(x.split(1), z.split(1), strict=True):
            with self.arithmetic.forward():
                critics = self.critics_loss(one_x, one_z)
            self.arithmetic.minimise(critics, self.optimizers["D"])
            # The scaler of fp16 takes one step of an optimizer between two of its own.
            self.arithmetic.end_step()
            self.cut_weights()
        with self.arithmetic.forward():
            gan, cycle = self.generators_terms(one_x, one_z)
        self.arithmetic.minimise(gan + self.weight * cycle, self.optimizers["G"])
        return {"gan": gan.detach(), "cycle": cycle.detach(), "D": critics.detach()}

    @torch.no_grad()
    def cut_weights(self) -> None:
        """Cut every weight of the critics to +-clip: that keeps them Lipschitz, crudely (section 3.1)."""
        for critic in (self.D_Z, self.D_X):
            for parameter in critic.parameters():
                parameter.clamp_(-self.clip, self.clip)

    def upscaler(self) -> nn.Module:
        """Return the generator towards Z alone."""
        return self.G_Z

    def forward(self, x: Images) -> Images:
        """Return the translation of the enlarged images."""
        return self.G_Z(bicubic_upsample(x, self.scale))
