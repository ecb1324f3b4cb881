"""Codes become neighbors."""
