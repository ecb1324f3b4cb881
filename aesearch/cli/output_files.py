"""Files that commands write: checks before the work starts, and images that fit their formats."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aesearch.catalog import find_reader
from aesearch.errors import InvalidParameter

if TYPE_CHECKING:
    from PIL.Image import Image

    from aesearch.index.retriever import Retriever

PAGE_ENDINGS = (".html", ".htm")
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")

MAX_SIDE_PIXELS = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}
"""Largest width and height that a format can store."""


def output_path(path: Path, endings: Sequence[str], option: str, inputs: Iterable[Path] = ()) -> Path:
    """Check that a file can be written, before the work that produces its content.

    Parameters
    ----------
    path : Path
        The file. It may exist, and so may its folder.
    endings : sequence of str
        Endings of file names that the command can write, in lower case.
    option : str
        Option that gave the path, for messages.
    inputs : iterable of Path
        Files and folders that the command reads.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    InvalidParameter
        If the path has another ending, is a folder or an input, or cannot be written.
    """
    problem = _find_problem(path, endings, inputs)
    if problem:
        raise InvalidParameter(f"cannot write {path}: {problem} ({option})")
    return path


def _find_problem(path: Path, endings: Sequence[str], inputs: Iterable[Path]) -> str | None:
    """Return why a file cannot be written and what to do, or None."""
    if path.is_dir():
        return "it is a folder; add a file name"
    if path.suffix.lower() not in endings:
        return f"the file type is unknown; use a name that ends in {' or '.join(endings)}"
    if path.exists() and not path.is_file():
        return "it is not a regular file; choose another file"
    if path.exists() and any(_is_input(path, other) for other in inputs):
        return "the command reads this file or its folder; choose another file"
    existing = path if path.exists() else next(parent for parent in path.absolute().parents if parent.exists())
    if existing != path and not existing.is_dir():
        return f"{existing} is not a folder; choose another file"
    if not os.access(existing, os.W_OK):
        return f"there is no permission to write to {existing}; choose another file"
    return None


def _is_input(path: Path, given: Path) -> bool:
    """Return whether an existing file is an input that was given, or one that the reader of a given folder may read."""
    if given.is_dir():
        return find_reader(path) is not None and path.resolve().is_relative_to(given.resolve())
    return given.exists() and given.samefile(path)


def protect_items(path: Path, option: str, retriever: Retriever) -> None:
    """Raise InvalidParameter if a file that is about to be written holds items of an index."""
    if not path.exists():
        return
    resolved = path.resolve()
    names = [str(resolved)]
    source = retriever.record.source
    if source is not None and resolved.is_relative_to(source.root):
        names.append(resolved.relative_to(source.root).as_posix())
    if retriever.ledger.rows_by_path(names):
        raise InvalidParameter(f"cannot write {path}: it is an item of the index; choose another file ({option})")


def save_image(image: Image, path: Path) -> None:
    """Write an image to a file, and create its folder if it does not exist.

    Raises
    ------
    InvalidParameter
        If the format cannot store an image of this size.
    OSError
        If the file cannot be written. The error names the file.
    """
    limit = MAX_SIDE_PIXELS.get(path.suffix.lower())
    if limit is not None and max(image.size) > limit:
        raise InvalidParameter(
            f"cannot write {path}: the image has {image.width:,} x {image.height:,} pixels, and the format stores at most "
            f"{limit:,} in each direction; use .png"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    from aesearch.report.html import naming_file  # imports Pillow, which most commands do not need

    with naming_file(path):
        image.save(path)
