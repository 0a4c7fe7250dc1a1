"""What the server asks the model process about three pictures of one person.

Loaded by the server: no model library is imported here.
"""

from dataclasses import dataclass
from typing import ClassVar

from contract.identity_ports import PortraitsFinding
from kyc.pipes import Job

# A frame of a call takes about 0.1 s on one core; more would keep an agent waiting.
STILLS_MAX = 8


@dataclass(frozen=True, slots=True)
class ComparePortraits(Job[PortraitsFinding]):
    """Compare one to eight stills, the card's portrait and the reference, each with each.

    ``video`` is the template (:class:`kyc.pipes.Watched`) of whom the received pictures of the call showed,
    empty when nobody was seen yet, None when there is no call: the stills are compared with it too.

    Beside those of :class:`contract.ports.FaceFinding` the reasons are ``no_face_on_reference``,
    ``several_faces_on_reference``, ``reference_too_small`` and ``still_poor``: compared, but no still is
    good enough to decide by, and ``nobody_in_video``. Raises ValueError without a still or with too many.
    """

    HANDLER: ClassVar[str] = "kyc.portrait_match:compare_portraits"
    card: bytes
    stills: tuple[bytes, ...]
    reference: bytes | None = None
    video: bytes | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.stills) <= STILLS_MAX:
            raise ValueError(f"{len(self.stills)} stills")
