import json
from collections.abc import Callable

import numpy as np

from aesearch.analysis.projection import project
from aesearch.index.retriever import Retriever
from aesearch.report.map_page import draw_map, render_map_page

HOVER_AND_SEARCH = """
    const canvas = document.querySelector("canvas"), box = canvas.getBoundingClientRect();
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    for (let x = 0; x < box.width; x += 9) for (let y = 0; y < box.height; y += 9)
      canvas.dispatchEvent(new PointerEvent("pointermove", {clientX: box.left + x, clientY: box.top + y}));
    const search = document.querySelector("input");
    search.value = "3/";
    search.dispatchEvent(new Event("input"));
    result = [pixels.some((value) => value), document.querySelector(".details b").textContent,
      document.querySelector(".details img") !== null, document.querySelector(".count").textContent, document.title];
"""

DRAW_LOOP = """
    const canvas = document.querySelector("canvas"), box = canvas.getBoundingClientRect();
    canvas.setPointerCapture = () => {};  // a synthetic pointer cannot be captured
    const send = (type, x, y) => canvas.dispatchEvent(
      new PointerEvent(type, {clientX: box.left + x * box.width, clientY: box.top + y * box.height, buttons: 1}));
    send("pointerdown", 0, 0);
    for (let step = 0; step <= 10; step++) send("pointermove", step / 20, 0);
    send("pointermove", 0.5, 1);
    send("pointermove", 0, 1);
    send("pointerup", 0, 1);
    result = document.querySelector(".count").textContent;
"""


def test_map_page_responds_to_hover_and_search(
    digit_pca_index: Retriever,
    hostile_text: str,
    check_page: Callable[[str], None],
    run_in_browser: Callable[[str, str], str],
) -> None:
    page = render_map_page(digit_pca_index, project(digit_pca_index), hostile_text)
    check_page(page)
    is_drawn, id, has_image, count, title = json.loads(run_in_browser(page, HOVER_AND_SEARCH))
    ids = [row.id for row in digit_pca_index.ledger.all_rows()]
    assert is_drawn
    assert id in ids
    assert has_image
    assert count == f"{sum(id.startswith('3/') for id in ids)} of {len(ids)}"
    assert title == hostile_text


def test_loop_selects_items_inside(digit_pca_index: Retriever, run_in_browser: Callable[[str, str], str]) -> None:
    projection = project(digit_pca_index)
    x = projection.coordinates[:, 0]
    is_left = x < (x.min() + x.max()) / 2
    count = json.loads(run_in_browser(render_map_page(digit_pca_index, projection, "map"), DRAW_LOOP))
    assert count == f"{is_left.sum()} of {len(x)}"


def test_map_image_has_dots(digit_pca_index: Retriever) -> None:
    pixels = np.asarray(draw_map(project(digit_pca_index)))
    assert 0.002 < (pixels != 255).any(2).mean() < 0.5
