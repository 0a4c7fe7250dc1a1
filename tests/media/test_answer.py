"""Offer and answer: what is taken up of an offer, and an answer that says exactly that."""

import re
from collections.abc import Callable, Sequence

import pytest
from aiortc import RTCDtlsFingerprint, RTCIceCandidate, sdp
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import ProtocolError
from media.answer import (
    MID,
    SEND_TIME,
    TRANSPORT_CC,
    AnsweredLine,
    Here,
    Offer,
    OfferedStream,
    read_offer,
    write_answer,
)
from tests.media.offers import FINGERPRINT, browser_offer

_FORWARDED = ("VP8", "H264")
_HERE = Here(
    "ours",
    "a-password-that-is-long",
    [RTCDtlsFingerprint("sha-256", FINGERPRINT)],
    [
        RTCIceCandidate(1, "1", "192.0.2.1", 5_000, 2_130_706_431, "udp", "host"),
        RTCIceCandidate(1, "2", "2001:db8::1", 5_000, 2_130_706_430, "udp", "host"),
    ],
)


def read(text: str) -> Offer:
    return read_offer(text, _FORWARDED)


def answered(offer: Offer, names: Sequence[str] = ("opus", "VP8", "H264")) -> str:
    lines = [AnsweredLine(line.choose(names), 10 + n, 50 + n) for n, line in enumerate(offer.lines)]
    return write_answer(offer, lines, _HERE, "us")


def sections(text: str) -> list[str]:
    return ["m=" + part for part in text.split("\r\nm=")[1:]]


# --- reading ------------------------------------------------------------------------------------


def test_of_a_browsers_offer_we_take_what_we_use() -> None:
    """Codecs that are forwarded, once each; feedback and extensions by what the line is for."""
    offer = read(browser_offer())
    sound, picture = offer.lines[:2]
    assert [(codec.name, codec.payload_type, codec.clock_rate) for codec in sound.codecs] == [
        ("opus", 111, 48_000)
    ]
    assert sound.codecs[0].feedback == {"transport-cc"}
    assert [(codec.name, codec.payload_type, codec.rtx_type) for codec in picture.codecs] == [
        ("VP8", 96, 97),
        ("H264", 108, 109),
    ]
    assert picture.codecs[1].profile_level_id == "42e01f"
    assert picture.codecs[0].feedback == {"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"}
    assert picture.extensions == {SEND_TIME: 2, TRANSPORT_CC: 3, MID: 4}
    assert picture.streams == (OfferedStream(1_002, 1_003),)
    assert sound.streams == (OfferedStream(1_000),)
    assert (offer.ufrag, offer.password) == ("BZqy", "VhKLEpzbCLPItnw0WfcirDBC")
    assert [(one.algorithm, one.value) for one in offer.dtls.fingerprints] == [("sha-256", FINGERPRINT)]


def test_on_lines_that_we_send_there_is_no_transport_wide_feedback() -> None:
    """Receivers then estimate by send times and answer with REMB, which reaches the publisher."""
    for line in read(browser_offer()).lines[3:]:
        assert line.extensions == {SEND_TIME: 2, MID: 4}
        assert all("transport-cc" not in codec.feedback for codec in line.codecs)


def test_retransmission_of_sound_is_taken_up_when_offered() -> None:
    """A browser that can take NACKs for Opus gets them, both ways."""
    text = browser_offer().replace(
        "a=rtcp-fb:111 transport-cc", "a=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 nack"
    )
    offer = read(text)
    assert offer.lines[0].codecs[0].feedback == {"transport-cc", "nack"}
    assert offer.lines[3].codecs[0].feedback == {"nack"}
    assert answered(offer).count("a=rtcp-fb:111 nack") == 4


def test_codecs_are_chosen_in_the_order_of_preference() -> None:
    """Whoever answers decides about the order; what was not offered is left out."""
    line = read(browser_offer()).lines[1]
    assert [codec.name for codec in line.choose(("H264", "AV1", "VP8"))] == ["H264", "VP8"]
    assert line.choose(("opus",)) == ()


