"""Chapter 6, alarms: what goes wrong in a game of networks, said while it happens, with the page that explains it.

Alarms are looked at when a log line is written and at no other time, so that no step waits for the device. A number
that is not finite ends the run before it can reach a checkpoint; the others warn once. What they go by stands in the
log, so a resumed run warns where the undisturbed one would have warned.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..architectures import Upscaler
from ..degradation import bicubic_upsample
from ..images import Images
from .precision import Arithmetic
from .ranks import average_losses

# The entries of the FAQ, by alarm: their labels in book/faq.md.
ENTRIES = {
    "not finite": "alarm-not-finite",
    "flat output": "alarm-flat-output",
    "colour drift": "alarm-colour-drift",
    "at chance": "alarm-at-chance",
    "saturated": "alarm-saturated",
}

# Where each alarm goes off.
LEVELS = {
    # 0.5 is a discriminator that answers 1/2 to everything; what is worse than that tells nothing apart either. In runs
    # of `lesson` that go well D1 and D2 mostly stay between 0.22 and 0.486. A few rise above 0.49: the better G1
    # cleans, the less there is to tell apart (chapter 7). One that starts at random, and never moves G1, comes to 0.51.
    "at chance": 0.49,
    # Both answers within 0.16 of 1 and 0 on average: the generator has no way to win, and a least-squares judge that is
    # always right has hardly any slope left.
    "saturated": 0.05,
    # Levels of 255. The studies' healthy variants end at 3 at most. Without identity and cycle the drift leaps far
    # above this and comes back; all of the paper's settings, in a short run, end above it (the FAQ and chapter 6).
    "colour drift": 8.0,
    # Share of the input's contrast. Noise is a small part of it, so cleaning leaves nearly all; half is gone only where
    # the picture goes.
    "flat output": 0.5,
}
# One batch says little: the losses of a discriminator are averaged over so many lines of the log.
_LINES_D = 10
# The picture is looked at over fewer lines: what is shown is an average of steps already, and a generator that starts
# at random has time to learn to copy.
_LINES_PICTURE = 5
_LEVEL = 1 / 255


class Alarm(NamedTuple):
    """A warning: its kind, the network or picture it is about, the number that set it off, and a sentence."""

    kind: str
    of: str
    value: float
    sentence: str

    @property
    def entry(self) -> str:
        """The label of the entry in the FAQ."""
        return ENTRIES[self.kind]

    def line(self, stage: str, step: int) -> dict[str, Any]:
        """Return what the log keeps."""
        value = self.value if math.isfinite(self.value) else None  # JSON has no infinity
        return {"stage": stage, "step": step, "alarm": self.kind, "of": self.of, "value": value, "entry": self.entry}

    def __str__(self) -> str:
        return f"{self.sentence} See the FAQ, book/faq.md#{self.entry}"


class Alarms:
    """The watch over one stage.

    Args:
        stage: Name of the stage.
        log: The log so far; a resumed stage goes on from its lines.
        on: Whether to warn. Numbers that are not finite end the run in any case.
    """

    def __init__(self, stage: str, log: Iterable[Mapping[str, Any]] = (), on: bool = True) -> None:
        own = [line for line in log if line["stage"] == stage]
        self.stage, self.on = stage, on
        self._lines = [line for line in own if "alarm" not in line]
        self._raised = {(line["alarm"], line["of"]) for line in own if "alarm" in line}
        self._unread: list[tuple[int, Mapping[str, Tensor]]] = []

    def note(self, step: int, losses: Mapping[str, Tensor]) -> None:
        """Keep the losses of a step, unread, so that the first one that is not finite can be named later."""
        self._unread.append((step, losses))

    def read(self, looks: Mapping[str, Tensor] | None = None) -> dict[str, float]:
        """Return the newest losses, and ``looks`` behind them, as numbers; with several ranks their means.

        Raises:
            ValueError: One of them is not finite. Named is the first loss, since the last reading, that was not.
        """
        newest = average_losses(dict(self._unread[-1][1]) | dict(looks or {}))
        # All in one transfer: on a GPU each would make the host wait.
        values = dict(zip(newest, torch.stack([value.float() for value in newest.values()]).tolist(), strict=True))
        broken = [name for name, value in values.items() if not math.isfinite(value)]
        if broken:
            self._stop_at_the_first()
            raise ValueError(
                _stopped(f"{self.stage}, step {self._unread[-1][0]}: {broken[0]!r} is not finite any more")
            )
        self._unread.clear()
        return values

    def check(self, parts: Mapping[str, Iterable[Tensor]]) -> None:
        """Raise `ValueError` if any number of a checkpoint is not finite; ``parts`` are its tensors by name."""
        for name, tensors in parts.items():
            finite = [tensor.isfinite().all() for tensor in tensors if tensor.is_floating_point()]
            if finite and not bool(torch.stack(finite).all()):
                self._stop_at_the_first()
                raise ValueError(_stopped(f"{self.stage}: a number in {name} is not finite any more"))

    def _stop_at_the_first(self) -> None:
        """Raise `ValueError` for the first loss not yet read that is not finite, if there is one."""
        for step, losses in self._unread:
            for name, value in losses.items():
                if not math.isfinite(float(value)):
                    what = f"{self.stage}, step {step}: the loss {name!r} is not finite any more"
                    raise ValueError(_stopped(what))

    def look(self, line: Mapping[str, Any]) -> list[Alarm]:
        """Return what a new line of the log sets off for the first time in this stage."""
        self._lines.append(line)
        if not self.on:
            return []
        new = [alarm for alarm in _alarms(self._lines) if (alarm.kind, alarm.of) not in self._raised]
        self._raised |= {(alarm.kind, alarm.of) for alarm in new}
        return new


def _stopped(what: str) -> str:
    return (
        f"{what}. The last checkpoint stands, from before; start a new run with a smaller learning rate."
        f" See the FAQ, book/faq.md#{ENTRIES['not finite']}"
    )


def _alarms(lines: Sequence[Mapping[str, Any]]) -> list[Alarm]:
    """Return everything that the log of a stage says is wrong at its last line."""
    found = []
    for D in ("D1", "D2"):
        loss = _recent(lines, D, _LINES_D)
        if loss is not None and loss > LEVELS["at chance"]:
            said = f"{D} is at chance: its loss was {loss:.2f} over {_LINES_D} log lines; guessing gives 0.5."
            found.append(Alarm("at chance", D, loss, said))
        if loss is not None and loss < LEVELS["saturated"]:
            said = f"{D} is saturated: its loss was {loss:.3f} over {_LINES_D} log lines, the generator can't win."
            found.append(Alarm("saturated", D, loss, said))
    for level, of, against in (("LR", "G1(x)", "x"), ("HR", "SR(G1(x))", "bicubic")):
        drift = _recent(lines, f"{level} drift", _LINES_PICTURE)
        if drift is not None and drift > LEVELS["colour drift"]:
            said = f"the mean colour of {of} is {drift:.0f} levels of 255 away from that of {against}."
            found.append(Alarm("colour drift", of, drift, said))
        contrast = _recent(lines, f"{level} contrast", _LINES_PICTURE)
        if contrast is not None and contrast < LEVELS["flat output"]:
            said = f"{of} is nearly flat: it has {contrast:.0%} of the contrast of {against}."
            found.append(Alarm("flat output", of, contrast, said))
    return found


def _recent(lines: Sequence[Mapping[str, Any]], name: str, count: int) -> float | None:
    """Return the mean of the last ``count`` values of a name; ``None`` while there are fewer."""
    values = [line[name] for line in lines if name in line][-count:]
    return statistics.fmean(values) if len(values) == count else None


@torch.no_grad()
def appearance(upscaler: Upscaler, x: Images, scale: int, enlarged: bool, arithmetic: Arithmetic) -> dict[str, Tensor]:
    """Return drift and contrast of G1(x) against x, and where ``enlarged`` of SR(G1(x)) against bicubic, unread.

    Nothing clean is needed for either: noise has no mean, and takes little part in the contrast of a photograph.

    Args:
        upscaler: G1 and SR as they would be published.
        x: Noisy LR patches, (n, 3, h, w).
        scale: Enlargement of SR.
        enlarged: Whether SR's output is looked at too.
        arithmetic: The precision of the networks. What they are compared with is computed in full.
    """
    with arithmetic.forward():
        y_tilde = upscaler.G1(x).float()
        z_tilde = upscaler.SR(y_tilde).float() if enlarged else None
    found = {"LR drift": colour_drift(y_tilde, x), "LR contrast": contrast_kept(y_tilde, x)}
    if z_tilde is not None:
        bicubic = bicubic_upsample(x, scale)
        found |= {"HR drift": colour_drift(z_tilde, bicubic), "HR contrast": contrast_kept(z_tilde, bicubic)}
    return found


def colour_drift(images: Images, reference: Images) -> Tensor:
    """Return how far the mean colour moved, in levels of 255: the worst channel of each image, mean over images."""
    return (images - reference).mean((2, 3)).abs().amax(1).mean() * 255


def contrast_kept(images: Images, reference: Images) -> Tensor:
    """Return the ratio of the standard deviations within the images; less than one level counts as one level."""

    def contrast(batch: Images) -> Tensor:
        return batch.var((2, 3)).mean().sqrt().clamp(min=_LEVEL)

    return contrast(images) / contrast(reference)
