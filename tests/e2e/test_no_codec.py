"""The server forwards and records without ever opening a codec."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from contract import facts, wire
from contract.ids import TrackId
from contract.phases import CallEnd
from tests.e2e.people import in_call
from tests.e2e.server import Server, running

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]


def is_of(track: TrackId, fact: facts.SegmentSealed) -> bool:
    return fact.track == track


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_recorded_call_survives_poisoned_codecs(
    tmp_path: Path, pack_settings: dict[str, str], codec: str
) -> None:
    """In this server process the first use of any codec is an illegal instruction; the call goes through.

    That the poison kills is proven in tests/media/test_no_codec.py.
    """

    async def run(server: Server) -> None:
        async with in_call(server.url, codec) as pair:
            tracks = {e.fact.track for e in pair.agent.entries if isinstance(e.fact, facts.TrackStarted)}
            assert len(tracks) == 4
            for track in tracks:
                await pair.agent.wait_for_fact(facts.SegmentSealed, partial(is_of, track))
            assert pair.agent.peer is not None
            assert pair.agent.peer.first_video_at is not None
            await pair.agent.send(wire.HangUp())
            ended = await pair.agent.wait_for_fact(facts.CallEnded)
            assert ended.reason is CallEnd.AGENT_HUNG_UP

    server = Server(tmp_path / "data", pack_settings, launcher="tests.media.codec_poison")
    with running(server):
        asyncio.run(run(server))
