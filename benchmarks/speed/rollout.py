"""Speed of rollouts and of training: `python -m benchmarks.speed.rollout`.

Environment steps per second of CPU time at 64 environments through Stable-Baselines3's VecEnv interface, over
those of its DummyVecEnv over single environments with the context in the observation; then training steps
per second of `hyper-ppo` on `ode` over those of SB3's own PPO("MultiInputPolicy") on such a DummyVecEnv.
Both sides alternate in one process with one thread. Actions are random and the same for both, tasks are
drawn uniformly.

Single environments are as lean as can be (`minimal_env.py`). The leanest computes in plain Python
numbers; beside it stands the suite's own base environment. `FAST` is what `hyper-ppo` may choose for itself:
more environments, larger minibatches and a higher rate that falls linearly; runs of five seeds show that it
still learns.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from benchmarks.measures import (
    Measure,
    Report,
    Spent,
    alternate,
    finish,
    on_the_clock,
    parser,
    rate,
    ratios,
    spent,
)
from benchmarks.speed.minimal_env import LeanEnv, leanest
from benchmarks.speed.throughput import ENVS, NEVER, Contestant
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family, TaskSampler
from hyperrl.training import BatchedVecEnv, train

FAMILIES = ("cartpole", "ode", "double-integrator")
MANY = 64
FASTER = (">=", 10.0)
SAME = (">=", 1.0)
THRICE = (">=", 3.0)
FAST = ("n_envs=64", "algorithm.n_steps=32", "algorithm.batch_size=2048", "algorithm.learning_rate=lin_1e-3")
LEARNED = (">=", 0.855)
LEARNING_STEPS, SEEDS = 150_000, 5

MakeEnv = Callable[[Family, TaskSampler], LeanEnv]


class Roller:
    """A VecEnv that takes steps with given actions.

    Args:
        env: freshly made.
        actions: what it cycles through, each for all environments.
        steps: calls of `step` in a turn.
    """

    def __init__(self, env: VecEnv, actions: Sequence[Any], steps: int) -> None:
        self.env, self.actions, self.steps = env, actions, steps
        env.seed(0)
        env.reset()

    def turn(self) -> Spent:
        """Take some steps."""
        return spent(self._roll)

    def _roll(self) -> None:
        step, actions = self.env.step, self.actions
        for index in range(self.steps):
            step(actions[index % len(actions)])


def dummy(family: Family, make: MakeEnv, num_envs: int, monitored: bool = False) -> DummyVecEnv:
    """SB3's DummyVecEnv over single environments that share a uniform sampler."""
    sampler = TaskSampler(family.tasks("train"), "uniform", 0)

    def make_one() -> Any:
        return Monitor(make(family, sampler)) if monitored else make(family, sampler)

    return DummyVecEnv([make_one for _ in range(num_envs)])


def rollouts(name: str, rounds: int, pairs: int, steps: int) -> list[Measure]:
    """Measures of one family: a batch over DummyVecEnv, and the rates of each."""
    family = Family.load(name)
    family.action_space.seed(0)
    actions = [np.stack([family.action_space.sample() for _ in range(MANY)]) for _ in range(MANY)]
    batch = BatchedVecEnv(family.make_vec(MANY, sampler=TaskSampler(family.tasks("train"), "uniform", 0)))
    ours = Roller(batch, actions, 10 * steps)
    measures: list[Measure] = []
    for words, make, goal in (("the leanest environment", leanest, FASTER), ("the suite's", LeanEnv, None)):
        theirs = Roller(dummy(family, make, MANY), actions, steps)
        theirs.turn()
        ours.turn()
        measured = alternate(theirs.turn, ours.turn, rounds, pairs)
        scaled = [[(Spent(10 * a.wall, 10 * a.cpu), b) for a, b in each] for each in measured]
        what = f"batch over DummyVecEnv over {words}, steps per second, {name}"
        measures.append(Measure(what, ratios(scaled), "ratio", goal, on_the_clock(scaled)))
        measures.append(_rate(f"DummyVecEnv over {words}, {name}", theirs.steps * MANY, measured, 0))
        if make is leanest:
            measures.insert(1, _rate(f"batch, {name}", ours.steps * MANY, measured, 1))
        theirs.env.close()
    batch.close()
    return measures


def _rate(name: str, steps: int, measured: Sequence[Sequence[tuple[Spent, Spent]]], place: int) -> Measure:
    return rate(name, steps, [[pair[place] for pair in each] for each in measured])


