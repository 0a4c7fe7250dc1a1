"""Really encoded frames, small and quick to make, and clocks that tests move."""

import functools
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from contract.ids import CallId, CaseId, new_seat_id, new_track_id
from contract.phases import Role, TrackKind, TrackSource
from contract.ports import EncodedFrame, TrackInfo
from recordings.incoming import Picture
from recordings.segment_writer import SealedFile, SegmentWriter

START = 1_700_000_000.0
# An RTP clock begins anywhere (RFC 3550 section 5.1).
BASE = 123_456_789
FPS = 25


@dataclass
class MovedClock:
    """A clock that stands still until a test moves it."""

    wall: float = START
    steady: float = 1_000.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def pass_s(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


def track_info(case: CaseId, call: CallId, codec: str = "VP8") -> TrackInfo:
    """Return a fresh track of the customer's camera, or microphone for ``opus``."""
    sound = codec == "opus"
    return TrackInfo(
        case,
        call,
        new_track_id(),
        new_seat_id(),
        Role.CUSTOMER,
        TrackKind.AUDIO if sound else TrackKind.VIDEO,
        TrackSource.MICROPHONE if sound else TrackSource.CAMERA,
        codec,
        48_000 if sound else 90_000,
    )


@functools.cache
def picture_frames(
    codec: str = "VP8", seconds: float = 5, size: tuple[int, int] = (160, 120), keyframe_every: int = 1_000
) -> tuple[EncodedFrame, ...]:
    """Return ``seconds`` of moving grey at 25 pictures a second; a keyframe only each so many."""
    context = av.CodecContext.create("libvpx" if codec == "VP8" else "libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height = size
    context.pix_fmt = "yuv420p"
    context.time_base = Fraction(1, FPS)
    context.framerate = Fraction(FPS)
    context.gop_size = keyframe_every
    context.options = (
        {"deadline": "realtime", "lag-in-frames": "0", "cpu-used": "8"}
        if codec == "VP8"
        else {"preset": "ultrafast", "tune": "zerolatency"}
    )
    frames = []
    for number in range(round(seconds * FPS)):
        planes = np.full((size[1] * 3 // 2, size[0]), number * 3 % 255, np.uint8)
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.pts = number
        frames += [(number, packet) for packet in context.encode(picture)]
    return tuple(
        EncodedFrame(bytes(packet), BASE + number * 90_000 // FPS, packet.is_keyframe, START + number / FPS)
        for number, packet in frames
    )


@functools.cache
def sound_frames(seconds: float = 5) -> tuple[EncodedFrame, ...]:
    """Return ``seconds`` of a 440 Hz tone in Opus packets of 20 ms."""
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = 48_000
    context.layout = "stereo"
    context.format = "s16"
    frames = []
    for number in range(round(seconds * 50)):
        when = np.arange(number * 960, (number + 1) * 960) / 48_000
        tone = np.repeat((np.sin(2 * np.pi * 440 * when) * 8_000).astype(np.int16), 2)[None]
        sound = av.AudioFrame.from_ndarray(tone, format="s16", layout="stereo")
        sound.sample_rate = 48_000
        sound.pts = number * 960
        frames += [bytes(packet) for packet in context.encode(sound)]
    return tuple(
        EncodedFrame(data, BASE + number * 960, True, START + number / 50)
        for number, data in enumerate(frames)
    )


def frames_of(codec: str, seconds: float = 5) -> tuple[EncodedFrame, ...]:
    """Return frames for a track of this codec."""
    return sound_frames(seconds) if codec == "opus" else picture_frames(codec, seconds)


def segment_writer(path: Path, info: TrackInfo) -> SegmentWriter:
    """Return a writer for frames of :func:`frames_of`."""
    picture = Picture(info)
    if info.codec != "opus":
        picture.look_at(frames_of(info.codec, 1)[0].data)
    return SegmentWriter(path, info, BASE, picture.size, picture.parameter_sets)


def seal(writer: SegmentWriter) -> SealedFile | None:
    """Seal a segment as the recorder's disk thread does."""
    writer.finish()
    return writer.give_name()
