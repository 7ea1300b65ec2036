"""What the number of tasks costs: `python -m benchmarks.speed.tasks`.

The time of an update (`model.train()`) with 4,096 training tasks over that with 4, the rest equal, in turns:
on a rollout as it is collected, where a task lasts an episode, and with every row's task drawn anew, which is
the most distinct tasks that a batch can hold. Then, for full generation, the time of the execution that the
library chooses over that of the better of the two that it has.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from typing import Any, Literal
from unittest.mock import patch

import numpy as np
import torch
from stable_baselines3.common.logger import Logger

from benchmarks.measures import Measure, Report, Spent, alternate, finish, on_the_clock, parser, ratios, spent
from benchmarks.speed import generation
from hyperrl.nets.strategies import Full
from hyperrl.policies.registry import view
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family, TaskSampler
from hyperrl.training import BatchedVecEnv, build_model

FAMILY, FEATURE = "ode", "c0"
ENVS = 8
FEW, MANY = 4, 4096
AGENTS = ("hyper-ppo", "hyper-ppo-full")
FACTORED = "hyper-ppo"
FACTORED_SHARE = ("<=", 1.1)
"""Of an update with many tasks over one with few, where weights stay in their factors."""

SHARE = ("<=", 1.2)
"""Else, on rollouts as they are collected."""

REGRET = ("<=", 1.05)
"""Of the chosen execution over the better one."""

TRUNKS = (4, 64)


class Learner:
    """An agent that has collected one rollout, and not learned from it yet.

    Args:
        agent: name of a PPO agent.
        tasks: how many training tasks its family has, spread evenly over the range of its context.
        overrides: of the recipe, on top of the number of environments.
    """

    def __init__(self, agent: str, tasks: int, overrides: Sequence[str] = ()) -> None:
        family = Family.load(FAMILY)
        recipe = resolve(load_agent(agent), family.recipe, [f"n_envs={ENVS}", *overrides])
        ends = [task[FEATURE] for task in family.tasks("train")]
        contexts = [{FEATURE: float(value)} for value in np.linspace(min(ends), max(ends), tasks)]
        self.descriptors = family.space.descriptors(contexts)
        sampler = TaskSampler(contexts, recipe.sampler, 0)
        self.env = BatchedVecEnv(family.make_vec(ENVS, sampler=sampler))
        self.model: Any = build_model(recipe, self.env, seed=0)
        self.model.set_logger(Logger(None, []))
        with patch.object(self.model, "train"):
            self.model.learn(view(self.model).rollout_steps)

    def update(self) -> Spent:
        """Learn from the rollout, once more."""
        return spent(self.model.train)

    def contexts(self) -> np.ndarray:
        """The rollout's contexts, (rows, D), as stored."""
        stored: np.ndarray = self.model.rollout_buffer.observations["context"]
        return stored.reshape(-1, self.descriptors.shape[1])

    def draw_tasks(self) -> None:
        """Give every row of the rollout a task drawn anew; before the first update, which looks for them."""
        contexts = self.contexts()
        contexts[:] = self.descriptors[
            np.random.default_rng(0).integers(len(self.descriptors), size=len(contexts))
        ]

    def distinct(self) -> int:
        """How many tasks the rollout holds."""
        return len(np.unique(self.contexts(), axis=0))


def updates(agent: str, rounds: int, pairs: int, overrides: Sequence[str]) -> Iterator[Measure]:
    """Measures of an agent's updates."""
    for rows in ("rollouts as collected", "each row's task drawn anew"):
        few, many = (Learner(agent, tasks, overrides) for tasks in (FEW, MANY))
        if rows != "rollouts as collected":
            few.draw_tasks()
            many.draw_tasks()
        number = float(many.distinct())
        few.update(), many.update()
        measured = alternate(many.update, few.update, rounds, pairs)
        goal = FACTORED_SHARE if agent == FACTORED else SHARE if rows == "rollouts as collected" else None
        beside = {**on_the_clock(measured), "tasks in the rollout": number}
        name = f"{agent}, update with {MANY:,} training tasks over {FEW}, {rows}"
        yield Measure(name, ratios(measured), "ratio", goal, beside)
        few.env.close()
        many.env.close()


def executions(hidden: generation.Hidden, trunk: int, tasks: int, rounds: int, seconds: float) -> Measure:
    """The time of the chosen execution of full generation over that of the better one."""
    batch = generation.Batch.of(tasks)
    module, run = generation.generated(hidden, "full", batch, trunk)
    strategy = module.hypernetworks[0].strategy
    assert isinstance(strategy, Full)

    def executed(execution: Literal["grouped", "basis"] | None) -> Callable[[], Spent]:
        def once() -> None:
            strategy.execution = execution
            run()

        return generation.timed(once)

    ways = [executed(None), executed("grouped"), executed("basis")]
    turn = min(spent(lambda: [way() for way in ways]).wall for _ in range(2))
    orders = list(permutations(range(len(ways)))) * max(1, round(seconds / turn / 6))
    measured = [[_in_turn(ways, order) for order in orders] for _ in range(rounds)]
    beside = {
        f"{name}, ms": 1e3 * statistics.median(times[place] for each in measured for times in each)
        for place, name in ((1, "grouped"), (2, "basis"))
    }
    name = f"full, {generation.spell(hidden)}, trunk {trunk}, G = {tasks}: chosen execution over the better"
    return Measure(name, [_over_the_better(each) for each in measured], "ratio", REGRET, beside)


def _in_turn(ways: Sequence[Callable[[], Spent]], order: Sequence[int]) -> list[float]:
    """CPU time of each.

    Whatever follows the basis finds the processor's caches full of it and takes up to a tenth longer; in all
    orders equally often, this concerns all alike.
    """
    times = [0.0] * len(ways)
    for place in order:
        times[place] = ways[place]().cpu
    return times


def _over_the_better(turns: Sequence[Sequence[float]]) -> float:
    """The median of the first time over the second, or over the third where that is greater."""
    return max(statistics.median(turn[0] / turn[place] for turn in turns) for place in (1, 2))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.tasks", __doc__)
    command.add_argument("--rounds", type=int, default=5, help="medians of which the range is shown")
    command.add_argument("--pairs", type=int, default=6, help="updates of each in a round")
    command.add_argument("--seconds", type=float, default=0.6, help="of one round of one comparison")
    options = command.parse_args(arguments)
    rounds, pairs, seconds = (
        (1, 1, 0.0) if options.quick else (options.rounds, options.pairs, options.seconds)
    )
    overrides = ["algorithm.n_steps=64", "algorithm.n_epochs=1"] if options.quick else []
    torch.set_num_threads(1)
    torch.manual_seed(0)
    measures = [each for agent in AGENTS for each in updates(agent, rounds, pairs, overrides)]
    numbers = (1, 16) if options.quick else generation.TASKS
    measures += [
        executions(hidden, trunk, tasks, rounds, seconds)
        for hidden in generation.HIDDEN
        for trunk in TRUNKS
        for tasks in numbers
    ]
    setting = {
        "family": FAMILY, "environments": ENVS, "rows": generation.ROWS, "pairs_per_round": pairs,
        "seconds_per_round": seconds, "quick": options.quick,
    }  # fmt: skip
    return finish(Report("speed.tasks", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
