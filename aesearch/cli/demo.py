"""The embedded example: real handwritten digits and real documentation, both of which come with the dependencies.

Lays them out as a user's folders of files, indexes each with an autoencoder and with the baseline that it must beat, asks a
few queries, and compares by held-out items.
"""

from __future__ import annotations

import ast
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aesearch.analysis.evaluation import Evaluation, evaluate
from aesearch.cli.output import print_hits, print_table, progress, say, shown
from aesearch.errors import InvalidParameter
from aesearch.index.retriever import Retriever
from aesearch.readers.folder import read_files

EVERY = 5
"""One item in so many is held out as a query."""

LEAST_LETTERS = 100
LEAST_DOCUMENTS = 8
"""Modules with fewer documents, and documents of fewer letters, are left out of the example."""

WORDS = "parse a date"


def run(folder: Path) -> None:
    """Lays out, indexes, asks and compares in `folder`.  Raises InvalidParameter where it holds other files."""
    strange = (
        [path.name for path in folder.iterdir() if path.name not in ("digits", "documentation", "indexes")]
        if folder.is_dir()
        else []
    )
    if strange:
        raise InvalidParameter(f"{folder} holds {strange[0]}, which is not the example's; name another folder (--folder)")
    digits, documentation, indexes = folder / "digits", folder / "documentation", folder / "indexes"
    print(f"{lay_out_digits(digits):,} handwritten digits in {shown(digits)}, one PNG file each")
    print(f"{lay_out_documentation(documentation):,} texts of Python's own documentation in {shown(documentation)}\n")

    found = {}
    for data, coder, code_size, name in (
        (digits, "neighbors", 8, "digits"),
        (digits, "pca", 8, "digits-pca"),
        (documentation, "neighbors", 32, "documentation"),
        (documentation, "lsa", 32, "documentation-lsa"),
    ):
        say(f"indexing {shown(data)} by {coder}")
        with progress() as watch:
            built = Retriever.build(data / "train", coder=coder, code_size=code_size, on_progress=watch)
            built.save(indexes / name)
        asked = evaluate(built, read_files(data / "test"), ks=(1, 10))
        found[data.name, coder, code_size] = asked, built.record.seconds["train"]

    digit = min((digits / "test" / "3").iterdir())
    print(f"The digits most like {shown(digit)} (labels are known only to the evaluation):")
    print_hits(Retriever.load(indexes / "digits").query(digit, k=5), "table")
    print(f'\nThe documentation nearest to the words "{WORDS}":')
    print_hits(Retriever.load(indexes / "documentation").query(WORDS, k=5), "table")

    print("\nHeld-out items asked of each index, the baseline beside the autoencoder at the same code size:")
    print_table(
        ("collection", "coder", "code size", "1-NN accuracy", "precision@10", "mAP@1000", "agreement", "seconds to train"),
        [(*key, *_figures(evaluation), f"{seconds:.1f}") for key, (evaluation, seconds) in found.items()],
    )
    print("\nTry next:")
    print(f"  aesearch query {digit} --index {indexes / 'digits'}")
    print(f'  aesearch query --text "open a compressed file" --index {indexes / "documentation"}')
    print(f"  aesearch info --index {indexes / 'documentation'}")
    print("  aesearch index PATH          a folder of your own photos or documents")


def _figures(found: Evaluation) -> list[str]:
    numbers = [found.precision[1], found.precision[10], found.mean_average_precision, found.agreement]
    return ["" if number is None else f"{number:.3f}" for number in numbers]


def lay_out_digits(folder: Path) -> int:
    """Writes scikit-learn's 8 x 8 digits as `folder/{train,test}/DIGIT/NUMBER.png`.  Returns how many there are."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        place = folder / _half(number) / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * (255 / 16)).astype(np.uint8)).save(place / f"{number:04d}.png")
    return len(digits.target)


def lay_out_documentation(folder: Path) -> int:
    """Writes the standard library's documentation as `folder/{train,test}/MODULE/NAME.txt`.  Returns how many texts.

    A text is pydoc's page on a topic of the language (under `topics`), or what a module says of one of its public classes
    or functions.  Modules are parsed, not imported.
    """
    from pydoc_data.topics import topics

    count = 0
    for module, documents in [("topics", dict(topics)), *_modules()]:
        for number, (name, text) in enumerate(sorted(documents.items())):
            place = folder / _half(number) / module
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{name}.txt").write_text(text, encoding="utf-8")
            count += 1
    return count


def _half(number: int) -> str:
    return "test" if number % EVERY == 0 else "train"


def _modules() -> Iterator[tuple[str, dict[str, str]]]:
    """The documented modules and packages of the standard library, each with its documents by name."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).iterdir()):
        if path.name.startswith(("_", "test", "idlelib", "site-packages", "lib2to3")):
            continue
        sources = sorted(path.glob("*.py")) if path.is_dir() else [path] if path.suffix == ".py" else []
        documents: dict[str, str] = {}
        for source in sources:
            documents |= dict(_documents(ast.parse(source.read_text(encoding="utf-8"))))
        if len(documents) >= LEAST_DOCUMENTS:
            yield path.stem, documents


def _documents(module: ast.Module) -> Iterator[tuple[str, str]]:
    """The name and the documentation of each public class, method and function of the module."""
    for name, node in _public("", module.body):
        text = ast.get_docstring(node) or ""
        if len(text) >= LEAST_LETTERS:
            yield name, f"{name}\n\n{text}"


def _public(prefix: str, body: list[ast.stmt]) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _public(f"{node.name}.", node.body)
