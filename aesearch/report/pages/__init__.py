"""The page that reports are set in, whole in one file: no network, light and dark, narrow and wide."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import log10
from pathlib import Path
from string import Template
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
COLORS = ("#3b7dd8", "#d9623b", "#3a9a54", "#b04fc0", "#c9a21a", "#2aa5a5", "#d94f86", "#7a6ad0", "#8a6b4a", "#6d9c1f")
"""For white and for black; after ten they come again, and names tell."""
WIDTH, HEIGHT, MARGIN = 420, 260, 40


def page(title: str, *parts: str, script: bool = False) -> str:
    """A whole page of those parts, which are HTML; `script` brings the maps to life."""
    code = f"<script>{(HERE / 'map.js').read_text(encoding='utf-8')}</script>" if script else ""
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    return template.substitute(title=escape(title), body="\n".join(parts) + code)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], best: Sequence[bool] = ()) -> str:
    """A table; rows whose `best` is true stand out."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    lines = [
        f"<tr{' class=best' if number < len(best) and best[number] else ''}>"
        + "".join(f"<td>{escape('' if cell is None else str(cell))}</td>" for cell in row)
        + "</tr>"
        for number, row in enumerate(rows)
    ]
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(lines)}</table></div>'


def legend(names: Sequence[str]) -> str:
    """The names, each with its color."""
    keys = "".join(
        f'<li><i style="background:{COLORS[number % len(COLORS)]}"></i>{escape(name)}</li>'
        for number, name in enumerate(names)
    )
    return f'<ul class="keys">{keys}</ul>'


def chart(
    caption: str,
    lines: Mapping[str, tuple[Iterable[float], Iterable[float]]],
    x_name: str,
    *,
    dots: bool = False,
    logarithmic: bool = False,
) -> str:
    """Lines, or dots, of y over x, one color a name in their order; y from 0 up."""
    scaled = {
        name: ([log10(max(x, 1e-9)) if logarithmic else float(x) for x in xs], [float(y) for y in ys])
        for name, (xs, ys) in lines.items()
    }
    every_x = [x for xs, _ in scaled.values() for x in xs] or [0.0]
    low, high = min(every_x), max(every_x)
    top = max([y for _, ys in scaled.values() for y in ys] or [1.0]) * 1.05 or 1.0
    wide, tall = WIDTH - MARGIN - 10, HEIGHT - MARGIN - 10

    def place(x: float, y: float) -> tuple[float, float]:
        share = (x - low) / (high - low) if high > low else 0.5
        return round(MARGIN + wide * share, 1), round(10 + tall * (1 - y / top), 1)

    drawn = []
    for step in range(5):
        y = place(low, top * step / 4)[1]
        drawn.append(f'<line class="grid" x1="{MARGIN}" x2="{WIDTH - 10}" y1="{y}" y2="{y}"/>')
        drawn.append(f'<text x="{MARGIN - 4}" y="{y + 4}" text-anchor="end">{top * step / 4:.3g}</text>')
    for number, (name, (xs, ys)) in enumerate(scaled.items()):
        color, places = COLORS[number % len(COLORS)], [place(x, y) for x, y in zip(xs, ys, strict=True)]
        told = f"<title>{escape(name)}</title>"
        if dots:
            drawn += [f'<circle cx="{x}" cy="{y}" r="5" fill="{color}">{told}</circle>' for x, y in places]
        else:
            points = " ".join(f"{x},{y}" for x, y in places)
            drawn.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="{points}">{told}</polyline>')
    ends = (10**low, 10**high) if logarithmic else (low, high)
    drawn.append(f'<text x="{MARGIN}" y="{HEIGHT - 14}">{ends[0]:.3g}</text>')
    drawn.append(f'<text x="{WIDTH - 10}" y="{HEIGHT - 14}" text-anchor="end">{ends[1]:.3g}</text>')
    drawn.append(f'<text x="{(WIDTH + MARGIN) / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(x_name)}</text>')
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(caption)}">{"".join(drawn)}</svg>'
    return f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"


def scatter(
    caption: str,
    places: Any,
    groups: Sequence[str],
    ids: Sequence[str],
    words: Sequence[str | None],
    pictures: Sequence[str | None],
) -> str:
    """A map that answers to the pointer.  places: [N, 2]; groups, ids, words, pictures (addresses of): of each item."""
    low, high = places.min(0), places.max(0)
    unit = (places - low) / [max(float(span), 1e-12) for span in high - low]
    names = list(dict.fromkeys(groups))
    number_of = {name: number for number, name in enumerate(names)}
    data = {
        "x": [round(float(x), 4) for x in unit[:, 0]],
        "y": [round(1 - float(y), 4) for y in unit[:, 1]],
        "group": [number_of[name] for name in groups],
        "names": names,
        "colors": [COLORS[number % len(COLORS)] for number in range(len(names))],
        "id": list(ids),
        "words": list(words),
        "picture": list(pictures),
    }
    return (
        f'<figure class="map"><figcaption>{escape(caption)} <span class="count"></span></figcaption>'
        '<input type="search" placeholder="search" aria-label="search">'
        f'<canvas width="900" height="900" style="touch-action:none"></canvas>{legend(names)}<div class="note"></div>'
        f'<script type="application/json">{embedded(data)}</script></figure>'
    )


def embedded(data: Any) -> str:
    """JSON that can stand inside a script element, whatever its strings say."""
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


def as_address(picture: Image.Image, side: int = 96) -> str:
    """The picture as an address that holds it, no side longer than `side` pixels; small ones keep sharp edges."""
    shown = picture.convert("RGB")
    if max(shown.size) <= side // 2:
        factor = side // max(shown.size)
        shown = shown.resize((shown.width * factor, shown.height * factor), Image.Resampling.NEAREST)
    else:
        shown.thumbnail((side, side))
    file = io.BytesIO()
    shown.save(file, "JPEG", quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
