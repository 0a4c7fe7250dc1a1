"""Facts of the worksheet of document features, as the server would journal them, told onto a story."""

from contract.facts import EvidenceStored
from contract.identity_facts import Signal
from contract.ids import EvidenceId, new_id
from contract.phases import EvidenceKind, FeatureCategory, FeatureSeen, TiltEnd
from contract.worksheet import DocumentFeatures, Feature, Worksheet
from contract.worksheet_facts import FeatureTicked, TiltEnded, TiltMeasured, TiltPlace, TiltRequested
from tests.agent_console.identity_story import new_check
from tests.agent_console.story import AGENT, Story

CARD = EvidenceKind.ID_CARD
FEATURES = (
    Feature("great_wall", FeatureCategory.OPTICAL, "“长城”变色", "Great Wall changes colour"),
    Feature("letters", FeatureCategory.OPTICAL, "“中国CHINA”", "Letters in the film"),
    Feature("rainbow", FeatureCategory.BACKGROUND, "彩虹底纹", "Rainbow print"),
    Feature("microtext", FeatureCategory.PRINTING, "缩微字符", "Microprint"),
)
SHEET = Worksheet(3, (DocumentFeatures(CARD, FEATURES),), 8, 4.0)


def tilted(story: Story, came: int = 8) -> TiltRequested:
    """The phone is asked for eight pictures, and sends ``came`` of them."""
    pictures = tuple(EvidenceId(new_id("ev")) for _ in range(8))
    asked = TiltRequested(story.call, new_check(), CARD, pictures, 4.0, 3, AGENT)
    story.tell(asked)
    for one in pictures[:came]:
        # The stand-in shows the card for all that has no kind of its own.
        story.shared[one] = f"{one}.jpg"
        story.tell(
            EvidenceStored(
                one, EvidenceKind.CARD_TILT, f"evidence/{one}.jpg", "image/jpeg", "5e" * 32, 400_000,
                1920, 1080, 300.0, "phone",
            )
        )  # fmt: skip
    return asked


def tilt_over(story: Story, asked: TiltRequested, reason: TiltEnd = TiltEnd.DONE) -> None:
    """The burst is over."""
    story.tell(TiltEnded(story.call, asked.check, reason))


def changed(story: Story, asked: TiltRequested, at: int, matte: float = 0.0) -> None:
    """One picture was proposed, for what lies on its lower right; perhaps no light moves over the card."""
    places = (TiltPlace(asked.pictures[at], 0.75, 0.8, 0.125, 0.2, 21.5),)
    signs = (Signal("matte", matte, "no_moving_light" if matte else ""),)
    story.tell(TiltMeasured(story.call, asked.check, places, 8, signs))


def ticked(
    story: Story, name: str, evidence: EvidenceId, seen: FeatureSeen = FeatureSeen.SEEN
) -> FeatureTicked:
    """The agent looked for a feature."""
    feature = SHEET.feature(CARD, name)
    assert feature is not None
    fact = FeatureTicked(
        story.call, CARD, name, feature.category, feature.zh, feature.en, evidence, seen, AGENT
    )
    story.tell(fact)
    return fact
