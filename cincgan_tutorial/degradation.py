r"""Chapter 1, the degradation model: how a photograph z becomes the low-resolution x that we are given.

$$ x = (z \otimes k)\downarrow_s + n $$

A blur kernel k (which also carries the pixel shift), a reduction by s, and noise n. Section 3.1 of the paper assumes
nothing about them but that they exist; this module makes them explicit, so that we can play with each and know the
truth.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .images import Images, quantise, through_jpeg

_BINOMIAL = (1.0, 2.0, 1.0)


def cubic(t: Tensor) -> Tensor:
    r"""Evaluate Keys' cubic kernel with a = -1/2, the one MATLAB and Pillow use. {eq}`eq-cubic`.

    $$ w(t) = \tfrac32|t|^3 - \tfrac52|t|^2 + 1 \;(|t|\le1), \quad
       -\tfrac12|t|^3 + \tfrac52|t|^2 - 4|t| + 2 \;(1<|t|\le2) $$

    Source: R. Keys, "Cubic convolution interpolation", 1981.
    """
    t = t.abs()
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return torch.where(t <= 1, near, torch.where(t <= 2, far, torch.zeros_like(t)))


@functools.lru_cache(maxsize=64)
def resize_matrix(size: int, new_size: int, antialias: bool = True) -> Tensor:
    """Return the matrix R of {eq}`eq-bicubic`, (new_size, size): R @ signal is the signal resized by the cubic kernel.

    Sample j of the result sits at (j + 1/2) * size/new_size - 1/2 of the signal. When shrinking, the kernel is
    stretched by the factor, so that it averages over all pixels it skips (antialiasing). Beyond the ends the signal is
    mirrored, end sample included. All of this is MATLAB's ``imresize``. Rows sum to 1.
    """
    factor = size / new_size
    stretch = max(factor, 1.0) if antialias else 1.0
    centres = (torch.arange(new_size, dtype=torch.float64) + 0.5) * factor - 0.5
    taps = math.ceil(4 * stretch) + 2
    positions = torch.floor(centres - 2 * stretch).long()[:, None] + torch.arange(taps)
    weights = cubic((positions - centres[:, None]) / stretch)
    weights = weights / weights.sum(1, keepdim=True)
    # Mirrored indices repeat with period 2 * size: 0 1 2 ... 2 1 0 0 1 2 ...
    folded = positions.remainder(2 * size)
    folded = torch.where(folded < size, folded, 2 * size - 1 - folded)
    matrix = torch.zeros(new_size, size, dtype=torch.float64)
    return matrix.scatter_add_(1, folded, weights).float()


def resize(images: Images, height: int, width: int, antialias: bool = True) -> Images:
    """Resize (..., h, w) to (..., height, width) by the cubic kernel: R_h @ image @ R_w^T. May leave [0, 1]."""
    rows = _matrix_for(images.shape[-2], height, antialias, images.device, images.dtype)
    columns = _matrix_for(images.shape[-1], width, antialias, images.device, images.dtype)
    return rows @ images @ columns.mT


@functools.lru_cache(maxsize=64)
def _matrix_for(size: int, new_size: int, antialias: bool, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return `resize_matrix` where the images are: to send it to a GPU each time would make the host wait."""
    return resize_matrix(size, new_size, antialias).to(device, dtype)


