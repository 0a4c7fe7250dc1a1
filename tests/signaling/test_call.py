"""The call machine on its way: queue, ring, gate, offers, chat and checks."""

from dataclasses import replace

import pytest

from contract import facts, wire
from contract.errors import Busy, NotFound, WrongPhase
from contract.facts import Fact
from contract.identity_facts import CodeTried
from contract.ids import CallId, CheckId, EvidenceId, SeatId, TrackId
from contract.phases import (
    CallEnd,
    CallPhase,
    CasePhase,
    CheckVerdict,
    EvidenceKind,
    Outcome,
    RingEnd,
    Role,
    TrackKind,
    TrackSource,
)
from signaling import effects as fx
from signaling.script import PlannedStep
from tests.signaling.played import (
    AGENT,
    ANNA,
    CALL,
    CARD,
    CUSTOMER,
    PLAN,
    PUT_OFF,
    STILL,
    Played,
    refusal,
)

# --- the way to an active call ---


def test_the_queue_is_joined_when_media_is_prepared() -> None:
    """OpenMedia first; QUEUED only after it succeeded."""
    played = Played()
    played.call.open()
    assert played.all(fx.OpenMedia) == [fx.OpenMedia(CALL)]
    assert not played.call.waiting
    played.call.media_opened()
    assert played.call.waiting
    assert played.facts(facts.CaseAdvanced) == [facts.CaseAdvanced(CasePhase.PRE_CALL, CasePhase.QUEUED)]


def test_media_that_cannot_be_prepared_is_told_to_the_customer() -> None:
    """The call never was: no facts, an error on the phone."""
    played = Played()
    played.call.open()
    played.call.failed("media")
    assert played.call.closed
    assert played.call.reason is CallEnd.MEDIA_FAILED
    assert [m.code for m in played.sent(None, wire.Failed)] == ["media"]  # type: ignore[attr-defined]
    assert played.facts(Fact) == []


def test_media_prepared_too_late_queues_nobody() -> None:
    """The customer went away while media was being prepared."""
    played = Played()
    played.call.open()
    played.call.dropped(CUSTOMER.seat, played.time)
    played.call.tick(played.after(20))
    played.call.media_opened()
    assert [fact.now for fact in played.facts(facts.CaseAdvanced)] == [CasePhase.ABORTED]


def test_a_whole_call_walks_the_phases() -> None:
    """RINGING, CONNECTING, gate, ACTIVE, ENDED; each side joins; the merge is queued at the end."""
    played = Played().active()
    assert played.phases() == [CallPhase.RINGING, CallPhase.CONNECTING, CallPhase.ACTIVE]
    assert played.all(fx.OpenGate) == [fx.OpenGate(CALL)]
    assert [fact.seat for fact in played.facts(facts.PartyJoined)] == [CUSTOMER.seat, AGENT.seat]
    assert played.facts(facts.RingEnded)[0].how is RingEnd.ACCEPTED
    played.after(61)
    played.got(AGENT, wire.Finish(Outcome.FAILED, "fraud", "too dark"))
    decided = played.facts(facts.AgentDecided)[0]
    assert (decided.outcome, decided.reason, decided.pii_note) == (Outcome.FAILED, "fraud", "too dark")
    assert played.facts(facts.CallEnded) == [facts.CallEnded(CALL, CallEnd.AGENT_HUNG_UP, 61)]
    assert played.all(fx.FreeAgent) == [fx.FreeAgent(ANNA, 61)]
    assert not played.all(fx.QueueMerge)
    played.call.wound_up()
    assert played.all(fx.QueueMerge) == [fx.QueueMerge()]
    assert played.call.closed
    assert played.call.case_phase is CasePhase.AGENT_DONE


def test_the_gate_waits_for_both_and_for_the_answer() -> None:
    """Connections that are up before the answer open nothing; one of two opens nothing."""
    played = Played().ringing()
    played.connect()
    assert not played.all(fx.OpenGate)
    played.call.accepted(ANNA, played.time)
    assert len(played.all(fx.OpenGate)) == 1
    played.connect()
    assert len(played.all(fx.OpenGate)) == 1
    half = Played().connecting()
    half.note(facts.MediaConnected(CALL, CUSTOMER.seat))
    assert not half.all(fx.OpenGate)


