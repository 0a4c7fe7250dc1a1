"""Facts and frame times onto one axis."""

import dataclasses

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
    HostChanged,
    PartyJoined,
    PartyLeft,
    seal_entry,
)
from contract.ids import (
    AccountId,
    CallId,
    CaseId,
    SeatId,
    TrackId,
    new_call_id,
    new_case_id,
    new_seat_id,
    new_track_id,
)
from contract.phases import CallEnd, CallPhase, Capture, Role, TrackKind, TrackSource
from contract.ports import ClockSample
from recordings.timeline import (
    Axis,
    Gap,
    GapCause,
    Timeline,
    TrackTimes,
    add_damage,
    call_axis,
    lay_timeline,
    shares,
)

T0 = 1_800_000_000.0
CASE, CALL = new_case_id(), new_call_id()
MIC, CAM = TrackSource.MICROPHONE, TrackSource.CAMERA
CUSTOMER_SEAT = SeatId("customer")


def _entries(*facts: tuple[float, Fact], case: CaseId = CASE) -> list[Entry]:
    return [seal_entry(i + 1, T0 + at, case, fact, GENESIS) for i, (at, fact) in enumerate(facts)]


def _active(call: CallId = CALL) -> Fact:
    return CallAdvanced(call, CallPhase.CONNECTING, CallPhase.ACTIVE)


def _ended(seconds: float, reason: CallEnd = CallEnd.AGENT_HUNG_UP, call: CallId = CALL) -> Fact:
    return CallEnded(call, reason, seconds)


def _call(seconds: float) -> list[Entry]:
    return _entries((0, _active()), (seconds, _ended(seconds)))


def _track(
    seconds: np.ndarray | list[float],
    source: TrackSource = CAM,
    role: Role = Role.CUSTOMER,
    *,
    seat: SeatId | None = None,
    ntp_ahead_s: float = 0.0,
    delays: tuple[float, ...] = (0.05,),
    reports: bool = True,
    ppm: float = 0.0,
    base: int = 1_000_000,
) -> TrackTimes:
    """Return a track whose frames were taken at these seconds of the call; of one role is one person."""
    rate = 48_000 if source is MIC else 90_000
    at = np.asarray(seconds, np.float64)
    ticks = (base + at * rate * (1 + ppm / 1e6)).round().astype(np.int64)
    picks = range(0, len(at), 15)
    delay = [delays[i % len(delays)] for i in range(len(at))]
    clock = tuple(ClockSample(T0 + at[i] + ntp_ahead_s, int(ticks[i]), T0 + at[i] + delay[i]) for i in picks)
    arrivals = tuple((int(ticks[i]), T0 + at[i] + delay[i]) for i in range(0, len(at), 60))
    return TrackTimes(
        new_track_id(), seat or SeatId(role), role, source, rate, ticks, arrivals, clock if reports else ()
    )


def _lay(entries: list[Entry], *tracks: TrackTimes) -> Timeline:
    laid = lay_timeline(entries, CALL, tracks)
    assert laid is not None
    return laid


def _every(step: float, since: float, until: float) -> np.ndarray:
    return np.arange(since, until - 1e-9, step)


def test_kind() -> None:
    """Microphones are sound; cameras and screens are pictures."""
    kinds = [_track([0.0], source).kind for source in (MIC, CAM, TrackSource.SCREEN)]

    assert kinds == [TrackKind.AUDIO, TrackKind.VIDEO, TrackKind.VIDEO]


def test_axis_from_active_to_ended() -> None:
    """The axis is what the call's length means: from ACTIVE, the first time, to its end."""
    entries = _entries(
        (1, CallAdvanced(CALL, None, CallPhase.RINGING)),
        (2, _active(new_call_id())),
        (3, _active()),
        (5, CallAdvanced(CALL, CallPhase.ACTIVE, CallPhase.RECONNECTING)),
        (6, _active()),
        (8, _ended(1, call=new_call_id())),
        (9, _ended(6)),
        (9, CallAdvanced(CALL, CallPhase.ACTIVE, CallPhase.ENDED)),
    )

    assert call_axis(entries, CALL, T0 + 2.8, T0 + 9.2) == Axis(T0 + 3, T0 + 9)


