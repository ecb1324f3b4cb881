"""Codes become neighbours."""
