"""The process of a submission: runs its cells, then its answers, when the judge calls them.

It knows no law and no mark. Tensors arrive by value and leave by value; `vjp` carries gradients back over the gap.
"""

from __future__ import annotations

import io
import linecache
import os
import pickle
import sys
import traceback
import types
from typing import Any, BinaryIO

import torch
from torch import Tensor, nn

from .guard import Refusal, guarded
from .locks import lock
from .wire import Packer, Unpacker, WrongMessage, receive, send


class Given:
    """What came with one call, and what is to go back of it.

    Attributes:
        leaves: The judge's tensors, each its own leaf here.
        generators: The judge's generators.
        optimizers: Those among the arguments.
        logs: Those among the arguments.
    """

    def __init__(self, message: dict[str, Any], modules: list[nn.Module]) -> None:
        self.leaves = [_leaf(row) for row in message["leaves"]]
        self.before = [leaf.detach().clone() for leaf in self.leaves]
        self.generators = [torch.Generator().manual_seed(0) for _ in message["generators"]]
        for generator, state in zip(self.generators, message["generators"], strict=True):
            generator.set_state(state)
        self.modules = modules
        pickled = io.BytesIO(bytes(message["pickled"].numpy().tobytes()))
        unpickler = _Unpickler(pickled, self)
        self.args, self.kwargs, self.optimizers, self.logs = unpickler.load()

    def after(self) -> dict[str, Any]:
        """Return what the answer did to what it was given."""
        changed = [
            None if _same(leaf, before) else leaf.detach()
            for leaf, before in zip(self.leaves, self.before, strict=True)
        ]
        return {
            "changed": changed,
            "grads": [None if leaf.grad is None else leaf.grad.detach() for leaf in self.leaves],
            "optimizers": [_state_of(optimizer) for optimizer in self.optimizers],
            "logs": [list(log) for log in self.logs],
            "generators": [generator.get_state() for generator in self.generators],
        }


class _Unpickler(pickle.Unpickler):
    """Reads what the judge sent; tensors, generators and modules of this process are found by their number."""

    def __init__(self, file: BinaryIO, given: Given) -> None:
        super().__init__(file)
        self.given = given

    def persistent_load(self, pid: Any) -> Any:
        kind, index = pid
        things: dict[str, list[Any]] = {
            "tensor": self.given.leaves,
            "generator": self.given.generators,
            "module": self.given.modules,
        }
        return things[kind][index]


def _leaf(row: dict[str, Any]) -> Tensor:
    tensor = row["value"]
    if row["parameter"]:
        tensor = nn.Parameter(tensor.detach(), requires_grad=tensor.requires_grad)
    tensor.grad = row["grad"]
    return tensor


def _same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(_bits(a.detach()), _bits(b))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def _state_of(optimizer: torch.optim.Optimizer) -> list[list[Any]]:
    """An optimizer's memory, in the order of its parameters."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return [
        [index, dict(optimizer.state[parameter])]
        for index, parameter in enumerate(parameters)
        if parameter in optimizer.state
    ]


def state(module: nn.Module) -> list[Tensor]:
    """Return a module's parameters, then its buffers: the order on which both sides agree."""
    return [*module.parameters(), *module.buffers()]


