"""The Retriever finds what it was given, keeps it through saving, adding and removing, and says what is wrong."""

import json
import os
import random
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aesearch import Hit, Item, Retriever, building
from aesearch.errors import Busy, CorruptIndex, InvalidParameter, NoIndex, NoItems, NoKnownTerms, UnknownName, WrongKind
from aesearch.index.build import Progress
from aesearch.index.sync import Changes
from aesearch.readers.folder import FileCollection, read_files


def ids(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def as_numbers(hits: list[Hit]) -> list[tuple[str, float]]:
    return [(hit.id, round(hit.distance, 4)) for hit in hits]


@pytest.fixture
def notes(tmp_path: Path, documents: list[Item]) -> Path:
    """A folder of 60 documents in class folders."""
    for item in documents[:60]:
        path = tmp_path / "notes" / item.id
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(item.content))
    return tmp_path / "notes"


def test_every_indexed_picture_is_its_own_nearest_neighbor(digit_index: Path, digit_folder: Path) -> None:
    index = Retriever.load(digit_index)
    items = list(read_files(digit_folder / "train"))[::20]
    for item, hits in zip(items, index.query_many(items, k=3), strict=True):
        twins = [hit for hit in hits if hit.distance < 1e-4]
        assert item.id in ids(twins)
        assert [hit.rank for hit in hits] == [1, 2, 3]
        assert hits[0].distance <= hits[1].distance <= hits[2].distance


@pytest.mark.parametrize("bits", [False, True])
@pytest.mark.parametrize("coder", ["dense", "lsa"])
def test_every_indexed_document_is_its_own_nearest_neighbor(coder: str, bits: bool, notes: Path) -> None:
    index = Retriever.build(notes, coder=coder, code_size=16, bits=bits, **({"epochs": 3} if coder == "dense" else {}))
    for item in read_files(notes):
        hits = index.query(item, k=60)
        assert item.id in [hit.id for hit in hits if hit.distance < 1e-4]


def test_a_path_a_picture_and_an_item_ask_the_same(digit_index: Path, digit_folder: Path) -> None:
    index = Retriever.load(digit_index)
    path = min((digit_folder / "test" / "3").iterdir())
    with Image.open(path) as picture:
        asked = [index.query(path), index.query(str(path)), index.query(picture), index.query(Item("x", picture))]
    assert all(as_numbers(hits) == as_numbers(asked[0]) for hits in asked)
    assert len(asked[0]) == 10


def test_a_str_is_text_and_a_path_a_file_in_an_index_of_documents(document_index: Path, tmp_path: Path) -> None:
    index = Retriever.load(document_index)
    words = "wait until the thread terminates"
    (tmp_path / "query.txt").write_text(words)
    assert as_numbers(index.query(words)) == as_numbers(index.query(tmp_path / "query.txt"))


def test_hits_name_their_files_labels_and_first_words(document_index: Path, documentation_folder: Path) -> None:
    hit = Retriever.load(document_index).query("open a socket", k=1)[0]
    assert hit.path == str(documentation_folder.resolve() / "train" / hit.id)
    assert hit.label == hit.id.split("/")[0]
    assert Path(hit.path).read_text().split()[:3] == (hit.excerpt or "").split()[:3]


def test_saved_and_loaded_it_answers_alike(digit_folder: Path, tmp_path: Path) -> None:
    index = Retriever.build(digit_folder / "train" / "3", coder="convolutional", code_size=8, epochs=2)
    index.save(tmp_path / "index")
    query = min((digit_folder / "test" / "3").iterdir())
    for light in (True, False):
        loaded = Retriever.load(tmp_path / "index", encoder_only=light)
        assert ids(loaded.query(query, k=20)) == ids(index.query(query, k=20))
        assert loaded.info()["coder"] == "convolutional"
        assert len(loaded) == len(index)


def test_a_moved_index_still_answers(digit_index: Path, digit_folder: Path, tmp_path: Path) -> None:
    query = min((digit_folder / "test" / "3").iterdir())
    shutil.copytree(digit_index, tmp_path / "moved")
    assert as_numbers(Retriever.load(tmp_path / "moved").query(query)) == as_numbers(
        Retriever.load(digit_index).query(query)
    )


