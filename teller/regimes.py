"""``teller regimes``: one case held against regimes, clause by clause, and the regimes that there are."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final, Literal

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contract.errors import NotFound
from contract.facts import CaseCreated
from contract.ids import CaseId
from teller.compose import open_base
from teller.config import Config
from teller.policy import Packs, retention_rules
from teller.policy_parts import Title
from teller.regime import Regime, all_regimes, load_regime
from teller.regime_checks import Held, Pointer, State, hold, is_met

Language = Literal["en", "zh-CN"]

MET, NOT_MET = 0, 1
"""How ``teller regimes`` ends."""

_STATES: Final = {
    State.MET: "met",
    State.NOT_MET: "NOT MET",
    State.NOT_APPLICABLE: "not applicable",
    State.NOT_HELD: "not held by the service",
}


def list_regimes(console: Console, language: Language, *, as_json: bool) -> int:
    """Print the regimes that come along; return 0. Raises ConfigError."""
    regimes = all_regimes()
    if as_json:
        click.echo(json.dumps([_head(one) for one in regimes], ensure_ascii=False, indent=2))
        return MET
    table = Table("id", "title", "clauses", "checked", "document", box=None)
    for one in regimes:
        checked = sum(clause.check is not None for clause in one.clauses)
        title = escape(_said(one.title, language))
        table.add_row(one.id, title, str(len(one.clauses)), str(checked), escape(one.document))
    console.print(table)
    return MET


async def hold_case(
    config: Config, case: str, names: Sequence[str], console: Console, language: Language, *, as_json: bool
) -> int:
    """Print how each clause of the named regimes, or of all that come along, stands in a case.

    Retention is that of the case's policy as it is today, of the configured one where that is not here.
    Return MET when nothing that can be checked is not met. Raises ConfigError; NotFound: there is no such
    case, or ``erased``.
    """
    regimes = tuple(map(load_regime, names)) if names else all_regimes()
    async with open_base(config) as base:
        kept = await base.database.keepings.keeping(CaseId(case))
        if kept is not None and kept.erased_at is not None:
            raise NotFound("the record was erased", code="erased")
        await base.database.cases.case(CaseId(case))
        entries = await base.journal.read(CaseId(case))
    policy = next((entry.fact.policy for entry in entries if isinstance(entry.fact, CaseCreated)), "")
    pack = await asyncio.to_thread(lambda: Packs(config.policy.pack).of(policy))
    held = [(regime, hold(regime, entries, retention_rules(pack))) for regime in regimes]
    if as_json:
        told = {
            "case": case,
            "policy": policy,
            "retention_of": pack.name,
            "regimes": [_json(*one) for one in held],
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        if pack.name != policy:
            console.print(f"the policy {policy} is not here: retention is held by {pack.name}", markup=False)
        for regime, clauses in held:
            _print(console, regime, clauses, language)
    return MET if all(is_met(clauses) for _, clauses in held) else NOT_MET


def _print(console: Console, regime: Regime, clauses: Sequence[Held], language: Language) -> None:
    ids = "clause ids are ours" if regime.ids == "ours" else "clause ids are the document's"
    console.print(escape(f"{_said(regime.title, language)} ({regime.id}; {ids})"), style="bold")
    table = Table("clause", "demand", "stands", "shown by", box=None)
    for one in clauses:
        words = _STATES[one.state] + (f": {one.why}" if one.why and one.clause.left_to is None else "")
        left_to = one.clause.left_to
        shown = _said(left_to, language) if left_to else ", ".join(map(_pointer, one.shown))
        table.add_row(one.clause.id, escape(_said(one.clause.text, language)), words, escape(shown))
    console.print(table)
    counted = (f"{sum(one.state is state for one in clauses)} {word}" for state, word in _STATES.items())
    console.print(", ".join(counted), highlight=False, soft_wrap=True)


def _pointer(shown: Pointer) -> str:
    return f"{shown.seq} {shown.name}" + (f" {shown.file}" if shown.file else "")


def _said(title: Title, language: Language) -> str:
    return title.en if language == "en" else title.zh_cn


def _head(regime: Regime) -> dict[str, Any]:
    return regime.model_dump(mode="json", by_alias=True, exclude={"clauses"}) | {
        "clauses": len(regime.clauses),
        "checked": sum(clause.check is not None for clause in regime.clauses),
    }


def _json(regime: Regime, clauses: Sequence[Held]) -> dict[str, Any]:
    return regime.model_dump(mode="json", by_alias=True, exclude={"clauses"}) | {
        "met": is_met(clauses),
        "clauses": [
            one.clause.model_dump(mode="json", by_alias=True, exclude_none=True)
            | {"state": one.state.value, "why": one.why}
            | {"shown": [{"seq": p.seq, "name": p.name, "file": p.file} for p in one.shown]}
            for one in clauses
        ],
    }
