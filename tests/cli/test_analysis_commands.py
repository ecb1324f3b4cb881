"""The commands that analyze an index: map, outliers, duplicates, clusters, explain."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from .conftest import Cli

PHOTOS = ("--index", "indexes/photos")
NOTES = ("--index", "indexes/notes")


@pytest.mark.parametrize("options", [("-o", "map.html"), ("-o", "map.html", "--clusters", "3"), ("-o", "map.png")])
def test_map_is_written_as_page_or_image(options: tuple[str, ...], cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / options[1]
    result = cli.succeed("map", *PHOTOS, "-o", target, *options[2:])
    assert result.stdout.startswith("wrote a map of ")
    assert result.stdout.endswith(f" items (pca) to {target}\n")
    assert target.stat().st_size > 5000
    assert ("cluster 3" in target.read_text(errors="replace")) == ("--clusters" in options)


def test_outliers_are_ordered_by_percentile(cli: Cli) -> None:
    found = cli.json("outliers", *PHOTOS, "-k", "3", "--json")
    assert set(found[0]) == {"id", "path", "label", "percentile", "score"}
    assert [outlier["percentile"] for outlier in found] == sorted((o["percentile"] for o in found), reverse=True)
    table = cli.succeed("outliers", *PHOTOS, "-k", "3", "--by", "reconstruction").stdout.splitlines()
    assert table[0].split() == ["percentile", "score", "id", "label"]
    assert len(table) == 4


def test_duplicates_are_listed_and_drawn(tmp_cli: Cli, workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "more", tmp_path / "photos")
    for label in "01":
        shutil.copy(min((workspace / "photos" / "0").iterdir()), tmp_path / "photos" / label / "copy.png")
    tmp_cli.succeed("index", "photos", "--coder", "pca", "--code-size", "8")
    groups = tmp_cli.json("duplicates", "--threshold", "1", "--format", "json", "--sheet", "sheet.png")
    assert groups[0]["ids"] == ["0/copy.png", "1/copy.png"]
    assert groups[0]["is_exact"]
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width >= 256
    assert tmp_cli.succeed("duplicates", "--threshold", "1", "--format", "csv").stdout.splitlines()[:2] == [
        "group,similarity,id",
        "1,exact,0/copy.png",
    ]
    assert tmp_cli.succeed("duplicates", "--threshold", "1").stdout.splitlines()[1].split() == ["1", "exact", "0/copy.png"]


def test_absence_of_duplicates_is_reported(cli: Cli) -> None:
    assert cli.succeed("duplicates", *NOTES, "--threshold", "1").stdout == "no duplicates found\n"


def test_clusters_are_described_by_terms(cli: Cli) -> None:
    clusters = cli.json("clusters", *NOTES, "-k", "3", "--json")
    assert sum(cluster["size"] for cluster in clusters) == 80
    assert all(cluster["terms"] for cluster in clusters)
    header = cli.succeed("clusters", *NOTES, "-k", "3").stdout.splitlines()[0]
    assert "representative" in header
    assert "decoded terms" not in header
    assert "decoded terms" in cli.succeed("clusters", *NOTES, "-k", "3", "--decoded").stdout


def test_documents_are_explained_by_shared_terms(cli: Cli) -> None:
    note = min((cli.folder / "notes").rglob("*.txt"))
    explanations = cli.json("explain", note, *NOTES, "--json")
    assert explanations[0]["similarity"] == pytest.approx(1, abs=1e-3)
    assert explanations[0]["shared_terms"]
    assert explanations[0]["decoded_terms"]
    assert "decoded terms" in cli.succeed("explain", note, *NOTES).stdout


def test_images_are_explained_by_parts_of_the_similarity(cli: Cli, photo: Path, tmp_path: Path) -> None:
    arguments = ("explain", photo, *PHOTOS, "-k", "3", "-o", tmp_path / "explanation.png")
    for explanation in cli.json(*arguments, "--json"):
        assert sum(explanation["similarity_parts"].values()) == pytest.approx(explanation["similarity"], abs=1e-3)
    with Image.open(tmp_path / "explanation.png") as image:
        assert image.height > 64
    assert len(cli.succeed(*arguments).stdout.splitlines()) == 4
