"""By which words a case is found, and which a search asks for."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import facts
from contract.identity_facts import DocumentRead, FieldCorrected, ReadField
from contract.ids import AccountId, CallId, CheckId, EvidenceId, SeatId, TenantId
from contract.phases import CasePhase, CheckVerdict, DocumentKind
from store.search_words import (
    keyed,
    term,
    words_of_fact,
    words_of_name,
    words_of_number,
    words_of_query,
    words_of_reference,
)

_LATIN = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzÉüß"), min_size=2, max_size=16)
_HAN = st.text(st.sampled_from("王李张刘陈芳伟娜静强欧阳司马小明"), min_size=1, max_size=7)


def _finds(query: str, words: frozenset[str]) -> bool:
    return set(words_of_query(query)) <= words


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("王", True),
        ("小明", True),
        ("王小明", True),
        ("王明", False),
        ("wang", True),
        ("WA", True),
        ("ming wang", True),
        ("w", False),
        ("ang", False),
        ("josé", True),
        ("王 jos", True),
        ("王小明wang", True),
        ("ｗａｎｇ", True),
        ("' OR 1=1", False),
        ("%", True),
        ("", True),
    ],
)
def test_a_name_is_found_by_its_beginnings(query: str, found: bool) -> None:
    """Capitals, accents and widths do not matter; the middle of a Latin word is no beginning."""
    assert _finds(query, words_of_name("王小明 Wang Xiao-Ming José")) == found


@given(st.lists(st.one_of(_LATIN, _HAN), min_size=1, max_size=4), st.data())
def test_every_beginning_of_every_word_finds_the_name(parts: list[str], data: st.DataObject) -> None:
    """Typed letter by letter, from the second on, a name never disappears again."""
    name = " ".join(parts)
    typed = [
        part[: data.draw(st.integers(2, max(2, len(part))))] for part in data.draw(st.permutations(parts))
    ]
    assert _finds(" ".join(typed), words_of_name(name))


@given(st.text(max_size=40))
def test_a_whole_name_finds_itself(name: str) -> None:
    """Whatever signs people have in their names; a number inside is no name."""
    if not any(sign.isdigit() for sign in unicodedata.normalize("NFKD", name)):
        assert _finds(name, words_of_name(name))


@given(st.text(max_size=60))
def test_a_query_never_fails_and_is_short(text: str) -> None:
    """Anything may be typed; a word stands once."""
    words = words_of_query(text)
    assert len(set(words)) == len(words)
    assert all(words)


@pytest.mark.parametrize(
    "typed", ["13800138000", "138 0013 8000", "138-0013-8000", "+86 138 0013 8000", "008613800138000", "8000"]
)
def test_a_telephone_is_found_however_it_is_written(typed: str) -> None:
    """Groups, hyphens and the country's number are not part of it."""
    for written in ("+86 138-0013-8000", "13800138000"):
        assert _finds(typed, words_of_number(written))


def test_an_identity_number_is_found_whole_or_by_its_end() -> None:
    """The check sign may be small; the middle alone is not enough to find somebody."""
    words = words_of_number("11010519491231002X")
    for typed in ("11010519491231002x", "110105 19491231 002X", "002x"):
        assert _finds(typed, words)
    assert not _finds("19491231", words)
    assert words_of_number("123") == frozenset()


def test_a_reference_is_found_as_it_is_written() -> None:
    """With and without its hyphens."""
    words = words_of_reference("KD-2024-0071")
    for typed in ("kd-2024-0071", "KD20240071", "kd 2024"):
        assert _finds(typed, words)
    assert words_of_reference(" ") == frozenset()


def test_a_number_and_a_name_are_found_together() -> None:
    """Digits in short groups stay apart."""
    assert words_of_query("王芳 8000 002X") == ("王芳", "8000", "002x")
    assert words_of_query("王芳 138 0013 8000") == ("王芳", "13800138000")


CALL, CHECK, AGENT = CallId("call-1"), CheckId("check-1"), AccountId("acct-1")


@pytest.mark.parametrize(
    ("fact", "query"),
    [
        (facts.CaseCreated(TenantId("t"), "account", "p", "王芳", "c-77"), "c-77"),
        (facts.CallbackRequested("13800138000", ""), "8000"),
        (
            facts.IdNumberChecked(CHECK, "11010519491231002X", CheckVerdict.PASSED, (), "", "", AGENT),
            "002X",
        ),
        (
            DocumentRead(
                CALL, CHECK, EvidenceId("ev-1"), None, "front", DocumentKind.CN_ID,
                (ReadField("name", "李静怡", 0.9), ReadField("number", "330106199003070024", 0.9),
                 ReadField("sex", "女", 0.9)), (), (),
            ),
            "静怡 330106199003070024",
        ),
        (FieldCorrected(CALL, CHECK, SeatId("seat-1"), "name", "李静台", "李静怡"), "静怡"),
    ],
)  # fmt: skip
def test_facts_tell_how_a_case_is_found(fact: facts.Fact, query: str) -> None:
    """Reference, telephone, identity number, and what was read from the document."""
    assert _finds(query, words_of_fact(fact))


def test_other_facts_and_fields_tell_nothing() -> None:
    """Neither a phase nor the sex on a card."""
    assert words_of_fact(facts.CaseAdvanced(CasePhase.CREATED, CasePhase.PRE_CALL)) == frozenset()
    assert words_of_fact(FieldCorrected(CALL, CHECK, SeatId("seat-1"), "sex", "男", "女")) == frozenset()


def test_hashes_depend_on_key_and_bank() -> None:
    """Who has the table alone cannot try names; two banks share no list."""
    assert keyed(b"a", "王") != keyed(b"b", "王")
    assert term(TenantId("t1"), 1) != term(TenantId("t2"), 1)
    assert all(0 <= one < 2**63 for one in (keyed(b"a", "王"), term(TenantId("t1"), 1)))