def test_active_needs_all_four_tracks() -> None:
    """Three tracks leave the call CONNECTING."""
    played = Played().connecting()
    played.connect()
    for number, (role, source) in enumerate(
        ((Role.CUSTOMER, "microphone"), (Role.CUSTOMER, "camera"), (Role.AGENT, "microphone"))
    ):
        kind = TrackKind.AUDIO if source == "microphone" else TrackKind.VIDEO
        track = TrackId(f"track-{number}")
        played.note(facts.TrackStarted(CALL, track, CUSTOMER.seat, role, kind, TrackSource(source), "x", 1))
    assert played.phase() is CallPhase.CONNECTING


def test_nobody_is_rung_nobody_accepts() -> None:
    """An answer without a ring is refused."""
    played = Played().queued()
    with pytest.raises(WrongPhase):
        played.call.accepted(ANNA, played.time)


def test_a_ring_that_ends_frees_the_seat() -> None:
    """The agent's prepared connection is dropped, the call keeps looking for another agent."""
    played = Played().ringing()
    played.call.ring_over(ANNA, RingEnd.TIMED_OUT, played.time)
    assert played.all(fx.DropSeat) == [fx.DropSeat(CALL, AGENT.seat)]
    assert played.sent(ANNA, wire.RingOver) == [wire.RingOver(CALL, RingEnd.TIMED_OUT)]
    assert played.call.rung(Role.AGENT) is None
    played.call.ring_over(ANNA, RingEnd.TIMED_OUT, played.time)
    assert len(played.facts(facts.RingEnded)) == 1
    played.call.rang(AGENT, played.time)
    assert played.phases() == [CallPhase.RINGING]


def test_a_ring_over_does_nothing_to_a_seated_agent() -> None:
    """Only unanswered rings end."""
    played = Played().connecting()
    played.call.ring_over(ANNA, RingEnd.TIMED_OUT, played.time)
    assert played.call.staff == (AGENT,)


def test_the_other_side_is_named_after_the_answer() -> None:
    """While it rings the phone is told no name."""
    played = Played().ringing()
    state = played.call.state(CUSTOMER.seat, played.time)
    assert state is not None
    assert state.peer == ""
    played.call.accepted(ANNA, played.time)
    for role, name in ((Role.CUSTOMER, "Anna"), (Role.AGENT, "王小明")):
        state = played.call.state((CUSTOMER if role is Role.CUSTOMER else AGENT).seat, played.time)
        assert state is not None
        assert state.peer == name
    assert Played().queued().call.state(CUSTOMER.seat, played.time) is None


# --- offers, chat ---


def test_offers_are_answered_for_their_seat() -> None:
    """The customer while waiting, the agent while it rings; both with their party."""
    played = Played().queued()
    played.got(CUSTOMER, wire.Offer(CALL, "c"))
    assert refusal(played, AGENT, wire.Offer(CALL, "a")) == "wrong_phase"
    played.call.rang(AGENT, played.time)
    played.got(AGENT, wire.Offer(CALL, "a"))
    assert played.all(fx.AnswerOffer) == [
        fx.AnswerOffer(CALL, CUSTOMER, "c"),
        fx.AnswerOffer(CALL, AGENT, "a"),
    ]
    with pytest.raises(NotFound):
        played.got(CUSTOMER, wire.Offer(CallId("call-2"), "c"))


def test_one_offer_of_a_seat_is_answered_at_a_time() -> None:
    """The next one is taken when the last is over; the other seat is not concerned."""
    played = Played().ringing()
    played.got(CUSTOMER, wire.Offer(CALL, "c"))
    assert refusal(played, CUSTOMER, wire.Offer(CALL, "c2")) == "busy"
    played.got(AGENT, wire.Offer(CALL, "a"))
    played.call.answered(SeatId("seat-x"))
    assert refusal(played, CUSTOMER, wire.Offer(CALL, "c2")) == "busy"
    played.call.answered(CUSTOMER.seat)
    played.got(CUSTOMER, wire.Offer(CALL, "c2"))
    assert [effect.sdp for effect in played.all(fx.AnswerOffer)] == ["c", "a", "c2"]


