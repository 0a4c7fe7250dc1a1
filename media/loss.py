"""Which packets of one stream are missing, when to ask for them again, and when to give them up.

Pure code; sequence numbers come unwrapped, time (seconds, monotonic) is an argument.
"""

# Until the first answer came: a line within a country has 20 to 80 ms, a bad mobile one 200 ms.
_ROUND_TRIP_START_S = 0.1
# Asking more often than this would ask again for what is being sent.
_ASK_AGAIN_MIN_S = 0.02
# As many as libwebrtc asks for one packet; if every second one is lost on the way, 0.1 % stay lost.
ASK_MAX = 10
# Each wait is this much longer than the one before: ten requests at 20 ms then last until GIVE_UP_S, and a
# round trip that is longer than was thought is not filled with requests.
_BACK_OFF = 1.4
# The waits after so many requests, in round trips.
_WAITS = (0.0, *(_BACK_OFF**n for n in range(ASK_MAX - 1)))
# A second late, a picture has been repaired by a keyframe, and a recorder's reader does not wait longer.
GIVE_UP_S = 1.0
# The cache of those who could send them again holds about this many.
MISSING_MAX = 1_000


class Gaps:
    """The missing packets of one stream. ``round_trip_s`` is smoothed from answered requests and RTCP."""

    __slots__ = ("_asks", "_measured", "_missing", "round_trip_s")

    def __init__(self, asks: bool) -> None:
        """Without ``asks`` nothing is asked for: the sender could not send it again."""
        self._asks, self._measured = asks, False
        # Per packet: when it was first missed, when it was last asked for, and how often.
        self._missing: dict[int, tuple[float, float, int]] = {}
        self.round_trip_s = _ROUND_TRIP_START_S

    def __bool__(self) -> bool:
        """Tell whether anything is missing."""
        return bool(self._missing)

    def open(self, first: int, behind: int, now: float) -> int:
        """Miss ``first`` up to ``behind`` (excluded); return how many had to be given up for it."""
        known = len(self._missing)
        start = max(first, behind - MISSING_MAX)
        for seq in range(start, behind):
            self._missing[seq] = (now, float("-inf"), 0)
        if len(self._missing) > MISSING_MAX:
            for seq in sorted(self._missing)[:-MISSING_MAX]:
                del self._missing[seq]
        return behind - first - (len(self._missing) - known)

    def measured(self, round_trip_s: float) -> None:
        """Take a round trip that RTCP measured. No answer comes sooner, so a longer one counts at once."""
        smoothed = self.round_trip_s + (round_trip_s - self.round_trip_s) / 8
        self.round_trip_s = max(round_trip_s, smoothed) if self._measured else round_trip_s
        self._measured = True

    def may_answer(self, seq: int, now: float) -> bool:
        """Tell whether ``seq`` comes late enough to be an answer, and not only out of order."""
        since, _, times = self._missing.get(seq, (now, now, 0))
        return times > 0 and now - since >= self.round_trip_s / 2

    def close(self, seq: int, now: float, answer: bool) -> bool:
        """Take a late packet; return whether it was missing. ``answer`` when it was asked for."""
        since, _, times = self._missing.pop(seq, (now, now, -1))
        # After two requests nobody knows which of them was answered (Karn's rule). Without RTCP the first has
        # to do, as an upper bound: a line longer than the first guess answers no packet before the second.
        if answer and (times == 1 or (times > 1 and not self._measured)):
            self.round_trip_s += (now - since - self.round_trip_s) / 8
        return times >= 0

    def due(self, now: float) -> tuple[list[int], int]:
        """Return what to ask for at ``now``, lowest first, and how many are given up."""
        wanted, late = [], []
        again = max(_ASK_AGAIN_MIN_S, self.round_trip_s)
        for seq, (since, asked_at, times) in self._missing.items():
            if now - since >= GIVE_UP_S:
                late.append(seq)
            elif self._asks and times < ASK_MAX and now - asked_at >= again * _WAITS[times]:
                wanted.append(seq)
                self._missing[seq] = (since, now, times + 1)
        for seq in late:
            del self._missing[seq]
        return sorted(wanted), len(late)

    def clear(self) -> int:
        """Forget everything; return how many were missing."""
        count = len(self._missing)
        self._missing.clear()
        return count
