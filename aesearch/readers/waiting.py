"""How long to wait for a file, and what a user reads meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable

READ_TIMEOUT_SECONDS = 60.0
"""Maximum time to read a small file. The largest image that is allowed, of 100 million pixels, takes about 5 seconds."""

MIN_BYTES_PER_SECOND = 1 << 20
"""Slowest transfer to wait for. A larger file may take longer than READ_TIMEOUT_SECONDS."""

NOTICE_SECONDS = 10.0
"""Time after which a log message names the file that is being waited for."""

logger = logging.getLogger(__name__)


def read_timeout(n_bytes: int) -> float:
    """Return the maximum time, in seconds, to read files of this size in total."""
    return READ_TIMEOUT_SECONDS + n_bytes / MIN_BYTES_PER_SECOND


def wait_with_notice(wait: Callable[[float], bool], timeout: float, name: Callable[[], str]) -> bool:
    """Wait for files, and log a warning that names them if it takes long.

    Parameters
    ----------
    wait : callable
        Waits for at most the given seconds, and returns whether the files are there.
    timeout : float
        Maximum time in seconds.
    name : callable
        Returns the names of the files.

    Returns
    -------
    bool
        False if the time is over.
    """
    if wait(min(timeout, NOTICE_SECONDS)):
        return True
    if timeout <= NOTICE_SECONDS:
        return False
    logger.warning("still waiting for %s (at most %.0f s more)", name(), timeout - NOTICE_SECONDS)
    return wait(timeout - NOTICE_SECONDS)
