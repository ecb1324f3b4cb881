"""The command line: each command resolves its words, makes one call, prints.  Only this file prints errors and exits."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aesearch import __version__
from aesearch.catalog import CODERS, DEFAULT_CODER, DEFAULT_FEATURES, FEATURES, look_up, reader_of
from aesearch.errors import AesearchError, BadSetting, NothingToIndex, WrongKind
from aesearch.home import default_index, newest_index
from aesearch.items import Item, Kind

if TYPE_CHECKING:
    from aesearch.retriever import Retriever

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
KindOption = Annotated[Kind | None, typer.Option("--kind", help="What to read; else whichever PATH holds more of.")]
TextField = Annotated[str, typer.Option("--text-field", help="Field of a table's rows that holds the text.")]
IdField = Annotated[str, typer.Option("--id-field", help="Field that holds a row's id.")]
LabelField = Annotated[str, typer.Option("--label-field", help="Field that holds a row's label.")]


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
    rebuild: Annotated[bool, typer.Option(help="Train anew, and replace the index that is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Index the pictures, documents or vectors in PATH; run again to bring the index up to date.

    Files that cannot be read are skipped and named.  The index goes to indexes/NAME OF PATH (AESEARCH_HOME moves that
    home) unless --index says otherwise.  Memory is bounded by the training sample of 60,000 items, not by the collection.
    """
    from aesearch.locking import writing
    from aesearch.manifest import FILE, check_place
    from aesearch.printing import print_report, say
    from aesearch.readers.folder import read_files
    from aesearch.readers.tables import Fields

    files = read_files(path, kind=kind, fields=Fields(text_field, id_field, label_field))
    folder = index or default_index(path)
    check_place(folder)
    settings = _given(
        epochs=epochs,
        budget=_seconds(budget),
        seed=seed,
        device=device,
        noise=noise,
        noise_level=noise_level,
        loss=loss,
        layers=_sizes(layers),
    )
    described = _given(features=features, image_size=image_size, vocabulary=vocabulary)
    learns = _given(coder=coder, code_size=code_size, bits=bits, **described, **settings)
    say(f"{len(files):,} {'file' if len(files) == 1 else 'files'} of {files.kind} in {path}")
    with writing(folder):
        if rebuild or not (folder / FILE).exists():
            its = _features(files.kind, features, image_size, vocabulary)
            report = _build(folder, files, its, coder, code_size, bool(bits), settings)
        elif learns:
            words = ", ".join(f"--{name.replace('_', '-')}" for name in learns)
            raise BadSetting(f"{folder} is trained already, and {words} would train it anew; say so with --rebuild")
        else:
            report = _update(folder, files)
    print_report(report, json)


def _seconds(text: str | None) -> float | None:
    """The seconds that "90", "90s" or "5m" stand for."""
    if text is None:
        return None
    number, unit = (text[:-1], text[-1]) if text[-1:] in ("s", "m") else (text, "s")
    try:
        return float(number) * (60 if unit == "m" else 1)
    except ValueError:
        raise BadSetting(f'budget "{text}" is no time; write 90s or 5m (--budget)') from None


def _build(
    folder: Path, files: Any, features: Any, coder: str | None, code_size: int | None, bits: bool, settings: dict[str, Any]
) -> dict[str, Any]:
    from aesearch.printing import progress, say
    from aesearch.retriever import Retriever

    workspace = folder.parent
    workspace.mkdir(parents=True, exist_ok=True)
    with progress() as watch:
        retriever = Retriever.build(
            files,
            features=features,
            coder=coder,
            code_size=code_size,
            bits=bits,
            workspace=workspace,
            watch=watch,
            **settings,
        )
        retriever.save(folder)
    for remark in retriever.record["remarks"]:
        say(remark)
    return _report(folder, retriever, added=len(retriever), updated=0, removed=0)


def _update(folder: Path, files: Any) -> dict[str, Any]:
    from aesearch.printing import progress
    from aesearch.retriever import Retriever

    retriever = Retriever.load(folder)
    root = retriever.record.get("source", {}).get("root")
    if root != str(files.root.resolve()):
        raise BadSetting(f"{folder} was built from {root}; give this one a folder of its own (--index), or --rebuild")
    with progress() as watch:
        changes = retriever.update(files, watch)
        retriever.save(folder)
    return _report(folder, retriever, changes.added, changes.updated, changes.removed)


