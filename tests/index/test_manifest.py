"""One file commits a change: before, readers see the old index; after, the new one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aesearch.arrays import read_json, write_json
from aesearch.errors import CorruptIndex, InvalidParameter, NoIndex, UnsupportedFormat
from aesearch.index.locations import MANIFEST_FILE
from aesearch.index.manifest import (
    CHECKSUM_KEY,
    FORMAT,
    PARTS,
    commit,
    read_generation,
    read_manifest,
    remove_outdated_parts,
)

UNCHANGED = "features", "coder", "passages"
Writer = Callable[[Path], None]


def write_folder(text: str) -> Writer:
    def write(path: Path) -> None:
        (path / "inner").mkdir(parents=True)
        (path / "inner" / "file").write_text(text)

    return write


def write_file(text: str) -> Writer:
    def write(path: Path) -> None:
        path.write_text(text)

    return write


def write_all(text: str) -> dict[str, Writer]:
    return {part: write_file(text) if name.endswith(".sqlite") else write_folder(text) for part, name in PARTS.items()}


def read_parts(folder: Path) -> dict[str, str]:
    paths = {part: folder / name for part, name in read_manifest(folder)["parts"].items()}
    return {part: (path if path.is_file() else path / "inner" / "file").read_text() for part, path in paths.items()}


@pytest.fixture
def index(tmp_path: Path) -> Path:
    commit(tmp_path / "index", {"note": 1}, write_all("old"))
    return tmp_path / "index"


def test_first_commit_uses_plain_names(index: Path) -> None:
    assert {path.name for path in index.iterdir()} == {MANIFEST_FILE, *PARTS.values()}
    assert read_manifest(index)["note"] == 1
    assert read_generation(index) == 1


def test_commit_replaces_only_written_parts(index: Path) -> None:
    assert commit(index, {"note": 2}, {"store": write_folder("new"), "ledger": write_file("new")}) == 2
    assert read_parts(index) == dict.fromkeys(PARTS, "old") | {"store": "new", "ledger": "new"}
    assert {path.name for path in index.iterdir()} == {MANIFEST_FILE, *UNCHANGED, "store.2", "ledger.2.sqlite"}
    assert commit(index, {"note": 3}, write_all("newest")) == 3
    assert set(read_parts(index).values()) == {"newest"}
    assert len(list(index.iterdir())) == 1 + len(PARTS)


def test_interrupted_commit_leaves_old_index(index: Path) -> None:
    def write_half(path: Path) -> None:
        write_folder("half")(path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commit(index, {}, {"ledger": write_file("new"), "store": write_half})
    assert set(read_parts(index).values()) == {"old"}
    assert len(list(index.iterdir())) == 1 + len(PARTS)


def test_commit_replaces_remains_of_killed_commit(index: Path) -> None:
    write_folder("half")(index / "store.2")  # as a killed process leaves it
    commit(index, {}, {"store": write_folder("new"), "ledger": write_file("new")})
    assert read_parts(index)["store"] == "new"
    assert len(list(index.iterdir())) == 1 + len(PARTS)


def test_parts_that_a_killed_commit_left_behind_are_removed(index: Path) -> None:
    commit(index, {}, {"store": write_folder("new"), "ledger": write_file("new")})
    write_file("outdated")(index / "ledger.sqlite")  # it was killed after its commit, before it removed this part
    write_folder("never committed")(index / "store.9")
    remove_outdated_parts(index)
    assert {path.name for path in index.iterdir()} == {MANIFEST_FILE, *UNCHANGED, "store.2", "ledger.2.sqlite"}
    write_file("outdated")(index / "ledger.sqlite")
    commit(index, {}, {"store": write_folder("newest")})
    assert {path.name for path in index.iterdir()} == {MANIFEST_FILE, *UNCHANGED, "store.3", "ledger.2.sqlite"}


@pytest.mark.parametrize("name", ["store/inner/file", "ledger.sqlite", "coder/inner/file"])
@pytest.mark.parametrize(
    ("content", "reason"), [("OLD", "does not match its checksum"), ("ol", "has 2 bytes"), (None, "cannot be opened")]
)
def test_damaged_file_is_named(index: Path, name: str, content: str | None, reason: str) -> None:
    if content is None:
        (index / name).unlink()
    else:
        (index / name).write_text(content)
    with pytest.raises(CorruptIndex, match=reason) as caught:
        read_manifest(index)
    assert name in str(caught.value)


def test_checksums_of_large_files_are_not_compared(index: Path) -> None:
    (index / "ledger.sqlite").write_text("OLD")
    read_manifest(index, max_checked_bytes=2)
    with pytest.raises(CorruptIndex, match=r"ledger\.sqlite does not match its checksum"):
        read_manifest(index, max_checked_bytes=3)


@pytest.mark.parametrize(("version", "age"), [(FORMAT - 1, "an older"), (FORMAT + 1, "a newer")])
def test_other_format_is_refused_with_remedy(index: Path, version: int, age: str) -> None:
    write_json(index / MANIFEST_FILE, read_json(index / MANIFEST_FILE) | {"format": version})
    with pytest.raises(UnsupportedFormat, match=f"{age} version of aesearch .*format {version}.* --rebuild"):
        read_manifest(index)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"format": "x"}, "does not describe"), ({"files": []}, "does not describe"), ({"parts": {}}, "list the parts")],
)
def test_malformed_manifest_is_refused(index: Path, change: dict[str, object], reason: str) -> None:
    write_json(index / MANIFEST_FILE, read_json(index / MANIFEST_FILE) | change)
    with pytest.raises(CorruptIndex, match=reason):
        read_manifest(index)


@pytest.mark.parametrize("content", [b"[1, 2", b"[]", b"\xff\xfe", b""])
def test_manifest_without_json_object_is_refused(index: Path, content: bytes) -> None:
    (index / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(CorruptIndex, match="JSON"):
        read_manifest(index)
    assert read_generation(index) is None


def test_altered_manifest_is_refused(index: Path) -> None:
    manifest = read_json(index / MANIFEST_FILE)
    without_checksum = {key: value for key, value in manifest.items() if key != CHECKSUM_KEY}
    for altered in (manifest | {"note": 2}, without_checksum):
        write_json(index / MANIFEST_FILE, altered)
        with pytest.raises(CorruptIndex, match=r"index\.json does not match its checksum"):
            read_manifest(index)


@pytest.mark.parametrize("name", ["../mine", "/tmp", "store/../../mine", "stores", 5, ["store"], None])
def test_manifest_cannot_name_foreign_parts(index: Path, name: object) -> None:
    mine = index.parent / "mine"
    mine.mkdir()
    manifest = read_json(index / MANIFEST_FILE)
    write_json(index / MANIFEST_FILE, manifest | {"parts": manifest["parts"] | {"store": name}})
    with pytest.raises(CorruptIndex, match="lists other files"):
        read_manifest(index)
    commit(index, {"note": 2}, write_all("new"))
    assert mine.is_dir(), "a commit removes only the parts that it replaces"
    assert read_manifest(index)["note"] == 2


def test_missing_index_is_reported_with_remedy(tmp_path: Path) -> None:
    with pytest.raises(NoIndex, match="create one with: aesearch index PATH"):
        read_manifest(tmp_path)


def test_index_is_not_written_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("mine")
    with pytest.raises(InvalidParameter, match=r"photo\.jpg"):
        commit(tmp_path, {}, write_all("new"))
    with pytest.raises(InvalidParameter, match="is a file"):
        commit(tmp_path / "photo.jpg", {}, write_all("new"))
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
