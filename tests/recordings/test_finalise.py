"""After a crash: almost everything that was recorded is kept, and the journal says what happened."""

import asyncio
import itertools
import random
from pathlib import Path

import pytest

from contract.errors import StorageError
from contract.facts import (
    AgentDecided,
    CallAdvanced,
    CallEnded,
    CaseAdvanced,
    CaseRecovered,
    Entry,
    Fact,
    RecordingStarted,
    RecordingStopped,
    SegmentSealed,
)
from contract.identity_facts import SelfCheckStarted
from contract.ids import (
    CallId,
    CaseId,
    TrackId,
    new_account_id,
    new_call_id,
    new_case_id,
    new_check_id,
    new_evidence_id,
    new_track_id,
)
from contract.phases import CallEnd, CallPhase, CaseEnd, CasePhase, EvidenceKind, Outcome
from contract.ports import ImageFinding, TrackInfo
from recordings.evidence import FileEvidence
from recordings.finalise import Recovery, recover, seal_call
from recordings.journal import FileJournal
from recordings.recorder import Recorder
from recordings.segment_writer import SegmentWriter
from recordings.segments import dump_head, read_frames, read_tracks
from recordings.spool import Spool, create_synced, make_dirs, sha256_of
from tests.recordings.encoded import BASE, START, MovedClock, frames_of, seal, track_info
from tests.recordings.killed import reached, record_until_killed, record_until_power_cut
from tests.recordings.packets import feed

# What the whole product promises to lose at most, in seconds of any track.
PROMISED_S = 5.0


def last(entries: tuple[Entry, ...], kind: type[Fact]) -> Fact:
    return [entry.fact for entry in entries if isinstance(entry.fact, kind)][-1]


def names(entries: tuple[Entry, ...]) -> list[str]:
    return [entry.name for entry in entries]


@pytest.mark.slow
@pytest.mark.parametrize(
    "moment", [0.7, *(random.Random().uniform(2, 9) for _ in range(3))], ids=lambda _: "s"
)
async def test_a_kill_at_any_moment_loses_at_most_five_seconds(moment: float, tmp_path: Path) -> None:
    """SIGKILL of a process that records four tracks; after recovery every track reaches it, almost."""
    case, call = new_case_id(), new_call_id()
    came = await record_until_killed(tmp_path, case, call, moment)
    assert len(came) == 4
    spool, journal = Spool(tmp_path / "spool"), FileJournal(tmp_path / "journal", MovedClock())
    [recovery] = await recover(spool, journal, [case])
    assert recovery.has_media
    for track in read_tracks(spool.call_dir(case, call)):
        frames = [frame for segment in track.segments for frame in read_frames(track, segment)]
        reached = (frames[-1].timestamp - BASE) / track.info.clock_rate
        assert came[track.info.track] - reached <= PROMISED_S, f"killed at {moment:.2f} s"
        steps = {b.timestamp - a.timestamp for a, b in itertools.pairwise(frames)}
        assert max(steps) <= track.info.clock_rate * 0.06, "a gap inside the track"
    assert not list(spool.root.rglob("*.part"))
    entries = await journal.read(case)
    for entry in entries:
        if isinstance(entry.fact, SegmentSealed):
            assert sha256_of(spool.file(case, entry.fact.file)) == (entry.fact.sha256, entry.fact.bytes)
    ended = last(entries, CallEnded)
    assert isinstance(ended, CallEnded)
    assert ended.reason is CallEnd.SERVER_LOST
    assert max(came.values()) - 1.5 <= ended.seconds <= max(came.values()) + 5
    assert last(entries, CaseAdvanced) == CaseAdvanced(
        CasePhase.IN_CALL, CasePhase.ABORTED, CaseEnd.SERVER_LOST
    )
    assert await recover(spool, journal, [case]) == (
        Recovery(case, CasePhase.ABORTED, 0, 0.0, has_media=True),
    )
    assert await journal.read(case) == entries, "recovery was done twice"


