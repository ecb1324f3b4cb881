"""The commands that write an index: index, add, remove."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aesearch.catalog import CODERS, DEFAULT_FEATURES, FEATURES, lookup
from aesearch.cli.options import (
    IdField,
    IndexOption,
    JsonOption,
    KindOption,
    LabelField,
    TextField,
    app,
    given,
    interruptible,
    read,
    sizes,
)
from aesearch.errors import InvalidParameter, NoItems
from aesearch.index.locations import default_index, newest_index
from aesearch.items import Item, ItemKind

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever

PATIENCE = 3600.0
"""Seconds to wait for another writer while a folder is watched."""

SAVED_EVERY, SAVED_AT_MOST = 10.0, 20
"""Seconds after which an index is saved while it is brought up to date; and no more often than would take a twentieth."""

NAMED = 3
"""Ids named where a sentence speaks of several items."""


@app.command()
def index(
    path: Annotated[
        Path, typer.Argument(help="A folder, a table (.jsonl, .jsonl.gz, .csv), an image set, or vectors (.npy).")
    ],
    index: IndexOption = None,
    coder: Annotated[str | None, typer.Option(help=f"One of: {', '.join(CODERS)}.", show_default=False)] = None,
    code_size: Annotated[int | None, typer.Option(help="Numbers (or bits) of a code.  [default: 64]")] = None,
    bits: Annotated[bool | None, typer.Option("--bits/--no-bits", help="Keep each number as one bit.")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training sample, or rounds.", show_default=False)
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(help="Time after which no further round of training begins, such as 90s or 5m.  [default: 60s]"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed trains the same model.  [default: 0]")] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"] | None, typer.Option(help="Where to train.  [default: auto]")] = None,
    layers: Annotated[str | None, typer.Option(help="Hidden layers, such as 128,64; channels if convolutional.")] = None,
    noise: Annotated[str | None, typer.Option(help="gaussian, salt-and-pepper, masking or dropout.")] = None,
    noise_level: Annotated[float | None, typer.Option(help="Its deviation or probability.")] = None,
    loss: Annotated[str | None, typer.Option(help="mse, bce, l1 or, for documents, softmax.")] = None,
    features: Annotated[
        str | None, typer.Option(help=f"One of: {', '.join(FEATURES)}; or a pretrained model's .onnx file.")
    ] = None,
    image_size: Annotated[int | None, typer.Option(help="Side that pictures are brought to, in pixels.")] = None,
    vocabulary: Annotated[int | None, typer.Option(help="Words kept at most.  [default: 10000]")] = None,
    kind: KindOption = None,
    text_field: TextField = "text",
    id_field: IdField = "id",
    label_field: LabelField = "label",
    rebuild: Annotated[bool, typer.Option(help="Train anew, as these options say, and replace the index there.")] = False,
    retrain: Annotated[bool, typer.Option(help="Train the same coder anew on what is there now.")] = False,
    watch: Annotated[bool, typer.Option(help="Go on watching PATH, and follow its changes until interrupted.")] = False,
    json: JsonOption = False,
) -> None:
    """Index the pictures, documents or vectors in PATH; run again to bring the index up to date, or to go on where it was
    broken off.

    Files that cannot be read are skipped and named.  The index goes to indexes/NAME OF PATH (AESEARCH_HOME moves that
    home) unless --index says otherwise.  Memory is bounded by the training sample of 60,000 items, not by the collection.
    """
    from aesearch.cli.output import print_report, say
    from aesearch.index.locking import writing
    from aesearch.index.manifest import FILE, check_place
    from aesearch.readers.folder import read_files
    from aesearch.readers.tables import TableFields

    def found(start_workers: bool = False) -> Any:
        return read_files(
            path, kind=kind, fields=TableFields(text_field, id_field, label_field), start_workers=start_workers
        )

    folder = index or default_index(path)
    files = found(start_workers=rebuild or retrain or not (folder / FILE).exists())
    check_place(folder)
    settings = given(
        epochs=epochs,
        budget=_seconds(budget),
        seed=seed,
        device=device,
        noise=noise,
        noise_level=noise_level,
        loss=loss,
        layers=sizes(layers),
    )
    described = given(features=features, image_size=image_size, vocabulary=vocabulary)
    learns = given(coder=coder, code_size=code_size, bits=bits, **described, **settings)
    say(f"{len(files):,} {'file' if len(files) == 1 else 'files'} of {files.kind} in {path}")
    with writing(folder):
        there = (folder / FILE).exists()
        if learns and there and not rebuild:
            words = ", ".join(f"--{name.replace('_', '-')}" for name in learns)
            raise InvalidParameter(f"{folder} is trained already, and {words} would train it anew; say so with --rebuild")
        if retrain and there and not rebuild:
            report = _retrain(folder, files)
        elif rebuild or not there:
            its = _features(files.kind, features, image_size, vocabulary)
            report = _build(folder, files, features=its, coder=coder, code_size=code_size, bits=bool(bits), **settings)
        else:
            report = _update(folder, files)
    print_report(report, json)
    if watch:
        _follow(path, folder, found, json)


def _follow(path: Path, folder: Path, found: Callable[[], Any], json: bool) -> None:
    """Brings the index up to date after each change in `path`."""
    from aesearch.cli.output import print_report, say
    from aesearch.index.locking import writing
    from aesearch.readers.watch import changes

    say(f"watching {path}; end with Ctrl-C")
    for _ in changes(path, folder):
        try:
            with writing(folder, wait=PATIENCE):
                report = _update(folder, found())
        except NoItems as error:  # for now: files may be on their way back
            say(str(error))
            continue
        if any(report[word] for word in ("added", "updated", "removed")):
            print_report(report, json)


def _seconds(text: str | None) -> float | None:
    """The seconds that "90", "90s" or "5m" stand for."""
    if text is None:
        return None
    number, unit = (text[:-1], text[-1]) if text[-1:] in ("s", "m") else (text, "s")
    try:
        return float(number) * (60 if unit == "m" else 1)
    except ValueError:
        raise InvalidParameter(f'budget "{text}" is no time; write 90s or 5m (--budget)') from None


def _build(folder: Path, files: Any, elsewhere: Sequence[Path] = (), **how: Any) -> dict[str, Any]:
    """Builds the index from the files, and adds the items of those that lie `elsewhere`."""
    from aesearch.cli.output import progress, say
    from aesearch.index.retriever import Retriever

    work = _unfinished(folder)
    with progress() as watch:
        retriever = Retriever.build(files, workspace=work, on_progress=interruptible(watch), **how)
        retriever.add(item for path in elsewhere for item in _by_full_path(path, read(retriever, path)))
        retriever.save(folder)
    shutil.rmtree(work)
    if taken_over := retriever.record.resumed_items:
        say(f"{taken_over:,} of the items had been read before indexing was broken off, and were not read again")
    for remark in retriever.record.warnings:
        say(remark)
    return _report(folder, retriever, added=len(retriever), updated=0, removed=0)


def _retrain(folder: Path, files: Any) -> dict[str, Any]:
    """Builds the index anew by the features and the coder that it has; what was added from elsewhere stays in it."""
    from aesearch.catalog import create_coder
    from aesearch.cli.output import say
    from aesearch.index.retriever import Retriever

    old = Retriever.load(folder)
    _check_source(folder, old, files)
    floats = getattr(old.coder, "floats", old.coder)
    elsewhere: set[Path] = set()
    lost: list[str] = []
    for row in old.ledger.all_rows():
        path = Path(row.path or "")
        if row.path is None or (path.is_absolute() and not path.is_file()):
            lost.append(row.id)
        elif path.is_absolute():
            elsewhere.add(path)
    if lost:
        say(f"{len(lost):,} that had been added cannot be read again and are left out: {', '.join(lost[:NAMED])}")
    return _build(
        folder,
        files,
        sorted(elsewhere),
        features=type(old.features)(**old.features.get_params()),
        coder=create_coder(old.coder_name, **floats.get_params()),
        bits=floats is not old.coder,
    )


def _check_source(folder: Path, retriever: Retriever, files: Any) -> None:
    root = retriever.record.source.root
    if root != str(files.root.resolve()):
        raise InvalidParameter(f"{folder} was built from {root}; give this one a folder of its own (--index), or --rebuild")


def _unfinished(folder: Path) -> Path:
    """Where the work lies while the index in `folder` is built, and is found again if that is broken off."""
    return folder.parent / f".{folder.name}.unfinished"


def _update(folder: Path, files: Any) -> dict[str, Any]:
    from aesearch.analysis.drift import drift
    from aesearch.cli.output import drift_in_words, progress, say
    from aesearch.index.manifest import FILE
    from aesearch.index.retriever import Retriever
    from aesearch.index.workspace import begun

    work = _unfinished(folder)
    if 0 < begun(work) < (folder / FILE).stat().st_mtime:
        shutil.rmtree(work)  # left by a build that was killed once the index was there
    retriever = Retriever.load(folder)
    _check_source(folder, retriever, files)
    with progress() as watch:
        changes = retriever.sync(files, _saving(retriever, folder, interruptible(watch)))
        retriever.save(folder)
    if changes.added or changes.updated:
        for sentence in drift_in_words(drift(retriever)):
            say(sentence)
    return _report(folder, retriever, changes.added, changes.updated, changes.removed)


def _saving(retriever: Retriever, folder: Path, watch: Callable[[Any], None]) -> Callable[[Any], None]:
    """`watch`, which saves the index now and then: an update that is broken off goes on from there."""
    saved, cost = time.monotonic(), 0.0

    def step(progress: Any) -> None:
        nonlocal saved, cost
        watch(progress)
        began = time.monotonic()
        if began - saved >= max(SAVED_EVERY, SAVED_AT_MOST * cost):
            retriever.save(folder)
            saved = time.monotonic()
            cost = saved - began

    return step


def _report(folder: Path, retriever: Retriever, added: int, updated: int, removed: int) -> dict[str, Any]:
    """What `index --json` prints."""
    seconds = retriever.record.seconds
    return {
        "index": str(folder),
        "kind": retriever.kind,
        "items": len(retriever),
        "added": added,
        "updated": updated,
        "removed": removed,
        "skipped": [{"path": path, "reason": reason} for path, reason in retriever.ledger.skipped.items()],
        "coder": retriever.coder_name,
        "code_size": retriever.coder.code_size,
        "bytes_per_item": retriever.store.bytes_per_item,
        "seconds": {stage: round(seconds.get(stage, 0.0), 3) for stage in ("read", "train", "encode", "store")},
    }


def _features(kind: ItemKind, name: str | None, image_size: int | None, vocabulary: int | None) -> Any:
    """The features asked for.  Raises UnknownName, and InvalidParameter for features or an option of another kind."""
    model = name if name is not None and name.endswith(".onnx") else None
    name = "pretrained" if model else name or DEFAULT_FEATURES[kind]
    entry = lookup(FEATURES, "features", name)
    if kind not in entry.kinds:
        raise InvalidParameter(
            f"features {name} are for {' and '.join(entry.kinds)}, not for {kind}; leave them out (--features)"
        )
    for option, value, its in (("--image-size", image_size, "pixels"), ("--vocabulary", vocabulary, "bag-of-words")):
        if value is not None and name != its:
            raise InvalidParameter(f"{option} is for {its}, not for {kind} as {name}; leave it out")
    if name == "pretrained":
        return entry.load()(kind, model)
    return entry.load()(**given(size=image_size, vocabulary=vocabulary))


@app.command()
def add(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, documents, or folders of them, from anywhere.")],
    index: IndexOption = None,
) -> None:
    """Add items to an index, by the coder that it has; one that is there already is encoded anew.

    They go by their full paths, and stay until they are removed: running index again looks at its own folder alone.
    """
    from aesearch.cli.output import shown
    from aesearch.index.locking import writing
    from aesearch.index.retriever import Retriever

    folder = index or newest_index()[0]
    with writing(folder):
        retriever = Retriever.load(folder)
        count = retriever.add(item for path in paths for item in _by_full_path(path, read(retriever, path)))
        if not count:
            raise NoItems(f"nothing could be read in {', '.join(map(str, paths))}")
        retriever.save(folder)
    typer.echo(f"{count:,} {retriever.kind} added to {shown(folder)}, which holds {len(retriever):,}")


def _by_full_path(path: Path, items: Iterator[Item]) -> Iterator[Item]:
    root = path.resolve() if path.is_dir() else path.resolve().parent
    for item in items:
        file = item.path or ""
        # The rows of a table that was named alone go by their own ids, which those of another may have too.
        id = item.id if item.id == file or item.id.startswith(f"{file}#") else f"{file}#{item.id}"
        yield replace(item, id=str(root / id), path=str(root / file))


@app.command()
def remove(
    ids: Annotated[list[str], typer.Argument(help="Ids, as query prints them.")],
    index: IndexOption = None,
) -> None:
    """Remove items from an index, by their ids.  Files of its own folder come back when index is run again."""
    from aesearch.cli.output import shown
    from aesearch.index.locking import writing
    from aesearch.index.retriever import Retriever

    folder = index or newest_index()[0]
    with writing(folder):
        retriever = Retriever.load(folder)
        missing = [id for id in ids if id not in retriever.ledger.rows_by_id(ids)]
        if missing:
            raise InvalidParameter(
                f'there is no "{missing[0]}" in {folder}; ids are what query prints, and nothing was removed'
            )
        retriever.remove(ids)
        retriever.save(folder)
    typer.echo(f"{len(set(ids)):,} removed from {shown(folder)}, which holds {len(retriever):,}")
