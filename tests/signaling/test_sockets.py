"""Sockets: who gets in, who is thrown out, and what happens to a seat whose socket is lost."""

import asyncio
import json
from dataclasses import replace

import aiohttp
import pytest
from yarl import URL

from contract import facts, wire
from contract.errors import MediaError, ProtocolError
from contract.phases import CallPhase, CasePhase, EvidenceKind, Outcome, Presence, Role
from tests.signaling.house import Browser, House, open_house, until


async def refused(house: House, text: str, code: str, close_code: int = 1002) -> None:
    """Send ``text`` after a good hello and see the goodbye."""
    page = await house.customer()
    assert page.ws is not None
    await page.ws.send_str(text)
    await page.closed(code, close_code)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        '{"type": 5}',
        '{"type": "unknown"}',
        '{"type": "chat"}',
        '{"type": "chat", "text": 5}',
        '{"type": "chat", "text": "a", "extra": 1}',
        '{"type": "ping", "sent_at": NaN}',
        "[" * 100_000,
        json.dumps({"type": "chat", "text": "x" * 2_001}),
        json.dumps({"type": "welcome"}),
        json.dumps({"type": "hello", "version": 1, "ticket": "again"}),
        json.dumps({"type": "set_presence", "presence": "ready"}),
    ],
)
async def test_a_broken_protocol_closes_the_socket(house: House, text: str) -> None:
    """Malformed, unknown, ill-typed, out of bounds, or not this party's message: bye and 1002."""
    await refused(house, text, "protocol")


async def test_a_binary_frame_closes_the_socket(house: House) -> None:
    """The protocol is text."""
    page = await house.customer()
    assert page.ws is not None
    await page.ws.send_bytes(b"{}")
    await page.closed("protocol", 1002)


async def test_an_agent_who_sends_a_customers_message_is_closed(house: House) -> None:
    """Roles do not mix."""
    console = await house.ready_agent()
    await console.send(wire.JoinQueue())
    await console.closed("protocol", 1002)


async def test_a_frame_over_the_bound_closes_the_socket(house: House) -> None:
    """Nothing legitimate is larger than 128 KiB; RFC 6455 calls it 1009."""
    page = await house.customer()
    assert page.ws is not None
    await page.ws.send_str("x" * (wire.MESSAGE_MAX_BYTES + 1))
    await until(lambda: "" if page.close_code is not None else "the close")
    assert page.close_code == 1009


async def test_a_flood_closes_the_socket(house: House) -> None:
    """The hundredth message in an instant is still taken, a few more are not."""
    page = await house.customer()
    for _ in range(120):
        try:
            await page.send(wire.Ping(1.0))
        except ConnectionError:
            break
    await page.closed("too_fast", 1008)


async def test_silence_instead_of_hello_closes_the_socket() -> None:
    """Who says nothing holds no socket."""
    async with open_house(hello_s=0.05) as house:
        page = await house.browser()
        await page.connect()
        await page.closed("hello_missing", 1008)


@pytest.mark.parametrize(
    ("hello", "code", "close_code"),
    [
        ({"version": 2, "ticket": "x"}, "version", 1002),
        ({"version": 1}, "protocol", 1002),
        ({"version": 1, "ticket": "x", "resume": "y"}, "protocol", 1002),
        ({"version": 1, "ticket": "x"}, "ticket_invalid", 1008),
        ({"version": 1, "resume": "y"}, "resume_invalid", 1008),
        ({"version": 1, "csrf": "z"}, "not_logged_in", 1008),
    ],
)
async def test_a_hello_without_a_right_is_refused(
    house: House, hello: dict[str, object], code: str, close_code: int
) -> None:
    """Each with its own word."""
    page = await house.browser()
    await page.connect()
    assert page.ws is not None
    await page.ws.send_str(json.dumps({"type": "hello", **hello}))
    await page.closed(code, close_code)


