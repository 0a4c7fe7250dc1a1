"""A card in a photograph: where it lies, how it looks from straight above, and what is wrong with the photo.

Fast enough for live frames: everything is measured on a picture of at most 640 pixels. The page that takes
the photo measures the same on the phone; what counts is what is found here on the uploaded still.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kyc.card_jobs import CardInspected
from kyc.faces import FaceModels
from kyc.images import Picture

Corners = NDArray[np.float32]
"""4 x 2 in pixels, clockwise from the one that becomes the upper left."""

Outline = NDArray[Any]
"""n x 1 x 2 whole pixels, as OpenCV gives contours and hulls."""

# ISO/IEC 7810: ID-1 is 85.60 mm x 53.98 mm, ID-3 (a passport's page) 125 mm x 88 mm.
ID_1, ID_3 = 85.60 / 53.98, 125 / 88
# A hologram's fine print is gone below, and a phone's photo has no more pixels on a card.
WIDTH = 1280
# Where edges are looked for and blur is measured, so that thresholds mean the same on every camera.
_LONG_SIDE = 640
# A card on a third of the picture's width; less is too small to be read.
_AREA_MIN = 0.1
# ID-3 has 1.42 and ID-1 1.59; 30 degrees of tilt change that by a seventh. A portrait has 1.24.
_RATIOS = (1.28, 2.0)
# A thumb may hide a third of one side.
_SUPPORT_MIN = 0.6
_KERNEL = np.ones((3, 3), np.uint8)
# Rendered cards lose their first field at 0.018 (a blur of 3 pixels, the card 1150 wide); in focus 0.13.
SHARPNESS_MIN = 0.03
# A lamp in the laminate burns out 3 to 9 %; the bright corner of a card without one up to 2 %.
GLARE_MAX = 0.02
# Measured medians: 211 to 221 in good light, 50 where a fifth of it is left.
BRIGHTNESS_MIN, BRIGHTNESS_MAX = 70.0, 245.0
# Where the reading of rendered cards was still perfect; the portrait then has 38 pixels between the eyes.
WIDTH_MIN = 640.0
_BURNT = 250


@dataclass(frozen=True, slots=True)
class Measures:
    """What a card's area in a photo measures.

    ``sharpness``: variance of the Laplacian over the variance of the grey values, the card being 640
    pixels wide. ``brightness``: the median grey, 0 to 255. ``glare``: the share of the card that is
    burnt out in spots brighter than the card itself. ``width``: the card's long side in pixels.
    """

    sharpness: float
    brightness: float
    glare: float
    width: float


@dataclass(frozen=True, slots=True, eq=False)
class CardPhoto:
    """What was found: ``corners`` in the photo's pixels, None without an edge; ``findings`` as words."""

    corners: Corners | None
    measures: Measures
    findings: tuple[str, ...]


def inspect_card(picture: Picture, scale: float = 1.0) -> CardPhoto:
    """Find the card in ``picture`` and say what is wrong with the photo.

    Words: ``no_edge`` (the rest is then measured on the middle of the picture), ``blurred``, ``glare``,
    ``too_dark``, ``too_bright``, ``too_small``. ``scale`` says how many times larger the photo is of
    which ``picture`` is a preview.
    """
    corners = find_corners(picture)
    looked_at = _middle(picture) if corners is None else corners
    measures = _measure(picture, looked_at, scale)
    return CardPhoto(corners, measures, _findings(measures, edge=corners is not None))


def find_corners(picture: Picture) -> Corners | None:
    """Return the card's four corners, its long side first, or None.

    Rounded or covered corners are put where the sides' lines meet.
    """
    factor = min(1.0, _LONG_SIDE / max(picture.shape[:2]))
    small = np.asarray(
        cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
    )
    masks = _masks(small)
    quads = [
        quad
        for mask in masks
        for contour in cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
        if (quad := _quad(np.asarray(contour), small)) is not None
    ]
    held = [(_support(quad, masks[-1]), quad) for quad in quads]
    held = [(support, quad) for support, quad in held if support >= _SUPPORT_MIN]
    if not held:
        return None
    best = max(held, key=lambda one: one[0] * float(np.sqrt(cv2.contourArea(one[1]))))[1]
    return np.asarray(_long_side_first(best) / factor, np.float32)


