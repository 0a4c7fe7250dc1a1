"""What the server asks the model process about photographs of documents, and what comes back.

Loaded by the server: no model library is imported here.
"""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from contract.identity_ports import TiltFinding
from kyc.card_fields import CardReading
from kyc.pipes import Job

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class CopySigns:
    """Advisory scores, 0 to 1, that no card was photographed; neither may decide anything.

    ``raster``: a pattern repeats all over, as of a screen's pixels or a printer's dots. ``grey``: there
    is no colour, as on a photocopy.
    """

    raster: float
    grey: float


@dataclass(frozen=True, slots=True)
class CardInspected:
    """What is wrong with a photo, as words of :func:`kyc.card_photo.inspect_card`, and its measures.

    ``corners`` are the card's in the upright photo's pixels, empty without an edge.
    """

    findings: tuple[str, ...]
    corners: tuple[Point, ...]
    sharpness: float
    brightness: float
    glare: float
    width: float


@dataclass(frozen=True, slots=True)
class CardRead:
    """A document that was read. ``picture`` is the JPEG of the card seen from straight above.

    ``copy`` is None when the card has no edge or is too small in the photo. ``engine`` names the
    recogniser and its version; ``seconds`` is what all of it took.
    """

    inspected: CardInspected
    reading: CardReading
    copy: CopySigns | None
    picture: bytes
    engine: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ReadCard(Job[CardRead]):
    """Read a photo of one side of a document as of the day ``on``; about a second.

    ``page``: a passport's data page is expected, whose shape is another than a card's.
    """

    HANDLER: ClassVar[str] = "kyc.card_reading:answer_read_card"
    data: bytes
    on: date
    page: bool = False


@dataclass(frozen=True, slots=True)
class Veil(Job[bytes]):
    """Blur a picture of a card beyond reading; the answer is a JPEG."""

    HANDLER: ClassVar[str] = "kyc.veil:answer_veil"
    data: bytes


@dataclass(frozen=True, slots=True)
class MeasureTilt(Job[TiltFinding]):
    """Measure pictures of a card that is tilted, in the order in which they were taken; about a second."""

    HANDLER: ClassVar[str] = "kyc.tilt:answer_measure_tilt"
    pictures: tuple[bytes, ...]
