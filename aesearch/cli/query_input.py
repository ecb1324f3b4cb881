"""Inputs of a query on the command line: files, standard input, words and examples, and the index that they mean."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aesearch.catalog import find_reader
from aesearch.cli.output import escape, print_status
from aesearch.errors import NoItems, WrongKind
from aesearch.index.locations import choose_newest, find_part
from aesearch.items import Item, ItemId, ItemKind

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever

STDIN = "-"


def choose_query_index(index: Path | None, file: str | None, text: str | None, like: Sequence[str] | None) -> Path:
    """Return the index to query.

    If one is named, it is that, or its part of the kind of the query. Otherwise it is the one whose source contains the
    queried file, or the newest of the right kind, which is named on standard error.
    """
    is_by_example = file is None and text is None and bool(like)
    if is_by_example:
        file = next((name for name in like or () if Path(name).is_file()), None)
    if index is not None:
        has_kind = text is not None or (file not in (None, STDIN) and Path(file or "").exists())
        return find_part(index, _query_kind(file)) if has_kind else index
    kind = None if is_by_example and file is None else _query_kind(file)
    folder, n_choices, contains_query = choose_newest(kind, Path(file) if file and file != STDIN else None)
    choice = ""
    if n_choices > 1:
        reason = "which contains the file" if contains_query else f"the newest of {n_choices} matching indexes"
        choice = f", {reason}; choose another with --index"
    print_status(f"searching {escape(folder)}{choice}")
    return folder


def _query_kind(file: str | None) -> ItemKind:
    """Return the kind of a query by its file name; text and standard input are documents."""
    if file is None or file == STDIN:
        return "documents"
    if not Path(file).exists():
        raise NoItems(f"there is no file {file}; check the spelling, or query with a text (--text)")
    entry = find_reader(file)
    if entry is None:
        raise NoItems(f"{file} has no known file type; query with an image, a document, a vector, or a text (--text)")
    return entry.kinds[0]


def read_query(file: str | None, text: str | None, retriever: Retriever) -> Item | None:
    """Return the query, which is the text, the file, or the content of standard input; None if there is none."""
    if file is None and text is None:
        return None
    item = _read_query(file, text, retriever)
    if item.warning:
        print_status(f"the query was read in part: {escape(item.warning)}")
    return item


def _read_query(file: str | None, text: str | None, retriever: Retriever) -> Item:
    if text is not None:
        if retriever.kind != "documents":
            raise WrongKind(
                f"cannot query an index of {retriever.kind} with a text; use a file, or another index (--index)"
            )
        return Item("--text", text)
    if file != STDIN:
        return retriever.read_query(Path(file or ""))
    return _decode_standard_input(sys.stdin.buffer.read(), retriever)


def _decode_standard_input(raw: bytes, retriever: Retriever) -> Item:
    """Return the image or document in `raw`, whichever the index holds."""
    if not raw:
        raise NoItems("standard input is empty; pipe an image or a document into it")
    if retriever.kind == "vectors":
        raise WrongKind("cannot query an index of vectors with standard input; use a .npy file with one vector")
    if retriever.kind == "images":
        import io

        from aesearch.readers.images import MIN_SIDE_PIXELS, decode_image

        min_side = max((MIN_SIDE_PIXELS, *(retriever.features.image_size or ())))
        return Item(STDIN, decode_image(io.BytesIO(raw), "standard input", min_side))
    from aesearch.readers.encodings import decode_text

    source = retriever.record.source
    text, warning = decode_text(raw, "standard input", source.encoding if source else None)
    return Item(STDIN, text, warning=warning)


def read_examples(names: Sequence[str] | None, retriever: Retriever) -> list[Item | ItemId]:
    """Return examples by their names: the id of an item, the path of a file, or words.

    Raises
    ------
    NoItems
        If an example is none of these.
    """
    known = retriever.ledger.rows_by_id(list(names or ()))
    return [ItemId(name) if name in known else _read_example(name, retriever) for name in names or ()]


def _read_example(name: str, retriever: Retriever) -> Item:
    if Path(name).exists():
        return retriever.read_query(Path(name))
    if retriever.kind == "documents":
        return Item("example", name)
    raise NoItems(f"the example {name} is neither an id of the index nor a file; use ids as aesearch query prints them")
