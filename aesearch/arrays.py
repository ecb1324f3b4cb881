"""Dense and sparse rows, and their files: safetensors for arrays, JSON for everything else.

safetensors stores names, dtypes, shapes and raw numbers, nothing executable (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from aesearch.errors import CorruptIndex

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_array

    Rows: TypeAlias = np.ndarray | csr_array


def is_sparse(X: Rows) -> bool:
    """Return whether X is a SciPy sparse array, without importing SciPy: an image query never needs it."""
    return hasattr(X, "tocsr")


def has_terms(X: Rows) -> np.ndarray:
    """Return whether each row has any term, [n_items] bool. Dense rows always have."""
    import numpy as np

    sparse: Any = X
    return np.diff(sparse.indptr) > 0 if is_sparse(X) else np.ones(X.shape[0], bool)


def stack_rows(parts: Sequence[Rows]) -> Rows:
    """Concatenate [A, D], [B, D], ... to [A + B + ..., D]."""
    if not is_sparse(parts[0]):
        import numpy as np

        return np.concatenate(parts)
    from scipy.sparse import vstack

    return vstack(parts, format="csr")


def scale_pixels(X: np.ndarray) -> np.ndarray:
    """Return X as float32, with uint8 pixels scaled from 0..255 to 0..1. Other dtypes keep their values."""
    import numpy as np

    if X.dtype == np.uint8:
        return X.astype(np.float32) / np.float32(255)
    return X.astype(np.float32, copy=False)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    CorruptIndex
        If the file is missing or does not hold a JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CorruptIndex(path, "is missing") from None
    except (ValueError, RecursionError):
        raise CorruptIndex(path, "is not JSON") from None
    if not isinstance(value, dict):
        raise CorruptIndex(path, "does not hold a JSON object")
    return value


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write named arrays to a safetensors file."""
    import numpy as np
    from safetensors.numpy import save

    # Not safetensors' own save_file: its files cannot be read by other users of the machine.
    path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def read_arrays(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Read the named arrays of a safetensors file, or all of them if no name is given.

    Raises
    ------
    CorruptIndex
        If the file or a name is missing, or the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in (names or file.keys())}
    except FileNotFoundError:
        raise CorruptIndex(path, "is missing") from None
    except (SafetensorError, OSError) as error:
        raise CorruptIndex(path, f"cannot be read ({error})") from None
