"""Who has which place when, without a picture."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from contract.facts import GENESIS, CallAdvanced, Entry, Fact, HostChanged, PartyJoined, PartyLeft, seal_entry
from contract.ids import AccountId, SeatId, TrackId, new_call_id, new_case_id, new_track_id
from contract.phases import CallPhase, Role, TrackSource
from recordings.compose import Canvas, Caption, PictureTrack
from recordings.scene import LABELS, Lane, Scene
from recordings.stays import Attendance, Span, Stay, attend
from recordings.timeline import Axis, Placement, Timeline


class _Canvas(Canvas):
    """Keeps what it is told instead of painting."""

    def __init__(self) -> None:
        super().__init__("case")
        self.people: tuple[Caption, ...] = ()
        self.screen: Caption | None = None
        self.shown: dict[int, VideoFrame | None] = {}

    def seat(self, people: Sequence[Caption], screen: Caption | None = None) -> None:
        self.people, self.screen = tuple(people), screen
        self.shown.clear()

    def show(self, number: int, picture: VideoFrame | None, stale: bool) -> None:
        assert number not in self.shown
        self.shown[number] = picture

    def picture(self) -> VideoFrame:
        return VideoFrame(2, 2)


class _Camera:
    """A camera that always has a picture: the name of its seat."""

    def __init__(self, seat: SeatId) -> None:
        self._picture = cast(VideoFrame, seat)

    def at(self, seconds: float) -> tuple[float, VideoFrame]:
        return seconds, self._picture


def _stay(role: Role, since: float, until: float, name: str) -> Stay:
    return Stay(role, Span(since, until), name, SeatId(name), AccountId(name))


def _scene(stays: Sequence[Stay], held: Sequence[Span] = (), screens: Sequence[Placement] = ()) -> Scene:
    laid = Timeline(new_call_id(), Axis(0, 20), tuple(screens), (), Attendance(tuple(stays), tuple(held)))
    lanes = [Lane(one.seat, one.role, one.source, {one.track: PictureTrack("VP8", [])}) for one in screens]
    return Scene(_Canvas(), laid, lanes)


def _filmed(attendance: Attendance, seats: Sequence[SeatId]) -> Scene:
    """Return a scene in which all these seats send pictures all the time."""
    cameras = {seat: cast(PictureTrack, _Camera(seat)) for seat in seats}
    lanes = [
        Lane(seat, Role.GUEST, TrackSource.CAMERA, {TrackId(new_track_id()): camera})
        for seat, camera in cameras.items()
    ]
    return Scene(_Canvas(), Timeline(new_call_id(), Axis(0, 99), (), (), attendance), lanes)


def _seen(scene: Scene, at: float) -> tuple[list[tuple[str, str]], str | None]:
    scene.paint(at)
    canvas = scene._canvas
    assert isinstance(canvas, _Canvas)
    people = [(caption.label, caption.pii_name) for caption in canvas.people]
    return people, canvas.screen.pii_name if canvas.screen else None


def _screen(role: Role, name: str, *at: float) -> Placement:
    return Placement(TrackId(new_track_id()), SeatId(name), role, TrackSource.SCREEN, np.array(at))


CUSTOMER, AGENT, GUEST, SUPERVISOR = (
    LABELS[role] for role in (Role.CUSTOMER, Role.AGENT, Role.GUEST, Role.SUPERVISOR)
)


def test_places_come_and_go_with_people() -> None:
    """In the order of coming; who stands in for the agent takes that place, and nobody's is left plain."""
    scene = _scene(
        [
            _stay(Role.CUSTOMER, 0, 20, "张三"),
            _stay(Role.AGENT, 0, 8, "李四"),
            _stay(Role.GUEST, 2, 12, "王五"),
            _stay(Role.SUPERVISOR, 4, 6, "赵六"),
            _stay(Role.AGENT, 14, 20, "孙七"),
        ]
    )
    assert _seen(scene, 1)[0] == [(CUSTOMER, "张三"), (AGENT, "李四")]
    assert _seen(scene, 3)[0] == [(CUSTOMER, "张三"), (AGENT, "李四"), (GUEST, "王五")]
    assert [label for label, _ in _seen(scene, 5)[0]] == [CUSTOMER, AGENT, GUEST, SUPERVISOR]
    assert _seen(scene, 9)[0] == [(CUSTOMER, "张三"), (GUEST, "王五")]
    assert _seen(scene, 13)[0] == [(CUSTOMER, "张三"), (AGENT, "")]
    assert _seen(scene, 15)[0] == [(CUSTOMER, "张三"), (AGENT, "孙七")]


def test_while_held_the_agents_place_says_so() -> None:
    """The customer's keeps its name: the customer is recorded all the while."""
    scene = _scene([_stay(Role.CUSTOMER, 0, 20, "张三"), _stay(Role.AGENT, 0, 5, "李四")], [Span(5, 9)])

    assert _seen(scene, 6)[0] == [(CUSTOMER, "张三"), (AGENT, "保持中 / on hold")]
    assert _seen(scene, 10)[0] == [(CUSTOMER, "张三"), (AGENT, "")]


