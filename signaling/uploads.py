"""Answers to those who upload: may a still come, may it be stored, who shares a file."""

from contract.errors import NotFound, UserError, WrongPhase
from contract.phases import CallPhase, EvidenceKind, SeatMode
from signaling.actions import AskSeated, AskSharer, ClaimStill, ConfirmStill, Sharer
from signaling.call import Call
from signaling.people import Visit

_TALKING = frozenset({CallPhase.CONNECTING, CallPhase.ACTIVE, CallPhase.RECONNECTING})


def answer_upload(visit: Visit | None, action: ClaimStill | ConfirmStill) -> None:
    """Reply to ``action`` with the kind of the picture, or with the UserError that refuses it."""
    if action.reply.cancelled():
        return
    try:
        action.reply.set_result(_allow(visit, action))
    except UserError as error:
        action.reply.set_exception(error)


def _allow(visit: Visit | None, action: ClaimStill | ConfirmStill) -> EvidenceKind:
    call = _call_of(visit)
    if isinstance(action, ClaimStill):
        return call.claim_upload(action.seat, action.request)
    return call.confirm_upload(action.seat, action.request)


def answer_sharer(visit: Visit | None, action: AskSharer) -> None:
    """Reply to ``action`` with who shares a file, or with the UserError that refuses it."""
    if action.reply.cancelled():
        return
    try:
        action.reply.set_result(_sharer(_call_of(visit), action))
    except UserError as error:
        action.reply.set_exception(error)


def answer_seated(visit: Visit | None, action: AskSeated) -> None:
    """Reply to ``action`` whether the account sits in the case's call."""
    if not action.reply.cancelled():
        staff = visit.call.staff if visit and visit.call and visit.call.reason is None else ()
        action.reply.set_result(any(party.account == action.account for party in staff))


def _sharer(call: Call, action: AskSharer) -> Sharer:
    parties = (call.customer,) if action.account is None else call.staff
    for party in parties:
        if party.account == action.account and (action.account or party.seat == action.seat):
            break
    else:
        raise NotFound("no party of this call")
    if call.phase is CallPhase.HELD or call.mode_of(party.seat) is not SeatMode.TALKING:
        # A file is shown to the customer, who must not learn of an observer.
        raise WrongPhase("the customer would not know of whom", code="held")
    if call.phase not in _TALKING:
        raise WrongPhase("files are shared in a call")
    if action.holds is not None:
        call.checks.hold(action.holds)
    return Sharer(call.call, party)


def _call_of(visit: Visit | None) -> Call:
    if visit is None or visit.call is None:
        raise NotFound("no call of this case")
    return visit.call
