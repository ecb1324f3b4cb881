"""The default folder of an index, and the index that a query means."""

import os
from pathlib import Path

import pytest

from aesearch.arrays import write_json
from aesearch.errors import NoIndex, WrongKind
from aesearch.index.locations import MANIFEST_FILE, choose_newest, default_index, home


@pytest.fixture
def indexes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty AESEARCH_HOME."""
    monkeypatch.setenv("AESEARCH_HOME", str(tmp_path))
    return tmp_path


def write_manifest(folder: Path, kind: str, mtime: int) -> None:
    folder.mkdir(parents=True)
    write_json(folder / MANIFEST_FILE, {"kind": kind})
    os.utime(folder / MANIFEST_FILE, (mtime, mtime))


def test_home_is_indexes_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AESEARCH_HOME", raising=False)
    assert home() == Path("indexes")


@pytest.mark.parametrize(("name", "expected"), [("photos.d", "photos.d"), ("notes.jsonl.gz", "notes"), (".csv", ".csv")])
def test_default_index_is_named_after_the_path(name: str, expected: str, indexes: Path, tmp_path: Path) -> None:
    path = tmp_path / "data" / name
    path.parent.mkdir()
    path.mkdir() if name.endswith(".d") else path.write_text("")
    assert default_index(path) == indexes / expected


def test_newest_index_was_written_last(indexes: Path) -> None:
    for name, kind, mtime in (("a", "images", 1), ("b", "documents", 3), ("c", "images", 2)):
        write_manifest(indexes / name, kind, mtime)
    assert choose_newest()[:2] == (indexes / "b", 3)
    assert choose_newest("images")[:2] == (indexes / "c", 2)


def test_unreadable_index_has_no_kind(indexes: Path) -> None:
    write_manifest(indexes / "a", "images", 1)
    write_manifest(indexes / "b", "images", 2)
    (indexes / "b" / MANIFEST_FILE).write_text("{")
    assert choose_newest("images")[:2] == (indexes / "a", 1)
    assert choose_newest()[:2] == (indexes / "b", 2)


def test_missing_index_is_reported_with_remedy(indexes: Path) -> None:
    with pytest.raises(NoIndex, match=r"there is no index of images in .*; create one with: aesearch index PATH"):
        choose_newest("images")


def test_index_of_other_kind_is_reported(indexes: Path) -> None:
    write_manifest(indexes / "a", "documents", 1)
    with pytest.raises(WrongKind, match=r"there is no index of images in .*, only of other kinds"):
        choose_newest("images")
