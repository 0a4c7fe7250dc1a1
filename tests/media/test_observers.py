"""Real peers, one of whom only watches: what he gets, and that the others cannot tell."""

import pytest

from contract.facts import QualityMeasured
from contract.ids import new_seat_id
from contract.phases import Role, TrackKind
from contract.ports import Party
from media import connection as connection_module
from media import publication as publication_module
from media import thinning as thinning_module
from media.uplink import Uplink
from tests.media.formats import is_keyframe
from tests.media.scripted import Arrived, ScriptedPeer, Stage, pictures, until

CUSTOMERS, AGENTS = (3, 4), (5, 6)


def _uplink(stage: Stage, party: Party, kind: TrackKind) -> Uplink:
    publications = stage.plane._calls[stage.call]._peers[party.seat].publications
    return next(one.uplink for one in publications if one.kind is kind)


class _NoEstimate:
    """Says nothing of the publishers' own lines, which a busy machine makes look slow."""

    def add(self, **_: int) -> None:
        return None


def _is_key(frame: Arrived) -> bool:
    return is_keyframe("VP8", frame.data)


def _runs(frames: list[Arrived]) -> list[list[bytes]]:
    """Return the pictures from each keyframe on."""
    runs: list[list[bytes]] = []
    for frame in frames:
        if _is_key(frame):
            runs.append([])
        runs[-1].append(frame.data)
    return runs


def _is_part_of(part: list[bytes], whole: list[bytes]) -> bool:
    return any(whole[at : at + len(part)] == part for at in range(len(whole) - len(part) + 1))


async def test_a_slow_observer_slows_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The customer and the agent are told what the others' lines take, before and after a monitor comes whose
    line takes 100 kbit/s; he gets all sound, and of the pictures whole ones that he can decode.
    """
    # Of the time that a still takes on his line nothing is lost by waiting to be allowed to ask.
    monkeypatch.setattr(publication_module, "_SELDOM_S", 1.0)
    monkeypatch.setattr(connection_module, "RemoteBitrateEstimator", _NoEstimate)
    monitor = Party(new_seat_id(), Role.SUPERVISOR, "monitor")
    async with (
        ScriptedPeer(slow=3) as customer,
        ScriptedPeer(slow=3) as agent,
        ScriptedPeer(camera=False, microphone=False) as watching,
    ):
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        for peer, line in ((agent, CUSTOMERS[1]), (customer, CUSTOMERS[1])):
            await until("a picture", lambda p=peer, n=line: p.arrived[n])
            await peer.say_rate(800_000)
        told = [peer.hear_limits() for peer in (customer, agent)]
        for limits in told:
            await until("the talker's limit", lambda lim=limits: lim and 790_000 < lim[-1] <= 800_000)
            limits.clear()
        await stage.connect(watching, monitor)
        for line in (*CUSTOMERS, *AGENTS):
            await until(f"line {line}", lambda n=line: watching.arrived[n])
        await watching.say_rate(100_000)
        allowance = stage.plane._calls[stage.call]._peers[monitor.seat].allowance
        await until("his word", lambda: 99_000 < (allowance.bits_per_s or 0) <= 100_000)
        heard = {line: len(watching.arrived[line]) for line in (CUSTOMERS[0], AGENTS[0])}
        seen = {line: len(watching.arrived[line]) for line in (CUSTOMERS[1], AGENTS[1])}
        for line, before in seen.items():
            frames = watching.arrived[line]
            await until("two stills", lambda f=frames, n=before: sum(map(_is_key, f[n:])) >= 2)
        for peer, line in ((customer, CUSTOMERS[0]), (agent, AGENTS[0])):
            assert peer.sound is not None
            await until("sound", lambda n=line: len(watching.arrived[n]) > heard[n] + 100)
            sounds = [frame.data for frame in watching.arrived[line][heard[line] :]]
            assert _is_part_of(sounds, peer.sound.sent)
        film = list(pictures("VP8"))
        for line, before in seen.items():
            runs = _runs(watching.arrived[line])
            assert all(run == film[: len(run)] for run in runs)
            assert len(watching.arrived[line]) - before < len(agent.arrived[CUSTOMERS[1]]) / 2
        for limits in told:
            assert limits and all(790_000 < limit <= 800_000 for limit in limits)
        for party in (stage.customer, stage.agent):
            limit = _uplink(stage, party, TrackKind.VIDEO).limit
            assert limit is not None and 790_000 < limit <= 800_000
            last = [fact for fact in stage.journal.of(QualityMeasured) if fact.seat == party.seat][-1]
            assert last.limit_kbps is not None and 790 < last.limit_kbps <= 800
        await agent.say_rate(300_000)
        await until("who talks limits as ever", lambda: 290_000 < told[0][-1] <= 300_000)


async def test_who_comes_to_watch_is_not_noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """No keyframe is asked for; his picture begins with one that comes anyway. Who talks does ask."""
    monkeypatch.setattr(thinning_module, "_PATIENCE_S", 600.0)
    monitor = Party(new_seat_id(), Role.SUPERVISOR, "monitor")
    async with (
        ScriptedPeer(slow=2) as customer,
        ScriptedPeer(slow=2) as agent,
        ScriptedPeer(camera=False, microphone=False) as watching,
        ScriptedPeer(camera=False, microphone=False) as talking,
    ):
        await stage.connect(customer, stage.customer)
        await stage.connect(agent, stage.agent)
        await stage.plane.open_gate(stage.call)
        film = customer.picture
        assert film is not None
        await until("40 pictures", lambda: len(agent.arrived[CUSTOMERS[1]]) > 40)
        before = film.keyframe_requests
        await stage.connect(watching, monitor)
        # What aiortc would say of a busy machine is not what this is about.
        await watching.say_rate(5_000_000)
        await until("40 pictures for him", lambda: len(watching.arrived[CUSTOMERS[1]]) > 40)
        await watching.ask_keyframe(CUSTOMERS[1])
        seen = len(watching.arrived[CUSTOMERS[1]])
        await until("more", lambda: len(watching.arrived[CUSTOMERS[1]]) >= seen + 40)
        assert _is_key(watching.arrived[CUSTOMERS[1]][0])
        assert film.keyframe_requests == before
        await stage.connect(talking, Party(new_seat_id(), Role.GUEST, "guest"))
        await until("a request", lambda: film.keyframe_requests > before)
