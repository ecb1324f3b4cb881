"""The commands that ask an index: query, evaluate, and how the index itself is."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aesearch.catalog import find_reader
from aesearch.cli.options import (
    IdField,
    IndexOption,
    JsonOption,
    KindOption,
    LabelField,
    TextField,
    ThumbnailsOption,
    app,
    sizes,
)
from aesearch.errors import AesearchError, NoItems, WrongKind
from aesearch.index.locations import newest_index
from aesearch.items import Item, ItemKind

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever


@app.command()
def query(
    what: Annotated[
        str | None, typer.Argument(help="A picture, document or vector (.npy), or - for standard input.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="How many neighbors.", min=1)] = 10,
    text: Annotated[str | None, typer.Option(help="Ask with these words.", show_default=False)] = None,
    rerank: Annotated[bool, typer.Option("--rerank", help="Read the 500 nearest again, and compare all of them.")] = False,
    turned: Annotated[bool, typer.Option("--turned", help="Ask with the picture turned and mirrored too.")] = False,
    within: Annotated[float | None, typer.Option(help="Find all items no further than this instead.", min=0)] = None,
    format: Annotated[Literal["table", "json", "paths"], typer.Option(help="How to print the hits.")] = "table",
    sheet: Annotated[
        Path | None, typer.Option(help="Show the hits as a page, such as hits.html.", show_default=False)
    ] = None,
    thumbnails: ThumbnailsOption = "auto",
    index: IndexOption = None,
) -> None:
    """Find the K items most like WHAT.

    Without --index, the newest index that fits is asked, and named on standard error.  --rerank is slower, and better for
    questions of a few words and for altered copies of photos; --turned finds copies that were turned or mirrored;
    --within 3 finds, in an index of bits, all items of which at most 3 bits differ.
    """
    from aesearch.cli.output import print_hits, print_thumbnails, say, shown

    if (what is None) == (text is None):
        raise typer.BadParameter("give either WHAT (a file, or -) or --text WORDS")
    if index is None:
        index, choices = newest_index(_kind_asked(what))
        say(f"asking {shown(index)}" + (f", the newest of {choices} indexes that fit (--index)" if choices > 1 else ""))
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(index)
    asked = _item_asked(what, text, retriever)
    if within is not None and (rerank or turned):
        raise typer.BadParameter("--within is by the codes alone; leave out --rerank and --turned")
    hits = (
        retriever.query(asked, k, rerank=rerank, augment=turned) if within is None else retriever.range_query(asked, within)
    )
    print_hits(hits, format)
    if format == "table" and retriever.kind == "images":
        print_thumbnails([hit.rank for hit in hits], [hit.path for hit in hits], thumbnails)
    if sheet is not None:
        from aesearch.report.report import answer_page, write

        write(sheet, answer_page(asked, hits, f"nearest to {asked.id}"))
        say(f"the hits as a page: {shown(sheet)}")
    if text is None and within is None and not rerank and retriever.is_out_of_distribution(hits):
        say("nothing in the index is like this: the nearest is further away than 99 % of its items are from theirs")


def _kind_asked(what: str | None) -> ItemKind:
    """The kind of a query, by the end of its name; words and standard input are documents."""
    if what is None or what == "-":
        return "documents"
    path = Path(what)
    if not path.exists():
        raise NoItems(f"there is no file {what}; check the spelling, or ask with words by --text")
    entry = find_reader(path)
    if entry is None:
        raise NoItems(f"no reader for {what}; ask with a picture or a document, or with words by --text")
    return entry.kinds[0]


def _item_asked(what: str | None, text: str | None, retriever: Retriever) -> Item:
    if text is not None:
        if retriever.kind != "documents":
            raise WrongKind(f"words were asked of an index of {retriever.kind}; ask with a file, or another (--index)")
        return Item("--text", text)
    if what != "-":
        return retriever.read_query(Path(what or ""))
    raw = sys.stdin.buffer.read()
    if not raw:
        raise NoItems("standard input was empty; pipe a document into it")
    if retriever.kind == "vectors":
        raise WrongKind("standard input was asked of an index of vectors; ask with a .npy file that holds one")
    if retriever.kind == "images":
        import io

        from aesearch.readers.images import DETAIL, decode

        detail = max((DETAIL, *(retriever.features.image_size or ())))
        return Item("-", decode(io.BytesIO(raw), "standard input", detail))
    from aesearch.readers.text import decode as decode_text

    return Item("-", decode_text(raw, "standard input"))


@app.command()
def evaluate(
    queries: Annotated[
        Path, typer.Option(help="Labeled items that are not in the index: a folder of class folders, a table.")
    ],
    index: IndexOption = None,
    k: Annotated[str, typer.Option("--k", help="Where to take the precision.")] = "1,10,100",
    kind: KindOption = None,
    text_field: TextField = "text",
    id_field: IdField = "id",
    label_field: LabelField = "label",
    json: JsonOption = False,
) -> None:
    """Ask with labeled queries, and count how many neighbors bear the query's label.

    Where no query has a label, only the agreement is measured: how many neighbors the two halves of a query (half of its
    words each, or two croppings) have in common.
    Precision at 1 is the accuracy of the nearest neighbor.  An autoencoder is loaded whole, with torch, so that its
    reconstructions can be measured too.
    """
    from aesearch.analysis.evaluation import evaluate as measure
    from aesearch.cli.output import print_json, print_measures, say_skipped
    from aesearch.index.retriever import Retriever
    from aesearch.readers.folder import read_files
    from aesearch.readers.tables import TableFields

    files = read_files(queries, kind=kind, fields=TableFields(text_field, id_field, label_field))
    retriever = Retriever.load(index or newest_index(files.kind)[0], encoder_only=False)
    found = measure(retriever, files, sizes(k) or ())
    say_skipped(files.skipped)
    if json:
        print_json(found.as_dict())
        return
    print_measures(found.as_dict())


@app.command()
def info(index: IndexOption = None, json: JsonOption = False) -> None:
    """What an index holds, and how it was made."""
    from aesearch.analysis.drift import drift
    from aesearch.cli.output import drift_in_words, print_facts, print_json
    from aesearch.index.retriever import Retriever

    folder = index or newest_index()[0]
    retriever = Retriever.load(folder)
    facts = retriever.info() | {"index": str(folder)}
    found = drift(retriever)
    facts["drift"] = found and asdict(found)
    facts["remarks"] = [*facts["remarks"], *drift_in_words(found)]
    if json:
        print_json(facts)
        return
    print_facts(facts)


@app.command()
def verify(index: IndexOption = None) -> None:
    """Compare every byte of an index with what was written, and its codes with its items."""
    from aesearch.cli.output import shown
    from aesearch.index.retriever import Retriever

    folder = index or newest_index()[0]
    retriever = Retriever.load(folder)
    retriever.verify()
    typer.echo(f"{shown(folder)} is as it was written: {len(retriever):,} {retriever.kind}")


@app.command()
def doctor(index: IndexOption = None, json: JsonOption = False) -> None:
    """What to know when something is wrong: versions, extras, threads; whether the index opens, and what has changed."""
    from aesearch.analysis.health import examine
    from aesearch.cli.output import print_json, print_table

    try:
        folder = index or newest_index()[0]
    except AesearchError as error:
        facts = examine(None) | {"index": str(error)}
    else:
        facts = examine(folder)
    if json:
        print_json(facts)
    else:
        print_table(("what", "value"), [(name, str(value)) for name, value in facts.items()])
