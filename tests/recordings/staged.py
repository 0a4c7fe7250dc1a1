"""Calls that were never held: real encoded media, with a counter in the picture and a beep in the sound.

Every picture carries its number as sixteen bits in blocks along its upper edge, and flashes white below
during the first tenth of each second; the sound beeps at the same time. So what was merged can be
measured: which picture shows when, and how far sound and picture are apart.
"""

import functools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from contract.facts import (
    CallAdvanced,
    CallEnded,
    Entry,
    Fact,
    PartyJoined,
    RecordingStarted,
    SegmentSealed,
    seal_entry,
)
from contract.ids import CallId, CaseId, SeatId, TrackId, new_call_id, new_case_id, new_seat_id, new_track_id
from contract.phases import CallEnd, CallPhase, Role, TrackKind, TrackSource
from contract.ports import ClockSample, TrackInfo
from recordings import muxer
from recordings.segments import dump_head, segment_name
from recordings.spool import Spool, sha256_of

FPS = 15
BITS = 16
FLASH_S = 0.1
START = 1_800_000_000.0
SEGMENT_S = 4.0
GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Frame:
    """An encoded frame and the second of the call at which it was taken."""

    taken_s: float
    data: bytes
    keyframe: bool


def flashing(seconds: float) -> bool:
    """Tell whether picture and sound mark this moment."""
    return seconds % 1.0 < FLASH_S - 1e-6


