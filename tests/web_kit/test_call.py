"""One peer connection of a call: what it asks for, what it measures, when it begins anew."""

import pytest

from contract import wire
from contract.ids import CallId
from tests.customer_h5.stand_in import CALL
from tests.web_kit.conftest import Bench

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_OPEN = """
const { Connection } = await import(url.replace("call.js", "connection.js"));
window.connection = new Connection({ credentials: () => ({ ticket: "t" }), language: () => "en" });
connection.open();
await new Promise((resolve) => connection.onState((state) => state.phase === "open" && resolve()));
window.call = new it.Call({ connection, call: argument, local: { microphone: null, camera: null } });
call.start();
"""
# Readings of the statistics that a test makes up, as far as the meter looks.
_READ = """
const meter = new it.CallMeter(4, 2500);
const report = (stats) => new Map(stats.map((stat, index) => [index, stat]));
const told = argument.map(([at, stats]) => [meter.read(report(stats), at), meter.report()]);
return told;
"""


def _video(frames: int, freezes: int, frozen: float, *, got: int, lost: int) -> dict[str, object]:
    return {
        "type": "inbound-rtp", "kind": "video", "mid": "4", "framesDecoded": frames, "freezeCount": freezes,
        "totalFreezesDuration": frozen, "packetsReceived": got, "packetsLost": lost,
        "bytesReceived": got * 1000,
    }  # fmt: skip


def _audio(concealed: int, silent: int) -> dict[str, object]:
    return {
        "type": "inbound-rtp",
        "mid": "3",
        "concealedSamples": concealed,
        "silentConcealedSamples": silent,
    }


async def test_opus_nack(bench: Bench) -> None:
    """Every m-section with Opus asks for lost sound again; nothing else changes."""
    sdp = (
        "v=0\r\nm=audio 9 X 111 9\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:9 G722/8000\r\nm=video 9 X 96\r\n"
    )
    told = await bench.run("sdp.js", "return it.withOpusNack(argument);", sdp)
    assert told == sdp.replace("opus/48000/2\r\n", "opus/48000/2\r\na=rtcp-fb:111 nack\r\n")


async def test_the_offer_asks_for_lost_sound(bench: Bench) -> None:
    """Chromium takes the request over: it stands in every audio section, with in-band FEC."""
    await bench.run("call.js", _OPEN, CALL)
    offer = await bench.bank.wait_for(wire.Offer)
    sections = [part for part in offer.sdp.split("\r\nm=") if part.startswith("audio")]
    assert len(sections) == 4
    for section in sections:
        assert "a=rtcp-fb:111 nack\r\n" in section and "useinbandfec=1" in section


async def test_the_plan(bench: Bench) -> None:
    """Ten lines in the server's order: what is sent, two others, the screen, and the third other."""
    await bench.run("call.js", _OPEN, CALL)
    await bench.bank.wait_for(wire.Offer)
    lines = await bench.page.evaluate(
        """() => call._pc.getTransceivers().map(({ direction, receiver: { track } }) =>
        [track.kind[0], direction === "sendonly" ? "own"
         : [...call.remote, call.screen].findIndex((stream) => stream.getTracks().includes(track))])"""
    )
    assert lines == [
        ["a", "own"], ["v", "own"], ["v", "own"],
        ["a", 0], ["v", 0], ["a", 1], ["v", 1], ["v", 3], ["a", 2], ["v", 2],
    ]  # fmt: skip


