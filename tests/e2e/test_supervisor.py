"""A supervisor in real Chromium on the real server: who sees and hears whom, and who knows of whom."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Page, expect

from contract import facts, wire
from contract.ids import CallId, CaseId
from contract.phases import CallEnd, CallPhase, Outcome, Presence, Role, SeatMode
from teller.demo.caller import Caller, Rest
from teller.demo.data import FPS, LOGINS, PASSWORD, VIDEO_SIZE
from teller.demo.peer import Samples, WebRtcPeer
from teller.demo.pictures import FaceVideo, Picture, Portrait, astronaut, other_person, read_counter
from teller.demo.sound import Speaker, Voice, find_beeps
from tests.e2e.server import Server
from tests.e2e.test_browsers import DESKTOP, STEP_MS, log_in, numbers_seen, person, write_clip

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.timeout(300)]

SUPERVISOR = ("supervisor", PASSWORD)
HEARD_S = 15.0
# Two beeps would have come in this time.
SILENT_S = 3.0
RATE = 48_000


@dataclass
class Ears:
    """What one of the callers receives: sound by line, and the newest number seen by line."""

    sound: dict[int, list[Samples]] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)

    def hear(self, line: int, samples: Samples, _at: float) -> None:
        """Keep the sound."""
        self.sound.setdefault(line, []).append(samples.mean(axis=1).astype(np.int16))

    def see(self, line: int, picture: Picture, _at: float) -> None:
        """Keep the number that stands in the picture."""
        number = read_counter(picture)
        if number is not None:
            self.seen[line] = number

    def hears_supervisor(self) -> bool:
        """Tell whether the supervisor's beep came on any line since `forget`."""
        return any(
            find_beeps(np.concatenate(chunks), RATE, Speaker.AGENT.beep_hz) for chunks in self.sound.values()
        )

    def forget(self) -> None:
        """Begin anew."""
        self.sound.clear()
        self.seen.clear()


@dataclass(frozen=True, slots=True)
class Room:
    """A customer and an agent in a call, both with the customer's voice: only the supervisor beeps low."""

    customer: Caller
    agent: Caller
    at_customer: Ears
    at_agent: Ears
    call: CallId


def _peers(portrait: Portrait, ears: Ears) -> Callable[[tuple[wire.IceServer, ...]], WebRtcPeer]:
    picture, sound = FaceVideo(portrait, VIDEO_SIZE, FPS), Voice(Speaker.CUSTOMER)
    return lambda servers: WebRtcPeer(
        picture, sound, hear_video=ears.see, hear_audio=ears.hear, ice_servers=servers
    )


@asynccontextmanager
async def room(url: str) -> AsyncIterator[Room]:
    """Yield two people in an active call."""
    at_customer, at_agent = Ears(), Ears()
    async with Rest(url) as desk, Rest(url) as home:
        await desk.login(*LOGINS.agent)
        door = await home.call("POST", "/api/walk-in", body={"tenant": "demo", "language": "en"})
        async with (
            Caller(desk, _peers(other_person(0), at_agent)) as agent,
            Caller(home, _peers(astronaut(), at_customer)) as customer,
        ):
            await agent.connect()
            await agent.send(wire.SetPresence(Presence.READY))
            call = await _join(customer, door["ticket"], CaseId(door["case"]), agent)
            yield Room(customer, agent, at_customer, at_agent, call)


async def _join(customer: Caller, ticket: str, case: CaseId, agent: Caller) -> CallId:
    welcome = await customer.connect(ticket=ticket)
    await customer.send(wire.Consent(True, True, False, welcome.consent_version, "en"))
    await customer.wait_for_fact(facts.ConsentGiven)
    await customer.send(wire.JoinQueue())
    place = await customer.wait_for(wire.QueuePosition)
    await customer.prepare_media(place.call)
    ring = await agent.wait_for(wire.Ring, lambda m: m.case == case)
    await agent.prepare_media(ring.call)
    await agent.send(wire.Accept(ring.call))
    await agent.wait_for(wire.CallState, lambda m: m.kyc_unlocked)
    return ring.call


@pytest.fixture(name="clip", scope="module")
def _clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the supervisor's picture and sound."""
    return write_clip(tmp_path_factory.mktemp("clips"), "supervisor", other_person(1), Speaker.AGENT)


async def until(what: Callable[[], bool], why: str) -> None:
    """Wait for something that a caller receives."""
    deadline = asyncio.get_running_loop().time() + HEARD_S
    while not what():
        assert asyncio.get_running_loop().time() < deadline, why
        await asyncio.sleep(0.2)


async def watch(page: Page, server: Server) -> None:
    """Log in and take the silent seat in the one call."""
    await log_in(page, f"{server.url}/agent/", SUPERVISOR)
    await expect(page.locator(".board-calls tbody tr")).to_have_count(1, timeout=STEP_MS)
    await page.get_by_role("button", name="旁听").click()
    await expect(page.get_by_text("您没有被看见，也没有被听见")).to_be_visible(timeout=STEP_MS)
    for number in (1, 2):
        await numbers_seen(page, f"watch-pictures figure:nth-child({number}) video", 3)


