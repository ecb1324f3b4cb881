"""The commands that look at a whole collection: compare, map, outliers, duplicates, clusters; and explain."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from aesearch.cli.options import (
    IdField,
    IndexOption,
    JsonOption,
    KindOption,
    LabelField,
    TextField,
    ThumbnailsOption,
    app,
    given,
    sizes,
)
from aesearch.errors import InvalidParameter
from aesearch.index.locations import newest_index


@app.command()
def compare(
    path: Annotated[Path, typer.Argument(help="A folder, a table, an image set, or vectors (.npy).")],
    queries: Annotated[
        Path | None, typer.Option(help="Items to ask with; else every fifth of PATH.", show_default=False)
    ] = None,
    coders: Annotated[
        str | None, typer.Option(help="Such as neighbors,dense,pca.  [default: the default, dense, and the baselines]")
    ] = None,
    code_size: Annotated[
        str | None, typer.Option(help="One or more, such as 16,64.  [default: 64, or less where items are small]")
    ] = None,
    bits: Annotated[bool, typer.Option("--bits", help="Keep each number as one bit.")] = False,
    epochs: Annotated[int | None, typer.Option(help="For every autoencoder.", show_default=False)] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed trains the same models.  [default: 0]")] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for the report, a page.", show_default=False)] = None,
    format: Annotated[Literal["table", "csv", "json"], typer.Option(help="How to print the figures.")] = "table",
    kind: KindOption = None,
    text_field: TextField = "text",
    id_field: IdField = "id",
    label_field: LabelField = "label",
) -> None:
    """Train several coders on the items of PATH, and tell which finds best, with labels or without.

    Nothing is kept but the report: one page, with every figure, curve and map, some queries and what each coder found for
    them.  A star marks the best, and those that the queries cannot tell from it.
    """
    from aesearch.analysis.comparison import COLUMNS, as_rows, held_out
    from aesearch.analysis.comparison import compare as side_by_side
    from aesearch.cli.output import print_json, print_table, say, say_skipped, shown
    from aesearch.readers.folder import read_files
    from aesearch.readers.tables import TableFields

    fields = TableFields(text_field, id_field, label_field)
    files = read_files(path, kind=kind, fields=fields)
    database, asked = (files, read_files(queries, kind=files.kind, fields=fields)) if queries else held_out(files)
    entries = side_by_side(
        database,
        asked,
        coders=coders.split(",") if coders else None,
        code_sizes=sizes(code_size) or (None,),
        bits=bits,
        watch=lambda name: say(f"training {name}"),
        **given(epochs=epochs, seed=seed),
    )
    say_skipped(files.skipped)
    if format == "json":
        print_json([entry.as_dict() for entry in entries])
    elif format == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([COLUMNS, *as_rows(entries)])
    else:
        print_table(COLUMNS, as_rows(entries))
    if report is not None:
        from aesearch.report.report import comparison_page, write

        title = f"{path.resolve().name}, by several coders"
        write(report / "index.html", comparison_page(entries, database, asked, title))
        say(f"the report: {shown(report / 'index.html')}")


@app.command("map")
def map_(
    index: IndexOption = None,
    by: Annotated[
        Literal["codes", "pca", "t-sne"] | None,
        typer.Option(help="How items get their places.  [default: codes if they are of two numbers, else pca]"),
    ] = None,
    clusters: Annotated[int | None, typer.Option(help="Color by so many groups instead of labels.", min=2)] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="map.html, or a picture: map.png.")] = Path("map.html"),
) -> None:
    """Draw the collection in two dimensions; in a page, hover, search, or draw a loop round some items."""
    from aesearch.analysis.clusters import clusters as grouped
    from aesearch.analysis.maps import project
    from aesearch.cli.output import shown
    from aesearch.index.retriever import Retriever
    from aesearch.report.report import map_page, map_picture, write

    folder = index or newest_index()[0]
    retriever = Retriever.load(folder)
    drawn = project(retriever, by)
    if out.suffix.lower() in (".html", ".htm"):
        groups = None
        if clusters is not None:
            group_of = {
                id: f"group {number}" for number, each in enumerate(grouped(retriever, clusters), 1) for id in each.members
            }
            groups = [group_of[row.id] for row in drawn.rows]
        write(out, map_page(retriever, drawn, folder.name, groups))
    elif out.suffix.lower() in (".png", ".jpg", ".webp"):
        map_picture(drawn).save(out)
    else:
        raise InvalidParameter(f"{out} is neither a page nor a picture; name it .html or .png (--out)")
    typer.echo(f"{len(drawn.rows):,} items by {drawn.by}: {shown(out)}")


@app.command()
def outliers(
    index: IndexOption = None,
    k: Annotated[int, typer.Option("-k", help="How many.", min=1)] = 20,
    by: Annotated[
        Literal["features", "codes", "reconstruction"] | None,
        typer.Option(help="What is measured.  [default: features, read again; codes where that cannot be]"),
    ] = None,
    thumbnails: ThumbnailsOption = "auto",
    json: JsonOption = False,
) -> None:
    """The items that are unlike all others: far from their nearest neighbors, or badly reconstructed.

    The percentile is the share of the collection that is less strange.  --by codes answers at once; --by reconstruction
    loads the autoencoder whole.
    """
    from aesearch.analysis.outliers import outliers as strangest
    from aesearch.cli.output import print_json, print_table, print_thumbnails
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(index or newest_index()[0], encoder_only=by != "reconstruction")
    found = strangest(retriever, k, by)
    if json:
        print_json([each.as_dict() for each in found])
        return
    rows = [(f"{each.percentile:.2f}", f"{each.strangeness:.4g}", each.id, each.label) for each in found]
    print_table(("percentile", "strangeness", "id", "label"), rows, [each.path for each in found])
    if retriever.kind == "images":
        print_thumbnails([row[0] for row in rows], [each.path for each in found], thumbnails)


@app.command()
def duplicates(
    index: IndexOption = None,
    threshold: Annotated[
        float | None, typer.Option(help="Likeness from which items are copies.  [default: 0.9]", min=0, max=1)
    ] = None,
    format: Annotated[Literal["table", "csv", "json"], typer.Option(help="How to print the groups.")] = "table",
    sheet: Annotated[Path | None, typer.Option(help="Draw the groups of pictures, a row each.", show_default=False)] = None,
    thumbnails: ThumbnailsOption = "auto",
) -> None:
    """Groups of copies: first those of the same content, then altered ones, the most alike first.

    Altered copies are found by their codes and confirmed by their features in full, for which the files are read again.
    Copies that were turned, mirrored or cut to half are not found so.
    """
    from aesearch.analysis.duplicates import THRESHOLD
    from aesearch.analysis.duplicates import duplicates as copies
    from aesearch.cli.output import print_json, print_table, print_thumbnails, say, shown
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(index or newest_index()[0])
    if sheet is not None and retriever.kind != "images":
        raise InvalidParameter(f"only pictures can be drawn, and this index is of {retriever.kind}; leave it out (--sheet)")
    groups = copies(retriever, THRESHOLD if threshold is None else threshold)
    rows = [
        (number, "same" if group.exact else f"{group.likeness:.3f}", id)
        for number, group in enumerate(groups, 1)
        for id in group.ids
    ]
    if format == "json":
        print_json([group.as_dict() for group in groups])
    elif format == "csv":
        csv.writer(sys.stdout, lineterminator="\n").writerows([("group", "likeness", "id"), *rows])
    elif rows:
        paths = [path for group in groups for path in group.paths]
        print_table(("group", "likeness", "id"), rows, paths)
        if retriever.kind == "images":
            print_thumbnails([row[0] for row in rows], paths, thumbnails)
    else:
        typer.echo("no copies found")
    if sheet is not None and groups:
        from aesearch.report.report import contact_sheet

        contact_sheet([[path for path in group.paths if path] for group in groups]).save(sheet)
        say(f"the groups as a picture: {shown(sheet)}")


@app.command()
def clusters(
    index: IndexOption = None,
    k: Annotated[int | None, typer.Option("-k", help="How many.  [default: the number that parts best]", min=1)] = None,
    decoded: Annotated[
        bool, typer.Option("--decoded", help="Tell of documents what the autoencoder gives back of a group too.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Groups of like items, the largest first: their most typical items, labels and, of documents, telling words.

    Telling words are those whose TF-IDF weight in the group exceeds the collection's most; by --decoded those too that
    the decoder gives the group's codes more of, for which the autoencoder is loaded whole.
    """
    from aesearch.analysis.clusters import clusters as grouped
    from aesearch.cli.output import print_json, print_table
    from aesearch.index.retriever import Retriever

    found = grouped(Retriever.load(index or newest_index()[0], encoder_only=not decoded), k, decoded=decoded)
    if json:
        print_json([each.as_dict() for each in found])
        return
    rows = []
    for each in found:
        labels = ", ".join(f"{count} {label}" for label, count in list(each.labels.items())[:3])
        rows.append((f"{each.size:,}", each.typical[0], " ".join(each.words), " ".join(each.decoded or ()), labels))
    kept = [column for column in range(5) if column < 2 or any(row[column] for row in rows)]
    columns = ("items", "most typical", "telling words", "decoded words", "labels")
    print_table([columns[at] for at in kept], [[row[at] for at in kept] for row in rows])


