"""Keeps out PDF documents that act by themselves: scripts, programs to start, files inside, encryption.

A bounded look at bytes, not a reader: the names that begin such things are searched for in the document
and in its object streams. Whatever is written as no honest program writes it counts as unsafe. The
browser's own viewer, in which none of this runs, remains the second guard.
"""

import re
from collections.abc import Callable, Iterator

from contract.errors import UserError
from signaling.pdf_objects import BLOCK, GAP, Objects, following, packed_objects, plain_names, unsafe

_HEADER = b"%PDF-"
# Readers look for the end marker in the last kilobyte (PDF 1.7, implementation note 18).
_TAIL = 1024
# No longer name begins like one of these, so what follows need not be looked at.
_TELLING = (
    b"JavaScript", b"Launch", b"EmbeddedFile", b"RichMedia", b"ImportData", b"SubmitForm", b"GoToE",
    b"Rendition",
)  # fmt: skip
# Short names turn up in packed pictures by chance: what must follow them has to be there too.
_SHORT = (b"AA", b"XFA", b"Encrypt", b"OpenAction")
_NAMES = re.compile(b"/(?:(" + b"|".join(_TELLING) + b")|(" + b"|".join(_SHORT) + b"))")
_BEGINS = (b"<<", b"[")
_LONGEST = 16
# A document of a thousand pages has none; each costs a microsecond.
_SHORT_MAX = 10_000
_NUMBERS = re.compile(rb"(\d+)[\0\s]+(\d+)[\0\s]+R(?![^\0\s<>\[\]()/%])")
# A reference, whole or up to the end of what was looked at.
_REFERENCE = re.compile(rb"\d+(?:\Z|GAP++(?:\Z|\d+(?:\Z|GAP++(?:\Z|R))))".replace(b"GAP", GAP))
# A jump to a page, as LaTeX writes it, with no other name in it than those that belong there.
_JUMP = re.compile(rb"<<([^<>()%]{0,160})>>")
_IN_JUMP = frozenset(b"Type Action S GoTo D XYZ Fit FitH FitV FitR FitB FitBH FitBV".split())
# Documents have one; a hostile one has as many as it likes.
_TARGETS_MAX = 4
Pause = Callable[[], None]


def _on() -> None:
    """Go on at once."""


def require_passive(data: bytes, pause: Pause = _on) -> None:
    """Raise UserError: ``file_mismatch`` unless ``data`` is a whole PDF, ``file_unsafe`` if it may act.

    ``pause`` is called after every few milliseconds of work, and may raise to give up.
    """
    if not data.startswith(_HEADER) or b"%%EOF" not in data[-_TAIL:]:
        raise UserError("not a whole PDF document", code="file_mismatch")
    text = plain_names(data, pause)
    targets = set(_require_quiet(text, pause))
    found = Objects(text)
    for unpacked, first in packed_objects(data, text, pause):
        targets |= set(_require_quiet(plain_names(unpacked, pause), pause))
        found.add(unpacked, first)
    if len(targets) > _TARGETS_MAX:
        raise unsafe("too many actions at the opening")
    for number, generation in targets:
        bodies = list(found.all(number, generation, pause))
        if not bodies or not all(map(_opens_a_page, bodies)):
            raise unsafe("the document acts when it is opened")


def _require_quiet(text: bytes, pause: Pause) -> Iterator[tuple[int, int]]:
    """Yield the objects that are looked up at the opening."""
    seen = 0
    for start in range(0, len(text), BLOCK):
        for name in _NAMES.finditer(text, start, start + BLOCK + _LONGEST):
            if name.start() >= start + BLOCK:
                break
            seen += 1
            if name[1] or seen > _SHORT_MAX:
                raise unsafe("the document holds scripts, files or actions")
            rest = following(text, name.end())
            if name[2] == b"OpenAction":
                yield from _opening(rest, text[name.end() : name.end() + 1])
            elif not rest or rest.startswith(_BEGINS) or _REFERENCE.match(rest):
                raise unsafe("the document holds actions, or is encrypted")
        pause()


def _opening(rest: bytes, next_sign: bytes) -> Iterator[tuple[int, int]]:
    if next_sign.isalpha() or _opens_a_page(rest):
        return
    target = _NUMBERS.match(rest)
    if target is None:
        raise unsafe("the document acts when it is opened")
    yield int(target[1]), int(target[2])


def _opens_a_page(rest: bytes) -> bool:
    if rest.startswith(b"["):
        return True
    jump = _JUMP.match(rest)
    names = re.findall(rb"/([^\0\s\[\]/]*)", jump[1]) if jump else []
    return b"GoTo" in names and set(names) <= _IN_JUMP
