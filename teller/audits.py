"""What the command line tells of audits."""

import json
from dataclasses import asdict
from itertools import groupby
from operator import attrgetter

import click

from contract.ids import TenantId
from store import Database
from teller.agreement import PAIRS_MIN, Agreement, agreement
from teller.config import Config


async def show_agreement(config: Config, *, as_json: bool) -> int:
    """Print how far the auditors of each bank agree; return 0."""
    async with Database(config.database_url) as database:
        counts = await database.audits.looks()
        if not counts and not as_json:
            click.echo("no case was looked at twice yet")
        for bank, of_bank in groupby(counts, attrgetter("tenant")):
            found = agreement(of_bank)
            name = (await database.accounts.tenant(TenantId(bank))).name
            told = json.dumps({"bank": name, **asdict(found), "small": found.is_small}, ensure_ascii=False)
            click.echo(told if as_json else f"{name}: {_told(found)}")
    return 0


def _told(found: Agreement) -> str:
    low, high = found.share_bounds
    lines = [f"{found.agreed} of {found.pairs} pairs agree ({low:.1%} to {high:.1%} at 95 %)"]
    if found.kappa is None or found.kappa_bounds is None:
        lines.append("kappa: not defined, all verdicts are the same")
    else:
        lines.append("kappa {:.2f} ({:.2f} to {:.2f} at 95 %)".format(found.kappa, *found.kappa_bounds))
    if found.is_small:
        lines.append(f"fewer than {PAIRS_MIN} pairs: too few to conclude anything")
    return "\n  ".join(lines)
