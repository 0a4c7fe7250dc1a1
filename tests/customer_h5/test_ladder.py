"""How far the own picture is reduced on a weak network: the pure ladder, and what the call makes of it."""

import itertools
import json

import pytest
from playwright.async_api import expect

from contract import wire
from tests.customer_h5.conftest import Phone
from tests.customer_h5.steps import enter_call, plays

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
_CLIMB = """async ([build, readings]) => {
  const { Ladder } = await import(`/s/${build}/customer_h5/ladder.js`);
  const ladder = new Ladder();
  const seen = [];
  for (const [kbps, sent, seconds] of readings) {
    const rung = ladder.read(kbps, sent, seconds * 1000);
    if (rung !== (seen.length ? seen[seen.length - 1][1] : "")) seen.push([seconds, rung]);
  }
  return seen;
}"""
# How many pictures of the customer's camera have come to the other end.
_FRAMES = """async () => {
  const report = await window.peer.getTransceivers()[1].receiver.getStats();
  return [...report.values()].find((stat) => stat.type === "inbound-rtp").framesDecoded;
}"""
# What the browser's estimate is to say, in bits a second, while it is set.
_NARROW = """
const report = RTCPeerConnection.prototype.getStats;
RTCPeerConnection.prototype.getStats = async function () {
  const found = await report.call(this);
  if (!window.uplink) return found;
  const stats = [...found.values()].map((stat) =>
    stat.type === "candidate-pair" ? { ...stat, availableOutgoingBitrate: window.uplink } : stat);
  return new Map(stats.map((stat) => [stat.id, stat]));
};
"""


async def _rungs(phone: Phone, readings: list[tuple[float | None, float, float]]) -> list[list[object]]:
    await phone.page.goto(f"{phone.bank.url}/favicon.svg")
    found = await phone.page.evaluate(_CLIMB, [phone.bank.kit.build, readings])
    return list(json.loads(json.dumps(found)))


def _steady(
    kbps: float | None, since: int, until: int, sent: float | None = None
) -> list[tuple[float | None, float, float]]:
    return [(kbps, kbps or 0.0 if sent is None else sent, float(second)) for second in range(since, until)]


async def test_down_and_up(phone: Phone) -> None:
    """A line that narrows takes fewer pictures, then smaller ones, then stills; a wide one goes back step by
    step; after stills, which show nothing of the line, a moving picture is tried by itself, ever later."""
    rungs = await _rungs(phone, _steady(100, 0, 60))
    assert rungs == [[10, "rate"], [16, "size"], [27, "stills"], [57, "size"]]
    rungs = await _rungs(phone, _steady(250, 0, 20) + _steady(2000, 20, 60))
    assert rungs == [[10, "rate"], [16, "size"], [30, "rate"], [41, ""]]
    rungs = await _rungs(phone, _steady(100, 0, 200))
    assert [at for at, rung in rungs if rung == "stills"] == [27, 68, 139]


async def test_what_is_no_weak_line(phone: Phone) -> None:
    """A short dip, an unknown estimate and a picture that needs little change nothing."""
    dips = [
        reading
        for at in range(0, 60, 10)
        for reading in _steady(100, at, at + 8) + _steady(900, at + 8, at + 10)
    ]
    assert await _rungs(phone, dips) == []
    assert await _rungs(phone, _steady(None, 0, 60)) == []
    assert await _rungs(phone, _steady(300, 0, 60, sent=40)) == []


async def test_stills_in_a_call(phone: Phone) -> None:
    """When the estimate stays under what a moving picture needs, the page says each step in words, the camera
    becomes stills and the server hears so."""
    page = phone.page
    await page.add_init_script(_NARROW)
    await enter_call(phone)
    await plays(phone, ".agent-picture")
    await page.evaluate("window.uplink = 60000")
    banner = page.locator(".banner")
    await expect(banner).to_contain_text("已降低画面流畅度", timeout=30_000)
    await expect(banner).to_contain_text("已降低画面清晰度", timeout=20_000)
    await expect(banner).to_contain_text("语音加定时照片", timeout=30_000)
    state = await phone.bank.wait_for(wire.CaptureState)
    assert (state.microphone, state.camera) == ("on", "stills")
    await phone.shot("stills")
    seen = [await phone.agent.evaluate(_FRAMES)]
    for _ in range(2):
        await phone.agent.wait_for_timeout(6000)
        seen.append(await phone.agent.evaluate(_FRAMES))
    assert all(1 <= later - earlier <= 3 for earlier, later in itertools.pairwise(seen)), seen
