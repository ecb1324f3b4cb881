"""Images side by side in one image: grids of images in memory, and contact sheets of image files."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageOps

from aesearch.errors import NoItems
from aesearch.readers.images import load_image

GAP_PIXELS = 2
"""Space between the images of a grid."""

MIN_SIDE_PIXELS = 64
"""Smaller images are enlarged in a grid by a whole factor, until their shorter side has this length."""

CELL_PIXELS = 128
"""Width and height of an image on a contact sheet."""

MAX_GROUPS = 100
"""Groups on a contact sheet. More would not fit into a WebP file, whose height is at most 16,383 pixels."""


def draw_grid(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """Draw images in rows, on white.

    Parameters
    ----------
    rows : sequence of sequences of PIL.Image.Image
        Images of one size. Rows may differ in length.
    """
    cells = [[_enlarge(image.convert("RGB")) for image in row] for row in rows]
    width, height = cells[0][0].size
    n_columns = max(map(len, cells))
    grid_size = n_columns * (width + GAP_PIXELS) - GAP_PIXELS, len(cells) * (height + GAP_PIXELS) - GAP_PIXELS
    grid = Image.new("RGB", grid_size, "white")
    for y, row in enumerate(cells):
        for x, image in enumerate(row):
            grid.paste(image, (x * (width + GAP_PIXELS), y * (height + GAP_PIXELS)))
    return grid


def draw_contact_sheet(groups: Sequence[Sequence[str]], columns: int = 8) -> Image.Image:
    """Draw groups of image files, one row per group, up to MAX_GROUPS. The cell of an unreadable file stays empty.

    Parameters
    ----------
    groups : sequence of sequences of str
        Paths of the images of each group.
    columns : int
        Largest number of images of a group that are drawn.

    Raises
    ------
    NoItems
        If there is no group.
    """
    if not groups:
        raise NoItems("cannot draw a contact sheet: there is no group of images")
    return draw_grid([[_draw_cell(path) for path in group[:columns]] for group in groups[:MAX_GROUPS]])


def _draw_cell(path: str) -> Image.Image:
    image = load_image(path)
    if image is None:
        return Image.new("RGB", (CELL_PIXELS, CELL_PIXELS), "white")
    return ImageOps.pad(image.convert("RGB"), (CELL_PIXELS, CELL_PIXELS), color="white")


def _enlarge(image: Image.Image) -> Image.Image:
    factor = -(-MIN_SIDE_PIXELS // min(image.size))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
