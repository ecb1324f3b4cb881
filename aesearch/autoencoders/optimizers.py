"""The optimizer of all autoencoders: AdamW with a one-cycle learning rate and adaptive gradient clipping."""

from __future__ import annotations

from math import inf
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

MAX_GRADIENT_RATIO = 4
"""A gradient is scaled down to this many times the mean norm of recent gradients if it is longer."""
GRADIENT_WINDOW_STEPS = 100
"""Number of recent steps whose gradient norms are averaged."""


def create_optimizer(
    model: nn.Module, learning_rate: float, weight_decay: float, steps: int
) -> tuple[Optimizer, LRScheduler]:
    """Return AdamW with gradient clipping, and a schedule: the learning rate rises and falls once in a number of steps."""
    optimizer = torch.optim.AdamW(model.parameters(), learning_rate, weight_decay=weight_decay, fused=True)
    optimizer.param_groups[0].update(mean_norm=0.0, n_norms=0)
    optimizer.register_step_pre_hook(_clip_gradients)
    return optimizer, OneCycleLR(optimizer, learning_rate, total_steps=steps + 1)


def _clip_gradients(optimizer: Optimizer, *_: Any) -> None:
    """Scale the gradients down if they are far longer than usual: one such step can undo all training before it.

    The running mean of the norms is part of the optimizer's state (after AutoClip: Seetharaman et al. 2020).
    """
    group = optimizer.param_groups[0]
    norm = nn.utils.get_total_norm(p.grad for p in group["params"] if p.grad is not None)
    if not norm < inf:
        return
    is_estimated = group["n_norms"] >= GRADIENT_WINDOW_STEPS and group["mean_norm"]
    max_norm = MAX_GRADIENT_RATIO * group["mean_norm"] if is_estimated else inf
    if norm > max_norm:
        nn.utils.clip_grads_with_norm_(group["params"], max_norm, norm)
    group["n_norms"] += 1
    group["mean_norm"] += (min(float(norm), max_norm) - group["mean_norm"]) / min(group["n_norms"], GRADIENT_WINDOW_STEPS)
