"""The list of what lies in the archive: signed, in one form, and refused when it is anything else."""

import json
from pathlib import Path
from typing import Any

import pytest

from contract import codec
from contract.errors import StorageError
from contract.ids import CaseId, TenantId, new_case_id
from contract.ports import ArchivedObject
from recordings.papers import SealedList, dump_sealed, load_sealed, objects_of
from recordings.signature import Signer, open_signer


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return open_signer(tmp_path / "records.pem")


def _list(case: CaseId, count: int) -> SealedList:
    stored = {f"t/{n:05d}.mkv": ArchivedObject("", n, f"{n:064x}") for n in reversed(range(count))}
    return SealedList(1, TenantId("t"), case, "0" * 64, 1.5, objects_of(stored))


def test_it_comes_back_whole_and_signed(signer: Signer) -> None:
    """Also with more objects than a wire message may have; the same list gives the same bytes."""
    sealed = _list(new_case_id(), 2_000)
    content = dump_sealed(sealed, signer)
    assert load_sealed(content) == (sealed, signer.key)
    assert dump_sealed(sealed, signer) == content


def _code(content: bytes) -> str:
    with pytest.raises(StorageError) as caught:
        load_sealed(content)
    return caught.value.code


def test_what_is_changed_or_none_is_refused(signer: Signer) -> None:
    """Another hash under the old signature, another shape under a right one, another form of the same."""
    case = new_case_id()
    content = dump_sealed(_list(case, 2), signer)
    assert _code(content.replace(b"0" * 63 + b"1", b"0" * 63 + b"2")) == "signature_wrong"
    assert _code(content + b"\n") == "signature_damaged"
    assert _code(b"{}") == "signature_damaged"
    told = codec.dump(_list(case, 2))
    wrongs: list[Any] = [
        told | {"version": 2},
        told | {"objects": None},
        told | {"objects": [*told["objects"], *told["objects"]]},
        {key: value for key, value in told.items() if key != "objects"},
        [],
    ]
    for wrong in wrongs:
        assert _code(signer.sign_paper(wrong)) == "sealed_damaged"
    assert json.loads(content)["statement"] == told
