"""The commands that decode codes: reconstruct, denoise, sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aesearch.cli import options
from aesearch.cli.options import IndexOption, JsonOption, choose_index
from aesearch.cli.output import escape, print_json, print_status, print_table, print_unread
from aesearch.cli.output_files import IMAGE_ENDINGS, output_path, protect_items, save_image
from aesearch.errors import InvalidParameter, NoItems, WrongKind, count
from aesearch.items import Item

if TYPE_CHECKING:
    from aesearch.analysis.reconstructions import Reconstruction
    from aesearch.index.retriever import Retriever

MAX_TERMS = 8
"""Terms of a document, and of its reconstruction, that are printed."""

MAX_SAMPLED_TERMS = 12
"""Terms of a sampled document that are printed."""

SAMPLES_PER_ROW = 10

MAX_SAMPLES = 1000
"""Samples that are generated at a time: they are in memory together, and in one image file."""

RECONSTRUCTIONS_PER_ROW = 16

MAX_RECONSTRUCTIONS = 1000
"""Items that are reconstructed at a time. More would not fit into one image file."""


def reconstruct(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="Folder of the index.")],
    paths: options.PathsArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="Image file to write.")] = Path("reconstructions.png"),
    limit: Annotated[int, typer.Option("--limit", help="Maximum number of items.", min=1, max=MAX_RECONSTRUCTIONS)] = 16,
    json: JsonOption = False,
) -> None:
    """Reconstruct items from their codes.

    The image shows originals above and reconstructions below. For a masked autoencoder, a row between them shows the masked
    input. For documents, the terms with the highest weights are printed instead.
    """
    from aesearch.analysis.reconstructions import reconstruct as reconstruct_items
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(index, encoder_only=False)
    if retriever.kind == "images":
        output_path(out, IMAGE_ENDINGS, "--out", paths)
        protect_items(out, "--out", retriever)
    results = list(islice(reconstruct_items(retriever, _read_items(retriever, paths)), limit))
    if not results:
        raise NoItems(f"no item could be read in {', '.join(map(str, paths))}; give other files")
    rows: list[dict[str, Any]] = [{"id": result.id, "squared_error": round(result.squared_error, 3)} for result in results]
    if retriever.kind == "images":
        _save_reconstructions(results, out)
    else:
        for row, result in zip(rows, results, strict=True):
            row["terms"] = " ".join(result.original[:MAX_TERMS])
            row["reconstructed_terms"] = " ".join(result.reconstructed[:MAX_TERMS])
    if json:
        print_json(rows)
    else:
        print_table([name.replace("_", " ") for name in rows[0]], [list(row.values()) for row in rows])


def _read_items(retriever: Retriever, paths: Sequence[Path]) -> Iterator[Item]:
    """Yield the items of files and folders, and report what is skipped; raise WrongKind if they do not suit the index."""
    for path in paths:
        files = retriever.read_items(path)
        yield from files
        print_unread(files)


def _save_reconstructions(results: Sequence[Reconstruction], path: Path) -> None:
    """Write originals, masked inputs if there are any, and reconstructions as the rows of one image."""
    from aesearch.report.contact_sheet import draw_grid

    rows = []
    for start in range(0, len(results), RECONSTRUCTIONS_PER_ROW):
        columns = results[start : start + RECONSTRUCTIONS_PER_ROW]
        rows.append([result.original for result in columns])
        if results[0].masked_input is not None:
            rows.append([result.masked_input for result in columns])
        rows.append([result.reconstructed for result in columns])
    save_image(draw_grid(rows), path)
    print_status(f"wrote originals (above) and reconstructions (below) to {escape(path)}")


def denoise(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A noisy image, or a folder of them.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the denoised images.")],
    index: IndexOption = None,
) -> None:
    """Denoise images with the autoencoder of an index.

    An index made with "--coder denoising" works best. The denoised images have the size on which the autoencoder was
    trained, and keep their names, with .png appended. Existing files are not overwritten.
    """
    from aesearch.analysis.reconstructions import reconstruct as reconstruct_items
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(choose_index(index, "images"), encoder_only=False)
    if retriever.kind != "images":
        raise WrongKind(f"only images can be denoised, but this index holds {retriever.kind}; choose another (--index)")
    n_images = 0
    for result in reconstruct_items(retriever, _read_items(retriever, [path])):
        target = out / f"{result.id.replace('#', '-')}.png"
        if target.exists():
            raise InvalidParameter(f"{target} already exists; choose another folder (--out)")
        target.parent.mkdir(parents=True, exist_ok=True)
        result.reconstructed.save(target)
        n_images += 1
    if not n_images:
        raise NoItems(f"no image could be read in {path}; give another file or folder")
    typer.echo(f"wrote {count(n_images, 'image')} to {escape(out)}")


def sample(
    index: IndexOption = None,
    n_items: Annotated[int, typer.Option("-n", "--count", help="Number of items.", min=1, max=MAX_SAMPLES)] = 20,
    seed: Annotated[int, typer.Option("--seed", help="Random seed; the same seed gives the same items.")] = 0,
    between: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--between", help="Two files to interpolate between, instead of random items.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Image file to write.")] = Path("samples.png"),
) -> None:
    """Generate new items with a variational autoencoder.

    New images are drawn into one image file; of new documents, the terms with the highest weights are printed. --between
    interpolates between two items instead, and works with any autoencoder, but not with --bits.
    """
    from aesearch.analysis.reconstructions import interpolate, sample_items
    from aesearch.index.retriever import Retriever

    retriever = Retriever.load(choose_index(index), encoder_only=False)
    if retriever.kind == "images":
        output_path(out, IMAGE_ENDINGS, "--out", between or ())
        protect_items(out, "--out", retriever)
    if between is None:
        samples = sample_items(retriever, n_items, seed)
    else:
        first, last = map(retriever.read_query, between)
        samples = interpolate(retriever, first, last, n_items)
    if retriever.kind == "images":
        from aesearch.report.contact_sheet import draw_grid

        rows = [samples[start : start + SAMPLES_PER_ROW] for start in range(0, n_items, SAMPLES_PER_ROW)]
        save_image(draw_grid(rows), out)
        typer.echo(f"wrote {count(n_items, 'image')} to {escape(out)}")
    else:
        print_table(["terms"], [[" ".join(terms[:MAX_SAMPLED_TERMS])] for terms in samples])
