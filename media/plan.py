"""The m-lines of every offer, planned ahead so that nobody ever has to renegotiate.

======  =====  ============  ==========================================
index   kind   from browser  carries
======  =====  ============  ==========================================
0       audio  sends         own microphone
1       video  sends         own camera
2       video  sends         own screen (silent until shared)
3, 4    both   receives      the first other person
5, 6    both   receives      the second other person
7       video  receives      somebody's screen
8, 9    both   receives      the third other person
======  =====  ============  ==========================================

Lines 5 to 9 may be left out at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from contract.errors import ProtocolError
from contract.phases import TrackKind, TrackSource


@dataclass(frozen=True, slots=True)
class Line:
    """One planned m-line. ``publishes`` as seen from the browser; ``other`` numbers the people it hears.

    ``stream`` is the MediaStream id on receiving lines: a browser synchronises the sound and picture
    that share it.
    """

    kind: TrackKind
    publishes: bool
    source: TrackSource
    other: int = 0
    stream: str = ""


PLAN = (
    Line(TrackKind.AUDIO, True, TrackSource.MICROPHONE),
    Line(TrackKind.VIDEO, True, TrackSource.CAMERA),
    Line(TrackKind.VIDEO, True, TrackSource.SCREEN),
    Line(TrackKind.AUDIO, False, TrackSource.MICROPHONE, 0, "other-1"),
    Line(TrackKind.VIDEO, False, TrackSource.CAMERA, 0, "other-1"),
    Line(TrackKind.AUDIO, False, TrackSource.MICROPHONE, 1, "other-2"),
    Line(TrackKind.VIDEO, False, TrackSource.CAMERA, 1, "other-2"),
    Line(TrackKind.VIDEO, False, TrackSource.SCREEN, 0, "screen"),
    Line(TrackKind.AUDIO, False, TrackSource.MICROPHONE, 2, "other-3"),
    Line(TrackKind.VIDEO, False, TrackSource.CAMERA, 2, "other-3"),
)
LINES_MIN = 5
# How many other people one connection has lines for.
OTHERS_MAX = 3

_PUBLISHES = {"sendonly", "sendrecv", "inactive"}
_RECEIVES = {"recvonly", "sendrecv", "inactive"}


@dataclass(frozen=True, slots=True)
class OfferedLine:
    """What an offer says about one m-line. ``codecs`` in the order of preference, without RTX."""

    kind: str
    direction: str
    codecs: tuple[str, ...]


def check_offer(lines: Sequence[OfferedLine], wanted: Sequence[str]) -> None:
    """Compare an offer's lines with the plan; ``wanted`` are the video codecs that we forward.

    Raises:
        ProtocolError: ``wrong_plan`` or ``no_common_codec``; the text names the line.
    """
    if not LINES_MIN <= len(lines) <= len(PLAN):
        raise ProtocolError(f"{LINES_MIN} to {len(PLAN)} m-lines are planned", code="wrong_plan")
    for index, (offered, planned) in enumerate(zip(lines, PLAN, strict=False)):
        allowed = _PUBLISHES if planned.publishes else _RECEIVES
        if offered.kind != planned.kind or offered.direction not in allowed:
            raise ProtocolError(f"m-line {index} is not the planned one", code="wrong_plan")
        codecs = ("opus",) if planned.kind is TrackKind.AUDIO else wanted
        if not set(codecs) & set(offered.codecs):
            raise ProtocolError(f"m-line {index} has no codec that we forward", code="no_common_codec")
