"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from aesearch.catalog import CODERS, FEATURES, STORES, CatalogEntry
from aesearch.cli.parsing import drop_missing
from aesearch.index.locations import choose_newest
from aesearch.items import ItemKind
from aesearch.search.passages import PassageMode

if TYPE_CHECKING:
    from aesearch.readers.tables import TableFields


def complete_from(table: Mapping[str, CatalogEntry]) -> Callable[[str], list[str]]:
    """Return a shell completion that offers the names of a catalog table."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in table if name.startswith(incomplete)]

    return complete


def choose_index(index: Path | None, kind: ItemKind | None = None) -> Path:
    """Return the index given with --index, or else the newest one of a kind. Raises NoIndex or WrongKind."""
    return index or choose_newest(kind).folder


def table_fields(
    text_field: str | None,
    id_field: str | None,
    label_field: list[str] | None,
    label_separator: str | None,
    metadata: str | None = None,
    default: TableFields | None = None,
) -> TableFields:
    """Return the fields to read from tables. Those that are None are taken from `default`."""
    from aesearch.readers.tables import TableFields

    labels = tuple(label_field) if label_field else None
    names = tuple(name.strip() for name in metadata.split(",")) if metadata else None
    chosen = drop_missing(text=text_field, id=id_field, label=labels, label_separator=label_separator, metadata=names)
    return replace(default or TableFields(), **chosen)


PathArgument = Annotated[
    Path,
    typer.Argument(
        metavar="PATH", help="A folder, a table (.jsonl, .jsonl.gz, .csv, .tsv), an image set, or vectors (.npy, .parquet)."
    ),
]

PathsArgument = Annotated[list[Path], typer.Argument(metavar="PATH", help="Images, documents, or folders of them.")]

# The index, and the items to read.
IndexOption = Annotated[
    Path | None,
    typer.Option(
        "--index", envvar="AESEARCH_INDEX", show_default=False, help="Folder of the index.  [default: the newest index]"
    ),
]
NewIndexOption = Annotated[
    Path | None,
    typer.Option(
        "--index",
        envvar="AESEARCH_INDEX",
        show_default=False,
        help="Folder of the index.  [default: indexes/NAME, with the name of PATH]",
    ),
]
KindOption = Annotated[
    ItemKind | None,
    typer.Option(
        "--kind",
        show_default=False,
        help="Kind of items to read.  [default: the kind of an existing index, otherwise the most frequent kind]",
    ),
]
TextFieldOption = Annotated[
    str | None,
    typer.Option("--text-field", show_default=False, help="Column or key of a table that holds the text.  [default: text]"),
]
IdFieldOption = Annotated[
    str | None,
    typer.Option("--id-field", show_default=False, help="Column or key of a table that holds the id.  [default: id]"),
]
LabelFieldOption = Annotated[
    list[str] | None,
    typer.Option(
        "--label-field",
        show_default=False,
        help="Column or key of a table that holds the label. If repeated, a row has the labels of all.  [default: label]",
    ),
]
MetadataOption = Annotated[
    str | None,
    typer.Option(
        "--metadata",
        show_default=False,
        metavar="NAMES",
        help="Fields of table rows that queries are filtered by (query --where), separated by commas.",
    ),
]
LabelSeparatorOption = Annotated[
    str | None,
    typer.Option(
        "--label-separator",
        show_default=False,
        metavar="TEXT",
        help='What separates several labels in one column, such as ";".  [default: a column holds one label]',
    ),
]
EncodingOption = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        show_default=False,
        metavar="NAME",
        help="Encoding of all texts and tables, such as cp1252.  [default: detected for each file]",
    ),
]

IncludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--include", metavar="PATTERN", help="Read only matching files, such as '*.pdf' or 'reports/'; repeat for several."
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude", metavar="PATTERN", help="Skip matching files and folders, such as '*.log'; repeat for several."
    ),
]

# The model and its training.
CoderOption = Annotated[
    str | None,
    typer.Option(
        "--coder",
        show_default=False,
        autocompletion=complete_from(CODERS),
        help='Model that encodes the items; see "aesearch coders".  [default: auto]',
    ),
]
CodeSizeOption = Annotated[
    int | None, typer.Option("--code-size", show_default=False, help="Dimensions, or bits, of a code.  [default: up to 64]")
]
BitsOption = Annotated[
    bool | None,
    typer.Option("--bits/--no-bits", show_default=False, help="Store one bit per dimension instead of a float."),
]
PassagesOption = Annotated[
    PassageMode | None,
    typer.Option(
        "--passages",
        show_default=False,
        help="Split documents into passages, so that a hit names the page or the heading: on, off, or auto for long ones."
        "  [default: auto]",
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        show_default=False,
        autocompletion=complete_from(STORES),
        help=f"Search structure of the codes: {', '.join(STORES)}.  [default: the first that fits the codes]",
    ),
]
EpochsOption = Annotated[int | None, typer.Option("--epochs", show_default=False, help="Passes over the training sample.")]
RoundsOption = Annotated[
    int | None,
    typer.Option("--rounds", show_default=False, help='Maximum number of training rounds of the coder "neighbors".'),
]
BudgetOption = Annotated[
    str | None,
    typer.Option(
        "--budget",
        show_default=False,
        metavar="TIME",
        help="Time after which no further round of training starts, such as 90s or 5m; a safety limit.  [default: 600s]",
    ),
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", show_default=False, help="Random seed; the same seed gives the same model.  [default: 0]"),
]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda"] | None,
    typer.Option("--device", show_default=False, help="Device to train on.  [default: auto]"),
]
LayersOption = Annotated[
    str | None,
    typer.Option(
        "--layers", show_default=False, metavar="SIZES", help="Units or channels of the hidden layers, such as 128,64."
    ),
]
NoiseOption = Annotated[
    str | None,
    typer.Option(
        "--noise",
        show_default=False,
        help="Noise added to the input during training: gaussian, salt-and-pepper, masking or dropout.",
    ),
]
NoiseLevelOption = Annotated[
    float | None,
    typer.Option("--noise-level", show_default=False, help="Standard deviation or probability of the noise."),
]
LossOption = Annotated[
    str | None,
    typer.Option("--loss", show_default=False, help="Training loss: mse, bce, l1 or, for documents, softmax."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        show_default=False,
        metavar="NAME=VALUE",
        help='Set a parameter of the coder; repeatable. "aesearch coders NAME" lists the parameters.',
    ),
]

# The features.
FeaturesOption = Annotated[
    str | None,
    typer.Option(
        "--features",
        show_default=False,
        autocompletion=complete_from(FEATURES),
        help=f"Input of the coder: {', '.join(FEATURES)}, or the .onnx file of a pretrained model.",
    ),
]
ImageSizeOption = Annotated[
    int | None,
    typer.Option("--image-size", show_default=False, help="Width and height to which images are resized, in pixels."),
]
VocabularySizeOption = Annotated[
    int | None,
    typer.Option("--vocabulary-size", show_default=False, help="Maximum number of terms of documents.  [default: 10000]"),
]

# The output.
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
FormatOption = Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="Format of the output.")]
ThumbnailsOption = Annotated[
    Literal["auto", "kitty", "iterm2", "sixel", "none"],
    typer.Option(
        "--thumbnails",
        envvar="AESEARCH_THUMBNAILS",
        help='Protocol for images in the terminal; "auto" is the one that the terminal is known to support, if any.',
    ),
]
