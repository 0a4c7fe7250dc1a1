"""Both kinds of socket: many datagrams at a time, whole, in order, and one bad one stops no other."""

import ctypes
import errno
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import batch_socket
from media.batch_socket import (
    DATAGRAM_MAX,
    RECEIVE_SLOTS,
    SEND_SLOTS,
    BatchSocket,
    PlainSocket,
    open_socket,
    pack_address,
    unpack_address,
)

Datagram = tuple[bytes, bytes]


@pytest.fixture(
    params=[
        (BatchSocket, "127.0.0.1"),
        (BatchSocket, "::1"),
        (PlainSocket, "127.0.0.1"),
        (PlainSocket, "::1"),
    ]
)
def opened(request: pytest.FixtureRequest) -> Iterator[PlainSocket]:
    kind, host = request.param
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    made: PlainSocket = kind(sock)
    yield made
    made.close()


@pytest.fixture
def far(opened: PlainSocket) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET6 if ":" in opened.host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((opened.host, 0))
        sock.settimeout(5)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        yield sock


def take(opened: PlainSocket) -> list[Datagram]:
    """Return everything that one look brings, as (data, address)."""
    got: list[Datagram] = []

    def keep(slot: int, length: int, address: bytes, stamp: float) -> None:
        at = slot * DATAGRAM_MAX
        assert list(opened.octets[at : at + length]) == list(opened.received[at : at + length])
        got.append((opened.received[at : at + length], address))

    assert opened.receive(keep) == len(got)
    return got


def address_of(sock: socket.socket) -> bytes:
    return pack_address(*sock.getsockname()[:2])


def push(opened: PlainSocket, data: bytes, address: bytes) -> None:
    assert opened.fill(data, b"", 0) == len(data)
    opened.queue(len(data), address)


def test_what_arrives_is_whole_and_in_order(opened: PlainSocket, far: socket.socket) -> None:
    """Lengths from nothing to the maximum, each with the address it came from."""
    sent = [bytes([n]) * n for n in (0, 1, 100, 255)] + [bytes(DATAGRAM_MAX)]
    for data in sent:
        far.sendto(data, (opened.host, opened.port))
    assert take(opened) == [(data, address_of(far)) for data in sent]
    assert take(opened) == []


def test_the_kernel_tells_when_a_datagram_came() -> None:
    """Not when we looked: each has the time at which it was there, in the order of arrival."""
    opened = open_socket("127.0.0.1", 0)
    stamps: list[float] = []
    before = time.time()
    with closing(opened), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far:
        for _ in range(3):
            far.sendto(b"x", (opened.host, opened.port))
        after = time.time()
        opened.receive(lambda slot, length, address, stamp: stamps.append(stamp))
    assert len(stamps) == 3
    assert stamps == sorted(stamps)
    assert before <= stamps[0] + 1e-3
    assert stamps[-1] <= after + 1e-3


def test_one_look_takes_what_fits(opened: PlainSocket, far: socket.socket) -> None:
    """More than RECEIVE_SLOTS datagrams come in several looks."""
    for n in range(RECEIVE_SLOTS + 3):
        far.sendto(n.to_bytes(2, "big"), (opened.host, opened.port))
    numbers = [int.from_bytes(data, "big") for data, _ in take(opened) + take(opened)]
    assert numbers == list(range(RECEIVE_SLOTS + 3))


def test_what_is_too_long_is_cut(opened: PlainSocket, far: socket.socket) -> None:
    """An oversized datagram does not run into the next slot."""
    far.sendto(bytes(4_000), (opened.host, opened.port))
    far.sendto(b"next", (opened.host, opened.port))
    (cut, _), (following, _) = take(opened)
    assert (len(cut), following) == (DATAGRAM_MAX, b"next")


def test_queued_datagrams_leave_together(opened: PlainSocket, far: socket.socket) -> None:
    """Nothing leaves before the flush, everything at it, headers put before their payloads."""
    opened.queue(opened.fill(b"head", b"0123payload", 4), address_of(far))
    opened.queue(opened.fill(b"longer head", bytes(300) + b"payload", 300), address_of(far))
    far.setblocking(False)
    with pytest.raises(BlockingIOError):
        far.recv(100)
    far.settimeout(5)
    opened.flush()
    assert [far.recv(100), far.recv(100)] == [b"headpayload", b"longer headpayload"]
    assert (opened.free, opened.dropped) == (0, 0)


