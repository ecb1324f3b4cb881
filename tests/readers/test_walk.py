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
    inaccessible: dict[str, str] = {}
    paths = [path for path, _ in walk_folder(root, skipped, inaccessible)]
    assert inaccessible == {
        path: skip.reason for path, skip in skipped.items() if skip.category is SkipCategory.INACCESSIBLE
    }
    return paths, skipped


def test_walk_sorts_folder_by_folder(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.png", "a/deep/9.png", "top.png", "a/3.png"):
        touch(tmp_path / name)
    assert walk(tmp_path) == (["top.png", "a/3.png", "a/deep/9.png", "b/1.png", "b/2.png"], {})


def test_walk_yields_size_and_modification_time(tmp_path: Path) -> None:
    touch(tmp_path / "a.txt", b"12345")
    os.utime(tmp_path / "a.txt", ns=(0, 1_700_000_000_123_456_789))
    assert list(walk_folder(tmp_path, {}, {})) == [("a.txt", FileStat(5, 1_700_000_000_123_456_789))]


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


def test_walk_names_a_link_to_a_missing_folder(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "deep" / "a.png")
    touch(tmp_path / "files" / "b.png")
    (tmp_path / "files" / "linked").symlink_to(tmp_path / "elsewhere")
    assert walk(tmp_path / "files") == (["b.png", "linked/deep/a.png"], {})
    (tmp_path / "elsewhere").rename(tmp_path / "renamed")
    paths, skipped = walk(tmp_path / "files")
    assert paths == ["b.png"]
    assert skipped.keys() == {"linked"}
    assert skipped["linked"].category is SkipCategory.INACCESSIBLE


def test_walk_names_links_that_form_a_loop(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    paths, skipped = walk(tmp_path)
    assert paths == []
    assert skipped.keys() == {"a", "b"}
    assert all("symbolic links" in skip.reason for skip in skipped.values())


def test_walk_names_folders_with_too_long_paths(tmp_path: Path) -> None:
    name = "x" * 250
    folder = os.open(tmp_path, os.O_RDONLY)
    depth = 20  # 5,000 characters; the system opens paths of up to 4,096
    for _ in range(depth):
        os.mkdir(name, dir_fd=folder)
        inner = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    paths, skipped = walk(tmp_path)
    assert paths == []
    (too_long,) = skipped
    assert "File name too long" in skipped[too_long].reason
    assert 4096 <= len(str(tmp_path / too_long)) <= 4096 + len(name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can open every folder")
def test_walk_names_folders_that_cannot_be_opened(tmp_path: Path) -> None:
    touch(tmp_path / "closed" / "a.png")
    (tmp_path / "closed").chmod(0)
    paths, skipped = walk(tmp_path)
    (tmp_path / "closed").chmod(0o700)
    assert paths == []
    assert skipped["closed"].category is SkipCategory.INACCESSIBLE


@pytest.mark.parametrize(
    "name",
    ["@eaDir", "#recycle", "$RECYCLE.BIN", "$Recycle.Bin", "System Volume Information", "lost+found", "node_modules"],
)
def test_walk_ignores_folders_of_the_system(name: str, tmp_path: Path) -> None:
    touch(tmp_path / "a.png")
    touch(tmp_path / "sub" / name / "thumbnail.png")
    touch(tmp_path / "files" / name)  # a file of this name is not ignored
    paths, skipped = walk(tmp_path)
    assert paths == ["a.png", f"files/{name}"]
    assert {path: skip.category for path, skip in skipped.items()} == {f"sub/{name}": SkipCategory.IGNORED_FOLDER}


@pytest.mark.parametrize("name", [".git", ".Trash-1000", ".venv"])
def test_walk_ignores_hidden_folders(name: str, tmp_path: Path) -> None:
    touch(tmp_path / name / "a.png")
    paths, skipped = walk(tmp_path)
    assert paths == []
    assert skipped[name].category is SkipCategory.HIDDEN


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
