"""A folder is walked in a stable order, past everything odd; whatever is left out is kept by name."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.errors import NoItems
from aesearch.features.pixels import Pixels
from aesearch.readers.folder import read_files


def picture(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 6), shade, np.uint8)).save(path)


def note(path: Path, words: str = "some words") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words)


def test_items_come_in_one_order_with_ids_labels_and_paths(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.png", "a/deep/9.png", "top.png", "a/3.png"):
        picture(tmp_path / name)
    files = read_files(tmp_path)
    found = [(item.id, item.label) for item in files]
    assert found == [("top.png", None), ("a/3.png", "a"), ("a/deep/9.png", "deep"), ("b/1.png", "b"), ("b/2.png", "b")]
    assert [(item.id, item.label) for item in files] == found
    assert all((tmp_path / (item.path or "")).is_file() for item in files)
    assert files.kind == "images"


def test_a_skip_keeps_the_rest_in_step(tmp_path: Path) -> None:
    for number in range(60):
        picture(tmp_path / f"{number:03}.png", number)
    for number in (0, 7, 31, 32, 59):
        (tmp_path / f"{number:03}.png").write_bytes(b"no picture")
    files = read_files(tmp_path)
    shades = {item.id: np.asarray(item.content)[0, 0] for item in files}
    assert shades == {f"{n:03}.png": n for n in range(60) if n not in (0, 7, 31, 32, 59)}
    assert sorted(files.skipped) == [f"{n:03}.png" for n in (0, 7, 31, 32, 59)]


def test_hidden_odd_and_foreign_files_are_named_with_a_reason(tmp_path: Path) -> None:
    picture(tmp_path / "good.png")
    picture(tmp_path / ".hidden.png")
    picture(tmp_path / "._good.png")
    picture(tmp_path / ".cache" / "x.png")
    note(tmp_path / "notes.txt")
    note(tmp_path / "program.exe")
    note(tmp_path / "LICENSE")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere.png")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")).write_bytes(b"x")
    files = read_files(tmp_path)
    assert [item.id for item in files] == ["good.png"]
    reasons = {
        ".hidden.png": "hidden",
        "._good.png": "hidden",
        ".cache": "hidden",
        "notes.txt": "one of the documents",
        "program.exe": "no reader",
        "LICENSE": "no reader",
        "pipe.png": "neither a file nor a folder",
        "broken.png": "cannot be opened",
        "caf\\xe9.png": "not UTF-8",
    }
    assert files.skipped.keys() == reasons.keys()
    for name, reason in reasons.items():
        assert reason in files.skipped[name]


def test_loops_of_links_are_walked_once(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    files = read_files(tmp_path)
    assert [item.id for item in files] == ["a/1.png"]
    assert {"a/loop", "b"} == set(files.skipped)


def test_the_larger_kind_is_chosen_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / f"{number}.png")
    note(tmp_path / "a.txt")
    assert read_files(tmp_path).kind == "images"
    documents = read_files(tmp_path, kind="documents")
    assert [item.id for item in documents] == ["a.txt"]
    assert len(documents.skipped) == 3


def test_an_index_within_the_folder_is_not_indexed(tmp_path: Path, document_index: Path) -> None:
    note(tmp_path / "notes" / "a.txt")
    (tmp_path / "indexes").symlink_to(document_index.parent)
    files = read_files(tmp_path)
    assert [item.id for item in files] == ["notes/a.txt"]
    assert files.skipped["indexes/documentation"] == "an index of aesearch"


def test_rows_of_tables_in_a_folder_bear_the_files_name(tmp_path: Path) -> None:
    note(tmp_path / "t.csv", "id,text\nx,one\n,two\n,\n")
    note(tmp_path / "u.jsonl", '{"text": "three"}\nbroken\n')
    files = read_files(tmp_path)
    assert [item.id for item in files] == ["t.csv#x", "t.csv#2", "u.jsonl#1"]
    assert set(files.skipped) == {"t.csv#3", "u.jsonl#2"}


def test_rows_of_a_lone_table_go_by_their_own_ids(tmp_path: Path) -> None:
    note(tmp_path / "t.csv", "id,text\nx,one\n,two\n")
    assert [item.id for item in read_files(tmp_path / "t.csv")] == ["x", "t.csv#2"]


def test_a_file_that_vanishes_while_it_is_read_is_named(tmp_path: Path) -> None:
    note(tmp_path / "a.txt")
    note(tmp_path / "b.txt")
    files = read_files(tmp_path)
    (tmp_path / "a.txt").unlink()
    assert [item.id for item in files] == ["b.txt"]
    assert "No such file" in files.skipped["a.txt"]


def test_a_reading_can_be_broken_off(tmp_path: Path) -> None:
    for number in range(100):
        picture(tmp_path / f"{number:03}.png")
    reading = iter(read_files(tmp_path))
    assert next(reading).id == "000.png"
    reading.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "says"), [("nowhere", "check the spelling"), ("program.exe", "no reader for"), ("", "holds no pictures")]
)
def test_where_there_is_nothing_to_read_the_remedy_is_named(name: str, says: str, tmp_path: Path) -> None:
    note(tmp_path / "program.exe")
    with pytest.raises(NoItems, match=says):
        read_files(tmp_path / name)


@pytest.mark.parametrize("size", [None, (8, 8), (50, 50), (400, 400)])
@pytest.mark.parametrize("lone", [False, True])
def test_what_was_read_before_is_what_would_be_read(
    size: tuple[int, int] | None, is_single_file: bool, tmp_path: Path
) -> None:
    draw = np.random.default_rng(0)
    for side in range(10, 600, 40):
        path = tmp_path / "noise" / f"{side}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (side, 2 * side, 3), np.uint8)).save(path)
    files = read_files(tmp_path / "noise" / "50.png" if is_single_file else tmp_path)
    held = list(files.spread(5))
    features = Pixels(size[0] if size else 32).fit(held)
    expected = list(files.with_image_size(size))
    found = list(files.with_image_size(size).with_cached(held))
    assert [(item.id, item.label, item.path, item.digest) for item in found] == [
        (item.id, item.label, item.path, item.digest) for item in expected
    ]
    assert np.array_equal(features.transform(found), features.transform(expected))


def test_what_was_read_before_is_not_read_again(tmp_path: Path) -> None:
    for number in range(30):
        picture(tmp_path / f"{number:02}.png", number)
        note(tmp_path / f"{number:02}.txt", f"some words, {number} of them")
    for kind in ("images", "documents"):
        files = read_files(tmp_path, kind=kind)
        held = list(files.spread(6))
        for item in held:
            (tmp_path / item.id).unlink()
        once = files.with_cached(held)
        assert [item.id for item in once] == list(files.paths)
        assert len(list(once)) == len(files) - len(held)  # handed out once
