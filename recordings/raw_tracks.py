"""The tracks of a case as they were recorded: where they lie on the call's axis, and one file for each.

They can be played as soon as their segments are sealed, long before the merge, and for ever after it.
"""

import asyncio
import hashlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from contract.errors import NotFound, StorageError
from contract.facts import Entry, SegmentSealed
from contract.ids import CallId, CaseId, SeatId, TrackId
from contract.ports import Archive
from recordings import woven
from recordings.segments import CLOCK_FILE, HEAD_FILE, RecordedTrack, read_track
from recordings.spool import Spool, read_block
from recordings.timeline import TrackTimes, lay_timeline

_log = structlog.get_logger(__name__)

# Two segments belong to one run while media and wall clock agree this closely: half of what ears notice.
_AGREE_S = 0.04
# A run goes on over so much silence between two segments.
_PAUSE_S = 0.5
# Beginnings of segments read at a time, from a store some milliseconds away.
_AT_A_TIME = 16
# Indexes of tracks in memory: a call of half an hour has 450 segments, some 60 kB of index.
_KEPT = 64


@dataclass(frozen=True, slots=True)
class Run:
    """Media of a track without a break: from ``media_s`` in its file, at ``at_s`` of the call's axis."""

    at_s: float
    media_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class LaidTrack:
    """A track on the axis of its call."""

    track: TrackId
    seat: SeatId
    role: str
    source: str
    codec: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class LaidCall:
    """A call's tracks; its axis begins at wall time ``start`` (seconds UTC) and has ``seconds``."""

    call: CallId
    start: float
    seconds: float
    tracks: tuple[LaidTrack, ...]


def sealed_tracks(entries: Iterable[Entry]) -> dict[TrackId, list[SegmentSealed]]:
    """Return the sealed segments of each track in order."""
    found: dict[TrackId, list[SegmentSealed]] = {}
    for entry in entries:
        if isinstance(fact := entry.fact, SegmentSealed):
            found.setdefault(fact.track, []).append(fact)
    return {track: sorted(facts, key=lambda one: one.index) for track, facts in found.items()}


def lay_calls(
    entries: Sequence[Entry], tracks: Sequence[RecordedTrack], hidden: Collection[str] = ()
) -> tuple[LaidCall, ...]:
    """Return the calls that ``tracks`` were recorded in, oldest first, without the ``hidden`` files. Pure.

    A track's clock is that of the merge: sender reports, and the arrival of each segment's first frame.
    """
    sealed = sealed_tracks(entries)
    calls = dict.fromkeys(track.info.call for track in tracks)
    found = [
        _lay_call(entries, call, [t for t in tracks if t.info.call == call], sealed, hidden) for call in calls
    ]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.start))


def _lay_call(
    entries: Sequence[Entry],
    call: CallId,
    tracks: Sequence[RecordedTrack],
    sealed: dict[TrackId, list[SegmentSealed]],
    hidden: Collection[str],
) -> LaidCall | None:
    ends = {track.info.track: _ends(track, sealed.get(track.info.track, [])) for track in tracks}
    laid = lay_timeline(entries, call, [_times(track, ends[track.info.track]) for track in tracks])
    if laid is None:
        return None
    by_id = {track.info.track: track for track in tracks}
    made = []
    for placed in laid.placements:
        track, stamps = by_id[placed.track], ends[placed.track]
        media = [(stamp - track.base_timestamp) / track.info.clock_rate for stamp in stamps]
        at = [float(second) for second in placed.at]
        info = track.info
        shown = [fact.file not in hidden for fact in sealed.get(placed.track, [])]
        runs = _runs(media, at, shown)
        made.append(LaidTrack(info.track, info.seat, info.role, info.source, info.codec, runs))
    return LaidCall(call, laid.axis.start, laid.axis.seconds, tuple(made))


def _ends(track: RecordedTrack, facts: Sequence[SegmentSealed]) -> list[int]:
    """Return the RTP time of the first and of the last frame of each segment."""
    stamps: list[int] = []
    rate = track.info.clock_rate
    starts = [arrival.timestamp for arrival in track.arrivals][: len(facts)]
    for start, fact in zip(starts, facts, strict=False):
        length = round((fact.last_at - fact.first_at) * rate)
        stamps += (start, start + max(length, 0))
    # What arrived late makes a segment look longer than it is; it ends before the next begins.
    for index in range(1, len(stamps) - 1, 2):
        stamps[index] = min(stamps[index], stamps[index + 1])
    return stamps


def _times(track: RecordedTrack, stamps: Sequence[int]) -> TrackTimes:
    info = track.info
    arrivals = tuple((arrival.timestamp, arrival.arrived_at) for arrival in track.arrivals)
    return TrackTimes(
        info.track, info.seat, info.role, info.source, info.clock_rate, np.array(stamps, np.int64), arrivals,
        track.clock,
    )  # fmt: skip


def _runs(media: Sequence[float], at: Sequence[float], shown: Sequence[bool]) -> tuple[Run, ...]:
    runs: list[Run] = []
    for i in itertools.compress(range(0, len(media), 2), shown):
        since, until = media[i], media[i + 1]
        if runs:
            last = runs[-1]
            end = last.media_s + last.seconds
            drifted = abs((at[i] - last.at_s) - (since - last.media_s))
            if drifted <= _AGREE_S and since - end <= _PAUSE_S:
                runs[-1] = Run(last.at_s, last.media_s, until - last.media_s)
                continue
        runs.append(Run(at[i], since, until - since))
    return tuple(runs)


