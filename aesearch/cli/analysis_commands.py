"""The commands that analyze an index: map, outliers, duplicates, clusters, explain."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aesearch.cli import options
from aesearch.cli.options import IndexOption, JsonOption, choose_index
from aesearch.cli.output import (
    escape,
    print_csv,
    print_json,
    print_nonempty_columns,
    print_status,
    print_table,
    print_unreadable,
)
from aesearch.cli.output_files import IMAGE_ENDINGS, PAGE_ENDINGS, output_path, protect_items, save_image
from aesearch.errors import WrongKind, count
from aesearch.items import label_text

if TYPE_CHECKING:
    from aesearch.analysis.duplicates import DuplicateGroup
    from aesearch.analysis.explanations import Explanation
    from aesearch.analysis.projection import Projection
    from aesearch.index.retriever import Retriever

MAX_LABELS = 3
"""Labels of a cluster that are printed, the most frequent first."""

MAX_EXPLAINED_HITS = 100
"""Hits that can be explained at a time: their features are in memory together."""

MAX_DRAWN_HITS = 15
"""Hits in the image of an explanation, beside the query."""


def draw_map(
    index: IndexOption = None,
    method: Annotated[
        Literal["codes", "pca", "t-sne"] | None,
        typer.Option(
            "--by",
            help="Projection to two dimensions.  [default: codes if they have two dimensions, else pca]",
            show_default=False,
        ),
    ] = None,
    n_clusters: Annotated[
        int | None,
        typer.Option("--clusters", help="Color this number of clusters instead of the labels.", min=2, show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write: .html, or an image such as .png.")] = Path(
        "map.html"
    ),
) -> None:
    """Draw a two-dimensional map of an index.

    In the HTML page, point at items to see them, search for them, or select some with a lasso.
    """
    from aesearch.analysis.projection import project
    from aesearch.index.retriever import Retriever

    output_path(out, PAGE_ENDINGS + IMAGE_ENDINGS, "--out")
    folder = choose_index(index)
    retriever = Retriever.load(folder)
    protect_items(out, "--out", retriever)
    projection = project(retriever, method)
    if out.suffix.lower() in PAGE_ENDINGS:
        _write_map_page(retriever, projection, n_clusters, folder.name, out)
    else:
        from aesearch.report.map_page import draw_map as draw

        save_image(draw(projection), out)
    typer.echo(f"wrote a map of {count(len(projection.rows), 'item')} ({projection.method}) to {escape(out)}")


def _write_map_page(retriever: Retriever, projection: Projection, n_clusters: int | None, title: str, path: Path) -> None:
    from aesearch.analysis.clusters import cluster_items
    from aesearch.report.html import write_page
    from aesearch.report.map_page import render_map_page

    groups = None
    if n_clusters is not None:
        clusters = enumerate(cluster_items(retriever, n_clusters), 1)
        cluster_of = {id: f"cluster {number}" for number, cluster in clusters for id in cluster.members}
        groups = [cluster_of[row.id] for row in projection.rows]
    write_page(path, render_map_page(retriever, projection, title, groups))


def outliers(
    index: IndexOption = None,
    k: Annotated[int, typer.Option("-k", help="Number of outliers.", min=1)] = 20,
    method: Annotated[
        Literal["features", "codes", "reconstruction"] | None,
        typer.Option(
            "--by",
            help="Input of the score.  [default: features if the files can be read again, else codes]",
            show_default=False,
        ),
    ] = None,
    thumbnails: options.ThumbnailsOption = "auto",
    json: JsonOption = False,
) -> None:
    """List the items that are least similar to all others.

    The score is the mean distance to the nearest neighbors, or the reconstruction error. The percentile is the share of
    items with a lower score. "--by codes" is the fastest; "--by reconstruction" loads the whole autoencoder.
    """
    from aesearch.analysis.outliers import find_outliers
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(choose_index(index), encoder_only=method != "reconstruction")
    found = find_outliers(retriever, min(k, len(retriever)), method, on_unreadable=print_unreadable)
    if json:
        print_json([outlier.as_dict() for outlier in found])
        return
    percentiles = [f"{outlier.percentile:.2f}" for outlier in found]
    paths = [outlier.path for outlier in found]
    rows = [
        (percentile, f"{outlier.score:.4g}", outlier.id, label_text(outlier.label))
        for percentile, outlier in zip(percentiles, found, strict=True)
    ]
    print_table(("percentile", "score", "id", "label"), rows, paths)
    if retriever.kind == "images":
        from aesearch.cli.thumbnails import print_thumbnails

        print_thumbnails(percentiles, paths, thumbnails)


def duplicates(
    index: IndexOption = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            help="Minimum similarity of duplicates.  [default: 0.88 for images, 0.9 otherwise]",
            min=0,
            max=1,
            show_default=False,
        ),
    ] = None,
    format: options.FormatOption = "table",
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Image file to draw the groups into, one per row.", show_default=False)
    ] = None,
    thumbnails: options.ThumbnailsOption = "auto",
) -> None:
    """List groups of duplicates.

    Exact copies come first, then altered copies, the most similar first. The files are read again. Images are aligned with
    each other, also rotated by 90 degrees and mirrored, and compared part by part; copies cropped to half of their area,
    or partly covered, are rarely found. Documents and vectors that are near by code are compared by the cosine of all their
    terms or values.
    """
    from aesearch.analysis.duplicates import find_duplicates
    from aesearch.index.retriever import Retriever

    if sheet is not None:
        output_path(sheet, IMAGE_ENDINGS, "--sheet")
    retriever = Retriever.load(choose_index(index))
    if sheet is not None:
        if retriever.kind != "images":
            raise WrongKind(f"only images can be drawn, but this index holds {retriever.kind}; remove --sheet")
        protect_items(sheet, "--sheet", retriever)
    groups = find_duplicates(retriever, threshold, print_unreadable)
    _print_duplicates(groups, format, thumbnails if retriever.kind == "images" else "none")
    if sheet is not None:
        _write_contact_sheet(groups, sheet)


def _write_contact_sheet(groups: Sequence[DuplicateGroup], path: Path) -> None:
    """Draw groups of duplicates, and report those that do not fit."""
    from aesearch.report.contact_sheet import MAX_GROUPS, draw_contact_sheet

    if not groups:
        print_status(f"did not write {escape(path)}: there are no duplicates to draw")
        return
    save_image(draw_contact_sheet([[path for path in group.paths if path] for group in groups]), path)
    n_missing = len(groups) - MAX_GROUPS
    missing = f" with the first {MAX_GROUPS} groups; {n_missing:,} more are not shown" if n_missing > 0 else ""
    print_status(f"wrote {escape(path)}{missing}")


def _print_duplicates(groups: Sequence[DuplicateGroup], format: str, thumbnails: str) -> None:
    columns = ("group", "similarity", "id")
    rows = [
        (number, "exact" if group.is_exact else f"{group.similarity:.3f}", id)
        for number, group in enumerate(groups, 1)
        for id in group.ids
    ]
    if format == "json":
        print_json([group.as_dict() for group in groups])
    elif format == "csv":
        print_csv(columns, rows)
    elif rows:
        from aesearch.cli.thumbnails import print_thumbnails

        paths = [path for group in groups for path in group.paths]
        print_table(columns, rows, paths)
        print_thumbnails([row[0] for row in rows], paths, thumbnails)
    else:
        typer.echo("no duplicates found")


def clusters(
    index: IndexOption = None,
    n_clusters: Annotated[
        int | None,
        typer.Option(
            "-k", help="Number of clusters.  [default: the number that separates best]", min=1, show_default=False
        ),
    ] = None,
    decoded: Annotated[
        bool, typer.Option("--decoded", help="Also show the terms that the autoencoder decodes from a cluster.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Divide a collection into clusters of similar items.

    Each cluster is described by a representative item, by its labels and, for documents, by the terms whose mean TF-IDF
    weight exceeds the mean of the whole collection the most. The largest cluster comes first. --decoded loads the whole
    autoencoder.
    """
    from aesearch.analysis.clusters import cluster_items
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(choose_index(index), encoder_only=not decoded)
    found = cluster_items(retriever, n_clusters, decode_terms=decoded, on_unreadable=print_unreadable)
    if json:
        print_json([cluster.as_dict() for cluster in found])
        return
    rows = []
    for cluster in found:
        labels = ", ".join(f"{number} {label}" for label, number in list(cluster.labels.items())[:MAX_LABELS])
        terms, decoded_terms = " ".join(cluster.terms), " ".join(cluster.decoded_terms or ())
        rows.append((f"{cluster.size:,}", cluster.representatives[0], terms, decoded_terms, labels))
    print_nonempty_columns(("items", "representative", "terms", "decoded terms", "labels"), rows, required=2)


