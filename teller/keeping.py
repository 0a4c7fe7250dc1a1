"""What the command line does about keeping: holds, ends, what is due, and erasing."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from contract.ids import CaseId
from contract.keeping_facts import HoldLifted, HoldSet, RelationEnded
from contract.phases import Relation
from recordings.keeper import Keeper, Standing
from teller.compose import make_keeper, open_base
from teller.config import Config

# As many as one sweep of the server looks at.
_LISTED = 10_000


async def hold_case(config: Config, case: str, by: str, reason: str, *, lift: bool) -> int:
    """Journal that the record is held, or no longer, and tell the archive; return 0.

    Raises:
        NotFound: there is no such case.
        StorageError: the archive does not answer; the hold stands all the same, and is told it later.
    """
    async with open_base(config) as base:
        keeper = await asyncio.to_thread(make_keeper, base)
        found = (await base.database.cases.case(CaseId(case))).case
        await base.journal.append(found, (HoldLifted if lift else HoldSet)(None, by, reason))
        row = await keeper.settle(found)
    click.echo("held: nobody can delete the record" if row.held else "not held")
    return 0


async def end_relation(config: Config, case: str, relation: Relation, on: datetime, by: str) -> int:
    """Journal since when what the case began is over, and print what follows; return 0."""
    async with open_base(config) as base:
        keeper = await asyncio.to_thread(make_keeper, base)
        found = (await base.database.cases.case(CaseId(case))).case
        ended_at = on.replace(tzinfo=UTC).timestamp()
        await base.journal.append(found, RelationEnded(relation, ended_at, by))
        await keeper.settle(found)
        click.echo(_told(found, await keeper.standing(found)))
    return 0


async def show_retention(config: Config, cases: Sequence[str], *, apply: bool, as_json: bool) -> int:
    """Print what is due, or the rules that keep ``cases``; with ``apply`` erase what is due; return 0."""
    async with open_base(config) as base:
        keeper = await asyncio.to_thread(make_keeper, base)
        await keeper.settle_all()
        due = await base.database.keepings.due(base.clock.now(), _LISTED)
        for case in map(CaseId, cases) if cases else (row.case for row in due):
            standing = await keeper.standing(case)
            click.echo(_json(case, standing) if as_json else _told(case, standing))
            if apply and not cases:
                await _erase(keeper, case, "teller retention", "retention has ended")
    return 0


async def erase_case(config: Config, case: str, by: str, reason: str) -> int:
    """Erase a case whose retention has ended, and print the certificate; return 0.

    Raises:
        NotFound: there is no such case.
        WrongPhase: ``held`` or ``not_due``.
    """
    async with open_base(config) as base:
        keeper = await asyncio.to_thread(make_keeper, base)
        click.echo((await keeper.erase(CaseId(case), by, reason)).decode())
    return 0


async def _erase(keeper: Keeper, case: CaseId, by: str, reason: str) -> None:
    await keeper.erase(case, by, reason)
    click.echo(f"{case}: erased")


def _told(case: CaseId, standing: Standing) -> str:
    rules = [f"  {one.what}: {one.months} months from {one.since}, {_day(one.until)}"
             for one in standing.retention.applied]  # fmt: skip
    held = ", HELD" if standing.subject.held else ""
    head = f"{case}: {standing.subject.fate}, due {_day(standing.retention.due_at)}{held}"
    return "\n".join([head, *(rules or ["  no rule applies"])])


def _json(case: CaseId, standing: Standing) -> str:
    rules = [
        {"what": one.what, "months": one.months, "from": one.since.value, "until": one.until}
        for one in standing.retention.applied
    ]
    told = {
        "case": case, "fate": standing.subject.fate.value, "held": standing.subject.held,
        "due_at": standing.retention.due_at, "rules": rules,
    }  # fmt: skip
    return json.dumps(told, ensure_ascii=False)


def _day(at: float | None) -> str:
    return "not known" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
