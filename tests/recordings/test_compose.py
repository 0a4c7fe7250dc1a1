"""Pictures: decoding a lane, and the canvas."""

from contextlib import closing

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from recordings.compose import BACKGROUND, NEUTRAL, Canvas, Caption, Coded, PictureTrack, fit
from recordings.layout import HEIGHT, PANE_HEIGHT, PANE_WIDTH, PEOPLE_MAX, STRIP, WIDTH, Place, places
from tests.recordings.measured import pane, part
from tests.recordings.staged import Frame, draw, film, read_number


def _coded(frames: list[Frame]) -> list[Coded]:
    return [Coded(frame.taken_s, frame.data, frame.keyframe) for frame in frames]


def _number(track: PictureTrack, at: float) -> int | None:
    shown = track.at(at)
    return None if shown is None else read_number(shown[1].to_ndarray()[: shown[1].height].astype(np.uint8))


def _damage(track: PictureTrack) -> list[tuple[float, float]]:
    return [(round(since, 2), round(until, 2)) for since, until in track.damage]


def _picture(width: int, height: int, number: int = 5, kind: str = "yuv420p") -> VideoFrame:
    picture = VideoFrame.from_ndarray(draw(number, width, height, lit=False), format="yuv420p")
    return picture if kind == "yuv420p" else picture.reformat(format=kind)


def _canvas() -> Canvas:
    return _seated(Caption("客户 / Customer", "张三"), Caption("坐席 / Agent", "李四"))


def _seated(*people: Caption, screen: Caption | None = None) -> Canvas:
    canvas = Canvas("case-x")
    canvas.seat(people, screen)
    return canvas


def _luma(canvas: Canvas) -> np.ndarray:
    return canvas.picture().to_ndarray()[:HEIGHT]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_picture_by_time(codec: str) -> None:
    """At any time the latest picture shows, None before the first, the last for ever after."""
    track = PictureTrack(codec, _coded(film(2.0, codec, first=15)))

    assert _number(track, 0.9) is None
    assert _number(track, 1.0) == 15
    assert _number(track, 2.0) == 30
    assert _number(track, 99.0) == 44
    assert track.damage == []


def test_starts_with_the_first_keyframe() -> None:
    """Pictures before the first keyframe are damage."""
    with closing(PictureTrack("VP8", _coded(film(2.0, gop=15))[5:])) as track:
        assert _number(track, 0.9) is None
        assert _number(track, 1.0) == 15
        assert _damage(track) == [(0.33, 1.0)]


def test_waits_for_a_keyframe_after_a_break() -> None:
    """An inter frame that does not follow what is decoded is skipped, and those after it."""
    frames = _coded(film(2.0, gop=15))
    frames[5] = Coded(frames[5].at, frames[5].data, False, follows=False)
    with closing(PictureTrack("VP8", frames)) as track:
        assert _number(track, 0.95) == 4
        assert _number(track, 1.05) == 15
        assert _damage(track) == [(0.33, 1.0)]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_garbage_costs_until_the_next_keyframe(codec: str) -> None:
    """A frame that does not decode is skipped with what depends on it."""
    frames = _coded(film(2.0, codec, gop=15))
    frames[5] = Coded(frames[5].at, b"\x01", False)
    with closing(PictureTrack(codec, frames)) as track:
        assert _number(track, 0.95) == 4
        assert _number(track, 1.5) == 22
        assert len(track.damage) == 1


def test_garbage_at_the_end() -> None:
    """Damage that no keyframe ends runs up to the last frame."""
    frames = _coded(film(1.0, gop=90))
    frames[5] = Coded(frames[5].at, b"", False)
    track = PictureTrack("VP8", frames)

    assert _number(track, 5.0) == 4
    assert _damage(track) == [(0.33, 0.93)]


def test_nothing_but_garbage() -> None:
    """A track without one good frame shows nothing and raises nothing."""
    track = PictureTrack("VP8", [Coded(i / 15, b"\xff" * 20, True) for i in range(10)])

    assert track.at(5.0) is None


_PLACES = [
    place
    for people in range(2, PEOPLE_MAX + 1)
    for shared in (False, True)
    for place in places(people, shared)
]


