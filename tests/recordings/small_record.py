"""A small whole record on disk, for what judges records."""

from pathlib import Path

from contract.facts import (
    ArchiveWritten,
    AuditSigned,
    EvidenceStored,
    FileShared,
    MergeCompleted,
    SegmentSealed,
)
from contract.ids import (
    CallId,
    CaseId,
    TenantId,
    new_account_id,
    new_evidence_id,
    new_job_id,
    new_seat_id,
    new_track_id,
)
from contract.phases import EvidenceKind, Role, Verdict
from recordings.journal import FileJournal
from recordings.manifest import JournalHead, ManifestFile, dump_manifest, make_manifest, manifest_sha256
from recordings.signature import RECORD_SIGNATURE, Signer, Statement
from recordings.spool import sha256_of
from tests.recordings.encoded import START, MovedClock

TENANT = TenantId("tenant-0000000000000000")
FILES = {
    "c/t/00000.mkv": b"segment", "evidence/e.jpg": b"picture", "merged.mp4": b"film",
    "evidence/s.pdf": b"shared", "notes": b"",
}  # fmt: skip


async def small_record(
    root: Path, case: CaseId, call: CallId, clock: MovedClock, signer: Signer | None = None
) -> Path:
    """Write files, journal, manifest, what was journaled after it, and a signature if there is a signer."""
    folder = root / case
    sums = {}
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        sums[name] = sha256_of(folder / name)
    journal = FileJournal(root / "journal", clock)
    names = [*FILES]
    await journal.append(
        case, SegmentSealed(call, new_track_id(), 0, names[0], sums[names[0]][0], 7, 1, START, START)
    )
    await journal.append(
        case,
        EvidenceStored(
            new_evidence_id(),
            EvidenceKind.ID_CARD,
            names[1],
            "image/jpeg",
            sums[names[1]][0],
            7,
            1,
            1,
            1,
            "phone",
        ),
    )
    shared = (new_evidence_id(), "a.pdf", names[3], "application/pdf", sums[names[3]][0], 6)
    await journal.append(case, FileShared(call, new_seat_id(), Role.CUSTOMER, *shared))
    await journal.append(case, MergeCompleted(new_job_id(), names[2], "0" * 64, 4, 1, 0, 1))
    last = await journal.append(case, MergeCompleted(new_job_id(), names[2], sums[names[2]][0], 4, 1, 0, 1))
    files = tuple(ManifestFile(name, *sums[name]) for name in FILES)
    content = dump_manifest(make_manifest(TENANT, case, START, last, files))
    (folder / "manifest.json").write_bytes(content)
    sha256, key = manifest_sha256(content), signer.key if signer else ""
    if signer is not None:
        head = JournalHead(last.seq, last.hash)
        statement = Statement(1, TENANT, case, sha256, head, START)
        (folder / RECORD_SIGNATURE).write_bytes(signer.sign(statement))
    await journal.append(case, ArchiveWritten("directory", sha256, 5, 18, key))
    await journal.append(case, AuditSigned(new_account_id(), Verdict.APPROVED, "", sha256))
    (folder / "journal.jsonl").write_bytes((root / "journal" / f"{case}.jsonl").read_bytes())
    return folder
