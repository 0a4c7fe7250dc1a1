"""Pictures of a merge: decoding tracks, and the canvas of fixed size that they are painted on.

Everything stays in planes of 8 bit YUV 4:2:0 with limited range (ITU-T H.273): luma 16 to 235, chroma
around 128. A place is cleared only when the incoming size changes, so an ordinary tick costs one
resize per picture.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import av
import av.error
import cv2
import numpy as np
import structlog
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from contract.phases import Template
from recordings.ahead import ahead
from recordings.layout import HEIGHT, STRIP, WIDTH, Place, places

Plane = NDArray[np.uint8]

_log = structlog.get_logger(__name__)

# A merge shares its work out by itself; for pictures of this size OpenCV's threads cost more than they bring.
cv2.setNumThreads(1)

FPS = 15
# Pictures of a track that are decoded before they are asked for: while one is painted the next is decoded.
_AHEAD = 4
# A picture this much older than the tick is marked as "no signal".
STALE_S = 1.0
BLACK, BACKGROUND, NEUTRAL = 16, 22, 128
_TEXT_SIZE, _TEXT_BASELINE, _TEXT_MARGIN = 20, 28, 12
_NO_SIGNAL = "信号中断 / No signal"
# The upper strip: case and place, the time, the codes of stills. Each is as wide as its longest text.
_CASE_WIDTH, _CLOCK_WIDTH = 640, 392


@dataclass(frozen=True, slots=True)
class Coded:
    """One encoded frame, ``at`` seconds from the start of the axis.

    ``follows`` is False where the frame before it in the file is missing, so that an inter frame
    cannot be decoded.
    """

    at: float
    data: bytes
    keyframe: bool
    follows: bool = True


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A picture and its time; or None, and ``hurt``, the stretch before ``at`` that could not be decoded."""

    at: float
    picture: VideoFrame | None
    hurt: tuple[float, float] | None


class PictureTrack:
    """Decodes one video track in one pass; while it shows, some pictures ahead in a thread of its own.

    ``damage`` collects stretches ``(since, until)`` in seconds in which frames were there but could
    not be decoded; ``until`` is the time of the next good picture. Close it when it is not read to its end.
    """

    def __init__(self, codec: str, frames: Iterable[Coded]) -> None:
        self.damage: list[tuple[float, float]] = []
        self._codec = {"VP8": "vp8", "H264": "h264"}[codec]
        self._pictures = self._decode(frames)
        self._current: tuple[float, VideoFrame] | None = None
        self._next = self._take()

    def at(self, seconds: float) -> tuple[float, VideoFrame] | None:
        """Return the picture that is showing at ``seconds`` and its own time; calls must not go back."""
        while self._next is not None and self._next[0] <= seconds:
            if self._current is None:
                # Not before it is needed: of fifty tracks of a bad line one or two show.
                self._pictures = ahead(self._pictures, _AHEAD)
            self._current, self._next = self._next, self._take()
        return self._current

    def close(self) -> None:
        """Let go of what was decoded ahead."""
        self._pictures.close()

    def _take(self) -> tuple[float, VideoFrame] | None:
        for one in self._pictures:
            if one.hurt is not None:
                self.damage.append(one.hurt)
            if one.picture is not None:
                return one.at, one.picture
        return None

    def _decode(self, frames: Iterable[Coded]) -> Generator[_Decoded]:
        decoder = self._open()
        times: dict[int, float] = {}
        broken_at: float | None = None
        waiting, last_at = True, 0.0
        for index, coded in enumerate(frames):
            last_at = coded.at
            waiting = not coded.keyframe and (waiting or not coded.follows)
            pictures: list[VideoFrame] | None = None
            if not waiting:
                times[index] = coded.at
                pictures = _decoded(decoder, coded.data, index)
            if pictures is None:
                broken_at = coded.at if broken_at is None else broken_at
                if not waiting:
                    waiting, decoder = True, self._open()
                continue
            if broken_at is not None:
                yield _Decoded(coded.at, None, (broken_at, coded.at))
                broken_at = None
            for picture in pictures:
                yield _Decoded(times.pop(cast(int, picture.pts)), picture, None)
        if broken_at is not None:
            yield _Decoded(last_at, None, (broken_at, last_at))
        for picture in _decoded(decoder, None, -1) or ():
            yield _Decoded(times.pop(cast(int, picture.pts)), picture, None)

    def _open(self) -> VideoCodecContext:
        decoder = av.CodecContext.create(self._codec, "r")
        assert isinstance(decoder, VideoCodecContext)  # noqa: S101 - narrows the type for mypy
        decoder.thread_count = 1
        # Conferencing streams have no reordering: a picture comes out with its packet.
        decoder.options = {"flags": "low_delay"}
        return decoder


