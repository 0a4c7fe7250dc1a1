"""Live checks whose models answer as a test says, on a clock that a test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from contract.errors import MediaError, ModelError
from contract.fact import Fact
from contract.identity_facts import ChallengeEnded, LightMeasured, LivenessMeasured
from contract.identity_ports import LivenessRun
from contract.ids import CallId, SeatId, new_call_id, new_case_id, new_check_id, new_seat_id
from contract.phases import CheckVerdict, LivenessKind, VoiceWord
from contract.ports import EncodedFrame
from kyc.answer_jobs import AnswerFinding, HeardSound, HearSound, JudgeAnswer
from kyc.calibration import Card, OperatingPoint
from kyc.injection import FindLoop, Print, PrintFrames, Signal
from kyc.light_sequence import JudgeLight, LightFinding, LightSample, LightSampled, SampleLight
from kyc.packs import Pack
from kyc.pipes import Gaze, SeenFace, Watch, Watched
from kyc.prompting import PromptingLimits
from kyc.registry import BASE_MODELS, OPEN_MODELS, Task
from kyc.traces import GestureFinding, JudgeStep, PassiveLook, Trace, Traced, TraceFrames
from teller.live.chain import CLOCK_RATE
from teller.live.checks import LiveChecks
from tests.media.scripted import ListJournal, until
from tests.recordings.encoded import MovedClock

FPS = 25
F = TypeVar("F", bound=Fact)
ENDS = (LivenessMeasured, ChallengeEnded, LightMeasured)

PASSIVE_CARD = Card(
    name="test", task=Task.PASSIVE, sha256=("0" * 64,), score="s", sample="s", limits="s",
    points=(OperatingPoint("accept", 0.5, ()), OperatingPoint("review", 0.25, ())),
    date="2026-01-01", by="test",
)  # fmt: skip
# Right eye, left eye, nose of somebody who looks ahead.
AHEAD = ((100.0, 100.0), (160.0, 100.0), (130.0, 130.0))


def pack_of(*, demo: bool = False, models: bool = True) -> Pack:
    chosen = OPEN_MODELS if models else BASE_MODELS
    return Pack("test", demo, chosen, tuple(Path(model.file) for model in chosen), (PASSIVE_CARD,))


class ScriptedModels:
    """Answers every job from its frames' times; what a test changes, it changes here."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.asked: list[Any] = []
        self.broken: Callable[[Any], Exception | None] = lambda _: None
        self.never = False
        self.answering = asyncio.Event()
        self.answering.set()
        self.score, self.share = 0.9, 0.3
        self.people = 1
        self.likeness = 0.8
        self.finding: Callable[[JudgeStep], GestureFinding] = lambda _: GestureFinding(
            False, None, "not_seen"
        )
        self.answer, self.voice_s = AnswerFinding(None, VoiceWord.NOT_HEARD), 0.0
        self.gaze: Gaze | None = None
        self.light = LightFinding(0.9, 0.1, 0.1, 0.1, CheckVerdict.PASSED, "", 150)

    async def ask(self, job: Any) -> Any:
        self.asked.append(job)
        if self.never:
            await asyncio.Event().wait()
        error = self.broken(job)
        if error is not None:
            raise error
        await asyncio.sleep(0)
        return self._answer(job)

    async def watch(self, look: Any) -> Any:
        self.asked.append(look)
        error = self.broken(look)
        if error is not None:
            raise error
        await asyncio.sleep(0)
        await self.answering.wait()
        assert isinstance(look, Watch)
        faces = tuple(SeenFace((80.0, 80.0, 100.0, 100.0), AHEAD, 0.9) for _ in range(self.people))
        likeness = self.likeness if look.reference is not None and faces else None
        template = b"template" if faces else None
        gaze = self.gaze if look.gaze else None
        return Watched(look.frames[-1].arrived_at, 640, 480, 100.0, faces, template, likeness, gaze)

    def of(self, kind: type[Any]) -> list[Any]:
        return [job for job in self.asked if isinstance(job, kind)]

    def _answer(self, job: Any) -> Any:
        match job:
            case TraceFrames():
                ats = _times(job)
                looks = tuple(PassiveLook(at, self.score, self.share) for at in ats[::10])
                return Traced(tuple(Trace(at, 0, 0, 0.3, 0, 0, 1, 0.3) for at in ats), looks)
            case JudgeStep():
                return self.finding(job)
            case PrintFrames():
                return tuple(Print(at, b"", str(at).encode(), (640, 480)) for at in _times(job))
            case FindLoop():
                return Signal("loop", 0.0)
            case SampleLight():
                grey = (0.5, 0.5, 0.5)
                arrived = [frame.arrived_at for frame in job.frames if frame.timestamp >= job.since]
                return LightSampled(
                    tuple(
                        LightSample(at, came, grey, grey)
                        for at, came in zip(_times(job), arrived, strict=True)
                    ),
                    0,
                )
            case JudgeLight():
                return self.light
            case HearSound():
                return HeardSound(job.at + job.lead_s, b"", self.voice_s)
            case JudgeAnswer():
                return self.answer
            case _:
                raise AssertionError(job)


