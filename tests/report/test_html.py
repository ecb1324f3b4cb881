import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from aesearch.report.html import (
    MAX_LEGEND_NAMES,
    embed_json,
    image_data_url,
    render_legend,
    render_page,
    render_table,
    write_page,
)


def test_hostile_text_is_escaped(hostile_text: str, check_page: Callable[[str], None]) -> None:
    page = render_page(hostile_text, render_table([hostile_text], [[hostile_text]]), render_legend([hostile_text]))
    check_page(page)
    assert hostile_text not in page


def test_embedded_json_cannot_close_its_element(hostile_text: str) -> None:
    assert "</script>" not in embed_json([hostile_text])
    assert json.loads(embed_json([hostile_text])) == [hostile_text]


def test_table_highlights_rows() -> None:
    table = render_table(["a", "b"], [[1, None], [2, "x"]], [False, True])
    assert "<tr><td>1</td><td></td></tr><tr class=highlighted><td>2</td><td>x</td></tr>" in table


@pytest.mark.parametrize(("size", "expected"), [((8, 4), (96, 48)), ((60, 30), (60, 30)), ((400, 200), (96, 48))])
def test_data_url_holds_resized_image(size: tuple[int, int], expected: tuple[int, int]) -> None:
    prefix, content = image_data_url(Image.new("L", size)).split(",")
    assert prefix == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == expected


def test_legend_has_a_bounded_length(check_page: Callable[[str], None]) -> None:
    legend = render_legend([f"label {number}" for number in range(1000)])
    check_page(legend)
    assert legend.count("<li>") == MAX_LEGEND_NAMES + 1
    assert "950 more" in legend


def test_page_with_undecodable_file_name_is_written(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", "caf\udce9.png")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "caf\\udce9.png"


def test_write_page_creates_folder(tmp_path: Path) -> None:
    write_page(tmp_path / "report" / "index.html", "Ä")
    assert (tmp_path / "report" / "index.html").read_text(encoding="utf-8") == "Ä"
