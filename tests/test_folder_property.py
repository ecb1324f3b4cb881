"""Property: an index of any folder accounts for every file, does not change without a reason, and loses only deleted files.

`tests/readers/test_any_folder.py` tests the same of the readers alone.
"""

import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from PIL import Image

from aesearch.index.reports import IndexReport
from aesearch.index.retriever import Retriever
from aesearch.index.update import index_files
from aesearch.items import ItemKind
from aesearch.readers.folder import FileCollection, read_files
from aesearch.readers.workers import WorkerPool

N_BASE_FILES = 4
"""Good files that every folder holds, so that an index can be built."""
CODERS: dict[ItemKind, dict[str, Any]] = {
    "documents": {"coder": "lsa", "code_size": 2},
    "images": {"coder": "pca", "code_size": 2},
}
SENTENCES = (
    "the quick brown fox and the lazy dog", "Übermäßig große Äpfel für Käthe", "съешь ещё этих мягких булок",
    "すべての人間は自由である", "كل الناس أحرار", "हिन्दी भाषा में खोज", "a\x00b", "…", "🙂 \u200d\ufeff",
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252", "cp1251", "cp932")


def image_bytes(seed: int, file_format: str = "PNG") -> bytes:
    """Return an image file of 12 x 9 random pixels."""
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    Image.fromarray(pixels).save(file, file_format)
    return file.getvalue()


IMAGES = [image_bytes(seed, file_format) for seed in range(2) for file_format in ("PNG", "JPEG", "GIF", "TIFF")]
ROWS = "".join(json.dumps({"id": number, "text": text}) + "\n" for number, text in enumerate(SENTENCES)).encode()


texts = st.builds(
    lambda sentences, encoding: "\n".join(sentences).encode(encoding, "ignore"),
    st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=3),
    st.sampled_from(ENCODINGS),
)
whole_files = st.one_of(texts, st.integers(0, len(IMAGES)).map(lambda number: [ROWS, *IMAGES][number]))
truncated_files = st.builds(lambda content, share: content[: int(share * len(content))], whole_files, st.floats(0, 1))
contents = st.one_of(whole_files, whole_files, truncated_files, st.binary(max_size=60))

stems = st.one_of(
    st.sampled_from(
        ["a", "b", "a b", " ", ".hidden", "a#1", "new\nline", "tab\t\x07", "größe", "gro\u0308ße", "日本", "caf\udce9"]
    ),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=6),
)
endings = st.sampled_from([".txt", ".txt", ".html", ".jsonl", ".csv", ".png", ".png", ".jpg", ".pdf", ".npy", ".exe", ""])
file_names = st.builds("{}{}".format, stems, endings)
folder_names = st.one_of(stems, st.sampled_from(["a", "b", "node_modules", "@eaDir", ".git"]))
links = st.builds(
    Path, st.sampled_from([".", "..", "a", "b", "a.txt", "b.png", "base0.txt", "../a", "nowhere", "nowhere/x"])
)
trees = st.recursive(
    st.dictionaries(file_names, st.one_of(contents, contents, contents, links), max_size=5),
    lambda children: st.dictionaries(st.one_of(folder_names, file_names), st.one_of(contents, links, children), max_size=5),
    max_leaves=10,
)

Tree = dict[str, Any]
WriteTree = Callable[[Path, Tree], None]


def entries(folder: Path) -> Iterator[str]:
    """Yield the files and the links below a folder, without following links, as the walk names them."""
    for parent, folders, names in os.walk(folder):
        for name in (*names, *(name for name in folders if Path(parent, name).is_symlink())):
            path = os.path.relpath(os.path.join(parent, name), folder)  # noqa: PTH118
            yield os.fsencode(path).decode("utf-8", "backslashreplace")


