"""Holds, ends, what is due and erasing, from the command line, on a data folder of its own."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contract.facts import CaseAdvanced, CaseCreated
from contract.ids import CaseId, TenantId, new_case_id
from contract.keeping_facts import HoldSet
from contract.phases import CasePhase
from recordings.erasure import load_certificate
from teller.cli import main
from teller.compose import open_base
from teller.config import Config
from teller.policy import Packs


def teller(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--data", str(folder / "data"), *words])


def _case(folder: Path, phase: CasePhase) -> CaseId:
    case = new_case_id()

    async def tell() -> None:
        async with open_base(Config(data_dir=folder / "data")) as base:
            created = CaseCreated(TenantId("t"), "account", "cn-account-opening", "张三")
            await base.journal.append(case, created)
            await base.journal.append(case, CaseAdvanced(CasePhase.UNDER_AUDIT, phase))

    asyncio.run(tell())
    return case


def _facts(folder: Path, case: CaseId) -> list[str]:
    async def told() -> list[str]:
        async with open_base(Config(data_dir=folder / "data")) as base:
            return [type(entry.fact).__name__ for entry in await base.journal.read(case)]

    return asyncio.run(told())


def test_a_record_is_held_let_go_and_erased_when_it_is_due(tmp_path: Path) -> None:
    """Every refusal has its word; the certificate is printed, and only what is due goes."""
    case = _case(tmp_path, CasePhase.APPROVED)
    told = teller(tmp_path, "retention", case, "--json")
    assert json.loads(told.stdout)["due_at"] is None
    assert "not_due" in teller(tmp_path, "erase", case, "--reason", "asked for").stderr

    assert teller(tmp_path, "hold", case, "--reason", "suit", "--by", "counsel").stdout.startswith("held")
    assert _facts(tmp_path, case)[-1] == HoldSet.__name__
    assert "held" in teller(tmp_path, "erase", case, "--reason", "asked for").stderr
    told = teller(tmp_path, "ended", case, "relationship", "--on", "2010-01-31")
    # Templates are kept for no time from the verdict, which was today: the maximum is today.
    assert f"opened, due {datetime.now(UTC):%Y-%m-%d}, HELD" in told.stdout
    assert "identity_data: 120 months from end_of_relationship, 2020-01-31" in told.stdout

    assert teller(tmp_path, "hold", case, "--reason", "over", "--lift").stdout == "not held\n"
    # The dispute's own rule counts from the lifting, two years of the pack.
    assert f"due {datetime.now(UTC).year + 2}" in teller(tmp_path, "retention", case).stdout
    assert "not_due" in teller(tmp_path, "erase", case, "--reason", "asked for").stderr


def test_what_is_due_is_listed_and_goes_when_told_to(tmp_path: Path) -> None:
    """Listing deletes nothing; applying leaves a signed certificate and nobody's name."""
    case, other = _case(tmp_path, CasePhase.APPROVED), _case(tmp_path, CasePhase.APPROVED)
    assert teller(tmp_path, "ended", case, "relationship", "--on", "2010-01-31").exit_code == 0
    assert teller(tmp_path, "retention").stdout.startswith(f"{case}: opened, due ")
    told = teller(tmp_path, "retention", "--apply")
    assert f"{case}: erased" in told.stdout
    assert other not in told.stdout
    assert teller(tmp_path, "retention").stdout == ""

    sound = teller(tmp_path, "verify", case)
    assert (sound.exit_code, "certificate sound" in sound.stdout) == (0, True)
    paper = tmp_path / "erased.json"
    paper.write_text(teller(tmp_path, "erase", case, "--reason", "x").stdout.strip())
    key = tmp_path / "bank.pem"
    key.write_text(teller(tmp_path, "key").stdout)
    assert teller(tmp_path, "verify", str(paper), "--key", str(key)).exit_code == 0
    written = paper.read_text()
    paper.write_text(written.replace(case, new_case_id()))
    assert paper.read_text() != written
    wrong = teller(tmp_path, "verify", str(paper))
    assert (wrong.exit_code, "signature_wrong" in wrong.stdout) == (1, True)

    certificate, _ = load_certificate(
        teller(tmp_path, "erase", case, "--reason", "x").stdout.strip().encode()
    )
    assert certificate.case == case
    assert (certificate.by, certificate.encrypted) == ("teller retention", False)
    assert [rule.what for rule in certificate.rules] == ["identity_data", "recording", "face_template"]
    assert "not_found" in teller(tmp_path, "erase", new_case_id(), "--reason", "x").stderr
    traces = [p for p in tmp_path.rglob("*") if p.is_file() and case.encode() in p.read_bytes()]
    assert all("张三".encode() not in p.read_bytes() or other.encode() in p.read_bytes() for p in traces)


@pytest.mark.parametrize("name", ["cn-account-opening", "gone-since"])
def test_a_case_keeps_the_rules_of_its_own_pack(name: str) -> None:
    """And gets the configured one's when its own no longer comes along."""
    packs = Packs("cn-account-opening")
    assert packs.of(name) is packs.of(name)
    assert packs.of(name).name == "cn-account-opening"
