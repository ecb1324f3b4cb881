"""Analyses of an index. Each takes a Retriever or a collection of items, and returns dataclasses."""
