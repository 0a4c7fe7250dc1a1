"""The certificate of deletion: what was destroyed, by which rules, by whom. Pure.

It is a signed paper (``recordings.signature``) with the record key: who trusts that key knows that the
objects listed, by the hashes of their ciphertext, can no longer be read by anybody.
"""

from dataclasses import dataclass, replace

from contract import codec
from contract.errors import ProtocolError, StorageError
from contract.ids import CaseId, TenantId
from recordings.manifest import ManifestFile, are_sound
from recordings.retention import Applied
from recordings.signature import Signer, check_paper

VERSION = 1


@dataclass(frozen=True, slots=True)
class Certificate:
    """``objects`` are what the key opened, as they lay in the archive; ``encrypted`` False: they lay plain.

    ``rules`` are those of retention that had ended, ``due_at`` (seconds UTC) when the last one did. ``head``
    is the hash of the journal's last entry, which whoever kept a copy can recognise it by.
    """

    version: int
    tenant: TenantId
    case: CaseId
    erased_at: float
    by: str
    reason: str
    due_at: float
    head: str
    encrypted: bool
    rules: tuple[Applied, ...] = ()
    objects: tuple[ManifestFile, ...] = ()


def dump_certificate(certificate: Certificate, signer: Signer) -> bytes:
    """Return the signed paper."""
    return signer.sign_paper(codec.dump(certificate))


def load_certificate(content: bytes) -> tuple[Certificate, str]:
    """Return the certificate in a signed paper, and the name of the key that signed it.

    Raises:
        StorageError: ``certificate_damaged``, or as :func:`recordings.signature.check_paper`.
    """
    told, key = check_paper(content)
    try:
        # The codec bounds lists for the wire; a long call has more files than that.
        objects = tuple(codec.load(ManifestFile, one) for one in told["objects"])
        certificate = codec.load(Certificate, told | {"objects": []})
    except (KeyError, TypeError, ProtocolError) as error:
        raise StorageError("not a certificate", code="certificate_damaged") from error
    if certificate.version != VERSION or not are_sound(objects):
        raise StorageError("not a certificate of this version", code="certificate_damaged")
    return replace(certificate, objects=objects), key
