"""What a call knows of the worksheet of document features, learnt from facts. Pure."""

from contract.errors import Busy, NotFound, UserError
from contract.facts import EvidenceStored, Fact
from contract.ids import AccountId, CallId, CheckId, EvidenceId, new_check_id, new_evidence_id
from contract.phases import EvidenceKind, TiltEnd
from contract.wire import TickFeature, TiltWanted
from contract.worksheet import Worksheet, judge
from contract.worksheet_facts import FeatureTicked, TiltEnded, TiltRequested

# A burst is about 5 MB: what one call may put on the disk is bounded.
_BURSTS_MAX = 6


class Sheet:
    """Bursts of one call, and what was ticked on their pictures."""

    def __init__(self, plan: Worksheet) -> None:
        self._plan = plan
        self._bursts: list[TiltRequested] = []
        self._open: TiltRequested | None = None
        self._stored: set[EvidenceId] = set()
        self._ticks: list[FeatureTicked] = []

    @property
    def plan(self) -> Worksheet | None:
        """What staff are told of the sheet, None where it is off."""
        return self._plan if self._plan.categories else None

    def request(
        self, call: CallId, document: EvidenceKind, agent: AccountId
    ) -> tuple[TiltEnded | TiltRequested, ...]:
        """Return the facts of asking for a burst; one that is under way is replaced.

        Raises:
            UserError: ``no_features`` where the policy has none for this document.
            Busy: ``checks_used_up``, too many bursts in this call.
        """
        if self.plan is None or all(one.document is not document for one in self._plan.documents):
            raise UserError("the policy names no features of this document", code="no_features")
        if len(self._bursts) >= _BURSTS_MAX:
            raise Busy("asked for too often in this call", code="checks_used_up")
        pictures = tuple(new_evidence_id() for _ in range(self._plan.pictures))
        asked = TiltRequested(
            call, new_check_id(), document, pictures, self._plan.seconds, self._plan.categories, agent
        )
        replaced = (TiltEnded(call, self._open.check, TiltEnd.REPLACED),) if self._open else ()
        return (*replaced, asked)

    def over(self, call: CallId, check: CheckId, reason: TiltEnd) -> TiltEnded | None:
        """Return the fact of a burst's end; None for one that is over, or of another call."""
        if self._open is None or self._open.check != check:
            return None
        return TiltEnded(call, check, reason)

    def tick(self, call: CallId, message: TickFeature, agent: AccountId) -> FeatureTicked:
        """Return the fact of a tick.

        Raises:
            UserError: ``no_features``, the policy has no such feature of this document.
            NotFound: no such picture of this document in this call.
        """
        feature = self._plan.feature(message.document, message.feature) if self.plan else None
        if feature is None:
            raise UserError("the policy names no such feature", code="no_features")
        bursts = (one.pictures for one in self._bursts if one.document is message.document)
        if message.evidence not in self._stored or not any(message.evidence in one for one in bursts):
            raise NotFound("no such picture of this document")
        return FeatureTicked(
            call, message.document, feature.id, feature.category, feature.zh, feature.en,
            message.evidence, message.seen, agent,
        )  # fmt: skip

    def noted(self, fact: Fact) -> tuple[TiltWanted, ...]:
        """Learn from a fact of the journal; return what the customer's page is told of it."""
        match fact:
            case TiltRequested():
                self._bursts.append(fact)
                self._open = fact
                return self.wanted()
            case TiltEnded() if self._open is not None and fact.check == self._open.check:
                self._open = None
            case EvidenceStored(kind=EvidenceKind.CARD_TILT):
                self._stored.add(fact.evidence)
            case FeatureTicked():
                self._ticks.append(fact)
            case _:
                pass
        return ()

    def wanted(self) -> tuple[TiltWanted, ...]:
        """Return what the phone is to be told of a burst that is not over: the pictures that are missing."""
        if self._open is None:
            return ()
        missing = tuple(one for one in self._open.pictures if one not in self._stored)
        return (TiltWanted(self._open.check, self._open.document, missing, self._open.seconds),)

    def came(self, check: CheckId) -> tuple[EvidenceId, ...]:
        """Return the pictures of a burst that are stored, in the order in which they were to be taken."""
        asked = (one.pictures for one in self._bursts if one.check == check)
        return tuple(one for pictures in asked for one in pictures if one in self._stored)

    def found(self) -> dict[str, str]:
        """Return the state of the check ``features`` when it is more than open; see ``Checks.found``."""
        verdict = judge(self._ticks, self._plan.categories) if self.plan else None
        if verdict is not None:
            return {"features": verdict.value}
        return {"features": "waiting"} if self._open is not None else {}
