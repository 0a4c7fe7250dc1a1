"""Regimes as files, and ``teller regimes`` on a data folder of its own."""

import asyncio
import json
from pathlib import Path
from typing import Any, get_args

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from click.testing import CliRunner, Result

from contract.fact import Fact
from contract.facts import (
    AgentDecided,
    AuditSigned,
    CaseAdvanced,
    CaseCreated,
    EvidenceStored,
    IdNumberChecked,
    PartyJoined,
)
from contract.ids import AccountId, CallId, CaseId, CheckId, EvidenceId, SeatId, TenantId, new_case_id
from contract.phases import CasePhase, CheckVerdict, EvidenceKind, Outcome, Role, Verdict
from teller import regime
from teller.cli import main
from teller.compose import open_base
from teller.config import Config, ConfigError
from teller.policy import load_policy
from teller.policy_identity import Check as TheCheck
from teller.regime import Check, SourcesAsked, StepSettled, all_regimes, load_regime, schema
from teller.regime_checks import _CHECKS

FILES = sorted(regime.FOLDER.glob("*.yaml"))
AGENT = AccountId("acct-a")
CREATED = CaseCreated(TenantId("tenant-1"), "account", "cn-account-opening", "张三")
# What is met: the number, the person who confirms, the retention of the policy.
FACTS: tuple[Fact, ...] = (
    CREATED,
    PartyJoined(CallId("call-1"), SeatId("seat-a"), Role.AGENT, "王", AGENT),
    IdNumberChecked(CheckId("check-n"), "1", CheckVerdict.PASSED, (), "", "", AGENT),
    EvidenceStored(
        EvidenceId("ev-1"),
        EvidenceKind.ID_CARD,
        "evidence/ev-1.jpg",
        "image/jpeg",
        "0",
        1,
        1,
        1,
        1.0,
        "phone",
    ),
    AgentDecided(AGENT, Outcome.PASSED, "", ""),
    AuditSigned(AccountId("acct-b"), Verdict.APPROVED, "", "0"),
    CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.APPROVED),
)


