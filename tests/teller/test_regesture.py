"""Gestures judged again from what the recorder wrote: really encoded, decoded, traced and judged."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from contract.errors import ModelError, NotFound
from contract.fact import Fact
from contract.facts import GENESIS, Entry, SegmentSealed, TrackStarted, seal_entry
from contract.identity_facts import ChallengeAsked, ChallengeEnded, ChallengeTried, SpokenScores
from contract.ids import CheckId, new_call_id, new_case_id
from contract.phases import CheckVerdict
from contract.ports import EncodedFrame
from kyc.frames import FrameDecoder
from kyc.models import Models
from kyc.packs import Pack, find_pack
from kyc.registry import Task
from kyc.sound import answer_judge_step
from kyc.traces import Gesture, JudgeStep, PassiveLook, Trace, Traced, TraceFrames
from kyc.tracing import find_faces, load_tracer, trace_frames
from recordings.journal import FileJournal
from recordings.recorder import Recorder
from recordings.spool import Spool
from teller.demo.pictures import astronaut
from teller.regesture import NOT_COVERED, Regestured, StepAgain, regesture
from tests.kyc.clips import clip_of
from tests.kyc.conftest import open_models_dir
from tests.kyc.encoding import START, encoded
from tests.kyc.puppet import Move, Puppet, alive, there_and_back
from tests.kyc.talking import digits, mouth_of, said
from tests.kyc.test_gestures import LEFT, NOD, traces
from tests.kyc.test_sound import packets
from tests.recordings.encoded import MovedClock, track_info
from tests.recordings.packets import feed
from tests.teller.live.scripted import pack_of

__all__ = ["open_models_dir"]

FPS = 15
CHECK = CheckId("check-g")
PASSED, REVIEW = CheckVerdict.PASSED, CheckVerdict.REVIEW
SEEN_THEN = SpokenScores(1.2, 4, 0.2, 0.8, 0.04)
RESTS = [Move()] * FPS
# Two gestures, each asked a second before the head moves, and answered when it is back.
MOVES = [*RESTS, *there_and_back(LEFT, FPS), *RESTS, *there_and_back(NOD, FPS), *RESTS]
LEFT_AT, NOD_AT = (0.5, 4.0), (4.1, 8.0)


class SeesMoves:
    """The model process, which decodes what comes and knows how the head was when; it judges as it does."""

    def __init__(self, moves: Sequence[Move], score: float = 0.9) -> None:
        self.measured = traces(moves, FPS)
        self.score = score
        self.stretches: list[float] = []

    async def ask(self, job: Any) -> Any:
        if isinstance(job, JudgeStep):
            assert all(one.at < other.at for one, other in pairwise(job.traces))
            return answer_judge_step(cast(Models, None), job)
        assert isinstance(job, TraceFrames)
        assert job.frames[0].keyframe
        decoder, found = FrameDecoder(job.codec, job.origin), list[Trace]()
        for frame in job.frames:
            timed = decoder.push(frame, show=frame.timestamp >= job.since)
            if timed is not None:
                number = round((timed.arrived_at - START) * FPS)
                found.append(replace(self.measured[number], at=timed.at))
        self.stretches.append(found[-1].at - found[0].at)
        return Traced(tuple(found), tuple(PassiveLook(one.at, self.score, 0.3) for one in found[::6]))


class InProcess:
    """The model process's own work, in this one."""

    def __init__(self, models: Models) -> None:
        self.models = models

    async def ask(self, job: Any) -> Any:
        work = answer_judge_step if isinstance(job, JudgeStep) else trace_frames
        return work(self.models, job)


