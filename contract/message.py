"""The base of all messages; the messages themselves are in ``contract.wire``."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Message:
    """Base of all messages; ``tag`` is the value of ``type`` on the wire."""

    tag: ClassVar[str] = ""
