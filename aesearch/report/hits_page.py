"""A query and its hits as an HTML page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

from aesearch.errors import count
from aesearch.features.tokenizer import tokenize
from aesearch.items import Hit, Item
from aesearch.readers.images import load_image
from aesearch.report.cards import render_card, render_cards, render_text_card
from aesearch.report.highlighting import mark_spans
from aesearch.report.html import render_page

MAX_HITS = 500
"""Hits on a page. An image takes about 4 KB."""


def render_hits_page(query: Item, hits: Sequence[Hit], title: str) -> str:
    """Return a page with a query and its hits: images, or snippets of documents with the query's words marked.

    The page shows up to MAX_HITS hits, and the number of those that are missing.
    """
    terms = set(tokenize(query.content)) if isinstance(query.content, str) else set()
    figures = [_render_hit(hit, query, terms) for hit in hits[:MAX_HITS]]
    parts = [f"<h1>{escape(title)}</h1>", render_cards([render_card(query)]), render_cards(figures)]
    if len(hits) > MAX_HITS:
        parts.append(f"<p>not shown: {count(len(hits) - MAX_HITS, 'more hit')}</p>")
    return render_page(title, *parts)


def _render_hit(hit: Hit, query: Item, terms: Collection[str]) -> str:
    if hit.snippet is not None:
        card = render_text_card(mark_spans(hit.snippet.text, hit.snippet.highlights), hit.label, query.label)
    else:
        image = load_image(hit.path) if query.kind == "images" and hit.path else None
        card = render_card(Item(hit.id, hit.excerpt or hit.id if image is None else image, hit.label), terms, query.label)
    score = "" if hit.score is None else f"{hit.score:.4f}"
    place = escape(", ".join(filter(None, (f"page {hit.page}" if hit.page else "", hit.heading))))
    caption = f'{hit.rank}. {escape(hit.id)} {place} <span class="muted">{score}</span>'
    return f"<figure>{card}<figcaption>{caption}</figcaption></figure>"
