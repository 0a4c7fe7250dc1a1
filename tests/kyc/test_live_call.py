"""Checks of a whole call with real models: packets of a moving face to the sampler, the runs, the facts."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import cycle, islice, permutations
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from contract.identity_facts import (
    ChallengeAsked,
    ChallengeDrawn,
    ChallengeEnded,
    ChallengeTried,
    LivenessMeasured,
    PersonWatched,
    PromptingNoticed,
    SourceJudged,
)
from contract.identity_ports import LivenessRun
from contract.ids import CallId, SeatId, new_case_id, new_check_id
from contract.phases import CheckVerdict, LivenessKind, PromptingWord, VoiceWord, WatchEvent
from contract.ports import EncodedFrame
from kyc.engine import Engine
from kyc.models import Models
from kyc.packs import Pack, find_pack
from kyc.prompting import PromptingLimits
from kyc.sampler import FaceSampler
from kyc.traces import Gesture
from kyc.voice import IN_STEP_R, RATE
from media.depacketiser import TrackDepacketiser
from teller.demo.pictures import astronaut, other_person
from teller.live.checks import LiveChecks
from teller.live.gestures import SILENT
from tests.kyc.clips import Picture, clip_of
from tests.kyc.encoding import encoder
from tests.kyc.puppet import Move, Puppet, alive, there_and_back
from tests.kyc.speakers import Speaker, speech
from tests.kyc.talking import digits, mouth_of, said
from tests.kyc.test_liveness_clips import puppet_of
from tests.kyc.test_sound import packets
from tests.media.scripted import ListJournal, until
from tests.recordings.encoded import MovedClock, track_info
from tests.recordings.packets import Packetiser

pytestmark = pytest.mark.models
FPS = 15
# Sound comes so much later than the picture: half of what is allowed for.
LATE_S = 0.15
# Where a clock of 32 bits begins anew after seven seconds.
_FIRST = 4_294_630_000
MOVES = {
    Gesture.TURN_LEFT: there_and_back(Move(yaw=-26.0), FPS),
    Gesture.TURN_RIGHT: there_and_back(Move(yaw=26.0), FPS),
}
# Blinks of a fifth of a second want more frames than this camera sends.
ORDERS = frozenset({(Gesture.TURN_LEFT, Gesture.TURN_RIGHT), (Gesture.TURN_RIGHT, Gesture.TURN_LEFT)})


class Busy:
    """The models, and how many jobs they have."""

    def __init__(self, engine: Engine) -> None:
        self.pack, self._engine, self.jobs = engine.pack, engine, 0

    async def ask(self, job: Any) -> Any:
        return await self._counted(self._engine.ask(job))

    async def watch(self, look: Any) -> Any:
        return await self._counted(self._engine.watch(look))

    async def _counted(self, work: Any) -> Any:
        self.jobs += 1
        try:
            return await work
        finally:
            self.jobs -= 1


class Call:
    """A customer's camera before the sampler, and the checks behind it, all on one moved clock."""

    def __init__(self, models: Busy) -> None:
        self.clock, self.models, self.journal = MovedClock(), models, ListJournal()
        self.info = track_info(new_case_id(), CallId("call"))
        self.sampler = FaceSampler(self._emit, self._ask_keyframe, self.clock, every_s=None)
        self.live = LiveChecks(
            self.journal, models, self._sample, self._listen, self.clock, PromptingLimits(), 0.005
        )
        self._sink = self.sampler.open_track(self.info, TrackDepacketiser("VP8", 90_000))
        self._packetiser = Packetiser("VP8")
        self._encoder = encoder("VP8", (640, 480), FPS, 500)
        self._encoder.time_base = Fraction(1, FPS)
        self._number, self._wanted = 0, True
        microphone = replace(track_info(self.info.case, CallId("call"), "opus"), seat=self.info.seat)
        self._ear = self.sampler.open_track(microphone, TrackDepacketiser("opus", RATE))
        self._voice, self._said = Packetiser("opus"), deque[EncodedFrame]()
        self._stamp, self._began_at = _FIRST, self.clock.monotonic()

    def speak(self, sound: NDArray[np.int16]) -> None:
        """Say this from now on, instead of what was being said."""
        self._said = deque(packets(sound))

    async def film(self, pictures: Sequence[Picture]) -> None:
        """Send pictures as time passes; the models are given the time that they need."""
        for picture in pictures:
            self.clock.pass_s(1 / FPS)
            for packet in self._encoder.encode(self._frame(picture)):
                stamp = 12_345 + self._number * 90_000 // FPS
                frame = EncodedFrame(bytes(packet), stamp, packet.is_keyframe, self.clock.now())
                for part in self._packetiser.packets(frame):
                    self._sink.push_packet(part, frame.arrived_at)
            self._number += 1
            self._hear()
            self.sampler.turn()
            await asyncio.sleep(0.006)
            await until("the models' answers", lambda: self.models.jobs == 0)

    async def listen(self, seconds: float) -> None:
        """Let the microphone send as time passes, with the camera off."""
        for _ in range(round(seconds * 10)):
            self.clock.pass_s(0.1)
            self._hear()
            self.sampler.turn()
            await asyncio.sleep(0.001)
            await until("the models' answers", lambda: self.models.jobs == 0)

    def _hear(self) -> None:
        """Send what was said meanwhile; it comes a little later than the picture."""
        due = _FIRST + (self.clock.monotonic() - self._began_at) * RATE - 960
        while self._said and self._stamp < due:
            self._stamp += 960
            frame = replace(self._said.popleft(), timestamp=self._stamp, arrived_at=self.clock.now() + LATE_S)
            for part in self._voice.packets(frame):
                self._ear.push_packet(part, frame.arrived_at)

    def run(self, kind: LivenessKind, former: tuple[tuple[str, ...], ...] = ()) -> LivenessRun:
        return LivenessRun(self.info.case, self.info.call, self.info.seat, new_check_id(), kind, former)

    def _frame(self, picture: Picture) -> av.VideoFrame:
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
        frame.pts = self._number
        if self._wanted:
            frame.pict_type = av.video.frame.PictureType.I
            self._wanted = False
        return frame

    def _emit(self, call: CallId, seat: SeatId, codec: str, frames: Sequence[EncodedFrame]) -> None:
        for frame in frames:
            self.live.take(call, seat, codec, frame)

    def _ask_keyframe(self, _call: CallId, _seat: SeatId) -> None:
        self._wanted = True

    async def _listen(self, call: CallId, seconds: float) -> None:
        self.sampler.listen(call, seconds)

    async def _sample(self, call: CallId, every_s: float | None, all_s: float) -> None:
        if every_s is None:
            self.sampler.calm(call)
            return
        self.sampler.look_every(call, every_s)
        self.sampler.challenge(call, all_s)


