"""Digits that are read aloud, on what Chromium sends of a face and a voice: VP8, Opus, models, the journal.

Nobody real speaks: the face is NASA's astronaut, moved as a puppet, the voice is made of vowels
(tests/kyc/talking.py). The microphone is one of Web Audio.
"""

import asyncio
import io
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from contract.identity_facts import ChallengeAsked, ChallengeDrawn, ChallengeEnded, ChallengeTried
from kyc.models import Models
from kyc.packs import find_pack
from kyc.voice import IN_STEP_R, MOUTH_MOVES_MIN, RATE
from teller.demo.pictures import astronaut
from tests.e2e.filmed import Filmed, called, canvas_camera, chrome, film, rechecked
from tests.e2e.server import Server, running
from tests.e2e.test_browsers import FPS
from tests.e2e.test_liveness import puppet_films
from tests.kyc.puppet import Move, alive
from tests.kyc.talking import Syllable, mouth_of, said
from tests.kyc.test_liveness_clips import puppet_of

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.models, pytest.mark.timeout(300)]
SECONDS = 6.0


@dataclass(frozen=True)
class Cast:
    """Somebody who does each gesture and moves the lips, what is said meanwhile, and silence."""

    films: Mapping[str, bytes]
    voice: bytes
    silence: bytes


@pytest.fixture(name="digits_server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory, pack_settings: dict[str, str]) -> Iterator[Server]:
    """Yield a server that asks for digits first."""
    data = tmp_path_factory.mktemp("digits") / "data"
    with running(Server(data, pack_settings, launcher="tests.e2e.launch_digits")) as server:
        yield server


@pytest.fixture(name="cast", scope="module")
def _cast(pack_settings: dict[str, str]) -> Cast:
    if not pack_settings:
        raise pytest.UsageError('no models: set TEST_MODELS_DIR, or run with -m "not models"')
    puppet = puppet_of(Models(find_pack(Path(pack_settings["kyc.models_dir"]))), astronaut().image)
    rng = np.random.default_rng(11)
    # At the pace of the page, for a camera that a busy machine slows down.
    spoken = tuple(Syllable(0.8 + 1.2 * number, 0.4, 0.35, number) for number in range(4))
    opened = mouth_of(spoken, np.arange(0, SECONDS, 1 / FPS), rng)
    talking = alive([Move(mouth=max(0.0, float(share))) for share in opened], FPS, 5)
    films = {**puppet_films(puppet), "say_digits": film([puppet.frame(move) for move in talking])}
    return Cast(films, wav(said(spoken, rng, SECONDS)), wav(np.zeros(RATE, np.int16)))


def wav(sound: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.tobytes())
    return written.getvalue()


async def tried(server: Server, films: Mapping[str, bytes], voice: bytes, tries: int = 1) -> Filmed:
    """Return the call of a customer who was asked for digits before this camera and microphone."""
    async with chrome() as page:
        await canvas_camera(page, films, "rest", voices={"say_digits": voice})
        async with called(server, page) as call:
            await call.gestures(tries, aloud=True)
            return call


def digits_of(call: Filmed) -> ChallengeTried:
    return next(fact for fact in call.noted(ChallengeTried) if fact.step == "say_digits")


def test_digits_that_are_read_aloud_pass(digits_server: Server, cast: Cast) -> None:
    """Voice and lips come by two tracks and meet again; the digits were drawn by the server."""
    call = asyncio.run(tried(digits_server, cast.films, cast.voice, tries=3))
    end = call.noted(ChallengeEnded)[0]
    drawn = call.noted(ChallengeDrawn)
    assert all(one.sound and one.steps[0] == "say_digits" for one in drawn)
    assert all(len(one.digits) == 4 and len(set(one.digits)) > 1 for one in drawn)
    assert call.noted(ChallengeAsked)[0].digits == drawn[0].digits
    found = call.noted(ChallengeTried)[-2]
    assert found.step == "say_digits" and found.seen and found.spoken is not None, [
        *map(str, call.noted(ChallengeTried))
    ]
    assert found.spoken.r >= IN_STEP_R and found.spoken.bursts >= 4, found
    assert abs(found.spoken.lag_s) <= 0.3 and found.spoken.moved >= MOUTH_MOVES_MIN, found
    assert (end.verdict.value, end.reason) == ("passed", ""), call.noted(ChallengeTried)
    rows = asyncio.run(rechecked(digits_server, call.case))
    spoken = [row for row in rows if row["kind"] == "say_digits"][-1]
    assert spoken["now"]["words"] == ["seen"], rows
    assert [row["outlook"] for row in rows if row["kind"] == "gestures"] == ["would_still_pass"], rows


def test_lips_that_move_without_a_voice_fail(digits_server: Server, cast: Cast) -> None:
    """The film of somebody who talks, its sound left out: ``no_voice``."""
    found = digits_of(asyncio.run(tried(digits_server, cast.films, cast.silence)))
    assert (found.seen, found.reason) == (False, "no_voice"), found


def test_a_voice_beside_a_still_mouth_fails(digits_server: Server, cast: Cast) -> None:
    """A photograph held before the camera, and somebody who reads the digits behind it: ``mouth_still``."""
    films = {**cast.films, "say_digits": cast.films["rest"]}
    found = digits_of(asyncio.run(tried(digits_server, films, cast.voice)))
    assert (found.seen, found.reason) == (False, "mouth_still"), found
    assert found.spoken is not None and found.spoken.bursts >= 3


def test_who_is_muted_is_asked_for_something_else(digits_server: Server, cast: Cast) -> None:
    """The customer mutes himself before he is ready: the draw is made of what can be seen."""

    async def run() -> Filmed:
        async with chrome() as page:
            await canvas_camera(page, cast.films, "rest", voices={"say_digits": cast.voice})
            async with called(digits_server, page) as call:
                await call.gestures(1)
                return call

    drawn = asyncio.run(run()).noted(ChallengeDrawn)[0]
    assert not drawn.sound and drawn.digits == "" and "say_digits" not in drawn.steps
