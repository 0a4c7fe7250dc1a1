"""Figures cross the link as JSON and come together by family."""

import json
import math

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from media.worker_figures import Merged, measured


def registry(dropped: int) -> CollectorRegistry:
    """Return figures as a process may have them."""
    made = CollectorRegistry()
    Counter("packets", "Packets by fate", ["fate"], registry=made).labels("dropped").inc(dropped)
    Gauge("limit", "A limit", registry=made).set(math.inf)
    Histogram("delay", "A delay", buckets=(1.0,), registry=made).observe(0.5)
    return made


def test_every_family_stands_once() -> None:
    """The server's samples stay as they are, each worker's carry its number; nothing is lost on the way."""
    own, worker = registry(1), registry(2)
    Gauge("workers_alone", "Only workers have this", registry=worker).set(3)
    over_link = json.loads(json.dumps(measured(worker), allow_nan=False))
    lines = generate_latest(Merged({"0": over_link, "1": over_link}, own)).decode().splitlines()

    assert lines.count("# TYPE packets_total counter") == 1
    assert 'packets_total{fate="dropped"} 1.0' in lines
    assert 'packets_total{fate="dropped",worker="0"} 2.0' in lines
    assert 'packets_total{fate="dropped",worker="1"} 2.0' in lines
    assert "limit +Inf" in lines and 'limit{worker="1"} +Inf' in lines
    assert 'delay_bucket{le="1.0",worker="0"} 1.0' in lines
    assert 'workers_alone{worker="0"} 3.0' in lines and "workers_alone 3.0" not in lines
