"""The studies of single settings: what is varied in each, by the names of the presets' settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..presets import PRESETS
from .study import Settings, Study

# What a setting does to colours is to show in its score, and what it does to a whole run: no step of it is picked.
COLOURS_FREE = {"generator.local_mean": 0}
_ONLY_ONE: Settings = COLOURS_FREE | {"pretrain.steps": 0, "joint.steps": 0, "first.steps": 600, "validate_every": 0}
_ONLY_JOINT = COLOURS_FREE | {"pretrain.steps": 0, "first.steps": 0}
_WITHOUT_JOINT = COLOURS_FREE | {"joint.steps": 0}

# Without a step of the other stages G1 is the identity, and SR(G1(x)) is SR(x).
_ONLY_SR: Settings = {"degradation": "bicubic", "first.steps": 0, "joint.steps": 0}

_PAPER: Mapping[str, Any] = asdict(PRESETS["paper"])
_PAPER_NORMS: Settings = {"norms": _PAPER["norms"]}
_PAPER_WEIGHTS: Settings = {"first.cycle_one": _PAPER["first"]["cycle_one"]}
_PAPER_GENERATORS: Settings = {"generator.width": 64, "generator.blocks": 6}
_PAPER_D1: Settings = {"discriminator.width": 64, "discriminator.widest": 512}
_PAPER_STAGE_ONE: Settings = {
    **_PAPER_WEIGHTS,
    **_PAPER_NORMS,
    "generator.residual": False,
    "generator.residual_scale": 1.0,
    "generator.he": False,
    "discriminator.batch_norm": True,
    "discriminator.high_pass": False,
    "ema": 0,
    "clip": 0,
    "first.warm_up": 0,
    "first.halve_every": 40_000,
}

_OF_STAGES = {
    "pretrain": ("lr", "halve_every"),
    "joint": ("lr", "lr_D", "halve_every", "warm_up", "cycle_one", "cycle_two"),
}
_PAPER_STAGES: Settings = {
    **_PAPER_STAGE_ONE,
    **{f"{stage}.{name}": _PAPER[stage][name] for stage, names in _OF_STAGES.items() for name in names},
}

# Numbers in an LR patch and in an HR patch: a sum over one is so many times the mean. Adam takes no notice of a factor
# that all terms of a network have in common, so every weight is divided by the numbers in an LR patch.
_LR_NUMBERS, _HR_NUMBERS = 3 * 32**2, 3 * 128**2
_SUMS: Settings = {
    "joint.cycle_one.gan": 1 / _LR_NUMBERS,
    "joint.cycle_two.gan": 0.01 / _LR_NUMBERS,
    "joint.cycle_two.identity": 5 * _HR_NUMBERS / _LR_NUMBERS,
    "joint.cycle_two.tv": 0.05 * _HR_NUMBERS / _LR_NUMBERS,
}
# What might let cycle two earn its place; each is trained with its terms and without.
_LEVERS: Mapping[str, Settings] = {
    "as lesson": {},
    "a quarter of the rates": {"joint.lr": 5e-5, "joint.lr_D": 5e-5},
    "four times the rates": {"joint.lr": 8e-4, "joint.lr_D": 8e-4},
    "judges learn four times as fast": {"joint.lr_D": 8e-4},
    "four times as long": {"joint.steps": 1040},
    "D2 learns alone for 600 steps": {"joint.warm_up": 600},
    "D1 and D2 start at random": {"discriminator.high_pass": False},
    "sums for means": _SUMS,
    "the paper's norms and weights": {
        **_PAPER_NORMS,
        "joint.cycle_one": _PAPER["joint"]["cycle_one"],
        "joint.cycle_two": _PAPER["joint"]["cycle_two"],
    },
    "EDSR 16x64": {"sr.features": 64, "sr.blocks": 16},
}
CONTROL = ", control"
_CONTROL = {"joint.cycle_two.gan": 0, "joint.cycle_two.cycle": 0, "joint.cycle_two.tv": 0}

STUDIES = {
    study.name: study
    for study in (
        Study(
            "cycle-one",
            "what each term of cycle one does",
            _ONLY_ONE,
            {
                "all terms": {},
                "no adversary": {"first.cycle_one.gan": 0},
                "no cycle": {"first.cycle_one.cycle": 0},
                "no identity": {"first.cycle_one.identity": 0},
                "no TV": {"first.cycle_one.tv": 0},
                "no cycle, no identity": {"first.cycle_one.cycle": 0, "first.cycle_one.identity": 0},
            },
        ),
        Study(
            "departures",
            "what each departure from the paper does to stage one",
            _ONLY_ONE,
            {
                "lesson": {},
                "no residual output": {"generator.residual": False},
                "residual at full scale": {"generator.residual_scale": 1.0},
                "PyTorch's initialisation": {"generator.he": False, "generator.residual_scale": 1.0},
                "BatchNorm in D1": {"discriminator.batch_norm": True},
                "D1 starts at random": {"discriminator.high_pass": False},
                "paper's norms and weights": {**_PAPER_WEIGHTS, **_PAPER_NORMS},
                "paper's weights": _PAPER_WEIGHTS,
                "squared cycle": {"norms.cycle": 2},
                "squared TV": {"norms.tv": 2},
                "sums in stage one": {"first.cycle_one.gan": 1 / _LR_NUMBERS},
                "no average": {"ema": 0},
                "no clipping": {"clip": 0},
                "falling learning rate": {"first.lr_floor": 0.1},
                "raised learning rate": {"first.lr": 5e-4, "first.lr_D": 5e-4},
                "all of the paper's settings": _PAPER_STAGE_ONE,
            },
        ),
        Study(
            "sizes",
            "what the paper's sizes and a batch of 16 do to the first 150 steps of stage one",
            {**_ONLY_ONE, "first.steps": 150},
            {
                "lesson": {},
                "paper's generators": _PAPER_GENERATORS,
                "paper's D1": _PAPER_D1,
                "D1 without warm-up": {"first.warm_up": 0},
                "batch 16": {"first.batch": 16},
                "the paper's settings at its sizes": {
                    **_PAPER_STAGE_ONE,
                    **_PAPER_GENERATORS,
                    **_PAPER_D1,
                    "first.batch": 16,
                },
            },
        ),
        Study(
            "cycle-two",
            "what each term of cycle two does, beside a control that only goes on training",
            _ONLY_JOINT,
            {
                "all terms": {},
                "control: supervision only": _CONTROL,
                "no adversary": {"joint.cycle_two.gan": 0},
                "no cycle": {"joint.cycle_two.cycle": 0},
                "no supervision": {"joint.cycle_two.identity": 0},
                "no TV": {"joint.cycle_two.tv": 0},
                "paper's adversarial weight": {"joint.cycle_two.gan": 1},
                "paper's cycle and TV weights": {"joint.cycle_two.cycle": 10, "joint.cycle_two.tv": 2},
                "squared supervision": {"norms.supervised": 2},
                "an Adam for each cycle": {"adam_per_cycle": True},
            },
            base=_WITHOUT_JOINT,
            measures="hr",
        ),
        Study(
            "joint-stage",
            "whether another rate, length, start, reduction or size lets cycle two earn its place",
            _ONLY_JOINT,
            {
                label + end: {**lever, **without}
                for label, lever in _LEVERS.items()
                for end, without in (("", {}), (CONTROL, _CONTROL))
            },
            base=_WITHOUT_JOINT,
            measures="hr",
        ),
        Study(
            "joint-control",
            "what cycle two adds to a joint stage, and the joint stage to the two before it",
            {"pretrain.steps": 0, "first.steps": 0},
            {
                "all terms": {},
                "control": _CONTROL,
                "no joint stage": {"joint.steps": 0},
                "no adversary": {"joint.cycle_two.gan": 0},
                "no cycle": {"joint.cycle_two.cycle": 0},
                "no TV": {"joint.cycle_two.tv": 0},
            },
            base={"joint.steps": 0},
            measures="hr",
            protocols=("vif", "ms-ssim"),
            degradations=("synthetic_white", "bicubic_jpeg75", "bicubic"),
        ),
        Study(
            "literal",
            "what the paper's own settings reach in the same three stages",
            COLOURS_FREE | {"validate_every": 0},
            {"as lesson": {}, "the paper's settings": _PAPER_STAGES},
            measures="hr",
            protocols=("vif", "ms-ssim"),
        ),
        Study(
            "sr-size",
            "what a larger EDSR reaches on clean photographs, after as many steps of pre-training",
            _ONLY_SR,
            {"lesson": {}, "EDSR 16x64": {"sr.features": 64, "sr.blocks": 16}},
            measures="hr",
        ),
        Study(
            "sr-rate",
            "what the paper's rate does to as many steps of pre-training",
            _ONLY_SR,
            {"lesson": {}, "paper's rate in pre-training": {"pretrain.lr": 1e-4, "pretrain.lr_floor": 1.0}},
            measures="hr",
        ),
    )
}