def _times(job: Any) -> list[float]:
    return [(one.timestamp - job.origin) / CLOCK_RATE for one in job.frames if one.timestamp >= job.since]


class Scene:
    """One call that is watched, its camera, its models, its journal."""

    def __init__(self, pack: Pack, tick_s: float = 0.002) -> None:
        self.clock = MovedClock()
        self.models = ScriptedModels(pack)
        self.journal = ListJournal()
        self.case, self.call, self.seat = new_case_id(), new_call_id(), new_seat_id()
        self.wishes: list[tuple[CallId, float | None, float]] = []
        self.listened: list[tuple[CallId, float]] = []
        self.media_broken = self.media_hangs = False
        self.live = LiveChecks(
            self.journal, self.models, self._sample, self._listen, self.clock, PromptingLimits(), tick_s
        )
        self.number = 0
        self.speaks = False
        self.also: SeatId | None = None

    async def _sample(self, call: CallId, every_s: float | None, all_s: float) -> None:
        self.wishes.append((call, every_s, all_s))
        if self.media_broken:
            raise MediaError("gone")
        if self.media_hangs:
            await asyncio.Event().wait()

    async def _listen(self, call: CallId, seconds: float) -> None:
        self.listened.append((call, seconds))
        if self.media_broken:
            raise MediaError("gone")

    def of(self, kind: type[F]) -> list[F]:
        return self.journal.of(kind)

    async def watch(self) -> None:
        await self.live.watch(self.case, self.call, self.seat)

    def run(self, kind: LivenessKind, *, elder: bool = False, former: Any = ()) -> LivenessRun:
        return LivenessRun(self.case, self.call, self.seat, new_check_id(), kind, former, elder)

    async def film(self, seconds: float, fps: int = FPS, keyframe_every: int = 100) -> None:
        """Let the camera, and a microphone that ``speaks``, send for so long, and let everybody work."""
        for _ in range(round(seconds * fps)):
            self.clock.pass_s(1 / fps)
            if self.speaks:
                self.say()
            self.push(keyframe=self.number % keyframe_every == 0)
            await asyncio.sleep(0)
            if self.number % 5 == 0:
                await asyncio.sleep(0.001)

    def push(self, *, keyframe: bool = True) -> None:
        stamp = 777 + round(self.clock.monotonic() * CLOCK_RATE)
        frame = EncodedFrame(b"frame", stamp, keyframe, self.clock.now())
        self.number += 1
        self.live.take(self.call, self.seat, "VP8", frame)

    def say(self) -> None:
        """Let the microphones send 40 ms, at the picture's time."""
        stamp = 9_000_000 + round(self.clock.monotonic() * 48_000)
        packet = EncodedFrame(b"sound", stamp, True, self.clock.now())
        self.live.take(self.call, self.seat, "opus", packet)
        if self.also is not None:
            self.live.take(self.call, self.also, "opus", packet)

    async def settled(self) -> None:
        """Return when what was begun for the call is done and told."""
        looked = self.live._calls.get(self.call)
        if looked is not None:
            await until("what was begun", lambda: not looked.under_way and looked.line._facts.empty())
            await asyncio.sleep(0.01)

    async def pass_s(self, seconds: float) -> None:
        """Let time pass without a picture."""
        await asyncio.sleep(0.01)
        self.clock.pass_s(seconds)
        await asyncio.sleep(0.01)


@asynccontextmanager
async def staged(pack: Pack | None = None) -> AsyncIterator[Scene]:
    scene = Scene(pack or pack_of())
    async with scene.live:
        yield scene


def lost_model(_: Any) -> Exception:
    return ModelError("the model process was lost")


def ended(scene: Scene) -> list[Fact]:
    return [fact for fact in scene.journal.facts if isinstance(fact, ENDS)]


def verdict(scene: Scene) -> tuple[CheckVerdict, str]:
    (end,) = ended(scene)
    return end.verdict, end.reason  # type: ignore[attr-defined]


def files(fact: Fact) -> list[str]:
    """Return which models a fact names, each with the hash of the registry."""
    models = fact.models  # type: ignore[attr-defined]
    known = {model.file: model.sha256 for model in OPEN_MODELS}
    assert all(known[used.name] == used.sha256 for used in models)
    return [used.name for used in models]


async def filmed_to_the_end(scene: Scene, seconds: float = 60.0) -> None:
    """Film until the run is over, at most so long."""
    for _ in range(round(seconds * 2)):
        if ended(scene):
            return
        await scene.film(0.5)
    pytest.fail("the run is not over")


__all__ = [
    "ENDS", "Scene", "ended", "files",
    "filmed_to_the_end", "lost_model", "pack_of", "staged", "until", "verdict",
]  # fmt: skip