class PlainSB3:
    """SB3's PPO on its DummyVecEnv, with what `hyper-ppo` has for environments, rollouts and minibatches.

    Environments are wrapped in `Monitor`, as by SB3's `make_vec_env`: without it no returns are logged.
    """

    def __init__(self, family: Family, like: Contestant, make: MakeEnv) -> None:
        settings = like.recipe.algorithm.model_dump(exclude={"name"})
        self.env = dummy(family, make, ENVS, monitored=True)
        self.model = PPO("MultiInputPolicy", self.env, seed=0, device="cpu", **settings)
        self.model.set_logger(Logger(None, []))
        self.steps = self.model.n_steps * ENVS

    def turn(self) -> Spent:
        """Collect one rollout and learn from it."""
        return spent(lambda: self.model.learn(self.steps, None, NEVER, reset_num_timesteps=False))


def training(rounds: int, pairs: int, quick: Sequence[str]) -> list[Measure]:
    """Training on `ode`: with the same settings, and with those that the recipe may choose."""
    family = Family.load("ode")
    same, fast = Contestant("hyper-ppo", family, quick), Contestant("hyper-ppo", family, (*FAST, *quick))
    measures: list[Measure] = []
    for words, make, goals in (
        ("the suite's environment", LeanEnv, (SAME, THRICE)),
        ("the leanest environment", leanest, (None, THRICE)),
    ):
        theirs = PlainSB3(family, same, make)
        for ours, how, goal in (
            (same, "the same settings", goals[0]),
            (fast, "settings of its own", goals[1]),
        ):
            theirs.turn()
            ours.turn()
            measured = alternate(theirs.turn, ours.turn, rounds, pairs)
            scale = ours.steps / theirs.steps
            scaled = [[(Spent(scale * a.wall, scale * a.cpu), b) for a, b in each] for each in measured]
            what = f"hyper-ppo with {how} over SB3's PPO on DummyVecEnv over {words}, training, ode"
            measures.append(Measure(what, ratios(scaled), "ratio", goal, on_the_clock(scaled)))
            if make is leanest:
                measures.append(_rate(f"hyper-ppo with {how}: training, ode", ours.steps, measured, 1))
        measures.append(_rate(f"SB3's PPO over {words}: training, ode", theirs.steps, measured, 0))
        theirs.env.close()
    return measures


def learning(steps: int, seeds: int) -> list[Measure]:
    """That `FAST` learns `ode`: reward per step on interpolation of a run of each seed."""
    family = Family.load("ode")
    agent = resolve(load_agent("hyper-ppo"), family.recipe, [*FAST, f"evaluate_every={steps // 6}"])
    reached: dict[str, list[float]] = {"interpolation": [], "extrapolation": []}
    begun, wall = time.process_time(), time.perf_counter()
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            run = train(agent, family, out=Path(folder) / "run", seed=seed, steps=steps)
            (evaluation,) = run.evaluations()
        for split, rewards in reached.items():
            rewards.append(evaluation["splits"][split]["mean"] / family.max_steps)
    took, wall = time.process_time() - begun, time.perf_counter() - wall
    beside = {
        "extrapolation": statistics.median(reached["extrapolation"]),
        "CPU s": took / seeds,
        "s": wall / seeds,
    }
    what = f"reward per step on interpolation after {steps:,} steps, hyper-ppo with settings of its own, ode"
    return [Measure(what, reached["interpolation"], "reward", LEARNED, beside)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.rollout", __doc__)
    command.add_argument("--families", nargs="+", default=list(FAMILIES), metavar="F")
    command.add_argument("--rounds", type=int, default=5, help="medians of which the range is shown")
    command.add_argument("--pairs", type=int, default=5, help="turns of each side in a round")
    options = command.parse_args(arguments)
    torch.set_num_threads(1)
    rounds, pairs = (1, 1) if options.quick else (options.rounds, options.pairs)
    quick = ["algorithm.n_epochs=2"] if options.quick else []
    measures: list[Measure] = []
    for family in options.families:
        measures += rollouts(family, rounds, pairs, 5 if options.quick else 50)
    measures += training(rounds, pairs, quick)
    measures += learning(*((4096, 1) if options.quick else (LEARNING_STEPS, SEEDS)))
    setting: dict[str, Any] = {
        "environments": MANY,
        "environments in training": ENVS,
        "settings of its own": " ".join(FAST),
        "quick": options.quick,
    }
    return finish(Report("speed.rollout", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
