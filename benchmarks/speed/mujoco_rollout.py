"""Speed of rollouts in MuJoCo: `python -m benchmarks.speed.mujoco_rollout`.

Environment steps per second by the clock at 16 environments, over those of Stable-Baselines3's DummyVecEnv:
HyperRL's threads, Stable-Baselines3's SubprocVecEnv and Gymnasium's AsyncVectorEnv (with shared memory), each
with a process for each environment. They run in a process of their own, which may use one core or two of them
with all that it starts, and take turns. Actions are random and the same for all, so that hoppers and walkers
fall often; each of eight training tasks is as likely as the others.

The single environments of all but HyperRL are as lean as can be (`LeanSimulator`); beside them stands
DummyVecEnv over the suite's own environments.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium.vector import AsyncVectorEnv, AutoresetMode
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv

from benchmarks.measures import Measure, Report, Spent, finish, parser, spent
from benchmarks.speed.minimal_env import LeanSimulator
from hyperrl.tasks import Family, TaskSampler
from hyperrl.tasks.simulators.threads import available_cores
from hyperrl.training import BatchedVecEnv

FAMILIES = ("half-cheetah-dynamics", "hopper-dynamics", "walker2d-dynamics")
ENVS, TASKS, CORES = 16, 8, (1, 2)
GOAL = (">=", 2.5)
DUMMY, OURS = "SB3's DummyVecEnv", "HyperRL's threads"
"""What others are compared with, and what is to be fast."""


class Roller:
    """Takes steps of many environments with given actions.

    Args:
        step: takes one step of all of them.
        actions: what it cycles through, each for all environments.
        steps: calls of `step` in a turn.
    """

    def __init__(self, step: Callable[[Any], object], actions: Sequence[Any], steps: int) -> None:
        self.step, self.actions, self.steps = step, actions, steps

    def turn(self) -> Spent:
        """Take some steps."""
        return spent(self._roll)

    def _roll(self) -> None:
        for index in range(self.steps):
            self.step(self.actions[index % len(self.actions)])


def lean(name: str, seed: int) -> LeanSimulator:
    """A lean environment of a family; what a process makes."""
    family = Family.load(name)
    return LeanSimulator(family, _sampler(family, seed))


def _sampler(family: Family, seed: int) -> TaskSampler:
    return TaskSampler(family.tasks("train")[:TASKS], "uniform", seed)


def contestants(name: str, steps: int, stack: ExitStack) -> dict[str, Roller]:
    """Each way to step the environments of a family; they are closed with the stack."""
    family = Family.load(name)
    family.action_space.seed(0)
    actions = [np.stack([family.action_space.sample() for _ in range(ENVS)]) for _ in range(64)]
    makers: list[Any] = [partial(lean, name, seed) for seed in range(ENVS)]
    sampler = _sampler(family, 0)
    batch = BatchedVecEnv(family.make_vec(ENVS, sampler=_sampler(family, 0)))
    suite = DummyVecEnv([lambda: family.make(sampler=sampler)] * ENVS)
    for env in (*suite.envs, *batch.batch.envs):  # type: ignore[union-attr]
        for task in sampler.contexts:
            env.apply(task)
    envs: dict[str, Any] = {
        DUMMY: DummyVecEnv(makers),
        OURS: batch,
        "SB3's SubprocVecEnv": SubprocVecEnv(makers, start_method="fork"),
        "Gymnasium's AsyncVectorEnv": AsyncVectorEnv(
            makers, context="fork", autoreset_mode=AutoresetMode.SAME_STEP
        ),
        f"{DUMMY} with the suite's environments": suite,
    }
    for env in envs.values():
        stack.enter_context(closing(env))
        if isinstance(env, AsyncVectorEnv):
            env.reset(seed=0)
        else:
            env.seed(0)
            env.reset()
    return {what: Roller(env.step, actions, steps) for what, env in envs.items()}


def measure(name: str, cores: int, rounds: int, pairs: int, steps: int, found: Any) -> None:
    """Measure one family on some cores, and send the measures: what a process of its own does."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    torch.set_num_threads(1)
    with ExitStack() as stack:
        rollers = contestants(name, steps, stack)
        for roller in rollers.values():
            roller.turn()
        walls: dict[str, list[list[float]]] = {what: [] for what in rollers}
        for _ in range(rounds):
            for what in rollers:
                walls[what].append([])
            for _ in range(pairs):
                for what, roller in rollers.items():
                    walls[what][-1].append(roller.turn().wall)
    found.put(_measures(f"{name}, {cores} core{'s' if cores > 1 else ''}", walls, steps, cores))


def _measures(where: str, walls: dict[str, list[list[float]]], steps: int, cores: int) -> list[Measure]:
    """Ratios to DummyVecEnv, then the rates."""
    measures = []
    for what, rounds in walls.items():
        if what != DUMMY:
            ratios = [
                statistics.median(one / other for one, other in zip(theirs, own, strict=True))
                for theirs, own in zip(walls[DUMMY], rounds, strict=True)
            ]
            goal = GOAL if what == OURS and cores == max(CORES) else None
            measures.append(Measure(f"{what} over {DUMMY}, steps per second, {where}", ratios, "ratio", goal))
    for what, rounds in walls.items():
        rates = [steps * ENVS / statistics.median(own) for own in rounds]
        measures.append(Measure(f"{what}, {where}", rates, "steps/s"))
    return measures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.mujoco_rollout", __doc__)
    command.add_argument("--families", nargs="+", default=list(FAMILIES), metavar="F")
    command.add_argument("--rounds", type=int, default=5, help="medians of which the range is shown")
    command.add_argument("--pairs", type=int, default=5, help="turns of each side in a round")
    options = command.parse_args(arguments)
    rounds, pairs, steps = (1, 1, 5) if options.quick else (options.rounds, options.pairs, 40)
    context = multiprocessing.get_context("spawn")
    measures: list[Measure] = []
    for family in options.families:
        for cores in (cores for cores in CORES if cores <= available_cores()):
            found: Any = context.SimpleQueue()
            process = context.Process(target=measure, args=(family, cores, rounds, pairs, steps, found))
            process.start()
            process.join()
            if process.exitcode:
                raise RuntimeError(f"the measurement of {family} on {cores} cores has failed")
            measures += found.get()
    setting: dict[str, Any] = {"environments": ENVS, "tasks": TASKS, "quick": options.quick}
    return finish(Report("speed.mujoco_rollout", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
