"""Is everything in the recording that reached the server? Compares the path's log with the archive."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.network.path import RTP_RECORD
from contract.phases import TrackKind
from recordings.segments import RecordedTrack, read_frames, read_tracks

_HALF, _FULL = 1 << 31, 1 << 32
# Stored times are whole milliseconds.
_ROUNDING_S = 0.002


@dataclass(frozen=True, slots=True)
class Kept:
    """Frames of one kind between the first and the last that a track holds.

    ``missing`` of the ``sent`` are not in the recording; of these ``arrived`` had every packet delivered
    at the first try, so that nothing excuses their absence.
    """

    kind: TrackKind
    sent: int
    missing: int
    arrived: int


def compare(call_dir: Path, log: bytes) -> list[Kept]:
    """Return what was kept of each recorded track of a call, given the log of its packets."""
    streams = list(_streams(log))
    return [kept for track in read_tracks(call_dir) if (kept := _compare(track, streams))]


def _streams(log: bytes) -> Iterator[dict[int, bool]]:
    """Yield for each SSRC which timestamps were sent, and whether every packet of them was delivered."""
    found: dict[tuple[int, int], dict[int, bool]] = defaultdict(dict)
    for _, port, ssrc, _, timestamp, _, _, delivered in RTP_RECORD.iter_unpack(log):
        frames = found[port, ssrc]
        frames[timestamp] = frames.get(timestamp, True) and bool(delivered)
    yield from found.values()


def _compare(track: RecordedTrack, streams: list[dict[int, bool]]) -> Kept | None:
    base = track.base_timestamp % _FULL
    sent = next((frames for frames in streams if base in frames), None)
    kept = {
        frame.timestamp - track.base_timestamp
        for segment in track.segments
        for frame in read_frames(track, segment)
    }
    if sent is None or not kept:
        return None
    window, end = _ROUNDING_S * track.info.clock_rate, max(kept)
    offsets = {((at - base + _HALF) % _FULL) - _HALF: whole for at, whole in sent.items()}
    within = {offset: whole for offset, whole in offsets.items() if -window < offset < end + window}
    grid = {round(offset / window) for offset in kept}
    missing = [
        whole
        for offset, whole in within.items()
        if not grid & {cell + round(offset / window) for cell in (-1, 0, 1)}
    ]
    return Kept(track.info.kind, len(within), len(missing), sum(missing))
