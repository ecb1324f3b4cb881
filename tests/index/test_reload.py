"""Items are read again from their files: an index stores their codes, not their contents."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.errors import InvalidParameter, NoItems
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files
from aesearch.readers.tables import TableFields


def reload(retriever: Retriever, ids: list[str] | None = None, **arguments: Any) -> dict[str, Item]:
    """Read items again, by default all of them, and return them by id."""
    rows = list(retriever.ledger.all_rows()) if ids is None else list(retriever.ledger.rows_by_id(ids).values())
    id_of = {row.key: row.id for row in rows}
    found: dict[str, Item] = {}
    for keys, items in retriever.reload_items(list(id_of), **arguments):
        assert [id_of[key] for key in keys] == [item.id for item in items]
        found.update((item.id, item) for item in items)
    return found


def test_items_are_read_by_key(notes_index: Path, notes: Path) -> None:
    retriever = Retriever.load(notes_index)
    assert {id: item.content for id, item in reload(retriever).items()} == {
        path.relative_to(notes).as_posix(): path.read_text() for path in notes.rglob("*.txt")
    }
    assert list(reload(retriever, ["threads/03.txt"])) == ["threads/03.txt"]


def test_unreadable_items_are_skipped(notes_index: Path, notes: Path) -> None:
    (notes / "threads" / "00.txt").unlink()
    (notes / "threads" / "01.txt").write_text("")
    retriever = Retriever.load(notes_index)
    retriever.add([Item("memo", "a thread in memory")])
    assert len(reload(retriever)) == 58


def test_incompatible_items_are_skipped(tmp_path: Path) -> None:
    for number in range(8):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).standard_normal((2, 6)))
    retriever = Retriever.build(tmp_path, coder="pca", code_size=2)
    np.save(tmp_path / "3.npy", np.ones((2, 7)))
    assert len(reload(retriever)) == 14


def test_images_are_resized_on_request(image_index: Path) -> None:
    retriever = Retriever.load(image_index)
    (item,) = reload(retriever, ["3/003.png"], image_size=(4, 4)).values()
    assert np.asarray(item.content).shape[:2] == (4, 4)


def test_features_are_those_of_the_build(image_index: Path, image_folder: Path) -> None:
    retriever = Retriever.load(image_index)
    by_id = {item.id: item for item in read_files(image_folder)}
    id_of = {row.key: row.id for row in retriever.ledger.all_rows()}
    for keys, X in retriever.reload_features(list(id_of)):
        np.testing.assert_array_equal(X, retriever.featurize([by_id[id_of[key]] for key in keys]))


def write_table(path: Path, topic: str) -> None:
    rows = [{"id": str(number), "text": f"{topic} common {topic}{number}"} for number in range(10)]
    path.write_text("\n".join(map(json.dumps, rows)))


@pytest.mark.parametrize("is_folder", [False, True])
def test_rows_of_added_table_are_not_confused(is_folder: bool, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    write_table(tmp_path / "mine" / "table.jsonl", "thread")
    write_table(tmp_path / "other.jsonl", "socket")
    source = tmp_path / "mine" if is_folder else tmp_path / "mine" / "table.jsonl"
    retriever = Retriever.build(source, coder="lsa", code_size=2)
    other = tmp_path / "other.jsonl"
    retriever.add(Item(f"{other}#{number}", "socket", path=str(other)) for number in range(10))
    found = reload(retriever)
    own = "table.jsonl#" if is_folder else ""
    assert {id: item.content for id, item in found.items()} == {
        **{f"{own}{number}": f"thread common thread{number}" for number in range(10)},
        **{f"{other}#{number}": f"socket common socket{number}" for number in range(10)},
    }


def test_items_in_memory_cannot_be_read_again() -> None:
    retriever = Retriever.build([Item("a", np.ones(3)), Item("b", np.zeros(3))], coder="raw")
    with pytest.raises(InvalidParameter, match="created in memory"):
        next(retriever.reload_items([1]))
    with pytest.raises(NoItems, match="created in memory"):
        retriever.source_files()
    assert {retriever.resolve_path(row) for row in retriever.ledger.all_rows()} == {None}


def test_source_files_of_folder_are_current(notes_index: Path, notes: Path) -> None:
    (notes / "threads" / "00.txt").unlink()
    (notes / "new.txt").write_text("a thread")
    paths = Retriever.load(notes_index).source_files().paths
    assert len(paths) == 60
    assert "new.txt" in paths


def test_source_file_keeps_its_fields(tmp_path: Path) -> None:
    table, fields = tmp_path / "table.jsonl", TableFields("body", "key", "topic")
    bodies = [f"thread{number} lock{number % 3} common" for number in range(10)]
    rows = [{"key": f"row {number}", "body": body, "topic": "threads"} for number, body in enumerate(bodies)]
    table.write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n")
    Retriever.build(read_files(table, fields=fields), coder="lsa", code_size=8).save(tmp_path / "index")
    retriever = Retriever.load(tmp_path / "index")
    (hit,) = retriever.query(rows[7]["body"], k=1)
    assert (hit.id, hit.label, hit.path) == ("row 7", "threads", str(table.resolve()))
    assert {path: skip.reason for path, skip in retriever.ledger.skipped.items()} == {
        "table.jsonl#11": "the line is not JSON"
    }
    assert retriever.source_files().fields == fields
    assert [item.id for item in retriever.source_files()] == [row["key"] for row in rows]


def test_missing_source_is_reported(notes_index: Path, notes: Path) -> None:
    notes.rename(notes.with_name("moved"))
    with pytest.raises(NoItems, match="does not exist"):
        Retriever.load(notes_index).source_files()
