"""Health check: versions of the software, and the state of an index."""

from __future__ import annotations

import os
import platform
import re
from datetime import datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from aesearch.errors import AesearchError
from aesearch.index.retriever import Retriever

PACKAGES = ("aesearch", "numpy", "scipy", "faiss-cpu", "onnxruntime", "torch", "scikit-learn", "pillow")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "KMP_DUPLICATE_LIB_OK")
"""Environment variables that limit, or break, the threads of numerical libraries."""

NOT_INSTALLED = "not installed"


def check_health(folder: Path | None) -> dict[str, Any]:
    """Collect facts about the environment and, if a folder is given, about the index in it.

    Parameters
    ----------
    folder : Path or None
        Folder of an index.

    Returns
    -------
    dict of str to Any
        Versions, optional extras, number of CPUs, thread settings. For an index: whether it loads, its age, whether its
        checksums match, and how many files an update would read. If the index is missing or corrupt, "error" holds the
        message; no exception is raised.
    """
    facts: dict[str, Any] = {"python": platform.python_version(), "platform": platform.platform()}
    facts |= {name: _installed_version(name) for name in PACKAGES}
    for extra, packages in _extras().items():
        is_missing = NOT_INSTALLED in map(_installed_version, packages)
        facts[f"extra {extra}"] = f"pip install 'aesearch[{extra}]'" if is_missing else "installed"
    facts["cpu_count"] = os.cpu_count()
    facts |= {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
    return facts if folder is None else facts | _check_index(folder)


def _check_index(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = {"index": str(folder)}
    try:
        retriever = Retriever.load(folder)
        facts["loads"] = f"yes, {len(retriever):,} {retriever.kind}, coder {retriever.coder_name}"
        facts["committed"] = f"{datetime.fromtimestamp((folder / 'index.json').stat().st_mtime):%Y-%m-%d %H:%M}"
        retriever.verify()
        facts["checksums"] = "match"
        if retriever.record.source:
            facts["source"] = retriever.record.source.root
            facts["pending_update"] = _describe_pending_update(retriever)
    except AesearchError as error:
        facts["error"] = str(error)
    return facts


def _describe_pending_update(retriever: Retriever) -> str:
    files, indexed = retriever.source_files().paths, retriever.ledger.files()
    n_new = len(files.keys() - indexed.keys())
    n_changed = sum(files[path] != indexed[path] for path in files.keys() & indexed.keys())
    n_removed = len(indexed.keys() - files.keys())
    return f"{n_new:,} new, {n_changed:,} changed and {n_removed:,} removed files"


def _extras() -> dict[str, list[str]]:
    """Return the packages of each optional extra, from the metadata of the installed package."""
    extras: dict[str, list[str]] = {}
    for requirement in requires("aesearch") or []:
        package, extra = re.match(r"[\w.-]+", requirement), re.search(r"extra == ['\"]([\w-]+)", requirement)
        if package and extra and extra[1] != "test":
            extras.setdefault(extra[1], []).append(package[0])
    return extras


def _installed_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return NOT_INSTALLED
