"""Offer and answer (RFC 8829, JSEP): what of a browser's offer we take up, and the answer that says so.

Pure code. ``Offer`` holds only what will be in force once the answer is applied: codecs that we forward,
feedback and header extensions that we use. Everything else that was offered is passed over.
"""

import re
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiortc import RTCDtlsFingerprint, RTCDtlsParameters, RTCIceCandidate, RTCIceParameters, sdp
from aiortc.rtcrtpparameters import (
    ParametersDict,
    RTCRtcpFeedback,
    RTCRtpCodecParameters,
    RTCRtpHeaderExtensionParameters,
)

from contract.errors import ProtocolError
from contract.phases import TrackKind
from media.payloads import H264, OPUS, VP8
from media.plan import PLAN, Line, OfferedLine, check_offer

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

# Chromium's offer of ten lines has 33,000 bytes, its longest section 140 lines, its longest line 120
# characters.
_SDP_MAX = 65_536
_SECTION_LINES_MAX = 240
_LINE_MAX = 1_000
# Of one attribute in one section. The time that aiortc's parser takes grows with codecs times feedback: of
# eight codecs' worth (VP8, seven H.264) browsers offer 40 lines of feedback that we know.
_REPEATS_MAX = 64
_STREAMS_MAX = 8

_NAMES = {name.lower(): (name, rate) for name, rate in ((VP8, 90_000), (H264, 90_000), (OPUS, 48_000))}
_PICTURE_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")
# By kind and by whether the browser publishes. A receiver that had transport-cc would answer with it
# instead of REMB, which alone reaches the publisher.
_FEEDBACK = {
    (TrackKind.AUDIO, True): ("nack", "transport-cc"),
    (TrackKind.AUDIO, False): ("nack",),
    (TrackKind.VIDEO, True): (*_PICTURE_FEEDBACK, "transport-cc"),
    (TrackKind.VIDEO, False): _PICTURE_FEEDBACK,
}
# libwebrtc begins at 300 kbit/s otherwise: seconds of mud.
_START_KBPS = 1_000
# It goes down to 30 kbit/s when packets are late, as on a busy machine; below this no face is recognisable.
_LEAST_KBPS = 150
# One-byte header extensions (RFC 8285) have these ids and hold values, so MIDs, of up to 16 bytes.
_EXTENSION_IDS = range(1, 15)
_MID = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,16}")
# With rtcp-mux, 64 to 95 would be taken for RTCP (RFC 5761 section 4).
_PAYLOAD_TYPES = {*range(64), *range(96, 128)}
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_DIGESTS = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_HEX = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2})*")
_PROFILE_ID = re.compile(r"[0-9A-Fa-f]{6}")
# What of an offer is read. Candidates are not: a lite agent sends no checks.
_READ = {
    *("group", "mid", "setup", "fingerprint", "ice-ufrag", "ice-pwd", "extmap", "rtcp-mux"),
    *("sendrecv", "sendonly", "recvonly", "inactive", "ssrc", "ssrc-group"),
}
_FEEDBACK_READ = {kind for kinds in _FEEDBACK.values() for kind in kinds}
_CODECS_READ = {*_NAMES, "rtx"}
_RTPMAP = re.compile(r"a=rtpmap:(0|[1-9][0-9]{0,2}) ([^ /]+)/")
_MIRROR = {"sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


@dataclass(frozen=True, slots=True)
class OfferedCodec:
    """A codec of one line. ``name`` is ``VP8``, ``H264`` or ``opus``; ``rtx_type`` its RFC 4588 type.

    ``H264`` means constrained baseline in packetization mode 1, which every WebRTC endpoint has
    (RFC 7742 section 6.2): so what one sends under the name, all others that have the name can take.
    ``profile_level_id`` is H.264's, as offered. ``feedback`` holds what is in force, such as ``nack pli``.
    """

    name: str
    payload_type: int
    clock_rate: int
    feedback: frozenset[str]
    rtx_type: int | None = None
    profile_level_id: str = ""


@dataclass(frozen=True, slots=True)
class OfferedStream:
    """An SSRC that the browser announces, and that of its retransmissions."""

    ssrc: int
    rtx_ssrc: int | None = None


@dataclass(frozen=True, slots=True)
class OfferedMedia:
    """One m-line. ``direction`` is the browser's: ``sendonly``, ``recvonly`` or ``inactive``.

    ``codecs`` come in the browser's order, ``extensions`` are the ids by URI, of MID, SEND_TIME and
    (on publishing lines) TRANSPORT_CC. ``reduced`` tells that RTCP may come and go non-compound (RFC 5506).
    """

    line: Line
    mid: str
    direction: str
    profile: str
    codecs: tuple[OfferedCodec, ...]
    extensions: Mapping[str, int]
    streams: tuple[OfferedStream, ...]
    reduced: bool

    def choose(self, names: Sequence[str]) -> tuple[OfferedCodec, ...]:
        """Return the codecs of these names, in the order of ``names``."""
        ranked = [codec for codec in self.codecs if codec.name in names]
        return tuple(sorted(ranked, key=lambda codec: names.index(codec.name)))


@dataclass(frozen=True, slots=True)
class Offer:
    """A checked offer: its lines in the order of the plan, and the browser's end of the transport."""

    lines: tuple[OfferedMedia, ...]
    ufrag: str
    password: str
    dtls: RTCDtlsParameters


@dataclass(frozen=True, slots=True)
class AnsweredLine:
    """What is answered on one line: codecs, preferred first; our SSRCs where the browser receives."""

    codecs: tuple[OfferedCodec, ...]
    ssrc: int = 0
    rtx_ssrc: int = 0


@dataclass(frozen=True, slots=True)
class Here:
    """Our end of the transport, as the endpoint gives it; at least one candidate."""

    ufrag: str
    password: str
    fingerprints: Sequence[RTCDtlsFingerprint]
    candidates: Sequence[RTCIceCandidate]


def read_offer(text: str, video_codecs: Sequence[str]) -> Offer:
    """Return what we take up of an SDP offer; ``video_codecs`` are the names that we forward.

    Raises:
        ProtocolError: ``bad_sdp``, ``wrong_plan``, ``no_common_codec`` or ``bad_offer`` (its transport
            cannot be used); whatever the text is, in time bounded by its length.
    """
    session, *sections = _sections(text)
    trimmed = [line for section in (session, *sections) for line in _trimmed(section)]
    try:
        parsed = sdp.SessionDescription.parse("\r\n".join(trimmed))
    except Exception as error:
        raise ProtocolError("the offer is not SDP", code="bad_sdp") from error
    offered = [
        OfferedLine(media.kind, media.direction or "sendrecv", _names(media)) for media in parsed.media
    ]
    check_offer(offered, video_codecs)
    _check_bundle(parsed)
    lines = [
        _take_up(media, line, video_codecs, "a=rtcp-rsize" in section)
        for media, line, section in zip(parsed.media, PLAN, sections, strict=False)
    ]
    return Offer(tuple(lines), *_transport(parsed.media[0]))


def write_answer(offer: Offer, answered: Sequence[AnsweredLine], here: Here, cname: str) -> str:
    """Return the answer of an ICE-lite endpoint that is the DTLS server (RFC 8842), all lines bundled.

    ``answered`` goes with ``offer.lines``, each with at least one codec. Lines that the browser receives
    are named by MediaStream id (the plan's) and track id; no two lines name the same, which Chromium refuses.
    """
    description = sdp.SessionDescription()
    description.origin = f"- {secrets.randbits(62)} 1 IN IP4 127.0.0.1"
    mids: list[int | str] = [line.mid for line in offer.lines]
    description.group.append(sdp.GroupDescription("BUNDLE", mids))
    description.msid_semantic.append(sdp.GroupDescription("WMS", ["*"]))
    for line, chosen in zip(offer.lines, answered, strict=True):
        media = _answer_line(line, chosen, here, cname)
        # The first line's would do (RFC 8843), but aiortc reads the last one's.
        media.ice_candidates, media.ice_candidates_complete = list(here.candidates), True
        description.media.append(media)
    return str(description)


# --- reading ------------------------------------------------------------------------------------


def _sections(text: str) -> list[list[str]]:
    """Return the lines before the first m-section and of each, if not more than anybody would send."""
    if len(text) > _SDP_MAX:
        raise ProtocolError("the offer is too long", code="bad_sdp")
    session, sections = sdp.grouplines(text)
    if not sections:
        raise ProtocolError("the offer is not SDP", code="bad_sdp")
    if len(sections) > len(PLAN):
        raise ProtocolError(f"not more than {len(PLAN)} m-lines are planned", code="wrong_plan")
    if max(map(len, [session, *sections])) > _SECTION_LINES_MAX:
        raise ProtocolError("a section of the offer has too many lines", code="bad_sdp")
    return [session, *sections]


def _trimmed(section: list[str]) -> list[str]:
    """Return what is read of a section, each line once."""
    kept: list[str] = []
    counts: Counter[str] = Counter()
    formats = _formats(section)
    for line in dict.fromkeys(section):
        if _is_read(line, formats):
            name = line.partition(":")[0]
            counts[name] += 1
            if len(line) > _LINE_MAX:
                raise ProtocolError("a line of the offer is too long", code="bad_sdp")
            if counts[name] <= _REPEATS_MAX:
                kept.append(line)
    return kept


def _formats(section: list[str]) -> dict[str, str]:
    """Return by payload type the ``a=rtpmap`` lines of codecs that we forward, and of repair."""
    formats: dict[str, str] = {}
    for line in section:
        if line.startswith("a=rtpmap"):
            parts = _RTPMAP.match(line)
            if parts is None:
                raise ProtocolError("the offer is not SDP", code="bad_sdp")
            if parts[2].lower() in _CODECS_READ:
                formats.setdefault(parts[1], line)
    return formats


def _is_read(line: str, formats: Mapping[str, str]) -> bool:
    if not line.startswith("a="):
        return line.startswith("m=")
    name, _, value = line[2:].partition(":")
    number, _, rest = value.partition(" ")
    if name == "rtpmap":
        return formats.get(number) == line
    if name == "fmtp":
        return number in formats
    if name == "rtcp-fb":
        return rest in _FEEDBACK_READ and (number in formats or number == "*")
    return name in _READ


def _names(media: sdp.MediaDescription) -> tuple[str, ...]:
    return tuple(name for codec in media.rtp.codecs if (name := _name(codec)))


def _name(codec: RTCRtpCodecParameters) -> str:
    """Return the name under which we forward what ``codec`` is, or nothing."""
    name, clock_rate = _NAMES.get(codec.name.lower(), ("", 0))
    if codec.clockRate != clock_rate or codec.payloadType not in _PAYLOAD_TYPES:
        return ""
    if name == OPUS and codec.channels != 2:
        return ""
    return "" if name == H264 and not _profile(codec) else name


def _profile(codec: RTCRtpCodecParameters) -> str:
    """Return the profile-level-id if it is constrained baseline, packetization mode 1."""
    # RFC 6184 section 8.1: what an absent profile-level-id means is baseline; WebRTC takes it as this.
    text = str(codec.parameters.get("profile-level-id", "42e01f"))
    if codec.parameters.get("packetization-mode") != "1" or not _PROFILE_ID.fullmatch(text):
        return ""
    try:
        profile, _ = sdp.parse_h264_profile_level_id(text)
    except ValueError:
        return ""
    return text if profile is sdp.H264Profile.PROFILE_CONSTRAINED_BASELINE else ""


def _check_bundle(parsed: sdp.SessionDescription) -> None:
    bundled = next((group.items for group in parsed.group if group.semantic == "BUNDLE"), [])
    if len({media.rtp.muxId for media in parsed.media}) != len(parsed.media):
        raise ProtocolError("two m-lines have the same mid", code="wrong_plan")
    for index, media in enumerate(parsed.media):
        mid = media.rtp.muxId
        if (
            mid not in bundled
            or not _MID.fullmatch(mid)
            or not media.rtcp_mux
            or "/SAVP" not in media.profile
        ):
            raise ProtocolError(f"m-line {index} is not bundled and secured", code="wrong_plan")


def _transport(media: sdp.MediaDescription) -> tuple[str, str, RTCDtlsParameters]:
    """Return ICE and DTLS of the first line, which counts for the whole bundle (RFC 8843 section 7)."""
    ice = media.ice or RTCIceParameters()
    ufrag, password = ice.usernameFragment or "", ice.password or ""
    if not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
        raise ProtocolError("the offer has no ICE credentials", code="bad_offer")
    if media.dtls is None or media.dtls.role == "server":
        raise ProtocolError("the offer leaves no DTLS role to us", code="bad_offer")
    fingerprints = [one for one in media.dtls.fingerprints if _is_digest(one)]
    if not fingerprints:
        raise ProtocolError("the offer has no fingerprint", code="bad_offer")
    return ufrag, password, RTCDtlsParameters(fingerprints, role="client")


def _is_digest(fingerprint: RTCDtlsFingerprint) -> bool:
    octets = _DIGESTS.get(fingerprint.algorithm.lower())
    return (
        octets is not None
        and len(fingerprint.value) == 3 * octets - 1
        and bool(_HEX.fullmatch(fingerprint.value))
    )


def _take_up(
    media: sdp.MediaDescription, line: Line, video_codecs: Sequence[str], reduced: bool
) -> OfferedMedia:
    wanted = video_codecs if line.kind is TrackKind.VIDEO else (OPUS,)
    uris = (MID, SEND_TIME, TRANSPORT_CC) if line.publishes else (MID, SEND_TIME)
    direction = media.direction or "sendrecv"
    if direction == "sendrecv":
        direction = "sendonly" if line.publishes else "recvonly"
    extensions = media.rtp.headerExtensions
    return OfferedMedia(
        line=line,
        mid=media.rtp.muxId,
        direction=direction,
        profile=media.profile,
        codecs=_codecs(media, wanted, frozenset(_FEEDBACK[line.kind, line.publishes])),
        extensions={one.uri: one.id for one in extensions if one.uri in uris and one.id in _EXTENSION_IDS},
        streams=_streams(media),
        reduced=reduced,
    )


def _codecs(
    media: sdp.MediaDescription, wanted: Sequence[str], feedback: frozenset[str]
) -> tuple[OfferedCodec, ...]:
    """Return the wanted codecs, each name once: of two that we hold for the same the first is preferred."""
    taken: dict[str, OfferedCodec] = {}
    for codec in media.rtp.codecs:
        name = _name(codec)
        if name in wanted and name not in taken and isinstance(codec.payloadType, int):
            offered = {f"{one.type} {one.parameter or ''}".strip() for one in codec.rtcpFeedback}
            taken[name] = OfferedCodec(
                name=name,
                payload_type=codec.payloadType,
                clock_rate=codec.clockRate,
                feedback=feedback & offered,
                rtx_type=_rtx_type(media, codec),
                profile_level_id=_profile(codec) if name == H264 else "",
            )
    return tuple(taken.values())


def _rtx_type(media: sdp.MediaDescription, of: RTCRtpCodecParameters) -> int | None:
    for codec in media.rtp.codecs:
        if codec.name.lower() == "rtx" and codec.parameters.get("apt") == of.payloadType:
            number = codec.payloadType
            usable = codec.clockRate == of.clockRate and number in _PAYLOAD_TYPES and number != of.payloadType
            return number if usable else None
    return None


def _streams(media: sdp.MediaDescription) -> tuple[OfferedStream, ...]:
    pairs = {
        group.items[0]: group.items[1]
        for group in media.ssrc_group
        if group.semantic == "FID" and len(group.items) == 2
    }
    repairing = set(pairs.values())
    announced = [one.ssrc for one in media.ssrc if one.ssrc not in repairing and _is_ssrc(one.ssrc)]
    return tuple(
        OfferedStream(ssrc, rtx if isinstance(rtx := pairs.get(ssrc), int) and _is_ssrc(rtx) else None)
        for ssrc in announced[:_STREAMS_MAX]
    )


def _is_ssrc(number: int) -> bool:
    return 0 <= number < 1 << 32


# --- writing ------------------------------------------------------------------------------------


class _Section(sdp.MediaDescription):
    """An m-section that can say that reduced-size RTCP is welcome, which aiortc's cannot."""

    reduced = False

    def __str__(self) -> str:
        text = super().__str__()
        return text.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=rtcp-rsize\r\n") if self.reduced else text


def _answer_line(line: OfferedMedia, chosen: AnsweredLine, here: Here, cname: str) -> _Section:
    codecs = [one for codec in chosen.codecs for one in _answer_codec(codec, line.line)]
    address = here.candidates[0]
    media = _Section(
        line.line.kind.value, address.port, line.profile, [codec.payloadType for codec in codecs]
    )
    media.host, media.direction = address.ip, _MIRROR[line.direction]
    media.rtcp_port, media.rtcp_host, media.rtcp_mux, media.reduced = 9, "0.0.0.0", True, line.reduced  # noqa: S104
    media.rtp.muxId, media.rtp.codecs = line.mid, codecs
    media.rtp.headerExtensions = [
        RTCRtpHeaderExtensionParameters(number, uri) for uri, number in line.extensions.items()
    ]
    media.ice = RTCIceParameters(here.ufrag, here.password, iceLite=True)
    media.dtls = RTCDtlsParameters(list(here.fingerprints), role="server")
    if not line.line.publishes:
        media.msid = f"{line.line.stream} {line.line.stream}-{line.line.kind}"
        _announce(media, chosen, cname)
    return media


def _announce(media: _Section, chosen: AnsweredLine, cname: str) -> None:
    media.ssrc = [sdp.SsrcDescription(chosen.ssrc, cname=cname)]
    if any(codec.rtx_type is not None for codec in chosen.codecs):
        media.ssrc.append(sdp.SsrcDescription(chosen.rtx_ssrc, cname=cname))
        media.ssrc_group = [sdp.GroupDescription("FID", [chosen.ssrc, chosen.rtx_ssrc])]


def _answer_codec(codec: OfferedCodec, line: Line) -> list[RTCRtpCodecParameters]:
    feedback = [kind for kind in _FEEDBACK[line.kind, line.publishes] if kind in codec.feedback]
    media_type, clock_rate = f"{line.kind}/{codec.name}", codec.clock_rate
    answered = [
        RTCRtpCodecParameters(
            mimeType=media_type,
            clockRate=clock_rate,
            channels=2 if codec.name == OPUS else None,
            payloadType=codec.payload_type,
            rtcpFeedback=[RTCRtcpFeedback(*_split(kind)) for kind in feedback],
            parameters=_parameters(codec, line),
        )
    ]
    if codec.rtx_type is not None:
        answered.append(
            RTCRtpCodecParameters(
                mimeType=f"{line.kind}/rtx",
                clockRate=clock_rate,
                payloadType=codec.rtx_type,
                parameters={"apt": codec.payload_type},
            )
        )
    return answered


def _split(kind: str) -> tuple[str, str | None]:
    name, _, parameter = kind.partition(" ")
    return name, parameter or None


def _parameters(codec: OfferedCodec, line: Line) -> ParametersDict:
    parameters: ParametersDict = {}
    if codec.name == OPUS:
        # Loss concealment by what the next packet repeats of the lost one (RFC 7587 section 6.1).
        return {"minptime": 10, "useinbandfec": 1}
    if codec.name == H264:
        parameters |= {
            "level-asymmetry-allowed": "1",
            "packetization-mode": "1",
            "profile-level-id": codec.profile_level_id,
        }
    if line.publishes:
        parameters |= {"x-google-start-bitrate": _START_KBPS, "x-google-min-bitrate": _LEAST_KBPS}
    return parameters
