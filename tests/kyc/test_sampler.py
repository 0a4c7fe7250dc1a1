"""The face sampler, fed with packets through the depacketiser of the media path."""

import dataclasses
import threading
from collections.abc import Iterator, Sequence

import pytest

from contract.ids import CallId, SeatId, new_call_id, new_case_id
from contract.phases import Role, TrackKind, TrackSource
from contract.ports import EncodedFrame, TrackInfo, TrackSink
from kyc import sampler as sampling
from kyc.frames import decode_frames
from kyc.sampler import CHALLENGE_MAX_S, LOOK_EVERY_MIN_S, FaceSampler
from media.depacketiser import TrackDepacketiser
from tests.recordings.encoded import MovedClock, picture_frames, track_info
from tests.recordings.packets import Packetiser

CALL = new_call_id()


class Bench:
    """A sampler whose turns a test makes, and what came of it."""

    def __init__(self) -> None:
        self.clock = MovedClock()
        self.got: list[tuple[CallId, SeatId, str, tuple[EncodedFrame, ...]]] = []
        self.asked: list[tuple[CallId, SeatId]] = []
        self.sampler = FaceSampler(self._emit, self._ask, self.clock)

    def _emit(self, call: CallId, seat: SeatId, codec: str, frames: Sequence[EncodedFrame]) -> None:
        self.got.append((call, seat, codec, tuple(frames)))

    def _ask(self, call: CallId, seat: SeatId) -> None:
        self.asked.append((call, seat))

    @property
    def frames(self) -> list[EncodedFrame]:
        """Return all frames that came."""
        return [frame for *_, frames in self.got for frame in frames]

    def camera(self, codec: str = "VP8") -> "Camera":
        return Camera(self, track_info(new_case_id(), CALL, codec))


class Camera:
    """A track that is fed frame by frame, 25 a second."""

    def __init__(self, bench: Bench, info: TrackInfo) -> None:
        self.info = info
        self._bench = bench
        self._packetiser = Packetiser(info.codec)
        self.sink: TrackSink = bench.sampler.open_track(info, TrackDepacketiser(info.codec, info.clock_rate))

    def send(self, frames: Sequence[EncodedFrame], *, per_turn: int = 3) -> None:
        """Send frames as time passes; the sampler's turn comes every so many."""
        for number, frame in enumerate(frames, 1):
            for packet in self._packetiser.packets(frame):
                self.sink.push_packet(packet, frame.arrived_at)
            self._bench.clock.pass_s(1 / 25)
            if number % per_turn == 0:
                self._bench.sampler.turn()

    def lose(self, frame: EncodedFrame) -> None:
        list(self._packetiser.packets(frame))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def stamps(frames: Sequence[EncodedFrame]) -> list[tuple[int, bool]]:
    """Return what tells frames apart: their data may have other start codes than were sent."""
    return [(frame.timestamp, frame.keyframe) for frame in frames]


def keyframes(frames: Sequence[EncodedFrame]) -> list[tuple[int, bool]]:
    return stamps([frame for frame in frames if frame.keyframe])


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_keyframes_are_handed_on_as_they_came(bench: Bench, codec: str) -> None:
    """One a second: each is a keyframe that was sent, and can be decoded by itself."""
    sent = picture_frames(codec, 5, keyframe_every=25)
    bench.camera(codec).send(sent)

    assert len(bench.got) == 5
    assert stamps(bench.frames) == keyframes(sent)
    assert all(len(frames) == 1 for *_, frames in bench.got)
    assert all(len(decode_frames(codec, frames)) == 1 for *_, frames in bench.got)


def test_it_says_whose_frames_they_are(bench: Bench) -> None:
    """Call, seat and codec of the track."""
    camera = bench.camera("H264")
    camera.send(picture_frames("H264", 1))

    assert bench.got[0][:3] == (CALL, camera.info.seat, "H264")


def test_only_the_newest_keyframe_counts(bench: Bench) -> None:
    """Ten keyframes a second cost one look a second; of those that wait together the last is taken."""
    sent = picture_frames("VP8", 5, keyframe_every=2)
    bench.camera().send(sent, per_turn=5)

    assert 5 <= len(bench.got) <= 6
    assert bench.frames[0].data == sent[4].data