class RawTracks:
    """Reads tracks where they are: in the spool, else in the archive."""

    def __init__(self, spool: Spool, archive: Archive) -> None:
        self._spool, self._archive = spool, archive
        self._indexes: dict[tuple[CaseId, TrackId, tuple[int, ...]], tuple[woven.Woven, str]] = {}

    async def calls(
        self, prefix: str, case: CaseId, entries: Sequence[Entry], hidden: Collection[str] = ()
    ) -> tuple[LaidCall, ...]:
        """Return the recorded calls without ``hidden`` files; the case lies at ``prefix`` in the archive."""
        sealed = sealed_tracks(entries)
        found = [await self._track(prefix, case, facts[0]) for facts in sealed.values()]
        tracks = [track for track in found if track is not None]
        return await asyncio.to_thread(lay_calls, entries, tracks, hidden)

    async def _track(self, prefix: str, case: CaseId, fact: SegmentSealed) -> RecordedTrack | None:
        folder = self._spool.track_dir(case, fact.call, fact.track)
        try:
            if await asyncio.to_thread((folder / HEAD_FILE).is_file):
                return await asyncio.to_thread(read_track, folder)
            name = f"{prefix}/{fact.call}/{fact.track}"
            head, clock = await self._whole(f"{name}/{HEAD_FILE}"), await self._whole(f"{name}/{CLOCK_FILE}")
            return await asyncio.to_thread(_parse, head, clock)
        except (StorageError, NotFound) as error:
            _log.warning("a track cannot be placed", track=fact.track, pii_error=str(error))
            return None

    async def _whole(self, key: str) -> bytes:
        return b"".join([block async for block in self._archive.read(key)])

    async def index(
        self, prefix: str, case: CaseId, facts: Sequence[SegmentSealed]
    ) -> tuple[woven.Woven, str]:
        """Return the file that the segments ``facts`` of one track make, and its entity tag.

        Raises:
            StorageError: a segment is damaged, or its store cannot be read.
        """
        key = (case, facts[0].track, tuple(fact.index for fact in facts))
        if key not in self._indexes:
            self._indexes[key] = await self._read_index(prefix, case, facts)
            for oldest in list(self._indexes)[:-_KEPT]:
                del self._indexes[oldest]
        return self._indexes[key]

    async def _read_index(
        self, prefix: str, case: CaseId, facts: Sequence[SegmentSealed]
    ) -> tuple[woven.Woven, str]:
        gate = asyncio.Semaphore(_AT_A_TIME)

        async def beginning(fact: SegmentSealed) -> bytes:
            async with gate:
                wanted = min(woven.HEAD_MAX_BYTES, fact.bytes)
                blocks = self.read(prefix, case, fact.file, 0, wanted)
                return b"".join([block async for block in blocks])

        heads = await asyncio.gather(*(beginning(fact) for fact in facts))
        read = [woven.read_piece(f.file, f.bytes, head) for f, head in zip(facts, heads, strict=True)]
        pieces = [piece for piece, _ in read]
        last_ms = woven.end_ms(pieces[-1].first_ms, facts[-1].first_at, facts[-1].last_at)
        digest = hashlib.sha256("".join(fact.sha256 for fact in facts).encode()).hexdigest()
        return woven.weave(pieces, read[0][1], last_ms), digest

    async def read(
        self, prefix: str, case: CaseId, name: str, first: int, length: int
    ) -> AsyncIterator[bytes]:
        """Yield ``length`` bytes from ``first`` of a segment. Raises StorageError or NotFound."""
        path = self._spool.file(case, name)
        if await asyncio.to_thread(path.is_file):
            yield await asyncio.to_thread(_block, path, first, length)
            return
        async for block in self._archive.read(f"{prefix}/{name}", first, length):
            yield block

    async def bytes_of(
        self, prefix: str, case: CaseId, file: woven.Woven, first: int, length: int
    ) -> AsyncIterator[bytes]:
        """Yield ``length`` bytes from ``first`` of a woven file. Raises StorageError or NotFound."""
        for one in file.stretches(first, length):
            if not one.name:
                yield file.head[one.first : one.first + one.length]
                continue
            async for block in self.read(prefix, case, one.name, one.first, one.length):
                yield block


def _block(path: Path, first: int, length: int) -> bytes:
    try:
        block = read_block(path, first, length)
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    if len(block) < length:
        raise StorageError(f"{path} is shorter than its facts say")
    return block


def _parse(head: bytes, clock: bytes) -> RecordedTrack:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / HEAD_FILE).write_bytes(head)
        (Path(folder) / CLOCK_FILE).write_bytes(clock)
        return read_track(Path(folder))


def dump_calls(calls: Iterable[LaidCall]) -> list[dict[str, Any]]:
    """Return the calls as pages read them, each with its place behind the others (``offset_s``)."""
    told: list[dict[str, Any]] = []
    offset = 0.0
    for call in calls:
        tracks = [
            {
                "track": one.track, "seat": one.seat, "role": one.role, "source": one.source,
                "codec": one.codec, "runs": [[run.at_s, run.media_s, run.seconds] for run in one.runs],
            }
            for one in call.tracks
        ]  # fmt: skip
        told.append({"call": call.call, "start": call.start, "seconds": call.seconds, "offset_s": offset,
                     "tracks": tracks})  # fmt: skip
        offset += call.seconds
    return told
