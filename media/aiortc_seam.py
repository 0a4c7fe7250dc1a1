"""The private parts of aiortc and pylibsrtp that the media path stands on.

DTLS: aiortc's RTCDtlsTransport does the handshake on a stand-in for its ICE transport that passes DTLS
datagrams only. Its profile list and role are set here, and the two SRTP sessions are taken out of it.

SRTP: ``Session.protect`` copies the packet in and out and allocates a length each time: 3 to 7 us for
1,150 bytes, against 2 us for the call in place that is made here (AES-128-GCM). A packet of a call with
two receivers passes three times.

To be deleted when aiortc can be handed datagrams and pylibsrtp can work on a caller's buffer.
"""

import asyncio
import ctypes
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from typing import Any

from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    SRTP_PROFILES,
    RTCDtlsParameters,
    RTCDtlsTransport,
)
from pylibsrtp import Session, _binding

for _package, _fits in (("aiortc", "1.16."), ("pylibsrtp", "1.0.")):
    if not version(_package).startswith(_fits):
        raise ImportError(f"{__name__} fits {_package} {_fits}x only; read its head before changing this")

# The cheapest first: 2 us a packet, against 4 to 7 for the second, which every browser has.
_WANTED = (SRTP_AEAD_AES_128_GCM, SRTP_AES128_CM_SHA1_80, SRTP_AEAD_AES_256_GCM)
_PROFILES = [profile for profile in _WANTED if profile in SRTP_PROFILES]
# A flight is at most five datagrams; what a handshake has not taken by then is repeated by the other side.
_QUEUE_MAX = 32
# libsrtp's srtp_err_status_replay_fail and srtp_err_status_replay_old.
_REPLAYS = (9, 10)
_ffi, _lib = _binding.ffi, _binding.lib
# Called past cffi, which lets go of the GIL: a recorder's thread then takes it at every packet, and the
# main thread waited for it half of its time (6 % without a recorder).
_CALL = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


def _address(pointer: Any) -> int:
    return int(_ffi.cast("uintptr_t", pointer))


_protect, _protect_rtcp, _unprotect, _unprotect_rtcp = (
    _CALL(_address(_ffi.addressof(_lib, f"srtp_{name}")))
    for name in ("protect", "protect_rtcp", "unprotect", "unprotect_rtcp")
)


class Slots:
    """Addresses in ``memory`` at ``offsets``: where ``Srtp`` works. Keeps the memory alive."""

    def __init__(self, memory: Any, offsets: range) -> None:
        self._memory = _ffi.from_buffer("char[]", memory)
        self.pointers = tuple(_address(self._memory) + offset for offset in offsets)


class Srtp:
    """The keys of one connection, both directions (RFC 3711). Works in place, on pointers of ``Slots``."""

    __slots__ = ("_length", "_rx", "_sessions", "_size", "_tx")

    def __init__(self, arriving: Session, leaving: Session) -> None:
        self._sessions = arriving, leaving
        self._rx, self._tx = _address(arriving._srtp[0]), _address(leaving._srtp[0])
        self._length = ctypes.c_int()
        self._size = ctypes.addressof(self._length)

    def protect(self, at: int, length: int) -> int:
        """Encrypt an RTP packet of ``length`` bytes; return its new length, 0 when it cannot be sent.

        Up to 16 bytes behind the packet are written.
        """
        size = self._length
        size.value = length
        return 0 if _protect(self._tx, at, self._size) else size.value

    def protect_rtcp(self, at: int, length: int) -> int:
        """Encrypt an RTCP packet like ``protect``; up to 20 bytes behind it are written."""
        size = self._length
        size.value = length
        return 0 if _protect_rtcp(self._tx, at, self._size) else size.value

    def unprotect(self, at: int, length: int) -> int:
        """Decrypt an RTP packet; return its new length, or the negative error code of libsrtp."""
        size = self._length
        size.value = length
        failed: int = _unprotect(self._rx, at, self._size)
        return -failed if failed else size.value

    def unprotect_rtcp(self, at: int, length: int) -> int:
        """Decrypt an RTCP packet like ``unprotect``."""
        size = self._length
        size.value = length
        failed: int = _unprotect_rtcp(self._rx, at, self._size)
        return -failed if failed else size.value


def why_refused(result: int) -> str:
    """Return in a word what a negative result of ``Srtp`` means."""
    return "srtp_replay" if -result in _REPLAYS else "srtp_auth"


def _nothing(*_: object) -> None:
    """Do nothing."""


class _Datagrams:
    """What RTCDtlsTransport uses of an RTCIceTransport."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.push = send
        self.queue: asyncio.Queue[bytes] = asyncio.Queue(_QUEUE_MAX)

    async def _recv(self) -> bytes:
        return await self.queue.get()

    async def _send(self, data: bytes) -> None:
        self.push(data)


class Dtls:
    """The DTLS server of one connection (RFC 5763), over datagrams that somebody else routes.

    ``send`` puts a datagram on the way; ``ended`` is called once the far end has closed the session.
    """

    def __init__(
        self, certificate: RTCCertificate, send: Callable[[bytes], None], ended: Callable[[], None]
    ) -> None:
        self._datagrams = _Datagrams(send)
        self._ended = ended
        self._dtls = RTCDtlsTransport(self._datagrams, [certificate])  # type: ignore[arg-type]
        self._dtls._srtp_profiles = _PROFILES
        self._dtls._set_role("server")
        self._dtls.on("statechange", self._state_changed)

    def push(self, datagram: bytes) -> bool:
        """Take a DTLS datagram; return False when too many are waiting."""
        if self._datagrams.queue.full():
            return False
        self._datagrams.queue.put_nowait(datagram)
        return True

    async def handshake(self, remote: RTCDtlsParameters) -> Srtp | None:
        """Shake hands, repeating what is lost; return the keys, None when that failed for good.

        It fails when the certificate is not the one ``remote`` names, or no profile is common. The
        caller bounds the time.
        """
        await self._dtls.start(remote)
        if self._dtls.state != "connected":
            return None
        return Srtp(self._dtls._rx_srtp, self._dtls._tx_srtp)

    async def close(self) -> None:
        """Tell the far end (close_notify) and end. Idempotent."""
        self._dtls.remove_all_listeners()
        pump = self._dtls._task
        await self._dtls.stop()
        if pump is not None:
            with suppress(asyncio.CancelledError):
                await pump
        # Cuts the circle of references: what OpenSSL holds, 100 kB, goes now, not at some collection.
        self._ended = self._datagrams.push = _nothing

    def _state_changed(self) -> None:
        if self._dtls.state == "closed":
            self._ended()
