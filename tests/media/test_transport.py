"""One connection: handshake, keys, media both ways, address changes, endings."""

import asyncio
import gc
import os
import weakref
from collections.abc import AsyncIterator

import aioice
import pytest
from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import RTCDtlsParameters, RTCDtlsTransport
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from media.batch_socket import pack_address
from media.endpoint import Endpoint
from media.settings import MediaSettings
from media.transport import Bucket, Path, Transport, _is_whole
from tests.media.far_end import FarEnd, ListTap, rtcp_packet, rtp_packet, until, wrong_fingerprint

SETTINGS = MediaSettings(bind_addresses=("127.0.0.1", "::1"), promise_s=5.0)


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with Endpoint(SETTINGS) as endpoint:
        yield endpoint


def bad(why: str) -> float:
    """Return how many datagrams were dropped for this reason."""
    return REGISTRY.get_sample_value("teller_media_bad_datagrams_total", {"why": why}) or 0.0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_media_passes_both_ways(endpoint: Endpoint, host: str) -> None:
    """After the handshake packets arrive decrypted, and what is sent arrives at the other end."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port, host) as far:
        await far.connect(tasks)
        packet = rtp_packet(1, os.urandom(1_200))
        far.send_rtp(packet)
        far.send_rtcp(rtcp_packet())
        await until(lambda: tap.rtp and tap.rtcp, "the packet and the report")
        assert (tap.rtp, tap.rtcp) == ([packet], [rtcp_packet()])
        assert transport.send_rtp(packet[:12], packet, 12)
        transport.send_rtcp(rtcp_packet())
        await until(lambda: far.rtp and far.rtcp, "the way back")
        assert (far.rtp, far.rtcp) == ([packet], [rtcp_packet()])
        await transport.close()
    assert tap.states == ["connecting", "connected", "closed"]
    assert transport.packets_dropped == 0


async def test_a_full_agent_connects(endpoint: Endpoint) -> None:
    """aioice, in control and told that we are lite, finds and keeps us."""
    tap = ListTap()
    transport = endpoint.open(tap)
    agent = aioice.Connection(ice_controlling=True, use_ipv6=False)
    agent.remote_is_lite = True
    await agent.gather_candidates()
    for ours in transport.candidates():
        await agent.add_remote_candidate(
            aioice.Candidate(ours.foundation, 1, "udp", ours.priority, ours.ip, ours.port, "host")
        )
    await agent.add_remote_candidate(None)
    agent.remote_username, agent.remote_password = transport.ufrag, transport.password
    dtls = RTCDtlsTransport(_Ice(agent), [RTCCertificate.generateCertificate()])  # type: ignore[arg-type]
    dtls._set_role("client")
    async with asyncio.TaskGroup() as tasks:
        theirs = RTCDtlsParameters(dtls.getLocalParameters().fingerprints)
        transport.connect(tasks, agent.local_username, agent.local_password, theirs)
        await agent.connect()
        await dtls.start(RTCDtlsParameters(transport.fingerprints()))
        await until(lambda: transport.state == "connected", "our side of the handshake")
        await dtls._send_rtp(rtp_packet(1))
        await until(lambda: tap.rtp, "the packet")
        await transport.close()
        await until(lambda: dtls.state == "closed", "our goodbye")
    await agent.close()


class _Ice:
    role = "controlling"

    def __init__(self, agent: aioice.Connection) -> None:
        self._agent = agent

    async def _recv(self) -> bytes:
        return await self._agent.recv()

    async def _send(self, data: bytes) -> None:
        await self._agent.send(data)


async def test_a_header_of_another_size_replaces_the_first(endpoint: Endpoint) -> None:
    """A shorter, a longer and a much shorter header than the packet's own all go out before its payload."""
    transport = endpoint.open(ListTap())
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        plain = [rtp_packet(seq, b"") for seq in (1, 2, 3)]
        longer = b"\x90" + plain[1][1:] + b"\xbe\xde\x00\x02" + bytes(8)
        headers = plain[0], longer, plain[2]
        for header, before in zip(headers, (32, 12, 600), strict=True):
            assert transport.send_rtp(header, bytes(before) + b"media", before)
        await until(lambda: len(far.rtp) == 3, "three packets")
        assert far.rtp == [header + b"media" for header in headers]
        await transport.close()


