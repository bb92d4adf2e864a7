"""Chapter 6, replay: on a GPU a step is recorded once, and from then on played without Python between its kernels.

A step of small networks is a thousand small kernels, and a fast GPU waits for the host to launch each. A CUDA graph
launches all of them at once: forward passes, backward passes, optimisers, with the places in memory that they read and
write. So whatever differs from step to step must stand in such a place, and not in Python: the batch is copied there,
the learning rate is a number on the device (`steps.set_rates`), and no step may branch on a tensor's value.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from . import ranks
from .precision import Arithmetic
from .steps import Losses

Work = Callable[..., Losses]

# Steps that are done before one is recorded: they make the optimisers' moments and choose the kernels.
EAGER = 3
# Environment variable: 0 does every step as it is.
SWITCH = "CINCGAN_GRAPHS"


class Recorder(Protocol):
    """What can write down the kernels that some work launches."""

    def aside(self) -> AbstractContextManager[None]:
        """Return where work has to be done before it can be recorded."""

    def record(self, work: Callable[[], object]) -> Callable[[], object]:
        """Record some work, without doing it, and return what does it."""


class CudaGraphs:
    """Records as CUDA graphs, all on one stream of its own: what a graph uses of memory belongs to a stream.

    After a failure the process records no more: what CUDA keeps of a recording that broke off can't be told from here.
    """

    failed: ClassVar[bool] = False

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Work on the own stream, in its turn."""
        others = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(others)
        with torch.cuda.stream(self._stream):
            yield
        others.wait_stream(self._stream)

    def record(self, work: Callable[[], object]) -> Callable[[], object]:
        """Return the replay of a graph of ``work``.

        Raises:
            RuntimeError: Something in the work can't be recorded, or memory is short.
        """
        graph = torch.cuda.CUDAGraph()
        try:
            # The outer block gives the stream back. The inner one would, too, but for a recording that fails.
            with torch.cuda.stream(self._stream), torch.cuda.graph(graph, stream=self._stream):
                work()
        except RuntimeError:
            CudaGraphs.failed = True
            raise
        return graph.replay


class Replay:
    """Does a stage's steps: the first ones as they are, then one recording again and again.

    Args:
        recorder: What records; ``None`` where every step is done as it is.
    """

    def __init__(self, recorder: Recorder | None = None) -> None:
        self._recorder = recorder
        self._done = 0
        self._play: Callable[[], object] | None = None
        self._places: list[Tensor] = []
        self._names: list[str] = []
        self._numbers = torch.empty(0)

    def __call__(self, work: Work, batch: Sequence[Tensor]) -> Losses:
        """Return the losses of ``work(*batch)``, detached.

        ``work`` must be the same every time.
        """
        if self._play is None and self._recorder is not None:
            if self._done < EAGER:
                self._done += 1
                with self._recorder.aside():
                    losses = work(*batch)
                    self._names, self._numbers = list(losses), _joined(losses)
                return losses
            self._record(self._recorder, work, batch)
        if self._play is None:
            return work(*batch)
        for place, images in zip(self._places, batch, strict=True):
            place.copy_(images)
        self._play()
        # A copy: the next step writes to the same place, and a log line may
        # ask for this one later.
        numbers = self._numbers.clone().unbind()
        return dict(zip(self._names, numbers, strict=True))

    def _record(self, recorder: Recorder, work: Work, batch: Sequence[Tensor]) -> None:
        self._places = [images.clone() for images in batch]

        try:
            self._play = recorder.record(lambda: self._numbers.copy_(_joined(work(*self._places))))
        except RuntimeError as error:
            self._recorder = None
            # Ending the recording fails too, after what broke it.
            first_line = str(error.__context__ or error).partition("\n")[0]
            warnings.warn(
                f"the training step could not be recorded as a CUDA graph ({first_line}). Training goes on, each kernel"
                f" launched by itself: the same steps, more slowly. {SWITCH}=0 does so from the start.",
                stacklevel=2,
            )


def _joined(losses: Losses) -> Tensor:
    return torch.stack([value.float() for value in losses.values()])


def replay_for(arithmetic: Arithmetic) -> Replay:
    """Return what does the steps of a stage on this device.

    Recorded are runs of one rank on a GPU, in bf16 or fp32. Ranks have to meet in every step; with fp16 the loss is
    scaled, which keeps books on the host. ``CINCGAN_GRAPHS=0`` switches it off: a recording needs memory of its own.
    """
    wanted = os.environ.get(SWITCH, "1") != "0" and not CudaGraphs.failed
    able = arithmetic.device.type == "cuda" and arithmetic.dtype != torch.float16 and ranks.world() == 1
    return Replay(CudaGraphs(arithmetic.device) if wanted and able else None)