def test_a_full_queue_flushes_itself(opened: PlainSocket, far: socket.socket) -> None:
    """More than SEND_SLOTS datagrams need no caller who counts."""
    for n in range(SEND_SLOTS + 1):
        push(opened, n.to_bytes(2, "big"), address_of(far))
    opened.flush()
    assert [far.recv(100) for _ in range(SEND_SLOTS + 1)] == [
        n.to_bytes(2, "big") for n in range(SEND_SLOTS + 1)
    ]


def test_too_much_for_a_slot_is_refused(opened: PlainSocket) -> None:
    """A packet that fits no slot is not queued."""
    assert opened.fill(b"head", bytes(DATAGRAM_MAX), 0) == 0


def test_one_that_cannot_be_sent_stops_no_other(opened: PlainSocket, far: socket.socket) -> None:
    """An address that the kernel refuses costs only its own datagram."""
    nowhere = pack_address("::1" if ":" in opened.host else "127.0.0.1", 0)
    push(opened, b"one", address_of(far))
    push(opened, b"lost", nowhere)
    push(opened, b"two", address_of(far))
    opened.flush()
    assert [far.recv(100), far.recv(100)] == [b"one", b"two"]
    assert opened.dropped == 1


def test_without_room_the_newest_are_dropped(
    opened: PlainSocket, far: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the kernel's buffer is full after the first one, the rest is dropped and counted."""
    calls = _FullAfterOne(opened)
    monkeypatch.setattr(opened, "_sendmmsg", calls.sendmmsg, raising=False)
    monkeypatch.setattr(opened, "_sock", calls)
    for _ in range(5):
        push(opened, b"data", address_of(far))
    opened.flush()
    assert far.recv(100) == b"data"
    assert (opened.dropped, opened.free) == (4, 0)


class _FullAfterOne:
    """Lets one datagram through, then says EAGAIN, after one EINTR."""

    def __init__(self, opened: PlainSocket) -> None:
        self._sock = opened._sock
        self._real = getattr(opened, "_sendmmsg", None)
        self._calls = 0

    def sendmmsg(self, descriptor: int, headers: object, count: int, flags: int) -> int:
        self._calls += 1
        if self._calls == 1:
            ctypes.set_errno(errno.EINTR)
            return -1
        if self._calls > 2:
            ctypes.set_errno(errno.EAGAIN)
            return -1
        assert self._real is not None
        sent: int = self._real(descriptor, headers, 1, flags)
        return sent

    def sendto(self, data: bytes, address: tuple[str, int]) -> int:
        self._calls += 1
        if self._calls > 1:
            raise BlockingIOError(errno.EAGAIN, "full")
        return self._sock.sendto(data, address)

    def close(self) -> None:
        self._sock.close()


def test_a_closed_socket_brings_nothing(opened: PlainSocket) -> None:
    """An error of the socket is no datagram."""
    opened.close()
    opened.close()
    assert take(opened) == []


def test_large_buffers_are_asked_for(opened: PlainSocket) -> None:
    """What the kernel gave is told: at least its own default."""
    receive, send = opened.buffers
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        assert receive >= plain.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        assert send >= plain.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


def test_the_quickest_kind_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """recvmmsg(2) where there is one, the plain calls where not."""
    quick = open_socket("127.0.0.1", 0)
    quick.close()
    monkeypatch.setattr(batch_socket, "_system_calls", lambda: None)
    plain = open_socket("::1", 0)
    plain.close()
    assert isinstance(quick, BatchSocket)
    assert type(plain) is PlainSocket


def test_a_libc_without_the_calls_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A libc that lacks recvmmsg is no error."""
    monkeypatch.setattr(ctypes, "PyDLL", lambda *args, **kwargs: object())
    assert batch_socket._system_calls() is None


def test_a_taken_port_is_an_error(opened: PlainSocket) -> None:
    """Binding twice fails and leaks nothing (an unclosed socket would warn)."""
    with pytest.raises(OSError, match="in use"):
        open_socket(opened.host, opened.port)


@given(st.ip_addresses(), st.integers(0, 65_535))
def test_addresses_survive_packing(host: object, port: int) -> None:
    """Host and port come back, and the bytes are laid out as Linux lays them out."""
    packed = pack_address(str(host), port)
    assert struct.unpack("=H", packed[:2])[0] in {socket.AF_INET, socket.AF_INET6}
    back, number = unpack_address(packed)
    family = socket.AF_INET6 if ":" in back else socket.AF_INET
    assert socket.inet_pton(family, back) == socket.inet_pton(family, str(host))
    assert number == port