def test_keyframes_are_asked_for(bench: Bench) -> None:
    """A camera sends them only when asked: once a second, and not while one has just come."""
    camera = bench.camera()
    camera.send(picture_frames("VP8", 5))

    assert len(bench.got) == 1
    assert set(bench.asked) == {(CALL, camera.info.seat)}
    # From the end of the first second on every half second, as far as turns of 0.12 s meet it.
    assert 7 <= len(bench.asked) <= 9


@pytest.mark.parametrize(("every", "least"), [(1.0, 9), (0.5, 16)])
def test_what_a_keyframe_takes_to_come_makes_looks_no_rarer(bench: Bench, every: float, least: int) -> None:
    """A camera answers a fifth of a second after it is asked; ten seconds have their looks all the same."""
    camera, plain = bench.camera(), picture_frames("VP8", 10)
    whole = picture_frames("VP8", 10, keyframe_every=1)
    bench.sampler.look_every(CALL, every)
    due = 0
    for number, (frame, keyframe) in enumerate(zip(plain, whole, strict=True)):
        asked = len(bench.asked)
        camera.send([keyframe if number == due else frame], per_turn=1)
        due = number + 5 if len(bench.asked) > asked else due

    assert least <= len(bench.got) <= 10 / every + 1


def test_looks_can_be_nearer_and_further(bench: Bench) -> None:
    """Half a second in doubt, two otherwise; less than half a second is not to be had."""
    camera = bench.camera()
    for every, looks in ((0.5, 4), (2.0, 1), (0.01, 4)):
        bench.got.clear()
        bench.sampler.look_every(CALL, every)
        camera.send(picture_frames("VP8", 2, keyframe_every=5), per_turn=1)
        assert looks - 1 <= len(bench.got) <= looks + 1
    assert LOOK_EVERY_MIN_S == 0.5


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_challenge_hands_on_every_frame(bench: Bench, codec: str) -> None:
    """From the next keyframe on, in order, without a gap; before it nothing that cannot be decoded."""
    camera, sent = bench.camera(codec), picture_frames(codec, 5, keyframe_every=25)
    camera.send(sent[:10])
    bench.got.clear()
    bench.sampler.challenge(CALL, 20)
    bench.sampler.turn()
    asked = len(bench.asked)
    camera.send(sent[10:], per_turn=1)

    assert asked >= 1
    assert stamps(bench.frames) == stamps(sent[25:])
    assert len(decode_frames(codec, bench.frames)) == len(sent[25:])


def test_a_challenge_ends_by_itself(bench: Bench) -> None:
    """After the seconds asked for, and after 40 whatever was asked; then there are looks again."""
    camera, sent = bench.camera(), picture_frames("VP8", 5, keyframe_every=25)
    bench.sampler.challenge(CALL, 1)
    camera.send(sent)
    assert 20 < len(bench.frames) < 40

    bench.sampler.challenge(CALL, 1_000)
    bench.got.clear()
    bench.clock.pass_s(CHALLENGE_MAX_S - 4)
    camera.send(sent)
    assert 90 < len(bench.frames) < 110


def test_a_challenge_can_be_called_off(bench: Bench) -> None:
    """Afterwards only keyframes come."""
    camera, sent = bench.camera(), picture_frames("VP8", 5, keyframe_every=25)
    bench.sampler.challenge(CALL)
    camera.send(sent[:50])
    bench.got.clear()
    bench.sampler.calm(CALL)
    bench.sampler.calm(CALL)
    camera.send(sent[50:])

    assert keyframes(bench.frames) == stamps(bench.frames)


def test_a_challenge_goes_on_in_another_track(bench: Bench) -> None:
    """A phone that reconnects is asked for a keyframe, and its frames come as well."""
    bench.sampler.challenge(CALL)
    first = bench.camera()
    first.send(picture_frames("VP8", 1))
    first.sink.close()
    bench.sampler.turn()
    bench.got.clear()
    bench.camera().send(picture_frames("VP8", 1), per_turn=1)

    assert len(bench.frames) == 25


def test_a_loss_is_told(bench: Bench) -> None:
    """Behind a lost frame the next says so, for whoever decodes."""
    camera, sent = bench.camera(), picture_frames("VP8", 5)
    bench.sampler.challenge(CALL)
    camera.send(sent[:10])
    camera.lose(sent[10])
    camera.send(sent[11:], per_turn=1)

    assert [frame.after_loss for frame in bench.frames[:12]] == [False] * 10 + [True] * 2


