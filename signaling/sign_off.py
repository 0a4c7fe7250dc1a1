"""Maker and checker: who may sign which record, and when one auditor is not enough. Pure.

An approval against which something speaks is an override: the first auditor proposes it, and it counts when
another one confirms it. A rejection needs one. What is drawn for a second look is signed by two who agree
unseen, or by a third. Who signed a case that was reopened does not sign it again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from contract.audit_facts import AuditReopened, OverrideProposed, VerdictGiven
from contract.errors import Denied, UserError, WrongPhase
from contract.facts import (
    AgentDecided,
    ArchiveVerified,
    ArchiveWritten,
    AuditSigned,
    CaseAdvanced,
    Entry,
    FacesCompared,
    Fact,
    GapsAccounted,
    HostChanged,
    IdNumberChecked,
    ObserverJoined,
    PartyJoined,
)
from contract.identity_facts import Decided, DocumentJudged, PortraitsCompared, SelfChecked
from contract.ids import AccountId
from contract.phases import CaseEnd, CasePhase, CheckVerdict, Completeness, Outcome, Verdict
from signaling.turns import phase_of

_F = TypeVar("_F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Look:
    """The case is drawn for a second look: by this ``lot`` out of this ``share`` of all."""

    share: float
    lot: str


def sign(
    entries: Sequence[Entry],
    auditor: AccountId,
    verdict: Verdict,
    reason: str,
    manifest_sha256: str,
    look: Look | None = None,
) -> AuditSigned | OverrideProposed | VerdictGiven:
    """Return the fact that an auditor's verdict on a case that nobody signed comes to.

    With ``look`` a case on which one auditor could decide either way gets a second one, who does not see the
    first; it goes on so, whatever is drawn later.

    Raises:
        Denied: ``same_person`` took part in the case, ``same_signer`` signed it before it was reopened.
        UserError: ``reason_missing``.
        WrongPhase: the case is not under audit; ``outcome_not_passed``; ``second_wanted`` when who
            proposed an override or gave a verdict would give the other one, too.
    """
    _require_outsider(entries, auditor)
    if not reason.strip():
        raise UserError("a verdict has a reason", code="reason_missing")
    since = _rounds(entries)[1]
    if phase_of(entries) is not CasePhase.UNDER_AUDIT:
        raise WrongPhase("the case is not under audit")
    if _signed_before(entries, auditor):
        raise Denied("who signed does not sign again", code="same_signer")
    free, grounds = let_pass(entries), against(entries)
    given = verdicts_given(entries, manifest_sha256)
    if given:
        look = Look(given[0].share, given[0].lot)
    if free and not grounds and look is not None:
        return _blind(given, look, AuditSigned(auditor, verdict, reason, manifest_sha256))
    if verdict is Verdict.REJECTED:
        return AuditSigned(auditor, verdict, reason, manifest_sha256)
    if not free:
        raise WrongPhase("the agent did not let the customer pass", code="outcome_not_passed")
    if not grounds:
        return AuditSigned(auditor, verdict, reason, manifest_sha256)
    proposed = last(since, OverrideProposed)
    if proposed is None or not _covers(proposed, grounds, manifest_sha256):
        return OverrideProposed(auditor, reason, grounds, manifest_sha256)
    if proposed.auditor == auditor:
        raise WrongPhase("another auditor must confirm", code="second_wanted")
    return AuditSigned(auditor, verdict, reason, manifest_sha256, proposed.auditor)


def _blind(given: Sequence[VerdictGiven], look: Look, signed: AuditSigned) -> AuditSigned | VerdictGiven:
    """Return what a verdict comes to beside those its auditor has not seen: ``signed`` once it counts."""
    if any(one.auditor == signed.auditor for one in given):
        raise WrongPhase("another auditor must look at it", code="second_wanted")
    if len(given) > 1:
        return signed
    first = given[0] if given else None
    if first is not None and first.verdict is signed.verdict:
        return replace(signed, agreed_with=first.auditor)
    said = (signed.auditor, signed.verdict, signed.pii_reason, signed.manifest_sha256)
    return VerdictGiven(*said, look.share, look.lot, first.verdict if first else None)


def verdicts_given(entries: Sequence[Entry], manifest_sha256: str) -> tuple[VerdictGiven, ...]:
    """Return the verdicts that wait for another one: on this record, since the case was reopened."""
    facts = (entry.fact for entry in _rounds(entries)[1])
    return tuple(
        fact for fact in facts if isinstance(fact, VerdictGiven) and fact.manifest_sha256 == manifest_sha256
    )


def withheld(entries: Sequence[Entry], account: AccountId) -> frozenset[int]:
    """Return the entries (``seq``) that this person is not to see before he has given a verdict himself.

    Nothing once the case is signed.
    """
    since = _rounds(entries)[1]
    given = {entry.seq: entry.fact for entry in since if isinstance(entry.fact, VerdictGiven)}
    if signature(entries) is not None or any(fact.auditor == account for fact in given.values()):
        return frozenset()
    return frozenset(given)


def awaits(entries: Sequence[Entry], auditor: AccountId) -> bool:
    """Tell whether a case waits for a word of this auditor: he may sign it, and has not said his yet."""
    since = _rounds(entries)[1]
    proposed = last(since, OverrideProposed)
    given = {entry.fact.auditor for entry in since if isinstance(entry.fact, VerdictGiven)}
    return (
        phase_of(entries) is CasePhase.UNDER_AUDIT
        and auditor not in took_part(entries)
        and not _signed_before(entries, auditor)
        and (proposed is None or proposed.auditor != auditor)
        and auditor not in given
    )


def reopen(entries: Sequence[Entry], auditor: AccountId, reason: str, due_at: float) -> AuditReopened | None:
    """Return the fact with which a case that was signed, or not drawn, goes back to the auditors.

    ``due_at`` (seconds UTC) is until when it is to be signed anew. None when it stands already and only the
    case was not moved: something cut that off.

    Raises:
        Denied: ``same_person`` took part in the case.
        UserError: ``reason_missing``.
        WrongPhase: nobody has signed it.
    """
    _require_outsider(entries, auditor)
    if not reason.strip():
        raise UserError("whoever reopens a case says why", code="reason_missing")
    if phase_of(entries) not in {CasePhase.APPROVED, CasePhase.REJECTED}:
        raise WrongPhase("only a case with an outcome can be reopened")
    since = _rounds(entries)[1]
    signed, advanced = last(since, AuditSigned), last(since, CaseAdvanced)
    if signed is not None:
        return AuditReopened(auditor, reason, signed.verdict, due_at)
    if advanced is not None and advanced.reason is CaseEnd.NOT_DRAWN:
        return AuditReopened(auditor, reason, Verdict(advanced.now.value), due_at)
    return None


def against(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return what speaks against an approval, as words.

    A check that was repeated and passed has not failed.
    """
    written, verified = last(entries, ArchiveWritten), last(entries, ArchiveVerified)
    intact = verified is not None and (written is None or written.manifest_sha256 == verified.manifest_sha256)
    gaps, decided = last(entries, GapsAccounted), last(entries, Decided)
    steps = gaps.steps if gaps else ()
    speaks = {
        "check_failed": CheckVerdict.FAILED in newest_checks(entries),
        "decision_failed": decided is not None and decided.verdict is CheckVerdict.FAILED,
        "step_incomplete": any(step.mandatory and step.kept is Completeness.INCOMPLETE for step in steps),
        "record_not_verified": not intact,
    }
    return tuple(word for word, found in speaks.items() if found)