def _to_session(text: str) -> str:
    moved = re.findall("a=(?:ice-ufrag|ice-pwd|fingerprint|setup):.*\r\n", text)[:4]
    return re.sub("a=(?:ice-ufrag|ice-pwd|fingerprint|setup):.*\r\n", "", text).replace(
        "a=extmap-allow-mixed\r\n", "".join(moved)
    )


# More formats than anybody has; what we forward comes before them.
_TOO_MUCH = "".join(f"a=rtpmap:{n} H264/90000\r\n" for n in range(64))

_TAKEN: dict[str, Callable[[str], str]] = {
    "another case": lambda text: text.replace("VP8", "vp8").replace("opus", "OPUS"),
    "no rtcp-rsize": lambda text: text.replace("a=rtcp-rsize\r\n", ""),
    "both directions": lambda text: re.sub("a=(send|recv)only", "a=sendrecv", text),
    "no direction": lambda text: re.sub("a=(send|recv)only\r\n", "", text),
    "active": lambda text: text.replace("actpass", "active"),
    "no extensions": lambda text: re.sub("a=extmap:.*\r\n", "", text),
    "wide extension ids": lambda text: text.replace("a=extmap:2 ", "a=extmap:200 "),
    "no streams": lambda text: re.sub("a=ssrc.*\r\n", "", text),
    "no repair": lambda text: re.sub("a=rtpmap:.* rtx/90000\r\na=fmtp.*\r\n", "", text),
    "transport per session": _to_session,
    "candidates": lambda text: text.replace("a=rtcp-mux", "a=candidate:1 1 udp\r\na=rtcp-mux"),
    "sixty lines of feedback": lambda text: text.replace(
        "a=rtcp-mux", "\r\n".join(f"a=rtcp-fb:45 kind {n}" for n in range(60)) + "\r\na=rtcp-mux"
    ),
    "too much of everything": lambda text: text.replace("a=ssrc-group", _TOO_MUCH + "a=ssrc-group"),
}  # fmt: skip


@pytest.mark.parametrize("how", _TAKEN)
def test_other_browsers_offers_are_taken_too(how: str) -> None:
    """What the standards leave open may differ; the answer says what came of it."""
    offer = read(_TAKEN[how](browser_offer()))
    assert [line.direction for line in offer.lines] == ["sendonly"] * 3 + ["recvonly"] * 7
    assert [codec.name for codec in offer.lines[1].codecs] == ["VP8", "H264"]
    assert offer.lines[1].reduced == (how != "no rtcp-rsize")
    assert (offer.lines[1].codecs[0].rtx_type is None) == (how == "no repair")
    text = answered(offer)
    assert ("a=rtcp-rsize" in text) == (how != "no rtcp-rsize")
    assert ("a=extmap" in text) == (how != "no extensions")
    assert ("abs-send-time" in text) == ("extension" not in how)
    assert ("FID" in text) == (how != "no repair")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a=rtpmap:97 rtx/90000", "a=rtpmap:97 rtx/48000"),
        ("a=rtpmap:97 rtx/90000\r\na=fmtp:97 ", "a=rtpmap:64 rtx/90000\r\na=fmtp:64 "),
        ("a=fmtp:97 apt=96", "a=fmtp:97 apt=3"),
    ],
)
def test_retransmission_that_cannot_be_is_none(old: str, new: str) -> None:
    """Another clock, a type that would be taken for RTCP, or the type of nothing."""
    assert read(browser_offer().replace(old, new)).lines[1].codecs[0].rtx_type is None


@pytest.mark.parametrize(
    "parameters",
    [
        "packetization-mode=1;profile-level-id=42001f",
        "packetization-mode=1;profile-level-id=640c1f",
        "packetization-mode=1;profile-level-id=ffffff",
        "packetization-mode=1\r\na=fmtp:108 packetization-mode=0;profile-level-id=42e01f",
        "packetization-mode=1;profile-level-id=42",
        "packetization-mode=1;profile-level-id=42e01f junk",
        "profile-level-id=42e01f",
    ],
)
def test_only_the_profile_that_everybody_has_is_h264(parameters: str) -> None:
    """Another profile, or fragments not allowed: what one sent so, others might not take."""
    known = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
    offer = read(browser_offer().replace(known, parameters))
    assert [codec.name for codec in offer.lines[1].codecs] == ["VP8"]


