"""Facts and frame times onto one wall-clock axis. Pure: no I/O, no clock.

A sender report (RFC 3550, section 6.4.1) says which RTP time was "now" on the sender's clock. The
sender's clock is tied to the server's by the fastest report of the person: the smallest of
``arrived_at - ntp_at`` over all of the person's tracks, so that sound and picture of one person
share one offset. Where a track has no report, the arrival of the first frame of each segment takes
its place. What should be there and the tracks do not cover becomes a ledger of gaps, by seat: two people
of one role do not stand for each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product

import numpy as np
from numpy.typing import NDArray

from contract.facts import CallAdvanced, CallEnded, Entry
from contract.ids import CallId, SeatId, TrackId
from contract.phases import CallEnd, CallPhase, Role, TrackKind, TrackSource
from contract.ports import ClockSample
from recordings.stays import NEEDED, STAFF, Attendance, Span, Stay, attend, without

Seconds = NDArray[np.float64]

# A report slower than the fastest by more than this is not a slow packet but a clock that was set.
CLOCK_STEP_S = 2.0
# A running median over so many reports takes out send-time jitter and keeps drift and steps.
SMOOTHED_ANCHORS = 5
# Low light and weak uplinks go down to 5 fps (200 ms); more between two frames is a gap.
VIDEO_GAP_S = 0.25
# Opus in DTX still sends every 400 ms (RFC 7587, section 3.1.3); more between two packets is a gap.
AUDIO_GAP_S = 0.45
# What one frame stands for before a gap begins: 1/15 s of picture, one Opus packet of sound.
VIDEO_HOLD_S = 1 / 15
AUDIO_HOLD_S = 0.02
# A screen that stands still is sent again once a second; for so long its last frame stands for it.
SHARE_HOLD_S = 1.2
# A shared screen that stands still looks like one that is over: of it nothing can be missing.
DEVICES = (TrackSource.MICROPHONE, TrackSource.CAMERA)


@dataclass(frozen=True, slots=True, eq=False)
class TrackTimes:
    """A recorded track's frame times in file order.

    ``timestamps`` are unwrapped RTP ticks of ``clock_rate`` (shape N, int64). ``arrivals`` are pairs of
    an RTP timestamp and the server's clock (seconds UTC) when that frame came, at least one.
    """

    track: TrackId
    seat: SeatId
    role: Role
    source: TrackSource
    clock_rate: int
    timestamps: NDArray[np.int64]
    arrivals: tuple[tuple[int, float], ...]
    clock: tuple[ClockSample, ...] = ()

    @property
    def kind(self) -> TrackKind:
        """Return whether this is sound or picture."""
        return _kind(self.source)


class GapCause(StrEnum):
    """Why a lane has no media for a while."""

    ABSENT = "absent"
    NOT_STARTED = "not_started"
    LOST = "lost"
    RECONNECT = "reconnect"
    ENDED = "ended"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Gap:
    """Time without media, in seconds from the start of the axis: ``since_s <= t < until_s``.

    ``seat`` is None where nothing tells who should have been there.
    """

    seat: SeatId | None
    role: Role
    source: TrackSource
    since_s: float
    until_s: float
    cause: GapCause

    @property
    def seconds(self) -> float:
        """Return the length of the gap."""
        return self.until_s - self.since_s


@dataclass(frozen=True, slots=True)
class Axis:
    """The stretch of server time that a call's merged picture shows, seconds UTC."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Return the length of the axis."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where each frame of a track goes: seconds from the start of the axis, never falling (shape N)."""

    track: TrackId
    seat: SeatId
    role: Role
    source: TrackSource
    at: Seconds


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """One call on its axis, with the account of what is missing."""

    call: CallId
    axis: Axis
    placements: tuple[Placement, ...]
    gaps: tuple[Gap, ...]
    attendance: Attendance

    @property
    def gap_s(self) -> float:
        """Return the sum over lanes of time without media."""
        return sum(gap.seconds for gap in self.gaps)