def test_a_challenge_keeps_its_chain_short(bench: Bench) -> None:
    """A keyframe is asked for every four seconds and after a loss."""
    camera, sent = bench.camera(), picture_frames("VP8", 5)
    bench.sampler.challenge(CALL)
    camera.send(sent[:75])
    assert bench.asked == []
    camera.send(sent[75:115])
    assert 1 <= len(bench.asked) <= 2

    other = Bench()
    camera = other.camera()
    other.sampler.challenge(CALL)
    camera.send(sent[:10])
    camera.lose(sent[10])
    camera.send(sent[11:])
    assert other.asked


def test_nobody_is_looked_at_until_told(bench: Bench) -> None:
    """Without a rate no keyframe is asked for nor handed on; a wish outlives a track and ends with calm."""
    bench.sampler._every_s = None
    sent = picture_frames("VP8", 5, keyframe_every=25)
    bench.camera().send(sent)
    assert (bench.got, bench.asked) == ([], [])
    bench.sampler.look_every(CALL, 1.0)
    first = bench.camera()
    first.send(sent[:50])
    first.sink.close()
    bench.sampler.turn()
    bench.camera().send(sent[:50])
    assert len(bench.frames) == 4
    bench.sampler.calm(CALL)
    bench.camera().send(sent)
    assert len(bench.frames) == 4


def sound_frames(count: int) -> list[EncodedFrame]:
    return [EncodedFrame(bytes((120, n % 256)), n * 1_920, True, n / 25) for n in range(count)]


def microphone(bench: Bench, role: Role = Role.CUSTOMER) -> Camera:
    info = track_info(new_case_id(), CALL, "opus")
    kind = {"kind": TrackKind.AUDIO, "source": TrackSource.MICROPHONE, "clock_rate": 48_000, "role": role}
    return Camera(bench, dataclasses.replace(info, **kind))  # type: ignore[arg-type]


def test_sound_is_handed_on_in_a_challenge_only(bench: Bench) -> None:
    """Every packet from the very first, none before and none after; no keyframe is asked of a microphone."""
    voice, sent = microphone(bench), sound_frames(75)
    voice.send(sent[:25])
    assert bench.got == []
    bench.sampler.challenge(CALL, 1.0)
    bench.sampler.turn()
    bench.got.clear()
    voice.send(sent[25:], per_turn=1)

    assert {codec for _, _, codec, _ in bench.got} == {"opus"}
    assert [frame.data for frame in bench.frames] == [frame.data for frame in sent[25:50]]
    assert bench.asked == []


def test_customer_and_agent_are_heard_while_somebody_listens(bench: Bench) -> None:
    """Every packet of both, a challenge or none, until the time is over."""
    customer, agent, sent = microphone(bench), microphone(bench, Role.AGENT), sound_frames(75)
    seats = {customer.info.seat, agent.info.seat}
    bench.sampler.challenge(CALL, 0.5)
    bench.sampler.listen(CALL, 1.0)
    for frame in sent:
        customer.send([frame], per_turn=1)
        agent.send([frame], per_turn=1)
    assert {seat for _, seat, *_ in bench.got} == seats
    # Each passes 40 ms of the clock.
    for seat in seats:
        came = [frame.data for _, of, _, frames in bench.got if of == seat for frame in frames]
        assert came == [frame.data for frame in sent[: len(came)]] and 12 <= len(came) <= 14


@pytest.mark.parametrize("role", [Role.GUEST, Role.SUPERVISOR])
def test_nobody_else_is_heard(bench: Bench, role: Role) -> None:
    bench.sampler.listen(CALL, 10.0)
    microphone(bench, role).send(sound_frames(50))
    assert bench.got == []


@pytest.mark.parametrize(
    "change",
    [
        {"role": Role.AGENT},
        {"source": TrackSource.SCREEN},
        {"role": Role.AGENT, "kind": TrackKind.AUDIO, "source": TrackSource.MICROPHONE},
        {"kind": TrackKind.AUDIO, "source": TrackSource.SCREEN},
    ],
)
def test_nobody_else_is_looked_at(bench: Bench, change: dict[str, object]) -> None:
    """Agents and screens are not this room's business, in a challenge neither."""
    info = dataclasses.replace(track_info(new_case_id(), CALL), **change)  # type: ignore[arg-type]
    bench.sampler.challenge(CALL)
    camera = Camera(bench, info)
    camera.send(picture_frames("VP8", 2))
    camera.sink.close()

    assert (bench.got, bench.asked) == ([], [])


