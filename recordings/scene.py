"""One call of a merge as a row of pictures: who stands where when, decoded and painted.

Places go by seat: the customer, then who leads, in the agent's place from the moment of the change, then
third parties in the order of coming. A shared screen takes the main area while it is shared. Of the
customer, and of an agent while no staff is there, a plain place is kept.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from av.video.frame import VideoFrame

from contract.ids import SeatId, TrackId
from contract.phases import Role, Template, TrackSource
from recordings import timeline
from recordings.compose import FPS, STALE_S, Canvas, Caption, PictureTrack
from recordings.layout import Place, places
from recordings.stays import Span, Stay

# A picture is shown in the tick whose middle it came before: then it is early or late by at most half
# a tick, instead of late by up to a whole one, and sound and picture stay closer.
HALF_TICK_S = 0.5 / FPS
LABELS = {
    Role.CUSTOMER: "客户 / Customer",
    Role.AGENT: "坐席 / Agent",
    Role.GUEST: "第三方 / Third party",
    Role.SUPERVISOR: "主管 / Supervisor",
}
_SCREEN = "共享屏幕 / Screen"
_HELD = "保持中 / on hold"


@dataclass(frozen=True, slots=True)
class Lane:
    """The pictures of one seat's cameras or screens, in the order in which their tracks were found."""

    seat: SeatId
    role: Role
    source: TrackSource
    tracks: dict[TrackId, PictureTrack]

    def damage(self, seconds: float) -> Iterator[timeline.Gap]:
        """Yield the stretches that were there and could not be decoded."""
        for since, until in (stretch for track in self.tracks.values() for stretch in track.damage):
            low, high = max(since, 0.0), min(until, seconds)
            if high - low > timeline.VIDEO_GAP_S:
                cause = timeline.GapCause.DAMAGED
                yield timeline.Gap(self.seat, self.role, self.source, low, high, cause)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of somebody; ``fresh`` tells that it is no older than a second."""

    stay: Stay | None
    picture: VideoFrame | None
    fresh: bool


class Seating:
    """Who has which place when; ``screens`` are the tracks of screens of which there are pictures."""

    def __init__(
        self, laid: timeline.Timeline, screens: Collection[TrackId], template: Template = Template.ROLES
    ) -> None:
        self._attendance, self._template = laid.attendance, template
        self._shares = [one for one in timeline.shares(laid.placements) if one[0] in screens]

    def people(self, now: float) -> list[tuple[Role, Stay | None]]:
        """Return who has a place, the customer first, and as what: a guest is the agent once he leads."""
        people: list[tuple[Role, Stay | None]] = []
        for stay in self._attendance.present(now):
            takes_over = stay.role is Role.GUEST and self._attendance.leads(stay, now)
            people.append((Role.AGENT if takes_over else stay.role, stay))
        if not people or people[0][0] is not Role.CUSTOMER:
            people.insert(0, (Role.CUSTOMER, None))
        if self._template is Template.CUSTOMER_ONLY:
            return people[:1]
        return people if len(people) > 1 else [*people, (Role.AGENT, None)]

    def share(self, now: float) -> tuple[TrackId, SeatId, Span] | None:
        """Return the screen that is shared now; of several the one that was begun last."""
        if self._template is Template.CUSTOMER_ONLY:
            return None
        running = [one for one in self._shares if one[2].holds(now + HALF_TICK_S)]
        return running[-1] if running else None

    def customer(self, now: float) -> Place:
        """Return the customer's place."""
        return places(len(self.people(now)), self.share(now) is not None, self._template)[0]


class Scene:
    """Paints a call; ``lanes`` are all that it has of pictures. ``seen`` is who was painted last."""

    def __init__(
        self,
        canvas: Canvas,
        laid: timeline.Timeline,
        lanes: Sequence[Lane],
        template: Template = Template.ROLES,
    ) -> None:
        self._canvas, self._attendance = canvas, laid.attendance
        self.seen: tuple[Seen, ...] = ()
        self._cameras = {lane.seat: lane for lane in lanes if lane.source is TrackSource.CAMERA}
        self._screens = {
            track: pictures
            for lane in lanes
            if lane.source is TrackSource.SCREEN
            for track, pictures in lane.tracks.items()
        }
        self._seating = Seating(laid, self._screens, template)

    def paint(self, now: float) -> VideoFrame:
        """Return what is seen at ``now``; calls must not go back."""
        people, share = self._seating.people(now), self._seating.share(now)
        names = {stay.seat: stay.pii_name for _, stay in people if stay is not None}
        screen = Caption(_SCREEN, names.get(share[1], "")) if share is not None else None
        self._canvas.seat([self._caption(role, stay, now) for role, stay in people], screen)
        self.seen = tuple(self._show(number, stay, now) for number, (_, stay) in enumerate(people))
        if share is not None:
            at, picture = newest([self._screens[share[0]]], now + HALF_TICK_S)
            self._canvas.show(len(people), picture, now - at > timeline.SHARE_HOLD_S)
        return self._canvas.picture()

    def _show(self, number: int, stay: Stay | None, now: float) -> "Seen":
        at, picture = self._person(stay, now)
        self._canvas.show(number, picture, now - at > STALE_S)
        return Seen(stay, picture, picture is not None and now - at <= STALE_S)

    def _person(self, stay: Stay | None, now: float) -> tuple[float, VideoFrame | None]:
        """Return what the camera of who is there shows now; nothing from before they came."""
        lane = self._cameras.get(stay.seat) if stay is not None and stay.seat is not None else None
        if stay is None or lane is None:
            return now, None
        at, picture = newest(lane.tracks.values(), now + HALF_TICK_S)
        return at, picture if stay.span.since_s <= 0.0 or at >= stay.span.since_s else None

    def _caption(self, role: Role, stay: Stay | None, now: float) -> Caption:
        if stay is not None:
            return Caption(LABELS[role], stay.pii_name)
        held = role is not Role.CUSTOMER and any(span.holds(now) for span in self._attendance.held)
        return Caption(LABELS[role], _HELD if held else "")


def newest(tracks: Iterable[PictureTrack], now: float) -> tuple[float, VideoFrame | None]:
    """Return the latest picture of any of these tracks and its time, (now, None) before the first."""
    showing = [shown for track in tracks if (shown := track.at(now)) is not None]
    return max(showing, key=lambda shown: shown[0]) if showing else (now, None)
