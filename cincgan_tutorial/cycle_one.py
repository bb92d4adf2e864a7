r"""Chapter 3, cycle one: noisy LR x -> clean LR, with no clean version of x to compare with.

G1 cleans, G2 soils again, D1 compares the cleaned patches with real clean ones. Section 3.2 of the paper, Fig. 2 left.
"""

from __future__ import annotations

import torch

from .architectures import Networks
from .images import Images, Scores
from .losses import Terms, distance, judged_real, total_variation
from .presets import Norms


def cycle_one(
    nets: Networks,
    x: Images,
    y: Images,
    norms: Norms = Norms(),
) -> tuple[Terms, Images, Scores]:
    r"""Return the terms of $\mathcal L^{LR}_{total}$, {eq}`eq-lr-total`.

    With them go $\tilde y = G_1(x)$ and its scores, $D_1(\tilde y)$.

    Args:
        nets: Holds G1, G2 and D1.
        x: Noisy LR patches, (n, 3, h, w).
        y: Clean LR patches of *other* photographs, same shape.
        norms: Norm of each term.
    """
    # G1(x) and G1(y), in one pass.
    y_tilde, y_kept = nets.G1(torch.cat([x, y])).chunk(2)
    x_prime = nets.G2(y_tilde)
    scores = nets.D1(y_tilde)
    terms = Terms(
        gan=judged_real(scores),  # L_GAN^LR
        cycle=distance(x_prime, x, norms.cycle),  # L_cyc^LR
        identity=distance(y_kept, y, norms.identity),  # L_idt^LR
        tv=total_variation(y_tilde, norms.tv),  # L_TV^LR
    )
    return terms, y_tilde, scores
