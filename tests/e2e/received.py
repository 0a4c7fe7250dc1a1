"""What a page in a call really gets: tones, packets and pictures, line by line of its connection.

``listen`` is called before the page is opened. Lines are those of the plan in web_kit/call.js: sound and
picture of the first three others, and a shared screen.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Page

from teller.demo.sound import Speaker
from tests.e2e.marked import COLUMNS, SHARE, read_levels

SOUNDS, PICTURES = (3, 5, 8), (4, 6, 9)
# A busy machine takes its time for what an idle one shows within two seconds.
ARRIVES_S = 40.0
# The longest jitter buffer: so long one may hear who has just been taken off the line.
DRAINS_S = 1.0
# Everybody beeps once a second, and a half of it is for a look that came late.
LISTENS_S = 1.5

# A beep lasts 80 ms; an analyser looks back as far, so none passes unheard between two looks. A voice
# stays 17 dB below its beep, which comes at -20 dB.
_EARS = """
window.connections = [];
window.heard = new Map();
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...words) {
    super(...words);
    connections.push(this);
  }
};
const ears = new Map();
let context = null;
function earOf(track) {
  context ||= new AudioContext({ sampleRate: 48000 });
  const ear = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
  context.createMediaStreamSource(new MediaStream([track])).connect(ear);
  return ear;
}
setInterval(() => {
  const lines = connections.at(-1)?.getTransceivers() || [];
  for (const line of SOUNDS) {
    const track = lines[line]?.receiver.track;
    if (!track) continue;
    if (!ears.has(track)) ears.set(track, earOf(track));
    const levels = new Float32Array(2048);
    ears.get(track).getFloatFrequencyData(levels);
    for (const hz of TONES) {
      const level = levels[Math.round((hz * 4096) / 48000)];
      const name = `${line} ${hz}`;
      if (level > -36) heard.set(name, Math.max(level, heard.get(name) ?? level));
    }
  }
}, 40);
const show = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getDisplayMedia = async (...words) => {
  const stream = await show(...words);
  await stream.getVideoTracks()[0].applyConstraints({ width: 640, height: 360, frameRate: 5 });
  return stream;
};
"""
_PACKETS = """async () => {
  const report = await connections.at(-1).getStats();
  const inbound = [...report.values()].filter((one) => one.type === "inbound-rtp");
  return Object.fromEntries(inbound.map((one) => [one.mid, one.packetsReceived]));
}"""
# How long at most nothing new came on a line, from the call on.
_PAUSES = """() => {
  const pc = connections.at(-1);
  const last = new Map();
  window.pauses = {};
  setInterval(async () => {
    const report = await pc.getStats();
    for (const { type, mid, packetsReceived } of report.values()) {
      if (type !== "inbound-rtp") continue;
      const now = performance.now();
      const was = last.get(mid);
      if (!was || was.packetsReceived !== packetsReceived) last.set(mid, { packetsReceived, at: now });
      else pauses[mid] = Math.max(pauses[mid] || 0, now - was.at);
    }
  }, 100);
}"""


# A frame of a playing element or a kept one, small: the levels of its strip, and of all of it.
_DRAW = """
function draw(selector, width, height, share) {
  const video = document.querySelector(selector);
  const [w, h] = video ? [video.videoWidth || video.width, video.videoHeight || video.height] : [0, 0];
  if (!w) return null;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(video, 0, h * (1 - share), w, h * share, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return Array.from({ length: width * height }, (_, n) => data[4 * n + 1]);
}"""
_LEVELS = f"""([selector, columns]) => {{ {_DRAW}
  const found = draw(selector, columns * 9, 9, {SHARE});
  return found && Array.from({{ length: columns }}, (_, n) => found[4 * columns * 9 + 9 * n + 4]);
}}"""
_LOOK = f"""([selector, columns]) => {{ {_DRAW}
  window.looks = [];
  setInterval(() => document.querySelector(selector)?.requestVideoFrameCallback((_, {{ captureTime }}) => {{
    const found = draw(selector, columns * 9, 9, {SHARE});
    const levels = found && Array.from({{ length: columns }}, (_, n) => found[4 * columns * 9 + 9 * n + 4]);
    if (levels && captureTime) looks.push([performance.timeOrigin + captureTime, levels]);
  }}), 1000);
}}"""
_SMALL = f"(selector) => {{ {_DRAW} return draw(selector, 160, 90, 1); }}"


async def listen(page: Page) -> None:
    """Give the page ears, and small screens to share; to be called before it is opened."""
    tones = [speaker.beep_hz for speaker in Speaker]
    await page.context.add_init_script(
        _EARS.replace("SOUNDS", str(list(SOUNDS))).replace("TONES", str(tones))
    )


async def forget(page: Page) -> None:
    """Hear anew."""
    await page.evaluate("heard.clear()")


async def heard(page: Page) -> dict[tuple[int, Speaker], float]:
    """Return whose beeps came on which line since ``forget``, and how loud at most, in dB."""
    speakers = {speaker.beep_hz: speaker for speaker in Speaker}
    found = [(*name.split(), level) for name, level in await page.evaluate("[...heard]")]
    return {(int(line), speakers[int(hz)]): level for line, hz, level in found}


async def until(what: Callable[[], Coroutine[Any, Any, bool]], why: str, seconds: float = ARRIVES_S) -> None:
    """Wait for something that a page receives."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await what():
        assert asyncio.get_running_loop().time() < deadline, why
        await asyncio.sleep(0.1)


async def hears(page: Page, wanted: dict[int, Speaker]) -> None:
    """Wait until the page hears each of these speakers on his line; anybody else on any line is an error.

    What its jitter buffers hold of somebody who has just left is let pass.
    """
    await asyncio.sleep(DRAINS_S)
    await forget(page)
    listens = asyncio.get_running_loop().time() + LISTENS_S

    async def complete() -> bool:
        told = await heard(page)
        assert told.keys() <= set(wanted.items()), f"{told} heard, not {wanted}"
        return told.keys() == set(wanted.items()) and asyncio.get_running_loop().time() > listens

    await until(complete, f"not all of {wanted} heard")


async def packets(page: Page) -> dict[int, int]:
    """Return how many packets came so far, by line."""
    return {int(line): int(count) for line, count in (await page.evaluate(_PACKETS)).items()}


async def watch_pauses(page: Page) -> None:
    """Begin to measure pauses on the present connection."""
    await page.evaluate(_PAUSES)


async def pauses(page: Page) -> dict[int, float]:
    """Return the longest pause of each line since ``watch_pauses``, in seconds."""
    return {int(line): ms / 1000 for line, ms in (await page.evaluate("pauses")).items()}


async def mark_in(page: Page, selector: str) -> tuple[Speaker, int] | None:
    """Return whose picture an element shows and its number, None when there is none or it cannot be read."""
    levels = await page.evaluate(_LEVELS, [selector, COLUMNS])
    return read_levels(np.asarray(levels, np.float64)) if levels else None


async def stands(page: Page, selector: str, who: Speaker, seconds: float) -> None:
    """Look at an element for a while: it shows one picture of this person and no other."""
    seen: set[tuple[Speaker, int] | None] = set()
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        seen.add(await mark_in(page, selector))
        await asyncio.sleep(0.1)
    (mark,) = seen
    assert mark is not None and mark[0] is who, f"{mark} stands in {selector}, not {who}"


async def moves(page: Page, selector: str, who: Speaker) -> None:
    """Wait until a playing element has shown three different numbers of this person, and nobody else's."""
    seen: set[int] = set()

    async def moved() -> bool:
        mark = await mark_in(page, selector)
        if mark is not None:
            assert mark[0] is who, f"{mark[0]} is seen in {selector}, not {who}"
            seen.add(mark[1])
        return len(seen) >= 3

    await until(moved, f"only {seen} of {who} seen in {selector}")


async def watch_own(page: Page, selector: str) -> None:
    """Begin to look once a second at what the page's own camera films, shown by an element there."""
    await page.evaluate(_LOOK, [selector, COLUMNS])


async def own_looks(page: Page) -> list[tuple[float, int]]:
    """Return when (seconds UTC) the camera filmed which number, since ``watch_own``."""
    looks = [
        (ms / 1000, read_levels(np.asarray(levels, np.float64)))
        for ms, levels in await page.evaluate("looks")
    ]
    # Where the page was too busy to look, several looks wait for one picture.
    return sorted({at: mark[1] for at, mark in looks if mark}.items())


async def _picture(page: Page, selector: str) -> NDArray[np.int16] | None:
    levels = await page.evaluate(_SMALL, selector)
    return np.asarray(levels, np.int16) if levels else None


async def changes(page: Page, selector: str) -> None:
    """Wait until a playing element shows something, and then something else."""
    shown: list[NDArray[np.int16]] = []

    async def changed() -> bool:
        picture = await _picture(page, selector)
        if picture is not None and int(np.ptp(picture)) > 50:
            shown.append(picture)
        # Noise of a codec stays below; a hand of the browser's test picture moves over 1 % of it.
        return bool(shown) and int((np.abs(shown[-1] - shown[0]) > 40).sum()) > 20

    await until(changed, f"nothing moves in {selector}")
