"""An answer that lives in another process, as a law sees it: a function to call, a module to look at.

Inputs are drawn and results are judged on this side. Values cross over by copy; what an answer did to its inputs is
copied back; gradients are asked for when a law asks for them.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .apart.wire import Unpacker, WrongMessage
from .isolation import Apart
from .laws import Log

# What nn.Module keeps for itself: not among the settings that a picture may bring.
_OWN = frozenset(vars(nn.Module()))


class Fault(BaseException):
    """The grader's own mistake: not to be put on an answer."""


class Away:
    """An answer, or a function that an answer returned, in the process of a submission.

    Args:
        apart: That process.
        target: The answer's name, or the number of what it returned.
        name: For messages.
        forbidden: Dotted names of the library that may not run meanwhile.
    """

    def __init__(self, apart: Apart, target: str | int, name: str, forbidden: Sequence[str] = ()) -> None:
        self.apart, self.target, self.__name__, self.forbidden = apart, target, name, forbidden

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it there; see `Call`."""
        return Call(self, args, kwargs).result()


class AwayModule(nn.Module):
    """The picture of a module that an answer returned: its tree, parameters and buffers; called over there."""

    away: Away

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module in its own process, in the state of this picture."""
        return Call(self.away, args, kwargs, self).result()


class _Pickler(pickle.Pickler):
    """Pickles arguments; tensors, generators and pictures of modules are numbered instead.

    The other side trusts this one, which is why it may be pickle in this direction.
    """

    def __init__(self, file: io.BytesIO, call: Call) -> None:
        super().__init__(file)
        self.call = call

    def persistent_id(self, thing: Any) -> tuple[str, int] | None:
        if isinstance(thing, Tensor):
            return "tensor", _number(self.call.leaves, thing)
        if isinstance(thing, torch.Generator):
            return "generator", _number(self.call.generators, thing)
        if isinstance(thing, AwayModule):
            return "module", _number(self.call.modules, thing)
        if isinstance(thing, torch.optim.Optimizer):
            _number(self.call.optimizers, thing)
        if isinstance(thing, Log):
            _number(self.call.logs, thing)
        return None


def _number(things: list[Any], thing: Any) -> int:
    for number, known in enumerate(things):
        if known is thing:
            return number
    things.append(thing)
    return len(things) - 1


class Call:
    """One call: what goes over, what comes back, and the way back for gradients.

    Raises:
        Fault: An argument can't cross: the law's mistake, not the answer's.
    """

    def __init__(self, away: Away, args: Any, kwargs: Any, module: AwayModule | None = None) -> None:
        self.away, self.apart = away, away.apart
        self.leaves: list[Tensor] = []
        self.generators: list[torch.Generator] = []
        self.optimizers: list[torch.optim.Optimizer] = []
        self.logs: list[Log] = []
        self.modules: list[AwayModule] = [] if module is None else [module]
        file = io.BytesIO()
        try:
            # Twice: the first finds optimizers and logs, the second keeps their identity with the arguments.
            _Pickler(io.BytesIO(), self).dump((args, kwargs))
            _Pickler(file, self).dump((args, kwargs, list(self.optimizers), list(self.logs)))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise Fault(f"this law passes to an answer what can't cross to another process: {error}") from error
        self.pickled = torch.frombuffer(bytearray(file.getvalue()), dtype=torch.uint8)

    def result(self) -> Any:
        """Make the call and return its result, tied to the inputs where gradients may be asked for."""
        reply, tensors = self.apart.ask(self._message())
        try:
            done = reply["done"]
            self._tensors = tensors
            unpacker = Unpacker(tensors, self._other)
            torch.set_rng_state(unpacker.unpack(done["rng"]))
            self._take_back(unpacker.unpack(done["after"]), unpacker.unpack(done["modules"]))
            self._tie(done["value"], tensors, int(done["graph"]))
            return unpacker.unpack(done["value"])
        except Exception as error:
            # Whatever is not as this side packs it: the other side is not to be believed any further.
            raise self.apart.wrong(f"{type(error).__name__}: {error}") from error

    def inputs(self) -> list[Tensor]:
        """Return all that a result may be computed from, in the order of the other side."""
        return self.leaves + [tensor for module in self.modules for tensor in state(module)]

    def _message(self) -> dict[str, Any]:
        dropped = list(self.apart.dropped)
        self.apart.dropped.clear()
        return {
            "do": "call",
            "target": self.away.target,
            "forbidden": list(self.away.forbidden),
            "pickled": self.pickled,
            "leaves": [_row(leaf) for leaf in self.leaves],
            "generators": [generator.get_state() for generator in self.generators],
            "modules": [
                {"ref": m.away.target, "state": state(m), "training": [part.training for part in m.modules()]}
                for m in self.modules
            ],
            "rng": torch.get_rng_state(),
            "grad": torch.is_grad_enabled(),
            "drop": dropped,
        }

    def _take_back(self, after: dict[str, Any], modules: list[list[Tensor]]) -> None:
        """Do here what the answer did there to what it was given."""
        with torch.no_grad():
            for leaf, changed, grad in zip(self.leaves, after["changed"], after["grads"], strict=True):
                if changed is not None:
                    leaf.copy_(changed)
                if leaf.is_leaf and leaf.requires_grad:
                    leaf.grad = grad
            for module, states in zip(self.modules, modules, strict=True):
                for own, sent in zip(state(module), states, strict=True):
                    if not torch.equal(own, sent):
                        own.copy_(sent)
        for optimizer, rows in zip(self.optimizers, after["optimizers"], strict=True):
            parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            for index, memory in rows:
                optimizer.state[parameters[index]] = memory
        for log, entries in zip(self.logs, after["logs"], strict=True):
            log[:] = entries
        for generator, now in zip(self.generators, after["generators"], strict=True):
            generator.set_state(now)

    def _tie(self, packed: Any, tensors: list[Tensor], graph: int) -> None:
        """Make the results that have a past over there differentiable here."""
        numbers = dict(sorted(_linked(packed)))
        self.outputs: tuple[Tensor, ...] = ()
        if numbers:
            values = [tensors[numbers[k]].detach() for k in range(len(numbers))]
            self.outputs = _Link.apply(_Past(self.apart, graph), values, *self.inputs())

    def _other(self, packed: dict[str, Any]) -> Any:
        match packed:
            case {"given": int(index)}:
                return self.leaves[index]
            case {"linked": int(index)}:
                return self.outputs[index]
            case {"module": int(ref), "type": str(kind), "picture": shape}:
                known = [module for module in self.modules if module.away.target == ref]
                away = Away(self.apart, ref, kind, self.away.forbidden)
                return known[0] if known else _module(away, Unpacker(self._tensors, self._other).unpack(shape))
            case {"function": int(ref), "name": str(name)}:
                return Away(self.apart, ref, name, self.away.forbidden)
        raise WrongMessage(f"a value with {', '.join(packed)}")


