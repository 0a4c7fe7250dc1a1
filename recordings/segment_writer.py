"""Writes one segment so that a kill at any moment leaves all that was flushed readable.

The file is live Matroska under a ``.part`` name: it only grows, so the hash is taken as it is written.
Frames go in as they came; nothing here could decode them. Functions block where they say so.
"""

import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.ports import EncodedFrame, TrackInfo
from recordings import matroska, muxer
from recordings.spool import sync_dir, write_all

PART = ".part"


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A segment under its final name, synced."""

    path: Path
    sha256: str
    bytes: int
    frames: int


class SegmentWriter:
    """One segment of one track. Timestamps in the file count from the track's base timestamp.

    ``size`` is width and height in pixels, None for sound; ``parameter_sets`` are H.264's. The file is
    made at once (raises OSError) and written by :meth:`flush`. One thread writes until it hands the
    segment over to be finished; another may sync meanwhile.
    """

    def __init__(
        self,
        path: Path,
        info: TrackInfo,
        base_timestamp: int,
        size: tuple[int, int] | None,
        parameter_sets: Sequence[bytes] = (),
    ) -> None:
        self._path = path
        self._part = path.with_name(path.name + PART)
        self._base = base_timestamp
        self._rate = info.clock_rate
        self._prefixes_lengths = info.codec == "H264"
        self._pending = [_head(info.codec, size, parameter_sets)]
        self._cluster_ms: int | None = None
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._broken = False
        self._file: int | None = os.open(
            self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        self.frames = 0

    def write(self, frame: EncodedFrame, data: bytes) -> None:
        """Add ``data``, the bytes of ``frame``, to what is flushed next; timestamps never fall."""
        ms = block_ms(frame.timestamp, self._base, self._rate)
        cluster_ms = self._cluster_ms
        if cluster_ms is None or ms - cluster_ms > muxer.CLUSTER_MS_MAX:
            cluster_ms = self._cluster_ms = ms
            self._pending.append(muxer.cluster_head(ms))
        if self._prefixes_lengths:
            data = muxer.length_prefixed(data)
        self._pending += (muxer.block_head(ms - cluster_ms, len(data), frame.keyframe), data)
        self.frames += 1

    def flush(self) -> None:
        """Hand what was written to the kernel: a kill of this process no longer takes it away.

        Raises OSError when the disk refuses; the segment is then good for being sealed only.
        """
        if not self.frames or not self._pending or self._broken or self._file is None:
            return
        data = b"".join(self._pending)
        self._pending.clear()
        self._cluster_ms = None
        try:
            write_all(self._file, data)
        except OSError:
            self._broken = True
            raise
        self._digest.update(data)
        self._bytes += len(data)

    @property
    def has_frames(self) -> bool:
        """Tell whether a frame was flushed."""
        return self._bytes > 0

    def sync(self) -> None:
        """Bring what was flushed to disk. Blocks.

        Raises OSError; the segment is then good for being sealed only.
        """
        try:
            if self._file is not None:
                os.fdatasync(self._file)
        except OSError:
            self._broken = True
            raise

    def finish(self) -> None:
        """Flush what is left; nothing is written any more."""
        with contextlib.suppress(OSError):
            self.flush()

    def give_name(self) -> SealedFile | None:
        """Give a finished and synced file its final name; None when no whole frame got into it.

        What is not whole is cut off. Blocks. Raises OSError when not even what is whole could be kept.
        """
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if self._broken or not self._bytes:
            return seal_part(self._part)
        self._part.replace(self._path)
        return SealedFile(self._path, self._digest.hexdigest(), self._bytes, self.frames)


def block_ms(timestamp: int, base_timestamp: int, clock_rate: int) -> int:
    """Return the time in a file, in milliseconds, of a frame with this RTP timestamp."""
    return ((timestamp - base_timestamp) * 1000 + clock_rate // 2) // clock_rate


def _head(codec: str, size: tuple[int, int] | None, parameter_sets: Sequence[bytes]) -> bytes:
    if size is None:
        return muxer.opus_head()
    return muxer.h264_head(size, parameter_sets) if codec == "H264" else muxer.vp8_head(size)


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
