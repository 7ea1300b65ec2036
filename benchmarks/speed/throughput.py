"""Training throughput: `python -m benchmarks.speed.throughput`.

Environment steps that `hyper-ppo` trains per second of CPU time, over those of `concat-ppo`: the same target
network, family and algorithm, 8 environments, one thread, all in this process, taking turns of one rollout
and its update each. Evaluations, checkpoints and logs of a run are left out.

`concat-ppo` is there twice: as Stable-Baselines3 ships it, with its rollout buffer, distribution and Adam;
and lean, with those of `hyper-ppo`: minibatches that are tensors from the start, fewer operations for a
density, and Adam in one loop.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from stable_baselines3.common.buffers import DictRolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

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
from hyperrl.policies.distributions import fast_distribution
from hyperrl.policies.optimizer import IMPLEMENTATION, fused_options
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family, TaskSampler
from hyperrl.training import BatchedVecEnv, build_model

FAMILIES = ("ode", "cartpole")
GOALS = {"concat-ppo": (">=", 1.0), "lean concat-ppo": (">=", 0.9)}
PARTS = {"rollout": "rollout", "update": "update", "generation": "generation, within both, on the clock"}
ENVS = 8
NEVER = 1_000_000
"""Rollouts between two logs."""


@dataclass(frozen=True)
class Turn:
    """Microseconds per environment step in one turn.

    Rollout and update in CPU time; `generation` lies within both and is counted by the policy, on the clock.
    """

    rollout: float
    update: float
    generation: float


class Stopwatch(BaseCallback):
    """Notes when each rollout of a turn begins and ends."""

    def __init__(self) -> None:
        super().__init__()
        self.rollout = 0.0

    def _on_rollout_start(self) -> None:
        self._began = time.process_time()

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        self.rollout += time.process_time() - self._began


class Contestant:
    """An agent in training on a family, one turn at a time.

    Args:
        agent: name of a PPO agent, or of one in `BASELINES`.
        family: what it trains on.
        overrides: of the recipe, on top of the number of environments.
    """

    def __init__(self, agent: str, family: Family, overrides: Sequence[str] = ()) -> None:
        recipe = resolve(
            load_agent(agent.removeprefix("lean ")), family.recipe, [f"n_envs={ENVS}", *overrides]
        )
        sampler = TaskSampler(family.tasks("train"), recipe.sampler, 0)
        self.env = BatchedVecEnv(family.make_vec(recipe.n_envs, sampler=sampler))
        self.recipe = recipe
        self.model: Any = build_model(recipe, self.env, seed=0)
        self.model.set_logger(Logger(None, []))
        if agent in BASELINES:
            BASELINES[agent](self.model)
        self.turns: list[Turn] = []

    @property
    def steps(self) -> int:
        """Environment steps of a turn."""
        return int(self.model.n_steps * self.model.n_envs)

    def turn(self) -> Spent:
        """Collect one rollout and learn from it."""
        watch, generated = Stopwatch(), self._generation()
        took = spent(lambda: self.model.learn(self.steps, watch, NEVER, reset_num_timesteps=False))
        per_step = 1e6 / self.steps
        self.turns.append(
            Turn(
                watch.rollout * per_step,
                (took.cpu - watch.rollout) * per_step,
                (self._generation() - generated) * per_step,
            )
        )
        return took

    def _generation(self) -> float:
        return float(getattr(self.model.policy, "generation_seconds", 0.0))


def _as_shipped(model: Any) -> None:
    """Stable-Baselines3's own rollout buffer."""
    ours = model.rollout_buffer
    spaces = model.observation_space, model.action_space
    options = {"gae_lambda": model.gae_lambda, "gamma": model.gamma, "n_envs": model.n_envs}
    model.rollout_buffer = DictRolloutBuffer(ours.buffer_size, *spaces, model.device, **options)


def _lean(model: Any) -> None:
    """What `hyper-ppo` has beside its networks."""
    policy = model.policy
    policy.action_dist = fast_distribution(policy.action_dist)
    options = fused_options(policy.optimizer_class, policy.optimizer_kwargs)
    policy.optimizer = policy.optimizer_class(policy.parameters(), lr=model.learning_rate, **options)


BASELINES: dict[str, Callable[[Any], None]] = {"concat-ppo": _as_shipped, "lean concat-ppo": _lean}
"""What becomes of a baseline before it trains."""


def compare(family: str, rounds: int, pairs: int, overrides: Sequence[str] = ()) -> tuple[list[Measure], Any]:
    """Measures on one family, and the algorithm's settings that both agents share."""
    tasks = Family.load(family)
    hyper = Contestant("hyper-ppo", tasks, overrides)
    measures: list[Measure] = []
    for agent, goal in GOALS.items():
        concat = Contestant(agent, tasks, overrides)
        _refuse_unequal(hyper, concat)
        for contestant in (hyper, concat):
            contestant.turn()
            contestant.turns.clear()
        measured = alternate(concat.turn, hyper.turn, rounds, pairs)
        name = f"hyper-ppo over {agent}, training steps per second, {family}"
        measures.append(Measure(name, ratios(measured), "ratio", goal, on_the_clock(measured)))
        for name, contestant, place in (("hyper-ppo", hyper, 1), (agent, concat, 0)):
            if name != "hyper-ppo" or agent == "concat-ppo":
                taken = [[pair[place] for pair in each] for each in measured]
                measures += _rates(f"{name}, {family}", contestant, taken)
        concat.env.close()
    hyper.env.close()
    return measures, hyper.recipe.algorithm.model_dump(mode="json")


def _rates(name: str, contestant: Contestant, taken: Sequence[Sequence[Spent]]) -> list[Measure]:
    """Steps per second and where the time of a step goes; medians of each round's turns."""
    measures = [rate(f"{name}: training", contestant.steps, taken)]
    pairs = len(taken[0])
    rounds = [contestant.turns[start : start + pairs] for start in range(0, len(contestant.turns), pairs)]
    for part, words in PARTS.items():
        times = [statistics.median(getattr(turn, part) for turn in turns) for turns in rounds]
        if any(times):
            measures.append(Measure(f"{name}: {words}", times, "us/step"))
    return measures


def _refuse_unequal(one: Contestant, other: Contestant) -> None:
    if one.recipe.algorithm != other.recipe.algorithm:
        raise ValueError("the agents differ in their algorithm's settings")
    optimizers = [each.model.policy.optimizer for each in (one, other)]
    settings = [{k: v for k, v in o.defaults.items() if k not in IMPLEMENTATION} for o in optimizers]
    if type(optimizers[0]) is not type(optimizers[1]) or settings[0] != settings[1]:
        raise ValueError("the agents differ in their optimizer")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.throughput", __doc__)
    command.add_argument("--families", nargs="+", default=list(FAMILIES), metavar="F")
    command.add_argument("--rounds", type=int, default=5, help="medians of which the range is shown")
    command.add_argument("--pairs", type=int, default=8, help="turns of each agent in a round")
    options = command.parse_args(arguments)
    rounds, pairs = (1, 1) if options.quick else (options.rounds, options.pairs)
    overrides = ["algorithm.n_steps=32", "algorithm.n_epochs=2"] if options.quick else []
    measures: list[Measure] = []
    setting: dict[str, Any] = {"environments": ENVS, "pairs_per_round": pairs, "quick": options.quick}
    for family in options.families:
        found, setting[family] = compare(family, rounds, pairs, overrides)
        measures += found
    return finish(Report("speed.throughput", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
