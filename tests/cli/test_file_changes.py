"""Files that moved, and files that were read in part."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aesearch.cli.output import MAX_NAMED_FILES

if TYPE_CHECKING:
    from .conftest import Cli

INDEX = ("--index", "i")


@pytest.fixture
def damaged_notes(tmp_path: Path) -> Path:
    """Return a folder with complete notes, and some with a byte that is not valid UTF-8."""
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(MAX_NAMED_FILES + 10):
        (folder / f"complete {number:02}.txt").write_text(f"naïve café number {number % 7} thread {number % 5}")
    for number in range(MAX_NAMED_FILES + 3):
        (folder / f"damaged {number:02}.txt").write_bytes(f"naïve café lock {number % 7} wait".encode() + b" \xff")
    return folder


def test_files_read_in_part_are_named(tmp_cli: Cli, damaged_notes: Path) -> None:
    result = tmp_cli.succeed("index", "notes", *INDEX, "--coder", "lsa", "--code-size", "4")
    lines = [line for line in result.stderr.splitlines() if line.startswith("read in part: ")]
    assert lines[0] == "read in part: damaged 00.txt: 1 character is not valid utf-8 and was replaced"
    assert lines[-1] == "read in part: 3 more; --json lists them all"
    assert len(lines) == MAX_NAMED_FILES + 1
    report = tmp_cli.json("index", "notes", *INDEX, "--json")
    assert [warning["path"] for warning in report["file_warnings"]] == [
        f"damaged {number:02}.txt" for number in range(MAX_NAMED_FILES + 3)
    ]
    assert set(tmp_cli.json("info", *INDEX, "--json")["file_warnings"]) == {w["path"] for w in report["file_warnings"]}
    table = tmp_cli.succeed("info", *INDEX).stdout
    assert f"read in part      {MAX_NAMED_FILES + 3}" in table
    assert "damaged 00.txt: 1 character" in table
    assert "...; --json lists them all" in table


def test_complete_files_cause_no_warning(tmp_cli: Cli, damaged_notes: Path) -> None:
    for path in damaged_notes.glob("damaged *"):
        path.unlink()
    result = tmp_cli.succeed("index", "notes", *INDEX, "--coder", "lsa", "--code-size", "4")
    assert "read in part" not in result.stderr
    assert "read in part" not in tmp_cli.succeed("info", *INDEX).stdout


def test_added_file_that_is_read_in_part_is_named(tmp_cli: Cli, damaged_notes: Path, tmp_path: Path) -> None:
    tmp_cli.succeed("index", "notes", *INDEX, "--coder", "lsa", "--code-size", "4")
    shutil.copy(damaged_notes / "damaged 00.txt", tmp_path / "added.txt")
    assert "read in part: added.txt: 1 character" in tmp_cli.succeed("add", "added.txt", *INDEX).stderr


def test_index_is_relocated(tmp_cli: Cli, workspace: Path, photo: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "more", tmp_path / "photos")
    tmp_cli.succeed("index", "photos", *INDEX, "--coder", "pca", "--code-size", "8")
    (tmp_path / "photos").rename(tmp_path / "images")
    assert "no file of the index is in" in tmp_cli.fail("relocate", "photos", "nowhere", *INDEX)
    (tmp_path / "images" / "0" / photo.name).unlink()
    n_items = len(list((workspace / "more").rglob("*.png")))
    result = tmp_cli.succeed("relocate", "photos", "images", *INDEX)
    assert result.stdout == f"relocated {n_items} items of i to images\n"
    assert "warning: 1 file of the index cannot be found in images" in result.stderr
    hit = tmp_cli.json("query", photo, "-k", "2", *INDEX, "--format", "json")[1]
    assert Path(hit["path"]).is_relative_to(tmp_path / "images")
    report = tmp_cli.json("index", "images", *INDEX, "--json")
    assert (report["added"], report["updated"], report["removed"]) == (0, 0, 1)


def test_analyses_count_files_that_cannot_be_read(tmp_cli: Cli, workspace: Path, photo: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "more" / "0", tmp_path / "photos")
    shutil.copy(photo, tmp_path / "photos" / "copy.png")
    tmp_cli.succeed("index", "photos", *INDEX, "--coder", "pca", "--code-size", "8")
    n_items = len(list((tmp_path / "photos").iterdir()))
    for command in (("outliers",), ("duplicates",), ("explain", photo)):
        assert "could not be read again" not in tmp_cli.succeed(*command, *INDEX).stderr
    (tmp_path / "photos" / photo.name).unlink()
    for command, what in ((("outliers",), "item"), (("duplicates",), "item"), (("explain", photo), "hit")):
        assert f"warning: 1 {what} could not be read again" in tmp_cli.succeed(*command, *INDEX).stderr
    shutil.rmtree(tmp_path / "photos")
    outliers = tmp_cli.succeed("outliers", "-k", "3", *INDEX)
    assert f"warning: {n_items} items could not be read again" in outliers.stderr
    assert len(outliers.stdout.splitlines()) == 4  # by their codes
    duplicates = tmp_cli.succeed("duplicates", *INDEX, "--format", "csv", "--sheet", "sheet.png")
    assert "aesearch relocate OLD NEW" in duplicates.stderr
    assert "1,exact,copy.png" in duplicates.stdout


def test_clusters_count_documents_that_cannot_be_read(tmp_cli: Cli, damaged_notes: Path) -> None:
    tmp_cli.succeed("index", "notes", *INDEX, "--coder", "lsa", "--code-size", "4")
    (damaged_notes / "complete 00.txt").unlink()
    assert "warning: 1 item could not be read again" in tmp_cli.succeed("clusters", "-k", "2", *INDEX).stderr


def test_chosen_encoding_is_that_of_all_later_commands(tmp_cli: Cli, tmp_path: Path) -> None:
    words = ["поток", "замок", "очередь", "сигнал", "файл", "папка", "строка", "письмо"]
    (tmp_path / "notes").mkdir()
    for number in range(16):
        text = " ".join(words[(number + step) % 8] for step in range(3))
        (tmp_path / "notes" / f"{number}.txt").write_bytes(text.encode("cp1251"))
    content = "поток файл сигнал письмо".encode("cp1251")
    (tmp_path / "more.txt").write_bytes(content)
    tmp_cli.succeed("index", "notes", "--encoding", "cp1251", "--coder", "lsa", "--code-size", "4", "--index", "i")
    assert "read in part" not in tmp_cli.succeed("add", "more.txt", "--index", "i").stderr
    for query in (("more.txt",), ("-",), ("--text", "поток файл сигнал письмо")):
        result = tmp_cli.succeed("query", *query, "-k", "1", "--format", "json", "--index", "i", stdin=content)
        (hit,) = json.loads(result.stdout)
        assert (hit["path"], hit["distance"]) == (str(tmp_path.resolve() / "more.txt"), pytest.approx(0, abs=1e-3))
        assert "read in part" not in result.stderr
    shutil.copytree(tmp_path / "notes", tmp_path / "queries" / "label")
    evaluation = tmp_cli.succeed("evaluate", "--queries", "queries", "--index", "i", "--k", "1")
    assert "read in part" not in evaluation.stderr
