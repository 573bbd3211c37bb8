"""What a benchmark hands back: our time beside a peer's in the same run, and the ratio that is aimed at."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence

from msgspec import Struct


class Measure(Struct, frozen=True):
    """One comparison; the ratio is ours / peer. `bar` is the highest ratio that is aimed at."""

    name: str
    ours: float
    peer: str
    peers: float
    bar: float | None = None
    note: str = ""
    unit: str = "s"
    """What `ours` and `peers` are in; seconds, mostly."""

    @property
    def ratio(self) -> float:
        """Our figure as a multiple of the peer's."""
        return self.ours / self.peers


def interleaved(ours: Callable[[], object], peers: Callable[[], object], rounds: int = 5) -> tuple[float, float]:
    """Minimum seconds of each, the two run in turn so that a noisy machine disturbs both alike."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for call, seconds in zip((ours, peers), times, strict=True):
            begin = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - begin)
    return min(times[0]), min(times[1])


def process(argv: Sequence[str]) -> Callable[[], object]:
    """A call that runs a whole process, its output thrown away."""
    return lambda: subprocess.run(argv, check=False, capture_output=True)


def median(values: Sequence[float]) -> float:
    """The middle of some measurements."""
    return statistics.median(values)
