"""What the model process does with the looks of the engine's tests."""

import time
from typing import Protocol

from kyc.models import Models


class _Glance(Protocol):
    number: int
    seconds: float


def glance(_: Models, look: _Glance) -> int:
    """Take as long as told and return its number."""
    time.sleep(look.seconds)
    return look.number
