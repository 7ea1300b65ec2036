"""Activations and gradients are recorded layer by layer."""

from typing import Any

import numpy as np
import torch
from torch import nn

from hyperrl.analysis.initialization_check import ProbeBatch
from hyperrl.analysis.probe import run
from hyperrl.nets import HyperNetwork
from tests.analysis.policies import make_policy


def test_signals_are_those_of_the_rows(batch: ProbeBatch) -> None:
    """However rows are laid out: with all tasks at once, and with each task by itself."""
    normals = torch.randn(batch.rows, 8)
    for strategy in ("low-rank", "full"):
        policy = make_policy(0, hypernetwork={"strategy": strategy})
        tasks = len(batch.descriptors)

        def signals(given: dict[str, np.ndarray[Any, Any]], count: int, policy: Any = policy) -> Any:
            seen = policy.obs_to_tensor(given)[0]
            return run(policy, seen, lambda outputs: normals[:, :outputs].repeat(count, 1)).networks

        together = signals(batch.of(tasks), tasks)
        for task in range(tasks):
            alone = signals(ProbeBatch(batch.observations, batch.descriptors[task : task + 1]).of(1), 1)
            rows = slice(task * batch.rows, (task + 1) * batch.rows)
            for layer, both in alone.items():
                for one, other in zip(both, together[layer], strict=True):
                    torch.testing.assert_close(one, other[rows], rtol=1e-4, atol=1e-5)


def test_hooks_are_taken_away(batch: ProbeBatch) -> None:
    policy = make_policy(0)
    run(policy, policy.obs_to_tensor(batch.of(2))[0], lambda outputs: torch.ones(2 * batch.rows, outputs))
    modules = [module for module in policy.modules() if isinstance(module, (HyperNetwork, nn.Linear))]
    assert modules
    assert not any(module._forward_hooks for module in modules)
