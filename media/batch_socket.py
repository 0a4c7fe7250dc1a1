"""UDP sockets that take and give many datagrams per system call.

Linux: recvmmsg(2) and sendmmsg(2) over buffers that are laid out once; nothing is allocated per datagram
but its address. The GIL is kept while they run (``PyDLL``): they never block, but sending 32 datagrams
takes 0.15 ms, and a thread that computes would take the GIL in that time and keep it for a switch interval.
Measured beside such a thread: nine of ten sends within 0.3 to 0.6 ms this way, within 2 to 11 ms otherwise.
Elsewhere: recvfrom_into and sendto, the same interface.

An address is the kernel's ``sockaddr`` as bytes: a dictionary key that costs nothing to make.
"""

import ctypes
import errno
import socket
import struct
from collections.abc import Callable
from typing import Any, Literal, Protocol, cast

import structlog
from prometheus_client import Counter

_log = structlog.get_logger(__name__)
_unsent = Counter("teller_media_unsent_datagrams", "Datagrams the kernel did not take", ["why"])

# More than any path MTU a browser uses (1,500); what is longer is cut, and then fails its own check.
DATAGRAM_MAX = 2_048
# Datagrams per call. What came of them leaves before the next are read: with 64 the first of a full read
# waited 3 ms for the last.
RECEIVE_SLOTS = 16
# One full read forwarded to three receivers, and reports.
SEND_SLOTS = 256
# Before a packet, for an original header that was longer than ours; behind it, for a longer one of ours
# and the authentication tag.
_HEADROOM = 256
SEND_STRIDE = _HEADROOM + DATAGRAM_MAX + 256
# 4 MiB hold 1,800 packets (the kernel counts about 2.3 kB for 1.2 kB): 120 ms at 15,000 packets/s, longer
# than a garbage collection or a handshake lasts. Without
# CAP_NET_ADMIN the kernel gives at most net.core.[rw]mem_max, which is 200 kB when nobody has set it.
_BUFFER_BYTES = 4 << 20
# Linux, socket(7); not in the socket module.
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 32, 33, 35
# A control message that carries a struct timespec, 64 bit.
_STAMP_BYTES = 32
_ADDRESS_BYTES = {socket.AF_INET: 16, socket.AF_INET6: 28}
# Nothing more fits now: what is left is dropped, the newest first to go; NACK repairs it.
_FULL = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS)


class Memory(Protocol):
    """A character array of ctypes: the one writable memory whose slices are ``bytes``, in one copy."""

    def __getitem__(self, part: slice, /) -> bytes:
        """Return a copy of a part."""
        ...


Got = Callable[[int, int, bytes, float], None]
"""Takes one datagram: its slot, its length in bytes, where it came from, and when (s UTC; 0: unknown)."""


def pack_address(host: str, port: int) -> bytes:
    """Return the socket address of a numeric ``host`` as Linux lays it out (sockaddr_in, sockaddr_in6)."""
    if ":" in host:
        return struct.pack("=H", socket.AF_INET6) + struct.pack(
            "!HI16sI", port, 0, socket.inet_pton(socket.AF_INET6, host), 0
        )
    return struct.pack("=H", socket.AF_INET) + struct.pack(
        "!H4s8x", port, socket.inet_pton(socket.AF_INET, host)
    )


def unpack_address(address: bytes) -> tuple[str, int]:
    """Return host and port of a socket address."""
    port = int.from_bytes(address[2:4], "big")
    if len(address) == _ADDRESS_BYTES[socket.AF_INET]:
        return socket.inet_ntop(socket.AF_INET, address[4:8]), port
    return socket.inet_ntop(socket.AF_INET6, address[8:24]), port


