"""The walk finds regular, visible files in a stable order and gives a typed reason for everything else."""

import os
from pathlib import Path

import numpy as np
import pytest

from aesearch.index.retriever import Retriever
from aesearch.items import Item, Skip, SkipCategory
from aesearch.readers.walk import FileStat, walk_folder


def touch(path: Path, content: bytes = b"x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def walk(root: Path) -> tuple[list[str], dict[str, Skip]]:
    skipped: dict[str, Skip] = {}
    return [path for path, _ in walk_folder(root, skipped)], skipped


def test_walk_sorts_folder_by_folder(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.png", "a/deep/9.png", "top.png", "a/3.png"):
        touch(tmp_path / name)
    assert walk(tmp_path) == (["top.png", "a/3.png", "a/deep/9.png", "b/1.png", "b/2.png"], {})


def test_walk_yields_size_and_modification_time(tmp_path: Path) -> None:
    touch(tmp_path / "a.txt", b"12345")
    os.utime(tmp_path / "a.txt", ns=(0, 1_700_000_000_123_456_789))
    assert list(walk_folder(tmp_path, {})) == [("a.txt", FileStat(5, 1_700_000_000_123_456_789))]


def test_walk_classifies_skipped_entries(tmp_path: Path) -> None:
    touch(tmp_path / "good.png")
    touch(tmp_path / ".hidden.png")
    touch(tmp_path / "._good.png")
    touch(tmp_path / ".cache" / "x.png")
    (tmp_path / ".#lock").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere.png")
    touch(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")))
    paths, skipped = walk(tmp_path)
    assert paths == ["good.png"]
    assert {path: skip.category for path, skip in skipped.items()} == {
        ".hidden.png": SkipCategory.HIDDEN,
        "._good.png": SkipCategory.HIDDEN,
        ".cache": SkipCategory.HIDDEN,
        ".#lock": SkipCategory.HIDDEN,
        "pipe.png": SkipCategory.SPECIAL_FILE,
        "broken.png": SkipCategory.INACCESSIBLE,
        "caf\\xe9.png": SkipCategory.UNREADABLE,
    }
    assert "No such file" in skipped["broken.png"].reason
    assert "not UTF-8; rename it" in skipped["caf\\xe9.png"].reason


@pytest.mark.skipif(os.geteuid() == 0, reason="root can open every folder")
def test_walk_names_folders_that_cannot_be_opened(tmp_path: Path) -> None:
    touch(tmp_path / "closed" / "a.png")
    (tmp_path / "closed").chmod(0)
    paths, skipped = walk(tmp_path)
    (tmp_path / "closed").chmod(0o700)
    assert paths == []
    assert skipped["closed"].category is SkipCategory.INACCESSIBLE


def test_walk_names_a_missing_root(tmp_path: Path) -> None:
    paths, skipped = walk(tmp_path / "nowhere")
    assert paths == []
    assert skipped["."].category is SkipCategory.INACCESSIBLE


def test_walk_visits_linked_folders_once(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    paths, skipped = walk(tmp_path)
    assert paths == ["a/1.png"]
    assert {path: skip.category for path, skip in skipped.items()} == dict.fromkeys(
        ("a/loop", "b"), SkipCategory.REPEATED_LINK
    )


def test_walk_skips_an_index_folder(tmp_path: Path) -> None:
    touch(tmp_path / "files" / "notes" / "a.txt")
    vectors = np.random.default_rng(0).standard_normal((20, 4)).astype(np.float32)
    items = [Item(str(number), vector) for number, vector in enumerate(vectors)]
    Retriever.build(items, coder="pca", code_size=2).save(tmp_path / "elsewhere" / "index")
    (tmp_path / "files" / "indexes").symlink_to(tmp_path / "elsewhere")
    paths, skipped = walk(tmp_path / "files")
    assert paths == ["notes/a.txt"]
    assert skipped["indexes/index"].category is SkipCategory.INDEX_FOLDER
