"""Connectivity checks: the good ones are understood, everything else is told apart and never raises."""

import struct

import pytest
from aioice import stun
from hypothesis import given, settings
from hypothesis import strategies as st

from media import ice_lite

OURS, THEIRS, PASSWORD = "abcd1234", "them", b"a-password-of-22-chars"
USERNAME = f"{OURS}:{THEIRS}"


def request(username: str = USERNAME, password: bytes = PASSWORD, **attributes: object) -> bytes:
    """Return a binding request; underscores of attribute names become hyphens."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = username
    message.attributes["ICE-CONTROLLING"] = 1
    for name, value in attributes.items():
        message.attributes[name.replace("_", "-")] = value
    message.add_message_integrity(password)
    return bytes(message)


def header(kind: int = 1, length: int = 0, cookie: int = stun.COOKIE) -> bytes:
    return struct.pack("!HHI12x", kind, length, cookie)


def test_a_good_check_is_understood() -> None:
    """It is addressed by the first half of its user name, and nominates with USE-CANDIDATE only."""
    assert ice_lite.addressed_to(request()) == OURS.encode()
    plain = ice_lite.verify(request(), USERNAME, PASSWORD)
    nominating = ice_lite.verify(request(USE_CANDIDATE=None), USERNAME, PASSWORD)
    assert isinstance(plain, ice_lite.Check)
    assert isinstance(nominating, ice_lite.Check)
    assert (plain.nominates, nominating.nominates) == (False, True)


def test_the_user_name_may_come_later() -> None:
    """The order of attributes is free (RFC 8489 section 5), padding included."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes |= {"SOFTWARE": "x", "PRIORITY": 1, "USERNAME": USERNAME}
    assert ice_lite.addressed_to(bytes(message)) == OURS.encode()


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        header()[:19],
        header(kind=0x0101),
        header(cookie=1),
        header(length=4),
        header(),
        header(length=2) + b"\x00\x06",
        header(length=8) + struct.pack("!HH4s", 6, 4, b"abcd"),
        header(length=4) + struct.pack("!HH", 0x0024, 0xFFFF),
        header(length=4 * 17) + 17 * struct.pack("!HH", 0x0025, 0),
    ],
)
def test_what_names_nobody_is_for_nobody(datagram: bytes) -> None:
    """Too short, no request, foreign cookie, wrong length, no or half a user name, too many attributes."""
    assert ice_lite.addressed_to(datagram) is None


def test_refusals_are_told_apart() -> None:
    """A foreign pair of names, a wrong password, no integrity at all, and what cannot be parsed."""
    bare = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": USERNAME})
    broken = bytearray(request())
    broken[-1] ^= 1
    assert ice_lite.verify(request(f"{OURS}:other"), USERNAME, PASSWORD) == "username"
    assert ice_lite.verify(request(password=b"wrong"), USERNAME, PASSWORD) == "integrity"
    assert ice_lite.verify(bytes(bare), USERNAME, PASSWORD) == "integrity"
    assert ice_lite.verify(bytes(broken), USERNAME, PASSWORD) == "stun"
    assert ice_lite.verify(b"", USERNAME, PASSWORD) == "stun"


def test_what_follows_the_integrity_does_not_nominate() -> None:
    """USE-CANDIDATE put behind MESSAGE-INTEGRITY by somebody on the way has no effect."""
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": USERNAME})
    message.add_message_integrity(PASSWORD)
    del message.attributes["FINGERPRINT"]
    message.attributes["USE-CANDIDATE"] = None
    check = ice_lite.verify(bytes(message), USERNAME, PASSWORD)
    assert isinstance(check, ice_lite.Check)
    assert not check.nominates


@pytest.mark.parametrize(("host", "port"), [("192.0.2.7", 40_000), ("2001:db8::7", 65_535)])
def test_the_answer_is_what_the_other_side_needs(host: str, port: int) -> None:
    """Same transaction, its own address, integrity with our password, fingerprint."""
    sent = request()
    check = ice_lite.verify(sent, USERNAME, PASSWORD)
    assert isinstance(check, ice_lite.Check)
    answer = stun.parse_message(ice_lite.answer(check, host, port, PASSWORD))
    assert answer.transaction_id == sent[8:20]
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == (host, port)
    assert answer.check_message_integrity(PASSWORD)
    assert "FINGERPRINT" in answer.attributes


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_garbage_never_raises(body: bytes) -> None:
    """Random bytes behind a good header are for nobody or refused."""
    datagram = header(length=len(body)) + body
    ice_lite.addressed_to(datagram)
    assert isinstance(ice_lite.verify(datagram, USERNAME, PASSWORD), str)


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_check_never_raises_nor_passes(data: st.DataObject) -> None:
    """Any byte changed, or the end cut off: refused, or addressed to somebody else."""
    good = request(USE_CANDIDATE=None)
    if data.draw(st.booleans()):
        damaged = good[: data.draw(st.integers(0, len(good) - 1))]
    else:
        at = data.draw(st.integers(0, len(good) - 1))
        damaged = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    ice_lite.addressed_to(damaged)
    check = ice_lite.verify(damaged, USERNAME, PASSWORD)
    assert isinstance(check, str) or damaged[:20] + good[20:] == good


@settings(max_examples=200)
@given(st.integers(0, 0xFFFF), st.binary(max_size=40))
def test_any_attribute_of_any_content_is_survived(kind: int, content: bytes) -> None:
    """An attribute whose content does not fit its type is refused, not raised."""
    body = struct.pack("!HH", kind, len(content)) + content + bytes(-len(content) % 4)
    datagram = header(length=len(body)) + body
    ice_lite.addressed_to(datagram)
    assert isinstance(ice_lite.verify(datagram, USERNAME, PASSWORD), str)