class Far:
    """The far side of the conversation."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self.incoming, self.outgoing = incoming, outgoing
        self.answers = types.ModuleType("answers")
        sys.modules["answers"] = self.answers
        self.things: list[Any] = []
        self.graphs: dict[int, tuple[list[Tensor], list[Tensor]]] = {}
        self.calls = 0

    def run(self) -> None:
        """Answer the judge until it hangs up."""
        while True:
            try:
                packed, tensors = receive(self.incoming)
            except EOFError:
                return
            message = Unpacker(tensors, _no_other).unpack(packed)
            packer = Packer()
            try:
                reply = {"load": self.load, "call": self.call, "vjp": self.vjp}[message["do"]](message, packer)
            except Refusal as refusal:
                reply, packer = {"refused": str(refusal)}, Packer()
            except BaseException as error:
                # An answer may raise anything at all, SystemExit too; the judge is told what.
                reply, packer = {"error": [type(error).__name__, str(error)[:2000], _line(error)]}, Packer()
            send(self.outgoing, reply, packer.tensors)

    def load(self, message: dict[str, Any], packer: Packer) -> dict[str, Any]:
        """Run pieces of the submission, one after the other; one that fails does not stop the next."""
        errors = []
        for label, code in message["pieces"]:
            linecache.cache[label] = (len(code), None, code.splitlines(keepends=True), label)
            try:
                exec(compile(code, label, "exec"), vars(self.answers))
            except (Exception, SystemExit, Refusal) as error:
                errors.append(f"{label}: {type(error).__name__}: {error}"[:500])
        return {"errors": errors, "found": [name for name in message["wanted"] if hasattr(self.answers, name)]}

    def call(self, message: dict[str, Any], packer: Packer) -> dict[str, Any]:
        """Call an answer, or something that an answer returned."""
        for number in message["drop"]:
            self.graphs.pop(number, None)
        modules = [self._refreshed(row) for row in message["modules"]]
        target = message["target"]
        function = getattr(self.answers, target) if isinstance(target, str) else self.things[target]
        given = Given(message, modules)
        # As they are before the call: an answer that puts another parameter in its place is not followed.
        leaves = given.leaves + [tensor for module in modules for tensor in state(module)]
        torch.set_rng_state(message["rng"])
        with torch.set_grad_enabled(message["grad"]), guarded(message["forbidden"]):
            value = function(*given.args, **given.kwargs)
        results = _Results(self, given)
        packer.other = results
        self.calls += 1
        reply = {
            "value": packer.pack(value),
            "after": packer.pack(given.after()),
            "modules": packer.pack([[tensor.detach() for tensor in state(module)] for module in modules]),
            "rng": packer.pack(torch.get_rng_state()),
            "graph": self.calls,
        }
        if results.outputs:
            self.graphs[self.calls] = (results.outputs, leaves)
        return {"done": reply}

    def vjp(self, message: dict[str, Any], packer: Packer) -> dict[str, Any]:
        """Carry gradients of results back to what they were computed from."""
        outputs, leaves = self.graphs[message["graph"]]
        pairs = [(o, g) for o, g in zip(outputs, message["grads"], strict=True) if g is not None]
        wanted = [leaf for leaf in leaves if leaf.requires_grad]
        if not pairs or not wanted:
            return {"grads": packer.pack([None] * len(leaves))}
        values, grads = [o for o, _ in pairs], [g for _, g in pairs]
        found = iter(torch.autograd.grad(values, wanted, grads, allow_unused=True, retain_graph=True))
        return {"grads": packer.pack([next(found) if leaf.requires_grad else None for leaf in leaves])}

    def _refreshed(self, row: dict[str, Any]) -> nn.Module:
        """A module of this process, brought to the state that its picture at the judge has."""
        module = self.things[row["ref"]]
        with torch.no_grad():
            for own, sent in zip(state(module), row["state"], strict=True):
                if not _same(own, sent):
                    own.copy_(sent)
                if isinstance(own, nn.Parameter):
                    own.requires_grad_(sent.requires_grad)
        for part, training in zip(module.modules(), row["training"], strict=True):
            part.training = training
        return module


class _Results:
    """How results cross that are more than values: tensors with a past, modules, functions."""

    def __init__(self, far: Far, given: Given) -> None:
        self.far, self.given = far, given
        self.outputs: list[Tensor] = []

    def __call__(self, value: Any, packer: Packer) -> dict[str, Any] | None:
        """Return the picture of such a result, None for any other."""
        if isinstance(value, Tensor):
            for index, leaf in enumerate(self.given.leaves):
                if value is leaf:
                    return {"given": index}
            if not value.requires_grad:
                return None
            self.outputs.append(value)
            packer.tensors.append(value)
            return {"linked": len(self.outputs) - 1, "value": len(packer.tensors) - 1}
        if isinstance(value, nn.Module):
            return {
                "module": self._number(value),
                "type": type(value).__name__,
                "picture": packer.pack(_picture(value)),
            }
        if isinstance(value, tuple) or not callable(value):
            return None
        return {"function": self._number(value), "name": getattr(value, "__name__", type(value).__name__)}

    def _number(self, thing: Any) -> int:
        for number, known in enumerate(self.far.things):
            if known is thing:
                return number
        self.far.things.append(thing)
        return len(self.far.things) - 1


def _picture(module: nn.Module) -> dict[str, Any]:
    """A module as the judge may look at it: its tree with types and settings, its parameters and buffers."""
    parts = []
    for path, part in module.named_modules():
        known = type(part).__module__.startswith("torch.nn.modules.")
        settings = {name: value for name, value in vars(part).items() if _plain(value)} if known else {}
        parts.append([path, type(part).__name__ if known else "", part.training, settings])
    parameters = [[name, p.detach(), p.requires_grad] for name, p in module.named_parameters()]
    return {"parts": parts, "parameters": parameters, "buffers": [[n, b.detach()] for n, b in module.named_buffers()]}


def _plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _no_other(packed: dict[str, Any]) -> Any:
    raise WrongMessage(f"a value with {', '.join(packed)}")


def _line(error: BaseException) -> str:
    """The line of the submission that raised an error."""
    cells = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith("cell ")]
    return f"{cells[-1].filename}, line {cells[-1].lineno}: {cells[-1].line}" if cells else ""


def main() -> None:
    """Take over the standard streams for the conversation, lock the doors, answer."""
    # What a submission prints goes nowhere: the conversation has streams of its own.
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    torch.set_num_threads(1)
    packed, tensors = receive(incoming)
    limits = Unpacker(tensors, _no_other).unpack(packed)
    sys.path.append(limits["root"])
    send(outgoing, {"locked": lock(os.getcwd(), limits["memory"], limits["seconds"])}, [])
    Far(incoming, outgoing).run()
