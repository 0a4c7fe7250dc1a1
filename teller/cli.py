"""The command ``teller``."""

import asyncio
import getpass
import json
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console

from contract.errors import TellerError
from teller.config import Config, ConfigError, load, sample
from teller.logs import setup_logs

_P = ParamSpec("_P")
_Command = TypeVar("_Command", bound=Callable[..., Any])
# Wider than any line.
_UNBROKEN = 100_000


@dataclass(frozen=True, slots=True)
class Call:
    """What stood before the subcommand."""

    config_file: Path | None
    data: Path | None
    sets: tuple[str, ...]

    def load(self, below: dict[str, Any] | None = None) -> Config:
        """Return the configuration; ``below`` are defaults of the subcommand."""
        overrides = dict(below or {})
        for text in self.sets:
            _put(overrides, text)
        if self.data:
            overrides["data_dir"] = str(self.data)
        config = load(self.config_file, overrides)
        setup_logs(config.log)
        return config

    def arguments(self) -> tuple[str, ...]:
        """Return the same words for a child process."""
        named = ("--config", str(self.config_file)) if self.config_file else ()
        data = ("--data", str(self.data)) if self.data else ()
        return (*named, *data, *(part for text in self.sets for part in ("--set", text)))


def _put(overrides: dict[str, Any], text: str) -> None:
    """Set one ``section.key=value``; the value is JSON, or a plain text when it is not."""
    path, found, value = text.partition("=")
    if not found:
        raise ConfigError((f"--set {text}: section.key=value is wanted",))
    *sections, key = path.split(".")
    for section in sections:
        overrides = overrides.setdefault(section, {})
    try:
        overrides[key] = json.loads(value)
    except ValueError:
        overrides[key] = value


def _console() -> Console:
    """Print for whoever reads: a terminal wraps; names, links and hashes in a file or a pipe stay whole."""
    return Console(width=None if sys.stdout.isatty() else _UNBROKEN)


def _guarded(function: Callable[_P, int | None]) -> Callable[_P, None]:
    """Turn our errors into one line on standard error and an exit code."""

    @wraps(function)
    def wrapper(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            code = function(*args, **kwargs) or 0
        except ConfigError as error:
            for line in error.lines:
                click.echo(line, err=True)
            code = error.exit_code
        except TellerError as error:
            click.echo(f"{error.code}: {error}", err=True)
            code = 1
        except KeyboardInterrupt:
            code = 130
        sys.exit(code)

    return wrapper


def _run(work: Coroutine[Any, Any, int | None]) -> int | None:
    return asyncio.run(work)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="video-teller", prog_name="teller")
@click.option("-c", "--config", "config_file", type=click.Path(path_type=Path), help="TOML file to read.")
@click.option("--data", type=click.Path(path_type=Path), help="Data directory (data_dir).")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="One setting, such as http.port=443.")
@click.pass_context
def main(context: click.Context, config_file: Path | None, data: Path | None, sets: tuple[str, ...]) -> None:
    """Video Teller 视频柜员: face-to-face banking over video, on the bank's own machines."""
    context.obj = Call(config_file, data, sets)


# For children: to end with the process of this id, or with whoever is the parent when none is given.
_with_parent = click.option(
    "--with-parent", "parent", type=int, is_flag=False, flag_value=0, default=None, hidden=True
)


@main.command()
@_with_parent
@click.pass_obj
@_guarded
def serve(call: Call, parent: int | None) -> int | None:
    """Run the service until it is told to stop."""
    from teller.serve import serve as run_server  # noqa: PLC0415 - other commands need no media stack

    return _run(run_server(call.load(), call.arguments(), parent=parent))


@main.command()
@_with_parent
@click.pass_obj
@_guarded
def worker(call: Call, parent: int | None) -> int | None:
    """Merge and archive recordings. ``serve`` runs one; start more for more."""
    from teller.worker import work  # noqa: PLC0415

    return _run(work(call.load(), parent=parent))


@main.command("media-worker", hidden=True)
@click.option("--number", type=int, required=True)
@click.option("--link", type=int, required=True)
@_with_parent
@click.pass_obj
@_guarded
def media_worker(call: Call, number: int, link: int, parent: int | None) -> int | None:
    """Own calls; ``serve`` starts as many as it needs."""
    from teller.media_worker import own_calls  # noqa: PLC0415

    return _run(own_calls(call.load(), number, link, parent=parent))


