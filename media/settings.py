"""What can be set about the media plane."""

from dataclasses import dataclass

from contract.wire import IceServer


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """Settings of the plane; times in seconds.

    ``bind_addresses`` are the local addresses to use, empty for all of this machine (loopback only when
    there is no other). ``port`` is the one UDP port on each of them, 0 for a free one.
    ``advertised_address`` is announced besides, for a server behind one-to-one NAT.
    ``ice_servers`` are for the server's own side; none are needed when clients can reach it or bring TURN.
    """

    bind_addresses: tuple[str, ...] = ()
    port: int = 0
    advertised_address: str = ""
    ice_servers: tuple[IceServer, ...] = ()
    video_codecs: tuple[str, ...] = ("VP8", "H264")
    # Time for a slow ICE and DTLS handshake; nobody believes for longer in a call that shows nothing.
    promise_s: float = 15.0
    # A live browser sends an RTCP report at least every 5 s; two missing ones mean it is gone.
    silence_s: float = 10.0
    quality_interval_s: float = 5.0
    # Frames waiting in one leg: one second of sound, two seconds of picture at 15 to 18 fps.
    audio_queue: int = 50
    video_queue: int = 32
    # Facts waiting for the disk, per call: minutes of a call's facts, so a full queue is a dead disk.
    fact_queue: int = 1_000
