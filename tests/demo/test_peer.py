"""The demo's peer as a sender of sound: it keeps the pace of its sound card, and skips when it is late."""

import asyncio

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


async def test_a_sender_a_second_behind_skips() -> None:
    """What is half a second late is made up for, chunk by chunk; of what is later nothing is said."""
    loop, now = asyncio.get_running_loop(), 0.0
    async with WebRtcPeer(sound=Voice()) as peer:
        with pytest.MonkeyPatch.context() as clock:
            clock.setattr(loop, "time", lambda: now)
            assert await spoken(peer) == 0
            now = 0.5
            assert [await spoken(peer) for _ in range(3)] == [1, 2, 3]
            now = 4.01
            assert await spoken(peer) == 200
            now = 4.03
            assert await spoken(peer) == 201


async def test_a_slow_sound_card_keeps_its_own_pace() -> None:
    """A card that takes half of the samples it claims needs twice the time for each chunk."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with WebRtcPeer(sound=Voice(), sound_rate=SAMPLE_RATE // 2) as peer:
        assert [await spoken(peer) for _ in range(6)] == [0, 1, 2, 3, 4, 5]
        # A millisecond is what a timer of the loop may be early.
        assert loop.time() - began >= 5 * 0.04 - 0.001
