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
    shares_label = set(label_names(item.label)) & set(label_names(query_label))
    css_class = ' class="same-label"' if shares_label else ""
    if item.kind == "images":
        name, url = escape(item.id), image_data_url(as_image(item.content), IMAGE_SIZE)
        return f'<img{css_class} alt="{name}" title="{name}" src="{url}">'
    return f"<div{css_class}>{mark_terms(_beginning(item), terms)}</div>"


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
