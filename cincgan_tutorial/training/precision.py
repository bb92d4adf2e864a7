"""Arithmetic: half-width numbers where the machine is faster with them, without losing small gradients."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..presets import Precision
from .memory import keep_freed_memory
from .ranks import average_gradients

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def training_device() -> torch.device:
    """Return the device that networks are trained on, and applied at the command line: a GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def wait(device: torch.device) -> None:
    """Wait until the device has done what it was told to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def full_32_bits() -> None:
    """Let no convolution of 32-bit numbers round its factors to 19 bits first (TF32), as PyTorch does on a GPU."""
    torch.backends.cudnn.allow_tf32 = False


def settle(precision: Precision, device: torch.device) -> Literal["fp32", "bf16", "fp16"]:
    """Return what "auto" means on this device.

    bf16 on GPUs from compute capability 8 on and on CPUs with instructions for it; fp16 on older GPUs (PyTorch says
    that these support bf16, but by slow emulation); else fp32.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device)[0] >= 8 else "fp16"
    has_bf16 = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bf16" if has_bf16() else "fp32"


def prepare() -> None:
    """Set what all training loops of this process want of PyTorch and of memory.

    Batches have one size, and there are few others, so on a GPU trying out kernels for each pays.
    """
    torch.backends.cudnn.benchmark = True
    full_32_bits()
    keep_freed_memory()


class Arithmetic:
    """The precision of forward passes, and the step downhill that fits it."""

    def __init__(self, precision: Precision, device: torch.device) -> None:
        self.device = device
        self.dtype = _DTYPES[settle(precision, device)]
        # fp16 gradients underflow unless the loss is scaled up; for the other types the scaler passes everything
        # through.
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype == torch.float16)

    def forward(self) -> AbstractContextManager[None]:
        """Return the context for forward passes and losses. Weights and updates stay in float32."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def minimise(
        self,
        loss: Tensor,
        optimizer: Optimizer,
        clip: float = 0.0,
        keep_graph: bool = False,
    ) -> None:
        """Take one step downhill on the parameters that ``optimizer`` holds.

        ``backward(inputs=...)`` stops the gradient there and moves no others,
        so nothing has to be frozen and thawed around it. With ``keep_graph``
        another loss can still be taken back through the same forward pass.
        """
        groups = optimizer.param_groups
        parameters = [p for group in groups for p in group["params"]]
        optimizer.zero_grad(set_to_none=True)
        scaled = self.scaler.scale(loss)
        scaled.backward(inputs=parameters, retain_graph=keep_graph)
        # Before clipping and before the scaler looks for infinities: both then
        # decide alike on every rank.
        average_gradients(parameters)
        if clip:
            self.scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(parameters, clip)
        self.scaler.step(optimizer)

    def end_step(self) -> None:
        """Let the scaler adapt. Between two of these each optimizer takes one step."""
        self.scaler.update()
