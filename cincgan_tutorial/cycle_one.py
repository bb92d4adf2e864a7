r"""Chapter 3, cycle one: noisy LR x -> clean LR, with no clean version of x to compare with.

G1 cleans, G2 soils again, D1 compares the cleaned patches with real clean ones. Section 3.2 of the paper, Fig. 2 left.
"""

from __future__ import annotations

from .architectures import Networks
from .images import Images
from .losses import Terms, distance, judged_real, total_variation
from .presets import Norms


def cycle_one(nets: Networks, x: Images, y: Images, norms: Norms = Norms()) -> tuple[Terms, Images]:
    r"""Return the four terms of $\mathcal L^{LR}_{total}$ and $\tilde y = G_1(x)$. {eq}`eq-lr-total`.

    Args:
        nets: Holds G1, G2 and D1.
        x: Noisy LR patches, (n, 3, h, w).
        y: Clean LR patches of *other* photographs, same shape.
        norms: Norm of each term.
    """
    y_tilde = nets.G1(x)
    x_prime = nets.G2(y_tilde)
    terms = Terms(
        gan=judged_real(nets.D1(y_tilde)),  # L_GAN^LR
        cycle=distance(x_prime, x, norms.cycle),  # L_cyc^LR
        identity=distance(nets.G1(y), y, norms.identity),  # L_idt^LR
        tv=total_variation(y_tilde, norms.tv),  # L_TV^LR
    )
    return terms, y_tilde
