from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.errors import NoItems
from aesearch.report.contact_sheet import (
    CELL_PIXELS,
    GAP_PIXELS,
    MAX_GROUPS,
    MIN_SIDE_PIXELS,
    draw_contact_sheet,
    draw_grid,
)


def test_grid_shows_images_in_rows() -> None:
    black, gray, white = (Image.new("L", (8, 4), level) for level in (0, 128, 255))
    grid = draw_grid([[black, gray], [white]])
    factor = MIN_SIDE_PIXELS // 4
    x, y = 8 * factor + GAP_PIXELS, 4 * factor + GAP_PIXELS
    assert grid.size == (2 * x - GAP_PIXELS, 2 * y - GAP_PIXELS)
    assert grid.getpixel((0, 0)) == (0, 0, 0)
    assert grid.getpixel((x, 0)) == (128, 128, 128)
    assert grid.getpixel((0, y)) == (255, 255, 255)


def test_contact_sheet_has_one_row_per_group(digit_folder: Path, tmp_path: Path) -> None:
    paths = [str(path) for path in sorted((digit_folder / "test" / "1").iterdir())[:5]]
    sheet = np.asarray(draw_contact_sheet([paths[:2], [*paths[2:], str(tmp_path / "missing.png")]]))
    rows = [np.array_split(row, 4, axis=1) for row in np.array_split(sheet, 2)]
    has_image = [[(cell < 128).any() for cell in row] for row in rows]
    assert has_image == [[True, True, False, False], [True, True, True, False]]


def test_contact_sheet_has_a_bounded_number_of_rows(digit_folder: Path) -> None:
    path = str(min((digit_folder / "test" / "1").iterdir()))
    sheet = draw_contact_sheet([[path] * 100] * (MAX_GROUPS + 1))
    assert sheet.width < 1100
    assert 100 * CELL_PIXELS <= sheet.height < 16_383


def test_contact_sheet_needs_a_group() -> None:
    with pytest.raises(NoItems):
        draw_contact_sheet([])