def lay_timeline(entries: Sequence[Entry], call: CallId, tracks: Sequence[TrackTimes]) -> Timeline | None:
    """Put the recorded ``tracks`` of ``call`` on one axis; None when no frame was recorded.

    The axis runs from the moment the call became ACTIVE to its CallEnded, which is what the call's
    length means everywhere else. A call that never became active starts with its first frame, and a
    call that the server did not survive ends with its last.
    """
    filled = [track for track in tracks if track.timestamps.size]
    if not filled:
        return None
    offsets = _party_offsets(filled)
    walls = [_walls(track, offsets.get(track.seat)) for track in filled]
    first = min(float(wall[0]) for wall in walls)
    last = max(float(wall[-1]) + _hold_s(track.kind) for wall, track in zip(walls, filled, strict=True))
    axis = call_axis(entries, call, first, last)
    placements = tuple(
        Placement(track.track, track.seat, track.role, track.source, wall - axis.start)
        for track, wall in zip(filled, walls, strict=True)
    )
    attendance = _attendance(entries, call, axis, placements)
    return Timeline(call, axis, placements, tuple(_ledger(placements, axis.seconds, attendance)), attendance)


def call_axis(entries: Iterable[Entry], call: CallId, first: float, last: float) -> Axis:
    """Return the axis of ``call`` whose recorded frames lie between ``first`` and ``last``."""
    start, end = None, None
    for entry in entries:
        match entry.fact:
            case CallAdvanced(call=named, now=CallPhase.ACTIVE) if named == call and start is None:
                start = entry.at
            case CallEnded(call=named, reason=reason) if named == call and reason is not CallEnd.SERVER_LOST:
                end = entry.at
    start = first if start is None else start
    end = last if end is None else end
    return Axis(start, max(start, end))


def gap_limit_s(kind: TrackKind) -> float:
    """Return how far apart two frames may be before the time between them counts as a gap."""
    return AUDIO_GAP_S if kind is TrackKind.AUDIO else VIDEO_GAP_S


def _kind(source: TrackSource) -> TrackKind:
    return TrackKind.AUDIO if source is TrackSource.MICROPHONE else TrackKind.VIDEO


def _hold_s(kind: TrackKind) -> float:
    return AUDIO_HOLD_S if kind is TrackKind.AUDIO else VIDEO_HOLD_S


def _party_offsets(tracks: Iterable[TrackTimes]) -> dict[SeatId, float]:
    offsets: dict[SeatId, float] = {}
    for track in tracks:
        for sample in track.clock:
            delay = sample.arrived_at - sample.ntp_at
            offsets[track.seat] = min(delay, offsets.get(track.seat, delay))
    return offsets


def _walls(track: TrackTimes, offset: float | None) -> Seconds:
    """Return seconds UTC on the server's clock for every frame."""
    reports = [
        (sample.timestamp, sample.ntp_at + offset)
        for sample in track.clock
        if offset is not None and sample.arrived_at - sample.ntp_at <= offset + CLOCK_STEP_S
    ]
    ticks, walls = np.array(sorted(reports or track.arrivals), np.float64).T
    rtp_s = ticks / track.clock_rate
    leads = _smooth(walls - rtp_s)
    frames_s = track.timestamps / track.clock_rate
    # Outside the anchors np.interp holds the last lead, which is the nominal clock rate.
    return np.maximum.accumulate(frames_s + np.interp(frames_s, rtp_s, leads))


def _smooth(leads: Seconds) -> Seconds:
    """Return the running median; the ends see their own values repeated."""
    side = SMOOTHED_ANCHORS // 2
    padded = np.pad(leads, side, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, SMOOTHED_ANCHORS), axis=1)


def add_damage(gaps: Sequence[Gap], damage: Iterable[Gap]) -> tuple[Gap, ...]:
    """Return ``gaps`` with those parts of ``damage`` that they do not cover already, by lane and time."""
    known = list(gaps)
    for hurt in damage:
        covers = sorted((g for g in gaps if _lane(g) == _lane(hurt)), key=lambda g: g.since_s)
        since = hurt.since_s
        for cover in covers:
            if since < cover.since_s < hurt.until_s:
                known.append(replace(hurt, since_s=since, until_s=cover.since_s))
            if cover.since_s < hurt.until_s:
                since = max(since, cover.until_s)
        if since < hurt.until_s:
            known.append(replace(hurt, since_s=since))
    return tuple(sorted(known, key=lambda gap: (*_lane(gap), gap.since_s)))


