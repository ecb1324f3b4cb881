"""The demo: handwritten digits and Python's own documentation. Both come with the dependencies.

It writes the data as folders of files, indexes each with an autoencoder and with the corresponding baseline, runs some
queries, and compares the results on held-out items.
"""

from __future__ import annotations

import ast
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aesearch.analysis.evaluation import evaluate
from aesearch.cli.output import escape, print_hits, print_status, print_table
from aesearch.cli.progress import show_progress
from aesearch.errors import InvalidParameter, count
from aesearch.index.retriever import Retriever
from aesearch.readers.folder import read_files

HOLD_OUT_INTERVAL = 5
"""Every item with a number divisible by this is held out as a query."""

MIN_CHARACTERS = 100
"""Shorter documents are not part of the demo."""

MIN_DOCUMENTS_PER_MODULE = 8
"""Modules with fewer documents are not part of the demo."""

FOLDERS = ("digits", "documentation", "indexes")
QUERY_TEXT = "parse a date"

INDEXES = (  # name, collection, coder, code size
    ("digits", "digits", "neighbors", 8),
    ("digits-pca", "digits", "pca", 8),
    ("documentation", "documentation", "neighbors", 32),
    ("documentation-lsa", "documentation", "lsa", 32),
)


def run_demo(folder: Path) -> None:
    """Write the data to a folder, index it, query it, and compare the coders.

    Raises
    ------
    InvalidParameter
        If the folder holds other files.
    """
    _check_folder(folder)
    digits, documentation, indexes = (folder / name for name in FOLDERS)
    print(f"{count(write_digit_images(digits), 'handwritten digit')} in {escape(digits)}, one PNG file each")
    print(f"{write_documentation_texts(documentation):,} texts of Python's documentation in {escape(documentation)}\n")

    rows = [_index_and_evaluate(folder, *index) for index in INDEXES]

    digit = min((digits / "test" / "3").iterdir())
    print(f"The digits most similar to {escape(digit)} (labels are used only for evaluation):")
    print_hits(Retriever.load(indexes / "digits").query(digit, k=5), "table")
    print(f'\nThe documentation most similar to the text "{QUERY_TEXT}":')
    print_hits(Retriever.load(indexes / "documentation").query(QUERY_TEXT, k=5), "table")

    print("\nHeld-out queries on each index, for the autoencoder and the baseline with the same code size:")
    print_table(
        ("collection", "coder", "code size", "1-NN accuracy", "precision@10", "mAP@1000", "score", "training (s)"),
        rows,
    )
    print("\nTry next:")
    print(f"  aesearch query {digit} --index {indexes / 'digits'}")
    print(f'  aesearch query --text "open a compressed file" --index {indexes / "documentation"}')
    print(f"  aesearch info --index {indexes / 'documentation'}")
    print("  aesearch index PATH          a folder of your own photos or documents")


def _check_folder(folder: Path) -> None:
    """Raise InvalidParameter if a folder holds files that do not belong to the demo."""
    foreign = [path.name for path in folder.iterdir() if path.name not in FOLDERS] if folder.is_dir() else []
    if foreign:
        raise InvalidParameter(
            f"cannot write the demo to {folder}: the folder holds other files, such as {foreign[0]}; "
            "choose another folder (--folder)"
        )


def _index_and_evaluate(folder: Path, name: str, collection: str, coder: str, code_size: int) -> list[object]:
    """Index a collection with a coder, and return the measures on its held-out items as a row of the final table."""
    data = folder / collection
    print_status(f"indexing {escape(data)} with the coder {coder}")
    with show_progress() as on_progress:
        retriever = Retriever.build(data / "train", coder=coder, code_size=code_size, on_progress=on_progress)
        retriever.save(folder / "indexes" / name)
    found = evaluate(retriever, read_files(data / "test"), ks=(1, 10))
    measures = (found.precision[1], found.precision[10], found.mean_average_precision, found.score and found.score.value)
    formatted = ["" if measure is None else f"{measure:.3f}" for measure in measures]
    return [collection, coder, code_size, *formatted, f"{retriever.record.seconds['train']:.1f}"]


def write_digit_images(folder: Path) -> int:
    """Write scikit-learn's digits, 8 x 8 pixels, as `folder/{train,test}/DIGIT/NUMBER.png`. Return the number of images."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        target = folder / _subset(number) / str(label)
        target.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * (255 / 16)).astype(np.uint8)).save(target / f"{number:04d}.png")
    return len(digits.target)


def write_documentation_texts(folder: Path) -> int:
    """Write Python's documentation as `folder/{train,test}/MODULE/NAME.txt`. Return the number of texts.

    A text is a topic of the language reference that pydoc knows (module "topics"), or the docstring of a public class or
    function of the standard library. Modules are parsed, not imported.
    """
    from pydoc_data.topics import topics

    count = 0
    for module, documents in [("topics", dict(topics)), *_standard_library()]:
        for number, (name, text) in enumerate(sorted(documents.items())):
            target = folder / _subset(number) / module
            target.mkdir(parents=True, exist_ok=True)
            (target / f"{name}.txt").write_text(text, encoding="utf-8")
            count += 1
    return count


def _subset(number: int) -> str:
    """Return whether the item with a number is for training or held out."""
    return "test" if number % HOLD_OUT_INTERVAL == 0 else "train"


def _standard_library() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the modules and packages of the standard library that have enough documentation, with their texts by name."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).iterdir()):
        if path.name.startswith(("_", "test", "idlelib", "site-packages", "lib2to3")):
            continue
        sources = sorted(path.glob("*.py")) if path.is_dir() else [path] if path.suffix == ".py" else []
        documents: dict[str, str] = {}
        for source in sources:
            documents |= dict(_docstrings(ast.parse(source.read_text(encoding="utf-8"))))
        if len(documents) >= MIN_DOCUMENTS_PER_MODULE:
            yield path.stem, documents


def _docstrings(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the name and the docstring of each documented public class, method and function."""
    for name, node in _public_definitions("", module.body):
        text = ast.get_docstring(node) or ""
        if len(text) >= MIN_CHARACTERS:
            yield name, f"{name}\n\n{text}"


def _public_definitions(prefix: str, body: list[ast.stmt]) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    """Yield public classes, their methods, and functions, with their qualified names."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _public_definitions(f"{node.name}.", node.body)
