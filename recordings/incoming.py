"""What comes from outside, made fit for a file: timestamps that only grow, pictures of known size. Pure."""

from dataclasses import replace

from contract.ports import ClockSample, EncodedFrame, TrackInfo
from recordings import bitstream

# RTP timestamps have 32 bits (RFC 3550 section 5.1).
_WRAP = 1 << 32
# The container gives a parameter set's length two bytes.
_SET_BYTES_MAX = 0xFFFF


class Timeline:
    """Keeps timestamps growing, and near the time that really passes: no sender can run away with it.

    A frame up to ``_LATE_S`` behind is late and useless. One further behind belongs to a new clock, and
    so does one that jumps ahead of the time that passed; everything after it is shifted to follow the
    last frame.
    """

    _LATE_S = 1.0
    # What jitter and the depacketiser's wait put between two frames that arrive together, at most.
    _JUMP_S = 2.0
    # How far many small steps may lead in all: a clock that is 0.1 % fast takes 16 hours for it. As much
    # is remembered of time that passed without frames, for those that come behind a stall.
    _AHEAD_S = 60.0

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        self._late = -round(self._LATE_S * clock_rate)
        self._jump = round(self._JUMP_S * clock_rate)
        self._ahead = round(self._AHEAD_S * clock_rate)
        self._last: int | None = None
        self._last_at = 0.0
        self._shift = 0
        # Of the timestamps before the arrivals, since the first frame.
        self._lead = 0.0

    def place(self, frame: EncodedFrame) -> EncodedFrame | None:
        """Return the frame on the track's own timeline, None when it is late."""
        timestamp = frame.timestamp + self._shift
        if self._last is not None:
            step = timestamp - self._last
            since = frame.arrived_at - self._last_at
            passed = since * self._rate if since > 0 else 0.0
            lead = self._lead + step - passed
            if step < 0 or lead > self._jump:
                if self._late <= step < 0:
                    return None
                if step < 0 or step > passed + self._jump or lead > self._ahead:
                    expected = self._last + round(passed)
                    self._shift += expected - timestamp
                    timestamp, lead = expected, self._lead
            self._lead = lead if lead > -self._ahead else -self._ahead
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