def test_axis_of_a_crashed_call() -> None:
    """A call closed by the recovery after a crash ends with its last frame; so does one never closed."""
    lost = _entries((3, _active()), (500, _ended(6, CallEnd.SERVER_LOST)))

    assert call_axis(lost, CALL, T0 + 2, T0 + 9).end == T0 + 9
    assert call_axis(lost[:1], CALL, T0 + 2, T0 + 9).end == T0 + 9


def test_axis_of_a_call_that_never_was_active() -> None:
    """Such a call starts with its first frame."""
    assert call_axis(_entries((9, _ended(0))), CALL, T0 + 2, T0 + 8) == Axis(T0 + 2, T0 + 9)


def test_axis_never_runs_backwards() -> None:
    """An end before the start makes an empty axis."""
    assert call_axis(_entries((9, _active())), CALL, T0 + 2, T0 + 8).seconds == 0


def test_nothing_recorded() -> None:
    """No frame, no timeline; empty tracks beside others are left out."""
    empty = _track([])

    assert lay_timeline(_call(5), CALL, [empty]) is None
    assert len(_lay(_call(5), empty, _track([0.0, 0.1])).placements) == 1


def test_frames_lie_where_they_were_taken() -> None:
    """With reports, a frame lies at its capture plus the shortest delay, however late it came."""
    taken = _every(1 / 15, 0, 60)
    track = _track(taken, delays=(0.5, 0.05, 0.3, 0.2), ntp_ahead_s=-7200)

    assert _lay(_call(60), track).placements[0].at == pytest.approx(taken + 0.05, abs=0.03)


def test_one_person_one_offset() -> None:
    """Sound and picture of a person share the offset, so that a slow video path does not pull them apart."""
    seat = new_seat_id()
    sound = _track(_every(0.02, 0, 10), MIC, seat=seat, delays=(0.02,))
    pictures = _track(_every(0.1, 0, 10), CAM, seat=seat, delays=(0.4,), base=77)
    placed = {p.source: p.at for p in _lay(_call(10), sound, pictures).placements}

    assert placed[CAM][50] - placed[MIC][250] == pytest.approx(0, abs=0.001)


def test_drift_is_followed() -> None:
    """A media clock that runs 500 ppm fast over half an hour stays within 40 ms."""
    taken = _every(0.5, 0, 1800)
    placed = _lay(_call(1800), _track(taken, ppm=500)).placements[0]

    assert np.abs(placed.at - taken - 0.05).max() < 0.04


def test_a_set_clock_is_survived() -> None:
    """A sender whose wall clock is set forward in mid-call keeps its place: old reports are ignored."""
    track = _track(_every(1 / 15, 0, 60))
    stepped = tuple(
        ClockSample(s.ntp_at + (100 if i > 30 else 0), s.timestamp, s.arrived_at)
        for i, s in enumerate(track.clock)
    )
    moved = TrackTimes(
        track.track, track.seat, track.role, CAM, track.clock_rate, track.timestamps, track.arrivals, stepped
    )
    placed = _lay(_call(60), moved).placements[0]

    assert placed.at == pytest.approx(_every(1 / 15, 0, 60) + 0.05, abs=0.03)


def test_arrivals_take_the_place_of_reports() -> None:
    """Without reports, arrivals place the frames; so they do when all reports speak of another clock."""
    taken = _every(1 / 15, 0, 20)
    alone = _track(taken, reports=False)
    seat = new_seat_id()
    good, odd = _track(taken, MIC, seat=seat), _track(taken, CAM, seat=seat, ntp_ahead_s=-50)

    assert _lay(_call(20), alone).placements[0].at == pytest.approx(taken + 0.05, abs=0.001)
    for placed in _lay(_call(20), good, odd).placements:
        assert placed.at == pytest.approx(taken + 0.05, abs=0.001)


def _gaps(laid: Timeline, role: Role, source: TrackSource) -> list[tuple[float, float, GapCause]]:
    return [
        (round(g.since_s, 2), round(g.until_s, 2), g.cause)
        for g in laid.gaps
        if (g.role, g.source) == (role, source)
    ]


