"""What can be set: one frozen value that can be printed, compared, written to JSON and read back.

Weights and lengths belong to a *stage*: the joint stage weighs the LR identity with 1 where the first uses 5, and that
should be visible here and not hidden in a loss.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..settings import build, put

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Norm = Literal[1, 2]


@dataclass(frozen=True)
class Weights:
    """The weights of one cycle: w1, w2, w3 in cycle one, lambda1, lambda2, lambda3 in cycle two.

    The paper gives the adversarial term no weight of its own: ``gan`` is 1.
    """

    gan: float = 1.0
    cycle: float = 10.0
    identity: float = 5.0
    tv: float = 0.5


@dataclass(frozen=True)
class Norms:
    """The power of the difference that each term takes the mean of: 1 absolute, 2 squared.

    The paper writes norms without squares and does not say whether they are summed or averaged. The re-implementations
    read them as means (one sums the HR identity), squared where the symbol is a 2-norm. That reading is the default.
    """

    cycle: Norm = 2
    identity: Norm = 1
    tv: Norm = 2
    supervised: Norm = 2


@dataclass(frozen=True)
class Stage:
    """One of the three stages: pre-training of SR, cycle one, both cycles.

    Attributes:
        steps: Length.
        lr: Learning rate of the generators.
        lr_D: Learning rate of the discriminators.
        halve_every: Steps after which both are halved; 0 lets them fall on a cosine to ``lr_floor`` of the start
            instead.
        lr_floor: Where the cosine ends, as a share.
        batch: Patches per step.
        warm_up: Steps in which only what is new in this stage learns, before the first step: D1, or D2 and G3.
        cycle_one: Weights of cycle one; ``None`` where it takes no part.
        cycle_two: Weights of cycle two; ``None`` where it takes no part.
        hold_G1: Whether cycle two leaves G1 as it is.
    """

    steps: int
    lr: float = 2e-4
    lr_D: float = 2e-4  # noqa: N815 - the paper's letter
    halve_every: int = 0
    lr_floor: float = 0.05
    batch: int = 16
    warm_up: int = 0
    cycle_one: Weights | None = None
    cycle_two: Weights | None = None
    hold_G1: bool = False  # noqa: N815 - the paper's letter


@dataclass(frozen=True)
class GeneratorSize:
    """Size of G1, G2 and G3. The defaults are those of the paper's Fig. 3a."""

    width: int = 64
    blocks: int = 6
    # Departure: [no residual output] with residual=True, G1 and G2 compute x + f(x), start as the identity and have
    # half of their first filters high-pass. The figure draws no such skip. Short training should learn the
    # difference between noisy and clean, not how to copy an image.
    residual: bool = False
    # Departure: [PyTorch's initialisation] he=True starts all layers by He's rule. PyTorch's default makes the signal
    # smaller from layer to layer, and behind a dozen of them little arrives. The sources do not describe an
    # initialisation.
    he: bool = False
    # Departure: [residual at full scale] residual_scale=0.1: x + 0.1 f(x). Behind He's start all features of the last
    # layer are large, and one step of Adam moves them all: the output could leap by several levels of 255 at a time.
    residual_scale: float = 1.0
    # Departure: [colours free to drift] local_mean=17: in evaluation mode G1 and G2 give every pixel the mean of the
    # 17x17 input pixels around it back. Noise averages out, so that of x is nearly right; but nothing in cycle one asks
    # for it. It drifts in a long game, and where the photographs of X and Y are few and differ in colour by chance. 0
    # leaves it free.
    local_mean: int = 0
    # Whether the local mean is kept in training mode too.
    held_in_training: bool = False

    def with_free_colours(self) -> GeneratorSize:
        """Return the same without what keeps colours: no weight has another shape for it."""
        return dataclasses.replace(self, local_mean=0, held_in_training=False)


