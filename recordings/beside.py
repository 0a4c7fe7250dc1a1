"""What a merge leaves beside the merged file: what is in it at a glance."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from contract import codec
from contract.record_facts import MadeFile
from recordings.findings import Findings
from recordings.merge import MergePlan, MergeResult
from recordings.spool import replace_synced

POSTER_FILE = "poster.jpg"
SPRITE_FILE = "thumbs.jpg"
SPRITE_INDEX_FILE = "thumbs.json"
WAVEFORM_FILE = "waveform.json"
CHAPTERS_FILE = "chapters.json"
FINDINGS_FILE = "findings.json"


def write_beside(folder: Path, plan: MergePlan, result: MergeResult, found: Findings) -> tuple[MadeFile, ...]:
    """Write every file into ``folder``, each in one step, and return what facts tell of them. Blocks.

    Raises:
        OSError: the disk refused.
    """
    made: list[MadeFile] = []
    for kind, name, content in _contents(plan, result, found):
        replace_synced(folder / name, content)
        made.append(MadeFile(kind, name, hashlib.sha256(content).hexdigest(), len(content)))
    return tuple(made)


def _contents(plan: MergePlan, result: MergeResult, found: Findings) -> Iterator[tuple[str, str, bytes]]:
    seen = result.overview
    yield "poster", POSTER_FILE, seen.poster()
    yield "thumbnails", SPRITE_FILE, seen.sprite()
    yield "thumbnail_index", SPRITE_INDEX_FILE, seen.sprite_index(SPRITE_FILE)
    yield "waveform", WAVEFORM_FILE, seen.waveform()
    yield "chapters", CHAPTERS_FILE, codec.canonical({"chapters": codec.dump(plan.chapters)})
    yield "findings", FINDINGS_FILE, codec.canonical(codec.dump(found))
