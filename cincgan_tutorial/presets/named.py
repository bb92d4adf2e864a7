"""The presets that have names.

The values of `PRESETS["paper"]` are the paper's (section 4.1) where it states them; what it leaves open follows the
consensus of its re-implementations. The other presets are small enough to train while you read, and say with
`Departure:` where that needed something the paper does not do.
"""

from __future__ import annotations

import os
from dataclasses import replace

import torch

from ..settings import nearest
from .preset import DiscriminatorSize, EDSRSize, GeneratorSize, Norms, Preset, Stage, Weights

# The paper's schedule (section 4.1), with EDSR's own for the pre-training of SR. Batch 16, lengths of the joint stage
# and its weights: consensus of the re-implementations, since the sources of the paper that could be read do not state
# them.
_PAPER = Preset(
    name="paper",
    pretrain=Stage(steps=300_000, lr=1e-4, halve_every=200_000),
    first=Stage(steps=400_000, lr=2e-4, lr_D=2e-4, halve_every=40_000, cycle_one=Weights(cycle=10, identity=5, tv=0.5)),
    joint=Stage(
        steps=400_000,
        lr=1e-4,
        lr_D=1e-4,
        halve_every=40_000,
        cycle_one=Weights(cycle=10, identity=1, tv=0.5),
        cycle_two=Weights(cycle=10, identity=5, tv=2),
    ),
    log_every=100,
    save_every=2000,
)

# What made training short and steady on two CPU cores; a label in brackets names the study's variant without it.
_SMALL_STEPS = {
    # Departure: [paper's norms and weights] absolute instead of squared differences, with weights 5, 5, 1 to match. The
    # gradient of a squared difference fades as the difference does, so small errors of colour could live long; in a
    # short stage one they do not (chapter 6).
    # Departure: [squared supervision] supervision is absolute too, as in EDSR's own training.
    "norms": Norms(cycle=1, identity=1, tv=1, supervised=1),
    # Departure: [no average] what is kept is a running average of G1 and SR, over about the last ninth of a stage. Two
    # players circle around a balance; the average sits nearer its middle than most single steps.
    "ema": 0.998,
    # Departure: [no clipping] gradients of the discriminators are clipped, as a guard: with an amplified first layer,
    # a single batch could throw them far off.
    "clip": 1.0,
}

_LESSON = Preset(
    name="lesson",
    # Departure: [paper's rate in pre-training] SR is pre-trained at ten times the paper's rate, which falls to a
    # twentieth: there are 300 times fewer steps.
    pretrain=Stage(steps=1000, lr=1e-3, batch=8),
    # Departure: [falling learning rate] the paper's learning rate, but constant: where an average is kept, nothing has
    # to come to rest. The paper halves it every 40,000 steps, of which there are not so many here.
    # Departure: [D1 without warm-up] D1 alone learns for the first 60 steps: a judge at chance teaches noise.
    # Departure: [batch 16] batch 8, half the cost of a step.
    first=Stage(
        steps=2400, lr=2e-4, lr_D=2e-4, lr_floor=1.0, batch=8, warm_up=60, cycle_one=Weights(cycle=5, identity=5, tv=1)
    ),
    # Departure: [paper's adversarial weight] 0.01 instead of 1 for the judge of cycle two. With means for norms, 1
    # costs SSIM.
    # Departure: [paper's cycle and TV weights] smaller weights for cycle and TV too, 1 and 0.05.
    joint=Stage(
        steps=260,
        lr=2e-4,
        lr_D=2e-4,
        lr_floor=1.0,
        batch=8,
        warm_up=60,
        cycle_one=Weights(cycle=5, identity=5, tv=1),
        cycle_two=Weights(gan=0.01, cycle=1, identity=5, tv=0.05),
    ),
    # Departure: [paper's generators] small generators, for minutes on two CPU cores.
    generator=GeneratorSize(width=32, blocks=4, residual=True, he=True, residual_scale=0.1, local_mean=17),
    # Departure: [paper's D1] small discriminators, for the same reason.
    discriminator=DiscriminatorSize(width=32, widest=64, batch_norm=False, high_pass=True),
    # Departure: [EDSR 16x64] a small EDSR, for the same reason. Its size bounds what SR can reach, on clean input too.
    sr=EDSRSize(features=32, blocks=8, residual_scale=1.0),
    # Departure: [chapter 6] of stage one, the G1 is kept that a signal without pairs likes best
    # (`training.validation`). The paper does not say which one it took.
    validate_every=100,
    **_SMALL_STEPS,  # type: ignore[arg-type]
)

