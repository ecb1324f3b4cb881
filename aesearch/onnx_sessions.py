"""ONNX graphs, run by ONNX Runtime on the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aesearch.errors import CorruptIndex


def open_session(model: bytes | Path, threads: int = 0) -> Any:
    """An `onnxruntime.InferenceSession` of the graph in a file, or in bytes.  Raises CorruptIndex.

    `threads` share the work of each run; 0: one on each core.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors alone: a warning here is no one's to act on
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has a class of its own for each way in which a file can be wrong
        path = model if isinstance(model, Path) else Path("model.onnx")
        raise CorruptIndex(path, f"cannot be read ({str(error).splitlines()[0][:120]})") from None
