"""Pictures and a recording for the screens: a drawn person, her specimen card, thirty seconds of film."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from teller.demo.card import Issue, cut_portrait, photograph, render_back, render_card, specimen
from teller.demo.pictures import Picture, Portrait, jpeg

SECONDS = 30
FPS = 5


_WALL = (208, 200, 192)
_INK, _SKIN, _SHADE = (58, 46, 40), (178, 205, 238), (150, 178, 218)
_LIP, _COAT, _COLLAR = (106, 112, 196), (118, 84, 62), (232, 228, 222)


def drawn_person() -> Portrait:
    """Somebody who does not exist, 512 x 512: the documentation shows no real face."""
    picture = np.full((512, 512, 3), _WALL, np.uint8)

    def oval(x: int, y: int, wide: int, high: int, colour: tuple[int, int, int]) -> None:
        cv2.ellipse(picture, (x, y), (wide, high), 0, 0, 360, colour, -1, cv2.LINE_AA)

    oval(256, 500, 200, 150, _COAT)
    cv2.fillPoly(picture, [np.array([(206, 350), (306, 350), (256, 450)], np.int32)], _COLLAR, cv2.LINE_AA)
    oval(256, 200, 106, 128, _INK)
    cv2.rectangle(picture, (150, 200), (362, 300), _INK, -1)
    oval(256, 318, 36, 62, _SHADE)
    oval(256, 214, 80, 104, _SKIN)
    cv2.ellipse(picture, (256, 170), (86, 78), 0, 180, 360, _INK, -1, cv2.LINE_AA)
    oval(218, 176, 58, 26, _INK)
    for side in (-1, 1):
        x = 256 + side * 34
        cv2.ellipse(picture, (x, 198), (17, 7), 0, 200, 340, _INK, 4, cv2.LINE_AA)
        oval(x, 216, 13, 7, (250, 250, 250))
        oval(x, 216, 6, 7, _INK)
        oval(256 + side * 50, 250, 13, 8, (160, 178, 236))
    cv2.ellipse(picture, (256, 244), (9, 6), 0, 20, 160, _SHADE, 3, cv2.LINE_AA)
    cv2.ellipse(picture, (256, 268), (25, 14), 0, 15, 165, _LIP, 5, cv2.LINE_AA)
    return Portrait(picture, (176, 140, 160, 178))


def before_camera(portrait: Portrait, size: tuple[int, int], number: int = 0) -> Picture:
    """Return the person before a wall, a little aside with every frame."""
    scale = size[1] / 512
    aside = 12 * np.sin(number / 4)
    place = np.array([[scale, 0, size[0] / 2 - 256 * scale + aside], [0, scale, 0]], np.float32)
    return np.asarray(cv2.warpAffine(portrait.image, place, size, borderValue=_WALL), np.uint8)


def make_files(folder: Path) -> dict[str, Path]:
    """Write the files that a stand-in serves; return them by kind."""
    portrait = drawn_person()
    card = render_card(cut_portrait(portrait), specimen())
    bodies = {
        "id_card": photograph(card),
        "face_still": jpeg(before_camera(portrait, (1280, 960))),
        "id_portrait": jpeg(cut_portrait(portrait)),
    }
    files = {}
    bodies |= dict.fromkeys(("scene", "reference"), bodies["face_still"])
    issue = Issue("样本市公安局", date(2019, 4, 2), date(2039, 4, 2))
    bodies |= {"id_card_back": photograph(render_back(issue))}
    for kind, body in bodies.items():
        files[kind] = folder / f"{kind}.jpg"
        files[kind].write_bytes(body)
    files["merged.mp4"] = folder / "merged.mp4"
    _film(files["merged.mp4"])
    return files


def _film(path: Path) -> None:
    """Two people side by side, as the merge lays them out."""
    portrait = drawn_person()
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = 1280, 480, "yuv420p"
        stream.time_base = Fraction(1, FPS)
        for number in range(SECONDS * FPS):
            left = before_camera(portrait, (640, 480), number)
            both = np.hstack([left, cv2.flip(left, 1)])
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(both), format="bgr24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
