"""A light challenge judged again from what the recorder wrote; see tests.kyc.light_scene for the scene."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract.errors import Busy, NotFound
from contract.fact import Fact
from contract.facts import SegmentSealed, TrackStarted
from contract.identity_facts import LightDrawn, LightMeasured
from contract.ids import CheckId, new_call_id, new_case_id
from contract.phases import CheckVerdict, TrackSource
from contract.ports import TrackInfo
from kyc.frames import FrameDecoder
from kyc.light import correlate
from kyc.light_sampling import sample_patches
from kyc.light_sequence import JudgeLight, LightSample, LightSampled, SampleLight, draw_sequence
from recordings.journal import FileJournal
from recordings.recorder import Recorder
from recordings.spool import Spool
from teller.demo.pictures import astronaut
from teller.relight import Relit, relight
from tests.kyc.encoding import START, encoded
from tests.kyc.light_scene import LEAD_S, Attack, Scene
from tests.recordings.encoded import MovedClock, track_info
from tests.recordings.packets import feed

NONCE = bytes(range(32))
FPS = 12
CHECK = CheckId("check-l")


class SeesTheScene:
    """The model process, but that it knows where the face is."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.chunks = 0

    async def ask(self, job: Any) -> Any:
        if isinstance(job, JudgeLight):
            return correlate(job.sequence, job.samples, job.started_at)
        assert isinstance(job, SampleLight)
        assert job.frames[0].keyframe
        self.chunks += 1
        decoder, samples = FrameDecoder(job.codec, job.origin), list[LightSample]()
        for frame in job.frames:
            timed = decoder.push(frame, show=frame.timestamp >= job.since)
            if timed is not None:
                patches = sample_patches(timed.picture, self.scene.box_at(timed.arrived_at - START))
                assert patches is not None
                samples.append(LightSample(timed.at, timed.arrived_at, *patches))
        return LightSampled(tuple(samples), 0)


class Recorded:
    """A challenge of NONCE as it lies in a spool, with what the journal has of it."""

    def __init__(self, root: Path, codec: str, attack: Attack = Attack.NONE) -> None:
        self.scene = Scene(astronaut(), attack=attack, seed=3)
        self.spool = Spool(root / "spool")
        self.clock = MovedClock()
        self.journal = FileJournal(root / "journal", self.clock)
        self.info = track_info(new_case_id(), new_call_id(), codec)
        self.models = SeesTheScene(self.scene)
        drawn = draw_sequence(NONCE)
        self.measured = LightMeasured(
            self.info.call, CHECK, START + LEAD_S, 0.9, 0.1, 0.1, 0.1, 90, CheckVerdict.PASSED, ""
        )
        self.told: tuple[Fact, ...] = (
            started(self.info),
            LightDrawn(self.info.call, CHECK, NONCE.hex(), drawn.symbols, drawn.step_s),
        )

    async def record(self) -> list[Fact]:
        """Write the segments and return all facts."""
        frames = encoded(self.info.codec, self.scene.pictures(draw_sequence(NONCE), FPS), FPS, 400, FPS * 2)
        async with Recorder(self.spool, self.journal, self.clock) as recorder:
            sink = feed(recorder, self.info)
            for frame in frames:
                sink.push_frame(frame)
            sink.close()
            await recorder.finish(self.info.call)
        entries = await self.journal.read(self.info.case)
        return [*self.told, *(entry.fact for entry in entries), self.measured]

    async def fetch(self, file: str) -> bytes:
        return (self.spool.case_dir(self.info.case) / file).read_bytes()

    async def again(self, facts: Sequence[Fact], *, demo_only: bool = False) -> Relit:
        return await relight(facts, self.measured, self.models, self.fetch, demo_only=demo_only)


