"""Papers that are read without a record's key: what lies in the archive, and what became of it. Pure.

Both are signed like the record itself. ``sealed.json`` lists every object as it was put, with the SHA-256 of
its ciphertext, so that an outsider can tell an untouched archive without being able to read it.
``erased.json`` certifies that the key was destroyed, with the objects that it opened.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from contract import codec
from contract.errors import ProtocolError, StorageError
from contract.ids import CaseId, TenantId
from contract.ports import ArchivedObject
from recordings.manifest import ManifestFile, are_sound
from recordings.signature import Signer, check_paper

SEALED = "sealed.json"
CERTIFICATE = "erased.json"
PLAIN_PAPERS = frozenset({SEALED, CERTIFICATE})
VERSION = 1


@dataclass(frozen=True, slots=True)
class SealedList:
    """What lies in the archive under a case; ``manifest_sha256`` is that of the plain manifest."""

    version: int
    tenant: TenantId
    case: CaseId
    manifest_sha256: str
    made_at: float
    objects: tuple[ManifestFile, ...]


def dump_sealed(sealed: SealedList, signer: Signer) -> bytes:
    """Return the signed paper; the same list gives the same bytes."""
    return signer.sign_paper(codec.dump(sealed))


def load_sealed(content: bytes) -> tuple[SealedList, str]:
    """Return the list in a signed paper, and the name of the key that signed it.

    Raises:
        StorageError: ``sealed_damaged``, or as :func:`recordings.signature.check_paper`.
    """
    told, key = check_paper(content)
    try:
        # The codec bounds lists for the wire; a long call has more files than that.
        objects = tuple(codec.load(ManifestFile, one) for one in told["objects"])
        sealed = codec.load(SealedList, told | {"objects": []})
    except (KeyError, TypeError, ProtocolError) as error:
        raise StorageError("not a list of sealed objects", code="sealed_damaged") from error
    if sealed.version != VERSION or not are_sound(objects):
        raise StorageError("not a list of this version", code="sealed_damaged")
    return replace(sealed, objects=objects), key


def objects_of(stored: Mapping[str, ArchivedObject]) -> tuple[ManifestFile, ...]:
    """Return what was put, by name in the record, as papers list it."""
    return listed(ManifestFile(name, one.sha256, one.bytes) for name, one in stored.items())


def listed(objects: Iterable[ManifestFile]) -> tuple[ManifestFile, ...]:
    """Return objects in the order in which papers list them."""
    return tuple(sorted(objects, key=lambda one: one.path))
