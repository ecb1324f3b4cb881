"""A folder watched, so that an index can follow it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aesearch.errors import MissingExtra

AT_LATEST = 1000
"""Milliseconds until the watch says that it has begun."""


def changes(root: Path, but: Path) -> Iterator[None]:
    """Something once the watch has begun, and each time that files in `root` have then changed and been left alone for a
    moment.

    What is hidden is passed over, and so is the folder `but`, which may lie in it.  Raises MissingExtra.
    """
    try:
        from watchfiles import watch
    except ImportError:
        raise MissingExtra("watchfiles", "watch") from None
    root, own = root.resolve(), but.resolve()

    def of_interest(change: object, path: str) -> bool:
        inner = Path(path).relative_to(root) if Path(path).is_relative_to(root) else Path(path)
        return not Path(path).is_relative_to(own) and not any(part.startswith(".") for part in inner.parts)

    begun = False
    for found in watch(root, watch_filter=of_interest, rust_timeout=AT_LATEST, yield_on_timeout=True):
        if found or not begun:
            yield
        begun = True