def test_an_offer_after_the_end_is_refused() -> None:
    """A connection for a call that is over is not prepared."""
    played = Played().active()
    played.got(CUSTOMER, wire.HangUp())
    assert refusal(played, CUSTOMER, wire.Offer(CALL, "c")) == "wrong_phase"


def test_chat_needs_a_conversation() -> None:
    """Lines are journaled with seat and role; in the queue there is nobody to read them."""
    played = Played().ringing()
    assert refusal(played, CUSTOMER, wire.Chat("hello")) == "wrong_phase"
    played.call.accepted(ANNA, played.time)
    played.got(CUSTOMER, wire.Chat("hello"))
    played.got(AGENT, wire.Chat("您好"))
    said = [(fact.seat, fact.role, fact.pii_text) for fact in played.facts(facts.ChatSaid)]
    assert said == [(CUSTOMER.seat, Role.CUSTOMER, "hello"), (AGENT.seat, Role.AGENT, "您好")]


# --- checks ---


def test_playback_becomes_a_fact_of_its_seat() -> None:
    """A page's report is kept as it came, at most one of a seat in three seconds."""
    played = Played().active()
    told = wire.Playback(CALL, 5.0, 24.5, 2, 1.25, 0.1)

    played.got(CUSTOMER, told)
    played.got(AGENT, told)
    played.after(2)
    played.got(CUSTOMER, told)
    played.after(1)
    played.got(CUSTOMER, told)

    fact = facts.PlaybackReported(CALL, CUSTOMER.seat, 5.0, 24.5, 2, 1.25, 0.1)
    agents = facts.PlaybackReported(CALL, AGENT.seat, 5.0, 24.5, 2, 1.25, 0.1)
    assert played.facts(facts.PlaybackReported) == [fact, agents, fact]


def test_playback_outside_the_call_is_passed_over() -> None:
    """Reports of another call, before the answer and after the end are no mistake and no fact."""
    played = Played().ringing()
    told = wire.Playback(CALL, 5.0, 24.5, 0, 0.0, 0.0)
    played.got(CUSTOMER, told)
    played.call.accepted(ANNA, played.time)
    played.got(CUSTOMER, wire.Playback(CallId("call-2"), 5.0, 24.5, 0, 0.0, 0.0))
    played.got(CUSTOMER, wire.HangUp())
    played.got(CUSTOMER, told)

    assert played.facts(facts.PlaybackReported) == []


def test_checks_are_locked_until_every_track_is_on_disk() -> None:
    """Three of four recorded tracks keep them locked; the fourth unlocks and is shown."""
    played = Played().active(record=False)
    assert not played.call.kyc_unlocked
    for message in (
        wire.RequestStill(EvidenceKind.ID_CARD),
        wire.CheckIdNumber("1"),
        wire.MatchFaces(CARD, STILL),
    ):
        assert refusal(played, AGENT, message) == "kyc_locked"
    for track in range(1, 4):
        played.note(facts.RecordingStarted(CALL, TrackId(f"track-{track}"), Role.CUSTOMER, TrackKind.AUDIO))
        assert not played.call.kyc_unlocked
    played.note(facts.RecordingStarted(CALL, TrackId("track-4"), Role.AGENT, TrackKind.VIDEO))
    assert played.call.kyc_unlocked
    last = played.sent(None, wire.CallState)[-1]
    assert last.kyc_unlocked
    assert last.recording


def test_a_track_that_ends_locks_the_checks() -> None:
    """After a new connection the new tracks must be on disk first."""
    played = Played().active()
    played.note(facts.TrackEnded(CALL, TrackId("track-1"), 100))
    assert not played.call.kyc_unlocked
    played.note(facts.TrackEnded(CALL, TrackId("track-unknown"), 0))
    played.start()
    assert played.call.kyc_unlocked


@pytest.mark.parametrize("what", ["disk_slow", "disk_full"])
def test_a_troubled_recording_locks_the_checks(what: str) -> None:
    """Until that track is on disk again; both screens are shown the change."""
    played = Played().active()
    track = TrackId("track-1")
    played.note(facts.RecorderTroubled(CALL, track, what, 3))
    assert not played.call.kyc_unlocked
    assert refusal(played, AGENT, wire.RequestStill(EvidenceKind.ID_CARD)) == "kyc_locked"
    for to in (None, ANNA):
        assert not played.sent(to, wire.CallState)[-1].kyc_unlocked  # type: ignore[attr-defined]
    played.note(facts.RecordingStarted(CALL, TrackId("track-2"), Role.CUSTOMER, TrackKind.VIDEO))
    assert not played.call.kyc_unlocked
    played.note(facts.RecordingStarted(CALL, track, Role.CUSTOMER, TrackKind.AUDIO))
    assert played.call.kyc_unlocked


