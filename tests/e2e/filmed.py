"""A call whose customer is real Chromium with a chosen camera, and whose agent asks for liveness checks.

Two cameras: :func:`file_camera` is Chromium's own, which plays a file over and over and heeds nobody;
:func:`canvas_camera` does what the page asks of its customer, and changes when a test says so.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from playwright.async_api import Page, Route, async_playwright, expect

from contract import facts, wire
from contract.fact import Fact
from contract.identity_facts import (
    ChallengeEnded,
    ChallengeTried,
    LightMeasured,
    LivenessMeasured,
    LivenessStarted,
    PersonWatched,
)
from contract.ids import CaseId, CheckId
from contract.phases import CallPhase, Capture, LivenessKind, Outcome
from kyc.challenge import TRIES_MAX
from teller.demo.caller import Caller
from teller.demo.pictures import Picture, jpeg
from tests.browser import chromium, watched_page
from tests.e2e.people import agent_ready
from tests.e2e.received import until
from tests.e2e.server import Server
from tests.e2e.test_browsers import FPS, PHONE, STEP_MS, write_pictures
from tests.e2e.visit import start_visit

# The smallest picture there is: nobody looks at the agent.
AGENT = (160, 160)
# The longest check: three tries of two gestures, 20 s each, and the models' time.
CHECK_S = 180.0
_SCRIPT = Path(__file__).with_name("canvas_camera.js")
# What stands on the customer's screen, and the film of what it asks for.
PROMPTS = {
    "向左转头": "turn_left",
    "向右转头": "turn_right",
    "点一下头": "nod",
    "眨一下眼睛": "blink",
    "张大嘴巴": "open_mouth",
    "读出数字": "say_digits",
}
# In 8 bits of sRGB: about 0.11 of the light that is there (1.05 ** 2.2), a phone at arm's length indoors.
_ADDED = 0.05

_F = TypeVar("_F", bound=Fact)
Reflects = Literal["", "face", "glass", "recorded"]


@dataclass
class Filmed:
    """A customer before a camera, and the agent who looks at him."""

    page: Page
    agent: Caller
    case: CaseId
    _checks: set[CheckId] = field(default_factory=set)

    async def start(self, kind: LivenessKind) -> CheckId:
        """Begin a check."""
        await self.agent.send(wire.StartLiveness(kind))
        started = await self.agent.wait_for_fact(LivenessStarted, lambda fact: fact.check not in self._checks)
        self._checks.add(started.check)
        return started.check

    async def mute(self) -> None:
        """Mute, also below a sheet; return when the server knows."""
        await self.page.get_by_role("button", name="静音", exact=True).dispatch_event("click")

        def is_off(state: wire.CallState) -> bool:
            return any(party.microphone is Capture.OFF for party in state.parties)

        await self.agent.wait_for(wire.CallState, is_off)

    async def ready(self) -> None:
        """Tap what tells the bank that the customer is ready."""
        await self.page.locator(".live:not([hidden]) .primary").click(timeout=STEP_MS)

    async def passive(self) -> LivenessMeasured:
        """Look at the customer, who does nothing."""
        check = await self.start(LivenessKind.PASSIVE)
        return await self.agent.wait_for_fact(
            LivenessMeasured, lambda fact: fact.check == check, seconds=CHECK_S
        )

    async def gestures(
        self, tries: int = TRIES_MAX, *, aloud: bool = False
    ) -> ChallengeTried | ChallengeEnded:
        """Ask for gestures, with another try as often as there may be one; return how the last one ended.

        Unless ``aloud`` the customer is muted, and so not asked to say anything.
        """
        check = await self.start(LivenessKind.GESTURES)
        if not aloud:
            await self.mute()
        await self.ready()
        end = await self._end_of_try(check, 1)
        for number in range(2, tries + 1):
            if isinstance(end, ChallengeTried):
                await self.ready()
                end = await self._end_of_try(check, number)
        return end

    async def _end_of_try(self, check: CheckId, number: int) -> ChallengeTried | ChallengeEnded:
        """Return the end of a check, or of a try that another one may follow."""

        def over(fact: Fact) -> bool:
            match fact:
                case ChallengeTried(seen=False) if fact.attempt == number < TRIES_MAX:
                    return fact.check == check
                case ChallengeEnded():
                    return fact.check == check
                case _:
                    return False

        end = await self.agent.wait_for_fact(Fact, over, seconds=CHECK_S)
        assert isinstance(end, ChallengeTried | ChallengeEnded)
        return end

    async def light(self) -> LightMeasured:
        """Have the screen shine, anew when a busy machine filmed too little, as an agent would."""
        found = await self._light()
        for _ in range(1, TRIES_MAX):
            if found.reason == "too_few_frames":
                found = await self._light()
        return found

    async def _light(self) -> LightMeasured:
        check = await self.start(LivenessKind.LIGHT)
        await self.ready()
        return await self.agent.wait_for_fact(
            LightMeasured, lambda fact: fact.check == check, seconds=CHECK_S
        )

    async def show(self, film: str) -> float:
        """Change what the canvas camera sees; return when (seconds UTC)."""
        return float(await self.page.evaluate("(name) => showInstead(name)", film))

    def noted(self, kind: type[_F]) -> list[_F]:
        """Return the facts of this kind so far."""
        return [entry.fact for entry in self.agent.entries if isinstance(entry.fact, kind)]

    def watched(self) -> list[PersonWatched]:
        """Return what continuous looking told so far."""
        return self.noted(PersonWatched)


def file_camera(path: Path, frames: Iterable[Picture]) -> Path:
    """Write what Chromium's own fake camera plays over and over, FPS frames a second."""
    write_pictures(path, frames)
    return path


