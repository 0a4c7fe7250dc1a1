"""The command line: what it prints, and the code it ends with."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from contract.errors import TellerError
from contract.ids import new_call_id, new_case_id
from contract.ports import Account
from store import Database
from teller import people
from teller.cli import main
from teller.config import Config, load
from teller.demo import run
from tests.recordings.encoded import MovedClock
from tests.recordings.small_record import small_record

ROOT = Path(__file__).resolve().parents[2]


def teller(folder: Path, *words: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TELLER_")}
    return subprocess.run(
        [sys.executable, "-m", "teller", "--data", str(folder / "data"), *words],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=folder,
        env=environment | {"COLUMNS": "200"},
    )


def at_once(folder: Path, *words: str) -> Result:
    """Run a command in this process: an interpreter of its own takes seconds to start."""
    return CliRunner().invoke(main, ["--data", str(folder / "data"), *words])


def test_help_names_every_command(tmp_path: Path) -> None:
    """--help lists the commands with a line each."""
    told = teller(tmp_path, "--help")

    assert told.returncode == 0
    for command in (
        "serve", "worker", "demo", "verify", "doctor", "config", "models", "bench", "account", "tenant",
    ):  # fmt: skip
        assert re.search(rf"^  {command} +\S", told.stdout, re.MULTILINE), command


def test_the_sample_is_a_configuration(tmp_path: Path) -> None:
    """What config --sample prints can be used as it is."""
    sample = tmp_path / "teller.toml"
    sample.write_text(teller(tmp_path, "config", "--sample").stdout)

    assert tomllib.loads(sample.read_text())["http"]["port"] == 8443
    told = teller(tmp_path, "--config", str(sample), "config")
    assert told.returncode == 0
    assert json.loads(told.stdout)["http"]["port"] == 8443


@pytest.mark.parametrize("setting", ["http.prot=1", "http.port=ninety", "nothing"])
def test_a_bad_setting_is_named_and_ends_with_2(tmp_path: Path, setting: str) -> None:
    """One line says which setting is wrong; no traceback."""
    told = teller(tmp_path, "--set", setting, "config")

    assert told.returncode == 2
    assert setting.split("=", maxsplit=1)[0] in told.stderr
    assert "Traceback" not in told.stderr


def test_people_are_added_once(tmp_path: Path) -> None:
    """A tenant and an account can be added; short passwords and doubles are refused in words."""
    assert at_once(tmp_path, "tenant", "add", "hz", "海州银行", "--walk-in").exit_code == 0
    assert "code_taken" in at_once(tmp_path, "tenant", "add", "hz", "Other").stderr
    words = ("account", "add", "anna", "--name", "Anna", "--role", "agent", "--tenant", "hz", "--password")
    assert "short_password" in at_once(tmp_path, *words, "short").stderr
    assert at_once(tmp_path, *words, "long enough to be good").exit_code == 0
    assert "login_taken" in at_once(tmp_path, *words, "long enough to be good").stderr
    assert "not_found" in at_once(tmp_path, *words[:-2], "nowhere", "--password", "long enough too").stderr


async def _account(folder: Path, login: str) -> Account:
    async with Database(f"sqlite+aiosqlite:///{folder}/data/teller.db") as database:
        account = await database.accounts.account_by_login(login)
    assert account is not None
    return account


def test_routing_is_given_and_replaced(tmp_path: Path) -> None:
    """Skills, languages and training come with an account or later; a training lasts its last day."""
    at_once(tmp_path, "tenant", "add", "hz", "海州银行")
    words = ("account", "add", "anna", "--name", "Anna", "--role", "agent", "--tenant", "hz")
    given = ("--skill", "loans", "--skill", "存款", "--language", "zh-CN", "--trained-until", "2027-06-30")
    assert at_once(tmp_path, *words, *given, "--password", "long enough to be good").exit_code == 0
    anna = asyncio.run(_account(tmp_path, "anna"))
    assert (anna.skills, anna.languages) == (("loans", "存款"), ("zh-CN",))
    # Midnight in the bank's zone, Asia/Shanghai.
    assert anna.trained_until == datetime(2027, 6, 30, 16, tzinfo=UTC).timestamp()
    told = at_once(tmp_path, "account", "routing", "Anna", "--language", "en")
    assert told.exit_code == 0
    assert "skills none; languages en; trained until without end" in told.stdout
    anna = asyncio.run(_account(tmp_path, "anna"))
    assert (anna.skills, anna.languages, anna.trained_until) == ((), ("en",), None)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("nobody",), "not_found"),
        (("anna", "--language", "Chinese!"), "bad_language"),
        (("anna", "--skill", " "), "bad_skill"),
        (("anna", "--skill", "x" * 65), "bad_skill"),
        (("anna", "--trained-until", "tomorrow"), "tomorrow"),
    ],
)
def test_routing_that_makes_no_sense_is_refused(tmp_path: Path, words: tuple[str, ...], named: str) -> None:
    """In words, without a traceback."""
    told = at_once(tmp_path, "account", "routing", *words)
    assert told.exit_code != 0
    assert named in told.stderr
    assert "Traceback" not in told.stderr


def test_verify_of_nothing_says_so(tmp_path: Path) -> None:
    """An unknown case and a folder without a record are told apart from an intact one."""
    assert at_once(tmp_path, "verify", "case-0000000000000000").exit_code == 1
    assert "neither a file or folder nor a case id" in at_once(tmp_path, "verify", "nonsense").stderr
    empty = tmp_path / "case-0000000000000000"
    empty.mkdir()
    told = at_once(tmp_path, "verify", str(empty))
    assert told.exit_code == 1
    assert "manifest_missing" in told.stdout


def test_models_tell_their_source_and_refuse_others(tmp_path: Path) -> None:
    """models list says where the open files come from; import refuses a folder without them."""
    told = at_once(tmp_path, "models", "list")

    assert told.exit_code == 0
    assert "in use: base" in told.stdout
    assert "github" in told.stdout
    refused = at_once(tmp_path, "models", "import", str(tmp_path))
    assert refused.exit_code == 1
    assert "face_detection_yunet_2023mar.onnx" in refused.stderr


@pytest.mark.server
def test_doctor_makes_a_call(tmp_path: Path) -> None:
    """Every check has a line, picture and sound go through, and the code is 0 on a healthy machine."""
    settings = ("--set", "http.port=0", "--set", "http.local_port=-1", "--set", "kyc.production=false")
    told = teller(tmp_path, *settings, "doctor")

    assert told.returncode == 0, told.stdout
    for name in ("disk", "ports", "certificate", "database", "archive", "models", "call"):
        assert re.search(rf"^. {name} ", told.stdout, re.MULTILINE), told.stdout
    assert "picture and sound arrived" in told.stdout


@pytest.mark.server
def test_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    """An archive that cannot be written is named and the code is 1."""
    (tmp_path / "file").write_text("in the way")
    told = teller(tmp_path, "--set", f"archive.path={tmp_path / 'file' / 'archive'}", "doctor")

    assert told.returncode == 1
    assert re.search(r"^✗ archive ", told.stdout, re.MULTILINE), told.stdout


@pytest.mark.server
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("auto", "word"), [("match", "approved"), ("mismatch", "rejected")])
def test_the_scripted_demo_ends_well(tmp_path: Path, auto: str, word: str) -> None:
    """demo --auto plays the case, prints what was measured, and ends with 0, also for a mismatch."""
    words = ("demo", f"--auto={auto}", "--port", "0", "--http-port", "0")
    told = teller(tmp_path, *words, seconds=200)

    assert told.returncode == 0, told.stdout + told.stderr
    assert "Traceback" not in told.stdout + told.stderr
    case = re.search(r"^case +(case-[0-9a-z]{16})$", told.stdout, re.MULTILINE)
    merged = re.search(r"^merged file +(\S+)$", told.stdout, re.MULTILINE)
    assert case
    assert merged
    assert Path(merged[1]).read_bytes()[4:8] == b"ftyp"
    for measured in (
        rf"outcome +{word} ",
        r"tap to first remote frame +\d+\.\d\d s",
        r"face score +-?\d\.\d{3} ",
        r"merge speed +\d+\.\d × real time",
        r"gaps in the recording +\d+\.\d\d s",
    ):
        assert re.search(measured, told.stdout), (measured, told.stdout)
    _export_and_verify(tmp_path, case[1])


def test_verify_names_the_line_of_a_damaged_journal(tmp_path: Path) -> None:
    """For people and for machines: the first fact that is not as it was."""
    record = asyncio.run(small_record(tmp_path, new_case_id(), new_call_id(), MovedClock()))
    journal = record / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert at_once(tmp_path, "verify", str(record)).stdout.splitlines()[-1] == "intact"

    journal.write_bytes(b"".join(lines[:2] + lines[3:]))
    told = at_once(tmp_path, "verify", str(record))
    assert told.exit_code == 1
    assert "problem: journal_damaged, line 3" in told.stdout.splitlines()
    assert "problem: head_not_in_journal" in told.stdout.splitlines()
    assert json.loads(at_once(tmp_path, "verify", str(record), "--json").stdout)["damaged_line"] == 3


def _export_and_verify(folder: Path, case: str) -> None:
    """The record leaves the archive in one file that holds by itself; whoever touches it is found."""
    bundle, key = folder / "bundle.tar", folder / "bank.pem"
    key.write_text(at_once(folder, "key").stdout)
    told = at_once(folder, "export", case, str(bundle), "--reason", "court order", "--by", "Anna")
    assert told.exit_code == 0, told.output
    assert "exists" in at_once(folder, "export", case, str(bundle), "--reason", "again").stderr
    # Whoever verifies has none of this service's data.
    elsewhere = folder / "elsewhere"
    told = at_once(elsewhere, "verify", str(bundle), "--key", str(key))
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (0, "intact"), told.output
    with tarfile.open(bundle) as tar:
        sizes = {Path(member.name).name: member.size for member in tar}
    assert min(sizes["merged.mp4"], sizes["export.mp4"]) > 50_000
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    told = at_once(elsewhere, "verify", str(bundle))
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (1, "NOT intact"), told.output
    journal = (folder / "data" / "journal" / f"{case}.jsonl").read_text("utf-8")
    assert '"name":"RecordExported"' in journal
    assert "court order" in journal


def test_models_for_demos_stop_the_start(tmp_path: Path) -> None:
    """Without the open pack a service for real customers does not come up, and says what to do."""
    told = teller(tmp_path, "--set", "http.port=0", "--set", "http.local_port=0", "serve")

    assert told.returncode == 2
    assert "kyc: the pack base is for demonstrations" in told.stderr
    assert "teller models pull" in told.stderr
    assert "Traceback" not in told.stderr


def test_hours_that_nobody_can_read_stop_the_start(tmp_path: Path) -> None:
    """The desk would be closed, or open, when nobody expects it: the line says which part is wrong."""
    (tmp_path / "teller.toml").write_text(
        '[desk]\nhours = "Mon-Fri 9 to 5"\n[http]\nport = 0\nlocal_port = 0\n'
    )
    told = teller(tmp_path, "--config", str(tmp_path / "teller.toml"), "serve")

    assert told.returncode == 2
    assert "desk: opening hours" in told.stderr


def test_numbers_are_given_listed_and_nobody_elses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A number comes with an account or later, stands in the list, and is one person's at a bank."""
    # In this process: each command of its own would start an interpreter.
    config = load(None, {"data_dir": str(tmp_path / "data")})
    config.data_dir.mkdir()

    def add(login: str, tenant: str, number: str = "") -> str:
        person = (login, login.title(), "agent", tenant, "long enough to be good", people.Routing())
        return refused(people.add_person(config, *person, number))

    def refused(work: Coroutine[Any, Any, int]) -> str:
        try:
            return "" if asyncio.run(work) == 0 else "?"
        except TellerError as error:
            return error.code

    for code in ("hz", "nb"):
        asyncio.run(people.add_bank(config, code, code.upper(), walk_in=False))
    assert [add("anna", "hz", "8001"), add("ben", "hz", "8001"), add("ben", "hz", "8001!")] == [
        "", "number_taken", "bad_number"
    ]  # fmt: skip
    assert [add("ben", "hz"), add("carl", "nb", "8001")] == ["", ""]
    assert refused(people.renumber(config, "ben", "8001")) == "number_taken"
    assert refused(people.renumber(config, "nobody", "1")) == "not_found"
    assert [refused(people.renumber(config, *who)) for who in (("BEN", "8002"), ("anna", ""))] == ["", ""]
    capsys.readouterr()
    listed = at_once(tmp_path, "account", "list").stdout.splitlines()
    assert sorted(line.split("\t")[:3] for line in listed) == [
        ["anna", "agent", "-"], ["ben", "agent", "8002"], ["carl", "agent", "8001"]
    ]  # fmt: skip
    assert "number 8003" in at_once(tmp_path, "account", "number", "ben", "8003").stdout


def test_links_of_the_demo_are_whole_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redirected output has no width: each link and the data's place stand in one line."""

    async def shown(config: Config, _: tuple[str, ...], __: str | None, ___: object, console: Console) -> int:
        run.print_doors(console, config, run.Server((), "http://127.0.0.1:8080", 8443))
        return 0

    monkeypatch.setattr(run, "run_demo", shown)
    monkeypatch.setattr(run, "lan_addresses", lambda: ["198.51.100.254"])
    folder = tmp_path / ("a" * 100)
    lines = at_once(folder, "demo").output.splitlines()
    assert (
        "On a phone in the same network (accept the self-made certificate): "
        "https://198.51.100.254:8443/c/?b=demo" in lines
    )
    assert f"Data lies in {folder / 'data'}. Ctrl-C stops." in lines
