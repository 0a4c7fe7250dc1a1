"""Case files over HTTP: ranges, sources, refusals, and the trace each viewing leaves."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientPayloadError, ClientSession, web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDictProxy

from contract.errors import (
    Busy,
    Denied,
    NotFound,
    ProtocolError,
    StorageError,
    TellerError,
    Unproven,
    UserError,
    WrongPhase,
)
from contract.facts import (
    Entry,
    EvidenceStored,
    Fact,
    FileShared,
    MergeCompleted,
    RecordViewed,
    SegmentSealed,
    SpoolReleased,
)
from contract.ids import (
    AccountId,
    CaseId,
    new_account_id,
    new_call_id,
    new_case_id,
    new_evidence_id,
    new_job_id,
    new_seat_id,
    new_track_id,
)
from contract.phases import EvidenceKind, Role, ViewReason
from contract.viewing import UNMASKED_S, VIEWING_S, Viewer
from contract.viewing_facts import RecordDownloaded, UnmaskAnswered, UnmaskAsked, ViewingBegun
from recordings.archive_directory import DirectoryArchive
from recordings.case_files import files_of
from recordings.journal import FileJournal
from recordings.playback import REFUSED, Playback, UnsatisfiableRange, parse_range
from recordings.spool import Spool
from tests.recordings.desk import TENANT, MoodyArchive, OneTenant
from tests.recordings.encoded import MovedClock

CONTENT = bytes(range(256)) * 4096
MERGED = "merged.mp4"
SHOWN = {"Sec-Fetch-Dest": "video"}
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@dataclass(slots=True)
class Theatre:
    """A running server with one case of three files."""

    case: CaseId
    folder: Path
    journal: FileJournal
    clock: MovedClock
    archive: MoodyArchive
    viewer: list[Viewer]
    refusal: list[TellerError]
    http: ClientSession
    base: str

    def url(self, name: str = MERGED) -> str:
        return f"{self.base}/api/cases/{self.case}/files/{name}"

    async def get(self, name: str = MERGED, **headers: str) -> tuple[int, bytes, CIMultiDictProxy[str]]:
        shown = "image" if name.endswith((".jpg", ".webp")) else "video"
        fields = {"Sec-Fetch-Dest": shown} | {key.replace("_", "-"): value for key, value in headers.items()}
        async with self.http.get(self.url(name), headers=fields) as response:
            return response.status, await response.read(), response.headers

    async def views(self) -> list[str]:
        entries = await self.journal.read(self.case)
        return [e.fact.file for e in entries if isinstance(e.fact, RecordViewed)]


@pytest.fixture(name="theatre")
async def _theatre(tmp_path: Path) -> AsyncIterator[Theatre]:
    case, clock, spool = new_case_id(), MovedClock(), Spool(tmp_path / "spool")
    journal = FileJournal(tmp_path / "journal", clock)
    folder = spool.case_dir(case)
    call, track, evidence = new_call_id(), new_track_id(), new_evidence_id()
    segment, picture = f"{call}/{track}/00000.mkv", f"evidence/{evidence}.jpg"
    shared, scene = "evidence/shared.pdf", "evidence/scene.webp"
    for name in (MERGED, segment, picture, shared, scene, "secret.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(CONTENT)
    size = len(CONTENT)
    await journal.append(case, SegmentSealed(call, track, 0, segment, DIGEST, size, 1, 0.0, 1.0))
    kind = EvidenceKind.FACE_STILL
    await journal.append(
        case, EvidenceStored(evidence, kind, picture, "image/jpeg", DIGEST, size, 1, 1, 1.0, "phone")
    )
    for seen, media_type in ((shared, "application/pdf"), (scene, "image/webp")):
        kept = (evidence, "a", seen, media_type, DIGEST, size)
        await journal.append(case, FileShared(call, new_seat_id(), Role.CUSTOMER, *kept))
    await journal.append(case, MergeCompleted(new_job_id(), MERGED, DIGEST, size, 1.0, 0.0, 1.0))
    viewer = [Viewer(new_account_id())]
    refusal: list[TellerError] = []
    await journal.append(case, ViewingBegun(viewer[0].account, ViewReason.AUDIT, ""))

    async def authorise(request: web.Request, wanted: CaseId) -> Viewer:
        if refusal:
            raise refusal[0]
        return viewer[0]

    async def veil(picture: bytes) -> bytes:
        assert picture == CONTENT
        return b"veiled"

    archive = MoodyArchive(DirectoryArchive(tmp_path / "archive"))
    playback = Playback(spool, archive, OneTenant(), journal, clock, authorise, veil)
    app = web.Application()
    app.add_routes(playback.routes())
    async with TestServer(app) as server, ClientSession() as http:
        base = str(server.make_url("")).rstrip("/")
        yield Theatre(case, folder, journal, clock, archive, viewer, refusal, http, base)


async def _release(theatre: Theatre) -> None:
    for name in files_of(await theatre.journal.read(theatre.case)):
        await theatre.archive.put(f"{TENANT}/{theatre.case}/{name}", theatre.folder / name)
        (theatre.folder / name).unlink()
    await theatre.journal.append(theatre.case, SpoolReleased(1))


async def test_whole_file(theatre: Theatre) -> None:
    """Without a range the whole file comes, typed, tagged by its SHA-256, and open to ranges."""
    status, body, headers = await theatre.get()

    assert (status, body) == (200, CONTENT)
    assert headers["Content-Type"] == "video/mp4"
    assert headers["ETag"] == f'"{DIGEST}"'
    assert headers["Accept-Ranges"] == "bytes"
    assert "private" in headers["Cache-Control"]


async def test_content_types(theatre: Theatre) -> None:
    """Segments and pictures are named for what they are; a document is for saving, not for showing."""
    found = files_of(await theatre.journal.read(theatre.case)).values()

    assert [file.media_type for file in found] == [
        "video/x-matroska", "image/jpeg", "application/octet-stream", "image/webp", "video/mp4",
    ]  # fmt: skip


@pytest.mark.parametrize("released", [False, True], ids=["spool", "archive"])
@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-99", 0, 99), ("bytes=1000-", 1000, None), ("bytes=-5", -5, None), ("bytes=7-7", 7, 7)],
)
async def test_ranges(theatre: Theatre, released: bool, wanted: str, first: int, last: int | None) -> None:
    """A single range is answered with exactly its bytes, from the spool or from the archive."""
    if released:
        await _release(theatre)
    status, body, headers = await theatre.get(Range=wanted)
    low = first % len(CONTENT)
    high = len(CONTENT) - 1 if last is None else last

    assert status == 206
    assert body == CONTENT[low : high + 1]
    assert headers["Content-Range"] == f"bytes {low}-{high}/{len(CONTENT)}"


async def test_unsatisfiable_range(theatre: Theatre) -> None:
    """A range behind the end is 416 and tells the size."""
    status, _, headers = await theatre.get(Range=f"bytes={len(CONTENT)}-")

    assert status == 416
    assert headers["Content-Range"] == f"bytes */{len(CONTENT)}"


async def test_if_range(theatre: Theatre) -> None:
    """A range goes with If-Range only while the tag fits; another tag gets the whole file."""
    assert (await theatre.get(Range="bytes=0-9", If_Range=f'"{DIGEST}"'))[0] == 206
    assert (await theatre.get(Range="bytes=0-9", If_Range='"other"'))[0] == 200


async def test_not_modified(theatre: Theatre) -> None:
    """A browser that has the file is told so."""
    status, body, _ = await theatre.get(If_None_Match=f'"{DIGEST}"')

    assert (status, body) == (304, b"")


async def test_head(theatre: Theatre) -> None:
    """HEAD tells the size and leaves no trace of a viewing."""
    async with theatre.http.head(theatre.url(), headers=SHOWN) as response:
        assert response.status == 200
        assert response.headers["Content-Length"] == str(len(CONTENT))

    assert await theatre.views() == []


@pytest.mark.parametrize(
    "name",
    [
        "secret.txt",
        "..%2f..%2fetc%2fpasswd",
        "evidence/../secret.txt",
        "evidence",
        "%2fetc%2fpasswd",
        "a%00b",
    ],
)
async def test_only_named_files(theatre: Theatre, name: str) -> None:
    """What no fact names does not exist, whatever lies in the folder."""
    status, body, _ = await theatre.get(name)

    assert status == 404
    assert b"secret" not in body


async def test_not_a_case(theatre: Theatre) -> None:
    """A case id that is no id is not found."""
    async with theatre.http.get(f"{theatre.base}/api/cases/..%2e/files/x") as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Denied(), 403),
        (NotFound(), 404),
        (Unproven(), 401),
        (Busy(), 429),
        (WrongPhase(), 409),
        (UserError(), 422),
        (ProtocolError(), 400),
    ],
)
async def test_refusals(theatre: Theatre, error: TellerError, status: int) -> None:
    """Who may not is told by code and text as JSON, and nothing is sent or journaled."""
    theatre.refusal.append(error)
    async with theatre.http.get(theatre.url(), headers=SHOWN) as response:
        assert response.status == status
        assert await response.json() == {"code": error.code, "text": str(error)}

    assert await theatre.views() == []


async def test_dead_archive(theatre: Theatre) -> None:
    """A dead archive is our fault: 500 without a word of its text."""
    await _release(theatre)
    theatre.archive.dead = True
    status, body, _ = await theatre.get()

    assert status == 500
    assert b"connection refused" not in body
    assert b"archive_unreachable" in body


async def test_archive_that_dies_on_the_way(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    """The player sees a broken connection, never a second answer inside the file."""
    await _release(theatre)

    async def read(key: str, offset: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        yield CONTENT[:1000]
        raise StorageError("connection refused", code="archive_unreachable")

    monkeypatch.setattr(theatre.archive, "read", read)
    received = bytearray()
    with pytest.raises(ClientPayloadError):
        async with theatre.http.get(theatre.url(), headers=SHOWN) as response:
            async for block in response.content.iter_any():
                received += block
    assert received == CONTENT[:1000]


@pytest.mark.parametrize("kept", [None, 1000], ids=["gone", "short"])
async def test_spool_that_loses_a_file_on_the_way(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch, kept: int | None
) -> None:
    """A file that ends early breaks the connection as well, so that nothing is taken for its rest."""
    note_view = Playback._note_view

    async def spoil(playback: Playback, account: AccountId, case: CaseId, name: str, *, taken: bool) -> None:
        await note_view(playback, account, case, name, taken=taken)
        path = theatre.folder / MERGED
        path.unlink() if kept is None else path.write_bytes(CONTENT[:kept])

    monkeypatch.setattr(Playback, "_note_view", spoil)
    with pytest.raises(ClientPayloadError):
        await theatre.get()


async def test_lost_file(theatre: Theatre) -> None:
    """A file that is neither here nor in the archive is not found."""
    (theatre.folder / MERGED).unlink()

    assert (await theatre.get())[0] == 404


async def test_viewings_are_journaled(theatre: Theatre) -> None:
    """The first request of a viewer and file is a fact; more of them only after ten minutes."""
    for _ in range(3):
        await theatre.get(Range="bytes=0-9")
    assert await theatre.views() == [MERGED]

    theatre.clock.pass_s(601)
    await theatre.get()
    assert await theatre.views() == [MERGED, MERGED]


async def test_viewing_that_was_not_journaled_is_journaled_next_time(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is shown without its trace, and a full disk does not use the trace up."""

    async def full(case: CaseId, fact: Fact) -> Entry:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(theatre.journal, "append", full)
        assert (await theatre.get())[0] == 500
    assert (await theatre.get())[0] == 200
    assert await theatre.views() == [MERGED]


