"""One port for everybody: binding, candidates, routing, floods, and nothing left behind."""

import asyncio
import os
import random
import socket
import time

import ifaddr
import pytest
from prometheus_client import REGISTRY

from contract.errors import MediaError
from media import batch_socket
from media import endpoint as endpoint_module
from media.batch_socket import RECEIVE_SLOTS, PlainSocket
from media.endpoint import Endpoint
from media.settings import MediaSettings
from media.transport import Bucket
from tests.media.far_end import FarEnd, ListTap, rtp_packet, until, wrong_fingerprint

PAUSE_S = 0.03
LOOPBACK = MediaSettings(bind_addresses=("127.0.0.1",))


def bad(why: str) -> float:
    """Return how many datagrams were dropped for this reason."""
    return REGISTRY.get_sample_value("teller_media_bad_datagrams_total", {"why": why}) or 0.0


class _Card:
    def __init__(self, *addresses: str) -> None:
        self.ips = [
            ifaddr.IP((text, 0, 0) if ":" in text else text, 64 if ":" in text else 24, "card")
            for text in addresses
        ]


def cards(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let this machine have these addresses."""
    monkeypatch.setattr(ifaddr, "get_adapters", lambda: [_Card(*addresses)])


async def test_one_port_on_every_address() -> None:
    """A free number is found for IPv4 and IPv6 together, and every candidate has it."""
    async with Endpoint(MediaSettings(bind_addresses=("127.0.0.1", "::1"))) as endpoint:
        candidates = endpoint.open(ListTap()).candidates()
        assert [(c.ip, c.port) for c in candidates] == [("127.0.0.1", endpoint.port), ("::1", endpoint.port)]
        assert {(c.protocol, c.type, c.component) for c in candidates} == {("udp", "host", 1)}
        priorities = [c.priority for c in candidates]
        assert priorities == sorted(set(priorities), reverse=True)
        assert len({c.foundation for c in candidates}) == 2


async def test_advertised_addresses_come_first() -> None:
    """An address known outside only is announced before the bound one, each once."""
    settings = MediaSettings(
        bind_addresses=("127.0.0.1",), advertised_addresses=("203.0.113.9", "2001:db8::9", "127.0.0.1")
    )
    async with Endpoint(settings) as endpoint:
        listed = [c.ip for c in endpoint.open(ListTap()).candidates()]
    assert listed == ["203.0.113.9", "2001:db8::9", "127.0.0.1"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ((), ["192.0.2.1", "10.0.0.1", "2001:db8::1"]),
        (("0.0.0.0",), ["192.0.2.1", "10.0.0.1"]),  # noqa: S104
        (("::",), ["2001:db8::1"]),
        (("0.0.0.0", "10.0.0.1", "::1"), ["192.0.2.1", "10.0.0.1", "::1"]),  # noqa: S104
    ],
)
def test_wildcards_become_addresses(
    monkeypatch: pytest.MonkeyPatch, wanted: tuple[str, ...], found: list[str]
) -> None:
    """Nothing, 0.0.0.0 and :: stand for what the cards have, without loopback and IPv6 link-local."""
    cards(monkeypatch, "127.0.0.1", "192.0.2.1", "::1", "fe80::1", "10.0.0.1", "2001:db8::1")
    assert endpoint_module._hosts(wanted) == found


def test_a_machine_without_a_network_has_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is used when there is nothing else."""
    cards(monkeypatch, "127.0.0.1", "::1", "fe80::1")
    assert endpoint_module._hosts(()) == ["127.0.0.1"]


async def test_an_unusable_address_of_the_machine_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """An IPv6 address that is not confirmed yet cannot be bound; the others serve."""
    monkeypatch.setattr(endpoint_module, "_hosts", lambda wanted: ["2001:db8::7", "127.0.0.1"])
    async with Endpoint(MediaSettings()) as endpoint:
        assert [c.ip for c in endpoint.open(ListTap()).candidates()] == ["127.0.0.1"]


async def test_a_machine_with_no_usable_address_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing can be bound the error lists what was tried."""
    monkeypatch.setattr(endpoint_module, "_hosts", lambda wanted: ["2001:db8::7"])
    with pytest.raises(MediaError, match="2001:db8::7"):
        await Endpoint(MediaSettings()).__aenter__()


async def test_a_taken_port_is_named() -> None:
    """The error says which address and port; nothing stays bound."""
    async with Endpoint(LOOPBACK) as endpoint:
        wanted = MediaSettings(bind_addresses=("::1", "127.0.0.1"), port=endpoint.port)
        with pytest.raises(MediaError, match=rf"127\.0\.0\.1 port {endpoint.port}"):
            await Endpoint(wanted).__aenter__()
        async with Endpoint(MediaSettings(bind_addresses=("::1",), port=endpoint.port)) as other:
            assert other.port == endpoint.port


async def test_a_foreign_address_is_named() -> None:
    """An address that this machine does not have is an error when it was asked for."""
    with pytest.raises(MediaError, match=r"192\.0\.2\.7"):
        await Endpoint(MediaSettings(bind_addresses=("192.0.2.7",))).__aenter__()


async def test_a_number_taken_on_one_address_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the first free number is taken on the second address, another is found."""
    taken: list[int] = []

    def open_socket(host: str, port: int) -> PlainSocket:
        if port and not taken:
            taken.append(port)
            raise OSError(98, "Address already in use")
        return batch_socket.open_socket(host, port)

    monkeypatch.setattr(endpoint_module, "open_socket", open_socket)
    async with Endpoint(MediaSettings(bind_addresses=("127.0.0.1", "::1"))) as endpoint:
        assert endpoint.port
        assert endpoint.port not in taken


async def test_strangers_get_no_answer() -> None:
    """Foreign names, wrong passwords, unchecked media, garbage: dropped, counted, nothing comes back."""
    async with Endpoint(LOOPBACK) as endpoint, asyncio.TaskGroup() as tasks:
        tap = ListTap()
        transport = endpoint.open(tap)
        async with FarEnd(transport, endpoint.port) as far:
            kinds = ("early", "ufrag", "username", "integrity", "stun", "address")
            before = {why: bad(why) for why in kinds}
            far.check()
            await until(lambda: bad("early") > before["early"], "a check before the offer, dropped")
            transport.connect(tasks, "them", "secret", far.parameters())
            far.check(username="nobody:them")
            far.check(username=f"{transport.ufrag}:somebody")
            far.check(password="wrong")
            far.send(bytes(20))
            far.send(bytes(far.request())[:-4] + b"fake")
            for first in (0x80, 0x16, 0xFF):
                far.send(bytes([first]) * 40)
            for why in kinds:
                await until(lambda why=why: bad(why) > before[why], f"a datagram dropped as {why}")  # type: ignore[misc]
            assert not far.answers
            assert transport.heard_at == float("-inf")
            await far.checked()
            await transport.close()


async def test_a_flood_of_checks_is_bounded_and_calls_live_on() -> None:
    """Beyond the budget checks from unknown addresses are not even parsed; a known one's still are."""
    async with Endpoint(LOOPBACK) as endpoint, asyncio.TaskGroup() as tasks:
        tap = ListTap()
        transport = endpoint.open(tap)
        async with FarEnd(transport, endpoint.port) as far:
            await far.connect(tasks)
            flood = bytes(far.request(password="wrong"))
            before = bad("flood"), bad("integrity")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for _ in range(300):
                    stranger.sendto(flood, ("127.0.0.1", endpoint.port))
                    stranger.sendto(os.urandom(60), ("127.0.0.1", endpoint.port))
            await far.checked()
            far.send_rtp(rtp_packet(1))
            await until(lambda: tap.rtp, "media in spite of the flood")
            assert bad("flood") - before[0] > 200
            assert bad("integrity") - before[1] < 100
            await transport.close()


async def test_one_partys_checks_leave_room_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who floods with one user name, from anywhere, keeps nobody else from connecting or roaming."""
    async with Endpoint(LOOPBACK) as endpoint, asyncio.TaskGroup() as tasks:
        hostile, transport = endpoint.open(ListTap()), endpoint.open(ListTap())
        monkeypatch.setattr(endpoint, "_checks", Bucket(50.0))
        async with FarEnd(hostile, endpoint.port) as flooder, FarEnd(transport, endpoint.port) as far:
            hostile.connect(tasks, "them", "secret", flooder.parameters())
            flood, before = bytes(flooder.request(password="wrong")), bad("flood")
            for _ in range(300):
                flooder.send(flood)
            await far.connect(tasks)
            far.move()
            await far.checked()
            assert bad("flood") - before > 200
            await hostile.close()
            await transport.close()


async def test_a_packet_has_the_time_at_which_it_came() -> None:
    """A pause of ours before we look at two packets is not the line's: they keep their distance."""
    async with Endpoint(LOOPBACK) as endpoint, asyncio.TaskGroup() as tasks:
        tap = ListTap()
        transport = endpoint.open(tap)
        async with FarEnd(transport, endpoint.port) as far:
            await far.connect(tasks)
            far.send_rtp(rtp_packet(1))
            sent_at = time.monotonic()
            # The loop does not run meanwhile, so both packets are found by one look.
            while time.monotonic() - sent_at < PAUSE_S:
                pass
            far.send_rtp(rtp_packet(2))
            await until(lambda: len(tap.rtp) == 2, "both packets")
            first, second = tap.came_at
            assert second - first >= PAUSE_S * 0.9
            assert first <= sent_at + 0.01
            await transport.close()


async def test_checks_from_a_known_address_are_bounded_too() -> None:
    """A party's own address buys it more checks, not any number."""
    async with Endpoint(LOOPBACK) as endpoint, asyncio.TaskGroup() as tasks:
        transport = endpoint.open(ListTap())
        async with FarEnd(transport, endpoint.port) as far:
            transport.connect(tasks, "them", "secret", far.parameters())
            await far.checked()
            before = bad("flood")
            for _ in range(300):
                far.check()
            await until(lambda: bad("flood") - before > 150, "checks beyond the budget, dropped")
            await until(lambda: len(far.answers) > 50, "answers within the budget")
            await transport.close()


async def test_damaged_datagrams_do_not_hurt_a_call() -> None:
    """Seeded damage to checks, DTLS records and SRTP, from the call's own address: the call goes on."""
    chance = random.Random(3)
    async with Endpoint(LOOPBACK) as endpoint, asyncio.TaskGroup() as tasks:
        tap = ListTap()
        transport = endpoint.open(tap)
        async with FarEnd(transport, endpoint.port) as far:
            flights: list[bytes] = []
            far.lose = lambda datagram: bool(flights.append(datagram))  # type: ignore[func-returns-value]
            await far.connect(tasks)
            good = [bytes(far.request()), *flights, far.send_rtp(rtp_packet(1, bytes(200)))]
            for n in range(2_000):
                damaged = bytearray(chance.choice(good))
                for _ in range(chance.randint(0, 4)):
                    damaged[chance.randrange(len(damaged))] = chance.randrange(256)
                far.send(bytes(damaged[: chance.randint(0, len(damaged))]))
                if n % 50 == 0:
                    await far.checked()
            far.send_rtp(rtp_packet(2))
            await until(lambda: rtp_packet(2) in tap.rtp, "media after all that")
            assert transport.state == "connected"
            await transport.close()


async def test_a_failing_tap_costs_one_packet() -> None:
    """What goes wrong with one packet does not stop the others of the same wake-up."""

    class FailingTap(ListTap):
        def got_rtp(self, packet: bytes, now: float) -> None:
            super().got_rtp(packet, now)
            if len(self.rtp) == 1:
                raise ValueError("a mistake of ours")

    async with Endpoint(LOOPBACK) as endpoint, asyncio.TaskGroup() as tasks:
        tap = FailingTap()
        transport = endpoint.open(tap)
        async with FarEnd(transport, endpoint.port) as far:
            await far.connect(tasks)
            for seq in range(5):
                far.send_rtp(rtp_packet(seq))
            await until(lambda: len(tap.rtp) == 5, "every packet")
            await transport.close()


async def test_frequent_wake_ups_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """After two wake-ups close together datagrams wait for a look; after an empty one they wake again."""
    monkeypatch.setattr(endpoint_module, "COALESCE_S", 0.1)
    async with Endpoint(LOOPBACK) as endpoint, asyncio.TaskGroup() as tasks:
        transport = endpoint.open(ListTap())
        async with FarEnd(transport, endpoint.port) as far:
            transport.connect(tasks, "them", "secret", far.parameters())
            for _ in range(3):
                await far.checked()
            assert endpoint._timer is not None
            await until(lambda: endpoint._timer is None, "a look that finds nothing")
            endpoint._looked_at = 0.0
            await far.checked()
            assert endpoint._timer is None
            await far.checked()
            assert endpoint._timer is not None
            await transport.close()


async def test_a_burst_is_forwarded_whole() -> None:
    """More than one full read, sent back from within the wake-up, arrives complete and in order."""
    count = 3 * RECEIVE_SLOTS

    async with Endpoint(LOOPBACK) as endpoint, asyncio.TaskGroup() as tasks:

        class EchoTap(ListTap):
            def got_rtp(self, packet: bytes, now: float) -> None:
                transport.send_rtp(packet[:12], packet, 12)

        transport = endpoint.open(EchoTap())
        async with FarEnd(transport, endpoint.port) as far:
            await far.connect(tasks)
            for seq in range(count):
                far.send_rtp(rtp_packet(seq))
            await until(lambda: len(far.rtp) == count, "every packet back")
            assert far.rtp == [rtp_packet(seq) for seq in range(count)]
            await transport.close()


async def test_nothing_is_left_behind() -> None:
    """Leaving closes what is still open: no task, no descriptor stays."""
    descriptors = len(os.listdir("/proc/self/fd"))
    tasks_before = asyncio.all_tasks()
    async with asyncio.TaskGroup() as tasks:
        async with Endpoint(LOOPBACK) as endpoint:
            tap, other = ListTap(), ListTap()
            transport, waiting = endpoint.open(tap), endpoint.open(other)
            waiting.connect(tasks, "them", "secret", wrong_fingerprint())
            endpoint.open(ListTap())
            far = FarEnd(transport, endpoint.port)
            await far.connect(tasks)
        assert (tap.states[-1], other.states[-1]) == ("closed", "closed")
        await until(lambda: far.dtls.state == "closed", "our goodbye")
        await far.__aexit__()
    assert asyncio.all_tasks() == tasks_before
    assert len(os.listdir("/proc/self/fd")) == descriptors


async def test_the_certificate_is_renewed_daily() -> None:
    """All connections of a day share one certificate; the next day has another."""
    async with Endpoint(LOOPBACK) as endpoint:
        first, second = endpoint.open(ListTap()), endpoint.open(ListTap())
        endpoint._certified_at -= 90_000
        third = endpoint.open(ListTap())
        assert first.fingerprints() == second.fingerprints()
        assert first.fingerprints() != third.fingerprints()
        assert {f.algorithm for f in first.fingerprints()} >= {"sha-256"}
