"""The other end of a call: a second page that answers an offer with moving pictures and tones."""

from typing import Any

from playwright.async_api import Page

# Receiving lines get a picture of their own colour or a tone; what the offering page sends is counted.
_ANSWER = """async (sdp) => {
  // Addresses are told only to pages that may use a camera.
  await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const sound = new AudioContext();
  const picture = (line) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
    const brush = canvas.getContext("2d");
    let count = 0;
    setInterval(() => {
      brush.fillStyle = `hsl(${line * 36} 60% ${30 + (count++ % 40)}%)`;
      brush.fillRect(0, 0, 320, 240);
    }, 50);
    return canvas.captureStream(20).getVideoTracks()[0];
  };
  const tone = (line) => {
    const [one, out] = [sound.createOscillator(), sound.createMediaStreamDestination()];
    one.frequency.value = 200 + 60 * line;
    one.connect(out);
    one.start();
    return out.stream.getAudioTracks()[0];
  };
  window.pc?.close();
  const pc = (window.pc = new RTCPeerConnection());
  await pc.setRemoteDescription({ type: "offer", sdp });
  for (const [line, one] of pc.getTransceivers().entries()) {
    if (line < 3) continue;
    one.direction = "sendonly";
    await one.sender.replaceTrack(one.receiver.track.kind === "audio" ? tone(line) : picture(line));
  }
  await pc.setLocalDescription(await pc.createAnswer());
  const gathered = () => pc.iceGatheringState === "complete";
  if (!gathered()) {
    await new Promise((done) => pc.addEventListener("icegatheringstatechange", () => gathered() && done()));
  }
  return pc.localDescription.sdp;
}"""
_COUNT = """async () => {
  const got = { audio: 0, video: 0 };
  for (const stat of (await pc.getStats()).values()) {
    if (stat.type === "inbound-rtp") got[stat.kind] += stat.packetsReceived;
  }
  return got;
}"""


class OtherEnd:
    """Answers on ``page``, which must be of a secure context."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def answer(self, offer: str) -> str:
        """Return the answer's SDP; pictures and tones flow from now on."""
        return str(await self._page.evaluate(_ANSWER, offer))

    async def got(self) -> dict[str, int]:
        """Return how many packets of sound and picture came so far."""
        counted: dict[str, Any] = await self._page.evaluate(_COUNT)
        return {kind: int(count) for kind, count in counted.items()}
