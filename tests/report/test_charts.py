import json
import re
from collections.abc import Callable

import numpy as np

from aesearch.report.charts import draw_chart, draw_scatter
from aesearch.report.html import render_page


def test_chart_draws_one_line_per_series(check_page: Callable[[str], None]) -> None:
    chart = draw_chart("loss", {"a": ([1, 2, 3], [1.0, 0.5, 0.2]), "b": ([1, 2], [0.0, 0.0])}, "epoch")
    check_page(chart)
    lines = [
        [tuple(map(float, point.split(","))) for point in line.split()] for line in re.findall(r'points="(.*?)"', chart)
    ]
    assert [len(line) for line in lines] == [3, 2]
    (first_x, first_y), *_, (last_x, last_y) = lines[0]
    assert first_x < last_x
    assert first_y < last_y  # y grows downward, so a falling loss has a growing y


def test_logarithmic_chart_labels_original_values() -> None:
    chart = draw_chart("size", {"a": ([8], [0.5]), "b": ([800], [1])}, "bytes", as_points=True, log_x=True)
    assert chart.count("<circle") == 2
    assert ">8</text>" in chart
    assert ">800</text>" in chart


def test_chart_without_values_is_empty(check_page: Callable[[str], None]) -> None:
    check_page(draw_chart("nothing", {}, "k"))


def test_scatter_scales_coordinates_to_0_1() -> None:
    scatter = draw_scatter("map", np.array([[0, -5], [4, 5.0]]), ["a", "b"], ["1", "2"], [None, "text"], [None, None])
    data = json.loads(re.search(r'json">(.*?)</script>', scatter)[1])  # type: ignore[index]
    assert (data["x"], data["y"]) == ([0, 1], [1, 0])  # y grows downward
    assert (data["groups"], data["groupNames"], data["excerpts"]) == ([0, 1], ["a", "b"], [None, "text"])


def test_scatter_of_hostile_text_is_escaped(hostile_text: str, check_page: Callable[[str], None]) -> None:
    texts = [hostile_text] * 2
    page = render_page("map", draw_scatter(hostile_text, np.array([[0, 0], [1, 1.0]]), texts, texts, texts, [None] * 2))
    check_page(page)
    assert hostile_text not in page
