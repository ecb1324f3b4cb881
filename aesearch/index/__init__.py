"""The life of an index: building, syncing, saving, loading and querying it."""