def draw(number: int, width: int, height: int, lit: bool) -> NDArray[np.uint8]:
    """Return the planes of picture ``number`` (shape height * 1.5 by width, YUV 4:2:0)."""
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = 235 if lit else 50
    for bit in range(BITS):
        left, right = width * bit // BITS, width * (bit + 1) // BITS
        planes[: height // 8, left:right] = 235 if number >> bit & 1 else 16
    return planes


def read_number(luma: NDArray[np.uint8]) -> int:
    """Return the number in a luma plane of any size, dimmed to a half or not."""
    height, width = luma.shape
    row = luma[height // 16]
    return sum(1 << bit for bit in range(BITS) if row[int(width * (bit + 0.5) / BITS)] > 70)


_ENCODERS = {
    "VP8": ("libvpx", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency"}),
}


def film(
    seconds: float,
    codec: str = "VP8",
    size: tuple[int, int] = (320, 240),
    *,
    fps: int = FPS,
    first: int = 0,
    gop: int = 30,
) -> list[Frame]:
    """Return ``seconds`` of pictures, numbered from ``first`` at second ``first / fps``."""
    return list(_film(seconds, codec, size, fps, first, gop))


@functools.cache
def _film(
    seconds: float, codec: str, size: tuple[int, int], fps: int, first: int, gop: int
) -> tuple[Frame, ...]:
    name, options = _ENCODERS[codec]
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.framerate, encoder.gop_size = "yuv420p", Fraction(fps), gop
    encoder.time_base = Fraction(1, fps)
    encoder.bit_rate, encoder.options = 1_000_000, options
    frames: list[Frame] = []
    for number in range(first, first + round(seconds * fps)):
        at = number / fps
        picture = VideoFrame.from_ndarray(draw(number, *size, flashing(at)), format="yuv420p")
        picture.pts = number
        frames += [Frame(at, bytes(p), p.is_keyframe) for p in encoder.encode(picture)]
    return tuple(frames)


def voice(seconds: float, *, first_s: float = 0.0, tone_hz: float = 1000.0) -> list[Frame]:
    """Return Opus packets of 20 ms: a beep in the first tenth of each second, silence between."""
    return list(_voice(seconds, first_s, tone_hz))


@functools.cache
def _voice(seconds: float, first_s: float, tone_hz: float) -> tuple[Frame, ...]:
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "flt"
    encoder.bit_rate = 48_000
    packets: list[bytes] = []
    for number in range(round(seconds * 50)):
        at = first_s + number / 50 + np.arange(960) / 48_000
        # The encoder's look-ahead of 6.5 ms is put before the sound, as a browser's stream has it too.
        loud = (at + 312 / 48_000) % 1.0 < FLASH_S
        mono = (np.sin(2 * np.pi * tone_hz * at) * loud * 0.5).astype(np.float32)
        sound = AudioFrame.from_ndarray(np.repeat(mono, 2).reshape(1, -1), format="flt", layout="stereo")
        sound.sample_rate, sound.pts, sound.time_base = 48_000, number * 960, Fraction(1, 48_000)
        packets += [bytes(packet) for packet in encoder.encode(sound)]
    return tuple(Frame(first_s + number / 50, data, True) for number, data in enumerate(packets))


@dataclass(frozen=True, slots=True)
class StagedTrack:
    """A track to write: who, what, its frames, and how its sender's clocks go.

    ``ntp_ahead_s`` is how far the sender's wall clock is ahead of ours, ``rtp_ppm`` how much faster its
    media clock runs, ``delay_s`` the way to us. ``reports`` False leaves out all sender reports.
    """

    role: Role
    source: TrackSource
    codec: str
    frames: Sequence[Frame]
    seat: SeatId
    ntp_ahead_s: float = 0.0
    rtp_ppm: float = 0.0
    delay_s: float = 0.03
    reports: bool = True

    @property
    def clock_rate(self) -> int:
        """Return RTP ticks per second."""
        return 48_000 if self.codec == "opus" else 90_000

    def ticks(self, taken_s: float) -> int:
        """Return the RTP timestamp of a moment."""
        return 1_000_000 + round(taken_s * (1 + self.rtp_ppm / 1e6) * self.clock_rate)

    def info(self, case: CaseId, call: CallId) -> TrackInfo:
        """Return what the media plane would say of this track, under a fresh id."""
        kind = TrackKind.AUDIO if self.source is TrackSource.MICROPHONE else TrackKind.VIDEO
        return TrackInfo(
            case, call, new_track_id(), self.seat, self.role, kind, self.source, self.codec, self.clock_rate
        )


@dataclass(slots=True)
class Stage:
    """A case folder being filled, and the journal that would have come with it."""

    spool: Spool
    case: CaseId
    call: CallId
    entries: list[Entry]

    def note(self, at: float, *facts: Fact) -> None:
        """Append facts at ``at`` seconds of the call."""
        for fact in facts:
            prev = self.entries[-1].hash if self.entries else GENESIS
            self.entries.append(seal_entry(len(self.entries) + 1, START + at, self.case, fact, prev))

    def begin(self, at: float = 0.0) -> None:
        """The call becomes active."""
        self.note(at, CallAdvanced(self.call, CallPhase.CONNECTING, CallPhase.ACTIVE))

    def end(self, at: float, reason: CallEnd = CallEnd.CUSTOMER_HUNG_UP) -> None:
        """The call ends."""
        self.note(at, CallEnded(self.call, reason, at))

    def record(self, track: StagedTrack, keep: Iterable[int] | None = None, *, joins: bool = True) -> TrackId:
        """Write a track in sealed segments of 4 s; ``keep`` names those that survive."""
        info = track.info(self.case, self.call)
        folder = self.spool.track_dir(self.case, self.call, info.track)
        folder.mkdir(parents=True)
        base = track.ticks(track.frames[0].taken_s)
        (folder / "track.json").write_bytes(dump_head(info, base))
        (folder / "clock.jsonl").write_text("".join(_clock_lines(track)))
        started = RecordingStarted(self.call, info.track, info.role, info.kind)
        self.note(track.frames[0].taken_s, started)
        for index, frames in enumerate(_segments(track)):
            if keep is None or index in keep:
                self._seal(info, index, folder / segment_name(index), track, base, frames)
        if joins:
            self.note(0, PartyJoined(self.call, track.seat, track.role, f"{track.role} 张三"))
        return info.track

    def _seal(
        self, info: TrackInfo, index: int, path: Path, track: StagedTrack, base: int, frames: list[Frame]
    ) -> None:
        blocks = ((_ms(track, base, frame), frame) for frame in frames)
        path.write_bytes(matroska_file(blocks, track.codec))
        digest, size = sha256_of(path)
        first, last = (START + frames[i].taken_s + track.delay_s for i in (0, -1))
        name = self.spool.name_of(self.case, path)
        self.note(
            frames[-1].taken_s,
            SegmentSealed(self.call, info.track, index, name, digest, size, len(frames), first, last),
        )


def stage(root: Path) -> Stage:
    """Return an empty case under ``root``."""
    return Stage(Spool(root), new_case_id(), new_call_id(), [])


def stage_call(
    root: Path, seconds: float, *, codec: str = "VP8", size: tuple[int, int] = (320, 240)
) -> Stage:
    """Return an ordinary call of two people with four whole tracks."""
    staged = stage(root)
    staged.begin()
    for role in (Role.CUSTOMER, Role.AGENT):
        seat = new_seat_id()
        staged.record(StagedTrack(role, TrackSource.MICROPHONE, "opus", voice(seconds), seat))
        staged.record(StagedTrack(role, TrackSource.CAMERA, codec, film(seconds, codec, size), seat))
    staged.end(seconds)
    return staged


def _segments(track: StagedTrack) -> list[list[Frame]]:
    first = track.frames[0].taken_s
    segments: dict[int, list[Frame]] = {}
    for frame in track.frames:
        segments.setdefault(int((frame.taken_s - first) / SEGMENT_S + 1e-6), []).append(frame)
    return list(segments.values())


def _ms(track: StagedTrack, base: int, frame: Frame) -> int:
    return round((track.ticks(frame.taken_s) - base) * 1000 / track.clock_rate)


def _clock_lines(track: StagedTrack) -> Iterable[str]:
    for frames in _segments(track):
        first = frames[0].taken_s
        arrived = {"first_arrived_at": START + first + track.delay_s, "timestamp": track.ticks(first)}
        yield json.dumps(arrived) + "\n"
    reports = np.arange(track.frames[0].taken_s, track.frames[-1].taken_s, 1.0) if track.reports else ()
    for at in map(float, reports):
        sample = ClockSample(START + at + track.ntp_ahead_s, track.ticks(at), START + at + track.delay_s)
        fields = {"ntp_at": sample.ntp_at, "timestamp": sample.timestamp, "arrived_at": sample.arrived_at}
        yield json.dumps(fields) + "\n"


def matroska_file(blocks: Iterable[tuple[int, Frame]], codec: str) -> bytes:
    """Return live Matroska (RFC 9559) with one cluster per frame, which is all that a reader needs."""
    parts: list[bytes] = []
    for ms, frame in blocks:
        data = _length_prefixed(frame.data) if codec == "H264" else frame.data
        if not parts:
            parts.append(_head(codec, frame.data))
        flags = b"\x80" if frame.keyframe else b"\0"
        cluster = _element(b"\xe7", ms.to_bytes(8)) + _element(b"\xa3", b"\x81\0\0" + flags + data)
        parts.append(_element(b"\x1f\x43\xb6\x75", cluster))
    return b"".join(parts)


def _head(codec: str, first: bytes) -> bytes:
    if codec == "opus":
        return muxer.opus_head()
    if codec == "VP8":
        return muxer.vp8_head((320, 240))
    nals = first.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return muxer.h264_head((320, 240), [nal for nal in nals if nal and nal[0] & 0x1F in {7, 8}])


def _element(kind: bytes, content: bytes) -> bytes:
    return kind + b"\x01" + len(content).to_bytes(7) + content


def _length_prefixed(unit: bytes) -> bytes:
    nals = [nal for nal in unit.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if nal]
    return b"".join(len(nal).to_bytes(4) + nal for nal in nals)