class Filmed:
    """A call's camera, and microphone where there is a ``sound``, as they lie in a spool."""

    def __init__(self, root: Path, codec: str = "VP8") -> None:
        self.spool = Spool(root / "spool")
        self.clock = MovedClock()
        self.journal = FileJournal(root / "journal", self.clock)
        self.case, self.call = new_case_id(), new_call_id()
        self.codec = codec
        self.told: list[tuple[float, Fact]] = []
        self._read = 0
        self.fetched: list[str] = []
        self.was = ChallengeEnded(self.call, CHECK, PASSED, "")

    async def record(
        self, pictures: Sequence[Any], sound: Sequence[EncodedFrame] = (), hole: tuple[float, float] = (0, 0)
    ) -> None:
        """Write what was filmed from START on, but for what came within ``hole``."""
        frames = encoded(self.codec, pictures, FPS, 400, FPS * 2)
        kept = [frame for frame in frames if not hole[0] < frame.arrived_at - START < hole[1]]
        tracks = [(track_info(self.case, self.call, self.codec), kept)]
        if sound:
            heard = [replace(packet, arrived_at=START + packet.arrived_at) for packet in sound]
            tracks.append((track_info(self.case, self.call, "opus"), heard))
        async with Recorder(self.spool, self.journal, self.clock) as recorder:
            for info, sent in tracks:
                sink = feed(recorder, info)
                for frame in sent:
                    sink.push_frame(frame)
                sink.close()
                self.told.append((0.0, TrackStarted(
                    info.call, info.track, info.seat, info.role, info.kind, info.source, info.codec,
                    info.clock_rate,
                )))  # fmt: skip
            await recorder.finish(self.call)
        journaled = await self.journal.read(self.case)
        self.told += [(0.0, entry.fact) for entry in journaled[self._read :]]
        self._read = len(journaled)

    def asked(
        self, gesture: Gesture, since: float, until: float, reason: str = "", *, index: int = 1, of: int = 1,
        attempt: int = 1, spoken: SpokenScores | None = None,
    ) -> None:  # fmt: skip
        """A gesture was asked, and seen unless there is a ``reason``."""
        step = gesture.value
        self.told += [
            (since, ChallengeAsked(self.call, CHECK, attempt, step, index, of, 20.0, "")),
            (until, ChallengeTried(self.call, CHECK, attempt, step, not reason, reason, spoken)),
        ]

    def both(self) -> None:
        """Both gestures of MOVES were asked, and seen."""
        self.asked(Gesture.TURN_LEFT, *LEFT_AT, of=2)
        self.asked(Gesture.NOD, *NOD_AT, index=2, of=2)

    def entries(self) -> list[Entry]:
        told = [*self.told, (self.told[-1][0], self.was)]
        return [
            seal_entry(seq, START + at, self.case, fact, GENESIS) for seq, (at, fact) in enumerate(told, 1)
        ]

    async def fetch(self, file: str) -> bytes:
        self.fetched.append(file)
        return (self.spool.case_dir(self.case) / file).read_bytes()

    async def again(self, models: Any, pack: Pack | None = None) -> Regestured:
        return await regesture(self.entries(), self.was, models, self.fetch, pack or pack_of())


def grey(count: int = len(MOVES)) -> list[Any]:
    return [np.full((120, 160, 3), 40 + n % 100, np.uint8) for n in range(count)]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_the_recording_says_the_same(tmp_path: Path, codec: str) -> None:
    """Over several segments, in the stretches of the live check, and no frame of another time."""
    filmed = Filmed(tmp_path, codec)
    await filmed.record(grey())
    filmed.both()
    models = SeesMoves(MOVES)
    found = await filmed.again(models)
    steps = (StepAgain("turn_left", "seen", "seen"), StepAgain("nod", "seen", "seen"))
    assert found == Regestured(PASSED, "", steps)
    assert len([fact for _, fact in filmed.told if isinstance(fact, SegmentSealed)]) > 1
    assert max(models.stretches) == pytest.approx(0.8, abs=0.01)


async def test_another_gesture_than_was_asked_passes_no_more(tmp_path: Path) -> None:
    """Whatever the journal says that was seen; and one that is not there at all neither."""
    filmed = Filmed(tmp_path)
    await filmed.record(grey())
    filmed.asked(Gesture.TURN_RIGHT, *LEFT_AT)
    step = StepAgain("turn_right", "seen", "wrong_gesture")
    assert await filmed.again(SeesMoves(MOVES)) == Regestured(REVIEW, "wrong_gesture", (step,))
    found = await filmed.again(SeesMoves([Move()] * len(MOVES)))
    assert (found.verdict, found.reason, found.why) == (REVIEW, "not_seen", "")


async def test_what_the_head_did_before_and_after_does_not_count(tmp_path: Path) -> None:
    """The nod comes when its time is over."""
    filmed = Filmed(tmp_path)
    await filmed.record(grey())
    filmed.asked(Gesture.NOD, NOD_AT[1] - 0.8, NOD_AT[1] + 0.6)
    assert (await filmed.again(SeesMoves(MOVES))).reason == "not_seen"
    filmed.told = filmed.told[:-2]
    filmed.asked(Gesture.NOD, *NOD_AT)
    assert (await filmed.again(SeesMoves(MOVES))).verdict is PASSED


