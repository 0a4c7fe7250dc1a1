"""A world around one call machine, made of chance: desk, media, people and time as they may really behave."""

from collections import Counter
from collections.abc import Callable
from random import Random

from contract import facts, wire
from contract.errors import MediaError
from contract.ids import AccountId, CallId, EvidenceId, SeatId, TrackId
from contract.phases import (
    CallEnd,
    Capture,
    CheckVerdict,
    EvidenceKind,
    RingEnd,
    Role,
    SeatMode,
    StepResult,
    TrackKind,
    TrackSource,
)
from contract.ports import Party, SeatRoute
from signaling import effects as fx
from signaling.effects import Effect
from tests.signaling.checked import CHECKED_PLAN, Checking
from tests.signaling.played import CALL, CARD, CUSTOMER, FAIL, LIMITS, PUT_OFF, STILL, Played

AGENTS = [AccountId(f"acct-{name}") for name in ("anna", "bert", "cara")]
SUPERVISORS = [AccountId("acct-sue"), AccountId("acct-sam")]
NOBODY = SeatId("seat-nobody")
_SOURCES = {
    TrackSource.MICROPHONE: TrackKind.AUDIO,
    TrackSource.CAMERA: TrackKind.VIDEO,
    TrackSource.SCREEN: TrackKind.VIDEO,
}


