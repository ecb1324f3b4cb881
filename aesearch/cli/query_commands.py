"""The command that queries an index."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aesearch.cli import options
from aesearch.cli.options import IndexOption
from aesearch.cli.output import escape, print_hits, print_status, print_unreadable
from aesearch.cli.output_files import PAGE_ENDINGS, output_path, protect_items
from aesearch.cli.query_input import choose_query_index, read_examples, read_query
from aesearch.index.modes import QueryMode
from aesearch.items import Hit, Item

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever
    from aesearch.index.search import QueryOptions

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
WhereOption = Annotated[
    str | None,
    typer.Option("--where", show_default=False, help='Only items that meet a filter, such as "year >= 2024".'),
]
LikeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--like",
        "--like-id",
        show_default=False,
        help="Example that hits should be like: an id, a file, or words (repeatable).",
    ),
]
UnlikeOption = Annotated[
    list[str] | None,
    typer.Option("--unlike", show_default=False, help="Example that hits should not be like (repeatable)."),
]
SortOrder = Literal["score", "distance", "name", "date"]
SortOption = Annotated[SortOrder, typer.Option("--sort", help="Order of the hits; date: the newest files first.")]
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
    where: WhereOption = None,
    like: LikeOption = None,
    unlike: UnlikeOption = None,
    mode: ModeOption = None,
    min_score: MinScoreOption = 0.0,
    sort: SortOption = "score",
    rerank: RerankOption = False,
    augment: AugmentOption = False,
    copies: CopiesOption = False,
    max_distance: MaxDistanceOption = None,
    format: Annotated[Literal["table", "json", "paths"], typer.Option("--format", help="Format of the output.")] = "table",
    sheet: SheetOption = None,
    thumbnails: options.ThumbnailsOption = "auto",
    index: IndexOption = None,
) -> None:
    """Find the items most similar to FILE, a text or examples.

    Without --index, the index of the folder that contains FILE is queried, or else the newest of the right kind. A text may
    contain "exact phrases" and beginnings of words, aero*. --where filters by id, path, label, size, modified and metadata:
    "year >= 2024 and path like 'tax/%'". --copies finds edited versions of a photo best: it aligns about 490 candidates
    with it; the distance is 1 - the correlation. In an index of bits, --max-distance 3 finds items that differ in at most 3
    bits.

    The score is the share of random pairs of items that are less similar than the query and the hit.
    """
    wishes: QueryOptions = {"mode": mode, "where": where, "min_score": min_score}
    wishes |= {"rerank": rerank, "augment": augment, "copies": copies}
    _check_options(file, text, [*(like or ()), *(unlike or ())], max_distance, wishes)
    if sheet is not None:
        output_path(sheet, PAGE_ENDINGS, "--sheet", [Path(file)] if file else ())
    retriever = _load_index(choose_query_index(index, file, text, like))
    if sheet is not None:
        protect_items(sheet, "--sheet", retriever)
    item = read_query(file, text, retriever)
    if item is None or like or unlike:
        examples = {"like": read_examples(like, retriever), "unlike": read_examples(unlike, retriever)}
        hits = retriever.query(item, min(k, len(retriever)), **examples, **wishes)
    elif max_distance is None:
        hits = _search(retriever, item, k, wishes)
    else:
        hits = retriever.range_query(item, max_distance)
    _show(retriever, item, sort_hits(hits, sort), format, sheet, thumbnails)
    if not (text or like or max_distance or where or rerank or copies) and has_no_close_match(retriever, hits):
        print_status(NO_CLOSE_MATCH)


def _check_options(
    file: str | None, text: str | None, examples: list[str], max_distance: float | None, wishes: QueryOptions
) -> None:
    """Raise BadParameter if options exclude each other."""
    if (file is not None and text is not None) or (file is None and text is None and not examples):
        raise typer.BadParameter('give either FILE (or "-" for standard input), --text or --like')
    compared = [f"--{name}" for name in ("rerank", "augment", "copies") if wishes.get(name)]
    if max_distance is not None and (compared or examples or any(map(wishes.get, ("where", "mode", "min_score")))):
        raise typer.BadParameter("--max-distance compares codes of all items; remove the other options")
    if wishes.get("copies") and len(compared) > 1:
        raise typer.BadParameter("--copies compares aligned images; remove --rerank and --augment")


def _search(retriever: Retriever, item: Item, k: int, wishes: QueryOptions) -> list[Hit]:
    """Return the best hits, and report candidates that could not be reranked because their files cannot be read."""
    k = min(k, len(retriever))
    (hits,), n_unreadable = retriever.search([item], k, **wishes, require_terms=True, snippets=True)
    if n_unreadable:
        print_unreadable(n_unreadable, "candidate")
    return hits


def _show(
    retriever: Retriever, item: Item | None, hits: list[Hit], format: str, sheet: Path | None, thumbnails: str
) -> None:
    """Print hits, show their images in the terminal, and write them to a page."""
    print_hits(hits, format)
    if format == "table" and retriever.kind == "images":
        from aesearch.cli.thumbnails import print_thumbnails

        print_thumbnails([hit.rank for hit in hits], [hit.path for hit in hits], thumbnails)
    if sheet is not None:
        _write_hits_page(item or Item("examples", ""), hits, sheet)


def sort_hits(hits: list[Hit], sort: SortOrder) -> list[Hit]:
    """Return hits in the order of their scores, their distances, their names, or the dates of their files."""
    if sort == "score":
        return hits
    keys: dict[str, Callable[[Hit], Any]] = {
        "distance": lambda hit: math.inf if math.isnan(hit.distance) else hit.distance,  # only words were compared
        "name": lambda hit: hit.id,
        "date": lambda hit: -_modification_time(hit),
    }
    return sorted(hits, key=keys[sort])


def _modification_time(hit: Hit) -> float:
    """Return when the file of a hit was changed, in seconds; 0 if it does not exist."""
    try:
        return Path(hit.path or "").stat().st_mtime if hit.path else 0.0
    except OSError:
        return 0.0


def has_no_close_match(retriever: Retriever, hits: Sequence[Hit]) -> bool:
    """Return whether a query with these hits is unlike the collection. It is not if the nearest item has the same code."""
    return retriever.is_out_of_distribution(hits) and hits[0].distance > SAME_CODE_DISTANCE


def _load_index(folder: Path) -> Retriever:
    from aesearch.index.retriever import Retriever

    return Retriever.load(folder)


def _write_hits_page(item: Item, hits: list[Hit], path: Path) -> None:
    from aesearch.report.hits_page import MAX_HITS, render_hits_page
    from aesearch.report.html import write_page

    title = f'Items for "{item.excerpt}"' if item.id == "--text" else f"Items similar to {item.id}"
    write_page(path, render_hits_page(item, hits, title))
    n_missing = len(hits) - MAX_HITS
    missing = f"; {n_missing:,} more than the page shows" if n_missing > 0 else ""
    print_status(f"wrote the hits to {escape(path)}{missing}")
