"""Token buckets: how much of something one source may ask for."""

from collections import OrderedDict

# Beyond this many sources the one idle for longest is forgotten (about 2 MB of memory).
_SOURCES_MAX = 10_000


class Bucket:
    """Holds up to ``burst`` tokens, refilled at ``per_s`` a second; times are monotonic seconds."""

    __slots__ = ("_at", "_burst", "_level", "_per_s")

    def __init__(self, per_s: float, burst: float, now: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._level = burst
        self._at = now

    def take(self, now: float) -> bool:
        """Take one token; return False when there is none."""
        self._level = min(self._burst, self._level + (now - self._at) * self._per_s)
        self._at = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


class Buckets:
    """One bucket for each source, for example an address."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, source: str, now: float) -> bool:
        """Take one token of ``source``; return False when there is none."""
        bucket = self._buckets.pop(source, None) or Bucket(self._per_s, self._burst, now)
        self._buckets[source] = bucket
        if len(self._buckets) > _SOURCES_MAX:
            self._buckets.popitem(last=False)
        return bucket.take(now)
