"""A folder watched, so that an index can follow it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aesearch.errors import MissingExtra


def changes(root: Path, but: Path) -> Iterator[None]:
    """Something each time that files in `root` have changed, and have then been left alone for a moment.

    What is hidden is passed over, and `but`, a folder that may lie in it, with all that its name begins.  Ends with an
    interrupt.  Raises MissingExtra.
    """
    try:
        from watchfiles import watch
    except ImportError:
        raise MissingExtra("watchfiles", "watch") from None
    root, own = root.resolve(), str(but.resolve())

    def of_interest(change: object, path: str) -> bool:
        inner = Path(path).relative_to(root) if Path(path).is_relative_to(root) else Path(path)
        return not path.startswith(own) and not any(part.startswith(".") for part in inner.parts)

    for _ in watch(root, watch_filter=of_interest, raise_interrupt=False):
        yield