@given(st.integers(1, 8000), st.integers(1, 8000), st.sampled_from(_PLACES))
def test_fit(width: int, height: int, place: Place) -> None:
    """A picture of any size fits any place, with even edges, and fills one side of it."""
    fitted = fit(width, height, place.width, place.height)

    assert fitted[0] % 2 == fitted[1] % 2 == 0
    assert 2 <= fitted[0] <= place.width
    assert 2 <= fitted[1] <= place.height
    assert fitted[0] == place.width or fitted[1] == place.height


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (320, 240), (720, 1280), (642, 362), (100, 30)])
@pytest.mark.parametrize("kind", ["yuv420p", "yuv444p"])
def test_every_size_is_readable(size: tuple[int, int], kind: str) -> None:
    """Pictures of any size and sampling are scaled into the pane and stay readable."""
    canvas = _canvas()
    canvas.show(1, _picture(*size, number=0b1011_0010_1101, kind=kind), stale=False)

    assert read_number(pane(_luma(canvas), 1, size)) == 0b1011_0010_1101


def test_panes_do_not_touch() -> None:
    """What is painted left leaves the right pane and the strips as they were."""
    canvas = _canvas()
    before = _luma(canvas).copy()
    canvas.show(0, _picture(1280, 720), stale=False)
    after = _luma(canvas)

    assert (after[:, PANE_WIDTH:] == before[:, PANE_WIDTH:]).all()
    assert (after[:STRIP] == before[:STRIP]).all()
    assert (after[-STRIP:] == before[-STRIP:]).all()


