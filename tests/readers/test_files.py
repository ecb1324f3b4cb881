"""Files are read up to a size limit, and every exception of a reader becomes an Unreadable that names its cause."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aesearch import catalog
from aesearch.catalog import READERS
from aesearch.errors import MissingExtra, Unreadable
from aesearch.items import Item
from aesearch.readers.files import read_bytes, read_file


@pytest.mark.parametrize("size", [1, 999, 1000])
def test_read_bytes_returns_the_content(size: int, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(range(250)) * 4)
    (tmp_path / "a.bin").write_bytes((tmp_path / "a.bin").read_bytes()[:size])
    assert read_bytes(tmp_path / "a.bin", 1000, "") == (bytes(range(250)) * 4)[:size]


def test_read_bytes_refuses_empty_and_large_files(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"")
    with pytest.raises(Unreadable, match="the file is empty"):
        read_bytes(tmp_path / "a.bin", 1 << 20, "")
    (tmp_path / "a.bin").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(Unreadable, match=r"a\.bin: the file is larger than 1 MiB; split it"):
        read_bytes(tmp_path / "a.bin", 1 << 20, "split it")
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "nowhere", 1, "")


@pytest.mark.parametrize("ending", READERS)
def test_special_file_is_refused_at_once_by_every_reader(ending: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"pipe{ending}")  # opening it would wait until another process writes into it
    (unreadable,) = read_file(tmp_path / f"pipe{ending}")
    assert isinstance(unreadable, Unreadable)
    assert unreadable.reason == "it is not a regular file"


@pytest.mark.parametrize(
    ("error", "reason", "transient"),
    [
        (Unreadable("a.txt", "damaged"), "damaged", False),
        (MissingExtra("pyarrow", "parquet"), r"pip install 'aesearch[parquet]'", True),
        (PermissionError(13, "Permission denied"), "cannot be opened (Permission denied)", True),
        (ZeroDivisionError("by zero"), "the reader failed (ZeroDivisionError: by zero)", False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_read_file_turns_exceptions_into_unreadable(
    error: Exception, reason: str, transient: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Any) -> Iterator[Item]:
        yield Item("", "words")
        raise error

    monkeypatch.setattr(catalog.CatalogEntry, "load", lambda entry: read)
    item, unreadable = read_file(tmp_path / "a.txt")
    assert isinstance(item, Item)
    assert isinstance(unreadable, Unreadable)
    assert reason in unreadable.reason
    assert unreadable.transient is transient


def test_read_file_reports_a_file_without_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text\n")
    (unreadable,) = read_file(tmp_path / "a.csv")
    assert isinstance(unreadable, Unreadable)
    assert unreadable.reason == "the file has no rows"
