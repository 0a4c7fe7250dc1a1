"""Arrangements: what the routes say, and that packets go those ways and no others."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import MediaError
from contract.ids import SeatId, new_call_id, new_case_id
from contract.phases import Role, TrackSource
from contract.ports import Party, SeatRoute, Slot
from media.answer import OfferedCodec
from media.call import Call
from media.leg import Leg
from media.plan import OTHERS_MAX, PLAN
from media.publication import Publication
from media.routes import Arrangement, everybody_talks
from media.settings import MediaSettings
from media.thinning import Allowance
from media.uplink import Uplink
from tests.media.packets import KEY, PICTURES, SOUND, Wire, leg, packet, uplink
from tests.media.scripted import KeepingReceiver, ListJournal, SystemClock

SEATS = tuple(SeatId(name) for name in ("customer", "agent", "guest", "supervisor"))
OWN = tuple(index for index, line in enumerate(PLAN) if line.publishes)
GOT = tuple(index for index, line in enumerate(PLAN) if not line.publishes)

_seats = st.sampled_from(SEATS)
_slots = st.lists(st.none() | st.builds(Slot, _seats, st.booleans(), st.booleans()), max_size=OTHERS_MAX)


@st.composite
def _routes(draw: st.DrawFn) -> tuple[SeatRoute, ...]:
    seats = draw(st.lists(_seats, unique=True))
    return tuple(
        SeatRoute(
            seat=seat,
            publishes=draw(st.booleans()),
            recorded=draw(st.booleans()),
            promises=(),
            slots=tuple(draw(_slots)),
            screen=draw(st.none() | _seats),
        )
        for seat in seats
    )


def test_in_a_conversation_everybody_hears_all_others_in_the_order_of_coming() -> None:
    """Four people fill the six lines of a person, and all but the sharer see the screen."""
    arrangement = Arrangement(everybody_talks(SEATS, sharing=SEATS[1]))
    heard = [arrangement.feeder(SEATS[2], PLAN[index]) for index in GOT]
    customer, agent, _, supervisor = SEATS
    assert heard == [customer, customer, agent, agent, agent, supervisor, supervisor]
    assert arrangement.feeder(agent, PLAN[7]) is None


def test_without_a_route_nothing_is_sent_or_got() -> None:
    """Neither before the first arrangement nor when a seat is left out of one."""
    customer, agent = SEATS[:2]
    for arrangement in (Arrangement(), Arrangement(everybody_talks([customer]))):
        assert not arrangement.publishes(agent) and not arrangement.records(agent)
        assert all(arrangement.feeder(agent, PLAN[index]) is None for index in GOT)
        assert arrangement.promises(agent) == ()


def test_what_cannot_be_arranged_is_refused() -> None:
    """Two routes for one seat, or more people than a connection has lines for."""
    (route,) = everybody_talks(SEATS[:1])
    crowded = SeatRoute(SEATS[0], True, True, (), (None,) * (OTHERS_MAX + 1), None)
    for routes in ((route, route), (crowded,)):
        with pytest.raises(MediaError) as refused:
            Arrangement(routes)
        assert refused.value.code == "bad_arrangement"


def test_only_the_lines_of_who_talks_on_the_record_hold_back_what_is_recorded() -> None:
    """Whoever watches or whispers does not; in a private talk, which is not, those who talk there do."""
    customer, agent, guest, supervisor = SEATS
    talk = everybody_talks([customer, agent])

    def silent(seat: SeatId, publishes: bool) -> SeatRoute:
        return SeatRoute(seat, publishes, False, (), (), None)

    for publishes in (False, True):
        watched = Arrangement((*talk, silent(supervisor, publishes)))
        assert watched.may_limit(customer, agent) and watched.may_limit(agent, customer)
        assert not any(watched.may_limit(supervisor, feeder) for feeder in (customer, agent))
        # What the customer never sees, the agent's line may well hold back.
        assert watched.may_limit(agent, supervisor)
    private = Arrangement((talk[0], silent(agent, True), silent(guest, True), silent(supervisor, False)))
    assert private.may_limit(agent, guest) and private.may_limit(guest, agent)
    assert not private.may_limit(guest, customer) and not private.may_limit(supervisor, agent)
    assert not Arrangement().may_limit(agent, customer)


@given(_routes())
def test_a_line_carries_whom_its_slot_names_if_that_one_may_send(routes: tuple[SeatRoute, ...]) -> None:
    """For every seat and line: exactly what its route says, never itself, never one who may not send."""
    arrangement, by_seat = Arrangement(routes), {route.seat: route for route in routes}
    for seat in SEATS:
        for index in GOT:
            line, route = PLAN[index], by_seat.get(seat)
            named = None
            if route is not None and line.source is TrackSource.SCREEN:
                named = route.screen
            elif route is not None and (slot := (*route.slots, None, None, None)[line.other]) is not None:
                wanted = slot.sound if line.source is TrackSource.MICROPHONE else slot.picture
                named = slot.seat if wanted else None
            allowed = named != seat and named in by_seat and by_seat[named].publishes
            assert arrangement.feeder(seat, line) == (named if allowed else None)


@dataclass
class _Person:
    """A peer without a network: what ``Call`` asks of one, and what came to its lines."""

    party: Party
    call: Call
    uplinks: dict[int, Uplink] = field(default_factory=dict)
    publications: list[Publication] = field(default_factory=list)
    legs: list[Leg] = field(default_factory=list)
    wires: dict[int, Wire] = field(default_factory=dict)
    noted_missing: set[str] = field(default_factory=set)
    allowance: Allowance = field(init=False)

    def __post_init__(self) -> None:
        self.allowance = Allowance(self.legs)
        for index in OWN:
            self.uplinks[index], _ = uplink(index, _codecs(index))
            self.publications.append(Publication(self.uplinks[index], self.call))
        for index in GOT:
            made, self.wires[index] = leg(_codecs(index), index)
            self.legs.append(made)

    def publication(self, source: TrackSource) -> Publication:
        return next(one for one in self.publications if one.source is source)


def _codecs(index: int) -> Sequence[OfferedCodec]:
    return PICTURES if PLAN[index].kind == "video" else SOUND


class _Room:
    """A call without a network. Every packet says who sent what, and under which arrangement it came."""

    def __init__(self) -> None:
        self.recorder = KeepingReceiver()
        self.call = Call(
            new_case_id(), new_call_id(), ListJournal(), SystemClock(), MediaSettings(), [self.recorder],
            None,  # type: ignore[arg-type]
        )  # fmt: skip
        self.people = {seat: _Person(Party(seat, Role.GUEST, seat), self.call) for seat in SEATS}
        self.call._peers.update(self.people)  # type: ignore[arg-type]
        for person in self.people.values():
            self.call._publishers |= dict.fromkeys(person.publications, person)  # type: ignore[arg-type]
        self.call.open_gate()
        self.arranged: list[Arrangement] = []
        self.held_back: list[tuple[SeatId, int, int]] = []
        self._seq, self._now = 0, 1.0

    def arrange(self, routes: tuple[SeatRoute, ...]) -> None:
        self.call.arrange(routes)
        self.arranged.append(Arrangement(routes))

    def send(self, seat: SeatId, index: int, *, seq: int) -> None:
        late = "late" if seq < self._seq else "new"
        said = f"|{seat} {PLAN[index].source} {len(self.arranged) - 1} {late} {seq}".encode()
        made = packet(
            seq, KEY + said, pt=111 if PLAN[index].kind == "audio" else 96, stamp=seq * 960, end=True
        )
        up = self.people[seat].uplinks[index]
        if not up.ssrc:
            up.begin(7, made)
        self._now += 0.02
        up.take(made, self._now)

    def everybody_sends(self, holds_back: bool) -> None:
        """Send one packet on every line, perhaps one before it that is only on its way yet."""
        for seat, index, seq in self.held_back:
            self.send(seat, index, seq=seq)
        self.held_back.clear()
        self._seq += 1
        if holds_back:
            self.held_back = [(seat, index, self._seq) for seat in SEATS for index in OWN]
            self._seq += 1
        for seat in SEATS:
            for index in OWN:
                self.send(seat, index, seq=self._seq)

    def check(self, sent: Sequence[bytes], who: SeatId | None, index: int | None, rounds: int) -> None:
        """Compare what came to a line of ``who``, or to the recorder (None), with the arrangements."""
        came = [one[one.rindex(b"|") + 1 :].decode().split() for one in sent]
        new = [(seat, source, int(arranged)) for seat, source, arranged, late, _ in came if late == "new"]
        for seat, source, arranged, _, _ in came:
            assert self._may(SeatId(seat), source, int(arranged), who, index), (who, index, seat, arranged)
        for number in range(len(self.arranged)):
            for sender, own in product(SEATS, OWN):
                source = PLAN[own].source.value
                wanted = rounds if self._may(sender, source, number, who, index) else 0
                assert new.count((sender, source, number)) == wanted, (who, index, sender, source, number)

    def _may(self, seat: SeatId, source: str, arranged: int, who: SeatId | None, index: int | None) -> bool:
        arrangement = self.arranged[arranged]
        if who is None or index is None:
            return arrangement.records(seat)
        return PLAN[index].source == source and arrangement.feeder(who, PLAN[index]) == seat


@settings(max_examples=300)
@given(st.lists(st.tuples(_routes(), st.booleans()), min_size=1, max_size=6))
def test_packets_go_where_the_arrangement_of_their_arrival_says(
    steps: list[tuple[tuple[SeatRoute, ...], bool]],
) -> None:
    """Whatever is arranged in whatever order: each new packet comes exactly to those lines, and to the
    recorder, that were named when it came; one that is late never comes anywhere else.
    """
    room = _Room()
    for routes, holds_back in steps:
        room.arrange(routes)
        room.everybody_sends(False)
        room.everybody_sends(holds_back)
    for seat, person in room.people.items():
        for index in GOT:
            room.check(person.wires[index].sent, seat, index, rounds=2)
    for sink in room.recorder.sinks:
        sink.close()
    recorded = [frame.data for sink in room.recorder.sinks for frame in sink.frames]
    room.check(recorded, None, None, rounds=2)
