"""An index is saved in one commit, loaded in the state of one commit, refreshed and verified."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aesearch.arrays import read_json, write_json
from aesearch.errors import AesearchError, Busy, CorruptIndex, InvalidParameter, NoIndex, UnsupportedFormat
from aesearch.index.locking import write_lock
from aesearch.index.manifest import CHECKSUM_KEY, commit
from aesearch.index.retriever import Retriever
from aesearch.index.storage import load_state
from aesearch.items import Item

Snapshot = Callable[[Retriever], tuple[Any, ...]]


def test_loaded_index_is_the_saved_one(notes: Path, tmp_path: Path, snapshot: Snapshot) -> None:
    built = Retriever.build(notes, coder="lsa", code_size=16)
    assert built.folder is None
    built.save(tmp_path / "index")
    loaded = Retriever.load(tmp_path / "index")
    assert snapshot(loaded) == snapshot(built)
    assert loaded.record == built.record
    assert loaded.folder == built.folder == (tmp_path / "index").resolve()
    assert loaded.query("a thread") == built.query("a thread")


def test_autoencoder_can_be_loaded_without_decoder(image_folder: Path, tmp_path: Path) -> None:
    built = Retriever.build(image_folder, coder="convolutional", code_size=8, epochs=1, device="cpu")
    built.save(tmp_path / "index")
    query = image_folder / "3" / "003.png"
    for encoder_only in (True, False):
        loaded = Retriever.load(tmp_path / "index", encoder_only=encoder_only)
        assert loaded.coder_name == "convolutional"
        assert loaded.coder.can_decode != encoder_only
        assert [hit.id for hit in loaded.query(query, k=20)] == [hit.id for hit in built.query(query, k=20)]


def test_moved_index_gives_same_hits(image_index: Path, image_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(image_index, tmp_path / "moved")
    query = image_folder / "3" / "003.png"
    assert Retriever.load(tmp_path / "moved").query(query) == Retriever.load(image_index).query(query)


def test_save_writes_only_changed_parts(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    retriever.save(notes_index)
    assert read_json(notes_index / "index.json")["parts"]["store"] == "store"
    retriever.add([Item("memo", "a thread")])
    retriever.save(notes_index)
    parts = read_json(notes_index / "index.json")["parts"]
    unchanged = {"features": "features", "coder": "coder"}
    assert parts == unchanged | {"store": "store.3", "passages": "passages.3", "ledger": "ledger.3.sqlite"}


def test_save_to_other_folder_writes_all_parts(notes_index: Path, tmp_path: Path, snapshot: Snapshot) -> None:
    retriever = Retriever.load(notes_index)
    retriever.save(tmp_path / "copy")
    shutil.rmtree(notes_index)
    assert snapshot(Retriever.load(tmp_path / "copy")) == snapshot(retriever)


def test_save_to_deleted_folder_writes_all_parts(notes_index: Path, snapshot: Snapshot) -> None:
    retriever = Retriever.load(notes_index)
    shutil.rmtree(notes_index)
    retriever.add([Item("memo", "a thread")])
    retriever.save(notes_index)
    assert snapshot(Retriever.load(notes_index)) == snapshot(retriever)


def test_index_is_not_saved_among_other_files(notes_index: Path, notes: Path) -> None:
    with pytest.raises(InvalidParameter, match="is not an index: it contains files"):
        Retriever.load(notes_index).save(notes)


def test_refresh_loads_newer_commit(notes_index: Path) -> None:
    reader, writer = Retriever.load(notes_index), Retriever.load(notes_index)
    assert not reader.refresh()
    writer.add([Item("memo", "a thread waits for a lock")])
    writer.save(notes_index)
    assert len(reader) == 60
    assert reader.refresh()
    assert len(reader) == len(reader.ledger) == 61
    assert reader.query("a thread waits for a lock", k=1)[0].id == "memo"
    assert not reader.refresh()
    reader.remove(["memo"])  # the refreshed index is fully usable
    reader.save(notes_index)
    assert writer.refresh()
    assert len(writer) == 60


def test_refresh_keeps_the_decoder(image_folder: Path, tmp_path: Path) -> None:
    Retriever.build(image_folder, coder="pca", code_size=8).save(tmp_path / "index")
    states = [load_state(tmp_path / "index", encoder_only=encoder_only) for encoder_only in (True, False)]
    readers = [Retriever(state) for state in states]
    Retriever.load(tmp_path / "index").save(tmp_path / "index")
    for reader, encoder_only in zip(readers, (True, False), strict=True):
        assert reader.refresh()
        assert reader._state.encoder_only == encoder_only


def test_index_in_memory_cannot_be_refreshed() -> None:
    retriever = Retriever.build([Item("a", "some words")], coder="raw")
    with pytest.raises(NoIndex, match="never saved"):
        retriever.refresh()
    with pytest.raises(NoIndex, match="never saved"):
        retriever.verify()


def test_outdated_index_cannot_be_saved(notes_index: Path) -> None:
    outdated, writer = Retriever.load(notes_index), Retriever.load(notes_index)
    writer.add([Item("memo", "a thread")])
    writer.save(notes_index)
    outdated.add([Item("other", "a socket")])
    with pytest.raises(Busy, match="another process has changed it; load it again and repeat the change"):
        outdated.save(notes_index)
    assert len(Retriever.load(notes_index)) == 61


def test_locked_index_can_be_read(notes_index: Path) -> None:
    hold = "import sys, time; from pathlib import Path; from aesearch.index.locking import write_lock\n"
    hold += "with write_lock(Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)"
    retriever = Retriever.load(notes_index)
    with subprocess.Popen([sys.executable, "-c", hold, notes_index], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(Retriever.load(notes_index)) == 60
        with pytest.raises(Busy, match=f"process {process.pid}"):
            retriever.save(notes_index)
        process.kill()
    with write_lock(notes_index):
        retriever.save(notes_index)


def test_reader_of_older_commit_is_not_disturbed(notes_index: Path) -> None:
    reader, writer = Retriever.load(notes_index), Retriever.load(notes_index)
    before = reader.query("a thread", k=60)
    writer.remove([hit.id for hit in before[:5]])
    writer.save(notes_index)
    assert reader.query("a thread", k=60) == before
    assert len(Retriever.load(notes_index)) == 55


def test_readers_never_fail_while_writer_commits(notes_index: Path) -> None:
    script = "import sys; from aesearch import Retriever\nfor _ in range(15):\n    index = Retriever.load(sys.argv[1])\n"
    script += "    assert len(index) == len(index.ledger) and index.query('a thread', k=1)[0].id"
    readers = [subprocess.Popen([sys.executable, "-c", script, notes_index]) for _ in range(2)]
    writer = Retriever.load(notes_index)
    n_commits = 0
    while any(reader.poll() is None for reader in readers):
        writer.add([Item("memo", "a thread waits for a lock")]) if n_commits % 2 else writer.remove(["memo"])
        writer.save(notes_index)
        n_commits += 1
    assert [reader.returncode for reader in readers] == [0, 0]
    assert n_commits > 5


def test_verify_detects_codes_of_other_items(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    retriever.verify()
    key = retriever.store.keys()[:1]
    code = retriever.store.codes(key)
    retriever.store.remove(key)
    retriever.store.add(key + 1, code)
    manifest = read_json(notes_index / "index.json")
    commit(
        notes_index,
        {name: manifest[name] for name in ("kind", "items", "store", "record")},
        {"store": retriever.store.save},
    )
    with pytest.raises(CorruptIndex, match="holds codes that do not belong to its items"):
        Retriever.load(notes_index).verify()


def test_inconsistent_index_is_not_saved(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    retriever.store.remove(retriever.store.keys()[:1])
    with pytest.raises(CorruptIndex, match=r"59 codes for 60 items.*; load it again"):
        retriever.save(notes_index)
    Retriever.load(notes_index).verify()


@pytest.mark.parametrize("name", ["index.json", "coder/config.json", "store/codes.faiss", "ledger.sqlite"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_damaged_part_is_named(name: str, damage: str, notes_index: Path) -> None:
    path = notes_index / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "truncated" else content)
    with pytest.raises(NoIndex if (name, damage) == ("index.json", "missing") else CorruptIndex) as caught:
        Retriever.load(notes_index)
    assert str(notes_index) in str(caught.value)
    assert name in str(caught.value) or damage == "missing"


@pytest.mark.parametrize("key", ["kind", "items", "store", "record"])
def test_manifest_without_a_field_is_refused(key: str, notes_index: Path) -> None:
    path = notes_index / "index.json"
    contents = {name: value for name, value in read_json(path).items() if name not in (key, CHECKSUM_KEY)}
    write_signed(path, contents)
    if key == "kind":  # only a hint for choose_newest
        Retriever.load(notes_index)
    else:
        with pytest.raises(CorruptIndex, match=rf"index\.json lacks what an index needs \('{key}'\)"):
            Retriever.load(notes_index)


def test_wrong_number_of_items_is_refused(notes_index: Path) -> None:
    path = notes_index / "index.json"
    write_signed(path, {name: value for name, value in (read_json(path) | {"items": 59}).items() if name != CHECKSUM_KEY})
    with pytest.raises(CorruptIndex, match="holds 60 codes and 60 items instead of 59"):
        Retriever.load(notes_index)


def test_coder_of_other_features_is_refused(notes_index: Path) -> None:
    path = notes_index / "coder" / "config.json"
    (n_terms,) = Retriever.load(notes_index).features.shape
    path.write_text(path.read_text().replace(str(n_terms), str(n_terms + 1)))
    with pytest.raises(CorruptIndex, match=rf"a coder for rows of shape \({n_terms + 1},\), and features of shape"):
        load_state(notes_index, max_checked_bytes=0)  # as for files that are too large to be checked


def write_signed(path: Path, contents: dict[str, Any]) -> None:
    """Write a manifest with a valid checksum."""
    from hashlib import sha256

    checksum = sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()
    write_json(path, contents | {CHECKSUM_KEY: checksum})


def test_index_of_old_format_is_refused_with_remedy(notes_index: Path) -> None:
    write_old_format(notes_index)
    with pytest.raises(UnsupportedFormat) as caught:
        Retriever.load(notes_index)
    (sentence,) = str(caught.value).splitlines()
    assert "an older version of aesearch has written it (format 1" in sentence
    assert sentence.endswith("rebuild it with: aesearch index PATH --rebuild")
    assert isinstance(caught.value, CorruptIndex)
    assert isinstance(caught.value, AesearchError)


def write_old_format(folder: Path) -> None:
    """Replace the manifest of an index by one of format 1."""
    manifest = read_json(folder / "index.json")
    old = {key: manifest[key] for key in ("generation", "kind", "items", "parts", "files")}
    store = manifest["store"] | {"name": "faiss"}
    record = {"seconds": {}, "epochs": [], "agreement": None, "far": None, "remarks": []}
    write_json(folder / "index.json", {"format": 1, **old, "store": store, **record})


def test_missing_index_is_reported_with_remedy(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match="create one with: aesearch index PATH"):
        Retriever.load(tmp_path)
