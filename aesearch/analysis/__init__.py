"""Questions to ask of an index: numbers in, a small dataclass out."""
