"""Save an index now and then during a long sync."""

from __future__ import annotations

import time
from pathlib import Path

from aesearch.index.progress import Progress, ProgressCallback, ignore_progress
from aesearch.index.storage import IndexState, save_state

SAVE_INTERVAL_SECONDS = 10.0
"""Seconds between two saves of an index during a sync. An interrupted sync repeats at most this much."""

MAX_SAVE_SHARE = 1 / 20
"""Saving takes at most this share of the time of a sync."""


class Autosave:
    """Progress callback that saves the index now and then, so that an interrupted sync resumes from there.

    Parameters
    ----------
    index : IndexState
    folder : Path
        Folder of the index.
    on_progress : callable
        Called before each save.
    interval_seconds : float
        Seconds between two saves. It is longer if a save takes long; see MAX_SAVE_SHARE.
    """

    def __init__(
        self,
        index: IndexState,
        folder: Path,
        on_progress: ProgressCallback = ignore_progress,
        interval_seconds: float = SAVE_INTERVAL_SECONDS,
    ) -> None:
        self._index, self._folder, self._on_progress = index, folder, on_progress
        self._interval_seconds = interval_seconds
        self._last_save = time.monotonic()
        self._save_seconds = 0.0

    def __call__(self, progress: Progress) -> None:
        """Report the progress, then save the index if the last save is long ago."""
        self._on_progress(progress)
        start = time.monotonic()
        if start - self._last_save >= max(self._interval_seconds, self._save_seconds / MAX_SAVE_SHARE):
            save_state(self._index, self._folder)
            self._last_save = time.monotonic()
            self._save_seconds = self._last_save - start