def started(info: TrackInfo, source: TrackSource = TrackSource.CAMERA) -> TrackStarted:
    return TrackStarted(
        info.call, info.track, info.seat, info.role, info.kind, source, info.codec, info.clock_rate
    )


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_the_recording_says_the_same(tmp_path: Path, codec: str) -> None:
    """Over several segments and chunks, with nothing but the journal and the segments."""
    recorded = Recorded(tmp_path, codec)
    facts = await recorded.record()
    found = await recorded.again(facts)
    assert len([fact for fact in facts if isinstance(fact, SegmentSealed)]) > 1
    assert recorded.models.chunks > 2
    assert (found.verdict, found.why) == (CheckVerdict.PASSED, "")
    assert found.r is not None
    assert found.r > 0.5


async def test_a_face_without_the_light_is_not_passed_again(tmp_path: Path) -> None:
    """Whatever the journal says of that day."""
    recorded = Recorded(tmp_path, "VP8", Attack.DARK)
    assert (await recorded.again(await recorded.record())).verdict is CheckVerdict.REVIEW


async def test_another_nonce_does_not_pass(tmp_path: Path) -> None:
    """The face answers the colours that were shown and no others."""
    recorded = Recorded(tmp_path, "VP8")
    facts = await recorded.record()
    other = draw_sequence(bytes(32))
    swapped = [
        replace(fact, nonce_hex=bytes(32).hex(), symbols=other.symbols)
        if isinstance(fact, LightDrawn)
        else fact
        for fact in facts
    ]
    assert (await recorded.again(swapped)).verdict is CheckVerdict.FAILED


async def test_what_cannot_be_judged_again_says_why(tmp_path: Path) -> None:
    """The verdict of then stands beside the reason."""
    recorded = Recorded(tmp_path, "VP8")
    facts = await recorded.record()

    async def why(*facts: Fact) -> str:
        found = await recorded.again(facts)
        assert (found.verdict, found.r) == (CheckVerdict.PASSED, None)
        return found.why

    drawn, track = recorded.told[1], recorded.told[0]
    assert isinstance(drawn, LightDrawn)
    assert await why(*(fact for fact in facts if fact is not drawn)) == "no_nonce"
    assert await why(*facts[:1], replace(drawn, symbols="RG" * 8)) == "other_colours"
    assert await why(*(fact for fact in facts if fact is not track)) == "not_recorded"
    assert await why(started(recorded.info, TrackSource.SCREEN), *facts[1:]) == "not_recorded"
    sealed = next(fact for fact in facts if isinstance(fact, SegmentSealed))
    assert await why(*(replace(f, sha256="0" * 64) if f is sealed else f for f in facts)) == "altered"
    recorded.measured = replace(recorded.measured, started_at=None)
    assert await why(*facts) == "not_shown"


async def test_models_for_demos_pass_nothing_again(tmp_path: Path) -> None:
    """As they pass nothing in the call: the face answers, and a person has to look."""
    recorded = Recorded(tmp_path, "VP8")
    found = await recorded.again(await recorded.record(), demo_only=True)
    assert (found.verdict, found.why) == (CheckVerdict.REVIEW, "")
    assert found.r is not None


@pytest.mark.parametrize("reason", ["declined", "agent", "call_ended"])
async def test_a_run_that_was_ended_is_not_judged_anew(tmp_path: Path, reason: str) -> None:
    """Colours were shown, and answered: but the customer wished for another way, or the call was over."""
    recorded = Recorded(tmp_path, "VP8")
    facts = await recorded.record()
    review = CheckVerdict.REVIEW
    recorded.measured = replace(recorded.measured, verdict=review, reason=reason, frames=0)
    assert await recorded.again(facts) == Relit(review, None, reason)
    assert recorded.models.chunks == 0


async def test_a_segment_that_is_gone_or_models_that_fail_are_told(tmp_path: Path) -> None:
    """With the error's own word."""
    recorded = Recorded(tmp_path, "VP8")
    facts = await recorded.record()

    async def gone(_: str) -> bytes:
        raise NotFound("nothing has this name")

    assert (
        await relight(facts, recorded.measured, recorded.models, gone, demo_only=False)
    ).why == "not_found"

    class Full(SeesTheScene):
        async def ask(self, job: Any) -> Any:
            raise Busy("later", code="kyc_busy")

    found = await relight(facts, recorded.measured, Full(recorded.scene), recorded.fetch, demo_only=False)
    assert found.why == "kyc_busy"