def test_a_track_that_stalls_locks_the_checks() -> None:
    """A picture of which nothing comes is not being recorded; another track's return changes nothing."""
    played = Played().active()
    track, other = TrackId("track-1"), TrackId("track-2")
    played.note(facts.TrackStalled(CALL, track, CUSTOMER.seat, TrackSource.CAMERA, 3.0))
    assert not played.call.kyc_unlocked
    assert refusal(played, AGENT, wire.RequestStill(EvidenceKind.ID_CARD)) == "kyc_locked"
    played.note(facts.TrackResumed(CALL, other, CUSTOMER.seat, TrackSource.MICROPHONE))
    assert not played.call.kyc_unlocked
    played.note(facts.TrackResumed(CALL, track, CUSTOMER.seat, TrackSource.CAMERA))
    assert played.call.kyc_unlocked
    assert played.call.reason is None


def test_before_the_call_is_active_checks_are_out_of_phase() -> None:
    """Locked means: soon; out of phase means: not in this call."""
    played = Played().ringing()
    assert refusal(played, AGENT, wire.CheckIdNumber("1")) == "wrong_phase"


def test_a_still_is_wanted_when_the_journal_says_so() -> None:
    """The request is a fact first; the phone is told when it is journaled."""
    played = Played().active()
    played.got(AGENT, wire.RequestStill(EvidenceKind.ID_CARD))
    request = played.facts(facts.StillRequested)[0]
    assert not played.sent(None, wire.StillWanted)
    played.note(request)
    assert played.sent(None, wire.StillWanted) == [wire.StillWanted(request.request, EvidenceKind.ID_CARD)]
    assert list(played.call.checks.wanted()) == played.sent(None, wire.StillWanted)


_FROM_PHONE = {
    EvidenceKind.ID_CARD, EvidenceKind.ID_CARD_BACK, EvidenceKind.PASSPORT, EvidenceKind.FACE_STILL,
    EvidenceKind.SCENE,
}  # fmt: skip


@pytest.mark.parametrize("kind", EvidenceKind)
def test_a_phone_takes_what_stands_before_it(kind: EvidenceKind) -> None:
    """Both sides of a card, a passport, a face, a scene; what the server or others make is no photograph."""
    played = Played().active()
    if kind in _FROM_PHONE:
        played.got(AGENT, wire.RequestStill(kind))
        assert [fact.kind for fact in played.facts(facts.StillRequested)] == [kind]
    else:
        assert refusal(played, AGENT, wire.RequestStill(kind)) == "wrong_phase"


def test_only_the_wanted_picture_of_this_seat_is_taken_once() -> None:
    """Another seat, an unknown request, a second upload and a stored picture are refused."""
    played = Played().active()
    call = played.call
    played.note(facts.StillRequested(CALL, CARD, EvidenceKind.ID_CARD))
    with pytest.raises(NotFound):
        call.claim_upload(AGENT.seat, CARD)
    with pytest.raises(NotFound):
        call.claim_upload(CUSTOMER.seat, STILL)
    assert call.claim_upload(CUSTOMER.seat, CARD) is EvidenceKind.ID_CARD
    with pytest.raises(WrongPhase):
        call.claim_upload(CUSTOMER.seat, CARD)
    call.release_upload(CARD)
    call.claim_upload(CUSTOMER.seat, CARD)
    call.release_upload(CARD)
    played.store(CARD)
    with pytest.raises(WrongPhase):
        call.confirm_upload(CUSTOMER.seat, CARD)
    with pytest.raises(WrongPhase) as caught:
        call.claim_upload(CUSTOMER.seat, CARD)
    assert caught.value.code == "still_stored"
    assert call.checks.wanted() == ()


