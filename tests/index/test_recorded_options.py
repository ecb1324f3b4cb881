"""What is added to an index, and what it is queried with, is read as its own files were: same encoding and table fields."""

from pathlib import Path

import pytest

from aesearch.index.retriever import Retriever
from aesearch.index.update import add_paths, index_files
from aesearch.readers.folder import read_files
from aesearch.readers.tables import TableFields

WORDS = ["поток", "замок", "очередь", "сигнал", "файл", "папка", "строка", "слово", "письмо", "адрес", "сервер", "клиент"]
ENCODING = "mac_cyrillic"  # never detected without a warning


def make_text(number: int) -> str:
    return " ".join(WORDS[(number + step) % len(WORDS)] for step in range(5)) + f" номер{number % 3}"


@pytest.fixture
def russian_index(tmp_path: Path) -> Path:
    """Return the folder of an index of documents in a named encoding."""
    (tmp_path / "notes").mkdir()
    for number in range(24):
        (tmp_path / "notes" / f"{number}.txt").write_bytes(make_text(number).encode(ENCODING))
    index_files(tmp_path / "index", read_files(tmp_path / "notes", encoding=ENCODING), coder="lsa", code_size=4)
    return tmp_path / "index"


def test_added_and_queried_files_have_the_recorded_encoding(russian_index: Path, tmp_path: Path) -> None:
    text = " ".join(WORDS[::3])  # no other document has these words
    (tmp_path / "more.txt").write_bytes(text.encode(ENCODING))
    report = add_paths(russian_index, [tmp_path / "more.txt"])
    assert report.file_warnings == {}
    retriever = Retriever.load(russian_index)
    assert retriever.read_query(tmp_path / "more.txt").content == text
    assert [item.content for item in retriever.read_items(tmp_path / "more.txt")] == [text]
    for rerank in (False, True):
        hit = retriever.query(tmp_path / "more.txt", k=1, rerank=rerank)[0]
        assert (hit.path, hit.excerpt) == (str(tmp_path.resolve() / "more.txt"), text)
        assert hit.distance == pytest.approx(0, abs=1e-3)


def test_added_items_are_the_same_after_retraining(russian_index: Path, tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_bytes(make_text(7).encode(ENCODING))
    add_paths(russian_index, [tmp_path / "more.txt"])
    index_files(russian_index, read_files(tmp_path / "notes"), retrain=True)
    rows = Retriever.load(russian_index).ledger.rows_by_id([str(tmp_path.resolve() / "more.txt")])
    assert [row.excerpt for row in rows.values()] == [make_text(7)]


def test_labels_are_stored_and_their_fields_recorded(tmp_path: Path) -> None:
    rows = [f"{number},{make_text(number)},a|b{number % 2},x" for number in range(24)]
    (tmp_path / "base.csv").write_text("id,text,topics,place\n" + "\n".join(rows) + "\n")
    fields = TableFields(label=("topics", "place"), label_separator="|")
    index_files(tmp_path / "index", read_files(tmp_path / "base.csv", fields=fields), coder="lsa", code_size=4)
    index = Retriever.load(tmp_path / "index")
    assert index.record.source is not None
    assert index.record.source.fields == fields
    assert {row.label for row in index.ledger.all_rows()} == {("a", "b0", "x"), ("a", "b1", "x")}
    assert index.query(make_text(3), k=1)[0].as_dict()["label"] == ("a", "b1", "x")
    (tmp_path / "base.csv").write_text("id,text,topics,place\n" + "\n".join([*rows[:-1], rows[-1] + "y"]) + "\n")
    index_files(tmp_path / "index", read_files(tmp_path / "base.csv", fields=fields))
    labels = [row.label for row in Retriever.load(tmp_path / "index").ledger.all_rows()]
    assert labels.count(("a", "b1", "xy")) == 1


def test_added_tables_have_the_recorded_fields(tmp_path: Path) -> None:
    for name, first in (("base", 0), ("more", 24)):
        rows = [f"{number},{make_text(number)}" for number in range(first, first + 24)]
        (tmp_path / f"{name}.csv").write_text("key,body\n" + "\n".join(rows) + "\n")
    fields = TableFields(text="body", id="key")
    index_files(tmp_path / "index", read_files(tmp_path / "base.csv", fields=fields), coder="lsa", code_size=4)
    assert add_paths(tmp_path / "index", [tmp_path / "more.csv"]).changed == 24
    retriever = Retriever.load(tmp_path / "index")
    keys = [row.key for row in retriever.ledger.all_rows() if row.path and Path(row.path).is_absolute()]
    assert sum(len(items) for _, items in retriever.reload_items(keys)) == 24


def test_items_in_memory_have_no_recorded_encoding(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text(make_text(1))
    retriever = Retriever.build(list(read_files(tmp_path / "notes")), coder="lsa", code_size=1)
    assert retriever.read_query(tmp_path / "notes" / "a.txt").content == make_text(1)
