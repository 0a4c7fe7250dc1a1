"""Hostile input from a seed: against everything that parses, and against an endpoint with a call going on.

``python -m tests.media.fuzz --seconds 600 --seed 5`` runs for long; a failure names the seed and the input.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from struct import pack
from typing import Any

import structlog
from aioice import stun
from aiortc import sdp
from pylibsrtp import Error as SrtpError

from contract.errors import ProtocolError
from contract.ids import CallId, new_call_id, new_case_id, new_seat_id
from contract.phases import Role
from contract.ports import ClockSample, Depacketiser, Party, TrackInfo
from media import ice_lite, rtcp
from media.answer import AnsweredLine, Here, read_offer, write_answer
from media.depacketiser import TrackDepacketiser
from media.plane import Plane
from media.routes import everybody_talks
from media.rtp_stats import Reception
from media.settings import MediaSettings
from tests.media.far_end import UFRAG, FarEnd, until
from tests.media.offers import FINGERPRINT, browser_offer
from tests.media.packets import DELTA, KEY, REST, SLICE, SPS, packet
from tests.media.scripted import ListJournal, SystemClock

_CODECS = ("VP8", "H264")
_HERE = Here("ours", "p" * 24, [], [])
_SOUND, _CAMERA, _REPAIR = 111, 96, 97
# As browser_offer numbers them: MID, send time and transport-wide number of the camera's line.
_EXTENSION = b"\x40\x31\x22\x00\x00\x00\x31\x00\x00"
_NUMBERS = (0, 1, 2, 15, 16, 63, 64, 127, 128, 191, 192, 200, 223, 254, 255)


def samples() -> dict[str, list[bytes]]:
    """Return well formed messages of every kind that the port or the server takes."""
    return {
        "sdp": [browser_offer().encode(), browser_offer(5).encode()],
        "stun": _checks(),
        "rtp": _packets(),
        "rtcp": _reports(),
        "dtls": _records(),
    }


def _checks() -> list[bytes]:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"ours:{UFRAG}"
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLING"] = 1
    request.attributes["USE-CANDIDATE"] = None
    bare = bytes(request)
    request.add_message_integrity(b"p" * 24)
    response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE)
    response.attributes["XOR-MAPPED-ADDRESS"] = ("127.0.0.1", 9)
    return [bytes(request), bare, bytes(response)]


def _packets() -> list[bytes]:
    made = [packet(1, b"\x78sound", pt=_SOUND, ssrc=5, extension=b"\x40\x30", end=True)]
    for n, payload in enumerate((KEY, REST, DELTA, b"\x90\x80\x81\x02\x00frame")):
        made.append(packet(n, payload + bytes(40), pt=_CAMERA, extension=_EXTENSION, end=n > 0, pad=n))
    for n, payload in enumerate((b"\x78\x00\x04" + SPS, b"\x7c\x85\x88frame", b"\x7c\x45", SLICE)):
        made.append(packet(n, payload, pt=108, ssrc=9, extension=_EXTENSION, end=n > 1))
    made.append(packet(7, pack("!H", 1) + REST, pt=_REPAIR, ssrc=8, extension=b"\x40\x31"))
    return made


def _reports() -> list[bytes]:
    block = rtcp.Block(7, Reception(1, 2, 3, 4), 5, 6)
    return [
        rtcp.compose_sr(rtcp.SenderReport(7, 1 << 63, 90_000, 5, 500), "them") + rtcp.compose_rr(7, [block]),
        rtcp.compose_nack(1, 7, [1, 2, 9, 40]),
        rtcp.compose_pli(1, 7),
        rtcp.compose_remb(1, 500_000, [7, 8]),
        rtcp.compose_transport_feedback(1, 7, bytes(12)),
        pack("!BBHLL", 0x82, 203, 2, 7, 8),
        pack("!BBHLLLL", 0x84, 206, 4, 1, 0, 7, 1 << 24),
    ]


def _records() -> list[bytes]:
    """Return DTLS records (RFC 6347 section 4.1): handshake, alert, change of cipher, application data."""
    hello = pack("!B3xHHB2xB3x", 1, 0, 0, 0, 0) + bytes(range(40))
    bodies = {22: hello, 21: b"\x01\x00", 20: b"\x01", 23: bytes(30)}
    heads = [pack("!BHHHLH", kind, 0xFEFD, 0, 0, 0, len(body)) + body for kind, body in bodies.items()]
    return [*heads, bytes([63]) * 20, bytes([64]) * 20, b"\xff", b""]


def mutate(chance: random.Random, of: Sequence[bytes]) -> bytes:
    """Return one of the samples after one to four injuries: cut, flipped, spliced, overwritten, swollen."""
    data = bytearray(chance.choice(of))
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(data))
        match chance.randrange(6):
            case 0:
                del data[at:]
            case 1 if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
            case 2 if data:
                data[at % len(data)] = chance.choice(_NUMBERS)
            case 3:
                other = chance.choice(of)
                data[at:] = other[chance.randint(0, len(other)) :]
            case 4:
                del data[at : at + chance.randint(1, 30)]
            case _:
                data[at:at] = chance.randbytes(chance.randint(1, 30))
    return bytes(data)


@contextmanager
def _watched(troubles: list[str]) -> Iterator[None]:
    """Log nothing, and keep every error that would be logged."""

    def keep(logger: object, name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if name in ("error", "critical", "exception"):
            troubles.append(repr(event))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep])
    try:
        yield
    finally:
        structlog.configure(**before)


# --- everything that parses ---------------------------------------------------------------------


def _offer(data: bytes) -> None:
    try:
        offer = read_offer(data.decode(errors="replace"), _CODECS)
    except ProtocolError:
        return
    here = Here("ours", "p" * 24, [], sdp.SessionDescription.parse(_CANDIDATE).media[0].ice_candidates)
    lines = [AnsweredLine(line.codecs, 1, 2) for line in offer.lines]
    sdp.SessionDescription.parse(write_answer(offer, lines, here, "us"))


_CANDIDATE = "m=audio 9 A 0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n"


def _check(data: bytes) -> None:
    ice_lite.addressed_to(data)
    ice_lite.verify(data, f"ours:{UFRAG}", b"p" * 24)


class _Depacketisers:
    """Take what comes, as a recorder's would over a whole call."""

    def __init__(self) -> None:
        self._all = [TrackDepacketiser(codec, 90_000) for codec in (*_CODECS, "opus")]
        self._now = 0.0

    def __call__(self, data: bytes) -> None:
        self._now += 0.02
        for one in self._all:
            one.push(data, self._now)


