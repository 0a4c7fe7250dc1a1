"""What the command line asks of records."""

import asyncio
import json
from pathlib import Path

import click

from contract.codec import dump
from contract.errors import NotFound
from contract.ids import CaseId, is_id
from recordings.verify import FileVerdict, Report, verify_archive, verify_folder
from store import Database
from teller.compose import open_archive
from teller.config import Config


async def verify_record(config: Config, what: str, as_json: bool) -> int:
    """Print the report on a case id or a folder; return 0 when everything is as sealed, else 1.

    Raises:
        NotFound: there is neither such a folder nor such a case.
    """
    report = await _report(config, what)
    if as_json:
        click.echo(json.dumps(dump(report) | {"intact": report.intact}, ensure_ascii=False, indent=2))
    else:
        _print(report)
    return 0 if report.intact else 1


async def _report(config: Config, what: str) -> Report:
    folder = Path(what)
    if await asyncio.to_thread(folder.is_dir):
        return await asyncio.to_thread(verify_folder, folder, _case_of(folder))
    if not is_id(what):
        raise NotFound(f"{what} is neither a folder nor a case id")
    async with Database(config.database_url) as database:
        case = await database.cases.case(CaseId(what))
    return await verify_archive(open_archive(config), case.tenant, case.case)


def _case_of(folder: Path) -> CaseId:
    name = folder.resolve().name
    if not is_id(name):
        raise NotFound("the folder of a record is named after its case")
    return CaseId(name)


def _print(report: Report) -> None:
    for file in report.files:
        if file.verdict is not FileVerdict.INTACT:
            click.echo(f"{file.verdict}: {file.path}")
    for problem in report.problems:
        click.echo(f"problem: {problem}")
    click.echo(
        f"{len(report.files)} files, {report.entries} journal entries, manifest {report.manifest_sha256}"
    )
    click.echo("intact" if report.intact else "NOT intact")