class PlainSocket:
    """One datagram per system call: for systems without recvmmsg(2), and the base of ``BatchSocket``.

    ``received`` is the memory of the receive slots, slot ``n`` at ``n * DATAGRAM_MAX``, and ``octets`` the
    same as numbers. ``sending`` is the memory of the send slots, the packet of slot ``n`` at
    ``send_at(n)``. ``dropped`` counts what the kernel did not take. Owns ``sock``.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.setblocking(False)
        self.buffers = _enlarge(sock)
        self.host, self.port = sock.getsockname()[:2]
        self.dropped = 0
        self.received, self.octets = _allocate(RECEIVE_SLOTS * DATAGRAM_MAX)
        self.sending, self._out = _allocate(SEND_SLOTS * SEND_STRIDE)
        self._lengths = [0] * SEND_SLOTS
        self._addresses = [b""] * SEND_SLOTS
        self.free = 0

    def fileno(self) -> int:
        """Return the descriptor, for the event loop."""
        return self._sock.fileno()

    @staticmethod
    def send_at(slot: int) -> int:
        """Return where in ``sending`` the packet of ``slot`` begins."""
        return slot * SEND_STRIDE + _HEADROOM

    def receive(self, got: Got) -> int:
        """Hand every datagram that is there, at most RECEIVE_SLOTS, to ``got``; return how many."""
        count = 0
        for slot in range(RECEIVE_SLOTS):
            at = slot * DATAGRAM_MAX
            try:
                length, name = self._sock.recvfrom_into(self.octets[at : at + DATAGRAM_MAX])
            except BlockingIOError:
                break
            except OSError as error:
                _log.debug("nothing received", errno=error.errno)
                break
            got(slot, length, pack_address(*name[:2]), 0.0)
            count += 1
        return count

    def fill(self, header: bytes, packet: bytes, offset: int) -> int:
        """Put ``header`` and ``packet[offset:]`` into the send slot ``free``.

        Returns the length, 0 when that is more than DATAGRAM_MAX.
        """
        at = self.free * SEND_STRIDE + _HEADROOM
        size = len(header)
        length = size + len(packet) - offset
        if length > DATAGRAM_MAX:
            return 0
        if offset > _HEADROOM:
            packet, offset = packet[offset:], 0
        # The whole packet goes in, its header where ours then lies over it: no second copy of the payload.
        start = at + size - offset
        self._out[start : at + length] = packet
        self._out[at : at + size] = header
        return length

    def queue(self, length: int, address: bytes) -> None:
        """Send the first ``length`` bytes of the slot ``free`` to ``address`` at the next ``flush``."""
        slot = self.free
        self._lengths[slot] = length
        self._addresses[slot] = address
        self.free = slot + 1
        if self.free == SEND_SLOTS:
            self.flush()

    def flush(self) -> None:
        """Send what is queued. What the kernel has no room for is dropped and counted."""
        count, self.free = self.free, 0
        for slot in range(count):
            at = self.send_at(slot)
            try:
                self._sock.sendto(
                    self._out[at : at + self._lengths[slot]], unpack_address(self._addresses[slot])
                )
            except OSError as error:
                if error.errno in _FULL:
                    self._drop(count - slot, "full")
                    return
                self._drop(1, "refused")

    def close(self) -> None:
        """Close the socket. Idempotent."""
        self._sock.close()

    def _drop(self, count: int, why: str) -> None:
        self.dropped += count
        _unsent.labels(why).inc(count)


_WORD: Literal["I", "Q"] = "Q" if ctypes.sizeof(ctypes.c_size_t) == 8 else "I"


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _MsgHdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _MMsgHdr(ctypes.Structure):
    _fields_ = (("header", _MsgHdr), ("length", ctypes.c_uint32))


class _Messages:
    """An array of ``struct mmsghdr`` with one vector and one address each, over given memory."""

    def __init__(
        self, memory: Memory, count: int, first: int, stride: int, size: int, name_bytes: int
    ) -> None:
        self.names, self.name_bytes = _allocate(count * name_bytes)
        self.headers = (_MMsgHdr * count)()
        vectors = (_IoVec * count)()
        base, names = _address_of(memory), _address_of(self.names)
        for n in range(count):
            vectors[n].base, vectors[n].length = base + first + n * stride, size
            header = self.headers[n].header
            header.name, header.name_length = names + n * name_bytes, name_bytes
            header.vectors, header.vector_count = ctypes.addressof(vectors[n]), 1
        self.vector_words = memoryview(vectors).cast("B").cast(_WORD)
        self.header_words = memoryview(self.headers).cast("B").cast("I")

    def stamped(self, count: int) -> memoryview:
        """Let the kernel tell when each datagram came; return the control messages in 64-bit words."""
        control, octets = _allocate(count * _STAMP_BYTES)
        for n in range(count):
            header = self.headers[n].header
            header.control, header.control_length = _address_of(control) + n * _STAMP_BYTES, _STAMP_BYTES
        self.control = control
        return octets.cast("q")


# In 64-bit words: the time lies behind the header of its control message.
_SECONDS_AT = 2
# In 32-bit words: what of a message header is written or read per datagram, the last from the one before.
_HEADER_STRIDE = ctypes.sizeof(_MMsgHdr) // 4
_LENGTH_AT = _MMsgHdr.length.offset // 4
_CONTROL_AT = _MsgHdr.control_length.offset // 4 - _LENGTH_AT


def _system_calls() -> tuple[Any, Any] | None:
    try:
        libc = ctypes.PyDLL(None, use_errno=True)
        return libc.recvmmsg, libc.sendmmsg
    except (OSError, TypeError, AttributeError):
        return None


class BatchSocket(PlainSocket):
    """Up to RECEIVE_SLOTS or SEND_SLOTS datagrams per system call (Linux)."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        calls = _system_calls()
        assert calls is not None  # noqa: S101 - callers ask ``open_socket``
        self._recvmmsg, self._sendmmsg = calls
        size = self._name_size = _ADDRESS_BYTES[sock.family]
        self._arriving = _Messages(self.received, RECEIVE_SLOTS, 0, DATAGRAM_MAX, DATAGRAM_MAX, size)
        self._leaving = _Messages(self.sending, SEND_SLOTS, _HEADROOM, SEND_STRIDE, 0, size)
        self._descriptor = sock.fileno()
        self._stamps = self._arriving.stamped(RECEIVE_SLOTS)
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)

    def receive(self, got: Got) -> int:
        """Hand every datagram that is there, at most RECEIVE_SLOTS, to ``got``; return how many."""
        messages = self._arriving
        count: int = self._recvmmsg(
            self._descriptor, messages.headers, RECEIVE_SLOTS, socket.MSG_DONTWAIT, None
        )
        if count < 0:
            return 0
        words, names, size, at = messages.header_words, messages.names, self._name_size, _LENGTH_AT
        stamps, clock = self._stamps, _SECONDS_AT
        for slot in range(count):
            stamp = 0.0
            if words[at + _CONTROL_AT] == _STAMP_BYTES:
                stamp = stamps[clock] + stamps[clock + 1] * 1e-9
            else:
                words[at + _CONTROL_AT] = _STAMP_BYTES
            got(slot, words[at], names[slot * size : slot * size + size], stamp)
            at += _HEADER_STRIDE
            clock += _STAMP_BYTES // 8
        return count

    def queue(self, length: int, address: bytes) -> None:
        """Send the first ``length`` bytes of the slot ``free`` to ``address`` at the next ``flush``."""
        slot, messages, size = self.free, self._leaving, self._name_size
        messages.vector_words[2 * slot + 1] = length
        messages.name_bytes[slot * size : slot * size + size] = address
        self.free = slot + 1
        if self.free == SEND_SLOTS:
            self.flush()

    def flush(self) -> None:
        """Send what is queued. What the kernel has no room for is dropped and counted."""
        count, self.free = self.free, 0
        done = 0
        while done < count:
            sent: int = self._sendmmsg(
                self._descriptor,
                ctypes.byref(self._leaving.headers, done * ctypes.sizeof(_MMsgHdr)),
                count - done,
                socket.MSG_DONTWAIT,
            )
            if sent > 0:
                done += sent
                continue
            number = ctypes.get_errno()
            if number in _FULL:
                self._drop(count - done, "full")
                return
            if number != errno.EINTR:
                # The error belongs to the first one only; the others may well be deliverable.
                self._drop(1, "refused")
                done += 1


def open_socket(host: str, port: int) -> PlainSocket:
    """Bind a UDP socket to a numeric ``host``; the quickest kind that this system has.

    Raises:
        OSError: the address is not ours or the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family is socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        return BatchSocket(sock) if _system_calls() else PlainSocket(sock)
    except BaseException:
        sock.close()
        raise


def _enlarge(sock: socket.socket) -> tuple[int, int]:
    for option, forced in ((socket.SO_RCVBUF, _SO_RCVBUFFORCE), (socket.SO_SNDBUF, _SO_SNDBUFFORCE)):
        try:
            sock.setsockopt(socket.SOL_SOCKET, forced, _BUFFER_BYTES)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
    return (
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
        sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF),
    )


def _allocate(size: int) -> tuple[Memory, memoryview]:
    array = (ctypes.c_char * size)()
    return cast(Memory, array), memoryview(array).cast("B")


def _address_of(memory: Memory) -> int:
    return ctypes.addressof(cast(Any, memory))
