"""The command that queries an index."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from aesearch.cli.query_commands import has_no_close_match
from aesearch.index.retriever import Retriever
from aesearch.items import Hit

if TYPE_CHECKING:
    from .conftest import Cli

PHOTOS = ("--index", "indexes/photos")
NOTES = ("--index", "indexes/notes")


def test_image_is_queried_against_the_newest_image_index(cli: Cli, photo: Path) -> None:
    result = cli.succeed("query", photo, "--format", "json")
    assert "searching indexes/photos" in result.stderr
    hits = cli.json("query", photo, "--format", "json", *PHOTOS)
    assert [hit["rank"] for hit in hits] == list(range(1, 11))
    assert set(hits[0]) == {"rank", "id", "path", "distance", "score", "label"}
    assert (cli.folder / hits[0]["path"]).is_file()
    assert [hit["distance"] for hit in hits] == sorted(hit["distance"] for hit in hits)


def test_text_file_and_standard_input_have_the_same_hits(cli: Cli, tmp_path: Path) -> None:
    text = "wait until the thread terminates"
    (tmp_path / "query.txt").write_text(text)
    hits = cli.succeed("query", "--text", text, "--format", "paths").stdout
    assert cli.succeed("query", tmp_path / "query.txt", "--format", "paths").stdout == hits
    assert cli.succeed("query", "-", "--format", "paths", stdin=text.encode()).stdout == hits
    assert all((cli.folder / line).is_file() for line in hits.splitlines())


def test_image_can_be_read_from_standard_input(cli: Cli, photo: Path) -> None:
    options = (*PHOTOS, "--format", "paths")
    piped = cli.succeed("query", "-", *options, stdin=photo.read_bytes())
    assert piped.stdout == cli.succeed("query", photo, *options).stdout
    assert "cannot read standard input" in cli.fail("query", "-", *options, stdin=b"not an image")
    assert "standard input is empty" in cli.fail("query", "-", *options)


@pytest.mark.parametrize(("variable", "value"), [("AESEARCH_INDEX", "indexes/photos"), ("AESEARCH_HOME", "indexes")])
def test_environment_variable_chooses_the_index(variable: str, value: str, cli: Cli, tmp_cli: Cli, photo: Path) -> None:
    table = cli.succeed("query", photo, "-k", 3).stdout
    assert len(table.splitlines()) == 4
    elsewhere = tmp_cli.with_environment(**{variable: str(cli.folder / value)})
    assert elsewhere.succeed("query", photo, "-k", 3).stdout == table


def test_choice_among_several_indexes_is_reported(tmp_cli: Cli, photo: Path, pca_index: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        shutil.copytree(pca_index, tmp_path / "indexes" / name)
    assert "the newest of 2 matching indexes; choose another with --index" in tmp_cli.succeed("query", photo).stderr


def test_missing_index_is_reported_with_the_command_to_create_one(
    tmp_cli: Cli, workspace: Path, photo: Path, tmp_path: Path
) -> None:
    assert "aesearch index PATH" in tmp_cli.fail("query", photo)
    shutil.copytree(workspace / "indexes" / "notes", tmp_path / "indexes" / "notes")
    assert "no index of images" in tmp_cli.fail("query", photo)


def test_image_is_refused_by_a_document_index(cli: Cli, photo: Path) -> None:
    assert "index of documents" in cli.fail("query", photo, *NOTES)


def test_augment_finds_a_rotated_copy(cli: Cli, pca_index: Path, tmp_path: Path) -> None:
    original = min((cli.folder / "photos" / "2").iterdir())
    with Image.open(original) as image:
        image.rotate(90).save(tmp_path / "rotated.png")
    options = ("query", tmp_path / "rotated.png", "-k", "1", "--format", "json", "--index", pca_index)
    assert cli.json(*options, "--augment")[0]["distance"] == pytest.approx(0, abs=1e-3)
    assert cli.json(*options)[0]["distance"] > 0.01
    assert "--augment" in cli.fail("query", "--text", "thread", "--augment", *NOTES)


def test_copies_are_found_without_other_options(cli: Cli, pca_index: Path, tmp_path: Path) -> None:
    with Image.open(min((cli.folder / "photos" / "2").iterdir())) as image:
        image.rotate(90).save(tmp_path / "rotated.png")
    options = ("query", tmp_path / "rotated.png", "-k", "3", "--format", "json", "--index", pca_index)
    hits = cli.json(*options, "--copies")
    assert hits[0]["distance"] == pytest.approx(0, abs=1e-3)
    assert [hit["distance"] for hit in hits] == sorted(hit["distance"] for hit in hits)
    assert "remove --rerank" in cli.misuse(*options, "--copies", "--rerank")
    assert "only images" in cli.fail("query", "--text", "thread", "--copies", *NOTES)


@pytest.mark.parametrize("k", [10**9, 2**63 - 1, 10**30])
def test_huge_k_gives_all_items(k: int, cli: Cli, pca_index: Path, photo: Path) -> None:
    n_items = len(Retriever.load(pca_index))
    for command in (("query", photo, "--format"), ("query", photo, "--rerank", "--format")):
        assert len(cli.json(*command, "json", "-k", k, "--index", pca_index)) == n_items
    assert len(cli.json("outliers", "-k", k, "--json", "--index", pca_index)) == n_items


def test_page_shows_a_bounded_number_of_hits(
    cli: Cli, pca_index: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aesearch.report.hits_page.MAX_HITS", 5)
    result = cli.succeed("query", photo, "-k", "8", "--sheet", tmp_path / "hits.html", "--index", pca_index)
    assert "; 3 more than the page shows" in result.stderr
    page = (tmp_path / "hits.html").read_text()
    assert page.count("<figcaption>") == 5
    assert "not shown: 3 more hits" in page


def test_hits_are_written_as_a_page(cli: Cli, photo: Path, tmp_path: Path) -> None:
    note = min((cli.folder / "notes").rglob("*.txt"))
    for query, index, part in ((photo, PHOTOS, "data:image/jpeg"), (note, NOTES, "<mark>")):
        result = cli.succeed("query", query, "-k", "3", "--sheet", tmp_path / "hits.html", *index)
        assert f"wrote the hits to {tmp_path / 'hits.html'}" in result.stderr
        page = (tmp_path / "hits.html").read_text()
        assert page.count("<figcaption>") == 3
        assert part in page


def test_query_unlike_the_collection_is_reported(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    index = ("--index", tmp_path / "i")
    cli.succeed("index", "photos", *index, "--coder", "pca", "--code-size", "16")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 8), np.uint8)).save(tmp_path / "noise.png")
    assert "no close match" in cli.succeed("query", tmp_path / "noise.png", *index).stderr
    known = min((workspace / "photos" / "0").iterdir())
    assert "no close match" not in cli.succeed("query", known, *index).stderr


def test_identical_item_is_a_close_match(pca_index: Path) -> None:
    retriever = Retriever.load(pca_index)
    retriever.record.novelty_threshold = 0.0  # every item of the collection has a copy
    assert not has_no_close_match(retriever, [Hit(1, "a", 1e-7)])  # 0, but for rounding
    assert has_no_close_match(retriever, [Hit(1, "a", 0.01)])


def test_candidates_that_cannot_be_read_are_counted(tmp_cli: Cli, workspace: Path, photo: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "more" / "0", tmp_path / "photos")
    tmp_cli.succeed("index", "photos", "--coder", "pca", "--code-size", "8")
    arguments = ("query", photo, "--rerank", "--format", "json")
    assert "candidate" not in tmp_cli.succeed(*arguments).stderr
    paths = sorted((tmp_path / "photos").iterdir())
    for path in paths[1:4]:
        path.unlink()
    assert "warning: 3 candidates could not be read again" in tmp_cli.succeed(*arguments).stderr
    shutil.rmtree(tmp_path / "photos")
    result = tmp_cli.succeed(*arguments)
    assert f"warning: {len(paths)} candidates could not be read again" in result.stderr
    assert "aesearch relocate OLD NEW" in result.stderr
    best = json.loads(result.stdout)[0]  # as without reranking
    assert best["id"] == photo.name
    assert best["distance"] == pytest.approx(0, abs=1e-3)


def test_query_that_is_read_in_part_is_reported(cli: Cli, tmp_path: Path) -> None:
    text = "wait until the thread terminates, naïve café".encode() + b" \xff"
    (tmp_path / "query.txt").write_bytes(text)
    for result in (cli.succeed("query", "-", *NOTES, stdin=text), cli.succeed("query", tmp_path / "query.txt", *NOTES)):
        assert "the query was read in part: 1 character is not valid utf-8 and was replaced" in result.stderr
