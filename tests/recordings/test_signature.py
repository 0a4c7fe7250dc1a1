"""Signatures over records: right ones are read, everything else has a word."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contract.errors import StorageError
from contract.ids import CaseId, TenantId
from recordings.manifest import JournalHead
from recordings.signature import BYTES_MAX, Signer, Statement, check_signature, open_signer, read_public_key

STATEMENT = Statement(
    1, TenantId("tenant-1"), CaseId("case-1"), "ab" * 32, JournalHead(7, "cd" * 32), 1_700_000_000.5
)


@pytest.fixture(name="signer")
def _signer(tmp_path: Path) -> Signer:
    return open_signer(tmp_path / "keys" / "records.pem")


def word(content: bytes) -> str:
    with pytest.raises(StorageError) as caught:
        check_signature(content)
    return caught.value.code


def test_what_was_signed_is_read(signer: Signer) -> None:
    """The statement comes back, with the name of the key."""
    signed = check_signature(signer.sign(STATEMENT))
    assert (signed.statement, signed.key) == (STATEMENT, signer.key)


def test_the_key_stays(tmp_path: Path, signer: Signer) -> None:
    """It is made once, for its owner only, and found by its public half."""
    path = tmp_path / "keys" / "records.pem"
    assert open_signer(path).key == signer.key
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["records.pem"]
    (tmp_path / "public.pem").write_bytes(signer.public_pem())
    assert read_public_key(tmp_path / "public.pem") == signer.key


def test_each_flipped_bit_is_found(signer: Signer) -> None:
    """Wherever it is."""
    content = signer.sign(STATEMENT)
    for at in range(len(content)):
        flipped = bytearray(content)
        flipped[at] ^= 1 << at % 8
        assert word(bytes(flipped)) in {"signature_damaged", "signature_wrong"}, at


def test_another_statement_is_not_what_was_signed(signer: Signer) -> None:
    """Under the old signature."""
    mine = json.loads(signer.sign(STATEMENT))
    other = json.loads(signer.sign(replace(STATEMENT, manifest_sha256="ef" * 32)))
    forged = other | {"signature": mine["signature"]}
    assert word(json.dumps(forged, separators=(",", ":"), sort_keys=True).encode()) == "signature_wrong"


def test_other_forms_are_refused(signer: Signer) -> None:
    """One statement has one form; another version, spaces, a stranger's fields and length are none."""
    content = signer.sign(STATEMENT)
    assert word(json.dumps(json.loads(content)).encode()) == "signature_damaged"
    assert word(signer.sign(replace(STATEMENT, version=2))) == "signature_damaged"
    assert word(content[:-1] + b',"more":1}') == "signature_damaged"
    for other in (b"", b"[]", b"null", b"{}", b"{" * 5_000, content.ljust(BYTES_MAX + 1)):
        assert word(other) == "signature_damaged"


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    """Something else in its place, or another kind of key, is never written over."""
    path = tmp_path / "records.pem"
    rsa = generate_private_key(65_537, 2_048)
    pem = rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"no key", pem):
        path.write_bytes(content)
        with pytest.raises(StorageError) as caught:
            open_signer(path)
        assert caught.value.code == "key_unusable"
        assert path.read_bytes() == content
        with pytest.raises(StorageError):
            read_public_key(path)
    with pytest.raises(StorageError):
        open_signer(tmp_path / "records.pem" / "under-a-file")
