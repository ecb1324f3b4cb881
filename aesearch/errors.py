"""Everything that aesearch raises on purpose: catch broadly at the root, recover narrowly at a leaf.

    AesearchError
      x Unreadable       one file or row cannot be read; a run skips it by name and goes on
      x UnknownName      a word that the catalog does not hold, answered with the nearest one that it does
      x BadSetting       a setting outside its rule
      x NotFitted        asked before it was fitted
      x MissingExtra     an optional library is absent; the message is the line that installs it
      x NothingToIndex   no readable item where items were looked for
      x NoIndex          no index where one was looked for
      x BrokenIndex      a part of an index is missing, altered or of another version
      x Busy             an index is being written by another process, or was since it was opened
      x Mismatch         two things that do not go together
          x ShapeMismatch    numbers of both sides
          x WrongKind        a photo asked of an index of documents, words given to a coder of images
          x NothingInCommon  a query that holds no word of the index

Every message names the thing, the rule that it broke and the remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class AesearchError(Exception):
    """The root: whatever aesearch raises on purpose."""


class Unreadable(AesearchError):
    """A file, or a row of one, that cannot be read.  `path` names it, `why` is the reason alone; one that is `passing` lies
    not in the file, which may be read another time."""

    def __init__(self, path: object, why: str, *, passing: bool = False) -> None:
        super().__init__(f"cannot read {path}: {why}")
        self.path, self.why, self.passing = str(path), why, passing


class UnknownName(AesearchError):
    """A name that is not in the catalog; the message offers the nearest names that are."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        known = list(known)
        near = difflib.get_close_matches(name, known, n=1)
        remedy = f'did you mean "{near[0]}"?' if near else f"choose from {', '.join(known)}"
        super().__init__(f'unknown {what} "{name}"; {remedy}')


class Busy(AesearchError):
    """An index is being written by somebody else, or was since it was opened."""


class BadSetting(AesearchError):
    """A setting outside its rule."""


class NotFitted(AesearchError):
    """Something was asked of an object before fit()."""

    def __init__(self, what: object) -> None:
        super().__init__(f"{type(what).__name__} has learnt nothing yet; call fit() first")


class MissingExtra(AesearchError):
    """An optional library is absent."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'aesearch[{extra}]'")


class NothingToIndex(AesearchError):
    """There is no readable item where items were looked for."""


class NoIndex(AesearchError):
    """There is no index where one was looked for."""


class BrokenIndex(AesearchError):
    """A part of an index on disk is missing, altered or of another version."""

    def __init__(self, part: object, why: str) -> None:
        super().__init__(f"the index is damaged: {part} {why}; build it again with: aesearch index PATH --rebuild")


class Mismatch(AesearchError):
    """Two things that do not go together."""


class ShapeMismatch(Mismatch):
    """Arrays of other sizes than those learnt from."""

    def __init__(self, what: str, expected: object, given: object) -> None:
        super().__init__(f"{what}: {expected} expected, {given} given")


class WrongKind(Mismatch):
    """Images where documents belong, or the other way round."""


class NothingInCommon(Mismatch):
    """A query that shares nothing with what the index knows."""