@pytest.mark.slow
async def test_a_power_cut_loses_at_most_five_seconds(tmp_path: Path) -> None:
    """Of what was written only that is left which was synced, under names that were: the promise holds."""
    case, call, root = new_case_id(), new_call_id(), tmp_path / "before"
    root.mkdir()
    came, platter = await record_until_power_cut(root, case, call, random.Random().uniform(3, 7))
    after = tmp_path / "after"
    platter.rebuild(root, after)
    spool, journal = Spool(after / "spool"), FileJournal(after / "journal", MovedClock())
    [recovery] = await recover(spool, journal, [case])

    assert recovery.has_media
    left = reached(spool, case, call)
    assert set(left) == set(came)
    assert all(came[track] - at <= PROMISED_S for track, at in left.items()), (came, left)
    entries = await journal.read(case)
    ended = last(entries, CallEnded)
    assert isinstance(ended, CallEnded)
    assert ended.reason is CallEnd.SERVER_LOST


# --- what is found -------------------------------------------------------------------------------


@pytest.fixture
def info(case: CaseId, call: CallId) -> TrackInfo:
    return track_info(case, call, "opus")


def left_behind(spool: Spool, info: TrackInfo, tail: bytes = b"", sealed: bool = False) -> Path:
    """Leave a segment of one second as a crash would: under its ``.part`` name, with a torn tail."""
    folder = spool.track_dir(info.case, info.call, info.track)
    make_dirs(folder, spool.root)
    create_synced(folder / "track.json", dump_head(info, BASE))
    create_synced(folder / "clock.jsonl", b'{"first_arrived_at":%d,"timestamp":%d}\n' % (START + 7, BASE))
    writer = SegmentWriter(folder / "00000.mkv", info, BASE, None)
    for frame in frames_of("opus", 1):
        writer.write(frame, frame.data)
    seal(writer)
    path = folder / "00000.mkv"
    if not sealed:
        path = path.rename(folder / "00000.mkv.part")
        with path.open("ab") as file:
            file.write(tail)
    return path


async def begin(journal: FileJournal, case: CaseId, call: CallId) -> None:
    await journal.append(case, CaseAdvanced(CasePhase.QUEUED, CasePhase.IN_CALL))
    await journal.append(case, CallAdvanced(call, CallPhase.CONNECTING, CallPhase.ACTIVE))