async def test_a_try_that_was_lost_is_told_and_the_next_one_counts(tmp_path: Path) -> None:
    """A try in which not every gesture was asked passes nothing, though the one that was is seen now."""
    filmed = Filmed(tmp_path)
    await filmed.record(grey())
    filmed.asked(Gesture.TURN_LEFT, *LEFT_AT, reason="timeout", of=2)
    filmed.was = replace(filmed.was, verdict=REVIEW, reason="timeout")
    found = await filmed.again(SeesMoves(MOVES))
    assert (found.verdict, found.steps) == (REVIEW, (StepAgain("turn_left", "timeout", "seen"),))
    filmed.asked(Gesture.NOD, *NOD_AT, attempt=2)
    found = await filmed.again(SeesMoves(MOVES))
    assert (found.verdict, [step.now for step in found.steps]) == (PASSED, ["seen", "seen"])


async def test_a_flat_face_or_models_for_demos_pass_nothing_again(tmp_path: Path) -> None:
    """Every gesture is seen, and a person has to look, as in the call."""
    filmed = Filmed(tmp_path)
    await filmed.record(grey())
    filmed.both()
    flat = await filmed.again(SeesMoves(MOVES, score=0.1))
    assert (flat.verdict, flat.reason) == (REVIEW, "score_too_low")
    shown = await filmed.again(SeesMoves(MOVES), pack_of(demo=True))
    assert (shown.verdict, shown.reason) == (REVIEW, "demo_pack")


async def test_a_track_with_a_hole_takes_nothing_back(tmp_path: Path) -> None:
    """What was seen then may have been in it; what is seen beside it is seen."""
    filmed = Filmed(tmp_path)
    await filmed.record(grey(), hole=(1.2, 3.6))
    filmed.both()
    found = await filmed.again(SeesMoves(MOVES))
    assert (found.verdict, found.why) == (PASSED, NOT_COVERED)
    assert [step.now == "seen" for step in found.steps] == [False, True]
    filmed.told = [one for one in filmed.told if not isinstance(one[1], ChallengeAsked | ChallengeTried)]
    filmed.asked(Gesture.NOD, *NOD_AT)
    assert await filmed.again(SeesMoves(MOVES)) == Regestured(PASSED, "", (StepAgain("nod", "seen", "seen"),))


async def test_what_two_cameras_saw_is_not_put_together(tmp_path: Path) -> None:
    """The page took another camera in the middle of the turn: of each there is half of it."""
    filmed = Filmed(tmp_path)
    await filmed.record(grey(), hole=(1.99, 99))
    await filmed.record(grey(), hole=(-1, 1.99))
    filmed.asked(Gesture.TURN_LEFT, *LEFT_AT)
    assert (await filmed.again(SeesMoves(MOVES))).reason == "not_seen"
    filmed.told = filmed.told[:-2]
    filmed.asked(Gesture.NOD, *NOD_AT)
    assert (await filmed.again(SeesMoves(MOVES))).verdict is PASSED


