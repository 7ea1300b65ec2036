"""Smoke runs: everything that is promised is measured, and the exit status follows from it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks import generation, throughput


def quick(main: Callable[[list[str]], int], path: Path) -> dict[str, dict[str, Any]]:
    status = main(["--quick", "--json", str(path)])
    report = json.loads(path.read_text())
    missed = any(each["met"] is False for each in report["measures"])
    assert status == int(missed)
    assert report["setting"]["quick"]
    return {each["name"]: each for each in report["measures"]}


def test_throughput(tmp_path: Path) -> None:
    measures = quick(throughput.main, tmp_path / "throughput.json")
    for family in ("ode", "cartpole"):
        ratio = measures[f"hyper-ppo over concat-ppo, training steps per second, {family}"]
        assert ratio["goal"] == ">= 0.85"
        rates = [measures[f"{agent}, {family}: training"]["value"] for agent in ("hyper-ppo", "concat-ppo")]
        assert ratio["value"] == pytest.approx(rates[0] / rates[1], rel=1e-2)
        generation_time = measures[f"hyper-ppo, {family}: generation, within both, on the clock"]["value"]
        assert generation_time > 0
        for agent, rate in zip(("hyper-ppo", "concat-ppo"), rates, strict=True):
            parts = sum(measures[f"{agent}, {family}: {part}"]["value"] for part in ("rollout", "update"))
            assert parts == pytest.approx(1e6 / rate, rel=1e-2)
    assert not any(name.startswith("concat-ppo") and "generation" in name for name in measures)


def test_unequal_agents_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "AGENTS", ("hyper-ppo", "concat-a2c"))
    with pytest.raises(ValueError, match="differ"):
        throughput.compare("ode", 1, 1)


def test_generation(tmp_path: Path) -> None:
    measures = quick(generation.main, tmp_path / "generation.json")
    for size, goal in (("64-64", "<= 2.5"), ("256-256", "<= 1.9")):
        for tasks in (1, 16):
            assert measures[f"low-rank, {size}, G = {tasks}, over a plain MLP"]["goal"] == goal
            assert measures[f"full, {size}, G = {tasks}, over a plain MLP"]["goal"] is None
        for strategy in ("low-rank", "full"):
            naive = measures[f"{strategy} per sample, {size}, any G, over a plain MLP"]
            assert naive["peak MB"] > measures[f"{strategy}, {size}, G = 1, over a plain MLP"]["peak MB"]


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
@pytest.mark.parametrize("tasks", generation.TASKS)
def test_both_ways_do_the_same_work(strategy: str, tasks: int) -> None:
    batch = generation.Batch.of(tasks)
    assert len(torch.unique(batch.descriptors, dim=0)) == tasks
    gradients = []
    for make in (generation.generated, generation.per_sample):
        torch.manual_seed(0)
        module, run = make((64, 64), strategy, batch)
        run()
        run()
        gradients.append([parameter.grad for parameter in module.parameters()])
    for one, other in zip(*gradients, strict=True):
        assert one is not None
        assert other is not None
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4 * float(one.abs().max()))


def test_peak_memory_counts_what_is_held_at_once() -> None:

    def two_then_one() -> None:
        pair = [torch.ones(250_000), torch.ones(250_000)]
        del pair
        torch.ones(250_000)

    assert generation.peak_megabytes(nn.Identity(), two_then_one) == pytest.approx(2.0, rel=0.01)
