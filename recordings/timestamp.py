"""A time that somebody else vouches for: an RFC 3161 token over the record's signature.

The signature holds manifest and journal; the token holds the signature. So what it says was there at the
authority's time, however the bank's own clock went. The token is kept as the authority sent it, and is
checked offline with the authority's root certificate.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import urllib3
from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from urllib3.exceptions import HTTPError

from contract.errors import StorageError

# A token with a chain of certificates is a few kilobytes.
BYTES_MAX = 65_536
_GRANTED = 200


@dataclass(frozen=True, slots=True)
class Stamped:
    """What a token says: the authority's time (seconds UTC), and whether its certificate was checked."""

    at: float
    trusted: bool


def read_roots(path: Path) -> tuple[Certificate, ...]:
    """Return the certificates in a PEM file. Blocks. Raises StorageError."""
    try:
        return tuple(load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise StorageError(f"{path} holds no certificates", code="key_unusable") from error


def ask_for_timestamp(url: str, content: bytes, timeout_s: float = 20.0) -> bytes:
    """Return the authority's token over ``content``, as it came (RFC 3161, section 3.4). Blocks.

    Raises:
        StorageError: ``timestamp_unreachable``, or ``timestamp_refused`` for what is no token of ours.
    """
    request = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    try:
        with urllib3.PoolManager(timeout=timeout_s, retries=False) as pool:
            answer = pool.request("POST", url, body=request.as_bytes(), headers=headers)
    except HTTPError as error:
        raise StorageError("the time authority cannot be reached", code="timestamp_unreachable") from error
    if answer.status != _GRANTED or len(answer.data) > BYTES_MAX:
        raise StorageError(f"the time authority answers {answer.status}", code="timestamp_refused")
    response = _decoded(answer.data, "timestamp_refused")
    if response.tst_info.nonce != request.nonce:
        raise StorageError("the time authority answers another question", code="timestamp_refused")
    check_timestamp(answer.data, content, ())
    return answer.data


def check_timestamp(token: bytes, content: bytes, roots: Sequence[Certificate]) -> Stamped:
    """Return what ``token`` says of ``content``; without ``roots`` nobody is known to have said it.

    Raises:
        StorageError: ``timestamp_damaged``, it is no token; ``timestamp_of_another_record``;
            ``timestamp_wrong``, no authority under these roots made it.
    """
    response = _decoded(token if len(token) <= BYTES_MAX else b"", "timestamp_damaged")
    info = response.tst_info
    digest = hashlib.sha256(content).digest()
    if info.message_imprint.message != digest:
        raise StorageError("the token is over something else", code="timestamp_of_another_record")
    if roots:
        _require_trusted(response, digest, roots)
    return Stamped(info.gen_time.timestamp(), bool(roots))


def _decoded(token: bytes, code: str) -> TimeStampResponse:
    try:
        response = decode_timestamp_response(token)
        _ = response.tst_info.gen_time
    except (ValueError, TypeError) as error:
        raise StorageError("not a timestamp", code=code) from error
    return response


def _require_trusted(response: TimeStampResponse, digest: bytes, roots: Sequence[Certificate]) -> None:
    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify(response, digest)
    except (VerificationError, ValueError) as error:
        raise StorageError("no authority under these roots made it", code="timestamp_wrong") from error
