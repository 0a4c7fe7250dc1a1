"""What both servers under test have in common."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from benchmarks.forwarding.client import Client

# As Chromium 156 prefers when it is the DTLS server, measured.
BROWSER = ("SRTP_AES128_CM_SHA1_80", "SRTP_AEAD_AES_256_GCM", "SRTP_AEAD_AES_128_GCM")


@dataclass(frozen=True, slots=True)
class Conditions:
    """Where and how: the address of both ends, the server's core, SRTP profiles, and where recordings go.

    ``record_in`` is empty when nothing is to be recorded. ``profiles`` are those of the parties. ``bare``
    asks for our worker that counts its tasks.
    """

    address: str
    server_core: int
    profiles: tuple[str, ...]
    record_in: str
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """An open call: its two connected parties, and how to end it at the server."""

    parties: tuple[Client, Client]
    hang_up: Callable[[], Awaitable[object]]

    async def close(self) -> None:
        """End the call on both sides."""
        await self.hang_up()
        for party in self.parties:
            await party.close()


class Server(Protocol):
    """A server process that holds calls of two."""

    pid: int

    async def open_call(self) -> Call:
        """Return a new call, its media let through and, if asked, recorded."""
        ...