@pytest.fixture(scope="module")
def pack(open_models_dir: Path) -> Pack:
    return find_pack(open_models_dir)


@pytest.fixture(scope="module")
def faces(pack: Pack) -> tuple[Puppet, Picture]:
    """Return somebody who moves, and a picture of somebody else."""
    models = Models(pack)
    return puppet_of(models, astronaut().image), clip_of(models.faces, [other_person(1).image])[0]


@asynccontextmanager
async def called(pack: Pack) -> AsyncIterator[Call]:
    async with Engine(pack) as engine:
        call = Call(Busy(engine))
        async with call.live:
            yield call


def resting(puppet: Puppet, seconds: float, seed: int = 3) -> list[Picture]:
    """Return somebody who sits there, and sways as everybody does."""
    moves = alive([Move()] * round(seconds * FPS), FPS, seed)
    return [puppet.frame(move) for move in moves]


async def test_a_person_does_what_is_asked(pack: Pack, faces: tuple[Puppet, Picture]) -> None:
    """Two gestures in the order that was drawn, each seen; the one who came is the one who stays."""
    puppet, _ = faces
    former = tuple(order for order in permutations(SILENT, 2) if order not in ORDERS)
    async with called(pack) as call:
        await call.live.watch(call.info.case, call.info.call, call.info.seat)
        rest = resting(puppet, 2)
        await call.film(rest)
        run = call.run(LivenessKind.GESTURES, former)
        await call.live.start(run)
        await call.live.ready(run.call, run.check)
        done = 0
        for still in islice(cycle(rest), 200):
            asked = call.journal.of(ChallengeAsked)
            if len(asked) > done:
                done += 1
                moves = alive(MOVES[Gesture(asked[-1].step)], FPS, done)
                await call.film([puppet.frame(move) for move in moves])
            await call.film([still])
            if call.journal.of(ChallengeEnded):
                break
        tried = [(fact.step, fact.seen, fact.reason) for fact in call.journal.of(ChallengeTried)]
        assert tried == [(fact.step, True, "") for fact in call.journal.of(ChallengeAsked)]
        assert len(tried) == 2
        # The gestures were seen; that an animated photograph is flat is for the other check to say.
        (end,) = call.journal.of(ChallengeEnded)
        assert end.verdict is CheckVerdict.PASSED or end.reason == "score_too_low"
        assert call.journal.of(PersonWatched) == []
        assert all(signal.name != "loop" for fact in call.journal.of(SourceJudged) for signal in fact.signals)


