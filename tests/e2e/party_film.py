"""What a merged film shows of three people and a shared screen, who stands where, and whose tone is heard.

The call goes through these scenes: two people, a screen is shared, a third joins, the first agent leaves
and with him his screen. Clips are those of :mod:`tests.e2e.marked`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recordings.layout import Place, places
from teller.demo.pictures import Picture, fitted
from teller.demo.sound import Speaker, find_beeps
from tests.e2e.marked import NUMBERS, SIZE, STANDS, read_mark
from tests.e2e.measure import watch
from tests.e2e.server import Server
from tests.e2e.test_browsers import FPS

# Who leaves is seen until his last picture has stood its time, up to two seconds.
APART_MAX_S = 2.5
# The length of the film against the call's by its journal.
LENGTH_MAX_S = 0.5
# A number stands for 200 ms: what was filmed at its end may be seen at the beginning of the next. Of ten
# pictures that the camera saw a busy machine's encoder may leave one out.
NUMBERS_OFF_MAX, IN_TIME_MIN = 1, 0.9
# A busy machine's encoder is behind its camera: what it has not sent when somebody leaves is in no record.
UNSENT_MAX_S = 4.0
# Looks at the own picture, one a second; a film in which fewer can be found shows somebody too short.
LOOKS_MIN = 4
# Everybody beeps once a second; a busy machine's browser swallows two in a row.
BEEP_GAP_MAX_S = 3.1
# A track begins with its first frame's arrival, on a busy machine so long after it was spoken.
TRAVELS_S = 0.5
# What is on its way when somebody leaves.
DRAINS_S = 1.0

# Who stands where, in the order in which this call goes through it.
SCENES: dict[str, tuple[tuple[Speaker, ...], bool]] = {
    "two": ((Speaker.CUSTOMER, Speaker.AGENT), False),
    "share": ((Speaker.CUSTOMER, Speaker.AGENT), True),
    "three": ((Speaker.CUSTOMER, Speaker.AGENT, Speaker.COLLEAGUE), True),
    "handed over": ((Speaker.CUSTOMER, Speaker.COLLEAGUE), False),
}

Looks = dict[Speaker, list[tuple[float, int]]]
"""When (seconds UTC) somebody's camera filmed which number."""


@dataclass(frozen=True, slots=True)
class Film:
    """A merged file: when each scene was seen, everybody's numbers, the shared pictures, and the sound."""

    seconds: float
    scenes: dict[str, list[float]]
    numbers: dict[Speaker, list[tuple[float, int]]]
    shared: list[NDArray[np.int16]]
    sound: NDArray[np.float32]
    rate: int


def _numbers(picture: Picture, people: tuple[Speaker, ...], where: tuple[Place, ...]) -> list[int] | None:
    """Return the number of each of these people in his place, None when it is not all of them."""
    found: list[int] = []
    for who, place in zip(people, where, strict=False):
        mark = read_mark(picture, fitted(SIZE, (place.left, place.top, place.width, place.height)))
        if mark is None or mark[0] is not who:
            return None
        found.append(mark[1])
    return found


def _scene(picture: Picture) -> tuple[str, list[int]] | None:
    for name, (people, shared) in SCENES.items():
        numbers = _numbers(picture, people, places(len(people), shared))
        if numbers is not None:
            return name, numbers
    return None


def watch_film(path: Path) -> Film:
    """Decode the whole file."""
    scenes: dict[str, list[float]] = {name: [] for name in SCENES}
    numbers: dict[Speaker, list[tuple[float, int]]] = {who: [] for who in Speaker}
    parts: list[NDArray[np.int16]] = []
    main = places(3, True)[-1]

    def look(at: float, picture: Picture) -> None:
        seen = _scene(picture)
        if seen is None:
            return
        name, shown = seen
        scenes[name].append(at)
        for who, number in zip(SCENES[name][0], shown, strict=True):
            numbers[who].append((at, number))
        if name == "three":
            part = picture[main.top : main.top + main.height : 8, main.left : main.left + main.width : 8]
            parts.append(np.asarray(part, np.int16))

    reel = watch(path, look)
    return Film(reel.seconds, scenes, numbers, parts, reel.samples, reel.rate)


@dataclass(frozen=True, slots=True)
class Told:
    """What the journal tells of the call, seconds UTC: its length, when scenes and voices begin and end."""

    began: float
    ended: float
    scenes: dict[str, float]
    voices: dict[Speaker, tuple[float, float]]


