"""Signs that pictures do not come from a camera that looks at somebody. Pure code.

Each sign is a score, 0 for nothing to see to 1 for as good as certain, and a reason. None is calibrated on
attacks, so all are advice: they are journaled and shown to the agent, and never refuse anybody. A camera's
name cannot be trusted, as any program may take any name (w3c/mediacapture-main issue 896).
"""

import itertools
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from contract.ports import EncodedFrame
from kyc.pipes import Job

# A page says what it was given; these are names that virtual cameras give themselves, lower case.
_SOFTWARE = re.compile(
    r"\b(obs|manycam|xsplit|splitcam|snap camera|camtwist|v4l2loopback|webcammax|sparkocam|altercam"
    r"|e2esoft|vcam|youcam|facerig|animaze|avatarify|mmhmm|chromacam|unity video|ndi|vmix|streamlabs"
    r"|prism live|deepfacelive|bluestacks|ldplayer|nox|genymotion|android emulator|fake_device"
    r"|dummy video|virtual)|虚拟|摄像头助手"
)
# A phone as a webcam, or a filter between camera and page: plausible, and another program in the way.
_BETWEEN = re.compile(r"droidcam|ivcam|epoccam|iriun|camo\b|nvidia broadcast|logi capture|continuity|screen")

# Browsers stamp in whole milliseconds, which at 30 frames a second alone makes a third of one on average.
# Less has only what no browser stamped; a steady camera cannot be told from a file in a browser by this.
_JITTER_MIN_S = 0.0001
# Steps that have nothing to do with each other are a quarter of one off the nearest multiple.
_JITTER_MAX = 0.2
_INTERVALS_MIN = 30
# Crystals differ by 100 millionths; 0.3 s is more than a line's delay drifts in half a minute.
_PACE_MAX = 0.01
_PACE_SECONDS_MIN = 30.0
# Noise of a sensor makes no two pictures alike; an encoder that is short of bits repeats one now and then.
_DUPLICATES_MIN = 0.1
# libwebrtc scales by two thirds and three quarters and keeps the shape to a pixel or two.
_SHAPE_MAX = 0.02
# Sides that no camera of a phone or desktop has.
_SIDE_MAX = 8_192
_RATE_MAX = 240.0


@dataclass(frozen=True, slots=True)
class Signal:
    """One sign: ``score`` 0 to 1, uncalibrated; ``reason`` is a machine word, empty at 0."""

    name: str
    score: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CameraClaim:
    """What a page says of its camera: ``MediaStreamTrack``'s label, settings and capabilities.

    ``facing`` is ``user``, ``environment`` or empty; maxima are 0 when the browser does not tell.
    """

    label: str
    facing: str
    width: int
    height: int
    frame_rate: float
    width_max: int = 0
    height_max: int = 0
    frame_rate_max: float = 0.0
    phone: bool = False


@dataclass(frozen=True, slots=True)
class Print:
    """A picture made small, ``at`` seconds: 32 x 24 grey cells; ``digest`` and ``size`` are the picture's."""

    at: float
    cells: bytes
    digest: bytes
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PrintFrames(Job[tuple[Print, ...]]):
    """Print every frame from the RTP timestamp ``since`` on; as :class:`kyc.light_sequence.SampleLight`."""

    HANDLER: ClassVar[str] = "kyc.loops:print_frames"
    codec: str
    frames: tuple[EncodedFrame, ...]
    origin: int
    since: int


@dataclass(frozen=True, slots=True)
class FindLoop(Job[Signal]):
    """Judge the prints of a challenge, in order; see :func:`kyc.loops.find_loop`."""

    HANDLER: ClassVar[str] = "kyc.loops:answer_find_loop"
    prints: tuple[Print, ...]


def total(signals: Sequence[Signal]) -> float:
    """Return one advisory figure: how likely at least one sign is right, as if each were alone and right."""
    clean = 1.0
    for signal in signals:
        clean *= 1 - signal.score
    return round(1 - clean, 3)


