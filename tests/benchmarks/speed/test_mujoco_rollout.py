"""Rollouts in MuJoCo: lean environments are the family's own, and all that is promised is measured."""

from pathlib import Path

import numpy as np
import pytest

from hyperrl.tasks import Family, TaskSampler
from tests.benchmarks.speed.test_quick import quick

pytest.importorskip("mujoco")

from benchmarks.speed import mujoco_rollout
from benchmarks.speed.minimal_env import LeanSimulator


@pytest.mark.parametrize("name", mujoco_rollout.FAMILIES)
def test_lean_simulators_have_the_familys_transitions(name: str) -> None:
    family = Family.load(name)
    samplers = [TaskSampler(family.tasks("train")[:5], seed=3) for _ in range(2)]
    envs = [family.make(sampler=samplers[0]), LeanSimulator(family, samplers[1])]
    for sampler in samplers:
        sampler.reseed(3)
    seen = [env.reset(seed=5)[0] for env in envs]
    family.action_space.seed(0)
    ends = 0
    for _ in range(1005 if "cheetah" in name else 200):
        for key, part in seen[0].items():
            np.testing.assert_array_equal(part, seen[1][key])
        action = family.action_space.sample()
        steps = [env.step(action) for env in envs]
        assert len({each[1:4] for each in steps}) == 1
        seen = [each[0] for each in steps]
        if any(steps[0][2:4]):
            ends += 1
            seen = [env.reset()[0] for env in envs]
    assert ends


@pytest.mark.slow
def test_mujoco_rollout(tmp_path: Path) -> None:
    main, file = mujoco_rollout.main, tmp_path / "mujoco_rollout.json"
    measures = quick(lambda options: main([*options, "--families", "hopper-dynamics"]), file)
    for where, goal in (("1 core", None), ("2 cores", ">= 2.5")):
        if f"HyperRL's threads, hopper-dynamics, {where}" not in measures:
            continue  # the process may use one core alone
        rates = {
            what: measures[f"{what}, hopper-dynamics, {where}"]["value"]
            for what in (
                mujoco_rollout.DUMMY,
                mujoco_rollout.OURS,
                "SB3's SubprocVecEnv",
                "Gymnasium's AsyncVectorEnv",
            )
        }
        for what in list(rates)[1:]:
            ratio = measures[
                f"{what} over {mujoco_rollout.DUMMY}, steps per second, hopper-dynamics, {where}"
            ]
            assert ratio["value"] == pytest.approx(rates[what] / rates[mujoco_rollout.DUMMY], rel=1e-2)
            assert ratio["goal"] == (goal if what == mujoco_rollout.OURS else None)
    assert "HyperRL's threads, hopper-dynamics, 1 core" in measures
