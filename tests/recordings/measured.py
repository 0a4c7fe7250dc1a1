"""Measuring a merged file: which picture shows when, where flashes and beeps are, how it is laid out."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

from recordings import compose, layout
from tests.recordings.staged import read_number

Luma = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """A decoded file: the luma planes by picture with their times, and the sound from second 0."""

    seconds: float
    codecs: tuple[str, str]
    times: list[float]
    luma: list[Luma]
    sound: NDArray[np.float32]


def measure(path: Path) -> Merged:
    """Decode the whole of ``path``."""
    with av.open(str(path)) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        codecs = (video.codec_context.name, audio.codec_context.name)
        seconds = cast(int, file.duration) / av.time_base
        times: list[float] = []
        luma: list[Luma] = []
        sound = np.zeros(round((seconds + 1) * 48_000), np.float32)
        for frame in file.decode(video, audio):
            if isinstance(frame, av.VideoFrame):
                times.append(frame.time or 0.0)
                luma.append(frame.to_ndarray()[: layout.HEIGHT].astype(np.uint8))
            elif isinstance(frame, av.AudioFrame):
                samples = frame.to_ndarray()[0]
                first = round((frame.time or 0.0) * 48_000)
                low = max(first, 0)
                sound[low : first + samples.size] = samples[low - first :]
    return Merged(seconds, codecs, times, luma, sound[: round(seconds * 48_000)])


def pane(luma: Luma, side: int, size: tuple[int, int] = (320, 240)) -> Luma:
    """Return the part of pane ``side`` that a picture of ``size`` fills."""
    return part(luma, layout.places(2, False)[side], size)


def part(luma: Luma, place: layout.Place, size: tuple[int, int] = (320, 240)) -> Luma:
    """Return what a picture of ``size`` fills of a place."""
    width, height = compose.fit(*size, place.width, place.height)
    left = place.left + (place.width - width) // 4 * 2
    top = place.top + (place.height - height) // 4 * 2
    return luma[top : top + height, left : left + width]


def numbers(merged: Merged, side: int, size: tuple[int, int] = (320, 240)) -> list[int]:
    """Return the counter of every picture in pane ``side``."""
    return [read_number(pane(luma, side, size)) for luma in merged.luma]


def flashes(merged: Merged, side: int, size: tuple[int, int] = (320, 240)) -> list[float]:
    """Return the times at which the picture turns white."""
    lit = [bool(pane(luma, side, size)[-20:, 20:-20].mean() > 180) for luma in merged.luma]
    rises = [i for i in range(1, len(lit)) if lit[i] and not lit[i - 1]]
    return [merged.times[i] for i in ([0] if lit[0] else []) + rises]


def beeps(merged: Merged, tone_hz: float = 1000.0) -> list[float]:
    """Return the times at which the tone begins, to 2 ms."""
    size = 96
    blocks = merged.sound[: merged.sound.size // size * size].reshape(-1, size)
    wave = np.exp(-2j * np.pi * tone_hz * np.arange(size) / 48_000)
    loud = np.abs(blocks @ wave) / size > 0.05
    quiet = 25  # a beep comes after at least 50 ms of silence
    return [i * size / 48_000 for i in np.flatnonzero(loud) if not loud[max(0, i - quiet) : i].any()]


def boxes(path: Path) -> list[str]:
    """Return the names of the top-level boxes of an MP4 in file order (ISO 14496-12, section 4.2)."""
    content, offset, found = path.read_bytes(), 0, []
    while offset < len(content):
        found.append(content[offset + 4 : offset + 8].decode())
        offset += int.from_bytes(content[offset : offset + 4])
    return found