def test_what_was_added_is_found_and_what_was_removed_is_not(notes: Path, tmp_path: Path) -> None:
    index = Retriever.build(notes, coder="lsa", code_size=16)
    before = as_numbers(index.query("a thread in a process", k=60))
    fresh = [Item("new/1", "threads and processes, each thread in a process", "new"), Item("new/2", "sockets", "new")]
    assert index.add(fresh) == 2
    assert len(index) == len(index.ledger) == 62
    assert "new/1" in ids(index.query("a thread in a process", k=3))
    index.save(tmp_path / "index")
    loaded = Retriever.load(tmp_path / "index")
    assert loaded.remove(["new/1", "new/2", "not there"]) == 2
    loaded.save(tmp_path / "index")
    assert as_numbers(Retriever.load(tmp_path / "index").query("a thread in a process", k=60)) == before


def test_an_added_item_takes_the_place_of_the_one_of_its_id(notes: Path) -> None:
    index = Retriever.build(notes, coder="lsa", code_size=16)
    index.add([Item("note", "threads and locks")])
    index.add([Item("note", "sockets and files")])
    assert len(index) == 61
    assert [hit.excerpt for hit in index.query("sockets and files", k=61) if hit.id == "note"] == ["sockets and files"]


def test_an_update_does_only_what_changed(notes: Path, tmp_path: Path) -> None:
    index = Retriever.build(notes, coder="lsa", code_size=16)
    index.save(tmp_path / "index")
    index = Retriever.load(tmp_path / "index")
    assert index.sync(read_files(notes)) == Changes(0, 0, 0)
    paths = sorted(notes.rglob("*.txt"))
    paths[0].unlink()
    paths[1].write_text("a thread waits for a lock, and a lock for a thread")
    os.utime(paths[2], (1, 1))  # touched, not changed
    (notes / "new").mkdir()
    (notes / "new" / "note.txt").write_text("a socket listens on a port until the server closes the socket")
    (notes / "new" / "empty.txt").write_text("")
    assert index.sync(read_files(notes)) == Changes(added=1, updated=1, removed=1)
    index.save(tmp_path / "index")
    loaded = Retriever.load(tmp_path / "index")
    assert len(loaded) == len(loaded.ledger) == 60
    assert loaded.ledger.skipped == {"new/empty.txt": "the file is empty"}
    gone, changed = (paths[i].relative_to(notes).as_posix() for i in (0, 1))
    assert gone not in ids(loaded.query("a thread", k=60))
    assert ids(loaded.query("a thread waits for a lock, and a lock for a thread", k=1)) == [changed]
    assert ids(loaded.query("a socket listens on a port until the server closes the socket", k=1)) == ["new/note.txt"]
    assert loaded.sync(read_files(notes)) == Changes(0, 0, 0)
    assert loaded.ledger.skipped == {"new/empty.txt": "the file is empty"}, "an unchanged bad file is still named"


@pytest.mark.parametrize("after", [1, 2, 3])
def test_an_update_that_is_broken_off_goes_on_from_what_was_saved(
    after: int, notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "READ_BATCH", 10)
    Retriever.build(notes, coder="lsa", code_size=16).save(tmp_path / "index")
    for number, path in enumerate(sorted(notes.rglob("*.txt"))):
        text = path.read_text()
        if number % 4 == 0:
            path.write_text(f"{text} threads and sockets {number}")
        elif number % 4 == 1:
            path.rename(path.with_name(f"moved-{path.name}"))
        elif number % 4 == 2:
            path.write_text("")  # it was an item, and is none any more
        else:
            path.with_name(f"new-{path.name}").write_text(f"{text} locks and files {number}")
    expected = Retriever.load(tmp_path / "index")
    expected.sync(read_files(notes))
    index = Retriever.load(tmp_path / "index")
    read: list[int] = []

    def watch(progress: Progress) -> None:
        read.append(progress.done)
        if len(read) == after:
            index.save(tmp_path / "index")
        if len(read) == after + 1:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        index.sync(read_files(notes), watch)
    index = Retriever.load(tmp_path / "index")
    index.verify()
    assert index.sync(read_files(notes), watch).added < 15
    assert read[-1] <= 60 - 10 * after  # of 15 changed, 15 moved, 15 emptied and 15 new ones
    assert state(index) == state(expected)
    assert list(index.ledger.skipped.values()) == ["the file is empty"] * 15