@app.command()
def explain(
    what: Annotated[Path, typer.Argument(help="A picture or document.")],
    index: IndexOption = None,
    k: Annotated[int, typer.Option("-k", help="How many neighbors.", min=1)] = 5,
    out: Annotated[Path, typer.Option("-o", "--out", help="The picture that is written, of pictures.")] = Path("why.png"),
    json: JsonOption = False,
) -> None:
    """Why these are WHAT's neighbors: the words that they share; of pictures, in what they are alike, and what codes keep.

    Shared words stand by their part in the likeness, which is by TF-IDF, and beside it as the decoder weighs them in what
    it gives back of both codes.  The likeness of pictures is the sum of what gradients, colors and pixels add to it,
    whichever of them the coder looks at.  In the picture the query stands first and its neighbors follow; below each is
    what its code gives back.
    """
    from aesearch.analysis.explanations import explain as why
    from aesearch.analysis.reconstructions import sheet
    from aesearch.cli.output import print_json, print_table, say, shown
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(index or newest_index()[0], encoder_only=False)  # what is given back takes the decoder
    asked, *reasons = why(retriever, retriever.read_query(what), k)
    if retriever.kind == "images":
        row = [asked, *reasons]
        sheet([[each.seen for each in row], [each.kept for each in row]]).save(out)
        say(f"the query, its neighbors, and what their codes give back: {shown(out)}")
    if json:
        print_json([each.as_dict() for each in reasons])
        return
    columns = ["rank", "distance", "likeness", *asked.parts, "id"]
    rows = [
        [each.hit.rank, f"{each.hit.distance:.4f}"]
        + [f"{share:.3f}" for share in (each.likeness, *each.parts.values())]
        + [each.hit.id]
        for each in reasons
    ]
    if retriever.kind == "documents":
        columns += ["shared words", "by the decoder"]
        rows = [[*row, " ".join(each.words), " ".join(each.decoded or ())] for row, each in zip(rows, reasons, strict=True)]
    print_table(columns, rows)
