"""The merged film once more, with the customer's place veiled while a card may be seen in it.

Only the groups of pictures that hold such a moment are decoded and encoded anew, each by an encoder of its
own with the film's settings; every other packet, the sound and the chapters are copied. So the same film
and the same boxes give the same bytes. Functions here block.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from contract.phases import Role, TrackSource
from recordings.compose import FPS, Plane
from recordings.film_file import MP4_OPTIONS, film_encoder, set_up_picture
from recordings.layout import HEIGHT, WIDTH, Place
from recordings.merge import CallPlan, MergePlan
from recordings.scene import Seating
from recordings.spool import sync_dir
from recordings.veils import CardShown

VEILED_FILE = "merged-veiled.mp4"
# What is left of a place in its width: enough to tell that somebody is there, too little for any letter of a
# card that fills it.
_SAMPLES = 18


@dataclass(frozen=True, slots=True)
class Box:
    """A place of the film that is veiled in the pictures ``first`` to ``last``, both included."""

    first: int
    last: int
    place: Place


def boxes(plan: MergePlan) -> tuple[Box, ...]:
    """Return what is to be veiled in the film of ``plan``, in order. Pure."""
    found: list[Box] = []
    before = 0
    for call in plan.calls:
        count = round(call.timeline.axis.seconds * FPS)
        for one in plan.cards:
            if one.call == call.timeline.call:
                found += _boxes(plan, call, one, before, count)
        before += count
    return tuple(found)


def _boxes(plan: MergePlan, call: CallPlan, shown: CardShown, before: int, count: int) -> Iterator[Box]:
    axis = call.timeline.axis
    screens = {t.recorded.info.track for t in call.tracks if t.recorded.info.source is TrackSource.SCREEN}
    seating = Seating(call.timeline, screens, plan.template)
    first = max(0, floor((shown.since - axis.start) * FPS) - 1)
    last = min(count - 1, ceil(_next_picture(call, shown.until - axis.start) * FPS) + 1)
    places = ((tick, seating.customer(tick / FPS)) for tick in range(first, last + 1))
    for place, run in itertools.groupby(places, key=lambda one: one[1]):
        ticks = [tick for tick, _ in run]
        yield Box(before + ticks[0], before + ticks[-1], place)


def _next_picture(call: CallPlan, at_s: float) -> float:
    """Return when the first picture after ``at_s`` came: until then the last one stands."""
    coming = (
        float(second)
        for track in call.tracks
        if track.recorded.info.role is Role.CUSTOMER and track.recorded.info.source is TrackSource.CAMERA
        for second in track.at[track.at >= at_s][:1]
    )
    return min(coming, default=call.timeline.axis.seconds)


def veil_film(film: Path, out: Path, veiled: Sequence[Box], progress: Callable[[], None]) -> None:
    """Write ``film`` with these places veiled to ``out``, in one step when all is on disk.

    ``progress`` is called about every two seconds of film; what it raises ends the work.

    Raises:
        OSError: the disk refused, or ``film`` is not one of our films.
    """
    for left in out.parent.glob(f"{out.name}.*.part"):
        left.unlink()
    part = out.with_name(f"{out.name}.{os.getpid()}.part")
    try:
        with av.open(str(film)) as source, av.open(str(part), "w", format="mp4", options=MP4_OPTIONS) as made:
            _copy(source, made, veiled, progress)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(out)
        sync_dir(out.parent)
    finally:
        part.unlink(missing_ok=True)


def _copy(
    source: InputContainer, made: OutputContainer, veiled: Sequence[Box], progress: Callable[[], None]
) -> None:
    picture, sound = source.streams.video[0], source.streams.audio[0]
    made.metadata["title"] = source.metadata.get("title", "")
    made.set_chapters(source.chapters())
    to_picture = film_encoder(made)
    to_sound = made.add_stream_from_template(sound)
    annex_b = BitStreamFilterContext("h264_mp4toannexb", picture, to_picture)
    group: list[Packet[Any]] = []

    def write() -> None:
        for packet in _group(picture, group, veiled, annex_b):
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
            progress()
            write()
        group.append(packet)
    write()


def _number(packet: "Packet[Any]") -> int:
    """Return which picture of the film this is."""
    return round(float((packet.pts or 0) * packet.time_base) * FPS)


def _group(
    stream: VideoStream,
    group: Sequence["Packet[Any]"],
    veiled: Sequence[Box],
    annex_b: BitStreamFilterContext,
) -> Iterable["Packet[Any]"]:
    """Return a group as it is, or made anew where something in it is veiled."""
    numbers = [_number(packet) for packet in group]
    if not any(box.first <= numbers[-1] and numbers[0] <= box.last for box in veiled):
        return [filtered for packet in group for filtered in annex_b.filter(packet)]
    return _anew(stream.codec_context, group, numbers, veiled)


def _anew(
    decoder: VideoCodecContext,
    group: Sequence["Packet[Any]"],
    numbers: Sequence[int],
    veiled: Sequence[Box],
) -> Iterator["Packet[Any]"]:
    pictures = [picture for packet in group for picture in decoder.decode(packet)] + decoder.decode(None)
    decoder.flush_buffers()
    encoder = av.CodecContext.create("libx264", "w")
    set_up_picture(encoder)
    encoder.time_base = Fraction(1, FPS)
    for number, picture in zip(numbers, pictures, strict=True):
        here = [box.place for box in veiled if box.first <= number <= box.last]
        shown = _veiled(picture, here)
        shown.pts, shown.time_base = number, Fraction(1, FPS)
        yield from encoder.encode(shown)
    yield from encoder.encode(None)


def _veiled(picture: VideoFrame, places: Iterable[Place]) -> VideoFrame:
    planes: Plane = np.asarray(picture.to_ndarray(format="yuv420p"), np.uint8)
    quarter = HEIGHT // 4
    for place in places:
        for plane, half in (
            (planes[:HEIGHT], 1),
            (planes[HEIGHT : HEIGHT + quarter].reshape(HEIGHT // 2, WIDTH // 2), 2),
            (planes[HEIGHT + quarter :].reshape(HEIGHT // 2, WIDTH // 2), 2),
        ):
            rows = slice(place.top // half, (place.top + place.height) // half)
            pane = plane[rows, place.left // half : (place.left + place.width) // half]
            few = (_SAMPLES, max(1, _SAMPLES * pane.shape[0] // pane.shape[1]))
            coarse = cv2.resize(pane, few, interpolation=cv2.INTER_AREA)
            pane[:] = cv2.resize(coarse, pane.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return VideoFrame.from_ndarray(planes, format="yuv420p")
