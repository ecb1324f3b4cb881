"""Features: items in, rows of numbers out."""
