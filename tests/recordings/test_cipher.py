"""The form of encrypted files: any stretch opens, nothing can be moved, cut or taken over."""

import hashlib
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import StorageError
from recordings import cipher
from recordings.cipher import CHUNK_BYTES, HEADER_BYTES, TAG_BYTES, Opener, encrypted, plain_size, stretch

_KEY = bytes(range(32))
_CONTENT = random.Random(3).randbytes(3 * CHUNK_BYTES + 5)
_SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, len(_CONTENT))


def seal(content: bytes, name: str = "a.mkv", key: bytes = _KEY) -> bytes:
    return b"".join(encrypted(key, name, hashlib.sha256(content).hexdigest(), io.BytesIO(content)))


def unseal(
    sealed: bytes, offset: int = 0, length: int | None = None, *, name: str = "a.mkv", block: int = 1 << 20
) -> bytes:
    wanted = stretch(len(sealed), offset, length)
    if wanted is None:
        return b""
    opener = Opener(_KEY, name, sealed[:HEADER_BYTES], wanted)
    part = sealed[wanted.offset : wanted.offset + wanted.length]
    plain = b"".join(opener.feed(part[at : at + block]) for at in range(0, len(part), block))
    opener.finish()
    return plain


@pytest.mark.parametrize("size", _SIZES)
def test_what_was_sealed_opens(size: int) -> None:
    """At every size around the chunks' borders; the sizes can be told from each other."""
    sealed = seal(_CONTENT[:size])
    assert unseal(sealed) == _CONTENT[:size]
    assert len(sealed) == cipher.sealed_size(size)
    assert plain_size(len(sealed)) == size


@given(
    size=st.sampled_from(_SIZES),
    offset=st.integers(0, len(_CONTENT) + 9),
    length=st.integers(0, len(_CONTENT)),
)
def test_any_stretch_opens_with_its_own_chunks_only(size: int, offset: int, length: int) -> None:
    """A stretch is what slicing gives, and no chunk is fetched that it does not touch."""
    sealed = _SEALED[size]
    assert unseal(sealed, offset, length, block=50_000) == _CONTENT[:size][offset : offset + length]
    wanted = stretch(len(sealed), offset, length)
    if wanted is not None and length:
        assert wanted.length <= (length // CHUNK_BYTES + 2) * (CHUNK_BYTES + TAG_BYTES)


_SEALED = {size: seal(_CONTENT[:size]) for size in _SIZES}


def test_the_same_file_gives_the_same_bytes_and_no_other_shares_its_key() -> None:
    """An upload can be repeated; another content, name or case has another salt."""
    salt = slice(8, HEADER_BYTES)
    assert seal(b"one") == seal(b"one")
    others = [seal(b"two"), seal(b"one", "b.mkv"), seal(b"one", key=bytes(32))]
    assert len({sealed[salt] for sealed in [seal(b"one"), *others]}) == 4


def _flip(sealed: bytes, at: int) -> bytes:
    return sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :]


@given(at=st.integers(8, len(_SEALED[CHUNK_BYTES + 1]) - 1))
def test_one_bit_anywhere_is_found(at: int) -> None:
    """In salt, chunk or tag."""
    with pytest.raises(StorageError) as caught:
        unseal(_flip(_SEALED[CHUNK_BYTES + 1], at))
    assert caught.value.code == "archive_altered"


def test_chunks_cannot_be_moved_dropped_or_cut_off() -> None:
    """Nor can a file be given another's name."""
    sealed, chunk = _SEALED[len(_CONTENT)], CHUNK_BYTES + TAG_BYTES
    head, chunks = (
        sealed[:HEADER_BYTES],
        [sealed[at : at + chunk] for at in range(HEADER_BYTES, len(sealed), chunk)],
    )
    for other in (
        [chunks[1], chunks[0], *chunks[2:]],
        chunks[1:],
        chunks[:-1],
        [*chunks[:-1], chunks[-1][:-1]],
        [chunks[0], *chunks],
    ):
        with pytest.raises(StorageError):
            unseal(head + b"".join(other))
    with pytest.raises(StorageError):
        unseal(sealed, name="b.mkv")


def test_a_store_that_breaks_off_is_not_the_end_of_the_file() -> None:
    """Bytes that never came are missed, even where a chunk ends."""
    sealed = _SEALED[2 * CHUNK_BYTES]
    wanted = stretch(len(sealed), 0, None)
    assert wanted is not None
    opener = Opener(_KEY, "a.mkv", sealed[:HEADER_BYTES], wanted)
    opener.feed(sealed[HEADER_BYTES : HEADER_BYTES + CHUNK_BYTES + TAG_BYTES])
    with pytest.raises(StorageError):
        opener.finish()


@pytest.mark.parametrize(
    "size", [0, HEADER_BYTES, HEADER_BYTES + TAG_BYTES - 1, HEADER_BYTES + CHUNK_BYTES + 20]
)
def test_no_file_has_such_a_size(size: int) -> None:
    """A size that no encryption gives is told at once."""
    with pytest.raises(StorageError):
        plain_size(size)
