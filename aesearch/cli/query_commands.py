"""The command that queries an index."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aesearch.catalog import find_reader
from aesearch.cli import options
from aesearch.cli.options import IndexOption
from aesearch.cli.output import escape, print_hits, print_status, print_unreadable
from aesearch.cli.output_files import PAGE_ENDINGS, output_path, protect_items
from aesearch.errors import NoItems, WrongKind
from aesearch.index.locations import newest_index
from aesearch.index.modes import QueryMode
from aesearch.items import Hit, Item, ItemKind

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever

STDIN = "-"
SAME_CODE_DISTANCE = 1e-4
"""Items at a smaller distance have the same code, but for rounding: a difference of one bit is 1."""

NO_CLOSE_MATCH = "no close match: the nearest item is farther than 99 % of nearest-neighbor distances in this index"

FileArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE", show_default=False, help="An image, document or vector (.npy), or - for standard input."
    ),
]
ModeOption = Annotated[
    QueryMode | None,
    typer.Option(
        "--mode",
        show_default=False,
        help="For documents: compare words and codes, codes only, or words only."
        "  [default: hybrid for --text, semantic for FILE]",
    ),
]
MinScoreOption = Annotated[
    float,
    typer.Option("--min-score", min=0, max=1, help="Leave out hits whose score is lower."),
]
RerankOption = Annotated[
    bool, typer.Option("--rerank", help="Read the 500 nearest items again and compare all their features.")
]
AugmentOption = Annotated[bool, typer.Option("--augment", help="Also query with rotated and mirrored copies of the image.")]
CopiesOption = Annotated[
    bool, typer.Option("--copies", help="Find copies and edited versions of the image, also rotated, mirrored or cropped.")
]
MaxDistanceOption = Annotated[
    float | None,
    typer.Option("--max-distance", min=0, show_default=False, help="Find all items up to this distance instead."),
]
SheetOption = Annotated[Path | None, typer.Option("--sheet", show_default=False, help="HTML page to write the hits to.")]


def query(
    file: FileArgument = None,
    k: Annotated[int, typer.Option("-k", help="Number of hits.", min=1)] = 10,
    text: Annotated[str | None, typer.Option("--text", "-t", help="Words to search for.", show_default=False)] = None,
    mode: ModeOption = None,
    min_score: MinScoreOption = 0.0,
    rerank: RerankOption = False,
    augment: AugmentOption = False,
    copies: CopiesOption = False,
    max_distance: MaxDistanceOption = None,
    format: Annotated[Literal["table", "json", "paths"], typer.Option("--format", help="Format of the output.")] = "table",
    sheet: SheetOption = None,
    thumbnails: options.ThumbnailsOption = "auto",
    index: IndexOption = None,
) -> None:
    """Find the items that are most similar to FILE or to a text.

    Without --index, the newest index of the right kind is queried. A text may contain "exact phrases" and beginnings of
    words, aero*. --rerank compares a document with the 500 nearest ones by all their words. --augment finds rotated and
    mirrored copies. --copies finds edited versions of a photo best: it aligns about 490 candidates with it; the distance
    is 1 - the correlation. In an index of bits, --max-distance 3 finds all items that differ in at most 3 bits.

    The score is the share of random pairs of items that are less similar than the query and the hit.
    """
    _check_options(file, text, max_distance, rerank=rerank, augment=augment, copies=copies)
    if sheet is not None:
        output_path(sheet, PAGE_ENDINGS, "--sheet", [Path(file)] if file else ())
    retriever = _load_index(index or _choose_newest_index(file))
    if sheet is not None:
        protect_items(sheet, "--sheet", retriever)
    item = _read_query(file, text, retriever)
    if item.warning:
        print_status(f"the query was read in part: {escape(item.warning)}")
    if max_distance is None:
        hits = _search(retriever, item, k, mode=mode, min_score=min_score, rerank=rerank, augment=augment, copies=copies)
    else:
        hits = retriever.range_query(item, max_distance)
    print_hits(hits, format)
    if format == "table" and retriever.kind == "images":
        from aesearch.cli.thumbnails import print_thumbnails

        print_thumbnails([hit.rank for hit in hits], [hit.path for hit in hits], thumbnails)
    if sheet is not None:
        _write_hits_page(item, hits, sheet)
    if text is None and max_distance is None and not (rerank or copies) and has_no_close_match(retriever, hits):
        print_status(NO_CLOSE_MATCH)


def _check_options(
    file: str | None, text: str | None, max_distance: float | None, *, rerank: bool, augment: bool, copies: bool
) -> None:
    """Raise BadParameter if options exclude each other."""
    if (file is None) == (text is None):
        raise typer.BadParameter('give either FILE (or "-" for standard input) or --text')
    if max_distance is not None and (rerank or augment):
        raise typer.BadParameter("--max-distance compares codes only; remove --rerank and --augment")
    if copies and (rerank or augment or max_distance is not None):
        raise typer.BadParameter("--copies compares aligned images; remove --rerank, --augment and --max-distance")


def _search(retriever: Retriever, item: Item, k: int, **options: Any) -> list[Hit]:
    """Return the best hits, and report candidates that could not be reranked because their files cannot be read."""
    k = min(k, len(retriever))
    (hits,), n_unreadable = retriever.search([item], k, **options, require_terms=True, snippets=True)
    if n_unreadable:
        print_unreadable(n_unreadable, "candidate")
    return hits


def has_no_close_match(retriever: Retriever, hits: Sequence[Hit]) -> bool:
    """Return whether a query with these hits is unlike the collection. It is not if the nearest item has the same code."""
    return retriever.is_out_of_distribution(hits) and hits[0].distance > SAME_CODE_DISTANCE


def _load_index(folder: Path) -> Retriever:
    from aesearch.index.retriever import Retriever

    return Retriever.load(folder)


def _choose_newest_index(file: str | None) -> Path:
    """Return the newest index of the kind of the query, and name it on standard error."""
    folder, n_choices = newest_index(_query_kind(file))
    choice = f", the newest of {n_choices} matching indexes; choose another with --index" if n_choices > 1 else ""
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


def _read_query(file: str | None, text: str | None, retriever: Retriever) -> Item:
    """Return the query, which is the text, the file, or the content of standard input."""
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


def _write_hits_page(item: Item, hits: list[Hit], path: Path) -> None:
    from aesearch.report.hits_page import MAX_HITS, render_hits_page
    from aesearch.report.html import write_page

    write_page(path, render_hits_page(item, hits, f"Items similar to {item.id}"))
    n_missing = len(hits) - MAX_HITS
    missing = f"; {n_missing:,} more than the page shows" if n_missing > 0 else ""
    print_status(f"wrote the hits to {escape(path)}{missing}")
