"""How an index and the machine under it are."""

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
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "KMP_DUPLICATE_LIB_OK")


def examine(folder: Path | None) -> dict[str, Any]:
    """Versions, extras, threads; of the index in `folder`, if one is given, whether it opens and what an update would do.

    Nothing is raised of an index that does not open: its sentence is among what is returned.
    """
    facts: dict[str, Any] = {"python": platform.python_version(), "system": platform.platform()}
    facts |= {name: _version(name) for name in PACKAGES}
    facts |= {
        f"extra {name}": f"pip install 'aesearch[{name}]'" if "not installed" in map(_version, packages) else "installed"
        for name, packages in _extras().items()
    }
    facts["cores"] = os.cpu_count()
    facts |= {name: os.environ[name] for name in THREADS if name in os.environ}
    return facts if folder is None else facts | _of_index(folder)


def _of_index(folder: Path) -> dict[str, Any]:
    facts: dict[str, Any] = {"index": str(folder)}
    try:
        retriever = Retriever.load(folder)
        facts["opens"] = f"yes: {len(retriever):,} {retriever.kind} by {retriever.coder_name}"
        facts["written"] = f"{datetime.fromtimestamp((folder / 'index.json').stat().st_mtime):%Y-%m-%d %H:%M}"
        retriever.verify()
        facts["whole"] = "yes"
        if retriever.record.source:
            now, known = retriever.source_files().paths, retriever.ledger.files()
            new, gone = now.keys() - known.keys(), known.keys() - now.keys()
            changed = [path for path in now.keys() & known.keys() if tuple(now[path]) != known[path]]
            facts["source"] = retriever.record.source.root
            facts["an update would read"] = f"{len(new):,} new and {len(changed):,} changed files, and forget {len(gone):,}"
    except AesearchError as error:
        facts["trouble"] = str(error)
    return facts


def _extras() -> dict[str, list[str]]:
    """The packages of each extra that a user may want, as the installed package names them."""
    found: dict[str, list[str]] = {}
    for line in requires("aesearch") or []:
        package, extra = re.match(r"[\w.-]+", line), re.search(r"extra == ['\"]([\w-]+)", line)
        if package and extra and extra[1] != "test":
            found.setdefault(extra[1], []).append(package[0])
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
