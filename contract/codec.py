"""Strict conversion between frozen dataclasses and JSON values.

Used for wire messages and facts alike: an unknown key, a missing key, a wrong type or a text over its
bound is an error that names the place. Supported field types: ``str``, ``int``, ``float``, ``bool``,
``None`` in unions, NewTypes of these, StrEnums, ``tuple[X, ...]``, nested dataclasses, and
``Annotated`` with :class:`Text` or :class:`Number`.
"""

import dataclasses
import functools
import json
import math
import types
from enum import StrEnum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from contract.errors import ProtocolError

_T = TypeVar("_T")

# A text without a stated bound may not exceed this: SDP offers with eight m-lines are about 12 kB.
DEFAULT_TEXT_MAX = 65_536
# Longest list accepted anywhere.
LIST_MAX = 1_000


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """Bounds of a text, in characters."""

    max: int
    min: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Number:
    """Inclusive bounds of a number."""

    min: float
    max: float


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def dump(value: Any) -> Any:
    """Return ``value`` as JSON-ready dicts, lists and scalars."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: dump(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple | list):
        return [dump(item) for item in value]
    return value


def canonical(value: Any) -> bytes:
    """Return the one byte form of a JSON value that hashes are taken of (sorted keys, no spaces, UTF-8).

    Raises:
        ValueError: the value holds NaN or an infinity.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def load(cls: type[_T], data: Any, where: str = "") -> _T:
    """Build a ``cls`` from a JSON object.

    Raises:
        ProtocolError: the object does not fit; the text names the place, never the value.
    """
    where = where or cls.__name__
    if not isinstance(data, dict):
        raise ProtocolError(f"{where}: an object is wanted")
    hints = _hints(cls)  # type: ignore[arg-type]
    unknown = data.keys() - hints.keys()
    if unknown:
        raise ProtocolError(f"{where}: {len(unknown)} unknown key(s)")
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        if field.name in data:
            values[field.name] = _load(hints[field.name], data[field.name], f"{where}.{field.name}")
        elif field.default is dataclasses.MISSING:
            raise ProtocolError(f"{where}.{field.name} is missing")
    return cls(**values)


def _load(kind: Any, value: Any, where: str) -> Any:
    bound: Text | Number | None = None
    if get_origin(kind) is Annotated:
        kind, bound = get_args(kind)[:2]
    while hasattr(kind, "__supertype__"):
        kind = kind.__supertype__
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _load_optional(kind, value, where, bound)
    if origin is tuple:
        return _load_list(get_args(kind)[0], value, where)
    if dataclasses.is_dataclass(kind):
        return load(kind, value, where)  # type: ignore[arg-type]
    return _load_scalar(kind, value, where, bound)


def _load_optional(kind: Any, value: Any, where: str, bound: Text | Number | None) -> Any:
    if value is None:
        return None
    inner = next(member for member in get_args(kind) if member is not type(None))
    return _load(inner if bound is None else Annotated[inner, bound], value, where)


def _load_list(kind: Any, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > LIST_MAX:
        raise ProtocolError(f"{where}: a list of at most {LIST_MAX} is wanted")
    return tuple(_load(kind, item, f"{where}[{index}]") for index, item in enumerate(value))


def _load_scalar(kind: Any, value: Any, where: str, bound: Text | Number | None) -> Any:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if not isinstance(value, str) or value not in kind._value2member_map_:
            raise ProtocolError(f"{where}: not one of {len(kind)} known words")
        return kind(value)
    if kind is bool:
        return _checked(isinstance(value, bool), value, where, "true or false")
    if kind is str:
        return _load_text(value, where, bound)
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        raise ProtocolError(f"{where}: a number is wanted")
    try:
        number = kind(value)
    except OverflowError as error:
        raise ProtocolError(f"{where}: a finite number is wanted") from error
    return _load_number(number, where, bound)


def _load_text(value: Any, where: str, bound: Text | Number | None) -> Any:
    _checked(isinstance(value, str), value, where, "a text")
    low, high = (bound.min, bound.max) if isinstance(bound, Text) else (0, DEFAULT_TEXT_MAX)
    return _checked(low <= len(value) <= high, value, where, f"{low} to {high} characters")


def _load_number(value: Any, where: str, bound: Text | Number | None) -> Any:
    _checked(math.isfinite(value), value, where, "a finite number")
    if isinstance(bound, Number):
        _checked(bound.min <= value <= bound.max, value, where, f"{bound.min} to {bound.max}")
    return value


def _checked(fits: bool, value: Any, where: str, wanted: str) -> Any:
    if not fits:
        raise ProtocolError(f"{where}: {wanted} is wanted")
    return value
