"""Records of files that are not processed completely, in place of their size and modification time.

A file that is not read in time is tried again at the next runs, because a slow disk may be the cause. If its content is the
cause, each attempt would cost the time limit, so the number of attempts is bounded.
"""

from __future__ import annotations

from aesearch.readers.folder import FileStat

PENDING = FileStat(-1, -1)
"""Recorded for a file that is not processed completely. No file has this size, so the next sync reads it again."""

MAX_TIMEOUTS = 3
"""Runs in which an unchanged file is not read in time, after which it is not tried again."""


def is_pending(recorded: tuple[int, int]) -> bool:
    """Return whether a file with this record is not processed completely."""
    return recorded[0] < 0


def pending_after(n_timeouts: int, stat: FileStat) -> FileStat:
    """Return the record of a file that was not read in time in `n_timeouts` runs, in its present state."""
    return FileStat(PENDING.size - n_timeouts, stat.mtime_ns) if n_timeouts else PENDING


def count_timeouts(recorded: tuple[int, int], stat: FileStat) -> int:
    """Return in how many runs a file was not read in time since it was changed last."""
    is_unchanged = is_pending(recorded) and recorded[1] == stat.mtime_ns
    return PENDING.size - recorded[0] if is_unchanged else 0
