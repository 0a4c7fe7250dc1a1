"""Pictures from phones: their bounds are checked before anything is decoded.

Only JPEG, PNG and WebP are taken. The size is read from the header, so a small file that would unfold into
gigabytes is refused without touching a decoder.
"""

import re
import struct
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.errors import UserError
from contract.ports import ImageFinding
from kyc.limits import BYTES_MAX, LONG_SIDE_MIN, PIXELS_MAX

Picture = NDArray[np.uint8]
"""Height x width x 3, BGR, 0 to 255."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_WEBP_SIGNATURE = re.compile(rb"RIFF....WEBPVP8[ LX]", re.DOTALL)
# Start-of-frame markers C0 to CF but DHT, JPG and DAC (ITU-T T.81, table B.1).
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
_END = 0xD9
# What ends a run of coded pixels: neither a stuffed byte nor a restart nor a fill byte.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
# Progressive encoders write ten scans with a table each. A scan of a few bytes costs a pass over the whole
# picture, and a file of 12 MB could ask for a million.
_SEGMENTS_MAX = 100
# Markers without a length: TEM, RST0 to RST7, SOI.
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself before decoding; width and height as stored, before EXIF turns them."""

    media_type: str
    width: int
    height: int


def read_header(data: bytes) -> Header:
    """Return the header of a complete JPEG, PNG or WebP.

    Raises:
        UserError: ``not_an_image``: another format, broken, or cut off.
    """
    if data.startswith(_PNG_SIGNATURE):
        return _png_header(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_header(data)
    if _WEBP_SIGNATURE.match(data):
        return _webp_header(data)
    raise _not_an_image("neither JPEG nor PNG nor WebP")


def _png_header(data: bytes) -> Header:
    # ISO/IEC 15948: IHDR comes first, IEND last.
    if len(data) < 33 or data[12:16] != b"IHDR" or b"IEND" not in data[-64:]:
        raise _not_an_image("broken PNG")
    width, height = struct.unpack(">II", data[16:24])
    return Header("image/png", width, height)


def _webp_header(data: bytes) -> Header:
    # RFC 9649: the file's length without its first 8 bytes, then a chunk that begins with the size.
    if len(data) < 30 or struct.unpack("<I", data[4:8])[0] + 8 > len(data):
        raise _not_an_image("broken WebP")
    match data[15:16]:
        case b"X":
            width = int.from_bytes(data[24:27], "little") + 1
            height = int.from_bytes(data[27:30], "little") + 1
        case b"L":
            bits = int.from_bytes(data[21:25], "little")
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case _:
            width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
    return Header("image/webp", width, height)


def _jpeg_header(data: bytes) -> Header:
    size: tuple[int, int] | None = None
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker in _BARE_MARKERS:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _START_OF_SCAN:
            return _finished(size, data, at)
        if marker in _START_OF_FRAME:
            size = _frame_size(data, at)
        at += 2 + struct.unpack(">H", data[at + 2 : at + 4])[0]
    raise _not_an_image("broken JPEG")


def _frame_size(data: bytes, at: int) -> tuple[int, int]:
    if at + 9 > len(data):
        raise _not_an_image("broken JPEG")
    height, width = struct.unpack(">HH", data[at + 5 : at + 9])
    return width, height


def _finished(size: tuple[int, int] | None, data: bytes, scan: int) -> Header:
    # A decoder fills what is cut off with grey and says nothing: the end marker must be there.
    if size is None or data.rfind(b"\xff\xd9") < scan:
        raise _not_an_image("JPEG without size or end")
    if _segments(data, scan) > _SEGMENTS_MAX:
        raise _not_an_image("JPEG with too many scans")
    return Header("image/jpeg", *size)


def _segments(data: bytes, at: int) -> int:
    """Return how many segments follow from the first scan to the end marker; stop when they are too many."""
    count = 0
    while count <= _SEGMENTS_MAX and (found := _MARKER.search(data, at)) is not None:
        at = found.start() + 2
        if data[at - 1] == _END:
            break
        count += 1
        at += int.from_bytes(data[at : at + 2], "big")
    return count


def decode(data: bytes) -> Picture:
    """Return the picture upright (EXIF orientation applied).

    Raises:
        UserError: ``not_an_image``, ``image_too_small`` or ``image_too_large``.
    """
    if len(data) > BYTES_MAX:
        raise UserError(f"more than {BYTES_MAX} bytes", code="image_too_large")
    header = read_header(data)
    if header.width * header.height > PIXELS_MAX:
        raise UserError(f"more than {PIXELS_MAX} pixels", code="image_too_large")
    if max(header.width, header.height) < LONG_SIDE_MIN:
        raise UserError(f"long side below {LONG_SIDE_MIN} pixels", code="image_too_small")
    return _decoded(data, header)


def _decoded(data: bytes, header: Header) -> Picture:
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise _not_an_image("the decoder refused it") from error
    if picture is None or {*picture.shape[:2]} != {header.width, header.height}:
        raise _not_an_image("the decoder refused it")
    return np.asarray(picture, np.uint8)


def describe(data: bytes, picture: Picture) -> ImageFinding:
    """Return the finding for ``data``, which decodes to ``picture``."""
    height, width = picture.shape[:2]
    return ImageFinding(read_header(data).media_type, width, height, sharpness(picture))


def sharpness(picture: Picture) -> float:
    """Return the variance of the Laplacian of the 8 bit grey picture: 0 is flat, below about 50 blurred."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return round(float(deviation[0][0]) ** 2, 2)


def encode_jpeg(picture: Picture, quality: int = 95) -> bytes:
    """Return ``picture`` as JPEG bytes."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)


def _not_an_image(text: str) -> UserError:
    return UserError(text, code="not_an_image")
