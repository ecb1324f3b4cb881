"""The commands that show what an autoencoder has learned: reconstruct, denoise, sample."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from aesearch.cli.options import IndexOption, JsonOption, app, read
from aesearch.errors import InvalidParameter, NoItems, WrongKind
from aesearch.index.locations import newest_index


@app.command()
def reconstruct(
    index: Annotated[Path, typer.Argument(help="Folder of the index.")],
    paths: Annotated[list[Path], typer.Argument(help="Pictures, documents, or folders of them.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The picture that is written.")] = Path("reconstructions.png"),
    most: Annotated[int, typer.Option(help="Items shown at most.", min=1)] = 16,
    json: JsonOption = False,
) -> None:
    """Show what the autoencoder gives back: originals above, reconstructions below; of documents the weightiest words.

    A masked autoencoder is shown restoring pictures of which patches were taken away, which stand between.
    """
    from aesearch.analysis.reconstructions import reconstruct as give_back
    from aesearch.analysis.reconstructions import sheet
    from aesearch.cli.output import print_json, print_table, say, shown
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(index, encoder_only=False)
    found = list(islice(give_back(retriever, (item for path in paths for item in read(retriever, path))), most))
    if not found:
        raise NoItems(f"nothing could be read in {', '.join(map(str, paths))}")
    rows: list[dict[str, Any]] = [{"id": each.id, "squared error": round(each.squared_error, 3)} for each in found]
    if retriever.kind == "images":
        rows_of_pictures = [[each.original for each in found], [each.reconstructed for each in found]]
        if found[0].hidden is not None:
            rows_of_pictures.insert(1, [each.hidden for each in found])
        sheet(rows_of_pictures).save(out)
        say(f"originals above, reconstructions below: {shown(out)}")
    else:
        for row, each in zip(rows, found, strict=True):
            row |= {"words": " ".join(each.original[:8]), "given back": " ".join(each.reconstructed[:8])}
    if json:
        print_json(rows)
    else:
        print_table(list(rows[0]), [list(row.values()) for row in rows])


@app.command()
def denoise(
    path: Annotated[Path, typer.Argument(help="A noisy picture, or a folder of them.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the restored pictures.")],
    index: IndexOption = None,
) -> None:
    """Write each picture as the autoencoder of an index gives it back, at the size that it learned.

    Best by an index made with --coder denoising.  The pictures keep their names, with .png at the end; what is in OUT
    already is not overwritten.
    """
    from aesearch.analysis.reconstructions import reconstruct as give_back
    from aesearch.cli.output import shown
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(index or newest_index("images")[0], encoder_only=False)
    if retriever.kind != "images":
        raise WrongKind(f"only pictures can be restored, and this index is of {retriever.kind}; name another (--index)")
    count = 0
    for each in give_back(retriever, read(retriever, path)):
        target = out / f"{each.id.replace('#', '-')}.png"
        if target.exists():
            raise InvalidParameter(f"{target} is there already; name another folder (--out)")
        target.parent.mkdir(parents=True, exist_ok=True)
        each.reconstructed.save(target)
        count += 1
    if not count:
        raise NoItems(f"no picture could be read in {path}")
    typer.echo(f"{count:,} pictures written to {shown(out)}")


@app.command()
def sample(
    index: IndexOption = None,
    count: Annotated[int, typer.Option("-n", "--count", help="How many.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="The same seed draws the same.")] = 0,
    between: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Two files: draw what lies on the way from one to the other.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="The picture that is written.")] = Path("samples.png"),
) -> None:
    """Draw new pictures (or bags of words) from a variational autoencoder."""
    from aesearch.analysis.reconstructions import interpolate, sheet
    from aesearch.analysis.reconstructions import sample as draw
    from aesearch.cli.output import print_table, shown
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(index or newest_index()[0], encoder_only=False)
    if between is None:
        drawn = draw(retriever, count, seed)
    else:
        first, last = map(retriever.read_query, between)
        drawn = interpolate(retriever, first, last, count)
    if retriever.kind == "images":
        sheet([drawn[start : start + 10] for start in range(0, count, 10)]).save(out)
        typer.echo(f"{count} new pictures: {shown(out)}")
    else:
        print_table(["words"], [[" ".join(words[:12])] for words in drawn])
