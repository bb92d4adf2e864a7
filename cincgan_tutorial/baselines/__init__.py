"""Chapter 7, the other systems of the comparison, each in a module of its own, and the loop that trains them."""

from .cycle_gan import CycleGAN, ImagePool, TranslationGenerator, patch_gan
from .dual_gan import DualGAN, UNet
from .files import load_system, save_system
from .fsrcnn import FSRCNN, FSRCNNSystem
from .loop import train_system
from .material import Material
from .pairs import RegisteredPairs, check_truth, edsr_plus, on_pairs, srgan_plus
from .regression import Regression, edsr
from .shipped import ship_system, shipped_system
from .sizes import PUBLISHED, Sizes, sizes_of
from .srgan import SRGAN, SRGANDiscriminator, SRResNet, srresnet
from .system import Phase, System

__all__ = [
    "FSRCNN",
    "PUBLISHED",
    "SRGAN",
    "CycleGAN",
    "DualGAN",
    "FSRCNNSystem",
    "ImagePool",
    "Material",
    "Phase",
    "RegisteredPairs",
    "Regression",
    "SRGANDiscriminator",
    "SRResNet",
    "Sizes",
    "System",
    "TranslationGenerator",
    "UNet",
    "check_truth",
    "edsr",
    "edsr_plus",
    "load_system",
    "on_pairs",
    "patch_gan",
    "save_system",
    "ship_system",
    "shipped_system",
    "sizes_of",
    "srgan_plus",
    "srresnet",
    "train_system",
]
