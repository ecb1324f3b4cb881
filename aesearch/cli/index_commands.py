"""The command that creates and updates an index."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aesearch.catalog import DEFAULT_CODERS, DEFAULT_FEATURES, FEATURES, lookup
from aesearch.cli import options
from aesearch.cli.options import JsonOption, table_fields
from aesearch.cli.output import (
    count_items,
    describe_drift,
    escape,
    print_file_warnings,
    print_json,
    print_skipped,
    print_status,
)
from aesearch.cli.param_types import collect_params
from aesearch.cli.parsing import drop_missing, parse_budget, parse_sizes
from aesearch.cli.progress import show_progress
from aesearch.errors import CorruptIndex, InvalidParameter, NoIndex, NoItems, TooManyRemovals, count
from aesearch.index.locations import MANIFEST_FILE, default_index
from aesearch.items import ItemKind

if TYPE_CHECKING:
    from aesearch.features.base import Features
    from aesearch.index.record import BuildRecord
    from aesearch.index.reports import IndexReport
    from aesearch.readers.folder import FileCollection

WATCH_WAIT_SECONDS = 3600.0
"""How long `index --watch` waits for another process that is writing the index."""

PART_OPTIONS = ("bits", "rebuild", "retrain", "allow_removals", "wait_seconds")
"""Options that also apply to the other kind of items in a folder. Coders and their parameters suit one kind."""

LISTED_IN_JSON = "; --json lists them all"

AllowRemovalsOption = Annotated[
    bool, typer.Option("--allow-removals", help="Remove items even if they are more than half of the index.")
]


def index(
    path: options.PathArgument,
    index: options.NewIndexOption = None,
    coder: options.CoderOption = None,
    code_size: options.CodeSizeOption = None,
    bits: options.BitsOption = None,
    store: options.StoreOption = None,
    passages: options.PassagesOption = None,
    set_: options.SetOption = None,
    epochs: options.EpochsOption = None,
    rounds: options.RoundsOption = None,
    budget: options.BudgetOption = None,
    seed: options.SeedOption = None,
    device: options.DeviceOption = None,
    layers: options.LayersOption = None,
    noise: options.NoiseOption = None,
    noise_level: options.NoiseLevelOption = None,
    loss: options.LossOption = None,
    features: options.FeaturesOption = None,
    image_size: options.ImageSizeOption = None,
    vocabulary_size: options.VocabularySizeOption = None,
    kind: options.KindOption = None,
    text_field: options.TextFieldOption = None,
    id_field: options.IdFieldOption = None,
    label_field: options.LabelFieldOption = None,
    label_separator: options.LabelSeparatorOption = None,
    metadata: options.MetadataOption = None,
    encoding: options.EncodingOption = None,
    include: options.IncludeOption = None,
    exclude: options.ExcludeOption = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Train with these options and replace the index.")] = False,
    retrain: Annotated[bool, typer.Option("--retrain", help="Train the same coder again on the current items.")] = False,
    allow_removals: AllowRemovalsOption = False,
    watch: Annotated[bool, typer.Option("--watch", help="Keep watching PATH and update the index after changes.")] = False,
    json: JsonOption = False,
) -> None:
    """Index the images, documents or vectors in PATH.

    The first run trains a model; later runs read only what has changed, and an interrupted run resumes.
    """
    folder, fields = index or default_index(path), (text_field, id_field, label_field, label_separator, metadata)
    training = {"epochs": epochs, "rounds": rounds, "budget": parse_budget(budget), "seed": seed, "device": device}
    network = {"layers": parse_sizes(layers, "--layers"), "noise": noise, "noise_level": noise_level, "loss": loss}
    params = collect_params([coder] if coder else DEFAULT_CODERS.values(), set_, training | network)
    read = partial(_read_files, path, folder, fields, kind, encoding, (include, exclude))
    files = read(is_update=(is_update := (folder / MANIFEST_FILE).exists() and not (rebuild or retrain)))
    model: dict[str, Any] = {"coder": coder, "code_size": code_size, "bits": bits, "store": store, "passages": passages}
    model |= {"features": _create_features(files.kind, features, image_size, vocabulary_size), "params": params or None}
    model |= {"rebuild": rebuild, "retrain": retrain, "allow_removals": allow_removals}
    _index_and_follow(path, folder, files, model, read if watch else None, json, kind is None, may_drift=is_update)


def _read_files(
    path: Path,
    folder: Path,
    fields: tuple[str | None, str | None, list[str] | None, str | None, str | None],
    kind: ItemKind | None,
    encoding: str | None,
    patterns: tuple[list[str] | None, list[str] | None],
    *,
    is_update: bool = True,
) -> FileCollection:
    """Return the items in `path`. If there is an index of them in `folder`, they are read as it has read them.

    Raises
    ------
    InvalidParameter
        If an update would read new files differently from those in the index.
    """
    from aesearch.readers.folder import read_files

    record = _existing_record(folder, path)
    source = record.source if record else None
    chosen = table_fields(*fields, source.fields if source else None)
    if is_update and source and chosen != source.fields:
        raise InvalidParameter(
            f"cannot read {path} with other fields: {folder} is already built; leave out the options, or add --rebuild"
        )
    files = read_files(
        path,
        kind=kind or (record.kind if record else None),
        fields=chosen,
        encoding=encoding or (source.encoding if source else None),
        include=patterns[0] or (source.include if source else ()),
        exclude=patterns[1] or (source.exclude if source else ()),
        start_workers=not is_update,
    )
    print_status(f"found {count(len(files), 'file')} of {files.kind} in {escape(path)}")
    return files


def _existing_record(folder: Path, path: Path) -> BuildRecord | None:
    """Return the record of the index in `folder` if it was built from `path`, otherwise None."""
    from aesearch.index.manifest import read_manifest
    from aesearch.index.record import BuildRecord

    try:
        record = BuildRecord.from_dict(read_manifest(folder, max_checked_bytes=0)["record"])
    except (NoIndex, CorruptIndex, KeyError, TypeError):
        return None  # an update gets the error when it opens the index; a rebuild needs no record
    root = path if path.is_dir() else path.parent
    return record if record.source and record.source.root == str(root.resolve()) else None


def _create_features(
    kind: ItemKind, name: str | None, image_size: int | None, vocabulary_size: int | None
) -> Features | None:
    """Return the features that the options describe, or None if no option was given.

    Raises
    ------
    UnknownName
        If there are no such features.
    InvalidParameter
        If the features or an option are for another kind of items.
    """
    if name is None and image_size is None and vocabulary_size is None:
        return None
    model = name if name is not None and name.endswith(".onnx") else None
    name = "pretrained" if model else name or DEFAULT_FEATURES[kind]
    entry = lookup(FEATURES, "features", name)
    if kind not in entry.kinds:
        raise InvalidParameter(
            f'features "{name}" are for {" and ".join(entry.kinds)}, not for {kind}; choose others (--features), or none'
        )
    for option, value, owner in (
        ("--image-size", image_size, "pixels"),
        ("--vocabulary-size", vocabulary_size, "bag-of-words"),
    ):
        if value is not None and name != owner:
            raise InvalidParameter(f'{option} is an option of the features "{owner}", not of "{name}"; remove it')
    arguments = (kind, model) if name == "pretrained" else ()
    created: Features = entry.load()(*arguments, **drop_missing(size=image_size, vocabulary_size=vocabulary_size))
    return created


def _index(folder: Path, files: FileCollection, all_kinds: bool, **index_options: Any) -> IndexReport:
    """Create or update an index, and those of other kinds of items in the folder, and show the progress."""
    from aesearch.index.parts import other_parts
    from aesearch.index.update import index_files

    with show_progress() as on_progress:
        report = index_files(folder, files, on_progress=on_progress, **index_options)
    if not all_kinds:
        return report
    jobs = {name: index_options[name] for name in PART_OPTIONS if name in index_options}
    parts = []
    for part in other_parts(folder, files):
        print_status(f"found {count(len(part.files), 'file')} of {part.files.kind}, too")
        try:
            with show_progress() as on_progress:
                parts.append(index_files(part.folder, part.files, on_progress=on_progress, **jobs))
        except NoItems as error:  # unreadable documents must not cost the images, nor the other way round
            print_status(f"warning: the {part.files.kind} were not indexed: {escape(error)}")
    return report.with_parts(parts)


def _index_or_ask(folder: Path, files: FileCollection, all_kinds: bool, **index_options: Any) -> IndexReport:
    """Create or update an index. If most items would be removed, ask for permission in a terminal, otherwise fail."""
    try:
        return _index(folder, files, all_kinds, **index_options)
    except TooManyRemovals as error:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        print_status(escape(error))
        if not typer.confirm(f"Remove {error.n_removed:,} of {count(error.n_items, 'item')}?", default=False, err=True):
            raise typer.Exit(1) from None
    return _index(folder, files, all_kinds, **index_options | {"allow_removals": True})


def _index_and_follow(
    path: Path,
    folder: Path,
    files: FileCollection,
    model: dict[str, Any],
    read: Callable[[], FileCollection] | None,
    as_json: bool,
    all_kinds: bool,
    *,
    may_drift: bool,
) -> None:
    """Create or update an index and print the result. If `read` is given, update it after every change in `path`."""
    _print_report(_index_or_ask(folder, files, all_kinds, **model), as_json, may_drift=may_drift)
    if read is not None:
        _follow(path, folder, read, as_json, all_kinds, allow_removals=model["allow_removals"])


def _follow(
    path: Path,
    folder: Path,
    read: Callable[[], FileCollection],
    as_json: bool,
    all_kinds: bool,
    *,
    allow_removals: bool,
) -> None:
    """Update the index after every change in `path`, until interrupted."""
    from aesearch.readers.watch import watch_folder

    print_status(f"watching {escape(path)}; stop with Ctrl-C")
    for _ in watch_folder(path, folder):
        try:
            report = _index(folder, read(), all_kinds, wait_seconds=WATCH_WAIT_SECONDS, allow_removals=allow_removals)
        except (NoItems, TooManyRemovals) as error:  # perhaps only for a moment, while files are moved
            print_status(f"{escape(error)}; still watching")
            continue
        if any(part.has_changes for part in (report, *report.parts)):
            _print_report(report, as_json, may_drift=True)


def _warn_about_drift(folder: Path) -> None:
    """Print a warning if the coder suits the items added since its training less than those it was trained on."""
    from aesearch.analysis.drift import measure_drift
    from aesearch.index.retriever import Retriever

    if warning := describe_drift(measure_drift(Retriever.load(folder))):
        print_status(f"warning: {warning}")


def _print_report(report: IndexReport, as_json: bool, *, may_drift: bool) -> None:
    """Print the result of indexing to standard output, and warnings and skipped files to standard error."""
    if as_json:
        print_json(report.as_dict())
    for part in (report, *report.parts):
        _print_result(part, as_json)
        if may_drift:
            _warn_about_drift(part.folder)


def _print_result(report: IndexReport, as_json: bool) -> None:
    """Print what was read and indexed."""
    if report.resumed_items:
        print_status(f"resumed an interrupted run, which had already read {count(report.resumed_items, 'item')}")
    print_skipped(report.skipped, hint=LISTED_IN_JSON)
    print_file_warnings(report.file_warnings, hint=LISTED_IN_JSON)
    for warning in report.warnings:
        print_status(f"warning: {escape(warning)}")
    if as_json:
        return
    counts = {"added": report.added, "updated": report.updated, "removed": report.removed, "moved": report.moved}
    changes = ", ".join(f"{number:,} {change}" for change, number in counts.items() if number)
    typer.echo(
        f"{count_items(report.items, report.kind)} indexed in {escape(report.folder)} ({changes or 'no changes'}); "
        f"{len(report.skipped):,} skipped; {report.coder}, {count(round(report.bytes_per_item), 'byte')} per item"
    )
    if report.suggestion:
        print_status(escape(report.suggestion))