class _Past:
    """What a result was computed from, kept over there for as long as somebody here may ask for gradients."""

    def __init__(self, apart: Apart, graph: int) -> None:
        self.apart, self.graph = apart, graph

    def __del__(self) -> None:
        self.apart.dropped.append(self.graph)


class _Link(torch.autograd.Function):
    """The values of results on the way there; their gradients on the way back."""

    @staticmethod
    def forward(ctx: Any, past: _Past, values: list[Tensor], *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.past, ctx.shapes = past, [tensor.shape for tensor in inputs]
        ctx.set_materialize_grads(False)
        return tuple(values)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        apart = ctx.past.apart
        reply, tensors = apart.ask({"do": "vjp", "graph": ctx.past.graph, "grads": list(grads)})
        try:
            found = Unpacker(tensors, _nothing_else).unpack(reply["grads"])
            for grad, shape in zip(found, ctx.shapes, strict=True):
                if grad is not None and grad.shape != shape:
                    raise WrongMessage("a gradient of another shape")
        except Exception as error:
            raise apart.wrong(f"{type(error).__name__}: {error}") from error
        return None, None, *found


def state(module: nn.Module) -> list[Tensor]:
    """Return a module's parameters, then its buffers: the order on which both sides agree."""
    return [*module.parameters(), *module.buffers()]


def _row(leaf: Tensor) -> dict[str, Any]:
    grad = leaf.grad if leaf.is_leaf else None
    return {"value": leaf, "parameter": isinstance(leaf, nn.Parameter), "grad": grad}


def _linked(packed: Any) -> Iterator[tuple[int, int]]:
    """Find the results that have a past: their number among these, and that of their tensor."""
    if isinstance(packed, dict) and "linked" in packed:
        yield packed["linked"], packed["value"]
    elif isinstance(packed, (dict, list)):
        for part in packed.values() if isinstance(packed, dict) else packed:
            yield from _linked(part)


def _nothing_else(packed: dict[str, Any]) -> Any:
    raise WrongMessage(f"a value with {', '.join(packed)}")


def _module(away: Away, shape: dict[str, Any]) -> AwayModule:
    """Build the picture of a module: the types and settings of torch's own parts, and all parameters and buffers."""
    (_, kind, training, settings), *parts = shape["parts"]
    root = _part(kind, training, settings, AwayModule)
    root.away = away
    for path, kind, training, settings in parts:
        parent, _, name = path.rpartition(".")
        root.get_submodule(parent).add_module(name, _part(kind, training, settings))
    for path, value, requires_grad in shape["parameters"]:
        parent, _, name = path.rpartition(".")
        root.get_submodule(parent).register_parameter(name, nn.Parameter(value.detach(), requires_grad=requires_grad))
    for path, value in shape["buffers"]:
        parent, _, name = path.rpartition(".")
        root.get_submodule(parent).register_buffer(name, value)
    return root


def _part(kind: str, training: bool, settings: dict[str, Any], first: type[nn.Module] = nn.Module) -> Any:
    known = getattr(nn, kind, None)
    # Only a type of torch.nn, by its plain name: nothing that is sent here chooses what runs.
    if not (kind.isidentifier() and isinstance(known, type) and issubclass(known, nn.Module)):
        known = nn.Module
    made: Any = known if first is nn.Module else type(known.__name__, (first, known), {})
    part = made.__new__(made)
    nn.Module.__init__(part)
    vars(part).update({name: value for name, value in settings.items() if name not in _OWN})
    part.training = bool(training)
    return part
