"""The merged file, measured from outside: length, order, sync, gaps, damage, seeking."""

import dataclasses
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from contract.facts import CallAdvanced, CallEnded
from contract.ids import CallId, CaseId, new_seat_id
from contract.phases import CallEnd, CallPhase, Role, TrackSource
from contract.ports import ClockSample, EncodedFrame
from recordings.compose import BACKGROUND
from recordings.journal import FileJournal
from recordings.merge import MergeResult, clock_text, merge_call, plan_merge
from recordings.recorder import Recorder
from recordings.spool import Spool
from recordings.timeline import GapCause
from recordings.track_writer import RecorderSettings
from tests.recordings.encoded import MovedClock
from tests.recordings.measured import Merged, beeps, boxes, flashes, measure, numbers, pane
from tests.recordings.packets import feed
from tests.recordings.staged import (
    START,
    Frame,
    Stage,
    StagedTrack,
    film,
    stage,
    stage_call,
    voice,
)

SKEW_S = 0.08


def _merge(staged: Stage, notes: list[float] | None = None) -> tuple[MergeResult, Path]:
    out = staged.spool.case_dir(staged.case) / "merged.mp4"
    plan = plan_merge(staged.spool, staged.case, staged.entries)
    result = merge_call(plan, out, lambda fraction, _: (notes if notes is not None else []).append(fraction))
    return result, out


def _skews(merged: Merged, side: int) -> list[float]:
    heard = np.array(beeps(merged))
    return [float(np.abs(heard - seen).min()) for seen in flashes(merged, side)]


def _is_monotonic(values: Sequence[int]) -> bool:
    return all(a <= b for a, b in itertools.pairwise(values))


@pytest.fixture(name="plain", scope="module")
def _plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, MergeResult, Path, list[float]]:
    """A merged ordinary call of 9.3 s, with the progress that was told."""
    staged = stage_call(tmp_path_factory.mktemp("plain"), 9.3)
    notes: list[float] = []
    result, out = _merge(staged, notes)
    return staged, result, out, notes


def test_duration_and_codecs(plain: tuple[Stage, MergeResult, Path, list[float]]) -> None:
    """The file is H.264 and AAC, as long as the call within half a second, and nothing is missing."""
    _, result, out, _ = plain
    merged = measure(out)

    assert merged.codecs == ("h264", "aac")
    assert abs(merged.seconds - 9.3) <= 0.5
    assert abs(result.seconds - 9.3) <= 0.5
    assert result.gap_s == 0
    assert out.stat().st_size == result.bytes


def test_constant_rate(plain: tuple[Stage, MergeResult, Path, list[float]]) -> None:
    """Pictures come every fifteenth of a second without exception."""
    steps = np.diff(measure(plain[2]).times)

    assert np.allclose(1 / 15, steps, atol=1e-4)


def test_counter_monotonic_and_whole(plain: tuple[Stage, MergeResult, Path, list[float]]) -> None:
    """Both panes count upwards and hardly a picture is left out."""
    merged = measure(plain[2])
    for side in (0, 1):
        counted = numbers(merged, side)

        assert _is_monotonic(counted)
        assert len(set(counted)) >= 9.3 * 15 - 3


def test_sync(plain: tuple[Stage, MergeResult, Path, list[float]]) -> None:
    """Flash and beep are within 80 ms of each other, every second."""
    merged = measure(plain[2])
    skews = _skews(merged, 0) + _skews(merged, 1)

    assert len(skews) >= 18
    assert max(skews) <= SKEW_S


def test_faststart(plain: tuple[Stage, MergeResult, Path, list[float]]) -> None:
    """The index stands before the media, so that playback starts with the first bytes."""
    order = boxes(plain[2])

    assert order.index("moov") < order.index("mdat")


def test_seek(plain: tuple[Stage, MergeResult, Path, list[float]]) -> None:
    """A seek to any of ten points lands at most 2 s before it and decodes to the very picture."""
    whole = measure(plain[2])
    with av.open(str(plain[2])) as file:
        stream = file.streams.video[0]
        for wanted in np.linspace(0.2, 9.0, 10):
            file.seek(int(wanted / stream.time_base), stream=stream)
            shown = _until(file, float(wanted))
            assert wanted - shown[0][0] <= 2.0 + 1 / 15
            index = int(np.argmin(np.abs(np.array(whole.times) - shown[-1][0])))
            assert np.abs(shown[-1][1].astype(int) - whole.luma[index]).max() == 0


