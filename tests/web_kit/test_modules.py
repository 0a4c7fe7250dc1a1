"""The shared modules, each in real Chromium under the real policy."""

import json
from dataclasses import replace

import pytest
from playwright.async_api import expect

from contract import wire
from tests.customer_h5.stand_in import CALL, WELCOME
from tests.web_kit.conftest import Bench

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_OPEN = """
window.connection = new it.Connection({ credentials: () => (argument), language: () => "en" });
window.states = [];
connection.onState((state) => window.states.push([state.phase, state.reason]));
connection.open();
"""


async def test_chooser(bench: Bench) -> None:
    """Three doors, in the language asked for, reachable by keyboard."""
    await bench.page.goto(f"{bench.bank.url}/?lang=en")
    doors = bench.page.get_by_role("link")
    await expect(doors).to_have_count(3)
    assert [await door.get_attribute("href") for door in await doors.all()] == ["/c/", "/agent/", "/audit/"]
    await bench.page.get_by_role("button", name="中文").click()
    await expect(bench.page.get_by_role("heading", name="您要进入哪里？")).to_be_visible()


async def test_h(bench: Bench) -> None:
    """h() makes text from text, whatever it looks like, and sets, omits and listens."""
    made = await bench.run(
        "dom.js",
        """let clicks = 0;
        const onclick = () => clicks++;
        const node = it.h("button", { class: "a", hidden: true, title: null, "aria-label": "x", onclick },
          "<b>", 7, null, false, [it.h("i", null, "in"), undefined]);
        node.click();
        return [node.outerHTML, clicks];""",
    )
    assert made == ['<button class="a" hidden="" aria-label="x">&lt;b&gt;7<i>in</i></button>', 1]


async def test_store(bench: Bench) -> None:
    """State is frozen; listeners hear the first value and changes only, until they stop."""
    seen = await bench.run(
        "store.js",
        """const store = it.createStore({ a: 1, b: 2 });
        const seen = [];
        const stop = store.subscribe((now, was) => seen.push([now.a, was.a]));
        store.update({ a: 1 }); store.update({ a: 5 }); stop(); store.update({ a: 6 });
        return [seen, store.get(), Object.isFrozen(store.get())];""",
    )
    assert seen == [[[1, 1], [5, 1]], {"a": 6, "b": 2}, True]


async def test_words(bench: Bench) -> None:
    """Parameters are filled in, unknown codes get the general sentence, times read well."""
    told = await bench.run(
        "i18n.js",
        """it.setLanguage("en");
        it.addStrings({ "zh-CN": { greet: "你好 {name}" }, en: { greet: "Hello {name} {gap}" } });
        const codes = ["busy", "new_word", null].map((code) => it.tCode("error", code));
        const clocks = [65.9, 3725, -1].map(it.clock);
        return [it.t("greet", { name: "Li" }), it.t("nothing"), ...codes, ...clocks];""",
    )
    assert told[:2] == ["Hello Li {gap}", "nothing"]
    assert told[2].startswith("Many people")
    assert "(new_word)" in told[3] and "()" in told[4]
    assert told[5:] == ["1:05", "1:02:05", "0:00"]


async def test_request_errors(bench: Bench) -> None:
    """Every failure is a RestError with a machine word, and the CSRF token goes with changes only."""
    told = await bench.run(
        "rest.js",
        """const fail = (promise) => promise.then(() => null, (error) => [error.code, error.status]);
        it.setCsrf("token");
        const door = await it.request("POST", "/api/walk-in", { tenant: "demo" });
        const gone = await fail(it.request("GET", "/nowhere"));
        const real = window.fetch;
        window.fetch = () => Promise.reject(new TypeError("no network"));
        const offline = await fail(it.request("GET", "/x"));
        const sent = [];
        window.fetch = (path, init) => {
          sent.push(init.headers["X-CSRF-Token"] || "");
          return real("/favicon.svg", { method: "HEAD" });
        };
        await it.request("GET", "/x"); await it.request("POST", "/x");
        window.fetch = () => Promise.resolve(new Response('{"code":"busy","text":"later"}', { status: 503 }));
        return [door.ticket, gone, offline, sent, await fail(it.request("GET", "/x"))];""",
    )
    bench.watched.forgive("404")
    assert told == ["ticket-1", ["http_404", 404], ["offline", 0], ["", "token"], ["busy", 503]]


async def test_connection_refused_by_bye(bench: Bench) -> None:
    """A goodbye before the welcome closes for good, with its word."""
    bench.bank.refusal = "ticket_used"
    await bench.run("connection.js", _OPEN, {"ticket": "t"})
    await bench.page.wait_for_function("() => connection.state.phase === 'closed'")
    assert await bench.page.evaluate("states") == [["connecting", None], ["closed", "ticket_used"]]
    assert len([message for message in bench.bank.got if isinstance(message, wire.Hello)]) == 1


async def test_connection_returns(bench: Bench) -> None:
    """After a drop the newest resume token is used; a logged-in person sends csrf again."""
    await bench.run("connection.js", _OPEN, {"ticket": "t"})
    await bench.page.wait_for_function("() => connection.state.phase === 'open'")
    bench.bank.welcome = replace(WELCOME, resume="resume-2")
    for count in (2, 3):
        assert bench.bank.socket is not None
        await bench.bank.socket.close(code=1012)
        await bench.bank.wait_for(wire.Hello, count)
        await bench.page.wait_for_function("() => connection.state.phase === 'open'")
    hellos = [message for message in bench.bank.got if isinstance(message, wire.Hello)]
    assert [(hello.ticket, hello.resume) for hello in hellos] == [
        ("t", None), (None, "resume-1"), (None, "resume-2"),
    ]  # fmt: skip
    await bench.page.evaluate("connection.close('done')")
    assert (await bench.page.evaluate("states"))[-1] == ["closed", "done"]
    assert await bench.page.evaluate("connection.send({ type: 'join_queue' })") is False


