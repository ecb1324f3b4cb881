"""A ledger whose tables were manipulated is refused before it is used, and texts that are not Unicode do not damage one."""

import json
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from aesearch.errors import CorruptIndex, InvalidParameter
from aesearch.index.ledger import Ledger
from aesearch.index.locking import write_lock
from aesearch.index.manifest import commit
from aesearch.index.retriever import Retriever
from aesearch.index.update import index_files
from aesearch.items import Item, Skip, SkipCategory
from aesearch.readers.folder import read_files

ENDLESS_VIEW = """
ALTER TABLE items RENAME TO old;
CREATE VIEW items AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n)
SELECT key, 'id' || key AS id, NULL AS path, NULL AS label, NULL AS digest, NULL AS excerpt FROM n;
"""
TRIGGER = "CREATE TRIGGER spread AFTER DELETE ON items BEGIN DELETE FROM items; END;"


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    ledger = Ledger.create()
    ledger.add([Item("a", "one")])
    ledger.save(tmp_path / "ledger.sqlite")
    return tmp_path / "ledger.sqlite"


@pytest.mark.parametrize(
    "script",
    [
        ENDLESS_VIEW,
        TRIGGER,
        "CREATE TABLE more (a)",
        "DROP TABLE skipped",
        "DROP INDEX items_by_path",
        "ALTER TABLE files ADD COLUMN extra",
    ],
    ids=["view", "trigger", "another table", "missing table", "missing index", "another column"],
)
def test_ledger_with_other_tables_is_corrupt(ledger_file: Path, script: str) -> None:
    connection = sqlite3.connect(ledger_file)
    connection.executescript(script)
    connection.close()
    with pytest.raises(CorruptIndex, match=r"ledger\.sqlite does not have the tables of a ledger"):
        Ledger.load(ledger_file)


def test_loaded_and_exclusive_ledgers_have_the_expected_tables(ledger_file: Path, tmp_path: Path) -> None:
    assert len(Ledger.load(ledger_file).copy()) == 1
    Ledger.open_exclusive(tmp_path / "work.sqlite").close()
    assert len(Ledger.open_exclusive(tmp_path / "work.sqlite")) == 0


def test_has_keys_compares_keys_and_not_only_counts() -> None:
    ledger = Ledger.create()
    keys = np.array(ledger.add(Item(str(number), "text") for number in range(500)), np.int64)
    assert ledger.has_keys(np.random.default_rng(0).permutation(keys))
    assert not ledger.has_keys(keys[1:])
    assert not ledger.has_keys(np.append(keys[1:], keys[0] + 1))
    assert not ledger.has_keys(np.append(keys[1:], keys[1]))
    assert Ledger.create().has_keys(np.zeros(0, np.int64))


def test_warnings_are_stored_until_removed(ledger_file: Path, tmp_path: Path) -> None:
    ledger = Ledger.load(ledger_file).copy()
    ledger.add_warnings({"a": "cut", "b\ud800": "half \ud800"})
    ledger.save(tmp_path / "new.sqlite")
    loaded = Ledger.load(tmp_path / "new.sqlite").copy()
    assert loaded.warnings == {"a": "cut", "b?": "half ?"}
    loaded.remove_warnings(["a", "absent"])
    assert loaded.warnings == {"b?": "half ?"}


def test_item_with_lone_surrogate_is_skipped_by_name(tmp_path: Path) -> None:
    rows = [{"id": f"r{number}", "text": f"threads and locks {number}"} for number in range(30)]
    rows += [{"id": "bad\ud800", "text": "threads and locks"}, {"id": "r99", "text": "threads \udfff and locks"}]
    table = tmp_path / "notes.jsonl"
    table.write_text("\n".join(json.dumps(row) for row in rows))
    index_files(tmp_path / "index", read_files(table), coder="lsa", code_size=2)
    retriever = Retriever.load(tmp_path / "index")
    rows_by_id = retriever.ledger.rows_by_id(["r99", "bad\ud800"])
    assert list(rows_by_id) == ["r99"] or not rows_by_id  # the reader may already refuse such rows
    assert len(retriever) + len(retriever.ledger.skipped) == len(rows)
    assert retriever.remove(["absent\ud800"]) == 0


def test_item_with_lone_surrogate_is_not_added(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    with pytest.raises(InvalidParameter, match=r'cannot add "a\?": .*surrogate'):
        retriever.add([Item("a\ud800", "a thread")])
    with pytest.raises(InvalidParameter, match="surrogate"):
        retriever.add([Item("a", "a thread", label="\udfff")])
    assert retriever.add([Item("a", "a thread \ud800")]) == 1
    assert retriever.ledger.rows_by_id(["a"])["a"].excerpt == "a thread ?"
    retriever.ledger.add_skips({"b\ud800": Skip(SkipCategory.UNREADABLE, "half \ud800")})
    retriever.save(notes_index)
    assert Retriever.load(notes_index).ledger.skipped == {"b?": Skip(SkipCategory.UNREADABLE, "half ?")}


def test_full_temporary_folder_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    ledger = Ledger.create()
    ledger._connection.execute("PRAGMA max_page_count = 20")
    with pytest.raises(OSError, match="free some disk space") as error:
        ledger.add(Item(f"a long id {number}" * 20, "text") for number in range(2000))
    assert error.value.filename == tmp_path


def test_lock_does_not_follow_links(tmp_path: Path) -> None:
    victims = [tmp_path / "victim1", tmp_path / "victim2"]
    for victim, name in zip(victims, [".index.writer", ".index.lock"], strict=True):
        victim.write_text("precious")
        (tmp_path / name).symlink_to(victim)
    with write_lock(tmp_path / "index"):
        assert not (tmp_path / ".index.writer").is_symlink()
        assert str(os.getpid()) in (tmp_path / ".index.writer").read_text()
    assert [victim.read_text() for victim in victims] == ["precious"] * 2


def test_commit_does_not_follow_links(tmp_path: Path) -> None:
    folder, victim, tree = tmp_path / "index", tmp_path / "victim", tmp_path / "tree"
    folder.mkdir()
    tree.mkdir()
    (tree / "file").write_text("precious")
    victim.write_text("precious")
    (folder / ".index.json.new").symlink_to(victim)
    (folder / "store").symlink_to(tree)
    (folder / "ledger.sqlite").symlink_to(victim)
    write = {part: lambda path: path.write_text("new") for part in ("features", "coder", "store", "ledger")}
    commit(folder, {"kind": "documents"}, write)
    assert victim.read_text() == (tree / "file").read_text() == "precious"
    assert not any(path.is_symlink() for path in folder.iterdir())


def test_workspace_link_is_refused(notes: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".index.workspace").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidParameter, match="is a symbolic link"):
        index_files(tmp_path / "index", read_files(notes), coder="lsa", code_size=2)
    assert list((tmp_path / "elsewhere").iterdir()) == []
