"""Files that are gone are counted, and an index follows files that were moved."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from aesearch.analysis.clusters import cluster_items
from aesearch.analysis.duplicates import find_duplicates
from aesearch.analysis.explanations import explain
from aesearch.analysis.outliers import find_outliers
from aesearch.analysis.reconstructions import interpolate
from aesearch.errors import InvalidParameter, NoItems
from aesearch.index.locations import index_kind
from aesearch.index.retriever import Retriever
from aesearch.index.spool import Spool
from aesearch.index.update import add_paths, index_files, relocate
from aesearch.items import Item
from aesearch.readers.folder import read_files


def test_relocated_index_reads_its_files_again(notes: Path, notes_index: Path, tmp_path: Path) -> None:
    moved = notes.rename(tmp_path / "moved")
    text = (moved / "files" / "00.txt").read_text()
    result = Retriever.load(notes_index).search([text], k=3, rerank=True)
    assert result.n_unreadable == 60
    assert result.hits[0][0].distance < 1e-3  # the codes are used if no file can be read
    report = relocate(notes_index, notes, moved)
    assert (report.source, report.relocated, report.missing) == (str(moved), 60, 0)
    retriever = Retriever.load(notes_index)
    retriever.verify()
    result = retriever.search([text], k=3, rerank=True)
    assert result.n_unreadable == 0
    assert result.hits[0][0].id == "files/00.txt"
    assert index_files(notes_index, read_files(moved)).added == 0


def test_rerank_counts_missing_candidates(notes: Path, notes_index: Path) -> None:
    text = (notes / "files" / "00.txt").read_text()
    for path in sorted((notes / "threads").iterdir())[:7]:
        path.unlink()
    assert Retriever.load(notes_index).search([text], rerank=True).n_unreadable == 7


def test_relocation_moves_added_items(notes_index: Path, tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "memo.txt").write_text("a thread waits for a lock of another process")
    (extra / "rows.csv").write_text("id,text\nx,sockets and locks\ny,files and folders\n")
    add_paths(notes_index, [extra / "memo.txt", extra / "rows.csv"])
    moved = extra.rename(tmp_path / "moved")
    report = relocate(notes_index, extra, moved)
    assert (report.relocated, report.missing) == (3, 0)
    retriever = Retriever.load(notes_index)
    retriever.verify()
    hit = retriever.query((moved / "memo.txt").read_text(), k=1)[0]
    assert (hit.id, hit.path) == (str(moved / "memo.txt"), str(moved / "memo.txt"))
    keys = [row.key for row in retriever.ledger.rows_by_id([f"{moved}/rows.csv#x", f"{moved}/rows.csv#y"]).values()]
    assert len(keys) == 2
    assert sum(len(found) for found, _ in retriever.reload_items(keys)) == 2


def test_relocation_to_wrong_folder_changes_nothing(notes: Path, notes_index: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="no file of the index is in"):
        relocate(notes_index, notes, tmp_path / "absent")
    with pytest.raises(InvalidParameter, match=r"has no files in .*it was built from"):
        relocate(notes_index, tmp_path / "other", notes)
    assert Retriever.load(notes_index).resolve_path(next(Retriever.load(notes_index).ledger.all_rows())) is not None
    assert Retriever.load(notes_index).record.source is not None


def test_missing_files_are_reported_by_analyses(notes: Path, notes_index: Path) -> None:
    copies = [notes / "files" / "01.txt", notes / "files" / "02.txt"]
    for path in copies:
        path.write_text((notes / "files" / "00.txt").read_text())
    index_files(notes_index, read_files(notes))
    retriever = Retriever.load(notes_index)
    missing: list[int] = []
    find_outliers(retriever, 5, on_unreadable=missing.append)
    find_duplicates(retriever, on_unreadable=missing.append)
    assert missing == []
    shutil.rmtree(notes)
    outliers = find_outliers(retriever, 5, on_unreadable=missing.append)
    assert [outlier.id for outlier in outliers] == [outlier.id for outlier in find_outliers(retriever, 5, "codes")]
    assert len(find_duplicates(retriever, on_unreadable=missing.append)[0].ids) == 3
    assert missing == [60, 60]
    with pytest.raises(NoItems, match=r"none of the files can be read.*aesearch relocate"):
        find_outliers(retriever, 5, "features")
    with pytest.raises(InvalidParameter, match="k is 0"):
        find_outliers(retriever, 0)


def test_missing_files_are_reported_with_explanations_and_clusters(notes: Path, notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    query = Item("query", (notes / "threads" / "03.txt").read_text())
    nearest = retriever.query(query, k=2)
    (notes / nearest[1].id).unlink()
    missing: list[int] = []
    assert [part.hit.id for part in explain(retriever, query, 2, missing.append)] == ["query", nearest[0].id]
    clusters = cluster_items(retriever, 3, on_unreadable=missing.append)
    assert sum(cluster.size for cluster in clusters) == 60
    assert missing == [1, 1]
    for k in (0, 10**9):
        with pytest.raises(InvalidParameter, match="choose 1 to 1,000"):
            explain(retriever, query, k)
    with pytest.raises(InvalidParameter, match="cannot generate 1,000,000,000 items"):
        interpolate(retriever, query, query, 10**9)


def test_full_temporary_folder_of_an_analysis_is_named(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="resource limits exist only on Unix")
    spool = Spool(tmp_path / "spool")
    spool.append(np.arange(10), np.zeros((10, 16), np.float32))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as error:
            spool.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error.value.filename == str(tmp_path / "spool")
    spool.close()


def test_kind_of_existing_index_is_known(notes: Path, notes_index: Path, tmp_path: Path) -> None:
    assert index_kind(notes_index) == "documents"
    assert index_kind(tmp_path / "absent") is None
    for number in range(100):
        np.save(notes / f"{number}.npy", np.ones((2, 6)))
    assert read_files(notes).kind == "vectors"
    report = index_files(notes_index, read_files(notes, kind=index_kind(notes_index)))
    assert (report.kind, report.items) == ("documents", 60)


def test_relocated_items_keep_their_words_passages_and_metadata(notes_index: Path, tmp_path: Path) -> None:
    index = Retriever.load(notes_index)
    text = "\n".join(
        f"A thread waits for lock {number} of another process at the Erindale regatta." for number in range(300)
    )
    path = str(tmp_path / "old" / "book.txt")
    index.add([Item(path, text, path=path, metadata={"author": "Lee"})])
    n_passages = len(index._state.passages)
    index.save(notes_index)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "book.txt").write_text(text)
    (tmp_path / "old").rename(tmp_path / "new")
    relocate(notes_index, tmp_path / "old", tmp_path / "new")
    moved = Retriever.load(notes_index)
    moved.verify()
    assert len(moved._state.passages) == n_passages > 5
    hit = moved.query("Erindale", where="author = 'Lee'")[0]
    assert (hit.id, hit.metadata) == (str(tmp_path / "new" / "book.txt"), {"author": "Lee"})
    assert hit.snippet is not None
