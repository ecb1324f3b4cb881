"""An item on a page: its image, or the beginning of a document with the terms of the query marked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from html import escape

from aesearch.images import as_image
from aesearch.items import Item, Label, label_names
from aesearch.report.highlighting import mark_terms
from aesearch.report.html import image_data_url

IMAGE_SIZE = 128
THUMBNAIL_SIZE = 64
"""Longest sides of images on a card and in a map, in pixels."""

MAX_CHARACTERS = 240
"""Characters of a document that are shown."""


def render_card(item: Item, terms: Collection[str] = (), query_label: Label | None = None) -> str:
    """Return HTML that shows an item.

    Parameters
    ----------
    item : Item
    terms : collection of str
        Terms to mark in a document: tokens of the tokenizer.
    query_label : str or tuple of str, optional
        Label of the query; the card of an item that shares a label with it has a green border.
    """
    if item.kind == "images":
        name, url = escape(item.id), image_data_url(as_image(item.content), IMAGE_SIZE)
        return f'<img{_css_class(item.label, query_label)} alt="{name}" title="{name}" src="{url}">'
    return render_text_card(mark_terms(_beginning(item), terms), item.label, query_label)


def render_text_card(html: str, label: Label | None = None, query_label: Label | None = None) -> str:
    """Return HTML that shows a text, which is HTML already; see `render_card`."""
    return f"<div{_css_class(label, query_label)}>{html}</div>"


def _css_class(label: Label | None, query_label: Label | None) -> str:
    """Return the attribute of a card whose item shares a label with the query."""
    return ' class="same-label"' if set(label_names(label)) & set(label_names(query_label)) else ""


def render_cards(cards: Iterable[str]) -> str:
    """Return HTML that shows cards side by side."""
    return f'<div class="hits">{"".join(cards)}</div>'


def thumbnail_url(item: Item | None) -> str | None:
    """Return an item's image as a small data URL; None if there is no item, or it is not an image."""
    if item is None or item.kind != "images":
        return None
    return image_data_url(as_image(item.content), THUMBNAIL_SIZE)


def _beginning(item: Item) -> str:
    """Return the beginning of a document on one line, or the id of a vector."""
    if not isinstance(item.content, str):
        return item.id
    return " ".join(item.content[: 3 * MAX_CHARACTERS].split())[:MAX_CHARACTERS]
