r"""Chapter 6, one training step of each stage.

Generators move first, judged by the discriminators as they stand; then the discriminators learn from the scores that
they have just given, and from those of real patches. The paper states no order. In this one nothing is computed twice:
no discriminator moves between its verdict on a fake and its own lesson, so one forward pass serves both.

So BatchNorm, where a discriminator has it, meets each fake once a step, not twice as in a loop that computes its scores
again. Only the running statistics can tell, and training never reads them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..architectures import Networks
from ..cycle_one import cycle_one
from ..cycle_two import cycle_two
from ..images import Images, Scores
from ..losses import Terms, discriminator_loss, distance
from ..presets import Norms, Preset, Stage, Weights
from .precision import Arithmetic

Optimizers = dict[str, Optimizer]
Losses = dict[str, Tensor]

_GROWTH = 10


def make_optimizers(nets: Networks, stage_name: str, stage: Stage, preset: Preset) -> Optimizers:
    r"""Return the Adam optimizers of a stage, named after what they minimise.

    In the joint stage G1 is moved by both cycles, and the paper leaves open how. Here one Adam moves all generators
    down the sum of both totals. With ``adam_per_cycle`` each total has its own; but Adam divides by the size of a
    gradient, so the small total of cycle two then moves G1 as far as the large one of cycle one, whatever its weights.
    ``fused`` moves all weights in one call. On a GPU the rate is a number of the device, where a
    recorded step finds it, see `replay`.
    """

    def adam(lr: float, *networks: nn.Module, beta1: float = preset.beta1) -> Adam:
        parameters = [p for network in networks for p in network.parameters()]
        device = parameters[0].device
        on_gpu = device.type == "cuda"
        rate = torch.tensor(lr, device=device) if on_gpu else lr
        return Adam(parameters, lr=rate, betas=(beta1, 0.999), eps=1e-8, fused=True, capturable=on_gpu)

    # Departure: SR is pre-trained here, on bicubic pairs of the clean half only. The paper plugs in a published EDSR,
    # whose training photographs include those of X.
    if stage_name == "pretrain":
        # EDSR's own beta1: there is no adversary here.
        return {"SR": adam(stage.lr, nets.SR, beta1=0.9)}
    if stage_name == "first":
        return {"cycle_one": adam(stage.lr, nets.G1, nets.G2), "D1": adam(stage.lr_D, nets.D1)}
    judges: Optimizers = {"D1": adam(stage.lr_D, nets.D1), "D2": adam(stage.lr_D, nets.D2)}
    if stage.cycle_one is not None and not preset.adam_per_cycle:
        return {"both_cycles": adam(stage.lr, nets.G1, nets.G2, nets.SR, nets.G3)} | judges
    moved = (nets.SR, nets.G3) if stage.hold_G1 else (nets.G1, nets.SR, nets.G3)
    cycle_two: Optimizers = {"cycle_two": adam(stage.lr, *moved)}
    if stage.cycle_one is None:
        return cycle_two | {"D2": judges["D2"]}
    return {"cycle_one": adam(stage.lr, nets.G1, nets.G2)} | cycle_two | judges


def rate(stage: Stage, step: int) -> float:
    """Return the share of the learning rate at ``step``, a pure function: there is no scheduler to save."""
    if stage.halve_every:
        return 0.5 ** (step // stage.halve_every)
    progress = min(step / max(stage.steps, 1), 1.0)
    return stage.lr_floor + (1 - stage.lr_floor) * 0.5 * (1 + math.cos(math.pi * progress))


def set_rates(optimizers: Optimizers, stage: Stage, step: int) -> None:
    """Give every optimizer its learning rate for ``step``."""
    for name, optimizer in optimizers.items():
        start = stage.lr_D if name in ("D1", "D2") else stage.lr
        for group in optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(start * rate(stage, step))
            else:
                group["lr"] = start * rate(stage, step)


def pretrain_step(nets: Networks, optimizers: Optimizers, y: Images, z: Images, arithmetic: Arithmetic) -> Losses:
    """Move SR towards z from y, by EDSR's own loss, the mean absolute error."""
    with arithmetic.forward():
        loss = distance(nets.SR(y), z, 1)
    arithmetic.minimise(loss, optimizers["SR"])
    return {"SR": loss.detach()}


def cycle_one_step(
    nets: Networks,
    optimizers: Optimizers,
    x: Images,
    y: Images,
    weights: Weights,
    norms: Norms,
    arithmetic: Arithmetic,
    clip: float,
) -> Losses:
    """Move G1 and G2 down the LR total, then D1 down its own loss."""
    with arithmetic.forward():
        terms, _, scores = cycle_one(nets, x, y, norms)
        total = terms.total(weights)
    arithmetic.minimise(total, optimizers["cycle_one"], keep_graph=True)
    judged = judge_step(nets.D1, optimizers["D1"], y, scores, arithmetic, clip)
    return _named("LR", terms) | {"D1": judged}


