"""Arrays become codes, and codes arrays again; no torch here."""
