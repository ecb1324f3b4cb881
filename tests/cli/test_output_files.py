"""Files that commands write are checked before the work, never overwrite an input, and have a bounded size."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from aesearch.cli.output_files import IMAGE_ENDINGS, PAGE_ENDINGS, output_path, save_image
from aesearch.errors import InvalidParameter

if TYPE_CHECKING:
    from .conftest import Cli

PHOTOS = ("--index", "indexes/photos")
NOTES = ("--index", "indexes/notes")


@pytest.mark.parametrize(
    "arguments",
    [
        ("map", "-o", "{out}/map.xyz", *PHOTOS),
        ("map", "-o", "{out}/map", *PHOTOS),
        ("duplicates", "--sheet", "{out}/d.html", *PHOTOS),
        ("query", "{photo}", "--sheet", "{out}/x.png", *PHOTOS),
        ("explain", "{photo}", "-o", "{out}/e.xyz", *PHOTOS),
        ("reconstruct", "indexes/photos", "more", "-o", "{out}/r.xyz"),
        ("sample", "-o", "{out}/s.html", *PHOTOS),
    ],
    ids=lambda arguments: arguments[0],
)
def test_unknown_ending_is_refused_before_the_work(
    arguments: tuple[str, ...], cli: Cli, photo: Path, tmp_path: Path
) -> None:
    message = cli.fail(*(argument.format(out=tmp_path, photo=photo) for argument in arguments))
    assert re.search(r"the file type is unknown; use a name that ends in \..* \(--(out|sheet)\)$", message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("map", "-o", "{item}", *PHOTOS),
        ("duplicates", "--sheet", "{item}", *PHOTOS),
        ("explain", "{photo}", "-o", "{item}", *PHOTOS),
        ("explain", "{photo}", "-o", "{photo}", *PHOTOS),
        ("reconstruct", "indexes/photos", "more", "-o", "{photo}"),
        ("reconstruct", "indexes/photos", "more", "-o", "{item}"),
    ],
)
def test_input_is_never_overwritten(arguments: tuple[str, ...], cli: Cli, photo: Path) -> None:
    item = min((cli.folder / "photos" / "0").iterdir())
    before = item.read_bytes(), photo.read_bytes()
    message = cli.fail(*(argument.format(item=item, photo=photo) for argument in arguments))
    assert "choose another file" in message
    assert (item.read_bytes(), photo.read_bytes()) == before


def test_page_does_not_overwrite_a_queried_page(cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "query.html"
    page.write_text("<p>wait for a thread</p>")
    assert "the command reads this file" in cli.fail("query", page, "--sheet", page, *NOTES)
    assert page.read_text() == "<p>wait for a thread</p>"


def test_report_does_not_overwrite_a_compared_page(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("a page of the user")
    message = cli.fail("compare", tmp_path, "--coders", "lsa", "--report", tmp_path)
    assert "the command reads this file or its folder" in message
    assert (tmp_path / "index.html").read_text() == "a page of the user"


@pytest.mark.parametrize(("name", "expected"), [(".", "is a folder"), ("file.txt/a.png", "is not a folder")])
def test_path_that_cannot_be_a_file_is_refused(name: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "file.txt").touch()
    with pytest.raises(InvalidParameter, match=expected):
        output_path(tmp_path / name, IMAGE_ENDINGS, "--out")


def test_new_and_old_outputs_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "map.HTML").touch()
    for name in ("map.HTML", "new/folder/map.htm"):
        assert output_path(tmp_path / name, PAGE_ENDINGS, "--out") == tmp_path / name


@pytest.mark.parametrize("ending", IMAGE_ENDINGS)
def test_image_is_written_into_a_new_folder(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"image{ending}"
    save_image(Image.new("RGB", (8, 8)), path)
    with Image.open(path) as image:
        assert image.size == (8, 8)


@pytest.mark.parametrize(("ending", "height"), [(".jpg", 65_501), (".webp", 16_384)])
def test_image_too_large_for_its_format_is_refused(ending: str, height: int, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match=re.escape("use .png")):
        save_image(Image.new("L", (1, height)), tmp_path / f"image{ending}")
    assert list(tmp_path.iterdir()) == []


def test_many_groups_of_duplicates_fit_one_sheet(tmp_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(103):
        for copy in "ab":
            Image.linear_gradient("L").rotate(number).resize((8, 8)).save(tmp_path / "photos" / f"{number}{copy}.png")
    tmp_cli.succeed("index", "photos", "--coder", "pca", "--code-size", "4")
    result = tmp_cli.succeed("duplicates", "--threshold", "1", "--sheet", "sheet.webp", "--format", "json")
    n_groups = result.stdout.count('"ids"')
    assert n_groups > 100
    assert f"with the first 100 groups; {n_groups - 100} more are not shown" in result.stderr
    with Image.open(tmp_path / "sheet.webp") as sheet:
        assert sheet.size == (2 * 130 - 2, 100 * 130 - 2)


def test_no_sheet_is_written_without_duplicates(tmp_cli: Cli, workspace: Path, tmp_path: Path) -> None:
    images = [min((workspace / "photos" / label).iterdir()) for label in "012"]
    (tmp_path / "photos").mkdir()
    for image in images:
        (tmp_path / "photos" / image.name).write_bytes(image.read_bytes())
    tmp_cli.succeed("index", "photos", "--coder", "pca", "--code-size", "2")
    result = tmp_cli.succeed("duplicates", "--threshold", "1", "--sheet", "sheet.png")
    assert "did not write sheet.png: there are no duplicates" in result.stderr
    assert not (tmp_path / "sheet.png").exists()
