"""The worksheet of document features: what a policy wants looked for, and what the ticks come to. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from contract.phases import CheckVerdict, EvidenceKind, FeatureCategory, FeatureSeen
from contract.worksheet_facts import FeatureTicked


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that a genuine document shows, in both languages."""

    id: str
    category: FeatureCategory
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class DocumentFeatures:
    """What to look for on one document; ``document`` is the kind of its picture."""

    document: EvidenceKind
    features: tuple[Feature, ...]


@dataclass(frozen=True, slots=True)
class Worksheet:
    """Features of ``categories`` different categories are to be seen on one document; 0: the sheet is off.

    The phone takes ``pictures`` within ``seconds``.
    """

    categories: int = 0
    documents: tuple[DocumentFeatures, ...] = ()
    pictures: int = 10
    seconds: float = 4.0

    def feature(self, document: EvidenceKind, name: str) -> Feature | None:
        """Return this feature of a document, None for one that the sheet does not have."""
        of_document = (one.features for one in self.documents if one.document is document)
        return next((one for features in of_document for one in features if one.id == name), None)


def latest(ticks: Iterable[FeatureTicked]) -> tuple[FeatureTicked, ...]:
    """Return the tick that counts of each feature of each document."""
    return tuple({(one.document, one.feature): one for one in ticks}.values())


def doubts(ticks: Iterable[FeatureTicked]) -> tuple[str, ...]:
    """Return what speaks against a document: ``feature_not_seen``, ``feature_doubtful``, each once."""
    found = {one.seen for one in latest(ticks)} - {FeatureSeen.SEEN}
    return tuple(sorted(f"feature_{word}" for word in found))


def judge(ticks: Iterable[FeatureTicked], categories: int) -> CheckVerdict | None:
    """Return what the ticks come to; None while too few different categories were seen on every document.

    PASSED when nothing speaks against the document, else REVIEW: a tick alone refuses nobody.
    """
    ticks = tuple(ticks)
    seen: dict[EvidenceKind, set[FeatureCategory]] = {}
    for one in latest(ticks):
        if one.seen is FeatureSeen.SEEN:
            seen.setdefault(one.document, set()).add(one.category)
    if max(map(len, seen.values()), default=0) < max(categories, 1):
        return None
    return CheckVerdict.REVIEW if doubts(ticks) else CheckVerdict.PASSED
