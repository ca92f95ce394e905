"""Several chunks at once: how many threads, and a bounded queue of work for them."""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Optional, TypeVar

from . import _library

T = TypeVar("T")
U = TypeVar("U")


def n_threads(threads: Optional[int]) -> int:
    """As many as were asked for; by default as many as a chunk gets in HDF5."""
    return _library.n_threads() if threads is None else _checked(threads)


def n_threads_for_one(threads: Optional[int]) -> int:
    """For the library: 0 is its own default."""
    return 0 if threads is None else _checked(threads)


def _checked(threads: int) -> int:
    try:
        number = operator.index(threads)
    except TypeError:
        raise TypeError(f"threads is {threads!r} (expected a whole number)") from None
    if number < 1:
        raise ValueError(f"threads is {number} (expected 1 or more)")
    return number


def ordered_map(n: int, work: Callable[[T], U], items: Iterable[T]) -> Iterator[tuple[T, U]]:
    """Each item with what `work` makes of it in one of `n` threads, in order. Items are taken as
    they are needed, so that memory stays bounded. An error ends it, and is raised here."""
    # In work, or waiting for a thread or to be fetched.
    n_pending = n + max(2, n // 2)
    pending: deque[tuple[T, Future[Any]]] = deque()
    with ThreadPoolExecutor(n, thread_name_prefix="h5h264") as pool:
        try:
            for item in items:
                if len(pending) >= n_pending:
                    done, result = pending.popleft()
                    yield done, result.result()
                pending.append((item, pool.submit(work, item)))
            while pending:
                done, result = pending.popleft()
                yield done, result.result()
        finally:
            for _, result in pending:
                result.cancel()
