"""Poster, thumbnails and waveform of a call that is known."""

import base64
import json

import cv2
import numpy as np

from contract.ids import SeatId
from contract.phases import Role
from recordings.compose import FPS
from recordings.layout import HEIGHT, WIDTH
from recordings.overview import COLUMNS, POSTER, TILE, TILES_MAX, Lane, Overview

CUSTOMER = Lane(SeatId("seat-c"), Role.CUSTOMER)
AGENT = Lane(SeatId("seat-a"), Role.AGENT)


def _canvas(grey: int) -> np.ndarray:
    canvas = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
    canvas[:HEIGHT] = grey
    return canvas


def _picture(jpeg: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))


def _seen(seconds: int, total: float | None = None, alone_s: int = 0) -> Overview:
    """Return the overview of a call that gets brighter each second; until ``alone_s`` one person is there."""
    overview = Overview(total or seconds)
    for tick in range(seconds * FPS):
        second = tick // FPS
        overview.saw(_canvas(60 + 5 * second), 1 if second < alone_s else 2)
        loud = np.zeros(3200, np.float32)
        loud[7] = -second / 5
        overview.heard({CUSTOMER: loud} if second < 2 else {CUSTOMER: loud, AGENT: loud * 5})
    return overview


def test_thumbnails_are_where_the_index_says() -> None:
    """Each tile shows its second; unused ones are black."""
    overview = _seen(23)
    index = json.loads(overview.sprite_index("thumbs.jpg"))
    sheet = _picture(overview.sprite())
    tiles = sheet.reshape(2, 90, COLUMNS, 160 * 3).transpose(0, 2, 1, 3).reshape(20, -1)
    brightness = tiles.mean(axis=1)

    assert (index["file"], index["width"], index["height"]) == ("thumbs.jpg", *TILE)
    assert (index["columns"], index["step_s"], index["count"]) == (10, 2, 12)
    assert sheet.shape == (180, 1600, 3)
    wanted = [(60 + 10 * n - 16) * 255 / 219 for n in range(12)]
    assert np.allclose(brightness[:12], wanted, atol=3)
    assert max(brightness[12:]) < 3


def test_a_long_call_has_no_more_thumbnails() -> None:
    """Two hours have as many as ten minutes, further apart."""
    for seconds in (400, 401, 600, 7200, 86_400):
        step = Overview(seconds).step_s

        assert seconds / step <= TILES_MAX and (step == 2 or seconds / (step - 1) > TILES_MAX)


def test_poster_is_the_first_moment_with_everybody() -> None:
    """Not the first picture, and not one on which somebody is missing; the first where there is no other."""
    seen = (_seen(12, alone_s=7), _seen(6, alone_s=9), _seen(1))
    whole, alone, short = (_picture(one.poster()) for one in seen)

    assert whole.shape == (POSTER[1], POSTER[0], 3)
    assert [round(float(one.mean())) for one in (whole, alone, short)] == [98, 74, 51]
    assert _picture(Overview(1.0).poster()).mean() == 0


def test_a_card_is_a_blur_among_the_thumbnails() -> None:
    """Stripes of twelve pixels, as high as print on a card that fills the picture, are gone; others stay."""
    striped = _canvas(30)
    striped[:HEIGHT, :] = np.where(np.arange(WIDTH) // 12 % 2, 30, 220)
    overview = Overview(8.0)
    for tick in range(8 * FPS):
        overview.saw(striped, 2, veiled=tick < 4 * FPS)
        overview.heard({})
    tiles = _picture(overview.sprite())[:, : 4 * TILE[0]].reshape(TILE[1], 4, TILE[0], 3)
    contrast = [float(tiles[:, n, :, 1].std()) for n in range(4)]

    assert max(contrast[:2]) < 5 and min(contrast[2:]) > 15
    assert _picture(overview.poster()).std() > 15
    hidden = Overview(2.0)
    hidden.saw(striped, 2, veiled=True)
    assert _picture(hidden.poster()).max() == 0


def test_waveform_has_a_peak_for_each_tick() -> None:
    """Of each party from the first second of all, silence where it had no sound yet, never over 255."""
    found = json.loads(_seen(4, total=4.5).waveform())
    peaks = {lane["role"]: list(base64.b64decode(lane["peaks"])) for lane in found["lanes"]}

    assert (found["rate"], found["seconds"], found["lanes"][0]["seat"]) == (FPS, 4.5, "seat-c")
    assert peaks["customer"] == [51 * s for s in range(4) for _ in range(FPS)]
    assert peaks["agent"] == [0] * 2 * FPS + [255] * 2 * FPS


def test_who_falls_silent_stays_on_the_grid() -> None:
    """A lane of the first call only is as long as the film."""
    overview = Overview(2.0)
    for blocks in ({CUSTOMER: np.ones(5, np.float32)}, {AGENT: np.ones(5, np.float32)}):
        overview.heard(blocks)

    lanes = json.loads(overview.waveform())["lanes"]
    assert [list(base64.b64decode(lane["peaks"])) for lane in lanes] == [[255, 0], [0, 255]]
