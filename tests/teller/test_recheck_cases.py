"""``teller recheck`` on a data folder of its own: one case, many, archived ones, and how it ends."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import teller.recheck_cases
from contract.facts import AgentDecided, ArchiveVerified, CaseAdvanced, CaseCreated, Entry
from contract.ids import AccountId, CaseId, EvidenceId, TenantId, new_case_id, new_evidence_id
from contract.phases import CasePhase, CheckVerdict, EvidenceKind, Outcome
from contract.ports import ImageFinding
from recordings.evidence import FileEvidence
from recordings.manifest import MANIFEST, ManifestFile, dump_manifest, make_manifest, manifest_sha256
from recordings.spool import sha256_of
from teller.cli import main
from teller.compose import Base, open_base
from teller.config import Config
from tests.teller.test_recheck import FACES, Judges

PASSED, FAILED = CheckVerdict.PASSED, CheckVerdict.FAILED
TENANT = TenantId("tenant-0000000000000000")
PICTURE = ImageFinding("image/jpeg", 10, 10, 1.0)


class NoCards:
    """A pack that names nothing."""

    demo_only = False

    def card(self, task: object) -> None:
        return None

    def used(self, *tasks: object) -> tuple[()]:
        return ()


class StandIn(Judges):
    """The model process: faces are alike or not as ``verdict`` says, those on a picture ``other`` never."""

    pack = NoCards()

    async def __aenter__(self) -> "StandIn":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def match_faces(self, card: bytes, still: bytes) -> Any:
        stranger = Judges(FAILED, "model-2", 0.1)
        return await (stranger if still == b"other" else self.judge()).match_faces(card, still)

    def judge(self) -> Judges:
        return Judges(self.verdict, self.sha256, self.score)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    made = StandIn(PASSED)
    monkeypatch.setattr(teller.recheck_cases, "Engine", lambda pack: made)
    monkeypatch.setattr(teller.recheck_cases, "configured_pack", lambda config: made.pack)
    return made


def recheck(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["--data", str(folder), "recheck", *words])


async def _compared(base: Base, case: CaseId, still: bytes, phase: CasePhase) -> tuple[EvidenceId, Entry]:
    evidence = FileEvidence(base.spool, base.journal)
    await base.journal.append(case, CaseCreated(TENANT, "account", "cn-account-opening", "张三"))
    await base.journal.append(case, CaseAdvanced(CasePhase.CREATED, phase))
    card, face = new_evidence_id(), new_evidence_id()
    await evidence.store(case, card, EvidenceKind.ID_CARD, b"card", PICTURE, "phone")
    await evidence.store(case, face, EvidenceKind.FACE_STILL, still, PICTURE, "phone")
    compared = {name: getattr(FACES, name) for name in FACES.__slots__} | {"card": card, "still": face}
    await base.journal.append(case, type(FACES)(**compared))
    last = await base.journal.append(case, AgentDecided(AccountId("acct-a"), Outcome.PASSED, "", ""))
    return face, last


async def _archived(base: Base, case: CaseId, last: Entry) -> None:
    """Put the case's files, its journal and its manifest into the archive."""
    folder = base.spool.case_dir(case)
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.jpg")]
    files = tuple(ManifestFile(name, *sha256_of(folder / name)) for name in names)
    content = dump_manifest(make_manifest(TENANT, case, 1.0, last, files))
    (folder / MANIFEST).write_bytes(content)
    journal = base.config.data_dir / "journal" / f"{case}.jsonl"
    (folder / "journal.jsonl").write_bytes(journal.read_bytes())
    for name in (*names, MANIFEST, "journal.jsonl"):
        await base.archive.put(f"{TENANT}/{case}/{name}", folder / name)
    await base.journal.append(case, ArchiveVerified(manifest_sha256(content), len(files), 1))


def made(
    folder: Path, still: bytes = b"still", phase: CasePhase = CasePhase.APPROVED, *, archived: bool = False
) -> tuple[CaseId, EvidenceId]:
    case = new_case_id()

    async def write() -> EvidenceId:
        async with open_base(Config(data_dir=folder)) as base:
            face, last = await _compared(base, case, still, phase)
            if archived:
                await _archived(base, case, last)
            return face

    return case, asyncio.run(write())


