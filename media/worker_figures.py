"""Prometheus figures of several processes in one answer: the workers' samples carry ``worker``.

On the link a family is ``[name, documentation, type, [[sample, labels, value], ...]]``; values are texts,
for they may be infinite.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client import REGISTRY, Metric
from prometheus_client.registry import Collector


def measured(registry: Collector = REGISTRY) -> list[Any]:
    """Return this process's families."""
    return [
        [
            family.name,
            family.documentation,
            family.type,
            [[sample.name, sample.labels, repr(sample.value)] for sample in family.samples],
        ]
        for family in registry.collect()
    ]


class Merged(Collector):
    """Collects the server's own families and those of its workers, each family once."""

    def __init__(self, workers: Mapping[str, Any], registry: Collector = REGISTRY) -> None:
        self._workers, self._registry = workers, registry

    def collect(self) -> Iterable[Metric]:
        """Return every family once, with the samples of all processes."""
        families = {family.name: family for family in self._registry.collect()}
        for worker, told in self._workers.items():
            for name, documentation, kind, samples in told:
                family = families.setdefault(name, Metric(name, documentation, kind))
                for sample, labels, value in samples:
                    family.add_sample(sample, labels | {"worker": worker}, float(value))
        return families.values()
