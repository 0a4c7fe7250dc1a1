"""The base of all facts; the facts themselves are in ``contract.facts``."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Final

LATER: Final = MappingProxyType({"later": True})
"""Metadata of a field that an existing fact got later: a hash over facts leaves it out while it holds its
default, so that what was hashed before has the same hash."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of all facts. ``customer_visible`` facts are also sent to the customer's page."""

    customer_visible: ClassVar[bool] = False
