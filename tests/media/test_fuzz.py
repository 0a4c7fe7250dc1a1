"""Hostile input, a few seconds of it; ``python -m tests.media.fuzz`` runs it for as long as wanted."""

import random

from prometheus_client import REGISTRY

from tests.media.fuzz import besiege, parse_for

_SEED = 20_260


def _count(name: str) -> float:
    return sum(
        sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name == f"teller_media_{name}_total"
    )


def test_nothing_that_parses_lets_anything_through() -> None:
    """SDP, STUN, RTP and RTCP, cut, flipped and spliced: each is taken or refused as it says it would."""
    assert parse_for(random.Random(_SEED), 2.0) > 500


async def test_a_call_goes_on_under_siege() -> None:
    """Strangers, forgers and an authenticated enemy cost the call not one packet; all of it is counted."""
    kinds = ("bad_datagrams", "dropped_rtcp", "unroutable_packets")
    before = [_count(kind) for kind in kinds]
    tally = await besiege(random.Random(_SEED), 3.0)
    assert tally.troubles == []
    assert len(tally.sent) > 50
    assert tally.hostile >= 20 * len(tally.sent)
    assert all(_count(kind) > was for kind, was in zip(kinds, before, strict=True))