async def test_something_else_instead_of_hello_is_refused(house: House) -> None:
    """The first message is hello."""
    page = await house.browser()
    await page.connect()
    await page.send(wire.Ping(1.0))
    await page.closed("protocol", 1002)


async def test_a_ticket_opens_one_seat_only(house: House) -> None:
    """A replayed link is refused and the first seat stays."""
    _, ticket = await house.walk_in()
    first = await house.browser()
    await first.hello(ticket=ticket)
    second = await house.browser()
    await second.connect()
    await second.send(wire.Hello(wire.VERSION, ticket=ticket))
    await second.closed("ticket_used", 1008)
    await first.send(wire.Ping(7.0))
    assert (await first.wait(wire.Pong)).sent_at == 7.0


async def test_an_expired_ticket_expires_the_case(house: House) -> None:
    """The case is closed by name, once."""
    case, ticket = await house.walk_in()
    house.clock.advance(house.settings.walk_in_ticket_s)
    for _ in range(2):
        page = await house.browser()
        await page.connect()
        await page.send(wire.Hello(wire.VERSION, ticket=ticket))
        await page.closed("ticket_expired", 1008)
    expired = [fact for fact in house.facts(case) if isinstance(fact, facts.CaseAdvanced)]
    assert [fact.now for fact in expired] == [CasePhase.EXPIRED]


async def test_a_foreign_origin_gets_no_socket(house: House) -> None:
    """A page of another host is refused before the upgrade; our own and configured ones get in."""
    page = await house.browser()
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await page.connect(Origin="https://evil.example")
    assert caught.value.status == 403
    await page.connect(Origin=house.base)


async def test_a_console_needs_the_csrf_token_and_the_role(house: House) -> None:
    """The cookie alone opens nothing; an auditor takes no calls."""
    console = await house.browser()
    await console.login("anna")
    await console.connect()
    await console.send(wire.Hello(wire.VERSION, csrf="0" * 64))
    await console.closed("csrf", 1008)
    auditor = await house.browser()
    await auditor.login("audrey")
    await auditor.connect()
    await auditor.send(wire.Hello(wire.VERSION, csrf=auditor.csrf))
    await auditor.closed("wrong_role", 1008)


async def test_a_refused_consent_ends_the_case(house: House) -> None:
    """Nothing is captured from who does not agree to the recording."""
    page = await house.customer(consent=False)
    assert page.welcome is not None
    assert page.welcome.case is not None
    await page.send(wire.Consent(False, False, False, page.welcome.consent_version, "zh-CN"))
    await page.closed("consent_refused", 1000)
    await house.noted(page.welcome.case, facts.CaseAdvanced, "CONSENT_REFUSED")


async def test_the_queue_wants_consent_to_the_present_text(house: House) -> None:
    """Without consent, or with consent to an older text, nobody joins."""
    page = await house.customer(consent=False)
    await page.send(wire.JoinQueue())
    assert (await page.wait(wire.Failed)).code == "consent_missing"
    await page.send(wire.Consent(True, True, False, "1999-1", "zh-CN"))
    assert (await page.wait(wire.Failed)).code == "consent_outdated"
    for message in (wire.LeaveQueue(), wire.HangUp(), wire.Chat("x")):
        await page.send(message)
        assert (await page.wait(wire.Failed)).about == message.tag


async def test_media_that_cannot_be_opened_is_told(house: House) -> None:
    """The customer may try again when media is back."""
    house.media.open_error = MediaError("no ports")
    page = await house.customer()
    await page.send(wire.JoinQueue())
    failed = await page.wait(wire.Failed)
    assert (failed.code, failed.about) == ("media", "join_queue")
    house.media.open_error = None
    await page.send(wire.JoinQueue())
    await page.wait(wire.QueuePosition)