def test_one_case_and_how_it_ends(tmp_path: Path, engine: StandIn) -> None:
    """0 as it was, 1 otherwise, 3 altered; the record has no entry more than before."""
    case, face = made(tmp_path)
    journal = tmp_path / "journal" / f"{case}.jsonl"
    before = journal.read_bytes()
    told = recheck(tmp_path, case)
    assert (told.exit_code, "would still pass" in told.stdout) == (0, True)
    engine.verdict = FAILED
    told = recheck(tmp_path, case, "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["rescored"][0]["outlook"] == "would_now_fail"
    (tmp_path / "spool" / case / "evidence" / f"{face}.jpg").write_bytes(b"another")
    told = recheck(tmp_path, case)
    assert (told.exit_code, "EVIDENCE ALTERED: evidence_altered" in told.stdout) == (3, True)
    assert journal.read_bytes() == before
    assert recheck(tmp_path, "case-0000000000000000").exit_code == 1


@pytest.mark.parametrize("words", [(), ("--all", "case-1"), ("--since", "2026-01-01", "case-1")])
def test_what_is_meant_must_be_said(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Nothing, or a case and all of them, is a wrong command line."""
    assert recheck(tmp_path, *words).exit_code == 2


def test_many_cases_go_through_whatever_becomes_of_one(tmp_path: Path, engine: StandIn) -> None:
    """Those that are over, each with its word; a broken one is told and counted, and the next is done."""
    good = [made(tmp_path)[0] for _ in range(3)]
    worse, _ = made(tmp_path, b"other")
    going_on, _ = made(tmp_path, phase=CasePhase.IN_CALL)
    broken = sorted(good)[0]
    journal = tmp_path / "journal" / f"{broken}.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole.replace(b'"passed"', b'"failed"', 1))
    told = recheck(tmp_path, "--all")
    assert told.exit_code == 1
    assert f"{broken}: FAILED: journal_damaged" in told.stdout
    assert f"{worse}: faces would now fail" in told.stdout
    assert going_on not in told.stdout
    assert told.stdout.endswith(
        "4 cases: 1 would no longer pass, 0 otherwise different, 2 as they were, 0 altered, 0 erased, "
        "1 failed\n"
    )
    assert "4 of 4" in told.stderr

    journal.write_bytes(whole)
    lines = [
        json.loads(line) for line in recheck(tmp_path, "--since", "2026-01-01", "--json").stdout.splitlines()
    ]
    assert {line["case"] for line in lines[:-1]} == {*good, worse}
    assert lines[-1]["summary"]["pass_no_more"] == 1
    assert recheck(tmp_path, "--since", "2999-01-01").stdout.startswith("0 cases")
    two = recheck(tmp_path, good[0], good[1])
    assert (two.exit_code, two.stdout.startswith("2 cases: 0 would")) == (0, True)


def _tampered(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"!")


@pytest.mark.parametrize("quick", [False, True])
def test_what_lies_in_the_archive_is_verified_first(tmp_path: Path, engine: StandIn, quick: bool) -> None:
    """A byte of it altered is found; quickly only where it is scored."""
    case, face = made(tmp_path, archived=True)
    words = (case, "--quick") if quick else (case,)
    assert recheck(tmp_path, *words).exit_code == 0
    (tmp_path / "spool" / case / "evidence" / f"{face}.jpg").unlink()
    assert recheck(tmp_path, *words).exit_code == 0
    (stored,) = (tmp_path / "archive" / TENANT / case).rglob(f"{face}*")
    stored.chmod(0o600)
    _tampered(stored)
    told = recheck(tmp_path, *words)
    assert told.exit_code == 3
    assert "EVIDENCE ALTERED: archive_altered" in told.stdout
    assert ("the record is NOT sound: archive_altered" in told.stdout) is not quick
    (stored.parent.parent / "manifest.json").unlink()
    assert "NOT sound: manifest_missing" in recheck(tmp_path, case, "--quick").stdout


def test_a_journal_that_was_written_anew_is_found(tmp_path: Path, engine: StandIn) -> None:
    """Its chain holds, but it is not the one that the archive has."""
    case, _ = made(tmp_path, archived=True)
    journal = tmp_path / "journal" / f"{case}.jsonl"
    journal.unlink()

    async def again() -> None:
        async with open_base(Config(data_dir=tmp_path)) as base:
            _, last = await _compared(base, case, b"still", CasePhase.APPROVED)
            await base.journal.append(case, ArchiveVerified("0" * 64, 2, 1))
            assert last.seq == 6

    asyncio.run(again())
    told = recheck(tmp_path, case, "--quick")
    assert (told.exit_code, "journal_rewritten" in told.stdout) == (3, True)
