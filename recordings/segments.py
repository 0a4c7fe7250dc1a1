"""Reading what the recorder left: tracks, their clock, and their frames, without opening a codec.

``clock.jsonl`` holds three kinds of lines: ``{"ntp_at", "timestamp", "arrived_at"}`` for each RTCP sender
report, ``{"first_arrived_at", "timestamp"}`` for the first frame of each segment, and ``{"lost",
"timestamp"}`` for each frame before which something is missing. All timestamps are absolute RTP ticks as
the frames carried them. Functions here block.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contract import codec
from contract.errors import ProtocolError, StorageError
from contract.ports import ClockSample, TrackInfo
from recordings import matroska
from recordings.segment_writer import block_ms

HEAD_FILE = "track.json"
CLOCK_FILE = "clock.jsonl"
_SEGMENT_NAME = re.compile(r"(\d{5})\.mkv")
_START_CODE = b"\0\0\0\1"
# H.264 NAL units are stored behind four-byte lengths (ISO 14496-15, lengthSizeMinusOne = 3).
_LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class RecordedSegment:
    """A sealed segment; ``index`` counts from 0 within the track, without gaps unless one was lost."""

    index: int
    path: Path


@dataclass(frozen=True, slots=True)
class Arrival:
    """The server's wall clock (seconds UTC) when the frame with this RTP timestamp came."""

    timestamp: int
    arrived_at: float


@dataclass(frozen=True, slots=True)
class Loss:
    """Between the frame with this RTP timestamp and the one before it something never came.

    ``packets`` says how many, as far as it was counted; it is 0 where the recorder itself lost frames.
    """

    timestamp: int
    packets: int


@dataclass(frozen=True, slots=True)
class RecordedTrack:
    """A track as it lies on disk. ``base_timestamp`` is the RTP timestamp of its first frame.

    ``arrivals`` has one sample a segment, ``clock`` one a sender report, ``losses`` one a gap; all in file
    order.
    """

    info: TrackInfo
    base_timestamp: int
    segments: tuple[RecordedSegment, ...]
    clock: tuple[ClockSample, ...]
    arrivals: tuple[Arrival, ...]
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredFrame:
    """One encoded frame as it came: a VP8 frame, an Annex B access unit, or an Opus packet.

    ``timestamp`` is in RTP ticks, exact to half a millisecond. The first frame of an H.264 segment
    carries the parameter sets then in force, so a decoder may start or go on at any segment; it shows a
    picture from the first keyframe on. ``after_loss`` is that of ``contract.ports.EncodedFrame``.
    """

    data: bytes
    timestamp: int
    keyframe: bool
    after_loss: bool = False


def segment_name(index: int) -> str:
    """Return the file name of a sealed segment."""
    return f"{index:05d}.mkv"


def read_track(folder: Path) -> RecordedTrack:
    """Return the track that lies in ``folder``. A torn last line of ``clock.jsonl`` is left out.

    Raises:
        StorageError: ``track.json`` is missing or damaged: this folder holds no track.
    """
    info, base = read_head(folder)
    clock: list[ClockSample] = []
    arrivals: list[Arrival] = []
    losses: list[Loss] = []
    for line in _json_lines(folder / CLOCK_FILE):
        match line:
            case {"ntp_at": ntp_at, "timestamp": timestamp, "arrived_at": arrived_at}:
                clock.append(ClockSample(ntp_at, timestamp, arrived_at))
            case {"first_arrived_at": arrived_at, "timestamp": timestamp}:
                arrivals.append(Arrival(timestamp, arrived_at))
            case {"lost": packets, "timestamp": timestamp}:
                losses.append(Loss(timestamp, packets))
            case _:
                continue
    segments = sealed_segments(folder)
    return RecordedTrack(info, base, segments, tuple(clock), tuple(arrivals), tuple(losses))


def read_tracks(call_dir: Path) -> tuple[RecordedTrack, ...]:
    """Return the tracks of a call by folder name; folders without a ``track.json`` are passed over."""
    heads = sorted(call_dir.glob(f"*/{HEAD_FILE}")) if call_dir.is_dir() else []
    return tuple(read_track(head.parent) for head in heads)


def read_head(folder: Path) -> tuple[TrackInfo, int]:
    """Return the track's description and base timestamp. Raises StorageError."""
    try:
        head = json.loads((folder / HEAD_FILE).read_bytes())
        return codec.load(TrackInfo, head["info"]), int(head["base_timestamp"])
    except (OSError, ValueError, KeyError, TypeError, ProtocolError) as error:
        raise StorageError("track.json is missing or damaged") from error


def dump_head(info: TrackInfo, base_timestamp: int) -> bytes:
    """Return the content of ``track.json``."""
    return codec.canonical({"info": codec.dump(info), "base_timestamp": base_timestamp})


def sealed_segments(folder: Path) -> tuple[RecordedSegment, ...]:
    """Return the sealed segments in a track's folder, in order."""
    found = ((match, path) for path in folder.iterdir() if (match := _SEGMENT_NAME.fullmatch(path.name)))
    return tuple(sorted((RecordedSegment(int(m[1]), path) for m, path in found), key=lambda s: s.index))


def read_frames(track: RecordedTrack, segment: RecordedSegment) -> Iterator[StoredFrame]:
    """Yield the frames of one segment in order."""
    info, base = track.info, track.base_timestamp
    lost = {
        round(block_ms(loss.timestamp, base, info.clock_rate) * info.clock_rate / 1000)
        for loss in track.losses
    }
    for frame in parse_frames(segment.path.read_bytes(), info.codec, info.clock_rate):
        ticks = frame.timestamp
        yield replace(frame, timestamp=base + ticks, after_loss=ticks in lost)


def parse_frames(data: bytes, coded: str, clock_rate: int) -> Iterator[StoredFrame]:
    """Yield the frames in a segment's bytes, in order; timestamps count from the track's first frame.

    ``coded`` is ``VP8``, ``H264`` or ``opus``. What was lost is not told: it stands in ``clock.jsonl``.
    """
    for block in matroska.blocks(data):
        frame = to_annex_b(block.data) if coded == "H264" else block.data
        yield StoredFrame(frame, round(block.pts_ms * clock_rate / 1000), block.keyframe)


def to_annex_b(unit: bytes) -> bytes:
    """Return a length-prefixed access unit with start codes instead; a torn last NAL unit is left out."""
    parts: list[bytes] = []
    offset = 0
    while offset + _LENGTH_BYTES <= len(unit):
        start = offset + _LENGTH_BYTES
        offset = start + int.from_bytes(unit[offset:start])
        if offset <= len(unit):
            parts += (_START_CODE, unit[start:offset])
    return b"".join(parts)


def _json_lines(path: Path) -> Iterator[Any]:
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    for line in lines[:-1]:
        try:
            yield json.loads(line)
        except ValueError:
            continue
