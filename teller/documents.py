"""Documents and portraits as signaling asks for them: ``contract.identity_ports.DocumentChecks``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from contract.identity_facts import ModelUsed, ReadField, Signal
from contract.identity_ports import (
    Claim,
    DocumentFinding,
    DocumentSide,
    DocumentVerdict,
    PortraitsFinding,
    TiltFinding,
)
from contract.phases import CheckVerdict, DocumentKind
from kyc.card_fields import LONG, CardReading, Side
from kyc.card_jobs import CardRead, CopySigns, MeasureTilt, ReadCard
from kyc.consistency import Identity, claim_disagreements, disagreements, mrz_disagreements
from kyc.documents import Validity, check_id_number, number_sex
from kyc.engine import Engine
from kyc.mrz import Mrz, MrzFormat
from kyc.portrait_jobs import ComparePortraits
from kyc.registry import OCR_DETECTION, OCR_RECOGNITION

ZONE_ERRORS = "zone_errors"
"""A field of our own beside those of the zone: its check digits that are wrong, as words with spaces."""

_KINDS = {MrzFormat.TD1: DocumentKind.TD1, MrzFormat.TD3: DocumentKind.TD3}
# What a misread character does as easily as a forger, or what is rare but right: a person looks.
_DOUBTS = ("term_", "mrz_", "nothing_read", "unreadable_", "photo_")
_DOUBTFUL = ("_missing", "_doubtful", "_from_query")
# Without these of a side nobody can be told from another, or an expired document from one that holds.
NEEDED: Mapping[Side, tuple[str, ...]] = {
    Side.FRONT: ("name", "number", "born"),
    Side.BACK: ("issued", "expires"),
    Side.ZONE: ("number", "born", "expires"),
    Side.UNKNOWN: (),
}
# The desk marks what lies below as well; the recogniser's own figure, not calibrated.
CONFIDENT = 0.8
_MODELS = tuple(ModelUsed(model.file, model.sha256) for model in (OCR_DETECTION, OCR_RECOGNITION))


class Documents:
    """Implements the port over the model process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def read_document(self, data: bytes, on: date) -> DocumentFinding:
        """See the port."""
        read = await self._engine.ask(ReadCard(data, on))
        if read.reading.side is Side.UNKNOWN:
            # A passport's page is taller than a card, and does not fit into its shape.
            page = await self._engine.ask(ReadCard(data, on, page=True))
            read = page if page.reading.side is not Side.UNKNOWN else read
        return finding_of(read)

    async def judge_document(
        self,
        sides: Sequence[DocumentSide],
        entered: Mapping[str, str],
        on: date,
        claims: Sequence[Claim] = (),
    ) -> DocumentVerdict:
        """See the port."""
        return judge(sides, entered, on, claims)

    async def compare_portraits(
        self, card: bytes, stills: Sequence[bytes], reference: bytes | None, video: bytes | None = None
    ) -> PortraitsFinding:
        """See the port."""
        return await self._engine.ask(ComparePortraits(card, tuple(stills), reference, video))

    async def measure_tilt(self, pictures: Sequence[bytes]) -> TiltFinding:
        """See the port."""
        return await self._engine.ask(MeasureTilt(tuple(pictures)))


def finding_of(read: CardRead) -> DocumentFinding:
    """Return what was read as the contract has it."""
    reading = read.reading
    fields = [ReadField(name, field.value, field.confidence) for name, field in reading.fields.items()]
    if reading.mrz is not None and reading.mrz.errors:
        fields.append(ReadField(ZONE_ERRORS, " ".join(reading.mrz.errors), 1.0))
    return DocumentFinding(
        side=reading.side.value,
        kind=_kind(reading),
        fields=tuple(fields),
        findings=read.inspected.findings,
        advisory=_advisory(read.copy),
        picture=read.picture if read.inspected.corners else None,
        models=_MODELS,
    )


def _kind(reading: CardReading) -> DocumentKind:
    if reading.mrz is not None:
        return _KINDS.get(reading.mrz.format, DocumentKind.UNKNOWN)
    return DocumentKind.UNKNOWN if reading.side is Side.UNKNOWN else DocumentKind.CN_ID


def _advisory(copy: CopySigns | None) -> tuple[Signal, ...]:
    if copy is None:
        return ()
    signs = (Signal("raster", copy.raster, "repeating_pattern"), Signal("grey", copy.grey, "no_colour"))
    return tuple(sign for sign in signs if sign.score > 0)


