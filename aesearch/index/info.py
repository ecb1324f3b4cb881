"""A summary of an index."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aesearch.index.storage import IndexState


def describe_index(index: IndexState) -> dict[str, Any]:
    """Return what an index holds and how it was built, with sizes in bytes and times in seconds."""
    record, coder = index.record, index.coder
    files = [path for path in index.folder.rglob("*") if path.is_file()] if index.folder else []
    return {
        "index": None if index.folder is None else str(index.folder),
        "kind": record.kind,
        "items": len(index.store),
        "added_since_training": record.added.count,
        "skipped": len(index.ledger.skipped),
        "file_warnings": index.ledger.warnings,
        "source": record.source and record.source.root,
        "features": index.features.name,
        "shape": index.features.shape,
        "coder": coder.base.name,
        "params": coder.base.get_params(),
        "bits": coder.metric == "hamming",
        "code_size": coder.code_size,
        "store": index.store.name,
        "bytes_per_item": index.store.bytes_per_item,
        "metric": coder.metric,
        "score": None if record.score is None else asdict(record.score),
        "lexical_weight": record.lexical_weight,
        "passages": len(index.ledger.texts),
        "trials": [asdict(trial) for trial in record.trials],
        "warnings": record.warnings,
        "seconds": record.seconds,
        "epochs": [asdict(epoch) for epoch in record.epochs],
        "bytes_on_disk": sum(path.stat().st_size for path in files),
    }