async def test_connection_of_a_person(bench: Bench) -> None:
    """A slow-consumer goodbye is no farewell: the console comes back with its csrf token."""
    await bench.run("connection.js", _OPEN, {"csrf": "c"})
    await bench.page.wait_for_function("() => connection.state.phase === 'open'")
    await bench.bank.send(wire.Bye("slow_consumer"))
    assert bench.bank.socket is not None
    await bench.bank.socket.close()
    again = await bench.bank.wait_for(wire.Hello, 2)
    assert (again.csrf, again.resume) == ("c", None)


async def test_connection_gives_up_after_grace(bench: Bench) -> None:
    """When the grace period is over without a way back, it says so."""
    bench.bank.welcome = replace(WELCOME, grace_s=0.2)
    await bench.run("connection.js", _OPEN, {"ticket": "t"})
    await bench.page.wait_for_function("() => connection.state.phase === 'open'")
    await bench.page.evaluate("connection._url = 'ws://' + location.host + '/favicon.svg'")
    assert bench.bank.socket is not None
    await bench.bank.socket.close(code=1012)
    await bench.page.wait_for_function("() => connection.state.reason === 'grace_over'")
    bench.watched.forgive("WebSocket connection")


async def test_heartbeat(bench: Bench) -> None:
    """Pings go out at the rate that the welcome names, and the round trip is measured."""
    bench.bank.welcome = replace(WELCOME, heartbeat_s=0.1)
    await bench.run("connection.js", _OPEN, {"ticket": "t"})
    await bench.bank.wait_for(wire.Ping, 2)
    await bench.page.wait_for_function("() => connection.rttMs !== null && connection.rttMs < 5000")


async def test_a_dead_socket_is_found_when_asked(bench: Bench) -> None:
    """A socket that answers a check stays; one that does not is replaced after two seconds."""
    await bench.run("connection.js", _OPEN, {"ticket": "t"})
    await bench.page.wait_for_function("() => connection.state.phase === 'open'")
    await bench.page.evaluate("connection.check()")
    await bench.page.wait_for_function("() => connection.rttMs !== null")
    bench.bank.mute = True
    await bench.page.evaluate("connection.check()")
    await bench.bank.wait_for(wire.Ping, 2)
    bench.bank.mute = False
    again = await bench.bank.wait_for(wire.Hello, 2)
    assert again.resume == "resume-1"
    assert await bench.page.evaluate("connection.state.phase") in {"dropped", "open"}


async def test_call_offers_again_when_refused(bench: Bench) -> None:
    """A refused offer is followed by a fresh one on a new connection, in the same plan."""
    await bench.run("connection.js", _OPEN, {"ticket": "t"})
    await bench.page.wait_for_function("() => connection.state.phase === 'open'")
    await bench.run(
        "call.js",
        """window.call = new it.Call({ connection, call: argument,
          local: { microphone: null, camera: null } });
        call.start();""",
        CALL,
    )
    first = await bench.bank.wait_for(wire.Offer)
    await bench.bank.send(wire.Failed("media", "x", "offer"))
    second = await bench.bank.wait_for(wire.Offer, 2)
    lines = [[line for line in offer.sdp.splitlines() if line.startswith("m=")] for offer in (first, second)]
    assert [line.split()[0] for line in lines[0]] == [line.split()[0] for line in lines[1]]
    ufrags = [
        next(line for line in offer.sdp.splitlines() if "ice-ufrag" in line) for offer in (first, second)
    ]
    assert ufrags[0] != ufrags[1]
    await bench.page.evaluate("call.stop()")
    assert await bench.page.evaluate("call.link") == "closed"
    assert len(json.dumps(first.sdp)) < 65_536


async def test_call_offers_with_the_credentials_of_the_latest_welcome(bench: Bench) -> None:
    """TURN credentials end: after a return the new connection is made with those of the new welcome."""

    def relay(name: str) -> tuple[wire.IceServer, ...]:
        return (wire.IceServer(("turn:127.0.0.1:9?transport=udp",), name, "secret"),)

    bench.bank.welcome = replace(WELCOME, ice_servers=relay("early"))
    await bench.run("connection.js", _OPEN, {"ticket": "t"})
    await bench.page.wait_for_function("() => connection.state.phase === 'open'")
    await bench.run(
        "call.js",
        """window.used = [];
        window.RTCPeerConnection = class extends RTCPeerConnection {
          constructor(configuration) { super(configuration); used.push(...configuration.iceServers); }
        };
        window.call = new it.Call({ connection, call: argument, local: { microphone: null, camera: null } });
        call.start();""",
        CALL,
    )
    await bench.bank.wait_for(wire.Offer)
    bench.bank.welcome = replace(WELCOME, ice_servers=relay("late"))
    assert bench.bank.socket is not None
    await bench.bank.socket.close(code=1012)
    await bench.bank.wait_for(wire.Offer, 2)
    await bench.page.evaluate("call.stop()")

    urls = ["turn:127.0.0.1:9?transport=udp"]
    assert await bench.page.evaluate("used") == [
        {"urls": urls, "username": name, "credential": "secret"} for name in ("early", "late")
    ]