async def test_an_address_change_is_followed(endpoint: Endpoint) -> None:
    """After an authenticated nomination from a new address media goes there; the keys stay."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        far.move()
        before = bad("address")
        far.send_rtp(rtp_packet(1))
        await until(lambda: bad("address") > before, "media from an unchecked address, dropped")
        await far.checked()
        far.send_rtp(rtp_packet(2))
        await until(lambda: tap.rtp, "media from the new address")
        assert tap.rtp == [rtp_packet(2)]
        transport.send_rtp(rtp_packet(3, b""), b"media", 0)
        await until(lambda: far.rtp, "media at the new address")
        await transport.close()
    assert tap.states == ["connecting", "connected", "closed"]


async def test_a_check_without_nomination_does_not_move_us(endpoint: Endpoint) -> None:
    """A checked address may send; only a nominated one is sent to."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        first = far.socket
        far.socket = far._open()
        await far.checked(nominate=False)
        far.send_rtp(rtp_packet(1))
        await until(lambda: tap.rtp, "media from the second address")
        transport.send_rtp(rtp_packet(2, b""), b"media", 0)
        arrived = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(first, 2_048), 5)
        assert arrived[0] == 0x80
        asyncio.get_running_loop().remove_reader(first)
        first.close()
        await transport.close()


async def test_lost_handshake_datagrams_are_repeated(endpoint: Endpoint) -> None:
    """The handshake gets through when the first flight of each side is lost."""
    transport = endpoint.open(ListTap())
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        seen: list[bytes] = []

        def lose(datagram: bytes) -> bool:
            seen.append(datagram)
            return len(seen) in {1, 3}

        far.lose = lose
        await far.connect(tasks)
        assert transport.state == "connected"
        await transport.close()


async def test_a_foreign_certificate_fails(endpoint: Endpoint) -> None:
    """Whoever shows another certificate than the offer named gets no media."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks, wrong_fingerprint())
        assert not transport.send_rtp(rtp_packet(1), b"", 0)
        assert transport.packets_dropped == 1
        await transport.close()
    assert tap.states == ["connecting", "failed"]


async def test_nobody_comes() -> None:
    """Without a check the connection fails when the promise has run out."""
    tap = ListTap()
    async with (
        Endpoint(MediaSettings(bind_addresses=("127.0.0.1",), promise_s=0.05)) as endpoint,
        asyncio.TaskGroup() as tasks,
    ):
        endpoint.open(tap).connect(tasks, "them", "secret", wrong_fingerprint())
        await until(lambda: tap.states == ["connecting", "failed"], f"failed, not {tap.states}")


async def test_the_far_end_says_goodbye(endpoint: Endpoint) -> None:
    """A close_notify closes the transport, and closing it again does nothing."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        await far.dtls.stop()
        await until(lambda: transport.state == "closed", "closed")
        await transport.close()
        await transport.close()
    assert tap.states == ["connecting", "connected", "closed"]


async def test_closing_while_connecting(endpoint: Endpoint) -> None:
    """A transport that waits for its first check or its handshake can be closed."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        transport.connect(tasks, "them", "secret", far.parameters())
        await far.checked()
        await transport.close()
        before = bad("ufrag")
        far.check()
        await until(lambda: bad("ufrag") > before, "a check of a closed transport, dropped")
    assert tap.states == ["connecting", "closed"]


async def test_connecting_twice_is_wrong(endpoint: Endpoint) -> None:
    """Connecting twice is a mistake of the caller."""
    transport = endpoint.open(ListTap())
    async with asyncio.TaskGroup() as tasks:
        transport.connect(tasks, "them", "secret", wrong_fingerprint())
        with pytest.raises(RuntimeError):
            transport.connect(tasks, "them", "secret", wrong_fingerprint())
        await transport.close()


async def _counted(why: str, before: float) -> None:
    await until(lambda: bad(why) > before, f"a datagram dropped as {why}")


async def test_bad_media_is_dropped(endpoint: Endpoint) -> None:
    """Replayed, forged, short and misbuilt packets are counted; good ones still arrive."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        kinds = ("srtp_replay", "srtp_auth", "short", "first_byte")
        before = {why: bad(why) for why in kinds}
        again = far.send_rtp(rtp_packet(1))
        far.send(again)
        far.send(again[:2] + b"\x00\x09" + again[4:])
        far.send(again[:11])
        far.send(b"\xff" + bytes(30))
        far.send(b"")
        far.send(bytes([0x80, 200]) + bytes(40))
        for why in kinds:
            await _counted(why, before[why])
        far.send_rtp(rtp_packet(2))
        await until(lambda: len(tap.rtp) == 2, "the good packets")
        assert not tap.rtcp
        await transport.close()


