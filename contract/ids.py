"""Identifiers. Each kind has its own type, so that mypy refuses a seat where a case is meant."""

import re
import secrets
from typing import NewType

TenantId = NewType("TenantId", str)
AccountId = NewType("AccountId", str)
CaseId = NewType("CaseId", str)
CallId = NewType("CallId", str)
SeatId = NewType("SeatId", str)
TrackId = NewType("TrackId", str)
TicketId = NewType("TicketId", str)
EvidenceId = NewType("EvidenceId", str)
CheckId = NewType("CheckId", str)
JobId = NewType("JobId", str)

# Crockford's alphabet: no I, L, O, U, so an id survives being read aloud over a bad line.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# 16 symbols of 5 bits are 80 random bits: no collision to be expected in 10**9 ids.
_LENGTH = 16
_PATTERN = re.compile(r"[a-z]{2,8}-[0-9a-hjkmnp-tv-z]{16}")


def new_id(prefix: str) -> str:
    """Return a fresh random id, for example ``case-3k9m0c7v2q8x1tzr``."""
    return f"{prefix}-{''.join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))}"


def is_id(text: str) -> bool:
    """Tell whether ``text`` has the form of an id: safe as a file name and in a URL."""
    return _PATTERN.fullmatch(text) is not None


def new_account_id() -> AccountId:
    """Return a fresh account id."""
    return AccountId(new_id("acct"))


def new_case_id() -> CaseId:
    """Return a fresh case id."""
    return CaseId(new_id("case"))


def new_call_id() -> CallId:
    """Return a fresh call id."""
    return CallId(new_id("call"))


def new_seat_id() -> SeatId:
    """Return a fresh seat id."""
    return SeatId(new_id("seat"))


def new_track_id() -> TrackId:
    """Return a fresh track id."""
    return TrackId(new_id("track"))


def new_ticket_id() -> TicketId:
    """Return a fresh ticket id."""
    return TicketId(new_id("ticket"))


def new_evidence_id() -> EvidenceId:
    """Return a fresh evidence id."""
    return EvidenceId(new_id("ev"))


def new_check_id() -> CheckId:
    """Return a fresh check id."""
    return CheckId(new_id("check"))


def new_job_id() -> JobId:
    """Return a fresh job id."""
    return JobId(new_id("job"))