def parse_for(chance: random.Random, seconds: float) -> int:
    """Hand mutated messages to every parser; return how many. What a parser raises is raised."""
    parsers: dict[str, Callable[[bytes], object]] = {
        "sdp": _offer,
        "stun": _check,
        "rtp": _Depacketisers(),
        "rtcp": rtcp.parse,
    }
    corpus, count, end = samples(), 0, time.monotonic() + seconds
    troubles: list[str] = []
    with _watched(troubles):
        while time.monotonic() < end and not troubles:
            # An offer takes as long as a thousand packets.
            kind = chance.choices(list(parsers), (1, 20, 50, 50))[0]
            data = mutate(chance, corpus[kind])
            try:
                parsers[kind](data)
            except Exception as error:
                error.add_note(f"{kind} {data.hex()}")
                raise
            count += 1
    assert not troubles
    return count


# --- a call that goes on ------------------------------------------------------------------------


class _Sink:
    """Depacketises and keeps only counts."""

    def __init__(self, depacketiser: Depacketiser) -> None:
        self._depacketiser = depacketiser
        self.frames = 0

    def push_packet(self, packet: bytes, arrived_at: float) -> None:
        self.frames += len(self._depacketiser.push(packet, arrived_at))

    def push_clock(self, sample: ClockSample) -> None:
        pass

    def close(self) -> None:
        self.frames += len(self._depacketiser.finish())


class _Receiver:
    def open_track(self, track: TrackInfo, depacketiser: Depacketiser) -> _Sink:
        return _Sink(depacketiser)


class _There:
    """Our end of a connection, as far as the answer tells."""

    state = "connected"

    def __init__(self, answer: str) -> None:
        media = sdp.SessionDescription.parse(answer).media[0]
        assert media.ice is not None and media.dtls is not None
        self.ufrag, self.password = media.ice.usernameFragment or "", media.ice.password or ""
        self._fingerprints = media.dtls.fingerprints

    def connect(self, *_: object) -> None:
        """Nothing: answering began it."""

    def fingerprints(self) -> list[Any]:
        return self._fingerprints


@dataclass
class Tally:
    """What a run did and what came of it. ``troubles`` are errors logged or left to the loop."""

    hostile: int = 0
    sent: list[bytes] = field(default_factory=list)
    arrived: list[bytes] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


