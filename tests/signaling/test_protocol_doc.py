"""The prose of the protocol names everything that the code can say."""

import re
from dataclasses import fields
from enum import StrEnum
from pathlib import Path

import pytest

from contract import wire
from contract.codec import dump
from contract.phases import (
    CallEnd,
    CallPhase,
    Capture,
    CaseEnd,
    CasePhase,
    Presence,
    RingEnd,
    SeatMode,
    StepResult,
)

_PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
_TABLES = {**wire.CLIENT_MESSAGES, **wire.SERVER_MESSAGES}


@pytest.mark.parametrize("tag", sorted(_TABLES))
def test_every_message_and_field_stands_in_the_prose(tag: str) -> None:
    """A row for the tag names each of its fields."""
    rows = re.findall(rf"^\| `{tag}` \|.*$", _PAGE, re.MULTILINE)
    assert len(rows) == 1, f"{tag} has no row of its own"
    for field in fields(_TABLES[tag]):
        assert f"`{field.name}`" in rows[0], f"{tag}.{field.name}"


@pytest.mark.parametrize(
    "words", [CasePhase, CaseEnd, CallPhase, CallEnd, RingEnd, Presence, SeatMode, Capture, StepResult]
)
def test_every_phase_and_ending_stands_in_the_prose(words: type[StrEnum]) -> None:
    """Every enum word that reaches a screen is named."""
    assert not [word for word in words if f"`{dump(word)}`" not in _PAGE]


def test_every_word_of_the_code_stands_in_the_prose() -> None:
    """Each machine word that signaling gives to an error or a goodbye is explained."""
    sources = Path(__file__).parents[2] / "signaling"
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources.glob("*.py"))
    words = set(re.findall(r'(?:code=|\.end\()"([a-z_]+)"', text)) - {"gone"}
    assert not sorted(word for word in words if f"`{word}`" not in _PAGE)


def test_the_prose_is_of_this_version() -> None:
    """The title carries the protocol's version."""
    assert _PAGE.startswith(f"# The protocol between pages and server, version {wire.VERSION}\n")
