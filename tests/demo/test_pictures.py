"""The demo's pictures: what is painted into them can be read back after a call."""

import fractions
import importlib.util
from collections.abc import Iterator

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teller.demo.pictures import (
    COUNTER_BITS,
    FLASH_FRAMES,
    FaceVideo,
    Picture,
    Region,
    astronaut,
    draw_counter,
    fitted,
    jpeg,
    other_person,
    read_counter,
    read_flash,
)

HIGHEST = (1 << COUNTER_BITS) - 1


def through_vp8(video: FaceVideo, first: int, frames: int, kbps: int) -> Iterator[Picture]:
    """Yield ``frames`` frames as VP8 at ``kbps`` in real-time quality leaves them, grey."""
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = video.size
    encoder.pix_fmt, encoder.bit_rate = "yuv420p", kbps * 1000
    encoder.time_base = fractions.Fraction(1, video.fps)
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1"}
    decoder = av.CodecContext.create("vp8", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    packets = []
    for n in range(frames):
        frame = av.VideoFrame.from_ndarray(video.frame(first + n), format="bgr24")
        frame.pts, frame.time_base = n, encoder.time_base
        packets += encoder.encode(frame)
    for packet in [*packets, *encoder.encode(None)]:
        for decoded in decoder.decode(packet):
            yield np.asarray(decoded.to_ndarray(format="gray"), np.uint8)


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1280, 720), (360, 640), (160, 160)])
def test_every_frame_carries_its_number(size: tuple[int, int]) -> None:
    """In every size of a call the number is read from colour and from grey."""
    video = FaceVideo(astronaut(), size)
    for n in (0, 1, 255, 256, 65_535, 1_234_567, HIGHEST):
        frame = video.frame(n)
        assert frame.shape == (size[1], size[0], 3)
        assert frame.dtype == np.uint8
        assert read_counter(frame) == n
        assert read_counter(np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)) == n


@settings(max_examples=60)
@given(st.integers(0, HIGHEST), st.floats(0.5, 1.0), st.integers(0, 30))
def test_the_number_survives_scaling_and_light(n: int, scale: float, offset: int) -> None:
    """Down to half the size, darker or paler, the number is the same."""
    picture = np.full((480, 640, 3), 120, np.uint8)
    draw_counter(picture, n)
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    pale = np.clip(small.astype(np.float32) * 0.7 + offset, 0, 255).astype(np.uint8)
    assert read_counter(pale) == n


def test_numbers_outside_24_bits_are_refused() -> None:
    """What cannot be carried is an error, not another number."""
    for n in (-1, HIGHEST + 1):
        with pytest.raises(ValueError, match="24 bits"):
            draw_counter(np.zeros((480, 640, 3), np.uint8), n)


def test_no_strip_no_number() -> None:
    """Black, white, noise without contrast, and crumbs of a picture hold no number."""
    assert read_counter(np.zeros((480, 640, 3), np.uint8)) is None
    assert read_counter(np.full((480, 640), 255, np.uint8)) is None
    assert read_counter(np.zeros((4, 20), np.uint8)) is None
    assert read_counter(astronaut().image) is None


@settings(max_examples=60)
@given(st.integers(0, HIGHEST), st.integers(1, 16), st.integers(0, 1))
def test_one_block_painted_over_is_noticed(n: int, column: int, row: int) -> None:
    """The check finds every single wrong block, so a broken number is never taken for another."""
    picture = np.full((480, 640, 3), 120, np.uint8)
    draw_counter(picture, n)
    tall = int(480 * 0.11)
    top, left = 480 - tall + row * tall // 2, round(column * 640 / 18)
    block = picture[top : top + tall // 2, left : left + 36]
    block[:] = 255 - block
    assert read_counter(picture) is None


@pytest.mark.parametrize(
    ("size", "kbps", "agent"), [((640, 480), 300, False), ((640, 480), 300, True), ((480, 640), 300, False)]
)
def test_numbers_survive_vp8_at_300_kbps_and_half_size(size: tuple[int, int], kbps: int, agent: bool) -> None:
    """After VP8 at 300 kbit/s every frame's number is read, at full and at half size, in order."""
    video = FaceVideo(other_person(1) if agent else astronaut(), size, agent=agent)
    pictures = list(through_vp8(video, 1_000, 50, kbps))
    half = [np.asarray(cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)) for p in pictures]
    assert [read_counter(picture) for picture in pictures] == list(range(1_000, 1_050))
    assert [read_counter(np.asarray(picture, np.uint8)) for picture in half] == list(range(1_000, 1_050))
    assert [read_flash(picture) for picture in pictures] == [
        n % 25 < FLASH_FRAMES for n in range(1_000, 1_050)
    ]


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1280, 720)])
def test_panes_of_a_merged_picture_are_read(size: tuple[int, int]) -> None:
    """Two callers side by side, each scaled whole into the middle of its pane, are told apart."""
    merged = np.zeros((720, 1280), np.uint8)
    panes: list[Region] = [(0, 60, 640, 600), (640, 60, 640, 600)]
    for number, pane in zip((77, 4_242), panes, strict=True):
        x, y, w, h = fitted(size, pane)
        frame = cv2.cvtColor(FaceVideo(astronaut(), size).frame(number), cv2.COLOR_BGR2GRAY)
        merged[y : y + h, x : x + w] = cv2.resize(frame, (w, h), interpolation=cv2.INTER_AREA)
    assert [read_counter(merged, fitted(size, pane)) for pane in panes] == [77, 4_242]
    assert [read_flash(merged, fitted(size, pane)) for pane in panes] == [False, False]