def _until(file: av.container.InputContainer, wanted: float) -> list[tuple[float, np.ndarray]]:
    shown: list[tuple[float, np.ndarray]] = []
    for frame in file.decode(video=0):
        assert frame.time is not None
        shown.append((frame.time, frame.to_ndarray()[:720].copy()))
        if frame.time >= wanted:
            break
    return shown


def test_progress(plain: tuple[Stage, MergeResult, Path, list[float]]) -> None:
    """Progress is told at least once per second of the call, never falls, and ends at 1."""
    notes = plain[3]

    assert len(notes) >= 10
    assert notes == sorted(notes)
    assert notes[-1] == 1.0


def test_same_inputs_same_content(
    plain: tuple[Stage, MergeResult, Path, list[float]], tmp_path: Path
) -> None:
    """Merging again gives the same bytes."""
    staged, result, _, _ = plain
    plan = plan_merge(staged.spool, staged.case, staged.entries)

    assert result.sha256 == merge_call(plan, tmp_path / "again.mp4", lambda *_: None).sha256


def test_cancelled(plain: tuple[Stage, MergeResult, Path, list[float]], tmp_path: Path) -> None:
    """What the progress callback raises ends the work and leaves no file behind."""
    staged = plain[0]
    plan = plan_merge(staged.spool, staged.case, staged.entries)

    def stop(fraction: float, _: str) -> None:
        if fraction > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        merge_call(plan, tmp_path / "merged.mp4", stop)

    assert list(tmp_path.iterdir()) == []


def test_nothing_recorded(tmp_path: Path) -> None:
    """A case without a frame has no merge; asking for one is a mistake of the caller."""
    staged = stage(tmp_path)
    plan = plan_merge(staged.spool, staged.case, staged.entries)

    assert plan.seconds == 0
    with pytest.raises(ValueError, match="nothing"):
        merge_call(plan, tmp_path / "merged.mp4", lambda *_: None)


def test_h264(tmp_path: Path) -> None:
    """H.264 tracks merge like VP8, with every picture at its own time."""
    staged = stage_call(tmp_path, 4.0, codec="H264")
    result, out = _merge(staged)
    merged = measure(out)

    assert result.gap_s == 0
    assert _is_monotonic(numbers(merged, 0))
    assert max(_skews(merged, 0) + _skews(merged, 1)) <= SKEW_S


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_what_the_recorder_wrote(
    codec: str,
    spool: Spool,
    journal: FileJournal,
    case: CaseId,
    call: CallId,
    clock: MovedClock,
    tmp_path: Path,
) -> None:
    """Tracks written by the recorder itself merge whole and in sync, segments without keyframes too."""
    seat = new_seat_id()
    sources = (
        (TrackSource.MICROPHONE, "opus", voice(6.0)),
        (TrackSource.CAMERA, codec, film(6.0, codec, gop=100)),
    )
    clock.wall = START
    await journal.append(case, CallAdvanced(call, CallPhase.CONNECTING, CallPhase.ACTIVE))
    async with Recorder(spool, journal, clock, RecorderSettings(segment_s=2.0)) as recorder:
        for source, name, frames in sources:
            track = StagedTrack(Role.CUSTOMER, source, name, frames, seat)
            info = track.info(case, call)
            sink = feed(recorder, info)
            for frame in frames:
                arrived = START + frame.taken_s + track.delay_s
                sink.push_clock(ClockSample(START + frame.taken_s, track.ticks(frame.taken_s), arrived))
                sink.push_frame(EncodedFrame(frame.data, track.ticks(frame.taken_s), frame.keyframe, arrived))
            sink.close()
        await recorder.finish(call)
    clock.wall = START + 6
    await journal.append(case, CallEnded(call, CallEnd.AGENT_HUNG_UP, 6.0))
    plan = plan_merge(spool, case, await journal.read(case))
    result = merge_call(plan, tmp_path / "merged.mp4", lambda *_: None)
    merged = measure(tmp_path / "merged.mp4")

    assert [len(track.recorded.segments) >= 3 for track in plan.calls[0].tracks] == [True, True]
    assert [gap.role for gap in result.ledger[call]] == [Role.AGENT, Role.AGENT]
    assert merged.seconds == pytest.approx(6.0, abs=0.1)
    assert _is_monotonic(numbers(merged, 0))
    assert len(set(numbers(merged, 0))) >= 88
    assert max(_skews(merged, 0)) <= SKEW_S