@pytest.mark.parametrize("lone", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_between_updates_broken_off_anywhere_the_index_becomes_that_of_the_files(
    seed: int, is_single_file: bool, documents: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "READ_BATCH", 5)
    draw = random.Random(seed)
    texts = [str(item.content) for item in documents[:80]]
    folder = tmp_path / "files"
    folder.mkdir()

    def write_table(path: Path) -> None:
        ids = draw.sample(range(40), 16)
        path.write_text("".join(json.dumps({"id": f"n#{id}", "text": draw.choice(texts)}) + "\n" for id in ids))

    def change() -> None:
        paths = sorted(folder.iterdir())
        path, what = draw.choice(paths), draw.randrange(5)
        if what == 0 and len(paths) > 1:
            path.unlink()
        elif what == 1:
            path = path.rename(path.with_name(f"{draw.randrange(1000)}{path.suffix}"))
            if path.suffix == ".jsonl" and draw.random() < 0.5:
                write_table(path)
        elif what == 2 and not is_single_file:
            (folder / f"{draw.randrange(1000)}.txt").write_text(draw.choice(texts))
        elif what == 3:
            before, stat = path.read_bytes(), path.stat()
            write_table(path) if path.suffix == ".jsonl" else path.write_text(draw.choice(texts))
            broken_off()
            if draw.random() < 0.5:  # put back as it was, to the time of its change
                path.write_bytes(before)
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        else:
            write_table(next(iter(folder.glob("*.jsonl")), folder / "new.jsonl"))

    def files() -> FileCollection:
        return read_files(next(folder.iterdir()) if is_single_file else folder)

    def broken_off() -> None:
        """An update that is saved now and then, and killed."""
        saved, killed, seen = draw.randrange(1, 4), draw.randrange(1, 8), []
        index = Retriever.load(tmp_path / "index")

        def watch(progress: Progress) -> None:
            seen.append(progress)
            if len(seen) % saved == 0:
                index.save(tmp_path / "index")
            if len(seen) == killed:
                raise InterruptedError

        with suppress(InterruptedError):
            index.sync(files(), watch)
            index.save(tmp_path / "index")

    write_table(folder / "notes.jsonl")
    for number in range(0 if is_single_file else 20):
        (folder / f"{number}.txt").write_text(texts[number])
    Retriever.build(files(), coder="lsa", code_size=8).save(tmp_path / "index")
    for _ in range(12):
        change()
        broken_off()
    index = Retriever.load(tmp_path / "index")
    index.sync(files())
    there = {item.id: item for item in files()}
    rows = {row.id: row for row in index.ledger.all_rows()}
    assert {id: row.digest for id, row in rows.items()} == {id: item.digest for id, item in there.items()}
    codes = index.store.codes(np.array([rows[id].key for id in there]))
    expected: Any = index.coder.encode(index.features.transform(list(there.values())))
    np.testing.assert_allclose(codes, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-4)
    assert index.ledger.files() == files().paths
    assert index.sync(files()) == Changes(0, 0, 0)


def test_rows_of_two_tables_that_become_one_keep_the_codes_of_their_own(tmp_path: Path) -> None:
    texts = ["threads and locks", "sockets and files", "words and letters", "locks and files"]
    rows = [json.dumps({"id": str(number % 2), "text": text}) + "\n" for number, text in enumerate(texts)]
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.jsonl").write_text("".join(rows[:2]))
    (folder / "b.jsonl").write_text("".join(rows[2:]))
    index = Retriever.build(folder, coder="lsa", code_size=3)
    (folder / "a.jsonl").unlink()
    (folder / "b.jsonl").unlink()
    (folder / "all.jsonl").write_text("".join(rows))
    index.sync(read_files(folder))
    for item in read_files(folder):
        if item.id in {row.id for row in index.ledger.all_rows() if row.digest == item.digest}:
            assert item.id in [hit.id for hit in index.query(item, k=4) if hit.distance < 1e-4]
    assert len(index) == 2


def test_an_item_that_cannot_be_encoded_leaves_an_index_that_can_be_saved(notes: Path, tmp_path: Path) -> None:
    index = Retriever.build(notes, coder="lsa", code_size=16)
    index.save(tmp_path / "index")
    with pytest.raises(WrongKind):
        index.add([Item("a", "threads and locks"), Item("b", np.zeros((8, 8), np.uint8))])
    index.save(tmp_path / "index")
    assert len(Retriever.load(tmp_path / "index")) == 60


def test_a_file_that_cannot_be_opened_keeps_its_items_and_is_tried_again(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Retriever.build(notes, coder="lsa", code_size=16)
    path = min(notes.rglob("*.txt"))
    name = path.relative_to(notes).as_posix()
    path.write_text("sockets and locks")

    def failing(path: Path, *_: object) -> bytes:
        raise OSError(5, "Input/output error", str(path))

    with monkeypatch.context() as broken:
        broken.setattr("aesearch.readers.text.read_bytes", failing)
        assert index.sync(read_files(notes)) == Changes(0, 0, 0)
    assert "cannot be opened" in index.ledger.skipped[name]
    assert index.ledger.rows_by_id([name])
    assert index.sync(read_files(notes)) == Changes(0, 1, 0)
    assert index.ledger.skipped == {}


def test_what_can_be_encoded_no_more_is_counted_as_removed(tmp_path: Path) -> None:
    for number in range(12):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).standard_normal((2, 6)))
    index = Retriever.build(tmp_path, coder="pca", code_size=4)
    np.save(tmp_path / "3.npy", np.ones((2, 7)))
    assert index.sync(read_files(tmp_path)) == Changes(0, 0, 2)


