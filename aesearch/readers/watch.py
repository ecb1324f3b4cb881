"""Watch a folder for changes (extra `watch`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from aesearch.errors import MissingExtra
from aesearch.readers.walk import IGNORED_FOLDERS

START_TIMEOUT_MS = 1000
"""Maximum time until the first yield, which says that the watch has started."""


def watch_folder(root: Path, excluded: Path) -> Iterator[None]:
    """Yield once when the watch has started, then after every change in a folder, once the changes have settled.

    Parameters
    ----------
    root : Path
        The folder. Hidden files, and folders that `walk_folder` skips by their name, are ignored.
    excluded : Path
        A folder that is ignored, too. It may be inside `root`.

    Raises
    ------
    MissingExtra
        If watchfiles is not installed.
    """
    try:
        from watchfiles import watch
    except ImportError:
        raise MissingExtra("watchfiles", "watch") from None
    root, excluded = root.resolve(), excluded.resolve()

    def is_relevant(change: object, name: str) -> bool:
        path = Path(name)
        relative = path.relative_to(root) if path.is_relative_to(root) else path
        is_skipped = any(part.startswith(".") or part.lower() in IGNORED_FOLDERS for part in relative.parts)
        return not path.is_relative_to(excluded) and not is_skipped

    has_started = False
    for changes in watch(root, watch_filter=is_relevant, rust_timeout=START_TIMEOUT_MS, yield_on_timeout=True):
        if changes or not has_started:
            yield
        has_started = True
