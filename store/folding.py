"""What each fact says about its case's row. Pure.

Two processes append to one journal, so entries may arrive here out of order, twice, or, when a process
dies between append and projection, only at the next rebuild. Each column therefore keeps the sequence
number of the entry that set it last and takes newer ones only: folding the same entries in any order,
any number of times, gives the same row.
"""

from collections.abc import Mapping
from typing import Any

from contract import facts
from contract.facts import Entry
from contract.identity_facts import PortraitsCompared
from contract.keeping_facts import HoldLifted, HoldSet, RelationEnded
from contract.phases import CasePhase, Role, Verdict

Row = Mapping[str, Any]

# A case whose first entry has not come yet; an empty tenant keeps it out of every list.
BLANK: Row = {
    "tenant": "",
    "phase": CasePhase.CREATED.value,
    "purpose": "",
    "policy": "",
    "pii_customer_name": "",
    "created_at": 0.0,
    "updated_at": 0.0,
    "last_seq": 0,
    "agent": None,
    "agent_name": "",
    "call": None,
    "call_end": "",
    "call_s": None,
    "outcome": "",
    "case_end": "",
    "face_verdict": "",
    "face_score": None,
    "id_verdict": "",
    "gap_s": None,
    "merged_file": "",
    "manifest_sha256": "",
    "archived": False,
    "spool_released": False,
    "audit_verdict": "",
    "auditor": None,
    "pii_customer_ref": "",
    "pii_callback_phone": "",
    "pii_callback_wish": "",
    "callback_at": None,
    "reason": "",
    "due_at": None,
    "second_look": "",
    "words": None,
    "set_by": {},
}


# Phases at which the rules of retention begin to count, or stop.
_AT_REST = frozenset(
    {CasePhase.UNDER_AUDIT, CasePhase.APPROVED, CasePhase.REJECTED, CasePhase.ABORTED, CasePhase.EXPIRED}
)


def changes_keeping(entry: Entry) -> bool:
    """Tell whether ``entry`` may change how long its case is kept."""
    match entry.fact:
        case facts.CaseAdvanced(now=phase):
            return phase in _AT_REST
        case HoldSet() | HoldLifted() | RelationEnded() | facts.SpoolReleased():
            return True
        case _:
            return False


def fold(row: Row, entry: Entry) -> Row:
    """Return ``row`` with what ``entry`` says."""
    set_by = dict(row["set_by"])
    newer = {name: value for name, value in changes(entry).items() if entry.seq >= set_by.get(name, 0)}
    set_by |= dict.fromkeys(newer, entry.seq)
    return {
        **row,
        **newer,
        "set_by": set_by,
        "updated_at": max(row["updated_at"], entry.at),
        "last_seq": max(row["last_seq"], entry.seq),
    }


def changes(entry: Entry) -> Row:
    """Return the columns that ``entry`` sets."""
    match entry.fact:
        case facts.CaseCreated() as fact:
            return {
                "tenant": fact.tenant,
                "purpose": fact.purpose,
                "policy": fact.policy,
                "pii_customer_name": fact.pii_customer_name,
                "pii_customer_ref": fact.pii_customer_ref,
                "created_at": entry.at,
            }
        case facts.CaseAdvanced() as fact:
            ended = fact.reason.value if fact.reason else ""
            # Of a case that an agent refused, his reason stays.
            told = ended and fact.now is not CasePhase.REJECTED
            return {"phase": fact.now.value, "case_end": ended, **({"reason": ended} if told else {})}
        case facts.IdNumberChecked() as fact:
            return {"id_verdict": fact.verdict.value}
        case facts.FacesCompared() as fact:
            return {"face_verdict": fact.verdict.value, "face_score": fact.score}
        case PortraitsCompared() as fact:
            return {"face_verdict": fact.verdict.value, "face_score": _of_card_and_still(fact)}
        case facts.AgentDecided() as fact:
            return {"agent": fact.agent, "outcome": fact.outcome.value, "reason": fact.reason}
        case facts.AuditReopened() as fact:
            return {"auditor": None, "audit_verdict": "", "due_at": fact.due_at}
        case facts.AuditSigned() as fact:
            signed = {"auditor": fact.auditor, "audit_verdict": fact.verdict.value, "due_at": None}
            return signed | ({"second_look": _looks(fact.verdict, fact.verdict)} if fact.agreed_with else {})
        case facts.VerdictGiven(first=Verdict() as first) as fact:
            return {"second_look": _looks(first, fact.verdict)}
        case facts.AuditDrawn() as fact:
            return {"due_at": fact.due_at}
        case _:
            return {**_of_call(entry), **_of_callback(entry), **_of_record(entry)}


def _looks(first: Verdict, second: Verdict) -> str:
    return f"{first} {second}"


def _of_card_and_still(fact: PortraitsCompared) -> float | None:
    pairs = (pair.score for pair in fact.pairs if (pair.first, pair.second) == ("card", "still"))
    return next(pairs, None)


def _of_call(entry: Entry) -> Row:
    match entry.fact:
        case facts.CallAdvanced(was=None) as fact:
            return {"call": fact.call, "call_end": "", "call_s": None}
        case facts.CallEnded() as fact:
            return {"call": fact.call, "call_end": fact.reason.value, "call_s": fact.seconds}
        case facts.PartyJoined(role=Role.AGENT) as fact:
            return {"agent": fact.account, "agent_name": fact.name}
        case facts.HostChanged(now=str()) as fact:
            return {"agent": fact.now, **({"agent_name": fact.name} if fact.name else {})}
        case _:
            return {}


def _of_callback(entry: Entry) -> Row:
    match entry.fact:
        case facts.CallbackRequested() as fact:
            return {
                "pii_callback_phone": fact.pii_phone,
                "pii_callback_wish": fact.pii_wish,
                "callback_at": entry.at,
            }
        case facts.CallbackMade():
            return {"pii_callback_phone": "", "pii_callback_wish": "", "callback_at": None}
        case _:
            return {}


def _of_record(entry: Entry) -> Row:
    match entry.fact:
        case facts.MergeCompleted() as fact:
            return {"merged_file": fact.file, "gap_s": fact.gap_s}
        case facts.ArchiveWritten() as fact:
            return {"manifest_sha256": fact.manifest_sha256, "archived": False}
        case facts.ArchiveVerified() as fact:
            return {"manifest_sha256": fact.manifest_sha256, "archived": True}
        case facts.SpoolReleased():
            return {"spool_released": True}
        case _:
            return {}
