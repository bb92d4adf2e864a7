"""Chapter 6, several GPUs and hosts: every rank does the same step on its own slice of the patches.

A *rank* is one process with one GPU (or some CPU cores); the *world* is how many there are. `torchrun` starts them:

    torchrun --nproc-per-node 4 -m -- cincgan_tutorial train --preset paper --photos my-photos --run runs/paper

(The two dashes keep torchrun from taking ``--run`` for its own ``--run-path``.)
Each holds all six networks with equal weights. A step has B patches, the preset's ``batch``, however many ranks there
are: rank r of N takes the r-th slice of B/N, and the gradients are averaged before the optimizer sees them. So every
rank takes the step that one process would have taken with the whole batch, weights that begin equal stay equal, and
none are sent. With BatchNorm, whose output for one patch depends on the others, the number of ranks is a setting that
changes the result. The chapter says why. A run goes on with as many ranks as it had, unless told otherwise.

Only rank 0 writes files and shows progress. All ranks read the run folder and the photographs: on several hosts, they
lie on a file system that all can see. Without torchrun nothing here does anything.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ..presets import Preset

T = TypeVar("T")
# What torchrun tells each process. Clusters set WORLD_SIZE alone for purposes of their own.
_TOLD = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
_TIMES = itertools.count()


def launched() -> int:
    """Return how many ranks torchrun started; 1 without it, or where it started one."""
    return int(os.environ["WORLD_SIZE"]) if all(name in os.environ for name in _TOLD) else 1


def rank() -> int:
    """Return which of the ranks this is, also before they are joined; 0 where it is alone."""
    return int(os.environ["RANK"]) if launched() > 1 else 0


def world() -> int:
    """Return how many ranks are joined; 1 where this is alone."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


@contextmanager
def joined() -> Iterator[None]:
    """Join the ranks that torchrun started, each with its own GPU, and part from them at the end.

    Ranks talk by NCCL between GPUs and by gloo between CPUs.

    Raises:
        ValueError: There are more ranks on this host than GPUs.
        ConnectionError: A rank is lost; see `together`.
    """
    if launched() == 1 or world() > 1:
        yield
        return
    local = int(os.environ["LOCAL_RANK"])
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        if local >= torch.cuda.device_count():
            raise ValueError(
                f"rank {rank()}: this host has {torch.cuda.device_count()} GPU(s) and more ranks than that; start"
                f" fewer: torchrun --nproc-per-node {torch.cuda.device_count()} ..."
            )
        # From here on "cuda" means this one.
        torch.cuda.set_device(local)
    with together("joining"):
        store, number, size = next(dist.rendezvous("env://"))
        # Keys of their own for each time: a program that trains twice must not find the addresses of the first time.
        dist.init_process_group(
            "nccl" if on_gpu else "gloo",
            store=dist.PrefixStore(f"cincgan {next(_TIMES)}", store),
            rank=number,
            world_size=size,
            device_id=torch.device("cuda", local) if on_gpu else None,
        )
    try:
        yield
    finally:
        dist.destroy_process_group()


@contextmanager
def together(doing: str) -> Iterator[None]:
    """Turn the failure of an exchange into a message: one rank is gone, and the others can't go on without it.

    No checkpoint is saved then: the ranks stand in the middle of a step.
    """
    try:
        yield
    except RuntimeError as error:
        first_line = str(error).strip().partition("\n")[0]
        raise ConnectionError(
            f"rank {rank()} of {launched()} lost another rank while {doing} ({first_line}). What that one said, or"
            " torchrun's summary below, tells why. The last checkpoint stands."
        ) from error


def check_batches(preset: Preset) -> None:
    """Raise `ValueError` if the batch of a stage can't be cut into one equal slice per rank."""
    for name, stage in preset.stages().items():
        if stage.batch % world():
            raise ValueError(
                f"{name}.batch: {stage.batch} patches can't be cut into {world()} equal slices. Start a number of ranks"
                f" that divides it, or set another batch: --set {name}.batch={(stage.batch // world() + 1) * world()}"
            )


def share(step: int, batch: int) -> tuple[int, int]:
    """Return (step, size) that let a sampler cut this rank's slice of the ``batch`` patches of ``step``.

    Samples are numbered through: step s of size B is samples sB ... (s+1)B-1, and rank r of N takes B/N of these from
    sB + rB/N on. These are the samples of step sN + r at size B/N.
    """
    return (step * world() + rank(), batch // world()) if world() > 1 else (step, batch)


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each gradient by its mean over the ranks. {eq}`eq-ranks`.

    One long tensor and not one per parameter: an exchange costs its latency,
    whatever it carries. With fp16 the gradients still carry the loss scale; an
    infinity on one rank becomes one on all, so all leave out the same steps.
    """
    if world() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    with together("averaging gradients"):
        dist.all_reduce(flat)
    flat /= world()
    means = flat.split([gradient.numel() for gradient in gradients])
    for gradient, mean in zip(gradients, means, strict=True):
        gradient.copy_(mean.view(gradient.shape))


def average_losses(losses: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the losses of the whole batch: the means over the ranks. For logged steps, since it is an exchange."""
    if world() == 1:
        return losses
    values = torch.stack([loss.float() for loss in losses.values()])
    with together("averaging losses"):
        dist.all_reduce(values)
    return dict(zip(losses, values / world(), strict=True))


def largest(number: int, device: torch.device) -> int:
    """Return on every rank the largest of the ranks' numbers."""
    if world() == 1:
        return number
    value = torch.tensor(number, device=device)
    with together("agreeing on whether to stop"):
        dist.all_reduce(value, dist.ReduceOp.MAX)
    return int(value)


def first_does(work: Callable[[], T]) -> T:
    """Let rank 0 do it while the others wait, and return its result, or raise its error, on every rank."""
    if world() == 1:
        return work()
    outcome: list[Any] = [None, None]
    if rank() == 0:
        try:
            outcome[0] = work()
        except (ValueError, OSError, RuntimeError) as error:  # the last: memory of a GPU is short, for one
            outcome[1] = error
    with together("waiting for rank 0"):
        dist.broadcast_object_list(outcome, src=0)
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]


def begin_alike(where: tuple[str, int], *modules: nn.Module | None) -> None:
    """Give every rank the weights of rank 0, once, after a look at whether all begin at the same place.

    Equal seeds draw equal weights, so nothing should change; but another kind of host may round otherwise, and a
    difference once there would stay for the whole run.

    Args:
        where: Stage and step.
        modules: The networks; ``None`` is passed over.

    Raises:
        ValueError: Some rank stands elsewhere: it sees another run folder.
    """
    if world() == 1:
        return
    places: list[Any] = [None] * world()
    with together("comparing where to begin"):
        dist.all_gather_object(places, where)
        for number, place in enumerate(places):
            if place != places[0]:
                raise ValueError(
                    f"rank {number} begins at {place[0]}, step {place[1]}, and rank 0 at {places[0][0]}, step"
                    f" {places[0][1]}. The run folder must lie where all hosts see the same one."
                )
        for module in modules:
            for tensor in module.state_dict().values() if module is not None else ():
                # NCCL carries nothing that is not on a GPU, and an average counts its steps on the host.
                sent = (tensor.cuda() if dist.get_backend() == "nccl" else tensor).contiguous()
                dist.broadcast(sent, src=0)
                tensor.copy_(sent)