async def test_offers_fail_by_the_kind_of_fault(house: House) -> None:
    """No SDP: protocol. Our fault: a word without a text from inside."""
    page, call = await house.queued()
    for offer, code in (("broken", "media"), ("crash", "internal")):
        await page.send(wire.Offer(call, offer))
        failed = await page.wait(wire.Failed)
        assert (failed.code, failed.text, failed.about) == (code, "our fault", "offer")
    await page.send(wire.Offer(call, "not sdp"))
    await page.closed("protocol", 1002)


# --- the queue ---


async def test_everybody_sees_the_queue_move(house: House) -> None:
    """Positions, and the length on the consoles, follow each change."""
    first, _ = await house.queued()
    second, call = await house.queued()
    console = await house.browser()
    await console.as_staff("anna")
    await console.wait(wire.PresenceSet, lambda m: m.waiting == 2)
    await first.send(wire.LeaveQueue())
    moved = await second.wait(wire.QueuePosition, lambda m: m.call == call and m.position == 1)
    assert moved.estimated_wait_s is None
    await console.wait(wire.PresenceSet, lambda m: m.waiting == 1)


async def test_a_ring_goes_on_to_the_next_agent(house: House) -> None:
    """Refused by one, timed out at the next, answered by the third; each console is told."""
    anna = await house.ready_agent("anna")
    page, call = await house.queued()
    ring = await anna.wait(wire.Ring)
    assert (ring.call, ring.expires_in_s, ring.language) == (call, 30.0, "zh-CN")
    ben = await house.ready_agent("ben")
    await anna.send(wire.Refuse(call))
    assert (await anna.wait(wire.RingOver)).how == "refused"
    await ben.wait(wire.Ring)
    house.clock.advance(30)
    assert (await ben.wait(wire.RingOver)).how == "timed_out"
    await ben.wait(wire.PresenceSet, lambda m: m.presence is Presence.BREAK)
    await anna.wait(wire.Ring)
    await ben.send(wire.Accept(call))
    assert (await ben.wait(wire.Failed)).code == "ring_over"
    await anna.send(wire.Accept(call))
    await page.wait(wire.CallState, lambda m: m.phase is CallPhase.CONNECTING)


async def test_nobody_rings_across_tenants(house: House) -> None:
    """Another bank's ready agent is not offered our customer, nor told of our queue."""
    rita = await house.ready_agent("rita")
    _, call = await house.queued()
    anna = await house.ready_agent("anna")
    await anna.wait(wire.Ring)
    await rita.send(wire.Accept(call))
    assert (await rita.wait(wire.Failed)).code == "ring_over"
    await rita.send(wire.Offer(call, "v=0"))
    assert (await rita.wait(wire.Failed)).code == "wrong_phase"
    assert not [m for m in rita.messages if isinstance(m, wire.Ring)]
    assert not [m for m in rita.messages if isinstance(m, wire.PresenceSet) and m.waiting]


async def test_a_customer_who_leaves_stops_the_ring(house: House) -> None:
    """The console is told why."""
    anna = await house.ready_agent()
    page, _ = await house.queued()
    await anna.wait(wire.Ring)
    await page.send(wire.LeaveQueue())
    assert (await anna.wait(wire.RingOver)).how == "customer_left"
    await anna.wait(wire.PresenceSet, lambda m: m.presence is Presence.READY)


async def test_a_console_that_closes_passes_its_ring_on(house: House) -> None:
    """And is ready again when it is back in time."""
    anna = await house.ready_agent()
    page, call = await house.queued()
    await anna.wait(wire.Ring)
    await anna.drop()
    ended = await house.noted(house.media.calls[call].case, facts.RingEnded)
    assert ended.how == "agent_left"  # type: ignore[attr-defined]
    house.clock.advance(6)
    await anna.as_staff("anna")
    await anna.wait(wire.Ring)
    assert not [m for m in page.messages if isinstance(m, wire.Bye)]


# --- lost sockets ---


async def resume(page: Browser) -> wire.Welcome:
    assert page.welcome is not None
    return await page.hello(resume=page.welcome.resume)


