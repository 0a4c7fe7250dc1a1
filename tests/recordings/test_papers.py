"""The list of what lies in the archive: signed, in one form, and refused when it is anything else."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contract import codec
from contract.errors import StorageError
from contract.ids import CaseId, TenantId, new_case_id
from contract.ports import ArchivedObject
from recordings.erasure import Certificate, dump_certificate, load_certificate
from recordings.manifest import ManifestFile
from recordings.papers import SealedList, dump_sealed, load_sealed, objects_of
from recordings.retention import Applied, Since
from recordings.signature import Signer, open_signer
from recordings.verify import Found
from recordings.verify_sealed import judge_certificate


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


def _code(content: bytes, load: Callable[[bytes], object] = load_sealed) -> str:
    with pytest.raises(StorageError) as caught:
        load(content)
    return caught.value.code


def test_certificates_come_back_whole_and_what_is_none_is_refused(signer: Signer) -> None:
    """With the rules that allowed the deletion, and any number of objects."""
    objects = _list(new_case_id(), 1_500).objects
    rules = (Applied("identity", 120, Since.RELATIONSHIP, 5.5), Applied("open", 1, Since.VERDICT, None))
    made = Certificate(
        1, TenantId("t"), new_case_id(), 9.5, "clerk", "due", 5.5, "ab" * 32, True, rules, objects
    )
    assert load_certificate(dump_certificate(made, signer)) == (made, signer.key)
    told = codec.dump(replace(made, objects=objects[:2]))
    assert _code(b"{}", load_certificate) == "signature_damaged"
    wrongs: list[Any] = [told | {"version": 2}, told | {"objects": None}, told | {"rules": [1]}, "text"]
    for wrong in wrongs:
        assert _code(signer.sign_paper(wrong), load_certificate) == "certificate_damaged"


def test_what_an_erasure_left_is_held_against_its_certificate(signer: Signer) -> None:
    """What is gone is gone; what the archive still locks must be what was certified, and nothing else."""
    kept, gone = ManifestFile("a.jpg", "aa" * 32, 7), ManifestFile("b.mkv", "bb" * 32, 9)
    case = new_case_id()
    made = Certificate(1, TenantId("t"), case, 9.5, "clerk", "due", 5.5, "ab" * 32, True, (), (kept, gone))
    paper = dump_certificate(made, signer)
    papers = {"erased.json": Found("cc" * 32, 1), "sealed.json": Found("dd" * 32, 1)}
    sound = judge_certificate(case, paper, {**papers, "a.jpg": Found(kept.sha256, 7)})
    assert sound.intact
    assert (sound.certificate, sound.signatures[0].key) == (made, signer.key)
    assert judge_certificate(None, paper, {}).intact
    for name, found, verdict in (
        ("a.jpg", Found(kept.sha256, 6), "truncated"),
        ("a.jpg", Found("ee" * 32, 7), "altered"),
        ("c.jpg", Found(kept.sha256, 7), "extra"),
    ):
        assert [one.verdict.value for one in judge_certificate(case, paper, {name: found}).files] == [verdict]
    assert judge_certificate(new_case_id(), paper, {}).problems == ("certificate_of_another_case",)
    assert judge_certificate(case, paper[:-9], {}).problems == ("signature_damaged",)


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
