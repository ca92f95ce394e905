"""How long a step takes."""

import time
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Effort:
    """How often a step is repeated: until both are reached, or else the limit, in seconds."""

    seconds: float
    repeats: int
    limit: float

    def times(self, step):
        """What `step` returns, the seconds it took, for each repetition."""
        times = [step()]
        while (len(times) < self.repeats or sum(times) < self.seconds) and sum(times) < self.limit:
            times.append(step())
        return times

    asdict = asdict


FULL = Effort(seconds=0.5, repeats=3, limit=3)
QUICK = Effort(seconds=0.05, repeats=2, limit=0.3)


class Stopwatch:
    """`with Stopwatch() as watch: ...`, then `watch.seconds`."""

    def __enter__(self):
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self._start
