"""What may be shared in a call, and whether a file is what it claims to be. Pure, and slow for large files.

A file claims a kind twice, by its name's ending and by its Content-Type, and must be of that kind by its
content. Pictures are decoded elsewhere on top of this. This is no virus scan: it keeps out what does not
fit its claim and documents that act by themselves.
"""

import codecs
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

import puremagic

from contract.errors import UserError
from signaling.pdf_scan import Pause, require_passive

# As long as a name may be; file systems and headers take twice as much.
NAME_MAX = 120
# A longer ending is no ending.
_SUFFIX_MAX = 5
_UNTOLD = frozenset({"", "application/octet-stream"})
# Looked at in one go, which no other thread can interrupt.
_BLOCK = 64 * 1024
_LAYOUT = frozenset("\t\n\r\f")


class FileTooLarge(UserError):
    """More bytes than a shared file may have."""

    default_code = "file_too_large"
    http_status = 413


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file; ``suffix`` is how it is stored, ``picture`` whether browsers may show it in place."""

    media_type: str
    suffix: str
    picture: bool = False


_JPEG = Kind("image/jpeg", ".jpg", picture=True)
_TEXT = Kind("text/plain", ".txt")
_PDF = Kind("application/pdf", ".pdf")
_KINDS = {
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".png": Kind("image/png", ".png", picture=True),
    ".webp": Kind("image/webp", ".webp", picture=True),
    ".pdf": _PDF,
    ".txt": _TEXT,
}
_RECOGNISABLE = frozenset(kind.media_type for kind in _KINDS.values()) - {_TEXT.media_type}


def clean_name(name: str) -> str:
    """Return ``name`` without path, control and invisible characters, shortened before its ending."""
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(sign for sign in last if unicodedata.category(sign)[0] != "C")
    # Composed, so that one name looks and counts the same from every system.
    plain = unicodedata.normalize("NFC", " ".join(shown.split())).lstrip(". ")
    suffix = PurePosixPath(plain).suffix
    if len(suffix) > _SUFFIX_MAX:
        suffix = ""
    stem = plain.removesuffix(suffix) if suffix else plain
    return (stem[: NAME_MAX - len(suffix)] or "file") + suffix


def claimed_kind(name: str, content_type: str) -> Kind:
    """Return what a file of this clean name says that it is.

    Raises:
        UserError: ``file_type`` when such files are not taken, ``file_mismatch`` when the Content-Type
            says otherwise.
    """
    kind = _KINDS.get(PurePosixPath(name).suffix.lower())
    if kind is None:
        raise UserError("JPEG, PNG, WebP, PDF and plain text are taken", code="file_type")
    if content_type not in _UNTOLD and content_type != kind.media_type:
        raise _mismatch("name and Content-Type differ")
    return kind


def require_kind(kind: Kind, data: bytes, pause: Pause) -> None:
    """Raise UserError unless ``data`` is what it claims: ``file_mismatch``, or ``file_unsafe`` for a PDF.

    ``pause`` is called after every few milliseconds of work, and may raise to give up.
    """
    if not data:
        raise _mismatch("an empty file")
    found = _recognised(data)
    if kind is _TEXT:
        if found & _RECOGNISABLE:
            raise _mismatch("not a text")
        _require_text(data, pause)
    elif kind.media_type not in found:
        raise _mismatch("the content is of another kind")
    elif kind is _PDF:
        require_passive(data, pause)


def _recognised(data: bytes) -> set[str]:
    try:
        return {match.mime_type for match in puremagic.magic_string(data)}
    except (puremagic.PureError, ValueError):
        return set()


def _require_text(data: bytes, pause: Pause) -> None:
    signs: set[str] = set()
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        for start in range(0, len(data), _BLOCK):
            signs.update(decoder.decode(data[start : start + _BLOCK]))
            pause()
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise _mismatch("not UTF-8") from error
    if any(unicodedata.category(sign) == "Cc" and sign not in _LAYOUT for sign in signs):
        raise _mismatch("control characters")


def _mismatch(text: str) -> UserError:
    return UserError(text, code="file_mismatch")
