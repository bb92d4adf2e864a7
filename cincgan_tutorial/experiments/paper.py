"""The paper's own numbers, so that they can stand in their own column and never be mistaken for ours."""

from __future__ import annotations

from typing import NamedTuple


class PaperRow(NamedTuple):
    """One row of Table 1: NTIRE 2018 track 2, validation photographs, x4."""

    system: str
    psnr: float
    ssim: float
    pairs: str


# Yuan et al. 2018, Table 1. How results were aligned and which border was cut is not stated in any source found.
TABLE_1 = (
    PaperRow("bicubic", 22.85, 0.65, "none"),
    PaperRow("FSRCNN", 22.79, 0.61, "bicubic"),
    PaperRow("EDSR", 22.67, 0.62, "bicubic"),
    PaperRow("EDSR+", 25.77, 0.71, "real"),
    PaperRow("SRGAN+", 24.33, 0.67, "real"),
    PaperRow("BM3D+EDSR", 22.88, 0.68, "bicubic"),
    PaperRow("CinCGAN", 24.33, 0.69, "none"),
)

# What a user of a public implementation measured for the first row on the same 100 photographs: RGB, not aligned.
UNALIGNED_BICUBIC = 17.56

# Which row of the paper each of our systems answers to; "G1 then SR" has none, it is the article's second ablation.
_COUNTERPART = {"bicubic": "bicubic", "SR alone": "EDSR", "CinCGAN": "CinCGAN"}


def counterpart(system: str) -> str:
    """Return the paper's name of one of our systems; empty where its table has none."""
    return "BM3D+EDSR" if system.startswith("bm3d(") else _COUNTERPART.get(system, "")


# The same for the contenders of the comparison, by their keys; claims are against the denoiser that was tuned.
_OF_CONTENDER = {
    "bicubic": "bicubic",
    "fsrcnn": "FSRCNN",
    "edsr": "EDSR",
    "edsr-plus": "EDSR+",
    "srgan-plus": "SRGAN+",
    "bm3d-tuned": "BM3D+EDSR",
    "cincgan": "CinCGAN",
}


def row_of_paper(key: str, system: str) -> str:
    """Return the paper's name of a contender; empty where its table has none, or where features stood in for VGG's."""
    return "" if "stand-in" in system else _OF_CONTENDER.get(key, "")
