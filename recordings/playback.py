"""Files of a case over HTTP, with one byte range, from the spool while it is there and else the archive.

Only what the case's facts name is served, so a path can neither climb out nor guess. Every file is
immutable once named, and its SHA-256 is its entity tag (RFC 9110, sections 8.8 and 14). Who gets one, and
how, is ``recordings.admission``'s to say; pictures of cards are veiled until a second person has agreed.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path

import structlog
from aiohttp import web
from prometheus_client import Counter

from contract.errors import Denied, NotFound, StorageError, TellerError, UserError
from contract.facts import Entry, EvidenceStored, RecordViewed, SpoolReleased
from contract.ids import AccountId, CaseId, is_id
from contract.ports import Archive, CaseStore, Clock, Journal
from contract.viewing import Viewer, sees_cards, viewing_until
from contract.viewing_facts import RecordDownloaded
from recordings.admission import FileSort, admit, sort_of
from recordings.case_files import CaseFile, files_of
from recordings.merge import MERGED_FILE
from recordings.raw_tracks import RawTracks, dump_calls, sealed_tracks
from recordings.spool import Spool, read_block
from recordings.veiled import VEILED_FILE
from recordings.veils import CARDS, cards_shown, segments_with_cards

_log = structlog.get_logger(__name__)

SERVED = Counter("teller_recordings_played_bytes", "Bytes of case files sent to auditors.")
REFUSED = Counter("teller_recordings_refused", "Files of records that were refused, by reason.", ["code"])

# One fact per viewer, file and stretch of this length: a player sends hundreds of range requests.
VIEW_AGAIN_S = 600.0
# Read and sent at a time; large enough to keep up a download, small enough for many viewers.
BLOCK_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")

Authorise = Callable[[web.Request, CaseId], Awaitable[Viewer]]
Veil = Callable[[bytes], Awaitable[bytes]]

# Veiled pictures in memory, of some 10 kB each.
_VEILED_KEPT = 64


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
    """Serves ``GET`` and ``HEAD`` of ``/api/cases/{case}/files/{path}`` and ``.../tracks``.

    ``authorise`` returns who asks, or raises Denied or NotFound; ``veil`` blurs a picture beyond reading.
    """

    def __init__(
        self,
        spool: Spool,
        archive: Archive,
        cases: CaseStore,
        journal: Journal,
        clock: Clock,
        authorise: Authorise,
        veil: Veil,
    ) -> None:
        self._spool, self._archive, self._cases = spool, archive, cases
        self._journal, self._clock, self._authorise = journal, clock, authorise
        self._veil = veil
        self._tracks = RawTracks(spool, archive)
        self._viewed: dict[tuple[AccountId, CaseId, str], float] = {}
        self._veiled: dict[str, bytes] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, errors answered as JSON."""
        return [
            web.get("/api/cases/{case}/files/{path:.+}", self.handler),
            web.get("/api/cases/{case}/tracks", self.tracks),
            web.get("/api/cases/{case}/tracks/{track}", self.track),
        ]

    async def handler(self, request: web.Request) -> web.StreamResponse:
        """Answer one request; errors are JSON ``{"code", "text"}`` with the status of their class."""
        return await _answering(request, self._answer)

    async def tracks(self, request: web.Request) -> web.StreamResponse:
        """Tell which tracks were recorded and where they lie on the axes of their calls."""
        return await _answering(request, self._tell_tracks)

    async def track(self, request: web.Request) -> web.StreamResponse:
        """Send a whole track as one file that can be sought in."""
        return await _answering(request, self._send_track)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        viewer, case, entries = await self._asked(request)
        named = files_of(entries)
        file = named.get(request.match_info["path"])
        if file is None:
            raise NotFound("no such file")
        taken = self._admit(request, viewer, sort_of(file.name), entries)
        if _with_cards(file.name, entries) and not self._unveiled(request, viewer, entries):
            file = _instead(file, named)
        source = await self._source(case, file, entries)
        if _shows_card(file.name, entries) and not sees_cards(entries, viewer, self._clock.now()):
            return await self._send_veiled(request, case, file, source)
        response, span = self._head(request, file)
        if request.method == "HEAD" or span is None:
            await response.prepare(request)
            return response
        await self._note_view(viewer.account, case, file.name, taken=taken)
        return await self._send(request, response, source(*span))

    async def _asked(self, request: web.Request) -> tuple[Viewer, CaseId, tuple[Entry, ...]]:
        case = CaseId(request.match_info["case"])
        if not is_id(case):
            raise NotFound("no such case")
        viewer = await self._authorise(request, case)
        return viewer, case, await self._journal.read(case)

    def _admit(self, request: web.Request, viewer: Viewer, sort: FileSort, entries: Iterable[Entry]) -> bool:
        until = viewing_until(entries, viewer.account)
        destination = request.headers.get("Sec-Fetch-Dest", "")
        return admit(viewer, sort, destination, until, self._clock.now())

    async def _send_veiled(
        self,
        request: web.Request,
        case: CaseId,
        file: CaseFile,
        source: Callable[[int, int], AsyncIterator[bytes]],
    ) -> web.StreamResponse:
        headers = {"ETag": f'"{file.sha256}-veiled"', "Cache-Control": "private, no-cache"}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        if file.sha256 not in self._veiled:
            whole = b"".join([block async for block in source(0, file.bytes)])
            self._veiled[file.sha256] = await self._veil(whole)
            for oldest in list(self._veiled)[:-_VEILED_KEPT]:
                del self._veiled[oldest]
        return web.Response(body=self._veiled[file.sha256], headers=headers, content_type="image/jpeg")

    async def _tell_tracks(self, request: web.Request) -> web.StreamResponse:
        viewer, case, entries = await self._asked(request)
        self._admit(request, viewer, FileSort.FIGURES, entries)
        hidden = self._hidden(request, viewer, entries)
        calls = await self._tracks.calls(await self._prefix(case), case, entries, hidden)
        return web.json_response({"calls": dump_calls(calls)})

    async def _send_track(self, request: web.Request) -> web.StreamResponse:
        viewer, case, entries = await self._asked(request)
        wanted = request.match_info["track"]
        facts = next((own for track, own in sealed_tracks(entries).items() if track == wanted), None)
        if facts is None:
            raise NotFound("no such track")
        taken = self._admit(request, viewer, FileSort.FILM, entries)
        hidden = self._hidden(request, viewer, entries)
        facts = [fact for fact in facts if fact.file not in hidden]
        if not facts:
            raise Denied("all of this track may show a card", code="card_veiled")
        prefix = await self._prefix(case)
        woven, digest = await self._tracks.index(prefix, case, facts)
        file = CaseFile(f"tracks/{wanted}.mkv", digest, woven.bytes)
        response, span = self._head(request, file)
        if request.method == "HEAD" or span is None:
            await response.prepare(request)
            return response
        await self._note_view(viewer.account, case, file.name, taken=taken)
        return await self._send(request, response, self._tracks.bytes_of(prefix, case, woven, *span))

    def _hidden(self, request: web.Request, viewer: Viewer, entries: Sequence[Entry]) -> frozenset[str]:
        """Return the segments that are left out for this person."""
        hidden = segments_with_cards(entries)
        return frozenset() if hidden and self._unveiled(request, viewer, entries) else hidden

    def _unveiled(self, request: web.Request, viewer: Viewer, entries: Sequence[Entry]) -> bool:
        """Tell whether the original is sent of something on which a card may be seen.

        Only under an address that asks for it: players fetch a film in many parts, all of the same file.
        """
        if "sight" not in request.query:
            return False
        if not sees_cards(entries, viewer, self._clock.now()):
            raise Denied("a second person must agree first", code="card_veiled")
        return True

    async def _prefix(self, case: CaseId) -> str:
        return f"{(await self._cases.case(case)).tenant}/{case}"

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
        key = f"{await self._prefix(case)}/{file.name}"
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

    async def _note_view(self, account: AccountId, case: CaseId, name: str, *, taken: bool) -> None:
        now = self._clock.monotonic()
        key = (account, case, f"{name} taken" if taken else name)
        if now - self._viewed.get(key, -VIEW_AGAIN_S) < VIEW_AGAIN_S:
            return
        self._viewed = {k: at for k, at in self._viewed.items() if now - at < VIEW_AGAIN_S}
        fact = RecordDownloaded(account, name) if taken else RecordViewed(account, name)
        await self._journal.append(case, fact)
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