def test_ledger() -> None:
    """Every lane's missing time is listed with its cause, and summed."""
    exact = {"delays": (0.0,)}
    pictures = np.concatenate([_every(0.1, 1, 3), _every(0.1, 5, 8)])
    laid = _lay(
        _call(10),
        _track(_every(0.02, 0, 4), MIC, **exact),  # type: ignore[arg-type]
        _track(_every(0.02, 6, 10), MIC, **exact),  # type: ignore[arg-type]
        _track(pictures, CAM, **exact),  # type: ignore[arg-type]
        _track(_every(0.2, 0, 10), CAM, Role.AGENT, **exact),  # type: ignore[arg-type]
    )

    assert _gaps(laid, Role.CUSTOMER, MIC) == [(4.0, 6.0, GapCause.RECONNECT)]
    assert _gaps(laid, Role.CUSTOMER, CAM) == [
        (0, 1, GapCause.NOT_STARTED),
        (2.97, 5, GapCause.LOST),
        (7.97, 10, GapCause.ENDED),
    ]
    assert _gaps(laid, Role.AGENT, MIC) == [(0, 10, GapCause.ABSENT)]
    assert _gaps(laid, Role.AGENT, CAM) == []
    assert laid.gap_s == pytest.approx(2 + 1 + 2.03 + 2.03 + 10, abs=0.02)


def test_ledger_stays_inside_the_axis() -> None:
    """Time before ACTIVE and after the end is nobody's gap."""
    laid = _lay(_call(5), _track([-3.0, 2.0, 9.0], delays=(0.0,)), _track([-9.0, -8.0], MIC, delays=(0.0,)))

    assert _gaps(laid, Role.CUSTOMER, CAM) == [(0, 2, GapCause.LOST), (2.07, 5, GapCause.LOST)]
    assert _gaps(laid, Role.CUSTOMER, MIC) == [(0, 5, GapCause.ENDED)]


def test_other_lanes_are_accounted_when_they_exist() -> None:
    """A third party's lane is not mandatory: before it begins and after it ends nothing is missing."""
    laid = _lay(_call(9), _track([2.0, 2.1, 4.9, 5.0], CAM, Role.GUEST, delays=(0.0,)))

    assert _gaps(laid, Role.GUEST, CAM) == [(2.17, 4.9, GapCause.LOST)]
    assert _gaps(laid, Role.GUEST, MIC) == []


def test_a_screen_that_stands_still_is_not_missing() -> None:
    """Nor is one that is no longer shared. When it was is told, until a second after its last frame."""
    first = _track([0.5, 3.0], TrackSource.SCREEN, Role.AGENT, delays=(0.0,))
    second = _track([6.0, 6.1], TrackSource.SCREEN, Role.GUEST, delays=(0.0,))
    laid = _lay(_call(9), second, first)

    assert {gap.source for gap in laid.gaps} == {MIC, CAM}
    told = [
        (track, seat, span.since_s, round(span.until_s, 2)) for track, seat, span in shares(laid.placements)
    ]
    assert told == [(first.track, first.seat, 0.5, 4.2), (second.track, second.seat, 6.0, 7.3)]


def _present(laid: Timeline, at: float) -> list[str]:
    return [stay.pii_name for stay in laid.attendance.present(at)]


def _person(seat: SeatId, role: Role, seconds: np.ndarray) -> list[TrackTimes]:
    exact = [_track(seconds, source, role, seat=seat, delays=(0.0,)) for source in (MIC, CAM)]
    return [dataclasses.replace(track, track=new_track_id()) for track in exact]