def _masks(small: Picture) -> tuple[Picture, ...]:
    """Return pictures in which a card is a blob or an outline; the last one holds all edges."""
    grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (5, 5), 0)
    low, high = np.percentile(grey[::4, ::4], (1, 99))
    gain = 255 / max(1.0, float(high - low))
    # Stretched, so that a dim photo has the edges of a bright one.
    stretched = cv2.convertScaleAbs(grey, alpha=gain, beta=-gain * float(low))
    colour = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2HSV)[:, :, 1], (5, 5), 0)
    blobs = (cv2.threshold(plane, 0, 255, cv2.THRESH_OTSU)[1] for plane in (stretched, colour))
    edges = (cv2.dilate(cv2.Canny(stretched, weak, 3 * weak), _KERNEL) for weak in (60, 20))
    return tuple(np.asarray(mask, np.uint8) for mask in (*blobs, *edges))


def _support(quad: Corners, edges: Picture) -> float:
    """Return the share of its least visible side that lies on an edge, 0 to 1."""
    along = np.linspace(0.1, 0.9, 60, dtype=np.float32)[:, None]
    shares = []
    for start, end in zip(quad, np.roll(quad, -1, axis=0), strict=True):
        x, y = np.rint(start + (end - start) * along).astype(np.intp).T
        inside = (x >= 0) & (y >= 0) & (x < edges.shape[1]) & (y < edges.shape[0])
        shares.append(np.count_nonzero(edges[y[inside], x[inside]]) / len(along))
    return min(shares)


def _quad(contour: Outline, small: Picture) -> Corners | None:
    if len(contour) < 100:
        return None
    hull = np.asarray(cv2.convexHull(contour))
    area = float(cv2.contourArea(hull))
    if area < _AREA_MIN * small.shape[0] * small.shape[1]:
        return None
    rough = _four(hull)
    if rough is None:
        return None
    quad = _refined(rough, hull)
    if quad is None or not _plausible(quad, area, small):
        return None
    return quad


def _four(hull: Outline) -> Corners | None:
    around = cv2.arcLength(hull, closed=True)
    for share in (0.02, 0.03, 0.045, 0.06, 0.08):
        polygon = cv2.approxPolyDP(hull, share * around, closed=True)
        if len(polygon) <= 4:
            return np.asarray(polygon.reshape(-1, 2), np.float32) if len(polygon) == 4 else None
    return None


def _refined(rough: Corners, hull: Outline) -> Corners | None:
    """Return where the lines along the sides meet; the outer sixths of each side may be rounded off."""
    points = _dense(hull)
    lines = []
    for start, end in zip(rough, np.roll(rough, -1, axis=0), strict=True):
        along = end - start
        length = float(np.linalg.norm(along))
        unit = along / length
        offset = points - start
        place = offset @ unit / length
        aside = np.abs(offset[:, 0] * unit[1] - offset[:, 1] * unit[0])
        near = points[(place > 1 / 6) & (place < 5 / 6) & (aside < 0.04 * length)]
        if len(near) < 10:
            return None
        lines.append(cv2.fitLine(near, cv2.DIST_HUBER, 0, 0.01, 0.01).ravel())
    corners = [_meeting(lines[side - 1], lines[side]) for side in range(4)]
    return None if any(corner is None for corner in corners) else np.array(corners, np.float32)


def _dense(hull: Outline) -> Corners:
    """Return points two pixels apart along the hull's outline."""
    ends = hull.reshape(-1, 2).astype(np.float32)
    parts = []
    for start, end in zip(ends, np.roll(ends, -1, axis=0), strict=True):
        steps = max(1, int(np.linalg.norm(end - start) / 2))
        parts.append(start + (end - start) * (np.arange(steps, dtype=np.float32) / steps)[:, None])
    return np.concatenate(parts)


def _meeting(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32] | None:
    matrix = np.array(((one[0], -other[0]), (one[1], -other[1])))
    if abs(np.linalg.det(matrix)) < 0.3:
        return None
    along = np.linalg.solve(matrix, other[2:] - one[2:])[0]
    return np.asarray(one[2:] + along * one[:2], np.float32)


def _plausible(quad: Corners, area: float, small: Picture) -> bool:
    height, width = small.shape[:2]
    # The picture's own border is no card.
    inside = (quad > -2).all() and (quad < (width + 2, height + 2)).all()
    sides = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1)
    first, second = (sides[0] + sides[2]) / 2, (sides[1] + sides[3]) / 2
    ratio = float(max(first, second) / min(first, second))
    # Rounded corners take 1 % of a card's area.
    filled = area / max(1.0, float(cv2.contourArea(quad)))
    border = area > 0.97 * width * height
    return bool(inside and not border and _RATIOS[0] < ratio < _RATIOS[1] and 0.93 < filled < 1.03)