@pytest.mark.parametrize(("mouth", "reason"), [("speaks", ""), ("still", "mouth_still")])
async def test_digits_are_read_aloud(
    pack: Pack, faces: tuple[Puppet, Picture], mouth: str, reason: str
) -> None:
    """Packets of two tracks whose clocks begin anywhere; the sound is 150 ms behind the picture."""
    puppet, _ = faces
    former = tuple(order for order in permutations(Gesture, 2) if order[0] is not Gesture.SAY_DIGITS)
    async with called(pack) as call:
        await call.live.watch(call.info.case, call.info.call, call.info.seat)
        rest = resting(puppet, 2)
        run = call.run(LivenessKind.GESTURES, former)
        await call.live.start(run)
        call.speak(np.zeros(RATE * 60, np.int16))
        await call.film(rest)
        await call.live.ready(run.call, run.check, sound=True)
        for still in islice(cycle(rest), 60):
            await call.film([still])
            if call.journal.of(ChallengeAsked):
                break
        (drawn,) = call.journal.of(ChallengeDrawn)
        assert drawn.sound and drawn.steps[0] == "say_digits" and len(drawn.digits) == 4
        rng = np.random.default_rng(11)
        spoken = digits(rng)
        call.speak(said(spoken, rng, seconds=30.0))
        opened = mouth_of(spoken, np.arange(0, 6, 1 / FPS), rng)
        shares = [0.5 * max(0.0, float(share)) if mouth == "speaks" else 0.0 for share in opened]
        await call.film([puppet.frame(move) for move in alive([Move(mouth=one) for one in shares], FPS, 4)])
        for still in islice(cycle(rest), 20 * FPS):
            await call.film([still])
            if call.journal.of(ChallengeTried):
                break
        (tried,) = call.journal.of(ChallengeTried)
        assert (tried.step, tried.seen, tried.reason) == ("say_digits", not reason, reason)
        assert tried.spoken is not None and tried.spoken.bursts == 4
        if not reason:
            assert tried.spoken.r >= IN_STEP_R and abs(tried.spoken.lag_s) <= 0.2


@pytest.mark.parametrize("answers", ["another, late", "the same, soon", "nobody"])
async def test_who_answers_a_question_and_how_late(pack: Pack, answers: str) -> None:
    """RTP of a microphone by way of sampler, decoder and model process, a voice before and one after."""
    customer = Speaker(120.0, 1.0)
    async with called(pack) as call:
        await call.live.watch(call.info.case, call.info.call, call.info.seat)
        call.speak(speech(customer, 20.0, seed=1))
        await call.listen(20)
        check, quiet = new_check_id(), np.zeros(10 * RATE, np.int16)
        quiet += np.random.default_rng(2).normal(0, 25, len(quiet)).astype(np.int16)
        call.live.question_put(call.info.call, check)
        if answers == "another, late":
            call.speak(np.concatenate([quiet, speech(Speaker(205.0, 1.22), 4.0, seed=6)]))
        elif answers == "the same, soon":
            call.speak(np.concatenate([quiet[: 2 * RATE], speech(customer, 4.0, seed=5)]))
        await call.listen(16)
        call.live.question_judged(call.info.call, check)
        await call.live.close(call.info.call)
        told = call.journal.of(PromptingNoticed)
        if answers != "another, late":
            assert told == []
            return
        slow, voice = told[0].signs
        assert (told[0].check, told[0].voice) == (check, VoiceWord.COMPARED)
        assert slow.sign is PromptingWord.SLOW_ANSWER and slow.value == pytest.approx(10.15, abs=0.4)
        assert voice.sign is PromptingWord.SECOND_VOICE and voice.count == pytest.approx(3.0, abs=1.0)


async def test_a_still_picture_is_measured_and_flagged(pack: Pack, faces: tuple[Puppet, Picture]) -> None:
    """Passive liveness gets its frames and its figures; a picture that never moves is a sign."""
    _, other = faces
    async with called(pack) as call:
        await call.live.start(call.run(LivenessKind.PASSIVE))
        for _ in range(20):
            await call.film([other] * FPS)
            if call.journal.of(LivenessMeasured):
                break
        (end,) = call.journal.of(LivenessMeasured)
        assert end.frames >= 12 and 0 < end.median < 1 and end.threshold == 0.5
        await until("the signs", lambda: call.journal.of(SourceJudged))
        reasons = {signal.reason for fact in call.journal.of(SourceJudged) for signal in fact.signals}
        assert "still_picture" in reasons


async def test_another_person_is_told_within_three_seconds(pack: Pack, faces: tuple[Puppet, Picture]) -> None:
    """Somebody takes the customer's place, later nobody sits there any more."""
    puppet, other = faces
    empty = np.full((480, 640, 3), 40, np.uint8)
    async with called(pack) as call:
        await call.live.watch(call.info.case, call.info.call, call.info.seat)
        await call.film(resting(puppet, 3))
        assert call.journal.of(PersonWatched) == []
        began = call.clock.now()
        await call.film([other] * (3 * FPS))
        (fact,) = call.journal.of(PersonWatched)
        assert fact.event is WatchEvent.DIFFERENT_PERSON and abs(fact.at - began) < 1.5
        assert fact.score is not None and fact.score < pack.review_threshold
        await call.film([empty] * (3 * FPS))
        await call.film([empty])
        events = [fact.event for fact in call.journal.of(PersonWatched)]
        assert events == [WatchEvent.DIFFERENT_PERSON, WatchEvent.LEFT_PICTURE]
