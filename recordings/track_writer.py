"""Writes one track into segments, in the recorder's thread, and tells what happened as facts.

A segment ends before it would span ``segment_s``: at a keyframe if one comes in its second half,
anywhere otherwise. Browsers send a keyframe only when asked, often minutes apart, so a segment that had
to wait for one could not keep the bound; a decoder goes on across segments by concatenation. A new
picture size begins a new segment. But none ends before it is ``_AGE_MIN_S`` old by the arrival of its
frames, whatever their timestamps and sizes say: who sends these must not decide how many files there are.

Everything that came is written from the first keyframe on, also pictures behind a loss; what they
follow is marked in the track's clock file. Syncing and sealing wait for the disk, so they are handed to
other threads, and :meth:`TrackWriter.tick` takes note of what became of them.
"""

import errno
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from contract import codec
from contract.facts import Fact, RecorderTroubled, RecordingStarted, RecordingStopped, SegmentSealed
from contract.phases import TrackKind
from contract.ports import Clock, ClockSample, EncodedFrame, TrackInfo
from recordings.disk import Disk, Settling
from recordings.incoming import Picture, Timeline
from recordings.segment_writer import SealedFile, SegmentWriter
from recordings.segments import segment_name
from recordings.spool import Spool
from recordings.track_files import TrackFiles

# A quarter of a segment, for a keyframe or a new picture size may end one early.
_AGE_MIN_S = 1.0
# Segments that wait for the disk keep a descriptor each. Behind so many, a minute, the open one just grows.
_SEALING_MAX = 16
# No room on the volume, in the quota, or in what one file may be.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_log = structlog.get_logger(__name__)
_FRAMES = Counter("teller_recordings_frames", "Frames recorded")
_DROPPED = Counter("teller_recordings_frames_dropped", "Frames that were not recorded", ["why"])
_DROPPED_PACKETS = Counter("teller_recordings_packets_dropped", "Packets for which there was no room")


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """Bounds of the recorder. Seconds, bytes and packets per track, but for ``held_bytes``.

    With ``sync_s`` of 1 s the last whole frame on disk is about 1 s old; the promise is 5 s.
    """

    segment_s: float = 4.0
    sync_s: float = 1.0
    # 8 MiB are 16 s of camera at 4 Mbit/s: longer than a disk stalls without being broken.
    queue_bytes: int = 8 << 20
    # So many fill 8 MiB at 1 KiB each; of sound they are 160 s.
    queue_packets: int = 8_000
    # Of all tracks of a process together: 64 that are full.
    held_bytes: int = 512 << 20
    # Facts of trouble per track are at least this far apart.
    trouble_s: float = 5.0
    # A disk that refused is tried again after this long.
    retry_s: float = 1.0
    # A sync that takes longer than the promise is trouble, whatever comes of it.
    late_s: float = 5.0
    # So is a frame that came longer ago and is not durable yet: early enough to be told before the promise
    # is broken.
    behind_s: float = 3.0


@dataclass(slots=True)
class _Span:
    """The open segment.

    RTP times of its first frame and of the first that is too late for it; wall clock of its frames;
    monotonic time when it was opened.
    """

    first: int = 0
    ends: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    opened_at: float = 0.0
    size: tuple[int, int] | None = None


@dataclass(slots=True)
class _Sealing:
    """A segment on its way to its final name."""

    index: int
    span: _Span
    frames: int
    lost: int
    settling: Settling
    oldest_at: float | None


@dataclass(slots=True)
class _Counts:
    """What became of frames and packets so far. ``lost`` packets never came."""

    sealed: int = 0
    sealed_frames: int = 0
    dropped: int = 0
    dropped_packets: int = 0
    lost: int = 0
    lost_marked: int = 0
    lost_sealed: int = 0


@dataclass(slots=True)
class _Trouble:
    """When, by the monotonic clock, trouble last was told, met, and cost frames."""

    told_at: float = float("-inf")
    refused_at: float = float("-inf")
    lost_at: float | None = None