def _report(folder: Path, retriever: Retriever, added: int, updated: int, removed: int) -> dict[str, Any]:
    """What `index --json` prints."""
    seconds = retriever.record["seconds"]
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


@app.command()
def query(
    what: Annotated[
        str | None, typer.Argument(help="A picture, document or vector (.npy), or - for standard input.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="How many neighbours.", min=1)] = 10,
    text: Annotated[str | None, typer.Option(help="Ask with these words.", show_default=False)] = None,
    rerank: Annotated[bool, typer.Option("--rerank", help="Read the 500 nearest again, and compare all of them.")] = False,
    turned: Annotated[bool, typer.Option("--turned", help="Ask with the picture turned and mirrored too.")] = False,
    within: Annotated[float | None, typer.Option(help="Find all items no further than this instead.", min=0)] = None,
    format: Annotated[Literal["table", "json", "paths"], typer.Option(help="How to print the hits.")] = "table",
    index: IndexOption = None,
) -> None:
    """Find the K items most like WHAT.

    Without --index, the newest index that fits is asked, and named on standard error.  --rerank is slower, and better for
    questions of a few words and for altered copies of photos; --turned finds copies that were turned or mirrored;
    --within 3 finds, in an index of bits, all items of which at most 3 bits differ.
    """
    from aesearch.printing import print_hits, say, shown

    if (what is None) == (text is None):
        raise typer.BadParameter("give either WHAT (a file, or -) or --text WORDS")
    if index is None:
        index, choices = newest_index(_kind_asked(what))
        say(f"asking {shown(index)}" + (f", the newest of {choices} indexes that fit (--index)" if choices > 1 else ""))
    from aesearch.retriever import Retriever

    retriever = Retriever.load(index)
    asked = _item_asked(what, text, retriever)
    if within is not None and (rerank or turned):
        raise typer.BadParameter("--within is by the codes alone; leave out --rerank and --turned")
    hits = retriever.query(asked, k, rerank=rerank, turned=turned) if within is None else retriever.within(asked, within)
    print_hits(hits, format)


def _kind_asked(what: str | None) -> Kind:
    """The kind of a query, by the end of its name; words and standard input are documents."""
    if what is None or what == "-":
        return "documents"
    path = Path(what)
    if not path.exists():
        raise NothingToIndex(f"there is no file {what}; check the spelling, or ask with words by --text")
    entry = reader_of(path)
    if entry is None:
        raise NothingToIndex(f"no reader for {what}; ask with a picture or a document, or with words by --text")
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
        raise NothingToIndex("standard input was empty; pipe a document into it")
    if retriever.kind == "vectors":
        raise WrongKind("standard input was asked of an index of vectors; ask with a .npy file that holds one")
    if retriever.kind == "images":
        import io

        from aesearch.readers.images import DETAIL, decode

        detail = max((DETAIL, *(retriever.features.picture_size or ())))
        return Item("-", decode(io.BytesIO(raw), "standard input", detail))
    from aesearch.readers.text import decode as decode_text

    return Item("-", decode_text(raw, "standard input"))


@app.command()
def info(index: IndexOption = None, json: JsonOption = False) -> None:
    """What an index holds, and how it was made."""
    from aesearch.printing import print_facts, print_json
    from aesearch.retriever import Retriever

    folder = index or newest_index()[0]
    facts = Retriever.load(folder).describe() | {"index": str(folder)}
    if json:
        print_json(facts)
        return
    print_facts(facts)


@app.command()
def add(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, documents, or folders of them, from anywhere.")],
    index: IndexOption = None,
) -> None:
    """Add items to an index, by the coder that it has; one that is there already is encoded anew.

    They go by their full paths, and stay until they are removed: running index again looks at its own folder alone.
    """
    from aesearch.locking import writing
    from aesearch.printing import shown
    from aesearch.retriever import Retriever

    folder = index or newest_index()[0]
    with writing(folder):
        retriever = Retriever.load(folder)
        count = retriever.add(item for path in paths for item in _by_full_path(path, _read(retriever, path)))
        if not count:
            raise NothingToIndex(f"nothing could be read in {', '.join(map(str, paths))}")
        retriever.save(folder)
    typer.echo(f"{count:,} {retriever.kind} added to {shown(folder)}, which holds {len(retriever):,}")


def _by_full_path(path: Path, items: Iterator[Item]) -> Iterator[Item]:
    root = path.resolve() if path.is_dir() else path.resolve().parent
    for item in items:
        yield replace(item, id=str(root / item.id), path=str(root / (item.path or "")))


@app.command()
def remove(
    ids: Annotated[list[str], typer.Argument(help="Ids, as query prints them.")],
    index: IndexOption = None,
) -> None:
    """Remove items from an index, by their ids.  Files of its own folder come back when index is run again."""
    from aesearch.locking import writing
    from aesearch.printing import shown
    from aesearch.retriever import Retriever

    folder = index or newest_index()[0]
    with writing(folder):
        retriever = Retriever.load(folder)
        missing = [id for id in ids if id not in retriever.ledger.rows_of(ids)]
        if missing:
            raise BadSetting(f'there is no "{missing[0]}" in {folder}; ids are what query prints, and nothing was removed')
        retriever.remove(ids)
        retriever.save(folder)
    typer.echo(f"{len(set(ids)):,} removed from {shown(folder)}, which holds {len(retriever):,}")


@app.command()
def verify(index: IndexOption = None) -> None:
    """Compare every byte of an index with what was written, and its codes with its items."""
    from aesearch.printing import shown
    from aesearch.retriever import Retriever

    folder = index or newest_index()[0]
    retriever = Retriever.load(folder)
    retriever.verify()
    typer.echo(f"{shown(folder)} is as it was written: {len(retriever):,} {retriever.kind}")


@app.command()
def doctor(index: IndexOption = None, json: JsonOption = False) -> None:
    """What to know when something is wrong: versions, extras, threads; whether the index opens, and what has changed."""
    from aesearch.analysis.health import examine
    from aesearch.printing import print_json, print_table

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


@app.command()
def evaluate(
    queries: Annotated[
        Path, typer.Option(help="Labelled items that are not in the index: a folder of class folders, a table.")
    ],
    index: IndexOption = None,
    k: Annotated[str, typer.Option("--k", help="Where to take the precision.")] = "1,10,100",
    kind: KindOption = None,
    text_field: TextField = "text",
    id_field: IdField = "id",
    label_field: LabelField = "label",
    json: JsonOption = False,
) -> None:
    """Ask with labelled queries, and count how many neighbours bear the query's label.

    Where no query has a label, only the agreement is measured: how many neighbours the two halves of a query (half of its
    words each, or two croppings) have in common.
    Precision at 1 is the accuracy of the nearest neighbour.  An autoencoder is loaded whole, with torch, so that its
    reconstructions can be measured too.
    """
    from aesearch.analysis.evaluation import evaluate as measure
    from aesearch.printing import print_json, print_measures, say_skipped
    from aesearch.readers.folder import read_files
    from aesearch.readers.tables import Fields
    from aesearch.retriever import Retriever

    files = read_files(queries, kind=kind, fields=Fields(text_field, id_field, label_field))
    retriever = Retriever.load(index or newest_index(files.kind)[0], light=False)
    found = measure(retriever, files, _sizes(k) or ())
    say_skipped(files.skipped)
    if json:
        print_json(found.as_dict())
        return
    print_measures(found.as_dict())


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
    from aesearch.printing import print_json, print_table, say, shown
    from aesearch.retriever import Retriever

    retriever = Retriever.load(index, light=False)
    found = list(islice(give_back(retriever, (item for path in paths for item in _read(retriever, path))), most))
    if not found:
        raise NothingToIndex(f"nothing could be read in {', '.join(map(str, paths))}")
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
    """Write each picture as the autoencoder of an index gives it back, at the size that it learnt.

    Best by an index made with --coder denoising.  The pictures keep their names, with .png at the end; what is in OUT
    already is not overwritten.
    """
    from aesearch.analysis.reconstructions import reconstruct as give_back
    from aesearch.printing import shown
    from aesearch.retriever import Retriever

    retriever = Retriever.load(index or newest_index("images")[0], light=False)
    if retriever.kind != "images":
        raise WrongKind(f"only pictures can be restored, and this index is of {retriever.kind}; name another (--index)")
    count = 0
    for each in give_back(retriever, _read(retriever, path)):
        target = out / f"{each.id.replace('#', '-')}.png"
        if target.exists():
            raise BadSetting(f"{target} is there already; name another folder (--out)")
        target.parent.mkdir(parents=True, exist_ok=True)
        each.reconstructed.save(target)
        count += 1
    if not count:
        raise NothingToIndex(f"no picture could be read in {path}")
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
    from aesearch.printing import print_table, shown
    from aesearch.retriever import Retriever

    retriever = Retriever.load(index or newest_index()[0], light=False)
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


def _read(retriever: Retriever, path: Path) -> Iterator[Item]:
    """The items of a file or folder, as the index wants them; what is left out is said.  Raises WrongKind."""
    from aesearch.printing import say_skipped
    from aesearch.readers.folder import read_files

    files = read_files(path)
    if files.kind != retriever.kind:
        raise WrongKind(f"{path} holds {files.kind}, and this index is of {retriever.kind}; ask another")
    yield from files.sized(retriever.features.picture_size)
    say_skipped(files.skipped)


@app.command()
def coders(json: JsonOption = False) -> None:
    """The coders that --coder takes."""
    from aesearch.printing import print_json, print_table

    rows = [
        {
            "coder": name,
            "for": " and ".join(entry.kinds),
            "default for": " and ".join(kind for kind, usual in DEFAULT_CODER.items() if usual == name),
            "what it is": entry.summary,
        }
        for name, entry in CODERS.items()
    ]
    if json:
        print_json(rows)
    else:
        print_table(list(rows[0]), [list(row.values()) for row in rows])


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where to lay out the example; made if it is not there.")] = Path(
        "aesearch-demo"
    ),
) -> None:
    """Index real handwritten digits and real documentation, ask both, and compare with PCA and LSA."""
    from aesearch.demo import run

    run(folder)


