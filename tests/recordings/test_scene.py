"""Who has which place when, without a picture."""

from collections.abc import Sequence

import numpy as np
from av.video.frame import VideoFrame

from contract.ids import TrackId, new_call_id, new_track_id
from contract.phases import Role, TrackSource
from recordings.compose import Canvas, Caption, PictureTrack
from recordings.scene import LABELS, Lane, Scene
from recordings.stays import Attendance, Span, Stay
from recordings.timeline import Axis, Placement, Timeline


class _Canvas(Canvas):
    """Keeps what it is told instead of painting."""

    def __init__(self) -> None:
        super().__init__("case")
        self.people: tuple[Caption, ...] = ()
        self.screen: Caption | None = None
        self.stale: dict[int, bool] = {}

    def seat(self, people: Sequence[Caption], screen: Caption | None = None) -> None:
        self.people, self.screen = tuple(people), screen
        self.stale.clear()

    def show(self, number: int, picture: VideoFrame | None, stale: bool) -> None:
        self.stale[number] = stale


def _stay(role: Role, since: float, until: float, name: str) -> Stay:
    return Stay(role, Span(since, until), name)


def _scene(stays: Sequence[Stay], held: Sequence[Span] = (), screens: Sequence[Placement] = ()) -> Scene:
    laid = Timeline(new_call_id(), Axis(0, 20), tuple(screens), (), Attendance(tuple(stays), tuple(held)))
    lanes = [Lane(one.role, one.source, {one.track: PictureTrack("VP8", [])}) for one in screens]
    return Scene(_Canvas(), laid, lanes)


def _seen(scene: Scene, at: float) -> tuple[list[tuple[str, str]], str | None]:
    scene.paint(at)
    canvas = scene._canvas
    assert isinstance(canvas, _Canvas)
    people = [(caption.label, caption.pii_name) for caption in canvas.people]
    return people, canvas.screen.pii_name if canvas.screen else None


def _screen(role: Role, *at: float) -> Placement:
    return Placement(TrackId(new_track_id()), role, TrackSource.SCREEN, np.array(at))


CUSTOMER, AGENT, GUEST, SUPERVISOR = (
    LABELS[role] for role in (Role.CUSTOMER, Role.AGENT, Role.GUEST, Role.SUPERVISOR)
)


def test_places_come_and_go_with_people() -> None:
    """In the order of roles; who stands in for the agent takes that place, and nobody's is left plain."""
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
    first, second = _screen(Role.AGENT, 1.0, 9.0), _screen(Role.GUEST, 3.0, 5.0)
    stays = [_stay(Role.CUSTOMER, 0, 20, "张三"), _stay(Role.AGENT, 0, 20, "李四")]
    scene = _scene([*stays, _stay(Role.GUEST, 0, 20, "王五")], screens=[second, first])

    shown = [_seen(scene, at)[1] for at in (0.5, 2.0, 4.0, 6.1, 7.0, 10.3)]
    assert shown == [None, "李四", "王五", "王五", "李四", None]
