r"""Chapter 4, cycle two: noisy LR x -> HR, closed by G3 which goes back down.

The generator of this cycle is the composition SR(G1(x)). Its "identity" is none in the sense of CycleGAN: it is
supervision on the synthetic pair (y, z), the only pair that unpaired data gives us for free. Section 3.3 of the paper,
Fig. 2.
"""

from __future__ import annotations

import torch

from .architectures import Networks
from .images import Images, Scores
from .losses import Terms, distance, judged_real, total_variation
from .presets import Norms


def cycle_two(
    nets: Networks,
    x: Images,
    y: Images,
    z: Images,
    norms: Norms = Norms(),
    y_tilde: Images | None = None,
) -> tuple[Terms, Images, Scores]:
    r"""Return the terms of $\mathcal L^{HR}_{total}$, {eq}`eq-hr-total`.

    With them go $\tilde z = SR(G_1(x))$ and its scores, $D_2(\tilde z)$.

    Args:
        nets: Holds G1, SR, G3 and D2.
        x: Noisy LR patches, (n, 3, h, w).
        y: Clean LR patches, the reduction of ``z``.
        z: HR patches of other photographs than those of x, (n, 3, s h, s w).
        norms: Norm of each term.
        y_tilde: G1(x), where cycle one has computed it already.
    """
    y_tilde = nets.G1(x) if y_tilde is None else y_tilde
    # SR(G1(x)) and SR(y), in one pass.
    z_tilde, y_enlarged = nets.SR(torch.cat([y_tilde, y])).chunk(2)
    x_double_prime = nets.G3(z_tilde)
    scores = nets.D2(z_tilde)
    terms = Terms(
        gan=judged_real(scores),  # L_GAN^HR
        cycle=distance(x_double_prime, x, norms.cycle),  # L_cyc^HR
        identity=distance(y_enlarged, z, norms.supervised),  # L_idt^HR
        tv=total_variation(z_tilde, norms.tv),  # L_TV^HR
    )
    return terms, z_tilde, scores
