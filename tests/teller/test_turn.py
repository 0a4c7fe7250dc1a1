"""TURN: which URIs are taken, and credentials as coturn checks them."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teller.turn import Turn, TurnUri

TURN = Turn((TurnUri.parse("turn:a.example"), TurnUri.parse("turns:a.example:443")), "hush", 3_600.0)


@pytest.mark.parametrize(
    ("text", "host", "port", "transport"),
    [
        ("turn:turn.bank.example", "turn.bank.example", 3478, "udp"),
        ("turn:turn.bank.example:3479?transport=udp", "turn.bank.example", 3479, "udp"),
        ("turn:10.1.2.3?transport=tcp", "10.1.2.3", 3478, "tcp"),
        ("turns:turn.bank.example", "turn.bank.example", 5349, "tls"),
        ("turns:turn.bank.example:443?transport=tcp", "turn.bank.example", 443, "tls"),
        ("turn:[2001:db8::1]:3478", "2001:db8::1", 3478, "udp"),
    ],
)
def test_uris_are_taken_apart(text: str, host: str, port: int, transport: str) -> None:
    """Scheme, port and transport have the defaults of RFC 7065; the text stays as it was written."""
    uri = TurnUri.parse(text)
    assert (uri.text, uri.host, uri.port, uri.transport) == (text, host, port, transport)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("stun:stun.example:3478", "is wanted"),
        ("turn://turn.example", "is wanted"),
        ("turn.example:3478", "is wanted"),
        ("turn:", "is wanted"),
        ("turn:user@turn.example", "is wanted"),
        ("turn:turn.example:0", "a port is 1 to 65535"),
        ("turn:turn.example:70000", "a port is 1 to 65535"),
        ("turn:turn.example?transport=sctp", "transport is udp or tcp"),
        ("turns:turn.example?transport=udp", "browsers speak turns: over tcp only"),
    ],
)
def test_other_uris_are_refused(text: str, fault: str) -> None:
    """What browsers cannot use is refused with the reason."""
    with pytest.raises(ValueError, match=fault):
        TurnUri.parse(text)


def test_without_uris_nobody_is_told_anything() -> None:
    """No TURN and no third party's STUN unless configured."""
    assert Turn((), "", 60.0).servers("seat-a", 0.0) == ()


@given(st.text(min_size=1), st.from_regex(r"seat-[a-z0-9]{16}", fullmatch=True), st.floats(0, 4e9))
def test_credentials_are_those_that_coturn_expects(secret: str, party: str, now: float) -> None:
    """The name is expiry and party, the credential its HMAC-SHA1 under the shared secret, in base64."""
    turn = Turn(TURN.uris, secret, 3_600.0)
    (server,) = turn.servers(party, now)

    assert server.urls == ("turn:a.example", "turns:a.example:443")
    assert server.username == f"{int(now + 3_600)}:{party}"
    wanted = hmac.new(secret.encode(), server.username.encode(), hashlib.sha1).digest()
    assert server.credential is not None
    assert base64.b64decode(server.credential, validate=True) == wanted


def test_a_known_credential() -> None:
    """A fixed example, computed with openssl dgst -sha1 -hmac."""
    (server,) = TURN.servers("seat-0123456789abcdef", 1_700_000_000.9)
    assert server.username == "1700003600:seat-0123456789abcdef"
    assert server.credential == "kljK9t2DmIitPt+5QAy3QOgHOdU="


def test_the_secret_does_not_show() -> None:
    """Neither a page nor a log of the settings shows the secret."""
    assert "hush" not in repr(TURN)
    assert "hush" not in repr(TURN.servers("seat-a", 0.0))
