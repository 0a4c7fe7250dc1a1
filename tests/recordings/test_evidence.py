"""Evidence: written once, told in the journal, and never given out altered."""

import asyncio
import errno
import hashlib
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from contract.errors import NotFound, StorageError, WrongPhase
from contract.facts import EvidenceStored, Fact, FileShared
from contract.ids import CaseId, EvidenceId, new_call_id, new_evidence_id, new_seat_id
from contract.phases import EvidenceKind, Role
from contract.ports import Evidence, EvidenceStore, ImageFinding
from recordings import spool as spool_module
from recordings.evidence import FileEvidence
from recordings.journal import FileJournal
from recordings.spool import Spool

_IMAGE = ImageFinding("image/jpeg", 1920, 1080, 123.5)
_DATA = b"\xff\xd8 a picture"
_DOCUMENT = b"%PDF-1.7 a document"


@pytest.fixture
def evidence(spool: Spool, journal: FileJournal) -> FileEvidence:
    return FileEvidence(spool, journal)


async def keep(store: EvidenceStore, case: CaseId, ident: EvidenceId, image: ImageFinding = _IMAGE) -> Path:
    """Store the picture; return its path relative to the case's folder."""
    kept = await store.store(case, ident, EvidenceKind.ID_CARD, _DATA, image, "phone")
    return Path(kept.file)


async def test_a_picture_is_stored_and_told(
    evidence: FileEvidence, spool: Spool, journal: FileJournal, case: CaseId
) -> None:
    """The file is the owner's alone, the fact names it with its hash, and it is read back as it was."""
    ident = new_evidence_id()
    with blockbuster_ctx():
        kept = await evidence.store(case, ident, EvidenceKind.FACE_STILL, _DATA, _IMAGE, "phone")
        assert await evidence.read(case, ident) == _DATA
    assert (kept.file, kept.bytes) == (f"evidence/{ident}.jpg", len(_DATA))
    assert spool.file(case, kept.file).stat().st_mode & 0o777 == 0o600
    [entry] = await journal.read(case)
    assert entry.fact == EvidenceStored(
        ident, EvidenceKind.FACE_STILL, kept.file, "image/jpeg", hashlib.sha256(_DATA).hexdigest(),
        len(_DATA), 1920, 1080, 123.5, "phone",
    )  # fmt: skip


async def test_an_id_is_used_once(evidence: FileEvidence, journal: FileJournal, case: CaseId) -> None:
    """A second picture under the same id is refused, whatever its type; the first stays and is told once."""
    ident = new_evidence_id()
    await keep(evidence, case, ident)
    for media_type in ("image/jpeg", "image/png"):
        with pytest.raises(WrongPhase) as caught:
            await keep(evidence, case, ident, ImageFinding(media_type, 1, 1, 0.0))
        assert caught.value.code == "evidence_stored"
    assert len(await journal.read(case)) == 1


