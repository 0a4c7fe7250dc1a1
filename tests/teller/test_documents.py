"""What is read of a document as the contract has it, and the verdict over its sides."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from contract.identity_facts import ReadField, Signal
from contract.identity_ports import Claim, DocumentSide, DocumentVerdict, PortraitsFinding
from contract.phases import CheckVerdict, DocumentKind
from kyc.card_fields import CardReading, Field, Side
from kyc.card_jobs import CardInspected, CardRead, CopySigns, ReadCard
from kyc.documents import check_character
from kyc.mrz import Mrz, MrzFormat
from kyc.portrait_jobs import ComparePortraits
from teller.documents import ZONE_ERRORS, Documents, finding_of, judge

ON = date(2026, 11, 1)
# Region, birth and order of nobody; the check character is worked out.
NUMBER = "110105198001010011"[:17]
NUMBER += check_character(NUMBER)
FRONT = {"name": "李四", "sex": "男", "nation": "汉", "born": "1980-01-01", "number": NUMBER}
BACK = {"authority": "某某公安局", "issued": "2020-05-01", "expires": "2040-05-01"}
ZONE = {
    "surname": "LI", "given_names": "SI", "number": "E12345678", "nationality": "CHN",
    "born": "1980-01-01", "sex": "M", "expires": "2030-01-01",
}  # fmt: skip


def side_of(fields: dict[str, str], confidence: dict[str, float] | None = None) -> DocumentSide:
    """Return a side as it was read: surely, where ``confidence`` says nothing else."""
    side = "unknown"
    if fields:
        side = "zone" if "nationality" in fields or "given_names" in fields else "front"
        side = "back" if {"authority", "expires"} & fields.keys() and side == "front" else side
    sure = confidence or {}
    return DocumentSide(
        side, tuple(ReadField(name, text, sure.get(name, 0.99)) for name, text in fields.items())
    )


PASSED, REVIEW, FAILED = CheckVerdict.PASSED, CheckVerdict.REVIEW, CheckVerdict.FAILED


@pytest.mark.parametrize(
    ("sides", "entered", "verdict", "words"),
    [
        ((FRONT, BACK), {"name": "李四", "number": NUMBER}, PASSED, ()),
        ((FRONT, BACK), {}, PASSED, ()),
        ((BACK, FRONT), {"name": "李 四"}, PASSED, ()),
        ((FRONT, BACK), {"name": "王五"}, FAILED, ("name_differs",)),
        ((FRONT,), {}, REVIEW, ("back_missing",)),
        ((BACK,), {}, REVIEW, ("front_missing",)),
        ((), {}, REVIEW, ("nothing_read",)),
        (({},), {}, REVIEW, ("nothing_read",)),
        ((FRONT, {}), {}, REVIEW, ("back_missing",)),
        ((FRONT, BACK | {"expires": "long"}), {}, REVIEW, ("term_unlike_age",)),
        ((FRONT, BACK | {"expires": "2025-05-01"}), {}, FAILED, ("expired", "term_unlike_age")),
        ((FRONT, BACK | {"issued": "", "expires": "2025-05-01"}), {}, FAILED, ("expired", "issued_missing")),
        ((FRONT, BACK | {"issued": "", "expires": "long"}), {}, REVIEW, ("issued_missing",)),
        ((FRONT, BACK | {"issued": "tomorrow"}), {}, REVIEW, ("unreadable_issued",)),
        ((FRONT | {"born": "1980-13-01"}, BACK), {}, REVIEW, ("unreadable_born",)),
        ((FRONT | {"sex": "女"}, BACK), {}, FAILED, ("sex_differs_from_number",)),
        ((FRONT | {"number": NUMBER[:-1] + "?"}, BACK), {}, FAILED, ("number_form",)),
        ((ZONE,), {"name": "李四", "number": NUMBER}, PASSED, ()),
        ((ZONE,), {"name": "Si Li"}, FAILED, ("name_differs_from_mrz",)),
        ((ZONE,), {"name": "Li Si"}, PASSED, ()),
        ((ZONE | {"born": "1981-01-01"},), {"number": NUMBER}, FAILED, ("birth_differs_from_mrz",)),
        ((ZONE | {"expires": "2026-01-01"},), {}, FAILED, ("expired",)),
        ((ZONE | {ZONE_ERRORS: "number_check name"},), {}, REVIEW, ("mrz_number_check", "mrz_name")),
        ((ZONE | {ZONE_ERRORS: ""},), {"number": "nonsense"}, PASSED, ()),
        ((ZONE, FRONT, BACK), {}, PASSED, ()),
        ((ZONE | {"sex": "F"}, FRONT, BACK), {}, FAILED, ("sex_differs_from_mrz",)),
    ],
)
def test_sides_are_judged_together(
    sides: tuple[dict[str, str], ...], entered: dict[str, str], verdict: CheckVerdict, words: tuple[str, ...]
) -> None:
    """Against each other, the rules and what was entered; what only may be a misreading is for a person."""
    assert judge([side_of(fields) for fields in sides], entered, ON) == DocumentVerdict(verdict, words)


@pytest.mark.parametrize(
    ("fields", "needed"),
    [
        (FRONT, ("name", "number", "born")),
        (BACK, ("issued", "expires")),
        (ZONE, ("number", "born", "expires")),
    ],
)
def test_a_document_that_was_hardly_read_does_not_pass(
    fields: dict[str, str], needed: tuple[str, ...]
) -> None:
    """A person looks at what the side needs and was not read, or not surely; the rest may be missing."""
    others = [side_of(one) for one in (FRONT, BACK) if fields is not ZONE and one is not fields]
    for name in fields:
        lost = side_of({key: value for key, value in fields.items() if key != name})
        unsure = side_of(fields, {name: 0.79})
        for side, word in ((lost, f"{name}_missing"), (unsure, f"{name}_doubtful")):
            words = (word,) if name in needed else ()
            verdict = REVIEW if words else PASSED
            assert judge([side, *others], {}, ON) == DocumentVerdict(verdict, words)
    assert judge([side_of(fields, dict.fromkeys(fields, 0.8)), *others], {}, ON).verdict is PASSED


@pytest.mark.parametrize("finding", ["no_edge", "blurred", "glare", "too_dark", "too_bright", "too_small"])
def test_faults_of_the_photo_count(finding: str) -> None:
    """Whatever the reader made of it, a person looks; what is wrong besides is told as well."""
    back = replace(side_of(BACK), findings=(finding,))
    assert judge([side_of(FRONT), back], {}, ON) == DocumentVerdict(REVIEW, (f"photo_{finding}",))
    wrong = judge([side_of(FRONT), back], {"name": "王五"}, ON)
    assert wrong == DocumentVerdict(FAILED, ("name_differs", f"photo_{finding}"))


FOUND = CardRead(
    inspected=CardInspected(("glare",), ((0, 0), (1, 0), (1, 1), (0, 1)), 100, 120, 0.1, 800),
    reading=CardReading(Side.FRONT, {"name": Field("李四", 0.9)}),
    copy=CopySigns(0.4, 0.0),
    picture=b"jpeg",
    engine="engine",
    seconds=0.5,
)


def zone(form: MrzFormat, errors: tuple[str, ...] = ()) -> CardRead:
    mrz = Mrz(form, "P", "CHN", "E1", "LI", "SI", "CHN", "M", None, None, (), errors)
    return replace(FOUND, reading=CardReading(Side.ZONE, {"number": Field("E1", 0.5)}, mrz))


def test_a_reading_is_handed_on() -> None:
    """Fields, what is wrong with the photo, advisory signs with something to see, the picture, the models."""
    found = finding_of(FOUND)
    assert (found.side, found.kind, found.findings, found.picture) == ("front", "cn_id", ("glare",), b"jpeg")
    assert found.fields == (ReadField("name", "李四", 0.9),)
    assert found.advisory == (Signal("raster", 0.4, "repeating_pattern"),)
    assert all(len(model.sha256) == 64 for model in found.models) and len(found.models) == 2


def test_a_card_that_was_not_found_has_no_picture() -> None:
    found = finding_of(replace(FOUND, inspected=CardInspected((), (), 1, 1, 0, 0), copy=None))
    assert found.picture is None and found.advisory == ()


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        (MrzFormat.TD1, DocumentKind.TD1),
        (MrzFormat.TD3, DocumentKind.TD3),
        (MrzFormat.TD2, DocumentKind.UNKNOWN),
    ],
)
def test_a_zone_tells_its_document(form: MrzFormat, kind: DocumentKind) -> None:
    """Its wrong check digits are a field, so that the verdict knows and an agent can overrule it."""
    assert finding_of(zone(form)).kind is kind
    assert finding_of(zone(form, ("number_check", "name"))).fields[-1] == ReadField(
        ZONE_ERRORS, "number_check name", 1.0
    )
    unknown = replace(FOUND, reading=CardReading(Side.UNKNOWN, {}))
    assert finding_of(unknown).kind is DocumentKind.UNKNOWN


class Scripted:
    """Answers jobs from a list."""

    def __init__(self, *replies: Any) -> None:
        self.replies, self.jobs = list(replies), list[Any]()

    async def ask(self, job: Any) -> Any:
        self.jobs.append(job)
        return self.replies.pop(0)


async def test_what_is_no_card_is_read_as_a_page() -> None:
    """A passport's page has another shape; when that says nothing either, the first reading stands."""
    unknown = replace(FOUND, reading=CardReading(Side.UNKNOWN, {}))
    engine = Scripted(unknown, zone(MrzFormat.TD3), FOUND, unknown, unknown)
    documents = Documents(engine)  # type: ignore[arg-type]
    assert (await documents.read_document(b"1", ON)).kind is DocumentKind.TD3
    assert (await documents.read_document(b"2", ON)).side == "front"
    assert (await documents.read_document(b"3", ON)).side == "unknown"
    asked = [(job.data, job.page) for job in engine.jobs]
    assert asked == [(b"1", False), (b"1", True), (b"2", False), (b"3", False), (b"3", True)]
    assert all(isinstance(job, ReadCard) and job.on == ON for job in engine.jobs)


