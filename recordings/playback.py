"""Files of a case over HTTP, with one byte range, from the spool while it is there and else the archive.

Only what the case's facts name is served, so a path can neither climb out nor guess. Every file is
immutable once named, and its SHA-256 is its entity tag (RFC 9110, sections 8.8 and 14).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import structlog
from aiohttp import web
from prometheus_client import Counter

from contract.errors import NotFound, StorageError, TellerError
from contract.facts import Entry, RecordViewed, SpoolReleased
from contract.ids import AccountId, CaseId, is_id
from contract.ports import Archive, CaseStore, Clock, Journal
from recordings.case_files import CaseFile, files_of
from recordings.spool import Spool, read_block

_log = structlog.get_logger(__name__)

SERVED = Counter("teller_recordings_played_bytes", "Bytes of case files sent to auditors.")

# One fact per viewer, file and stretch of this length: a player sends hundreds of range requests.
VIEW_AGAIN_S = 600.0
# Read and sent at a time; large enough to keep up a download, small enough for many viewers.
BLOCK_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

Authorise = Callable[[web.Request, CaseId], Awaitable[AccountId]]


class UnsatisfiableRange(Exception):
    """The wanted range lies behind the file's end (RFC 9110, section 15.5.17)."""


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return ``(first, length)`` of a single byte range; None when the whole file is to be sent.

    A header that is no single byte range is ignored, as RFC 9110 allows.

    Raises:
        UnsatisfiableRange: the range is in order but holds no byte of the file.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        length = min(int(match[2]), size)
        first = size - length
    else:
        first = int(match[1])
        last = int(match[2]) if match[2] else size - 1
        if last < first and match[2]:
            return None
        length = min(last, size - 1) - first + 1
    if length <= 0:
        raise UnsatisfiableRange
    return first, length


class Playback:
    """Serves ``GET`` and ``HEAD`` of ``/api/cases/{case}/files/{path}``.

    ``authorise`` returns who asks, or raises Denied or NotFound.
    """

    def __init__(
        self,
        spool: Spool,
        archive: Archive,
        cases: CaseStore,
        journal: Journal,
        clock: Clock,
        authorise: Authorise,
    ) -> None:
        self._spool, self._archive, self._cases = spool, archive, cases
        self._journal, self._clock, self._authorise = journal, clock, authorise
        self._viewed: dict[tuple[AccountId, CaseId, str], float] = {}

    async def handler(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; errors are JSON ``{"code", "text"}`` with the status of their class."""
        try:
            return await self._answer(request)
        except TellerError as error:
            return _refusal(error)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        case = CaseId(request.match_info["case"])
        if not is_id(case):
            raise NotFound("no such case")
        account = await self._authorise(request, case)
        entries = await self._journal.read(case)
        file = files_of(entries).get(request.match_info["path"])
        if file is None:
            raise NotFound("no such file")
        source = await self._source(case, file, entries)
        response, span = self._head(request, file)
        if request.method == "HEAD" or span is None:
            await response.prepare(request)
            return response
        await self._note_view(account, case, file)
        return await self._send(request, response, source(*span))

    def _head(
        self, request: web.Request, file: CaseFile
    ) -> tuple[web.StreamResponse, tuple[int, int] | None]:
        """Return the response before its body, and which bytes to send: None for no body at all."""
        tag = f'"{file.sha256}"'
        headers = {"Accept-Ranges": "bytes", "ETag": tag, "Cache-Control": "private, no-cache"}
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers), None
        wanted = request.headers.get("Range")
        if request.headers.get("If-Range", tag) != tag or request.method == "HEAD":
            wanted = None
        try:
            span = parse_range(wanted, file.bytes)
        except UnsatisfiableRange:
            return web.Response(
                status=416, headers=headers | {"Content-Range": f"bytes */{file.bytes}"}
            ), None
        response = web.StreamResponse(status=200 if span is None else 206, headers=headers)
        first, length = span or (0, file.bytes)
        if span is not None:
            response.headers["Content-Range"] = f"bytes {first}-{first + length - 1}/{file.bytes}"
        response.content_type, response.content_length = file.media_type, length
        return response, (first, length)

    async def _source(
        self, case: CaseId, file: CaseFile, entries: Iterable[Entry]
    ) -> Callable[[int, int], AsyncIterator[bytes]]:
        path = self._spool.file(case, file.name)
        released = any(isinstance(entry.fact, SpoolReleased) for entry in entries)
        if not released and await asyncio.to_thread(path.is_file):
            return lambda first, length: _read_local(path, first, length)
        tenant = (await self._cases.case(case)).tenant
        key = f"{tenant}/{case}/{file.name}"
        if await self._archive.stat(key) is None:
            raise NotFound("the file is neither here nor in the archive")
        return lambda first, length: self._archive.read(key, first, length)

    async def _send(
        self, request: web.Request, response: web.StreamResponse, blocks: AsyncIterator[bytes]
    ) -> web.StreamResponse:
        await response.prepare(request)
        try:
            async for block in blocks:
                await response.write(block)
                SERVED.inc(len(block))
            await response.write_eof()
        except TellerError as error:
            # The head is out: only a broken connection can tell the player that the rest is missing.
            _log.error("a case file broke off", code=error.code, pii_error=str(error))
            if request.transport is not None:
                request.transport.close()
        return response

    async def _note_view(self, account: AccountId, case: CaseId, file: CaseFile) -> None:
        now = self._clock.monotonic()
        key = (account, case, file.name)
        if now - self._viewed.get(key, -VIEW_AGAIN_S) < VIEW_AGAIN_S:
            return
        self._viewed = {k: at for k, at in self._viewed.items() if now - at < VIEW_AGAIN_S}
        await self._journal.append(case, RecordViewed(account, file.name))
        self._viewed[key] = now


async def _read_local(path: Path, first: int, length: int) -> AsyncIterator[bytes]:
    while length > 0:
        try:
            block = await asyncio.to_thread(read_block, path, first, min(BLOCK_BYTES, length))
        except OSError as error:
            raise StorageError(f"{path}: {error.strerror}") from error
        if not block:
            raise StorageError(f"{path} is shorter than its facts say")
        first, length = first + len(block), length - len(block)
        yield block


def _refusal(error: TellerError) -> web.Response:
    status = error.http_status
    if status >= 500:
        _log.error("a case file cannot be served", code=error.code, pii_error=str(error))
    text = "the file cannot be served now" if status >= 500 else str(error)
    return web.json_response({"code": error.code, "text": text}, status=status)
