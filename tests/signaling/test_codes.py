"""One-time codes: six digits, ten minutes, three attempts, and nothing of them in a log."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.codes import ATTEMPTS, DIGITS, LIFETIME_S, OneTimeCode, masked, new_code, try_code

CODE = OneTimeCode("012345", b"k" * 32, 1_000.0)


def test_a_fresh_code() -> None:
    """Digits only, leading zeros kept; two are not alike."""
    fresh = [new_code(5.0) for _ in range(50)]
    assert {len(code.digits) for code in fresh} == {DIGITS}
    assert all(code.digits.isdecimal() for code in fresh)
    assert {(code.expires_at, code.left) for code in fresh} == {(5.0 + LIFETIME_S, ATTEMPTS)}
    assert len({code.digits for code in fresh}) > 45
    assert len({code.hmac for code in fresh}) == 50


@pytest.mark.parametrize("entered", ["012345", " 012 345 ", "０１２３４５", "012345\n"])
def test_right_is_right_however_it_is_typed(entered: str) -> None:
    """Full width and spaces are no mistakes; a right code is used up."""
    right, after = try_code(CODE, entered, 999.0)
    assert right
    assert after.left == 0
    assert try_code(after, entered, 999.0) == (False, after)


def test_three_attempts() -> None:
    """The third wrong one is the last, and then the right one is wrong as well."""
    code = CODE
    for left in (2, 1, 0):
        right, code = try_code(code, "000000", 999.0)
        assert (right, code.left) == (False, left)
    assert try_code(code, "012345", 999.0)[0] is False


def test_ten_minutes() -> None:
    """At the end of its life a code is used up."""
    right, code = try_code(CODE, "012345", 1_000.0)
    assert (right, code.left) == (False, 0)


def test_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the standard library's comparison, for every text."""
    seen: list[bytes] = []
    real = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        seen.append(one)
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    try_code(CODE, "9", 0.0)
    assert seen == [b"9"]


@given(st.text())
def test_any_text_may_be_entered(entered: str) -> None:
    """Only the code is right."""
    right, after = try_code(CODE, entered, 0.0)
    assert right is (after.left == 0)


def test_what_is_written_down_tells_nothing() -> None:
    """Neither its representation nor its seal holds the code; another key gives another seal."""
    assert "012345" not in repr(CODE)
    assert CODE.hmac != OneTimeCode("012345", b"j" * 32, 1_000.0).hmac


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("13812345678", "138****5678"),
        ("110", "****"),
        ("wang@example.com", "w***@example.com"),
        ("@x", "***@x"),
    ],
)
def test_masked(address: str, shown: str) -> None:
    """The customer knows it again, nobody else learns it."""
    assert masked(address) == shown
