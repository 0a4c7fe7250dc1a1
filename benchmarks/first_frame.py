"""How long from the customer's tap to the first picture of the agent, through a real server process.

    python -m benchmarks.first_frame [--calls N]

Everything runs on this machine over loopback: the server, and in this process both callers with
their software encoders and decoders, which a phone and a desktop would have to themselves. The agent
answers at once, so what is measured is the service and not a person.
"""

import argparse
import asyncio
import statistics
import tempfile
from pathlib import Path

from contract import facts, wire
from contract.phases import CallPhase, Outcome, Presence
from teller.config import load
from teller.demo.caller import Caller, Rest
from teller.demo.data import FPS, LOGINS, VIDEO_SIZE
from teller.demo.peer import WebRtcPeer, use_loopback
from teller.demo.pictures import FaceVideo, astronaut, other_person
from teller.demo.run import free_port, running_server, seed
from teller.demo.sound import Speaker, Voice

CUSTOMER = FaceVideo(astronaut(), VIDEO_SIZE, FPS), Voice(Speaker.CUSTOMER)
AGENT = FaceVideo(other_person(0), VIDEO_SIZE, FPS, agent=True), Voice(Speaker.AGENT)


async def one_call(url: str, agent: Caller) -> tuple[float, float]:
    """Return the seconds from the tap to the first frame at the customer and at the agent."""
    loop = asyncio.get_running_loop()
    async with Rest(url) as phone:
        door = await phone.call("POST", "/api/walk-in", body={"tenant": "demo", "language": "en"})
        async with Caller(phone, lambda s: WebRtcPeer(*CUSTOMER, ice_servers=s)) as customer:
            welcome = await customer.connect(ticket=door["ticket"])
            await customer.send(wire.Consent(True, True, welcome.consent_version, "en"))
            await customer.wait_for_fact(facts.ConsentGiven)
            tapped = loop.time()
            await customer.send(wire.JoinQueue())
            place = await customer.wait_for(wire.QueuePosition)
            async with asyncio.TaskGroup() as both:
                both.create_task(customer.prepare_media(place.call))
                both.create_task(answer(agent, door["case"]))
            await customer.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ACTIVE)
            first = await first_frame(customer), await first_frame(agent)
            await agent.send(wire.Finish(Outcome.INCOMPLETE, "other"))
            await customer.wait_for(wire.CallState, lambda m: m.phase is CallPhase.ENDED)
    return first[0] - tapped, first[1] - tapped


async def answer(agent: Caller, case: str) -> None:
    """Let the agent become ready and accept the ring of ``case``."""
    await agent.send(wire.SetPresence(Presence.READY))
    ring = await agent.wait_for(wire.Ring, lambda m: m.case == case)
    await agent.prepare_media(ring.call)
    await agent.send(wire.Accept(ring.call))


async def first_frame(caller: Caller) -> float:
    """Return the loop's time of the caller's first remote picture."""
    async with asyncio.timeout(20):
        while caller.peer is None or caller.peer.first_video_at is None:  # noqa: ASYNC110 - set by a callback
            await asyncio.sleep(0.005)
    return caller.peer.first_video_at


async def measure(calls: int) -> None:
    """Play the calls and print the figures."""
    use_loopback()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        await seed(load(None, {"data_dir": str(data)}))
        port, https = free_port(0), free_port(0)
        settings = (
            f"http.local_port={port}", f"http.port={https}", "http.host=127.0.0.1",
            'media.bind=["127.0.0.1"]', "log.level=error",
        )  # fmt: skip
        words = (
            "--data",
            str(data),
            *(part for text in settings for part in ("--set", text)),
            "serve",
            "--with-parent",
        )
        url = f"http://127.0.0.1:{port}"
        async with running_server(words, url), Rest(url) as desk:
            await desk.login(*LOGINS.agent)
            async with Caller(desk, lambda s: WebRtcPeer(*AGENT, ice_servers=s)) as agent:
                await agent.connect()
                taken = [await one_call(url, agent) for _ in range(calls)]
    for who, seconds in zip(("customer", "agent"), zip(*taken, strict=True), strict=True):
        print(
            f"tap to first frame at the {who:<8}  median {statistics.median(seconds):.2f} s"
            f"  (min {min(seconds):.2f}, max {max(seconds):.2f}, {calls} calls)"
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=7, help="calls to play, default 7")
    asyncio.run(measure(parser.parse_args().calls))


if __name__ == "__main__":
    main()
