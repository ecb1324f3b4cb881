"""Analyses of one index: each function takes a Retriever and returns a dataclass."""
