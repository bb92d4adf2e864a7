"""Messages between the judge and the process of a submission: JSON, then the bytes of tensors.

Nothing here is pickled, so that nothing that a submission sends is run by the judge. Everything is counted and bounded:
a message that is too long or not well formed ends the conversation.
"""

from __future__ import annotations

import json
import math
import struct
from collections import namedtuple
from collections.abc import Callable
from typing import Any, BinaryIO

import torch
from torch import Tensor

LONGEST = 512 * 2**20
_LONGEST_HEADER = 64 * 2**20
_LENGTHS = struct.Struct("<QQ")


class WrongMessage(ValueError):  # noqa: N818 - says what it is
    """What came is no message."""


class Opaque:
    """Stands for a result that can't cross: only the name of its type is known."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"an object of type {self.kind}"


class Packer:
    """Turns values into what JSON can hold, and collects their tensors.

    Args:
        other: Asked first about everything but plain values: returns JSON, or None to have it packed as usual.
    """

    def __init__(self, other: Callable[[Any, Packer], dict[str, Any] | None] = lambda value, packer: None) -> None:
        self.tensors: list[Tensor] = []
        self.other = other

    def pack(self, value: Any) -> Any:
        """Return the JSON of a value."""
        if value is None or isinstance(value, (bool, str)) or type(value) is int:
            return value
        if isinstance(value, float):
            return {"float": value.hex()}
        special = self.other(value, self)
        if special is not None:
            return special
        if isinstance(value, Tensor):
            self.tensors.append(value)
            return {"tensor": len(self.tensors) - 1}
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return {"named": type(value).__name__, "fields": list(value._fields), "of": [self.pack(v) for v in value]}
        if isinstance(value, tuple):
            return {"tuple": [self.pack(v) for v in value]}
        if isinstance(value, list):
            return {"list": [self.pack(v) for v in value]}
        if isinstance(value, dict):
            return {"dict": [[self.pack(k), self.pack(v)] for k, v in value.items()]}
        if isinstance(value, torch.dtype):
            return {"dtype": str(value).removeprefix("torch.")}
        if isinstance(value, torch.device):
            return {"device": str(value)}
        if hasattr(value, "item") and getattr(value, "shape", None) == ():
            return self.pack(value.item())
        return {"opaque": type(value).__name__}


class Unpacker:
    """Turns what `Packer` made back into values.

    Args:
        tensors: The tensors that came with it.
        other: Turns a dictionary of any other kind into a value.
    """

    def __init__(self, tensors: list[Tensor], other: Callable[[dict[str, Any]], Any]) -> None:
        self.tensors = tensors
        self.other = other

    def unpack(self, packed: Any) -> Any:
        """Return the value of what came as JSON."""
        match packed:
            case None | bool() | str() | int():
                return packed
            case {"float": str(text)}:
                return float.fromhex(text)
            case {"tensor": int(index)} if 0 <= index < len(self.tensors):
                return self.tensors[index]
            case {"named": str(name), "fields": list(fields), "of": list(values)}:
                return namedtuple(name, fields)(*map(self.unpack, values))
            case {"tuple": list(values)}:
                return tuple(map(self.unpack, values))
            case {"list": list(values)}:
                return list(map(self.unpack, values))
            case {"dict": list(pairs)}:
                return {self.unpack(key): self.unpack(value) for key, value in pairs}
            case {"dtype": str(name)}:
                return _dtype(name)
            case {"device": str(name)}:
                return torch.device(name)
            case {"opaque": str(kind)}:
                return Opaque(kind)
            case dict():
                return self.other(packed)
        raise WrongMessage(f"a value of type {type(packed).__name__}")


def _dtype(name: Any) -> torch.dtype:
    found = getattr(torch, name, None) if isinstance(name, str) else None
    if not isinstance(found, torch.dtype):
        raise WrongMessage(f"a type of number called {name!r}")
    return found


def send(stream: BinaryIO, message: Any, tensors: list[Tensor]) -> None:
    """Write one message: its JSON, then the bytes of its tensors."""
    plain = [tensor.detach().cpu().contiguous() for tensor in tensors]
    table = [
        [str(value.dtype).removeprefix("torch."), list(value.shape), original.requires_grad]
        for value, original in zip(plain, tensors, strict=True)
    ]
    header = json.dumps([message, table]).encode()
    size = sum(t.numel() * t.element_size() for t in plain)
    stream.write(_LENGTHS.pack(len(header), size))
    stream.write(header)
    for tensor in plain:
        stream.write(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    stream.flush()


def receive(stream: BinaryIO) -> tuple[Any, list[Tensor]]:
    """Read one message: its JSON and its tensors, each a leaf that requires a gradient where its origin did.

    Raises:
        EOFError: The other side is gone.
        WrongMessage: What came is no message, or too long.
    """
    header_size, size = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    if header_size > _LONGEST_HEADER or size > LONGEST:
        raise WrongMessage(f"a message of {(header_size + size) / 2**20:.0f} MB")
    header, data = _exactly(stream, header_size), bytearray(_exactly(stream, size))
    try:
        message, table = json.loads(header)
        tensors, start = [], 0
        for name, shape, requires_grad in table:
            dtype, count = _dtype(name), math.prod(shape)
            end = start + count * dtype.itemsize
            if min(shape, default=0) < 0 or end > len(data):
                raise WrongMessage("a tensor longer than its message")
            flat = torch.empty(count, dtype=dtype)
            if count:
                flat.copy_(torch.frombuffer(data, dtype=dtype, count=count, offset=start))
            tensors.append(flat.reshape(shape).requires_grad_(bool(requires_grad)))
            start = end
        return message, tensors
    except (ValueError, TypeError, RecursionError, RuntimeError, OverflowError) as error:
        raise WrongMessage(str(error)) from error


def _exactly(stream: BinaryIO, size: int) -> bytes:
    parts, left = [], size
    while left:
        part = stream.read(min(left, 2**20))
        if not part:
            raise EOFError("the other side is gone")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
