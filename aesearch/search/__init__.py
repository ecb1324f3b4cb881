"""Refinements of search results beyond the distance of codes."""