def cycle_two_step(
    nets: Networks,
    optimizers: Optimizers,
    x: Images,
    y: Images,
    z: Images,
    weights: Weights,
    norms: Norms,
    arithmetic: Arithmetic,
    clip: float,
) -> Losses:
    """Move G1, SR and G3 down the HR total, then D2 down its own loss."""
    with arithmetic.forward():
        terms, _, scores = cycle_two(nets, x, y, z, norms)
        total = terms.total(weights)
    arithmetic.minimise(total, optimizers["cycle_two"], keep_graph=True)
    judged = judge_step(nets.D2, optimizers["D2"], z, scores, arithmetic, clip)
    return _named("HR", terms) | {"D2": judged}


def joint_step(
    nets: Networks,
    optimizers: Optimizers,
    x: Images,
    y: Images,
    z: Images,
    weights: tuple[Weights, Weights],
    norms: Norms,
    arithmetic: Arithmetic,
    clip: float,
) -> Losses:
    """Move the generators down the sum of both totals, then the judges.

    Both totals move G1, G2, SR and G3 at once; D1 and D2 have losses of
    their own.
    """
    with arithmetic.forward():
        terms_one, y_tilde, scores_one = cycle_one(nets, x, y, norms)
        terms_two, _, scores_two = cycle_two(nets, x, y, z, norms, y_tilde)
        total = terms_one.total(weights[0]) + terms_two.total(weights[1])
    arithmetic.minimise(total, optimizers["both_cycles"], keep_graph=True)
    d1 = judge_step(nets.D1, optimizers["D1"], y, scores_one, arithmetic, clip)
    d2 = judge_step(nets.D2, optimizers["D2"], z, scores_two, arithmetic, clip)
    lr, hr = _named("LR", terms_one), _named("HR", terms_two)
    return lr | {"D1": d1} | hr | {"D2": d2}


def warm_up_step(
    nets: Networks,
    optimizers: Optimizers,
    stage_name: str,
    x: Images,
    y: Images,
    z: Images,
    norms: Norms,
    arithmetic: Arithmetic,
    clip: float,
) -> Losses:
    """Let the networks that are new in a stage learn first, D1, or D2 and G3: as they start, they would teach noise."""
    joint = stage_name == "joint"
    generator, name, D, real = (nets.upscaler(), "D2", nets.D2, z) if joint else (nets.G1, "D1", nets.D1, y)
    with arithmetic.forward():
        with torch.no_grad():
            fake = generator(x)
        scores = D(fake)
    losses = {name: judge_step(D, optimizers[name], real, scores, arithmetic, clip)}
    if joint:
        with arithmetic.forward():
            cycle = distance(nets.G3(fake), x, norms.cycle)
        # The optimizer holds other generators too; this path has only G3 in it, so only G3 moves.
        arithmetic.minimise(cycle, optimizers["cycle_two" if "cycle_two" in optimizers else "both_cycles"])
        losses["HR cycle"] = cycle.detach()
    return losses


def judge_step(
    D: nn.Module,
    optimizer: Optimizer,
    real: Images,
    scores_of_fake: Scores,
    arithmetic: Arithmetic,
    clip: float,
) -> Tensor:
    """Move a discriminator towards 1 on ``real`` and 0 on the fake it scored.

    The optimizer holds D's parameters alone, and `Arithmetic.minimise` goes
    back to these and no further: no generator moves, and nothing behind the
    fake is computed.
    """
    with arithmetic.forward():
        loss = discriminator_loss(D(real), scores_of_fake)
    arithmetic.minimise(loss, optimizer, clip)
    return loss.detach()


def settled(decay: float) -> int:
    """Return the count of steps from which on an average has its full span."""
    return math.ceil((_GROWTH * decay - 1) / (1 - decay))


def update_average(
    average: AveragedModel,
    current: nn.Module,
    decay: float,
) -> None:
    """Move the average of a network's weights a little towards ``current``.

    {eq}`eq-average`. The first time it becomes equal to them. It spans about
    the last ninth of the steps so far, and 1 / (1 - decay) steps at most: the
    start of a stage, when networks still move fast, is soon forgotten. An
    average that begins `settled` has its full span at once.

    `AveragedModel.update_parameters` does the same, but sends its counter to
    the device at every step, for which the host has to wait.
    """
    count = int(average.n_averaged)  # lives on the host
    if count == 0:
        average.update_parameters(current)
        return
    decay = min(decay, (1 + count) / (_GROWTH + count))
    old, new = list(average.module.parameters()), list(current.parameters())
    get_ema_multi_avg_fn(decay)(old, new, 0)
    average.n_averaged += 1


def _named(prefix: str, terms: Terms) -> Losses:
    return {f"{prefix} {name}": term.detach() for name, term in terms._asdict().items()}