class IndexedFolder:
    """A folder with any files, and its index.

    Parameters
    ----------
    root : Path
        Empty folder, for both.
    kind : ItemKind
    pool : WorkerPool
        Workers that read files.
    """

    def __init__(self, root: Path, kind: ItemKind, pool: WorkerPool) -> None:
        # A link may lead to the parent of the files, which must not contain the index.
        self.files, self.index = root / "home" / "files", root / "index"
        self._kind, self._pool = kind, pool

    def write_base_files(self) -> None:
        self.files.mkdir(parents=True)
        for number in range(N_BASE_FILES):
            is_image = self._kind == "images"
            content = image_bytes(100 + number) if is_image else f"{SENTENCES[0]} {SENTENCES[number]}".encode()
            (self.files / f"base{number}{'.png' if is_image else '.txt'}").write_bytes(content)

    def collect(self) -> FileCollection:
        return replace(read_files(self.files, kind=self._kind), _idle_pools=[self._pool])

    def update(self, **params: Any) -> IndexReport:
        report = index_files(self.index, self.collect(), **params)
        Retriever.load(self.index).verify()
        return report

    def content(self) -> tuple[dict[str, Any], ...]:
        """Return items with their codes, files, skips and warnings."""
        retriever = Retriever.load(self.index)
        rows = {row.id: (row, retriever.store.codes(np.array([row.key])).tobytes()) for row in retriever.ledger.all_rows()}
        ledger = retriever.ledger
        return rows, ledger.files(), ledger.skipped, ledger.warnings

    def unaccounted(self) -> list[str]:
        """Return the files that are neither indexed nor skipped: themselves, by a row, or with a folder above them."""
        rows, _, skipped, _ = self.content()
        known = {row.path for row, _ in rows.values()} | skipped.keys() | {name.rpartition("#")[0] for name in skipped}
        below = {"/".join(name.split("/")[:depth]) for name in known for depth in range(1, name.count("/") + 1)}
        missing = []
        for path in entries(self.files):
            parents = {path[:end] for end, character in enumerate(path) if character == "/"}
            if path not in known and not parents & skipped.keys():
                is_empty_link = (self.files / path).is_dir() and not any((self.files / path).iterdir())
                if not is_empty_link and path not in below:
                    missing.append(path)
        return missing


def check_folder(root: Path, tree: Tree, kind: ItemKind, choice: int, pool: WorkerPool, write_tree: WriteTree) -> None:
    folder = IndexedFolder(root, kind, pool)
    folder.write_base_files()
    write_tree(folder.files, tree)
    first = folder.update(**CODERS[kind])
    before = folder.content()
    rows, _, skipped, _ = before
    event(f"{kind}, {'some' if skipped else 'no'} files skipped")
    assert first.items == len(rows) >= N_BASE_FILES
    assert folder.unaccounted() == []
    assert all(skip.reason for skip in skipped.values())
    assert not any("the reader failed" in skip.reason for skip in skipped.values())

    again = folder.update()
    assert (again.added, again.updated, again.removed, again.moved) == (0, 0, 0, 0)
    assert folder.content() == before

    paths = sorted({row.path for row, _ in rows.values()})
    deleted = paths[choice % len(paths)]
    (folder.files / deleted).unlink()
    after = folder.update()
    kept = {id: row for id, row in rows.items() if row[0].path != deleted}
    assert folder.content()[0] == kept
    assert (after.added, after.updated, after.moved, after.removed) == (0, 0, 0, len(rows) - len(kept))
    assert folder.unaccounted() == []


SETTINGS = settings(deadline=None, derandomize=True, database=None)
kinds = st.sampled_from(sorted(CODERS))


@given(tree=trees, kind=kinds, choice=st.integers(0, 100))
@settings(SETTINGS, max_examples=30)
def test_index_accounts_for_any_folder(
    tree: Tree, kind: ItemKind, choice: int, pool: WorkerPool, write_tree: WriteTree
) -> None:
    with tempfile.TemporaryDirectory() as root:
        check_folder(Path(root), tree, kind, choice, pool, write_tree)


@pytest.mark.slow
@given(tree=trees, kind=kinds, choice=st.integers(0, 100))
@settings(SETTINGS, max_examples=400)
def test_index_accounts_for_many_folders(
    tree: Tree, kind: ItemKind, choice: int, pool: WorkerPool, write_tree: WriteTree
) -> None:
    with tempfile.TemporaryDirectory() as root:
        check_folder(Path(root), tree, kind, choice, pool, write_tree)
