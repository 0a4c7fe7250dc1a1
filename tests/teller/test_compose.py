"""Opening after a crash: what the journals and the spool say is made good in the database."""

import os
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from contract.facts import (
    GENESIS,
    AuditDrawn,
    AuditSigned,
    CaseAdvanced,
    CaseCreated,
    Fact,
    PartyJoined,
    SegmentSealed,
    seal_entry,
)
from contract.ids import (
    CaseId,
    TenantId,
    new_account_id,
    new_call_id,
    new_case_id,
    new_seat_id,
    new_track_id,
)
from contract.phases import CaseEnd, CasePhase, Role, Verdict
from recordings.journal import FileJournal
from recordings.spool import Spool
from signaling.sampling import lot
from teller.clock import SystemClock
from teller.compose import PROJECTION_S, _recover, auditing, open_base
from teller.config import Config, load
from teller.policy import Packs

TENANT = TenantId("tenant-" + "0" * 16)
CREATED = CaseCreated(TENANT, "open_account", "base", "张三")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load(None, {"data_dir": str(tmp_path / "data")})


def sealed() -> SegmentSealed:
    call, track = new_call_id(), new_track_id()
    return SegmentSealed(call, track, 0, f"{call}/{track}/00000.mkv", "0" * 64, 1, 1, 0.0, 1.0)


async def journaled(config: Config, *facts: Fact, ago_s: float = 0.0) -> CaseId:
    """Write the journal of a new case, as a process that never got at the database would have."""
    case, folder = new_case_id(), config.data_dir / "journal"
    journal = FileJournal(folder, SystemClock())
    for fact in facts:
        await journal.append(case, fact)
    path = folder / f"{case}.jsonl"
    at = path.stat().st_mtime - ago_s
    os.utime(path, (at, at))
    return case


def keep_folder(config: Config, case: CaseId) -> None:
    Spool(config.data_dir / "spool").case_dir(case).mkdir(parents=True)


async def queued(config: Config, case: CaseId) -> list[tuple[str, str]]:
    """Boot, and return kind and state of the case's jobs."""
    async with open_base(config) as base:
        await _recover(base)
        return [(job.kind, job.state) for job in await base.database.jobs.for_case(case)]


ABORTED = (
    CREATED,
    CaseAdvanced(CasePhase.CREATED, CasePhase.PRE_CALL),
    CaseAdvanced(CasePhase.PRE_CALL, CasePhase.QUEUED),
    CaseAdvanced(CasePhase.QUEUED, CasePhase.IN_CALL),
    sealed(),
    CaseAdvanced(CasePhase.IN_CALL, CasePhase.ABORTED, CaseEnd.CALL_FAILED),
)


async def test_an_aborted_case_whose_merge_was_never_queued_is_merged(config: Config) -> None:
    """The server fell between the case's end and the queue: the folder in the spool tells, and once."""
    case = await journaled(config, *ABORTED)
    keep_folder(config, case)

    assert await queued(config, case) == [("merge", "ready")]
    assert await queued(config, case) == [("merge", "ready")]


async def test_a_case_that_was_merged_is_not_merged_again(config: Config) -> None:
    """A folder that stayed behind does not bring a finished job back."""
    case = await journaled(config, *ABORTED)
    keep_folder(config, case)
    await queued(config, case)
    async with open_base(config) as base:
        job = await base.database.jobs.claim("worker", 60.0)
        assert job is not None
        await base.database.jobs.complete(job)

    assert await queued(config, case) == [("merge", "done")]


async def test_a_decided_case_without_media_is_brought_home(config: Config) -> None:
    """AGENT_DONE goes on to the auditors whether or not anything was recorded."""
    done = CaseAdvanced(CasePhase.IN_CALL, CasePhase.AGENT_DONE)
    case = await journaled(config, CREATED, CaseAdvanced(CasePhase.QUEUED, CasePhase.IN_CALL), done)

    assert await queued(config, case) == [("merge", "ready")]


async def test_an_aborted_case_without_media_is_left(config: Config) -> None:
    """There is nothing to merge."""
    facts = [fact for fact in ABORTED if not isinstance(fact, SegmentSealed)]
    case = await journaled(config, *facts)
    keep_folder(config, case)

    assert await queued(config, case) == []


