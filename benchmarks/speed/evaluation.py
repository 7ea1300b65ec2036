"""Many contexts at once: `python -m benchmarks.speed.evaluation`.

1,000 contexts of `ode` evaluated by one call of ours, over Stable-Baselines3's `evaluate_policy` called for
each context in turn, on the same policy and the same starts. Both must give the same returns, to the last of
the digits that a 32-bit action leaves. Of theirs, a sample of the contexts is timed and counted up.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from benchmarks.measures import CLOCK, Measure, Report, Spent, finish, parser, spent
from hyperrl.evaluation import ModelPolicy, TaskResult, evaluate_tasks
from hyperrl.evaluation.zero_shot import start_seeds
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training import BatchedVecEnv, build_model

AGENT, FAMILY, FEATURE = "hyper-ppo", "ode", "c0"
CONTEXTS, SAMPLE = 1000, 50
GOAL = (">=", 50.0)
TOLERANCE = 1e-6
"""Largest difference between returns, relative to the largest of them."""


class Contest:
    """One untrained policy, and contexts spread evenly over the widest range of the family's feature."""

    def __init__(self, contexts: int) -> None:
        self.family = Family.load(FAMILY)
        recipe = resolve(load_agent(AGENT), self.family.recipe, ["n_envs=1"])
        self.model = build_model(recipe, BatchedVecEnv(self.family.make_vec(1)), seed=0)
        low, high = self.family.space.features[FEATURE].widest
        self.contexts = [{FEATURE: float(value)} for value in np.linspace(low, high, contexts)]
        self.ours: list[TaskResult] = []
        self.theirs: list[float] = []

    def all_at_once(self) -> Spent:
        """Our one call."""
        return spent(self._all_at_once)

    def _all_at_once(self) -> None:
        self.ours = evaluate_tasks(ModelPolicy(self.model), self.family, self.contexts, episodes=1)

    def one_by_one(self, sample: Sequence[int]) -> Spent:
        """Theirs, of a sample of the contexts."""
        return spent(lambda: self._one_by_one(sample))

    def _one_by_one(self, sample: Sequence[int]) -> None:
        self.theirs = [self._one(self.contexts[index]) for index in sample]

    def _one(self, context: Mapping[str, float]) -> float:
        vec = DummyVecEnv([lambda: Monitor(self.family.make())])
        vec.seed(start_seeds(self.family.space.complete(context), 1, 0)[0])
        vec.set_options({"context": context, **self.family.recipe.evaluation.options})
        mean, _ = evaluate_policy(self.model, vec, n_eval_episodes=1, deterministic=True)
        vec.close()
        assert isinstance(mean, float)
        return mean

    def difference(self, sample: Sequence[int]) -> float:
        """The largest difference of returns over the sample, relative to the largest return."""
        ours = np.array([self.ours[index].mean for index in sample])
        return float(np.abs(ours - np.array(self.theirs)).max() / np.abs(ours).max())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.evaluation", __doc__)
    command.add_argument("--rounds", type=int, default=3, help="of both, in turn")
    options = command.parse_args(arguments)
    contexts, count, rounds = (100, 5, 1) if options.quick else (CONTEXTS, SAMPLE, options.rounds)
    torch.set_num_threads(1)
    contest = Contest(contexts)
    sample = [round(index) for index in np.linspace(0, contexts - 1, count)]
    contest.all_at_once()
    measured = [(contest.one_by_one(sample), contest.all_at_once()) for _ in range(rounds)]
    scale = contexts / count
    cpu, wall = (
        [scale * getattr(theirs, kind) / getattr(ours, kind) for theirs, ours in measured]
        for kind in ("cpu", "wall")
    )
    name = f"{contexts:,} contexts of {FAMILY}"
    measures = [
        Measure(
            f"{name}: evaluate_policy task by task over one call",
            cpu,
            "ratio",
            GOAL,
            {CLOCK: statistics.median(wall)},
        ),
        Measure(f"{name}: difference of returns", [contest.difference(sample)], "ratio", ("<=", TOLERANCE)),
        Measure(f"{name}: one call", [1e3 * ours.cpu for _, ours in measured], "ms"),
        Measure("one task by evaluate_policy", [1e3 * theirs.cpu / count for theirs, _ in measured], "ms"),
    ]
    setting = {"agent": AGENT, "episodes": 1, "timed of theirs": count, "quick": options.quick}
    return finish(Report("speed.evaluation", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
