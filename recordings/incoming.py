"""What comes from outside, made fit for a file: timestamps that only grow, pictures of known size. Pure."""

from dataclasses import replace

from contract.ports import ClockSample, EncodedFrame, TrackInfo
from recordings import bitstream

# RTP timestamps have 32 bits (RFC 3550 section 5.1).
_WRAP = 1 << 32
# The container gives a parameter set's length two bytes.
_SET_BYTES_MAX = 0xFFFF


class Timeline:
    """Keeps timestamps growing: a sender that restarts its clock is put behind its last frame.

    A frame up to ``_LATE_S`` behind is late and useless; one further behind, or ahead of the wall clock
    by more than ``_AHEAD_S``, belongs to a new clock, and everything after it is shifted.
    """

    _LATE_S = 1.0
    _AHEAD_S = 60.0

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        self._late = -round(self._LATE_S * clock_rate)
        self._ahead = round(self._AHEAD_S * clock_rate)
        self._last: int | None = None
        self._last_at = 0.0
        self._shift = 0

    def place(self, frame: EncodedFrame) -> EncodedFrame | None:
        """Return the frame on the track's own timeline, None when it is late."""
        timestamp = frame.timestamp + self._shift
        if self._last is not None:
            step = timestamp - self._last
            # A step within the bound is within the bound plus whatever time has passed.
            if step < 0 or step > self._ahead:
                if self._late <= step < 0:
                    return None
                timestamp = self._joined(timestamp, step, frame.arrived_at)
        self._last = timestamp
        self._last_at = frame.arrived_at
        return replace(frame, timestamp=timestamp) if self._shift else frame

    def map(self, sample: ClockSample) -> ClockSample | None:
        """Return a report, whose timestamp may have wrapped, on the track's own timeline.

        None before the first frame: nothing tells yet how often it has wrapped.
        """
        if self._last is None:
            return None
        ahead = (sample.timestamp + self._shift - self._last + _WRAP // 2) % _WRAP - _WRAP // 2
        return replace(sample, timestamp=self._last + ahead)

    def _joined(self, timestamp: int, step: int, arrived_at: float) -> int:
        passed = round(max(arrived_at - self._last_at, 0.0) * self._rate)
        if 0 <= step <= passed + self._ahead:
            return timestamp
        expected = (self._last or 0) + passed
        self._shift += expected - timestamp
        return expected


class Picture:
    """What the container must know of a video track: its size and H.264's parameter sets."""

    def __init__(self, info: TrackInfo) -> None:
        self._codec = info.codec
        self.parameter_sets: tuple[bytes, ...] = ()
        self.size: tuple[int, int] | None = None

    def look_at(self, keyframe: bytes) -> None:
        """Note size and parameter sets, as far as they are stated."""
        if self._codec == "H264":
            found = tuple(s for s in bitstream.h264_parameter_sets(keyframe) if len(s) <= _SET_BYTES_MAX)
            size = bitstream.h264_size(found)
            # Without a sound sequence set the others would describe nothing.
            self.parameter_sets = found if size else self.parameter_sets
        else:
            size = bitstream.vp8_size(keyframe)
        self.size = size or self.size

    def with_parameter_sets(self, frame: EncodedFrame) -> bytes:
        """Return the first frame of a segment so that it can be decoded with nothing before it."""
        if self._codec != "H264" or bitstream.h264_parameter_sets(frame.data):
            return frame.data
        return b"".join(b"\0\0\0\1" + nal for nal in self.parameter_sets) + frame.data