def test_lost_network_becomes_frozen_picture_and_silence(tmp_path: Path) -> None:
    """Three lost seconds are three seconds of frozen picture and of silence, and stand in the ledger."""
    staged = stage(tmp_path)
    staged.begin()
    customer, agent = new_seat_id(), new_seat_id()
    sound = [f for f in voice(8) if not 3.5 <= f.taken_s < 6.5]
    pictures = [f for f in film(8, gop=15) if not 3.5 <= f.taken_s < 6.5 - 1 / 15]
    staged.record(StagedTrack(Role.CUSTOMER, TrackSource.MICROPHONE, "opus", sound, customer))
    staged.record(StagedTrack(Role.CUSTOMER, TrackSource.CAMERA, "VP8", pictures, customer))
    staged.record(StagedTrack(Role.AGENT, TrackSource.CAMERA, "VP8", film(8), agent))
    staged.record(StagedTrack(Role.AGENT, TrackSource.MICROPHONE, "opus", [voice(8)[0]], agent))
    staged.end(8)
    result, out = _merge(staged)
    merged = measure(out)
    heard, seen = beeps(merged), numbers(merged, 0)

    assert [round(at) for at in heard] == [0, 1, 2, 3, 7]
    assert max(_skews_of(heard, [0.03, 1.03, 2.03, 3.03, 7.03])) <= SKEW_S
    frozen = seen[round(3.6 * 15) : round(6.4 * 15)]
    assert {frozen[0]} == set(frozen)
    assert np.abs(merged.sound[round(3.6 * 48_000) : round(6.4 * 48_000)]).max() < 0.01
    assert _is_monotonic(numbers(merged, 1))
    lost = [g for g in result.ledger[staged.call] if g.cause is GapCause.LOST]
    assert [pytest.approx(gap.seconds, abs=0.2) for gap in lost] == [3.0, 3.0]
    assert result.gap_s == pytest.approx(3 + 3 + 8, abs=0.5)


def _skews_of(heard: Sequence[float], wanted: Sequence[float]) -> list[float]:
    return [abs(a - b) for a, b in zip(heard, wanted, strict=True)]


def test_pictures_behind_a_loss_are_not_shown_up_to_the_next_keyframe(tmp_path: Path) -> None:
    """They decode, but to something wrong: the last good picture stays, and the ledger says so."""
    staged = stage(tmp_path)
    staged.begin()
    seat = new_seat_id()
    pictures = [f for f in film(6, gop=60) if not 20 <= round(f.taken_s * 15) < 22]
    track = StagedTrack(Role.CUSTOMER, TrackSource.CAMERA, "VP8", pictures, seat)
    name = staged.record(track)
    loss = {"lost": 7, "timestamp": track.ticks(pictures[20].taken_s)}
    with (staged.spool.track_dir(staged.case, staged.call, name) / "clock.jsonl").open("a") as file:
        file.write(json.dumps(loss) + "\n")
    staged.end(6)
    result, out = _merge(staged)
    seen = numbers(measure(out), 0)

    assert set(seen[21:60]) == {19}
    assert {60, 61, 75} <= set(seen[60:])
    [damaged] = [g for g in result.ledger[staged.call] if g.cause is GapCause.DAMAGED]
    assert (damaged.since_s, damaged.until_s) == pytest.approx((22 / 15, 4.0), abs=0.1)


def test_stale_picture_is_marked(tmp_path: Path) -> None:
    """A picture older than a second is dimmed and says so; it comes back bright."""
    staged = stage(tmp_path)
    staged.begin()
    pictures = [f for f in film(6, gop=15) if not 1.5 <= f.taken_s < 4]
    staged.record(StagedTrack(Role.CUSTOMER, TrackSource.CAMERA, "VP8", pictures, new_seat_id()))
    staged.end(6)
    merged = measure(_merge(staged)[1])
    fresh, frozen, dim, back = (
        float(pane(merged.luma[round(at * 15)], 0)[400:].mean()) for at in (1.4, 2.0, 3.5, 4.8)
    )

    assert fresh == pytest.approx(50, abs=4)
    assert frozen == pytest.approx(50, abs=4)
    assert dim == pytest.approx(33, abs=4)
    assert back == pytest.approx(50, abs=4)


