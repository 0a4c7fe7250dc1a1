"""What a machine notices in a recording, for the auditor to look at. Pure.

Nothing here decides anything. Times are seconds of the merged film; a stretch is told only when it is long
enough to be looked at.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, pairwise, repeat

from contract.facts import Entry, StepMarked
from contract.identity_facts import PersonWatched, SourceJudged
from contract.ids import CallId, SeatId
from contract.phases import Role, WatchEvent
from recordings.chapters import ScriptStep
from recordings.looks import Shown
from recordings.timeline import Axis

VERSION = 1
# Who says nothing for so long is listening, reading, or not there.
SILENT_S = 10.0
BLACK_S = 3.0
# Nobody before a camera holds still for so long.
FROZEN_S = 5.0
# Of 255: a microphone's own noise stays below, a whisper does not.
_SILENT_PEAK = 2

Stretch = tuple[float, float]


@dataclass(frozen=True, slots=True)
class FaceFindings:
    """The customer's face in the picture.

    ``source`` is ``samples`` (a model looked at ``looked`` pictures of the recording), ``facts`` (what was
    noticed during the call) or ``none``. ``in_frame`` is a share of what was looked at, None with ``none``.
    """

    source: str
    looked: int
    in_frame: float | None
    more_than_one: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class LaneFindings:
    """One party: without a sound, with a black picture, with one that stood still."""

    seat: SeatId
    role: Role
    silent: tuple[Stretch, ...]
    silent_s: float
    black: tuple[Stretch, ...]
    black_s: float
    frozen: tuple[Stretch, ...]
    frozen_s: float


@dataclass(frozen=True, slots=True)
class StepFinding:
    """A mandatory step that nothing settled."""

    step: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Findings:
    """All of a case."""

    version: int
    seconds: float
    faces: FaceFindings
    lanes: tuple[LaneFindings, ...]
    steps: tuple[StepFinding, ...]


def lane_findings(
    peaks: Mapping[tuple[SeatId, Role], bytes],
    rate: int,
    shown: Mapping[tuple[SeatId, Role], bytes],
) -> tuple[LaneFindings, ...]:
    """Return what is to be said of each party that was there.

    ``peaks`` have ``rate`` bytes a second as in the waveform, ``shown`` one :class:`Shown` a second; both
    begin with the film. Nobody is silent who is not there.
    """
    return tuple(
        _lane(*whose, _silent(peaks.get(whose, b""), rate, notes), notes) for whose, notes in shown.items()
    )


def _lane(seat: SeatId, role: Role, silent: tuple[Stretch, ...], shown: bytes) -> LaneFindings:
    black = _where(shown, {Shown.BLACK}, 1, BLACK_S)
    # A picture that is the same as a second ago stood still for that second too.
    still = ((max(0.0, since - 1.0), until) for since, until in _where(shown, {Shown.FROZEN}, 1, 0.0))
    frozen = tuple((since, until) for since, until in still if until - since >= FROZEN_S)
    return LaneFindings(seat, role, silent, _sum(silent), black, _sum(black), frozen, _sum(frozen))


def _silent(peaks: bytes, rate: int, shown: bytes) -> tuple[Stretch, ...]:
    there = (note != Shown.ABSENT for note in shown for _ in range(rate))
    heard = chain(peaks, repeat(0))
    quiet = bytes(here and peak <= _SILENT_PEAK for here, peak in zip(there, heard, strict=False))
    return _where(quiet, {True}, rate, SILENT_S)


def _where(notes: bytes, wanted: Iterable[int], rate: int, least_s: float) -> tuple[Stretch, ...]:
    """Return where ``notes`` are of the ``wanted``, in seconds, as far as long enough."""
    return tuple(
        (since / rate, until / rate)
        for since, until in _runs(notes, frozenset(wanted))
        if (until - since) / rate >= least_s
    )


def _runs(notes: bytes, wanted: frozenset[int]) -> Iterator[tuple[int, int]]:
    at = 0
    for holds, group in groupby(notes, wanted.__contains__):
        length = sum(1 for _ in group)
        if holds:
            yield at, at + length
        at += length


def _sum(stretches: Iterable[Stretch]) -> float:
    return round(sum(until - since for since, until in stretches), 3)


def faces_counted(counted: Sequence[tuple[float, int]]) -> FaceFindings:
    """Return what the pictures say: at which second how many faces there were, in order."""
    if not counted:
        return FaceFindings("none", 0, None, ())
    times = [at for at, _ in counted]
    step = min((b - a for a, b in pairwise(times)), default=1.0)
    several: list[Stretch] = []
    for at, faces in counted:
        if faces > 1 and several and at - several[-1][1] < step / 2:
            several[-1] = (several[-1][0], at + step)
        elif faces > 1:
            several.append((at, at + step))
    there = sum(faces > 0 for _, faces in counted)
    return FaceFindings("samples", len(counted), round(there / len(counted), 4), tuple(several))


def faces_watched(entries: Iterable[Entry], calls: Sequence[tuple[CallId, Axis]]) -> FaceFindings:
    """Return what was noticed while the calls ran; ``calls`` follow each other in the film."""
    axes, before = dict[CallId, tuple[Axis, float]](), 0.0
    for call, axis in calls:
        axes[call] = (axis, before)
        before += axis.seconds
    watched, away, several = set[CallId](), _Events(), _Events()
    for entry in entries:
        match entry.fact:
            case SourceJudged(call=call) if call in axes:
                watched.add(call)
            case PersonWatched(call=call, event=event, at=at) if call in axes:
                watched.add(call)
                axis, offset = axes[call]
                second = offset + min(max(at - axis.start, 0.0), axis.seconds)
                away.noted(event, WatchEvent.LEFT_PICTURE, WatchEvent.ENDED_LEFT_PICTURE, second)
                several.noted(event, WatchEvent.SECOND_FACE, WatchEvent.ENDED_SECOND_FACE, second)
            case _:
                continue
    looked = sum(axes[call][0].seconds for call in watched)
    if looked <= 0:
        return FaceFindings("none", 0, None, ())
    gone = _sum(away.closed(before))
    return FaceFindings("facts", round(looked), round(1 - min(gone / looked, 1.0), 4), several.closed(before))


class _Events:
    """Stretches out of beginnings and ends."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._done: list[Stretch] = []

    def noted(self, event: WatchEvent, begins: WatchEvent, ends: WatchEvent, at: float) -> None:
        if event is begins and self._since is None:
            self._since = at
        elif event is ends and self._since is not None:
            self._done.append((self._since, at))
            self._since = None

    def closed(self, end: float) -> tuple[Stretch, ...]:
        """Return all stretches; one that did not end lasts to ``end``."""
        return tuple(self._done) if self._since is None else (*self._done, (self._since, end))


def missing_steps(
    script: Iterable[ScriptStep], not_done: Iterable[str], entries: Iterable[Entry]
) -> tuple[StepFinding, ...]:
    """Return the mandatory steps of those ``not_done``, without branches that the answers did not take."""
    answers = {entry.fact.step: entry.fact.answer for entry in entries if isinstance(entry.fact, StepMarked)}
    missing = frozenset(not_done)
    return tuple(
        StepFinding(step.id, step.zh, step.en)
        for step in script
        if step.mandatory
        and step.id in missing
        and all(answers.get(before) == answer for before, answer in step.when)
    )
