r"""Chapter 7, what SRGAN compares images by: features $\phi_{5,4}$ of VGG19, or fixed stand-ins where there is no VGG.

Source: Ledig et al., "Photo-realistic single image super-resolution using a GAN", CVPR 2017, section 2.2.1.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor, nn

from ..images import Images
from .system import initial_weights

_LAYERS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 256, 0, 512, 512, 512, 512, 0, 512, 512, 512, 512)  # 0 halves
_FILE = "vgg19-dcbb9e9d.pth"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SCALE = 1 / 12.75


def vgg19_layers() -> nn.Sequential:
    r"""Return VGG19 up to $\phi_{5,4}$, after the activation: 16 convolutions, named and numbered as in torchvision."""
    layers: list[nn.Module] = []
    channels = 3
    for width in _LAYERS:
        if width == 0:
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
    return nn.Sequential(*layers)


class VGGFeatures(nn.Module):
    """Features of VGG19 as trained on ImageNet, divided by 12.75: (n, 3, h, w) -> (n, 512, h/16, w/16)."""

    mean: Tensor
    std: Tensor

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.layers = vgg19_layers()
        saved = torch.load(weights, map_location="cpu", weights_only=True)
        prefix = "features."
        wanted = {name.removeprefix(prefix): value for name, value in saved.items() if name.startswith(prefix)}
        self.layers.load_state_dict(wanted)
        self.register_buffer("mean", torch.tensor(_MEAN).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(3, 1, 1))

    def forward(self, images: Images) -> Tensor:
        """Return the features."""
        return _SCALE * self.layers((images - self.mean) / self.std)


class StandInFeatures(nn.Module):
    """Features of a small random network that is never trained: (n, 3, h, w) -> (n, 64, h/4, w/4).

    Random filters answer to edges and textures too, but know nothing of objects. So a result that they taught is not
    SRGAN's, and its row says so.
    """

    def __init__(self) -> None:
        super().__init__()
        with initial_weights(0):
            # The same features at every seed of a study: they are part of the loss.
            self.layers = nn.Sequential(
                nn.Conv2d(3, 32, 3, stride=2, padding=1), nn.ReLU(),
                nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
                nn.Conv2d(64, 64, 3, stride=2, padding=1), nn.ReLU(),
            )  # fmt: skip
            for layer in self.layers:
                if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                    nn.init.kaiming_normal_(layer.weight)
                    nn.init.zeros_(layer.bias)

    def forward(self, images: Images) -> Tensor:
        """Return the features."""
        return self.layers(images - 0.5)


def vgg_weights() -> Path | None:
    """Return the file of VGG19's weights: what ``CINCGAN_VGG19`` names, else where torchvision keeps it.

    Nothing is downloaded, since it has 550 MB. With torchvision installed, one line fetches it:
    ``torchvision.models.vgg19(weights="IMAGENET1K_V1")``.

    Raises:
        ValueError: ``CINCGAN_VGG19`` names a file that is not there.
    """
    named = os.environ.get("CINCGAN_VGG19")
    if named:
        if not Path(named).is_file():
            raise ValueError(f"CINCGAN_VGG19={named}: no such file. Expected {_FILE} of torchvision, or nothing.")
        return Path(named)
    kept = Path(torch.hub.get_dir()) / "checkpoints" / _FILE
    return kept if kept.is_file() else None


def make_features() -> tuple[nn.Module, str]:
    """Return the features that can be had here, fixed, and what the name of a row gets from them."""
    weights = vgg_weights()
    features: nn.Module = StandInFeatures() if weights is None else VGGFeatures(weights)
    return features.eval().requires_grad_(False), ", stand-in features" if weights is None else ""
