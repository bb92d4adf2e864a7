"""Chapter 5, architectures: the networks of the paper's Fig. 3, and the SR network it plugs in."""

from .convolution import Conv2d
from .discriminators import D1_STRIDES, D1_STRIDES_SEEING, D2_STRIDES, PatchDiscriminator
from .edsr import EDSR
from .generators import Generator, ResidualBlock, he_init, high_pass, local_mean, start_as_identity, start_by_he
from .networks import Networks, SelfEnsemble, Upscaler, parameter_count
from .receptive_field import Sight, declared_field, influence, receptive_field, sight
from .upsampler import Upsampler

__all__ = [
    "D1_STRIDES",
    "D1_STRIDES_SEEING",
    "D2_STRIDES",
    "EDSR",
    "Conv2d",
    "Generator",
    "Networks",
    "PatchDiscriminator",
    "ResidualBlock",
    "SelfEnsemble",
    "Sight",
    "Upsampler",
    "Upscaler",
    "declared_field",
    "he_init",
    "high_pass",
    "influence",
    "local_mean",
    "parameter_count",
    "receptive_field",
    "sight",
    "start_as_identity",
    "start_by_he",
]