def told_by(server: Server, case: str) -> Told:
    """Return what the journal tells of a call that went through the scenes."""
    # What is seen of a track begins with its first recorded frame.
    first: dict[str, float] = {}
    for sealed in server.told(case, "SegmentSealed"):
        first[sealed["track"]] = min(sealed["first_at"], first.get(sealed["track"], sealed["first_at"]))
    started = server.told(case, "TrackStarted")

    def begins(source: str, role: str) -> float:
        tracks = (one for one in started if (one["source"], one["role"]) == (source, role))
        return first[next(tracks)["track"]]

    left = float(server.told(case, "PartyLeft")[0]["at"])
    (ended,) = (float(one["at"]) for one in server.told(case, "CallEnded"))
    began = next(float(one["at"]) for one in server.told(case, "CallAdvanced") if one["now"] == "active")
    two = max(begins("camera", "customer"), begins("camera", "agent"))
    scenes = {"two": two, "share": begins("screen", "agent"), "three": begins("camera", "guest")}
    voices = {
        Speaker.CUSTOMER: (begins("microphone", "customer"), ended),
        Speaker.AGENT: (begins("microphone", "agent"), left),
        Speaker.COLLEAGUE: (begins("microphone", "guest"), ended),
    }
    return Told(began, ended, {**scenes, "handed over": left}, voices)


def check_film(film: Film, told: Told, looks: Looks) -> None:
    """Everybody is seen in his place and heard at his time, and the screen is where it belongs.

    Raises:
        AssertionError: something is elsewhere, at another time, or missing.
    """
    assert abs(film.seconds - (told.ended - told.began)) <= LENGTH_MAX_S
    _check_scenes(film, told)
    for who in Speaker:
        _check_numbers(film, told, who, looks[who])
        _check_tone(film, told, who)
    assert max(int((np.abs(one - film.shared[0]) > 40).sum()) for one in film.shared) > 20


def _check_scenes(film: Film, told: Told) -> None:
    # Half a second: what people do in a scene sets its length.
    begins = {name: seen[0] for name, seen in film.scenes.items() if len(seen) > FPS // 2}
    assert list(begins) == list(SCENES), {name: len(seen) for name, seen in film.scenes.items()}
    late = {name: since - (told.scenes[name] - told.began) for name, since in begins.items()}
    assert max(late.values()) - min(late.values()) < APART_MAX_S, late
    for earlier, later in zip(SCENES, list(SCENES)[1:], strict=False):
        assert film.scenes[earlier][-1] < film.scenes[later][0]


def _check_numbers(film: Film, told: Told, who: Speaker, looks: list[tuple[float, int]]) -> None:
    """What the film shows at a time is what the camera saw then, nearly until its owner leaves."""
    at, shown = (np.array(one) for one in zip(*film.numbers[who], strict=True))
    last = float(at[1:][np.diff(shown) != 0].max())
    until = told.voices[who][1] - told.began
    assert until - last < UNSENT_MAX_S, (who, last, until)
    off: list[tuple[float, int]] = []
    for filmed, number in looks:
        if filmed - told.began > last + STANDS / FPS:
            continue
        nearest = int(np.abs(at - (filmed - told.began)).argmin())
        if abs(at[nearest] - (filmed - told.began)) < 1 / FPS:
            apart = (film.numbers[who][nearest][1] - number + NUMBERS // 2) % NUMBERS - NUMBERS // 2
            off.append((round(filmed - told.began, 2), apart))
    assert len(off) >= LOOKS_MIN, (who, looks)
    in_time = sum(abs(apart) <= NUMBERS_OFF_MAX for _, apart in off)
    assert in_time >= IN_TIME_MIN * len(off), (who, off)


def _check_tone(film: Film, told: Told, who: Speaker) -> None:
    """A tone is heard from the beginning to the end of its owner's part in the call, and at no other time."""
    since, until = (at - told.began for at in told.voices[who])
    beeps = find_beeps(film.sound, film.rate, who.beep_hz)
    assert beeps and since - TRAVELS_S <= beeps[0] and beeps[-1] <= until + DRAINS_S, (
        who,
        since,
        until,
        beeps,
    )
    heard = [max(0.0, since), *beeps, min(until, film.seconds)]
    assert max(np.diff(heard)) <= BEEP_GAP_MAX_S, (who, since, until, beeps)
