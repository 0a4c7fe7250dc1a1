"""The stand-ins for what lies outside answer every way that a real source can."""

import json
from pathlib import Path

import pytest

from contract.errors import InternalError, UserError
from contract.identity_ports import Contacts, CoreBank, ExternalCheck, Messenger, Subject
from contract.phases import CheckVerdict, CodeChannel
from teller.demo.outside import (
    DemoBooks,
    DemoBoundCard,
    DemoList,
    DemoRegistry,
    Outbox,
    demo_customers,
)

KNOWN = demo_customers()["demo"]
SUBJECT = Subject("demo", KNOWN.name, KNOWN.number, KNOWN.phone)


async def test_the_registry_knows_its_people() -> None:
    """A name that does not fit fails, a number that it has not is for a person."""
    registry: ExternalCheck = DemoRegistry()
    found = await registry.ask(SUBJECT)
    assert (found.verdict, found.code, found.matched) == (CheckVerdict.PASSED, "match", ("name", "number"))
    assert json.loads(found.raw)["asked_for"] == KNOWN.number
    assert (await registry.ask(Subject("demo", "别人", KNOWN.number))).code == "mismatch"
    unknown = await registry.ask(Subject("x", "别人", "110105194912310029"))
    assert (unknown.verdict, unknown.code) == (CheckVerdict.REVIEW, "not_found")


async def test_five_elements() -> None:
    """All of them, or those that fit."""
    bank: ExternalCheck = DemoBoundCard()
    assert len((await bank.ask(SUBJECT)).matched) == 5
    other_phone = await bank.ask(Subject("demo", KNOWN.name, KNOWN.number, "13900000000"))
    assert other_phone.verdict is CheckVerdict.FAILED
    assert "phone" not in other_phone.matched
    assert (await bank.ask(Subject("x", "王", "1", "2"))).code == "not_found"


@pytest.mark.parametrize("source", [DemoRegistry(), DemoBoundCard(), DemoList()])
async def test_who_is_not_known_is_not_asked_about(source: ExternalCheck) -> None:
    """A source wants to know whom."""
    with pytest.raises(UserError) as error:
        await source.ask(Subject("", "", ""))
    assert error.value.code == "subject_incomplete"


async def test_the_list() -> None:
    """Who stands on it, by whatever, is refused."""
    assert (await DemoList().ask(SUBJECT)).verdict is CheckVerdict.PASSED
    assert (await DemoList(frozenset({KNOWN.number})).ask(SUBJECT)).code == "listed"


async def test_the_books() -> None:
    """Of strangers nothing is known."""
    books: CoreBank = DemoBooks()
    assert await books.contacts("demo") == Contacts(KNOWN.phone, KNOWN.email)
    assert len(await books.recent_transactions("demo", 2)) == 2
    assert await books.open_accounts("full") == {"I": 1, "II": 5, "III": 5}
    assert await books.contacts("x") == Contacts()
    assert await books.recent_transactions("x", 2) == ()
    assert await books.open_accounts("x") == {}


async def test_the_outbox(tmp_path: Path) -> None:
    """A line a text, for the owner's eyes; a disk that refuses is our fault."""
    outbox: Messenger = Outbox(tmp_path / "outbox.jsonl")
    await outbox.send(CodeChannel.SMS, "138", "验证码 123456")
    await outbox.send(CodeChannel.EMAIL, "a@b", "again")
    lines = (tmp_path / "outbox.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0]) == {"channel": "sms", "to": "138", "text": "验证码 123456"}
    assert len(lines) == 2
    assert (tmp_path / "outbox.jsonl").stat().st_mode & 0o777 == 0o600
    with pytest.raises(InternalError):
        await Outbox(tmp_path / "none" / "outbox").send(CodeChannel.SMS, "1", "2")
