"""REST of uploads: pictures that a phone was asked for, and files that parties hand to each other."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from aiohttp import web

from contract.errors import Busy, Denied, NotFound, ProtocolError, StorageError, UserError
from contract.facts import Entry, EvidenceStored, FileShared
from contract.ids import AccountId, CallId, CaseId, EvidenceId, SeatId, new_evidence_id
from contract.phases import Role
from contract.ports import Evidence, ImageFinding
from signaling.actions import ReleaseStill, Sharer
from signaling.buckets import Buckets
from signaling.intake import Intake
from signaling.pdf_scan import Pause
from signaling.rest_cases import Cases
from signaling.rooms import Rooms
from signaling.settings import SignalingSettings
from signaling.shared_files import FileTooLarge, Kind, claimed_kind, clean_name, require_kind

# A scanned contract of some ten pages; stated to the pages as well.
_FILE_MAX = 20 * 1024 * 1024
# At 2 Mbit/s that takes 84 s: twice the time of a still.
_PATIENCE = 2.0
_FILES_PER_CALL = 20
# What one case may put on the disk beside its recording: about a quarter of an hour of it.
_BYTES_PER_CASE = 100 * 1024 * 1024
# Bodies are held in memory while they are looked at: 16 of them are 320 MiB at most.
_AT_ONCE = 16
# One file is looked at at a time, so that its work is one thread's; a large one takes about two seconds.
_SCAN_S = 20.0
# Enough for the event loop to have its turn; a large file pauses some thousand times.
_PAUSE_S = 0.0005
# What each party may try, refused files included: three times what a call takes, and one more a minute.
_TRIES, _TRIES_PER_S = 60.0, 1 / 60
# The customer and two agents, and somebody who taps twice.
_AT_ONCE_PER_CASE = 4
_SHARES = (Role.AGENT, Role.SUPERVISOR)
_SOURCES = ("phone", "stream")
_STILLS = frozenset({"image/jpeg", "image/png"})


@dataclass(frozen=True, slots=True)
class _Who:
    """Who uploads or asks: the customer by ``seat``, or a member of staff by ``account``."""

    case: CaseId
    seat: SeatId | None = None
    account: AccountId | None = None


@dataclass(slots=True)
class _Place:
    """The uploads of one case that are under way; what is being stored holds ``turn``."""

    taken: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Files:
    """Takes uploads and hands shared files out."""

    def __init__(self, settings: SignalingSettings, rooms: Rooms, intake: Intake, cases: Cases) -> None:
        self._settings = settings
        self._rooms = rooms
        self._intake = intake
        self._cases = cases
        self._places: dict[CaseId, _Place] = {}
        self._scanning = asyncio.Semaphore(1)
        self._tries = Buckets(_TRIES_PER_S, _TRIES)

    # --- stills ---

    async def still(self, request: web.Request) -> web.Response:
        """Take the picture that the phone was asked for; ``source`` tells whence: phone or stream."""
        claims = self._intake.claims(request)
        source = request.query.get("source", "phone")
        if source not in _SOURCES:
            raise ProtocolError("unknown source")
        wanted = EvidenceId(request.match_info["request"])
        kind = await self._rooms.front.claim_still(claims.case, claims.seat, wanted)
        try:
            data = await self._intake.read(request, self._settings.still_max)
            image = await self._rooms.identity.inspect_image(data)
            if image.media_type not in _STILLS:
                raise UserError("a still is JPEG or PNG", code="not_an_image")
            await self._rooms.front.confirm_still(claims.case, claims.seat, wanted)
            stored = await self._rooms.evidence.store(claims.case, wanted, kind, data, image, source)
        finally:
            await self._rooms.front.post(ReleaseStill(claims.case, wanted))
        return web.json_response(_about_still(stored, image), status=201)

    # --- shared files: in ---

    async def share(self, request: web.Request) -> web.Response:
        """Take a file from a party of the call, ``name`` in the query.

        Errors: ``file_type``, ``file_mismatch``, ``file_unsafe``, ``file_too_large``, the words of
        pictures, ``too_many_files``, ``busy``, ``wrong_phase``, ``held``, ``upload_denied``.
        """
        who = await self._uploader(request)
        await self._rooms.front.sharer(who.case, seat=who.seat, account=who.account)
        name = clean_name(request.query.get("name", ""))
        kind = claimed_kind(name, request.content_type)
        if not self._tries.take(f"{who.case} {who.seat or who.account}", time.monotonic()):
            raise Busy("too many tries", code="too_many_files")
        with self._place(who.case) as turn:
            data = await self._file_in(request)
            await self._require_kind(kind, data)
            async with turn:
                shared = await self._keep(who, name, kind, data)
        told = {name: getattr(shared, name) for name in ("evidence", "media_type", "bytes", "sha256")}
        return web.json_response(told, status=201)

    async def _uploader(self, request: web.Request) -> _Who:
        if "Authorization" in request.headers:
            claims = self._intake.claims(request)
            return _Who(claims.case, seat=claims.seat)
        person = await self._rooms.guard.require(request, *_SHARES)
        found = await self._cases.seen_by(person, request.match_info["case"])
        return _Who(found.case, account=person.account.account)

    async def _file_in(self, request: web.Request) -> bytes:
        try:
            return await self._intake.read(request, _FILE_MAX, _PATIENCE)
        except web.HTTPRequestEntityTooLarge as error:
            raise FileTooLarge(f"at most {_FILE_MAX >> 20} MiB") from error

    async def _require_kind(self, kind: Kind, data: bytes) -> None:
        pause = _pausing(_SCAN_S)
        try:
            async with asyncio.timeout(_SCAN_S):
                await self._scanning.acquire()
        except TimeoutError as error:
            raise Busy("too many files are being looked at") from error
        try:
            await asyncio.to_thread(require_kind, kind, data, pause)
        finally:
            self._scanning.release()
        if kind.picture:
            image = await self._rooms.identity.inspect_image(data)
            if image.media_type != kind.media_type:
                raise UserError("the picture is of another kind", code="file_mismatch")

    @contextmanager
    def _place(self, case: CaseId) -> Iterator[asyncio.Lock]:
        place = self._places.get(case, _Place())
        everywhere = sum(other.taken for other in self._places.values())
        if place.taken >= _AT_ONCE_PER_CASE or everywhere >= _AT_ONCE:
            raise Busy("too many uploads at once")
        self._places[case] = place
        place.taken += 1
        try:
            yield place.turn
        finally:
            place.taken -= 1
            if not place.taken:
                del self._places[case]

    async def _keep(self, who: _Who, name: str, kind: Kind, data: bytes) -> FileShared:
        evidence = new_evidence_id()
        front = self._rooms.front
        try:
            # Asked again: the call may have ended meanwhile, and waits from here on.
            sharer = await front.sharer(who.case, seat=who.seat, account=who.account, holds=evidence)
            _require_room(await self._rooms.journal.read(who.case), sharer.call, len(data))
            return await self._store(who.case, evidence, sharer, name, kind, data)
        finally:
            await front.post(ReleaseStill(who.case, evidence))

    async def _store(
        self, case: CaseId, evidence: EvidenceId, sharer: Sharer, name: str, kind: Kind, data: bytes
    ) -> FileShared:
        keeper = self._rooms.evidence
        stored = await keeper.store_file(case, evidence, data, kind.media_type, kind.suffix)
        fact = FileShared(
            call=sharer.call,
            seat=sharer.party.seat,
            role=sharer.party.role,
            evidence=evidence,
            pii_name=name,
            file=stored.file,
            media_type=stored.media_type,
            sha256=stored.sha256,
            bytes=stored.bytes,
        )
        try:
            await self._rooms.journal.append(case, fact)
        except StorageError:
            await keeper.withdraw(case, evidence)
            raise
        return fact

    # --- shared files: out ---

    async def shared(self, request: web.Request) -> web.StreamResponse:
        """Send a shared file or a still to a party of the case, or to whoever may see the case."""
        who = await self._reader(request)
        entries = await self._rooms.journal.read(who.case)
        fact = _named(entries, EvidenceId(request.match_info["evidence"]), customer=who.seat is not None)
        headers = _headers(fact)
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        data = await self._rooms.evidence.read(who.case, fact.evidence)
        return web.Response(body=data, headers=headers)

    async def _reader(self, request: web.Request) -> _Who:
        if "Authorization" in request.headers:
            claims = self._intake.claims(request)
            return _Who(claims.case, seat=claims.seat)
        case = CaseId(request.match_info["case"])
        viewer = await self._cases.authorise(request, case)
        if not viewer.at_work:
            raise Denied("the record is looked at by the names of its files", code="wrong_role")
        return _Who(case, account=viewer.account)


def _pausing(within_s: float) -> Pause:
    """Return what gives other threads their turn, and raises Busy after ``within_s`` seconds."""
    until = time.monotonic() + within_s

    def pause() -> None:
        time.sleep(_PAUSE_S)
        if time.monotonic() > until:
            raise Busy("looking at the file takes too long")

    return pause


def _require_room(entries: tuple[Entry, ...], call: CallId, size: int) -> None:
    shared = [entry.fact for entry in entries if isinstance(entry.fact, FileShared)]
    if sum(fact.call == call for fact in shared) >= _FILES_PER_CALL:
        raise Busy(f"at most {_FILES_PER_CALL} files a call", code="too_many_files")
    if sum(fact.bytes for fact in shared) + size > _BYTES_PER_CASE:
        raise Busy(f"at most {_BYTES_PER_CASE >> 20} MiB a case", code="too_many_files")


def _named(
    entries: tuple[Entry, ...], evidence: EvidenceId, *, customer: bool
) -> FileShared | EvidenceStored:
    """Return the fact of a file; a customer gets no derived picture, which tells of a check's result."""
    for entry in entries:
        fact = entry.fact
        if isinstance(fact, FileShared | EvidenceStored) and fact.evidence == evidence:
            if customer and isinstance(fact, EvidenceStored) and fact.source == "derived":
                break
            return fact
    raise NotFound("no such file")


def _headers(fact: FileShared | EvidenceStored) -> dict[str, str]:
    text = fact.media_type == "text/plain"
    headers = {
        "Content-Type": f"{fact.media_type}; charset=utf-8" if text else fact.media_type,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "private, no-cache",
        "ETag": f'"{fact.sha256}"',
    }
    shown = "inline" if fact.media_type.startswith("image/") else "attachment"
    name = fact.pii_name if isinstance(fact, FileShared) else fact.evidence
    # RFC 6266: the second form wins in every browser and holds any sign.
    return headers | {"Content-Disposition": f"{shown}; filename*=UTF-8''{quote(name, safe='')}"}


def _about_still(stored: Evidence, image: ImageFinding) -> dict[str, Any]:
    return {
        "evidence": stored.evidence,
        "width": image.width,
        "height": image.height,
        "sharpness": image.sharpness,
        "sha256": stored.sha256,
        "bytes": stored.bytes,
    }