def device_label(label: str) -> Signal:
    """Judge the camera's name."""
    name = label.strip().lower()
    if not name:
        # A canvas or an element that is captured has no name; neither has a camera without permission.
        return Signal("label", 0.3, "no_label")
    if _SOFTWARE.search(name):
        return Signal("label", 0.9, "virtual_camera")
    return Signal("label", 0.4, "software_between") if _BETWEEN.search(name) else Signal("label", 0.0)


def capabilities(claim: CameraClaim) -> Signal:
    """Judge whether a camera like this exists."""
    doubts = _doubts(claim)
    return Signal("capabilities", min(0.9, 0.4 * len(doubts)), "+".join(doubts))


def _doubts(claim: CameraClaim) -> list[str]:
    doubts = []
    label = claim.label.lower()
    if (claim.facing == "environment" and re.search(r"front|facetime|前置", label)) or (
        claim.facing == "user" and re.search(r"\bback\b|rear|后置", label)
    ):
        doubts.append("label_against_facing")
    if claim.phone and not claim.facing:
        doubts.append("phone_without_facing")
    if min(claim.width, claim.height) < 1 or max(claim.width, claim.height, claim.width_max) > _SIDE_MAX:
        doubts.append("impossible_size")
    if claim.frame_rate > _RATE_MAX or claim.frame_rate_max > _RATE_MAX:
        doubts.append("impossible_rate")
    # A canvas can be one size at one rate only; every camera has several.
    if (
        claim.width_max
        and (claim.width, claim.height) == (claim.width_max, claim.height_max)
        and (claim.width % 16 or claim.height % 4)
    ):
        doubts.append("odd_only_size")
    return doubts


def regularity(stamps: Sequence[float], arrivals: Sequence[float]) -> Signal:
    """Judge when frames were taken (``stamps``, RTP time) and came (``arrivals``): seconds, in order."""
    steps = [later - earlier for earlier, later in itertools.pairwise(stamps)]
    usual = statistics.median(steps) if steps else 0.0
    if len(steps) < _INTERVALS_MIN or usual <= 0:
        return Signal("regularity", 0.0)
    taken, came = stamps[-1] - stamps[0], arrivals[-1] - arrivals[0]
    if taken >= _PACE_SECONDS_MIN and abs(came / taken - 1) > _PACE_MAX:
        return Signal("regularity", 0.5, "another_pace")
    # An encoder leaves frames out; what is left lies on multiples of the same step.
    odd = [abs(step - round(step / usual) * usual) for step in steps]
    if statistics.fmean(odd) < _JITTER_MIN_S:
        return Signal("regularity", 0.3, "like_clockwork")
    if statistics.fmean(odd) > _JITTER_MAX * usual:
        return Signal("regularity", 0.3, "irregular")
    return Signal("regularity", 0.0)


def duplicates(digests: Sequence[bytes]) -> Signal:
    """Judge digests of the decoded pictures, in order: how many are another's to the last bit."""
    if len(digests) < _INTERVALS_MIN:
        return Signal("duplicates", 0.0)
    share = 1 - len(set(digests)) / len(digests)
    if share < _DUPLICATES_MIN:
        return Signal("duplicates", 0.0)
    return Signal("duplicates", round(min(0.9, share), 3), "repeated_pictures")


def resolutions(sizes: Sequence[tuple[int, int]]) -> Signal:
    """Judge the sizes of the pictures, in order: a line that gets worse keeps the shape, a phone turns it."""
    jumps = 0
    for (width, height), (wide, high) in itertools.pairwise(sizes):
        shape, other = width / height, wide / high
        same = min(abs(other / shape - 1), abs(other * shape - 1))
        jumps += (width, height) != (wide, high) and same > _SHAPE_MAX
    return Signal("resolutions", min(0.8, 0.4 * jumps), "shape_changed" if jumps else "")


def exposure(r: float, gain: float, background_share: float) -> Signal:
    """Judge how the picture answered the light challenge; the figures of its LightFinding.

    A camera that looks at somebody answers on the face; a file does not at all, and a filmed screen all over.
    """
    if background_share >= 0.5:
        return Signal("exposure", 0.5, "answers_all_over")
    # No wrong sequence came over 0.5 but one in a hundred: under 0.3 nothing of the light is there.
    if r < 0.3 or gain <= 0:
        return Signal("exposure", 0.4, "no_answer")
    return Signal("exposure", 0.0)