def _long_side_first(quad: Corners) -> Corners:
    """Return the corners clockwise, beginning with a long side, the upper one of the two."""
    centre = quad.mean(axis=0)
    angles = np.arctan2(quad[:, 1] - centre[1], quad[:, 0] - centre[0])
    clockwise = quad[np.argsort(angles)]
    sides = np.linalg.norm(np.roll(clockwise, -1, axis=0) - clockwise, axis=1)
    first = 0 if sides[0] + sides[2] >= sides[1] + sides[3] else 1
    turned = np.roll(clockwise, -first, axis=0)
    # Of both long sides, the one that lies higher in the picture.
    return turned if turned[:2, 1].sum() <= turned[2:, 1].sum() else np.roll(turned, -2, axis=0)


def described(photo: CardPhoto) -> CardInspected:
    """Return ``photo`` as the server gets it."""
    corners = () if photo.corners is None else tuple((float(x), float(y)) for x, y in photo.corners)
    measures = photo.measures
    return CardInspected(
        photo.findings, corners, measures.sharpness, measures.brightness, measures.glare, measures.width
    )


def rectify(picture: Picture, corners: Corners, ratio: float = ID_1) -> Picture:
    """Return the card as seen from straight above, ``WIDTH`` pixels wide; it may stand on its head."""
    height = round(WIDTH / ratio)
    target = np.array(((0, 0), (WIDTH, 0), (WIDTH, height), (0, height)), np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    return np.asarray(cv2.warpPerspective(picture, matrix, (WIDTH, height), flags=cv2.INTER_AREA), np.uint8)


def upright(models: FaceModels, card: Picture) -> Picture:
    """Return a rectified ``card`` turned so that its portrait stands.

    One without a portrait stays as it is, to be turned by its text (:mod:`kyc.card_reading`).
    """
    best, score = card, _portrait_score(models, card)
    if score < models.upright_score:
        turned = np.asarray(cv2.rotate(card, cv2.ROTATE_180), np.uint8)
        best = turned if _portrait_score(models, turned) > score else card
    return best


def _portrait_score(models: FaceModels, card: Picture) -> float:
    faces = models.detect(card)
    return faces[0].score if faces else -1.0


def _middle(picture: Picture) -> Corners:
    """Return the corners of the frame that the customer's page draws: 72 % of the picture's width."""
    height, width = picture.shape[:2]
    half = np.array((0.36 * width, min(0.36 * width / ID_1, 0.45 * height)), np.float32)
    corners = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * half + np.array((width, height)) / 2
    return np.asarray(corners, np.float32)


def _measure(picture: Picture, corners: Corners, scale: float) -> Measures:
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    width = float(max(sides[0] + sides[2], sides[1] + sides[3])) / 2
    grey = cv2.cvtColor(_flat(picture, corners), cv2.COLOR_BGR2GRAY)
    deviation = float(cv2.meanStdDev(grey)[1][0][0])
    edges = float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1][0][0])
    brightness = float(np.median(grey))
    burnt = float(np.count_nonzero(grey >= _BURNT)) / grey.size
    return Measures(
        sharpness=round(edges**2 / max(1.0, deviation**2), 3),
        brightness=brightness,
        glare=round(burnt if brightness < _BURNT else 0.0, 4),
        width=round(width * scale, 1),
    )


def _flat(picture: Picture, corners: Corners) -> Picture:
    """Return the card 640 pixels wide."""
    height = round(_LONG_SIDE / ID_1)
    target = np.array(((0, 0), (_LONG_SIDE, 0), (_LONG_SIDE, height), (0, height)), np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    return np.asarray(
        cv2.warpPerspective(picture, matrix, (_LONG_SIDE, height), flags=cv2.INTER_AREA), np.uint8
    )


def _findings(measures: Measures, *, edge: bool) -> tuple[str, ...]:
    words = (
        ("no_edge", not edge),
        ("blurred", measures.sharpness < SHARPNESS_MIN),
        ("glare", measures.glare > GLARE_MAX),
        ("too_dark", measures.brightness < BRIGHTNESS_MIN),
        ("too_bright", measures.brightness > BRIGHTNESS_MAX),
        ("too_small", measures.width < WIDTH_MIN),
    )
    return tuple(word for word, applies in words if applies)