async def test_a_customer_returns_to_the_call(house: House) -> None:
    """Same seat, same call, a new token; the other side saw the countdown."""
    page, console, case = await house.call()
    before = page.welcome
    assert before is not None
    await page.drop()
    away = await console.wait(wire.CallState, lambda m: m.phase is CallPhase.RECONNECTING)
    assert away.grace_s == 20
    house.clock.advance(19)
    back = await resume(page)
    assert (back.seat, back.case, back.phase) == (before.seat, case, CasePhase.IN_CALL)
    assert back.call is not None
    assert back.resume != before.resume
    await console.wait(wire.CallState, lambda m: m.phase is CallPhase.ACTIVE)
    await house.noted(case, facts.PartyReturned)


async def test_a_customer_who_does_not_return_is_lost(house: House) -> None:
    """CUSTOMER_LOST on the console, in the journal; the recording is merged, the agent is free."""
    page, console, case = await house.call()
    await page.drop()
    await house.noted(case, facts.PartyDropped)
    house.clock.advance(20)
    await console.wait(wire.CallState, lambda m: m.reason == "customer_lost")
    await house.noted(case, facts.CaseAdvanced, "ABORTED")
    await house.noted(case, facts.MergeQueued)
    await console.send(wire.SetPresence(Presence.READY))
    await console.wait(wire.PresenceSet, lambda m: m.presence is Presence.READY)
    back = await resume(page)
    assert (back.phase, back.call) == (CasePhase.ABORTED, None)
    await page.wait(wire.CallState, lambda m: m.reason == "customer_lost")


async def test_an_agent_returns_to_the_call_with_its_history(house: House) -> None:
    """The console is told the call, the seat and every fact so far."""
    page, console, case = await house.call()
    await console.drop()
    await page.wait(wire.CallState, lambda m: m.phase is CallPhase.RECONNECTING)
    console.messages.clear()
    back = await console.as_staff("anna")
    assert back.case == case
    assert back.call is not None
    await page.wait(wire.CallState, lambda m: m.phase is CallPhase.ACTIVE)
    await console.fact(facts.CaseCreated)
    await console.fact(facts.PartyReturned)


async def test_an_agent_who_does_not_return_is_lost(house: House) -> None:
    """AGENT_LOST on the phone; the agent comes back later to an empty desk."""
    page, console, case = await house.call()
    await console.drop()
    await house.noted(case, facts.PartyDropped)
    house.clock.advance(20)
    await page.wait(wire.CallState, lambda m: m.reason == "agent_lost")
    back = await console.as_staff("anna")
    assert back.call is None
    await console.wait(wire.PresenceSet, lambda m: m.presence is Presence.BREAK)


async def test_an_agent_lost_in_wrap_up_finds_the_case_again(house: House) -> None:
    """The result can still be given."""
    page, console, case = await house.call()
    await page.send(wire.HangUp())
    await console.wait(wire.CallState, lambda m: m.phase is CallPhase.ENDED)
    await console.drop()
    back = await console.as_staff("anna")
    assert back.case == case
    await console.wait(wire.PresenceSet, lambda m: m.presence is Presence.WRAP_UP)
    await console.send(wire.Finish(Outcome.FAILED, "checks"))
    await house.noted(case, facts.AgentDecided)


async def test_a_second_socket_replaces_the_first(house: House) -> None:
    """On the phone by its token, on the console by the login; the call does not notice."""
    page, console, case = await house.call()
    for browser in (page, console):
        old = browser.ws
        again = await house.browser()
        again.http.cookie_jar.update_cookies(browser.http.cookie_jar.filter_cookies(URL(browser.base)))
        again.csrf, again.welcome = browser.csrf, browser.welcome
        if browser is page:
            await resume(again)
        else:
            await again.as_staff("anna")
        await browser.closed("replaced", 1000)
        assert old is not None
    assert "PartyDropped" not in house.names(case)


