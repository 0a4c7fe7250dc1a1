"""A voice in the sound, and whether a mouth moves with it. Pure.

This tells that somebody spoke and that the mouth in the picture moved in time with it. It does not know
what was said: there is no speech recognition here. Whether the digits were right is for the agent to hear.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.int16]
"""Mono samples at 48 kHz."""
Numbers = NDArray[np.float64]

RATE = 48_000
# 20 ms is one Opus frame and two to five periods of a voice.
HOP_S = 0.02
_HOP = int(RATE * HOP_S)
# Telephone band: where voices have their energy and rumble and hiss have not.
_BAND_HZ = (150.0, 4000.0)
# A voice stands at least 10 dB above the quietest tenth of the stretch. -50 dBFS is far below what the
# gain control of a browser makes of speech (about -20).
_ABOVE_FLOOR_DB, _LEVEL_MIN_DB = 10.0, -50.0
# Flatness is 1 for an even spectrum. White noise in frames of 20 ms measures 0.5 to 0.6, vowels below 0.15.
_FLATNESS_MAX = 0.3
# Four digits of one syllable each take 0.2 s a piece when spoken fast.
VOICE_MIN_S = 0.6
# Four digits have four syllables at least, of which two may run into each other.
BURSTS_MIN = 3
# A dip between two syllables; de Jong and Wempe (2009) take 2 dB on a smoother curve.
_DIP_DB = 3.0
# How far sound and picture may be apart: skew of the network plus lips that open before the sound.
LAG_MAX_S = 0.3
# Before and after it speaks a mouth rests, which is part of being in step; so long it is looked at.
REST_S = 0.5
# Four digits at the pace for the elderly. What was heard before that, a prompt or the agent, is forgotten.
READING_MAX_S = 14.0
# Where an open mouth is louder than one that is nearly shut: the first formant of vowels but i and u.
_OPEN_HZ = (300.0, 1100.0)
# Half a syllable; the speed of lips changes sign within one, so it is taken over a whole one.
_SMOOTH, _SMOOTH_SPEED = 7, 15
# Eleven people who spoke moved by 0.18 and more, still ones by 0.02 after VP8 at 250 kbit/s.
MOUTH_MOVES_MIN = 0.06
# See docs/identity.md for what this lets pass, and whom it turns away.
IN_STEP_R = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Sound in frames of ``HOP_S`` from ``began_at`` on.

    ``level`` in dBFS, whether it is a ``voiced`` frame, and how ``loud`` it is where open mouths are (root
    of the amplitude).
    """

    began_at: float
    level: Numbers
    voiced: NDArray[np.bool_]
    loud: Numbers

    @property
    def seconds(self) -> float:
        """Return for how long there was a voice."""
        return float(self.voiced.sum()) * HOP_S

    @property
    def ends_at(self) -> float:
        """Return when the voice was last heard, or ``began_at``."""
        heard = np.flatnonzero(self.voiced)
        return self.began_at + (float(heard[-1]) + 1) * HOP_S if len(heard) else self.began_at


@dataclass(frozen=True, slots=True)
class InStep:
    """How well a mouth follows a voice: correlation ``r`` at ``lag_s`` (above 0: the mouth is late).

    ``voice_s`` is how long there was a voice, in so many ``bursts`` (syllables, about), and ``moved`` how
    far the mouth went meanwhile. ``reason`` is empty, or ``no_voice``, ``mouth_still``, ``not_in_step``.
    """

    voice_s: float
    bursts: int
    moved: float
    r: float
    lag_s: float
    reason: str


def hear(sound: Sound, began_at: float = 0.0) -> Speech:
    """Return where in ``sound`` there is a voice: loud enough, and with the peaks of a voice's spectrum."""
    frames = in_frames(sound)
    if not len(frames):
        return Speech(began_at, np.empty(0), np.empty(0, np.bool_), np.empty(0))
    level, power = level_of(frames), _power(frames)
    voiced = are_voiced(level, _flatness(_between(power, _BAND_HZ)))
    return Speech(began_at, level, voiced, _between(power, _OPEN_HZ).sum(axis=1) ** 0.25)


