"""Building blocks of the HTML pages. A page is one file: it loads nothing, and adapts to dark mode and narrow windows."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from PIL import Image

FOLDER = Path(__file__).parent

PALETTE = ("#3b7dd8", "#d9623b", "#3a9a54", "#b04fc0", "#c9a21a", "#2aa5a5", "#d94f86", "#7a6ad0", "#8a6b4a", "#6d9c1f")
"""Colors that are legible on white and on black. They repeat after ten."""

JPEG_QUALITY = 75

MAX_LEGEND_NAMES = 50
"""Names in a legend; the remaining ones are counted."""


def color_of(position: int) -> str:
    """Return the color of the series or group at a position."""
    return PALETTE[position % len(PALETTE)]


def render_page(title: str, *parts: str, with_map_script: bool = False) -> str:
    """Return an HTML page.

    Parameters
    ----------
    title : str
        Plain text.
    *parts : str
        HTML of the body.
    with_map_script : bool
        Whether to include the script that draws the maps of `aesearch.report.charts.draw_scatter`.
    """
    script = f"<script>{(FOLDER / 'map.js').read_text(encoding='utf-8')}</script>" if with_map_script else ""
    template = Template((FOLDER / "page.html").read_text(encoding="utf-8"))
    return template.substitute(title=escape(title), body="\n".join(parts) + script)


def write_page(path: Path, page: str) -> None:
    """Write a page to a file, and create its folder if it does not exist.

    Bytes of file names that are not valid UTF-8 become escapes such as \\udcff.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with naming_file(path):
        path.write_text(page, encoding="utf-8", errors="backslashreplace")


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Name a file in an OSError that does not name any: that of a full disk says only that a disk is full."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def render_table(columns: Sequence[str], rows: Sequence[Sequence[object]], is_highlighted: Sequence[bool] = ()) -> str:
    """Return a table.

    Parameters
    ----------
    columns : sequence of str
        Titles.
    rows : sequence of sequences
        Cells; None is an empty cell.
    is_highlighted : sequence of bool
        Whether each row is highlighted; empty for no highlights.
    """
    header = "".join(f"<th>{escape(column)}</th>" for column in columns)
    lines = []
    for position, row in enumerate(rows):
        css_class = " class=highlighted" if is_highlighted and is_highlighted[position] else ""
        cells = "".join(f"<td>{'' if cell is None else escape(str(cell))}</td>" for cell in row)
        lines.append(f"<tr{css_class}>{cells}</tr>")
    return f'<div class="scroll"><table><tr>{header}</tr>{"".join(lines)}</table></div>'


def render_legend(names: Sequence[str]) -> str:
    """Return a legend: each name beside its color, up to MAX_LEGEND_NAMES."""
    entries = [
        f'<li><i style="background:{color_of(position)}"></i>{escape(name)}</li>'
        for position, name in enumerate(names[:MAX_LEGEND_NAMES])
    ]
    if len(names) > MAX_LEGEND_NAMES:
        entries.append(f"<li>{len(names) - MAX_LEGEND_NAMES:,} more</li>")
    return f'<ul class="legend">{"".join(entries)}</ul>'


def embed_json(data: Any) -> str:
    """Return JSON that is safe inside a script element, even if a string contains HTML."""
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


def image_data_url(image: Image.Image, size: int = 96) -> str:
    """Return an image as a data URL of a JPEG file.

    Parameters
    ----------
    image : PIL.Image.Image
    size : int
        Longest side in pixels. Much smaller images are enlarged by a whole factor, without smoothing.
    """
    resized = image.convert("RGB")
    if max(resized.size) <= size // 2:
        factor = size // max(resized.size)
        resized = resized.resize((resized.width * factor, resized.height * factor), Image.Resampling.NEAREST)
    else:
        resized.thumbnail((size, size))
    buffer = io.BytesIO()
    resized.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
