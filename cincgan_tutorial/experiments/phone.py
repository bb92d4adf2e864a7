r"""A phone at high ISO, simulated for one study and known to it alone: no preset and no training can name it.

It differs in kind from what `degradation.DEGRADATIONS` holds. Light is counted before the tone curve, each site of the
sensor has one colour and its neighbours lend it the other two, and the result is saved as JPEG:

$$ x = \mathrm{JPEG}\big(\gamma(\gamma^{-1}((z \otimes k)\downarrow_s) + B n)\big) $$

with the tone curve $\gamma$ of sRGB, noise n of the camera's kind at every site, and B, which interpolates one colour
per site to three. Like a real phone's, its noise is stronger in the shadows, coarse in red and blue, and not a sum of x
and anything independent.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..degradation import Degradation, white_noise
from ..images import Images

# Which sites see a colour, top left corner of the mosaic: red and green, then green and blue.
_SITES = (((1, 0), (0, 0)), ((0, 1), (1, 0)), ((0, 0), (0, 1)))
# Means of the nearest sites of that colour.
_CORNERS = ((1, 2, 1), (2, 4, 2), (1, 2, 1))
_CROSS = ((0, 1, 0), (1, 4, 1), (0, 1, 0))


@dataclass(frozen=True)
class Phone(Degradation):
    """What a phone makes of a photograph in poor light.

    The attributes are those of `degradation.Degradation`, but both kinds of noise are counted in linear light:
    ``noise_std_8bit`` in units of 1/255 of white, ``poisson_peak`` in photons at white. ``correlated`` is not used: the
    mosaic correlates.
    """

    def noise(self, clean: Images, generator: torch.Generator) -> Tensor:
        """Return the difference that the sensor makes to a clean LR image, after the tone curve. {eq}`eq-phone`."""
        shown = clean.clamp(0, 1)
        light = to_light(shown)
        n = white_noise(light, self.noise_std_8bit, self.poisson_peak, generator)
        return from_light(light + from_sites(n)) - shown


def to_light(shown: Images) -> Tensor:
    """Undo the tone curve of sRGB (IEC 61966-2-1): values in [0, 1] to linear light in [0, 1]."""
    return torch.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)


def from_light(light: Tensor) -> Images:
    """Apply the tone curve of sRGB; less than no light is black."""
    light = light.clamp(min=0)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def from_sites(values: Tensor) -> Tensor:
    """Keep one colour at each site, and interpolate the other two bilinearly: (n, 3, h, w) -> (n, 3, h, w)."""
    height, width = values.shape[-2:]
    tile = values.new_tensor(_SITES).repeat(1, height // 2 + 1, width // 2 + 1)
    weights = values.new_tensor((_CORNERS, _CROSS, _CORNERS))[:, None] / 4
    # Mirrored at the outermost pixels, sites of a colour land on sites of that colour.
    return F.conv2d(F.pad(values * tile[:, :height, :width], (1, 1, 1, 1), mode="reflect"), weights, groups=3)


PHONE = Phone("phone", blur_sigma=(0.8, 1.6), noise_std_8bit=2.0, poisson_peak=60, jpeg_quality=88)
