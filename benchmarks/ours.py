"""The library's step as the loop does it, with a stopwatch on its parts and a count of its operations."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from cincgan_tutorial.architectures import Networks
from cincgan_tutorial.presets import Preset
from cincgan_tutorial.training import Arithmetic
from cincgan_tutorial.training.loop import train_step
from cincgan_tutorial.training.precision import wait
from cincgan_tutorial.training.replay import Replay
from cincgan_tutorial.training.state import LAYOUT, State, enter

# Which part of a step the forward pass of a network belongs to.
PARTS = {"G1": "generators", "G2": "generators", "G3": "generators", "SR": "SR", "D1": "judges", "D2": "judges"}


def seconds(work: Callable[[], Any], device: torch.device) -> float:
    """Return how long ``work`` takes, until the device has done it."""
    wait(device)
    begun = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - begun


class OurLoop:
    """A stage of the library, at the same starting weights as `plain.PlainLoop`."""

    def __init__(self, preset: Preset, stage: str, device: torch.device) -> None:
        self.preset, self.name, self.stage = preset, stage, preset.stages()[stage]
        nets = Networks.from_preset(preset).to(device).to(memory_format=LAYOUT)
        self.state = State(stage, 0, nets, Arithmetic(preset.precision, device))
        enter(self.state, stage, preset)
        self.nets, self.arithmetic, self.optimizers = nets, self.state.arithmetic, self.state.optimizers
        self.state.step = self.stage.warm_up

    def step(self, x: Tensor, y: Tensor, z: Tensor) -> dict[str, Tensor]:
        """Do the first step after the warm-up, again and again: the rate of learning stays."""
        return train_step(self.state, self.name, self.stage, self.preset, (x, y, z))

    def launch_each_kernel(self) -> None:
        """Replay no more, on a GPU: in a recording neither a stopwatch nor a counter can see the parts."""
        self.state.replay = Replay()


class Stopwatch:
    """Seconds of every part; the host waits for the device at each boundary, so a step is a little slower with it."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.seconds, self._begun = device, Counter[str](), 0.0

    def start(self, *_: Any) -> None:
        """Begin a part."""
        wait(self.device)
        self._begun = time.perf_counter()

    def stop(self, part: str) -> Callable[..., None]:
        """Return what ends a part called ``part``."""

        def stopped(*_: Any) -> None:
            wait(self.device)
            self.seconds[part] += time.perf_counter() - self._begun

        return stopped

    @contextmanager
    def on(self, ours: OurLoop) -> Iterator[None]:
        """Watch forward passes, backward passes and optimizers."""
        handles: list[Any] = []
        for letter, part in PARTS.items():
            network = getattr(ours.nets, letter)
            handles += [network.register_forward_pre_hook(self.start), network.register_forward_hook(self.stop(part))]
        for optimizer in ours.optimizers.values():
            handles += [optimizer.register_step_pre_hook(self.start)]
            handles += [optimizer.register_step_post_hook(self.stop("optimiser"))]
        backward = Tensor.backward

        def watched(*arguments: Any, **options: Any) -> None:
            self.start()
            backward(*arguments, **options)
            self.stop("backward")()

        Tensor.backward = watched  # type: ignore[method-assign]
        try:
            yield
        finally:
            Tensor.backward = backward  # type: ignore[method-assign]
            for handle in handles:
                handle.remove()


def shares(ours: OurLoop, draw: Callable[[], tuple[Tensor, ...]], steps: int) -> dict[str, float]:
    """Return the share of each part in the middle one of ``steps`` steps by length; "rest" is losses, averages, Python.

    The middle one, since a busy machine may stop in the midst of another.
    """
    taken = sorted((_watched(ours, draw) for _ in range(steps)), key=lambda one: one[0])
    total, of_parts = taken[steps // 2]
    found = {part: of_parts[part] / total for part in ("data", *dict.fromkeys(PARTS.values()), "backward", "optimiser")}
    return found | {"rest": 1 - sum(found.values())}


def _watched(ours: OurLoop, draw: Callable[[], tuple[Tensor, ...]]) -> tuple[float, Counter[str]]:
    """Do a step and return its seconds, and those of its parts."""
    device = ours.arithmetic.device
    watch = Stopwatch(device)
    wait(device)
    begun = time.perf_counter()
    with watch.on(ours):
        watch.start()
        batch = draw()
        watch.stop("data")()
        ours.step(*batch)
    wait(device)
    return time.perf_counter() - begun, watch.seconds


def operations(step: Callable[..., Any], batch: tuple[Tensor, ...]) -> int:
    """Return the floating-point operations of a step's convolutions: two for each multiplication and addition."""
    with FlopCounterMode(display=False) as counter:
        step(*batch)
    return counter.get_total_flops()


def product_peaks(dtype: torch.dtype, device: torch.device, repeats: int = 4) -> dict[str, float]:
    """Return the operations per second of the best of some large products of each kind, in the numbers that steps use.

    A convolution is a matrix product too, but another library may compute it, and a CPU can be twice as fast with one
    as with the other.
    """
    side, batch, features, height = (8192, 64, 512, 64) if device.type == "cuda" else (2048, 4, 256, 64)
    a, b = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
    images = torch.rand(batch, features, height, height, device=device).to(dtype, memory_format=LAYOUT)
    kernels = torch.rand(features, features, 3, 3, device=device).to(dtype, memory_format=LAYOUT)
    works: dict[str, tuple[Callable[[], Tensor], int]] = {
        "matrices": (lambda: a @ b, 2 * side**3),
        "convolution": (lambda: conv2d(images, kernels, padding=1), 2 * images.numel() * kernels[0].numel()),
    }
    return {name: count / min(seconds(work, device) for _ in range(repeats)) for name, (work, count) in works.items()}
