"""What the phone's camera sees, drawn: a person, and documents that lie well or badly in the frame."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Page

from kyc.images import decode
from teller.demo.card import Issue, Scene, photograph, render_back, render_card, specimen

Picture = NDArray[np.uint8]
# A phone held upright, as its browser delivers 1280 x 720.
WIDTH, HEIGHT = 720, 1280
# Instead of the camera a canvas, which shows what `look` is given; its photos would be three times as wide.
CAMERA = """
const seen = document.createElementNS("http://www.w3.org/1999/xhtml", "canvas");
Object.assign(seen, { width: 720, height: 1280 });
const context = seen.getContext("2d");
let sight = seen;
window.hasTorch = false;
window.look = async (data) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  sight = await createImageBitmap(new Blob([bytes]));
  context.drawImage(sight, 0, 0);
};
setInterval(() => context.drawImage(sight, 0, 0), 66);
const { getUserMedia } = MediaDevices.prototype;
MediaDevices.prototype.getUserMedia = async function (wanted) {
  if (!wanted.video) return getUserMedia.call(this, wanted);
  const stream = wanted.audio ? await getUserMedia.call(this, { audio: wanted.audio }) : new MediaStream();
  stream.addTrack(seen.captureStream(15).getVideoTracks()[0]);
  return stream;
};
MediaStreamTrack.prototype.getCapabilities = () =>
  ({ width: { max: 3000 }, height: { max: 4000 }, frameRate: { max: 30 }, torch: hasTorch });
"""


async def show(page: Page, picture: Picture) -> None:
    """Let the camera of a page with CAMERA see this."""
    data = base64.b64encode(cv2.imencode(".png", picture)[1].tobytes()).decode()
    await page.evaluate("(data) => look(data)", data)


# --- people ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is drawn, in colours BGR."""

    skin: tuple[int, int, int] = (176, 205, 240)
    hair: tuple[int, int, int] = (42, 38, 36)
    coat: tuple[int, int, int] = (150, 112, 62)
    wall: tuple[int, int, int] = (226, 230, 226)
    headset: bool = False


CUSTOMER = Person()
TELLER = Person((160, 194, 232), (38, 52, 74), (98, 62, 30), (214, 208, 196), headset=True)


def draw_person(person: Person) -> Picture:
    """Return head and shoulders, 720 x 1280, looking ahead."""
    picture = np.full((HEIGHT, WIDTH, 3), person.wall, np.uint8)
    darker = tuple(round(0.9 * one) for one in person.wall)
    cv2.rectangle(picture, (470, 0), (WIDTH, 420), darker, -1)
    shadow = tuple(round(0.86 * one) for one in person.skin)
    _oval(picture, (360, 545), (206, 262), person.hair)
    _oval(picture, (360, 1240), (330, 330), person.coat)
    cv2.fillPoly(picture, [_points((300, 760), (420, 760), (440, 960), (360, 1010), (280, 960))], shadow, _AA)
    for x in (188, 532):
        _oval(picture, (x, 590), (26, 44), shadow)
    _oval(picture, (360, 590), (172, 218), person.skin)
    _hair(picture, person.hair)
    _face(picture, shadow, person.hair)
    if person.headset:
        _headset(picture)
    return picture


_AA = cv2.LINE_AA
_INK, _LIPS, _WHITE = (52, 46, 44), (116, 110, 190), (250, 250, 250)


def _points(*points: tuple[int, int]) -> NDArray[np.int32]:
    return np.array(points, np.int32)


def _oval(
    picture: Picture, at: tuple[int, int], axes: tuple[int, int], colour: tuple[int, ...], width: int = -1
) -> None:
    cv2.ellipse(picture, at, axes, 0, 0, 360, colour, width, _AA)


def _hair(picture: Picture, colour: tuple[int, int, int]) -> None:
    # Over the forehead, parted on one side.
    cv2.ellipse(picture, (360, 520), (180, 178), 0, 180, 360, colour, -1, _AA)
    cv2.fillPoly(picture, [_points((182, 518), (300, 512), (262, 560), (196, 600))], colour, _AA)
    cv2.fillPoly(picture, [_points((290, 514), (538, 518), (526, 600), (450, 552))], colour, _AA)


def _face(picture: Picture, shadow: tuple[int, ...], hair: tuple[int, ...]) -> None:
    for x in (290, 430):
        cv2.ellipse(picture, (x, 566), (40, 20), 0, 200, 340, hair, 7, _AA)
        _oval(picture, (x, 606), (27, 18), _WHITE)
        _oval(picture, (x, 606), (15, 16), _INK)
        cv2.circle(picture, (x + 5, 601), 4, _WHITE, -1, _AA)
    cv2.polylines(picture, [_points((362, 618), (344, 676), (366, 684))], False, shadow, 7, _AA)
    cv2.ellipse(picture, (360, 712), (52, 32), 0, 20, 160, _LIPS, 9, _AA)


def _headset(picture: Picture) -> None:
    cv2.ellipse(picture, (360, 560), (200, 226), 0, 190, 350, _INK, 14, _AA)
    for x in (172, 548):
        _oval(picture, (x, 590), (28, 52), _INK)
    cv2.ellipse(picture, (300, 650), (130, 120), 0, 70, 180, _INK, 8, _AA)
    cv2.circle(picture, (344, 764), 13, _INK, -1, _AA)


# --- documents ---------------------------------------------------------------------------------

# A card that lies as the page's frame asks for, which takes 88 % of the picture's width.
_WELL = Scene(tilt=1.0, skew=0.0, share=0.86, desk=(62, 58, 54), noise=0.0)
SCENES: Mapping[str, Scene] = {
    "no_edge": replace(_WELL, share=0.5, tilt=12.0),
    "too_dark": replace(_WELL, light=0.22),
    "glare": replace(_WELL, glare=0.95),
    "blurred": replace(_WELL, blur=5.0),
    "good": _WELL,
}


def draw_card(scene: Scene, *, back: bool = False, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Picture:
    """Return a specimen card with a drawn portrait as a camera of this size sees it."""
    issue = Issue("北京市公安局朝阳分局", specimen().born.replace(year=2020), None)
    card = render_back(issue) if back else render_card(draw_person(CUSTOMER)[300:1190], specimen())
    return decode(photograph(card, 3, size, scene))