async def test_three_pictures_are_compared_by_the_models() -> None:
    reply = PortraitsFinding((), 1, (), 0.5, 0.4, "", (), PASSED, "", None, None)
    engine = Scripted(reply, reply)
    documents = Documents(engine)  # type: ignore[arg-type]
    assert await documents.compare_portraits(b"card", [b"still"], b"reference") is reply
    assert await documents.compare_portraits(b"card", [b"still"], None, b"seen") is reply
    assert engine.jobs == [
        ComparePortraits(b"card", (b"still",), b"reference"),
        ComparePortraits(b"card", (b"still",), None, b"seen"),
    ]
    assert (await documents.judge_document([side_of(FRONT), side_of(BACK)], {}, ON)).verdict is PASSED


def test_what_a_registry_says_is_held_against_the_card() -> None:
    """Another name or number fails it; a query about another is a doubt, which asking again takes away."""
    sides = [side_of(FRONT), side_of(BACK)]
    same = Claim("李四", NUMBER, "李四", NUMBER)
    assert judge(sides, {}, ON, [same]) == judge(sides, {}, ON)
    other = judge(sides, {}, ON, [same, replace(same, name="李肆")])
    assert (other.verdict, other.failures) == (FAILED, ("name_differs_from_registry",))
    asked = judge(sides, {}, ON, [Claim("李四", NUMBER[:-1] + "9")])
    assert (asked.verdict, asked.failures) == (REVIEW, ("number_differs_from_query",))


def test_a_passport_is_held_against_a_registry_by_its_name() -> None:
    """Its number is another than the resident's; a name in other letters is not compared."""
    assert judge([side_of(ZONE)], {}, ON, [Claim("李四", NUMBER, "李四", NUMBER)]).failures == ()
    other = judge([side_of(ZONE)], {}, ON, [Claim("Wang Wu", NUMBER)])
    assert other.failures == ("name_differs_from_query",)
