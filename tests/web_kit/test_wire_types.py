"""The browser's view of the contract is complete and fresh."""

from pathlib import Path

import pytest

from contract import facts, phases, wire
from web_kit import wire_types


def test_file_is_fresh() -> None:
    """The committed file is what the contract gives now."""
    assert wire_types.main(["--check"]) == 0


def test_stale_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--check`` fails for an absent and for an altered file, and writing mends it."""
    target = tmp_path / "wire.d.ts"
    monkeypatch.setattr(wire_types, "TARGET", target)
    assert wire_types.main(["--check"]) == 1
    assert wire_types.main([]) == 0
    assert wire_types.main(["--check"]) == 0
    target.write_text(target.read_text("utf-8") + "//", "utf-8")
    assert wire_types.main(["--check"]) == 1


def test_every_message_and_fact_is_there_once() -> None:
    """No name is missing and none is declared twice, which TypeScript would merge silently."""
    text = wire_types.generate()
    names = [cls.__name__ for cls in (*wire.CLIENT_MESSAGES.values(), *wire.SERVER_MESSAGES.values())]
    names += [*facts.FACTS, "CaseSummary", "Job", "IceServer"]
    for name in names:
        assert text.count(f"export interface {name} {{") == 1, name
    assert len(names) == len(set(names))


def test_messages_carry_their_tag() -> None:
    """``type`` tells messages apart, so a switch over it narrows."""
    text = wire_types.generate()
    for tag, cls in wire.SERVER_MESSAGES.items():
        assert f'export interface {cls.__name__} {{\n  readonly type: "{tag}";' in text


def test_kinds() -> None:
    """Defaults are optional when sent and present when received; enums are unions of words."""
    text = wire_types.generate()
    assert "readonly ticket?: string | null;" in text
    assert "readonly reason: string | null;" in text
    assert "readonly ice_servers: readonly IceServer[];" in text
    assert "readonly args: Readonly<Record<string, string>>;" in text
    assert 'export type Verdict = "approved" | "rejected";' in text
    assert text.count("export type CasePhase") == 1
    assert all(f'"{word.value}"' in text for word in phases.CallEnd)
    assert "  CallEnded: CallEnded;" in text