async def test_a_torn_segment_is_sealed_without_its_tail(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """Whole frames are kept and told, with the time the first one came; the torn bytes are kept beside."""
    await begin(journal, info.case, info.call)
    tail = b"\x1f\x43\xb6\x75\x46"
    part = left_behind(spool, info, tail)
    [recovery] = await recover(spool, journal, [info.case])
    assert (recovery.segments, recovery.phase) == (1, CasePhase.ABORTED)
    assert recovery.seconds_kept == pytest.approx(0.98, abs=0.002)
    fact = last(await journal.read(info.case), SegmentSealed)
    assert isinstance(fact, SegmentSealed)
    assert (fact.frames, fact.first_at, fact.recovered) == (50, START + 7, True)
    assert (part.parent / "00000.mkv.damaged").read_bytes() == tail


async def test_the_journal_tells_everything_in_order(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """First what was kept, then the end of the recording, of the call, and of the case."""
    await begin(journal, info.case, info.call)
    left_behind(spool, info)
    await recover(spool, journal, [info.case])
    entries = await journal.read(info.case, after=2)
    assert names(entries) == [
        "SegmentSealed", "RecordingStopped", "CallAdvanced", "CallEnded", "CaseRecovered", "CaseAdvanced"
    ]  # fmt: skip
    assert entries[1].fact == RecordingStopped(info.call, info.track, 1, 50, 0)
    assert entries[2].fact == CallAdvanced(info.call, CallPhase.ACTIVE, CallPhase.ENDED)
    recovered = entries[4].fact
    assert isinstance(recovered, CaseRecovered)
    assert (recovered.call, recovered.segments) == (info.call, 1)


async def test_a_segment_sealed_but_not_journaled_is_told(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """The crash came between the file's final name and its fact."""
    await begin(journal, info.case, info.call)
    left_behind(spool, info, sealed=True)
    [recovery] = await recover(spool, journal, [info.case])
    assert recovery.segments == 1


async def test_a_segment_without_a_frame_is_kept_as_damaged(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """Bytes that hold no frame are not media, but are not thrown away either."""
    await begin(journal, info.case, info.call)
    part = left_behind(spool, info)
    part.write_bytes(b"\x1a\x45\xdf\xa3 nothing")
    [recovery] = await recover(spool, journal, [info.case])
    assert (recovery.segments, recovery.has_media) == (0, False)
    assert part.with_name("00000.mkv.damaged").read_bytes().endswith(b"nothing")


async def test_a_recording_that_left_no_file_is_told_as_over(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """It had started, but the disk kept nothing: its end is told with no segment."""
    await begin(journal, info.case, info.call)
    await journal.append(info.case, RecordingStarted(info.call, info.track, info.role, info.kind))
    ended = RecordingStopped(info.call, new_track_id(), 1, 5, 0)
    await journal.append(info.case, ended)
    await recover(spool, journal, [info.case])
    stops = [
        entry.fact for entry in await journal.read(info.case) if isinstance(entry.fact, RecordingStopped)
    ]
    assert stops == [ended, RecordingStopped(info.call, info.track, 0, 0, 0)]


async def test_without_a_clock_file_the_file_time_is_used(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """A lost clock file costs precision, not the segment."""
    part = left_behind(spool, info)
    part.with_name("clock.jsonl").unlink()
    await begin(journal, info.case, info.call)
    await recover(spool, journal, [info.case])
    fact = last(await journal.read(info.case), SegmentSealed)
    assert isinstance(fact, SegmentSealed)
    assert fact.first_at == (part.with_name("00000.mkv")).stat().st_mtime


async def test_folders_that_are_no_tracks_are_passed_over(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """Whatever else lies in the case's folder does not disturb."""
    await begin(journal, info.case, info.call)
    strange = spool.case_dir(info.case) / "notes" / "old"
    make_dirs(strange, spool.root)
    create_synced(strange / "track.json", b"{}")
    [recovery] = await recover(spool, journal, [info.case])
    assert recovery.segments == 0


# --- what the journal was in the middle of -------------------------------------------------------


async def test_a_waiting_customer_is_let_go(spool: Spool, journal: FileJournal, case: CaseId) -> None:
    """The server held the place in the queue; without it the case ends, and no call is invented."""
    await journal.append(case, CaseAdvanced(CasePhase.PRE_CALL, CasePhase.QUEUED))
    assert await recover(spool, journal, [case]) == (
        Recovery(case, CasePhase.ABORTED, 0, 0.0, has_media=False),
    )
    assert names(await journal.read(case)) == ["CaseAdvanced", "CaseAdvanced"]


async def test_a_call_that_never_was_active_lasted_no_time(
    spool: Spool, journal: FileJournal, case: CaseId, call: CallId
) -> None:
    """The crash came while it rang."""
    await journal.append(case, CaseAdvanced(CasePhase.PRE_CALL, CasePhase.QUEUED))
    await journal.append(case, CallAdvanced(call, None, CallPhase.RINGING))
    await recover(spool, journal, [case])
    assert last(await journal.read(case), CallEnded) == CallEnded(call, CallEnd.SERVER_LOST, 0.0)


async def test_a_decided_case_goes_on(spool: Spool, journal: FileJournal, case: CaseId, call: CallId) -> None:
    """The agent had given a result and the call was over: nothing is lost but the step to the merge."""
    await begin(journal, case, call)
    await journal.append(case, AgentDecided(new_account_id(), Outcome.PASSED, "", ""))
    await journal.append(case, CallAdvanced(call, CallPhase.ACTIVE, CallPhase.ENDED))
    await journal.append(case, CallEnded(call, CallEnd.AGENT_HUNG_UP, 60.0))
    [recovery] = await recover(spool, journal, [case])
    assert recovery.phase is CasePhase.AGENT_DONE
    assert names(await journal.read(case, after=5)) == ["CaseAdvanced"]


async def test_a_call_that_had_ended_is_given_its_end(
    spool: Spool, journal: FileJournal, case: CaseId, call: CallId
) -> None:
    """The phase was journaled, the reason was not any more."""
    await begin(journal, case, call)
    await journal.append(case, CallAdvanced(call, CallPhase.ACTIVE, CallPhase.ENDED))
    await recover(spool, journal, [case])
    assert names(await journal.read(case, after=3)) == ["CallEnded", "CaseRecovered", "CaseAdvanced"]


async def test_a_case_that_is_over_is_left_alone(spool: Spool, journal: FileJournal, case: CaseId) -> None:
    """The list of open cases may be behind the journal; the journal is right."""
    await journal.append(case, CaseAdvanced(CasePhase.UNDER_AUDIT, CasePhase.APPROVED))
    [recovery] = await recover(spool, journal, [case])
    assert recovery.phase is CasePhase.APPROVED
    assert len(await journal.read(case)) == 1


async def test_a_case_of_self_service_waits_for_its_customer(
    spool: Spool, journal: FileJournal, case: CaseId
) -> None:
    """Its pictures are no leftovers of a call: it goes on where it was, and there is nothing to merge."""
    await journal.append(case, SelfCheckStarted(new_check_id(), 1, "bank://face"))
    evidence = FileEvidence(spool, journal)
    stored = await evidence.store(
        case, new_evidence_id(), EvidenceKind.ID_CARD, b"card", ImageFinding("image/jpeg", 8, 8, 1.0), "phone"
    )
    before = len(await journal.read(case))
    assert await recover(spool, journal, [case]) == (
        Recovery(case, CasePhase.CREATED, 0, 0.0, has_media=False),
    )
    assert len(await journal.read(case)) == before
    assert await evidence.read(case, stored.evidence) == b"card"


async def test_recovery_that_was_cut_off_goes_on_where_it_was(
    spool: Spool, journal: FileJournal, info: TrackInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off after any number of facts and run again, the journal tells each thing exactly once."""
    await begin(journal, info.case, info.call)
    left_behind(spool, info)
    append = FileJournal.append
    while True:
        room = [1]

        async def once(self: FileJournal, case: CaseId, fact: Fact, room: list[int] = room) -> Entry:
            if not room:
                raise StorageError("cut off")
            room.pop()
            return await append(self, case, fact)

        with monkeypatch.context() as patch:
            patch.setattr(FileJournal, "append", once)
            if await recover(spool, journal, [info.case]):
                break
    told = names(await journal.read(info.case, after=2))
    assert told == [
        "SegmentSealed", "RecordingStopped", "CallAdvanced", "CallEnded", "CaseRecovered", "CaseAdvanced"
    ]  # fmt: skip


async def test_one_case_that_cannot_be_recovered_does_not_stop_the_others(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """A segment that cannot be read is logged; the next case is recovered."""
    await begin(journal, info.case, info.call)
    left_behind(spool, info).with_name("00001.mkv.part").mkdir()
    other = new_case_id()
    await journal.append(other, CaseAdvanced(CasePhase.PRE_CALL, CasePhase.QUEUED))
    recovered = await recover(spool, journal, [info.case, other])
    assert [recovery.case for recovery in recovered] == [other]


async def test_one_track_that_cannot_be_read_does_not_stop_the_others(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """A track folder with a damaged description is logged; the case's other tracks are recovered."""
    await begin(journal, info.case, info.call)
    left_behind(spool, info).with_name("track.json").write_bytes(b"{")
    left_behind(spool, track_info(info.case, info.call, "opus"))
    [recovery] = await recover(spool, journal, [info.case])
    assert (recovery.segments, recovery.phase) == (1, CasePhase.ABORTED)


async def test_a_folder_without_a_journal_is_left_alone(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """Nobody knows whose it is: no journal is made up for it, and nothing is deleted."""
    path = left_behind(spool, info)
    assert await recover(spool, journal, [info.case]) == ()
    assert await journal.read(info.case) == ()
    assert path.exists()


# --- a call that goes on -------------------------------------------------------------------------


async def test_what_a_dead_worker_left_of_a_call_is_sealed(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """Its segments and the end of its tracks are told once; call and case stay as they are."""
    await begin(journal, info.case, info.call)
    part = left_behind(spool, info, b"\x1f\x43")
    with part.with_name("clock.jsonl").open("ab") as file:
        file.write(b'{"lost":3,"timestamp":%d}\n{"lost":4,"timestamp":%d}\n' % (BASE + 960, BASE + 96_000))
    assert await seal_call(spool, journal, info.case, info.call) == 1
    assert await seal_call(spool, journal, info.case, info.call) == 0
    entries = await journal.read(info.case, after=2)
    assert names(entries) == ["SegmentSealed", "RecordingStopped"]
    fact = entries[0].fact
    assert isinstance(fact, SegmentSealed)
    assert (fact.track, fact.frames, fact.lost, fact.recovered) == (info.track, 50, 3, True)
    assert entries[1].fact == RecordingStopped(info.call, info.track, 1, 50, 0)


async def test_other_calls_are_not_touched_by_that(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """Another call of the same case has an open segment and a track that goes on: it is not looked at."""
    other = track_info(info.case, new_call_id(), "opus")
    await begin(journal, info.case, info.call)
    await journal.append(info.case, RecordingStarted(other.call, other.track, other.role, other.kind))
    left_behind(spool, info)
    live = left_behind(spool, other)
    assert await seal_call(spool, journal, info.case, info.call) == 1
    assert live.exists()
    assert names(await journal.read(info.case, after=3)) == ["SegmentSealed", "RecordingStopped"]


async def test_tracks_that_are_written_by_now_are_left_alone(
    spool: Spool, journal: FileJournal, info: TrackInfo
) -> None:
    """The call has gone on in another worker; its recorder's tracks are its own, until it dies too."""
    live = track_info(info.case, info.call, "opus")
    await begin(journal, info.case, info.call)
    left_behind(spool, info)
    async with Recorder(spool, journal, MovedClock()) as recorder:
        fed = feed(recorder, live)
        async with asyncio.timeout(60), journal.follow(info.case) as entries:
            for frame in frames_of("opus", 1):
                fed.push_frame(frame)
            while not isinstance((await anext(entries)).fact, RecordingStarted):
                pass
        assert await seal_call(spool, journal, info.case, info.call) == 1
        assert [
            entry.fact.track
            for entry in await journal.read(info.case)
            if isinstance(entry.fact, SegmentSealed | RecordingStopped)
        ] == [info.track, info.track]
    assert len([f for t in read_tracks(spool.call_dir(info.case, info.call)) for f in t.segments]) == 2


async def test_a_call_of_which_nothing_is_left(
    spool: Spool, journal: FileJournal, case: CaseId, call: CallId
) -> None:
    """No folder, no journal: there is nothing to say."""
    assert await seal_call(spool, journal, case, call) == 0
    assert await journal.read(case) == ()


def test_a_track_may_be_named_by_nobody(case: CaseId, call: CallId) -> None:
    """Ids in paths are checked."""
    with pytest.raises(ValueError, match="not an id"):
        Spool(Path("/nowhere")).track_dir(case, call, TrackId("../" + new_track_id()))
