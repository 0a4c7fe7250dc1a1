"""The measurement of sound against picture finds what was put into a film, and lets no miss pass."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from benchmarks.sync import BEAT, CAMERAS, FPS, Together, judge, report
from teller.demo.pictures import FaceVideo, astronaut, fitted
from teller.demo.sound import Speaker, Voice
from tests.e2e.measure import PANES, Merged, measure

SECONDS, FILM_FPS, RATE = 18, 15, 48_000
# How late each party's sound is, and when the customer is muted and turns the camera.
LATE = {"customer": 0.09, "agent": -0.01}
SPEAKERS = {"customer": Speaker.CUSTOMER, "agent": Speaker.AGENT}
BEEPS = {Speaker.CUSTOMER: 13, Speaker.AGENT: 17}
MUTED, TURNED_S = (4.0, 8.0), 9.0


def _picture(number: int, videos: dict[str, list[FaceVideo]]) -> VideoFrame:
    """Return the film's picture, each party as it was filmed nearest to its time."""
    canvas = np.full((720, 1280, 3), 40, np.uint8)
    at = number / FILM_FPS
    for side, ways in videos.items():
        way = int(side == "customer" and at >= TURNED_S)
        left, top, width, height = fitted(CAMERAS[way], PANES[side])
        small = ways[way].frame(round(at * FPS))
        rows = np.arange(height) * small.shape[0] // height
        columns = np.arange(width) * small.shape[1] // width
        canvas[top : top + height, left : left + width] = small[rows][:, columns]
    frame = VideoFrame.from_ndarray(canvas, format="bgr24").reformat(format="yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, FILM_FPS)
    return frame


def _sound() -> NDArray[np.float32]:
    mixed = np.zeros(SECONDS * RATE, np.float32)
    for side, speaker in SPEAKERS.items():
        voice = Voice(speaker, beat_s=BEAT / FPS)
        spoken = np.concatenate([voice.chunk(n) for n in range(SECONDS * 50)]) / np.float32(32_768)
        heard = np.roll(spoken, round(LATE[side] * RATE))
        if side == "customer":
            heard[int(MUTED[0] * RATE) : int(MUTED[1] * RATE)] = 0
        mixed += heard
    return mixed


@pytest.fixture(name="film", scope="module")
def _film(tmp_path_factory: pytest.TempPathFactory) -> Merged:
    """Write a film of two parties as the merge would, and measure it."""
    path = tmp_path_factory.mktemp("film") / "merged.mp4"
    videos = {side: [FaceVideo(astronaut(), size, FPS, beat=BEAT) for size in CAMERAS] for side in PANES}
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", FILM_FPS, options={"preset": "ultrafast", "crf": "24"})
        video.width, video.height, video.pix_fmt = 1280, 720, "yuv420p"
        audio = file.add_stream("aac", RATE, layout="mono")
        for number in range(SECONDS * FILM_FPS):
            file.mux(video.encode(_picture(number, videos)))
        file.mux(video.encode())
        for n, block in enumerate(_sound().reshape(-1, 960)):
            sound = AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
            sound.sample_rate, sound.pts, sound.time_base = RATE, n * 960, Fraction(1, RATE)
            file.mux(audio.encode(sound))
        file.mux(audio.encode())
    return measure(path, *CAMERAS)


@pytest.mark.parametrize("side", ["customer", "agent"])
def test_known_skews_are_found(film: Merged, side: str) -> None:
    """The median is what was put in, to a fraction of a picture; nothing is farther off than half of one."""
    skews = Together(film.timed_skews(side, SPEAKERS[side])).skews

    assert np.median(skews) == pytest.approx(LATE[side], abs=0.010)
    assert np.abs(skews - LATE[side]).max() < 0.045


def test_a_muted_beep_has_no_pair(film: Merged) -> None:
    """Flashes while the customer is muted are left out, those after the camera was turned are not."""
    pairs = film.timed_skews("customer", Speaker.CUSTOMER)

    assert not [at for at, _ in pairs if MUTED[0] + 0.4 < at < MUTED[1] - 0.4]
    assert len([at for at, _ in pairs if at > TURNED_S]) >= 7
    assert film.sides["customer"].unreadable == film.sides["agent"].unreadable == 0


def test_the_film_is_judged(film: Merged, capsys: pytest.CaptureFixture[str]) -> None:
    """A skew beyond the goal is a miss, and so is a film longer than its call; the rest is reached."""
    assert not judge(film, SECONDS - 0.6, BEEPS)
    length, _, customer, agent = (line.rpartition(" ")[2] for line in capsys.readouterr().out.splitlines())

    assert (length, customer, agent) == ("missed", "missed", "reached")


def test_a_party_is_judged(film: Merged) -> None:
    """A party with what the goals ask for has reached them; too few, too late or drifting ones have not."""
    pairs = film.timed_skews("agent", Speaker.AGENT)

    def good(pairs: list[tuple[float, float]]) -> bool:
        return report("agent", Together(pairs), SECONDS, BEEPS[Speaker.AGENT])

    assert good(pairs)
    assert not good(pairs[: len(pairs) // 2])
    assert not good([(at, skew + 0.09) for at, skew in pairs])
    assert not good([(at, skew + 0.003 * at) for at, skew in pairs])


def test_drift_is_told_two_ways() -> None:
    """A skew that grows evenly by 60 ms in 30 minutes: 58 from minute to minute, 60 by the line."""
    pairs = [(float(at), 0.02 + 0.06 * at / 1800) for at in range(1800)]
    found = Together(pairs)

    assert found.drift(1800) == pytest.approx(0.058, abs=0.001)
    assert found.slope(1800) == pytest.approx(0.060, abs=0.001)
    assert found.p95 == pytest.approx(0.077, abs=0.001)