@dataclass(frozen=True)
class DiscriminatorSize:
    """Size of D1 and D2. The defaults are those of the paper's Fig. 3b."""

    width: int = 64
    widest: int = 512
    # Departure: [BatchNorm in D1] batch_norm=False. Real and fake patches come in separate batches, so dividing by the
    # statistics of a batch removes differences in contrast and noise that D is there to see.
    batch_norm: bool = True
    # Departure: [D1 starts at random] high_pass=True starts the first layer with amplified filters that ignore flat and
    # sloping areas, and the others by He's rule, so that D judges noise and texture from its first step on instead of
    # brightness. The sources do not describe an initialisation.
    high_pass: bool = False
    # LR pixels, each way, that a score of D1 depends on. D2 always sees 70 HR pixels.
    D1_sees: Literal[10, 16, 28] = 16


@dataclass(frozen=True)
class EDSRSize:
    """Size of SR. The defaults are EDSR's large model, which the paper plugs in."""

    features: int = 256
    blocks: int = 32
    residual_scale: float = 0.1


@dataclass(frozen=True)
class Preset:
    """All settings of a run; `named.PRESETS` holds those that have names.

    Attributes:
        name: What run folders and tables call it.
        pretrain: SR alone, on the pairs (y, z) that reduction by bicubic makes of the clean half.
        first: Cycle one: G1, G2, D1.
        joint: Both cycles: all six networks.
        degradation: Name of the degradation that makes x (see `degradation.DEGRADATIONS`).
        start: Weights to begin with, named as for `weights.load_weights`; empty for random ones.
        scale: Enlargement s.
        patch: Side of an LR patch; HR patches are ``scale`` times as large.
        seed: Seed of every draw.
        precision: Arithmetic of the forward passes; "auto" is settled when a run starts and then recorded.
        generator: Size of G1, G2, G3.
        discriminator: Size of D1, D2.
        sr: Size of SR.
        norms: Norm of each loss term.
        ema: Largest decay of the running average of G1 and SR that is evaluated and published (its span grows, see
            `training.steps.update_average`); 0 publishes the last step's weights.
        clip: Largest norm of a discriminator's gradient; 0 means no limit.
        beta1: First moment of Adam (0.5 in the paper).
        adam_per_cycle: Whether in the joint stage each cycle has an Adam of its own, see
            `training.steps.make_optimizers`. The paper leaves it open.
        log_every: Steps between two log lines.
        save_every: Steps between two checkpoints.
        alarms: Whether to warn of flat output, drifting colours and a judge at chance or saturated, see
            `training.alarms`.
        validate_every: Steps of stage one and the joint stage between two looks at a signal without pairs, see
            `training.validation`; the best G1 of stage one is kept. 0 keeps the last.
        keep_every: Steps between two snapshots of all networks in the run folder, for studies; 0 keeps none.
    """

    name: str
    pretrain: Stage
    first: Stage
    joint: Stage
    degradation: str = "synthetic_mild"
    start: str = ""
    scale: int = 4
    patch: int = 32
    seed: int = 0
    precision: Precision = "auto"
    generator: GeneratorSize = GeneratorSize()
    discriminator: DiscriminatorSize = DiscriminatorSize()
    sr: EDSRSize = EDSRSize()
    norms: Norms = Norms()
    ema: float = 0.0
    clip: float = 0.0
    beta1: float = 0.5
    adam_per_cycle: bool = False
    log_every: int = 20
    save_every: int = 200
    alarms: bool = True
    validate_every: int = 0
    keep_every: int = 0

    def stages(self) -> dict[str, Stage]:
        """The three stages in their order."""
        return {"pretrain": self.pretrain, "first": self.first, "joint": self.joint}

    def with_free_colours(self) -> Preset:
        """Return the same with a G1 that keeps no colours."""
        return dataclasses.replace(self, generator=self.generator.with_free_colours())

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain dictionaries, ready for JSON."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """Return the settings as JSON, one per line."""
        return json.dumps(self.to_dict(), indent=1)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Preset:
        """Rebuild a preset; unknown or ill-typed settings raise `ValueError` and name the setting.

        Settings that are left out take their default, as in the constructor.
        """
        return build(Preset, values)

    @staticmethod
    def from_json(text: str) -> Preset:
        """Rebuild a preset from `to_json`."""
        return Preset.from_dict(json.loads(text))


def with_settings(preset: Preset, settings: Mapping[str, Any]) -> Preset:
    """Return ``preset`` with some settings replaced, named by dotted paths such as ``"first.steps"``.

    Values may be text, as a command line gives them.

    Raises:
        ValueError: A name is unknown (the nearest one is suggested) or a value has the wrong type.
    """
    if "name" in settings:
        raise ValueError("name: says which preset this is and can't be set; choose another preset instead.")
    values = preset.to_dict()
    put(values, settings)
    return check(Preset.from_dict(values))


def check_side(local_mean: int) -> None:
    """Raise `ValueError` where a window of this side has no middle; 0 means that there is none."""
    if local_mean < 0 or (local_mean and local_mean % 2 == 0):
        raise ValueError(f"local_mean: expected an odd number of pixels, or 0, got {local_mean}.")


def check(preset: Preset) -> Preset:
    """Return ``preset`` if its numbers make sense together, else raise `ValueError` and say which do not."""
    smallest = 8
    positive = {
        "scale": preset.scale,
        "generator.width": preset.generator.width,
        "discriminator.width": preset.discriminator.width,
        "sr.features": preset.sr.features,
        "discriminator.widest": preset.discriminator.widest,
        "generator.blocks": preset.generator.blocks,
        "sr.blocks": preset.sr.blocks,
        "log_every": preset.log_every,
        "save_every": preset.save_every,
        **{f"{name}.batch": stage.batch for name, stage in preset.stages().items()},
    }
    for path, value in positive.items():
        if value < 1:
            raise ValueError(f"{path}: expected at least 1, got {value}.")
    if preset.scale not in (2, 4):
        raise ValueError(f"scale: expected 2 or 4 (G3 halves the size once per factor of two), got {preset.scale}.")
    if preset.patch < smallest or preset.patch % 4:
        raise ValueError(f"patch: expected a multiple of 4, at least {smallest}, got {preset.patch}.")
    for name, stage in preset.stages().items():
        if stage.steps < 0 or stage.warm_up < 0 or stage.halve_every < 0:
            raise ValueError(f"{name}: steps, warm_up and halve_every can't be negative.")
    if preset.patch * preset.scale < 24:
        raise ValueError("patch: patch times scale must be at least 24, or nothing is left of an HR patch in D2.")
    for name, stage in preset.stages().items():
        for field in ("lr", "lr_D", "lr_floor"):
            if not (math.isfinite(getattr(stage, field)) and getattr(stage, field) >= 0):
                raise ValueError(f"{name}.{field}: expected a number of at least 0, got {getattr(stage, field)}.")
    if preset.first.cycle_two or preset.pretrain.cycle_one or preset.pretrain.cycle_two or preset.pretrain.warm_up:
        raise ValueError("cycle_two takes part in the joint stage only; pretrain has no cycle and no warm_up.")
    for path in ("seed", "clip", "validate_every", "keep_every"):
        if getattr(preset, path) < 0:
            raise ValueError(f"{path}: can't be negative, got {getattr(preset, path)}.")
    check_side(preset.generator.local_mean)
    if preset.generator.held_in_training and not preset.generator.local_mean:
        raise ValueError("generator.held_in_training: there is nothing to hold; set generator.local_mean=17 too.")
    if not 0 <= preset.beta1 < 1:
        raise ValueError(f"beta1: expected 0 <= beta1 < 1, got {preset.beta1}.")
    if preset.first.cycle_one is None or preset.joint.cycle_two is None:
        raise ValueError("first needs cycle_one, and joint needs cycle_two.")
    if preset.joint.hold_G1 and preset.joint.cycle_one is not None:
        raise ValueError("joint.hold_G1: cycle one would move G1 all the same; set joint.cycle_one=none too.")
    if not 0 <= preset.ema < 1:
        raise ValueError(f"ema: expected 0 <= ema < 1, got {preset.ema}.")
    return preset
