"""What became of every track in every moment."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.facts import (
    GENESIS,
    CallAdvanced,
    CallEnded,
    CaptureChanged,
    Entry,
    Fact,
    MediaConnected,
    MediaLost,
    PartyDropped,
    PartyJoined,
    PartyLeft,
    PartyReturned,
    seal_entry,
)
from contract.ids import SeatId, new_call_id, new_case_id, new_track_id
from contract.phases import CallEnd, CallPhase, Capture, Role, TrackSource
from recordings.ledger import Lane, State, account
from recordings.timeline import Gap, GapCause, Timeline, TrackTimes, lay_timeline

T0 = 1_800_000_000.0
CASE, CALL, OTHER_CALL = new_case_id(), new_call_id(), new_call_id()
MIC, CAM, SCREEN = TrackSource.MICROPHONE, TrackSource.CAMERA, TrackSource.SCREEN
CUSTOMER, AGENT, GUEST = (SeatId(name) for name in ("customer", "agent", "guest"))
ROLES = {CUSTOMER: Role.CUSTOMER, AGENT: Role.AGENT, GUEST: Role.GUEST}
SECONDS = 20.0

Told = tuple[float, Fact]


def _entries(*told: Told) -> list[Entry]:
    begins: list[Told] = [(0.0, CallAdvanced(CALL, CallPhase.CONNECTING, CallPhase.ACTIVE))]
    ends: list[Told] = [(SECONDS, CallEnded(CALL, CallEnd.AGENT_HUNG_UP, SECONDS))]
    facts = sorted([*begins, *told, *ends], key=lambda one: one[0])
    return [seal_entry(i + 1, T0 + at, CASE, fact, GENESIS) for i, (at, fact) in enumerate(facts)]


def _joins(*seats: SeatId) -> list[Told]:
    return [(0.0, PartyJoined(CALL, seat, ROLES[seat], "")) for seat in seats]


def _track(
    seat: SeatId, source: TrackSource, *spans: tuple[float, float], every: float | None = None
) -> TrackTimes:
    """Return a track with frames in these seconds of the call: of sound every 20 ms, else 15 a second."""
    rate, step = (48_000, 0.02) if source is MIC else (90_000, 1 / 15)
    step = step if every is None else every
    at = np.concatenate([np.arange(since, until - 1e-9, step) for since, until in spans])
    ticks = (1_000_000 + at * rate).round().astype(np.int64)
    arrivals = tuple((int(tick), T0 + second) for tick, second in zip(ticks, at, strict=True))
    return TrackTimes(new_track_id(), seat, ROLES[seat], source, rate, ticks, arrivals)


def _lay(entries: list[Entry], *tracks: TrackTimes) -> Timeline:
    laid = lay_timeline(entries, CALL, tracks)
    assert laid is not None
    return laid


def _lanes(
    entries: list[Entry], *tracks: TrackTimes, damage: tuple[Gap, ...] = ()
) -> dict[tuple[SeatId | None, TrackSource], Lane]:
    lanes = account(entries, _lay(entries, *tracks), damage)
    return {(lane.seat, lane.source): lane for lane in lanes}


def _told(lane: Lane) -> list[tuple[str, float, float]]:
    return [(one.state.value, round(one.since_s, 1), round(one.until_s, 1)) for one in lane.stretches]


def test_a_lane_that_loses_mutes_and_comes_back() -> None:
    """Loss and mute stand where they were; the time between belongs to media."""
    entries = _entries(
        *_joins(CUSTOMER),
        (6, CaptureChanged(CALL, CUSTOMER, Capture.OFF, Capture.ON)),
        (9, CaptureChanged(CALL, CUSTOMER, Capture.ON, Capture.OFF)),
        (12, CaptureChanged(CALL, CUSTOMER, Capture.ON, Capture.ON)),
    )
    # A muted microphone may go on sending silence: it is muted all the same.
    lanes = _lanes(entries, _track(CUSTOMER, MIC, (0, 20)), _track(CUSTOMER, CAM, (0, 3), (5, 9), (12, 20)))

    assert _told(lanes[CUSTOMER, MIC]) == [("media", 0, 6), ("muted", 6, 9), ("media", 9, 20)]
    assert _told(lanes[CUSTOMER, CAM]) == [
        ("media", 0, 3),
        ("lost", 3, 5),
        ("media", 5, 9),
        ("camera_off", 9, 12),
        ("media", 12, 20),
    ]


@pytest.mark.parametrize("every", [0.4, 0.44])
def test_a_microphone_that_saves_in_silence_is_whole(every: float) -> None:
    """Opus sends so seldom while nobody speaks (DTX): that is media, and one packet less of it is a loss."""
    entries = _entries(*_joins(CUSTOMER, AGENT))
    silent = _track(CUSTOMER, MIC, (0, 20), every=every)
    # Twenty packets of silence, the next is lost, and silence goes on.
    holed = _track(AGENT, MIC, (0, 20 * every), (21 * every, 20), every=every)
    lanes = _lanes(entries, silent, holed)

    assert _told(lanes[CUSTOMER, MIC]) == [("media", 0, 20)]
    since, until = round(19 * every + 0.02, 1), round(21 * every, 1)
    assert _told(lanes[AGENT, MIC]) == [("media", 0, since), ("lost", since, until), ("media", until, 20)]


def test_held_staff_are_held_and_the_customer_is_recorded() -> None:
    """On hold staff are not recorded, which is no loss; of the customer everything should be there."""
    entries = _entries(
        *_joins(CUSTOMER, AGENT),
        (5, CallAdvanced(CALL, CallPhase.ACTIVE, CallPhase.HELD)),
        (10, CallAdvanced(CALL, CallPhase.HELD, CallPhase.ACTIVE)),
    )
    lanes = _lanes(
        entries,
        _track(CUSTOMER, MIC, (0, 7), (9, 20)),
        _track(AGENT, MIC, (0, 5)),
        _track(AGENT, MIC, (10, 20)),
    )

    assert _told(lanes[AGENT, MIC]) == [("media", 0, 5), ("held", 5, 10), ("media", 10, 20)]
    assert _told(lanes[CUSTOMER, MIC]) == [("media", 0, 7), ("lost", 7, 9), ("media", 9, 20)]
    # Of both cameras nothing ever came.
    assert _told(lanes[CUSTOMER, CAM]) == [("lost", 0, 20)]
    assert _told(lanes[AGENT, CAM]) == [("lost", 0, 5), ("held", 5, 10), ("lost", 10, 20)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        # The page was gone, and then the connection; it went on in the same track.
        (
            [
                (5.5, PartyDropped(CALL, CUSTOMER, T0 + 25)),
                (6.0, MediaLost(CALL, CUSTOMER, "failed")),
                (6.5, PartyReturned(CALL, CUSTOMER)),
                (7.0, MediaConnected(CALL, CUSTOMER)),
            ],
            [("media", 0, 5), ("lost", 5, 5.5), ("reconnecting", 5.5, 7), ("lost", 7, 8), ("media", 8, 20)],
        ),
        # Another call's trouble is none of this one.
        (
            [
                (5.0, MediaLost(OTHER_CALL, CUSTOMER, "failed")),
                (5.0, PartyDropped(OTHER_CALL, CUSTOMER, T0 + 25)),
                (7.0, MediaConnected(OTHER_CALL, CUSTOMER)),
                (7.0, PartyReturned(OTHER_CALL, CUSTOMER)),
            ],
            [("media", 0, 5), ("lost", 5, 8), ("media", 8, 20)],
        ),
        # Who is told to be connected without having been lost was never away.
        (
            [(5.0, MediaConnected(CALL, CUSTOMER)), (5.0, PartyReturned(CALL, CUSTOMER))],
            [("media", 0, 5), ("lost", 5, 8), ("media", 8, 20)],
        ),
    ],
)
def test_a_connection_that_is_down_is_told_from_a_loss(
    told: list[Told], expected: list[tuple[str, float, float]]
) -> None:
    """The same silence is a reconnect where facts say that the line was down, and a loss where not."""
    entries = _entries(*_joins(CUSTOMER), *told)
    lanes = _lanes(entries, _track(CUSTOMER, MIC, (0, 5), (8, 20)))

    assert _told(lanes[CUSTOMER, MIC]) == expected


def test_between_two_tracks_of_a_lane_it_reconnects() -> None:
    """What a new connection takes over from the old one is a reconnect, whenever the loss was noticed."""
    entries = _entries(*_joins(CUSTOMER))
    lanes = _lanes(entries, _track(CUSTOMER, MIC, (0, 5)), _track(CUSTOMER, MIC, (8, 20)))

    assert _told(lanes[CUSTOMER, MIC]) == [("media", 0, 5), ("reconnecting", 5, 8), ("media", 8, 20)]


def test_who_never_comes_back_reconnects_to_the_end() -> None:
    """A connection that stays down is down until the call ends."""
    entries = _entries(*_joins(CUSTOMER), (12, MediaLost(CALL, CUSTOMER, "failed")))
    lanes = _lanes(entries, _track(CUSTOMER, MIC, (0, 12)))

    assert _told(lanes[CUSTOMER, MIC]) == [("media", 0, 12), ("reconnecting", 12, 20)]


def test_a_third_party_is_absent_before_and_after() -> None:
    """A guest's lanes are those that sent; a camera that never did is none, and no call needs it."""
    entries = _entries(
        *_joins(CUSTOMER, AGENT),
        (4, PartyJoined(CALL, GUEST, Role.GUEST, "")),
        (15, PartyLeft(CALL, GUEST)),
    )
    lanes = _lanes(
        entries,
        _track(CUSTOMER, MIC, (0, 20)),
        _track(GUEST, MIC, (4.1, 15)),
        _track(AGENT, SCREEN, (6, 9)),
    )

    assert _told(lanes[GUEST, MIC]) == [("absent", 0, 4), ("media", 4, 15), ("absent", 15, 20)]
    assert {(GUEST, CAM), (CUSTOMER, SCREEN)}.isdisjoint(lanes)
    # The last picture of a screen stands for it a little.
    assert [state for state, *_ in _told(lanes[AGENT, SCREEN])] == ["absent", "media", "absent"]
    assert lanes[AGENT, SCREEN].seconds(State.MEDIA) == pytest.approx(3 + 1.1, abs=0.1)
    assert [lane for lane in lanes if lane[0] == AGENT] == [(AGENT, MIC), (AGENT, CAM), (AGENT, SCREEN)]