@main.command()
@click.option(
    "--auto",
    is_flag=False,
    flag_value="match",
    type=click.Choice(["match", "mismatch"]),
    help="Play one scripted case and end; mismatch: with another person's face on the card.",
)
@click.option("--port", type=int, default=8443, show_default=True, help="HTTPS port for the local network.")
@click.option("--http-port", type=int, default=8080, show_default=True, help="HTTP port on this machine.")
@click.pass_obj
@_guarded
def demo(call: Call, auto: str | None, port: int, http_port: int) -> int | None:
    """Run the service with demo data and print the links."""
    from teller.demo.run import run_demo  # noqa: PLC0415

    return _run(run_demo(call.load(), call.arguments(), auto, (port, http_port), _console()))


@main.command()
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
@_guarded
def verify(
    call: Call, what: str, key: Path | None, tsa_ca: Path | None, sealed: bool, as_json: bool
) -> int | None:
    """Check a record: every file's SHA-256, the journal's chain, the manifest, the signatures.

    WHAT is a bundle that `teller export` wrote, a folder that holds a manifest.json, a certificate of
    deletion, or a case id in the configured archive. Files and folders need no server and no configuration.
    """
    from teller.checks import verify_record  # noqa: PLC0415

    return _run(verify_record(call.load(), what, key, as_json, sealed=sealed, tsa_ca=tsa_ca))


_by_whom = click.option(
    "--by", default=getpass.getuser, show_default="who is logged in", help="Who asks for it."
)


@main.command()
@click.argument("case")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--reason", required=True, help="Why the record leaves the archive; it is journaled.")
@_by_whom
@click.pass_obj
@_guarded
def export(call: Call, case: str, out: Path, reason: str, by: str) -> int | None:
    """Write the whole record of CASE into the new tar file OUT, signed.

    Anyone can check it with `teller verify OUT`, without the server. Its export.mp4 shows who, when and why.
    """
    from teller.export import export_case  # noqa: PLC0415

    return _run(export_case(call.load(), case, out, by, reason))


@main.command()
@click.argument("case")
@click.option("--reason", required=True, help="Why; it is journaled. Name no customer in it.")
@click.option("--lift", is_flag=True, help="The dispute is over.")
@_by_whom
@click.pass_obj
@_guarded
def hold(call: Call, case: str, reason: str, lift: bool, by: str) -> int | None:
    """Hold the record of CASE: nobody deletes it, whatever its retention, until the hold is lifted."""
    from teller.keeping import hold_case  # noqa: PLC0415

    return _run(hold_case(call.load(), case, by, reason, lift=lift))


@main.command()
@click.argument("case")
@click.argument("what", type=click.Choice(["relationship", "product"]))
@click.option("--on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Since when, UTC.")
@_by_whom
@click.pass_obj
@_guarded
def ended(call: Call, case: str, what: str, on: datetime, by: str) -> int | None:
    """Say that the relationship or the product which CASE began has ended: retention counts from there."""
    from contract.phases import Relation  # noqa: PLC0415
    from teller.keeping import end_relation  # noqa: PLC0415

    return _run(end_relation(call.load(), case, Relation(what), on, by))


@main.command()
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--apply", is_flag=True, help="Erase what is due.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
@_guarded
def retention(call: Call, cases: tuple[str, ...], apply: bool, as_json: bool) -> int | None:
    """List the records whose retention has ended, or the rules that keep the given CASEs."""
    from teller.keeping import show_retention  # noqa: PLC0415

    return _run(show_retention(call.load(), cases, apply=apply, as_json=as_json))


@main.command()
@click.argument("case")
@click.option("--reason", required=True, help="Why; it stands in the certificate. Name no customer in it.")
@_by_whom
@click.pass_obj
@_guarded
def erase(call: Call, case: str, reason: str, by: str) -> int | None:
    """Destroy the key of a record whose retention has ended; print the certificate of deletion."""
    from teller.keeping import erase_case  # noqa: PLC0415

    return _run(erase_case(call.load(), case, by, reason))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a bank.")
@click.pass_obj
@_guarded
def agreement(call: Call, as_json: bool) -> int | None:
    """Tell how far auditors agree who judged the same cases without sight of each other, by bank."""
    from teller.audits import show_agreement  # noqa: PLC0415

    return _run(show_agreement(call.load(), as_json=as_json))


@main.command("key")
@click.pass_obj
@_guarded
def show_key(call: Call) -> int | None:
    """Print the public key that records are signed with, for those who verify."""
    from teller.export import show_key as show  # noqa: PLC0415

    return _run(show(call.load()))


