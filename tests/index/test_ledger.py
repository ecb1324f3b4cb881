"""The ledger stores each item under one key, which is the same in every index."""

from pathlib import Path

import numpy as np
import pytest

from aesearch.errors import Busy, CorruptIndex
from aesearch.index.ledger import Ledger, key_of
from aesearch.items import Item, Skip, SkipCategory


def test_items_are_found_by_key_id_and_path(tmp_path: Path) -> None:
    ledger = Ledger.create()
    items = [Item(f"t.csv#{n}", f"text {n}", str(n % 3), "t.csv", bytes([n % 256])) for n in range(1200)]
    keys = [key for key in ledger.add(items) if key is not None]
    ledger.save(tmp_path / "ledger.sqlite")
    loaded = Ledger.load(tmp_path / "ledger.sqlite")
    assert len(loaded) == 1200
    rows = loaded.rows_by_key(keys)
    assert [rows[key].id for key in keys] == [item.id for item in items]
    row = loaded.rows_by_id(["t.csv#7", "absent"])["t.csv#7"]
    assert (row.key, row.label, row.digest, row.excerpt) == (key_of("t.csv#7"), "1", b"\7", "text 7")
    assert len(loaded.rows_by_path(["t.csv"])) == 1200
    assert [row.key for row in loaded.all_rows()] == sorted(keys)


def test_add_returns_no_key_for_existing_id() -> None:
    ledger = Ledger.create()
    assert ledger.add([Item("a", "one")]) == [key_of("a")]
    ids = "bacbd"
    assert ledger.add(Item(id, "two") for id in ids) == [key_of("b"), None, key_of("c"), None, key_of("d")]
    assert {row.id: row.excerpt for row in ledger.all_rows()} == {"a": "one", "b": "two", "c": "two", "d": "two"}


def test_ids_with_same_checksum_get_different_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    largest = (1 << 63) - 1
    monkeypatch.setattr("aesearch.index.ledger.key_of", lambda id: largest)
    ledger = Ledger.create()
    assert ledger.add(Item(id, "text") for id in "abac") == [largest, 0, None, 1]
    assert [row.id for row in ledger.all_rows()] == ["b", "c", "a"]


def test_order_of_keys_does_not_depend_on_ids() -> None:
    keys = np.array([key_of(f"class {n // 500}/{n}") for n in range(1000)])
    assert (keys >= 0).all()
    assert len(set(keys.tolist())) == 1000
    assert abs((np.argsort(keys) < 500)[:500].mean() - 0.5) < 0.1


def test_copy_does_not_change_the_file(tmp_path: Path) -> None:
    ledger = Ledger.create()
    ledger.add([Item("a", "one")])
    ledger.save(tmp_path / "ledger.sqlite")
    copy = Ledger.load(tmp_path / "ledger.sqlite").copy()
    copy.remove([key_of("a")])
    assert (len(copy), len(Ledger.load(tmp_path / "ledger.sqlite"))) == (0, 1)


def test_files_and_skips_are_stored(tmp_path: Path) -> None:
    ledger = Ledger.create()
    ledger.set_files({"a": (1, 2), "b": (3, 4)})
    ledger.set_files({"b": (5, 6)})
    ledger.remove_files(["a"])
    ledger.skipped = {"x": Skip(SkipCategory.UNREADABLE, "old")}
    ledger.skipped = {"y": Skip(SkipCategory.HIDDEN, "hidden")}
    ledger.add_skips({"z": Skip(SkipCategory.DUPLICATE_ID, "twice")})
    ledger.save(tmp_path / "ledger.sqlite")
    loaded = Ledger.load(tmp_path / "ledger.sqlite")
    assert loaded.files() == {"b": (5, 6)}
    assert loaded.skipped == {"y": Skip(SkipCategory.HIDDEN, "hidden"), "z": Skip(SkipCategory.DUPLICATE_ID, "twice")}


def test_load_names_missing_or_foreign_file(tmp_path: Path) -> None:
    with pytest.raises(CorruptIndex, match=r"ledger\.sqlite is missing"):
        Ledger.load(tmp_path / "ledger.sqlite")
    (tmp_path / "ledger.sqlite").write_bytes(b"no database " * 500)
    with pytest.raises(CorruptIndex, match=r"ledger\.sqlite cannot be read"):
        Ledger.load(tmp_path / "ledger.sqlite")


def test_damaged_page_is_reported_when_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger.create()
    ledger.add(Item(f"a rather long id with the number {number}", "text") for number in range(2000))
    ledger.save(path)
    content = bytearray(path.read_bytes())
    content[8192:-4096] = bytes(len(content) - 12288)
    path.write_bytes(content)
    with pytest.raises(CorruptIndex, match=r"ledger\.sqlite cannot be read"):
        list(Ledger.load(path).all_rows())


def test_exclusive_ledger_has_one_writer(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger.open_exclusive(path)
    ledger.add([Item("a", "one")])
    with pytest.raises(Busy, match="another process"):
        Ledger.open_exclusive(path)
    ledger.commit()
    ledger.close()
    assert len(Ledger.open_exclusive(path)) == 1


def test_exclusive_ledger_loses_uncommitted_items(tmp_path: Path) -> None:
    ledger = Ledger.open_exclusive(tmp_path / "ledger.sqlite")
    ledger.add([Item("a", "one")])
    ledger.commit()
    ledger.add([Item("b", "two")])
    ledger.close()
    assert [row.id for row in Ledger.open_exclusive(tmp_path / "ledger.sqlite").all_rows()] == ["a"]


def test_exclusive_ledger_refuses_foreign_file(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no database " * 500)
    with pytest.raises(CorruptIndex, match=r"ledger\.sqlite cannot be read"):
        Ledger.open_exclusive(tmp_path / "ledger.sqlite")