def bicubic_downsample(z: Images, scale: int = 4) -> Images:
    r"""Reduce z by ``scale`` with the antialiased cubic kernel. {eq}`eq-bicubic`: $y = z\downarrow_s$.

    Raises:
        ValueError: Height or width is not a multiple of ``scale``: crop first (`images.crop_to_multiple`).
    """
    height, width = z.shape[-2:]
    if height % scale or width % scale:
        raise ValueError(f"expected height and width divisible by {scale}, got {height}x{width}. Use crop_to_multiple.")
    return resize(z, height // scale, width // scale)


def bicubic_upsample(y: Images, scale: int = 4) -> Images:
    """Enlarge y by ``scale`` with the cubic kernel: the baseline that every table starts with."""
    return resize(y, y.shape[-2] * scale, y.shape[-1] * scale)


def gaussian_kernel(
    sigma: tuple[float, float],
    angle: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    size: int = 21,
) -> Tensor:
    r"""Return a blur kernel k, (size, size), that sums to 1. {eq}`eq-kernel`.

    $$ k(u) \propto \exp\big(-\tfrac12 (u-\delta)^\top \Sigma^{-1} (u-\delta)\big), \quad
       \Sigma = Q_\theta \operatorname{diag}(\sigma_1^2, \sigma_2^2) Q_\theta^\top $$

    Args:
        sigma: The two standard deviations in HR pixels; equal ones give a round kernel.
        angle: Direction of the first one in radians, from the horizontal axis towards the bottom.
        shift: The centre's offset (down, right) in HR pixels: a kernel off centre moves the picture.
        size: Side of the kernel, odd.
    """
    if size % 2 == 0 or min(sigma) <= 0:
        raise ValueError(f"expected an odd size and positive sigmas, got size {size} and sigma {sigma}.")
    u = torch.arange(size, dtype=torch.float64) - size // 2
    down, right = (u - shift[0])[:, None], (u - shift[1])[None, :]
    along = math.cos(angle) * right + math.sin(angle) * down
    across = math.cos(angle) * down - math.sin(angle) * right
    k = torch.exp(-0.5 * ((along / sigma[0]) ** 2 + (across / sigma[1]) ** 2))
    return (k / k.sum()).float()


def blur(z: Images, k: Tensor) -> Images:
    r"""Convolve every channel of z, (n, c, h, w), with k; the border is mirrored. {eq}`eq-blur`: $z \otimes k$.

    PyTorch's ``conv2d`` correlates. A convolution turns the kernel over first; only then does an off-centre kernel
    move the picture towards its centre.
    """
    channels, size = z.shape[1], k.shape[-1]
    weight = k.flip(0, 1).to(z).expand(channels, 1, size, size)
    padded = F.pad(z, (size // 2,) * 4, mode="reflect")
    return F.conv2d(padded, weight, groups=channels)


def white_noise(clean: Images, std_8bit: float, poisson_peak: float, generator: torch.Generator) -> Tensor:
    r"""Draw noise of the camera's kind, independent from pixel to pixel. {eq}`eq-noise`.

    $$ n = \sqrt{\sigma^2/255^2 + v / P}\;\varepsilon, \qquad \varepsilon \sim \mathcal N(0, 1) $$

    The first part is read-out noise, the second grows with the brightness v as the count of photons does (a Poisson
    count with P photons at white, by its normal approximation).

    Args:
        clean: The image v that the noise is for; the noise itself is returned, not the sum.
        std_8bit: Read-out noise sigma in units of 1/255.
        poisson_peak: Photons P at white; ``math.inf`` switches this part off.
        generator: Source of the draw, on the CPU.
    """
    epsilon = torch.randn(clean.shape, generator=generator).to(clean)
    variance = (std_8bit / 255) ** 2 + clean.clamp(0, 1) / poisson_peak
    return variance.sqrt() * epsilon


def correlate(noise: Tensor) -> Tensor:
    """Spread noise over neighbours with the 3x3 binomial filter, scaled so that its variance is unchanged.

    Noise in photographs is not white: demosaicing, resizing and compression come after the sensor and leave
    neighbouring pixels alike. {eq}`eq-correlated`.
    """
    b = noise.new_tensor(_BINOMIAL)
    filter3 = b[:, None] * b[None, :]
    filter3 = filter3 / filter3.square().sum().sqrt()  # unit energy keeps the variance of white noise
    channels = noise.shape[1]
    padded = F.pad(noise, (1, 1, 1, 1), mode="reflect")
    return F.conv2d(padded, filter3.expand(channels, 1, 3, 3), groups=channels)


@dataclass(frozen=True)
class Draw:
    """What one photograph met: its kernel, for the reader to look at.

    Attributes:
        sigma: The kernel's two standard deviations in HR pixels.
        angle: Its direction in radians.
        shift: Its offset (down, right) in HR pixels.
    """

    sigma: tuple[float, float]
    angle: float
    shift: tuple[float, float]

    @property
    def kernel(self) -> Tensor:
        """The blur kernel k, (21, 21)."""
        return gaussian_kernel(self.sigma, self.angle, self.shift)


@dataclass(frozen=True)
class Degradation:
    r"""A callable z -> x: $x = (z \otimes k)\downarrow_s + n$, k and n drawn per photograph.

    Attributes:
        name: What tables and run folders call it.
        blur_sigma: Both sigmas of k are uniform in this range, HR pixels; ``None`` means no blur and no shift.
        max_shift: Each component of the shift is uniform in +- this, HR pixels.
        noise_std_8bit: Read-out noise, in units of 1/255.
        poisson_peak: Photons at white.
        correlated: Whether the noise is spread over neighbours.
        jpeg_quality: Quality at which x is saved as JPEG, 1 to 95; ``None`` means lossless.
    """

    name: str
    blur_sigma: tuple[float, float] | None = None
    max_shift: float = 0.0
    noise_std_8bit: float = 0.0
    poisson_peak: float = math.inf
    correlated: bool = False
    jpeg_quality: int | None = None

    def draw(self, generator: torch.Generator) -> Draw | None:
        """Draw the kernel of one photograph; ``None`` where this degradation has no blur."""
        if self.blur_sigma is None:
            return None
        low, high = self.blur_sigma
        sigma_1, sigma_2, turn, down, right = torch.rand(5, generator=generator, dtype=torch.float64).tolist()
        return Draw(
            sigma=(low + (high - low) * sigma_1, low + (high - low) * sigma_2),
            angle=math.pi * turn,
            shift=((2 * down - 1) * self.max_shift, (2 * right - 1) * self.max_shift),
        )

    def noise(self, clean: Images, generator: torch.Generator) -> Tensor:
        """Draw n for a clean LR image."""
        n = white_noise(clean, self.noise_std_8bit, self.poisson_peak, generator)
        return correlate(n) if self.correlated else n

    def __call__(self, z: Images, generator: torch.Generator, scale: int = 4) -> Images:
        """Degrade one photograph z, (1, 3, h, w) in [0, 1], to x, (1, 3, h/scale, w/scale). {eq}`eq-degradation`.

        The result is rounded to 8 bits, as a file holds it.
        """
        drawn = self.draw(generator)
        blurred = z if drawn is None else blur(z, drawn.kernel)
        reduced = bicubic_downsample(blurred, scale)
        x = quantise(reduced + self.noise(reduced, generator))
        return x if self.jpeg_quality is None else through_jpeg(x, self.jpeg_quality)

    def without_shift(self) -> Degradation:
        """Return the same degradation with every kernel centred: the one that full-image PSNR can score."""
        return replace(self, max_shift=0.0)


@dataclass(frozen=True)
class Mixture(Degradation):
    """Several degradations under one name: each photograph meets one of them, drawn with equal chances.

    Attributes:
        parts: The degradations. The other attributes are not used, ``max_shift`` apart: the largest of the parts.
    """

    parts: tuple[Degradation, ...] = ()

    def __call__(self, z: Images, generator: torch.Generator, scale: int = 4) -> Images:
        """Degrade one photograph by one of the parts."""
        which = int(torch.randint(len(self.parts), (), generator=generator))
        return self.parts[which](z, generator, scale)

    def without_shift(self) -> Mixture:
        """Return the mixture of the parts with every kernel centred."""
        return replace(self, max_shift=0.0, parts=tuple(part.without_shift() for part in self.parts))


BICUBIC = Degradation("bicubic")

# Departure: stand-ins for NTIRE 2018 track 2 ("mild"), whose parameters are not given in any source that could be
# read. They are ours, and synthetic.
SYNTHETIC_MILD = Degradation(
    "synthetic_mild", blur_sigma=(1.0, 2.8), max_shift=2.0, noise_std_8bit=8, poisson_peak=400, correlated=True
)
SYNTHETIC_WHITE = Degradation(
    "synthetic_white", blur_sigma=(1.0, 2.8), max_shift=2.0, noise_std_8bit=5, poisson_peak=120
)

BICUBIC_JPEG75 = Degradation("bicubic_jpeg75", jpeg_quality=75)

# What the photographs of strangers may have met: every combination of blur, noise and compression, from clean to heavy.
# Few kinds of each, since half of a training set has to hold several photographs of every combination.
_BLURS: tuple[tuple[float, float] | None, ...] = (None, (0.6, 1.6), (1.0, 2.8))
# Read-out noise in 1/255, photons at white, correlated.
_NOISES = ((0, math.inf, False), (3, 400, False), (3, 400, True), (5, 120, False), (8, 400, True))
_QUALITIES = (None, None, 75)
SYNTHETIC_MIXTURE = Mixture(
    "synthetic_mixture",
    max_shift=2.0,
    parts=tuple(
        Degradation("part", sigma, 0.0 if sigma is None else 2.0, std, peak, correlated, quality)
        for sigma, (std, peak, correlated), quality in itertools.product(_BLURS, _NOISES, _QUALITIES)
    ),
)

DEGRADATIONS = {d.name: d for d in (BICUBIC, SYNTHETIC_MILD, SYNTHETIC_WHITE, BICUBIC_JPEG75, SYNTHETIC_MIXTURE)}


def degradation_named(name: str) -> Degradation:
    """Return the degradation called ``name``; an unknown name raises `ValueError` and lists the known ones."""
    if name not in DEGRADATIONS:
        raise ValueError(f"unknown degradation {name!r}. Known: {', '.join(DEGRADATIONS)}.")
    return DEGRADATIONS[name]
