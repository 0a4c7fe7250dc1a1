"""Tickets and upload tokens."""

import base64
import json

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from contract.errors import Denied
from contract.ids import CaseId, SeatId, TenantId, new_case_id
from signaling.tickets import TicketExpired, Tickets, UploadClaims
from tests.signaling.fakes import FakeClock, MemoryLedger

KEY = b"k" * 32
BANK = TenantId("tenant-1")


@pytest.fixture(name="clock")
def _clock() -> FakeClock:
    """A clock that stands."""
    return FakeClock()


@pytest.fixture(name="tickets")
def _tickets(clock: FakeClock) -> Tickets:
    """Tickets with a fresh ledger."""
    return Tickets(KEY, MemoryLedger(), clock)


async def denied(tickets: Tickets, text: str) -> str:
    with pytest.raises(Denied) as caught:
        await tickets.redeem(text)
    return caught.value.code


async def test_a_ticket_is_good_once(tickets: Tickets, clock: FakeClock) -> None:
    """It grants its case and tenant, then is used."""
    case = new_case_id()
    ticket, text, expires_at = tickets.issue(case, BANK, 900)
    claims = await tickets.redeem(text)
    assert (claims.ticket, claims.case, claims.tenant) == (ticket, case, BANK)
    assert expires_at == clock.now() + 900
    assert await denied(tickets, text) == "ticket_used"


async def test_a_ticket_expires(tickets: Tickets, clock: FakeClock) -> None:
    """At its time it is refused, without being marked as used, and tells whose it was."""
    case = new_case_id()
    _, text, _ = tickets.issue(case, BANK, 900)
    clock.advance(900)
    with pytest.raises(TicketExpired) as caught:
        await tickets.redeem(text)
    assert caught.value.code == "ticket_expired"
    assert caught.value.claims.case == case


async def test_a_changed_ticket_is_invalid(tickets: Tickets) -> None:
    """One changed byte in the claims, another key, or no JWT at all."""
    _, text, _ = tickets.issue(new_case_id(), BANK, 900)
    head, body, signature = text.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["case"] = new_case_id()
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    other = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(b"x" * 32))
    for bad in (f"{head}.{forged}.{signature}", other, "", "a.b.c", "é" * 10, "x" * 5_000):
        assert await denied(tickets, bad) == "ticket_invalid"


async def test_an_unsigned_ticket_is_invalid(tickets: Tickets) -> None:
    """``alg: none`` (RFC 8725, 3.1) is not accepted."""
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(b'{"aud":"ticket","exp":9999999999}').decode().rstrip("=")
    assert await denied(tickets, f"{head}.{body}.") == "ticket_invalid"


@pytest.mark.parametrize("expires_at", [None, True, "9999999999", {}])
async def test_a_ticket_without_a_time_is_invalid(tickets: Tickets, expires_at: object) -> None:
    """A genuine signature over a body without a number as ``exp`` grants nothing."""
    body = {"aud": "ticket", "jti": "t", "case": "c", "tenant": "b", "exp": expires_at}
    text = jwt.encode({"alg": "HS256"}, body, OctKey.import_key(KEY))
    assert await denied(tickets, text) == "ticket_invalid"


async def test_one_kind_is_not_taken_for_the_other(tickets: Tickets) -> None:
    """An upload token opens no seat and a ticket uploads nothing."""
    case, seat = new_case_id(), SeatId("seat-1")
    assert await denied(tickets, tickets.issue_upload(case, seat, 60)) == "ticket_invalid"
    _, text, _ = tickets.issue(case, BANK, 60)
    with pytest.raises(Denied) as caught:
        tickets.check_upload(text)
    assert caught.value.code == "upload_denied"


async def test_an_upload_token_is_good_until_it_expires(tickets: Tickets, clock: FakeClock) -> None:
    """It can be used for several pictures."""
    text = tickets.issue_upload(CaseId("case-1"), SeatId("seat-1"), 60)
    for _ in range(2):
        assert tickets.check_upload(text) == UploadClaims(CaseId("case-1"), SeatId("seat-1"))
    clock.advance(60)
    with pytest.raises(Denied) as caught:
        tickets.check_upload(text)
    assert caught.value.code == "upload_denied"
