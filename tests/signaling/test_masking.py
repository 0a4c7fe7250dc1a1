"""Numbers of cards, hidden wherever they stand."""

import json
from typing import Any

from contract.facts import ChatSaid, Entry, Fact, IdNumberChecked, dump_entry, seal_entry
from contract.identity_facts import DocumentRead, ExternalAnswered, FieldCorrected, ReadField
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId, SeatId
from contract.phases import CheckVerdict, DocumentKind, Role
from signaling.masking import mask, masked, numbers_of

CASE, CALL, SEAT = CaseId("case-0000000000000001"), CallId("call-1"), SeatId("seat-1")
NUMBER = "11010519491231002X"


def entries(*facts: Fact) -> list[Entry]:
    return [seal_entry(n, float(n), CASE, fact, "0" * 64) for n, fact in enumerate(facts)]


def lines(told: list[Entry]) -> list[dict[str, Any]]:
    return [json.loads(dump_entry(entry)) for entry in told]


def test_a_number_is_found_in_every_fact() -> None:
    """Typed, read, corrected; hidden in a chat line too, grouped and in small letters; hashes stay."""
    read = (ReadField("number", "110105194912310O2X", 0.5), ReadField("name", "李静怡", 0.9))
    told = entries(
        IdNumberChecked(CheckId("c"), NUMBER, CheckVerdict.PASSED, (), "北京", "", AccountId("a")),
        DocumentRead(CALL, CheckId("c"), EvidenceId("e"), None, "front", DocumentKind.CN_ID, read, (), ()),
        FieldCorrected(CALL, CheckId("c"), SEAT, "number", "110105194912310O2X", NUMBER),
        FieldCorrected(CALL, CheckId("c"), SEAT, "name", "李静恰", "李静怡"),
        ChatSaid(CALL, SEAT, Role.CUSTOMER, "我的是 110105 19491231 002x 谢谢"),
    )
    hidden = masked(lines(told), numbers_of(told))
    text = json.dumps([line["fact"] for line in hidden], ensure_ascii=False)
    assert "19491231" not in text
    assert "李静怡" in text
    assert hidden[4]["fact"]["pii_text"].startswith("我的是 110•")
    assert hidden[0]["fact"]["pii_number"] == mask(NUMBER) == "110•••••••••••••2X"
    assert [line["hash"] for line in hidden] == [entry.hash for entry in told]


def test_a_number_that_a_source_was_asked_about_or_holds_is_hidden() -> None:
    """It may be another than anybody typed or read."""
    other = "440524188001010014"
    said = ExternalAnswered(CALL, CheckId("c"), "registry", CheckVerdict.FAILED, "mismatch", "", None, (),
                            "李静怡", NUMBER, "李静怡", other)  # fmt: skip
    told = entries(said)
    text = json.dumps(masked(lines(told), numbers_of(told))[0]["fact"], ensure_ascii=False)
    assert NUMBER not in text
    assert other not in text


def test_where_no_number_is_known_nothing_changes() -> None:
    """Too short to be one, or none at all."""
    short = IdNumberChecked(CheckId("c"), "12", CheckVerdict.FAILED, (), "", "", AccountId("a"))
    told = entries(short, ChatSaid(CALL, SEAT, Role.AGENT, "12"))
    assert masked(lines(told), numbers_of(told)) == lines(told)
