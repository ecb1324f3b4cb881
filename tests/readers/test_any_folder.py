"""Every file of any folder becomes items or is skipped with a reason, and nothing raises."""

import gzip
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from PIL import Image

from aesearch.catalog import READERS
from aesearch.errors import NoItems
from aesearch.items import ITEM_KINDS, Item, ItemKind
from aesearch.readers.folder import FileCollection, read_files
from aesearch.readers.walk import IGNORED_FOLDERS
from aesearch.readers.workers import WorkerPool

WORDS = (
    "plain words", "größer, schöner; «müde»", "съешь же ещё этих мягких булок", "すべての人間は、生れながらにして",
    "كل الناس أحرار", "มนุษย์ทั้งหลายเกิดมา", "\ufffd\u200d\u00ad\ufeff", "a,b;c\td|e", '"quoted', "🙂\r\n🙃",
    "-" * 79,
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be", "cp1252", "cp1251", "cp932", "gb18030", "koi8_r")


def image_bytes(mode: str, file_format: str) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((20, 30), 50).convert(mode).save(file, file_format)
    return file.getvalue()


def npy_bytes() -> bytes:
    file = io.BytesIO()
    np.save(file, np.ones((3, 4), np.float32))
    return file.getvalue()


BINARY = (
    b"", b"\0", b"\xff\xfe", b"PK\x03\x04", b"%PDF-1.4\n", b"\x1f\x8b\x08", b"\xef\xbb\xbf", bytes(range(256)) * 20,
    image_bytes("RGB", "JPEG"), image_bytes("LA", "PNG"), image_bytes("F", "TIFF"), npy_bytes(),
    gzip.compress(b'{"text": "packed words"}\n' * 3), b'id,text\n1,"open\n2,two\n', b"<p>some <b>words</b>",
    bytes([0, 0, 8, 3]) + np.array([2, 2, 2], ">i4").tobytes() + bytes(8),
)  # fmt: skip

texts = st.builds(
    lambda words, encoding, end: "\n".join(words).encode(encoding, "ignore") + end,
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
    st.sampled_from(ENCODINGS),
    st.sampled_from([b"", b"\xff", b"\n"]),
)
contents = st.one_of(
    texts,
    st.builds(
        lambda number, size: BINARY[number][:size], st.integers(0, len(BINARY) - 1), st.sampled_from([None, 5, 60, 600])
    ),
    st.binary(max_size=200),
)

stems = st.one_of(
    st.sampled_from(
        ["a", "b", ".hidden", "a#1", "#", " ", "new\nline", "caf\udce9", "größe", "日本", "e\u0301", "*?[x]", "-r"]
    ),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=8),
)
endings = st.one_of(st.sampled_from(sorted(READERS)), st.sampled_from(["", ".exe", ".TXT", ".jpg.txt", "."]))
folder_names = st.one_of(stems, st.sampled_from(sorted(IGNORED_FOLDERS)), st.sampled_from([".git", "a", "b"]))


fitting = st.one_of(  # an ending and content that may fit it
    st.tuples(st.sampled_from([".txt", ".md", ".html"]), texts),
    st.tuples(st.just(".csv"), st.builds(b"text\n".__add__, texts)),
    st.sampled_from(
        [(".jpg", 8), (".png", 9), (".tif", 10), (".npy", 11), (".jsonl.gz", 12), (".csv", 13), ("images-idx3-ubyte", 15)]
    ).map(lambda pair: (pair[0], BINARY[pair[1]])),
)
files = st.builds(
    lambda stem, ending_and_content: (stem + ending_and_content[0], ending_and_content[1]),
    stems,
    st.one_of(fitting, st.tuples(endings, contents)),
)
links = st.builds(
    lambda stem, ending, target: (stem + ending, Path(target)),
    stems,
    endings,
    st.sampled_from([".", "..", "a", "a.txt", "nowhere", "../a", "../b", "/nowhere", "/dev/null"]),
)
pipes = st.builds(lambda stem, ending: (stem + ending, None), stems, endings)
trees = st.recursive(
    st.lists(st.one_of(files, files, files, links, pipes), min_size=1, max_size=6).map(dict),
    lambda children: st.lists(st.one_of(files, st.tuples(folder_names, children)), min_size=1, max_size=5).map(dict),
    max_leaves=12,
)
kinds = st.sampled_from([None, None, None, *ITEM_KINDS])

Tree = dict[str, Any]
WriteTree = Callable[[Path, Tree], None]


def entries(folder: Path) -> Iterator[str]:
    """Yield every entry below a folder that is not a folder itself, without following links."""
    for parent, folders, names in os.walk(folder):
        links_to_folders = [name for name in folders if Path(parent, name).is_symlink()]
        yield from (str(Path(parent, name).relative_to(folder)) for name in (*names, *links_to_folders))


def printable(path: str) -> str:
    """Return a path as the walk names it."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_accounted_for(path: str, collection: FileCollection, item_paths: set[str], folder: Path) -> bool:
    """Return whether a file was read, or is named as skipped: itself, one of its rows, or a folder that contains it."""
    name = printable(path)
    parents = [name[:end] for end, character in enumerate(name) if character == "/"]
    return (
        name in item_paths
        or name in collection.skipped
        or any(parent in collection.skipped for parent in parents)
        or any(key.startswith(f"{name}#") for key in collection.skipped)
        # A folder behind a link is walked by this name; its own files have names below it.
        or (Path(folder, path).is_dir() and not any(Path(folder, path).iterdir()))
        or (
            Path(folder, path).is_dir()
            and any(known.startswith(f"{name}/") for known in (*item_paths, *collection.skipped))
        )
    )


def check_item(item: Item, collection: FileCollection) -> None:
    assert item.kind == collection.kind
    assert item.path in collection.paths
    assert item.digest is not None
    for text in (item.id, item.label, item.warning, item.content if isinstance(item.content, str) else None):
        assert text is None or text.encode("utf-8") is not None
    assert collection.warnings.get(item.id) == item.warning or item.id in collection.warnings


def check_folder(tree: Tree, kind: ItemKind | None, pool: WorkerPool, write_tree: WriteTree) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "root")  # a link may lead to its parent
        write_tree(folder, tree)
        try:
            collection = replace(read_files(folder, kind=kind), _idle_pools=[pool])
        except NoItems:
            event("no items")
            return
        items = list(collection)
        event("items" if items else "only skipped files")
        item_paths = {item.path for item in items if item.path is not None}
        for item in items:
            check_item(item, collection)
        for path in entries(folder):
            assert is_accounted_for(path, collection, item_paths, folder), path
        assert all(skip.reason for skip in collection.skipped.values())
        assert not any("the reader failed" in skip.reason for skip in collection.skipped.values())
        assert all(collection.skipped[path].reason == reason for path, reason in collection.inaccessible.items())
        assert collection.retry <= collection.paths.keys()


SETTINGS = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(tree=trees, kind=kinds)
@settings(SETTINGS, max_examples=60)
def test_every_file_of_a_folder_is_accounted_for(
    tree: Tree, kind: ItemKind | None, pool: WorkerPool, write_tree: WriteTree
) -> None:
    check_folder(tree, kind, pool, write_tree)


@pytest.mark.slow
@given(tree=trees, kind=kinds)
@settings(SETTINGS, max_examples=1500)
def test_every_file_of_many_folders_is_accounted_for(
    tree: Tree, kind: ItemKind | None, pool: WorkerPool, write_tree: WriteTree
) -> None:
    check_folder(tree, kind, pool, write_tree)
