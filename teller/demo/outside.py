"""Stand-ins for what lies outside the house: a registry, a bank's books, a list, a provider of texts.

They show the form of the answers and keep nothing but the outbox. The customers whom they know are made up;
their numbers are the worked example of GB 11643 and numbers of people who were never born.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from contract.errors import InternalError, UserError
from contract.identity_ports import Contacts, ExternalAnswer, Subject, Transaction
from contract.phases import CheckVerdict, CodeChannel
from teller.demo.card import specimen

# An answer as a bank's provider would give it, so that what is kept is a document and no word of ours.
_JSON = "application/json"
# Whoever asks for one of these gets the answer of its name: to try every branch by hand.
_LISTED = "listed"


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the demo bank."""

    name: str
    number: str
    phone: str
    email: str
    accounts: Mapping[str, int]
    movements: tuple[Transaction, ...]


def demo_customers() -> dict[str, Customer]:
    """Return the customers that the demo bank knows, by its own reference."""
    person = specimen()
    movements = (
        Transaction(date(2026, 11, 3), -12_850, "永辉超市"),
        Transaction(date(2026, 10, 28), 850_000, "工资"),
        Transaction(date(2026, 10, 15), -6_990, "中国移动"),
    )
    known = Customer(person.name, person.number, "13800000000", "customer@example.com", {"I": 1}, movements)
    return {"demo": known, "full": Customer(*_parts(known), {"I": 1, "II": 5, "III": 5}, ())}


def _parts(one: Customer) -> tuple[str, str, str, str]:
    return one.name, one.number, one.phone, one.email


@dataclass(frozen=True, slots=True)
class DemoBooks:
    """Implements ``contract.identity_ports.CoreBank``."""

    customers: Mapping[str, Customer] = field(default_factory=demo_customers)

    async def contacts(self, customer_ref: str) -> Contacts:
        """Return phone and mail of a known customer."""
        one = self.customers.get(customer_ref)
        return Contacts(one.phone, one.email) if one else Contacts()

    async def recent_transactions(self, customer_ref: str, limit: int) -> tuple[Transaction, ...]:
        """Return a known customer's movements."""
        one = self.customers.get(customer_ref)
        return one.movements[:limit] if one else ()

    async def open_accounts(self, customer_ref: str) -> Mapping[str, int]:
        """Return a known customer's accounts by class."""
        one = self.customers.get(customer_ref)
        return one.accounts if one else {}


@dataclass(frozen=True, slots=True)
class Outbox:
    """Implements ``contract.identity_ports.Messenger``: a text is a line of ``file``, for the owner only."""

    file: Path

    async def send(self, channel: CodeChannel, to: str, text: str) -> None:
        """Write the text down instead of sending it."""
        line = json.dumps({"channel": channel.value, "to": to, "text": text}, ensure_ascii=False)
        try:
            await asyncio.to_thread(self._write, line + "\n")
        except OSError as error:
            raise InternalError(f"outbox: {error.strerror}") from error

    def _write(self, line: str) -> None:
        self.file.touch(mode=0o600)
        with self.file.open("a", encoding="utf-8") as outbox:
            outbox.write(line)


@dataclass(frozen=True, slots=True)
class DemoRegistry:
    """A registry of citizens: whoever it knows by number must have that name."""

    customers: Mapping[str, Customer] = field(default_factory=demo_customers)

    async def ask(self, subject: Subject) -> ExternalAnswer:
        """Compare name and number."""
        _require(subject.name, subject.number)
        known = {one.number: one.name for one in self.customers.values()}
        if subject.number not in known:
            return _answer(CheckVerdict.REVIEW, "not_found", subject)
        name = known[subject.number]
        if name != subject.name:
            return replace(
                _answer(CheckVerdict.FAILED, "mismatch", subject), name=name, number=subject.number
            )
        found = _answer(CheckVerdict.PASSED, "match", subject, ("name", "number"))
        return replace(found, name=name, number=subject.number)


@dataclass(frozen=True, slots=True)
class DemoBoundCard:
    """The bank of the account that the new one is bound to: five elements, each confirmed or not."""

    customers: Mapping[str, Customer] = field(default_factory=demo_customers)

    async def ask(self, subject: Subject) -> ExternalAnswer:
        """Compare the five elements; the demo's bound account is of class I when the customer has one."""
        _require(subject.name, subject.number, subject.phone)
        one = self.customers.get(subject.customer_ref)
        if one is None:
            return _answer(CheckVerdict.REVIEW, "not_found", subject)
        checks = {
            "name": one.name == subject.name,
            "number": one.number == subject.number,
            "phone": one.phone == subject.phone,
            "account": True,
            "account_class": one.accounts.get("I", 0) > 0,
        }
        matched = tuple(name for name, fits in checks.items() if fits)
        if len(matched) < len(checks):
            return _answer(CheckVerdict.FAILED, "mismatch", subject, matched)
        return _answer(CheckVerdict.PASSED, "match", subject, matched)


@dataclass(frozen=True, slots=True)
class DemoList:
    """A list of names and numbers with whom the bank does no business: of sanctions, or its own."""

    listed: frozenset[str] = frozenset({_LISTED})

    async def ask(self, subject: Subject) -> ExternalAnswer:
        """Look the customer up by reference, name and number."""
        _require(subject.name or subject.number)
        if {subject.customer_ref, subject.name, subject.number} & self.listed:
            return _answer(CheckVerdict.FAILED, "listed", subject)
        return _answer(CheckVerdict.PASSED, "not_found", subject)


def _require(*wanted: str) -> None:
    if not all(wanted):
        raise UserError("the source needs more than is known", code="subject_incomplete")


def _answer(
    verdict: CheckVerdict, code: str, subject: Subject, matched: tuple[str, ...] = ()
) -> ExternalAnswer:
    raw = {"demo": True, "code": code, "asked_for": subject.number, "matched": matched}
    return ExternalAnswer(verdict, code, json.dumps(raw, ensure_ascii=False).encode(), _JSON, matched)