async def give_up(agent: Caller) -> None:
    """Give the result that the call is owed."""
    await agent.send(wire.Finish(Outcome.INCOMPLETE, "other"))
    await agent.wait_for_fact(facts.AgentDecided)


def customer_knows(customer: Caller) -> bool:
    """Tell whether anything that the customer was told names a supervisor."""
    states = [message for message in customer.messages if isinstance(message, wire.CallState)]
    told = [entry.fact for entry in customer.entries]
    observers = (facts.ObserverJoined, facts.ObserverLeft, facts.SeatModeChanged)
    return any(party.role is Role.SUPERVISOR for state in states for party in state.parties) or any(
        isinstance(fact, observers) or getattr(fact, "role", None) is Role.SUPERVISOR for fact in told
    )


def test_monitor_whisper_and_barge_in(server: Server, clip: tuple[Path, Path]) -> None:
    """A watcher sees and hears both and is known to nobody outside the staff; a whisper reaches the agent
    alone; who joins in is seen and heard by all."""

    async def run() -> None:
        async with room(server.url) as people, person(clip, DESKTOP) as boss:
            page = boss.page
            await watch(page, server)
            people.at_agent.forget()
            people.at_customer.forget()
            await asyncio.sleep(SILENT_S)
            assert not people.at_agent.hears_supervisor()
            await page.get_by_role("button", name="耳语柜员").click()
            await until(people.at_agent.hears_supervisor, "the agent does not hear the whisper")
            assert not people.at_customer.hears_supervisor()
            assert not customer_knows(people.customer)
            await page.get_by_role("button", name="加入通话").click()
            await until(people.at_customer.hears_supervisor, "the customer does not hear the third party")
            await until(lambda: 6 in people.at_customer.seen, "the customer does not see the third party")
            assert customer_knows(people.customer)
            await page.get_by_role("button", name="静默旁听").click()
            await expect(page.get_by_text("您没有被看见")).to_be_visible(timeout=STEP_MS)
            people.at_customer.forget()
            people.at_agent.forget()
            await asyncio.sleep(SILENT_S)
            assert not people.at_customer.hears_supervisor() and not people.at_agent.hears_supervisor()
            await page.get_by_role("button", name="离开通话").click()
            await expect(page.get_by_role("heading", name="排队客户")).to_be_visible(timeout=STEP_MS)
            modes = [
                entry.fact.now
                for entry in people.agent.entries
                if isinstance(entry.fact, facts.SeatModeChanged)
            ]
            assert modes == [SeatMode.WHISPER, SeatMode.TALKING, SeatMode.MONITOR]
            await people.customer.send(wire.HangUp())
            await give_up(people.agent)

    asyncio.run(run())


def test_who_takes_over_leads_and_decides(server: Server, clip: tuple[Path, Path]) -> None:
    """The agent leaves, the customer talks to the supervisor, who owes the result and is back at the wall
    once it is given."""

    async def run() -> None:
        async with room(server.url) as people, person(clip, DESKTOP) as boss:
            page = boss.page
            await watch(page, server)
            await page.get_by_role("button", name="接管通话").click()
            await page.get_by_role("dialog").get_by_role("button", name="接管通话").click()
            await expect(page.locator("call-view")).to_be_visible(timeout=STEP_MS)
            people.at_customer.forget()
            await until(people.at_customer.hears_supervisor, "the customer does not hear who took over")
            await people.agent.wait_for(wire.PresenceSet, lambda m: m.presence is not Presence.BUSY)
            state = await people.customer.wait_for(wire.CallState, lambda m: m.peer == "赵磊 Zhao Lei")
            assert state.phase in {CallPhase.ACTIVE, CallPhase.RECONNECTING}
            await people.customer.send(wire.HangUp())
            owed = page.locator("wrap-up")
            await owed.get_by_label("未完成").check()
            await owed.get_by_label("原因").select_option("other")
            await owed.get_by_role("button", name="提交结果").click()
            await expect(page.get_by_role("heading", name="排队客户")).to_be_visible(timeout=STEP_MS)

    asyncio.run(run())


def test_a_call_is_ended_from_the_wall(server: Server, clip: tuple[Path, Path]) -> None:
    """Both are told that a supervisor ended it, and the wall no longer shows it."""

    async def run() -> None:
        async with room(server.url) as people, person(clip, DESKTOP) as boss:
            page = boss.page
            await log_in(page, f"{server.url}/agent/", SUPERVISOR)
            await page.get_by_role("button", name="强制结束").click()
            dialog = page.get_by_role("dialog")
            await dialog.get_by_label("原因").fill("演练")
            await dialog.get_by_role("button", name="强制结束").click()
            for caller in (people.customer, people.agent):
                ended = await caller.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ENDED)
                assert ended.reason == CallEnd.SUPERVISOR_ENDED
            await expect(page.get_by_text("没有进行中的通话。")).to_be_visible(timeout=STEP_MS)
            await give_up(people.agent)

    asyncio.run(run())
