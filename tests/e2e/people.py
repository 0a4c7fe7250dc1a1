"""Callers for tests that need only a part of the scripted case."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from contract import facts, wire
from contract.ids import CallId, CaseId
from contract.phases import CallPhase, Outcome, Presence
from teller.demo.caller import Caller, Rest
from teller.demo.data import FPS, LOGINS, VIDEO_SIZE
from teller.demo.peer import WebRtcPeer
from teller.demo.pictures import FaceVideo, Portrait, astronaut, other_person
from teller.demo.sound import Speaker, Voice

MakePeer = Callable[[tuple[wire.IceServer, ...]], WebRtcPeer]


@dataclass(frozen=True, slots=True)
class Pair:
    """A customer and an agent in an active call."""

    customer: Caller
    agent: Caller
    case: CaseId
    call: CallId


def _peers(
    portrait: Portrait,
    speaker: Speaker,
    codec: str | None = None,
    *,
    relay_only: bool = False,
    size: tuple[int, int] = VIDEO_SIZE,
) -> MakePeer:
    picture, sound = FaceVideo(portrait, size, FPS), Voice(speaker)
    return lambda servers: WebRtcPeer(picture, sound, ice_servers=servers, codec=codec, relay_only=relay_only)


@asynccontextmanager
async def agent_ready(
    url: str,
    *,
    login: tuple[str, str] = LOGINS.agent,
    relay_only: bool = False,
    size: tuple[int, int] = VIDEO_SIZE,
    make_peer: MakePeer | None = None,
) -> AsyncIterator[Caller]:
    """Yield an agent who is ready; ``make_peer`` instead of the usual picture and sound."""
    async with Rest(url) as rest:
        await rest.login(*login)
        usual = _peers(other_person(0), Speaker.AGENT, relay_only=relay_only, size=size)
        async with Caller(rest, make_peer or usual) as agent:
            await agent.connect()
            await agent.send(wire.SetPresence(Presence.READY))
            await agent.wait_for(wire.PresenceSet, lambda m: m.presence is Presence.READY)
            yield agent


@asynccontextmanager
async def customer_in(
    url: str,
    codec: str | None = None,
    *,
    relay_only: bool = False,
    make_peer: MakePeer | None = None,
) -> AsyncIterator[tuple[Caller, CaseId]]:
    """Yield a customer who has consented, and the case."""
    async with Rest(url) as rest:
        door = await rest.call("POST", "/api/walk-in", body={"tenant": "demo", "language": "en"})
        usual = _peers(astronaut(), Speaker.CUSTOMER, codec, relay_only=relay_only)
        async with Caller(rest, make_peer or usual) as customer:
            welcome = await customer.connect(ticket=door["ticket"])
            await customer.send(wire.Consent(True, True, False, welcome.consent_version, "en"))
            await customer.wait_for_fact(facts.ConsentGiven)
            yield customer, CaseId(door["case"])


async def put_through(customer: Caller, agent: Caller, case: CaseId) -> Pair:
    """Let the ready agent answer the customer who has consented; every mandatory track is on disk then."""
    await customer.send(wire.JoinQueue())
    place = await customer.wait_for(wire.QueuePosition)
    await customer.prepare_media(place.call)
    ring = await agent.wait_for(wire.Ring, lambda m: m.case == case)
    await agent.prepare_media(ring.call)
    await agent.send(wire.Accept(ring.call))
    await customer.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ACTIVE)
    await agent.wait_for(wire.CallState, lambda m: m.kyc_unlocked)
    return Pair(customer, agent, case, ring.call)


@asynccontextmanager
async def in_call(
    url: str,
    codec: str | None = None,
    *,
    login: tuple[str, str] = LOGINS.agent,
    relay_only: bool = False,
) -> AsyncIterator[Pair]:
    """Yield two people in an active call with every mandatory track on disk."""
    async with (
        agent_ready(url, login=login, relay_only=relay_only) as agent,
        customer_in(url, codec, relay_only=relay_only) as (customer, case),
    ):
        yield await put_through(customer, agent, case)
        # Every conversation owes a result; without one the agent is not free for the next test.
        if not agent.closed:
            await agent.send(wire.Finish(Outcome.INCOMPLETE, "other"))
            await agent.wait_for_fact(facts.AgentDecided)
