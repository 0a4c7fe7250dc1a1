"""Seats survive lost sockets; hostile input never does more than be refused."""

import asyncio

import aiohttp
import pytest

from contract import facts, wire
from contract.errors import UserError
from contract.phases import CallEnd, CallPhase
from teller.demo.caller import Caller, Rest, StepFailed
from tests.e2e.people import customer_in, in_call
from tests.e2e.server import Server

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]


def test_a_dropped_customer_comes_back_to_the_same_call(server: Server) -> None:
    """The socket is lost and taken up again with the resume token; both sides are told, the call goes on."""

    async def run() -> None:
        async with in_call(server.url) as pair:
            before = pair.customer.welcome
            assert before is not None
            seen = len(pair.agent.messages)
            await pair.customer.drop_socket()
            await pair.agent.wait_for_fact(facts.PartyDropped)
            await pair.agent.wait_for(wire.CallState, lambda m: m.phase is CallPhase.RECONNECTING, after=seen)
            seen = len(pair.agent.messages)
            welcome = await pair.customer.connect(resume=before.resume)
            await pair.agent.wait_for_fact(facts.PartyReturned)
            assert (welcome.seat, welcome.call) == (before.seat, pair.call)
            await pair.agent.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ACTIVE, after=seen)
            await pair.agent.send(wire.HangUp())
            ended = await pair.agent.wait_for_fact(facts.CallEnded)
            assert ended.reason is CallEnd.AGENT_HUNG_UP

    asyncio.run(run())


def test_media_can_be_offered_again_in_the_same_seat(server: Server) -> None:
    """A new offer replaces the peer connection; the recording goes on as new tracks."""

    async def run() -> None:
        async with in_call(server.url) as pair:
            await pair.customer.prepare_media(pair.call)
            assert pair.customer.welcome is not None
            seat = pair.customer.welcome.seat
            started = [
                e.fact.track
                for e in pair.agent.entries
                if isinstance(e.fact, facts.TrackStarted) and e.fact.seat == seat
            ]
            await pair.agent.wait_for_fact(
                facts.TrackStarted, lambda f: f.seat == seat and f.track not in started
            )
            await pair.customer.send(wire.HangUp())
            ended = await pair.agent.wait_for_fact(facts.CallEnded)
            assert ended.reason is CallEnd.CUSTOMER_HUNG_UP

    asyncio.run(run())


def test_h264_is_forwarded_and_recorded(server: Server) -> None:
    """A phone that speaks H.264 only is answered in H.264."""

    async def run() -> None:
        async with in_call(server.url, codec="H264") as pair:
            track = await pair.agent.wait_for_fact(
                facts.TrackStarted, lambda f: f.role == "customer" and f.kind == "video"
            )
            assert track.codec == "H264"
            await pair.agent.send(wire.HangUp())
            await pair.agent.wait_for_fact(facts.CallEnded)

    asyncio.run(run())


def test_a_ticket_works_once(server: Server) -> None:
    """The second socket with the same ticket is told so and closed."""

    async def run() -> None:
        async with Rest(server.url) as rest:
            door = await rest.call("POST", "/api/walk-in", body={"tenant": "demo", "language": "en"})
            async with Caller(rest, lambda _: pytest.fail("no media wanted")) as first:
                await first.connect(ticket=door["ticket"])
                with pytest.raises(StepFailed, match="ticket_used"):
                    await Caller(rest, lambda _: pytest.fail("no media wanted")).connect(
                        ticket=door["ticket"]
                    )

    asyncio.run(run())


@pytest.mark.parametrize("garbage", ["", "{", "[]", '{"type":"offer"}', '{"type":"welcome"}', "\x00" * 10])
def test_garbage_closes_the_socket_and_nothing_else(server: Server, garbage: str) -> None:
    """A protocol error ends that socket with 1002; the service goes on."""

    async def run() -> None:
        async with customer_in(server.url) as (customer, _):
            async with customer.rest.http.ws_connect(
                server.url.replace("http", "ws") + "/ws", headers={"Origin": server.url}
            ) as socket:
                await socket.send_str(garbage)
                async for _ in socket:
                    pass
                assert socket.close_code == 1002
            await customer.send(wire.Ping(1.0))
            await customer.wait_for(wire.Pong)

    asyncio.run(run())


def test_a_broken_offer_costs_the_socket_but_not_the_place(server: Server) -> None:
    """SDP that is none closes the socket; the seat is taken up again and the next offer works."""

    async def run() -> None:
        async with customer_in(server.url) as (customer, _):
            await customer.send(wire.JoinQueue())
            place = await customer.wait_for(wire.QueuePosition)
            await customer.send(wire.Offer(place.call, "v=0\r\nnothing"))
            bye = await customer.wait_for(wire.Bye)
            assert bye.code in {"bad_sdp", "wrong_plan"}
            assert customer.welcome is not None
            await customer.drop_socket()
            welcome = await customer.connect(resume=customer.welcome.resume)
            assert welcome.call == place.call
            await customer.prepare_media(place.call)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/cases/search"), ("GET", "/api/me"), ("GET", "/api/cases/case-0000000000000000")],
)
def test_strangers_see_nothing(server: Server, method: str, path: str) -> None:
    """Without a session every list and every case is refused."""

    async def run() -> None:
        async with Rest(server.url) as rest:
            with pytest.raises(UserError) as refused:
                await rest.call(method, path)
            assert refused.value.code == "not_logged_in"

    asyncio.run(run())


def test_every_answer_carries_the_policy(server: Server) -> None:
    """Pages, assets, API answers and errors alike come with the strict CSP and Trusted Types."""

    async def run() -> None:
        async with aiohttp.ClientSession() as http:
            for path in ("/", "/c/", "/agent/", "/audit/", "/api/me", "/nothing", "/healthz"):
                async with http.get(server.url + path) as answer:
                    policy = answer.headers.get("Content-Security-Policy", "")
                    assert "default-src 'none'" in policy, path
                    assert "require-trusted-types-for 'script'" in policy, path
                    assert answer.headers["X-Content-Type-Options"] == "nosniff"

    asyncio.run(run())
