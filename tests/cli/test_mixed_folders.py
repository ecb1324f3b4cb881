"""A folder of images and documents has an index of each kind, and a query goes to the one of its kind."""

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

INDEX = ("--index", "indexes/mixed")


@pytest.fixture
def mixed(tmp_cli: Cli, workspace: Path, tmp_path: Path) -> Path:
    """Return a folder of 60 images and 20 texts, and index it."""
    for number, image in enumerate(sorted((workspace / "photos").rglob("[0-9]*.png"))[::5][:60]):
        (tmp_path / "mixed").mkdir(exist_ok=True)
        shutil.copy(image, tmp_path / "mixed" / f"{number}.png")
    for text in sorted((workspace / "notes").rglob("*.txt"))[:20]:
        shutil.copy(text, tmp_path / "mixed")
    tmp_cli.succeed("index", "mixed", *INDEX)
    return tmp_path / "mixed"


def test_query_goes_to_the_index_of_its_kind(tmp_cli: Cli, mixed: Path) -> None:
    image, text = "mixed/7.png", next(path for path in mixed.glob("*.txt"))
    for index in ((), INDEX):
        assert tmp_cli.json("query", image, *index, "--format", "json")[0]["id"] == "7.png"
        assert tmp_cli.json("query", text, *index, "--format", "json")[0]["id"] == text.name
        assert tmp_cli.json("query", "-t", "wait for a thread", *index, "--format", "json")
    assert {entry["index"]: entry["items"] for entry in tmp_cli.json("list", "--json")} == {
        "indexes/mixed": 60,
        "indexes/mixed.documents": 20,
    }


def test_update_reads_both_kinds(tmp_cli: Cli, mixed: Path) -> None:
    (mixed / "new.txt").write_text("The Erindale regatta takes place on Sunday.")
    (mixed / "7.png").unlink()
    report = tmp_cli.json("index", "mixed", *INDEX, "--json")
    assert (report["kind"], report["removed"], report["skipped"]) == ("images", 1, [])
    assert (report["parts"][0]["added"], report["parts"][0]["skipped"]) == (1, [])
    assert tmp_cli.json("query", "-t", "Erindale", *INDEX, "--format", "json")[0]["id"] == "new.txt"


def test_one_kind_can_be_chosen(tmp_cli: Cli, mixed: Path) -> None:
    report = tmp_cli.json("index", "mixed", "--index", "indexes/one", "--kind", "documents", "--json")
    assert (report["kind"], report["items"], report["parts"]) == ("documents", 20, [])
    assert {skip["category"] for skip in report["skipped"]} == {"other kind"}


def test_unreadable_documents_do_not_cost_the_images(tmp_cli: Cli, mixed: Path) -> None:
    for text in mixed.glob("*.txt"):
        text.unlink()
    (mixed / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    result = tmp_cli.succeed("index", "mixed", "--index", "indexes/other")
    assert "60 images indexed in indexes/other" in result.stdout
    assert "warning: the documents were not indexed" in result.stderr
    assert "broken.pdf" in result.stderr


def test_ignored_options_are_refused(tmp_cli: Cli, mixed: Path) -> None:
    for option in (("--mode", "lexical"), ("--min-score", "0.5")):
        assert "remove the other options" in tmp_cli.misuse("query", "-t", "thread", "--max-distance", "1", *option)
