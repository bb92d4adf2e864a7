"""Chapter 7, how large the systems are that have no size in a preset, so that a small machine can train all of them."""

from __future__ import annotations

from dataclasses import dataclass

from ..presets import Preset


@dataclass(frozen=True)
class Sizes:
    """Sizes of the systems; the defaults are the published ones. FSRCNN has one size at every preset.

    Attributes:
        srgan: Features of SRResNet.
        srgan_blocks: Residual blocks of SRResNet.
        srgan_judge: Features of the first layer of SRGAN's discriminator.
        translator: Width of the generators and discriminators of CycleGAN and DualGAN.
        translator_blocks: Residual blocks of CycleGAN's generators: 6 for images of 128 pixels, 9 from 256 on.
        unet_depth: Halvings of DualGAN's U-Nets, at most log2 of an HR patch's side; 7 end at one pixel of 128.
    """

    srgan: int = 64
    srgan_blocks: int = 16
    srgan_judge: int = 64
    translator: int = 64
    translator_blocks: int = 6
    unet_depth: int = 7


PUBLISHED = Sizes()
_SMALL = Sizes(srgan=32, srgan_blocks=8, srgan_judge=16, translator=16, translator_blocks=4, unet_depth=5)
_TINY = Sizes(srgan=8, srgan_blocks=1, srgan_judge=8, translator=8, translator_blocks=1, unet_depth=3)
_OF = {"smoke": _TINY, "lesson": _SMALL, "mild": _SMALL, "general": _SMALL}


def sizes_of(preset: Preset) -> Sizes:
    """Return the sizes that go with a preset: small ones where CinCGAN is small too, else the published ones."""
    return _OF.get(preset.name, PUBLISHED)