def _lane(gap: Gap) -> tuple[Role, str, TrackSource]:
    return gap.role, gap.seat or "", gap.source


def _attendance(
    entries: Sequence[Entry], call: CallId, axis: Axis, placements: Sequence[Placement]
) -> Attendance:
    """Return who takes part; of whom no fact tells: the call's two for all of it, others by their tracks."""
    told = attend(entries, call, axis.start, axis.seconds)
    roles, seats = {stay.role for stay in told.stays}, {stay.seat for stay in told.stays}
    untold = {placed.seat: placed.role for placed in placements if placed.seat not in seats}
    nobody = [role for role in NEEDED if role not in roles and role not in untold.values()]
    stays, seated = list(told.stays), list(told.seated)
    for role, seat in (*((role, seat) for seat, role in untold.items()), *((role, None) for role in nobody)):
        if role in NEEDED and role not in roles:
            away = told.held if role in STAFF else ()
            seated.append(Stay(role, Span(0.0, axis.seconds), seat=seat))
            stays += [replace(seated[-1], span=span) for span in without([seated[-1].span], away)]
        else:
            own = _reach([placed for placed in placements if placed.seat == seat])
            seated.append(Stay(role, Span(own.since_s, own.until_s + VIDEO_HOLD_S), seat=seat))
            stays.append(seated[-1])
    return replace(told, stays=tuple(stays), seated=tuple(seated))


def _reach(placed: Sequence[Placement]) -> Span:
    """Return the time between the first and the last frame of at least one track."""
    return Span(float(min(one.at[0] for one in placed)), float(max(one.at[-1] for one in placed)))


def _ledger(placements: Sequence[Placement], seconds: float, attendance: Attendance) -> Iterable[Gap]:
    roles = {stay.seat: stay.role for stay in attendance.stays}
    for (seat, role), source in product(roles.items(), DEVICES):
        placed = [one for one in placements if (one.seat, one.source) == (seat, source)]
        came = [_reach(placed)] if placed else []
        asked = attendance.expected(seat, source, came)
        limit = gap_limit_s(_kind(source))
        for since, until, cause in lane_gaps(placed, source, seconds):
            for span in asked:
                low, high = max(since, span.since_s), min(until, span.until_s)
                # At the edges of a stay, less is the way to us and the encoder's start.
                if high - low > limit:
                    yield Gap(seat, role, source, low, high, cause)


def shares(placements: Iterable[Placement]) -> tuple[tuple[TrackId, SeatId, Span], ...]:
    """Return when which screen is shared, by whom, in the order in which they began."""
    found = [
        (one.track, one.seat, Span(float(one.at[0]), float(one.at[-1]) + SHARE_HOLD_S))
        for one in placements
        if one.source is TrackSource.SCREEN
    ]
    return tuple(sorted(found, key=lambda share: share[2].since_s))


def lane_gaps(
    placed: Sequence[Placement], source: TrackSource, seconds: float
) -> Iterable[tuple[float, float, GapCause]]:
    """Yield when a lane whose tracks are ``placed`` has no frame, asked for or not, from 0 to ``seconds``."""
    if not placed:
        yield 0.0, seconds, GapCause.ABSENT
        return
    kind = _kind(source)
    limit, hold = gap_limit_s(kind), _hold_s(kind)
    at = np.concatenate([placement.at for placement in placed])
    owner = np.repeat(np.arange(len(placed)), [placement.at.size for placement in placed])
    order = np.argsort(at, kind="stable")
    at, owner = at[order], owner[order]
    if at[0] > limit:
        yield 0.0, float(at[0]), GapCause.NOT_STARTED
    for i in np.flatnonzero(np.diff(at) > limit):
        cause = GapCause.LOST if owner[i] == owner[i + 1] else GapCause.RECONNECT
        yield float(at[i]) + hold, float(at[i + 1]), cause
    if seconds - at[-1] > limit:
        yield float(at[-1]) + hold, seconds, GapCause.ENDED
