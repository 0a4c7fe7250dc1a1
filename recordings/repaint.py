"""A merged film once more, with something painted into its pictures.

Only the groups of pictures that are touched are decoded and encoded anew, each by an encoder of its own with
the film's settings; every other packet, the sound and the chapters are copied. So the same film and the same
paint give the same bytes. Functions here block.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from contract.errors import StorageError
from recordings.compose import FPS, Plane
from recordings.film_file import MP4_OPTIONS, film_encoder, set_up_picture
from recordings.spool import sync_dir


@dataclass(frozen=True, slots=True)
class Paint:
    """What is done to a film.

    ``touches`` tells whether any of the pictures from the first to the last number, both included, is
    painted on; ``on`` paints into the picture of a number: planes of shape (HEIGHT * 3 / 2, WIDTH),
    YUV 4:2:0.
    """

    touches: Callable[[int, int], bool]
    on: Callable[[int, Plane], None]


def repaint_film(film: Path, out: Path, paint: Paint, progress: Callable[[float], None]) -> None:
    """Write ``film`` with this paint to ``out``, in one step when all is on disk.

    ``progress`` is called about every two seconds of film with the seconds that are done; what it raises
    ends the work.

    Raises:
        OSError: the disk refused.
        StorageError: ``film_damaged``, it breaks off, or is not one of our films.
    """
    for left in out.parent.glob(f"{out.name}.*.part"):
        left.unlink()
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        with av.open(str(film)) as source, av.open(str(part), "w", format="mp4", options=MP4_OPTIONS) as made:
            _copy(source, made, paint, progress)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(out)
        sync_dir(out.parent)
    except OSError:
        raise
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        raise StorageError(f"not a whole film: {error}", code="film_damaged") from error
    finally:
        part.unlink(missing_ok=True)


def _copy(
    source: InputContainer, made: OutputContainer, paint: Paint, progress: Callable[[float], None]
) -> None:
    picture, sound = source.streams.video[0], source.streams.audio[0]
    made.metadata["title"] = source.metadata.get("title", "")
    made.set_chapters(source.chapters())
    to_picture = film_encoder(made)
    to_sound = made.add_stream_from_template(sound)
    annex_b = BitStreamFilterContext("h264_mp4toannexb", picture, to_picture)
    group: list[Packet[Any]] = []
    count = 0

    def write() -> None:
        for packet in _group(picture, group, paint, annex_b):
            packet.stream = to_picture
            made.mux_one(packet)
        group.clear()

    for packet in source.demux(picture, sound):
        if packet.size == 0:
            continue
        if packet.stream is sound:
            packet.stream = to_sound
            made.mux_one(packet)
            continue
        if packet.is_keyframe and group:
            progress(_number(packet) / FPS)
            write()
        group.append(packet)
        count += 1
    if count != picture.frames:
        # The index stands in front, so what is missing behind it is no error to the demuxer.
        raise ValueError(f"{count} of {picture.frames} pictures")
    write()


def _number(packet: "Packet[Any]") -> int:
    """Return which picture of the film this is."""
    return round(float((packet.pts or 0) * packet.time_base) * FPS)


def _group(
    stream: VideoStream, group: Sequence["Packet[Any]"], paint: Paint, annex_b: BitStreamFilterContext
) -> Iterable["Packet[Any]"]:
    """Return a group as it is, or made anew where something in it is painted on."""
    numbers = [_number(packet) for packet in group]
    if not paint.touches(numbers[0], numbers[-1]):
        return [filtered for packet in group for filtered in annex_b.filter(packet)]
    return _anew(stream.codec_context, group, numbers, paint)


def _anew(
    decoder: VideoCodecContext, group: Sequence["Packet[Any]"], numbers: Sequence[int], paint: Paint
) -> Iterator["Packet[Any]"]:
    pictures = [picture for packet in group for picture in decoder.decode(packet)] + decoder.decode(None)
    decoder.flush_buffers()
    encoder = av.CodecContext.create("libx264", "w")
    set_up_picture(encoder)
    encoder.time_base = Fraction(1, FPS)
    for number, picture in zip(numbers, pictures, strict=True):
        planes: Plane = np.asarray(picture.to_ndarray(format="yuv420p"), np.uint8)
        paint.on(number, planes)
        shown = VideoFrame.from_ndarray(planes, format="yuv420p")
        shown.pts, shown.time_base = number, Fraction(1, FPS)
        yield from encoder.encode(shown)
    yield from encoder.encode(None)