class World(Played):
    """One history: ``step`` does one thing that may happen, and returns what the machine wanted."""

    def __init__(self, random: Random) -> None:
        self.fresh_call = random.random() < 0.5
        self.biometrics = random.random() < 0.9
        consent = {"recording", "biometrics"} if self.biometrics else {"recording"}
        super().__init__(frozenset(consent), CHECKED_PLAN, fresh_call=self.fresh_call)
        self.random = random
        self.checking = Checking(self)
        self.seats = 0
        # What media really does, and what it was told and has not answered yet.
        self.media: dict[SeatId, SeatRoute] = {}
        self.told: list[tuple[SeatRoute, ...]] = []
        self.live: dict[TrackId, tuple[SeatId, TrackSource]] = {}
        self.seated: Counter[AccountId] = Counter()
        self.freed: Counter[AccountId] = Counter()
        self.failing = False
        # What follows of itself: somebody who was invited often comes.
        self.next: list[Callable[[World], None]] = []
        # Who did the last step, if it was an observer whom the customer is not to notice.
        self.hidden = False

    # --- steps ---

    def step(self) -> tuple[Effect, ...]:
        """Do one thing; raises what the machine raises."""
        self.hidden = False
        step = self.next.pop(0) if self.next else self.random.choice(_STEPS)
        step(self)
        return self.gather()

    def gather(self) -> tuple[Effect, ...]:
        """Take what the machine wants and play it to media."""
        wanted = self.call.take()
        self.effects.extend(wanted)
        for effect in wanted:
            if isinstance(effect, fx.Arrange):
                self.told.append(effect.routes)
            elif isinstance(effect, fx.FreeAgent):
                self.freed[effect.agent] += 1
            else:
                self.checking.took(effect)
        return wanted

    def pick(self) -> SeatId:
        """Return somebody's seat, of the staff rather than the customer; rarely nobody's."""
        staff = [party.seat for party in self.call.staff]
        rung = [party.seat for role in (Role.AGENT, Role.GUEST) if (party := self.call.rung(role))]
        return self.random.choice([CUSTOMER.seat, *staff, *staff, *rung, NOBODY])

    def new_party(self, role: Role, account: AccountId) -> Party:
        self.seats += 1
        return Party(SeatId(f"seat-{self.seats}"), role, str(account), account)

    def ring(self) -> None:
        free = [agent for agent in AGENTS if self.call.seat_of(agent) is None]
        invited = self.call._invited
        role = self.random.choice([Role.AGENT, Role.GUEST, invited.role if invited else Role.AGENT])
        self.call.rang(self.new_party(role, self.random.choice(free or AGENTS)), self.time)

    def ring_over(self) -> None:
        self.call.ring_over(self.random.choice(AGENTS), RingEnd.REFUSED, self.time)

    def accept(self) -> None:
        rung = [party.account for role in Role if (party := self.call.rung(role)) and party.account]
        account = self.random.choice([*AGENTS, *rung * 5])
        self.call.accepted(account, self.time)
        self.seated[account] += 1

    def watch(self) -> None:
        account = self.random.choice(SUPERVISORS)
        self.call.watch(self.new_party(Role.SUPERVISOR, account), self.time)
        self.seated[account] += 1
        self.hidden = True

    def media_answers(self) -> None:
        if not self.told:
            self.call.arranged(None, self.time)
            return
        routes = self.told.pop(0)
        self.failing = self.random.random() < 0.2
        if not self.failing:
            self.media = {route.seat: route for route in routes}
        self.call.arranged(MediaError() if self.failing else None, self.time)

    def socket(self) -> None:
        seat = self.pick()
        self.hidden = self._unseen(seat)
        self.random.choice([self.call.dropped, self.call.returned])(seat, self.time)

    def connection(self) -> None:
        seat = self.pick()
        self.hidden = self._unseen(seat)
        reason = self.random.choice(["ice", "worker_lost"])
        up = facts.MediaConnected(CALL, seat)
        self.note(self.random.choice([up, up, facts.MediaLost(CALL, seat, reason)]))

    def track(self) -> None:
        seat, source = self.pick(), self.random.choice(list(TrackSource))
        self.tracks += 1
        track, kind = TrackId(f"track-{self.tracks}"), _SOURCES[source]
        self.live[track] = (seat, source)
        self.note(facts.TrackStarted(CALL, track, seat, Role.AGENT, kind, source, "VP8", 90_000))
        self.note(facts.RecordingStarted(CALL, track, Role.AGENT, kind))

    def all_tracks(self) -> None:
        for party in (CUSTOMER, *self.call.staff):
            self.note(facts.MediaConnected(CALL, party.seat))
        self.start(CUSTOMER, *self.call.staff)

    def track_ends(self) -> None:
        if self.live:
            self.note(facts.TrackEnded(CALL, self.live.popitem()[0], 1))

    def trouble(self) -> None:
        missing = facts.MediaMissing(CALL, self.pick(), ("camera",), 20)
        slow = facts.RecorderTroubled(CALL, TrackId("track-1"), "slow", 1)
        failed = facts.RecorderTroubled(CALL, TrackId("track-1"), "failed", 1)
        self.note(self.random.choice([missing, slow, slow, slow, slow, failed]))

    def capture(self) -> None:
        seat = self.pick()
        self.hidden = self._unseen(seat)
        on = [Capture.ON, Capture.ON, Capture.OFF, Capture.INTERRUPTED]
        states = self.random.choice(on), self.random.choice(on)
        self.call.got(seat, wire.CaptureState(CALL, *states), self.time)

    def message(self) -> None:
        seat, message = self.pick(), self.random.choice(_MESSAGES)
        host = self.call.host
        if host is not None and self.random.random() < 0.6:
            seat = self.call.seat_of(host) or seat
        self.hidden = self._unseen(seat) and not isinstance(message, wire.TakeOver | wire.SetMode)
        self.call.got(seat, message, self.time)
        if isinstance(message, wire.Invite) and self.random.random() < 0.5:
            self.next = [World.ring, World.accept, World.media_answers, World.media_answers]

    def supervise(self) -> None:
        seats = [party.seat for party in self.call.staff if party.role is Role.SUPERVISOR]
        if seats:
            mode = self.random.choice(list(SeatMode))
            message = self.random.choice([wire.SetMode(mode), wire.SetMode(mode), wire.TakeOver()])
            self.call.got(seats[-1], message, self.time)

    def ending(self) -> None:
        host = self.call.host
        if self.call.reason is None and self.random.random() < 0.7:
            return
        leading = self.call.seat_of(host) if host else None
        message = self.random.choice([wire.HangUp(), PUT_OFF, FAIL, wire.WrapUp()])
        self.call.got(self.random.choice([leading or NOBODY, CUSTOMER.seat]), message, self.time)

    def force_end(self) -> None:
        if self.random.random() < 0.1:
            self.call.force_end(SUPERVISORS[0], "enough", self.time)

    def give_up(self) -> None:
        self.call.gave_up(self.random.choice([Role.AGENT, Role.GUEST]), self.time)

    def checks(self) -> None:
        request = EvidenceId("ev-other")
        things: list[Callable[[], object]] = [
            lambda: self.store(CARD, STILL),
            lambda: self.number(CheckVerdict.PASSED),
            lambda: self.note(facts.StillRequested(CALL, request, EvidenceKind.ID_CARD)),
            lambda: self.call.claim_upload(CUSTOMER.seat, request),
            lambda: self.call.confirm_upload(CUSTOMER.seat, request),
            lambda: self.call.release_upload(request),
            self.call.compared,
            lambda: self.call.answered(self.pick()),
        ]
        self.random.choice(things)()

    def host_asks(self) -> None:
        self.checking.host_asks()

    def customer_answers(self) -> None:
        self.checking.customer_answers()

    def journal_tells(self) -> None:
        self.checking.journal_tells()

    def port_answers(self) -> None:
        self.checking.port_answers()

    def live_goes_on(self) -> None:
        self.checking.live_goes_on()

    def time_passes(self) -> None:
        self.call.tick(self.after(self.random.choice([0.25, 0.25, 1, 1, 1, 5, 20, 130])))

    def stop(self) -> None:
        if self.random.random() < 0.1:
            self.call.stop(CallEnd.SERVER_STOPPED, self.time)

    def wound(self) -> None:
        if self.call.reason is not None:
            self.call.wound_up()

    def leave_queue(self) -> None:
        self.call.leave_queue(self.time)

    def _unseen(self, seat: SeatId) -> bool:
        mode = self.call.mode_of(seat)
        return mode is not None and mode is not SeatMode.TALKING

    # --- the beginning and the end ---

    def begin(self) -> None:
        """Bring the call to where most histories begin."""
        start = self.random.random()
        self.call.open()
        self.call.media_opened()
        if start < 0.1:
            return
        self.call.rang(self.new_party(Role.AGENT, AGENTS[0]), self.time)
        if start < 0.15:
            return
        self.call.accepted(AGENTS[0], self.time)
        self.seated[AGENTS[0]] += 1
        if start > 0.2:
            self.all_tracks()
            self.gather()
            self.media_answers()
            self.store(CARD, STILL)

    def finish(self) -> None:
        """Let time do the rest."""
        if self.call.reason is None:
            self.call.stop(CallEnd.SERVER_STOPPED, self.time)
        self.call.wound_up()
        self.call.tick(self.after(LIMITS.wrap_up_s))
        self.gather()


