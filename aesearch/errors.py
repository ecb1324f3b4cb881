"""Exception hierarchy. Catch AesearchError for any library error, or a subclass to handle one case.

    AesearchError
      x Unreadable         one file or row cannot be read; a run skips it by name and continues
          x ReadTimeout        it was not read in time
      x UnknownName        a name that is not in the catalog; the message suggests the closest one
      x InvalidParameter   a parameter outside its allowed values
          x TooManyRemovals    a sync would remove most items; nothing was changed
      x NotFitted          an object is used before fit()
      x MissingExtra       an optional library is not installed; the message gives the pip command
      x NoItems            no readable item was found
      x NoIndex            no index was found
      x CorruptIndex       a part of an index is missing or corrupt
          x UnsupportedFormat  another version of aesearch has written the index
      x Busy               another process is writing the index, or has written it since it was loaded
      x Mismatch           two things do not fit together
          x ShapeMismatch      arrays of different sizes
          x WrongKind          an image is used to query a document index, or documents are given to an image coder
          x NoKnownTerms       a query without any term of the index

Messages have the form `<what happened>: <why>; <what to do>`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def count(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 file" or "2,000 files", for a message."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class AesearchError(Exception):
    """Base class of all exceptions that aesearch raises deliberately."""


class Unreadable(AesearchError):
    """A file, or one row of a file, cannot be read.

    Parameters
    ----------
    path : object
        The file or row.
    reason : str
        Why it cannot be read, without the path.
    transient : bool
        Whether the cause may disappear without a change of the file, so that a later run should try again.
    """

    def __init__(self, path: object, reason: str, *, transient: bool = False) -> None:
        super().__init__(f"cannot read {path}: {reason}")
        self.path, self.reason, self.transient = str(path), reason, transient


class ReadTimeout(Unreadable):
    """A file is not read in time. A later run may succeed, if the cause is a slow disk and not the content.

    Parameters
    ----------
    path : object
    seconds : float
        Maximum time.
    """

    def __init__(self, path: object, seconds: float) -> None:
        super().__init__(path, f"reading took longer than {seconds:.0f} s", transient=True)


class UnknownName(AesearchError):
    """A name is not in the catalog. The message suggests the closest known name."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        known = list(known)
        close = difflib.get_close_matches(name, known, n=1)
        remedy = f'did you mean "{close[0]}"?' if close else f"choose from {', '.join(known)}"
        super().__init__(f'unknown {what} "{name}"; {remedy}')


class Busy(AesearchError):
    """Another process is writing the index, or has written it since it was loaded."""


class InvalidParameter(AesearchError):
    """A parameter is outside its allowed values."""


class TooManyRemovals(InvalidParameter):
    """A sync would remove most items of an index, or all items below an empty folder. Nothing was changed.

    Parameters
    ----------
    n_removed : int
        Items that would be removed.
    n_items : int
        Items in the index.
    reason : str
        Why they would be removed.
    """

    def __init__(self, n_removed: int, n_items: int, reason: str) -> None:
        super().__init__(
            f"nothing was changed: {n_removed:,} of {n_items:,} items would be removed, because {reason}; check that all "
            f"disks and network shares are mounted, or allow the removal (--allow-removals)"
        )
        self.n_removed, self.n_items = n_removed, n_items


class NotFitted(AesearchError):
    """An object is used before fit()."""

    def __init__(self, instance: object) -> None:
        super().__init__(f"this {type(instance).__name__} is not fitted yet; call fit() first")


class MissingExtra(AesearchError):
    """An optional library is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'aesearch[{extra}]'")


class NoItems(AesearchError):
    """No readable item was found."""


class NoIndex(AesearchError):
    """No index was found."""


class CorruptIndex(AesearchError):
    """A part of an index on disk is missing or corrupt."""

    def __init__(self, part: object, reason: str) -> None:
        super().__init__(f"the index is corrupt: {part} {reason}; rebuild it with: aesearch index PATH --rebuild")


class UnsupportedFormat(CorruptIndex):
    """Another version of aesearch has written the index."""

    def __init__(self, folder: object, actual: int, supported: int) -> None:
        age = "an older" if actual < supported else "a newer"
        AesearchError.__init__(
            self,
            f"cannot open {folder}: {age} version of aesearch has written it (format {actual}, this version reads format "
            f"{supported}); rebuild it with: aesearch index PATH --rebuild",
        )


class Mismatch(AesearchError):
    """Two things do not fit together."""


class ShapeMismatch(Mismatch):
    """Arrays have other sizes than those seen in fit()."""

    def __init__(self, what: str, expected: object, actual: object) -> None:
        super().__init__(f"{what}: expected {expected}, got {actual}")


class WrongKind(Mismatch):
    """Images are given where documents are expected, or the reverse."""


class NoKnownTerms(Mismatch):
    """A query contains no term of the index's vocabulary."""
