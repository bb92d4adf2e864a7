"""Small things that several test files share."""

import os
import platform
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.training.alarms import Alarms

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "cincgan_tutorial"

_HUGE = Path("/sys/kernel/mm/transparent_hugepage/enabled")
ALWAYS_HUGE = _HUGE.is_file() and "[always]" in _HUGE.read_text()
needs_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or ALWAYS_HUGE,
    reason="the setting is glibc's, and a page must be smaller than the work's memory",
)

LETTERS = ("G1", "G2", "SR", "G3", "D1", "D2")


def data_folder() -> Path | None:
    """The photographs for tests that need more than the bundled ones, where there are any."""
    folder = Path(os.environ.get("CINCGAN_DATA") or ROOT.parent / "shared" / "data")
    return folder if folder.is_dir() else None


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """8-bit pixels (h, w, 3): soft blobs with some fine texture, different for every seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 226, (max(2, height // 12), max(2, width // 12), 3), dtype=np.uint8)
    soft = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), dtype=np.float64)
    return np.clip(soft + rng.normal(0, 6, soft.shape), 0, 255).round().astype(np.uint8)


def save_picture(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def write_photographs(folder: Path, count: int = 4, height: int = 72, width: int = 84, first_seed: int = 0) -> Path:
    """Fill a folder with `count` different PNG files; they are large enough for the patches of the smoke preset."""
    for number in range(count):
        save_picture(folder / f"p{number}.png", picture(height, width, first_seed + number))
    return folder


def random_images(n: int, height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(n, 3, height, width, generator=torch.Generator().manual_seed(seed))


def noise(like: Tensor, std: float, seed: int = 9) -> Tensor:
    return std * torch.randn(like.shape, generator=torch.Generator().manual_seed(seed))


def tinted(images: list[Tensor]) -> list[Tensor]:
    """The same images with a tenth more red."""
    return [image + torch.tensor([0.1, 0, 0])[:, None, None] for image in images]


def soft_image(height: int, width: int, seed: int = 0) -> Tensor:
    """One image (1, 3, h, w) in [0, 1] with the statistics of `picture`."""
    return torch.from_numpy(picture(height, width, seed)).permute(2, 0, 1)[None].float() / 255


def shake(module: nn.Module, amount: float = 0.05, seed: int = 0) -> None:
    """Move every weight a little, so that no layer is the zero that it starts with."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(amount * torch.randn(parameter.shape, generator=generator))


def weights_of(nets: Networks) -> dict[str, dict[str, Tensor]]:
    """A copy of everything that training can change, network by network."""
    return {letter: {k: v.clone() for k, v in getattr(nets, letter).state_dict().items()} for letter in LETTERS}


def moved(before: dict[str, dict[str, Tensor]], nets: Networks) -> set[str]:
    """Letters of the networks of which some weight is no longer the same."""
    after = weights_of(nets)
    return {
        letter
        for letter in LETTERS
        if any(not torch.equal(value, after[letter][name]) for name, value in before[letter].items())
    }


def assert_same_tensors(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    """Equal to the bit, name by name."""
    assert a.keys() == b.keys()
    differing = [name for name in a if not torch.equal(a[name], b[name])]
    assert not differing, f"{len(differing)} of {len(a)} tensors differ, the first is {differing[0]}"


def only_readings_take_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reading the numbers of a log line take ten seconds, as if a device were behind, and nothing else any."""
    clock, real = [0.0], Alarms.read

    def waited(alarms, looks=None):
        clock[0] += 10.0
        return real(alarms, looks)

    monkeypatch.setattr(Alarms, "read", waited)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])


class OneDevice(TorchDispatchMode):
    """Refuses operations with tensors of two devices, as a GPU would; a lone number of the host may go with any.

    Tensors on the device ``meta`` have shapes and no numbers. PyTorch lets many operations mix them with others.
    """

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        given = [value for value in tree_leaves((arguments, keywords)) if isinstance(value, Tensor)]
        places = {value.device for value in given if value.dim() or value.device.type != "cpu"}
        assert len(places) <= 1, f"{function}: tensors on {sorted(map(str, places))}"
        return function(*arguments, **(keywords or {}))
