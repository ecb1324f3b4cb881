"""The ledger keeps each item under one key, the same in every index."""

from pathlib import Path

import numpy as np
import pytest

from aesearch.errors import Busy, CorruptIndex
from aesearch.index.ledger import Ledger, key_of
from aesearch.items import Item


def test_items_come_back_by_key_id_and_file(tmp_path: Path) -> None:
    ledger = Ledger.new()
    items = [Item(f"t.csv#{n}", f"text {n}", str(n % 3), "t.csv", bytes([n % 256])) for n in range(1200)]
    keys = ledger.add(items)
    ledger.save(tmp_path / "ledger.sqlite")
    loaded = Ledger.load(tmp_path / "ledger.sqlite")
    assert len(loaded) == 1200
    rows = loaded.rows([key for key in keys if key is not None])
    assert [rows[key].id for key in keys if key is not None] == [item.id for item in items]
    row = loaded.rows_of(["t.csv#7", "absent"])["t.csv#7"]
    assert (row.key, row.label, row.digest, row.excerpt) == (key_of("t.csv#7"), "1", b"\7", "text 7")
    assert len(loaded.rows_by_path(["t.csv"])) == 1200
    assert [row.key for row in loaded.all_rows()] == sorted(key for key in keys if key is not None)


def test_an_id_that_is_there_is_refused_and_nothing_changes() -> None:
    ledger = Ledger.new()
    assert ledger.add([Item("a", "one")]) == [key_of("a")]
    names = "bacbd"
    assert ledger.add(Item(name, "two") for name in names) == [key_of("b"), None, key_of("c"), None, key_of("d")]
    assert {row.id: row.excerpt for row in ledger.all_rows()} == {"a": "one", "b": "two", "c": "two", "d": "two"}


def test_two_ids_of_one_checksum_get_two_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aesearch.index.ledger.key_of", lambda id: (1 << 63) - 1)
    ledger = Ledger.new()
    assert ledger.add(Item(name, "text") for name in "abac") == [(1 << 63) - 1, 0, None, 1]
    assert [row.id for row in ledger.all_rows()] == ["b", "c", "a"]


def test_keys_follow_no_order_of_the_ids() -> None:
    keys = np.array([key_of(f"class {n // 500}/{n}") for n in range(1000)])
    assert (keys >= 0).all()
    assert len(set(keys.tolist())) == 1000
    assert abs((np.argsort(keys) < 500)[:500].mean() - 0.5) < 0.1


def test_a_copy_changes_apart_from_the_file(tmp_path: Path) -> None:
    ledger = Ledger.new()
    ledger.add([Item("a", "one")])
    ledger.save(tmp_path / "ledger.sqlite")
    copy = Ledger.load(tmp_path / "ledger.sqlite").copy()
    copy.remove([key_of("a")])
    assert (len(copy), len(Ledger.load(tmp_path / "ledger.sqlite"))) == (0, 1)


def test_files_and_skips_are_kept() -> None:
    ledger = Ledger.new()
    ledger.set_files({"a": (1, 2), "b": (3, 4)})
    ledger.set_files({"b": (5, 6)})
    ledger.remove_files(["a"])
    assert ledger.files() == {"b": (5, 6)}
    ledger.skipped = {"x": "why"}
    ledger.skipped = {"y": "because"}
    assert ledger.skipped == {"y": "because"}


def test_what_is_no_ledger_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CorruptIndex, match=r"ledger\.sqlite"):
        Ledger.load(tmp_path / "ledger.sqlite")
    (tmp_path / "ledger.sqlite").write_bytes(b"no database " * 500)
    with pytest.raises(CorruptIndex, match=r"ledger\.sqlite"):
        Ledger.load(tmp_path / "ledger.sqlite")


def test_a_page_that_is_damaged_is_named_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger.new()
    ledger.add(Item(f"a rather long id of number {number}", "text") for number in range(2000))
    ledger.save(path)
    raw = bytearray(path.read_bytes())
    raw[8192:-4096] = bytes(len(raw) - 12288)
    path.write_bytes(raw)
    with pytest.raises(CorruptIndex, match=r"ledger\.sqlite cannot be read"):
        list(Ledger.load(path).all_rows())


def test_a_ledger_on_its_way_has_one_writer(tmp_path: Path) -> None:
    ledger = Ledger.kept(tmp_path / "ledger.sqlite")
    ledger.add([Item("a", "one")])
    with pytest.raises(Busy, match="another process"):
        Ledger.kept(tmp_path / "ledger.sqlite")
    ledger.commit()
    ledger.close()
    assert len(Ledger.kept(tmp_path / "ledger.sqlite")) == 1
