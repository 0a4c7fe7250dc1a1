"""Offers: what is planned is answered, everything else is refused by name."""

import asyncio
import re
from collections.abc import Callable

import pytest

from contract.errors import MediaError, ProtocolError
from tests.media.scripted import ScriptedPeer, Stage, until

OTHER_PICTURE = 4


async def test_no_common_codec_is_a_clear_error(stage: Stage) -> None:
    """A peer that cannot take what the other sends is refused by name, and the other stays."""
    async with ScriptedPeer("VP8") as customer, ScriptedPeer("H264") as agent:
        await stage.connect(customer, stage.customer)
        with pytest.raises(MediaError) as raised:
            await stage.plane.answer(stage.call, stage.agent, await agent.offer())
        assert raised.value.code == "no_common_codec"
        async with ScriptedPeer("VP8") as other:
            await stage.connect(other, stage.agent)


_CUTS: dict[str, Callable[[str], str]] = {
    "nothing": lambda sdp: "x",
    "noise": lambda sdp: "v=0\r\no=- 0 0 IN IP4\r\nm=audio",
    "cut off": lambda sdp: sdp[: len(sdp) // 3],
    "no ice": lambda sdp: re.sub(r"a=ice-ufrag:.*\r\n", "", sdp),
    "no fingerprint": lambda sdp: re.sub(r"a=fingerprint:.*\r\n", "", sdp),
    "no rtcp-mux": lambda sdp: sdp.replace("a=rtcp-mux\r\n", ""),
    "no bundle": lambda sdp: re.sub(r"a=group:BUNDLE.*\r\n", "", sdp),
    "same mid twice": lambda sdp: sdp.replace("a=mid:3", "a=mid:1"),
    "wrong order": lambda sdp: sdp.replace("m=audio", "m=text").replace("m=video", "m=audio"),
    "wrong direction": lambda sdp: sdp.replace("a=recvonly", "a=sendonly"),
    "no opus": lambda sdp: sdp.replace("opus/48000", "speex/48000"),
    "no picture codec": lambda sdp: sdp.replace("VP8/90000", "AV9/90000").replace("H264/90000", "AV8/90000"),
    "a data channel": lambda sdp: re.sub(
        r"m=video (\d+) .*\r\n", r"m=application \1 UDP/DTLS/SCTP webrtc-datachannel\r\n", sdp
    ),
    "control bytes": lambda sdp: sdp.replace("\r\n", "\x00"),
    "too many lines": lambda sdp: sdp + sdp[sdp.index("m=video") :],
    "bad port": lambda sdp: re.sub(r"m=audio \d+", "m=audio NaN", sdp),
    "bad payload type": lambda sdp: sdp.replace("a=rtpmap:96", "a=rtpmap:abc"),
}  # fmt: skip


@pytest.mark.parametrize("how", _CUTS)
async def test_an_offer_that_is_not_planned_is_a_protocol_error(stage: Stage, how: str) -> None:
    """Whatever is wrong with an offer, the answer is ProtocolError and nothing of it remains."""
    async with ScriptedPeer() as customer:
        offer = await customer.offer()
        tasks = len(asyncio.all_tasks())
        with pytest.raises(ProtocolError):
            await stage.plane.answer(stage.call, stage.customer, _CUTS[how](offer))
        await until("no task left", lambda: len(asyncio.all_tasks()) <= tasks)
        await customer.accept(await stage.plane.answer(stage.call, stage.customer, offer))
        await until("a good offer still works", lambda: customer.pc.connectionState == "connected")


async def test_a_bad_offer_leaves_the_seats_connection_alone(stage: Stage) -> None:
    """An offer that is refused does not take the seat over."""
    async with ScriptedPeer() as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        with pytest.raises(ProtocolError):
            await stage.plane.answer(stage.call, stage.customer, "v=0\r\n")
        await stage.plane.open_gate(stage.call)
        await until("a picture", lambda: agent.arrived[OTHER_PICTURE])


async def test_older_clients_may_leave_lines_out_at_the_end(stage: Stage) -> None:
    """Five m-lines are enough for a call of two."""
    async with ScriptedPeer(lines=5) as customer, ScriptedPeer() as agent:
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        await until("a picture both ways", lambda: agent.arrived[4] and customer.arrived[4])