def test_what_cannot_be_decoded_is_lost() -> None:
    """Damage counts as loss; gaps of other causes and lanes are known already, or not this one's."""
    entries = _entries(*_joins(CUSTOMER))
    damage = (
        Gap(CUSTOMER, Role.CUSTOMER, CAM, 4.0, 6.0, GapCause.DAMAGED),
        Gap(CUSTOMER, Role.CUSTOMER, CAM, 8.0, 9.0, GapCause.ENDED),
        Gap(AGENT, Role.AGENT, CAM, 1.0, 2.0, GapCause.DAMAGED),
    )
    lanes = _lanes(entries, _track(CUSTOMER, CAM, (0, 20)), damage=damage)

    assert _told(lanes[CUSTOMER, CAM]) == [("media", 0, 4), ("lost", 4, 6), ("media", 6, 20)]


def test_nobody_known_is_lost_all_the_same() -> None:
    """Where no fact and no track tells of an agent, the lanes of one are missing, of nobody's seat."""
    lanes = _lanes(_entries(*_joins(CUSTOMER)), _track(CUSTOMER, MIC, (0, 20)))

    assert _told(lanes[None, MIC]) == _told(lanes[None, CAM]) == [("lost", 0, 20)]


_seconds = st.floats(-1, 22, allow_nan=False)
_span = st.tuples(_seconds, st.floats(0.1, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))
_capture = st.sampled_from(list(Capture))
_facts = st.lists(
    st.tuples(
        _seconds,
        st.one_of(
            st.builds(CaptureChanged, st.just(CALL), st.just(CUSTOMER), _capture, _capture),
            st.sampled_from(
                [
                    CallAdvanced(CALL, CallPhase.ACTIVE, CallPhase.HELD),
                    CallAdvanced(CALL, CallPhase.HELD, CallPhase.ACTIVE),
                    MediaLost(CALL, CUSTOMER, "failed"),
                    MediaConnected(CALL, CUSTOMER),
                    PartyDropped(CALL, AGENT, T0),
                    PartyReturned(CALL, AGENT),
                    PartyJoined(CALL, CUSTOMER, Role.CUSTOMER, ""),
                    PartyJoined(CALL, AGENT, Role.AGENT, ""),
                    PartyJoined(CALL, GUEST, Role.GUEST, ""),
                    PartyLeft(CALL, AGENT),
                    PartyLeft(CALL, CUSTOMER),
                ]
            ),
        ),
    ),
    max_size=12,
)
_tracks = st.lists(
    st.tuples(
        st.sampled_from([CUSTOMER, AGENT, GUEST]),
        st.sampled_from([MIC, CAM, SCREEN]),
        st.lists(_span, min_size=1, max_size=3).map(sorted),
    ),
    min_size=1,
    max_size=6,
)


