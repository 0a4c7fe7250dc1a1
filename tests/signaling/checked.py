"""Identity checks in a history of chance: what hosts ask, ports find and customers answer, and what holds."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Protocol

from contract import wire
from contract.fact import Fact
from contract.identity_facts import (
    ChallengeAsked,
    ChallengeDecided,
    ChallengeDrawn,
    ChallengeEnded,
    ChallengeTried,
    CodeSent,
    CodeTried,
    DocumentJudged,
    DocumentRead,
    ExternalAnswered,
    ExternalAsked,
    FieldCorrected,
    LightAsked,
    LightDrawn,
    LightMeasured,
    LivenessMeasured,
    LivenessStarted,
    PortraitsCompared,
    QuestionDrawn,
    QuestionJudged,
    ReadField,
)
from contract.identity_ports import LivenessRun
from contract.ids import CheckId, SeatId
from contract.phases import CheckVerdict, CheckWord, CodeChannel, DocumentKind, LivenessKind
from signaling import effects as fx
from signaling.call import Call
from signaling.effects import Effect
from signaling.identity_effects import (
    AskOutside,
    AskQuestion,
    Beside,
    ComparePictures,
    ReadPicture,
    RunLiveness,
    TellLive,
    TextCode,
    WatchCustomer,
)
from signaling.identity_plan import IdentityPlan
from signaling.questions import Question
from signaling.script import PlannedStep
from tests.signaling.played import CALL, CARD, CUSTOMER, PLAN, STILL

# So few that histories come to the ceilings.
TRIES = dict.fromkeys(("passive", "gestures", "light", "document", "portraits", "code", "self_check"), 2)
_WORDS = (
    "document", "portraits", "passive", "gestures", "light", "questions", "code", "external_police",
)  # fmt: skip
CHECKED_PLAN = replace(
    PLAN,
    steps=(*PLAN.steps, *(PlannedStep(word, word, word, word, mandatory=False) for word in _WORDS)),
    identity=IdentityPlan(tuple(Question(name, "?", "?") for name in "abc"), tries=TRIES),
)
_NO_CHECK = CheckId("check-nobody")
# What the machine appends and hears again from the journal.
_HEARD = LivenessStarted | ChallengeDecided | FieldCorrected | QuestionJudged | CodeTried
_NEEDS_BIOMETRICS = ComparePictures | RunLiveness
_NEEDS_RECORDING = _NEEDS_BIOMETRICS | ReadPicture | AskOutside | AskQuestion | TextCode


class History(Protocol):
    """What checks have to do with the rest of a history."""

    call: Call
    random: Random
    biometrics: bool

    def note(self, fact: Fact) -> None: ...
    def pick(self) -> SeatId: ...


class Checking:
    """The ports of one history; ``took`` hears of every effect, the other methods are steps."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._journal: list[Fact] = []
        self._beside: list[Beside] = []
        self._runs: list[LivenessRun] = []
        self._started: set[CheckId] = set()
        self._read = _NO_CHECK
        self._drawn = self._judged = 0
        self._question = _NO_CHECK
        self._codes: dict[CheckId, str] = {}
        self._made: Counter[str] = Counter()
        self._watched = 0
        self._known: set[CheckId] = {_NO_CHECK}

    # --- steps ---

    def host_asks(self) -> None:
        """Send a message of the console, by the host as a rule."""
        history, random = self._history, self._history.random
        run = random.choice([*self._known])
        messages: list[wire.Message] = [
            wire.ReadDocument(random.choice([CARD, CARD, STILL])),
            wire.CorrectField(self._read, "name", "x"),
            wire.ComparePortraits(CARD, STILL),
            *(wire.StartLiveness(kind) for kind in LivenessKind),
            wire.StartLiveness(random.choice([*LivenessKind]), elder=True),
            wire.DecideChallenge(run, random.choice([*CheckVerdict]), random.choice(["shakes", " "])),
            wire.DrawQuestion(),
            wire.JudgeQuestion(self._question, random.choice([*CheckVerdict])),
            wire.SendCode(random.choice([*CodeChannel])),
            wire.AskExternal("police"),
        ]
        host = history.call.seat_of(history.call.host) if history.call.host else None
        seat = host if host and random.random() < 0.85 else history.pick()
        history.call.got(seat, random.choice(messages), self._now())

    def customer_answers(self) -> None:
        """Send what the customer's page says of a check."""
        random, running = self._history.random, self._history.call.identity.running
        check = running if running and random.random() < 0.8 else random.choice([*self._known])
        code = random.choice([*self._codes]) if self._codes else _NO_CHECK
        messages: list[wire.Message] = [
            wire.ChallengeReady(check),
            wire.ChallengeDeclined(check),
            wire.LightShown(check, 1.0),
            wire.EnterCode(code, random.choice([self._codes.get(code, "1"), "000000"])),
            wire.CameraClaim("front", "user", 640, 480, 30.0),
        ]
        self._history.call.got(CUSTOMER.seat, random.choice(messages), self._now())

    def journal_tells(self) -> None:
        """Let the machine hear the oldest fact of its own."""
        if self._journal:
            fact = self._journal.pop(0)
            if isinstance(fact, LivenessStarted):
                self._started.add(fact.check)
            self._judged += isinstance(fact, QuestionJudged)
            self._history.note(fact)

    def port_answers(self) -> None:
        """Finish something that runs beside the case."""
        if not self._beside:
            return
        random = self._history.random
        effect = self._beside.pop(random.randrange(len(self._beside)))
        well = random.random() < 0.8
        for fact in self._found(effect) if well else ():
            self._history.note(fact)
        self._history.call.identity_done(effect.what, well=well)

    def live_goes_on(self) -> None:
        """Let a liveness check that runs come further, or to its end."""
        run = next((run for run in self._runs if run.check in self._started), None)
        if run is None:
            return
        random = self._history.random
        if random.random() < 0.5:
            self._end(run)
        elif run.kind is LivenessKind.LIGHT:
            light = (
                LightDrawn(CALL, run.check, "00", "RGB", 0.4),
                LightAsked(CALL, run.check, random.choice([1, 3]), "B"),
            )
            self._history.note(random.choice(light))
        elif run.kind is LivenessKind.GESTURES:
            order = tuple(random.sample(["nod", "blink", "turn_left", "open_mouth"], 2))
            attempt, seen = random.choice([1, 2, 3]), random.random() < 0.5
            facts = [
                ChallengeDrawn(CALL, run.check, attempt, order, "", "00", 20.0, 3),
                ChallengeAsked(CALL, run.check, attempt, order[0], 1, 2, 20.0, ""),
                ChallengeTried(CALL, run.check, attempt, order[0], seen, "" if seen else "timeout"),
            ]
            self._history.note(random.choice(facts))

    # --- what ports find ---

    def _end(self, run: LivenessRun) -> None:
        verdict = self._history.random.choice([*CheckVerdict])
        ends: dict[LivenessKind, Callable[[], Fact]] = {
            LivenessKind.PASSIVE: lambda: LivenessMeasured(
                CALL, run.check, 9, 0.5, 0.1, 0.5, 0.25, verdict, "", ()
            ),
            LivenessKind.GESTURES: lambda: ChallengeEnded(CALL, run.check, verdict, ""),
            LivenessKind.LIGHT: lambda: LightMeasured(CALL, run.check, 1.0, 1, 1, 1, 1, 99, verdict, ""),
        }
        self._runs.remove(run)
        self._history.note(ends[run.kind]())
        well = verdict is CheckVerdict.PASSED or run.kind is LivenessKind.PASSIVE
        told = [one.message for one in self._history.call._out if isinstance(one, fx.Send)]
        over = wire.CheckOver(run.check, CheckWord.THANKS if well else CheckWord.AGENT_HELPS)
        assert [one for one in told if isinstance(one, wire.CheckOver)] == [over], (
            "the customer learns too much"
        )

    def _found(self, effect: Beside) -> tuple[Fact, ...]:
        verdict = self._history.random.choice([*CheckVerdict])
        check = CheckId(f"check-{sum(self._made.values())}")
        match effect:
            case ReadPicture():
                self._count("document")
                self._read = check
                fields = (ReadField("name", "王", 0.9),)
                return (
                    DocumentRead(
                        CALL, check, effect.evidence, None, "front", DocumentKind.CN_ID, fields, (), ()
                    ),
                    DocumentJudged(CALL, check, verdict, (), ()),
                )
            case ComparePictures():
                self._count("portraits")
                return (
                    PortraitsCompared(
                        CALL, check, CARD, STILL, None, None, (), 1, (), 0.48, 0.36, "", (), verdict, "", None
                    ),
                )
            case AskQuestion():
                self._drawn, self._question = self._drawn + 1, effect.check
                asked = effect.question.id, effect.candidates, effect.random_hex
                return (QuestionDrawn(CALL, effect.check, *asked, "", "", ""),)
            case TextCode():
                self._count("code")
                self._codes[effect.check] = effect.code.digits
                return (CodeSent(CALL, effect.check, effect.channel, "", effect.code.expires_at, 3, ""),)
            case AskOutside():
                asked_fact = ExternalAsked(CALL, check, effect.service)
                return asked_fact, ExternalAnswered(CALL, check, effect.service, verdict, "", "", None)

    def _count(self, kind: str) -> None:
        self._made[kind] += 1
        assert self._made[kind] <= TRIES[kind], f"{kind} was tried too often"

    def _now(self) -> fx.Moment:
        return self._history.time  # type: ignore[attr-defined,no-any-return]

    # --- what must hold ---

    def took(self, effect: Effect) -> None:
        """Hear of an effect; it is one that may be."""
        call = self._history.call
        if isinstance(effect, _NEEDS_RECORDING):
            assert call.kyc_unlocked, "a check without a recording"
        if isinstance(effect, _NEEDS_BIOMETRICS | WatchCustomer):
            assert self._history.biometrics, "a check without consent"
        match effect:
            case fx.Append() if isinstance(effect.fact, _HEARD):
                self._journal.append(effect.fact)
            case ReadPicture() | ComparePictures() | TextCode() | AskOutside():
                assert effect.what not in {one.what for one in self._beside}, "twice at once"
                self._beside.append(effect)
            case AskQuestion():
                assert self._drawn == self._judged, "two questions are open"
                self._beside.append(effect)
            case RunLiveness():
                assert not self._runs, "two liveness checks run"
                self._count(effect.run.kind)
                self._runs.append(effect.run)
                self._known.add(effect.run.check)
            case TellLive(what="judged"):
                assert effect.check == self._question, "another question than the one that stood"
            case TellLive():
                assert effect.check in self._known
            case WatchCustomer():
                self._watched += 1
                assert self._watched == 1
            case _:
                pass
