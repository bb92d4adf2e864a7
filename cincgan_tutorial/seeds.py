"""Where randomness is born: every random draw of the book is a pure function of (seed, index).

Sample number *i* of a run is the same patch whether it is drawn first or last, by one process or by four, before an
interruption or after it. There is no generator state to save, and none to lose.
"""

from __future__ import annotations

import numpy as np
import torch


def numpy_generator(seed: int, *index: int) -> np.random.Generator:
    """Return the NumPy generator that belongs to ``(seed, *index)``.

    ``SeedSequence`` mixes its words thoroughly, so neighbouring indices give unrelated streams.
    """
    return np.random.default_rng([seed, *index])


def torch_generator(seed: int, *index: int) -> torch.Generator:
    """Return a CPU generator that belongs to ``(seed, *index)``, for draws of images and of initial weights."""
    words = np.random.SeedSequence([seed, *index]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(words[0] >> np.uint64(1)))
