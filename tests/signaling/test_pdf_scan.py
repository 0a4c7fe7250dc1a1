"""PDF documents that act by themselves are kept out; those that people send are not."""

import random
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import UserError
from signaling.pdf_scan import require_passive

HEAD, TAIL = b"%PDF-1.7\n", b"\ntrailer << /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
# Object number and offset, then the object: how an object stream begins.
PACKED = b"1 0 2 40 << /Type /Catalog >> "


def document(*parts: bytes) -> bytes:
    """Return a document with these objects in it."""
    return HEAD + b"\n".join(parts) + TAIL


def packed(data: bytes) -> bytes:
    """Return ``data`` as a packed stream."""
    return b"9 0 obj << /Filter /FlateDecode >> stream\r\n" + zlib.compress(data) + b"\nendstream endobj"


def word(data: bytes) -> str:
    """Return why ``data`` is refused."""
    with pytest.raises(UserError) as caught:
        require_passive(data)
    return caught.value.code


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"<< /Type /Catalog /Pages 2 0 R /Metadata 3 0 R >>",
        # How LibreOffice and TeX say where to open.
        b"/OpenAction [1 0 R /XYZ null null 0]",
        b"/OpenAction[3 0 R /Fit]",
        b"<< /A << /S /URI /URI (https://bank.example) >> >>",
        b"/Font << /AAAAAA+Song 5 0 R /JSFont 6 0 R >>",
        packed(PACKED),
        packed(b"q 0.1 0 0 0.1 0 0 cm BT (Hello) Tj ET"),
        b"stream\n" + random.Random(3).randbytes(100_000) + b"\nendstream",
        b"stream\n\x78",
    ],
)
def test_what_people_send_is_taken(part: bytes) -> None:
    """Text, pictures, fonts, links, a place to open at."""
    require_passive(document(part))


@pytest.mark.parametrize(
    "part",
    [
        b"<< /S /JavaScript /JS (app.alert(1)) >>",
        b"/Names << /JavaScript 5 0 R >>",
        b"<< /S /Launch /F (cmd.exe) >>",
        b"/Names<</EmbeddedFiles 5 0 R>>",
        b"<< /Type/EmbeddedFile >>",
        b"/OpenAction 5 0 R",
        b"/OpenAction<</S/GoTo>>",
        b"/AA << /O 5 0 R >>",
        b"/AA 5 0 R",
        b"/Encrypt 5 0 R",
        b"<< /S /Rendition /JS 5 0 R >>",
        b"<< /Subtype /RichMedia >>",
        b"/XFA [(template) 5 0 R]",
        b"<< /S /SubmitForm >>",
        b"<< /S /Java#53cript >>",
        b"<< /S /#4a#61vaScript >>",
        b"/Open#41ction 5 0 R",
        packed(PACKED + b"<< /S /JavaScript >>"),
        packed(PACKED + b" " * 300_000 + b"<< /S /J#61vaScript >>"),
        b" " * (256 * 1024 - 20) + b"/OpenAction \n\n 5 0 R",
    ],
)
def test_what_acts_by_itself_is_kept_out(part: bytes) -> None:
    """Scripts, programs, files inside, actions, encryption; escaped or packed as well."""
    assert word(document(part)) == "file_unsafe"


@pytest.mark.parametrize("data", [b"", HEAD, TAIL, b"junk" + document(), document() + bytes(2_000)])
def test_half_a_document_is_none(data: bytes) -> None:
    """It begins with its header and ends with its end."""
    assert word(data) == "file_mismatch"


@pytest.mark.parametrize(
    "part",
    [
        packed(PACKED + bytes(60 * 1024 * 1024)),
        b"\n".join([packed(PACKED + bytes(1024 * 1024))] * 40),
        b"stream\n" * 60_000,
    ],
    ids=["one bomb", "many small ones", "too many streams"],
)
def test_a_document_that_unpacks_without_end_is_kept_out(part: bytes) -> None:
    """Work and memory are bounded, whatever is packed."""
    assert word(document(part)) == "file_unsafe"


@pytest.mark.parametrize("part", [b"/", b"/#4a", b"/JS  ", b"/AA 1 1 ", b"/JS" + b" " * 5_000, b"1 0 2 "])
def test_hostile_repetition_costs_no_more_than_its_length(part: bytes) -> None:
    """Eight times as long takes about eight times as long, nowhere near its square."""

    def seconds(size: int) -> float:
        data = document(part * (size // len(part)))
        began = time.process_time()
        require_passive(data)
        return time.process_time() - began

    short = min(seconds(100_000) for _ in range(3))
    assert seconds(800_000) < 30 * short + 0.05


@given(st.binary(max_size=2_000))
def test_any_bytes_give_a_verdict(data: bytes) -> None:
    """Nothing but the two words ever comes out."""
    try:
        require_passive(document(b"9 0 obj stream\n" + data + b"\nendstream", packed(data)))
    except UserError as error:
        assert error.code == "file_unsafe"