class TrackWriter:
    """One track's files. ``emit`` takes the facts; it is called in the writing thread."""

    def __init__(
        self,
        spool: Spool,
        info: TrackInfo,
        settings: RecorderSettings,
        clock: Clock,
        emit: Callable[[Fact], None],
        disk: Disk,
    ) -> None:
        self._spool = spool
        self._info = info
        self._settings = settings
        self._clock = clock
        self._emit = emit
        self._disk = disk
        self._folder = spool.track_dir(info.case, info.call, info.track)
        self._timeline = Timeline(info.clock_rate)
        self._picture = Picture(info)
        self._is_video = info.kind is TrackKind.VIDEO
        self._files: TrackFiles | None = None
        self._segment: SegmentWriter | None = None
        self._span = _Span()
        self._index = 0
        self._counts = _Counts()
        self._trouble = _Trouble()
        # The next frame follows something that is not in the file; the last one was told to.
        self._hurt = self._behind_loss = False
        self._announced = False
        self._syncing: Settling | None = None
        self._synced_at = clock.monotonic()
        # When the oldest frame came that the open segment has and no sync was asked for; that a sync has.
        self._unasked_at: float | None = None
        self._asked_at: float | None = None
        self._sealing: deque[_Sealing] = deque()
        self._closing = False
        self.closed = False

    @property
    def dropped(self) -> tuple[int, int]:
        """Return how many frames were dropped so far, and packets that never became frames."""
        return self._counts.dropped, self._counts.dropped_packets

    @property
    def undurable_at(self) -> float | None:
        """Return when the oldest frame came that a power cut would take now, seconds UTC; None for none."""
        asked = (self._unasked_at, self._asked_at, *(sealing.oldest_at for sealing in self._sealing))
        return min((at for at in asked if at is not None), default=None)

    # --- what the recorder calls ---------------------------------------------------------------

    def write(self, frames: Iterable[EncodedFrame], lost: int) -> None:
        """Record frames; ``lost`` counts the packets of the whole track that never came so far.

        A disk that refuses is reported and tried again, never raised.
        """
        self._counts.lost = lost
        for frame in frames:
            if frame.after_loss and (not self._behind_loss or lost != self._counts.lost_marked):
                self._hurt = True
            self._behind_loss = frame.after_loss
            placed = self._timeline.place(frame)
            if placed is None:
                self._drop("late")
            elif not frame.data:
                self._drop("empty")
            elif self._is_video and self._waits_for_keyframe(placed):
                self._drop("no_keyframe")
            else:
                self._record(placed)

    def flush(self) -> None:
        """Hand what was recorded to the kernel."""
        if self._segment is None or self._files is None:
            return
        try:
            # First the marks: a frame must not be found without its own.
            self._files.flush()
            self._segment.flush()
        except OSError as error:
            self._refused(error)

    def note_clock(self, sample: ClockSample) -> None:
        """Record one clock mapping; those before the first frame are left out."""
        mapped = self._timeline.map(sample)
        if mapped is not None and self._files is not None:
            self._files.note(codec.dump(mapped))

    def note_gap(self, dropped: int) -> None:
        """Count ``dropped`` packets that never reached the writer; who dropped them has told so."""
        self._counts.dropped_packets += dropped
        _DROPPED_PACKETS.inc(dropped)
        self._lose()

    def note_behind(self) -> None:
        """From now on the track is not being recorded in time; whoever found it out has told so."""
        self._lose()

    def tick(self) -> None:
        """Take note of what the disk did, and start what is due; called several times a second."""
        if self.closed:
            return
        now = self._clock.monotonic()
        try:
            if self._segment is not None:
                self._do_what_is_due(now)
            self._note_synced(now)
            while self._sealing and self._sealing[0].settling.done.done():
                self._note_sealed(self._sealing.popleft())
        except OSError as error:
            self._refused(error)
        if self._closing and not self._sealing and self._syncing is None:
            self._end()

    def close(self) -> None:
        """Seal what is open; ``closed`` is set by the tick that finds it done."""
        self.flush()
        self._closing = True
        self._counts.lost_marked = self._counts.lost
        self._seal()
        self.tick()

    def _drop(self, why: str, frames: int = 1) -> None:
        """Count frames that are not recorded; the next one that is follows something missing."""
        if frames:
            self._counts.dropped += frames
            _DROPPED.labels(why).inc(frames)
            self._hurt = True

    # --- one frame -----------------------------------------------------------------------------

    def _waits_for_keyframe(self, frame: EncodedFrame) -> bool:
        """Tell whether nothing could ever show this picture: no keyframe came before it."""
        if frame.keyframe:
            self._picture.look_at(frame.data)
        return self._picture.size is None

    def _record(self, frame: EncodedFrame) -> None:
        segment = self._segment
        data = frame.data
        if (
            segment is not None
            and (
                frame.timestamp >= self._span.ends
                or (frame.keyframe and self._is_video and self._is_due_at_keyframe(frame))
            )
            and self._may_seal_at(frame)
        ):
            # Now, not when the disk comes to it: the next segment's frames must not outlive this one's.
            self.flush()
            self._seal()
            segment = None
        if segment is None:
            segment = self._segment = self._open(frame)
            if segment is None:
                self._drop("disk")
                return
            data = self._picture.with_parameter_sets(frame)
        if self._hurt:
            self._mark(frame)
        segment.write(frame, data)
        self._span.last_at = frame.arrived_at
        if self._unasked_at is None:
            self._unasked_at = frame.arrived_at

    def _is_due_at_keyframe(self, frame: EncodedFrame) -> bool:
        half = (self._span.first + self._span.ends) / 2
        return frame.timestamp >= half or self._span.size != self._picture.size

    def _may_seal_at(self, frame: EncodedFrame) -> bool:
        is_old = frame.arrived_at - self._span.first_at >= _AGE_MIN_S
        return is_old and len(self._sealing) < _SEALING_MAX

    def _mark(self, frame: EncodedFrame) -> None:
        """Note in the clock file that something is missing before ``frame``."""
        self._hurt = False
        counts = self._counts
        if self._files is not None:
            self._files.note({"lost": counts.lost - counts.lost_marked, "timestamp": frame.timestamp})
        counts.lost_marked = counts.lost

    # --- segments ------------------------------------------------------------------------------

    def _open(self, frame: EncodedFrame) -> SegmentWriter | None:
        """Return the segment that begins with ``frame``, None while the disk refuses."""
        now = self._clock.monotonic()
        is_refused = now - self._trouble.refused_at < self._settings.retry_s
        if is_refused or len(self._sealing) > _SEALING_MAX:
            return None
        info, picture = self._info, self._picture
        try:
            if self._files is None:
                self._files = TrackFiles(self._spool, info, frame.timestamp)
            path = self._folder / segment_name(self._index)
            base = self._files.base_timestamp
            segment = SegmentWriter(path, info, base, picture.size, picture.parameter_sets)
        except OSError as error:
            self._refused(error)
            return None
        ends = frame.timestamp + round(self._settings.segment_s * info.clock_rate)
        arrived_at = frame.arrived_at
        self._span = _Span(frame.timestamp, ends, arrived_at, arrived_at, now, picture.size)
        self._files.note({"first_arrived_at": arrived_at, "timestamp": frame.timestamp})
        return segment

    def _do_what_is_due(self, now: float) -> None:
        is_due = now - self._span.opened_at >= self._settings.segment_s
        if is_due and len(self._sealing) < _SEALING_MAX:
            self._seal()
        elif self._syncing is None and (self._is_sync_due(now) or self._may_announce(now)):
            assert self._segment is not None  # noqa: S101 - tick asks first
            assert self._files is not None  # noqa: S101 - made before the segment
            self._synced_at = now
            self._asked_at, self._unasked_at = self._unasked_at, None
            self._syncing = Settling(self._segment, self._files)
            self._disk.ask(self._syncing)

    def _is_sync_due(self, now: float) -> bool:
        # At the same moments for all tracks, so that one sync serves them all.
        return now // self._settings.sync_s > self._synced_at // self._settings.sync_s

    def _note_synced(self, now: float) -> None:
        if self._syncing is None:
            return
        if not self._syncing.done.done():
            if now - self._synced_at >= self._settings.late_s:
                self._lose()
                self._tell_trouble("disk_slow")
            return
        syncing, self._syncing = self._syncing, None
        asked_at, self._asked_at = self._asked_at, None
        if syncing.done.exception() is not None and asked_at is not None:
            # Still to be kept, by sealing what is whole of it.
            self._unasked_at = asked_at
        if syncing.done.result():
            self._announce()

    def _seal(self) -> None:
        """Send the open segment to its final name."""
        segment, self._segment = self._segment, None
        files = self._files
        if segment is None or files is None:
            return
        segment.finish()
        counts = self._counts
        lost, counts.lost_sealed = counts.lost_marked - counts.lost_sealed, counts.lost_marked
        settling = Settling(segment, files, seals=True, urgent=self._closing)
        oldest_at, self._unasked_at = self._unasked_at, None
        self._sealing.append(_Sealing(self._index, self._span, segment.frames, lost, settling, oldest_at))
        self._index += 1
        self._disk.ask(settling)

    def _note_sealed(self, sealing: _Sealing) -> None:
        try:
            sealing.settling.done.result()
        except OSError:
            self._drop("disk", sealing.frames)
            raise
        sealed = sealing.settling.sealed
        if sealed is None:
            self._drop("disk", sealing.frames)
            return
        self._drop("disk", sealing.frames - sealed.frames)
        self._announce()
        self._counts.sealed += 1
        self._counts.sealed_frames += sealed.frames
        _FRAMES.inc(sealed.frames)
        self._emit(self._sealed_fact(sealing, sealed))

    def _sealed_fact(self, sealing: _Sealing, sealed: SealedFile) -> SegmentSealed:
        return SegmentSealed(
            self._info.call,
            self._info.track,
            sealing.index,
            self._spool.name_of(self._info.case, sealed.path),
            sealed.sha256,
            sealed.bytes,
            sealed.frames,
            sealing.span.first_at,
            sealing.span.last_at,
            sealing.lost,
        )

    def _end(self) -> None:
        """Say that the track is over."""
        self.closed = True
        if self._files is not None:
            self._files.close()
        counts, info = self._counts, self._info
        self._emit(
            RecordingStopped(info.call, info.track, counts.sealed, counts.sealed_frames, *self.dropped)
        )

    def _may_announce(self, now: float) -> bool:
        lost_at = self._trouble.lost_at
        return not self._announced and (lost_at is None or now - lost_at >= self._settings.trouble_s)

    def _announce(self) -> None:
        """Say that frames come to disk: at the first, and once trouble has been over for ``trouble_s``."""
        if self._may_announce(self._clock.monotonic()):
            self._announced = True
            info = self._info
            self._emit(RecordingStarted(info.call, info.track, info.role, info.kind))

    # --- trouble -------------------------------------------------------------------------------

    def _refused(self, error: OSError) -> None:
        """Give up the open segment, keep what of it is whole, and try again later."""
        self._trouble.refused_at = self._clock.monotonic()
        self._hurt = True
        _log.error("recording could not be written", track=self._info.track, pii_error=str(error))
        self._seal()
        self._lose()
        self._tell_trouble("disk_full" if error.errno in _FULL else "write_failed")

    def _lose(self) -> None:
        """From now on the track is not being recorded, until it is announced again."""
        trouble = self._trouble
        if self._announced or trouble.lost_at is not None:
            trouble.lost_at = self._clock.monotonic()
        if self._announced:
            # Whoever was told that it is recorded is told at once that it is not.
            self._announced = False
            trouble.told_at = float("-inf")

    def _tell_trouble(self, what: str) -> None:
        now = self._clock.monotonic()
        if now - self._trouble.told_at >= self._settings.trouble_s:
            self._trouble.told_at = now
            self._emit(RecorderTroubled(self._info.call, self._info.track, what, *self.dropped))