def test_a_pane_that_does_not_fit_by_a_pixel_is_still_read() -> None:
    """Rounding in a merge shifts panes by a pixel or two."""
    frame = FaceVideo(astronaut()).frame(31_337)
    for region in ((2, 0, 636, 480), (0, 2, 640, 477), (1, 1, 638, 478)):
        assert read_counter(frame, region) == 31_337


def test_the_flash_marks_full_seconds() -> None:
    """The first two frames of each second flash, at any frame rate."""
    for fps in (15, 25, 30):
        video = FaceVideo(astronaut(), fps=fps)
        lit = [n for n in range(2 * fps + 3) if read_flash(video.frame(n))]
        assert lit == [0, 1, fps, fps + 1, 2 * fps, 2 * fps + 1]


def test_frames_depend_on_their_number_only() -> None:
    """Two videos of one person are the same; frames drawn out of order too."""
    one, other = FaceVideo(astronaut()), FaceVideo(astronaut())
    later = one.frame(40)
    assert np.array_equal(one.frame(7), other.frame(7))
    assert np.array_equal(other.frame(40), later)


def test_the_face_moves_and_the_light_changes() -> None:
    """Frames differ in the face and in the background."""
    video = FaceVideo(astronaut())
    one, other = video.frame(10).astype(np.int16), video.frame(45).astype(np.int16)
    assert np.abs(one[100:300, 200:440] - other[100:300, 200:440]).mean() > 5
    assert np.abs(one[300:400, 10:60] - other[300:400, 10:60]).mean() > 1


def test_the_agent_sits_in_another_room() -> None:
    """Customer and agent are told apart by their background."""
    customer, agent = FaceVideo(astronaut()).frame(3), FaceVideo(astronaut(), agent=True).frame(3)
    assert np.abs(customer[20:60, 10:30].astype(int) - agent[20:60, 10:30]).mean() > 40


@pytest.mark.parametrize(
    ("size", "fps"), [((640, 479), 25), ((641, 480), 25), ((100, 480), 25), ((640, 480), 0)]
)
def test_impossible_videos_are_refused(size: tuple[int, int], fps: int) -> None:
    """Odd or tiny sizes and no frames at all are errors of the caller."""
    with pytest.raises(ValueError, match="size must be even"):
        FaceVideo(astronaut(), size, fps)


def test_there_are_seven_people() -> None:
    """The astronaut and six others, each with a box inside the photograph."""
    people = [astronaut(), *(other_person(index) for index in range(6))]
    assert len({person.image.tobytes() for person in people}) == 7
    for person in people:
        x, y, w, h = person.face
        assert 0 <= x < x + w <= person.image.shape[1]
        assert 0 <= y < y + h <= person.image.shape[0]


def test_fitting_keeps_proportion_and_centre() -> None:
    """A frame is scaled whole into the middle of its pane."""
    assert fitted((640, 480), (0, 0, 640, 480)) == (0, 0, 640, 480)
    assert fitted((640, 480), (640, 0, 640, 720)) == (640, 120, 640, 480)
    assert fitted((480, 640), (0, 0, 640, 640)) == (80, 0, 480, 640)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the demo extra the error says which package is wanted."""
    from teller.demo import pictures

    pictures._photograph.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError, match="skimage is not installed"):
        astronaut()


def test_pictures_become_jpeg() -> None:
    """A frame is written as JPEG in its size."""
    data = np.frombuffer(jpeg(FaceVideo(astronaut()).frame(5)), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (480, 640, 3)