_LONG = replace(
    _LESSON,
    name="mild",
    pretrain=Stage(steps=8000, lr=5e-4, batch=8),
    first=replace(_LESSON.first, steps=10_000),
    joint=replace(_LESSON.joint, steps=300),
    generator=GeneratorSize(width=48, blocks=6, residual=True, he=True, residual_scale=0.1, local_mean=17),
    sr=EDSRSize(features=48, blocks=12, residual_scale=1.0),
    ema=0.999,
    validate_every=0,  # in a long game the signal does not rank (chapter 6)
)

PRESETS: dict[str, Preset] = {
    # Seconds. Proves that the code runs; its networks know nothing and are never shown.
    "smoke": replace(
        _LESSON,
        name="smoke",
        pretrain=replace(_LESSON.pretrain, steps=6, batch=2),
        first=replace(_LESSON.first, steps=6, batch=2, warm_up=2),
        joint=replace(_LESSON.joint, steps=4, batch=2, warm_up=2),
        patch=16,
        precision="fp32",
        generator=GeneratorSize(width=8, blocks=1, residual=True, he=True, residual_scale=0.1),
        discriminator=DiscriminatorSize(width=8, widest=16, batch_norm=False, high_pass=True),
        sr=EDSRSize(features=8, blocks=1, residual_scale=1.0),
        log_every=2,
        save_every=3,
        validate_every=0,
    ),
    # Minutes on two CPU cores.
    "lesson": _LESSON,
    # More than an hour on one CPU core each: the weights that ship, larger networks and a longer game. One for the
    # noise of the book, one for photographs of strangers.
    "mild": _LONG,
    "general": replace(
        _LONG,
        name="general",
        degradation="synthetic_mixture",
        first=replace(_LONG.first, steps=8000),
        # With the small D1 of the others, its loss stayed at chance: many kinds of noise are more to tell apart.
        discriminator=replace(_LONG.discriminator, width=64, widest=128),
    ),
    # The paper's generators and a baseline EDSR. Sized by arithmetic for under an hour on a T4; not yet run on one.
    "colab": replace(
        _LESSON,
        name="colab",
        pretrain=Stage(steps=20_000, lr=4e-4, batch=16),
        first=replace(_LESSON.first, steps=20_000, batch=16, warm_up=100),
        joint=replace(_LESSON.joint, steps=5000, batch=16, warm_up=100),
        generator=GeneratorSize(width=64, blocks=6, residual=True, he=True, residual_scale=0.1, local_mean=17),
        discriminator=DiscriminatorSize(width=32, widest=128, batch_norm=False, high_pass=True),
        sr=EDSRSize(features=64, blocks=16, residual_scale=1.0),
        ema=0.999,
        log_every=100,
        save_every=500,
        validate_every=0,
    ),
    "paper": _PAPER,
}


def preset_named(name: str) -> Preset:
    """Return the preset called ``name``; an unknown name raises `ValueError` and suggests the nearest."""
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}.{nearest(name, PRESETS)} Presets: {', '.join(PRESETS)}.")
    return PRESETS[name]


def current_preset() -> Preset:
    """Return the chapters' preset: what ``CINCGAN_PRESET`` names, else ``colab`` on a GPU and ``lesson`` on a CPU."""
    name = os.environ.get("CINCGAN_PRESET")
    if name:
        return preset_named(name)
    return PRESETS["colab" if torch.cuda.is_available() else "lesson"]
