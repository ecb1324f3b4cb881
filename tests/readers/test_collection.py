"""A collection yields its items in order, under stable ids, and records what it skips."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.features.pixels import Pixels
from aesearch.items import Skip, SkipCategory
from aesearch.readers.folder import read_files


def write_image(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 6), shade, np.uint8)).save(path)


def write_text(path: Path, text: str = "some words") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_items_have_ids_labels_and_paths(tmp_path: Path) -> None:
    for name in ("top.png", "a/3.png", "a/deep/9.png", "b/1.png"):
        write_image(tmp_path / name)
    files = read_files(tmp_path)
    expected = [("top.png", None), ("a/3.png", "a"), ("a/deep/9.png", "deep"), ("b/1.png", "b")]
    for _ in range(2):
        items = list(files)
        assert [(item.id, item.label) for item in items] == expected
        assert [item.path for item in items] == [item.id for item in items]


def test_unreadable_files_leave_the_order_intact(tmp_path: Path) -> None:
    bad = {f"{number:03}.png" for number in (0, 7, 31, 32, 59)}
    for number in range(60):
        write_image(tmp_path / f"{number:03}.png", number)
    for name in bad:
        (tmp_path / name).write_bytes(b"not an image")
    files = read_files(tmp_path)
    shades = {item.id: np.asarray(item.content)[0, 0] for item in files}
    assert shades == {f"{number:03}.png": number for number in range(60) if f"{number:03}.png" not in bad}
    assert files.skipped.keys() == bad
    assert {skip.category for skip in files.skipped.values()} == {SkipCategory.UNREADABLE}
    assert not files.retry


def test_files_read_in_and_outside_workers_keep_the_order(tmp_path: Path) -> None:
    for number in range(60):
        ending = ("html", "html", "txt", "csv")[number % 4]
        write_text(tmp_path / f"{number:02}.{ending}", f"text\nnumber {number}")
    files = read_files(tmp_path)
    items = list(files)
    assert [item.path for item in items] == list(files.paths)
    assert [str(item.content).split()[-1] for item in items] == [str(number) for number in range(60)]


def test_table_rows_in_a_folder_are_prefixed_by_the_path(tmp_path: Path) -> None:
    write_text(tmp_path / "t.csv", "id,text\nx,one\n,two\n,\n")
    write_text(tmp_path / "u.jsonl", '{"text": "three"}\nbroken\n')
    files = read_files(tmp_path)
    assert [item.id for item in files] == ["t.csv#x", "t.csv#2", "u.jsonl#1"]
    assert files.skipped == {
        "t.csv#3": Skip(SkipCategory.UNREADABLE, 'field "text" is empty'),
        "u.jsonl#2": Skip(SkipCategory.UNREADABLE, "the line is not JSON"),
    }
    assert [files.file_of(name) for name in files.skipped] == ["t.csv", "u.jsonl"]


def test_table_rows_of_a_single_file_keep_their_ids(tmp_path: Path) -> None:
    write_text(tmp_path / "t.csv", "id,text\nx,one\n,two\n")
    files = read_files(tmp_path / "t.csv")
    assert [item.id for item in files] == ["x", "t.csv#2"]
    assert files.file_of("x") == "t.csv"


def test_file_of_finds_names_that_contain_a_number_sign(tmp_path: Path) -> None:
    write_text(tmp_path / "a#1.csv", 'text\none\n\n""\n')
    write_text(tmp_path / "#2.txt", "")
    files = read_files(tmp_path)
    assert [item.id for item in files] == ["a#1.csv#1"]
    assert files.skipped.keys() == {"a#1.csv#2", "#2.txt"}
    assert [files.file_of(name) for name in ("a#1.csv#2", "#2.txt", "a#1.csv")] == ["a#1.csv", "#2.txt", "a#1.csv"]


def test_warnings_are_recorded_by_item(tmp_path: Path) -> None:
    umlauts = "Größe und Übermut, Straßen und Plätze, müde und fröhlich".encode()
    (tmp_path / "a.txt").write_bytes(umlauts)
    (tmp_path / "b.txt").write_bytes(umlauts + b"\xff")
    (tmp_path / "c.html").write_bytes(b"<p>" + umlauts + b"\xff")
    (tmp_path / "d.csv").write_bytes(b'id,text\nx,"%s"\ny,"%s\xff"\n' % (umlauts, umlauts))
    files = read_files(tmp_path)
    warnings = {item.id: item.warning for item in files}
    reason = "1 character is not valid utf-8 and was replaced"
    assert warnings == {"a.txt": None, "b.txt": reason, "c.html": reason, "d.csv#x": None, "d.csv#y": reason}
    assert files.warnings == dict.fromkeys(("b.txt", "c.html", "d.csv#y"), reason)
    assert [files.file_of(name) for name in files.warnings] == ["b.txt", "c.html", "d.csv"]
    assert files.skipped == {}


def test_warnings_of_cached_items_and_subsets_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("größer und schöner".encode() + b"\xff")
    files = read_files(tmp_path)
    cached = list(files.sample(1))
    assert files.warnings.keys() == {"a.txt"}
    files.warnings.clear()
    (tmp_path / "a.txt").unlink()
    assert len(list(files.with_cached(cached))) == 1
    assert files.warnings.keys() == {"a.txt"}


def test_named_encoding_applies_to_texts_pages_and_tables(tmp_path: Path) -> None:
    text = "Größe und Übermut"
    (tmp_path / "a.txt").write_bytes(text.encode("cp850"))
    (tmp_path / "b.html").write_bytes(f"<p>{text}".encode("cp850"))
    (tmp_path / "c.csv").write_bytes(f"text\n{text}\n".encode("cp850"))
    (tmp_path / "d.jsonl").write_bytes(b'{"text": "%s"}' % text.encode("cp850"))
    files = read_files(tmp_path, encoding="cp850")
    assert [item.content for item in files] == [text] * 4
    assert files.warnings == {}
    assert [item.content for item in read_files(tmp_path / "c.csv", encoding="cp850")] == [text]


def test_rows_are_named_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "t.jsonl", '{"text": "one"}\nbroken\n')
    monkeypatch.chdir(tmp_path)
    files = read_files(".")
    assert [item.id for item in files] == ["t.jsonl#1"]
    assert files.skipped.keys() == {"t.jsonl#2"}


@pytest.mark.parametrize("ending", ["txt", "png"])
def test_vanished_files_are_retried(ending: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_text(tmp_path / f"{name}.txt")
        write_image(tmp_path / f"{name}.png")
    files = read_files(tmp_path, kind="documents" if ending == "txt" else "images")
    (tmp_path / f"a.{ending}").unlink()
    assert [item.id for item in files] == [f"b.{ending}"]
    skip = files.skipped[f"a.{ending}"]
    assert skip.category is SkipCategory.INACCESSIBLE
    assert "No such file" in skip.reason
    assert files.retry == {f"a.{ending}"}
    assert not files.timeouts


def test_iteration_can_be_interrupted(tmp_path: Path) -> None:
    for number in range(100):
        write_image(tmp_path / f"{number:03}.png")
    files = read_files(tmp_path)
    iterator = iter(files)
    assert next(iterator).id == "000.png"
    iterator.close()  # type: ignore[attr-defined]
    assert len(list(files)) == 100


@pytest.mark.parametrize(("n", "expected"), [(1, [0]), (4, [0, 3, 6, 9]), (10, [*range(10)]), (50, [*range(10)])])
def test_sample_is_evenly_spaced(n: int, expected: list[int], tmp_path: Path) -> None:
    for number in range(10):
        write_text(tmp_path / f"{number}.txt", f"text {number}")
    sample = read_files(tmp_path).sample(n)
    assert len(sample) == len(expected)
    assert [item.id for item in sample] == [f"{number}.txt" for number in expected]


def test_subset_shares_the_record_of_skipped_files(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        write_text(tmp_path / name, "" if name == "b.txt" else "words")
    files = read_files(tmp_path)
    assert [item.id for item in files.subset(["b.txt", "c.txt"])] == ["c.txt"]
    assert files.skipped == {"b.txt": Skip(SkipCategory.UNREADABLE, "the file is empty")}


@pytest.mark.parametrize("size", [None, (8, 8), (50, 50), (400, 400)])
@pytest.mark.parametrize("is_single_file", [False, True], ids=["folder", "single file"])
def test_cached_items_equal_those_read_again(size: tuple[int, int] | None, is_single_file: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "noise").mkdir()
    for side in (10, 50, 90, 130, 410, 450, 570):
        Image.fromarray(rng.integers(0, 256, (side, 2 * side, 3), np.uint8)).save(tmp_path / "noise" / f"{side}.png")
    files = read_files(tmp_path / "noise" / "50.png" if is_single_file else tmp_path)
    cached = list(files.sample(5))
    features = Pixels(size[0] if size else 32).fit(cached)
    expected = list(files.with_image_size(size))
    found = list(files.with_image_size(size).with_cached(cached))
    assert [(item.id, item.label, item.path, item.digest) for item in found] == [
        (item.id, item.label, item.path, item.digest) for item in expected
    ]
    np.testing.assert_array_equal(features.transform(found), features.transform(expected))


@pytest.mark.parametrize("kind", ["images", "documents"])
def test_cached_items_are_yielded_once_without_reading(kind: str, tmp_path: Path) -> None:
    for number in range(30):
        write_image(tmp_path / f"{number:02}.png", number)
        write_text(tmp_path / f"{number:02}.txt", f"some words, {number} of them")
    files = read_files(tmp_path, kind=kind)  # type: ignore[arg-type]
    cached = list(files.sample(6))
    for item in cached:
        (tmp_path / item.id).unlink()
    with_cached = files.with_cached(cached)
    assert [item.id for item in with_cached] == list(files.paths)
    assert len(list(with_cached)) == len(files) - len(cached)