def signature(entries: Sequence[Entry]) -> AuditSigned | None:
    """Return the signature that stands; None when there is none, or none since the case was reopened."""
    return last(_rounds(entries)[1], AuditSigned)


def took_part(entries: Sequence[Entry]) -> frozenset[AccountId]:
    """Return everybody of the staff who sat in a call of the case, led it or decided it."""
    return frozenset(account for entry in entries for account in _people(entry.fact) if account)


def _people(fact: Fact) -> Iterator[AccountId | None]:
    match fact:
        case PartyJoined() | ObserverJoined():
            yield fact.account
        case HostChanged():
            yield from (fact.was, fact.now)
        case AgentDecided():
            yield fact.agent
        case _:
            pass


def _covers(proposed: OverrideProposed, grounds: tuple[str, ...], manifest_sha256: str) -> bool:
    """Tell whether a proposal knew of everything that speaks against an approval now, on the same record."""
    return set(grounds) <= set(proposed.grounds) and proposed.manifest_sha256 == manifest_sha256


def _signed_before(entries: Sequence[Entry], auditor: AccountId) -> bool:
    """Tell whether this auditor gave the signature that no longer stands since the case was reopened."""
    earlier = last(_rounds(entries)[0], AuditSigned)
    return earlier is not None and earlier.auditor == auditor


def _require_outsider(entries: Sequence[Entry], auditor: AccountId) -> None:
    if auditor in took_part(entries):
        raise Denied("who took part in a case may not audit it", code="same_person")


def _rounds(entries: Sequence[Entry]) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """Return what was before the case was reopened last, and what came since."""
    reopened = (at for at, entry in enumerate(entries, 1) if isinstance(entry.fact, AuditReopened))
    begun = max(reopened, default=0)
    return entries[:begun], entries[begun:]


def let_pass(entries: Sequence[Entry]) -> bool:
    """Tell whether an agent let the customer pass, or, where no agent was asked, self-service did.

    The latter takes a decision that passed as well: the check alone is no reason to open an account.
    """
    decided = last(entries, AgentDecided)
    if decided is not None:
        return decided.outcome is Outcome.PASSED
    alone = last(entries, SelfChecked), last(entries, Decided)
    return all(fact is not None and fact.verdict is CheckVerdict.PASSED for fact in alone)


def newest_checks(entries: Sequence[Entry]) -> Iterator[CheckVerdict]:
    """Yield the newest verdict of each kind of check."""
    newest = (last(entries, IdNumberChecked), last(entries, FacesCompared))
    of_documents = (last(entries, PortraitsCompared), last(entries, DocumentJudged))
    yield from (check.verdict for check in (*newest, *of_documents) if check)


def last(entries: Sequence[Entry], kind: type[_F]) -> _F | None:
    """Return the newest fact of a kind."""
    return next((entry.fact for entry in reversed(entries) if isinstance(entry.fact, kind)), None)