def state(index: Retriever) -> tuple[object, ...]:
    rows = list(index.ledger.all_rows())
    codes = index.store.codes(np.array([row.key for row in rows]))
    return rows, index.ledger.files(), index.ledger.skipped, np.round(codes, 4).tolist()


def test_what_was_left_out_of_an_unchanged_table_is_still_named(tmp_path: Path) -> None:
    table = tmp_path / "notes.csv"
    table.write_text("id,text\na,threads and locks\nb,sockets and locks\na,threads and sockets\n")
    index = Retriever.build(table, coder="lsa", code_size=1)
    assert index.ledger.skipped == {"a": "an item of the same id came before it"}
    assert index.sync(read_files(table)) == Changes(0, 0, 0)
    assert index.ledger.skipped == {"a": "an item of the same id came before it"}


@pytest.mark.parametrize("bits", [False, True])
def test_a_renamed_folder_is_not_encoded_again(notes: Path, tmp_path: Path, bits: bool) -> None:
    index = Retriever.build(notes, coder="lsa", code_size=16, bits=bits)
    asked = [path.read_text() for path in sorted(notes.rglob("*.txt"))[:10]]
    before = [[(hit.distance, Path(hit.id).name) for hit in hits] for hits in index.query_many(asked)]
    inner = next(path for path in sorted(notes.iterdir()) if path.is_dir())
    count = len(list(inner.rglob("*.txt")))
    inner.rename(inner.with_name("renamed"))
    coder, index.coder = index.coder, None  # type: ignore[assignment]  # whoever would encode must fail
    assert index.sync(read_files(notes)) == Changes(0, 0, 0, moved=count)
    index.coder = coder
    assert sum(row.id.startswith("renamed/") for row in index.ledger.all_rows()) == count
    after = [[(hit.distance, Path(hit.id).name) for hit in hits] for hits in index.query_many(asked)]
    for ours, theirs in zip(after, before, strict=True):
        assert [far for far, _ in ours] == pytest.approx([far for far, _ in theirs], abs=1e-5)
        assert ours[0][1] == theirs[0][1]


def test_an_opened_index_takes_up_a_change_when_it_is_told_to(notes: Path, tmp_path: Path) -> None:
    Retriever.build(notes, coder="lsa", code_size=16).save(tmp_path / "index")
    reader, writer, late = (Retriever.load(tmp_path / "index") for _ in range(3))
    assert not reader.refresh()
    writer.add([Item("memo", "a thread waits for a lock")])
    writer.save(tmp_path / "index")
    assert len(reader) == 60
    assert reader.refresh()
    assert len(reader) == len(reader.ledger) == 61
    assert not reader.refresh()
    late.remove(["memo"])
    late.add([Item("other", "a socket")])
    with pytest.raises(Busy, match="changed since it was loaded"):
        late.save(tmp_path / "index")
    assert len(Retriever.load(tmp_path / "index")) == 61
    with pytest.raises(NoIndex, match="never saved"):
        Retriever.build([Item("a", "some words")], coder="raw").refresh()


