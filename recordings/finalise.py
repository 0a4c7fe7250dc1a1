"""After a crash: seal what the recorder left, and close in the journal what the server had open.

Everything is derived from the journal and the disk as they are, so recovery that is itself cut off is
simply run again: what was done is not done twice.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from prometheus_client import Counter

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
from contract.ids import CallId, CaseId, TrackId, is_id
from contract.phases import CallEnd, CallPhase, CaseEnd, CasePhase, advance_case
from contract.ports import Journal
from recordings import matroska
from recordings.segment_writer import PART, block_ms, seal_part
from recordings.segments import HEAD_FILE, Loss, RecordedSegment, RecordedTrack, read_track
from recordings.spool import Spool, sha256_of
from recordings.track_files import is_being_written

_log = structlog.get_logger(__name__)
_RECOVERED = Counter("teller_recordings_segments_recovered", "Segments sealed after a crash")

# Phases in which a case needs its server process; a case in another phase outlives it.
_OPEN = frozenset({CasePhase.PRE_CALL, CasePhase.QUEUED, CasePhase.IN_CALL})


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of one case. ``has_media`` tells that there is something to merge."""

    case: CaseId
    phase: CasePhase
    segments: int
    seconds_kept: float
    has_media: bool


@dataclass(slots=True)
class _Left:
    """The case as the journal tells it up to the crash."""

    phase: CasePhase = CasePhase.CREATED
    decided: bool = False
    calls: dict[CallId, CallPhase] = field(default_factory=dict)
    active_at: dict[CallId, float] = field(default_factory=dict)
    ended: dict[CallId, CallEnd] = field(default_factory=dict)
    recovered: set[CallId] = field(default_factory=set)
    sealed: dict[TrackId, dict[str, SegmentSealed]] = field(default_factory=dict)
    started: dict[TrackId, CallId] = field(default_factory=dict)
    stopped: set[TrackId] = field(default_factory=set)


async def recover(spool: Spool, journal: Journal, cases: Iterable[CaseId]) -> tuple[Recovery, ...]:
    """Bring each case to rest: seal, journal, end its call, and end or advance the case.

    To be run before the server takes calls, with every case that the store holds open or the spool holds
    files of. A case that cannot be recovered, or has no journal, is logged and left as it is.
    """
    done: list[Recovery] = []
    for case in cases:
        try:
            done.append(await _recover_case(spool, journal, case))
        except (StorageError, OSError) as error:
            _log.exception("case not recovered", case=case, pii_error=str(error))
    return tuple(done)


async def seal_call(spool: Spool, journal: Journal, case: CaseId, call: CallId) -> int:
    """Seal what a recorder that died left of ``call``, which goes on; return how many segments.

    To be run when the process of that recorder is gone. Tracks of the call that another recorder writes by
    now are left alone, and so is everything else of the case. Idempotent.

    Raises:
        StorageError: the journal cannot be read or written.
        OSError: the disk refused.
    """
    left = _look_back(await journal.read(case))
    found = await _seal(spool, journal, case, left, call)
    _log.info("call sealed", case=case, call=call, segments=len(found))
    return len(found)


async def _recover_case(spool: Spool, journal: Journal, case: CaseId) -> Recovery:
    entries = await journal.read(case)
    if not entries:
        raise StorageError("the case has no journal")
    left = _look_back(entries)
    found = await _seal(spool, journal, case, left, None)
    for fact in _ends(left):
        await journal.append(case, fact)
    phase = await _settle_case(journal, case, left)
    seconds = sum(fact.last_at - fact.first_at for fact in found)
    _log.info("case recovered", case=case, segments=len(found), phase=phase)
    return Recovery(case, phase, len(found), seconds, has_media=bool(left.sealed))


async def _seal(
    spool: Spool, journal: Journal, case: CaseId, left: _Left, call: CallId | None
) -> list[SegmentSealed]:
    """Seal and journal the dead tracks of one call or of all; ``left`` is brought up to date."""
    found = await asyncio.to_thread(_look_on_disk, spool, case, left, call)
    for segment in found.segments:
        await journal.append(case, segment)
        left.sealed.setdefault(segment.track, {})[segment.file] = segment
        left.started.setdefault(segment.track, segment.call)
    for stop in _stops(left):
        if stop.track not in found.living and call in (None, stop.call):
            await journal.append(case, stop)
    _RECOVERED.inc(len(found.segments))
    return found.segments


def _look_back(entries: Iterable[Entry]) -> _Left:
    left = _Left()
    for entry in entries:
        _fold(left, entry)
    return left


def _fold(left: _Left, entry: Entry) -> None:
    match entry.fact:
        case CaseAdvanced(now=now):
            left.phase = now
        case AgentDecided():
            left.decided = True
        case CallAdvanced(call=call, now=now):
            left.calls[call] = now
            if now is CallPhase.ACTIVE:
                left.active_at.setdefault(call, entry.at)
        case CallEnded(call=call, reason=reason):
            left.ended[call] = reason
        case CaseRecovered(call=call):
            left.recovered.add(call)
        case SegmentSealed() as fact:
            left.sealed.setdefault(fact.track, {})[fact.file] = fact
            left.started.setdefault(fact.track, fact.call)
        case RecordingStarted(call=call, track=track):
            left.started.setdefault(track, call)
        case RecordingStopped(track=track):
            left.stopped.add(track)
        case _:
            return


