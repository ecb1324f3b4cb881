"""Rows of numbers, dense or sparse; and arrays and settings on disk, as safetensors and JSON, never pickle.

safetensors holds names, dtypes, shapes and raw numbers, nothing that could run (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from aesearch.errors import BrokenIndex

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_array

    Rows: TypeAlias = np.ndarray | csr_array


def is_sparse(X: Rows) -> bool:
    """Whether X is a scipy sparse array; asked without importing scipy, which a query for a photo never needs."""
    return hasattr(X, "tocsr")


def stacked(parts: Sequence[Rows]) -> Rows:
    """[A, D], [B, D] ... as [A + B + ..., D]"""
    if not is_sparse(parts[0]):
        import numpy as np

        return np.concatenate(parts)
    from scipy.sparse import vstack

    return vstack(parts, format="csr")


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`.  Raises BrokenIndex where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BrokenIndex(path, "is missing") from None
    except (ValueError, RecursionError):
        raise BrokenIndex(path, "is not JSON") from None
    if not isinstance(value, dict):
        raise BrokenIndex(path, "does not hold a JSON object")
    return value


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    import numpy as np
    from safetensors.numpy import save

    # Written by ourselves: safetensors' own writer makes files that other users of the machine cannot read.
    path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def read_arrays(path: Path, *names: str) -> dict[str, np.ndarray]:
    """The arrays called `names` in `path`, each read alone; all of them where no name is given.

    Raises BrokenIndex where the file or one of the names is missing or the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in (names or file.keys())}
    except FileNotFoundError:
        raise BrokenIndex(path, "is missing") from None
    except (SafetensorError, OSError) as error:
        raise BrokenIndex(path, f"cannot be read ({error})") from None