class Siege:
    """A call of two that goes on, with a third who is hostile, and a hostile stranger at the door."""

    def __init__(self, plane: Plane, chance: random.Random, tally: Tally) -> None:
        self._plane, self._chance, self._tally = plane, chance, tally
        self._corpus = samples()
        self._seq = 0

    async def run(self, seconds: float) -> None:
        """Let the call and the hostile traffic run for ``seconds``."""
        call = new_call_id()
        await self._plane.open_call(new_case_id(), call)
        await self._plane.open_gate(call)
        roles = (Role.CUSTOMER, Role.AGENT, Role.GUEST)
        parties = [Party(new_seat_id(), role, role.value) for role in roles]
        await self._plane.arrange(call, everybody_talks([party.seat for party in parties]))
        async with asyncio.TaskGroup() as tasks:
            customer, agent, enemy = [await self._join(tasks, call, party) for party in parties]
            stranger = FarEnd(enemy.transport, self._plane.port)
            async with customer, agent, enemy, stranger:
                await self._besiege(seconds, customer, agent, (enemy, stranger))
                await until(lambda: self._all_there(agent), "every packet of the call")
                await self._plane.close_call(call)

    async def _join(self, tasks: asyncio.TaskGroup, call: CallId, party: Party) -> FarEnd:
        far = FarEnd(None, self._plane.port)  # type: ignore[arg-type]
        ours = far.parameters().fingerprints[0]
        offer = browser_offer().replace("a=ice-ufrag:BZqy", f"a=ice-ufrag:{UFRAG}")
        offer = offer.replace(FINGERPRINT, ours.value).replace("sha-256", ours.algorithm)
        far.transport = _There(await self._plane.answer(call, party, offer))  # type: ignore[assignment]
        await far.connect(tasks)
        return far

    async def _besiege(
        self, seconds: float, customer: FarEnd, agent: FarEnd, enemies: tuple[FarEnd, FarEnd]
    ) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._send(customer)
            for _ in range(20):
                self._attack(customer, *enemies)
            self._keep(agent)
            # Who only listens is still heard, as browsers are.
            agent.send_rtcp(rtcp.compose_rr(1, []))
            for far in enemies:
                far.rtp.clear()
                far.rtcp.clear()
            await asyncio.sleep(0.01)

    def _send(self, customer: FarEnd) -> None:
        """Send the next packet of sound, numbered in its payload."""
        self._seq += 1
        payload = b"\x78 number %d" % self._seq
        self._tally.sent.append(payload)
        customer.send_rtp(packet(self._seq, payload, pt=_SOUND, ssrc=1_000, stamp=self._seq * 960))

    def _keep(self, agent: FarEnd) -> None:
        self._tally.arrived += [
            one[one.index(b"\x78 number") :] for one in agent.rtp if b"\x78 number" in one
        ]
        agent.rtp.clear()
        agent.rtcp.clear()

    def _all_there(self, agent: FarEnd) -> bool:
        self._keep(agent)
        return self._tally.arrived == self._tally.sent

    def _attack(self, customer: FarEnd, enemy: FarEnd, stranger: FarEnd) -> None:
        """Send one hostile datagram: from nowhere, in a caller's name, or by who has keys of his own."""
        self._tally.hostile += 1
        chance = self._chance
        match chance.randrange(5):
            case 0:
                data = mutate(chance, self._corpus[chance.choice(("stun", "rtp", "rtcp", "dtls"))])
                stranger.send(data)
            case 1:
                stranger.send(mutate(chance, [bytes(customer.request()), bytes(enemy.request())]))
            case 2:
                customer.send(mutate(chance, self._corpus[chance.choice(("stun", "rtp", "rtcp", "dtls"))]))
            case 3:
                self._attack_with_keys(enemy.send_rtp, enemy, mutate(chance, self._corpus["rtp"]))
            case _:
                self._attack_with_keys(enemy.send_rtcp, enemy, mutate(chance, self._corpus["rtcp"]))

    def _attack_with_keys(self, send: Callable[[bytes], object], enemy: FarEnd, data: bytes) -> None:
        try:
            sent = send(data)
        except (SrtpError, TypeError):
            # The sender's own libsrtp refuses it; so let it come unprotected.
            enemy.send(data)
        else:
            if isinstance(sent, bytes) and self._chance.random() < 0.1:
                enemy.send(sent)


async def besiege(chance: random.Random, seconds: float) -> Tally:
    """Run a call under hostile traffic. Fails when a packet of the call is missing."""
    tally = Tally()
    settings = MediaSettings(bind_addresses=("127.0.0.1",))
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: tally.troubles.append(repr(context)))
    with _watched(tally.troubles):
        async with Plane(ListJournal(), SystemClock(), settings, [_Receiver()]) as plane:
            await Siege(plane, chance, tally).run(seconds)
    return tally


def main() -> None:
    """Run rounds of both kinds until the time is over, each with a seed of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    end, seed = time.monotonic() + chosen.seconds, chosen.seed
    while time.monotonic() < end:
        chance = random.Random(seed)
        parsed = parse_for(chance, min(10.0, chosen.seconds / 2))
        tally = asyncio.run(besiege(chance, min(10.0, chosen.seconds / 2)))
        counts = f"{parsed} parsed, {tally.hostile} hostile datagrams, {len(tally.sent)} packets of the call"
        sys.stdout.write(f"seed {seed}: {counts}\n")
        if tally.troubles:
            raise SystemExit(f"seed {seed}: {tally.troubles[:5]}")
        seed += 1


if __name__ == "__main__":
    main()
