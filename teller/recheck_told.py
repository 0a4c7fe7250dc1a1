"""What ``teller recheck`` prints: for one case a table, for many a line each, or JSON for machines."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contract.ids import CaseId
from teller.recheck import Outlook, Recheck, Rescored, Score

# Who watches no terminal is told now and then.
_TOLD_EVERY = 100
# As much of a hash as tells two models apart.
_HASH_SHOWN = 8


@dataclass(slots=True)
class Totals:
    """What became of many cases. ``pass_no_more`` and ``otherwise`` are of sound records."""

    cases: int = 0
    erased: int = 0
    as_they_were: int = 0
    pass_no_more: int = 0
    otherwise: int = 0
    unsound: int = 0
    failed: int = 0

    def add(self, report: Recheck) -> None:
        """Count a case that was looked at."""
        if not report.sound:
            self.unsound += 1
        elif report.passes_no_more:
            self.pass_no_more += 1
        elif report.same:
            self.as_they_were += 1
        else:
            self.otherwise += 1


@dataclass(frozen=True, slots=True)
class Told:
    """Prints to ``console``; ``as_json``: one object for one case, one a line for many."""

    console: Console
    as_json: bool = False

    def case(self, case: CaseId, report: Recheck) -> None:
        """Print all that there is to say of one case."""
        if self.as_json:
            click.echo(json.dumps(_json(case, report), ensure_ascii=False, indent=2))
            return
        if report.rescored:
            self.console.print(_table(report))
        for line in _lines(report):
            self.console.print(escape(line), highlight=False, soft_wrap=True)

    def one_of_many(self, case: CaseId, report: Recheck) -> None:
        """Print a line of a case; without JSON of those alone that are not as they were."""
        if self.as_json:
            click.echo(json.dumps(_json(case, report), ensure_ascii=False))
        elif not report.same:
            click.echo(f"{case}: {'; '.join(_otherwise(report))}")

    def failed(self, case: CaseId, code: str) -> None:
        """Say that a case could not be looked at."""
        click.echo(json.dumps({"case": case, "error": code}) if self.as_json else f"{case}: FAILED: {code}")

    def progress(self, done: int, of: int) -> None:
        """Say on standard error how far it is."""
        if sys.stderr.isatty():
            click.echo(f"\r{done} of {of}", err=True, nl=done == of)
        elif done == of or done % _TOLD_EVERY == 0:
            click.echo(f"{done} of {of}", err=True)

    def summary(self, totals: Totals) -> None:
        """Print what became of all of them."""
        if self.as_json:
            click.echo(json.dumps({"summary": asdict(totals)}))
            return
        click.echo(
            f"{totals.cases} cases: {totals.pass_no_more} would no longer pass, {totals.otherwise} otherwise "
            f"different, {totals.as_they_were} as they were, {totals.unsound} altered, "
            f"{totals.erased} erased, {totals.failed} failed"
        )


def _json(case: CaseId, report: Recheck) -> dict[str, Any]:
    told = asdict(report)
    for row, one in zip(told["rescored"], report.rescored, strict=True):
        row["outlook"] = one.outlook.value
    flags = {"same": report.same, "sound": report.sound, "passes_no_more": report.passes_no_more}
    return {"case": case, **told, **flags}


def _table(report: Recheck) -> Table:
    head = "check", "id", "then", "models", "now", "models", "today"
    table = Table(*head, box=None)
    for one in report.rescored:
        now = ("-", "-") if one.why else (_score(one.now), _hashes(one.now))
        table.add_row(one.kind, one.check, _score(one.then), _hashes(one.then), *now, _today(one))
    return table


def _score(score: Score) -> str:
    parts = "-" if score.score is None else f"{score.score:.3f}"
    if score.threshold is not None:
        parts += f" of {score.threshold:.3f}"
    if score.verdict is None:
        return " ".join((parts, *score.words))
    return f"{parts} {score.verdict}"


def _hashes(score: Score) -> str:
    return " ".join(sha256[:_HASH_SHOWN] for sha256 in score.model.split()) or "-"


def _today(one: Rescored) -> str:
    words = one.outlook.replace("_", " ")
    if one.outlook is Outlook.ALTERED:
        return f"EVIDENCE ALTERED: {one.why}"
    if one.why:
        return f"{words} because {one.why}"
    return words + "".join(f", {word}" for word in one.now.words if word not in one.then.words)


def _lines(report: Recheck) -> Iterator[str]:
    if not report.rescored:
        yield "no check in this case"
    yield from (f"the record is NOT sound: {problem}" for problem in report.problems)
    if report.then is not None:
        yield f"decision: {report.then} then, {report.now} now ({', '.join(report.reasons)})"
    if report.reproduced is not None:
        yield f"the facts of then give {'the same' if report.reproduced else 'ANOTHER'} decision"
    yield "as it was" if report.same else "NOT as it was"


def _otherwise(report: Recheck) -> Iterator[str]:
    yield from (f"record NOT sound: {problem}" for problem in report.problems)
    if report.reproduced is False:
        yield "decision does NOT follow from its facts"
    if report.then is not report.now:
        yield f"decision {report.then} then, {report.now} now ({', '.join(report.reasons)})"
    yield from (f"{one.kind} {_today(one)}" for one in report.rescored if not one.same)
