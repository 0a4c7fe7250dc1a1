"""Tickets: signed, expiring, one-use rights to take a seat; and upload tokens, made the same way.

Both are JSON Web Tokens (RFC 7519) signed with HS256. The ``aud`` claim keeps one kind from being
used as the other.
"""

from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from contract.errors import Denied, Unproven
from contract.ids import CaseId, SeatId, TenantId, TicketId, new_ticket_id
from contract.ports import Clock, TicketLedger

_ALGORITHM: Final = "HS256"
_TICKET: Final = "ticket"
_UPLOAD: Final = "upload"
# A ticket is about 300 characters; longer texts are not worth a signature check.
_TEXT_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class TicketClaims:
    """What a ticket grants. ``expires_at`` is seconds UTC."""

    ticket: TicketId
    case: CaseId
    tenant: TenantId
    expires_at: float


@dataclass(frozen=True, slots=True)
class UploadClaims:
    """What an upload token grants: the customer's uploads to one case, and its files, from one seat."""

    case: CaseId
    seat: SeatId


class TicketExpired(Denied):
    """A genuine ticket came too late; ``claims`` tell whose it was."""

    default_code = "ticket_expired"

    def __init__(self, claims: TicketClaims) -> None:
        self.claims = claims
        super().__init__("the ticket has expired")


class Tickets:
    """Issues and redeems. ``key`` is the signing secret."""

    def __init__(self, key: bytes, ledger: TicketLedger, clock: Clock) -> None:
        self._key = OctKey.import_key(key)
        self._ledger = ledger
        self._clock = clock

    def issue(self, case: CaseId, tenant: TenantId, lifetime_s: float) -> tuple[TicketId, str, float]:
        """Return a fresh ticket's id, its text for the link, and when it expires (seconds UTC)."""
        ticket = new_ticket_id()
        expires_at = self._clock.now() + lifetime_s
        text = self._sign(_TICKET, expires_at, {"jti": ticket, "case": case, "tenant": tenant})
        return ticket, text, expires_at

    async def redeem(self, text: str) -> TicketClaims:
        """Return what ``text`` grants, the first time only.

        Raises:
            Unproven: ``ticket_invalid``.
            Denied: ``ticket_used``.
            TicketExpired: code ``ticket_expired``.
        """
        body = self._verify(_TICKET, text, "ticket_invalid")
        claims = TicketClaims(
            TicketId(str(body.get("jti"))),
            CaseId(str(body.get("case"))),
            TenantId(str(body.get("tenant"))),
            float(body["exp"]),
        )
        if claims.expires_at <= self._clock.now():
            raise TicketExpired(claims)
        if not await self._ledger.redeem(claims.ticket, claims.expires_at):
            raise Denied("the ticket was used before", code="ticket_used")
        return claims

    def issue_upload(self, case: CaseId, seat: SeatId, lifetime_s: float) -> str:
        """Return a token with which ``seat`` may upload to ``case`` and get its files."""
        return self._sign(_UPLOAD, self._clock.now() + lifetime_s, {"case": case, "seat": seat})

    def check_upload(self, text: str) -> UploadClaims:
        """Return what an upload token grants. Raises Unproven ``upload_denied``."""
        body = self._verify(_UPLOAD, text, "upload_denied")
        if body["exp"] <= self._clock.now():
            raise Unproven("the upload token has expired", code="upload_denied")
        return UploadClaims(CaseId(str(body.get("case"))), SeatId(str(body.get("seat"))))

    def _sign(self, audience: str, expires_at: float, claims: dict[str, Any]) -> str:
        body = claims | {"aud": audience, "exp": expires_at}
        return jwt.encode({"alg": _ALGORITHM}, body, self._key)

    def _verify(self, audience: str, text: str, code: str) -> dict[str, Any]:
        try:
            if len(text) > _TEXT_MAX:
                raise ValueError("too long")
            body = jwt.decode(text, self._key, algorithms=[_ALGORITHM]).claims
        except (JoseError, ValueError, TypeError) as error:
            raise Unproven("not a token of ours", code=code) from error
        expires_at = body.get("exp")
        number = isinstance(expires_at, int | float) and not isinstance(expires_at, bool)
        if body.get("aud") != audience or not number:
            raise Unproven("a token for something else", code=code)
        return dict(body)
