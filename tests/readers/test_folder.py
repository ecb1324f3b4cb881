"""`read_files` chooses the kind of a folder's items and refuses what has no reader."""

import os
import socket
from pathlib import Path

import pytest

from aesearch.errors import InvalidParameter, NoItems
from aesearch.items import SkipCategory
from aesearch.readers.folder import read_files
from aesearch.readers.tables import TableFields


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_read_files_chooses_the_kind_with_most_files(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("0.png", "1.png", "2.png", "a.txt")))
    images = read_files(tmp_path)
    assert (images.kind, list(images.paths)) == ("images", ["0.png", "1.png", "2.png"])
    assert {path: skip.category for path, skip in images.skipped.items()} == {"a.txt": SkipCategory.OTHER_KIND}


def test_read_files_reads_the_requested_kind(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("0.png", "1.png", "a.txt")))
    documents = read_files(tmp_path, kind="documents")
    assert (documents.kind, list(documents.paths)) == ("documents", ["a.txt"])
    assert set(documents.skipped) == {"0.png", "1.png"}


def test_read_files_skips_files_without_a_reader(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("a.txt", "program.exe", "disk.iso", ".hidden")))
    files = read_files(tmp_path)
    assert list(files.paths) == ["a.txt"]
    assert {path: skip.category for path, skip in files.skipped.items()} == {
        "program.exe": SkipCategory.UNSUPPORTED,
        "disk.iso": SkipCategory.UNSUPPORTED,
        ".hidden": SkipCategory.HIDDEN,
    }
    assert all(skip.category.is_expected for skip in files.skipped.values())


def test_files_without_a_suffix_are_read_if_they_are_texts(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("how to wait for a thread")
    (tmp_path / "program").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "empty").touch()
    files = read_files(tmp_path)
    assert [item.content for item in files] == ["how to wait for a thread"]
    assert {path: skip.category for path, skip in files.skipped.items()} == dict.fromkeys(
        ("program", "empty"), SkipCategory.UNSUPPORTED
    )
    program = read_files(tmp_path / "program")
    assert list(program) == []
    assert program.skipped["program"].category is SkipCategory.UNREADABLE


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["a.jpg", "a.log", "b.ini", "c.yaml", "LICENSE"], "images"),  # sidecars do not count
        (["a.jpg", "b.jpg", "readme.txt", "a.log", "b.log", "c.log"], "images"),
        (["a.jpg", "a.py", "b.py"], "images"),  # source code counts only beside another document
        (["a.jpg", "a.py", "b.py", "README.md"], "documents"),
        (["a.jpg", "b.jpg", "c.jpg", "a.py", "README.md"], "images"),
        (["a.npy", "a.log", "b.log"], "vectors"),
        (["a.py", "b.ini", "LICENSE"], "documents"),  # if there is nothing else, they are documents
    ],
)
def test_sidecars_do_not_outvote_a_folder_of_images(names: list[str], kind: str, tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in names))
    files = read_files(tmp_path)
    assert files.kind == kind
    if kind == "documents":
        assert set(files.paths) == {name for name in names if not name.endswith(".jpg")}


def test_folder_of_mixed_documents_is_read_with_an_encoding(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes("<p>Stra\u00dfe".encode("cp1252"))
    (tmp_path / "b.pdf").write_bytes(b"no PDF")
    files = read_files(tmp_path, encoding="cp1252")
    assert [item.content for item in files] == ["Stra\u00dfe"]
    assert "not a readable PDF" in files.skipped["b.pdf"].reason  # and not that its reader takes no encoding


def test_read_files_accepts_one_file(tmp_path: Path) -> None:
    touch(tmp_path / "a.txt", tmp_path / "b.txt")
    fields = TableFields("body")
    files = read_files(str(tmp_path / "b.txt"), fields=fields)
    assert (files.root, list(files.paths), files.kind) == (tmp_path, ["b.txt"], "documents")
    assert files.is_single_file
    assert files.paths["b.txt"].size == 1
    assert files.fields is fields


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("nowhere", None, "nowhere does not exist; check the spelling"),
        ("program.exe", None, "no reader for .*program.exe; use a folder or a file"),
        ("", None, "holds no images, documents or vectors; supported file names end in .jpg"),
        ("", "vectors", r"holds no vectors; supported file names end in \.npy \.parquet$"),
    ],
)
def test_read_files_names_the_remedy(name: str, kind: str | None, message: str, tmp_path: Path) -> None:
    touch(tmp_path / "program.exe")
    with pytest.raises(NoItems, match=message):
        read_files(tmp_path / name, kind=kind)  # type: ignore[arg-type]


def test_read_files_refuses_special_files_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "null.txt").symlink_to("/dev/null")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket.txt"))
    for name in ("pipe.txt", "null.txt", "socket.txt"):
        with pytest.raises(NoItems, match="neither a folder nor a regular file; copy its content to a file"):
            read_files(tmp_path / name)
    server.close()


def test_read_files_names_a_root_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(NoItems, match=r"cannot open .*loop: Too many levels of symbolic links"):
        read_files(tmp_path / "loop")


def test_read_files_names_an_inaccessible_folder_if_nothing_else_is_there(tmp_path: Path) -> None:
    (tmp_path / "unmounted").symlink_to("/nowhere")
    with pytest.raises(NoItems, match=r"unmounted: .* cannot be opened \(No such file or directory\), and the rest of"):
        read_files(tmp_path)
    touch(tmp_path / "a.txt")
    files = read_files(tmp_path)
    assert files.inaccessible.keys() == {"unmounted"}
    assert files.skipped["unmounted"].category is SkipCategory.INACCESSIBLE


def test_read_files_refuses_unknown_encodings(tmp_path: Path) -> None:
    touch(tmp_path / "a.txt")
    for encoding in ("utf-9", "base64"):
        with pytest.raises(InvalidParameter, match=f'unknown encoding "{encoding}"'):
            read_files(tmp_path, encoding=encoding)