def test_plain_before_the_first_picture(tmp_path: Path) -> None:
    """The place of a person whose camera comes two seconds late is plain until then."""
    staged = stage(tmp_path)
    staged.begin()
    seat = new_seat_id()
    late = film(2, first=30)
    staged.record(StagedTrack(Role.AGENT, TrackSource.CAMERA, "VP8", late, seat))
    staged.record(StagedTrack(Role.AGENT, TrackSource.MICROPHONE, "opus", voice(4), seat))
    staged.end(4)
    result, out = _merge(staged)
    merged = measure(out)

    assert abs(pane(merged.luma[20], 1).astype(int) - BACKGROUND).max() < 4
    assert pane(merged.luma[40], 1).mean() > 40
    assert [
        g.cause for g in result.ledger[staged.call] if (g.role, g.source) == (Role.AGENT, TrackSource.CAMERA)
    ] == [GapCause.NOT_STARTED]


@pytest.mark.parametrize("codecs", [("VP8", "VP8"), ("VP8", "H264"), ("H264", "VP8")])
def test_reconnect_is_joined_on_the_axis(tmp_path: Path, codecs: tuple[str, str]) -> None:
    """A second track of the same person, in another codec too, goes on where wall time says, not where the
    first ended."""
    staged = stage(tmp_path)
    staged.begin()
    seat = new_seat_id()
    for first, length, codec in ((0, 2.0, codecs[0]), (4, 2.0, codecs[1])):
        pictures = film(length, codec, first=first * 15)
        staged.record(StagedTrack(Role.CUSTOMER, TrackSource.CAMERA, codec, pictures, seat))
        sound = voice(length, first_s=first)
        staged.record(StagedTrack(Role.CUSTOMER, TrackSource.MICROPHONE, "opus", sound, seat))
    staged.end(6)
    result, out = _merge(staged)
    merged = measure(out)

    assert [round(at) for at in beeps(merged)] == [0, 1, 4, 5]
    assert _is_monotonic(numbers(merged, 0))
    assert pytest.approx(numbers(merged, 0)[76], abs=1) == 75
    assert {GapCause.RECONNECT} == {g.cause for g in result.ledger[staged.call] if g.role is Role.CUSTOMER}


def test_resolution_and_rotation_change(tmp_path: Path) -> None:
    """Pictures that change size and turn upright mid-call stay readable on the fixed canvas."""
    staged = stage(tmp_path)
    staged.begin()
    frames: list[Frame] = film(2, size=(320, 240)) + film(2, size=(240, 320), first=30)
    frames += film(2, size=(640, 360), first=60)
    staged.record(StagedTrack(Role.CUSTOMER, TrackSource.CAMERA, "VP8", frames, new_seat_id()))
    staged.end(6)
    merged = measure(_merge(staged)[1])
    shown = (
        numbers(merged, 0, (320, 240))[:30]
        + numbers(merged, 0, (240, 320))[31:60]
        + numbers(merged, 0, (640, 360))[61:90]
    )

    assert _is_monotonic(shown)
    assert len(set(shown)) >= 84


def test_missing_segment(tmp_path: Path) -> None:
    """A lost segment is a gap; pictures go on with the next keyframe, and the wait for it is accounted."""
    staged = stage(tmp_path)
    staged.begin()
    seat = new_seat_id()
    track = StagedTrack(Role.CUSTOMER, TrackSource.CAMERA, "VP8", film(12, gop=70), seat)
    staged.record(track, keep=(0, 2))
    staged.end(12)
    result, out = _merge(staged)
    counted = numbers(measure(out), 0)
    mine = [
        g for g in result.ledger[staged.call] if (g.role, g.source) == (Role.CUSTOMER, TrackSource.CAMERA)
    ]

    assert [gap.cause for gap in mine] == [GapCause.LOST, GapCause.DAMAGED]
    assert mine[0].seconds == pytest.approx(4, abs=0.2)
    # Keyframes stand at 0, 70 and 140; segment 2 begins with picture 120.
    assert mine[1].seconds == pytest.approx(20 / 15, abs=0.2)
    assert _is_monotonic(counted)
    assert 179 - 1 <= counted[-1] <= 179


