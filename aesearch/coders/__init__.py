"""Coders that need no torch: rows in, codes out, and back."""
