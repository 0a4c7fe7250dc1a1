"""The commands of ``teller`` about records: verified, taken along, kept, erased and looked at again."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click

from teller.cli_call import Call, console, guarded, run


@click.command()
@click.argument("what")
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The bank's public key, PEM: every signature must be by it.",
)
@click.option(
    "--tsa-ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Roots of the time authority, PEM: the record must bear its timestamp.",
)
@click.option("--sealed", is_flag=True, help="For a case id: compare what lies in the archive, without keys.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
@guarded
def verify(
    call: Call, what: str, key: Path | None, tsa_ca: Path | None, sealed: bool, as_json: bool
) -> int | None:
    """Check a record: every file's SHA-256, the journal's chain, the manifest, the signatures.

    WHAT is a bundle that `teller export` wrote, a folder that holds a manifest.json, a certificate of
    deletion, or a case id in the configured archive. Files and folders need no server and no configuration.
    """
    from teller.checks import verify_record  # noqa: PLC0415

    return run(verify_record(call.load(), what, key, as_json, sealed=sealed, tsa_ca=tsa_ca))


_by_whom = click.option(
    "--by", default=getpass.getuser, show_default="who is logged in", help="Who asks for it."
)


@click.command()
@click.argument("case")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--reason", required=True, help="Why the record leaves the archive; it is journaled.")
@_by_whom
@click.pass_obj
@guarded
def export(call: Call, case: str, out: Path, reason: str, by: str) -> int | None:
    """Write the whole record of CASE into the new tar file OUT, signed.

    Anyone can check it with `teller verify OUT`, without the server. Its export.mp4 shows who, when and why.
    """
    from teller.export import export_case  # noqa: PLC0415

    return run(export_case(call.load(), case, out, by, reason))


@click.command()
@click.argument("case")
@click.option("--reason", required=True, help="Why; it is journaled. Name no customer in it.")
@click.option("--lift", is_flag=True, help="The dispute is over.")
@_by_whom
@click.pass_obj
@guarded
def hold(call: Call, case: str, reason: str, lift: bool, by: str) -> int | None:
    """Hold the record of CASE: nobody deletes it, whatever its retention, until the hold is lifted."""
    from teller.keeping import hold_case  # noqa: PLC0415

    return run(hold_case(call.load(), case, by, reason, lift=lift))


@click.command()
@click.argument("case")
@click.argument("what", type=click.Choice(["relationship", "product"]))
@click.option("--on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Since when, UTC.")
@_by_whom
@click.pass_obj
@guarded
def ended(call: Call, case: str, what: str, on: datetime, by: str) -> int | None:
    """Say that the relationship or the product which CASE began has ended: retention counts from there."""
    from contract.phases import Relation  # noqa: PLC0415
    from teller.keeping import end_relation  # noqa: PLC0415

    return run(end_relation(call.load(), case, Relation(what), on, by))


@click.command()
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--apply", is_flag=True, help="Erase what is due.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
@guarded
def retention(call: Call, cases: tuple[str, ...], apply: bool, as_json: bool) -> int | None:
    """List the records whose retention has ended, or the rules that keep the given CASEs."""
    from teller.keeping import show_retention  # noqa: PLC0415

    return run(show_retention(call.load(), cases, apply=apply, as_json=as_json))


@click.command()
@click.argument("case")
@click.option("--reason", required=True, help="Why; it stands in the certificate. Name no customer in it.")
@_by_whom
@click.pass_obj
@guarded
def erase(call: Call, case: str, reason: str, by: str) -> int | None:
    """Destroy the key of a record whose retention has ended; print the certificate of deletion."""
    from teller.keeping import erase_case  # noqa: PLC0415

    return run(erase_case(call.load(), case, by, reason))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a bank.")
@click.pass_obj
@guarded
def agreement(call: Call, as_json: bool) -> int | None:
    """Tell how far auditors agree who judged the same cases without sight of each other, by bank."""
    from teller.audits import show_agreement  # noqa: PLC0415

    return run(show_agreement(call.load(), as_json=as_json))


@click.command("key")
@click.pass_obj
@guarded
def show_key(call: Call) -> int | None:
    """Print the public key that records are signed with, for those who verify."""
    from teller.export import show_key as show  # noqa: PLC0415

    return run(show(call.load()))


@click.command()
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--all", "every", is_flag=True, help="All cases that are over, of all tenants.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="All that began on this day or later, UTC.")
@click.option("--quick", is_flag=True, help="Hash only what is scored, not all of each record.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; of many cases one object a line.")
@click.pass_obj
@guarded
def recheck(
    call: Call, cases: tuple[str, ...], every: bool, since: datetime | None, quick: bool, as_json: bool
) -> int | None:
    """Would CASE still pass? Score its stored evidence with today's models and decide it again.

    The record is verified first, and nothing is written to it. Printed are score, threshold and models
    of then beside those of today, and what each check would come to, or why it cannot be scored again.

    Several cases, --all and --since go through one after another; one that fails does not stop the rest.

    Ends with 0 when everything is as it was, 1 when anything turns out otherwise or failed, and 3 when
    something was altered or a decision does not follow from its own facts.
    """
    if bool(cases) == (every or since is not None):
        raise click.UsageError("either CASE, or --all or --since DATE")
    from teller.recheck_cases import recheck_case, recheck_cases  # noqa: PLC0415
    from teller.recheck_told import Told  # noqa: PLC0415

    told, begun = Told(console(), as_json), since.replace(tzinfo=UTC) if since else None
    if len(cases) == 1:
        return run(recheck_case(call.load(), cases[0], told, quick=quick))
    return run(recheck_cases(call.load(), cases, begun, told, quick=quick))


@click.command()
@click.argument("case", default="")
@click.option(
    "--regime", "names", multiple=True, metavar="ID", help="Or a YAML file; repeat for more; else all."
)
@click.option("--list", "as_list", is_flag=True, help="Print which regimes there are.")
@click.option("--language", type=click.Choice(["en", "zh-CN"]), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with both languages.")
@click.pass_obj
@guarded
def regimes(
    call: Call,
    case: str,
    names: tuple[str, ...],
    as_list: bool,
    language: Literal["en", "zh-CN"],
    as_json: bool,
) -> int | None:
    """Hold CASE against regimes: what each clause asks, how it stands, and the facts that show it.

    A clause that no machine can check is listed with whoever sees to it, and not counted as met. It is no
    legal advice. Ends with 0 when every clause that can be checked is met or does not apply, else 1.
    """
    if bool(case) is as_list:
        raise click.UsageError("either CASE or --list")
    from teller.regimes import hold_case, list_regimes  # noqa: PLC0415

    if as_list:
        return list_regimes(console(), language, as_json=as_json)
    return run(hold_case(call.load(), case, names, console(), language, as_json=as_json))


COMMANDS = (verify, export, hold, ended, retention, erase, agreement, show_key, recheck, regimes)
