"""Which cases are audited at all: drawn by lot under a key of the house, as the policy's plan says. Pure.

The lot is a keyed hash of the case, so it cannot be foreseen without the key, cannot be drawn again until it
fits, and can be worked out again by whoever has the key.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from contract.audit_facts import AuditDrawn
from contract.facts import CaseAdvanced, CaseCreated, Entry, Fact
from contract.identity_facts import Decided
from contract.phases import CaseEnd, CasePhase, CheckVerdict, advance_case
from signaling.sign_off import Look, against, last, let_pass, newest_checks
from signaling.turns import phase_of

# Of an HMAC-SHA-256, in hexadecimal digits: a fraction known to 5e-20.
_LOT_DIGITS = 16
_LOTS: int = 16**_LOT_DIGITS


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """What a policy says of audits: ``share`` (0 to 1) of its cases within ``due_days`` working days.

    ``second_look`` (0 to 1) of what one auditor could sign alone is looked at by another one.
    """

    policy: str
    version: int
    share: float = 1.0
    due_days: int = 1
    second_look: float = 0.0


def lot(key: bytes, what: str, created: CaseCreated, entry: Entry) -> str:
    """Return the lot of the case of ``entry`` for ``what`` it is drawn for, as 16 hexadecimal digits."""
    named = "\0".join((what, created.tenant, entry.case)).encode()
    return hmac.new(key, named, hashlib.sha256).hexdigest()[:_LOT_DIGITS]


def is_drawn(drawn: str, share: float) -> bool:
    """Tell whether a lot lies within ``share``: with 1 every lot does, with 0 none."""
    return int(drawn, 16) < share * _LOTS


def always_drawn(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return why a case is audited whatever its lot, as words: doubts are for a person, accounts for two."""
    decided = last(entries, Decided)
    verdicts = (*newest_checks(entries), *((decided.verdict,) if decided else ()))
    speaks = {
        "in_doubt": CheckVerdict.REVIEW in verdicts,
        "account_class": decided is not None and decided.account_class is not None,
    }
    return (*against(entries), *(word for word, found in speaks.items() if found))


def second_look(entries: Sequence[Entry], plan: AuditPlan, key: bytes) -> Look | None:
    """Return the draw for a second look, None for a case that is not drawn."""
    created = last(entries, CaseCreated)
    drawn = lot(key, "second look", created, entries[0]) if created else ""
    return Look(plan.second_look, drawn) if drawn and is_drawn(drawn, plan.second_look) else None


def hand_over(entries: Sequence[Entry], plan: AuditPlan, key: bytes, due_at: float) -> tuple[Fact, ...]:
    """Return the facts with which a case in AGENT_DONE goes to the auditors, or to the agent's result.

    Nothing for a case in any other phase. A draw that stands in the journal already is kept: something cut
    the rest off.
    """
    if phase_of(entries) is not CasePhase.AGENT_DONE:
        return ()
    standing = last(entries, AuditDrawn)
    draw = standing or _draw(entries, plan, key, due_at)
    goal = CasePhase.APPROVED if let_pass(entries) else CasePhase.REJECTED
    to, reason = (CasePhase.UNDER_AUDIT, None) if draw.drawn else (goal, CaseEnd.NOT_DRAWN)
    advanced = CaseAdvanced(CasePhase.AGENT_DONE, advance_case(CasePhase.AGENT_DONE, to), reason)
    return (advanced,) if standing else (draw, advanced)


def _draw(entries: Sequence[Entry], plan: AuditPlan, key: bytes, due_at: float) -> AuditDrawn:
    created = last(entries, CaseCreated)
    # A journal that does not tell whose case it is gets no lot, and is looked at.
    drawn_lot = lot(key, "audit", created, entries[0]) if created else ""
    grounds = always_drawn(entries)
    drawn = bool(grounds) or not drawn_lot or is_drawn(drawn_lot, plan.share)
    return AuditDrawn(
        drawn, plan.share, drawn_lot, grounds, plan.policy, plan.version, due_at if drawn else None
    )
