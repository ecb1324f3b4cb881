"""Handling of SIGINT (Ctrl-C), so that an interrupt ends a long command even if a library swallows the exception."""

from __future__ import annotations

_was_interrupted = False


def handle_interrupt(signal_number: int, frame: object) -> None:
    """Raise KeyboardInterrupt, as Python does by default, and remember that there was an interrupt."""
    global _was_interrupted
    _was_interrupted = True
    raise KeyboardInterrupt


def raise_if_interrupted() -> None:
    """Raise KeyboardInterrupt if there was an interrupt."""
    if _was_interrupted:
        raise KeyboardInterrupt
