"""Photographs of which nobody has a clean version: what can be said about results without one, and a sheet to look at.

PSNR and SSIM compare with the truth, and there is none. What is left are measures of the result alone. They can't tell
detail from invention: the sheet is for the eye.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..comparison_page import most_detailed
from ..enlargement import Box
from ..front_end import progress_bar
from ..images import from_pixels, to_pixels
from ..perceptual import photo_noise_level
from ..pictures import Picture
from ..survey import blur_of
from ..unpaired import Photograph
from .systems import System

# What the sheet shows of each photograph: its most detailed part, in LR pixels.
_CELL_HEIGHT, _CELL_WIDTH = 60, 80
_GAP, _LABEL = 8, 26
ROWS = 12


@dataclass(frozen=True)
class Look:
    """How the results of one system look, photograph by photograph.

    Attributes:
        system: Its name.
        noise_8bit: Standard deviation of what is noise or fine texture, in levels of 255.
        blur: 0 sharp to 1 blurred.
        cells: Parts of the results, levels (h, w, 3), for the sheet.
    """

    system: str
    noise_8bit: dict[str, float]
    blur: dict[str, float]
    cells: dict[str, np.ndarray]


def looks(photographs: Sequence[Photograph], chosen: Mapping[str, System], scale: int = 4) -> list[Look]:
    """Enlarge the most detailed part of LR photographs with every system, and measure the results.

    Args:
        photographs: LR photographs as they came; 320 x 240 pixels of each are looked at.
        chosen: The systems, for example those of `systems`.
        scale: How much larger their results are.
    """
    found = [Look(name, {}, {}, {}) for name in chosen]
    with progress_bar(len(photographs), "evaluate") as bar:
        for number, photograph in enumerate(photographs):
            box = most_detailed(Picture(photograph.pixels))
            part = np.ascontiguousarray(photograph.pixels[box.top :, box.left :][: box.height, : box.width])
            height, width = min(box.height, _CELL_HEIGHT), min(box.width, _CELL_WIDTH)
            cell = Box((box.height - height) // 2, (box.width - width) // 2, height, width).times(scale)
            for look, system in zip(found, chosen.values(), strict=True):
                result = system(from_pixels(part)[None])
                look.noise_8bit[photograph.name] = photo_noise_level(result)
                look.blur[photograph.name] = blur_of(result)
                if number < ROWS:
                    shown = to_pixels(result[0])[cell.top : cell.top + cell.height, cell.left :]
                    look.cells[photograph.name] = shown[:, : cell.width]
            bar.update()
    return found


def table_of_looks(found: Sequence[Look]) -> str:
    """Return the means as a Markdown table."""
    lines = ["| System | noise (levels of 255) | blur (0 to 1) |", "|:--|--:|--:|"]
    for look in found:
        noise, blur = (statistics.fmean(values.values()) for values in (look.noise_8bit, look.blur))
        lines.append(f"| {look.system} | {noise:.2f} | {blur:.3f} |")
    return "\n".join(lines)


def contact_sheet(found: Sequence[Look], scale: int = 4) -> Image.Image:
    """Return one picture of all results: a row for each photograph, the first twelve, and a column for each system."""
    names = list(found[0].cells)
    height, width = _CELL_HEIGHT * scale, _CELL_WIDTH * scale
    size = (_GAP + (width + _GAP) * len(found), _LABEL + (height + _LABEL) * len(names) + _GAP)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(16)
    for column, look in enumerate(found):
        left = _GAP + (width + _GAP) * column
        draw.text((left, 4), look.system, "black", font)
        for row, name in enumerate(names):
            top = _LABEL + (height + _LABEL) * row
            sheet.paste(Image.fromarray(look.cells[name]), (left, top))
            if column == 0:
                draw.text((left, top + height + 3), name, "dimgrey", font)
    return sheet
