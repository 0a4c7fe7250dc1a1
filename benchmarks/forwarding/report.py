"""Trials summed up: medians with their range, both sides beside each other."""

import statistics
from collections.abc import Callable, Sequence
from math import isfinite, nan

import numpy as np

from benchmarks.forwarding.trial import Outcome

# (server, recording) of each trial: "ours" or "janus".
Results = dict[tuple[str, bool], list[Outcome]]


def summary(results: Results) -> str:
    """Return the table: one block for each figure, a line for each server and recording."""
    blocks = []
    fixed = [found.calls for found in next(iter(results.values()))[0].fixed]
    for index, calls in enumerate(fixed):
        name = f"CPU per forwarded packet at {2 * calls} peers, us (less is better)"
        blocks.append(_block(name, results, _cost(index), "{:.1f}"))
    blocks.append(_block("CPU per forwarded packet at the most calls, us", results, _cost_at_most, "{:.1f}"))
    blocks.append(
        _block("calls per core at < 0.1 % loss and p99 < 5 ms (more is better)", results, _most, "{:.0f}")
    )
    blocks.append(
        _block(f"forwarding delay at {2 * fixed[-1]} peers, median, ms", results, _delay(0), "{:.2f}")
    )
    blocks.append(_block(f"forwarding delay at {2 * fixed[-1]} peers, p99, ms", results, _delay(1), "{:.2f}"))
    blocks.append(_block("memory per call (PSS), MB", results, memory_per_call, "{:.2f}"))
    return "\n\n".join([*blocks, *_remarks(results)])


def _cost(index: int) -> Callable[[Outcome], float]:
    return lambda outcome: outcome.fixed[index].cpu_per_packet * 1e6


def _delay(which: int) -> Callable[[Outcome], float]:
    return lambda outcome: (outcome.fixed[-1].delay_p50, outcome.fixed[-1].delay_p99)[which] * 1e3


def _most(outcome: Outcome) -> float:
    return outcome.most_calls


def _cost_at_most(outcome: Outcome) -> float:
    held = [found for found in (*outcome.fixed, *outcome.climb) if found.held]
    return max(held, key=lambda found: found.calls).cpu_per_packet * 1e6 if held else nan


def memory_per_call(outcome: Outcome) -> float:
    """Return the slope of memory over calls, in megabytes a call."""
    calls, memory = zip(*outcome.memory, strict=True)
    return float(np.polyfit(calls, memory, 1)[0]) / 1e6 if len(calls) > 1 else nan


def _block(name: str, results: Results, figure: Callable[[Outcome], float], form: str) -> str:
    lines, medians = [name], {}
    for (server, recording), outcomes in results.items():
        values = [figure(outcome) for outcome in outcomes]
        medians[server, recording] = statistics.median(values)
        low, high = form.format(min(values)), form.format(max(values))
        middle = form.format(medians[server, recording])
        lines.append(f"  {server:<6} recording {_on(recording):<4} {middle:>8}   ({low} to {high})")
    lines += _ratios(medians)
    return "\n".join(lines)


def _ratios(medians: dict[tuple[str, bool], float]) -> Sequence[str]:
    lines = []
    for recording in (False, True):
        ratio = medians.get(("ours", recording), nan) / (medians.get(("janus", recording), nan) or nan)
        if isfinite(ratio):
            lines.append(f"  ours / janus, recording {_on(recording):<4} {ratio:.2f}")
    for server in ("ours", "janus"):
        added = medians.get((server, True), nan) / (medians.get((server, False), nan) or nan) - 1
        if isfinite(added):
            lines.append(f"  recording adds, {server:<6} {added:+.0%}")
    return lines


def _remarks(results: Results) -> Sequence[str]:
    """Say what is behind the figures, and what must not be trusted."""
    lines = ["ended by, of each search: " + "; ".join(
        f"{server} recording {_on(recording)}: {', '.join(outcome.limit for outcome in outcomes)}"
        for (server, recording), outcomes in results.items()
    )]  # fmt: skip
    profiles = {server: outcome.profiles for (server, _), outcomes in results.items() for outcome in outcomes}
    lines += [f"SRTP of {server}: {', '.join(names)}" for server, names in profiles.items()]
    windows = [w for outcomes in results.values() for o in outcomes for w in (*o.fixed, *o.climb)]
    spent = max(windows, key=lambda window: window.calls)
    lines.append(
        f"generator at {spent.calls} calls: {spent.generator_per_packet * 1e6:.1f} us per forwarded packet,"
        f" {spent.generator_share:.0%} of its core"
    )
    foreign, stolen = (
        statistics.median(getattr(window, name) for window in windows) for name in ("foreign", "stolen")
    )
    lines.append(
        f"others on the server's core: {foreign:.1%}; kept away by the hypervisor: {stolen:.1%} (medians)"
    )
    doubtful = sum(not window.trusted for window in windows)
    if doubtful:
        lines.append(
            f"NOT TO BE TRUSTED: in {doubtful} of {len(windows)} windows the generator was late or saturated"
        )
    return ["\n".join(lines)]


def _on(recording: bool) -> str:
    return "on" if recording else "off"
