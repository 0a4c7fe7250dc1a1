"""What the command line asks of records."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography.x509 import Certificate

from contract.codec import dump
from contract.errors import NotFound
from contract.ids import CaseId, is_id
from recordings.bundle import verify_bundle
from recordings.journal import JournalDamaged
from recordings.signature import read_public_key
from recordings.timestamp import read_roots
from recordings.verify import FileVerdict, Report, verify_archive, verify_folder
from recordings.verify_sealed import (
    is_sealed_folder,
    judge_certificate,
    verify_erased_archive,
    verify_sealed_archive,
    verify_sealed_folder,
)
from store import Database
from teller.compose import open_archive, open_sealed_archive
from teller.config import Config


async def verify_record(
    config: Config,
    what: str,
    key: Path | None,
    as_json: bool,
    *,
    sealed: bool = False,
    tsa_ca: Path | None = None,
) -> int:
    """Print the report on a bundle, a folder or a case id; return 0 when everything is as sealed, else 1.

    With ``tsa_ca``, roots in a PEM file, it must bear a timestamp under one of them.
    ``sealed``: look at the archive as it lies there, without the record's key. With ``key``, a public key
    in a PEM file, every signature must be by it, and there must be one.

    Raises:
        NotFound: there is neither such a file or folder nor such a case.
        StorageError: the bundle or the key cannot be read.
    """
    roots = await asyncio.to_thread(read_roots, tsa_ca) if tsa_ca else ()
    report = await _report(config, what, sealed, roots)
    if tsa_ca and report.stamped is None and not sealed:
        report = replace(report, problems=tuple(dict.fromkeys((*report.problems, "timestamp_missing"))))
    if key is not None:
        wanted = await asyncio.to_thread(read_public_key, key)
        if {signature.key for signature in report.signatures} != {wanted}:
            report = replace(report, problems=(*report.problems, "not_signed_by_that_key"))
    if as_json:
        click.echo(json.dumps(dump(report) | {"intact": report.intact}, ensure_ascii=False, indent=2))
    else:
        _print(report)
    return 0 if report.intact else 1


async def _report(config: Config, what: str, sealed: bool, roots: Sequence[Certificate]) -> Report:
    folder = Path(what)
    if await asyncio.to_thread(folder.is_dir):
        if await asyncio.to_thread(is_sealed_folder, folder):
            return await asyncio.to_thread(verify_sealed_folder, folder, _case_of(folder))
        return await asyncio.to_thread(verify_folder, folder, _case_of(folder), None, roots)
    if await asyncio.to_thread(_is_certificate, folder):
        return judge_certificate(None, await asyncio.to_thread(folder.read_bytes), {})
    if await asyncio.to_thread(folder.is_file):
        return (await asyncio.to_thread(verify_bundle, folder, roots))[1]
    if not is_id(what):
        raise NotFound(f"{what} is neither a file or folder nor a case id")
    async with Database(config.database_url) as database:
        kept = await database.keepings.keeping(CaseId(what))
        if kept is not None and kept.erased_at is not None:
            below = await asyncio.to_thread(open_archive, config)
            return await verify_erased_archive(below, kept.tenant, kept.case, kept.certificate.encode())
        case = await database.cases.case(CaseId(what))
        archive = await asyncio.to_thread(open_sealed_archive, config, database)
        if sealed:
            return await verify_sealed_archive(archive.below, case.tenant, case.case)
        return await verify_archive(archive, case.tenant, case.case, roots)


def _case_of(folder: Path) -> CaseId:
    name = folder.resolve().name
    if not is_id(name):
        raise NotFound("the folder of a record is named after its case")
    return CaseId(name)


def _is_certificate(path: Path) -> bool:
    """Tell a certificate of deletion, which is JSON, from a bundle. Blocks."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(1) == b"{"


def _print(report: Report) -> None:
    for file in report.files:
        if file.verdict is not FileVerdict.INTACT:
            click.echo(f"{file.verdict}: {file.path}")
    for problem in report.problems:
        line = f", line {report.damaged_line}" if problem == JournalDamaged.default_code else ""
        click.echo(f"problem: {problem}{line}")
    for signature in report.signatures:
        at = datetime.fromtimestamp(signature.signed_at, UTC).isoformat(timespec="seconds")
        click.echo(f"{signature.file}: signed {at}, {signature.entries} entries, key {signature.key}")
    if report.stamped is not None:
        at = datetime.fromtimestamp(report.stamped.at, UTC).isoformat(timespec="seconds")
        whose = "vouched for by these roots" if report.stamped.trusted else "authority NOT checked: --tsa-ca"
        click.echo(f"timestamp: {at}, {whose}")
    if (erased := report.certificate) is not None:
        at = datetime.fromtimestamp(erased.erased_at, UTC).isoformat(timespec="seconds")
        click.echo(f"{erased.case}: erased {at} by {erased.by}, {erased.reason}")
        click.echo(f"{len(erased.objects)} objects can be read no more, {len(report.files)} still lie there")
        click.echo("certificate sound" if report.intact else "certificate NOT sound")
        return
    click.echo(
        f"{len(report.files)} files, {report.entries} journal entries, manifest {report.manifest_sha256}"
    )
    click.echo("intact" if report.intact else "NOT intact")
