"""The rollout benchmark: the lean environments are the family's own, and everything promised is measured."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.speed import rollout
from benchmarks.speed.minimal_env import LeanEnv, leanest
from hyperrl.tasks import Family, TaskSampler
from tests.benchmarks.speed.test_quick import quick


@pytest.mark.parametrize("name", rollout.FAMILIES)
def test_lean_environments_have_the_familys_transitions(name: str) -> None:
    family = Family.load(name)
    samplers = [TaskSampler(family.tasks("train"), seed=3) for _ in range(3)]
    envs = [family.make(sampler=samplers[0]), LeanEnv(family, samplers[1]), leanest(family, samplers[2])]
    for env, sampler in zip(envs, samplers, strict=True):
        sampler.reseed(3)
        env.action_space.seed(0)
    seen = [env.reset(seed=5)[0] for env in envs]
    ended = 0
    for _ in range(450):
        action = family.action_space.sample()
        for other in seen[1:]:
            np.testing.assert_allclose(other["obs"], seen[0]["obs"], rtol=1e-6, atol=1e-7)
            np.testing.assert_array_equal(other["context"], seen[0]["context"])
        told = [env.step(action) for env in envs]
        assert len({(float(reward), end, cut) for _, reward, end, cut, _ in told}) == 1
        seen = [each[0] for each in told]
        if told[0][2] or told[0][3]:
            ended += 1
            seen = [env.reset()[0] for env in envs]
    assert ended >= 2
    assert family.name == "cartpole" or type(envs[2].base) is not type(envs[1].base)  # type: ignore[attr-defined]


def test_rollout(tmp_path: Path) -> None:
    measures = quick(rollout.main, tmp_path / "rollout.json")
    for family in rollout.FAMILIES:
        ratio = measures[f"batch over DummyVecEnv over the leanest environment, steps per second, {family}"]
        assert ratio["goal"] == ">= 10"
        rates = [
            measures[f"{name}, {family}"]["value"]
            for name in ("batch", "DummyVecEnv over the leanest environment")
        ]
        assert ratio["value"] == pytest.approx(rates[0] / rates[1], rel=1e-2)
    goals = {each["goal"] for name, each in measures.items() if "over SB3's PPO" in name}
    assert goals == {">= 1", ">= 3", None}
    (learned,) = (each for name, each in measures.items() if name.startswith("reward per step"))
    assert learned["goal"] == ">= 0.855"
    assert 0 < learned["value"] <= 172.09 / 200
