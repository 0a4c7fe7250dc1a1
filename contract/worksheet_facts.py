"""Facts about the worksheet of a document's features: the pictures of it being tilted, and what was seen.

They are listed in ``contract.facts``. None of them is shown to customers. The pictures themselves are
evidence of the kind ``card_tilt``.
"""

from dataclasses import dataclass

from contract.fact import Fact
from contract.identity_facts import Signal
from contract.ids import AccountId, CallId, CheckId, EvidenceId
from contract.phases import EvidenceKind, FeatureCategory, FeatureSeen, TiltEnd


@dataclass(frozen=True, slots=True)
class TiltRequested(Fact):
    """The customer's phone is asked for ``pictures`` within ``seconds`` while ``document`` is tilted.

    ``categories``: features of so many different categories are wanted to be seen on it.
    """

    call: CallId
    check: CheckId
    document: EvidenceKind
    pictures: tuple[EvidenceId, ...]
    seconds: float
    categories: int
    agent: AccountId


@dataclass(frozen=True, slots=True)
class TiltEnded(Fact):
    """No picture of the burst ``check`` comes any more; fewer than asked for may be there."""

    call: CallId
    check: CheckId
    reason: TiltEnd


@dataclass(frozen=True, slots=True)
class TiltPlace:
    """Where one picture of a burst differs much from what the others show there: worth a look.

    ``left``, ``top``, ``width`` and ``height`` are shares of the document as it lies in the pictures, its
    long side across; ``change`` is a distance in CIE Lab.
    """

    evidence: EvidenceId
    left: float
    top: float
    width: float
    height: float
    change: float


@dataclass(frozen=True, slots=True)
class TiltMeasured(Fact):
    """What changes over the pictures of a burst, the most first; ``cards`` of them showed the document.

    ``advisory``: ``matte``, no light moves over the surface, as on a printed copy. Advice, and no input of
    the decision.
    """

    call: CallId
    check: CheckId
    places: tuple[TiltPlace, ...]
    cards: int
    advisory: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class FeatureTicked(Fact):
    """An agent looked for a feature of a document on one picture of a burst; of two ticks the later counts.

    ``category``, ``zh`` and ``en`` are what the policy said of the feature then.
    """

    call: CallId
    document: EvidenceKind
    feature: str
    category: FeatureCategory
    zh: str
    en: str
    evidence: EvidenceId
    seen: FeatureSeen
    agent: AccountId
