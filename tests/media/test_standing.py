"""What a call would lose with its worker."""

from contract.facts import (
    MediaConnected,
    MediaLost,
    MediaMissing,
    PartyJoined,
    PartyLeft,
    SegmentSealed,
    TrackEnded,
    TrackStarted,
)
from contract.ids import CallId, SeatId, TrackId
from contract.phases import Role, TrackKind, TrackSource
from media.standing import Standing

CALL = CallId("call-1")
ONE, TWO, RECORDER = SeatId("seat-1"), SeatId("seat-2"), SeatId("seat-r")
SOUND, PICTURE = TrackId("track-s"), TrackId("track-p")


def started(track: TrackId) -> TrackStarted:
    kind, source = TrackKind.AUDIO, TrackSource.MICROPHONE
    return TrackStarted(CALL, track, ONE, Role.CUSTOMER, kind, source, "opus", 48_000)


def sealed(track: TrackId, frames: int) -> SegmentSealed:
    return SegmentSealed(CALL, track, 0, "file", "hash", 1, frames, 1.0, 2.0)


def test_nothing_stands_at_first() -> None:
    """A call without connections loses nothing."""
    assert Standing(CALL).losses() == ()


def test_everything_that_stands_is_lost_once() -> None:
    """Connections first, then tracks with the frames that are known, then the recorder's place."""
    standing = Standing(CALL)
    for fact in (
        PartyJoined(CALL, RECORDER, Role.SYSTEM, "recorder"),
        PartyJoined(CALL, ONE, Role.CUSTOMER, "somebody"),
        MediaConnected(CALL, ONE),
        started(SOUND),
        sealed(SOUND, 20),
        sealed(SOUND, 30),
        sealed(PICTURE, 7),
        MediaMissing(CALL, ONE, ("camera",), 15.0),
    ):
        standing.noted(fact)
    standing.seat(TWO)
    assert (standing.seats, standing.has(TWO)) == (2, True)
    assert standing.losses() == (
        MediaLost(CALL, ONE, "worker_lost"),
        MediaLost(CALL, TWO, "worker_lost"),
        TrackEnded(CALL, SOUND, 50),
        PartyLeft(CALL, RECORDER),
    )
    assert standing.losses() == ()


def test_what_ended_by_itself_is_not_lost() -> None:
    """Neither lost nor dropped seats, ended tracks or a recorder that left."""
    standing = Standing(CALL)
    for fact in (
        MediaConnected(CALL, ONE),
        MediaLost(CALL, ONE, "silent"),
        started(SOUND),
        TrackEnded(CALL, SOUND, 5),
        PartyJoined(CALL, RECORDER, Role.SYSTEM, "recorder"),
        PartyLeft(CALL, RECORDER),
    ):
        standing.noted(fact)
    standing.seat(ONE)
    standing.seat(TWO)
    standing.unseat(TWO)
    assert standing.seats == 1
    standing.unseat()
    assert standing.losses() == ()