def test_the_share_that_began_last_is_shown() -> None:
    """With its owner's name, until a second after its last frame; then the one before it, if that goes on."""
    first, second = _screen(Role.AGENT, "李四", 1.0, 9.0), _screen(Role.GUEST, "王五", 3.0, 5.0)
    stays = [_stay(Role.CUSTOMER, 0, 20, "张三"), _stay(Role.AGENT, 0, 20, "李四")]
    scene = _scene([*stays, _stay(Role.GUEST, 0, 20, "王五")], screens=[second, first])

    shown = [_seen(scene, at)[1] for at in (0.5, 2.0, 4.0, 6.1, 7.0, 10.3)]
    assert shown == [None, "李四", "王五", "王五", "李四", None]


def test_who_leads_stands_in_the_agents_place() -> None:
    """From the moment of the change; the others follow in the order of coming, two guests each in a place."""
    stays = [
        _stay(Role.CUSTOMER, 0, 20, "张三"),
        _stay(Role.AGENT, 0, 8, "李四"),
        _stay(Role.GUEST, 2, 16, "王五"),
        _stay(Role.GUEST, 9, 20, "孙七"),
        _stay(Role.SUPERVISOR, 10, 20, "赵六"),
    ]
    hosts = ((AccountId("王五"), Span(8, 14)), (AccountId("赵六"), Span(14, 20)))
    scene = _filmed(Attendance(tuple(stays), hosts=hosts), ())

    assert _seen(scene, 7)[0] == [(CUSTOMER, "张三"), (AGENT, "李四"), (GUEST, "王五")]
    assert _seen(scene, 8.5)[0] == [(CUSTOMER, "张三"), (AGENT, "王五")]
    assert _seen(scene, 12)[0] == [
        (CUSTOMER, "张三"), (AGENT, "王五"), (GUEST, "孙七"), (SUPERVISOR, "赵六"),
    ]  # fmt: skip
    assert _seen(scene, 15)[0] == [
        (CUSTOMER, "张三"), (SUPERVISOR, "赵六"), (GUEST, "王五"), (GUEST, "孙七"),
    ]  # fmt: skip
    assert _seen(scene, 17)[0] == [(CUSTOMER, "张三"), (SUPERVISOR, "赵六"), (GUEST, "孙七")]


_T0, _CASE, _CALL = 1_800_000_000.0, new_case_id(), new_call_id()
_HELD = CallAdvanced(_CALL, CallPhase.ACTIVE, CallPhase.HELD)
_RESUMED = CallAdvanced(_CALL, CallPhase.HELD, CallPhase.ACTIVE)
_STAFF = {
    SeatId(f"{role}-{number}"): role
    for number, role in enumerate((Role.AGENT, Role.GUEST, Role.GUEST, Role.SUPERVISOR, Role.SUPERVISOR))
}


def _account(seat: SeatId) -> AccountId:
    return AccountId(f"of-{seat}")


def _facts_of(seat: SeatId) -> list[Fact]:
    came = PartyJoined(_CALL, seat, _STAFF[seat], seat, _account(seat))
    return [came, came, PartyLeft(_CALL, seat), HostChanged(_CALL, None, _account(seat), seat)]


_facts = st.sampled_from(
    [fact for seat in _STAFF for fact in _facts_of(seat)] + [_HELD, _RESUMED, HostChanged(_CALL, None, None)]
)


def _expected(facts: Sequence[Fact]) -> list[str]:
    """Return whose pictures stand in which order after these facts, told one by one."""
    here: dict[str, None] = {}
    host, held = _account(next(iter(_STAFF))), False
    for fact in facts:
        match fact:
            case PartyJoined(seat=seat):
                here.setdefault(seat)
            case PartyLeft(seat=seat):
                here.pop(seat, None)
            case HostChanged(now=now):
                host = now or AccountId("")
            case CallAdvanced(now=now):
                held = now is CallPhase.HELD
            case _:
                raise AssertionError(fact)
    staff = [] if held else sorted(here, key=lambda seat: _account(SeatId(seat)) != host)
    return ["customer", *staff]


@given(st.lists(_facts, max_size=30))
def test_everybody_who_talks_has_exactly_one_place(facts: list[Fact]) -> None:
    """Whoever comes, goes, leads, and is held, however often: one for each, in order, and none shared."""
    customer = SeatId("customer")
    history = [PartyJoined(_CALL, customer, Role.CUSTOMER, "张三"), *facts]
    entries: list[Entry] = [
        seal_entry(at + 1, _T0 + at, _CASE, fact, GENESIS) for at, fact in enumerate(history)
    ]
    scene = _filmed(attend(entries, _CALL, _T0, len(history) + 1.0), [customer, *_STAFF])

    for at in range(len(history)):
        scene.paint(at + 0.5)
        canvas = scene._canvas
        assert isinstance(canvas, _Canvas)
        shown = [canvas.shown[number] for number in range(len(canvas.people))]
        there = _expected(history[1 : at + 1])
        assert [cast(str, seat) for seat in shown if seat is not None] == there
        names = [caption.pii_name for caption in canvas.people]
        assert names[1 : len(there)] == there[1:] and len(shown) == max(2, len(there))
