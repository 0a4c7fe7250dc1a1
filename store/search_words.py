"""What a case is found by: words of its facts, and the words of what somebody searches for. Pure.

A name is found by the beginning of each of its words, from two letters on; in scripts that write no
blanks between words by any signs that follow each other. A number (telephone, identity document, the
bank's own reference) is found whole or by its last four signs. Every word that is searched for must be
there, in any order.

Words are kept as keyed hashes only, so that the index tells nobody who was here.
"""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterator

from contract.facts import CallbackRequested, CaseCreated, Fact, IdNumberChecked
from contract.identity_facts import DocumentRead, FieldCorrected
from contract.ids import TenantId

# A name of four signs is long in Chinese; longer runs are found by all their fours.
RUN_MAX = 4
# Names agree in their first twelve letters only when they are nearly the same.
PREFIX_MAX = 12
PREFIX_MIN = 2
_TAIL = 4
# Digits that a person groups with blanks are one number again from this length on.
_JOINED_MIN = 9
_WORD = re.compile(r"[^\W_]+")
_DIGITS_WITH_SIGN = re.compile(r"\d+x?")
# 0086 138..., +86 138...: the country of the bank's customers says nothing.
_HOME_PREFIX = re.compile(r"^(?:00)?86(?=1\d{10}$)")
_NAME_FIELDS = frozenset({"name", "surname", "given_names"})
_NUMBER_FIELDS = frozenset({"number"})


def words_of_fact(fact: Fact) -> frozenset[str]:
    """Return by which words a case with this fact is found, beside the name in its row."""
    match fact:
        case CaseCreated():
            return words_of_reference(fact.pii_customer_ref)
        case CallbackRequested():
            return words_of_number(fact.pii_phone)
        case IdNumberChecked():
            return words_of_number(fact.pii_number)
        case DocumentRead():
            fields = ((field.name, field.pii_value) for field in fact.fields)
            return frozenset().union(*(_words_of_field(*field) for field in fields))
        case FieldCorrected():
            return _words_of_field(fact.field, fact.pii_after)
        case _:
            return frozenset()


def _words_of_field(name: str, value: str) -> frozenset[str]:
    if name in _NAME_FIELDS:
        return words_of_name(value)
    return words_of_number(value) if name in _NUMBER_FIELDS else frozenset()


def words_of_name(name: str) -> frozenset[str]:
    """Return every beginning of a name's words, and every run of signs where words are not parted."""
    return frozenset(part for run in _runs(name) for part in _parts(run))


def words_of_number(number: str) -> frozenset[str]:
    """Return a number as a whole and its last four signs; none for fewer than four."""
    whole = _HOME_PREFIX.sub("", "".join(_WORD.findall(_folded(number))))
    return frozenset({whole, whole[-_TAIL:]}) if len(whole) >= _TAIL else frozenset()


def words_of_reference(reference: str) -> frozenset[str]:
    """Return the bank's own name for a customer: as a whole, and its words; none when it is empty."""
    words = _WORD.findall(_folded(reference))
    return frozenset({*words, "".join(words), *words_of_query(reference)}) if words else frozenset()


def words_of_query(text: str) -> tuple[str, ...]:
    """Return the words that must all be there, each once, in the order in which they were typed."""
    found = (part for word in _joined(_WORD.findall(_folded(text))) for part in _asked(word))
    return tuple(dict.fromkeys(found))


def keyed(key: bytes, word: str) -> int:
    """Return the word's hash under the house's key, 63 bits."""
    return int.from_bytes(hmac.digest(key, word.encode(), "sha256")[:8], "big") >> 1


def term(tenant: TenantId, hashed: int) -> int:
    """Return where the cases of one bank with this word are listed, 63 bits."""
    said = f"{tenant}\0{hashed}".encode()
    return int.from_bytes(hashlib.sha256(said).digest()[:8], "big") >> 1


def _folded(text: str) -> str:
    """Return the text without accents, widths and case."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(sign for sign in parts if unicodedata.category(sign) != "Mn")
    return unicodedata.normalize("NFC", bare)


def _runs(text: str) -> Iterator[str]:
    """Cut a text into words, and those where the script changes."""
    for word in _WORD.findall(_folded(text)):
        yield from _cut(word)


def _cut(word: str) -> Iterator[str]:
    begun = 0
    for at in range(1, len(word) + 1):
        if at == len(word) or _unparted(word[at]) != _unparted(word[begun]):
            yield word[begun:at]
            begun = at


def _unparted(sign: str) -> bool:
    """Tell whether this sign's script has no capitals: most such scripts part no words."""
    return unicodedata.category(sign) == "Lo"


def _parts(run: str) -> Iterator[str]:
    if _unparted(run[0]):
        for begun in range(len(run)):
            yield from (run[begun:end] for end in range(begun + 1, min(begun + RUN_MAX, len(run)) + 1))
    else:
        yield run[:PREFIX_MAX]
        yield from (run[:length] for length in range(PREFIX_MIN, min(len(run), PREFIX_MAX)))


def _joined(words: list[str]) -> Iterator[str]:
    """Put digits together that were typed in groups, as on a card."""
    group: list[str] = []
    for word in [*words, ""]:
        if _DIGITS_WITH_SIGN.fullmatch(word):
            group.append(word)
            continue
        whole = "".join(group)
        yield from [_HOME_PREFIX.sub("", whole)] if len(whole) >= _JOINED_MIN else group
        group = []
        if word:
            yield word


def _asked(word: str) -> Iterator[str]:
    if any(sign.isdigit() for sign in word):
        yield word
        return
    for run in _cut(word):
        if _unparted(run[0]) and len(run) > RUN_MAX:
            yield from (run[at : at + RUN_MAX] for at in range(len(run) - RUN_MAX + 1))
        else:
            yield run[:PREFIX_MAX] if not _unparted(run[0]) else run
