"""ICE-lite (RFC 8445): connectivity checks are verified and answered, none is sent. Pure code.

``addressed_to`` finds whom a check is for in about 1 us, before anything is parsed or hashed: a flood with
guessed user names costs no more than that. ``verify`` reads it whole (aioice) and checks its integrity.
"""

from dataclasses import dataclass
from struct import error as StructError  # noqa: N812
from struct import unpack_from

from aioice import stun

# RFC 8489 section 5: type, length, magic cookie, transaction id.
_HEADER_BYTES = 20
_BINDING_REQUEST = 0x0001
_USERNAME = 0x0006
# Browsers send nine attributes in a check, USERNAME among the first.
_ATTRIBUTES_MAX = 16


@dataclass(frozen=True, slots=True)
class Check:
    """An authenticated connectivity check; ``nominates`` when it carries USE-CANDIDATE."""

    transaction_id: bytes
    nominates: bool


def addressed_to(datagram: bytes) -> bytes | None:
    """Return the local user name fragment of a binding request, None when it is none or names nobody."""
    if len(datagram) < _HEADER_BYTES:
        return None
    kind, length, cookie = unpack_from("!HHI", datagram)
    if kind != _BINDING_REQUEST or cookie != stun.COOKIE or length + _HEADER_BYTES != len(datagram):
        return None
    at = _HEADER_BYTES
    for _ in range(_ATTRIBUTES_MAX):
        if at + 4 > len(datagram):
            return None
        attribute, size = unpack_from("!HH", datagram, at)
        if attribute == _USERNAME:
            ours, colon, _theirs = datagram[at + 4 : at + 4 + size].partition(b":")
            return ours if colon else None
        at += 4 + size + (-size & 3)
    return None


def verify(datagram: bytes, username: str, password: bytes) -> Check | str:
    """Return the check, or in a word why it is none.

    ``username`` is "ours:theirs" (RFC 8445 section 7.2.2), ``password`` ours. Role conflicts are not
    looked for: a lite agent is always controlled (section 7.3), and whoever offers is in control.
    """
    try:
        message = stun.parse_message(datagram)
    except (ValueError, StructError, IndexError):
        return "stun"
    if message.attributes.get("USERNAME") != username:
        return "username"
    if not message.check_message_integrity(password):
        return "integrity"
    return Check(message.transaction_id, "USE-CANDIDATE" in message.attributes)


def answer(check: Check, host: str, port: int, password: bytes) -> bytes:
    """Return the success response to a check that came from ``host`` and ``port``."""
    message = stun.Message(
        stun.Method.BINDING,
        stun.Class.RESPONSE,
        check.transaction_id,
        {"XOR-MAPPED-ADDRESS": (host, port)},
    )
    message.add_message_integrity(password)
    return bytes(message)
