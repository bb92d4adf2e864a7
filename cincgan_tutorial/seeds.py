"""Where randomness is born: every random draw of the book is a pure function of (seed, index).

Sample number *i* of a run is the same patch whether it is drawn first or last, by one process or by four, before an
interruption or after it. There is no generator state to save, and none to lose.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def torch_generator(seed: int, *index: int) -> torch.Generator:
    """Return a CPU generator that belongs to ``(seed, *index)``, for draws of images and of initial weights."""
    return torch.Generator().manual_seed(_word(seed, *index) >> 1)


def _word(seed: int, *index: int) -> int:
    """Mix numbers into one of 64 bits, thoroughly: neighbouring indices give unrelated words."""
    return int(np.random.SeedSequence([seed, *index]).generate_state(1, np.uint64)[0])


def draws(samples: Tensor, choices: int, seed: int, *index: int) -> Tensor:
    """Return ``choices`` random numbers for each sample, int64 in [0, 2^31): (n,) sample numbers -> (choices, n).

    Each is a function of (seed, index, sample, choice) and of nothing else, computed for all samples at once where
    ``samples`` live. SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): count in strides of an odd number, mix the bits.
    """
    choice = torch.arange(choices, device=samples.device)[:, None]
    bits = _signed(_word(seed, *index)) + (samples * choices + choice + 1) * _signed(0x9E3779B97F4A7C15)
    bits = (bits ^ _shifted(bits, 30)) * _signed(0xBF58476D1CE4E5B9)
    bits = (bits ^ _shifted(bits, 27)) * _signed(0x94D049BB133111EB)
    # The upper bits; the last mixing of SplitMix64 changes only lower ones.
    return _shifted(bits, 33)


def below(bound: Tensor | int, drawn: Tensor) -> Tensor:
    """Turn numbers of `draws` into integers in [0, bound), each as likely as the others up to bound / 2^31."""
    return drawn * bound >> 31


def _signed(word: int) -> int:
    """Return the int64 that has the same 64 bits."""
    return word - (1 << 64) if word >> 63 else word


def _shifted(bits: Tensor, by: int) -> Tensor:
    """Shift right and fill with zeros; ``>>`` would fill with the sign."""
    return (bits >> by) & ((1 << (64 - by)) - 1)


def check_seeds(seeds: Sequence[int]) -> None:
    """Raise `ValueError` if what is to be repeated from each of the seeds has none, or one of them twice."""
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(f"seeds: expected one or more, all different, got {list(seeds)}.")
