"""Writes one segment so that a kill at any moment leaves all but its last tenth of a second readable.

The file is live Matroska under a ``.part`` name: it only grows, so the hash is taken as it is written.
Packets go in as they came, through a stream without a codec context. All functions block.
"""

import hashlib
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from contract.ports import EncodedFrame, TrackInfo
from recordings import matroska
from recordings.spool import sync_dir, write_all

# FFmpeg keeps a cluster in memory until the first frame behind this many milliseconds comes: what is
# lost at a kill. Ten clusters a second cost about 200 bytes.
_CLUSTER_MS = 100
_CODECS = {"VP8": "vp8", "H264": "h264", "opus": "opus"}
PART = ".part"


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A segment under its final name, synced."""

    path: Path
    sha256: str
    bytes: int
    frames: int


class _PartFile:
    """The append-only file that FFmpeg writes through; hashes what it lets by."""

    def __init__(self, path: Path, header: bytes | None) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._header = header
        self.digest = hashlib.sha256()
        self.size = 0
        self.writes = 0
        self.broken = False

    def write(self, data: bytes) -> int:
        """Write all of ``data``; after a failure, swallow what FFmpeg still wants to flush."""
        if self.broken:
            return len(data)
        # The first write is the file's head, the later ones clusters.
        kept = self._header if self._header is not None and self.writes == 0 else bytes(data)
        try:
            write_all(self._descriptor, kept)
        except OSError:
            self.broken = True
            raise
        self.digest.update(kept)
        self.size += len(kept)
        self.writes += 1
        return len(data)

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


class SegmentWriter:
    """One segment of one track. Timestamps in the file count from the track's base timestamp.

    ``size`` is width and height in pixels, None for sound. Raises OSError when the disk refuses; the
    writer is then good for :meth:`seal` only.
    """

    def __init__(
        self, path: Path, info: TrackInfo, base_timestamp: int, size: tuple[int, int] | None
    ) -> None:
        self._path = path
        self._base = base_timestamp
        self._tick = Fraction(1, info.clock_rate)
        self._file = _PartFile(
            path.with_name(path.name + PART), matroska.opus_header() if size is None else None
        )
        options = {
            "live": "1",
            "flush_packets": "1",
            "cluster_time_limit": str(_CLUSTER_MS),
            "write_crc32": "0",
        }
        self._container = av.open(self._file, "w", format="matroska", options=options)
        picture = {"width": size[0], "height": size[1]} if size else {}
        rate = None if size else info.clock_rate
        self._stream = self._container.add_mux_stream(
            _CODECS[info.codec], rate=rate, time_base=self._tick, **picture
        )
        self.frames = 0

    def write(self, frame: EncodedFrame, data: bytes) -> None:
        """Add ``data``, the bytes of ``frame``; frames come in order of their timestamps."""
        packet = av.Packet(data)
        packet.stream = self._stream
        packet.time_base = self._tick
        packet.pts = packet.dts = frame.timestamp - self._base
        packet.is_keyframe = frame.keyframe
        self._container.mux_one(packet)
        self.frames += 1

    def sync(self) -> bool:
        """Bring what was written to disk; return whether a frame is among it."""
        self._file.sync()
        return self._file.writes > 1

    def seal(self) -> SealedFile | None:
        """Finish the file and give it its final name; None when no whole frame got into it."""
        part = self._path.with_name(self._path.name + PART)
        try:
            self._container.close()
            self._file.sync()
        except (OSError, av.FFmpegError):
            # FFmpeg reports an earlier failed write once more when it closes.
            self._file.broken = True
        finally:
            self._file.close()
        if self._file.broken or self._file.writes < 2:
            return seal_part(part)
        part.replace(self._path)
        sync_dir(part.parent)
        return SealedFile(
            self._path,
            self._file.digest.hexdigest(),
            self._file.size,
            self.frames,
        )


def seal_part(part: Path) -> SealedFile | None:
    """Seal what a crash or a full disk left: cut the torn tail off, sync, rename.

    The tail is kept beside it as ``<name>.damaged``, where there is room for it. A file without a whole
    frame is not sealed: it becomes ``.damaged`` as it is, and None is returned.
    """
    path = part.with_name(part.name.removesuffix(PART))
    damaged = path.with_name(path.name + ".damaged")
    content = part.read_bytes()
    frames = list(matroska.blocks(content))
    if not frames:
        part.replace(damaged)
        sync_dir(part.parent)
        return None
    whole = frames[-1].end
    if whole < len(content):
        _keep_tail(damaged, content[whole:])
    descriptor = os.open(part, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(descriptor, whole)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    part.replace(path)
    sync_dir(path.parent)
    digest = hashlib.sha256(content[:whole]).hexdigest()
    return SealedFile(path, digest, whole, len(frames))


def _keep_tail(path: Path, tail: bytes) -> None:
    try:
        path.write_bytes(tail)
    except OSError:
        path.unlink(missing_ok=True)