async def test_a_stream_too_many_is_dropped(endpoint: Endpoint) -> None:
    """A client cannot make us keep state for any number of streams."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        before = bad("ssrcs")
        for ssrc in range(1, 70):
            far.send_rtp(rtp_packet(1, ssrc=ssrc))
        await until(lambda: bad("ssrcs") == before + 5, "five streams dropped")
        assert len(tap.rtp) == 64
        await transport.close()


async def test_a_reporter_too_many_is_dropped(endpoint: Endpoint) -> None:
    """The same for the senders of RTCP; those of known streams go on."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        before = bad("ssrcs")
        for ssrc in range(1, 41):
            far.send_rtp(rtp_packet(1, ssrc=ssrc))
        for ssrc in range(31, 101):
            far.send_rtcp(rtcp_packet(ssrc))
        await until(lambda: bad("ssrcs") == before + 36, "reports of 36 sources dropped")
        assert (len(tap.rtp), len(tap.rtcp)) == (40, 34)
        await transport.close()


async def test_too_long_a_packet_is_not_sent(endpoint: Endpoint) -> None:
    """What fits no datagram is refused and counted."""
    transport = endpoint.open(ListTap())
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        assert not transport.send_rtp(rtp_packet(1, b""), bytes(3_000), 0)
        transport.send_rtcp(bytes(3_000))
        assert transport.packets_dropped == 2
        await transport.close()


async def test_two_calls_do_not_disturb_each_other(endpoint: Endpoint) -> None:
    """Media of one connection reaches its own tap only, and the end of one leaves the other alone."""
    taps = ListTap(), ListTap()
    one, two = (endpoint.open(tap) for tap in taps)
    async with (
        asyncio.TaskGroup() as tasks,
        FarEnd(one, endpoint.port) as far_one,
        FarEnd(two, endpoint.port) as far_two,
    ):
        await far_one.connect(tasks)
        await far_two.connect(tasks)
        far_one.send_rtp(rtp_packet(1))
        far_two.send_rtp(rtp_packet(2))
        await until(lambda: taps[0].rtp and taps[1].rtp, "both packets")
        await one.close()
        far_one.send(b"\x80" + bytes(40))
        far_two.send_rtp(rtp_packet(3))
        await until(lambda: len(taps[1].rtp) == 2, "the other call's packet")
        assert taps[0].rtp == [rtp_packet(1)]
        await two.close()


async def test_a_living_address_cannot_be_taken(endpoint: Endpoint) -> None:
    """A check with another connection's credentials does not take over the address of one that lives."""
    taps = ListTap(), ListTap()
    one, two = (endpoint.open(tap) for tap in taps)
    async with asyncio.TaskGroup() as tasks, FarEnd(one, endpoint.port) as far:
        await far.connect(tasks)
        two.connect(tasks, "them", "secret", wrong_fingerprint())
        before = bad("taken")
        far.check(username=f"{two.ufrag}:them", password=two.password)
        await _counted("taken", before)
        _at(one, far).heard_at -= 10.0
        far.check(username=f"{two.ufrag}:them", password=two.password)
        await until(lambda: two.heard_at > 0, "the address of one that is gone, taken over")
        assert not one.send_rtp(rtp_packet(1), b"", 0)
        await one.close()
        await two.close()


async def test_addresses_are_forgotten_oldest_first(endpoint: Endpoint) -> None:
    """A client that checks from ever new addresses keeps the last 16."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        for _ in range(20):
            far.move()
            await far.checked()
        assert _known(transport) == 16
        far.send_rtp(rtp_packet(1))
        await until(lambda: tap.rtp, "media from the last address")
        await transport.close()
        assert _known(transport) == 0


def _known(transport: Transport) -> int:
    return len(transport._paths)


def _at(transport: Transport, far: FarEnd) -> Path:
    """Return what the transport knows of the address where ``far`` is now."""
    address = pack_address(*far.socket.getsockname())
    return next(path for path in transport._paths if path.address == address)


async def test_an_address_left_by_one_can_be_anothers(endpoint: Endpoint) -> None:
    """An address counts as taken by what was heard from there, not by a life elsewhere."""
    one, two = (endpoint.open(ListTap()) for _ in range(2))
    async with asyncio.TaskGroup() as tasks, FarEnd(one, endpoint.port) as far:
        await far.connect(tasks)
        two.connect(tasks, "them", "secret", wrong_fingerprint())
        left = far.socket
        far.socket = far._open()
        await far.checked()
        moved, far.socket = far.socket, left
        _at(one, far).heard_at -= 10.0
        far.check(username=f"{two.ufrag}:them", password=two.password)
        await until(lambda: two.heard_at > 0, "the address that was left, taken over")
        far._close()
        far.socket = moved
        assert one.send_rtp(rtp_packet(1), b"", 0)
        await until(lambda: far.rtp, "media at the new address")
        await one.close()
        await two.close()


async def test_an_address_that_never_speaks_is_left(endpoint: Endpoint) -> None:
    """After a nomination from a spoofed source media comes back to the address that goes on speaking."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        home, far.socket = far.socket, far._open()
        await far.checked()
        spoofed = _at(transport, far)
        assert transport._path is spoofed
        far._close()
        far.socket = home
        far.send_rtp(rtp_packet(1))
        await until(lambda: tap.rtp, "media from home")
        assert transport._path is spoofed
        spoofed.heard_at -= 6.0
        far.send_rtp(rtp_packet(2))
        await until(lambda: len(tap.rtp) == 2, "media from home once more")
        transport.send_rtp(rtp_packet(3), b"", 0)
        await until(lambda: far.rtp, "media at home")
        await transport.close()


