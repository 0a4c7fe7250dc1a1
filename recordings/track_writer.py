"""Writes one track into segments, in the recorder's thread, and tells what happened as facts.

A segment ends before it would span ``segment_s``: at a keyframe if one comes in its second half,
anywhere otherwise. Browsers send a keyframe only when asked, often minutes apart, so a segment that had
to wait for one could not keep the bound; a decoder goes on across segments by concatenation. A new
picture size always begins a new segment.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace

import av
import structlog
from prometheus_client import Counter

from contract import codec
from contract.facts import Fact, RecorderTroubled, RecordingStarted, RecordingStopped, SegmentSealed
from contract.phases import TrackKind
from contract.ports import Clock, ClockSample, EncodedFrame, TrackInfo
from recordings import bitstream
from recordings.segment_writer import SealedFile, SegmentWriter
from recordings.segments import dump_head, segment_name
from recordings.spool import Spool, make_dirs, replace_synced, write_all

_log = structlog.get_logger(__name__)
_FRAMES = Counter("teller_recordings_frames", "Frames recorded")
_DROPPED = Counter("teller_recordings_frames_dropped", "Frames that were not recorded", ["why"])


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """Bounds of the recorder. Seconds, bytes and frames per track.

    With ``sync_s`` of 1 s and a cluster of 0.1 s the last whole frame on disk is about 1 s old; the
    promise is 5 s.
    """

    segment_s: float = 4.0
    sync_s: float = 1.0
    # 8 MiB are 16 s of camera at 4 Mbit/s: longer than a disk stalls without being broken.
    queue_bytes: int = 8 << 20
    queue_frames: int = 1_000
    # Facts of trouble per track are at least this far apart.
    trouble_s: float = 5.0
    # A disk that refused is tried again after this long.
    retry_s: float = 1.0
    # Without a keyframe for so long, a damaged picture is better evidence than none.
    keyframe_patience_s: float = 10.0


class TrackWriter:
    """One track's files. ``emit`` takes the facts; it is called in the writing thread."""

    def __init__(
        self,
        spool: Spool,
        info: TrackInfo,
        settings: RecorderSettings,
        clock: Clock,
        emit: Callable[[Fact], None],
    ) -> None:
        self._spool = spool
        self._info = info
        self._settings = settings
        self._clock = clock
        self._emit = emit
        self._folder = spool.track_dir(info.case, info.call, info.track)
        self._timeline = _Timeline(info.clock_rate)
        self._picture = _Picture(info)
        self._base: int | None = None
        self._segment: SegmentWriter | None = None
        self._span = _Span()
        self._index = 0
        self._sealed = 0
        self._sealed_frames = 0
        self._dropped = 0
        self._announced = False
        self._lost_at: float | None = None
        self._troubled_at = float("-inf")
        self._refused_at = float("-inf")
        self._synced_at = clock.monotonic()
        self._gap_at: float | None = clock.monotonic()
        self._clock_file: int | None = None

    @property
    def frames(self) -> int:
        """Return how many frames were recorded so far."""
        return self._sealed_frames + (self._segment.frames if self._segment else 0)

    # --- what the recorder calls ---------------------------------------------------------------

    def write(self, frame: EncodedFrame) -> None:
        """Record one frame; a disk that refuses is reported and tried again, never raised."""
        if not frame.data:
            self.drop("empty")
            return
        placed = self._timeline.place(frame)
        if placed is None:
            self.drop("late")
        elif self._waits_for_keyframe(placed):
            self.drop("no_keyframe")
        elif self._clock.monotonic() - self._refused_at < self._settings.retry_s:
            self.drop("disk")
        else:
            self._try_to_record(placed)

    def note_clock(self, sample: ClockSample) -> None:
        """Record one clock mapping; those before the first frame are left out."""
        if self._base is not None:
            shifted = replace(sample, timestamp=sample.timestamp + self._timeline.shift)
            self._append_clock(codec.dump(shifted))

    def note_gap(self, dropped: int, what: str) -> None:
        """Count ``dropped`` frames that never reached the writer; who dropped them has told so."""
        self.drop(what, dropped)
        self._lose()

    def tick(self) -> None:
        """Sync what is due; called several times a second."""
        now = self._clock.monotonic()
        if self._segment is None:
            return
        try:
            if now - self._span.opened_at >= self._settings.segment_s:
                self._seal()
            elif now - self._synced_at >= self._settings.sync_s or self._may_announce(now):
                self._sync(now)
        except OSError as error:
            self._refused(error)

    def close(self) -> None:
        """Seal what is open and say that the track is over."""
        try:
            self._seal()
        except OSError as error:
            self._refused(error)
        if self._clock_file is not None:
            os.close(self._clock_file)
            self._clock_file = None
        self._emit(
            RecordingStopped(
                self._info.call, self._info.track, self._sealed, self._sealed_frames, self._dropped
            )
        )

    def drop(self, why: str, frames: int = 1) -> None:
        """Count frames that are not recorded."""
        self._dropped += frames
        _DROPPED.labels(why).inc(frames)

    # --- one frame -----------------------------------------------------------------------------

    def _waits_for_keyframe(self, frame: EncodedFrame) -> bool:
        """Tell whether a picture is useless yet: nothing before it, or a gap before it."""
        if self._info.kind is TrackKind.AUDIO:
            return False
        if frame.keyframe and self._picture.look_at(frame.data):
            self._gap_at = None
        if self._gap_at is None:
            return False
        patience = self._settings.keyframe_patience_s
        return self._picture.size is None or self._clock.monotonic() - self._gap_at < patience

    def _try_to_record(self, frame: EncodedFrame) -> None:
        try:
            self._record(frame)
        except OSError as error:
            self.drop("disk")
            self._refused(error)
        except av.FFmpegError as error:
            self.drop("unwritable")
            _log.warning("frame not written", track=self._info.track, pii_error=str(error))
            self._seal()

    def _record(self, frame: EncodedFrame) -> None:
        if self._segment is not None and self._is_due(frame):
            self._seal()
        data = frame.data
        if self._segment is None:
            self._segment = self._open(frame)
            data = self._picture.with_parameter_sets(frame)
        self._segment.write(frame, data)
        self._span.last = frame.timestamp
        self._span.last_at = frame.arrived_at
        _FRAMES.inc()

    def _is_due(self, frame: EncodedFrame) -> bool:
        elapsed = (frame.timestamp - self._span.first) / self._info.clock_rate
        if frame.keyframe and self._info.kind is TrackKind.VIDEO:
            return elapsed >= self._settings.segment_s / 2 or self._span.size != self._picture.size
        return elapsed >= self._settings.segment_s

    # --- segments ------------------------------------------------------------------------------

    def _open(self, frame: EncodedFrame) -> SegmentWriter:
        if self._base is None:
            self._begin_track(frame.timestamp)
        assert self._base is not None  # noqa: S101 - set by _begin_track
        path = self._folder / segment_name(self._index)
        segment = SegmentWriter(path, self._info, self._base, self._picture.size)
        self._span = _Span(
            first=frame.timestamp,
            last=frame.timestamp,
            first_at=frame.arrived_at,
            last_at=frame.arrived_at,
            opened_at=self._clock.monotonic(),
            size=self._picture.size,
        )
        self._append_clock({"first_arrived_at": frame.arrived_at, "timestamp": frame.timestamp})
        return segment

    def _begin_track(self, timestamp: int) -> None:
        make_dirs(self._folder, self._spool.root)
        replace_synced(self._folder / "track.json", dump_head(self._info, timestamp))
        self._clock_file = os.open(
            self._folder / "clock.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        self._base = timestamp

    def _sync(self, now: float) -> None:
        assert self._segment is not None  # noqa: S101 - tick asks first
        on_disk = self._segment.sync()
        if self._clock_file is not None:
            os.fsync(self._clock_file)
        self._synced_at = now
        if on_disk:
            self._announce()

    def _seal(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        index, self._index = self._index, self._index + 1
        sealed = segment.seal()
        if self._clock_file is not None:
            os.fsync(self._clock_file)
        if sealed is None:
            self.drop("disk", segment.frames)
            return
        self.drop("disk", segment.frames - sealed.frames)
        self._announce()
        self._sealed += 1
        self._sealed_frames += sealed.frames
        self._emit(self._sealed_fact(index, sealed))

    def _sealed_fact(self, index: int, sealed: SealedFile) -> SegmentSealed:
        name = self._spool.name_of(self._info.case, sealed.path)
        return SegmentSealed(
            self._info.call,
            self._info.track,
            index,
            name,
            sealed.sha256,
            sealed.bytes,
            sealed.frames,
            self._span.first_at,
            self._span.last_at,
        )

    def _may_announce(self, now: float) -> bool:
        quiet = self._lost_at is None or now - self._lost_at >= self._settings.trouble_s
        return quiet and not self._announced

    def _announce(self) -> None:
        """Say that frames come to disk: at the first, and once trouble has been over for ``trouble_s``."""
        if self._may_announce(self._clock.monotonic()):
            self._announced = True
            info = self._info
            self._emit(RecordingStarted(info.call, info.track, info.role, info.kind))

    # --- trouble -------------------------------------------------------------------------------

    def _refused(self, error: OSError) -> None:
        """Give up the open segment, keep what of it is whole, and try again later."""
        self._refused_at = self._clock.monotonic()
        self._gap_at = self._refused_at
        _log.error("recording could not be written", track=self._info.track, pii_error=str(error))
        try:
            self._seal()
        except OSError as again:
            _log.error("segment left unsealed", track=self._info.track, pii_error=str(again))
        self._lose()
        self._trouble("disk")

    def _lose(self) -> None:
        """From now on the track is not being recorded, until it is announced again."""
        if self._announced or self._lost_at is not None:
            self._lost_at = self._clock.monotonic()
        if self._announced:
            # Whoever was told that it is recorded is told at once that it is not.
            self._announced = False
            self._troubled_at = float("-inf")

    def _trouble(self, what: str) -> None:
        now = self._clock.monotonic()
        if now - self._troubled_at >= self._settings.trouble_s:
            self._troubled_at = now
            self._emit(RecorderTroubled(self._info.call, self._info.track, what, self._dropped))

    def _append_clock(self, line: dict[str, float]) -> None:
        if self._clock_file is not None:
            try:
                write_all(self._clock_file, codec.canonical(line) + b"\n")
            except OSError as error:
                self._refused(error)


@dataclass(slots=True)
class _Span:
    """The open segment: RTP timestamps, wall clock and monotonic times of its ends."""

    first: int = 0
    last: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    opened_at: float = 0.0
    size: tuple[int, int] | None = None


class _Timeline:
    """Keeps timestamps growing: a sender that restarts its clock is put behind its last frame.

    A frame up to ``_LATE_S`` behind is late and useless; one further behind, or ahead of the wall clock
    by more than ``_AHEAD_S``, belongs to a new clock, and everything after it is shifted.
    """

    _LATE_S = 1.0
    _AHEAD_S = 60.0

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        self._last: tuple[int, float] | None = None
        self.shift = 0

    def place(self, frame: EncodedFrame) -> EncodedFrame | None:
        """Return the frame on the track's own timeline, None when it is late."""
        timestamp = frame.timestamp + self.shift
        if self._last is not None:
            step = (timestamp - self._last[0]) / self._rate
            passed = max(frame.arrived_at - self._last[1], 0.0)
            if -self._LATE_S <= step < 0:
                return None
            if step < 0 or step > passed + self._AHEAD_S:
                expected = self._last[0] + round(passed * self._rate)
                self.shift += expected - timestamp
                timestamp = expected
        self._last = (timestamp, frame.arrived_at)
        return replace(frame, timestamp=timestamp) if self.shift else frame


class _Picture:
    """What the container must know of a video track: its size and H.264's parameter sets."""

    def __init__(self, info: TrackInfo) -> None:
        self._codec = info.codec
        self._parameter_sets: tuple[bytes, ...] = ()
        self.size: tuple[int, int] | None = None

    def look_at(self, keyframe: bytes) -> bool:
        """Note size and parameter sets; return whether the picture can be written."""
        if self._codec == "H264":
            found = bitstream.h264_parameter_sets(keyframe)
            self._parameter_sets = found or self._parameter_sets
            self.size = bitstream.h264_size(found) or self.size
        else:
            self.size = bitstream.vp8_size(keyframe) or self.size
        return self.size is not None

    def with_parameter_sets(self, frame: EncodedFrame) -> bytes:
        """Return the first frame of a segment so that it can be decoded with nothing before it."""
        if self._codec != "H264" or bitstream.h264_parameter_sets(frame.data):
            return frame.data
        return b"".join(b"\0\0\0\1" + nal for nal in self._parameter_sets) + frame.data
