"""The worksheet of document features in a call: bursts of pictures, and ticks on them."""

from dataclasses import replace

import pytest

from contract import facts, wire
from contract.errors import NotFound, WrongPhase
from contract.ids import CheckId, EvidenceId
from contract.phases import EvidenceKind, FeatureCategory, FeatureSeen, TiltEnd
from contract.worksheet import DocumentFeatures, Feature, Worksheet
from contract.worksheet_facts import FeatureTicked, TiltEnded, TiltRequested
from signaling.identity_effects import MeasureBurst
from signaling.script import PlannedStep
from tests.signaling.played import AGENT, ANNA, CALL, CUSTOMER, PLAN, Played, refusal

CARD, BACK, TILT = EvidenceKind.ID_CARD, EvidenceKind.ID_CARD_BACK, EvidenceKind.CARD_TILT
CATEGORIES = {
    "wall": FeatureCategory.OPTICAL, "letters": FeatureCategory.OPTICAL, "micro": FeatureCategory.PRINTING,
    "fonts": FeatureCategory.LAYOUT,
}  # fmt: skip
FEATURES = tuple(Feature(name, category, f"{name}!", name) for name, category in CATEGORIES.items())
SHEET = Worksheet(3, (DocumentFeatures(CARD, FEATURES),), pictures=8, seconds=4.0)
STEPS = (*PLAN.steps, PlannedStep("sheet", "防伪", "Features", "features"))
ASK = wire.RequestTilt(CARD)
SEEN, NOT_SEEN = FeatureSeen.SEEN, FeatureSeen.NOT_SEEN


def begun(sheet: Worksheet = SHEET) -> Played:
    identity = replace(PLAN.identity, worksheet=sheet)
    return Played(plan=replace(PLAN, steps=STEPS, identity=identity)).active()


def script(played: Played) -> wire.Script:
    told = played.sent(ANNA, wire.Script)[-1]
    assert isinstance(told, wire.Script)
    return told


def state(played: Played) -> str:
    return next(step.state for step in script(played).steps if step.id == "sheet")


def ask(played: Played) -> TiltRequested:
    """Ask for a burst; note all that was journaled for it."""
    before = len(played.facts(facts.Fact))
    played.got(AGENT, ASK)
    for fact in played.facts(facts.Fact)[before:]:
        played.note(fact)
    return played.facts(TiltRequested)[-1]


def store(played: Played, *pictures: EvidenceId) -> None:
    for one in pictures:
        played.note(facts.EvidenceStored(one, TILT, f"{one}.jpg", "image/jpeg", "", 1, 1, 1, 1.0, "phone"))


def end(played: Played, check: CheckId, reason: TiltEnd = TiltEnd.DONE) -> None:
    played.got(CUSTOMER, wire.TiltOver(check, reason))
    played.note(played.facts(TiltEnded)[-1])


def tick(played: Played, feature: str, evidence: EvidenceId, seen: FeatureSeen = SEEN) -> None:
    played.got(AGENT, wire.TickFeature(CARD, feature, evidence, seen))
    played.note(played.facts(FeatureTicked)[-1])


def test_a_burst_and_three_ticks_settle_the_step() -> None:
    """The phone is told once, uploads under its ids, and the step waits for three different categories."""
    played = begun()
    assert script(played).worksheet == SHEET
    burst = ask(played)
    assert len(set(burst.pictures)) == 8
    assert (burst.seconds, burst.categories, burst.agent) == (4.0, 3, ANNA)
    assert played.sent(None, wire.TiltWanted) == [wire.TiltWanted(burst.check, CARD, burst.pictures, 4.0)]
    assert state(played) == "waiting"
    first = burst.pictures[0]
    assert played.call.claim_upload(CUSTOMER.seat, first) is TILT
    assert played.call.confirm_upload(CUSTOMER.seat, first) is TILT
    played.call.release_upload(first)
    store(played, *burst.pictures)
    end(played, burst.check)
    assert state(played) == "open"
    tick(played, "wall", burst.pictures[0])
    tick(played, "letters", burst.pictures[1])
    tick(played, "micro", burst.pictures[1])
    assert state(played) == "open"  # two of three categories
    tick(played, "fonts", burst.pictures[7])
    assert state(played) == "passed"
    fact = played.facts(FeatureTicked)[0]
    assert (fact.category, fact.zh, fact.en) == (FeatureCategory.OPTICAL, "wall!", "wall")
    tick(played, "letters", burst.pictures[2], NOT_SEEN)
    assert state(played) == "review"
    ask(played)  # another burst takes nothing back
    assert state(played) == "review"