async def test_a_resume_token_is_good_until_its_successor_is_used(house: House) -> None:
    """A welcome that never arrived locks nobody out; after a message the old token is worthless."""
    page = await house.customer()
    assert page.welcome is not None
    old = page.welcome
    await page.drop()
    await page.hello(resume=old.resume)
    await page.drop()
    await page.hello(resume=old.resume)
    await page.send(wire.Chat("anything"))
    await page.wait(wire.Failed)
    await page.drop()
    await page.connect()
    await page.send(wire.Hello(wire.VERSION, resume=old.resume))
    await page.closed("resume_invalid", 1008)


async def test_a_wanted_still_is_told_again_after_a_return(house: House) -> None:
    """The phone that lost its socket still knows what to take."""
    page, console, _ = await house.call()
    await console.send(wire.RequestStill(EvidenceKind.ID_CARD))
    wanted = await page.wait(wire.StillWanted)
    await page.drop()
    await resume(page)
    assert (await page.wait(wire.StillWanted)).request == wanted.request


async def test_a_visit_before_the_call_ends_after_ten_minutes(house: House) -> None:
    """Going to fetch the card is fine; being gone closes the case."""
    page = await house.customer()
    assert page.welcome is not None
    assert page.welcome.case is not None
    await house.noted(page.welcome.case, facts.ConsentGiven)
    await page.drop()
    house.clock.advance(500)
    await resume(page)
    await page.drop()
    await asyncio.sleep(0)
    await until(lambda: "" if page.ws is None else "the drop")
    await _gone(house, page)


async def _gone(house: House, page: Browser) -> None:
    assert page.welcome is not None
    case = page.welcome.case
    assert case is not None

    def missing() -> str:
        house.clock.advance(600)
        phases = [fact.now for fact in house.facts(case) if isinstance(fact, facts.CaseAdvanced)]
        return "" if phases[-1] is CasePhase.ABORTED else f"the end; has {phases}"

    await until(missing)
    await page.connect()
    await page.send(wire.Hello(wire.VERSION, resume=page.welcome.resume))
    await page.closed("resume_invalid", 1008)


# --- faults of ours ---


async def test_a_slow_consumer_is_closed_and_keeps_its_seat() -> None:
    """A browser that reads nothing fills its outbox and is cut off; its seat waits for its return."""
    async with open_house(outbox_max=8, heartbeat_s=60.0) as house:
        _page, console, case = await house.call()
        assert console.ws is not None
        # Nobody reads from this socket any more.
        transport = console.ws._response.connection.transport  # type: ignore[union-attr]
        transport.pause_reading()  # type: ignore[union-attr]

        for _ in range(600):
            await house.journal.append(case, facts.MergeStarted("j" * 20_000, "w", 1))  # type: ignore[arg-type]
        await house.noted(case, facts.PartyDropped)
        transport.resume_reading()  # type: ignore[union-attr]


async def test_a_gate_that_does_not_open_ends_the_call(house: House) -> None:
    """MEDIA_FAILED on both screens."""
    house.media.gate_error = MediaError("stuck")
    console = await house.ready_agent()
    page, call = await house.queued()
    await console.wait(wire.Ring)
    await console.send(wire.Offer(call, "v=0"))
    await console.send(wire.Accept(call))
    for browser in (page, console):
        await browser.wait(wire.CallState, lambda m: m.reason == "media_failed")


async def test_a_failed_model_leaves_the_call_alive(house: House) -> None:
    """The agent is told and may ask again."""
    house.identity.face_error = KeyError("a bug")
    page, console, _ = await house.call()
    await house.checked(page, console)
    failed = await console.wait(wire.Failed)
    assert (failed.code, failed.about) == ("internal", "match_faces")
    house.identity.face_error = None
    await house.checked(page, console)
    await console.fact(facts.FacesCompared)