def test_while_held_staff_are_not_missing() -> None:
    """Nor when they have left, nor with a camera that is off by choice; else they are."""
    customer, agent, guest = new_seat_id(), new_seat_id(), new_seat_id()
    entries = _entries(
        (-1, PartyJoined(CALL, customer, Role.CUSTOMER, "张三")),
        (-1, PartyJoined(CALL, agent, Role.AGENT, "李四")),
        (0, _active()),
        (2, CallAdvanced(CALL, CallPhase.ACTIVE, CallPhase.HELD)),
        (3, CallAdvanced(CALL, CallPhase.HELD, CallPhase.RECONNECTING)),
        (3.5, CallAdvanced(CALL, CallPhase.RECONNECTING, CallPhase.HELD)),
        (4, PartyJoined(CALL, guest, Role.GUEST, "王五")),
        (4, CallAdvanced(CALL, CallPhase.HELD, CallPhase.ACTIVE)),
        (5, CaptureChanged(CALL, customer, Capture.ON, Capture.OFF)),
        (6, CaptureChanged(CALL, customer, Capture.ON, Capture.INTERRUPTED)),
        (7, CaptureChanged(CALL, customer, Capture.ON, Capture.ON)),
        (8, PartyLeft(CALL, agent)),
        (10, _ended(10)),
    )
    staff = np.concatenate([_every(0.1, 0, 2), _every(0.1, 4.5, 8)])
    pictures = np.concatenate([_every(0.1, 0, 5), _every(0.1, 7, 10)])
    laid = _lay(
        entries,
        _track(_every(0.1, 0, 10), MIC, seat=customer, delays=(0.0,)),
        _track(pictures, CAM, seat=customer, delays=(0.0,)),
        *_person(agent, Role.AGENT, staff),
        *_person(guest, Role.GUEST, _every(0.1, 4.5, 10)),
    )

    assert _gaps(laid, Role.CUSTOMER, CAM) == [(6.0, 7.0, GapCause.LOST)]
    assert _gaps(laid, Role.AGENT, MIC) == [(4.0, 4.5, GapCause.LOST)]
    assert laid.gap_s == pytest.approx(1 + 0.5 + 0.5)
    assert [_present(laid, at) for at in (1.0, 3.0, 5.0, 9.0)] == [
        ["张三", "李四"], ["张三"], ["张三", "李四", "王五"], ["张三", "王五"],
    ]  # fmt: skip


def test_one_agent_after_the_other() -> None:
    """After a transfer the role has another name, and nobody is missing while the customer was held."""
    first, second = new_seat_id(), new_seat_id()
    entries = _entries(
        (0, _active()),
        (0, PartyJoined(CALL, first, Role.AGENT, "李四")),
        (3, CallAdvanced(CALL, CallPhase.ACTIVE, CallPhase.HELD)),
        (3, PartyLeft(CALL, first)),
        (5, PartyJoined(CALL, second, Role.AGENT, "王五")),
        (6, CallAdvanced(CALL, CallPhase.HELD, CallPhase.ACTIVE)),
        (9, _ended(9)),
    )
    laid = _lay(
        entries,
        *_person(first, Role.AGENT, _every(0.1, 0, 3)),
        *_person(second, Role.AGENT, _every(0.1, 6, 9)),
    )

    assert _gaps(laid, Role.AGENT, MIC) == _gaps(laid, Role.AGENT, CAM) == []
    # Of the customer no fact tells.
    assert [_present(laid, at) for at in (2.9, 5.5, 6.1)] == [["", "李四"], [""], ["", "王五"]]


_GUESTS = SeatId("guest-1"), SeatId("guest-2")
_missing = st.frozensets(st.integers(0, 19), max_size=6)


@given(st.tuples(_missing, _missing))
def test_what_is_missing_of_one_is_not_made_up_by_another(missing: tuple[frozenset[int], ...]) -> None:
    """Two of one role: of who leads every missing second is told, as his; of the other, those between his
    first frame and his last.
    """
    joined = [(-1, PartyJoined(CALL, seat, Role.GUEST, seat, AccountId(f"of-{seat}"))) for seat in _GUESTS]
    led = (-1, HostChanged(CALL, None, AccountId(f"of-{_GUESTS[0]}"), "guest-1"))
    entries = _entries(*joined, led, (0, _active()), (20, _ended(20)))
    tracks = []
    for seat, gone in zip(_GUESTS, missing, strict=True):
        there = [_every(0.1, second, second + 1) for second in range(20) if second not in gone]
        tracks += _person(seat, Role.GUEST, np.concatenate(there))
    laid = _lay(entries, *tracks)

    for number, (seat, gone) in enumerate(zip(_GUESTS, missing, strict=True)):
        there_s = [second for second in range(20) if second not in gone]
        wanted = gone if number == 0 else {one for one in gone if there_s[0] < one < there_s[-1]}
        for source in (MIC, CAM):
            gaps = [gap for gap in laid.gaps if (gap.seat, gap.source) == (seat, source)]
            told = {s for s in range(20) if any(gap.since_s <= s + 0.5 < gap.until_s for gap in gaps)}
            assert told == wanted


