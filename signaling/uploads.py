"""Answers to those who upload a still: may it come, may it be stored, it is over."""

from contract.errors import NotFound, UserError
from contract.phases import EvidenceKind
from signaling.actions import ClaimStill, ConfirmStill
from signaling.people import Visit


def answer_upload(visit: Visit | None, action: ClaimStill | ConfirmStill) -> None:
    """Reply to ``action`` with the kind of the picture, or with the UserError that refuses it."""
    if action.reply.cancelled():
        return
    try:
        action.reply.set_result(_allow(visit, action))
    except UserError as error:
        action.reply.set_exception(error)


def _allow(visit: Visit | None, action: ClaimStill | ConfirmStill) -> EvidenceKind:
    if visit is None or visit.call is None:
        raise NotFound("no call of this case")
    if isinstance(action, ClaimStill):
        return visit.call.claim_upload(action.seat, action.request)
    return visit.call.confirm_upload(action.seat, action.request)
