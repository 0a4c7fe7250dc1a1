"""The base of all facts; the facts themselves are in ``contract.facts``."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of all facts. ``customer_visible`` facts are also sent to the customer's page."""

    customer_visible: ClassVar[bool] = False
