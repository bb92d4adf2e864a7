"""Whole photographs through SR(G1(x)), in tiles where memory is short."""

from __future__ import annotations

import torch

from .architectures import Upscaler
from .images import Images, check_images


@torch.no_grad()
def super_resolve(upscaler: Upscaler, x: Images, tile: int | None = None) -> Images:
    r"""Return $\tilde z = SR(G_1(x))$, clamped to [0, 1], (n, 3, s h, s w).

    With ``tile`` the image is worked through in squares of that many LR pixels. Each is given the networks' full reach
    of context and its result cut back to the square, so the seams carry no error: tiles equal the whole up to rounding.

    Args:
        upscaler: SR after G1, from `Networks.upscaler` or `Trained.before_joint`.
        x: LR images, (n, 3, h, w) in [0, 1].
        tile: Side of a tile in LR pixels; ``None`` for the whole image at once.
    """
    check_images(x, "x")
    if tile is None:
        return upscaler(x).clamp(0, 1)
    if tile < 1:
        raise ValueError(f"tile: expected at least 1 pixel, got {tile}.")
    height, width = x.shape[-2:]
    rows = []
    for top in range(0, height, tile):
        bottom = min(top + tile, height)
        squares = [
            _square(upscaler, x, (top, bottom), (left, min(left + tile, width))) for left in range(0, width, tile)
        ]
        rows.append(torch.cat(squares, dim=-1))
    return torch.cat(rows, dim=-2)


def _square(upscaler: Upscaler, x: Images, rows: tuple[int, int], columns: tuple[int, int]) -> Images:
    """Upscale one tile with the context that can influence it; at the image's own border both see the same padding."""
    reach = upscaler.reach
    (top, bottom), (left, right) = rows, columns
    first_row, first_column = max(0, top - reach), max(0, left - reach)
    z_tilde = upscaler(x[..., first_row : bottom + reach, first_column : right + reach])
    scale = z_tilde.shape[-1] // (min(right + reach, x.shape[-1]) - first_column)
    inner_rows = slice((top - first_row) * scale, (bottom - first_row) * scale)
    inner_columns = slice((left - first_column) * scale, (right - first_column) * scale)
    return z_tilde[..., inner_rows, inner_columns].clamp(0, 1)
