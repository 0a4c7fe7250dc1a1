"""The command ``teller``; what concerns records is in :mod:`teller.cli_records`."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from teller.cli_call import Call, console, guarded, run
from teller.cli_records import COMMANDS
from teller.config import sample

_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="video-teller", prog_name="teller")
@click.option("-c", "--config", "config_file", type=click.Path(path_type=Path), help="TOML file to read.")
@click.option("--data", type=click.Path(path_type=Path), help="Data directory (data_dir).")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="One setting, such as http.port=443.")
@click.pass_context
def main(context: click.Context, config_file: Path | None, data: Path | None, sets: tuple[str, ...]) -> None:
    """Video Teller 视频柜员: face-to-face banking over video, on the bank's own machines."""
    context.obj = Call(config_file, data, sets)


for _command in COMMANDS:
    main.add_command(_command)


# For children: to end with the process of this id, or with whoever is the parent when none is given.
_with_parent = click.option(
    "--with-parent", "parent", type=int, is_flag=False, flag_value=0, default=None, hidden=True
)


@main.command()
@_with_parent
@click.pass_obj
@guarded
def serve(call: Call, parent: int | None) -> int | None:
    """Run the service until it is told to stop."""
    from teller.serve import serve as run_server  # noqa: PLC0415 - other commands need no media stack

    return run(run_server(call.load(), call.arguments(), parent=parent))


@main.command()
@_with_parent
@click.pass_obj
@guarded
def worker(call: Call, parent: int | None) -> int | None:
    """Merge and archive recordings. ``serve`` runs one; start more for more."""
    from teller.worker import work  # noqa: PLC0415

    return run(work(call.load(), parent=parent))


@main.command("media-worker", hidden=True)
@click.option("--number", type=int, required=True)
@click.option("--link", type=int, required=True)
@_with_parent
@click.pass_obj
@guarded
def media_worker(call: Call, number: int, link: int, parent: int | None) -> int | None:
    """Own calls; ``serve`` starts as many as it needs."""
    from teller.media_worker import own_calls  # noqa: PLC0415

    return run(own_calls(call.load(), number, link, parent=parent))


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
@guarded
def demo(call: Call, auto: str | None, port: int, http_port: int) -> int | None:
    """Run the service with demo data and print the links."""
    from teller.demo.run import run_demo  # noqa: PLC0415

    return run(run_demo(call.load(), call.arguments(), auto, (port, http_port), console()))


@main.command()
@click.pass_obj
@guarded
def doctor(call: Call) -> int | None:
    """Try what the service needs and say what is wrong."""
    from teller.doctor import examine  # noqa: PLC0415

    return run(examine(call.load(), console()))


@main.command("config")
@click.option("--sample", "as_sample", is_flag=True, help="Print a file with every key and its default.")
@click.pass_obj
@guarded
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
@guarded
def list_models(call: Call) -> int | None:
    """Show each model's licence, source and place, and the pack in use."""
    from teller.models import print_models  # noqa: PLC0415

    return print_models(call.load(), console())


@models.command("pull")
@click.argument("names", nargs=-1, metavar="[FILE]...")
@click.option("--from", "mirror", default="", metavar="URL", help="Mirror with the files by their names.")
@click.pass_obj
@guarded
def pull_models(call: Call, names: tuple[str, ...], mirror: str) -> int | None:
    """Fetch the open pack's files, or the named ones; resumed when begun, hashes checked."""
    from teller.models import fetch_models  # noqa: PLC0415

    return fetch_models(call.load(), names, mirror, console())


@models.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_obj
@guarded
def import_models(call: Call, folder: Path) -> int | None:
    """Copy model files from FOLDER, hashes checked, for machines without a way out."""
    from teller.models import take_models  # noqa: PLC0415

    return take_models(call.load(), folder, console())


@models.command("verify")
@click.pass_obj
@guarded
def verify_models(call: Call) -> int | None:
    """Hash every model file that is here and compare."""
    from teller.models import verify_models as verify  # noqa: PLC0415

    return verify(call.load(), console())


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
    return measure(call.load(), wanted, console())


_by = click.option("--by", default="unknown", show_default=True, help="Who measured, for the card.")


@bench.command("match")
@_measuring
@click.option("--fmr", type=float, default=1e-4, show_default=True, help="Strangers accepted at most.")
@click.option("--review-fmr", type=float, default=5e-3, show_default=True, help="Not refused at most.")
@click.option("--seed", type=int, default=1, show_default=True, help="Draws pairs when there are too many.")
@_by
@click.pass_obj
@guarded
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
@guarded
def bench_pad(
    call: Call, dataset: Path, out: Path | None, apcer: float, review_apcer: float, by: str
) -> int | None:
    """Count how often passive liveness takes attacks for people, and people for attacks."""
    return _measure(call, "pad", dataset, out, accept=apcer, review=review_apcer, by=by)


@bench.command("ocr")
@_measuring
@click.pass_obj
@guarded
def bench_ocr(call: Call, dataset: Path, out: Path | None) -> int | None:
    """Count the fields of documents that are read exactly."""
    return _measure(call, "ocr", dataset, out)


@bench.command("speed")
@_measuring
@click.pass_obj
@guarded
def bench_speed(call: Call, dataset: Path, out: Path | None) -> int | None:
    """Time each step beside the plain library calls on the same pictures."""
    return _measure(call, "speed", dataset, out)


@bench.command("sample")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=1, show_default=True)
@guarded
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
@guarded
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
    return run(add_person(call.load(), login, name, role, tenant, password, routing, number))


@account.command("list")
@click.pass_obj
@guarded
def list_accounts(call: Call) -> int | None:
    """Show who can log in: login, role, number, name, bank."""
    from teller.people import print_people  # noqa: PLC0415

    return run(print_people(call.load()))


@account.command("number")
@click.argument("login")
@click.argument("number", default="")
@click.pass_obj
@guarded
def set_number(call: Call, login: str, number: str) -> int | None:
    """Replace the staff NUMBER of LOGIN that customers are told; left out, there is none.

    It counts from the next time that the console connects.
    """
    from teller.people import renumber  # noqa: PLC0415

    return run(renumber(call.load(), login, number))


@account.command("routing")
@click.argument("login")
@_routing
@click.pass_obj
@guarded
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
    return run(route(call.load(), login, routing))


@main.group()
def tenant() -> None:
    """The banks and branches."""


@tenant.command("add")
@click.argument("code")
@click.argument("name")
@click.option("--walk-in", is_flag=True, help="Customers may come without a link.")
@click.pass_obj
@guarded
def add_tenant(call: Call, code: str, name: str, walk_in: bool) -> int | None:
    """Add a bank or branch; CODE stands in its links."""
    from teller.people import add_bank  # noqa: PLC0415

    return run(add_bank(call.load(), code, name, walk_in))
