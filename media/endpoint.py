"""All peer connections of one worker behind one UDP port."""

from types import TracebackType
from typing import Self

from media.settings import MediaSettings
from media.transport import Tap, Transport


class Endpoint:
    """One UDP port number on every bind address, shared by all transports that ``open`` makes.

    An async context manager: it binds on entering (``port`` is known then) and closes every transport
    and socket on leaving.
    """

    def __init__(self, settings: MediaSettings) -> None:
        self.port = settings.port

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    def open(self, tap: Tap) -> Transport:
        """Return a new transport whose packets go to ``tap``."""
        raise NotImplementedError