def _decoded(decoder: VideoCodecContext, data: bytes | None, index: int) -> list[VideoFrame] | None:
    """Return the pictures that ``data`` (None: the end) completes, None when it does not decode."""
    packet = None
    if data == b"":
        # To the decoder an empty packet is the end of the stream.
        return None
    if data is not None:
        packet = av.Packet(data)
        packet.pts = packet.dts = index
    try:
        pictures = decoder.decode(packet)
    except av.error.FFmpegError as error:
        _log.debug("frame does not decode", pii_error=str(error))
        return None
    if any(picture.is_corrupt for picture in pictures):
        return None
    return pictures


@dataclass(frozen=True, slots=True)
class Caption:
    """Whose place it is: ``label`` such as 客户 / Customer, and the person's display name."""

    label: str
    pii_name: str


class Canvas:
    """A 1280x720 picture with a place for everybody, painted in place."""

    def __init__(self, case: str, template: Template = Template.ROLES) -> None:
        self._template = template
        self._buffer: Plane = np.full((HEIGHT * 3 // 2, WIDTH), NEUTRAL, np.uint8)
        self._planes = planes_of(self._buffer)
        self._planes[0][:] = BACKGROUND
        self._places: tuple[Place, ...] = ()
        self._captions: tuple[Caption, ...] = ()
        self._sizes: dict[int, tuple[int, int]] = {}
        self._shown: dict[int, tuple[VideoFrame | None, bool]] = {}
        self._case, self._stamped = case, ("", "", "")

    def seat(self, people: Sequence[Caption], screen: Caption | None = None) -> None:
        """Give people their places, as many as the template has, and a shared screen its own."""
        captions = (*people, screen) if screen is not None else tuple(people)
        found = places(len(people), screen is not None, self._template)
        if found != self._places:
            self._places, self._captions = found, ()
            self._clear(Place(0, STRIP, WIDTH, HEIGHT - STRIP))
            self._sizes, self._shown = {}, {}
        if captions != self._captions:
            self._captions = captions
            for place, caption in zip(found, captions, strict=True):
                text = f"{caption.label}  {caption.pii_name}"
                self._write(text, place.left, place.top + place.height, place.width)

    def show(self, number: int, picture: VideoFrame | None, stale: bool) -> None:
        """Paint a place, None for nothing; what it shows already is left alone."""
        if self._shown.get(number, (None, False)) == (picture, stale and picture is not None):
            return
        self._shown[number] = (picture, stale and picture is not None)
        if picture is None:
            self._sizes.pop(number, None)
            self._clear(self._places[number])
            return
        self._paint(number, picture)
        if stale:
            self._mark_stale(self._places[number])

    def stamp(self, clock: str, pii_place: str = "", codes: str = "") -> None:
        """Write into the upper strip: the case, where the customer is if known, the time, codes of stills."""
        if (clock, pii_place, codes) != self._stamped:
            self._stamped = (clock, pii_place, codes)
            after = _CASE_WIDTH + _CLOCK_WIDTH
            self._write(f"{self._case}  {pii_place}", 0, 0, _CASE_WIDTH)
            self._write(clock, _CASE_WIDTH, 0, _CLOCK_WIDTH)
            self._write(codes, after, 0, WIDTH - after)

    @property
    def planes(self) -> Plane:
        """Return what is painted, shape (HEIGHT * 3 / 2, WIDTH), YUV 4:2:0; it changes with the canvas."""
        return self._buffer

    def picture(self) -> VideoFrame:
        """Return a copy of the canvas."""
        return VideoFrame.from_ndarray(self._buffer, format="yuv420p")

    def _paint(self, number: int, picture: VideoFrame) -> None:
        if picture.format.name not in {"yuv420p", "yuvj420p"}:
            picture = picture.reformat(format="yuv420p")
        place = self._places[number]
        width, height = fit(picture.width, picture.height, place.width, place.height)
        if self._sizes.get(number) != (width, height):
            self._sizes[number] = (width, height)
            self._clear(place)
        left = place.left + (place.width - width) // 4 * 2
        top = place.top + (place.height - height) // 4 * 2
        for plane, source, half in zip(self._planes, picture.planes, (1, 2, 2), strict=True):
            pixels = np.frombuffer(cast(Any, source), np.uint8).reshape(-1, source.line_size)
            target = plane[top // half : (top + height) // half, left // half : (left + width) // half]
            _resize(pixels[: source.height, : source.width], target)

    def _clear(self, place: Place) -> None:
        for plane, half, value in zip(self._planes, (1, 2, 2), (BACKGROUND, NEUTRAL, NEUTRAL), strict=True):
            rows = slice(place.top // half, (place.top + place.height) // half)
            plane[rows, place.left // half : (place.left + place.width) // half] = value

    def _mark_stale(self, place: Place) -> None:
        """Halve the place's brightness and write across its middle."""
        pane = self._planes[0][place.top : place.top + place.height, place.left : place.left + place.width]
        pane[:] = BLACK + (np.maximum(pane, BLACK) - BLACK) // 2
        band = pane[(place.height - STRIP) // 2 : (place.height + STRIP) // 2]
        band[:] = _lettering(_NO_SIGNAL, place.width, centred=True)

    def _write(self, text: str, left: int, top: int, width: int) -> None:
        self._planes[0][top : top + STRIP, left : left + width] = _lettering(text, width)


def planes_of(planes: Plane) -> tuple[Plane, Plane, Plane]:
    """Return luma and both chromas of a whole picture, shape (HEIGHT * 3 / 2, WIDTH), as views of it."""
    quarter = HEIGHT // 4
    return (
        planes[:HEIGHT],
        planes[HEIGHT : HEIGHT + quarter].reshape(HEIGHT // 2, WIDTH // 2),
        planes[HEIGHT + quarter :].reshape(HEIGHT // 2, WIDTH // 2),
    )


def fit(width: int, height: int, into_width: int, into_height: int) -> tuple[int, int]:
    """Return the largest even size of the same aspect that fits a place, at least 2 by 2."""
    scale = min(into_width / width, into_height / height)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _resize(source: Plane, target: Plane) -> None:
    if source.shape == target.shape:
        target[:] = source
        return
    shrinks = source.shape[1] > target.shape[1]
    size = (target.shape[1], target.shape[0])
    target[:] = cv2.resize(source, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _lettering(text: str, width: int, centred: bool = False) -> Plane:
    """Return white text on the background, one strip high; what does not fit is cut off."""
    left = max(0, (width - text_width(text, width)) // 2) if centred else _TEXT_MARGIN
    light = text_mask(text, width, left).astype(np.uint16) * (235 - BACKGROUND) // 255
    return (light + BACKGROUND).astype(np.uint8)


def text_width(text: str, most: int) -> int:
    """Return how many pixels a line of text takes of ``most``."""
    box = cv2.getTextSize((most, STRIP), text, (0, 0), _face(), _TEXT_SIZE)
    return int(box[2])


def text_mask(text: str, width: int, left: int = 0) -> Plane:
    """Return a line of text, shape (STRIP, width), 255 where it covers; what does not fit is cut off."""
    mask: Plane = np.zeros((STRIP, width), np.uint8)
    cv2.putText(mask, text, (left, _TEXT_BASELINE), (255,), _face(), _TEXT_SIZE)
    return mask


def _face() -> cv2.FontFace:
    return cv2.FontFace("uni")  # OpenCV's built-in font with CJK glyphs
