"""Wire messages: one tag, one class, strict both ways."""

import dataclasses
import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import wire
from contract.errors import ProtocolError
from contract.facts import GENESIS, CaseAdvanced, seal_entry
from contract.ids import CaseId
from contract.phases import CasePhase
from contract.wire import CLIENT_MESSAGES, SERVER_MESSAGES


def test_a_message_survives_the_wire() -> None:
    """Parsing a dumped message gives the message back."""
    hello = wire.Hello(1, ticket="t")

    assert wire.parse(wire.dump(hello), CLIENT_MESSAGES) == hello


def test_a_fact_survives_the_wire() -> None:
    """A journal entry arrives with its hash, and the hash is checked."""
    fact = CaseAdvanced(CasePhase.CREATED, CasePhase.PRE_CALL)
    noted = wire.FactNoted(seal_entry(1, 2.0, CaseId("case-0000000000000000"), fact, GENESIS))
    text = wire.dump(noted)

    assert wire.parse(text, SERVER_MESSAGES) == noted
    with pytest.raises(ProtocolError):
        wire.parse(text.replace("pre_call", "in_call"), SERVER_MESSAGES)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "1", "null", '"x"', "{}", '{"type":1}', '{"type":"nothing"}', '{"type":"hello"}',
     '{"type":"hello","version":"1"}', '{"type":"chat","text":""}', '{"type":"chat","text":"x","y":1}',
     '{"type":"playback","call":"c","interval_s":5,"fps":25,"freezes":-1,"frozen_s":0,"concealed_s":0}',
     '{"type":"playback","call":"c","interval_s":0,"fps":25,"freezes":0,"frozen_s":0,"concealed_s":0}',
     '{"type":"playback","call":"c","interval_s":5,"fps":25,"freezes":0.5,"frozen_s":0,"concealed_s":0}',
     '{"type":"ping","sent_at":1e999}', '{"type":"ping","sent_at":NaN}', "[" * 100_000,
     '{"type":"chat","text":"' + "x" * 2001 + '"}', '{"type":"chat","text":"' + "x" * 140_000 + '"}'],
)  # fmt: skip
def test_what_no_client_sends_is_a_protocol_error(text: str) -> None:
    """Not JSON, wrong shape, unknown tags, wrong types and excess size are refused alike."""
    with pytest.raises(ProtocolError):
        wire.parse(text, CLIENT_MESSAGES)


@given(st.text() | st.binary())
def test_garbage_never_does_worse_than_a_protocol_error(garbage: str | bytes) -> None:
    """Whatever comes, parse returns a message or raises ProtocolError."""
    with pytest.raises(ProtocolError):
        wire.parse(garbage, CLIENT_MESSAGES)


def test_a_server_message_is_no_client_message() -> None:
    """A client cannot speak with the server's voice."""
    with pytest.raises(ProtocolError, match="unknown"):
        wire.parse(wire.dump(wire.Bye("x")), CLIENT_MESSAGES)


def test_the_union_names_every_client_message() -> None:
    """Exhaustive matching over ClientMessage really is exhaustive."""
    assert set(get_args(wire.ClientMessage)) == set(CLIENT_MESSAGES.values())


@pytest.mark.parametrize("table", [CLIENT_MESSAGES, SERVER_MESSAGES])
def test_tags_are_unique_and_fields_never_shadow_the_tag(table: dict[str, type[wire.Message]]) -> None:
    """``type`` is the tag's place, so no message has a field of that name."""
    for tag, cls in table.items():
        assert cls.tag == tag
        assert "type" not in {field.name for field in dataclasses.fields(cls)}


def test_dump_is_one_line_of_json() -> None:
    """A text frame is a JSON object whose first key is the type."""
    text = wire.dump(wire.Chat("a\nb"))

    assert "\n" not in text
    assert json.loads(text) == {"type": "chat", "text": "a\nb"}