async def test_limits_of_what_is_sent(bench: Bench) -> None:
    """A rung of the ladder narrows the camera, outlives a new offer and ends again; a shared screen keeps
    its resolution and is marked as text; nothing of it makes another offer."""
    await bench.run("call.js", _OPEN, CALL)
    await bench.bank.wait_for(wire.Offer)
    encodings = """[1, 2].map((line) => call._pc.getTransceivers()[line].sender.getParameters()).map(
        ({ encodings: [one], degradationPreference: keep }) =>
            [one.maxBitrate, one.scaleResolutionDownBy, one.maxFramerate || null, keep])"""
    narrow = await bench.page.evaluate(
        f"""async () => {{
            const canvas = Object.assign(document.createElement("canvas"), {{ width: 2560, height: 1440 }});
            canvas.getContext("2d");
            const [camera, screen] = [0, 1].map(() => canvas.captureStream(5).getVideoTracks()[0]);
            await call.replaceTrack("camera", camera);
            await call.replaceTrack("screen", screen);
            await call.setCameraLimits({{ maxFramerate: 10, maxBitrate: 250000, scale: 2 }});
            window.hint = screen.contentHint;
            return {encodings};
        }}"""
    )
    assert narrow == [[250_000, 4, 10, "balanced"], [1_500_000, 2560 / 1920, 10, "maintain-resolution"]]
    assert await bench.page.evaluate("hint") == "text"
    assert len([message for message in bench.bank.got if isinstance(message, wire.Offer)]) == 1
    best = await bench.page.evaluate(
        f"async () => {{ await call._offer(); await call.setCameraLimits({{}}); return {encodings}; }}"
    )
    assert best[0] == [1_800_000, 2, None, "balanced"]


async def test_a_camera_that_is_off_sends_nothing_and_asks_for_nothing(bench: Bench) -> None:
    """Null in place of the camera needs no other offer, and the next one comes without it."""
    await bench.run("call.js", _OPEN, CALL)
    await bench.bank.wait_for(wire.Offer)
    senders = await bench.page.evaluate(
        """async () => {
            const canvas = document.createElement("canvas");
            canvas.getContext("2d");
            const seen = () => Boolean(call._pc.getTransceivers()[1].sender.track);
            await call.replaceTrack("camera", canvas.captureStream(5).getVideoTracks()[0]);
            const on = seen();
            await call.replaceTrack("camera", null);
            return [on, seen()];
        }"""
    )
    assert senders == [True, False]
    assert len([message for message in bench.bank.got if isinstance(message, wire.Offer)]) == 1


async def test_meter(bench: Bench) -> None:
    """A reading tells the interval since the last one; a report every five seconds what came between. A
    reading that follows at once tells nothing, and what it saw is told with the next."""
    readings = [
        [1000, [_video(10, 1, 0.5, got=100, lost=0), _audio(0, 0)]],
        [1002, [_video(12, 1, 0.5, got=120, lost=0)]],
        [3500, [_video(70, 1, 0.5, got=190, lost=10), _audio(48_000, 24_000)]],
        [6000, [_video(120, 3, 2.0, got=290, lost=10), _audio(96_000, 24_000)]],
        [8500, [_video(120, 3, 2.0, got=290, lost=5), {"type": "candidate-pair", "nominated": True,
                "currentRoundTripTime": 0.25, "availableOutgoingBitrate": 640_000},
                {"type": "remote-inbound-rtp", "fractionLost": 0.02}]],
    ]  # fmt: skip
    told = await bench.run("call_meter.js", _READ, readings)
    assert told[0] == told[1] == [None, None]
    quality, report = told[2]
    assert report is None
    assert (quality["fps"], quality["lossDown"], quality["kbpsDown"]) == (24, 0.1, 288)
    assert (quality["freezes"], quality["rttMs"], quality["uplinkKbps"]) == (0, None, None)
    quality, report = told[3]
    assert (quality["freezes"], quality["frozenS"]) == (2, 1.5)
    assert report == {"interval_s": 5, "fps": 22, "freezes": 2, "frozen_s": 1.5, "concealed_s": 1.5}
    quality, report = told[4]
    assert (quality["rttMs"], quality["lossUp"], quality["lossDown"]) == (250, 0.02, 0)
    assert quality["uplinkKbps"] == 640
    assert report is None


async def test_silence(bench: Bench) -> None:
    """Silence is told only after packets came steadily, and ends with the next one."""
    steady = [[500 * n, n + 1] for n in range(1, 7)]
    readings = [[0, 0], [100, 1], [200, 1], *steady, [3500, 7], [4600, 7], [5000, 8], [5500, 8]]
    told = await bench.run(
        "silence.js",
        """const silence = new it.Silence();
        const report = (bytes) => new Map([[0, { type: "candidate-pair", bytesReceived: bytes }]]);
        return argument.map(([at, bytes]) => silence.read(report(bytes), at));""",
        readings,
    )
    assert told == [0] * 9 + [500, 1600, 0, 500]


