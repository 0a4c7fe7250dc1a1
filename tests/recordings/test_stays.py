"""Stretches of time, and who takes part in which."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contract.facts import GENESIS, CallAdvanced, Entry, Fact, PartyJoined, PartyLeft, seal_entry
from contract.ids import SeatId, new_call_id, new_case_id
from contract.phases import CallPhase, Role
from recordings.stays import Span, Stay, attend, joined, without

T0 = 1_800_000_000.0
CASE, CALL = new_case_id(), new_call_id()
CUSTOMER, AGENT, GUEST = (SeatId(name) for name in ("customer", "agent", "guest"))

_spans = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 10)).map(lambda pair: Span(pair[0], pair[0] + pair[1])),
    max_size=8,
)


def _entries(*facts: tuple[float, Fact]) -> list[Entry]:
    return [seal_entry(i + 1, T0 + at, CASE, fact, GENESIS) for i, (at, fact) in enumerate(facts)]


def _seconds(spans: list[Span] | tuple[Span, ...]) -> set[int]:
    return {second for second in range(50) if any(span.holds(second + 0.5) for span in spans)}


@given(_spans, _spans)
def test_what_is_cut_out_is_gone_and_nothing_else(spans: list[Span], holes: list[Span]) -> None:
    """Every moment of the spans that is in no hole is left, and no other; joined they are apart."""
    left = without(spans, holes)
    whole = joined(left)

    assert _seconds(left) == _seconds(spans) - _seconds(holes) == _seconds(whole)
    assert all(earlier.until_s < later.since_s for earlier, later in pairwise(whole))


def test_who_takes_part_when() -> None:
    """From joining to leaving, within the axis; staff not while held, whatever becomes of the connection."""
    entries = _entries(
        (-3, PartyJoined(CALL, CUSTOMER, Role.CUSTOMER, "张三")),
        (-2, PartyJoined(CALL, AGENT, Role.AGENT, "李四")),
        (-1, PartyJoined(CALL, SeatId("recorder"), Role.SYSTEM, "recorder")),
        (2, CallAdvanced(CALL, CallPhase.ACTIVE, CallPhase.HELD)),
        (3, CallAdvanced(CALL, CallPhase.HELD, CallPhase.RECONNECTING)),
        (4, CallAdvanced(CALL, CallPhase.RECONNECTING, CallPhase.ACTIVE)),
        (5, PartyJoined(CALL, GUEST, Role.GUEST, "王五")),
        (5, PartyJoined(new_call_id(), SeatId("other"), Role.GUEST, "another call's")),
        (7, PartyLeft(CALL, GUEST)),
        (8, PartyLeft(CALL, AGENT)),
        (12, PartyLeft(CALL, CUSTOMER)),
    )
    found = attend(entries, CALL, T0, 10.0)

    assert set(found.stays) == {
        Stay(Role.CUSTOMER, Span(0.0, 10.0), "张三", CUSTOMER),
        Stay(Role.AGENT, Span(0.0, 2.0), "李四", AGENT),
        Stay(Role.AGENT, Span(4.0, 8.0), "李四", AGENT),
        Stay(Role.GUEST, Span(5.0, 7.0), "王五", GUEST),
    }
    assert found.held == (Span(2.0, 4.0),)


def test_a_call_that_ends_while_held() -> None:
    """It was held to its end, and staff did not take part any more."""
    entries = _entries(
        (0, PartyJoined(CALL, AGENT, Role.AGENT, "李四")),
        (2, CallAdvanced(CALL, CallPhase.ACTIVE, CallPhase.HELD)),
    )
    found = attend(entries, CALL, T0, 10.0)

    assert (found.stays, found.held) == ((Stay(Role.AGENT, Span(0, 2), "李四", AGENT),), (Span(2, 10),))
