"""The merged file of more than two people: everybody in a place of their own, whatever their roles."""

import dataclasses
from pathlib import Path

from contract.facts import CallAdvanced, HostChanged, PartyJoined, PartyLeft
from contract.ids import AccountId, new_seat_id
from contract.phases import CallPhase, Role, TrackSource
from recordings import layout
from recordings.compose import BACKGROUND
from recordings.merge import MergeResult, merge_call, plan_merge
from recordings.timeline import GapCause
from tests.recordings.measured import Merged, beeps, measure, part
from tests.recordings.staged import Frame, Stage, StagedTrack, film, read_number, stage, voice


def _merge(staged: Stage) -> tuple[MergeResult, Merged]:
    out = staged.spool.case_dir(staged.case) / "merged.mp4"
    result = merge_call(plan_merge(staged.spool, staged.case, staged.entries), out, lambda *_: None)
    return result, measure(out)


def _count(merged: Merged, place: layout.Place, second: float, size: tuple[int, int] = (320, 240)) -> int:
    """Return the counter of the picture in a place, in seconds, as it was taken: 30 ms before."""
    return read_number(part(merged.luma[round((second + 0.03) * 15)], place, size))


def test_three_people_and_a_share(tmp_path: Path) -> None:
    """A third party has a place while it takes part, a screen has the main area while it is shared, and
    the agent's place is plain while the customer is held; sound comes from all, and no gap is made up.
    """
    staged = stage(tmp_path)
    customer, agent, guest = new_seat_id(), new_seat_id(), new_seat_id()
    staged.begin()
    for seat, role, parts in (
        (customer, Role.CUSTOMER, [(0.0, 12.0)]),
        (agent, Role.AGENT, [(0.0, 3.0), (5.0, 7.0)]),
        (guest, Role.GUEST, [(5.0, 5.0)]),
    ):
        for first, seconds in parts:
            pictures = film(seconds, first=round(first * 15))
            staged.record(StagedTrack(role, TrackSource.CAMERA, "VP8", pictures, seat), joins=False)
            sound = voice(seconds, first_s=first, tone_hz=2000.0 if role is Role.GUEST else 1000.0)
            staged.record(StagedTrack(role, TrackSource.MICROPHONE, "opus", sound, seat), joins=False)
    screen = film(2.0, first=7 * 15, size=(640, 360))
    staged.record(StagedTrack(Role.GUEST, TrackSource.SCREEN, "VP8", screen, guest), joins=False)
    staged.note(
        0,
        *(
            PartyJoined(staged.call, *who)
            for who in ((customer, Role.CUSTOMER, "张三"), (agent, Role.AGENT, "李四"))
        ),
    )
    staged.note(3, CallAdvanced(staged.call, CallPhase.ACTIVE, CallPhase.HELD))
    staged.note(5, PartyJoined(staged.call, guest, Role.GUEST, "王五"))
    staged.note(5, CallAdvanced(staged.call, CallPhase.HELD, CallPhase.ACTIVE))
    staged.note(10, PartyLeft(staged.call, guest))
    staged.end(12)
    result, merged = _merge(staged)

    two, three, shared = layout.places(2, False), layout.places(3, False), layout.places(3, True)
    assert [_count(merged, place, 2.0) for place in two] == [30, 30]
    assert abs(part(merged.luma[4 * 15], two[1]).astype(int) - BACKGROUND).max() < 4
    assert _count(merged, two[0], 4.0) == 60
    assert [_count(merged, place, 6.4) for place in three] == [96, 96, 96]
    assert [_count(merged, place, 8.0) for place in shared[:3]] == [120, 120, 120]
    assert _count(merged, shared[3], 8.0, (640, 360)) == 120
    assert [_count(merged, place, 11.0) for place in two] == [165, 165]
    assert [round(heard) for heard in beeps(merged, 2000.0)] == [5, 6, 7, 8, 9]
    assert [gap for gap in result.ledger[staged.call] if gap.seconds > 0.3] == []


# What the counters of two guests are ahead of the others': who is who is told by the picture alone.
FIRST, SECOND = 3_000, 6_000


def _marked(since: int, until: int, mark: int) -> list[Frame]:
    """Return pictures of these seconds, their counter ahead by ``mark``."""
    frames = film(until - since, first=since * 15 + mark)
    return [dataclasses.replace(frame, taken_s=frame.taken_s - mark / 15) for frame in frames]


def test_two_guests_are_seen_at_the_same_time(tmp_path: Path) -> None:
    """The guest who leads on after the agent left has the agent's place, the guest he invites another; when
    one's line fails his picture stands still under his own name, and the gap is told as his.
    """
    staged = stage(tmp_path)
    customer, agent, leader, guest = (new_seat_id() for _ in range(4))
    accounts = [AccountId(f"of-{seat}") for seat in (agent, leader, guest)]
    staged.begin()
    staged.note(0, PartyJoined(staged.call, customer, Role.CUSTOMER, "张三"))
    staged.note(0, PartyJoined(staged.call, agent, Role.AGENT, "李四", accounts[0]))
    staged.note(2, PartyJoined(staged.call, leader, Role.GUEST, "王五", accounts[1]))
    staged.note(4, PartyLeft(staged.call, agent))
    staged.note(4, HostChanged(staged.call, accounts[0], accounts[1], "王五"))
    staged.note(6, PartyJoined(staged.call, guest, Role.GUEST, "孙七", accounts[2]))
    for seat, role, mark, spans in (
        (customer, Role.CUSTOMER, 0, [(0, 13)]),
        (agent, Role.AGENT, 0, [(0, 4)]),
        (leader, Role.GUEST, FIRST, [(2, 13)]),
        (guest, Role.GUEST, SECOND, [(6, 8), (11, 13)]),
    ):
        pictures = [frame for since, until in spans for frame in _marked(since, until, mark)]
        sounds = [frame for since, until in spans for frame in voice(until - since, first_s=since)]
        for source, codec, frames in (
            (TrackSource.CAMERA, "VP8", pictures), (TrackSource.MICROPHONE, "opus", sounds),
        ):  # fmt: skip
            staged.record(StagedTrack(role, source, codec, frames, seat), joins=False)
    staged.end(13)
    result, merged = _merge(staged)

    two, three = layout.places(2, False), layout.places(3, False)
    assert [_count(merged, place, 3.4) for place in three] == [51, 51, FIRST + 51]
    assert [_count(merged, place, 5.4) for place in two] == [81, FIRST + 81]
    for number in range(round(6.4 * 15), round(7.8 * 15)):
        assert [_count(merged, place, number / 15) - number for place in three] == [0, FIRST, SECOND]
    for number in range(round(9.2 * 15), round(10.8 * 15)):
        counted = [_count(merged, place, number / 15) for place in three]
        assert counted == [number, FIRST + number, SECOND + 8 * 15 - 1]
    assert _count(merged, three[2], 12.4) == SECOND + 186
    lost = {(gap.seat, gap.source): gap for gap in result.ledger[staged.call] if gap.seconds > 0.3}
    assert set(lost) == {(guest, TrackSource.CAMERA), (guest, TrackSource.MICROPHONE)}
    for gap in lost.values():
        assert (round(gap.since_s), round(gap.until_s), gap.cause) == (8, 11, GapCause.LOST)