def test_h264_that_names_no_profile_is_taken_for_it() -> None:
    """As browsers of old offered it."""
    known = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
    codec = read(browser_offer().replace(known, "packetization-mode=1")).lines[1].codecs[1]
    assert (codec.payload_type, codec.profile_level_id) == (108, "42e01f")


def test_streams_that_cannot_be_are_left_out() -> None:
    """SSRCs beyond 32 bits, groups of other sizes, and more than anybody has."""
    text = browser_offer().replace("a=ssrc:1002 cname:them", "a=ssrc:4294967296 cname:them")
    assert read(text).lines[1].streams == ()
    text = browser_offer().replace("a=ssrc-group:FID 1002 1003", "a=ssrc-group:FID 1002 1003 1004")
    assert read(text).lines[1].streams == (OfferedStream(1_002), OfferedStream(1_003))
    text = browser_offer().replace("FID 1002 1003", f"FID 1002 {1 << 33}").replace("a=ssrc:1003", "a=ssrc:7")
    assert read(text).lines[1].streams == (OfferedStream(1_002), OfferedStream(7))
    many = "".join(f"a=ssrc:{n} cname:x\r\n" for n in range(20))
    assert len(read(browser_offer().replace("a=ssrc:1002 cname:them\r\n", many)).lines[1].streams) == 8


