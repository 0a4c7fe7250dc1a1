"""Reading a folder of pictures and clips that somebody else made."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import av
import numpy as np

from contract.errors import UserError
from kyc.images import Picture, decode
from kyc.limits import BYTES_MAX

_Item = TypeVar("_Item")

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
CLIPS = frozenset({".avi", ".gif", ".mkv", ".mov", ".mp4", ".webm"})
# A minute at 30 frames a second; what a longer clip shows behind it is not looked at.
_CLIP_FRAMES = 1800
# Two million pixels, as in a call; a frame takes 6 MB.
_CLIP_PIXELS = 2_000_000


def refuse(text: str) -> UserError:
    """Return the error for a data set of another shape than the documented one."""
    return UserError(text, code="dataset")


def folders(folder: Path) -> list[Path]:
    """Return the folders in ``folder`` by name, hidden ones left out. Raises UserError ``dataset``."""
    if not folder.is_dir():
        raise refuse(f"{folder} is no folder")
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def pictures(folder: Path) -> list[Path]:
    """Return the pictures in ``folder`` by name, not those below it."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)


def read_bytes(path: Path) -> bytes:
    """Return what is in ``path``, one byte more than allowed at most. Raises UserError ``dataset``."""
    try:
        with path.open("rb") as file:
            return file.read(BYTES_MAX + 1)
    except OSError as error:
        raise refuse(f"{path}: {error.strerror}") from error


def read_picture(path: Path) -> Picture:
    """Return a picture. Raises UserError, naming the file, as :func:`kyc.images.decode`."""
    try:
        return decode(read_bytes(path))
    except UserError as error:
        raise UserError(f"{path}: {error}", code=error.code) from error


def read_frames(path: Path, count: int) -> list[Picture]:
    """Return up to ``count`` frames, evenly spread, of a clip, a folder of pictures, or one picture.

    Raises:
        UserError: it cannot be read; the text names the file.
    """
    if path.is_dir():
        return [read_picture(found) for found in _spread(pictures(path), count)]
    if path.suffix.lower() in PICTURES:
        return [read_picture(path)]
    try:
        # Once to count, once to keep: a clip's frames together would fill the memory.
        total = sum(1 for _ in _frames(path))
        wanted = set(_spread(list(range(total)), count))
        return [
            np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
            for place, frame in enumerate(_frames(path))
            if place in wanted
        ]
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        raise UserError(f"{path}: not a clip that can be read", code="not_a_clip") from error


def _frames(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as clip:
        for place, frame in enumerate(clip.decode(video=0)):
            if place >= _CLIP_FRAMES:
                return
            if frame.width * frame.height > _CLIP_PIXELS:
                raise ValueError(f"{frame.width} x {frame.height}")
            yield frame


def _spread(items: list[_Item], count: int) -> list[_Item]:
    if len(items) <= count:
        return items
    return [items[round(place * (len(items) - 1) / max(1, count - 1))] for place in range(count)]