def judge(
    sides: Sequence[DocumentSide], entered: Mapping[str, str], on: date, claims: Sequence[Claim] = ()
) -> DocumentVerdict:
    """Judge a document's sides as the port says; pure. Words are those of ``kyc.consistency``.

    Also ``nothing_read``, ``front_missing``, ``back_missing``, ``unreadable_`` before a day's field,
    ``_missing`` and ``_doubtful`` after a field that the side needs, and ``photo_`` before what is wrong
    with a photo. All of these are REVIEW, and so is a source that was asked about somebody else than the
    document names: it can be asked again.
    """
    front, back, zone = (_merged(sides, side) for side in (Side.FRONT, Side.BACK, Side.ZONE))
    failures: list[str] = []
    if front or back:
        failures += _card_failures(front, back, entered, on)
    if zone:
        failures += _zone_failures(zone, front, entered, on)
    if not (front or back or zone):
        failures.append("nothing_read")
    bearer = _bearer(front, zone)
    failures += (word for claim in claims for word in claim_disagreements(bearer, claim))
    failures += (word for side in sides for word in _hardly_read(side))
    words = tuple(dict.fromkeys(failures))
    if not words:
        return DocumentVerdict(CheckVerdict.PASSED, ())
    doubtful = all(word.startswith(_DOUBTS) or word.endswith(_DOUBTFUL) for word in words)
    return DocumentVerdict(CheckVerdict.REVIEW if doubtful else CheckVerdict.FAILED, words)


def _bearer(front: Mapping[str, str], zone: Mapping[str, str]) -> Identity:
    if front:
        return Identity(name=front.get("name", ""), number=front.get("number", ""))
    # A passport has a number of its own, which registries of residents are not asked about.
    return Identity(name=f"{zone.get('surname', '')} {zone.get('given_names', '')}".strip())


def _hardly_read(side: DocumentSide) -> Iterator[str]:
    read = {field.name: field for field in side.fields if field.pii_value}
    # Of a side without a word it is said that it is missing, and no more.
    for name in NEEDED[Side(side.side)] if read else ():
        if name not in read:
            yield f"{name}_missing"
        elif read[name].confidence < CONFIDENT:
            yield f"{name}_doubtful"
    yield from (f"photo_{finding}" for finding in side.findings)


def _merged(sides: Sequence[DocumentSide], wanted: Side) -> dict[str, str]:
    fields = (field for side in sides if side.side == wanted for field in side.fields)
    return {field.name: field.pii_value for field in fields if field.pii_value}


def _card_failures(
    front: Mapping[str, str], back: Mapping[str, str], entered: Mapping[str, str], on: date
) -> list[str]:
    missing = [f"{name}_missing" for name, side in (("front", front), ("back", back)) if not side]
    unreadable: list[str] = []
    form = Identity(name=entered.get("name", ""), number=entered.get("number", ""))
    validity = _validity(back, unreadable)
    found = disagreements(_identity(front, unreadable), on, form=form, validity=validity)
    return [*missing, *unreadable, *found, *([] if validity else _expired(back, on))]


def _identity(fields: Mapping[str, str], unreadable: list[str]) -> Identity:
    born = _day(fields, "born", unreadable)
    return Identity(fields.get("name", ""), fields.get("sex", ""), born, fields.get("number", ""))


def _validity(back: Mapping[str, str], unreadable: list[str]) -> Validity | None:
    issued = _day(back, "issued", unreadable)
    if back.get("expires") == LONG:
        return Validity(issued, None) if issued else None
    expires = _day(back, "expires", unreadable)
    return Validity(issued, expires) if issued and expires else None


def _expired(back: Mapping[str, str], on: date) -> list[str]:
    """Tell that the card is over, also where nobody could read since when it holds."""
    expires = _day(back, "expires", [])
    return ["expired"] if expires is not None and expires < on else []


def _day(fields: Mapping[str, str], name: str, unreadable: list[str]) -> date | None:
    text = fields.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        unreadable.append(f"unreadable_{name}")
        return None


def _zone_failures(
    zone: Mapping[str, str], front: Mapping[str, str], entered: Mapping[str, str], on: date
) -> list[str]:
    unreadable: list[str] = []
    said = Mrz(
        format=MrzFormat.TD3,
        document_code="",
        issuer="",
        number=zone.get("number", ""),
        surname=zone.get("surname", ""),
        given_names=zone.get("given_names", ""),
        nationality=zone.get("nationality", ""),
        sex=zone.get("sex", ""),
        born=_day(zone, "born", unreadable),
        expires=_day(zone, "expires", unreadable),
        optional=(),
        errors=tuple(zone.get(ZONE_ERRORS, "").split()),
    )
    # A passport has a number of its own: the resident's says when its holder was born.
    printed = replace(_identity(front, unreadable), number="") if front else _by_number(entered, on)
    printed = replace(printed, name=printed.name or entered.get("name", ""))
    return [*unreadable, *mrz_disagreements(said, on, card=printed)]


def _by_number(entered: Mapping[str, str], on: date) -> Identity:
    found = check_id_number(entered.get("number", ""), on)
    if found.verdict is CheckVerdict.FAILED or found.birth_date is None:
        return Identity()
    return Identity(sex=number_sex(found.number), born=found.birth_date)
