r"""The terms that both cycles share, each a mean over a batch, its pixels and its channels.

The paper writes its norms without squares and without saying whether they are sums or means. Read as means they do not
depend on patch or batch size, and a weight of 10 means the same at every preset. Most re-implementations read them so;
one sums the HR identity.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from .images import Images, Scores
from .presets import Norm, Weights


class Terms(NamedTuple):
    """The four terms of one cycle, each a scalar."""

    gan: Tensor
    cycle: Tensor
    identity: Tensor
    tv: Tensor

    def total(self, w: Weights) -> Tensor:
        r"""Return $\mathcal L_{GAN} + w_1\mathcal L_{cyc} + w_2\mathcal L_{idt} + w_3\mathcal L_{TV}$.

        {eq}`eq-lr-total`, {eq}`eq-hr-total`.
        """
        return w.gan * self.gan + w.cycle * self.cycle + w.identity * self.identity + w.tv * self.tv


def judged_real(scores: Scores) -> Tensor:
    r"""Return how far the scores are from "real": mean of $(D - 1)^2$. {eq}`eq-lsgan-g`.

    Cycle one has it as {eq}`eq-lr-gan`, cycle two as {eq}`eq-hr-gan`; it is also the first half of {eq}`eq-lsgan-d`.
    """
    return (scores.float() - 1).square().mean()


def judged_fake(scores: Scores) -> Tensor:
    r"""Return how far the scores are from "fake": mean of $D^2$, the second half of {eq}`eq-lsgan-d`."""
    return scores.float().square().mean()


def distance(a: Images, b: Images, norm: Norm) -> Tensor:
    r"""Return the mean of $|a - b|^p$ over every pixel and channel: the mean absolute or the mean squared error.

    Used for the cycle terms {eq}`eq-lr-cycle` and {eq}`eq-hr-cycle` and for both identity terms {eq}`eq-lr-identity`
    and {eq}`eq-hr-identity`. A mean squared error is not a 2-norm: there is no root.
    """
    difference = (a - b).float()
    return difference.abs().mean() if norm == 1 else difference.square().mean()


def total_variation(images: Images, norm: Norm = 2) -> Tensor:
    r"""Return the mean of $|\nabla_h|^p$ plus the mean of $|\nabla_w|^p$. {eq}`eq-lr-tv`, {eq}`eq-hr-tv`.

    $\nabla_h$ and $\nabla_w$ are differences between neighbours, down and to the right; none crosses the border.
    """
    down = images[..., 1:, :]
    right = images[..., :, 1:]
    return distance(down, images[..., :-1, :], norm) + distance(right, images[..., :, :-1], norm)


def discriminator_loss(real: Scores, fake: Scores) -> Tensor:
    r"""Return the discriminator's own loss. {eq}`eq-lsgan-d`.

    $$ \operatorname{mean}(D(\text{real}) - 1)^2 + \operatorname{mean} D(\text{fake})^2 $$

    It is 0.5 for a discriminator that answers 1/2 everywhere: that is chance.
    """
    return judged_real(real) + judged_fake(fake)