@given(_facts, _tracks, st.lists(_span, max_size=3))
def test_every_moment_has_one_state(
    facts: list[Told],
    tracks: list[tuple[SeatId, TrackSource, list[tuple[float, float]]]],
    hurt: list[tuple[float, float]],
) -> None:
    """Whatever happened: stretches follow each other from start to end and change state at each edge."""
    entries = _entries(*facts)
    laid = _lay(entries, *(_sorted_track(*track) for track in tracks))
    damage = [Gap(CUSTOMER, Role.CUSTOMER, CAM, *span, GapCause.DAMAGED) for span in hurt]

    lanes = account(entries, laid, damage)

    assert lanes
    assert len({(lane.seat, lane.source) for lane in lanes}) == len(lanes)
    for lane in lanes:
        edges = [(one.since_s, one.until_s) for one in lane.stretches]
        assert (edges[0][0], edges[-1][1]) == (0.0, laid.axis.seconds)
        assert all(since < until for since, until in edges)
        assert all(before[1] == after[0] for before, after in pairwise(edges))
        assert all(a.state is not b.state for a, b in pairwise(lane.stretches))
        assert sum(map(lane.seconds, State)) == pytest.approx(laid.axis.seconds)


def _sorted_track(seat: SeatId, source: TrackSource, spans: list[tuple[float, float]]) -> TrackTimes:
    track = _track(seat, source, *spans)
    order = np.argsort(track.timestamps, kind="stable")
    arrivals = tuple(track.arrivals[i] for i in order)
    return TrackTimes(
        track.track, seat, track.role, source, track.clock_rate, track.timestamps[order], arrivals
    )


def test_a_call_without_length_has_no_stretch() -> None:
    """Nothing is divided where there is nothing."""
    entries = [
        seal_entry(1, T0, CASE, CallAdvanced(CALL, CallPhase.CONNECTING, CallPhase.ACTIVE), GENESIS),
        seal_entry(2, T0, CASE, CallEnded(CALL, CallEnd.AGENT_HUNG_UP, 0.0), GENESIS),
    ]
    lanes = account(entries, _lay(entries, _track(CUSTOMER, MIC, (0, 1))))

    assert all(lane.stretches == () for lane in lanes)
