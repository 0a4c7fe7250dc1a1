"""The gap ledger: what became of every track in every moment of a call. Pure.

The account of a lane, which is one source of one seat, is a partition: its stretches follow each other
from the start of the axis to its end, without overlap and without a hole, and each has one state.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise

from contract.facts import Entry, MediaConnected, MediaLost, PartyDropped, PartyLeft, PartyReturned
from contract.ids import CallId, SeatId
from contract.phases import Role, TrackKind, TrackSource
from recordings.stays import STAFF, Attendance, Span, joined, within, without
from recordings.timeline import (
    DEVICES,
    Axis,
    Gap,
    GapCause,
    Placement,
    Timeline,
    gap_limit_s,
    lane_gaps,
    shares,
)


class State(StrEnum):
    """What there is of a lane at a moment; where several hold, the first in this order is told.

    ``ABSENT``: the party had not come or had left, or shared no screen. ``HELD``: staff are not recorded
    while the customer is on hold. ``MUTED`` and ``CAMERA_OFF`` are their owner's choice, whatever came.
    ``RECONNECTING`` and ``LOST`` should have been media: the first while the connection was down or another
    was made, the second for any other reason, what cannot be decoded included.
    """

    ABSENT = "absent"
    HELD = "held"
    MUTED = "muted"
    CAMERA_OFF = "camera_off"
    RECONNECTING = "reconnecting"
    LOST = "lost"
    MEDIA = "media"


MISSING = frozenset({State.LOST, State.RECONNECTING})


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time of one state, in seconds from the start of the axis: ``since_s <= t < until_s``."""

    since_s: float
    until_s: float
    state: State

    @property
    def span(self) -> Span:
        """Return when it is."""
        return Span(self.since_s, self.until_s)


@dataclass(frozen=True, slots=True)
class Lane:
    """One source of one seat over the whole axis; ``seat`` is None where nothing tells who was missing."""

    seat: SeatId | None
    role: Role
    source: TrackSource
    stretches: tuple[Stretch, ...]

    def seconds(self, state: State) -> float:
        """Return how long the lane was in ``state``."""
        return sum(one.until_s - one.since_s for one in self.stretches if one.state is state)

    def missing(self) -> list[Span]:
        """Return when media should have been there and was not."""
        return [one.span for one in self.stretches if one.state in MISSING]


def account(entries: Sequence[Entry], laid: Timeline, damage: Iterable[Gap] = ()) -> tuple[Lane, ...]:
    """Return the account of every lane of ``laid``: the devices of each seat, then the shared screens.

    A device of a third party that never sent anything is no lane. ``damage`` came and cannot be decoded.
    """
    hurt = [gap for gap in damage if gap.cause is GapCause.DAMAGED]
    down = _down(entries, laid.call, laid.axis)
    seats = {stay.seat: stay.role for stay in laid.attendance.seated}
    found = []
    for source in (*DEVICES, TrackSource.SCREEN):
        for seat, role in seats.items():
            placed = [one for one in laid.placements if (one.seat, one.source) == (seat, source)]
            if placed or (source in DEVICES and laid.attendance.expected(seat, source, ())):
                mine = [Span(g.since_s, g.until_s) for g in hurt if (g.seat, g.source) == (seat, source)]
                layers = _layers(laid, seat, role, source, placed, mine, down.get(seat, []))
                # What is missing for no longer than two frames may be apart is the way to us.
                kind = TrackKind.AUDIO if source is TrackSource.MICROPHONE else TrackKind.VIDEO
                sliver = gap_limit_s(kind) if placed else 0.0
                found.append(Lane(seat, role, source, _partition(layers, laid.axis.seconds, sliver)))
    order = list(seats)
    return tuple(sorted(found, key=lambda lane: order.index(lane.seat)))


