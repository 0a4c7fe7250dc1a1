"""The demo's peer as a sender of sound: it keeps the pace of its sound card, and skips when it is late."""

import asyncio
import time

import pytest
from av import AudioFrame

from teller.demo.peer import CHUNK_SAMPLES, SAMPLE_RATE, WebRtcPeer
from teller.demo.sound import Voice


async def spoken(peer: WebRtcPeer) -> int:
    """Return which 20 ms of the sound come next."""
    track = peer.pc.getTransceivers()[0].sender.track
    frame = await track.recv()
    assert isinstance(frame, AudioFrame) and frame.pts is not None
    return frame.pts // CHUNK_SAMPLES


async def test_a_sender_a_second_behind_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is half a second late is made up for, chunk by chunk; of what is later nothing is said."""
    loop, ahead = asyncio.get_running_loop(), 0.0
    monkeypatch.setattr(loop, "time", lambda: time.monotonic() + ahead)
    async with WebRtcPeer(sound=Voice()) as peer:
        assert await spoken(peer) == 0
        ahead = 0.5
        assert [await spoken(peer) for _ in range(3)] == [1, 2, 3]
        ahead = 4.0
        first = await spoken(peer)
        assert 200 <= first < 225
        assert await spoken(peer) == first + 1


async def test_a_slow_sound_card_keeps_its_own_pace() -> None:
    """A card that takes half of the samples it claims needs twice the time for each chunk."""
    loop = asyncio.get_running_loop()
    async with WebRtcPeer(sound=Voice(), sound_rate=SAMPLE_RATE // 2) as peer:
        assert await spoken(peer) == 0
        began = loop.time()
        assert [await spoken(peer) for _ in range(5)] == [1, 2, 3, 4, 5]
        assert loop.time() - began >= 5 * 0.04 - 0.005
