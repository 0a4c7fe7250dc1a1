"""Pictures from phones, honest and hostile."""

import functools
import random
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.errors import UserError
from kyc.images import Header, Picture, decode, describe, encode_jpeg, read_header, sharpness
from kyc.limits import BYTES_MAX, LONG_SIDE_MIN, PIXELS_MAX


def scene(width: int = 480, height: int = 360) -> Picture:
    """Return a picture with shape and colour in it, upper left corner red."""
    across = np.linspace(0, 255, width, dtype=np.float32)[None, :]
    down = np.linspace(0, 255, height, dtype=np.float32)[:, None]
    picture = np.dstack([across + 0 * down, down + 0 * across, (across + down) / 2]).astype(np.uint8)
    picture[: height // 4, : width // 4] = (0, 0, 255)
    return picture


def png(picture: Picture) -> bytes:
    """Return ``picture`` as PNG."""
    return bytes(cv2.imencode(".png", picture)[1])


def webp(picture: Picture) -> bytes:
    """Return ``picture`` as lossy WebP."""
    return bytes(cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 90])[1])


def lossless_webp(picture: Picture) -> bytes:
    """Return ``picture`` as lossless WebP."""
    return bytes(cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 101])[1])


def extended_webp(picture: Picture, size: tuple[int, int] | None = None) -> bytes:
    """Return ``picture`` as WebP whose first chunk tells the canvas: its own, or another ``size``."""
    width, height = size or (picture.shape[1], picture.shape[0])
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas + webp(picture)[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_claiming(width: int, height: int) -> bytes:
    """Return a small WebP whose canvas claims another size."""
    return extended_webp(scene(), (width, height))


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """Return ``jpeg`` with an EXIF block that says how the camera was held."""
    tiff = b"MM\x00*\x00\x00\x00\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    block = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


def png_claiming(width: int, height: int) -> bytes:
    """Return a small PNG whose header claims another size, its checksum made to fit."""
    data = png(scene())
    body = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + body + struct.pack(">I", zlib.crc32(body)) + data[33:]


def jpeg_claiming(width: int, height: int) -> bytes:
    """Return a small JPEG whose frame header claims another size."""
    data = bytearray(encode_jpeg(scene()))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def refusal(data: bytes) -> str:
    """Return the code with which ``data`` is refused."""
    with pytest.raises(UserError) as caught:
        decode(data)
    return caught.value.code


@pytest.mark.parametrize(
    ("write", "media_type"),
    [
        (encode_jpeg, "image/jpeg"),
        (png, "image/png"),
        (webp, "image/webp"),
        (lossless_webp, "image/webp"),
        (extended_webp, "image/webp"),
    ],
)
def test_a_picture_is_decoded_and_described(write: Callable[[Picture], bytes], media_type: str) -> None:
    """JPEG, PNG and all forms of WebP come back in size and colour, with their type."""
    data = write(scene())
    picture = decode(data)
    finding = describe(data, picture)
    assert (finding.media_type, finding.width, finding.height) == (media_type, 480, 360)
    assert picture[20, 20, 2] > 240
    assert picture[20, 20, 0] < 20
    assert finding.sharpness == sharpness(picture) > 0


def test_grey_and_transparent_pictures_become_bgr() -> None:
    """Whatever the file's channels, the picture has three."""
    grey = np.full((400, 500), 90, np.uint8)
    clear = np.full((400, 500, 4), 90, np.uint8)
    deep = np.full((400, 500, 3), 90 * 257, np.uint16)
    for raw in (grey, clear, deep):
        picture = decode(bytes(cv2.imencode(".png", raw)[1]))
        assert picture.shape == (400, 500, 3)
        assert picture.dtype == np.uint8


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (1, 1)), (6, (0, 1)), (8, (1, 0))])
def test_exif_orientation_is_honoured(orientation: int, corner: tuple[int, int]) -> None:
    """A phone held sideways still gives an upright picture: the red corner is where it belongs."""
    data = with_orientation(encode_jpeg(scene()), orientation)
    picture = decode(data)
    height, width = picture.shape[:2]
    assert (width, height) == ((480, 360) if orientation in (1, 3) else (360, 480))
    y, x = (20 if not corner[0] else height - 20), (20 if not corner[1] else width - 20)
    assert picture[y, x, 2] > 200
    assert picture[y, x, 0] < 60
    assert (describe(data, picture).width, read_header(data).width) == (width, 480)


