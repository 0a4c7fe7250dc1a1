"""PDF documents that act by themselves are kept out; those that people send are not."""

import random
import time
import zlib
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import UserError
from signaling.pdf_scan import require_passive

HEAD, TAIL = b"%PDF-1.7\n", b"\ntrailer << /Root 1 0 R >>\nstartxref\n9\n%%EOF\n"
# Object number and offset, then the object: how an object stream begins.
PACKED = b"1 0 2 40 << /Type /Catalog >> "
OBJECTS = b"/Type /ObjStm /N 2 /First 9 /Filter /FlateDecode"
JUMP = b"<< /S /GoTo /D [6 0 R /Fit ] >>"
SCRIPT = PACKED + b"<< /S /JavaScript >>"


def document(*parts: bytes) -> bytes:
    """Return a document with these objects in it."""
    return HEAD + b"\n".join(parts) + TAIL


def packed(data: bytes, head: bytes = OBJECTS, keyword: bytes = b"stream\r\n") -> bytes:
    """Return ``data`` as a packed stream."""
    return b"9 0 obj << " + head + b" >> " + keyword + zlib.compress(data) + b"\nendstream endobj"


def broken(data: bytes) -> bytes:
    """Return ``data`` as an object stream whose checksum is wrong."""
    whole = zlib.compress(data)
    return packed(b"").replace(zlib.compress(b""), whole[:-4] + b"oops")


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
        b"/OpenAction<</S/GoTo/D[3 0 R/Fit]>>",
        # LaTeX: an action of its own, which is a jump; plain, or in an object stream.
        b"5 0 obj\n" + JUMP + b"\nendobj\n<< /Type /Catalog /OpenAction 5 0 R >>",
        b"15 0 obj << /S /URI >> endobj 5 0 obj [6 0 R /Fit] endobj /OpenAction 5 0 R",
        packed(b"7 0 5 11 << /A 1 >> " + JUMP) + b" /OpenAction 5 0 R",
        b"/First 12 0 R /FirstChar 32",
        packed(PACKED),
        packed(b"q 0.1 0 0 0.1 0 0 cm BT (/JavaScript is a language) Tj ET", b"/Filter /FlateDecode"),
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
        b"/OpenAction<</S/URI>>",
        b"/OpenAction%x\n<</S/URI/URI(https://bank.example)>>",
        b"/OpenAction <</S/GoTo/D[3 0 R]/Next 5 0 R>>",
        b"/OpenAction /Named",
        b"5 0 obj << /S /URI /URI (https://bank.example) >> endobj /OpenAction 5 0 R",
        b"5 0 obj [6 0 R] endobj 05%c\n0 obj << /S /URI >> endobj /OpenAction 5 0 R",
        b"5 0 obj [6 0 R] endobj"
        + packed(b"5 0 << /S /URI >> ", OBJECTS.replace(b"9", b"4"))
        + b"/OpenAction 5 0 R",
        b"/OpenAction 15 0 R 5 0 obj [6 0 R] endobj",
        b"/AA << /O 5 0 R >>",
        b"/AA 5 0 R",
        b"/Encrypt 5 0 R",
        b"/Encrypt\x005 0 R",
        b"/Encrypt%x\n5 0 R",
        b"/Encrypt 5%x\n0%x\nR",
        b"/Encrypt 00000000000000005 0 R",
        b"/Encrypt" + b" " * 2_000 + b"5 0 R",
        b"/Encrypt " + b"0" * 2_000 + b"5 0 R",
        b"<< /S /Rendition /JS 5 0 R >>",
        b"<< /Subtype /RichMedia >>",
        b"/XFA [(template) 5 0 R]",
        b"<< /S /SubmitForm >>",
        b"<< /S /Java#53cript >>",
        b"<< /S /#4a#61vaScript >>",
        b"/Open#41ction 5 0 R",
        packed(SCRIPT),
        packed(SCRIPT, keyword=b"stream \n"),
        packed(SCRIPT, keyword=b"stream\r"),
        packed(SCRIPT, keyword=b"stream"),
        packed(b"%c\n" + SCRIPT),
        packed(b"\x00" + SCRIPT),
        packed(b" " * 300 + SCRIPT),
        packed(SCRIPT, OBJECTS.replace(b"ObjStm", b"Obj#53tm")),
        packed(SCRIPT, b"/N 2 /First 9 /Filter [/FlateDecode]"),
        packed(SCRIPT, OBJECTS + b" %endobj obj << >> stream\n"),
        packed(SCRIPT, OBJECTS.replace(b"/FlateDecode", b"[/ASCIIHexDecode /FlateDecode]")),
        packed(SCRIPT, OBJECTS + b" /DecodeParms << /Predictor 12 >>"),
        packed(SCRIPT, OBJECTS + b" " * 2_000),
        broken(SCRIPT),
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
        packed(b"") * 60_000,
    ],
    ids=["one bomb", "many small ones", "too many streams"],
)
def test_a_document_that_unpacks_without_end_is_kept_out(part: bytes) -> None:
    """Work and memory are bounded, whatever is packed."""
    assert word(document(part)) == "file_unsafe"


# Below this other work on the machine weighs more than ours.
CLOCK_S = 0.002
HOSTILE = [
    b"/", b"/#4a", b"#", b"#4", b"/JavaScrip", b"/AA  ", b"/AA% ", b"/AA%\n", b"/AA 1 1 ",
    b"/AA" + b" " * 200, b"/OpenAction[", b"/OpenAction 5 0 R ", b"5 0 ", b"05%", b"/ObjStm",
    b"/First 1 ", b"/First 1 0 ", b"obj<</ObjStm>>stream ", b"1 0 2 ",
]  # fmt: skip


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_repetition_costs_no_more_than_its_length(part: bytes) -> None:
    """Four times as much of it takes some four times as long, and no step between two pauses longer."""
    whole, step = zip(*(_cost(part, length) for length in (250_000, 1_000_000)), strict=True)
    assert whole[1] < 9 * max(whole[0], CLOCK_S)
    assert step[1] < 3 * max(step[0], CLOCK_S)


def _cost(part: bytes, length: int) -> tuple[float, float]:
    """Return the processor seconds of the whole and of its longest step, the least of three runs."""
    data = document(b"/OpenAction 5 0 R ", part * (length // len(part)), b"5 0 obj [6 0 R] endobj")
    runs: list[tuple[float, float]] = []
    for _ in range(3):
        times = [time.thread_time()]
        with suppress(UserError):
            require_passive(data, lambda: times.append(time.thread_time()))  # noqa: B023
        times.append(time.thread_time())
        runs.append((times[-1] - times[0], max(later - sooner for sooner, later in pairwise(times))))
    return min(whole for whole, _ in runs), min(step for _, step in runs)


def test_who_waits_may_give_up_between_two_steps() -> None:
    """What ``pause`` raises ends the work."""
    with pytest.raises(TimeoutError):
        require_passive(document(b" " * 100_000), pause=_give_up)


def _give_up() -> None:
    raise TimeoutError


@given(st.binary(max_size=2_000))
def test_any_bytes_give_a_verdict(data: bytes) -> None:
    """Nothing but the two words ever comes out."""
    try:
        require_passive(document(b"9 0 obj stream\n" + data + b"\nendstream", packed(data)))
    except UserError as error:
        assert error.code == "file_unsafe"
