"""The commands that edit an index: add, remove, relocate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from aesearch.cli import options
from aesearch.cli.options import IndexOption, choose_index
from aesearch.cli.output import count_items, escape, print_file_warnings, print_skipped, print_status
from aesearch.errors import count


def add(
    paths: options.PathsArgument,
    index: IndexOption = None,
) -> None:
    """Add files from anywhere to an index.

    The items are encoded by the coder of the index, which is not trained again. Their ids are their full paths; an item
    that is already in the index is replaced. They stay until they are removed: "aesearch index" only reads its own folder.
    They are read with the options that the index was built with, such as --encoding and --text-field.
    """
    from aesearch.index.update import add_paths

    folder = choose_index(index)
    report = add_paths(folder, paths)
    print_skipped(report.skipped)
    print_file_warnings(report.file_warnings)
    typer.echo(f"added {count_items(report.changed, report.kind)} to {escape(folder)}, which now holds {report.items:,}")


def remove(
    ids: Annotated[list[str], typer.Argument(metavar="ID", help='Ids, as "aesearch query" prints them.')],
    index: IndexOption = None,
) -> None:
    """Remove items from an index by their ids.

    An item whose file is still in the indexed folder is added again by the next "aesearch index".
    """
    from aesearch.index.update import remove_ids

    folder = choose_index(index)
    report = remove_ids(folder, ids)
    typer.echo(f"removed {count(report.changed, 'item')} from {escape(folder)}, which now holds {report.items:,}")


def relocate(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Old folder of the files.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="New folder of the files.")],
    index: IndexOption = None,
) -> None:
    """Tell an index that its files were moved to another folder.

    Nothing is read or encoded again. OLD is the folder that was indexed, one above it, or a folder of added files.
    """
    from aesearch.index.update import relocate as relocate_index

    folder = choose_index(index)
    report = relocate_index(folder, old, new)
    if report.missing:
        print_status(f"warning: {count(report.missing, 'file')} of the index cannot be found in {escape(new)}")
    typer.echo(f"relocated {count(report.relocated, 'item')} of {escape(folder)} to {escape(new)}")