# How likely each step is, in parts: the desk and media answer more often than anything goes wrong.
_LIKELY: dict[Callable[[World], None], int] = {
    World.ring: 4, World.ring_over: 1, World.accept: 6, World.watch: 2, World.media_answers: 8,
    World.socket: 3, World.connection: 3, World.track: 1, World.all_tracks: 2, World.track_ends: 1,
    World.trouble: 1, World.capture: 2, World.message: 12, World.supervise: 3, World.ending: 1,
    World.force_end: 1, World.give_up: 1, World.checks: 1, World.time_passes: 3, World.stop: 1,
    World.wound: 1, World.leave_queue: 1, World.host_asks: 9, World.customer_answers: 3,
    World.journal_tells: 6, World.port_answers: 4, World.live_goes_on: 4,
}  # fmt: skip
_STEPS = [step for step, parts in _LIKELY.items() for _ in range(parts)]

_MESSAGES: list[wire.Message] = [
    wire.Offer(CALL, "sdp"), wire.Offer(CallId("call-2"), "sdp"), wire.Chat("hello"), wire.Hold(True),
    wire.Hold(True), wire.Hold(False), wire.Hold(False), wire.Invite(), wire.Invite(private=True),
    wire.Invite(private=True), wire.Invite(transfer=True), wire.Invite(transfer=True),
    wire.Invite(agent=AGENTS[1]), wire.WithdrawInvite(), wire.Admit(), wire.Admit(), wire.Admit(),
    wire.Leave(), wire.Leave(), wire.TakeOver(), wire.SetMode(SeatMode.TALKING),
    wire.Playback(CALL, 5, 24, 0, 0, 0),
    wire.RequestStill(EvidenceKind.SCENE), wire.RequestStill(EvidenceKind.ID_CARD, at_once=True),
    wire.CheckIdNumber("1"), wire.MatchFaces(CARD, STILL), wire.NoteEvidence(CARD, "a card"),
    wire.MarkStep("faces", StepResult.WAIVED, reason="no light"), wire.MarkStep("x", StepResult.PASSED),
    wire.WrapUp(("vip",)), wire.JoinQueue(),
]  # fmt: skip
