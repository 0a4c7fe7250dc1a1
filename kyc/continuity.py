"""The same one person all through a call, from one look a second. Pure code, without a clock.

Looks come apart, so when something began is known between two of them only; the middle is taken. With a
look a second, and every half once in doubt, each trouble is told within three seconds.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum

from kyc.pipes import SeenFace, Watched

# RBI's concern is somebody who prompts; below this a hand before the face, or somebody who passes by.
LASTS_S = 2.0
# Two looks in doubt; one alone may be a blurred frame.
_LOOKS_MIN = 2
# Over again when things are right for as long as two looks in doubt take.
_RIGHT_S = 1.0
LOOK_EVERY_S, LOOK_IN_DOUBT_S = 1.0, 0.5
# Apart from these two, embeddings were measured on faces that look ahead: 0 that the nose is midway between
# the eyes, 1 that it is under one of them. Smaller faces lose a seventh of their matches at 30 pixels.
_ASYMMETRY_MAX = 0.3
_EYE_DISTANCE_MIN = 30.0
# A face of half the largest one's side and more is somebody who takes part; see kyc.faces.several_faces.
_SECOND_SIDE = 0.5


class Trouble(StrEnum):
    """What breaks the continuity of a call."""

    LEFT_PICTURE = "left_picture"
    SECOND_FACE = "second_face"
    DIFFERENT_PERSON = "different_person"


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame shows ``at`` a second: how many ``faces`` that count, and the largest one's likeness.

    ``likeness`` to the reference of this call is None without a reference or a face. ``frontal``: it
    looks ahead and is large enough for the likeness to mean something.
    """

    at: float
    faces: int
    likeness: float | None = None
    frontal: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A trouble that ``began`` or else ended, at ``since`` seconds as far as looks can tell."""

    trouble: Trouble
    began: bool
    since: float
    likeness: float | None = None


def look_of(watched: Watched) -> Look:
    """Return what continuity has to know of a frame."""
    sides = [math.sqrt(face.box[2] * face.box[3]) for face in watched.faces]
    count = sum(side >= _SECOND_SIDE * sides[0] for side in sides)
    frontal = bool(watched.faces) and is_frontal(watched.faces[0])
    return Look(watched.arrived_at, count, watched.likeness, frontal)


def is_frontal(face: SeenFace) -> bool:
    """Tell whether a face looks ahead and is large enough to be compared."""
    (right_x, right_y), (left_x, left_y) = face.points[:2]
    across, down = left_x - right_x, left_y - right_y
    apart = across**2 + down**2
    if apart < _EYE_DISTANCE_MIN**2:
        return False
    if len(face.points) < 3:
        # The base pack's detector gives eyes only, and finds no other than frontal faces.
        return True
    nose_x, nose_y = face.points[2]
    along = ((nose_x - right_x) * across + (nose_y - right_y) * down) / apart
    return abs(2 * along - 1) < _ASYMMETRY_MAX


@dataclass(slots=True)
class _Watch:
    """One trouble: what speaks for it, and whether it was told."""

    trouble: Trouble
    told: bool = False
    # Looks in a row that contradict what was told last, the first of them, and the last before it.
    count: int = 0
    first: float = 0.0
    last: float | None = None

    def take(self, at: float, *, wrong: bool) -> None:
        if wrong is self.told:
            self.count, self.last = 0, at
            return
        self.first = self.first if self.count else at
        self.count += 1

    @property
    def since(self) -> float:
        """Return when it changed: midway between two looks."""
        return self.first if self.last is None else (self.first + self.last) / 2

    def turn(self, likeness: float | None = None) -> Change:
        """Note that it is told."""
        self.told, since = not self.told, self.since
        self.count, self.last = 0, None
        return Change(self.trouble, self.told, round(since, 3), likeness)


@dataclass(slots=True)
class Continuity:
    """Takes the looks of one party in order; one that is older than the last is passed over.

    A likeness under ``review_threshold`` twice in a row, facing front, is somebody else; at or over
    ``threshold`` twice it is the same person again. Both are those of the pack's matching: for the open
    pack 0.36 and 0.48 (of two different East-Asian people 0.4 % are taken for one at 0.36, of two pictures
    of one 0.6 % for two; 88,700 and 990 pairs).
    """

    review_threshold: float
    threshold: float
    _at: float = float("-inf")
    _left: _Watch = field(default_factory=lambda: _Watch(Trouble.LEFT_PICTURE))
    _second: _Watch = field(default_factory=lambda: _Watch(Trouble.SECOND_FACE))
    _other: _Watch = field(default_factory=lambda: _Watch(Trouble.DIFFERENT_PERSON))

    @property
    def next_look_s(self) -> float:
        """Return in how many seconds the next look is wanted."""
        watches = (self._left, self._second, self._other)
        return LOOK_IN_DOUBT_S if any(watch.count or watch.told for watch in watches) else LOOK_EVERY_S

    def push(self, look: Look) -> tuple[Change, ...]:
        """Take the next look; return what began or ended by it."""
        if look.at <= self._at:
            return ()
        self._at = look.at
        changes = [
            self._lasting(self._left, look.at, wrong=look.faces == 0),
            self._lasting(self._second, look.at, wrong=look.faces > 1),
            self._person(look),
        ]
        return tuple(change for change in changes if change is not None)

    def _lasting(self, watch: _Watch, at: float, *, wrong: bool) -> Change | None:
        watch.take(at, wrong=wrong)
        enough_s = _RIGHT_S if watch.told else LASTS_S
        return watch.turn() if watch.count >= _LOOKS_MIN and at - watch.since >= enough_s else None

    def _person(self, look: Look) -> Change | None:
        if look.likeness is None or not look.frontal or look.faces != 1:
            return None
        bound = self.threshold if self._other.told else self.review_threshold
        self._other.take(look.at, wrong=look.likeness < bound)
        return self._other.turn(look.likeness) if self._other.count >= _LOOKS_MIN else None
