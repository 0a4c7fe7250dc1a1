"""Messages between the server process and its model process: length-prefixed pickles over two pipes.

Both ends are this package on this machine; nothing that came over a network is ever unpickled.
"""

import pickle
import struct
from dataclasses import dataclass
from typing import Any

_LENGTH = struct.Struct(">Q")
PREFIX = _LENGTH.size


@dataclass(frozen=True, slots=True)
class Inspect:
    """Describe a picture; answered by an ImageFinding."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Match:
    """Compare card and still; answered by a FaceFinding."""

    card: bytes
    still: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """The models are loaded."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The picture's owner is to blame: ``code`` and ``text`` of a UserError."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Broke:
    """The models are to blame."""

    text: str


Job = Inspect | Match


def packed(message: Any) -> bytes:
    """Return ``message`` as it goes into a pipe."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def body_length(prefix: bytes) -> int:
    """Return how many bytes follow a prefix of ``PREFIX`` bytes."""
    length: int = _LENGTH.unpack(prefix)[0]
    return length


def unpacked(body: bytes) -> Any:
    """Return the message in ``body``."""
    return pickle.loads(body)  # noqa: S301 - written by the other half of this package
