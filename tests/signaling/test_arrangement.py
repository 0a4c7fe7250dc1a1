"""Who hears and sees whom, from seats to routes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import MediaError
from contract.ids import AccountId, SeatId
from contract.phases import Capture, Role, SeatMode, TrackSource
from contract.ports import Party, SeatRoute, Slot
from signaling.arrangement import Stance, keep_lines, place, routes, slot_of
from signaling.changes import Change, Changes
from signaling.seats import LINES, Seat, Table

C, A, G, S = (SeatId(name) for name in "CAGS")
BOTH = (TrackSource.MICROPHONE, TrackSource.CAMERA)
ROLES = {A: Role.AGENT, G: Role.GUEST, S: Role.SUPERVISOR}


def table(**modes: SeatMode) -> Table:
    staff = [
        Seat(Party(SeatId(name), ROLES[SeatId(name)], name, AccountId(name)), mode=mode)
        for name, mode in modes.items()
    ]
    return Table(Seat(Party(C, Role.CUSTOMER, "c")), staff, host=AccountId("A") if "A" in modes else None)


def arranged(
    seats: Table, *, held: bool = False, screens: tuple[SeatId, ...] = ()
) -> dict[SeatId, SeatRoute]:
    stance = Stance(held, {seat.seat: seat.mode for seat in seats.staff})
    place(seats, stance)
    return {route.seat: route for route in routes(seats, stance, screens)}


def heard(route: SeatRoute) -> list[SeatId | None]:
    return [slot.seat if slot else None for slot in route.slots]


def test_two_people_hear_and_see_each_other() -> None:
    """Each is on the other's first line, recorded, and promises both devices."""
    got = arranged(table(A=SeatMode.TALKING))

    assert got[C] == SeatRoute(C, True, True, BOTH, (Slot(A), None, None), None)
    assert got[A] == SeatRoute(A, True, True, BOTH, (Slot(C), None, None), None)


def test_a_hold_cuts_the_customer_off_from_all_staff() -> None:
    """Staff go on hearing each other unrecorded; the customer alone is recorded."""
    got = arranged(table(A=SeatMode.TALKING, G=SeatMode.PRIVATE), held=True, screens=(A,))

    assert heard(got[C]) == [None, None, None]
    assert got[C].screen is None
    assert heard(got[A]) == [None, G, None]
    assert heard(got[G]) == [None, A, None]
    assert got[G].screen == A
    assert [got[seat].recorded for seat in (C, A, G)] == [True, False, False]
    assert [got[seat].promises for seat in (C, A, G)] == [BOTH, (), ()]


@pytest.mark.parametrize(
    ("mode", "customer", "agent", "supervisor", "publishes", "recorded"),
    [
        (SeatMode.MONITOR, [A, None, None], [C, None, None], [C, A, None], False, False),
        (SeatMode.WHISPER, [A, None, None], [C, S, None], [C, A, None], True, False),
        (SeatMode.TALKING, [A, S, None], [C, S, None], [C, A, None], True, True),
    ],
)
def test_what_a_supervisor_gives_and_gets(
    mode: SeatMode,
    customer: list[SeatId | None],
    agent: list[SeatId | None],
    supervisor: list[SeatId | None],
    publishes: bool,
    recorded: bool,
) -> None:
    """Monitor: gets all, gives nothing. Whisper: heard by staff. Talking: heard by all, recorded."""
    got = arranged(table(A=SeatMode.TALKING, S=mode))

    assert (heard(got[C]), heard(got[A]), heard(got[S])) == (customer, agent, supervisor)
    assert (got[S].publishes, got[S].recorded) == (publishes, recorded)
    assert got[S].promises == (BOTH if recorded else ())


def test_a_private_guest_and_the_customer_never_meet() -> None:
    """Not even while the customer is not on hold."""
    got = arranged(table(A=SeatMode.TALKING, G=SeatMode.PRIVATE), screens=(G, A))

    assert heard(got[C]) == [A, None, None]
    assert heard(got[G]) == [None, None, None], "the customer would hear one half of their talk"
    assert heard(got[A]) == [C, None, None]
    assert got[C].screen == A, "the private guest's screen is not for the customer"
    assert got[A].screen is None


def test_devices_that_are_off_are_not_promised() -> None:
    """Off, taken away, and stills instead of pictures alike."""
    seats = table(A=SeatMode.TALKING)
    seats.customer.camera = Capture.INTERRUPTED
    seats.staff[0].microphone, seats.staff[0].camera = Capture.OFF, Capture.STILLS
    got = arranged(seats)

    assert got[C].promises == (TrackSource.MICROPHONE,)
    assert got[A].promises == ()