async def test_without_a_reason_nothing_is_shown(theatre: Theatre) -> None:
    """A reason of four hours ago is none any more."""
    theatre.clock.pass_s(VIEWING_S)
    status, body, _ = await theatre.get()
    assert (status, b"reason_wanted" in body) == (403, True)
    assert await theatre.views() == []


async def test_taking_away_wants_the_right_and_is_a_fact_of_its_own(theatre: Theatre) -> None:
    """By a link or a program: refused and counted without the right, journaled as a download with it."""
    before = REFUSED.labels("download_denied")._value.get()
    status, body, _ = await theatre.get(Sec_Fetch_Dest="document")
    assert (status, b"download_denied" in body) == (403, True)
    assert REFUSED.labels("download_denied")._value.get() == before + 1
    theatre.viewer[0] = Viewer(theatre.viewer[0].account, may_download=True)
    assert (await theatre.get(Sec_Fetch_Dest="document"))[:2] == (200, CONTENT)
    entries = await theatre.journal.read(theatre.case)
    assert [e.fact for e in entries if isinstance(e.fact, RecordDownloaded)] == [
        RecordDownloaded(theatre.viewer[0].account, MERGED)
    ]
    assert await theatre.views() == []


async def test_a_card_is_veiled_until_a_second_person_agrees(theatre: Theatre) -> None:
    """The server sends a blur, for a quarter of an hour the picture, and then the blur again."""
    evidence, kind = new_evidence_id(), EvidenceKind.ID_CARD
    name = f"evidence/{evidence}.jpg"
    (theatre.folder / name).write_bytes(CONTENT)
    stored = EvidenceStored(evidence, kind, name, "image/jpeg", DIGEST, len(CONTENT), 1, 1, 1.0, "phone")
    await theatre.journal.append(theatre.case, stored)
    assert (await theatre.get(name))[1] == b"veiled"
    status, body, headers = await theatre.get(name, Range="bytes=0-9")
    assert (status, body, headers["Content-Type"]) == (200, b"veiled", "image/jpeg")
    assert (await theatre.get(name, If_None_Match=headers["ETag"]))[0] == 304
    asked = await theatre.journal.append(theatre.case, UnmaskAsked(theatre.viewer[0].account, "compare"))
    until = theatre.clock.now() + UNMASKED_S
    granted = UnmaskAnswered(new_account_id(), asked.seq, True, until)
    await theatre.journal.append(theatre.case, granted)
    assert (await theatre.get(name, If_None_Match=headers["ETag"]))[:2] == (200, CONTENT)
    theatre.clock.pass_s(UNMASKED_S)
    assert (await theatre.get(name))[1] == b"veiled"


@pytest.mark.parametrize(
    "header", [None, "", "bytes=", "bytes=-", "items=0-1", "bytes=0-1,3-4", "bytes=5-2", "bytes=a-b"]
)
def test_ignored_ranges(header: str | None) -> None:
    """What is no single byte range is ignored."""
    assert parse_range(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_unsatisfiable_ranges(header: str) -> None:
    """What holds no byte of the file cannot be satisfied; an empty file satisfies nothing."""
    with pytest.raises(UnsatisfiableRange):
        parse_range(header, 10)
    with pytest.raises(UnsatisfiableRange):
        parse_range("bytes=0-", 0)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 100))
def test_ranges_stay_in_the_file(first: int, last: int, size: int) -> None:
    """A satisfied range lies in the file and holds a byte at least."""
    for header in (f"bytes={first}-{last}", f"bytes={first}-", f"bytes=-{last}"):
        try:
            span = parse_range(header, size)
        except UnsatisfiableRange:
            continue
        if span is not None:
            assert 0 <= span[0] < span[0] + span[1] <= size
