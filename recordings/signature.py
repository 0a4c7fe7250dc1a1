"""Who vouches for a record: an Ed25519 signature (RFC 8032) over its manifest and the head of its journal.

The manifest names every file by its hash and the journal's head every fact before it, so one signature
holds the whole record. It is a file of its own beside the manifest: canonical JSON of the statement, the
signer's public key and the signature over the statement's canonical bytes. A signature says that the key's
owner made it; whose key that is, whoever verifies must know from elsewhere.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from contract import codec
from contract.errors import ProtocolError, StorageError
from contract.ids import CaseId, TenantId
from recordings.manifest import JournalHead
from recordings.spool import create_first

RECORD_SIGNATURE = "signature.json"
EXPORT_SIGNATURE = "export.json"
SIGNATURES = (RECORD_SIGNATURE, EXPORT_SIGNATURE)
# Who else vouches for the time of the record's signature; see ``recordings.timestamp``.
TIMESTAMP = "timestamp.tsr"
PAPERS = (*SIGNATURES, TIMESTAMP)
VERSION = 1
# A statement has a fixed form; what is longer is none, and is not read.
BYTES_MAX = 16_384


@dataclass(frozen=True, slots=True)
class Statement:
    """What is signed: this manifest, with the journal up to this entry, at this time (seconds UTC)."""

    version: int
    tenant: TenantId
    case: CaseId
    manifest_sha256: str
    journal: JournalHead
    signed_at: float


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement whose signature is right. ``key`` is the SHA-256 of the raw public key, in hex."""

    statement: Statement
    key: str


class Signer:
    """Signs with one key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def key(self) -> str:
        """Return the SHA-256 of the raw public key, in hex."""
        return key_name(self._public)

    def public_pem(self) -> bytes:
        """Return the public key for those who verify, as PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def sign(self, statement: Statement) -> bytes:
        """Return the content of a signature file."""
        return self.sign_paper(codec.dump(statement))

    def sign_paper(self, told: Any) -> bytes:
        """Return a paper that states ``told``, a JSON value, in its one byte form."""
        signature = self._key.sign(codec.canonical(told))
        return codec.canonical(
            {"statement": told, "public_key": _text(self._public), "signature": _text(signature)}
        )


def key_name(public: bytes) -> str:
    """Return the name by which a raw public key is known."""
    return hashlib.sha256(public).hexdigest()


def open_signer(path: Path) -> Signer:
    """Return the signer whose key lies in ``path``; it is made, owner only, when there is none. Blocks.

    Raises:
        StorageError: the file holds no Ed25519 key, or cannot be read or written.
    """
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = Ed25519PrivateKey.generate()
            pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            create_first(path, pem)
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(f"{path} holds no usable key", code="key_unusable") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise StorageError(f"{path} holds another kind of key than Ed25519", code="key_unusable")
    return Signer(key)


def read_public_key(path: Path) -> str:
    """Return the name of the Ed25519 public key in a PEM file. Blocks. Raises StorageError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(f"{path} holds no public key", code="key_unusable") from error
    if not isinstance(key, Ed25519PublicKey):
        raise StorageError(f"{path} holds another kind of key than Ed25519", code="key_unusable")
    return key_name(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def check_signature(content: bytes) -> Signed:
    """Return what a signature file states.

    Raises:
        StorageError: ``signature_damaged``, it is none in its one byte form; ``signature_wrong``, the key
            did not sign this.
    """
    told, key = check_paper(content if len(content) <= BYTES_MAX else b"")
    try:
        statement = codec.load(Statement, told)
    except ProtocolError as error:
        raise StorageError("not a signature", code="signature_damaged") from error
    if statement.version != VERSION or codec.dump(statement) != told:
        raise StorageError("not a signature of this version", code="signature_damaged")
    return Signed(statement, key)


def check_paper(content: bytes) -> tuple[Any, str]:
    """Return what a signed paper states, and the name of the key that signed it.

    Raises:
        StorageError: ``signature_damaged``, it is none in its one byte form; ``signature_wrong``, the key
            did not sign this.
    """
    try:
        paper = json.loads(content)
        told, public, signature = paper["statement"], _bytes(paper["public_key"]), _bytes(paper["signature"])
        whole = codec.canonical(
            {"statement": told, "public_key": _text(public), "signature": _text(signature)}
        )
        key = Ed25519PublicKey.from_public_bytes(public)
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise StorageError("not a signature", code="signature_damaged") from error
    if whole != content:
        raise StorageError("not a signature in its one form", code="signature_damaged")
    try:
        key.verify(signature, codec.canonical(told))
    except InvalidSignature as error:
        raise StorageError("the key did not sign this", code="signature_wrong") from error
    return told, key_name(public)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