def test_a_picture_that_came_is_confirmed_before_it_is_stored() -> None:
    """Only what this seat claimed, only while the call is active."""
    played = Played().active()
    played.note(facts.StillRequested(CALL, CARD, EvidenceKind.ID_CARD))
    with pytest.raises(WrongPhase):
        played.call.confirm_upload(CUSTOMER.seat, CARD)
    played.call.claim_upload(CUSTOMER.seat, CARD)
    with pytest.raises(NotFound):
        played.call.confirm_upload(AGENT.seat, CARD)
    assert played.call.confirm_upload(CUSTOMER.seat, CARD) is EvidenceKind.ID_CARD
    played.call.release_upload(CARD)
    played.call.claim_upload(CUSTOMER.seat, CARD)
    played.got(CUSTOMER, wire.HangUp())
    with pytest.raises(WrongPhase):
        played.call.confirm_upload(CUSTOMER.seat, CARD)


def test_no_upload_outside_an_active_call() -> None:
    """A picture is bound to a second of the call."""
    played = Played().active()
    played.note(facts.StillRequested(CALL, CARD, EvidenceKind.ID_CARD))
    played.call.dropped(AGENT.seat, played.time)
    with pytest.raises(WrongPhase):
        played.call.claim_upload(CUSTOMER.seat, CARD)


def test_an_id_number_is_checked_for_the_agent() -> None:
    """The command names who asked."""
    played = Played().active()
    played.got(AGENT, wire.CheckIdNumber("11010519491231002X"))
    assert played.all(fx.CheckNumber) == [fx.CheckNumber("11010519491231002X", ANNA)]


def test_faces_are_compared_one_pair_at_a_time() -> None:
    """Both pictures must be stored and of the right kinds; a second comparison waits."""
    played = Played().active()
    assert refusal(played, AGENT, wire.MatchFaces(CARD, STILL)) == "not_found"
    played.store(CARD, STILL)
    assert refusal(played, AGENT, wire.MatchFaces(STILL, CARD)) == "not_found"
    played.got(AGENT, wire.MatchFaces(CARD, STILL))
    with pytest.raises(Busy):
        played.got(AGENT, wire.MatchFaces(CARD, STILL))
    played.call.compared()
    played.got(AGENT, wire.MatchFaces(CARD, STILL))
    assert played.all(fx.CompareFaces) == [fx.CompareFaces(CARD, STILL, ANNA)] * 2


def test_no_biometrics_without_consent() -> None:
    """Who agreed to the recording only is not compared, and passes by what stands in for the face alone."""
    code = PlannedStep("code", "验证码", "Code", "code", mandatory=False, without_face=True)
    plan = replace(PLAN, steps=(*PLAN.steps, code))
    played = Played(frozenset({"recording"}), plan=plan).active()
    played.store(CARD, STILL)
    assert refusal(played, AGENT, wire.MatchFaces(CARD, STILL)) == "consent_missing"
    played.number(CheckVerdict.PASSED)
    assert refusal(played, AGENT, wire.Finish(Outcome.PASSED)) == "checks_incomplete"
    played.note(CodeTried(CALL, CheckId("check-code"), True, 0))
    played.got(AGENT, wire.Finish(Outcome.PASSED))
    assert played.facts(facts.AgentDecided)


@pytest.mark.parametrize("number", [None, *CheckVerdict])
@pytest.mark.parametrize("face", [None, *CheckVerdict])
@pytest.mark.parametrize("pictures", [(), (CARD,), (STILL,), (CARD, STILL)])
def test_what_passed_requires(
    number: CheckVerdict | None, face: CheckVerdict | None, pictures: tuple[EvidenceId, ...]
) -> None:
    """Both pictures, and verdicts on number and faces that are not failed; else nothing happens."""
    played = Played().active()
    played.store(*pictures)
    if number:
        played.number(number)
    if face:
        played.face(face)
    fine = {CheckVerdict.PASSED, CheckVerdict.REVIEW}
    if face in fine and number in fine and pictures == (CARD, STILL):
        played.got(AGENT, wire.Finish(Outcome.PASSED))
        assert played.call.case_phase is CasePhase.AGENT_DONE
    else:
        assert refusal(played, AGENT, wire.Finish(Outcome.PASSED)) == "checks_incomplete"
        played.got(AGENT, PUT_OFF)