async def test_a_journal_without_an_answer_loads_no_more_than_the_time_of_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run broke off behind the question; what was filmed later is neither read nor looked at."""
    monkeypatch.setattr("teller.regesture._LATE_S", 1.0)
    filmed = Filmed(tmp_path)
    await filmed.record(grey())
    asked = ChallengeAsked(filmed.call, CHECK, 1, "nod", 1, 1, 0.5, "")
    filmed.was = replace(filmed.was, verdict=REVIEW, reason="model_failed")
    filmed.told += [(0.0, asked), (900.0, ChallengeTried(filmed.call, CHECK, 2, "nod", True, ""))]
    models = SeesMoves(MOVES)
    found = await filmed.again(models)
    assert (found.verdict, found.steps) == (REVIEW, (StepAgain("nod", "", "timeout"),))
    assert sum(models.stretches) < 2
    assert len(filmed.fetched) == 1


async def test_a_track_that_ends_too_early_takes_nothing_back(tmp_path: Path) -> None:
    filmed = Filmed(tmp_path)
    await filmed.record(grey(FPS * 5))
    filmed.asked(Gesture.NOD, *NOD_AT)
    assert (await filmed.again(SeesMoves(MOVES))).why == NOT_COVERED


async def test_what_cannot_be_judged_again_says_why(tmp_path: Path) -> None:
    """The verdict of then stands beside the reason."""
    filmed = Filmed(tmp_path)
    models = SeesMoves(MOVES)
    await filmed.record(grey())

    async def why() -> str:
        found = await filmed.again(models)
        assert found.verdict is PASSED
        return found.why

    assert await why() == "not_asked"
    filmed.asked(Gesture.TURN_LEFT, *LEFT_AT)
    assert (await filmed.again(models, pack_of(models=False))).why == "no_model"
    whole = filmed.told
    filmed.told = [one for one in whole if not isinstance(one[1], TrackStarted)]
    assert await why() == "not_recorded"
    filmed.told = [
        (at, replace(fact, sha256="0" * 64) if isinstance(fact, SegmentSealed) else fact)
        for at, fact in whole
    ]
    assert await why() == "altered"
    filmed.told = whole

    async def gone(file: str) -> bytes:
        raise NotFound("released")

    filmed.fetch = gone  # type: ignore[method-assign]
    assert await why() == "not_found"

    async def broken(job: Any) -> Any:
        raise ModelError("the model process was lost")

    filmed.fetch = Filmed.fetch.__get__(filmed)  # type: ignore[method-assign]
    models.ask = broken  # type: ignore[method-assign]
    assert await why() == ModelError("").code


@pytest.mark.parametrize("reason", ["declined", "agent", "call_ended", "not_ready"])
async def test_a_run_that_was_ended_or_never_begun_is_passed_over(tmp_path: Path, reason: str) -> None:
    filmed = Filmed(tmp_path)
    filmed.was = replace(filmed.was, verdict=REVIEW, reason=reason)
    filmed.told = [(0.0, ChallengeTried(filmed.call, CheckId("check-other"), 1, "nod", True, ""))]
    assert await filmed.again(SeesMoves(MOVES)) == Regestured(REVIEW, why=reason)


# --- digits ---


def reading(seed: int, begins: float = 0.8) -> tuple[list[Move], tuple[EncodedFrame, ...]]:
    """Return five seconds of somebody who reads digits: how the mouth moves, and the sound."""
    rng = np.random.default_rng(seed)
    spoken = digits(rng, begins)
    opened = mouth_of(spoken, np.arange(0, 5, 1 / FPS), rng)
    return [Move(mouth=float(one)) for one in opened], packets(said(spoken, rng))


async def test_digits_are_judged_with_the_recorded_sound(tmp_path: Path) -> None:
    """In step with the mouth of then; with another's not, nor without any."""
    moves, sound = reading(3)
    others, _ = reading(11, begins=1.5)
    filmed = Filmed(tmp_path)
    await filmed.record(grey(len(moves)), sound)
    filmed.asked(Gesture.SAY_DIGITS, 0.1, 4.9, spoken=SEEN_THEN)
    found = await filmed.again(SeesMoves(moves))
    (step,) = found.steps
    assert (found.verdict, step.now, step.then_spoken) == (PASSED, "seen", SEEN_THEN)
    assert step.now_spoken is not None
    assert step.now_spoken.r > 0.6
    assert abs(step.now_spoken.lag_s) <= 0.1
    assert (await filmed.again(SeesMoves(others))).reason in {"not_in_step", "mouth_still"}
    filmed.told = [
        one for one in filmed.told if not (isinstance(one[1], TrackStarted) and one[1].codec == "opus")
    ]
    assert (await filmed.again(SeesMoves(moves))).why == NOT_COVERED


# --- with the models ---


@pytest.mark.models
@pytest.mark.parametrize(
    ("asked", "verdict", "now"),
    [(Gesture.TURN_LEFT, PASSED, "seen"), (Gesture.TURN_RIGHT, REVIEW, "wrong_gesture")],
)
async def test_a_head_that_turns_is_traced_again(
    tmp_path: Path, open_models_dir: Path, asked: Gesture, verdict: CheckVerdict, now: str
) -> None:
    """The models of a call on the frames of its record."""
    models = Models(find_pack(open_models_dir))
    picture = clip_of(models.faces, [astronaut().image])[0]
    tracer, canonical = models.once(load_tracer), models.file(Task.GEOMETRY)
    assert tracer is not None
    assert canonical is not None
    points = tracer.mesh.landmarks(picture, find_faces(models.faces, picture)[0])
    assert points is not None
    puppet = Puppet(picture, points, canonical)
    moves = there_and_back(Move(yaw=-26.0), FPS)
    filmed = Filmed(tmp_path)
    await filmed.record([puppet.frame(move) for move in alive(moves, FPS, 7)])
    filmed.asked(asked, 0.1, len(moves) / FPS)
    found = await filmed.again(InProcess(models), find_pack(open_models_dir))
    assert (found.verdict, found.why) == (verdict, "")
    assert found.steps == (StepAgain(asked.value, "seen", now),)