@main.command()
@click.argument("cases", nargs=-1, metavar="[CASE]...")
@click.option("--all", "every", is_flag=True, help="All cases that are over, of all tenants.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="All that began on this day or later, UTC.")
@click.option("--quick", is_flag=True, help="Hash only what is scored, not all of each record.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; of many cases one object a line.")
@click.pass_obj
@_guarded
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

    told, begun = Told(_console(), as_json), since.replace(tzinfo=UTC) if since else None
    if len(cases) == 1:
        return _run(recheck_case(call.load(), cases[0], told, quick=quick))
    return _run(recheck_cases(call.load(), cases, begun, told, quick=quick))


@main.command()
@click.pass_obj
@_guarded
def doctor(call: Call) -> int | None:
    """Try what the service needs and say what is wrong."""
    from teller.doctor import examine  # noqa: PLC0415

    return _run(examine(call.load(), _console()))


@main.command("config")
@click.option("--sample", "as_sample", is_flag=True, help="Print a file with every key and its default.")
@click.pass_obj
@_guarded
def show_config(call: Call, as_sample: bool) -> None:
    """Check the configuration, or print a sample."""
    if as_sample:
        click.echo(sample())
        return
    config = call.load()
    click.echo(json.dumps(config.model_dump(mode="json"), indent=2, ensure_ascii=False))


@main.group()
def models() -> None:
    """The models of the identity checks."""


@models.command("list")
@click.pass_obj
@_guarded
def list_models(call: Call) -> int | None:
    """Show each model's licence, source and place, and the pack in use."""
    from teller.models import print_models  # noqa: PLC0415

    return print_models(call.load(), _console())


@models.command("pull")
@click.argument("names", nargs=-1, metavar="[FILE]...")
@click.option("--from", "mirror", default="", metavar="URL", help="Mirror with the files by their names.")
@click.pass_obj
@_guarded
def pull_models(call: Call, names: tuple[str, ...], mirror: str) -> int | None:
    """Fetch the open pack's files, or the named ones; resumed when begun, hashes checked."""
    from teller.models import fetch_models  # noqa: PLC0415

    return fetch_models(call.load(), names, mirror, _console())


@models.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_obj
@_guarded
def import_models(call: Call, folder: Path) -> int | None:
    """Copy model files from FOLDER, hashes checked, for machines without a way out."""
    from teller.models import take_models  # noqa: PLC0415

    return take_models(call.load(), folder, _console())


@models.command("verify")
@click.pass_obj
@_guarded
def verify_models(call: Call) -> int | None:
    """Hash every model file that is here and compare."""
    from teller.models import verify_models as verify  # noqa: PLC0415

    return verify(call.load(), _console())


@main.group()
def bench() -> None:
    """Measure the models on a folder of pictures (docs/bench.md): error rates, calibration card, speed."""


def _measuring(command: _Command) -> _Command:
    """Add what every measurement needs."""
    options = (
        click.argument("dataset", type=click.Path(exists=True, file_okay=False, path_type=Path)),
        click.option(
            "--out", type=click.Path(path_type=Path), help="Folder for the report; bench-WHAT here."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _measure(call: Call, what: str, dataset: Path, out: Path | None, **more: Any) -> int | None:
    from teller.bench import Measurement, measure  # noqa: PLC0415

    wanted = Measurement(what, dataset, out or Path(f"bench-{what}"), **more)
    return measure(call.load(), wanted, _console())


_by = click.option("--by", default="unknown", show_default=True, help="Who measured, for the card.")


@bench.command("match")
@_measuring
@click.option("--fmr", type=float, default=1e-4, show_default=True, help="Strangers accepted at most.")
@click.option("--review-fmr", type=float, default=5e-3, show_default=True, help="Not refused at most.")
@click.option("--seed", type=int, default=1, show_default=True, help="Draws pairs when there are too many.")
@_by
@click.pass_obj
@_guarded
def bench_match(
    call: Call, dataset: Path, out: Path | None, fmr: float, review_fmr: float, seed: int, by: str
) -> int | None:
    """Count how often recognition takes strangers for one person, and people for strangers."""
    return _measure(call, "match", dataset, out, accept=fmr, review=review_fmr, by=by, seed=seed)


@bench.command("pad")
@_measuring
@click.option("--apcer", type=float, default=0.05, show_default=True, help="Attacks accepted at most.")
@click.option("--review-apcer", type=float, default=0.2, show_default=True, help="Not refused at most.")
@_by
@click.pass_obj
@_guarded
def bench_pad(
    call: Call, dataset: Path, out: Path | None, apcer: float, review_apcer: float, by: str
) -> int | None:
    """Count how often passive liveness takes attacks for people, and people for attacks."""
    return _measure(call, "pad", dataset, out, accept=apcer, review=review_apcer, by=by)


@bench.command("ocr")
@_measuring
@click.pass_obj
@_guarded
def bench_ocr(call: Call, dataset: Path, out: Path | None) -> int | None:
    """Count the fields of documents that are read exactly."""
    return _measure(call, "ocr", dataset, out)


@bench.command("speed")
@_measuring
@click.pass_obj
@_guarded
def bench_speed(call: Call, dataset: Path, out: Path | None) -> int | None:
    """Time each step beside the plain library calls on the same pictures."""
    return _measure(call, "speed", dataset, out)


@bench.command("sample")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=1, show_default=True)
@_guarded
def write_sample(folder: Path, seed: int) -> None:
    """Write small data sets of the documented shape into FOLDER, to try the others on."""
    from teller.demo.sets import write_sets  # noqa: PLC0415

    for path in write_sets(folder, seed):
        click.echo(path)


@main.group()
def account() -> None:
    """The people who work here."""


def _routing(command: _Command) -> _Command:
    """Add the options that say which customers are routed to an account."""
    options = (
        click.option("--skill", "skills", multiple=True, help="What customers may need; repeat for more."),
        click.option(
            "--language", "languages", multiple=True, help="Such as zh-CN or en; none means every language."
        ),
        click.option(
            "--trained-until",
            type=click.DateTime(["%Y-%m-%d"]),
            help="Last day on which customers are routed there; none means always.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@account.command("add")
@click.argument("login")
@click.option("--name", required=True, help="As customers and auditors see it.")
@click.option("--role", type=click.Choice(["agent", "supervisor", "auditor", "admin"]), required=True)
@click.option("--tenant", required=True, help="Code of the bank or branch.")
@click.option("--number", default="", help="Staff number that customers are told, such as 8001.")
@_routing
@click.password_option(help="Asked for when not given.")
@click.pass_obj
@_guarded
def add_account(
    call: Call,
    login: str,
    name: str,
    role: str,
    tenant: str,
    number: str,
    skills: tuple[str, ...],
    languages: tuple[str, ...],
    trained_until: datetime | None,
    password: str,
) -> int | None:
    """Add somebody who can log in."""
    from teller.people import Routing, add_person  # noqa: PLC0415

    routing = Routing(skills, languages, trained_until.date() if trained_until else None)
    return _run(add_person(call.load(), login, name, role, tenant, password, routing, number))


@account.command("list")
@click.pass_obj
@_guarded
def list_accounts(call: Call) -> int | None:
    """Show who can log in: login, role, number, name, bank."""
    from teller.people import print_people  # noqa: PLC0415

    return _run(print_people(call.load()))


@account.command("number")
@click.argument("login")
@click.argument("number", default="")
@click.pass_obj
@_guarded
def set_number(call: Call, login: str, number: str) -> int | None:
    """Replace the staff NUMBER of LOGIN that customers are told; left out, there is none.

    It counts from the next time that the console connects.
    """
    from teller.people import renumber  # noqa: PLC0415

    return _run(renumber(call.load(), login, number))


@account.command("routing")
@click.argument("login")
@_routing
@click.pass_obj
@_guarded
def set_routing(
    call: Call,
    login: str,
    skills: tuple[str, ...],
    languages: tuple[str, ...],
    trained_until: datetime | None,
) -> int | None:
    """Replace skills, languages and the end of the training of LOGIN; what is not given is taken away.

    It counts from the next time that the console connects.
    """
    from teller.people import Routing, route  # noqa: PLC0415

    routing = Routing(skills, languages, trained_until.date() if trained_until else None)
    return _run(route(call.load(), login, routing))


@main.group()
def tenant() -> None:
    """The banks and branches."""


@tenant.command("add")
@click.argument("code")
@click.argument("name")
@click.option("--walk-in", is_flag=True, help="Customers may come without a link.")
@click.pass_obj
@_guarded
def add_tenant(call: Call, code: str, name: str, walk_in: bool) -> int | None:
    """Add a bank or branch; CODE stands in its links."""
    from teller.people import add_bank  # noqa: PLC0415

    return _run(add_bank(call.load(), code, name, walk_in))
