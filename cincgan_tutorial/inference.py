"""Whole photographs through SR(G1(x)), in tiles where memory is short."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

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
        return applied(upscaler, x).clamp(0, 1)
    if tile < 1:
        raise ValueError(f"tile: expected at least 1 pixel, got {tile}.")
    found = bands(upscaler, lambda top, bottom: x[..., top:bottom, :], (x.shape[-2], x.shape[-1]), tile)
    return torch.cat([torch.cat(list(squares), dim=-1) for squares in found], dim=-2)


def applied(network: nn.Module, x: Images) -> Images:
    """Return ``network(x)``, computed where the network is, on a GPU for one, and brought back to where x is."""
    return network(x.to(next(network.parameters(), x).device)).to(x.device)


def bands(
    upscaler: Upscaler, rows: Callable[[int, int], Images], size: tuple[int, int], tile: int
) -> Iterator[Iterator[Images]]:
    """Yield the result from top to bottom in bands, each as its squares from left to right, (n, 3, s t, s t) or less.

    Only what a band needs is asked for, and nothing is kept: memory does not grow with the height of the photograph.
    Use up a band before the next.

    Args:
        upscaler: SR after G1.
        rows: Returns the LR rows from top to bottom (exclusive), (n, 3, bottom - top, w) in [0, 1].
        size: LR height and width.
        tile: Side of a square in LR pixels.
    """
    (height, width), reach = size, upscaler.reach
    for top in range(0, height, tile):
        bottom = min(top + tile, height)
        first, last = max(0, top - reach), min(bottom + reach, height)
        x, inner = rows(first, last), (top - first, bottom - first)
        yield (_square(upscaler, x, inner, (left, min(left + tile, width))) for left in range(0, width, tile))


@torch.no_grad()
def _square(upscaler: Upscaler, x: Images, rows: tuple[int, int], columns: tuple[int, int]) -> Images:
    """Upscale one tile with the context that can influence it; at the image's own border both see the same padding.

    ``x`` holds the rows of the band with their context, ``rows`` are counted in it.
    """
    reach = upscaler.reach
    (top, bottom), (left, right) = rows, columns
    first_column = max(0, left - reach)
    z_tilde = applied(upscaler, x[..., first_column : right + reach])
    scale = z_tilde.shape[-1] // (min(right + reach, x.shape[-1]) - first_column)
    inner_columns = slice((left - first_column) * scale, (right - first_column) * scale)
    return z_tilde[..., top * scale : bottom * scale, inner_columns].clamp(0, 1)
