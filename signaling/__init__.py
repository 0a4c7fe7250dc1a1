"""The front door: sockets, tickets, accounts, REST; the call machine and the desk as pure code."""

from signaling.service import Signaling

__all__ = ["Signaling"]