def test_what_came_is_looked_at_once() -> None:
    """In the order in which it was to be taken; of a burst without a picture there is nothing to look at."""
    played = begun()
    burst = ask(played)
    store(played, *reversed(burst.pictures[:3]))
    end(played, burst.check)
    assert played.all(MeasureBurst) == [MeasureBurst(burst.check, burst.pictures[:3])]
    # A word that came twice before the first was written.
    played.note(TiltEnded(CALL, burst.check, TiltEnd.DONE))
    assert len(played.all(MeasureBurst)) == 1
    played.call.identity_done(f"tilt:{burst.check}", well=True)
    end(played, ask(played).check, TiltEnd.FAILED)
    assert len(played.all(MeasureBurst)) == 1


def test_a_page_that_is_back_takes_what_is_missing() -> None:
    """Nothing more once the burst is over."""
    played = begun()
    assert played.call.sheet.wanted() == ()
    burst = ask(played)
    store(played, *burst.pictures[:5])
    assert played.call.sheet.wanted() == (wire.TiltWanted(burst.check, CARD, burst.pictures[5:], 4.0),)
    end(played, burst.check, TiltEnd.CANCELLED)
    assert played.call.sheet.wanted() == ()
    assert state(played) == "open"
    with pytest.raises(NotFound):
        played.call.claim_upload(CUSTOMER.seat, burst.pictures[6])


def test_a_picture_on_its_way_when_the_burst_ends_is_refused() -> None:
    """What was claimed before is not stored afterwards, unless it was confirmed."""
    played = begun()
    burst = ask(played)
    played.call.claim_upload(CUSTOMER.seat, burst.pictures[0])
    end(played, burst.check, TiltEnd.FAILED)
    with pytest.raises(WrongPhase):
        played.call.confirm_upload(CUSTOMER.seat, burst.pictures[0])


def test_another_burst_replaces_the_one_under_way() -> None:
    """A phone that never answers holds nothing up; its late word means nothing, nor does one of no burst."""
    played = begun()
    first, second = ask(played), ask(played)
    assert [(one.check, one.reason) for one in played.facts(TiltEnded)] == [(first.check, TiltEnd.REPLACED)]
    for check in (first.check, CheckId("check-none")):
        played.got(CUSTOMER, wire.TiltOver(check, TiltEnd.DONE))
    assert len(played.facts(TiltEnded)) == 1
    played.note(TiltEnded(CALL, first.check, TiltEnd.DONE))
    assert played.call.sheet.wanted()[0].check == second.check


def test_a_call_has_an_end_of_bursts() -> None:
    """Six of them, 5 MB each."""
    played = begun()
    for _ in range(6):
        ask(played)
    assert refusal(played, AGENT, ASK) == "checks_used_up"


def test_what_is_refused() -> None:
    """Features that the policy does not name, pictures of something else, and everything while it is off."""
    played = begun()
    assert refusal(played, AGENT, wire.RequestTilt(BACK)) == "no_features"
    burst = ask(played)
    store(played, burst.pictures[0])
    known, missing = burst.pictures[0], burst.pictures[1]
    assert refusal(played, AGENT, wire.TickFeature(CARD, "wall", missing, SEEN)) == "not_found"
    assert refusal(played, AGENT, wire.TickFeature(CARD, "chip", known, SEEN)) == "no_features"
    assert refusal(played, AGENT, wire.TickFeature(BACK, "wall", known, SEEN)) == "no_features"
    assert refusal(played, CUSTOMER, ASK) == "not_host"
    assert refusal(played, AGENT, wire.TiltOver(burst.check, TiltEnd.DONE)) == "wrong_phase"
    store(played, EvidenceId("ev-other"))
    assert refusal(played, AGENT, wire.TickFeature(CARD, "wall", EvidenceId("ev-other"), SEEN)) == "not_found"


def test_a_sheet_that_is_off() -> None:
    """Staff are told of none, and nothing can be asked or ticked."""
    played = begun(replace(SHEET, categories=0))
    assert script(played).worksheet is None
    assert refusal(played, AGENT, ASK) == "no_features"
    tick_it = wire.TickFeature(CARD, "wall", EvidenceId("ev-1"), SEEN)
    assert refusal(played, AGENT, tick_it) == "no_features"
    assert state(played) == "open"


def test_pictures_wait_for_the_record_and_for_the_hold() -> None:
    """As with every picture of a document."""
    identity = replace(PLAN.identity, worksheet=SHEET)
    unrecorded = Played(plan=replace(PLAN, identity=identity)).active(record=False)
    assert refusal(unrecorded, AGENT, ASK) == "kyc_locked"
    held = begun()
    held.got(AGENT, wire.Hold(on=True))
    assert refusal(held, AGENT, ASK) == "held"