_REFUSED: dict[str, tuple[str, Callable[[str], str]]] = {
    "not SDP": ("bad_sdp", lambda text: "x"),
    "empty": ("bad_sdp", lambda text: ""),
    "too long": ("bad_sdp", lambda text: text + "a=x\r\n" * 13_000),
    "a long section": ("bad_sdp", lambda text: text + "a=x\r\n" * 300),
    "a long line": ("bad_sdp", lambda text: text.replace("a=fmtp:97", "a=fmtp:97 " + "a;" * 1_000)),
    "a wide number": ("bad_sdp", lambda text: text.replace("a=rtpmap:96", "a=rtpmap:096")),
    "many lines": ("wrong_plan", lambda text: text + "m=video 9 A 1\r\n" * 100),
    "one line more": ("wrong_plan", lambda text: text + text[text.rindex("m=video"):]),
    "four lines": ("wrong_plan", lambda text: text[: text.index("m=video", text.index("a=mid:3"))]),
    "unbundled": ("wrong_plan", lambda text: text.replace("BUNDLE 0 1", "BUNDLE 0")),
    "no bundle": ("wrong_plan", lambda text: re.sub("a=group.*\r\n", "", text)),
    "same mid": ("wrong_plan", lambda text: text.replace("a=mid:2", "a=mid:1")),
    "no mid": ("wrong_plan", lambda text: text.replace("a=mid:2\r\n", "")),
    "a mid too long": ("wrong_plan", lambda text: re.sub("(a=mid:2|1 2)", r"\1" + "2" * 16, text)),
    "a mid with blanks": ("wrong_plan", lambda text: text.replace("a=mid:2", "a=mid:2\t")),
    "unmuxed": ("wrong_plan", lambda text: text.replace("a=rtcp-mux\r\n", "", 1)),
    "in the clear": ("wrong_plan", lambda text: text.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP", 1)),
    "wrong direction": ("wrong_plan", lambda text: text.replace("a=sendonly", "a=recvonly", 1)),
    "wrong kind": ("wrong_plan", lambda text: text.replace("m=audio", "m=text")),
    "mono": ("no_common_codec", lambda text: text.replace("opus/48000/2", "opus/48000")),
    "another clock": ("no_common_codec", lambda text: text.replace("/90000", "/8000")),
    "a forbidden type": ("bad_sdp", lambda text: text.replace("111", "72")),
    "a type of RTCP": ("no_common_codec", lambda text: text.replace("111", "80")),
    "no user fragment": ("bad_offer", lambda text: re.sub("a=ice-ufrag:.*\r\n", "", text)),
    "a bad user fragment": ("bad_offer", lambda text: text.replace("ufrag:BZqy", "ufrag:B:qy")),
    "no password": ("bad_offer", lambda text: re.sub("a=ice-pwd:.*\r\n", "", text)),
    "a short password": ("bad_offer", lambda text: re.sub("a=ice-pwd:.*", "a=ice-pwd:short", text)),
    "no setup": ("bad_offer", lambda text: text.replace("a=setup:actpass\r\n", "")),
    "passive": ("bad_offer", lambda text: text.replace("actpass", "passive")),
    "no fingerprint": ("bad_offer", lambda text: re.sub("a=fingerprint.*\r\n", "", text)),
    "a weak fingerprint": ("bad_offer", lambda text: text.replace("sha-256", "md5")),
    "a short fingerprint": ("bad_offer", lambda text: text.replace(FINGERPRINT, FINGERPRINT[:-3])),
    "no hexadecimal": ("bad_offer", lambda text: text.replace(FINGERPRINT, "G" + FINGERPRINT[1:])),
}  # fmt: skip


@pytest.mark.parametrize("how", _REFUSED)
def test_faults_are_refused_by_name(how: str) -> None:
    """Each fault has its code."""
    code, spoil = _REFUSED[how]
    with pytest.raises(ProtocolError) as raised:
        read(spoil(browser_offer()))
    assert raised.value.code == code


def test_what_a_stuffed_offer_costs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of formats, repeated or not, and feedback the parser gets few lines, and each only once."""
    parsed: list[str] = []

    def parse(text: str) -> None:
        parsed.append(text)
        raise ValueError

    monkeypatch.setattr(sdp.SessionDescription, "parse", parse)
    stuffing = (
        [f"a=rtpmap:{n % 95} H264/90000\r\n" for n in range(95)]
        + ["a=rtpmap:96 VP8/90000\r\n"] * 10
        + [f"a=rtcp-fb:* x{n}\r\n" for n in range(95)]
        + ["a=rtcp-fb:* nack\r\n"] * 10
    )
    with pytest.raises(ProtocolError):
        read("v=0\r\n" + ("m=video 9 A 96\r\n" + "".join(stuffing)) * 10)
    sent = parsed[0].split("m=video")[1]
    assert sent.count("a=rtpmap") == 64
    assert sent.count("a=rtcp-fb") == 1


# --- writing ------------------------------------------------------------------------------------


def test_the_answer_is_that_of_an_ice_lite_endpoint() -> None:
    """ICE-lite, DTLS client, everything bundled and multiplexed, all candidates, nothing to follow."""
    text = answered(read(browser_offer()))
    assert "\r\na=ice-lite\r\n" in text
    assert "\r\na=group:BUNDLE 0 1 2 3 4 5 6 7 8 9\r\n" in text
    for section in sections(text):
        assert section.startswith(("m=audio 5000 UDP/TLS/RTP/SAVPF ", "m=video 5000 UDP/TLS/RTP/SAVPF "))
        for line in (
            "a=setup:passive",
            "a=rtcp-mux",
            "a=rtcp-rsize",
            "a=ice-ufrag:ours",
            "a=end-of-candidates",
        ):
            assert section.count(line) == 1
        assert re.findall("a=candidate:.* (.*) 5000 typ host", section) == ["192.0.2.1", "2001:db8::1"]
        assert f"a=fingerprint:sha-256 {FINGERPRINT}" in section
    directions = re.findall(r"a=(sendonly|recvonly|inactive|sendrecv)", text)
    assert directions == ["recvonly"] * 3 + ["sendonly"] * 7


def test_the_answer_names_what_the_browser_gets() -> None:
    """One stream a person, one track a line, none twice; SSRCs with their repair; nothing where it sends."""
    parts = sections(answered(read(browser_offer())))
    named = [re.findall(r"a=msid:(\S+) (\S+)", part) for part in parts]
    assert named[:3] == [[], [], []]
    assert [stream for one in named[3:] for stream, _ in one] == [
        "other-1",
        "other-1",
        "other-2",
        "other-2",
        "screen",
        "other-3",
        "other-3",
    ]
    assert len({track for one in named[3:] for _, track in one}) == 7
    assert [re.findall(r"a=ssrc:(\d+) cname:us", part) for part in parts] == [
        [], [], [], ["13"], ["14", "54"], ["15"], ["16", "56"], ["17", "57"], ["18"], ["19", "59"],
    ]  # fmt: skip
    assert re.findall("FID (.*)\r", parts[4]) == ["14 54"]


def test_the_answer_carries_codecs_in_our_order() -> None:
    """The preferred codec first, each with its repair behind it, and what a sender should do."""
    offer = read(browser_offer())
    camera, incoming = (sections(answered(offer, ("opus", "H264", "VP8")))[n] for n in (1, 4))
    assert camera.startswith("m=video 5000 UDP/TLS/RTP/SAVPF 108 109 96 97\r\n")
    profile = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
    bitrates = "x-google-start-bitrate=1000;x-google-min-bitrate=150"
    assert f"a=fmtp:108 {profile};{bitrates}\r\n" in camera
    assert f"a=fmtp:96 {bitrates}\r\n" in camera
    assert f"a=fmtp:108 {profile}\r\n" in incoming
    assert re.findall("a=rtcp-fb:96 (.*)\r", camera) == [
        "nack",
        "nack pli",
        "ccm fir",
        "goog-remb",
        "transport-cc",
    ]
    assert re.findall("a=rtcp-fb:96 (.*)\r", incoming) == ["nack", "nack pli", "ccm fir", "goog-remb"]
    assert "a=fmtp:111 minptime=10;useinbandfec=1\r\n" in answered(offer)


def test_inactive_lines_stay_inactive() -> None:
    """A line that the browser does not use now is not used by us either."""
    text = browser_offer().replace("a=sendonly", "a=inactive", 1)
    assert "a=inactive" in sections(answered(read(text)))[0]


@pytest.mark.parametrize("lines", [5, 8, 10])
def test_the_answer_reads_back_as_what_it_says(lines: int) -> None:
    """Parsed again, the answer holds the codecs, types and extensions that the offer holds."""
    offer = read(browser_offer(lines))
    parsed = sdp.SessionDescription.parse(answered(offer))
    for line, media in zip(offer.lines, parsed.media, strict=True):
        names = {codec.payloadType: codec.name for codec in media.rtp.codecs if codec.name != "rtx"}
        assert names == {codec.payload_type: codec.name for codec in line.codecs}
        assert {one.uri: one.id for one in media.rtp.headerExtensions} == line.extensions
        assert media.dtls is not None
        assert media.dtls.role == "server"


# --- hostile ------------------------------------------------------------------------------------


_LINES = browser_offer().splitlines(keepends=True)
_BITS = st.sampled_from(
    [
        "a=ssrc:1\r\n",
        "a=ssrc-group:FID a\r\n",
        "a=rtpmap:96\r\n",
        "a=rtpmap:96 H264/9e9\r\n",
        "a=rtpmap:" + "9" * 5_000 + " VP8/90000\r\n",
        "a=fmtp\r\n",
        "a=fmtp:96 profile-level-id\r\n",
        "a=fmtp:97 apt=x\r\n",
        "a=rtcp-fb:*\r\n",
        "a=setup:no\r\n",
        "a=mid\r\n",
        "a=extmap:x y\r\n",
        "a=candidate:\r\n",
        "a=group:\r\n",
        "c=IN\r\n",
        "\0",
        "\u2028",
    ]
)


@given(
    st.lists(
        st.tuples(st.integers(0, len(_LINES)), st.integers(0, 3), _BITS | st.text(max_size=20)), max_size=8
    )
)
def test_hostile_sdp_is_refused_or_harmless(edits: list[tuple[int, int, str]]) -> None:
    """Whatever is taken out or put in: an offer that can be answered, or ProtocolError, and nothing else."""
    lines = list(_LINES)
    for at, gone, put in edits:
        lines[at : at + gone] = [put]
    try:
        offer = read("".join(lines))
    except ProtocolError:
        return
    sdp.SessionDescription.parse(answered(offer))


@given(st.integers(0, len(browser_offer())), st.integers(0, 300), st.text(max_size=30))
def test_truncated_and_spliced_sdp_too(at: int, gone: int, put: str) -> None:
    """The same for cuts in the middle of a line."""
    text = browser_offer()
    try:
        offer = read(text[:at] + put + text[at + gone :])
    except ProtocolError:
        return
    sdp.SessionDescription.parse(answered(offer))