def test_who_leads_must_be_there_from_then_on() -> None:
    """A third party without a camera is nobody's gap until it leads; then it is, up to the next who does."""
    guest, account = SeatId("guest"), AccountId("of-guest")
    entries = _entries(
        (-1, PartyJoined(CALL, SeatId("agent"), Role.AGENT, "李四", AccountId("of-agent"))),
        (0, _active()),
        (2, PartyJoined(CALL, guest, Role.GUEST, "王五", account)),
        (6, PartyLeft(CALL, SeatId("agent"))),
        (6, HostChanged(CALL, AccountId("of-agent"), account, "王五")),
        (8, HostChanged(CALL, account, AccountId("of-supervisor"), "赵六")),
        (10, _ended(10)),
    )
    sound = _track(_every(0.1, 2, 10), MIC, Role.GUEST, seat=guest, delays=(0.0,))
    laid = _lay(entries, sound, *_person(SeatId("agent"), Role.AGENT, _every(0.1, 0, 6)))

    mine = [(gap.source, gap.since_s, gap.until_s, gap.cause) for gap in laid.gaps if gap.seat == guest]
    assert mine == [(CAM, 6.0, 8.0, GapCause.ABSENT)]
    assert not _gaps(laid, Role.AGENT, CAM)


def test_a_seat_that_no_fact_tells_of_has_a_place_all_the_same() -> None:
    """From its first frame to its last, and a lane of its own."""
    told, untold = SeatId("told"), SeatId("untold")
    entries = _entries((-1, PartyJoined(CALL, told, Role.GUEST, "王五")), (0, _active()), (10, _ended(10)))
    tracks = [*_person(told, Role.GUEST, _every(0.1, 0, 9)), *_person(untold, Role.GUEST, _every(0.1, 4, 6))]
    laid = _lay(entries, *tracks)

    there = [[stay.seat for stay in laid.attendance.present(at)] for at in (3.0, 5.0, 7.0)]
    assert there == [[None, None, told], [None, None, told, untold], [None, None, told]]
    assert not _gaps(laid, Role.GUEST, CAM)


def _gap(since: float, until: float, role: Role = Role.AGENT, cause: GapCause = GapCause.LOST) -> Gap:
    return Gap(SeatId(role), role, CAM, since, until, cause)


@pytest.mark.parametrize(
    ("hurt", "added"),
    [
        ((0.0, 1.0), [(0.0, 1.0)]),
        ((2.5, 3.5), [(3.0, 3.5)]),
        ((1.0, 4.0), [(1.0, 2.0), (3.0, 4.0)]),
        ((2.1, 2.9), []),
        ((4.0, 9.0), [(4.0, 6.0), (7.0, 9.0)]),
        ((1.5, 2.5), [(1.5, 2.0)]),
    ],
)
def test_damage_counts_once(hurt: tuple[float, float], added: list[tuple[float, float]]) -> None:
    """Undecodable time is added to the ledger where no gap covers it already."""
    other = dataclasses.replace(_gap(0, 9), seat=SeatId("another agent's"))
    gaps = (_gap(2, 3), _gap(6, 7), _gap(0, 9, Role.CUSTOMER), other)
    found = add_damage(gaps, [_gap(*hurt, cause=GapCause.DAMAGED)])

    assert [(g.since_s, g.until_s) for g in found if g.cause is GapCause.DAMAGED] == added
    assert len(found) == len(gaps) + len(added)


_times = st.lists(st.floats(-2, 30), min_size=1, max_size=40).map(sorted)