def explain(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An image or document.")],
    index: IndexOption = None,
    k: Annotated[int, typer.Option("-k", help="Number of hits.", min=1, max=MAX_EXPLAINED_HITS)] = 5,
    out: Annotated[Path, typer.Option("-o", "--out", help="Image file to write, for images.")] = Path("explanation.png"),
    json: JsonOption = False,
) -> None:
    """Explain why the hits of FILE are similar to it.

    For documents, list the terms that they share, ordered by their contribution to the cosine similarity, and again by the
    weight that the decoder gives them. For images, list the contribution of each descriptor, such as gradients and colors,
    to the similarity, and draw the query and its hits above their reconstructions.
    """
    from aesearch.analysis.explanations import explain as explain_hits
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(choose_index(index), encoder_only=False)  # reconstructions need the decoder
    if retriever.kind == "images":
        output_path(out, IMAGE_ENDINGS, "--out", [file])
        protect_items(out, "--out", retriever)
    query, *hits = explain_hits(retriever, retriever.read_query(file), k, partial(print_unreadable, noun="hit"))
    if retriever.kind == "images":
        _draw_explanations([query, *hits[:MAX_DRAWN_HITS]], out)
    if json:
        print_json([hit.as_dict() for hit in hits])
    else:
        _print_explanations(hits, list(query.similarity_parts), has_terms=retriever.kind == "documents")


def _draw_explanations(columns: Sequence[Explanation], path: Path) -> None:
    """Write a query and its hits above their reconstructions, if the coder can decode."""
    from aesearch.report.contact_sheet import draw_grid

    rows = [[column.image for column in columns], [column.reconstruction for column in columns]]
    has_reconstructions = rows[1][0] is not None
    save_image(draw_grid(rows if has_reconstructions else rows[:1]), path)
    reconstructions = " (above) and their reconstructions (below)" if has_reconstructions else ""
    print_status(f"wrote the query and {count(len(columns) - 1, 'hit')}{reconstructions} to {escape(path)}")


def _print_explanations(explanations: Sequence[Explanation], parts: list[str], has_terms: bool) -> None:
    columns = ["rank", "distance", "similarity", *parts, "id"]
    if has_terms:
        columns += ["shared terms", "decoded terms"]
    rows = []
    for explanation in explanations:
        similarities = [explanation.similarity, *explanation.similarity_parts.values()]
        row = [explanation.hit.rank, f"{explanation.hit.distance:.4f}", *(f"{value:.3f}" for value in similarities)]
        row.append(explanation.hit.id)
        if has_terms:
            row += [" ".join(explanation.shared_terms), " ".join(explanation.decoded_terms or ())]
        rows.append(row)
    print_table(columns, rows)
