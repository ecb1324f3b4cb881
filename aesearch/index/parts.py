"""Folders of images and documents: each kind has an index of its own, and a query goes to the one of its kind.

The index of the more frequent kind is called as the folder, `photos`. The index of the other kind is beside it,
`photos.documents`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aesearch.index.locations import part_folder
from aesearch.items import ItemKind
from aesearch.readers.folder import FileCollection, read_files

PART_KINDS: tuple[ItemKind, ...] = ("images", "documents")
"""Kinds that are indexed side by side. Vectors are the results of a model, and are indexed only by themselves."""


class Part(NamedTuple):
    """The index of another kind of items of one folder, and its files."""

    folder: Path
    files: FileCollection


def other_parts(folder: Path, files: FileCollection) -> Iterator[Part]:
    """Yield the other parts of the index of a folder: of the images or documents that it holds besides the given files."""
    for kind in files.other_kinds if files.kind in PART_KINDS else ():
        if kind in PART_KINDS:
            others = read_files(
                files.root,
                kind=kind,
                fields=files.fields,
                encoding=files.encoding,
                include=files.include,
                exclude=files.exclude,
            )
            yield Part(part_folder(folder, kind), others)