@given(_times, _times, st.floats(0, 40), st.booleans(), st.floats(-1e4, 1e4))
def test_ledger_and_order_hold_for_all_times(
    sound: list[float], pictures: list[float], seconds: float, reports: bool, ahead: float
) -> None:
    """Placements never fall; each lane's gaps are in order, apart, and inside the axis."""
    seat = new_seat_id()
    tracks = [
        _track(sound, MIC, seat=seat, reports=reports, ntp_ahead_s=ahead),
        _track(pictures, CAM, seat=seat, ntp_ahead_s=ahead),
    ]
    laid = _lay(_call(seconds), *tracks)
    length = laid.axis.seconds

    for placed in laid.placements:
        assert (np.diff(placed.at) >= 0).all()
    for role, source in {(g.role, g.source) for g in laid.gaps}:
        mine = [g for g in laid.gaps if (g.role, g.source) == (role, source)]
        edges = [edge for g in mine for edge in (g.since_s, g.until_s)]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= length
        assert sum(g.seconds for g in mine) <= length + 1e-6


def test_track_ids_are_kept() -> None:
    """Each placement names its track."""
    track = _track([0.0])

    assert _lay(_call(1), track).placements[0].track == TrackId(track.track)


@pytest.mark.parametrize("seed", range(3))
def test_half_an_hour_of_everything_stays_in_sync(seed: int) -> None:
    """Thirty minutes with loss, mute, reconnect and clocks that run away: where each frame was taken.

    The sender's wall clock is an hour ahead and gains 100 ppm, both media clocks drift apart by 150 ppm,
    the way to us takes 20 to 220 ms, one packet in twenty is lost and so is one report. The camera turns
    (which begins no track), the microphone is muted for four minutes, the connection is made anew.
    """
    rng = np.random.default_rng(seed)
    length, cut = 1_800.0, 1_000.0
    muted = (300.0, 540.0)

    def sent(step: float, since: float, until: float, source: TrackSource) -> TrackTimes:
        at = _every(step, since, until)
        at = at[rng.random(at.size) >= 0.05]
        if source is MIC:
            at = at[(at < muted[0]) | (at >= muted[1])]
        rate, ppm = (48_000, 100.0) if source is MIC else (90_000, -50.0)
        base = int(rng.integers(0, 1 << 31))
        ticks = base + (at * rate * (1 + ppm / 1e6)).round().astype(np.int64)
        delays = 0.02 + rng.exponential(0.05, at.size).clip(0, 0.2)
        reported = _every(5.0, since, until)
        reported = reported[rng.random(reported.size) >= 0.05]
        clock = tuple(
            ClockSample(
                T0 + one * (1 + 1e-4) + 3_600,
                base + round(one * rate * (1 + ppm / 1e6)),
                T0 + one + 0.02 + float(rng.exponential(0.05)),
            )
            for one in reported.tolist()
        )
        arrivals = tuple((int(ticks[i]), T0 + float(at[i] + delays[i])) for i in range(0, at.size, 60))
        found = TrackTimes(new_track_id(), CUSTOMER_SEAT, Role.CUSTOMER, source, rate, ticks, arrivals, clock)
        taken[found.track] = at
        return found

    taken: dict[TrackId, np.ndarray] = {}
    tracks = [
        sent(step, since, until, source)
        for source, step in ((MIC, 0.02), (CAM, 1 / 15))
        for since, until in ((0.5, cut), (cut + 7.0, length))
    ]
    laid = _lay(_call(length), *tracks)
    late = {placed.track: placed.at - taken[placed.track] for placed in laid.placements}
    skews = [
        late[camera][:: 15 * 10].mean() - late[microphone][:: 50 * 10].mean()
        for microphone, camera in zip(
            [t.track for t in tracks[:2]], [t.track for t in tracks[2:]], strict=True
        )
    ]

    assert laid.axis.seconds == length
    assert max(map(abs, skews)) <= 0.08
    # Drift: how sound and picture are apart in the first and in the last minute of the call.
    ends = [late[tracks[i].track] for i in (0, 1, 2, 3)]
    first = ends[2][: 60 * 15].mean() - ends[0][: 60 * 50].mean()
    last = ends[3][-60 * 15 :].mean() - ends[1][-60 * 50 :].mean()
    assert abs(last - first) <= 0.04
    lost = [gap for gap in laid.gaps if gap.cause is GapCause.RECONNECT]
    assert [gap.seconds for gap in lost] == pytest.approx([7.0, 7.0], abs=0.3)
