"""The keys of records: one for each case, kept in the database, wrapped by one master key that is not.

Wrapping is AES-256-GCM with a random nonce, bound to tenant and case: a wrapped key opens nothing but its
own case. Who destroys the wrapped key has erased the case, wherever its ciphertext lies.
"""

import hashlib
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contract.errors import NotFound, StorageError
from contract.ids import CaseId, TenantId
from contract.ports import KeyStore, WrappedKey
from recordings.cipher import KEY_BYTES
from recordings.spool import create_first

_NONCE_BYTES = 12


class MasterKey:
    """Wraps and unwraps with one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self.name = hashlib.sha256(b"teller master key\0" + key).hexdigest()[:16]

    def wrap(self, tenant: TenantId, case: CaseId, key: bytes) -> WrappedKey:
        """Return ``key`` for the database."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return WrappedKey(self.name, nonce + self._cipher.encrypt(nonce, key, _bound(tenant, case)))

    def unwrap(self, tenant: TenantId, case: CaseId, key: WrappedKey) -> bytes:
        """Return the case's key.

        Raises:
            StorageError: ``master_key_other``, another master key wrapped it; ``case_key_damaged``.
        """
        if key.master != self.name:
            raise StorageError(
                f"this record's key is wrapped by master key {key.master}, not {self.name}",
                code="master_key_other",
            )
        nonce, wrapped = key.wrapped[:_NONCE_BYTES], key.wrapped[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, wrapped, _bound(tenant, case))
        except (InvalidTag, ValueError) as error:
            raise StorageError("the record's key is damaged", code="case_key_damaged") from error


def _bound(tenant: TenantId, case: CaseId) -> bytes:
    return f"{tenant}/{case}".encode()


def open_master_key(path: Path) -> MasterKey:
    """Return the master key in ``path``, 32 bytes; made, owner only, when there is none. Blocks.

    Raises:
        StorageError: the file holds no such key, or cannot be read or written.
    """
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            create_first(path, secrets.token_bytes(KEY_BYTES))
        key = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}", code="key_unusable") from error
    if len(key) != KEY_BYTES:
        raise StorageError(f"{path} holds no key of {KEY_BYTES} bytes", code="key_unusable")
    return MasterKey(key)


class CaseKeys:
    """The keys of all cases. Nothing is remembered, so that a key that was destroyed opens nothing."""

    def __init__(self, master: MasterKey, store: KeyStore) -> None:
        self._master, self._store = master, store

    async def of_writer(self, tenant: TenantId, case: CaseId) -> bytes:
        """Return the case's key; it gets one if it has none. Raises NotFound ``erased``."""
        found = await self._store.keeping(case)
        if found is None or (found.key is None and found.erased_at is None):
            made = self._master.wrap(tenant, case, secrets.token_bytes(KEY_BYTES))
            found = await self._store.add_key(case, tenant, made)
        return self._open(tenant, case, found.key)

    async def of_reader(self, tenant: TenantId, case: CaseId) -> bytes:
        """Return the case's key. Raises NotFound ``erased`` when there is none any more."""
        found = await self._store.keeping(case)
        return self._open(tenant, case, found.key if found else None)

    def _open(self, tenant: TenantId, case: CaseId, key: WrappedKey | None) -> bytes:
        if key is None:
            raise NotFound("the key of this record was destroyed", code="erased")
        return self._master.unwrap(tenant, case, key)
