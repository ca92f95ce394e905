"""A progress bar, where somebody is there to see it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from collections.abc import Callable, Iterator
from typing import Optional

# What takes no time needs no bar.
_SHOW_AFTER = 1.0


@contextmanager
def progress_bar(
    wanted: Optional[bool], total: Optional[int], title: str
) -> Iterator[Callable[[int], object]]:
    """A function that is told how many bytes are done. `wanted` is None for a bar if tqdm is
    installed and stderr is a terminal, after a second."""
    if wanted is False or (wanted is None and not _is_terminal()):
        yield lambda n_bytes: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        if wanted:
            raise
        yield lambda n_bytes: None
        return
    delay = 0.0 if wanted else _SHOW_AFTER
    with tqdm(total=total, desc=title, unit="B", unit_scale=True, delay=delay) as bar:
        yield bar.update


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