def test_a_new_size_leaves_nothing_of_the_old() -> None:
    """When a phone is turned, no edge of the old picture stays."""
    canvas = _canvas()
    canvas.show(0, _picture(1280, 720), stale=False)
    canvas.show(0, _picture(720, 1280), stale=False)
    fitted, _ = fit(720, 1280, PANE_WIDTH, PANE_HEIGHT)
    left = _luma(canvas)[STRIP:-STRIP, : (PANE_WIDTH - fitted) // 2 - 2]

    assert (left == BACKGROUND).all()


def test_chroma_is_carried() -> None:
    """Colour reaches the pane and nothing beside it."""
    picture = _picture(640, 360)
    planes = picture.to_ndarray()
    planes[360:450] = 200
    canvas = _canvas()
    canvas.show(0, VideoFrame.from_ndarray(planes, format="yuv420p"), stale=False)
    blue = canvas.picture().to_ndarray()[HEIGHT : HEIGHT * 5 // 4].reshape(HEIGHT // 2, WIDTH // 2)

    assert blue[HEIGHT // 4, 100] == 200
    assert blue[HEIGHT // 4, 500] == NEUTRAL


def test_nothing_to_show() -> None:
    """Without a picture a place is plain, before and after it had one, and it says nothing."""
    canvas = _canvas()
    before = _luma(canvas).copy()
    canvas.show(0, None, stale=True)
    assert (_luma(canvas) == before).all()
    canvas.show(0, _picture(1280, 720), stale=False)
    canvas.show(0, None, stale=True)

    assert (_luma(canvas) == before).all()
    assert (before[STRIP:-STRIP] == BACKGROUND).all()


@pytest.mark.parametrize("people", [2, 3, 4])
@pytest.mark.parametrize("shared", [False, True])
def test_places_lie_apart_on_the_canvas(people: int, shared: bool) -> None:
    """Everybody has one, with room for a caption below, all edges even; a screen has the largest."""
    found = places(people, shared)
    taken = np.zeros((HEIGHT, WIDTH), int)
    for place in found:
        assert not any(edge % 2 for edge in (place.left, place.top, place.width, place.height))
        taken[place.top : place.top + place.height + STRIP, place.left : place.left + place.width] += 1

    assert len(found) == people + shared
    assert taken.max() == 1 and not taken[:STRIP].any()
    assert taken[STRIP:].mean() > 0.99
    largest = max(found, key=lambda place: place.width * place.height)
    assert largest == found[-1 if shared else 0]


@pytest.mark.parametrize("people", range(PEOPLE_MAX + 1, 9))
@pytest.mark.parametrize("shared", [False, True])
def test_more_people_than_can_be_have_smaller_places(people: int, shared: bool) -> None:
    """All apart, on the canvas, and large enough for a picture."""
    taken = np.zeros((HEIGHT, WIDTH), int)
    for place in places(people, shared):
        assert place.width >= 64 and place.height >= 36
        taken[place.top : place.top + place.height + STRIP, place.left : place.left + place.width] += 1

    assert len(places(people, shared)) == people + shared and taken.max() == 1


def test_everybody_and_a_screen_are_readable_in_their_places() -> None:
    """Four people in a column, the screen beside them; when it is over they have the canvas to themselves."""
    people = [Caption(label, "") for label in ("客户", "坐席", "第三方", "主管")]
    canvas = _seated(*people, screen=Caption("屏幕", "李四"))
    for number in range(5):
        canvas.show(number, _picture(640, 360, number=number + 1), stale=False)
    shown = [read_number(part(_luma(canvas), place, (640, 360))) for place in places(4, True)]
    assert shown == [1, 2, 3, 4, 5]
    canvas.seat(people)
    assert (_luma(canvas)[STRIP:][:100] == BACKGROUND).all()
    for number in range(4):
        canvas.show(number, _picture(640, 360, number=number + 11), stale=False)
    shown = [read_number(part(_luma(canvas), place, (640, 360))) for place in places(4, False)]
    assert shown == [11, 12, 13, 14]


def test_a_new_name_leaves_the_pictures_alone() -> None:
    """When somebody else takes a place only its caption changes."""
    canvas = _canvas()
    canvas.show(0, _picture(640, 360), stale=False)
    before = _luma(canvas).copy()
    canvas.seat([Caption("客户 / Customer", "张三"), Caption("坐席 / Agent", "王五")])
    changed = (_luma(canvas) != before).nonzero()

    assert changed[0].size and changed[0].min() >= HEIGHT - STRIP and changed[1].min() >= PANE_WIDTH


def test_stale_mark_and_back() -> None:
    """A stale picture is dimmed once, with the mark across it; the same picture fresh again is bright."""
    canvas, picture = _canvas(), _picture(640, 360)
    canvas.show(0, picture, stale=False)
    bright = _luma(canvas).copy()
    for _ in range(3):
        canvas.show(0, picture, stale=True)
    dim = _luma(canvas).copy()
    canvas.show(0, picture, stale=False)

    assert dim[450, 100] == 16 + (50 - 16) // 2
    assert dim[HEIGHT // 2 - 20 : HEIGHT // 2 + 20, :PANE_WIDTH].max() > 200
    assert read_number(pane(dim, 0, (640, 360))) == 5
    assert (pane(_luma(canvas), 0, (640, 360)) == pane(bright, 0, (640, 360))).all()


def test_stamp() -> None:
    """The strip above changes with the clock and with nothing else."""
    canvas = _canvas()
    canvas.stamp("2026-01-01 00:00:00 UTC")
    first = _luma(canvas).copy()
    canvas.stamp("2026-01-01 00:00:00 UTC")
    same = _luma(canvas).copy()
    canvas.stamp("2026-01-01 00:00:01 UTC")

    assert (first == same).all()
    changed = np.flatnonzero((_luma(canvas) != first).any(axis=1))
    assert changed.size > 0
    assert changed.max() < STRIP


def test_the_place_stands_between_case_and_time() -> None:
    """It comes and goes by itself, leaves the time alone, and the longest one is not cut off."""
    clock, case = "2026-01-01 00:00:00 UTC", "case-mwmwmwmwmwmwmwmw"
    canvas = Canvas(case)
    canvas.stamp(clock)
    plain = _luma(canvas)[:STRIP].copy()
    canvas.stamp(clock, "89.2304°S 179.4737°W ±9999 km")
    marked = _luma(canvas)[:STRIP].copy()
    canvas.stamp(clock)

    columns = np.flatnonzero((marked != plain).any(axis=0))
    named = np.flatnonzero((plain[:, :PANE_WIDTH] > BACKGROUND + 40).any(axis=0)).max()
    assert named < columns.min()
    assert columns.max() < PANE_WIDTH - 1
    assert (_luma(canvas)[:STRIP] == plain).all()


def test_captions_are_lettered() -> None:
    """Role and name stand below each pane, Chinese glyphs included."""
    strip = _luma(_canvas())[-STRIP:]
    nameless = _luma(_seated(Caption("客户", ""), Caption("", "")))[-STRIP:]

    assert strip[:, :PANE_WIDTH].max() > 200
    assert strip[:, PANE_WIDTH:].max() > 200
    assert nameless[:, :PANE_WIDTH].max() > 200
    assert nameless[:, PANE_WIDTH:].max() == BACKGROUND
