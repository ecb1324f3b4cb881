"""Export of encoders to ONNX, which the library uses to query an index without torch, and other programs can run."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from aesearch.coders.onnx import CODE_OUTPUT, DESCRIPTORS_OUTPUT, GRAPH_INPUT
from aesearch.onnx_sessions import simplify_graph

HAS_TRACING_EXPORTER = "dynamic_axes" in inspect.signature(torch.onnx.export).parameters
"""Whether torch still has the exporter that traces a model. It is deprecated, but takes 0.1 s for an encoder for which the
other takes 3 to 5 s. Encoders have no control flow that depends on their input, so that one trace is complete."""


def export_encoder(encoder: nn.Module, shape: tuple[int, ...], path: Path, *, tracing: bool = HAS_TRACING_EXPORTER) -> None:
    """Write an encoder to an ONNX file that accepts any number of rows.

    Parameters
    ----------
    encoder : nn.Module
        Maps rows [N, *shape] float32 to codes [N, D] float32, or to a tuple of codes and descriptors [N, F]. In the file,
        the input is called "x" and the outputs are called "code" and "descriptors".
    shape : tuple of int
        Shape of a row.
    path : Path
        The file.
    tracing : bool
        Whether to use the exporter that traces the model.
    """
    model = copy.deepcopy(encoder).cpu().eval()
    example = torch.zeros(2, *shape)
    any_number_of_rows: dict[str, Any] = {"dynamo": True, "dynamic_shapes": ({0: torch.export.Dim("items")},)}
    if tracing:
        any_number_of_rows = {"dynamo": False, "dynamic_axes": {GRAPH_INPUT: {0: "items"}}}
    with _silence_exporter():
        torch.onnx.export(
            model,
            (example,),
            path,
            input_names=[GRAPH_INPUT],
            output_names=[CODE_OUTPUT, DESCRIPTORS_OUTPUT] if isinstance(model(example), tuple) else [CODE_OUTPUT],
            external_data=False,
            **any_number_of_rows,
        )
    if tracing:
        simplify_graph(path)


@contextlib.contextmanager
def _silence_exporter() -> Iterator[None]:
    """Suppress the exporter's progress, warnings, and notes about optional packages that are not installed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
