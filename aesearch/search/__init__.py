"""Refinements of a query beyond its nearest codes."""
