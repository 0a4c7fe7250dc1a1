"""The light challenge: what the screen shows, what is found of it, and the jobs. Loaded by the server too.

The sequence follows from a nonce in the journal, and the verdict from the samples alone, so both can be
worked out again from the recorded track.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from contract.phases import CheckVerdict
from contract.ports import EncodedFrame
from kyc.pipes import Job

COLOURS = {
    "R": (1.0, 0.0, 0.0), "G": (0.0, 1.0, 0.0), "B": (0.0, 0.0, 1.0),
    "C": (0.0, 1.0, 1.0), "M": (1.0, 0.0, 1.0), "Y": (1.0, 1.0, 0.0),
}  # fmt: skip
# Every second holds at most three changes, half a flash each: WCAG 2.2 criterion 2.3.1 forbids more than
# three flashes, or red flashes, in any second.
STEP_S = 0.4
COUNT_MIN = 12
# By r and gain alone 0.4 % of wrong sequences pass with 12 symbols, 0.1 % with 16 (simulated, 720 each).
COUNT = 16
NONCE_BYTES_MIN = 16
# From the moment the server heard that the first colour is on the screen: camera, encoder, network.
LAG_MAX_S = 0.5
_LABEL = b"video-teller light 1"

Colour = tuple[float, float, float]
"""Mean red, green, blue in linear light, 0 to 1."""


@dataclass(frozen=True, slots=True)
class LightSequence:
    """What the screen shows: ``symbols`` of R, G, B, C, M, Y, ``step_s`` seconds each."""

    symbols: str
    step_s: float = STEP_S

    @property
    def seconds(self) -> float:
        """Return how long it takes."""
        return len(self.symbols) * self.step_s


@dataclass(frozen=True, slots=True)
class LightSample:
    """What one frame shows: ``at`` as in ``kyc.frames.TimedPicture``, ``arrived_at`` seconds UTC."""

    at: float
    arrived_at: float
    face: Colour
    background: Colour


@dataclass(frozen=True, slots=True)
class LightFinding:
    """What the samples say.

    ``r`` is the correlation with the sequence, -1 to 1; ``gain`` the face's change of log chroma per
    full colour, about the light that the screen adds over the light that is there; ``lag_s`` how late it
    came; ``background_share`` the background's added light over the face's. ``reason`` is empty when
    passed, else ``wrong_sequence`` (FAILED), ``flat_reflection``, ``inconclusive``, ``too_few_frames``
    (REVIEW: a lamp, the sun or a poor line can be to blame, so a person looks).
    """

    r: float
    gain: float
    lag_s: float
    background_share: float
    verdict: CheckVerdict
    reason: str
    samples: int


def draw_sequence(nonce: bytes, count: int = COUNT) -> LightSequence:
    """Return the sequence of ``nonce``; no symbol twice in a row.

    The bytes of HMAC-SHA-256(nonce, "video-teller light 1" + block number in 4 bytes, big-endian), blocks
    from 0 on, are taken in order. For the first symbol a byte under 252 chooses ``RGBCMY[byte % 6]``; for
    each other one a byte under 255 chooses, of these six without the symbol before, number ``byte % 5``.
    Other bytes are passed over. Raises ValueError for a short nonce or a short sequence.
    """
    if len(nonce) < NONCE_BYTES_MIN or count < COUNT_MIN:
        raise ValueError(f"at least {NONCE_BYTES_MIN} bytes of nonce and {COUNT_MIN} symbols")
    stream = _bytes_of(nonce)
    symbols = ""
    while len(symbols) < count:
        left = [name for name in COLOURS if not symbols.endswith(name)]
        byte = next(stream)
        if byte < 256 - 256 % len(left):
            symbols += left[byte % len(left)]
    return LightSequence(symbols)


def _bytes_of(nonce: bytes) -> Iterator[int]:
    block = 0
    while True:
        yield from hmac.digest(nonce, _LABEL + block.to_bytes(4), "sha256")
        block += 1


@dataclass(frozen=True, slots=True)
class LightSampled:
    """What a stretch of frames showed; ``without_face`` counts those that had no one face to look at."""

    samples: tuple[LightSample, ...]
    without_face: int


@dataclass(frozen=True, slots=True)
class SampleLight(Job[LightSampled]):
    """Sample every frame from the RTP timestamp ``since`` on.

    ``frames`` begin with a keyframe; those before ``since`` are only decoded. Times count from the RTP
    timestamp ``origin``, which stays the same throughout a challenge. Ask every second: the verdict then
    waits for the last second only.
    """

    HANDLER: ClassVar[str] = "kyc.light_sampling:sample_light"
    codec: str
    frames: tuple[EncodedFrame, ...]
    origin: int
    since: int


@dataclass(frozen=True, slots=True)
class JudgeLight(Job[LightFinding]):
    """Judge all samples of a challenge; ``started_at`` as in :func:`kyc.light.correlate`."""

    HANDLER: ClassVar[str] = "kyc.light_sampling:judge_light"
    sequence: LightSequence
    samples: tuple[LightSample, ...]
    started_at: float
