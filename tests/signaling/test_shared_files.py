"""What may be shared: names made harmless, claims held against contents."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import UserError
from signaling.shared_files import NAME_MAX, claimed_kind, clean_name, require_kind


def _on() -> None:
    """Go on at once."""


PDF = b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(40)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(24)
CONTENTS = {"a.jpg": JPEG, "a.JPEG": JPEG, "a.png": PNG, "a.webp": WEBP, "a.pdf": PDF, "a.txt": b"hello"}
PAGE = b"<html><script>"
PROGRAM = b"MZ\x90\x00" + bytes(60)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("身份证 正面.jpg", "身份证 正面.jpg"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\li\\合同.PDF", "合同.PDF"),
        ("/a/b/..", "file"),
        ("", "file"),
        ("a\x00b\r\nSet-Cookie: x.txt", "abSet-Cookie: x.txt"),
        ("gpj\u202efdp.exe.pdf", "gpjfdp.exe.pdf"),
        ("e\u0301tude.pdf", "\u00e9tude.pdf"),
        ("  two   words .txt", "two words .txt"),
        (".hidden.txt", "hidden.txt"),
        ("x" * 300 + ".pdf", "x" * (NAME_MAX - 4) + ".pdf"),
        ("名" * 300, "名" * NAME_MAX),
    ],
)
def test_a_name_is_made_harmless(sent: str, kept: str) -> None:
    """No path, nothing invisible, one form of each letter; shortened before its ending."""
    assert clean_name(sent) == kept


@given(st.text(max_size=400))
def test_every_name_ends_up_within_bounds(name: str) -> None:
    """Whatever was sent: at most so long, never empty, nothing that leads elsewhere or hides."""
    kept = clean_name(name)
    assert 1 <= len(kept) <= NAME_MAX
    assert "/" not in kept
    assert "\\" not in kept
    assert not kept.startswith(".")
    assert all(unicodedata.category(sign)[0] != "C" for sign in kept)


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("content_type", ["", "application/octet-stream", "own"])
def test_an_honest_file_is_taken(name: str, content_type: str) -> None:
    """By its name alone, or with the Content-Type that fits."""
    kind = claimed_kind(name, "")
    assert claimed_kind(name, kind.media_type if content_type == "own" else content_type) == kind
    require_kind(kind, CONTENTS[name], pause=_on)
    assert kind.picture == kind.media_type.startswith("image/")


@pytest.mark.parametrize(
    "name", ["a", "a.exe", "a.html", "a.svg", "a.pdf.js", "a.heic", "a.zip", "pdf", "a."]
)
def test_other_endings_are_not_taken(name: str) -> None:
    """Only what both sides can open without a program of its own."""
    with pytest.raises(UserError) as caught:
        claimed_kind(name, "")
    assert caught.value.code == "file_type"


@pytest.mark.parametrize(
    ("name", "content_type"),
    [("a.jpg", "image/png"), ("a.pdf", "text/html"), ("a.txt", "text/html"), ("a.png", "image/svg+xml")],
)
def test_a_content_type_that_lies_is_refused(name: str, content_type: str) -> None:
    """Name and header must claim the same."""
    with pytest.raises(UserError) as caught:
        claimed_kind(name, content_type)
    assert caught.value.code == "file_mismatch"


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize(
    "other", [*CONTENTS.values(), PROGRAM, b"<html><script>", b"PK\x03\x04", b"", bytes(9)]
)
def test_a_content_that_is_something_else_is_refused(name: str, other: bytes) -> None:
    """Each kind is told from every other; a page may be read as text, which is how it is handed out."""
    kind = claimed_kind(name, "")
    if other == CONTENTS[name] or (name == "a.txt" and other == PAGE):
        require_kind(kind, other, pause=_on)
        return
    with pytest.raises(UserError) as caught:
        require_kind(kind, other, pause=_on)
    assert caught.value.code == "file_mismatch"


@pytest.mark.parametrize(
    "text",
    [
        "BM is how bitmaps begin",
        "MZ as well",
        "两行\r\n和\t制表符",
        "\ufeffwith a mark",
        "emoji 👩‍👩‍👧",
        "GIF",
    ],
)
def test_plain_text_is_not_taken_for_something_else(text: str) -> None:
    """Short signatures of other formats are ordinary letters too."""
    require_kind(claimed_kind("a.txt", ""), text.encode(), pause=_on)


@pytest.mark.parametrize(
    "data", [b"\xff\xfea\x00", "中文".encode("gbk"), b"a\x00b", b"\x1b[31mred", b"a\x7f"]
)
def test_text_is_utf8_without_control_characters(data: bytes) -> None:
    """Nothing that a terminal or an old reader would act on."""
    with pytest.raises(UserError) as caught:
        require_kind(claimed_kind("a.txt", "text/plain"), data, pause=_on)
    assert caught.value.code == "file_mismatch"


@pytest.mark.parametrize("name", CONTENTS)
def test_an_empty_file_is_none_of_any_kind(name: str) -> None:
    """There is nothing to hand over in it."""
    with pytest.raises(UserError, match="empty") as caught:
        require_kind(claimed_kind(name, ""), b"", pause=_on)
    assert caught.value.code == "file_mismatch"


def test_a_long_text_is_looked_at_in_steps() -> None:
    """The scan may pause, and a sign across two steps is one sign."""
    pauses: list[None] = []
    text = ("a" * 65_535 + "\u4e2d") * 4
    require_kind(claimed_kind("a.txt", ""), text.encode(), pause=lambda: pauses.append(None))
    assert len(pauses) >= 4