def test_verify_finds_codes_that_are_not_of_the_items(notes: Path, tmp_path: Path) -> None:
    Retriever.build(notes, coder="lsa", code_size=16).save(tmp_path / "index")
    index = Retriever.load(tmp_path / "index")
    index.verify()
    key = index.store.keys()[:1]
    code = index.store.codes(key)
    index.store.remove(key)
    index.store.add(key + 1, code)
    index._unsaved.add("store")
    index.save(tmp_path / "index")
    with pytest.raises(CorruptIndex, match="not of each other"):
        Retriever.load(tmp_path / "index").verify()


def test_readers_meet_a_writer_that_commits_again_and_again_and_never_fail(notes: Path, tmp_path: Path) -> None:
    Retriever.build(notes, coder="lsa", code_size=16).save(tmp_path / "index")
    reading = "import sys; from aesearch import Retriever\nfor _ in range(15):\n    index = Retriever.load(sys.argv[1])\n"
    reading += "    assert len(index) == len(index.ledger) and index.query('a thread', k=1)[0].id"
    readers = [subprocess.Popen([sys.executable, "-c", reading, tmp_path / "index"]) for _ in range(2)]
    writer = Retriever.load(tmp_path / "index")
    commits = 0
    while any(reader.poll() is None for reader in readers):
        writer.add([Item("memo", "a thread waits for a lock")]) if commits % 2 else writer.remove(["memo"])
        writer.save(tmp_path / "index")
        commits += 1
    assert [reader.returncode for reader in readers] == [0, 0]
    assert commits > 5


def test_a_file_that_can_no_longer_be_read_leaves_the_index_by_name(notes: Path) -> None:
    index = Retriever.build(notes, coder="lsa", code_size=16)
    path = min(notes.rglob("*.txt"))
    path.write_bytes(b"\0\1\2")
    assert index.sync(read_files(notes)) == Changes(0, 0, 1)
    assert list(index.ledger.skipped) == [path.relative_to(notes).as_posix()]


def test_readers_of_an_older_state_are_not_disturbed_by_an_update(notes: Path, tmp_path: Path) -> None:
    Retriever.build(notes, coder="lsa", code_size=16).save(tmp_path / "index")
    reader = Retriever.load(tmp_path / "index")
    before = as_numbers(reader.query("a thread"))
    writer = Retriever.load(tmp_path / "index")
    writer.remove(ids(reader.query("a thread", k=5)))
    writer.save(tmp_path / "index")
    assert as_numbers(reader.query("a thread")) == before
    assert len(Retriever.load(tmp_path / "index")) == 55


def test_a_table_of_rows_goes_by_their_own_ids(tmp_path: Path, documents: list[Item]) -> None:
    rows = [{"key": f"row {n}", "body": str(item.content), "topic": item.label} for n, item in enumerate(documents[:50])]
    (tmp_path / "table.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n")
    from aesearch.readers.tables import TableFields

    files = read_files(tmp_path / "table.jsonl", fields=TableFields("body", "key", "topic"))
    index = Retriever.build(files, coder="lsa", code_size=8)
    index.save(tmp_path / "index")
    hit = Retriever.load(tmp_path / "index").query(rows[7]["body"], k=1)[0]
    assert (hit.id, hit.label) == ("row 7", rows[7]["topic"])
    assert index.ledger.skipped == {"table.jsonl#51": "the line is not JSON"}
    assert Retriever.load(tmp_path / "index").source_files().fields.text == "body"


def test_two_rows_of_one_id_are_named_and_the_first_is_kept() -> None:
    items = [Item("a", "one two three"), Item("b", "two three four"), Item("a", "five six")]
    index = Retriever.build(items, coder="raw")
    assert len(index) == 2
    assert list(index.ledger.skipped) == ["a"]
    assert index.query("two", k=5)[0].excerpt != "five six"


def test_a_sample_trains_and_everything_is_encoded(digit_folder: Path) -> None:
    index = Retriever.build(digit_folder / "train", coder="pca", code_size=8, sample=100)
    assert len(index) == len(list((digit_folder / "train").rglob("*.png")))


