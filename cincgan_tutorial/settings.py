"""Frozen dataclasses from plain dictionaries and from the text of a command line, with every name and type checked."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal


def build(kind: Any, values: Mapping[str, Any], path: str = "") -> Any:
    """Build the dataclass ``kind`` from nested dictionaries, checking every name and type on the way."""
    hints = typing.get_type_hints(kind)
    for name in values:
        if name not in hints:
            raise ValueError(f"unknown setting {path + name!r}.{nearest(name, hints)}")
    built = {name: _convert(hints[name], value, path + name) for name, value in values.items()}
    try:
        return kind(**built)
    except TypeError as error:
        raise ValueError(f"settings {path or 'of the preset'!r} are incomplete: {error}.") from error


def _convert(hint: Any, value: Any, path: str) -> Any:
    """Check ``value``, or read it from the text a command line gives, as the type ``hint``."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None or value == "none":
            return None
        inner = [option for option in typing.get_args(hint) if option is not type(None)]
        return _convert(inner[0], value, path)
    if origin is Literal:
        for option in typing.get_args(hint):
            if value == option or value == str(option):
                return option
        raise ValueError(f"{path}: expected one of {', '.join(map(str, typing.get_args(hint)))}, got {value!r}.")
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ValueError(f"{path}: is a group of settings, set one of {', '.join(_names(hint))} in it.")
        return build(hint, value, path + ".")
    if hint is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        raise ValueError(f"{path}: expected true or false, got {value!r}.")
    if hint is str:
        return str(value)
    try:
        if hint is int and not float(value).is_integer():
            raise ValueError("a fraction")
        number = hint(float(value))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{path}: expected {hint.__name__}, got {value!r}.") from error
    return number


def _names(kind: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]


def nearest(name: str, known: Any) -> str:
    """Return a hint for a mistyped name: the nearest known one, or all of them."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else f" Known: {', '.join(known)}."


def put(values: dict[str, Any], settings: Mapping[str, Any]) -> None:
    """Set values in nested dictionaries, in place, by dotted paths such as ``"first.steps"``.

    Raises:
        ValueError: A path is unknown (the nearest name is suggested), or leads to a group instead of a value.
    """
    for path, value in settings.items():
        group: Any = values
        *groups, last = path.split(".")
        for depth, name in enumerate(groups):
            if not isinstance(group, dict) or name not in group:
                raise ValueError(f"unknown setting {path!r}.{nearest(name, group if isinstance(group, dict) else [])}")
            if group[name] is None:
                raise ValueError(f"{path}: {'.'.join(groups[: depth + 1])} takes no part in this preset.")
            group = group[name]
        if not isinstance(group, dict):
            raise ValueError(f"unknown setting {path!r}: {'.'.join(groups)} is a single value.")
        if last not in group:
            raise ValueError(f"unknown setting {path!r}.{nearest(last, group)}")
        if isinstance(group[last], dict) and not isinstance(value, Mapping) and value not in (None, "none"):
            raise ValueError(f"{path}: is a group of settings, set one of {', '.join(group[last])} in it.")
        group[last] = copy.deepcopy(value)  # a group may be changed by the next path
