"""Transport-wide feedback: what is noted is what a sender reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import unpack, unpack_from

from hypothesis import given
from hypothesis import strategies as st

from media.twcc import TransportFeedback

_TICK_S = 0.000_25
_U16 = 1 << 16


@dataclass(frozen=True)
class Feedback:
    """A decoded message: packet numbers and when they came in ticks of 250 us, None for lost ones."""

    count: int
    arrivals: tuple[tuple[int, int | None], ...]

    @property
    def came(self) -> dict[int, int]:
        return {number: at for number, at in self.arrivals if at is not None}


def decode(fci: bytes) -> Feedback:
    """Read a message as the draft's section 3.1 describes it; every byte is accounted for."""
    base, statuses, reference, count = unpack("!HHLB", fci[:4] + b"\0" + fci[4:7] + fci[7:8])
    symbols: list[int] = []
    at = 8
    while len(symbols) < statuses:
        (chunk,) = unpack_from("!H", fci, at)
        at += 2
        symbols += _symbols(chunk)
    assert not any(symbols[statuses:])
    arrivals: list[tuple[int, int | None]] = []
    now = reference * 256
    for n, symbol in enumerate(symbols[:statuses]):
        if symbol == 0:
            arrivals.append(((base + n) % _U16, None))
            continue
        size, form = (1, "!B") if symbol == 1 else (2, "!h")
        now += unpack_from(form, fci, at)[0]
        at += size
        arrivals.append(((base + n) % _U16, now))
    assert fci[at:] == bytes(-at % 4)
    return Feedback(count, tuple(arrivals))


def _symbols(chunk: int) -> list[int]:
    if not chunk & 0x8000:
        return [chunk >> 13 & 3] * (chunk & 0x1FFF)
    if not chunk & 0x4000:
        return [chunk >> n & 1 for n in range(13, -1, -1)]
    return [chunk >> n & 3 for n in range(12, -1, -2)]


def taken(log: TransportFeedback) -> list[Feedback]:
    messages = log.take()
    assert all(len(one) % 4 == 0 and len(one) <= 1_200 for one in messages)
    return [decode(one) for one in messages]


def note(log: TransportFeedback, numbers: Sequence[int], at: float = 1.0, step: float = 0.001) -> None:
    for n, number in enumerate(numbers):
        log.note(number, at + n * step)


def test_nothing_is_said_of_nothing() -> None:
    """Without arrivals there is no message."""
    assert TransportFeedback().take() == []


def test_a_gap_is_told_as_lost_and_repaired_later() -> None:
    """A packet that did not come is told so; when it comes late, the message reaches back to it."""
    log = TransportFeedback()
    note(log, [10, 11, 13])
    (first,) = taken(log)
    assert [number for number, _ in first.arrivals] == [10, 11, 12, 13]
    assert set(first.came) == {10, 11, 13}
    log.note(12, 1.5)
    (late,) = taken(log)
    assert [(number, at is None) for number, at in late.arrivals] == [(12, False)]
    log.note(13, 1.6)
    log.note(16, 1.7)
    (again,) = taken(log)
    assert [number for number, _ in again.arrivals] == [13, 14, 15, 16]
    assert again.came[13] == first.came[13], "the first arrival counts"


def test_losses_between_two_messages_are_told() -> None:
    """A message begins where the one before ended."""
    log = TransportFeedback()
    note(log, [65_534])
    taken(log)
    note(log, [2], at=2.0)
    (feedback,) = taken(log)
    assert [number for number, _ in feedback.arrivals] == [65_535, 0, 1, 2]


def test_messages_are_counted_and_wrap() -> None:
    """The eighth byte counts messages, so that the sender sees when one was lost."""
    log = TransportFeedback()
    counts = []
    for number in range(258):
        log.note(number, number * 0.05)
        counts += [one.count for one in taken(log)]
    assert counts == [n % 256 for n in range(258)]


def test_long_pauses_and_many_packets_need_more_messages() -> None:
    """A delta over 8 s, and more deltas than a datagram holds, begin another message."""
    log = TransportFeedback()
    log.note(1, 10.0)
    log.note(2, 20.0)
    assert [set(one.came) for one in taken(log)] == [{1}, {2}]
    note(log, range(3, 1_003))
    messages = taken(log)
    assert [len(one.came) for one in messages] == [300, 300, 300, 100]


def test_a_far_jump_is_bounded() -> None:
    """A number far ahead gives one short message, not thousands of statuses; so do floods."""
    log = TransportFeedback()
    log.note(0, 1.0)
    log.note(30_000, 1.1)
    (feedback,) = taken(log)
    assert set(feedback.came) == {30_000}
    assert len(feedback.arrivals) == 2_000
    note(log, range(30_001, 40_000), step=0)
    assert sum(len(one.came) for one in taken(log)) == 2_000


# Far enough to wrap chunks of all forms, and not back over what is still kept to be told again.
_STEPS = st.lists(
    st.lists(
        st.tuples(
            st.one_of(st.just(1), st.integers(-5, 60)),
            st.one_of(st.just(0.0), st.floats(0, 0.06), st.floats(0, 9)),
        ),
        max_size=15,
    ),
    max_size=6,
)


@given(st.integers(0, _U16 - 1), _STEPS)
def test_what_is_noted_is_what_is_read(start: int, batches: list[list[tuple[int, float]]]) -> None:
    """Whatever the losses, reordering, wraps and pauses: every arrival is read back, at its time."""
    log, number, now = TransportFeedback(), start + _U16, 50.0
    came: dict[int, int] = {}
    told: dict[int, int] = {}
    for batch in batches:
        for step, passed in batch:
            number, now = number + step, now + passed
            came.setdefault(number % _U16, int(now / _TICK_S + 1e-6))
            log.note(number % _U16, now)
        for feedback in taken(log):
            told |= {seq: at for seq, at in feedback.came.items() if seq not in told}
            assert feedback.came.items() <= told.items()
    assert told.keys() == came.keys()
    assert all(abs(told[seq] - came[seq]) <= 1 for seq in came)