def film(frames: Sequence[Picture]) -> bytes:
    """Return a film for the canvas camera."""
    pictures = [jpeg(frame, 90) for frame in frames]
    return b"".join(len(picture).to_bytes(4) + picture for picture in pictures)


async def canvas_camera(
    page: Page,
    films: Mapping[str, bytes],
    scene: str,
    *,
    reflects: Reflects = "",
    fps: int = FPS,
    voices: Mapping[str, bytes] | None = None,
) -> None:
    """Give ``page`` a camera that shows the film ``scene``; to be called before the page is opened.

    Where there are ``voices`` (WAV) it has a microphone too, in which each is heard beside its film.
    """
    voices = voices or {}
    files = {**films, **{f"{name}.wav": voice for name, voice in voices.items()}}

    async def serve(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[-1]
        await route.fulfill(body=files[name], content_type="application/octet-stream")

    await page.route("**/camera/*", serve)
    prompts = {words: name for words, name in PROMPTS.items() if name in films}
    options = {
        "fps": fps,
        "scene": scene,
        "prompts": prompts,
        "reflects": reflects,
        "added": _ADDED,
        "voices": [*voices],
    }
    await page.add_init_script(f"({_SCRIPT.read_text('utf-8').rstrip().rstrip(';')})({json.dumps(options)})")


@asynccontextmanager
async def chrome(camera: Path | None = None) -> AsyncIterator[Page]:
    """Yield a phone's page; ``camera`` is what Chromium's own fake camera plays."""
    words = [] if camera is None else [f"--use-file-for-fake-video-capture={camera}"]
    words += ["--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns"]
    async with (
        async_playwright() as playwright,
        chromium(playwright, *words) as browser,
        watched_page(browser, PHONE) as watched,
    ):
        watched.page.set_default_timeout(STEP_MS)
        yield watched.page


@asynccontextmanager
async def called(server: Server, page: Page) -> AsyncIterator[Filmed]:
    """Yield the call of the customer at ``page``, who agrees to everything; it is over in the end."""
    async with AsyncExitStack() as stack:
        agent = await stack.enter_async_context(agent_ready(server.url, size=AGENT))
        await start_visit(page, server.url)
        ring = await agent.wait_for(wire.Ring)
        await agent.prepare_media(ring.call)
        await agent.send(wire.Accept(ring.call))
        await agent.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ACTIVE)
        await agent.wait_for(wire.CallState, lambda m: m.kyc_unlocked)
        try:
            yield Filmed(page, agent, ring.case)
        finally:
            # Without a result the agent is not free for the next test, however this one ended.
            await agent.send(wire.Finish(Outcome.INCOMPLETE, "other"))
            await agent.wait_for_fact(facts.AgentDecided)
        await expect(page.locator("main.call")).to_be_hidden(timeout=STEP_MS)


async def rechecked(server: Server, case: CaseId) -> list[dict[str, Any]]:
    """Return what `teller recheck` says of a call that is over, once all of it is on disk."""

    async def on_disk() -> bool:
        began, ended = (server.told(case, name) for name in ("RecordingStarted", "RecordingStopped"))
        return {one["track"] for one in began} == {one["track"] for one in ended}

    await until(on_disk, "the recording of the call has not ended")
    words = [sys.executable, "-m", "teller", *server.arguments, "recheck", case, "--quick", "--json"]
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, check=False, timeout=CHECK_S)
    assert done.stdout, done.stderr.decode()
    rows: list[dict[str, Any]] = json.loads(done.stdout)["rescored"]
    return rows
