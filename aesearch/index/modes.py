"""Options of queries, and the limit of useful scores."""

from __future__ import annotations

from typing import Literal

QueryMode = Literal["hybrid", "semantic", "lexical"]
QUERY_MODES: tuple[QueryMode, ...] = ("hybrid", "semantic", "lexical")

CHANCE = 0.5
"""A hit with a lower score is no nearer than half of the random pairs of items."""
