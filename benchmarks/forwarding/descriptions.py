"""SDP as a browser would write it, and what is needed of the other side's."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiortc import RTCDtlsFingerprint, RTCDtlsParameters, sdp

OPUS, VP8, VP8_RTX = 111, 96, 97
# Chromium's ids of the header extensions that a forwarding server looks at.
ABS_SEND_TIME, TRANSPORT_CC, MID = (
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:sdes:mid",
)
_EXTENSIONS = {ABS_SEND_TIME: 2, TRANSPORT_CC: 3, MID: 4}
# The directions of our planned m-lines (media/plan.py) and of a plain call of two.
PLANNED = (
    "audio sendonly", "video sendonly", "video sendonly", "audio recvonly", "video recvonly",
    "audio recvonly", "video recvonly", "video recvonly", "audio recvonly", "video recvonly",
)  # fmt: skip
PLAIN = ("audio sendrecv", "video sendrecv")

_CODECS = {
    "audio": (
        f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS}", f"a=rtpmap:{OPUS} opus/48000/2",
        f"a=rtcp-fb:{OPUS} transport-cc", f"a=fmtp:{OPUS} minptime=10;useinbandfec=1",
    ),
    "video": (
        f"m=video 9 UDP/TLS/RTP/SAVPF {VP8} {VP8_RTX}", f"a=rtpmap:{VP8} VP8/90000",
        f"a=rtcp-fb:{VP8} goog-remb", f"a=rtcp-fb:{VP8} transport-cc", f"a=rtcp-fb:{VP8} ccm fir",
        f"a=rtcp-fb:{VP8} nack", f"a=rtcp-fb:{VP8} nack pli", f"a=rtpmap:{VP8_RTX} rtx/90000",
        f"a=fmtp:{VP8_RTX} apt={VP8}",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Local:
    """What one party says of itself. The SSRCs are those of its sound, picture and retransmissions."""

    ufrag: str
    password: str
    fingerprint: RTCDtlsFingerprint
    address: str
    port: int
    audio_ssrc: int
    video_ssrc: int
    rtx_ssrc: int

    def describe(self, lines: Sequence[str], setup: str) -> str:
        """Return an SDP with these m-lines (``audio sendrecv`` and the like), all in one bundle.

        The first line of each kind that sends carries the SSRCs.
        """
        mids = " ".join(str(index) for index in range(len(lines)))
        text = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0"]
        text += [f"a=group:BUNDLE {mids}", "a=msid-semantic: WMS load"]
        unused = {"audio", "video"}
        for index, line in enumerate(lines):
            kind, direction = line.split()
            head, *codec = _CODECS[kind]
            text += [head, "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0", *self._transport(setup)]
            text += [f"a=mid:{index}", f"a={direction}", "a=rtcp-mux", "a=rtcp-rsize"]
            text += [f"a=extmap:{number} {uri}" for uri, number in _EXTENSIONS.items()]
            text += codec
            if kind in unused and direction.startswith("send"):
                unused.discard(kind)
                text += self._sources(kind)
        return "\r\n".join(text) + "\r\n"

    def _transport(self, setup: str) -> list[str]:
        candidate = f"candidate:1 1 udp 2130706431 {self.address} {self.port} typ host generation 0"
        shown = f"{self.fingerprint.algorithm} {self.fingerprint.value}"
        return [
            f"a={candidate}", f"a=ice-ufrag:{self.ufrag}", f"a=ice-pwd:{self.password}",
            f"a=fingerprint:{shown}", f"a=setup:{setup}",
        ]  # fmt: skip

    def _sources(self, kind: str) -> list[str]:
        if kind == "audio":
            return [f"a=ssrc:{self.audio_ssrc} cname:load", f"a=ssrc:{self.audio_ssrc} msid:load sound"]
        return [
            f"a=ssrc-group:FID {self.video_ssrc} {self.rtx_ssrc}",
            *(f"a=ssrc:{ssrc} {what}" for ssrc in (self.video_ssrc, self.rtx_ssrc)
              for what in ("cname:load", "msid:load picture")),
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Remote:
    """What the server said. ``extensions`` maps URI to id, of the first line of each kind."""

    ufrag: str
    password: str
    dtls: RTCDtlsParameters
    setup: str
    address: str
    port: int
    ice_lite: bool
    audio_extensions: dict[str, int]
    video_extensions: dict[str, int]

    @classmethod
    def parse(cls, text: str) -> "Remote":
        """Read a description. Raises ValueError when it has no IPv4 candidate over UDP."""
        parsed = sdp.SessionDescription.parse(text)
        audio, video = parsed.media[0], parsed.media[1]
        usable = [
            c
            for c in audio.ice_candidates
            if c.protocol.lower() == "udp" and "." in c.ip and c.component == 1
        ]
        if not usable or audio.dtls is None or audio.ice is None:
            raise ValueError("nowhere to send to: " + text)
        best = max(usable, key=lambda candidate: candidate.priority)
        setup = next(line[8:] for line in text.splitlines() if line.startswith("a=setup:"))
        return cls(
            ufrag=str(audio.ice.usernameFragment),
            password=str(audio.ice.password),
            dtls=audio.dtls,
            setup=setup,
            address=best.ip,
            port=best.port,
            ice_lite="a=ice-lite" in text,
            audio_extensions={e.uri: e.id for e in audio.rtp.headerExtensions},
            video_extensions={e.uri: e.id for e in video.rtp.headerExtensions},
        )
