"""Opens a merged file and measures what a viewer would see and hear."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from teller.demo.pictures import Picture, Region, fitted, read_counter, read_flash
from teller.demo.sound import Speaker, find_beeps

# The fixed layout of a two-party recording: two panes of 640x640 between two strips of text.
PANES = {"customer": (0, 40, 640, 640), "agent": (640, 40, 640, 640)}


@dataclass(frozen=True, slots=True)
class Reel:
    """What a file holds besides pictures; ``samples`` is mono."""

    seconds: float
    size: tuple[int, int]
    fps: float
    samples: NDArray[np.float32]
    rate: int


def watch(path: Path, look: Callable[[float, Picture], None]) -> Reel:
    """Decode a whole file; ``look`` gets each picture, grey, and its second."""
    sound = [np.zeros(0, np.float32)]
    with av.open(str(path)) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        for frame in file.decode(video, audio):
            if isinstance(frame, av.AudioFrame):
                sound.append(np.asarray(frame.to_ndarray(), np.float32).mean(axis=0))
                continue
            assert isinstance(frame, av.VideoFrame)
            look(float(frame.time or 0.0), np.asarray(frame.to_ndarray(format="gray"), np.uint8))
        return Reel(
            float((file.duration or 0) / av.time_base),
            (video.width, video.height),
            float(video.average_rate or 0),
            np.concatenate(sound),
            audio.rate,
        )


@dataclass(frozen=True, slots=True)
class Side:
    """One person in the merged file: frame times, counters read (None: unreadable), flash onsets."""

    counters: list[tuple[float, int]]
    unreadable: int
    flashes: list[float]


@dataclass(frozen=True, slots=True)
class Merged:
    """What was measured. Times in seconds of the file."""

    seconds: float
    size: tuple[int, int]
    fps: float
    sides: dict[str, Side]
    samples: NDArray[np.float32]
    rate: int

    def beeps(self, speaker: Speaker) -> list[float]:
        """Return when the speaker's beeps begin."""
        found: list[float] = []
        # By the minute, so that an hour needs no more memory; what begins in the margin is the next one's.
        for start in range(0, len(self.samples), 60 * self.rate):
            first = max(0, start - self.rate // 2)
            part = self.samples[first : start + 60 * self.rate + self.rate // 2]
            here = (first / self.rate + at for at in find_beeps(part, self.rate, speaker.beep_hz))
            found += [at for at in here if start <= at * self.rate < start + 60 * self.rate]
        return found

    def skews(self, side: str, speaker: Speaker) -> list[float]:
        """Return beep minus flash of every second that has both, positive when the sound is late."""
        return [skew for _, skew in self.timed_skews(side, speaker)]

    def timed_skews(self, side: str, speaker: Speaker) -> list[tuple[float, float]]:
        """As :meth:`skews`, each with the time of its flash."""
        beeps = np.array(self.beeps(speaker))
        if not len(beeps):
            return []
        flashes = self.sides[side].flashes
        nearest = [(flash, float(beeps[np.abs(beeps - flash).argmin()] - flash)) for flash in flashes]
        return [(flash, skew) for flash, skew in nearest if abs(skew) < 0.4]


def _seen(picture: Picture, regions: Sequence[Region], last: Region) -> tuple[Region, int | None]:
    """Return where the picture lies, by its counter, and that; an unreadable one lies where the last did."""
    for region in regions:
        number = read_counter(picture, region)
        if number is not None:
            return region, number
    return last, None


def measure(path: Path, *cameras: tuple[int, int]) -> Merged:
    """Decode the whole file; ``cameras`` are the sizes that the published pictures may have."""
    regions = {side: [fitted(camera, pane) for camera in cameras] for side, pane in PANES.items()}
    last = {side: ways[0] for side, ways in regions.items()}
    counters: dict[str, list[tuple[float, int]]] = {side: [] for side in PANES}
    flashes: dict[str, list[float]] = {side: [] for side in PANES}
    unreadable, lit = dict.fromkeys(PANES, 0), dict.fromkeys(PANES, True)

    def look(at: float, picture: Picture) -> None:
        for side, ways in regions.items():
            region, number = _seen(picture, ways, last[side])
            last[side] = region
            if number is None:
                unreadable[side] += 1
            else:
                counters[side].append((at, number))
            now_lit = read_flash(picture, region)
            if now_lit and not lit[side]:
                flashes[side].append(at)
            lit[side] = now_lit

    reel = watch(path, look)
    sides = {side: Side(counters[side], unreadable[side], flashes[side]) for side in PANES}
    return Merged(reel.seconds, reel.size, reel.fps, sides, reel.samples, reel.rate)