def test_corrupt_segment(tmp_path: Path) -> None:
    """Garbage inside a segment costs no more than this segment; what follows is in its place."""
    staged = stage_call(tmp_path, 9.0)
    for segment in sorted(staged.spool.case_dir(staged.case).rglob("00001.mkv")):
        content = bytearray(segment.read_bytes())
        for offset in range(len(content) // 3, len(content) // 3 + 40):
            content[offset] ^= 0xA5
        segment.write_bytes(content)
    result, out = _merge(staged)
    merged = measure(out)

    assert abs(merged.seconds - 9.0) <= 0.5
    assert _is_monotonic(numbers(merged, 0)[:58] + numbers(merged, 0)[-10:])
    assert round(beeps(merged)[-1]) == 8
    assert result.seconds == pytest.approx(9.0, abs=0.1)


def test_damaged_description(tmp_path: Path) -> None:
    """A track whose description is lost is left out; the others are merged."""
    staged = stage_call(tmp_path, 1.0)
    head = next(staged.spool.case_dir(staged.case).rglob("track.json"))
    head.write_bytes(b"{")
    result, _ = _merge(staged)

    assert result.seconds == pytest.approx(1.0, abs=0.1)
    assert result.gap_s == pytest.approx(1.0, abs=0.2)


def test_clocks_that_disagree(tmp_path: Path) -> None:
    """A sender whose clock is an hour off, and whose media clocks drift apart, stays in sync and in place."""
    staged = stage(tmp_path)
    staged.begin()
    seat = new_seat_id()
    plain = StagedTrack(Role.CUSTOMER, TrackSource.MICROPHONE, "opus", voice(12), seat, ntp_ahead_s=3600.0)
    sound = dataclasses.replace(plain, rtp_ppm=4500)
    pictures = dataclasses.replace(
        plain, source=TrackSource.CAMERA, codec="VP8", frames=film(12), rtp_ppm=-4500
    )
    staged.record(sound)
    staged.record(dataclasses.replace(pictures, delay_s=0.15))
    staged.end(12)
    merged = measure(_merge(staged)[1])

    assert max(_skews(merged, 0)) <= SKEW_S
    assert len(flashes(merged, 0)) == 12
    assert flashes(merged, 0)[-1] == pytest.approx(11.03, abs=0.1)


def test_no_sender_reports(tmp_path: Path) -> None:
    """Without a single report, arrival times place the media."""
    staged = stage(tmp_path)
    staged.begin()
    seat = new_seat_id()
    for source, codec, frames in (
        (TrackSource.MICROPHONE, "opus", voice(6)),
        (TrackSource.CAMERA, "VP8", film(6)),
    ):
        staged.record(StagedTrack(Role.AGENT, source, codec, frames, seat, reports=False))
    staged.end(6)
    merged = measure(_merge(staged)[1])

    assert max(_skews(merged, 1)) <= SKEW_S


def test_crashed_call_ends_with_its_last_frame(tmp_path: Path) -> None:
    """A call that the server did not survive is as long as what was recorded, not as the outage."""
    staged = stage_call(tmp_path, 2.0)
    staged.entries.pop()
    staged.end(3600.0, CallEnd.SERVER_LOST)

    assert _merge(staged)[0].seconds == pytest.approx(2.0, abs=0.2)


def test_two_calls_of_a_case(tmp_path: Path) -> None:
    """Both calls of a case stand in the file, one after the other, each with its ledger."""
    first = stage_call(tmp_path, 3.0)
    second = Stage(first.spool, first.case, type(first.call)("call-" + "0" * 16), first.entries)
    second.begin(60)
    frames = [dataclasses.replace(f, taken_s=f.taken_s + 60) for f in film(2)]
    second.record(StagedTrack(Role.AGENT, TrackSource.CAMERA, "VP8", frames, new_seat_id()))
    second.end(62)
    result, out = _merge(first)

    assert result.seconds == pytest.approx(5.0, abs=0.2)
    assert {first.call, second.call} == set(result.ledger)
    assert pytest.approx(numbers(measure(out), 1)[47], abs=1) == 1


@pytest.mark.parametrize(
    ("offset", "text"),
    [(0, "2027-01-15 08:00:00 UTC"), (28800, "2027-01-15 16:00:00 +0800 (08:00:00 UTC)")],
)
def test_clock_text(offset: int, text: str) -> None:
    """The burnt-in time is local with its offset, and UTC beside it where they differ."""
    assert text == clock_text(1_800_000_000.0, offset)
