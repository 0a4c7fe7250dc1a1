"""Offers as Chromium writes them, with as much in them as it has, from a plan of lines."""

from collections.abc import Sequence
from itertools import count

from media.plan import PLAN, Line

FINGERPRINT = ":".join(f"{n:02X}" for n in range(32))
_PICTURE_FEEDBACK = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
_AUDIO_EXTENSIONS = (
    "1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "4 urn:ietf:params:rtp-hdrext:sdes:mid",
)
_VIDEO_EXTENSIONS = (
    "14 urn:ietf:params:rtp-hdrext:toffset",
    *_AUDIO_EXTENSIONS[1:],
    "13 urn:3gpp:video-orientation",
)
# Payload type, name, what it says of itself, and the type of its retransmissions.
_PICTURES = (
    (96, "VP8", "", 97),
    (102, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f", 103),
    (104, "H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f", 107),
    (108, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", 109),
    (116, "H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f", 117),
    (45, "AV1", "level-idx=5;profile=0;tier=0", 46),
    (98, "VP9", "profile-id=0", 99),
)


def browser_offer(lines: int = len(PLAN)) -> str:
    """Return an offer of the plan's first ``lines`` lines."""
    mids = " ".join(map(str, range(lines)))
    head = [
        "v=0",
        "o=- 42 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {mids}",
        "a=extmap-allow-mixed",
    ]
    numbers = count(1_000)
    for mid, line in enumerate(PLAN[:lines]):
        head += _section(line, mid, next(numbers), next(numbers))
    return "\r\n".join([*head, ""])


def _section(line: Line, mid: int, ssrc: int, rtx_ssrc: int) -> list[str]:
    video = line.kind == "video"
    formats, types = _video() if video else _audio()
    extensions = _VIDEO_EXTENSIONS if video else _AUDIO_EXTENSIONS
    section = [
        f"m={line.kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, types))}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=ice-ufrag:BZqy",
        "a=ice-pwd:VhKLEpzbCLPItnw0WfcirDBC",
        "a=ice-options:trickle",
        f"a=fingerprint:sha-256 {FINGERPRINT}",
        "a=setup:actpass",
        f"a=mid:{mid}",
        *(f"a=extmap:{one}" for one in extensions),
        "a=sendonly" if line.publishes else "a=recvonly",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        *formats,
    ]
    if line.publishes and video:
        section.append(f"a=ssrc-group:FID {ssrc} {rtx_ssrc}")
    if line.publishes:
        section += [f"a=ssrc:{one} cname:them" for one in (ssrc, rtx_ssrc)[: 1 + video]]
    return section


def _audio() -> tuple[list[str], Sequence[int]]:
    formats = [
        "a=rtpmap:111 opus/48000/2",
        "a=rtcp-fb:111 transport-cc",
        "a=fmtp:111 minptime=10;useinbandfec=1",
    ]
    return [*formats, "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111", "a=rtpmap:0 PCMU/8000"], (111, 63, 0)


def _video() -> tuple[list[str], Sequence[int]]:
    formats: list[str] = []
    for number, name, parameters, rtx in _PICTURES:
        formats.append(f"a=rtpmap:{number} {name}/90000")
        formats += [f"a=rtcp-fb:{number} {kind}" for kind in _PICTURE_FEEDBACK]
        formats += [f"a=fmtp:{number} {parameters}"] * bool(parameters)
        formats += [f"a=rtpmap:{rtx} rtx/90000", f"a=fmtp:{rtx} apt={number}"]
    return formats, [number for one in _PICTURES for number in (one[0], one[3])]
