"""CinCGAN, chapter by chapter: super-resolution x4 without paired data.

The public names in the order in which the book meets them. Each chapter imports its module; nothing is defined twice.
"""

from .architectures import EDSR, Generator, Networks, PatchDiscriminator, Upscaler, receptive_field
from .cycle_one import cycle_one
from .cycle_two import cycle_two
from .degradation import (
    BICUBIC,
    DEGRADATIONS,
    SYNTHETIC_MILD,
    SYNTHETIC_WHITE,
    Degradation,
    bicubic_downsample,
    bicubic_upsample,
)
from .inference import super_resolve
from .losses import Terms, discriminator_loss, distance, judged_fake, judged_real, total_variation
from .metrics import best_shift, psnr, ssim
from .presets import PRESETS, Preset, current_preset, preset_named, with_settings
from .protocols import PROTOCOLS, scored
from .training import Run, resume, train
from .unpaired import (
    Photograph,
    Photographs,
    UnpairedPatches,
    bundled_photograph,
    bundled_photographs,
    folder_of_photographs,
)
from .weights import Trained, load_weights

__version__ = "0.1.0"

__all__ = [
    "BICUBIC",
    "DEGRADATIONS",
    "EDSR",
    "PRESETS",
    "PROTOCOLS",
    "SYNTHETIC_MILD",
    "SYNTHETIC_WHITE",
    "Degradation",
    "Generator",
    "Networks",
    "PatchDiscriminator",
    "Photograph",
    "Photographs",
    "Preset",
    "Run",
    "Terms",
    "Trained",
    "UnpairedPatches",
    "Upscaler",
    "best_shift",
    "bicubic_downsample",
    "bicubic_upsample",
    "bundled_photograph",
    "bundled_photographs",
    "current_preset",
    "cycle_one",
    "cycle_two",
    "discriminator_loss",
    "distance",
    "folder_of_photographs",
    "judged_fake",
    "judged_real",
    "load_weights",
    "preset_named",
    "psnr",
    "receptive_field",
    "resume",
    "scored",
    "ssim",
    "super_resolve",
    "total_variation",
    "train",
    "with_settings",
]