@app.callback(invoke_without_command=True)
def top(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


def _given(**options: Any) -> dict[str, Any]:
    """The options that were named on the command line."""
    return {name: value for name, value in options.items() if value is not None}


def _sizes(numbers: str | None) -> tuple[int, ...] | None:
    """`128,64` as (128, 64)."""
    if numbers is None:
        return None
    try:
        return tuple(int(number) for number in numbers.split(",") if number.strip())
    except ValueError:
        raise typer.BadParameter(f'"{numbers}" is not a list of whole numbers such as 128,64') from None


def _features(kind: Kind, name: str | None, image_size: int | None, vocabulary: int | None) -> Any:
    """The features asked for.  Raises UnknownName, and BadSetting for features or an option of another kind."""
    model = name if name is not None and name.endswith(".onnx") else None
    name = "pretrained" if model else name or DEFAULT_FEATURES[kind]
    entry = look_up(FEATURES, "features", name)
    if kind not in entry.kinds:
        raise BadSetting(
            f"features {name} are for {' and '.join(entry.kinds)}, not for {kind}; leave them out (--features)"
        )
    for option, value, its in (("--image-size", image_size, "pixels"), ("--vocabulary", vocabulary, "words")):
        if value is not None and name != its:
            raise BadSetting(f"{option} is for {its}, not for {kind} as {name}; leave it out")
    if name == "pretrained":
        return entry.load()(kind, model)
    return entry.load()(**_given(size=image_size, vocabulary=vocabulary))


def main() -> None:
    """Runs the command line: 0 done, 1 an error in one sentence, 2 wrong usage, 130 interrupted."""
    # Pillow's remarks on odd files: what it could not mend is skipped, and said with its reason.
    warnings.filterwarnings("ignore", module="PIL")
    try:
        app()
    except AesearchError as error:
        _fail(str(error))
    except BrokenPipeError:  # whoever read the output has left; what is still buffered must not raise again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _fail(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
    except KeyboardInterrupt:
        print("interrupted; an index that was there is as it was", file=sys.stderr)
        sys.exit(130)


def _fail(sentence: str) -> None:
    from aesearch.printing import shown

    print(f"aesearch: {shown(sentence)}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
