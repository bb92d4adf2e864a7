"""A plain, straightforward training loop of the same losses, to measure the library's against.

As a textbook would write it: every network is called once for every image that it is needed for, discriminators are
frozen and thawed, everything is float32 in the default layout. Nothing in it is slow on purpose.

``python plain.py SIZE STAGE`` is how the benchmark calls it, see `plain_process`: what the library tells a process
about its memory can't be taken back, and a plain loop tells it nothing.
"""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from ours import operations
from sizes import drawing, sized
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from cincgan_tutorial.architectures import EDSR, Conv2d, Networks, Upsampler
from cincgan_tutorial.presets import Preset, Weights
from cincgan_tutorial.training import training_device
from cincgan_tutorial.training.precision import wait


def power(difference: Tensor, norm: int) -> Tensor:
    """Return the mean absolute, or mean squared, difference."""
    return difference.abs().mean() if norm == 1 else (difference**2).mean()


def variation(image: Tensor, norm: int) -> Tensor:
    """Return the total variation, a mean over each direction."""
    return power(image[:, :, 1:] - image[:, :, :-1], norm) + power(image[:, :, :, 1:] - image[:, :, :, :-1], norm)


class PlainEDSR(EDSR):
    """EDSR, layer by layer."""

    def forward(self, images: Tensor) -> Tensor:
        """Return the enlarged images."""
        features = self.head(images - self.mean)
        features = features + self.body(features)
        return self.tail(self.upsample(features)) + self.mean


# A textbook has no faster ways.
PLAIN = ((Conv2d, nn.Conv2d), (Upsampler, nn.Sequential), (EDSR, PlainEDSR))


