"""A small whole record on disk, with a file of every kind, for what judges records."""

from pathlib import Path

from contract.facts import (
    ArchiveWritten,
    AuditSigned,
    EvidenceStored,
    Fact,
    FileShared,
    GapsAccounted,
    MergeCompleted,
    RenderCompleted,
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
from contract.phases import EvidenceKind, Role, Template, Verdict
from contract.record_facts import MadeFile
from recordings.journal import FileJournal
from recordings.manifest import JournalHead, ManifestFile, dump_manifest, make_manifest, manifest_sha256
from recordings.signature import RECORD_SIGNATURE, Signer, Statement
from recordings.spool import sha256_of
from tests.recordings.encoded import START, MovedClock

TENANT = TenantId("tenant-0000000000000000")
SEGMENTS = {"c/t/00000.mkv": b"segment", "c/t/00001.mkv": b"segment of the same track"}
EVIDENCE = {
    "evidence/e.jpg": (EvidenceKind.ID_CARD, "image/jpeg", b"picture"),
    "evidence/r.png": (EvidenceKind.REFERENCE, "image/png", b"portrait"),
    "evidence/a.json": (EvidenceKind.ANSWER, "application/json", b"answer"),
}
SHARED = {"evidence/s.pdf": b"shared", "evidence/s.webp": b"shared picture"}
# Of MergeCompleted.files: the name and kind of each, as in docs/records.md.
MADE = {
    "poster.jpg": "poster",
    "thumbs.jpg": "thumbnails",
    "thumbs.json": "thumbnail_index",
    "waveform.json": "waveform",
    "chapters.json": "chapters",
    "findings.json": "findings",
    "merged-veiled.mp4": "veiled",
}
# What facts name, and the manifest lists.
JOURNALED = (
    SEGMENTS
    | {name: content for name, (_, _, content) in EVIDENCE.items()}
    | SHARED
    | {"gaps.json": b"gaps", "merged.mp4": b"film"}
    | {name: f"made: {kind}".encode() for name, kind in MADE.items()}
)
# What the manifest alone lists: no fact names it.
LISTED = {"c/t/track.json": b"head", "c/t/clock.jsonl": b"clock", "notes": b""}
# What was rendered after the manifest, which a fact alone names.
RENDERED = {f"merged-{Template.SIDE_BY_SIDE}.mp4": b"film anew"}
FILES = JOURNALED | LISTED | RENDERED
# The last entry under the manifest and its signature, and the journal's last.
SIGNED_ENTRY, LAST_ENTRY = 10, 13


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
    *_, last = [await journal.append(case, fact) for fact in _recorded(call, sums)]
    files = tuple(ManifestFile(name, *sums[name]) for name in sorted(JOURNALED | LISTED))
    content = dump_manifest(make_manifest(TENANT, case, START, last, files))
    (folder / "manifest.json").write_bytes(content)
    sha256, key = manifest_sha256(content), signer.key if signer else ""
    if signer is not None:
        head = JournalHead(last.seq, last.hash)
        statement = Statement(1, TENANT, case, sha256, head, START)
        (folder / RECORD_SIGNATURE).write_bytes(signer.sign(statement))
    await journal.append(case, ArchiveWritten("directory", sha256, 5, 18, key))
    await journal.append(case, AuditSigned(new_account_id(), Verdict.APPROVED, "", sha256))
    for name in RENDERED:
        rendered = RenderCompleted(new_job_id(), Template.SIDE_BY_SIDE, name, *sums[name], 1, 1)
        await journal.append(case, rendered)
    (folder / "journal.jsonl").write_bytes((root / "journal" / f"{case}.jsonl").read_bytes())
    return folder


def _recorded(call: CallId, sums: dict[str, tuple[str, int]]) -> list[Fact]:
    """Return the facts up to the merge, which was tried twice."""
    track = new_track_id()
    made = tuple(MadeFile(kind, name, *sums[name]) for name, kind in MADE.items())
    return [
        *(
            SegmentSealed(call, track, index, name, *sums[name], 1, START, START)
            for index, name in enumerate(SEGMENTS)
        ),
        *(
            EvidenceStored(new_evidence_id(), kind, name, media_type, *sums[name], 1, 1, 1, "phone")
            for name, (kind, media_type, _) in EVIDENCE.items()
        ),
        *(
            FileShared(
                call, new_seat_id(), Role.CUSTOMER, new_evidence_id(), "a", name, "text/plain", *sums[name]
            )
            for name in SHARED
        ),
        GapsAccounted("gaps.json", *sums["gaps.json"], 2.0, (), ()),
        MergeCompleted(new_job_id(), "merged.mp4", "0" * 64, 4, 1, 0, 1),
        MergeCompleted(new_job_id(), "merged.mp4", *sums["merged.mp4"], 1, 0, 1, files=made),
    ]