def teller(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--data", str(folder), "regimes", *words])


def made(folder: Path, facts: tuple[Fact, ...] = FACTS) -> CaseId:
    case = new_case_id()

    async def tell() -> None:
        async with open_base(Config(data_dir=folder)) as base:
            for fact in facts:
                await base.journal.append(case, fact)

    asyncio.run(tell())
    return case


# --- the files ---


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_regime_loads_under_its_id_and_fits_the_schema(file: Path) -> None:
    """Each clause says how far its source was verified; each step and outside source is one that there is."""
    found = load_regime(file.stem)
    assert found.id == file.stem
    kept = json.loads((regime.FOLDER / "schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), kept)
    marks = "[V]", "[S]", "[M]"
    assert [one.id for one in found.clauses if not any(mark in one.source for mark in marks)] == []
    steps = {step.id for step in load_policy(Config().policy.pack).steps}
    assert {one.check.step for one in found.clauses if isinstance(one.check, StepSettled)} <= steps
    services = [one.check.services for one in found.clauses if isinstance(one.check, SourcesAsked)]
    assert {f"external_{name}" for names in services for name in names} <= {*TheCheck}


def test_the_schema_is_that_of_the_program() -> None:
    assert (regime.FOLDER / "schema.json").read_text(encoding="utf-8") == schema()


def test_every_check_is_judged_and_named_once() -> None:
    kinds = [get_args(one.model_fields["kind"].annotation)[0] for one in get_args(Check)]
    assert set(_CHECKS) == set(get_args(Check))
    assert len(set(kinds)) == len(kinds)


def edited(folder: Path, **more: Any) -> str:
    data = yaml.safe_load(FILES[0].read_text(encoding="utf-8")) | more
    file = folder / "bank.yaml"
    file.write_text(json.dumps(data), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        ({"kind": "film", "lost_s": 1}, "lost_s: Extra inputs"),
        ({"kind": "guessed"}, "does not match any of the expected tags"),
        ({"kind": "retention", "months": 0, "from": "verdict"}, "months: Input should be greater"),
    ],
)
def test_what_is_doubtful_is_refused(tmp_path: Path, check: dict[str, Any], text: str) -> None:
    clause = {"id": "1", "text": {"zh-CN": "甲", "en": "a"}, "source": "ours", "check": check}
    for clauses, told in (([clause], text), ([], "clauses: Tuple should have at least 1 item")):
        with pytest.raises(ConfigError) as caught:
            load_regime(edited(tmp_path, clauses=clauses))
        assert told in "\n".join(caught.value.lines)
    with pytest.raises(ConfigError, match="clauses names 1 twice"):
        twice = clause | {"check": {"kind": "film"}}
        load_regime(edited(tmp_path, clauses=[twice, twice]))
    with pytest.raises(ConfigError):
        load_regime("no-such-regime")


# --- the command ---


def test_one_case_against_one_regime(tmp_path: Path) -> None:
    """0 when what can be checked is met; what people see to stands there as theirs."""
    case = made(tmp_path)
    told = teller(tmp_path, case, "--regime", "cn-traceable-sales", "--json")
    assert told.exit_code == 0
    (found,) = json.loads(told.stdout)["regimes"]
    states = {clause["id"]: (clause["state"], clause["why"]) for clause in found["clauses"]}
    assert found["met"]
    assert states["sale-recorded"] == ("not_applicable", "other_purpose")
    assert states["biometrics-consent"] == ("not_applicable", "nothing_taken")
    assert states["secrecy"] == ("not_held_by_the_service", "left_to_people")
    (number,) = (clause for clause in found["clauses"] if clause["id"] == "identity-number")
    assert number["shown"] == [{"seq": 3, "name": "IdNumberChecked", "file": ""}]
    assert number["text"]["zh-CN"] == "公民身份号码校验正确。"

    wrong = made(tmp_path, (*FACTS, IdNumberChecked(
        CheckId("check-n"), "1", CheckVerdict.FAILED, ("checksum",), "", "", AGENT
    )))  # fmt: skip
    told = teller(tmp_path, wrong, "--regime", "cn-traceable-sales")
    assert told.exit_code == 1
    assert "NOT MET: number_wrong" in told.stdout
    assert "8 IdNumberChecked" in told.stdout


def test_one_case_against_several_regimes(tmp_path: Path) -> None:
    """All that come along unless some are named; a file of the bank's own is one too."""
    case = made(tmp_path)
    told = teller(tmp_path, case)
    assert told.exit_code == 1
    assert all(f"({one.id}; clause ids are ours)" in told.stdout for one in all_regimes())
    assert "4 EvidenceStored" not in told.stdout
    assert "NOT MET: no_face_still" in told.stdout
    pictures = {"kind": "pictures", "kinds": ["id_card"]}
    clause = {"id": "§ 1", "text": {"zh-CN": "甲", "en": "a picture"}, "source": "ours", "check": pictures}
    own = edited(tmp_path, id="our-bank", ids="document", clauses=[clause | {"id": "1.2"}])
    words = ("--regime", own, "--regime", "cn-traceable-sales", "--language", "zh-CN")
    told = teller(tmp_path, case, *words)
    assert told.exit_code == 0
    assert "4 EvidenceStored evidence/ev-1.jpg" in told.stdout
    assert "(our-bank; clause ids are the document's)" in told.stdout
    assert "由机构在纠纷期间设置保全" in told.stdout


def test_a_policy_that_is_not_here_is_told(tmp_path: Path) -> None:
    elsewhere = CaseCreated(TenantId("tenant-1"), "account", "another-pack", "张三")
    told = teller(tmp_path, made(tmp_path, (elsewhere, *FACTS[1:])), "--regime", "cn-traceable-sales")
    assert "the policy another-pack is not here" in told.stdout


def test_which_regimes_there_are(tmp_path: Path) -> None:
    told = teller(tmp_path, "--list")
    assert told.exit_code == 0
    assert [one.id in told.stdout for one in all_regimes()] == [True] * len(FILES)
    listed = json.loads(teller(tmp_path, "--list", "--json").stdout)
    assert [one["clauses"] for one in listed] == [len(one.clauses) for one in all_regimes()]


@pytest.mark.parametrize("words", [(), ("--list", "case-1")])
def test_what_is_meant_must_be_said(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert teller(tmp_path, *words).exit_code == 2


def test_a_case_or_regime_that_there_is_not(tmp_path: Path) -> None:
    """One line on standard error, and no report."""
    told = teller(tmp_path, "case-0000000000000000")
    assert (told.exit_code, told.stdout) == (1, "")
    told = teller(tmp_path, made(tmp_path), "--regime", "no-such-regime")
    assert (told.exit_code, told.stdout) == (ConfigError.exit_code, "")
    assert "no-such-regime" in told.stderr