async def test_a_path_that_went_silent_is_replaced_unless_it_speaks_again(bench: Bench) -> None:
    """A short silence is trouble and over; a long one brings a new offer before the browser notices."""
    await bench.run("call.js", _OPEN, CALL)
    await bench.bank.wait_for(wire.Offer)
    fake = "{connectionState: 'connected', getStats: async () => new Map(), close() {}}"
    hear = "call._silence.read = () => %d; await call._listen(); return call.link;"
    await bench.page.evaluate(f"call._pc.close(); call._pc = {fake}; call._isBack();")
    links = [await bench.page.evaluate(f"async () => {{ {hear % silent} }}") for silent in (1000, 2000, 0)]
    assert links == ["connected", "troubled", "connected"]
    await bench.bank.wait_for(wire.Ping)
    await bench.page.evaluate(f"async () => {{ {hear % 3500} }}")
    await bench.bank.wait_for(wire.Offer, 2)


async def test_a_socket_that_returns_leaves_a_live_connection_alone(bench: Bench) -> None:
    """Only a connection that is not up is replaced when the socket is back."""
    await bench.run("call.js", _OPEN, CALL)
    await bench.bank.wait_for(wire.Offer)
    for count, up in ((2, "false"), (2, "true"), (3, "false")):
        await bench.page.evaluate(f"call._isUp = () => {up}")
        assert bench.bank.socket is not None
        hellos = len([message for message in bench.bank.got if isinstance(message, wire.Hello)])
        await bench.bank.socket.close(code=1012)
        await bench.bank.wait_for(wire.Hello, hellos + 1)
        await bench.bank.wait_for(wire.Offer, count)
    await bench.page.evaluate("call.stop()")
    assert len([message for message in bench.bank.got if isinstance(message, wire.Offer)]) == 3


async def test_an_answer_to_an_older_offer_is_left_alone(bench: Bench) -> None:
    """One that was under way when the page offered anew would tie the new connection to the old one's end."""
    await bench.run("call.js", _OPEN, CALL)
    first = await bench.bank.wait_for(wire.Offer)
    await bench.page.evaluate(
        "() => { call._gotAnswer = (sdp) => { call.took = (call.took || []).concat(sdp); }; }"
    )
    await bench.bank.send(wire.Reoffer(CallId(CALL)))
    second = await bench.bank.wait_for(wire.Offer, 2)
    assert (first.number, second.number) == (1, 2)
    await bench.bank.send(wire.Answer(CallId(CALL), "old", first.number))
    await bench.bank.send(wire.Answer(CallId(CALL), "new", second.number))
    await bench.page.wait_for_function("call.took")
    assert await bench.page.evaluate("call.took") == ["new"]
    await bench.page.evaluate("call.stop()")


async def test_a_reoffer_is_followed_at_once(bench: Bench) -> None:
    """The server says that its half is gone: the page offers anew without waiting to notice."""
    await bench.run("call.js", _OPEN, CALL)
    await bench.bank.wait_for(wire.Offer)
    for call in ("call-0000000000000000", CALL):
        await bench.bank.send(wire.Reoffer(CallId(call)))
    await bench.bank.wait_for(wire.Offer, 2)
    await bench.page.evaluate("call.stop()")
    assert len([message for message in bench.bank.got if isinstance(message, wire.Offer)]) == 2


async def test_back_online_the_wait_is_short(bench: Bench) -> None:
    """A troubled connection is replaced soon after the network is back, not after the full wait."""
    await bench.run("call.js", _OPEN, CALL)
    await bench.bank.wait_for(wire.Offer)
    await bench.page.evaluate("call._restartIn(60000); dispatchEvent(new Event('online'))")
    await bench.bank.wait_for(wire.Offer, 2)
