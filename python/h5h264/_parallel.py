"""Several chunks at once: how many threads, and a bounded queue of work for them."""

from __future__ import annotations

import operator
import queue
import threading
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


def ordered_handover(
    n: int, work: Callable[[T], U], items: Iterable[T], consume: Callable[[T, U], object]
) -> None:
    """The same, with each item and result given to `consume` as soon as it is its turn, in a thread of its own:
    also while the next item is waited for."""
    pending: queue.Queue[Optional[tuple[T, Future[U]]]] = queue.Queue(n + max(2, n // 2))
    errors: list[BaseException] = []

    def consume_all() -> None:
        while (next_one := pending.get()) is not None:
            item, result = next_one
            if errors:
                result.cancel()
                continue
            try:
                consume(item, result.result())
            except BaseException as error:
                errors.append(error)

    with ThreadPoolExecutor(n, thread_name_prefix="h5h264") as pool:
        consumer = threading.Thread(target=consume_all, name="h5h264-consumer")
        consumer.start()
        try:
            for item in items:
                if errors:
                    break
                pending.put((item, pool.submit(work, item)))
        finally:
            pending.put(None)
            consumer.join()
    if errors:
        raise errors[0]
