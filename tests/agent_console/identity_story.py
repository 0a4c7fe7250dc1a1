"""Facts of the identity checks, as the server would journal them, told onto a story."""

from contract.facts import Entry, EvidenceStored
from contract.identity_facts import (
    ChallengeAsked,
    ChallengeDecided,
    ChallengeDrawn,
    ChallengeEnded,
    ChallengeTried,
    CodeSent,
    CodeTried,
    Decided,
    DocumentJudged,
    DocumentRead,
    ExternalAnswered,
    ExternalAsked,
    FieldCorrected,
    LightDrawn,
    LightMeasured,
    Limit,
    LivenessMeasured,
    LivenessStarted,
    ModelUsed,
    PairScore,
    PersonWatched,
    PortraitsCompared,
    PromptingNoticed,
    PromptingSign,
    QuestionDrawn,
    QuestionJudged,
    ReadField,
    Signal,
    SourceJudged,
    SpokenScores,
    StillJudged,
    StillQuality,
)
from contract.ids import CheckId, EvidenceId, new_id
from contract.phases import (
    AccountClass,
    CheckVerdict,
    CodeChannel,
    DocumentKind,
    EvidenceKind,
    LivenessKind,
    PromptingWord,
    VoiceWord,
    WatchEvent,
)
from tests.agent_console.story import AGENT, MODEL, Story

PASSED, REVIEW, FAILED = CheckVerdict.PASSED, CheckVerdict.REVIEW, CheckVerdict.FAILED
MODELS = (ModelUsed("mobilefacenet.onnx", MODEL),)
LOOKERS = (ModelUsed("yunet.onnx", "ef" * 32),)
JUDGES = (*LOOKERS, ModelUsed("face_landmarker.task", "ab" * 32))
# As kyc.portrait_match writes it for the open pack.
OPERATING = (
    "mobilefacenet-lfw 2026-11-22: FMR 7/88700 (3.2e-05-0.00016), people with East-Asian names; "
    "FNMR 48/990 (0.036-0.064), people with East-Asian names"
)
FRONT = (
    ReadField("name", "李静怡", 0.99),
    ReadField("sex", "女", 0.97),
    ReadField("born", "1990-03-07", 0.72),
    ReadField("number", "330106199003070O24", 0.5),
)
STEPS = ("turn_left", "nod", "say_digits")


def new_check() -> CheckId:
    """Return a fresh check's id."""
    return CheckId(new_id("check"))


def keep(story: Story, kind: EvidenceKind) -> EvidenceId:
    """A picture that a check made, or an outside source sent, is there."""
    evidence = EvidenceId(new_id("ev"))
    story.pictures[kind] = evidence
    story.tell(
        EvidenceStored(
            evidence,
            kind,
            f"evidence/{evidence}.jpg",
            "image/jpeg",
            "5e" * 32,
            100,
            640,
            480,
            50.0,
            "derived",
        )
    )
    return evidence


def answer_kept(story: Story) -> EvidenceId:
    """What an outside source said is kept as it came: no picture."""
    evidence = EvidenceId(new_id("ev"))
    file = f"evidence/{evidence}.json"
    kind = EvidenceKind.ANSWER
    story.tell(EvidenceStored(evidence, kind, file, "application/json", "aa" * 32, 420, 0, 0, 0.0, "derived"))
    return evidence


def read(story: Story, **more: object) -> CheckId:
    """The front of the card was read and judged."""
    check = new_check()
    known: dict[str, object] = {"fields": FRONT, "side": "front", "findings": ("glare",)}
    given = known | more
    story.tell(
        DocumentRead(
            call=story.call,
            check=check,
            evidence=story.pictures[EvidenceKind.ID_CARD],
            picture=None,
            side=str(given["side"]),
            kind=DocumentKind.CN_ID,
            fields=given["fields"],  # type: ignore[arg-type]
            findings=given["findings"],  # type: ignore[arg-type]
            models=MODELS,
        )
    )
    judge(story, check, "number_check_digit", "name_differs", "sex_differs_from_number", "back_missing")
    return check


def judge(story: Story, check: CheckId, *failures: str) -> Entry:
    """All that was read was judged."""
    signs = (Signal("raster", 0.7, "repeating_pattern"),) if failures else ()
    return story.tell(DocumentJudged(story.call, check, FAILED if failures else PASSED, failures, signs))


def correct(story: Story, check: CheckId, field: str, before: str, after: str) -> Entry:
    """The agent overruled the reader."""
    return story.tell(FieldCorrected(story.call, check, story.agent, field, before, after))


def compared(story: Story, operating_point: str = OPERATING) -> Entry:
    """Three pictures were compared."""
    pairs = (
        PairScore("card", "still", 0.612, PASSED, ""),
        PairScore("card", "reference", 0.401, REVIEW, "below_threshold"),
        PairScore("still", "reference", None, REVIEW, "no_face_on_reference"),
    )
    still = story.pictures[EvidenceKind.FACE_STILL]
    return story.tell(
        PortraitsCompared(
            call=story.call,
            check=new_check(),
            card=story.pictures[EvidenceKind.ID_CARD],
            still=still,
            reference=story.pictures.get(EvidenceKind.REFERENCE),
            portrait=None,
            pairs=pairs,
            frames=3,
            quality=("turned_away",),
            threshold=0.43,
            review_threshold=0.36,
            operating_point=operating_point,
            models=MODELS,
            verdict=REVIEW,
            reason="below_threshold",
            agent=AGENT,
            stills=(
                StillJudged(still, StillQuality(1, (), 74.2, 5.1, -2.0, 120.0, 131.0, 0.612)),
                StillJudged(still, StillQuality(0, ("turned_away",), 61.0, None, None, 44.0, 90.0, None)),
            ),
        )
    )


