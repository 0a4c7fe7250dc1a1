"""One-time codes: made, matched and used up. Pure but for the randomness of a new one."""

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass, replace

# Six digits, ten minutes, three attempts: a guesser is right three times in a million (BaFin's TAN is the
# model; NIST SP 800-63B, 5.1.3, asks for six digits and ten minutes as well).
DIGITS = 6
LIFETIME_S = 600.0
ATTEMPTS = 3
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """A code on its way to a customer, good until ``expires_at`` (seconds UTC) for ``left`` attempts.

    ``key`` is kept in memory only: with it ``hmac`` is the code's, without it nobody finds the code.
    """

    digits: str
    key: bytes
    expires_at: float
    left: int = ATTEMPTS

    def __repr__(self) -> str:
        return f"OneTimeCode(expires_at={self.expires_at}, left={self.left})"

    @property
    def hmac(self) -> str:
        """Return what the journal may hold of it: HMAC-SHA-256, hexadecimal."""
        return hmac.new(self.key, self.digits.encode(), hashlib.sha256).hexdigest()


def new_code(now: float) -> OneTimeCode:
    """Return a fresh code of the operating system's randomness."""
    digits = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    return OneTimeCode(digits, secrets.token_bytes(_KEY_BYTES), now + LIFETIME_S)


def try_code(code: OneTimeCode, entered: str, now: float) -> tuple[bool, OneTimeCode]:
    """Return whether ``entered`` is right, and the code as it is then; in the same time for every text.

    Full-width digits and spaces are taken as what they stand for. A right code is used up; one that has
    expired is so too, whatever was entered.
    """
    if now >= code.expires_at:
        return False, replace(code, left=0)
    typed = "".join(unicodedata.normalize("NFKC", entered).split()).encode(errors="replace")
    right = hmac.compare_digest(typed, code.digits.encode()) and code.left > 0
    return right, replace(code, left=0 if right else max(0, code.left - 1))


def masked(address: str) -> str:
    """Return an address as a screen may show it: ``138****5678``, ``w***@example.com``."""
    name, at, host = address.partition("@")
    if at:
        return f"{name[:1]}***@{host}"
    return f"{name[:3]}****{name[-4:]}" if len(name) >= 8 else "****"
