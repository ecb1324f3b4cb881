"""A query and its hits as an HTML page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

from aesearch.errors import count
from aesearch.features.tokenizer import tokenize
from aesearch.items import Hit, Item
from aesearch.readers.images import load_image
from aesearch.report.cards import render_card, render_cards
from aesearch.report.html import render_page

MAX_HITS = 500
"""Hits on a page. An image takes about 4 KB."""


def render_hits_page(query: Item, hits: Sequence[Hit], title: str) -> str:
    """Return a page with a query and its hits: images, or the beginnings of documents with the query's words marked.

    The page shows up to MAX_HITS hits, and the number of those that are missing.
    """
    terms = set(tokenize(query.content)) if isinstance(query.content, str) else set()
    figures = [_render_hit(hit, query, terms) for hit in hits[:MAX_HITS]]
    parts = [f"<h1>{escape(title)}</h1>", render_cards([render_card(query)]), render_cards(figures)]
    if len(hits) > MAX_HITS:
        parts.append(f"<p>not shown: {count(len(hits) - MAX_HITS, 'more hit')}</p>")
    return render_page(title, *parts)


def _render_hit(hit: Hit, query: Item, terms: Collection[str]) -> str:
    image = load_image(hit.path) if query.kind == "images" and hit.path else None
    item = Item(hit.id, hit.excerpt or hit.id if image is None else image, hit.label)
    caption = f'{hit.rank}. {escape(hit.id)} <span class="muted">{hit.distance:.4f}</span>'
    return f"<figure>{render_card(item, terms, query.label)}<figcaption>{caption}</figcaption></figure>"
