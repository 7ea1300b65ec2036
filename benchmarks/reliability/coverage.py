"""How sure evaluations are: `python -m benchmarks.reliability.coverage`.

An agent is trained on `pendulum` and one on `cartpole`. Each is evaluated under 40 seeds as `hyperrl
evaluate` does: how often does the 95 % interval of a split's mean hold the mean over 1,000 episodes a task?
Then the agent's checkpoints, one every 10,000 steps, play the validation tasks from 40 sets of starts: of two
sets, how often do both choose the same checkpoint, for how many episodes, and by how much is the one chosen
worse than the best (by the mean over all sets), as a part of what lies between the worst checkpoint and the
best?
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measures import Measure, Report, finish, parser
from hyperrl import api
from hyperrl.evaluation import ModelPolicy, evaluate_tasks, plan, summarize
from hyperrl.evaluation.agent import Agent
from hyperrl.recipes import SPLITS

AGENT, FAMILIES = "hyper-ppo", ("pendulum", "cartpole")
SETTINGS = ("evaluate_every=10000", "checkpoint_every=10000")
TRUTH_SEED, CHOICE_SEEDS = 10_000, 20_000
"""Of the starts behind the long mean, and the first of those that choices are made by."""


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        steps: of training; None: the family's.
        seeds: evaluations, and sets of starts that choices are made by.
        episodes: of each task behind the long mean.
    """

    steps: int | None
    seeds: int
    episodes: int


WHOLE, QUICK = Size(None, 40, 1000), Size(20_480, 4, 20)


def covered(agent: Agent, size: Size) -> Iterator[Measure]:
    """Per split, how many evaluations' intervals hold the mean over many episodes of each task."""
    tasks = [(split, task) for split in SPLITS for task in agent.family.tasks(split)]
    contexts, splits = [task for _, task in tasks], [split for split, _ in tasks]
    own = agent.family.recipe.evaluation.episodes

    def summary(episodes: int, seed: int) -> Mapping[str, Any]:
        act = ModelPolicy(agent.model)
        return summarize(
            evaluate_tasks(act, agent.family, contexts, episodes=episodes, seed=seed, splits=splits)
        )

    truth = summary(size.episodes, TRUTH_SEED)
    found = [summary(own, seed) for seed in range(size.seeds)]
    goal = (">=", float(int(0.9 * size.seeds)))
    for split in dict.fromkeys(splits):
        covered = [each[split]["low"] <= truth[split]["mean"] <= each[split]["high"] for each in found]
        reach = float(np.median([each[split]["high"] - each[split]["mean"] for each in found]))
        name = f"{agent.family.name}, {split}: intervals that hold the mean over {size.episodes:,} episodes"
        beside = {"that mean": truth[split]["mean"], "interval, plus or minus": reach}
        yield Measure(name, [float(sum(covered))], f"of {size.seeds}", goal, beside)


def returns_of(agent: Agent, size: Size) -> NDArray[np.float64]:
    """Returns (checkpoints, sets of starts, tasks, episodes) of validation tasks."""
    tasks = agent.family.tasks(plan.CHOICE)
    episodes = plan.CHOICE_EPISODES // len(tasks)
    names = [name for name in agent.run.checkpoints() if name.isdecimal()]
    found = []
    for name in names:
        model = api.load(agent.run, checkpoint=name, family=agent.family).model
        for seed in range(size.seeds):
            results = evaluate_tasks(
                ModelPolicy(model), agent.family, tasks, episodes=episodes, seed=CHOICE_SEEDS + seed
            )
            found.append([result.returns for result in results])
    return np.array(found).reshape(len(names), size.seeds, len(tasks), episodes)


def choices(agent: Agent, size: Size) -> Iterator[Measure]:
    """By the number of episodes, how often two sets of starts choose alike, and how much is lost."""
    returns = returns_of(agent, size)
    checkpoints, sets, tasks, most = returns.shape
    true = returns.mean(axis=(1, 2, 3))
    for episodes in sorted({1, most // 4, most // 2, most, 2 * most} - {0}):
        if episodes > most:  # two sets as one
            halves = returns[:, : sets // 2 * 2].reshape(checkpoints, -1, 2, tasks, most)
            means = halves.mean(axis=(2, 3, 4))
        else:
            means = returns[..., :episodes].mean(axis=(2, 3))
        chosen = means.argmax(axis=0)
        counts = np.bincount(chosen)
        pairs = len(chosen) * (len(chosen) - 1)
        agreement = float((counts * (counts - 1)).sum() / pairs)
        lost = float((true.max() - true[chosen]).mean() / (true.max() - true.min()))
        name = f"{agent.family.name}, of {checkpoints} checkpoints the same chosen by two sets of"
        goal = (">=", 0.9) if episodes == most else None
        yield Measure(f"{name} {episodes * tasks} episodes", [agreement], "share", goal, {"worse by": lost})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    options = parser("reliability.coverage", __doc__).parse_args(arguments)
    size = QUICK if options.quick else WHOLE
    torch.set_num_threads(1)
    measures: list[Measure] = []
    with tempfile.TemporaryDirectory(prefix="hyperrl-coverage-") as folder:
        for family in FAMILIES:
            run = api.train(
                AGENT, family, steps=size.steps, overrides=SETTINGS, keep=1000, out=Path(folder) / family
            )
            agent = api.load(run)
            measures += [*covered(agent, size), *choices(agent, size)]
    setting = {"agent": AGENT, "evaluations": size.seeds, "quick": options.quick}
    return finish(Report("reliability.coverage", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
