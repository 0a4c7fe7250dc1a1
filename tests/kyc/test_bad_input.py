"""Hostile files against the decoder that runs, with the memory and the time that they cost."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from kyc.images import decode, encode_jpeg
from tests.kyc.test_images import png, refusal, scene, with_orientation

# What a refused file may cost. One of 200 megapixels would unfold to 600 MB.
MEGABYTES_MAX = 60
MEASURE = """
import json, resource, sys
from contract.errors import UserError
from kyc.images import decode
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
decode(open(sys.argv[1], "rb").read())
found = []
for path in sys.argv[2:]:
    before = peak()
    try:
        code = "x".join(map(str, decode(open(path, "rb").read()).shape[1::-1]))
    except UserError as error:
        code = error.code
    found.append((code, peak() - before))
print(json.dumps(found))
"""


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def black_png(width: int, height: int) -> bytes:
    """Return a true PNG of one bit a pixel, all black: a few kilobytes for any size."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    """Return a PNG with one more chunk behind its header."""
    return data[:33] + chunk(kind, body) + data[33:]


def inflating(megabytes: int) -> bytes:
    """Return compressed nothing."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


def test_bombs_cost_no_memory(tmp_path: Path) -> None:
    """A true picture of 200 megapixels, and small ones with half a gigabyte in a profile and a text."""
    small, bomb = png(scene()), inflating(500)
    files = {
        "small": small,
        "huge": black_png(20_000, 10_000),
        "profile": with_chunk(small, b"iCCP", b"p\x00\x00" + bomb),
        "text": with_chunk(small, b"zTXt", b"t\x00\x00" + bomb),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        assert len(data) < 1_000_000
    ran = subprocess.run(
        [sys.executable, "-c", MEASURE, *(str(tmp_path / name) for name in files)],
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    (huge, _), *others = found = json.loads(ran.stdout)
    assert huge == "image_too_large"
    assert [code for code, _ in others] == ["480x360", "480x360"]
    assert all(megabytes < MEGABYTES_MAX for _, megabytes in found)


def test_a_picture_may_have_no_endless_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs a pass over all pixels; markers inside other segments hide none of them."""
    true = bytes(cv2.imencode(".jpg", scene(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1])
    assert decode(true).shape == (360, 480, 3)
    last = true.rindex(b"\xff\xda")
    scan = true[last:-2]
    comment = b"\xff\xfe\x00\x06\xff\xd9\xff\xd9"
    assert decode(true[:-2] + scan * 3 + true[-2:]).shape == (360, 480, 3)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    assert refusal(true[:-2] + scan * 200 + true[-2:]) == "not_an_image"
    assert refusal(true[:-2] + (comment + scan) * 80 + true[-2:]) == "not_an_image"


def test_films_behind_a_picture_are_no_scans() -> None:
    """A phone appends megabytes of anything."""
    film = np.random.default_rng(1).integers(0, 256, 4_000_000, np.uint8).tobytes()
    assert film.count(b"\xff\xda") > 30
    assert decode(encode_jpeg(scene()) + film + b"\xff\xda" * 500).shape == (360, 480, 3)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientations_that_do_not_exist_turn_nothing(orientation: int) -> None:
    """TIFF knows 1 to 8."""
    assert decode(with_orientation(encode_jpeg(scene()), orientation)).shape == (360, 480, 3)


@pytest.mark.parametrize(
    "tiff",
    [
        b"",
        b"MM\x00*",
        b"MM\x00*\xff\xff\xff\xff",
        # A directory that goes on with itself.
        b"MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x08",
        # 65535 entries that are not there, and one with four thousand million values.
        b"MM\x00*\x00\x00\x00\x08\xff\xff",
        b"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\xff\xff\xff\xff\x00\x00\x00\x00",
        # Orientation as text, far outside of the block.
        b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x02\x00\x00\xff\xff\x7f\xff\xff\xff",
    ],
)
def test_broken_exif_is_no_reason_to_refuse(tiff: bytes) -> None:
    """The picture counts, not what is written about it."""
    data = encode_jpeg(scene())
    block = b"Exif\x00\x00" + tiff
    wrapped = data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]
    assert decode(wrapped).shape == (360, 480, 3)


def test_the_size_in_exif_and_its_preview_count_for_nothing() -> None:
    """A preview of 40 pixels, whose markers stand before the picture's own, is not taken for it."""
    preview = encode_jpeg(np.zeros((30, 40, 3), np.uint8))
    data = encode_jpeg(scene())
    block = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00" + preview
    wrapped = data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]
    assert decode(wrapped).shape == (360, 480, 3)
