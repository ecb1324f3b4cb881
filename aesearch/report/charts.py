"""Charts: lines or points as SVG, and scatter plots that `map.js` draws on a canvas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

import numpy as np

from aesearch.report.html import color_of, embed_json, render_legend

WIDTH, HEIGHT = 420, 260
"""Size of a chart in the units of its viewBox."""
LEFT, RIGHT, TOP, BOTTOM = 40, 10, 10, 40
"""Margins around the plot area."""
LABEL_Y = HEIGHT - 14
"""Baseline of the labels below the plot area."""
N_GRID_LINES = 5
MIN_LOG_VALUE = 1e-9
"""Smaller values on a logarithmic axis are drawn here."""


@dataclass(frozen=True)
class _Axes:
    """Linear axes: x from x_min to x_max, y from 0 to y_max."""

    x_min: float
    x_max: float
    y_max: float

    def x(self, value: float) -> float:
        """Return the horizontal position of a value in the chart."""
        share = (value - self.x_min) / (self.x_max - self.x_min) if self.x_max > self.x_min else 0.5
        return round(LEFT + (WIDTH - LEFT - RIGHT) * share, 1)

    def y(self, value: float) -> float:
        """Return the vertical position of a value in the chart."""
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / self.y_max), 1)


def draw_chart(
    caption: str,
    series: Mapping[str, tuple[Iterable[float], Iterable[float]]],
    x_label: str,
    *,
    as_points: bool = False,
    log_x: bool = False,
) -> str:
    """Return a figure with an SVG chart.

    Parameters
    ----------
    caption : str
    series : mapping of str to (x values, y values)
        The y values are at least 0. The order decides the colors (`aesearch.report.html.color_of`).
    x_label : str
    as_points : bool
        Whether to draw points instead of lines.
    log_x : bool
        Whether the x axis is logarithmic.
    """
    curves: dict[str, tuple[list[float], list[float]]] = {}
    for name, (xs, ys) in series.items():
        scaled = [log10(max(x, MIN_LOG_VALUE)) if log_x else float(x) for x in xs]
        curves[name] = scaled, [float(y) for y in ys]
    all_x = [x for xs, _ in curves.values() for x in xs] or [0.0]
    all_y = [y for _, ys in curves.values() for y in ys] or [1.0]
    axes = _Axes(min(all_x), max(all_x), max(all_y) * 1.05 or 1.0)
    shapes = _draw_grid(axes)
    for position, (name, (xs, ys)) in enumerate(curves.items()):
        shapes += _draw_curve(axes, name, color_of(position), xs, ys, as_points=as_points)
    shapes += _draw_x_labels(axes, x_label, log_x=log_x)
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(caption)}">{"".join(shapes)}</svg>'
    return f"<figure><figcaption>{escape(caption)}</figcaption>{svg}</figure>"


def _draw_grid(axes: _Axes) -> list[str]:
    shapes = []
    for step in range(N_GRID_LINES):
        value = axes.y_max * step / (N_GRID_LINES - 1)
        y = axes.y(value)
        shapes.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        shapes.append(f'<text x="{LEFT - 4}" y="{y + 4}" text-anchor="end">{value:.3g}</text>')
    return shapes


def _draw_curve(
    axes: _Axes, name: str, color: str, xs: Sequence[float], ys: Sequence[float], *, as_points: bool
) -> list[str]:
    tooltip = f"<title>{escape(name)}</title>"
    points = [(axes.x(x), axes.y(y)) for x, y in zip(xs, ys, strict=True)]
    if as_points:
        return [f'<circle cx="{x}" cy="{y}" r="5" fill="{color}">{tooltip}</circle>' for x, y in points]
    line = " ".join(f"{x},{y}" for x, y in points)
    return [f'<polyline fill="none" stroke="{color}" stroke-width="2" points="{line}">{tooltip}</polyline>']


def _draw_x_labels(axes: _Axes, x_label: str, *, log_x: bool) -> list[str]:
    first, last = (10**axes.x_min, 10**axes.x_max) if log_x else (axes.x_min, axes.x_max)
    return [
        f'<text x="{LEFT}" y="{LABEL_Y}">{first:.3g}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{LABEL_Y}" text-anchor="end">{last:.3g}</text>',
        f'<text x="{(WIDTH + LEFT) / 2}" y="{LABEL_Y}" text-anchor="middle">{escape(x_label)}</text>',
    ]


def draw_scatter(
    caption: str,
    coordinates: np.ndarray,
    groups: Sequence[str],
    ids: Sequence[str],
    excerpts: Sequence[str | None],
    thumbnails: Sequence[str | None],
) -> str:
    """Return a figure with an interactive scatter plot: hover, search, or draw a loop to select items.

    The page that contains it needs the map script (`aesearch.report.html.render_page`).

    Parameters
    ----------
    caption : str
    coordinates : array of shape (n_items, 2)
    groups : sequence of str
        Group of each item; items of one group have one color.
    ids : sequence of str
    excerpts : sequence of str or None
    thumbnails : sequence of str or None
        URL of each item's image.
    """
    low, high = coordinates.min(0), coordinates.max(0)
    unit = (coordinates - low) / [max(float(extent), 1e-12) for extent in high - low]
    names = list(dict.fromkeys(groups))
    group_numbers = {name: number for number, name in enumerate(names)}
    data = {
        "x": [round(float(x), 4) for x in unit[:, 0]],
        "y": [round(1 - float(y), 4) for y in unit[:, 1]],
        "groups": [group_numbers[name] for name in groups],
        "groupNames": names,
        "colors": [color_of(number) for number in range(len(names))],
        "ids": list(ids),
        "excerpts": list(excerpts),
        "thumbnails": list(thumbnails),
    }
    return (
        f'<figure class="map"><figcaption>{escape(caption)} <span class="count"></span></figcaption>'
        '<input type="search" placeholder="Search" aria-label="Search">'
        f'<canvas width="900" height="900" style="touch-action:none"></canvas>{render_legend(names)}'
        f'<div class="details"></div><script type="application/json">{embed_json(data)}</script></figure>'
    )
