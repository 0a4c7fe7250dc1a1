"""Many datagrams in one system call: sendmmsg and recvmmsg of Linux, on memory that numpy can look into."""

import ctypes
import socket
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

# struct mmsghdr of 64-bit Linux (recvmmsg(2)), 64 bytes.
MMSGHDR = np.dtype(
    {
        "names": ["name", "iov", "iovlen", "control", "controllen", "flags", "length"],
        "formats": ["u8", "u8", "u8", "u8", "u8", "i4", "u4"],
        "offsets": [0, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)
IOVEC = np.dtype([("base", "u8"), ("length", "u8")])
# More than any datagram of a peer connection, whose packets stay below the Ethernet MTU.
SLOT_BYTES = 1_536
# A cmsghdr of 16 bytes with one struct timespec behind it.
_CONTROL_BYTES = 32
_MSG_DONTWAIT = 0x40
# socket(7): the kernel notes with each datagram when it arrived (nanoseconds of the wall clock).
SO_TIMESTAMPNS = 35

_libc = ctypes.CDLL(None)
_libc.sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
_libc.recvmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p)
_sendmmsg: Callable[[int, int, int, int], int] = _libc.sendmmsg
_recvmmsg: Callable[[int, int, int, int, None], int] = _libc.recvmmsg


def open_socket(address: str) -> socket.socket:
    """Return a UDP socket on a free port of ``address`` that notes times of arrival and never blocks."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setblocking(False)
    # A second of what one party receives, so that the generator loses nothing itself.
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    opened.bind((address, 0))
    return opened


class Outbox:
    """Datagrams of one connected socket, ready to go. ``rows`` are the bytes, ``lengths`` how many count."""

    def __init__(self, fd: int, count: int, width: int) -> None:
        self.rows = np.zeros((count, width), np.uint8)
        self._vectors = np.zeros(count, IOVEC)
        self._vectors["base"] = self.rows.ctypes.data + np.arange(count, dtype=np.uint64) * width
        self._headers = np.zeros(count, MMSGHDR)
        self._headers["iov"] = self._vectors.ctypes.data + np.arange(count, dtype=np.uint64) * IOVEC.itemsize
        self._headers["iovlen"] = 1
        self._fd, self._at, self._width = fd, self._headers.ctypes.data, width
        self._bytes = self.rows.data.cast("B")
        self._lengths = self._vectors.data.cast("B").cast("Q")

    def put(self, index: int, datagram: bytes) -> None:
        """Make ``datagram`` the one at ``index``."""
        at = index * self._width
        self._bytes[at : at + len(datagram)] = datagram
        self._lengths[2 * index + 1] = len(datagram)

    def send(self, first: int, count: int) -> int:
        """Send ``count`` datagrams; return how many the kernel took, below 0 when none."""
        return _sendmmsg(self._fd, self._at + first * MMSGHDR.itemsize, count, _MSG_DONTWAIT)


class Inbox:
    """Slots for arriving datagrams of many sockets, emptied all at once."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.rows = np.zeros((slots, SLOT_BYTES), np.uint8)
        self.owners = np.zeros(slots, np.int32)
        self._control = np.zeros((slots, _CONTROL_BYTES), np.uint8)
        self._times = self._control.view(np.int64)[:, 2:4]
        vectors = self._vectors = np.zeros(slots, IOVEC)
        each = np.arange(slots, dtype=np.uint64)
        vectors["base"] = self.rows.ctypes.data + each * SLOT_BYTES
        vectors["length"] = SLOT_BYTES
        self._headers = np.zeros(slots, MMSGHDR)
        self._headers["iov"] = vectors.ctypes.data + each * IOVEC.itemsize
        self._headers["iovlen"] = 1
        self._headers["control"] = self._control.ctypes.data + each * _CONTROL_BYTES
        self._headers["controllen"] = _CONTROL_BYTES
        self._at = self._headers.ctypes.data
        self.count = 0

    def take(self, fd: int, owner: int) -> bool:
        """Take what waits at ``fd`` into free slots; tell whether more may be waiting."""
        free = self.slots - self.count
        got = _recvmmsg(fd, self._at + self.count * MMSGHDR.itemsize, min(free, 256), _MSG_DONTWAIT, None)
        if got <= 0:
            return False
        self.owners[self.count : self.count + got] = owner
        self.count += got
        return self.count == self.slots

    def lengths(self) -> NDArray[np.uint32]:
        """Return the sizes of the datagrams that are here."""
        return np.asarray(self._headers["length"][: self.count])

    def times(self) -> NDArray[np.int64]:
        """Return when they arrived, in nanoseconds of the wall clock."""
        seconds, nanoseconds = self._times[: self.count].T
        return np.asarray(seconds * 1_000_000_000 + nanoseconds)

    def clear(self) -> None:
        """Free all slots."""
        self._headers["controllen"][: self.count] = _CONTROL_BYTES
        self.count = 0
