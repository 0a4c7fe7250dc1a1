"""Facts chain by hash and survive the file."""

import dataclasses
import json
from typing import Any

import pytest

from contract import facts
from contract.errors import ProtocolError
from contract.facts import FACTS, GENESIS, CaseAdvanced, Entry, dump_entry, load_entry, seal_entry
from contract.ids import CaseId
from contract.phases import CasePhase

CASE = CaseId("case-0000000000000000")
FACT = CaseAdvanced(CasePhase.CREATED, CasePhase.PRE_CALL)


def entry(seq: int = 1, prev: str = GENESIS) -> Entry:
    return seal_entry(seq, 1_700_000_000.1234567, CASE, FACT, prev)


def test_an_entry_survives_its_line() -> None:
    """Dump and load give the same entry, hash included."""
    assert load_entry(json.loads(dump_entry(entry()))) == entry()


def test_the_hash_covers_the_entry_before() -> None:
    """The same fact after another entry has another hash."""
    assert entry(prev="1" * 64).hash != entry().hash


def test_the_name_is_the_tag() -> None:
    """An entry is named after its fact's class."""
    assert entry().name == "CaseAdvanced"


@pytest.mark.parametrize("key", ["seq", "at", "case", "prev", "hash"])
def test_a_changed_line_is_found(key: str) -> None:
    """Whatever is altered in a line, its hash no longer fits."""
    line = json.loads(dump_entry(entry()))
    line[key] = line[key] + 1 if isinstance(line[key], int | float) else line[key][:-1] + "x"
    with pytest.raises(ProtocolError, match="hash"):
        load_entry(line)


def test_a_changed_fact_is_found() -> None:
    """Altering the fact itself is found too."""
    line = json.loads(dump_entry(entry()))
    line["fact"]["now"] = "aborted"
    with pytest.raises(ProtocolError, match="hash"):
        load_entry(line)


def test_a_line_from_before_a_field_was_added_is_read_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hash is of what stands there; the field has its default, and the line is given back as it was."""
    before = dump_entry(entry())
    later = dataclasses.make_dataclass(
        "CaseAdvanced", [("note", str, "none")], bases=(CaseAdvanced,), frozen=True
    )
    monkeypatch.setitem(FACTS, "CaseAdvanced", later)
    read = load_entry(json.loads(before))
    assert (read.fact.note, dump_entry(read)) == ("none", before)  # type: ignore[attr-defined]
    again = seal_entry(2, read.at, CASE, read.fact, read.hash)
    assert load_entry(json.loads(dump_entry(again))) == again
    assert b'"note":"none"' in dump_entry(again)
    altered = json.loads(before)
    altered["fact"]["note"] = "none"
    with pytest.raises(ProtocolError, match="hash"):
        load_entry(altered)


@pytest.mark.parametrize(
    "line",
    [None, [], {}, {"name": "Nothing"}, {"name": "CaseAdvanced"}, {"name": "CaseAdvanced", "fact": {}},
     {"name": "CaseAdvanced", "fact": {"was": "created", "now": "aborted"}, "seq": "1", "at": "x",
      "case": CASE, "prev": GENESIS, "hash": ""}],
)  # fmt: skip
def test_a_malformed_line_is_a_protocol_error(line: Any) -> None:
    """Bytes that are no entry are told from altered ones."""
    with pytest.raises(ProtocolError):
        load_entry(line)


def test_every_fact_is_frozen_and_registered() -> None:
    """All fact classes stand in the table under their own name, in the past tense or as a finding."""
    assert len(FACTS) >= 35
    for name, cls in FACTS.items():
        assert cls.__name__ == name
        assert cls.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_personal_data_is_marked() -> None:
    """Free text of people and numbers of people stand under ``pii_`` keys."""
    free_text = {
        (cls.__name__, field.name)
        for cls in FACTS.values()
        for field in dataclasses.fields(cls)
        if field.name.removeprefix("pii_") in {"text", "note", "number", "customer_name"}
    }
    assert all(field.startswith("pii_") for _, field in free_text)


def test_customers_never_see_scores() -> None:
    """No fact that is sent to the customer carries a verdict or a score."""
    for cls in FACTS.values():
        if cls.customer_visible:
            names = {field.name for field in dataclasses.fields(cls)}
            assert not names & {"score", "verdict", "threshold", "failures"}, cls
    assert facts.EvidenceStored.customer_visible