class PlainLoop:
    """The steps of all three stages; each returns its losses under the names of the library's log."""

    def __init__(self, preset: Preset, stage: str, device: torch.device) -> None:
        self.preset, self.stage = preset, preset.stages()[stage]
        self.nets = Networks.from_preset(preset).to(device)
        for module in self.nets.modules():
            for ours, plain in PLAIN:
                if isinstance(module, ours):
                    module.__class__ = plain
        self.average = copy.deepcopy(self.nets.upscaler())
        lr, lr_D, betas = self.stage.lr, self.stage.lr_D, (preset.beta1, 0.999)
        nets = self.nets
        self.optimizers: dict[str, Optimizer] = {
            "SR": Adam(nets.SR.parameters(), lr, betas=(0.9, 0.999)),
            "cycle_one": Adam([*nets.G1.parameters(), *nets.G2.parameters()], lr, betas=betas),
            "both_cycles": Adam(
                [p for net in (nets.G1, nets.G2, nets.SR, nets.G3) for p in net.parameters()], lr, betas=betas
            ),
            "D1": Adam(nets.D1.parameters(), lr_D, betas=betas),
            "D2": Adam(nets.D2.parameters(), lr_D, betas=betas),
        }
        self.step = {"pretrain": self.pretrain, "first": self.first, "joint": self.joint}[stage]

    def pretrain(self, x: Tensor, y: Tensor, z: Tensor) -> dict[str, Tensor]:
        """Move SR towards z from y."""
        loss = (self.nets.SR(y) - z).abs().mean()
        self._descend(loss, "SR")
        self._follow()
        return {"SR": loss.detach()}

    def first(self, x: Tensor, y: Tensor, z: Tensor) -> dict[str, Tensor]:
        """Do a step of cycle one."""
        nets = self.nets
        nets.D1.requires_grad_(False)
        cleaned = nets.G1(x)
        terms = self._cycle_one(x, y, cleaned)
        self._descend(_weighted(terms, self.stage.cycle_one), "cycle_one")
        nets.D1.requires_grad_(True)
        judged = self._judge(nets.D1, "D1", y, cleaned)
        self._follow()
        return _named("LR", terms) | {"D1": judged}

    def joint(self, x: Tensor, y: Tensor, z: Tensor) -> dict[str, Tensor]:
        """Do a step of both cycles."""
        nets = self.nets
        nets.D1.requires_grad_(False)
        nets.D2.requires_grad_(False)
        cleaned = nets.G1(x)
        enlarged = nets.SR(cleaned)
        one, two = self._cycle_one(x, y, cleaned), self._cycle_two(x, y, z, enlarged)
        total = _weighted(one, self.stage.cycle_one) + _weighted(two, self.stage.cycle_two)
        self._descend(total, "both_cycles")
        nets.D1.requires_grad_(True)
        nets.D2.requires_grad_(True)
        judged = {"D1": self._judge(nets.D1, "D1", y, cleaned), "D2": self._judge(nets.D2, "D2", z, enlarged)}
        self._follow()
        return _named("LR", one) | _named("HR", two) | judged

    def _cycle_one(self, x: Tensor, y: Tensor, cleaned: Tensor) -> dict[str, Tensor]:
        nets, norms = self.nets, self.preset.norms
        return {
            "gan": ((nets.D1(cleaned) - 1) ** 2).mean(),
            "cycle": power(nets.G2(cleaned) - x, norms.cycle),
            "identity": power(nets.G1(y) - y, norms.identity),
            "tv": variation(cleaned, norms.tv),
        }

    def _cycle_two(self, x: Tensor, y: Tensor, z: Tensor, enlarged: Tensor) -> dict[str, Tensor]:
        nets, norms = self.nets, self.preset.norms
        return {
            "gan": ((nets.D2(enlarged) - 1) ** 2).mean(),
            "cycle": power(nets.G3(enlarged) - x, norms.cycle),
            "identity": power(nets.SR(y) - z, norms.supervised),
            "tv": variation(enlarged, norms.tv),
        }

    def _judge(self, D: nn.Module, name: str, real: Tensor, fake: Tensor) -> Tensor:
        loss = ((D(real) - 1) ** 2).mean() + (D(fake.detach()) ** 2).mean()
        self._descend(loss, name, D)
        return loss.detach()

    def _descend(self, loss: Tensor, name: str, clipped: nn.Module | None = None) -> None:
        self.optimizers[name].zero_grad()
        loss.backward()
        if clipped is not None and self.preset.clip:
            nn.utils.clip_grad_norm_(clipped.parameters(), self.preset.clip)
        self.optimizers[name].step()

    @torch.no_grad()
    def _follow(self) -> None:
        if self.preset.ema:
            for ours, theirs in zip(self.average.parameters(), self.nets.upscaler().parameters(), strict=True):
                ours.mul_(self.preset.ema).add_(theirs, alpha=1 - self.preset.ema)


def _weighted(terms: dict[str, Tensor], w: Weights | None) -> Tensor:
    if w is None:
        raise ValueError("this stage has no weights for the cycle.")
    return w.gan * terms["gan"] + w.cycle * terms["cycle"] + w.identity * terms["identity"] + w.tv * terms["tv"]


def _named(prefix: str, terms: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix} {name}": term.detach() for name, term in terms.items()}


@contextmanager
def plain_process(size: str, stage: str) -> Iterator[Callable[[str], int]]:
    """Start a plain loop in a process of its own and hand out what asks it for a "step", or for the "flop" of one.

    An answer comes when the device is done: the operations of a step, or 0.
    """
    command = [sys.executable, str(Path(__file__).resolve()), size, stage]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(what: str) -> int:
            try:
                print(what, file=process.stdin, flush=True)
                return int(process.stdout.readline())  # type: ignore[union-attr]
            except (BrokenPipeError, ValueError) as error:
                raise RuntimeError(f"the plain loop has stopped, status {process.wait()}; see above.") from error

        yield ask


def main(size: str, stage: str) -> None:
    """Answer each line of the standard input, see `plain_process`."""
    torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32 = True, False  # as for ours
    preset = sized(size)
    loop, draw = PlainLoop(preset, stage, training_device()), drawing(preset, stage)

    def step() -> None:
        loop.step(*(images.contiguous() for images in draw()))

    for asked in sys.stdin:
        counted = 0
        if asked.strip() == "flop":
            counted = operations(step, ())
        else:
            step()
        wait(training_device())
        print(counted, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