def test_who_leads_comes_first_when_several_come_at_once() -> None:
    """The customer's first line is the host's, in whatever order they sit."""
    seats = table(G=SeatMode.TALKING, A=SeatMode.TALKING)

    assert heard(arranged(seats)[C]) == [A, G, None]


def test_a_line_is_kept_until_its_seat_goes() -> None:
    """The guest stays on the second line when the host leaves; the next one takes the first."""
    seats = table(A=SeatMode.TALKING, G=SeatMode.TALKING)
    arranged(seats)
    del seats.staff[0]
    assert heard(arranged(seats)[C]) == [None, G, None]
    seats.staff.append(Seat(Party(S, Role.SUPERVISOR, "s", AccountId("S"))))
    got = arranged(seats)
    assert heard(got[C]) == [S, G, None]
    assert heard(got[G]) == [C, S, None]


def test_the_line_of_somebody_who_is_not_heard_is_kept_but_not_named() -> None:
    """After the hold everybody comes on the line of before."""
    seats = table(A=SeatMode.TALKING)
    arranged(seats)
    stance = Stance(True, {A: SeatMode.TALKING})
    assert slot_of(seats.customer, A, stance) is None
    assert slot_of(seats.customer, A, Stance(False, stance.modes)) == 0
    assert slot_of(seats.customer, G, Stance(False, {G: SeatMode.TALKING})) is None


@given(st.lists(st.lists(st.sampled_from([C, A, G, S]), unique=True, max_size=LINES), max_size=12))
def test_lines_never_move(comings: list[list[SeatId]]) -> None:
    """Everybody present has exactly one line, and the same as before if he was there before."""
    lines: tuple[SeatId | None, ...] = (None,) * LINES
    for present in comings:
        kept = keep_lines(lines, present)
        assert sorted(seat for seat in kept if seat) == sorted(present)
        assert all(kept[number] == seat for number, seat in enumerate(lines) if seat in present)
        lines = kept


# --- changes under way ---


def test_an_arrangement_that_failed_is_contained_in_the_next() -> None:
    """Its changes hold when the next one does: media then really does both."""
    changes = Changes()
    hold, admit = Change(held=True, by=AccountId("a")), Change(seat=G, mode=SeatMode.TALKING)
    for change in (hold, admit):
        changes.want(change)
        changes.ask()
    stance = Stance(False, {G: SeatMode.PRIVATE})
    assert changes.wanted(stance) == Stance(True, {G: SeatMode.TALKING})

    assert changes.fail(5.0) == ()
    assert changes.failing_since == 5.0
    assert changes.hold() == (Change(seat=G, mode=SeatMode.TALKING), Change(held=True))
    assert changes.failing_since is None
    assert changes.wanted(stance) == stance


def test_what_somebody_asked_for_is_given_up_and_what_nobody_did_is_tried_again() -> None:
    """After a second, and as long as it takes; since when is not forgotten by failing again."""
    changes = Changes()
    asked, needed = Change(held=True, by=AccountId("a")), Change(held=False)
    changes.want(asked)
    changes.want(needed)
    changes.ask()

    assert changes.fail(5.0) == (asked,)
    assert changes.again_at == 6.0
    assert list(changes) == [needed]
    changes.ask()
    assert changes.again_at is None
    assert changes.fail(6.5) == ()
    assert changes.failing_since == 5.0


def test_who_is_gone_is_not_changed() -> None:
    """Neither in what is under way nor in what waits; answers nobody waits for are passed over."""
    changes = Changes()
    changes.want(Change(seat=G, mode=SeatMode.TALKING, by=AccountId("a")))
    changes.ask()
    changes.want(Change(seat=G, mode=SeatMode.TALKING))
    changes.want(Change(seat=S, mode=SeatMode.WHISPER))
    assert changes.wanted(Stance(False, {})).modes == {}
    changes.forget(G)
    assert changes.hold() == ()
    assert list(changes) == [Change(seat=S, mode=SeatMode.WHISPER)]
    assert changes.hold() == ()
    assert changes.fail(1.0) == ()


def test_media_errors_are_what_fails_arrangements() -> None:
    """The machine word that the agent gets is the one of the port's error."""
    assert MediaError().code == "media"