def _with_cards(name: str, entries: Sequence[Entry]) -> bool:
    """Tell whether this is a film or a segment on which a card may be seen."""
    match sort_of(name):
        case FileSort.FILM:
            return name != VEILED_FILE and bool(cards_shown(entries))
        case FileSort.SEGMENT:
            return name in segments_with_cards(entries)
        case _:
            return False


def _instead(file: CaseFile, named: Mapping[str, CaseFile]) -> CaseFile:
    """Return what is sent in place of ``file``. Raises Denied ``card_veiled`` where there is nothing."""
    if file.name == MERGED_FILE and VEILED_FILE in named:
        return named[VEILED_FILE]
    raise Denied("a card may be seen on it, and nothing else can be shown", code="card_veiled")


def _shows_card(name: str, entries: Sequence[Entry]) -> bool:
    return any(
        isinstance(fact := entry.fact, EvidenceStored) and fact.file == name and fact.kind in CARDS
        for entry in entries
    )


async def _answering(
    request: web.Request, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await answer(request)
    except TellerError as error:
        return _refusal(error)


def _refusal(error: TellerError) -> web.Response:
    status = error.http_status
    if isinstance(error, UserError):
        REFUSED.labels(error.code).inc()
    if status >= 500:
        _log.error("a case file cannot be served", code=error.code, pii_error=str(error))
    text = "the file cannot be served now" if status >= 500 else str(error)
    return web.json_response({"code": error.code, "text": text}, status=status)
