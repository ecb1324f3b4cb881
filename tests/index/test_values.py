"""Items with useless values are skipped by name, warnings are recorded, and limits are checked."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from aesearch.errors import InvalidParameter
from aesearch.index.plan import BuildPlan
from aesearch.index.retriever import Retriever
from aesearch.index.update import add_paths, index_files
from aesearch.items import Item, SkipCategory
from aesearch.readers.folder import read_files

HUGE_K = 2**63 - 1


def save_vectors(path: Path, seed: int, n_vectors: int = 50) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((n_vectors, 6)).astype(np.float32)
    np.save(path, vectors)
    return vectors


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e20])
@pytest.mark.parametrize("coder", ["raw", "pca"])
def test_vector_that_cannot_be_compared_is_skipped_by_name(tmp_path: Path, value: float, coder: str) -> None:
    source = tmp_path / "vectors"
    source.mkdir()
    vectors = save_vectors(source / "a.npy", 0)
    vectors[7, 2] = value
    np.save(source / "a.npy", vectors)
    params = {} if coder == "raw" else {"code_size": 4}
    report = index_files(tmp_path / "index", read_files(source), coder=coder, **params)  # type: ignore[arg-type]
    assert report.items == 49
    assert set(report.skipped) == {"a.npy#7"}
    retriever = Retriever.load(tmp_path / "index")
    assert len(retriever.query(vectors[3], k=5)) == 5
    (source / "b.npy").write_bytes((source / "a.npy").read_bytes())
    report = index_files(tmp_path / "index", read_files(source))
    assert (report.items, set(report.skipped)) == (98, {"a.npy#7", "b.npy#7"})
    with pytest.raises(InvalidParameter, match='cannot add "x"'):
        retriever.add([Item("x", vectors[7])])


def test_codes_that_are_not_finite_are_skipped(notes: Path, notes_index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retriever = Retriever.load(notes_index)
    encode = type(retriever.coder).encode

    def encode_badly(self: object, X: np.ndarray) -> np.ndarray:
        codes = encode(self, X)  # type: ignore[arg-type]
        codes[0] = np.nan
        return codes

    monkeypatch.setattr(type(retriever.coder), "encode", encode_badly)
    (notes / "new1.txt").write_text("a thread waits for a lock")
    (notes / "new2.txt").write_text("a thread waits for a socket")
    assert retriever.sync(read_files(notes)).added == 1
    assert retriever.ledger.skipped["new1.txt"].category is SkipCategory.INCOMPATIBLE
    retriever.save(notes_index)


def test_documents_without_terms_are_named_in_warnings(notes: Path, tmp_path: Path) -> None:
    (notes / "odd.txt").write_text("--- !!! ---")
    report = index_files(tmp_path / "index", read_files(notes), coder="lsa", code_size=4)
    assert set(report.file_warnings) == {"odd.txt"}
    assert json.loads(json.dumps(report.as_dict()))["file_warnings"][0]["path"] == "odd.txt"
    assert set(Retriever.load(tmp_path / "index").info()["file_warnings"]) == {"odd.txt"}
    (notes / "odd.txt").rename(notes / "renamed.txt")
    (notes / "odder.txt").write_text("??? ... ???")
    report = index_files(tmp_path / "index", read_files(notes))
    assert set(report.file_warnings) == {"renamed.txt", "odder.txt"}
    (notes / "renamed.txt").write_text("a thread waits for a lock")
    (notes / "odder.txt").unlink()
    assert index_files(tmp_path / "index", read_files(notes)).file_warnings == {}


def test_warnings_of_readers_are_recorded(notes: Path, tmp_path: Path) -> None:
    (notes / "latin.txt").write_bytes(b"thread process lock wait queue signal " * 30 + b"caf\xc3\xa9 \xe9 \xc3\xa9" * 9)
    files = read_files(notes)
    list(files)
    expected = set(files.warnings)
    report = index_files(tmp_path / "index", read_files(notes), coder="lsa", code_size=4)
    assert set(report.file_warnings) == expected
    extra = shutil.copy(notes / "latin.txt", tmp_path / "extra.txt")
    added = add_paths(tmp_path / "index", [Path(extra)])
    assert len(added.file_warnings) == len(expected)
    assert len(Retriever.load(tmp_path / "index").ledger.warnings) == 2 * len(expected)


def test_k_is_bounded_by_the_number_of_items(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    for rerank in (False, True):
        assert len(retriever.query("a thread", k=HUGE_K, rerank=rerank)) == 60
    assert [len(hits) for hits in retriever.query_many(["a thread", "a socket"], k=10**9)] == [60, 60]
    for k in (0, -1):
        with pytest.raises(InvalidParameter, match=f"k is {k}"):
            retriever.query("a thread", k=k)
    with pytest.raises(InvalidParameter, match="not a number"):
        retriever.range_query("a thread", float("nan"))
    assert retriever.range_query("a thread", -1.0) == []


@pytest.mark.parametrize("name", ["code_size", "training_sample"])
def test_sizes_below_one_are_refused(notes: Path, name: str) -> None:
    for value in (0, -5):
        with pytest.raises(InvalidParameter, match=f"{name} is {value}; it must be at least 1"):
            BuildPlan(read_files(notes), coder="lsa", **{name: value})  # type: ignore[arg-type]


def test_two_items_can_have_bits(tmp_path: Path) -> None:
    save_vectors(tmp_path / "a.npy", 0, 2)
    retriever = Retriever.build(tmp_path, coder="pca", bits=True)
    assert len(retriever.query(np.ones(6, np.float32), k=5)) == 2


def test_encoding_is_recorded_for_updates(tmp_path: Path) -> None:
    source = tmp_path / "notes"
    source.mkdir()
    for number in range(30):
        (source / f"{number}.txt").write_bytes(f"ulica łąka żółw numer {number % 7} ścieżka".encode("cp1250"))
    index_files(tmp_path / "index", read_files(source, encoding="cp1250"), coder="lsa", code_size=2)
    (source / "new.txt").write_bytes("ulica łąka".encode("cp1250"))
    assert index_files(tmp_path / "index", read_files(source)).added == 1
    retriever = Retriever.load(tmp_path / "index")
    assert retriever.ledger.rows_by_id(["new.txt"])["new.txt"].excerpt == "ulica łąka"
    assert retriever.source_files().encoding == "cp1250"
    with pytest.raises(InvalidParameter, match="cannot set encoding"):
        index_files(tmp_path / "index", read_files(source, encoding="utf-8"))


UPDATE = """
import sys
from pathlib import Path
from aesearch.index.update import index_files
from aesearch.readers.folder import read_files
print(index_files(Path(sys.argv[1]), read_files(sys.argv[2])).items)
"""


def test_unchanged_index_on_read_only_media_is_reported(notes: Path, notes_index: Path) -> None:
    root = notes.parent
    mount = f"mount --bind {root} {root} && mount -o remount,ro,bind {root} && "
    run = ["unshare", "-m", "sh", "-c", mount + '"$0" "$@"', sys.executable, "-c", UPDATE, str(notes_index), str(notes)]
    if shutil.which("unshare") is None or subprocess.run([*run[:4], mount + "true"], capture_output=True).returncode:
        pytest.skip("cannot mount a folder read-only here")
    result = subprocess.run(run, capture_output=True, text=True)
    assert result.stdout == "60\n", result.stderr
    (notes / "new.txt").write_text("a thread")
    result = subprocess.run(run, capture_output=True, text=True)
    assert "the index cannot be written here" in result.stderr