async def test_a_check_without_nomination_brings_media_back_too(endpoint: Endpoint) -> None:
    """Where we send to is silent: a check of another pair is enough."""
    transport = endpoint.open(ListTap())
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        _at(transport, far).heard_at -= 6.0
        far.move()
        await far.checked(nominate=False)
        assert transport._path is _at(transport, far)
        await transport.close()


async def test_nothing_is_sent_where_nobody_is_heard(endpoint: Endpoint) -> None:
    """Sending stops when nothing comes any more, and goes on with the next sign of life."""
    transport, other = endpoint.open(ListTap()), endpoint.open(ListTap())
    async with (
        asyncio.TaskGroup() as tasks,
        FarEnd(transport, endpoint.port) as far,
        FarEnd(other, endpoint.port) as awake,
    ):
        await far.connect(tasks)
        await awake.connect(tasks)
        _at(transport, far).heard_at -= 13.0
        endpoint._swept_at -= 2.0
        await awake.checked()
        assert not transport.send_rtp(rtp_packet(1), b"", 0)
        assert other.send_rtp(rtp_packet(1), b"", 0)
        far.send_rtcp(rtcp_packet())
        await until(lambda: transport.send_rtp(rtp_packet(2), b"", 0), "media that goes out again")
        await transport.close()
        await other.close()


def test_a_bucket_fills_with_time_only() -> None:
    """As many as in a second may pass at once; a clock that goes back neither fills nor empties it."""
    bucket = Bucket(2.0)
    assert [bucket.take(5.0) for _ in range(3)] == [True, True, False]
    assert [bucket.take(now) for now in (4.0, 5.4, 5.5, 5.5)] == [False, False, True, False]
    assert [bucket.take(100.0) for _ in range(3)] == [True, True, False]


@given(st.integers(0, 15), st.one_of(st.none(), st.integers(0, 20)), st.integers(0, 60))
def test_a_whole_header_is_known(sources: int, words: int | None, more: int) -> None:
    """A header is whole when its sources and its extension lie inside the packet, with any payload."""
    header = rtp_packet(1, bytes(4 * sources))
    header = bytes([0x80 | sources]) + header[1:]
    if words is not None:
        header = (
            bytes([header[0] | 0x10]) + header[1:] + b"\xbe\xde" + words.to_bytes(2, "big") + bytes(4 * words)
        )
    assert _is_whole(header + bytes(more))
    if len(header) > 12:
        assert not _is_whole(header[: max(12, len(header) - 1 - more)])


async def test_media_before_the_keys_is_dropped(endpoint: Endpoint) -> None:
    """From a checked address, but nothing can be decrypted yet."""
    tap = ListTap()
    transport = endpoint.open(tap)
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        transport.connect(tasks, "them", "secret", far.parameters())
        await far.checked()
        before = bad("early")
        far.send(b"\x80" + bytes(40))
        await _counted("early", before)
        await transport.close()


async def test_a_closed_transport_is_let_go_at_once(endpoint: Endpoint) -> None:
    """Keys and OpenSSL's memory do not wait for a garbage collection, which the media path avoids."""
    transport = endpoint.open(ListTap())
    async with asyncio.TaskGroup() as tasks, FarEnd(transport, endpoint.port) as far:
        await far.connect(tasks)
        await transport.close()
    gone = weakref.ref(transport._dtls)
    gc.disable()
    try:
        del transport, tasks, far.transport
        assert gone() is None
    finally:
        gc.enable()