def test_small_collections_and_small_pictures_get_smaller_codes(digit_folder: Path) -> None:
    few = list(read_files(digit_folder / "train" / "3"))[:20]
    assert Retriever.build(few, coder="pca").coder.code_size == 16
    assert Retriever.build(digit_folder / "train" / "3", epochs=1).coder.code_size == 32


def test_progress_is_told_stage_by_stage(digit_folder: Path) -> None:
    seen = []
    Retriever.build(digit_folder / "train" / "3", coder="dense", epochs=2, code_size=8, on_progress=seen.append)
    assert list(dict.fromkeys(step.stage for step in seen)) == ["read", "train", "encode", "store"]
    assert [step.epoch.number for step in seen if step.epoch] == [1, 2]
    assert all(step.done <= (step.total or 0) for step in seen)


@pytest.mark.parametrize("k", [1, 7, 100])
def test_k_neighbors_are_given_or_all_there_are(k: int) -> None:
    index = Retriever.build([Item(str(n), f"word{n} common") for n in range(12)], coder="raw")
    assert len(index.query("common", k=k)) == min(k, 12)


def test_what_cannot_be_asked_is_said_in_one_sentence(digit_index: Path, document_index: Path, digit_folder: Path) -> None:
    pictures, texts = Retriever.load(digit_index), Retriever.load(document_index)
    photo = min((digit_folder / "test" / "3").iterdir())
    with pytest.raises(WrongKind, match="this index is of documents"):
        texts.query(photo)
    with pytest.raises(NoKnownTerms, match="qqqq"):
        texts.query("qqqq zzzz")
    with pytest.raises(NoItems, match="check the spelling"):
        pictures.query("nowhere.png")
    with pytest.raises(NoItems, match="is a folder"):
        pictures.query(digit_folder)
    with pytest.raises(InvalidParameter, match="k is 0"):
        texts.query("thread", k=0)


def test_what_cannot_be_built_is_said_before_anything_is_read(digit_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NoItems, match="at least one"):
        Retriever.build([])
    with pytest.raises(InvalidParameter, match="only once"):
        Retriever.build(iter([Item("a", "text")]))  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match='did you mean "dense"'):
        Retriever.build(digit_folder, coder="dens")
    with pytest.raises(WrongKind, match="choose from"):
        Retriever.build(digit_folder, coder="lsa")
    with pytest.raises(InvalidParameter, match="multiple of 8"):
        Retriever.build(digit_folder, code_size=12, bits=True)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(NoItems, match=r"broken\.png"):
        Retriever.build(tmp_path)


@pytest.mark.parametrize(
    "part", ["index.json", "coder/encoder.onnx", "store/codes.faiss", "ledger.sqlite", "features/settings.json"]
)
def test_a_damaged_part_is_named(part: str, digit_index: Path, tmp_path: Path) -> None:
    for damage in ("cut", "flip", "gone"):
        folder = tmp_path / damage
        shutil.copytree(digit_index, folder)
        raw = bytearray((folder / part).read_bytes())
        if damage == "gone":
            (folder / part).unlink()
        else:
            raw[len(raw) // 2] ^= 0xFF
            (folder / part).write_bytes(raw[: len(raw) // 2] if damage == "cut" else raw)
        with pytest.raises((CorruptIndex, NoIndex), match=Path(part).name if damage != "gone" else None):
            Retriever.load(folder)


def test_where_there_is_no_index_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match="aesearch index PATH"):
        Retriever.load(tmp_path)


def test_an_index_of_pictures_alone_needs_no_files_to_be_read_again(digit_index: Path) -> None:
    index = Retriever.load(digit_index)
    assert index.sync(index.source_files()) == Changes(0, 0, 0)
    assert np.isfinite(index.store.bytes_per_item)


def test_a_query_unlike_anything_is_told_from_a_usual_one(digit_folder: Path, tmp_path: Path) -> None:
    index = Retriever.build(digit_folder / "train", coder="pca", code_size=16)
    index.save(tmp_path / "i")
    index = Retriever.load(tmp_path / "i")
    usual = [index.is_out_of_distribution(hits) for hits in index.query_many(list(read_files(digit_folder / "test")), 1)]
    assert np.mean(usual) < 0.05
    noise = Item("noise", np.random.default_rng(0).integers(0, 255, (8, 8), np.uint8))
    assert index.is_out_of_distribution(index.query(noise, 1))
    assert not index.is_out_of_distribution([])