async def test_a_stopping_server_ends_calls_by_name() -> None:
    """Both screens are told, the recording is finished and its merge queued before we are gone."""
    async with open_house() as house:
        page, console, case = await house.call()
        waiting, _ = await house.queued()
        await house.signaling.__aexit__(None, None, None)
        for browser in (page, console):
            await browser.wait(wire.CallState, lambda m: m.reason == "server_stopped")
            await browser.closed("server_stopped", 1001)
        await waiting.closed("server_stopped", 1001)
        assert house.jobs.kinds(case) == ["merge"]
        assert len(house.recorder.finished) == 2
        ends = [f.reason for f in house.facts(case) if isinstance(f, facts.CaseAdvanced) and f.reason]
        assert ends == ["server_lost"]


async def test_a_dead_peer_is_noticed_by_its_silence() -> None:
    """A peer that answers no WebSocket ping is dropped after one and a half heartbeats."""
    async with open_house(heartbeat_s=0.2) as house:
        page, _, case = await house.call()
        assert page.ws is not None
        page.ws._response.connection.transport.pause_reading()  # type: ignore[union-attr]
        await house.noted(case, facts.PartyDropped)


async def test_an_open_console_keeps_its_session_and_a_logout_ends_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is noted as seen once a minute, whatever the page sends or does not; a logout closes."""
    monkeypatch.setattr("signaling.reception._CHECK_S", 0.02)
    console = await house.ready_agent()
    for _ in range(3):
        house.clock.advance(1_700)
        await until(lambda: "" if _seen(house) else "the session's touch")
    assert (await console.request("GET", "/api/me"))[0] == 200
    house.accounts.sessions.clear()
    await console.closed("not_logged_in", 1008)


async def test_a_console_whose_person_lost_the_role_is_closed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rights are those of now, not those of the login."""
    monkeypatch.setattr("signaling.reception._CHECK_S", 0.02)
    console = await house.ready_agent()
    anna = await house.accounts.account_by_login("anna")
    assert anna is not None
    house.accounts.accounts[anna.account] = replace(anna, role=Role.AUDITOR)
    await console.closed("wrong_role", 1008)


@pytest.mark.parametrize("code", ["bad_sdp", "bad_offer", "wrong_plan", "no_common_codec"])
async def test_an_offer_that_no_correct_page_sends_is_a_protocol_error(
    house: House, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """RFC 6455 calls it 1002."""

    async def answer(*_: object) -> str:
        raise ProtocolError("not an offer", code=code)

    page, call = await house.queued()
    monkeypatch.setattr(house.media, "answer", answer)
    await page.send(wire.Offer(call, "v=0"))
    await page.closed(code, 1002)


def _seen(house: House) -> bool:
    return any(session.seen_at == house.clock.now() for session in house.accounts.sessions.values())


async def test_a_case_with_too_much_unfinished_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that hangs does not let memory fill with what waits for it."""
    async with open_house(messages_burst=1_000.0) as house:
        page, _, _ = await house.call()
        stuck = asyncio.Event()

        async def hang(case: object, fact: object) -> None:
            await stuck.wait()

        with monkeypatch.context() as patch:
            patch.setattr(house.journal, "append", hang)
            for number in range(230):
                await page.send(wire.Chat(str(number)))
            assert (await page.wait(wire.Failed)).code == "busy"
        stuck.set()


async def test_a_hello_while_the_server_stops_is_turned_away(house: House) -> None:
    """The page is told why."""
    _, ticket = await house.walk_in()
    page = await house.browser()
    await page.connect()
    await house.signaling._front.stop()
    await page.send(wire.Hello(wire.VERSION, ticket=ticket))
    await page.closed("server_stopped", 1001)


async def test_a_breaking_room_breaks_one_socket_only(house: House) -> None:
    """An unexpected error closes 1011 without a text; the service goes on."""
    _, ticket = await house.walk_in()
    house.accounts.tenants.clear()
    page = await house.browser()
    await page.connect()
    await page.send(wire.Hello(wire.VERSION, ticket=ticket))
    await page.closed("internal", 1011)
    assert (await page.request("GET", "/api/me"))[0] == 401
