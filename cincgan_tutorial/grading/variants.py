"""Every copy of an assignment may have numbers of its own: what they are, and whose copy has which.

A variant is a number from 0 to 999, and all its constants follow from it. So a law can compute what is right from the
variant that an answer names, and whoever hands in another's numbers hands in another's variant.
"""

from __future__ import annotations

import hashlib
import random

VARIANTS = 1000

Constants = dict[str, int | float]


def variant_of(course: str, student: str) -> int:
    """Return a student's variant: equal names give equal variants, other courses others."""
    digest = hashlib.sha256(f"{course}\n{student}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % VARIANTS


def constants(assignment: int, variant: int) -> Constants:
    """Return the constants of an assignment's variant, by name, the variant's number among them.

    Raises:
        ValueError: There is no such assignment or variant.
    """
    if assignment not in _DRAW:
        raise ValueError(f"expected an assignment from 1 to {len(_DRAW)}, got {assignment}.")
    if not 0 <= variant < VARIANTS:
        raise ValueError(f"expected a variant from 0 to {VARIANTS - 1}, got {variant}.")
    return {"variant": variant} | _DRAW[assignment](random.Random(f"{assignment}/{variant}"))


def _degrade(draw: random.Random) -> Constants:
    return {
        "shift_down": draw.randint(1, 7),
        "shift_right": draw.randint(1, 7),
        "scale": draw.choice([2, 4, 5, 8]),
        "std_8bit": draw.randint(2, 9),
        "photons": draw.choice([80, 100, 120, 150, 200, 250, 400]),
    }


def _losses(draw: random.Random) -> Constants:
    pixels = {f"p{row}{column}": draw.randint(0, 9) / 10 for row in range(2) for column in range(3)}
    return pixels | {"real": draw.randint(6, 9) / 10, "fake": draw.randint(1, 5) / 10}


def _networks(draw: random.Random) -> Constants:
    kernels: Constants = {f"k{layer}": draw.choice([3, 4, 5, 7]) for layer in range(1, 5)}
    strides = {f"s{layer}": draw.choice([1, 2]) for layer in range(1, 5)}
    return kernels | strides | {"width": draw.choice([8, 16, 24, 32, 48])}


def _joint(draw: random.Random) -> Constants:
    patch = draw.choice([16, 24, 32, 40])
    # What five convolutions of kernel 4 and padding 1 with the strides 2, 2, 2, 1, 1 leave of an HR patch.
    side = 4 * patch // 8 - 2
    mse = draw.randint(11, 99) / 10_000
    return {"batch": draw.choice([2, 4, 8, 16]), "patch": patch, "side": side, "mse": mse}


_DRAW = {1: _degrade, 2: _losses, 3: _networks, 4: _joint}
