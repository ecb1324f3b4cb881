"""The commands that decode codes: reconstruct, denoise, sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from .conftest import Cli

TILE, GAP = 64, 2
"""Size of an image on a grid and distance between two images, in pixels."""


@pytest.fixture(scope="module")
def variational_index(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("indexes") / "variational"
    options = ("--coder", "variational", "--epochs", "2", "--code-size", "8", "--index", folder)
    cli.succeed("index", "photos", *options)
    return folder


def grid_size(path: Path) -> tuple[int, int]:
    """Return the number of columns and rows of a grid of images."""
    with Image.open(path) as image:
        return (image.width + GAP) // (TILE + GAP), (image.height + GAP) // (TILE + GAP)


def test_images_are_reconstructed(cli: Cli, variational_index: Path, tmp_path: Path) -> None:
    target = tmp_path / "reconstructions.png"
    rows = cli.json("reconstruct", variational_index, "more", "-o", target, "--limit", "3", "--json")
    assert [set(row) for row in rows] == [{"id", "squared_error"}] * 3
    assert grid_size(target) == (3, 2)


def test_documents_are_reconstructed_as_terms(cli: Cli) -> None:
    arguments = ("reconstruct", "indexes/notes", "notes", "--limit", "2")
    rows = cli.json(*arguments, "--json")
    assert len(rows) == 2
    assert all(row["terms"] and row["reconstructed_terms"] for row in rows)
    assert "reconstructed terms" in cli.succeed(*arguments).stdout


def test_masked_autoencoder_shows_its_input(cli: Cli, tmp_path: Path) -> None:
    index = tmp_path / "i"
    cli.succeed("index", "photos", "--coder", "masked", "--epochs", "1", "--code-size", "8", "--index", index)
    cli.succeed("reconstruct", index, "more", "--limit", "2", "-o", tmp_path / "masked.png")
    assert grid_size(tmp_path / "masked.png") == (2, 3)


def test_unreadable_input_is_reported(cli: Cli, variational_index: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not an image")
    assert "no item could be read" in cli.fail("reconstruct", variational_index, tmp_path)
    denoise = ("denoise", tmp_path, "--index", variational_index, "-o", tmp_path / "denoised")
    assert "no image could be read" in cli.fail(*denoise)


def test_images_are_denoised_but_never_overwritten(cli: Cli, variational_index: Path, tmp_path: Path) -> None:
    arguments = ("denoise", "more", "--index", variational_index, "-o", tmp_path / "denoised")
    originals = [path.relative_to(cli.folder / "more") for path in (cli.folder / "more").rglob("*.png")]
    assert cli.succeed(*arguments).stdout == f"wrote {len(originals)} images to {tmp_path / 'denoised'}\n"
    written = [path.relative_to(tmp_path / "denoised") for path in (tmp_path / "denoised").rglob("*.png")]
    assert {path.with_suffix(".png.png") for path in originals} == set(written)
    assert "already exists" in cli.fail(*arguments)


def test_new_images_are_sampled(cli: Cli, variational_index: Path, tmp_path: Path) -> None:
    cli.succeed("sample", "--index", variational_index, "-n", "12", "-o", tmp_path / "new.png")
    assert grid_size(tmp_path / "new.png") == (10, 2)


def test_items_are_interpolated(cli: Cli, variational_index: Path, tmp_path: Path) -> None:
    images = sorted((cli.folder / "more").rglob("*.png"))
    ends = ("--between", images[0], images[-1])
    cli.succeed("sample", "--index", variational_index, "-n", "5", *ends, "-o", tmp_path / "between.png")
    assert grid_size(tmp_path / "between.png") == (5, 1)
