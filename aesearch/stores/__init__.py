"""Stores: codes in, nearest neighbors out."""
