"""A change is committed by one file; before that the old index stands, after it the new one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aesearch.arrays import read_json, write_json
from aesearch.errors import CorruptIndex, InvalidParameter, NoIndex
from aesearch.index.manifest import FILE, PARTS, commit, read_manifest


def folder_of(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        (path / "inner").mkdir(parents=True)
        (path / "inner" / "file").write_text(text)

    return write


def file_of(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text) and None


def whole(text: str) -> dict[str, Callable[[Path], None]]:
    return {part: file_of(text) if name.endswith(".sqlite") else folder_of(text) for part, name in PARTS.items()}


def contents(folder: Path) -> dict[str, str]:
    parts = read_manifest(folder)["parts"]
    paths = {part: folder / name for part, name in parts.items()}
    return {part: (path if path.is_file() else path / "inner" / "file").read_text() for part, path in paths.items()}


@pytest.fixture
def index(tmp_path: Path) -> Path:
    commit(tmp_path / "index", {"note": 1}, whole("old"))
    return tmp_path / "index"


def test_a_first_commit_names_its_parts_plainly(index: Path) -> None:
    assert {path.name for path in index.iterdir()} == {FILE, *PARTS.values()}
    assert read_manifest(index)["note"] == 1


def test_a_change_replaces_its_parts_and_keeps_the_others(index: Path) -> None:
    commit(index, {"note": 2}, {"store": folder_of("new"), "ledger": file_of("new")})
    assert contents(index) == {"features": "old", "coder": "old", "store": "new", "ledger": "new"}
    assert {path.name for path in index.iterdir()} == {FILE, "features", "coder", "store.2", "ledger.2.sqlite"}
    commit(index, {"note": 3}, whole("newest"))
    assert set(contents(index).values()) == {"newest"}
    assert len(list(index.iterdir())) == 5


def test_a_change_that_breaks_off_leaves_the_old_index_and_the_next_cleans_up(index: Path) -> None:
    def half(path: Path) -> None:
        folder_of("half")(path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commit(index, {}, {"ledger": file_of("new"), "store": half})
    assert set(contents(index).values()) == {"old"}
    commit(index, {}, {"store": folder_of("new"), "ledger": file_of("new")})
    assert contents(index)["store"] == "new"
    assert len(list(index.iterdir())) == 5


@pytest.mark.parametrize("name", ["store/inner/file", "ledger.sqlite", "coder/inner/file"])
def test_an_altered_cut_or_missing_file_is_named(index: Path, name: str) -> None:
    for damage, says in (("OLD", "differs"), ("ol", "bytes"), (None, "cannot be opened")):
        (index / name).write_text(damage) if damage else (index / name).unlink()
        with pytest.raises(CorruptIndex, match=says) as caught:
            read_manifest(index)
        assert name in str(caught.value)


def test_a_newer_format_and_nonsense_are_refused(index: Path) -> None:
    manifest = read_json(index / FILE)
    for change, says in (({"format": 99}, "newer"), ({"format": "x"}, "does not describe"), ({"parts": {}}, "parts")):
        write_json(index / FILE, manifest | change)
        with pytest.raises(CorruptIndex, match=says):
            read_manifest(index)
    (index / FILE).write_text("[1, 2")
    with pytest.raises(CorruptIndex, match="not JSON"):
        read_manifest(index)


def test_what_the_manifest_says_was_altered_is_refused(index: Path) -> None:
    manifest = read_json(index / FILE)
    write_json(index / FILE, manifest | {"note": 2})
    with pytest.raises(CorruptIndex, match=r"index\.json differs"):
        read_manifest(index)
    write_json(index / FILE, {key: value for key, value in manifest.items() if key != "sha256"})
    assert read_manifest(index)["note"] == 1, "indexes written before there was a checksum are still read"


@pytest.mark.parametrize("place", ["../mine", "/tmp", "store/../../mine", "stores", 5, ["store"], None])
def test_a_manifest_cannot_name_what_is_none_of_the_index(index: Path, place: object) -> None:
    mine = index.parent / "mine"
    mine.mkdir()
    manifest = {key: value for key, value in read_json(index / FILE).items() if key != "sha256"}
    write_json(index / FILE, manifest | {"parts": manifest["parts"] | {"store": place}})
    with pytest.raises(CorruptIndex, match="none of them"):
        read_manifest(index)
    commit(index, {"note": 2}, whole("new"))
    assert mine.is_dir(), "a change removes the parts that it replaces, and nothing else"
    assert read_manifest(index)["note"] == 2


def test_where_there_is_no_index_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match="make one"):
        read_manifest(tmp_path)


def test_an_index_is_not_written_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("mine")
    with pytest.raises(InvalidParameter, match=r"photo\.jpg"):
        commit(tmp_path, {}, whole("new"))
    with pytest.raises(InvalidParameter, match="is a file"):
        commit(tmp_path / "photo.jpg", {}, whole("new"))
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
