r"""Chapter 7, scores nearer to the eye than PSNR, and scores that need no truth.

Two compare with the reference and need no trained weights (VIF, MS-SSIM), one needs them (LPIPS), and two look at the
result alone: how blurred, how noisy. As in `metrics`, an image is a batch of one, (1, 3, h, w) in [0, 1], and is
scored as it would be saved.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from skimage.measure import blur_effect
from torch import Tensor

from .images import Images
from .metrics import channels_last, prepared

# Heights and widths in pixels that the scores need once the border is cut.
VIF_SMALLEST, MS_SSIM_SMALLEST, LPIPS_SMALLEST, BLUR_SMALLEST, NOISE_SMALLEST = 41, 176, 32, 12, 4


def vif(result: Images, reference: Images, border: int = 4) -> float:
    """Return the visual information fidelity in the pixel domain: 1 for identical images, 0 where nothing is kept.

    The share of the reference's information that an eye with a little noise of its own could still read from the
    result, over four scales. More contrast than the reference has can give more than 1. Not symmetric. Mean over the
    three channels of 8-bit levels, for which the eye's noise (variance 2) is meant. Computed by torchmetrics.

    Source: H. Sheikh and A. Bovik, "Image information and visual quality", TIP 2006.

    Args:
        result: The image to be judged.
        reference: The truth, same shape.
        border: Pixels cut from every side.

    Raises:
        ValueError: The images differ in shape, are not RGB, or are smaller than 41 pixels without the border, or a
            channel of the reference is flat: no information to be kept.
    """
    # Imported here: torchmetrics takes two seconds.
    from torchmetrics.functional.image import visual_information_fidelity

    a, b = prepared(result, reference, border, smallest=VIF_SMALLEST + 2 * border)
    if (b.amax((2, 3)) == b.amin((2, 3))).any():
        raise ValueError("VIF is not defined: a channel of the reference is flat, so it holds nothing to be kept.")
    return float(visual_information_fidelity(255 * a, 255 * b))


def ms_ssim(result: Images, reference: Images, border: int = 4) -> float:
    """Return the multi-scale structural similarity, 0 to 1, 1 for identical images.

    SSIM's contrast and structure at five scales, each half as large as the one before, and its luminance at the last;
    RGB. Computed by torchmetrics, which mirrors the images at their ends.

    Source: Z. Wang, E. Simoncelli and A. Bovik, "Multiscale structural similarity for image quality assessment",
    Asilomar 2003.

    Args:
        result: The image to be judged.
        reference: The truth, same shape.
        border: Pixels cut from every side.

    Raises:
        ValueError: The images differ in shape, are not RGB, or are smaller than 176 pixels without the border.
    """
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

    a, b = prepared(result, reference, border, smallest=MS_SSIM_SMALLEST + 2 * border)
    return float(multiscale_structural_similarity_index_measure(a, b, data_range=1.0))


def lpips(result: Images, reference: Images, border: int = 4) -> float:
    """Return the learned perceptual distance: 0 for identical images, about 1 for unrelated ones. Lower is better.

    Distances between features of AlexNet, weighted to agree with what people chose as more alike; RGB. Computed by
    torchmetrics.

    Source: R. Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018.

    Args:
        result: The image to be judged.
        reference: The truth, same shape.
        border: Pixels cut from every side.

    Raises:
        ValueError: The images differ in shape, are not RGB, or are smaller than 32 pixels without the border; or
            torchvision is not installed or not made for this torch, or AlexNet's weights can't be fetched.
    """
    a, b = prepared(result, reference, border, smallest=LPIPS_SMALLEST + 2 * border)
    with torch.no_grad():
        return float(_lpips_network()(a.cpu(), b.cpu()))


@functools.cache
def _lpips_network() -> Callable[[Tensor, Tensor], Tensor]:
    try:
        import torchvision  # noqa: F401 - only to say what is missing
    except ImportError as error:
        raise ValueError(
            "LPIPS needs torchvision, which is not installed (the extra lpips): pip install torchvision, in the release"
            f" made for torch {torch.__version__}. It also fetches AlexNet's weights, some 240 MB, at its first use."
            " The protocols vif and ms-ssim need neither."
        ) from error
    except RuntimeError as error:  # its compiled half was made for another torch
        raise ValueError(
            f"torchvision can't be used with torch {torch.__version__} ({error}). Install the one that was made for it."
        ) from error
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchmetrics calls torchvision by arguments that it warns about
            return LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True)
    except OSError as error:
        raise ValueError(
            f"AlexNet's weights could not be fetched ({error}). Put them into {torch.hub.get_dir()}/checkpoints on a"
            " machine with a network first, or score without LPIPS."
        ) from error


def blur_level(image: Images, border: int = 4) -> float:
    """Return how blurred an image is, 0 (sharp) to 1 (flat), without a reference. Lower is sharper, not always better.

    The picture is blurred once more; what was sharp loses much of its variation, what was blurred little. The worse of
    the two directions counts. Noise passes for sharpness. Computed by scikit-image on brightness.

    Source: F. Crete et al., "The blur effect: perception and estimation with a new no-reference perceptual blur
    metric", SPIE 2007.

    Args:
        image: The image to be judged.
        border: Pixels cut from every side.

    Raises:
        ValueError: The image is not RGB or smaller than 12 pixels without the border.
    """
    a, _ = prepared(image, image, border, smallest=BLUR_SMALLEST + 2 * border)
    return float(blur_effect(channels_last(a), h_size=11, channel_axis=2))


def noise_level(image: Images, border: int = 4) -> float:
    r"""Return the standard deviation of an image's noise in units of 1/255, without a reference. Lower is cleaner.

    $$ \hat\sigma = \operatorname{median}|d| \,/\, 0.6745 $$

    over the finest diagonal coefficients d of Daubechies' second wavelet, where a photograph has little but noise;
    coefficients that are exactly 0 are left out; mean over the channels. Meant for white noise: noise that spreads over
    neighbours is taken for less than it is. That of scikit-image's ``estimate_sigma`` apart from the ends of the image,
    which are not mirrored here, so that PyWavelets is not needed.

    Source: D. Donoho and I. Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994, section 4.2.

    Args:
        image: The image to be judged.
        border: Pixels cut from every side.

    Raises:
        ValueError: The image is not RGB or smaller than 4 pixels without the border.
    """
    a, _ = prepared(image, image, border, smallest=NOISE_SMALLEST + 2 * border)
    root = math.sqrt(3)
    taps = torch.tensor([1 - root, root - 3, 3 + root, -1 - root], dtype=torch.float64) / (4 * math.sqrt(2))
    details = F.conv2d(255 * a.cpu().double().transpose(0, 1), torch.outer(taps, taps)[None, None], stride=2)
    return float(np.mean([_typical(channel[channel.abs() > 1e-9].abs()) for channel in details]))


def photo_noise_level(image: Images) -> float:
    r"""Return the standard deviation of a photograph's noise in units of 1/255, without a reference. Lower is cleaner.

    $$ \hat\sigma = \operatorname{median} |H| / 0.6745 $$

    H are differences across and then down, $((a - b) - (c - d)) / 2$, of neighbours two pixels apart: noise of
    photographs is alike in adjoining pixels, and `noise_level`, meant for white noise, misses most of it. The median
    looks past edges, which are few. It is one median over all channels.

    Source: the median of D. Donoho and I. Johnstone, as in `noise_level`, on differences of ours.

    Args:
        image: The image to be judged, (1, 3, h, w) in [0, 1], at least 3 pixels each way.
    """
    a, b, c, d = image[..., :-2, :-2], image[..., :-2, 2:], image[..., 2:, :-2], image[..., 2:, 2:]
    return 255 * float(((a - b - c + d) / 2).abs().flatten(1).median(1).values.mean()) / 0.6745


def _typical(sizes: Tensor) -> float:
    """Return the standard deviation of normal numbers from the median of their sizes."""
    middle = 0.6744897501960817  # half of all normal numbers are smaller than this many deviations
    return float(np.median(sizes.numpy())) / middle if len(sizes) else 0.0
