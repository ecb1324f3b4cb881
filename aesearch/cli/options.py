"""What the commands share: the app that they belong to, options that several have, and how their words are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aesearch.errors import WrongKind
from aesearch.items import Item, ItemKind

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever

# Heavy parts (NumPy, FAISS, torch) are imported inside the commands, so that --help answers at once.

app = typer.Typer(
    help="Similarity search that learns from your own pictures and documents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

IndexOption = Annotated[
    Path | None, typer.Option("--index", envvar="AESEARCH_INDEX", help="Folder of the index.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ThumbnailsOption = Annotated[
    Literal["auto", "kitty", "iterm2", "sixel", "none"],
    typer.Option(
        "--thumbnails",
        envvar="AESEARCH_THUMBNAILS",
        help="Show pictures in the terminal, by this protocol; auto: by the one it is known for, if any.",
    ),
]
KindOption = Annotated[ItemKind | None, typer.Option("--kind", help="What to read; else whichever PATH holds more of.")]
TextField = Annotated[str, typer.Option("--text-field", help="Field of a table's rows that holds the text.")]
IdField = Annotated[str, typer.Option("--id-field", help="Field that holds a row's id.")]
LabelField = Annotated[str, typer.Option("--label-field", help="Field that holds a row's label.")]


def interrupt(number: int, frame: object) -> None:
    """Ends the run, as Python does of itself; and where a library swallows that, the next step of the work does."""
    global _interrupted
    _interrupted = True
    raise KeyboardInterrupt


def interruptible(watch: Callable[[Any], None]) -> Callable[[Any], None]:
    """`watch`, which raises KeyboardInterrupt once there was an interrupt."""

    def step(progress: Any) -> None:
        if _interrupted:
            raise KeyboardInterrupt
        watch(progress)

    return step


_interrupted = False


def given(**options: Any) -> dict[str, Any]:
    """The options that were named on the command line."""
    return {name: value for name, value in options.items() if value is not None}


def sizes(numbers: str | None) -> tuple[int, ...] | None:
    """`128,64` as (128, 64)."""
    if numbers is None:
        return None
    try:
        return tuple(int(number) for number in numbers.split(",") if number.strip())
    except ValueError:
        raise typer.BadParameter(f'"{numbers}" is not a list of whole numbers such as 128,64') from None


def read(retriever: Retriever, path: Path) -> Iterator[Item]:
    """The items of a file or folder, as the index wants them; what is left out is said.  Raises WrongKind."""
    from aesearch.cli.output import say_skipped
    from aesearch.readers.folder import read_files

    files = read_files(path)
    if files.kind != retriever.kind:
        raise WrongKind(f"{path} holds {files.kind}, and this index is of {retriever.kind}; ask another")
    yield from files.with_image_size(retriever.features.image_size)
    say_skipped(files.skipped)