def _stops(left: _Left) -> Iterator[RecordingStopped]:
    """Yield the end of every recording that was cut off; how many frames it dropped is not known."""
    for track, call in left.started.items():
        if track not in left.stopped:
            sealed = left.sealed.get(track, {}).values()
            yield RecordingStopped(call, track, len(sealed), sum(fact.frames for fact in sealed), 0)


def _ends(left: _Left) -> Iterator[Fact]:
    """Yield how each call that was open, or left something behind, came to its end."""
    for call, phase in left.calls.items():
        if phase is not CallPhase.ENDED:
            yield CallAdvanced(call, phase, CallPhase.ENDED)
        if call not in left.ended:
            yield CallEnded(call, CallEnd.SERVER_LOST, _active_seconds(left, call))
        kept = [fact for fact in _sealed(left, call) if fact.recovered]
        lost = left.ended.get(call, CallEnd.SERVER_LOST) is CallEnd.SERVER_LOST
        if (lost or kept) and call not in left.recovered:
            yield CaseRecovered(call, len(kept), sum(fact.last_at - fact.first_at for fact in kept))


def _sealed(left: _Left, call: CallId) -> Iterator[SegmentSealed]:
    for track in left.sealed.values():
        yield from (fact for fact in track.values() if fact.call == call)


def _active_seconds(left: _Left, call: CallId) -> float:
    """Return the seconds from ACTIVE to the last frame that was kept."""
    last = [fact.last_at for fact in _sealed(left, call)]
    began = left.active_at.get(call)
    return max(0.0, max(last) - began) if last and began is not None else 0.0


async def _settle_case(journal: Journal, case: CaseId, left: _Left) -> CasePhase:
    """End the case, or hand it on if the agent had decided and only the crash was in between."""
    if left.phase not in _OPEN:
        return left.phase
    finished = left.phase is CasePhase.IN_CALL and left.decided
    to = advance_case(left.phase, CasePhase.AGENT_DONE if finished else CasePhase.ABORTED)
    await journal.append(case, CaseAdvanced(left.phase, to, None if finished else CaseEnd.SERVER_LOST))
    return to


# --- on disk, in a thread -----------------------------------------------------------------------


@dataclass(slots=True)
class _OnDisk:
    """What the journal does not know yet, and the tracks whose recorder lives."""

    segments: list[SegmentSealed] = field(default_factory=list)
    living: set[TrackId] = field(default_factory=set)


def _look_on_disk(spool: Spool, case: CaseId, left: _Left, call: CallId | None = None) -> _OnDisk:
    """Seal what is unsealed, of one call or of all; find every segment that the journal does not know."""
    found = _OnDisk()
    known = {name for track in left.sealed.values() for name in track}
    for head in sorted(spool.case_dir(case).glob(f"{call or '*'}/*/{HEAD_FILE}")):
        folder = head.parent
        if not (is_id(folder.name) and is_id(folder.parent.name)):
            continue
        if is_being_written(folder):
            found.living.add(TrackId(folder.name))
            continue
        try:
            found.segments += _unjournaled(spool, case, folder, known)
        except StorageError as error:
            _log.error("a track cannot be recovered", track=folder.name, pii_error=str(error))
    return found


def _unjournaled(spool: Spool, case: CaseId, folder: Path, known: set[str]) -> Iterator[SegmentSealed]:
    for part in sorted(folder.glob("*.mkv" + PART)):
        seal_part(part)
    track = read_track(folder)
    for segment in track.segments:
        name = spool.name_of(case, segment.path)
        frames = [] if name in known else list(matroska.blocks(segment.path.read_bytes()))
        if frames:
            yield _fact_of(track, segment, name, frames)


def _fact_of(
    track: RecordedTrack, segment: RecordedSegment, name: str, frames: list[matroska.Block]
) -> SegmentSealed:
    sha256, size = sha256_of(segment.path)
    first_at = _arrival_of(track, segment, frames[0].pts_ms)
    lost = sum(loss.packets for loss in track.losses if _is_within(track, loss, frames))
    return SegmentSealed(
        track.info.call,
        track.info.track,
        segment.index,
        name,
        sha256,
        size,
        len(frames),
        first_at,
        first_at + (frames[-1].pts_ms - frames[0].pts_ms) / 1000,
        lost,
        recovered=True,
    )


def _is_within(track: RecordedTrack, loss: Loss, frames: list[matroska.Block]) -> bool:
    at_ms = block_ms(loss.timestamp, track.base_timestamp, track.info.clock_rate)
    return frames[0].pts_ms <= at_ms <= frames[-1].pts_ms


def _arrival_of(track: RecordedTrack, segment: RecordedSegment, pts_ms: int) -> float:
    """Return when the segment's first frame came: its own line of the clock file, or the nearest one.

    Without any line, which only a failing disk can bring about, it is when the file was last written.
    """
    timestamp = track.base_timestamp + pts_ms * track.info.clock_rate / 1000
    nearest = min(
        track.arrivals,
        key=lambda arrival: abs(arrival.timestamp - timestamp),
        default=None,
    )
    if nearest is None:
        return segment.path.stat().st_mtime
    return nearest.arrived_at + (timestamp - nearest.timestamp) / track.info.clock_rate
