"""One case told fact by fact, sealed as the journal seals it."""

from contract.facts import (
    GENESIS,
    AgentDecided,
    ArchiveVerified,
    ArchiveWritten,
    CallAdvanced,
    CallEnded,
    CaseAdvanced,
    CaseCreated,
    ChatSaid,
    ConsentGiven,
    Entry,
    EvidenceStored,
    FacesCompared,
    Fact,
    GapsAccounted,
    IdNumberChecked,
    MediaConnected,
    MergeCompleted,
    MergeQueued,
    MergeStarted,
    PartyDropped,
    PartyJoined,
    PartyReturned,
    PlaybackReported,
    QualityMeasured,
    RecordingStarted,
    RingEnded,
    RingStarted,
    StillRequested,
    seal_entry,
)
from contract.ids import (
    AccountId,
    CallId,
    CaseId,
    CheckId,
    EvidenceId,
    JobId,
    SeatId,
    TenantId,
    TrackId,
    new_id,
)
from contract.phases import (
    CallEnd,
    CallPhase,
    CasePhase,
    CheckVerdict,
    Completeness,
    EvidenceKind,
    Outcome,
    RingEnd,
    Role,
    TrackKind,
    TrackSource,
)
from contract.record_facts import LaneKept, MadeFile, StepKept

START = 1_790_000_000.0
AGENT = AccountId("acct-0000000000000001")
AUDITOR = AccountId("acct-0000000000000002")
SUPERVISOR = AccountId("acct-0000000000000004")
TENANT = TenantId("bank-0000000000000001")
CUSTOMER_NAME = "李静怡"
AGENT_NAME = "王晓明"
MANIFEST = "9f2c" * 16
MODEL = "b7120c095d60094f" * 4