def in_frames(sound: Sound) -> Numbers:
    """Return the whole frames of ``sound``, (n, 960), full scale at 1."""
    return sound[: len(sound) // _HOP * _HOP].reshape(-1, _HOP).astype(np.float64) / 32768


def level_of(frames: Numbers) -> Numbers:
    """Return the level of each frame in dBFS, -100 at least."""
    level: Numbers = 10 * np.log10((frames**2).mean(axis=1) + 1e-10)
    return level


def flatness_of(frames: Numbers) -> Numbers:
    """Return how even the spectrum of each frame is where voices are: 0 (a tone) to 1."""
    return _flatness(_between(_power(frames), _BAND_HZ))


def are_voiced(level: Numbers, flatness: Numbers) -> NDArray[np.bool_]:
    """Tell which frames of one stretch, of at least one, have a voice."""
    threshold = max(_LEVEL_MIN_DB, float(np.percentile(level, 10)) + _ABOVE_FLOOR_DB)
    return (level > threshold) & (flatness < _FLATNESS_MAX)


def _power(frames: Numbers) -> Numbers:
    power: Numbers = np.abs(np.fft.rfft(frames * np.hanning(_HOP))) ** 2 + 1e-12
    return power


def _between(power: Numbers, hertz: tuple[float, float]) -> Numbers:
    pitch = np.fft.rfftfreq(_HOP, 1 / RATE)
    return power[:, (pitch >= hertz[0]) & (pitch <= hertz[1])]


def _flatness(band: Numbers) -> Numbers:
    flatness: Numbers = np.exp(np.log(band).mean(axis=1)) / band.mean(axis=1)
    return flatness


def bursts(speech: Speech) -> int:
    """Return how many syllables there are, about: peaks of the voice with a dip between each two."""
    if not speech.voiced.any():
        return 0
    level = _smooth(np.where(speech.voiced, speech.level, _LEVEL_MIN_DB), _SMOOTH)
    count, top, low = 0, _LEVEL_MIN_DB, _LEVEL_MIN_DB
    rising = True
    for value in level.tolist():
        if rising:
            top = max(top, value)
            if value < top - _DIP_DB:
                count, rising, low = count + 1, False, value
        else:
            low = min(low, value)
            if value > low + _DIP_DB:
                rising, top = True, value
    return count + (rising and top > _LEVEL_MIN_DB + _DIP_DB)


def in_step(speech: Speech, at: Numbers, mouth: Numbers) -> InStep:
    """Tell whether ``mouth`` (openness at the times ``at``, rising) spoke what is heard in ``speech``.

    Judged is the newest reading: what was heard until the last word, ``READING_MAX_S`` at most.
    """
    speech = _newest(speech)
    found = InStep(speech.seconds, bursts(speech), 0.0, 0.0, 0.0, "no_voice")
    if found.voice_s < VOICE_MIN_S or found.bursts < BURSTS_MIN:
        return found
    heard = np.flatnonzero(speech.voiced)
    rest = round(REST_S / HOP_S)
    # Before the sound began and after it ended there is silence.
    voice = np.pad(np.where(speech.voiced, speech.loud, 0.0)[heard[0] : heard[-1] + 1], rest)
    begins = speech.began_at + (float(heard[0]) - rest + 0.5) * HOP_S
    times = _later(np.arange(len(voice), dtype=np.float64) * HOP_S, begins)
    low, high = np.percentile(np.interp(times, at, mouth), (5, 95))
    found = replace(found, moved=float(high - low), reason="mouth_still")
    if found.moved < MOUTH_MOVES_MIN:
        return found
    envelope = _smooth(voice, _SMOOTH)
    r, lag_s = max((_correlated(envelope, _later(times, lag_s), at, mouth), lag_s) for lag_s in _LAGS_S)
    # Who still speaks is heard to the end first.
    agrees = r >= IN_STEP_R and at[-1] >= times[-1]
    return replace(found, r=r, lag_s=lag_s, reason="" if agrees else "not_in_step")


_LAGS_S = tuple(round(n * HOP_S, 2) for n in range(-round(LAG_MAX_S / HOP_S), round(LAG_MAX_S / HOP_S) + 1))


def _later(times: Numbers, seconds: float) -> Numbers:
    return np.asarray(times + seconds, np.float64)


def _newest(speech: Speech) -> Speech:
    """Return the end of ``speech``: what was heard in the ``READING_MAX_S`` until the last word."""
    first = max(0, round((speech.ends_at - READING_MAX_S - speech.began_at) / HOP_S))
    began_at = speech.began_at + first * HOP_S
    return Speech(began_at, speech.level[first:], speech.voiced[first:], speech.loud[first:])


def _correlated(envelope: Numbers, times: Numbers, at: Numbers, mouth: Numbers) -> float:
    """Correlate the voice with how open the mouth is and how fast it moves, both alike."""
    opened = np.interp(times, at, mouth)
    speed = _smooth(np.abs(np.gradient(_smooth(opened, _SMOOTH))), _SMOOTH_SPEED)
    moves = _standard(_smooth(opened, _SMOOTH)) + _standard(speed)
    return float((_standard(envelope) * _standard(moves)).mean())


def _standard(values: Numbers) -> Numbers:
    spread = float(values.std())
    return (values - values.mean()) / spread if spread else np.zeros_like(values)


def _smooth(values: Numbers, count: int) -> Numbers:
    edge = count // 2
    return np.convolve(np.pad(values, edge, mode="edge"), np.ones(count) / count, mode="valid")