def watched(story: Story, event: WatchEvent) -> Entry:
    """Looking at the customer found something."""
    return story.tell(PersonWatched(story.call, story.customer, event, story.at, None, LOOKERS))


def source(story: Story) -> Entry:
    """Signs about the source of the picture."""
    signals = (
        Signal("label", 0.9, "virtual_camera"),
        Signal("loop", 0.0),
        Signal("regularity", 0.3, "like_clockwork"),
    )
    return story.tell(SourceJudged(story.call, story.customer, signals, 0.9))


def started(story: Story, kind: LivenessKind, attempt: int = 1) -> CheckId:
    """A liveness check began."""
    check = new_check()
    story.tell(LivenessStarted(story.call, check, kind, attempt, elder=False, agent=AGENT))
    return check


def drawn(story: Story, check: CheckId, attempt: int = 1) -> Entry:
    """Three gestures were drawn."""
    return story.tell(ChallengeDrawn(story.call, check, attempt, STEPS, "4071", "ab" * 16, 20.0, 3))


def asked(story: Story, check: CheckId, index: int, attempt: int = 1) -> Entry:
    """The customer was asked for a gesture."""
    step = STEPS[index - 1]
    digits = "4071" if step == "say_digits" else ""
    return story.tell(ChallengeAsked(story.call, check, attempt, step, index, len(STEPS), 20.0, digits))


def tried(story: Story, check: CheckId, index: int, reason: str = "") -> Entry:
    """A gesture was seen, or not."""
    step = STEPS[index - 1]
    spoken = SpokenScores(1.24, 4, 0.213, 0.74, 0.06) if step == "say_digits" else None
    return story.tell(ChallengeTried(story.call, check, 1, step, not reason, reason, spoken))


def ended(story: Story, check: CheckId, verdict: CheckVerdict, reason: str = "") -> Entry:
    """The gestures are over."""
    return story.tell(ChallengeEnded(story.call, check, verdict, reason, JUDGES))


def overruled(story: Story, check: CheckId, verdict: CheckVerdict, reason: str) -> Entry:
    """The agent decided."""
    return story.tell(ChallengeDecided(story.call, check, verdict, reason, AGENT))


def measured(story: Story, check: CheckId) -> Entry:
    """Passive liveness is over."""
    return story.tell(LivenessMeasured(story.call, check, 12, 0.93, 0.05, 0.5, 0.25, PASSED, "", MODELS))


def lit(story: Story, check: CheckId) -> tuple[Entry, Entry]:
    """Colours were drawn; too much sun."""
    return (
        story.tell(LightDrawn(story.call, check, "cd" * 16, "RCRCBGBMYMCGYCBY", 0.4)),
        story.tell(
            LightMeasured(
                story.call, check, story.at, 0.31, 0.011, 0.2, 0.1, 150, REVIEW, "inconclusive", LOOKERS
            )
        ),
    )


def question(story: Story, expected: str = "") -> CheckId:
    """A question was drawn."""
    check = new_check()
    story.tell(
        QuestionDrawn(
            story.call, check, "payment", ("payment", "zodiac"), "0e" * 16,
            "您在 2026-11-20 的一笔交易，对方是谁？",
            "Your movement of 2026-11-20: who was it with?", expected,
        )
    )  # fmt: skip
    return check


def answered(story: Story, check: CheckId, verdict: CheckVerdict, note: str = "") -> Entry:
    """The agent judged the answer."""
    return story.tell(QuestionJudged(story.call, check, verdict, note, AGENT))


def prompted(story: Story, check: CheckId) -> Entry:
    """There were signs that somebody prompted."""
    signs = (
        PromptingSign(PromptingWord.SLOW_ANSWER, 11.24, 8.0),
        PromptingSign(PromptingWord.GAZE_OFF, 0.75, 0.5, 12.0),
        PromptingSign(PromptingWord.SECOND_VOICE, 3.14, 2.4, 1.9),
        PromptingSign(PromptingWord.SECOND_FACE, 4.5, 2.0),
    )
    customer, at = story.customer, story.at
    return story.tell(
        PromptingNoticed(story.call, check, customer, at - 20, at, signs, VoiceWord.COMPARED, LOOKERS)
    )


def code(story: Story, expires_at: float) -> CheckId:
    """A code is on its way."""
    check = new_check()
    story.tell(CodeSent(story.call, check, CodeChannel.SMS, "138****5678", expires_at, 3, "ef" * 32))
    return check


def entered(story: Story, check: CheckId, left: int, *, right: bool) -> Entry:
    """The customer entered something."""
    return story.tell(CodeTried(story.call, check, right, left))


def outside(story: Story, service: str = "registry") -> tuple[Entry, Entry]:
    """An outside source was asked, and answered."""
    check = new_check()
    return (
        story.tell(ExternalAsked(story.call, check, service)),
        story.tell(
            ExternalAnswered(
                story.call,
                check,
                service,
                PASSED,
                "match",
                "aa" * 32,
                None,
                ("name", "number"),
                "王小明",
                "",
                "王小朋",
                "",
            )
        ),
    )


def decided(story: Story) -> Entry:
    """The service decided."""
    reasons = (
        "agent_passed",
        "gestures_by_agent",
        "class_I_on_site",
        "class_II_five_elements",
        "face_missing",
    )
    limits = (Limit("balance", 2000), Limit("out_per_day", 2000))
    return story.tell(Decided(PASSED, AccountClass.III, limits, reasons, "cn-account-opening", 1, "12" * 32))