class Story:
    """Appends facts to a journal of its own; ``at`` moves only as it is told."""

    def __init__(self) -> None:
        self.case = CaseId(new_id("case"))
        self.call = CallId(new_id("call"))
        self.customer = SeatId(new_id("seat"))
        self.agent = SeatId(new_id("seat"))
        self.job = JobId(new_id("job"))
        self.pictures: dict[EvidenceKind, EvidenceId] = {}
        self.shared: dict[EvidenceId, str] = {}
        self.at = START
        self.entries: list[Entry] = []

    def tell(self, fact: Fact, after: float = 0.5) -> Entry:
        """Append ``fact``, ``after`` seconds later than the last."""
        self.at += after
        prev = self.entries[-1].hash if self.entries else GENESIS
        entry = seal_entry(len(self.entries), self.at, self.case, fact, prev)
        self.entries.append(entry)
        return entry

    def open(self, name: str = CUSTOMER_NAME) -> None:
        """The customer comes and waits."""
        self.tell(CaseCreated(TENANT, "account_opening", "default", name))
        self.tell(CaseAdvanced(CasePhase.CREATED, CasePhase.PRE_CALL))
        self.tell(ConsentGiven(("recording", "biometrics"), "2026-11", "zh-CN"))
        self.tell(CaseAdvanced(CasePhase.PRE_CALL, CasePhase.QUEUED))

    def answer(self) -> None:
        """It rings and is answered; media runs and is recorded."""
        self.tell(RingStarted(self.call, AGENT), 40)
        self.tell(RingEnded(self.call, AGENT, RingEnd.ACCEPTED), 4)
        self.tell(CaseAdvanced(CasePhase.QUEUED, CasePhase.IN_CALL), 0)
        self.tell(PartyJoined(self.call, self.customer, Role.CUSTOMER, CUSTOMER_NAME), 0)
        self.tell(PartyJoined(self.call, self.agent, Role.AGENT, AGENT_NAME, AGENT), 0)
        self.tell(MediaConnected(self.call, self.customer))
        self.tell(MediaConnected(self.call, self.agent))
        self.tell(CallAdvanced(self.call, CallPhase.CONNECTING, CallPhase.ACTIVE))
        for role in (Role.CUSTOMER, Role.AGENT):
            for kind in TrackKind:
                self.tell(RecordingStarted(self.call, TrackId(new_id("track")), role, kind), 0.1)

    def ask(self, kind: EvidenceKind) -> Entry:
        """The phone is asked for a picture."""
        self.pictures[kind] = EvidenceId(new_id("ev"))
        return self.tell(StillRequested(self.call, self.pictures[kind], kind), 2)

    def store(self, kind: EvidenceKind, source: str = "phone") -> Entry:
        """The picture is on disk."""
        evidence = self.pictures.setdefault(kind, EvidenceId(new_id("ev")))
        file = f"evidence/{evidence}.jpg"
        size = (380, 470) if source == "derived" else (2000, 1500)
        return self.tell(
            EvidenceStored(evidence, kind, file, "image/jpeg", "5ae1" * 16, 412_000, *size, 812.4, source), 2
        )

    def number(self, number: str, *failures: str) -> Entry:
        """The number was checked."""
        verdict = CheckVerdict.FAILED if failures else CheckVerdict.PASSED
        check = CheckId(new_id("check"))
        return self.tell(IdNumberChecked(check, number, verdict, failures, "浙江", "1990-03-07", AGENT), 3)

    def compare(
        self, verdict: CheckVerdict = CheckVerdict.PASSED, score: float | None = 0.731, pack: str = "open"
    ) -> Entry:
        """The faces were compared."""
        self.store(EvidenceKind.ID_PORTRAIT, "derived")
        return self.tell(
            FacesCompared(
                CheckId(new_id("check")),
                self.pictures[EvidenceKind.ID_CARD],
                self.pictures[EvidenceKind.FACE_STILL],
                self.pictures[EvidenceKind.ID_PORTRAIT],
                pack,
                "8f2383e4dd3cfbb4" * 4,
                MODEL,
                score,
                0.52,
                0.42,
                verdict,
                "" if score is not None else "no_face_on_still",
                AGENT,
            ),
            1,
        )

    def say(self, role: Role, text: str) -> Entry:
        """Somebody writes a line."""
        seat = self.agent if role is Role.AGENT else self.customer
        return self.tell(ChatSaid(self.call, seat, role, text), 1.5)

    def quality(self, interval_s: float = 5.0) -> Entry:
        """The customer's connection was measured."""
        return self.tell(
            QualityMeasured(
                self.call,
                self.customer,
                interval_s,
                68.0,
                0.004,
                0.001,
                9.0,
                1240.0,
                1180.0,
                24.8,
                0,
                0.0,
                0,
                1800.0,
                0,
            ),
            1,
        )

    def playback(self) -> Entry:
        """The customer's page told how it played."""
        return self.tell(PlaybackReported(self.call, self.customer, 5.0, 24.6, 2, 0.8, 0.1), 1)

    def checks(self) -> None:
        """Everything that identifies the customer."""
        self.say(Role.AGENT, "您好，请把身份证正面对准手机。")
        self.say(Role.CUSTOMER, "好的，稍等。")
        self.ask(EvidenceKind.ID_CARD)
        self.store(EvidenceKind.ID_CARD)
        self.number("330106199003070024")
        self.tell(PartyDropped(self.call, self.customer, self.at + 20), 1)
        self.tell(PartyReturned(self.call, self.customer), 2)
        self.ask(EvidenceKind.FACE_STILL)
        self.store(EvidenceKind.FACE_STILL)
        self.compare()

    def finish(self, outcome: Outcome = Outcome.PASSED) -> None:
        """The agent gives the result; the call is over."""
        self.tell(AgentDecided(AGENT, outcome, "", "资料齐全"), 3)
        self.tell(CallEnded(self.call, CallEnd.AGENT_HUNG_UP, 28.0), 0.2)
        self.tell(CaseAdvanced(CasePhase.IN_CALL, CasePhase.AGENT_DONE), 0)
        self.tell(MergeQueued(self.job), 0)

    def archive(self, lost_s: float = 0.4, made: tuple[MadeFile, ...] = ()) -> None:
        """The recording is merged, archived and verified; of the face's step ``lost_s`` are missing."""
        self.tell(MergeStarted(self.job, "worker-1", 1), 1)
        self.tell(self.accounted(lost_s), 3)
        film = ("merged.mp4", "77ab" * 16, 9_400_000, 30.0, 0.42, 11.6)
        self.tell(MergeCompleted(self.job, *film, files=made), 4)
        self.tell(ArchiveWritten("directory", MANIFEST, 27, 14_200_000), 2)
        self.tell(ArchiveVerified(MANIFEST, 27, 14_200_000), 1)
        self.tell(CaseAdvanced(CasePhase.AGENT_DONE, CasePhase.UNDER_AUDIT), 0)

    def accounted(self, lost_s: float) -> GapsAccounted:
        """Return the account of four tracks and three steps."""
        lanes = tuple(
            LaneKept(self.call, seat, role, source, 26.5 - lost, 0.5, 1.0, 0.0, lost, 0.0, 0.0)
            for seat, role, lost in (
                (self.customer, Role.CUSTOMER, lost_s),
                (self.agent, Role.AGENT, 0.0),
            )
            for source in (TrackSource.MICROPHONE, TrackSource.CAMERA)
        )
        how = Completeness.INCOMPLETE if lost_s > 2 else Completeness.COMPLETE
        began = self.at - 30
        steps = (
            StepKept("consent", True, Completeness.OUTSIDE, None, None, 0.0),
            StepKept("id_card", True, Completeness.COMPLETE, began, began + 9, 0.0),
            StepKept("face_still", True, how, began + 9, began + 24, lost_s),
            StepKept("light", False, Completeness.NOT_DONE, None, None, 0.0),
        )
        return GapsAccounted("gaps.json", "c0de" * 16, 2_000, 2.0, lanes, steps)


def whole_story(lost_s: float = 0.4) -> Story:
    """Return a case that waits for its auditor."""
    story = Story()
    story.open()
    story.answer()
    story.checks()
    story.finish()
    story.archive(lost_s)
    return story