def test_a_sampler_that_hangs_holds_little(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a turn packets wait up to the bound, the rest is dropped; afterwards it goes on."""
    monkeypatch.setattr(sampling, "_PACKETS_MAX", 20)
    camera, sent = bench.camera(), picture_frames("VP8", 5, keyframe_every=25)
    dropped = sampling._DROPPED._value.get()
    camera.send(sent, per_turn=1_000)
    assert sampling._DROPPED._value.get() - dropped >= 100
    bench.sampler.turn()
    camera.send(sent, per_turn=1)
    # What was lost is given up when packets behind it have waited for 1.2 s of arrivals.
    assert len(bench.got) >= 2


def test_big_packets_have_a_bound_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes are counted, and given back when they are taken."""
    monkeypatch.setattr(sampling, "_BYTES_MAX", 1_000)
    camera = bench.camera()
    for _ in range(3):
        for _ in range(5):
            camera.sink.push_packet(bytes(400), 0.0)
        assert len(camera.sink.packets) == 2  # type: ignore[attr-defined]
        bench.sampler.turn()
    camera.sink.close()
    camera.sink.push_packet(bytes(400), 0.0)
    assert not camera.sink.packets  # type: ignore[attr-defined]


def test_one_bad_track_takes_no_other_along(bench: Bench) -> None:
    """A depacketiser that breaks ends its own track; an emit that raises loses its frames only."""

    class Broken(TrackDepacketiser):
        def push(self, packet: bytes, arrived_at: float) -> Sequence[EncodedFrame]:
            raise RuntimeError

    bad = bench.sampler.open_track(track_info(new_case_id(), CALL), Broken("VP8", 90_000))
    bad.push_packet(b"x", 0.0)
    good = bench.camera()
    good.send(picture_frames("VP8", 1))
    bad.push_packet(b"x", 0.0)
    assert len(bench.got) == 1

    def refuse(*_: object) -> None:
        raise OSError

    bench.sampler._emit = refuse
    good.send(picture_frames("VP8", 2, keyframe_every=25))
    bench.sampler._emit = bench._emit
    good.send(picture_frames("VP8", 2, keyframe_every=25))
    assert len(bench.got) >= 2


def test_what_is_over_is_forgotten(bench: Bench) -> None:
    """A closed track, a challenge that is over and the wishes of a call that was calmed leave nothing."""
    camera = bench.camera()
    bench.sampler.look_every(CALL, 2)
    bench.sampler.challenge(CALL, 3)
    bench.sampler.listen(CALL, 3)
    camera.send(picture_frames("VP8", 1))
    camera.sink.close()
    camera.sink.close()
    bench.clock.pass_s(10)
    bench.sampler.turn()
    bench.sampler.calm(CALL)

    kept = bench.sampler._lines, bench.sampler._every, bench.sampler._challenges, bench.sampler._listening
    assert kept == ([], {}, {}, {})


@pytest.fixture
def running() -> Iterator[tuple[FaceSampler, threading.Event, list[EncodedFrame]]]:
    """Yield a sampler that runs, an event when it has emitted, and what."""
    emitted, frames = threading.Event(), list[EncodedFrame]()

    def emit(call: CallId, seat: SeatId, codec: str, some: Sequence[EncodedFrame]) -> None:
        frames.extend(some)
        emitted.set()

    with FaceSampler(emit, lambda *_: None, MovedClock()) as sampler:
        yield sampler, emitted, frames


def test_the_thread_comes_by_itself(
    running: tuple[FaceSampler, threading.Event, list[EncodedFrame]],
) -> None:
    """A track that is fed is looked at without anybody's turn; leaving ends the thread."""
    sampler, emitted, frames = running
    info = track_info(new_case_id(), CALL)
    sink = sampler.open_track(info, TrackDepacketiser("VP8", 90_000))
    packetiser = Packetiser("VP8")
    for frame in picture_frames("VP8", 1):
        for packet in packetiser.packets(frame):
            sink.push_packet(packet, frame.arrived_at)

    assert emitted.wait(30)
    assert frames[0].keyframe