def test_progressive_jpeg_is_read() -> None:
    """Start-of-frame markers other than baseline count too."""
    data = bytes(cv2.imencode(".jpg", scene(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1])
    assert b"\xff\xc2" in data
    assert decode(data).shape == (360, 480, 3)


def test_fill_bytes_and_trailers_are_allowed() -> None:
    """Markers may be padded, and phones append films and maker's notes after the picture."""
    data = encode_jpeg(scene())
    padded = data[:2] + b"\xff\xff" + data[2:] + b"motion photo" * 100
    assert read_header(padded) == Header("image/jpeg", 480, 360)
    assert decode(padded).shape == (360, 480, 3)


def test_bare_markers_have_no_length() -> None:
    """A marker without a length, here TEM, is stepped over."""
    data = encode_jpeg(scene())
    assert read_header(data[:2] + b"\xff\x01" + data[2:]).width == 480


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xd9", b"hello", b"GIF89a" + bytes(500),
        b"RIFF\x00\x00\x00\x00WEBP", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7",
        b"BM" + bytes(99), b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n" + bytes(40),
        b"\xff\xd8\xff\xe0\x00\x00" * 9,
        b"\xff\xd8\xff\xc0\x00\x11\x08", b"\xff\xd8\xff\xda\x00\x08" + bytes(20) + b"\xff\xd9",
        b"\x00\x00\x00\x18ftypheic" + bytes(99), b"II*\x00" + bytes(99), bytes(10_000),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """Other formats, stubs and rubbish are refused by one word."""
    assert refusal(data) == "not_an_image"


@pytest.mark.parametrize("claim", [png_claiming, jpeg_claiming, webp_claiming])
def test_a_bomb_is_refused_before_decoding(
    claim: Callable[[int, int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file that claims gigapixels never reaches the decoder."""
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("the bomb was decoded"))
    assert refusal(claim(65_000, 65_000)) == "image_too_large"
    assert refusal(claim(PIXELS_MAX // 5_000 + 1, 5_000)) == "image_too_large"


@pytest.mark.parametrize("claim", [png_claiming, jpeg_claiming, webp_claiming])
def test_a_size_that_is_not_true_is_refused_or_bounded(claim: Callable[[int, int], bytes]) -> None:
    """A file with less content than its header claims gives no picture of another size."""
    try:
        picture = decode(claim(900, 700))
    except UserError as error:
        assert error.code == "not_an_image"
    else:
        assert picture.shape == (700, 900, 3)


def test_zero_pixels_are_too_small() -> None:
    """A claimed size of nothing is below the least size."""
    assert refusal(png_claiming(0, 0)) == "image_too_small"


def test_the_least_size_is_on_the_long_side() -> None:
    """A narrow picture is taken when its long side suffices."""
    assert decode(encode_jpeg(scene(LONG_SIDE_MIN, 100))).shape == (100, LONG_SIDE_MIN, 3)
    assert refusal(encode_jpeg(scene(LONG_SIDE_MIN - 1, LONG_SIDE_MIN - 1))) == "image_too_small"


def test_too_many_bytes_are_refused_unread() -> None:
    """The bound on bytes comes first, whatever the bytes are."""
    data = encode_jpeg(scene())
    assert decode(data + bytes(BYTES_MAX - len(data))).shape == (360, 480, 3)
    assert refusal(data + bytes(BYTES_MAX - len(data) + 1)) == "image_too_large"
    assert refusal(bytes(BYTES_MAX + 1)) == "image_too_large"


def test_a_decoder_that_raises_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception out of OpenCV is the picture's fault, not ours."""

    def broken(*_: object) -> None:
        raise cv2.error("decoder")

    monkeypatch.setattr(cv2, "imdecode", broken)
    assert refusal(encode_jpeg(scene())) == "not_an_image"


@pytest.mark.parametrize("write", [encode_jpeg, png, webp, lossless_webp, extended_webp])
def test_every_truncation_is_refused(write: Callable[[Picture], bytes]) -> None:
    """A picture cut off anywhere is refused, not filled up with grey."""
    data = write(scene())
    for keep in random.Random(11).sample(range(len(data) - 2), 150):
        assert refusal(data[:keep]) == "not_an_image"


@functools.cache
def written(write: Callable[[Picture], bytes]) -> bytes:
    """Return the scene once: lossless WebP takes longer to write than to look at a hundred times."""
    return write(scene())


@pytest.mark.parametrize("write", [encode_jpeg, png, webp, lossless_webp, extended_webp])
@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), holes=st.integers(1, 40))
def test_damaged_pictures_never_break_the_check(
    write: Callable[[Picture], bytes], seed: int, holes: int
) -> None:
    """Random damage gives a bounded picture or one of the three words; nothing else comes out."""
    chance = random.Random(seed)
    data = bytearray(written(write))
    for _ in range(holes):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        picture = decode(bytes(data))
    except UserError as error:
        assert error.code in {"not_an_image", "image_too_small", "image_too_large"}
    else:
        assert picture.shape[2] == 3
        assert picture.shape[0] * picture.shape[1] <= PIXELS_MAX


@settings(max_examples=200)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x64\0\0\0WEBPVP8X"]),
)
def test_any_bytes_are_refused(data: bytes, start: bytes) -> None:
    """Random bytes behind a true signature are refused."""
    assert refusal(start + data) in {"not_an_image", "image_too_large", "image_too_small"}


def test_sharpness_falls_with_blur() -> None:
    """The more a picture is blurred, the lower its sharpness; a flat one has none."""
    noise = np.random.default_rng(1).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    blurred = [np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), np.uint8) for sigma in (0.6, 1.2, 3.0)]
    values = [sharpness(picture) for picture in (noise, *blurred)]
    assert values == sorted(values, reverse=True)
    assert sharpness(np.zeros((400, 400, 3), np.uint8)) == 0
