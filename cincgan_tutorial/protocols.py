r"""Chapter 7, one result, many numbers: every way of scoring in this book, by the name that tables and commands use.

A protocol fixes what papers leave unsaid: colour, border, rounding, alignment. Each is a function of a result and its
reference, two images (1, 3, h, w) in [0, 1] that are compared as 8-bit files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .challenge import best_alignment, challenge_psnr, challenge_ssim, smallest_side
from .images import Images
from .metrics import SSIM_WINDOW, Score, psnr, ssim
from .perceptual import (
    BLUR_SMALLEST,
    LPIPS_SMALLEST,
    MS_SSIM_SMALLEST,
    NOISE_SMALLEST,
    VIF_SMALLEST,
    blur_level,
    lpips,
    ms_ssim,
    noise_level,
    vif,
)

_BORDER, _SEARCH = 4, 10


@dataclass(frozen=True)
class Protocol:
    """A way of scoring; called with a result and its reference it returns the score.

    Attributes:
        score: The function.
        line: What it does, in one line.
        smallest: Height and width that an image needs, in pixels.
        unit: Of the score: dB, 1/255, or none.
        higher_is_better: Whether the better of two results has the higher score.
        extra: The optional extra of the installation that it needs, if any.
    """

    score: Score
    line: str
    smallest: int
    unit: str = ""
    higher_is_better: bool = True
    extra: str = ""

    def __call__(self, result: Images, reference: Images) -> float:
        """Score a result; units, range and errors are those of the function."""
        return self.score(result, reference)

    def shown(self, score: float) -> str:
        """Return a score as a table shows it: hundredths of a dB or of a level, ten-thousandths of what has no unit."""
        return f"{score:.2f}" if self.unit else f"{score:.4f}"


def psnr_rgb(result: Images, reference: Images) -> float:
    """Return the PSNR in dB over all of the image and its three channels, without 4 pixels on each side.

    What this book means by PSNR; at x4 a border of the scale is the usual choice, see `metrics.psnr`.
    """
    return psnr(result, reference, _BORDER)


def psnr_luma(result: Images, reference: Images) -> float:
    """Return the PSNR in dB of BT.601 luma, without 4 pixels on each side.

    What most papers on super-resolution up to SRGAN print (SRCNN, Dong et al., TPAMI 2016), because the eye is most
    exact in brightness.
    """
    return psnr(result, reference, _BORDER, luma_only=True)


def psnr_best_shift(result: Images, reference: Images) -> float:
    """Return the RGB PSNR in dB at the best whole-pixel shift of up to 10 each way, without 4 pixels on each side.

    Public CinCGAN code searches about as far. Every shift is scored on the same pixels of the reference, so that one
    number may be compared with another; see `challenge.best_alignment`.
    """
    return best_alignment(result, reference, _SEARCH, _BORDER)[0]


def blur_of_result(result: Images, reference: Images) -> float:
    """Return `perceptual.blur_level` of the result, 0 to 1; the reference is not looked at."""
    return blur_level(result, _BORDER)


def noise_of_result(result: Images, reference: Images) -> float:
    """Return `perceptual.noise_level` of the result in units of 1/255; the reference is not looked at."""
    return noise_level(result, _BORDER)


_CUT = 2 * _BORDER
PROTOCOLS: dict[str, Protocol] = {
    "rgb": Protocol(psnr_rgb, "PSNR of the whole image in RGB, border 4: the PSNR of this book", _CUT + 1, "dB"),
    "luma": Protocol(psnr_luma, "PSNR of its brightness alone, border 4", _CUT + 1, "dB"),
    "best-shift": Protocol(
        psnr_best_shift, "PSNR in RGB at the best shift of up to 10 pixels, border 4", _CUT + 2 * _SEARCH + 1, "dB"
    ),
    "challenge": Protocol(
        challenge_psnr,
        "PSNR of the central 60x60 patch, shift and brightness matched (NTIRE 2018)",
        smallest_side(),
        "dB",
    ),
    "ssim": Protocol(ssim, "SSIM of the whole image in RGB, border 4 (scikit-image)", _CUT + SSIM_WINDOW),
    "challenge-ssim": Protocol(
        challenge_ssim, "SSIM of the central 60x60 patch at its best even shift (NTIRE 2018)", smallest_side()
    ),
    "ms-ssim": Protocol(ms_ssim, "SSIM at five scales, border 4 (torchmetrics)", _CUT + MS_SSIM_SMALLEST),
    "vif": Protocol(vif, "share of the information that is kept, border 4 (torchmetrics)", _CUT + VIF_SMALLEST),
    "blur": Protocol(
        blur_of_result,
        "how blurred the result is by itself, no reference",
        _CUT + BLUR_SMALLEST,
        higher_is_better=False,
    ),
    "noise": Protocol(
        noise_of_result, "how noisy the result is by itself, no reference", _CUT + NOISE_SMALLEST, "1/255", False
    ),
    "lpips": Protocol(
        lpips,
        "learned perceptual distance; the extra lpips, and weights from the network",
        _CUT + LPIPS_SMALLEST,
        higher_is_better=False,
        extra="lpips",
    ),
}


def protocol_named(name: str) -> Protocol:
    """Return the protocol called ``name``; an unknown name raises `ValueError` and lists the known ones."""
    if name not in PROTOCOLS:
        raise ValueError(f"unknown protocol {name!r}. Known: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]


def scored(result: Images, reference: Images, names: Sequence[str] | None = None) -> dict[str, float]:
    """Return one result's score under each protocol; left out: all that need no extra.

    Args:
        result: The image to be judged.
        reference: The truth, same shape.
        names: Keys of `PROTOCOLS`.

    Raises:
        ValueError: A name is unknown, or a protocol can't score these images; the message names it.
    """
    if names is None:
        names = [name for name, protocol in PROTOCOLS.items() if not protocol.extra]
    chosen = {name: protocol_named(name) for name in names}
    scores = {}
    for name, protocol in chosen.items():
        try:
            scores[name] = protocol(result, reference)
        except ValueError as error:
            raise ValueError(f"protocol {name}: {error}") from error
    return scores
