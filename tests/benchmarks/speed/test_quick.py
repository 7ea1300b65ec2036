"""Smoke runs: everything that is promised is measured, and the exit status follows from it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from benchmarks.speed import construction, generation, memory, replay, startup, tasks, throughput
from benchmarks.speed import generation_rivals as rivals
from hyperrl.nets import MLP, STRATEGIES, HyperNetwork


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
        assert ratio["goal"] == ">= 1"
        rates = [measures[f"{agent}, {family}: training"]["value"] for agent in ("hyper-ppo", "concat-ppo")]
        assert ratio["value"] == pytest.approx(rates[0] / rates[1], rel=1e-2)
        generation_time = measures[f"hyper-ppo, {family}: generation, within both, on the clock"]["value"]
        assert generation_time > 0
        for agent, rate in zip(("hyper-ppo", "concat-ppo"), rates, strict=True):
            parts = sum(measures[f"{agent}, {family}: {part}"]["value"] for part in ("rollout", "update"))
            assert parts == pytest.approx(1e6 / rate, rel=1e-2)
    assert not any(name.startswith("concat-ppo") and "generation" in name for name in measures)


def test_unequal_agents_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "GOALS", {"concat-a2c": None})
    with pytest.raises(ValueError, match="differ"):
        throughput.compare("ode", 1, 1)


def test_replay(tmp_path: Path) -> None:
    measures = quick(replay.main, tmp_path / "replay.json")
    ours, dearer, plain = (
        measures[f"pendulum: a transition, {kind}"]["value"]
        for kind in (
            "contexts stored once a task",
            "DictReplayBuffer with context",
            "DictReplayBuffer without context",
        )
    )
    assert ours == plain + 4 < dearer
    for number in (4, 256):
        ratio = measures[f"hyper-sac over concat-sac, updates per second, 256-256, {number} tasks"]
        assert ratio["goal"] == ">= 0.95"
        hyper, concat = (measures[f"{agent}, {number} tasks: updates"]["value"] for agent in replay.AGENTS)
        assert ratio["value"] == pytest.approx(hyper / concat, rel=1e-2)


def test_generation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measures = quick(generation.main, tmp_path / "generation.json")
    left_out = capsys.readouterr().err.splitlines()
    assert len(left_out) == bool(rivals.missing())
    for strategy in STRATEGIES:
        of_it = [measures[f"{strategy}, 64-64, G = {number}, over a plain MLP"] for number in (1, 16)]
        naive = measures[f"{strategy} per sample, 64-64, any G, over a plain MLP"]
        assert naive["peak MB"] > max(each["peak MB"] for each in of_it)
    for name in ("per-row products of papers' code, 64-64, any G", *all_at_16(rivals.installed())):
        assert measures[f"{name}, over a plain MLP"]["value"] > 0


def all_at_16(names: list[str]) -> list[str]:
    return [f"{name}, 64-64, G = 16" for name in names]


def test_the_goals_of_generation() -> None:
    goals = {case.name: case.goal for hidden in generation.HIDDEN for case in generation.cases(hidden)}
    for number in (1, 4, 16, 64, 256):
        assert goals.pop(f"low-rank, 64-64, G = {number}") == ("<=", 2.0)
        assert goals.pop(f"low-rank, 256-256, G = {number}") == ("<=", 1.5)
        assert goals.pop(f"modulation, 64-64, G = {number}") == ("<=", 2.5)
    assert goals.pop("full, 64-64, G = 16") == ("<=", 3.0)
    assert set(goals.values()) == {None}
    assert {f"{strategy}, 256-256, G = 64" for strategy in STRATEGIES} - {"low-rank, 256-256, G = 64"} < set(
        goals
    )


def test_what_is_not_installed_is_left_out_and_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(rivals.PACKAGES, "no_such_package, in some way", rivals.per_sample_products)
    monkeypatch.setattr(generation, "measure", lambda *_: [])
    monkeypatch.setattr(generation, "finish", lambda *_: 0)
    assert generation.main(["--quick"]) == 0
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "no_such_package left out: pip install" in told[0]
    assert "no_such_package, in some way" not in rivals.installed()


def test_tasks(tmp_path: Path) -> None:
    measures = quick(tasks.main, tmp_path / "tasks.json")
    rows = {name: each["tasks in the rollout"] for name, each in measures.items() if "update" in name}
    for agent in tasks.AGENTS:
        one, other = (
            f"{agent}, update with 4,096 training tasks over 4, {kind}"
            for kind in ("rollouts as collected", "each row's task drawn anew")
        )
        assert rows[one] <= 16 < rows[other]
        assert measures[one]["goal"] == ("<= 1.1" if agent == "hyper-ppo" else "<= 1.2")
        assert measures[other]["goal"] == ("<= 1.1" if agent == "hyper-ppo" else None)
    for trunk in tasks.TRUNKS:
        name = f"full, 64-64, trunk {trunk}, G = 16: chosen execution over the better"
        assert measures[name]["goal"] == "<= 1.05"
        assert min(measures[name]["grouped, ms"], measures[name]["basis, ms"]) > 0


SIZES = (generation.OBSERVATION, 5, 6, generation.ACTION)


def test_papers_code_is_full_generation() -> None:
    theirs = rivals.PerSampleProducts(generation.DESCRIPTOR, SIZES)
    target = MLP(SIZES[0], SIZES[-1], SIZES[1:-1])
    ours = HyperNetwork(generation.DESCRIPTOR, target, "full")
    batch = generation.Batch.of(16)
    features = theirs.trunk(batch.descriptors)
    h = batch.x
    for number, (matrix, bias) in enumerate(zip(theirs.matrices, theirs.biases, strict=True)):
        h = torch.tanh(h) if number else h
        weight = matrix(features).view(len(h), -1, h.shape[1])
        h = torch.stack([weight[row] @ h[row] for row in range(len(h))]) + bias(features)
    torch.testing.assert_close(theirs(batch.x, batch.descriptors), h, rtol=1e-4, atol=1e-5)
    assert parameters(theirs) == parameters(ours)


@pytest.mark.parametrize("name", rivals.PACKAGES)
@pytest.mark.parametrize("number", [1, 16, 256])
def test_packages_do_the_work_of_full_generation(name: str, number: int) -> None:
    if name not in rivals.installed():
        pytest.skip("needs the extra: pip install -c constraints.txt -e '.[bench]'")
    batch = generation.Batch.of(number)
    module, forward = rivals.PACKAGES[name](generation.DESCRIPTOR, SIZES)
    theirs = forward(batch.x, batch.descriptors)
    naive = torch.cat([forward(batch.x[i : i + 1], batch.descriptors[i : i + 1]) for i in range(0, 256, 17)])
    torch.testing.assert_close(theirs[::17], naive, rtol=1e-4, atol=1e-5)
    theirs.backward(batch.gradient)  # type: ignore[no-untyped-call]
    assert all(parameter.grad is not None for parameter in module.parameters())
    target = MLP(SIZES[0], SIZES[-1], SIZES[1:-1])
    assert parameters(module) == parameters(HyperNetwork(generation.DESCRIPTOR, target, "full"))


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device; torch finds none here")
def test_generation_on_a_device(tmp_path: Path) -> None:
    measures = quick(lambda options: generation.main([*options, "--device", "cuda"]), tmp_path / "gpu.json")
    assert measures["full, 64-64, G = 16, over a plain MLP"]["peak MB"] > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        generation.main(["--quick", "--device", "cuda"])
    assert "torch finds no CUDA device here" in capsys.readouterr().err


@pytest.mark.parametrize("strategy", ["low-rank", "full"])
@pytest.mark.parametrize("number", generation.TASKS)
def test_both_ways_do_the_same_work(strategy: str, number: int) -> None:
    batch = generation.Batch.of(number)
    assert len(torch.unique(batch.descriptors, dim=0)) == number
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


def test_construction(tmp_path: Path) -> None:
    measures = quick(construction.main, tmp_path / "construction.json")
    assert [name.split(":")[0] for name in measures] == ["TD3, low-rank, 256-256", "TD3, modulation, 256-256"]
    assert all(each["goal"] == "<= 3" and each["value"] > 0 for each in measures.values())


def test_startup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spent = {"import": 1.0, "evaluate": 1.5, "specialize": 2.0, "describe": 2.5, "export": 4.0, "list": 0.375}
    played = []

    def cpu_seconds(command: list[str], folder: Path) -> float:
        word = command[3] if command[1] == "-m" else "import"
        played.append(word)
        return spent.get(word, 0.25)

    monkeypatch.setattr(startup, "cpu_seconds", cpu_seconds)
    measures = quick(startup.main, tmp_path / "startup.json")
    assert played == [
        "train",
        *["import", "evaluate", "specialize", "describe", "export", "list", "--help"] * 2,
    ]
    assert {name.split(":")[0]: (each["value"], each["met"]) for name, each in measures.items()} == {
        "evaluate RUN": (0.5, True),
        "specialize RUN": (1.0, False),
        "describe AGENT FAMILY": (1.5, True),
        "export RUN": (3.0, True),
        "list": (0.375, True),
        "--help": (0.25, True),
        "`import torch`": (1.0, None),
    }


def test_the_time_of_a_process_is_that_of_its_children_too(tmp_path: Path) -> None:
    work = "sum(i * i for i in range(3_000_000))"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}], check=True)"
    alone = startup.cpu_seconds([sys.executable, "-c", "pass"], tmp_path)
    assert startup.cpu_seconds([sys.executable, "-c", child], tmp_path) > 2 * alone
    with pytest.raises(subprocess.CalledProcessError):
        startup.cpu_seconds([sys.executable, "-c", "raise SystemExit(3)"], tmp_path)


def test_memory(tmp_path: Path) -> None:
    measures = quick(memory.main, tmp_path / "memory.json")
    ratio, *peaks = measures.values()
    assert ratio["name"] == "hyper-ppo over concat-ppo, 64-64: peak memory"
    assert ratio["goal"] == "<= 1.2"
    hyper, concat = (each["value"] for each in peaks)
    assert ratio["value"] == pytest.approx(hyper / concat, rel=1e-2)
    assert all(0 < each["MB held between updates"] < each["value"] for each in peaks)
    assert 0.8 < ratio["whole process"] < 1.2


def test_what_is_held_before_counts_in_the_peak() -> None:
    kept: list[torch.Tensor] = []

    def prepared() -> memory.Update:
        kept.append(torch.ones(250_000))
        return lambda: torch.ones(250_000).sum()

    found = memory.allocation(prepared)
    assert found.before == pytest.approx(1e6, rel=0.01)
    assert found.peak == pytest.approx(2e6, rel=0.01)
