"""Opens a merged file and measures what a viewer would see and hear."""

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from teller.demo.pictures import fitted, read_counter, read_flash
from teller.demo.sound import Speaker, find_beeps

# The fixed layout of a two-party recording: two panes of 640x640 between two strips of text.
PANES = {"customer": (0, 40, 640, 640), "agent": (640, 40, 640, 640)}


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
        return find_beeps(self.samples, self.rate, speaker.beep_hz)

    def skews(self, side: str, speaker: Speaker) -> list[float]:
        """Return beep minus flash of every second that has both, positive when the sound is late."""
        beeps = np.array(self.beeps(speaker))
        if not len(beeps):
            return []
        nearest = [float(beeps[np.abs(beeps - flash).argmin()] - flash) for flash in self.sides[side].flashes]
        return [skew for skew in nearest if abs(skew) < 0.4]


def measure(path: Path, camera: tuple[int, int]) -> Merged:
    """Decode the whole file; ``camera`` is the size of the published pictures."""
    regions = {side: fitted(camera, pane) for side, pane in PANES.items()}
    counters: dict[str, list[tuple[float, int]]] = {side: [] for side in PANES}
    flashes: dict[str, list[float]] = {side: [] for side in PANES}
    unreadable, lit = dict.fromkeys(PANES, 0), dict.fromkeys(PANES, True)
    sound: list[NDArray[np.float32]] = []
    with av.open(str(path)) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        size, fps = (video.width, video.height), float(video.average_rate or 0)
        seconds, rate = float((file.duration or 0) / av.time_base), audio.rate
        for frame in file.decode(video, audio):
            if isinstance(frame, av.AudioFrame):
                sound.append(np.asarray(frame.to_ndarray(), np.float32).mean(axis=0))
                continue
            assert isinstance(frame, av.VideoFrame)
            at = float(frame.time or 0.0)
            picture = np.asarray(frame.to_ndarray(format="gray"), np.uint8)
            for side, region in regions.items():
                number = read_counter(picture, region)
                if number is None:
                    unreadable[side] += 1
                else:
                    counters[side].append((at, number))
                now_lit = read_flash(picture, region)
                if now_lit and not lit[side]:
                    flashes[side].append(at)
                lit[side] = now_lit
    sides = {side: Side(counters[side], unreadable[side], flashes[side]) for side in PANES}
    return Merged(
        seconds, size, fps, sides, np.concatenate(sound) if sound else np.zeros(0, np.float32), rate
    )
