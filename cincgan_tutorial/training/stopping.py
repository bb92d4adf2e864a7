"""Chapter 6, stopping on request: Ctrl-C is a wish, and the loop grants it between two steps.

A signal may arrive in the middle of a step, when G1 has moved and D1 has not. A checkpoint of that moment would be one
that no undisturbed run ever passes through. So the signal is only noted; the loop looks at the note between two steps,
saves, and raises `Stopped`. Who can't wait presses Ctrl-C again: that ends the program where it stands, and the last
checkpoint counts.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType
from typing import Any

import torch

from .ranks import largest, world

_NOTED = b"\nStopping after this step, with a checkpoint.\n"
_NOTED_ONCE = b"\nStopping after this step, with a checkpoint. Once more stops at once, without one.\n"


class Stopped(KeyboardInterrupt):
    """The run stopped between two steps because it was asked to, and a checkpoint of that moment is saved.

    A `KeyboardInterrupt`, so that whatever stands ready for Ctrl-C, a notebook for one, treats it alike.

    Attributes:
        asked: The number of the signal.
    """

    def __init__(self, asked: int, where: str) -> None:
        super().__init__(f"Stopped by {signal.Signals(asked).name} at {where}; everything until there is saved.")
        self.asked = asked


class StopRequest:
    """While it is open, notes the first SIGINT or SIGTERM instead of acting on it.

    Takes over only what nobody else has taken: a handler that the calling program installed stays, a signal that the
    shell lets its background programs ignore stays ignored, and outside the main thread nothing is touched.

    Several ranks agree on where to stop, and none is hurried: torchrun passes signals on, some of them twice, and ends
    by force what takes longer than half a minute.

    Attributes:
        asked: The number of the signal that came; 0 until then.
    """

    def __init__(self) -> None:
        self.asked = 0
        self._patient = world() > 1
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            untouched = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
            for number, handler in untouched.items():
                if signal.getsignal(number) == handler:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._put_back()

    def here(self, step: int, every: int, device: torch.device) -> bool:
        """Return whether to stop before ``step``.

        A signal reaches ranks at different steps, so they have to agree; this is an exchange and a wait for the device,
        and is done every so many steps only.
        """
        if world() > 1 and step % every:
            return False
        agreed = largest(self.asked, device)
        # A signal may have come in the meantime: this rank notes it, and all stop for it the next time.
        self.asked = agreed or self.asked
        return agreed > 0

    def _note(self, number: int, _: FrameType | None) -> None:
        self.asked = number
        if not self._patient:
            self._put_back()
        # Not print: the signal may have come in the middle of one, and these do not nest.
        # A program without a terminal may have closed its stderr, and needs no word there.
        with contextlib.suppress(OSError):
            os.write(2, _NOTED if self._patient else _NOTED_ONCE)

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