async def test_of_two_at_once_one_wins(evidence: FileEvidence, journal: FileJournal, case: CaseId) -> None:
    """Two uploads of the same request race: one is stored, the other refused."""
    ident = new_evidence_id()
    results = await asyncio.gather(*(keep(evidence, case, ident) for _ in range(2)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["PosixPath", "WrongPhase"]
    assert len(await journal.read(case)) == 1


async def test_an_altered_picture_is_not_given_out(
    evidence: FileEvidence, spool: Spool, case: CaseId
) -> None:
    """The hash is checked on every read."""
    ident = new_evidence_id()
    name = await keep(evidence, case, ident)
    spool.file(case, name.as_posix()).write_bytes(b"another")
    with pytest.raises(StorageError) as caught:
        await evidence.read(case, ident)
    assert caught.value.code == "evidence_altered"


async def test_what_is_not_there_is_not_found(evidence: FileEvidence, spool: Spool, case: CaseId) -> None:
    """Neither an id that never was, nor a file that is gone, can be read."""
    with pytest.raises(NotFound):
        await evidence.read(case, new_evidence_id())
    ident = new_evidence_id()
    name = await keep(evidence, case, ident)
    spool.file(case, name.as_posix()).unlink()
    with pytest.raises(NotFound):
        await evidence.read(case, ident)


async def test_a_file_that_cannot_be_read_is_a_storage_error(
    evidence: FileEvidence, spool: Spool, case: CaseId
) -> None:
    """A folder in the picture's place is not a picture."""
    ident = new_evidence_id()
    path = spool.file(case, (await keep(evidence, case, ident)).as_posix())
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError):
        await evidence.read(case, ident)


async def test_a_full_disk_keeps_and_tells_nothing(
    evidence: FileEvidence, spool: Spool, journal: FileJournal, case: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upload fails and may be tried again under the same id."""
    ident = new_evidence_id()

    def full(descriptor: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(spool_module, "write_all", full)
        with pytest.raises(StorageError, match="No space left"):
            await keep(evidence, case, ident)
    assert await journal.read(case) == ()
    await keep(evidence, case, ident)


async def test_what_could_not_be_journaled_is_not_kept(
    evidence: FileEvidence, spool: Spool, case: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No fact, no evidence: the file is taken away again."""

    async def refuse(self: FileJournal, case: CaseId, fact: Fact) -> None:
        raise StorageError("journal is away")

    monkeypatch.setattr(FileJournal, "append", refuse)
    with pytest.raises(StorageError):
        await keep(evidence, case, new_evidence_id())
    assert list(spool.evidence_dir(case).iterdir()) == []


# --- shared files ---


async def share(store: EvidenceStore, case: CaseId, ident: EvidenceId) -> Evidence:
    return await store.store_file(case, ident, _DOCUMENT, "application/pdf", ".pdf")


def told(kept: Evidence) -> FileShared:
    return FileShared(
        new_call_id(), new_seat_id(), Role.CUSTOMER, kept.evidence, "合同.pdf", kept.file, kept.media_type,
        kept.sha256, kept.bytes,
    )  # fmt: skip


async def test_a_shared_file_lies_with_the_evidence(
    evidence: FileEvidence, spool: Spool, journal: FileJournal, case: CaseId
) -> None:
    """The owner's alone, under its id and not its name; read back once the caller has journaled it."""
    ident = new_evidence_id()
    with blockbuster_ctx():
        kept = await share(evidence, case, ident)
        with pytest.raises(NotFound):
            await evidence.read(case, ident)
        await journal.append(case, told(kept))
        assert await evidence.read(case, ident) == _DOCUMENT
    digest = hashlib.sha256(_DOCUMENT).hexdigest()
    file = f"evidence/{ident}.pdf"
    assert kept == Evidence(
        ident, case, EvidenceKind.SHARED_FILE, file, "application/pdf", digest, len(_DOCUMENT)
    )
    assert spool.file(case, file).stat().st_mode & 0o777 == 0o600
    assert len(await journal.read(case)) == 1


async def test_a_shared_file_takes_no_evidences_place(evidence: FileEvidence, case: CaseId) -> None:
    """An id that a picture has is refused, and the other way round."""
    first, second = new_evidence_id(), new_evidence_id()
    await keep(evidence, case, first)
    await share(evidence, case, second)
    for again in (share(evidence, case, first), keep(evidence, case, second)):
        with pytest.raises(WrongPhase):
            await again


async def test_a_withdrawn_file_is_gone(evidence: FileEvidence, spool: Spool, case: CaseId) -> None:
    """Nothing of it stays, another's file does, and a second time changes nothing."""
    ident, other = new_evidence_id(), new_evidence_id()
    await share(evidence, case, ident)
    await share(evidence, case, other)
    for _ in range(2):
        await evidence.withdraw(case, ident)
    assert [path.name for path in spool.evidence_dir(case).iterdir()] == [f"{other}.pdf"]


async def test_a_full_disk_has_a_word_of_its_own(
    evidence: FileEvidence, spool: Spool, case: CaseId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``disk_full``; nothing is left behind."""

    def full(descriptor: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(spool_module, "write_all", full)
    with pytest.raises(StorageError) as caught:
        await share(evidence, case, new_evidence_id())
    assert caught.value.code == "disk_full"
    assert list(spool.evidence_dir(case).iterdir()) == []


@pytest.mark.parametrize("suffix", ["", ".html", "/../x.pdf", ".PDF"])
async def test_only_known_endings_are_kept(suffix: str, evidence: FileEvidence, case: CaseId) -> None:
    """Anything else is a mistake of the caller."""
    with pytest.raises(ValueError, match="not a type that is kept"):
        await evidence.store_file(case, new_evidence_id(), _DOCUMENT, "text/html", suffix)


@pytest.mark.parametrize(
    ("ident", "media_type"), [("../x", "image/jpeg"), ("ev-0000000000000000", "text/html")]
)
async def test_only_pictures_under_ids_are_evidence(
    ident: str, media_type: str, evidence: FileEvidence, case: CaseId
) -> None:
    """Anything else is a mistake of the caller."""
    with pytest.raises(ValueError, match="evidence id"):
        await keep(evidence, case, EvidenceId(ident), ImageFinding(media_type, 1, 1, 0.0))
