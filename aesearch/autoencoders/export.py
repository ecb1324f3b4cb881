"""Writes an encoder as ONNX, for asking without torch and for whoever wants it in another program."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn

from aesearch.coders.onnx import CODE, DETAIL


def export_encoder(encoder: nn.Module, shape: tuple[int, ...], path: Path) -> None:
    """Writes `encoder`, which maps "x" [N, *shape] float32 to "code" [N, D] float32, for any N; where it returns two
    tensors, the second is "detail" [N, F]."""
    graph = copy.deepcopy(encoder).cpu().eval()
    example = torch.zeros(2, *shape)
    with warnings.catch_warnings(), _quiet(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            (example,),
            path,
            input_names=["x"],
            output_names=[CODE, DETAIL] if isinstance(graph(example), tuple) else [CODE],
            dynamic_shapes=({0: torch.export.Dim("items")},),
            dynamo=True,
            external_data=False,
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Holds back the exporter's notes on packages that it would have used if they were installed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