def _layers(
    laid: Timeline,
    seat: SeatId | None,
    role: Role,
    source: TrackSource,
    placed: Sequence[Placement],
    hurt: list[Span],
    down: list[Span],
) -> list[tuple[State, list[Span]]]:
    """Return the spans of each state in the order in which they count."""
    attendance, whole = laid.attendance, Span(0.0, laid.axis.seconds)
    if source is TrackSource.SCREEN:
        here = [span for _, whose, span in shares(placed) if whose == seat]
        return [(State.ABSENT, without([whole], here)), (State.LOST, hurt)]
    here = [stay.span for stay in attendance.seated if stay.seat == seat]
    gaps = [(Span(since, until), cause) for since, until, cause in lane_gaps(placed, source, whole.until_s)]
    between = [span for span, cause in gaps if cause is GapCause.RECONNECT]
    missing = [span for span, _ in gaps]
    off = State.MUTED if source is TrackSource.MICROPHONE else State.CAMERA_OFF
    return [
        (State.ABSENT, without([whole], here)),
        (State.HELD, list(attendance.held) if role in STAFF else []),
        (off, _off(attendance, seat, source)),
        (State.RECONNECTING, between + within(missing, down)),
        (State.LOST, missing + hurt),
    ]


def _off(attendance: Attendance, seat: SeatId | None, source: TrackSource) -> list[Span]:
    return [span for who, what, span in attendance.off if (who, what) == (seat, source)]


def _partition(
    layers: Sequence[tuple[State, list[Span]]], seconds: float, sliver: float
) -> tuple[Stretch, ...]:
    edges = {edge for _, spans in layers for span in spans for edge in (span.since_s, span.until_s)}
    cuts = sorted({0.0, seconds, *(edge for edge in edges if 0.0 < edge < seconds)})
    pieces = [Stretch(since, until, _state(layers, since)) for since, until in pairwise(cuts)]
    return tuple(_joined(_without_slivers(pieces, sliver)))


def _state(layers: Sequence[tuple[State, list[Span]]], at_s: float) -> State:
    return next((state for state, spans in layers if any(s.holds(at_s) for s in spans)), State.MEDIA)


def _without_slivers(pieces: Sequence[Stretch], limit: float) -> Iterable[Stretch]:
    """Yield ``pieces``; where no more than ``limit`` seconds on end are missing, as media."""
    for missing, run in groupby(pieces, lambda piece: piece.state in MISSING):
        these = list(run)
        short = missing and these[-1].until_s - these[0].since_s <= limit
        yield from (Stretch(one.since_s, one.until_s, State.MEDIA) if short else one for one in these)


def _joined(pieces: Iterable[Stretch]) -> Iterable[Stretch]:
    for state, run in groupby(pieces, lambda piece: piece.state):
        these = list(run)
        yield Stretch(these[0].since_s, these[-1].until_s, state)


def _down(entries: Iterable[Entry], call: CallId, axis: Axis) -> dict[SeatId | None, list[Span]]:
    """Return when whose connection or page was gone, as facts tell."""
    open_since: dict[tuple[SeatId, bool], float] = {}
    found: dict[SeatId | None, list[Span]] = {}

    def close(seat: SeatId, media: bool, at: float) -> None:
        since = open_since.pop((seat, media), None)
        if since is not None:
            found.setdefault(seat, []).append(Span(since, at))

    for entry in entries:
        at = entry.at - axis.start
        match entry.fact:
            case MediaLost(call=named, seat=seat) if named == call:
                open_since.setdefault((seat, True), at)
            case PartyDropped(call=named, seat=seat) if named == call:
                open_since.setdefault((seat, False), at)
            case MediaConnected(call=named, seat=seat) if named == call:
                close(seat, True, at)
            case PartyReturned(call=named, seat=seat) | PartyLeft(call=named, seat=seat) if named == call:
                close(seat, False, at)
            case _:
                continue
    for seat, media in tuple(open_since):
        close(seat, media, axis.seconds)
    return {
        seat: list(joined(span for span in spans if span.since_s < span.until_s))
        for seat, spans in found.items()
    }