async def test_a_sign_off_that_was_never_archived_is_archived(config: Config) -> None:
    """The server fell between the verdict and the queue: the grown journal is archived."""
    signed = AuditSigned(new_account_id(), Verdict.APPROVED, "", "0" * 64)
    advanced = CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.APPROVED)
    case = await journaled(config, CREATED, signed, advanced)

    assert await queued(config, case) == [("archive_journal", "ready")]
    assert await queued(config, case) == [("archive_journal", "ready")]


async def test_a_case_that_nobody_signs_is_archived_too(config: Config) -> None:
    """The worker fell between the draw and the queue."""
    left_out = CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.APPROVED, CaseEnd.NOT_DRAWN)

    case = await journaled(config, CREATED, left_out)
    assert await queued(config, case) == [("archive_journal", "ready")]


async def test_the_draw_goes_by_the_pack_and_the_desks_calendar(tmp_path: Path) -> None:
    """Share and days are the pack's, the ends of days are the desk's, the lot's key is the house's."""
    desk = {"hours": "Mon-Fri 09:00-18:00", "time_zone": "Asia/Shanghai"}
    config = load(None, {"data_dir": str(tmp_path / "data"), "desk": desk})
    case, done = new_case_id(), CaseAdvanced(CasePhase.IN_CALL, CasePhase.AGENT_DONE)
    entries = [
        seal_entry(seq, float(seq), case, fact, GENESIS) for seq, fact in enumerate((CREATED, done), 1)
    ]
    async with open_base(config) as base:
        draw, advanced = auditing(base, Packs(config.policy.pack))(entries)
        assert isinstance(draw, AuditDrawn)
        assert advanced == CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT)
        assert (draw.share, draw.policy, draw.policy_version) == (1.0, "cn-account-opening", 1)
        assert draw.lot == lot(
            (config.data_dir / "keys" / "audit").read_bytes(), "audit", CREATED, entries[0]
        )
        due = datetime.fromtimestamp(draw.due_at or 0.0, ZoneInfo("Asia/Shanghai"))
        now = datetime.fromtimestamp(base.clock.now(), ZoneInfo("Asia/Shanghai"))
        assert (due.hour, due.minute, due.weekday() < 5) == (18, 0, True)
        assert 1 <= (due.date() - now.date()).days <= 3
    assert (config.data_dir / "keys" / "audit").stat().st_mode & 0o777 == 0o600


async def test_an_open_row_catches_up_with_an_old_journal(config: Config) -> None:
    """A projection that was lost long before other cases went on is made good at the next start."""
    case = await journaled(config, CREATED, CaseAdvanced(CasePhase.CREATED, CasePhase.PRE_CALL))
    async with open_base(config) as base:
        assert (await base.database.cases.case(case)).phase is CasePhase.PRE_CALL
    await FileJournal(config.data_dir / "journal", SystemClock()).append(
        case, CaseAdvanced(CasePhase.PRE_CALL, CasePhase.QUEUED)
    )
    path = config.data_dir / "journal" / f"{case}.jsonl"
    os.utime(path, (0.0, 0.0))
    await journaled(config, CREATED)

    async with open_base(config) as base:
        assert (await base.database.cases.case(case)).phase is CasePhase.QUEUED


async def test_a_case_in_the_spool_catches_up_with_an_old_journal(config: Config) -> None:
    """A case of which the database has never heard is found by its folder."""
    case = await journaled(config, *ABORTED, ago_s=10 * PROJECTION_S)
    keep_folder(config, case)
    await journaled(config, CREATED)

    async with open_base(config) as base:
        assert (await base.database.cases.case(case)).phase is CasePhase.ABORTED


async def test_a_damaged_journal_does_not_keep_the_house_shut(config: Config) -> None:
    """Both processes start; the other cases are projected and recovered; the file is left as it is."""
    bad = await journaled(config, CREATED)
    path = config.data_dir / "journal" / f"{bad}.jsonl"
    path.write_bytes(b"{}\n")
    (config.data_dir / "journal" / "notes.jsonl").write_text("no case")
    keep_folder(config, bad)
    joined = PartyJoined(new_call_id(), new_seat_id(), Role.SYSTEM, "recorder")
    good = await journaled(config, CREATED, joined)
    aborted = await journaled(config, *ABORTED)
    keep_folder(config, aborted)

    assert await queued(config, aborted) == [("merge", "ready")]
    async with open_base(config) as base:
        assert (await base.database.cases.case(good)).tenant == TENANT
    assert path.read_bytes() == b"{}\n"
