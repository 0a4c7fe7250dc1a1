"""The worksheet of document features: what ticks come to."""

from dataclasses import replace

import pytest

from contract.ids import AccountId, CallId, EvidenceId
from contract.phases import CheckVerdict, EvidenceKind, FeatureCategory, FeatureSeen
from contract.worksheet import DocumentFeatures, Feature, Worksheet, doubts, judge, latest
from contract.worksheet_facts import FeatureTicked

SEEN, NOT_SEEN, DOUBTFUL = FeatureSeen.SEEN, FeatureSeen.NOT_SEEN, FeatureSeen.DOUBTFUL
OPTICAL, PRINTING, LAYOUT = FeatureCategory.OPTICAL, FeatureCategory.PRINTING, FeatureCategory.LAYOUT
CARD, BACK = EvidenceKind.ID_CARD, EvidenceKind.ID_CARD_BACK


def tick(
    feature: str, category: FeatureCategory, seen: FeatureSeen = SEEN, document: EvidenceKind = CARD
) -> FeatureTicked:
    return FeatureTicked(
        CallId("call-1"), document, feature, category, "", "", EvidenceId("ev-1"), seen, AccountId("anna")
    )


THREE = (tick("wall", OPTICAL), tick("micro", PRINTING), tick("fonts", LAYOUT))


def test_different_categories_are_counted_not_features() -> None:
    """Two of one category are one."""
    assert judge(THREE, 3) is CheckVerdict.PASSED
    assert judge(THREE[:2], 3) is None
    assert judge((*THREE[:2], tick("letters", OPTICAL)), 3) is None
    assert judge((), 3) is None
    assert judge((), 0) is None  # a sheet that is off says nothing


def test_they_are_counted_on_one_document() -> None:
    """The front's hologram says nothing of the back."""
    assert judge((*THREE[:2], replace(THREE[2], document=BACK)), 3) is None


def test_the_latest_tick_counts() -> None:
    """Who ticked wrong ticks again; what is in doubt then a person sees."""
    again = tick("wall", OPTICAL, NOT_SEEN)
    assert latest((*THREE, again)) == (again, *THREE[1:])
    assert judge((*THREE, again), 3) is None
    assert judge((again, *THREE), 3) is CheckVerdict.PASSED


@pytest.mark.parametrize(
    ("seen", "words"),
    [(NOT_SEEN, ("feature_not_seen",)), (DOUBTFUL, ("feature_doubtful",)), (SEEN, ())],
)
def test_what_was_not_seen_is_a_persons(seen: FeatureSeen, words: tuple[str, ...]) -> None:
    """Even with enough others: never a refusal."""
    ticks = (*THREE, tick("letters", OPTICAL, seen))
    assert doubts(ticks) == words
    assert judge(ticks, 3) is (CheckVerdict.REVIEW if words else CheckVerdict.PASSED)


def test_a_feature_is_found_by_document_and_name() -> None:
    """The same name on another document is another feature."""
    wall = Feature("wall", OPTICAL, "长城", "Great Wall")
    sheet = Worksheet(1, (DocumentFeatures(BACK, ()), DocumentFeatures(CARD, (wall,))))
    assert sheet.feature(CARD, "wall") is wall
    assert sheet.feature(CARD, "micro") is None
    assert sheet.feature(BACK, "wall") is None
