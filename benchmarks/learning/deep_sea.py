"""How many episodes a deep sea takes: `python -m benchmarks.learning.deep_sea`.

Trains `hyper-dqn-index`, `bootstrapped-dqn` and `blind-dqn` on the family `deep-sea` of one size, by
HyperAgent's protocol (Li et al., 2024): networks of 64-64, minibatches of 128 transitions, an update at each
step, and 50,000 steps on 20 squares. A run ends as soon as it has solved its sea: when its last 100 episodes
had a mean return above 0.9 (of 0.99). Each seed has other actions that go to the right. `blind-dqn` has the
hyperparameters of the other two, and explores by random actions as it always does.

One small JSON file a run: `benchmarks/results/deep_sea/SIZE/AGENT/seed-N.json`; those that are there are
skipped, and several processes share the work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback

from benchmarks.learning.suite import comma_separated, complete, seeds
from hyperrl.recipes import load_agent, load_family, resolve
from hyperrl.recipes.family import FamilyRecipe
from hyperrl.store import RunSpec
from hyperrl.tasks import Family
from hyperrl.training.session import TrainingSession

FORMAT = 1
RESULTS = Path(__file__).resolve().parents[1] / "results" / "deep_sea"
AGENTS = ("hyper-dqn-index", "bootstrapped-dqn", "blind-dqn")
STEPS = {10: 20_000, 20: 50_000, 30: 100_000}
"""Environment steps by size, where a run does not solve its sea before."""
SEEDS = (500, 501, 502, 503, 504)
EPISODES, RETURN = 100, 0.9
"""A sea is solved when so many episodes had a mean return above this."""
FOUND = 0.5
"""Episodes with a return above this found the treasure."""
PROTOCOL = (
    "algorithm.learning_rate=1e-3",
    "algorithm.learning_starts=128",
    "algorithm.batch_size=128",
    "algorithm.train_freq=1",
    "algorithm.gradient_steps=1",
    "algorithm.tau=1",
    "algorithm.target_update_interval=4",
    "n_envs=1",
)


class UntilSolved(BaseCallback):
    """Notes the returns of episodes, and ends training when the sea is solved."""

    def __init__(self) -> None:
        super().__init__()
        self.returns: list[float] = []

    @property
    def solved(self) -> bool:
        """Whether the last episodes were good enough."""
        last = self.returns[-EPISODES:]
        return len(last) == EPISODES and float(np.mean(last)) > RETURN

    def _on_step(self) -> bool:
        finished = [info["episode"]["r"] for info in self.locals["infos"] if "episode" in info]
        self.returns += finished
        return not (finished and self.solved)


def sea(size: int, seed: int) -> Family:
    """The family with one task, of that size, and the seed's own actions that go to the right."""
    data = load_family("deep-sea").model_dump(mode="json", by_alias=True, exclude_none=True)
    feature = {
        **data["features"]["size"],
        "default": size,
        "train": [1, size],
        "values": [*range(1, size + 1)],
    }
    feature.pop("extrapolation", None)
    data |= {
        "name": f"deep-sea-{size}",
        "kwargs": {"largest": size, "mapping_seed": seed},
        "features": {"size": feature},
        "splits": {
            "train": {"grid": {"size": [size]}},
            "validation": [],
            "interpolation": [],
            "extrapolation": [],
        },
    }
    return Family(FamilyRecipe.parse(data, "deep-sea"))


def measure(size: int, agent: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """Train one run until it solves its sea; what is left of it, as JSON values."""
    family, planned = sea(size, seed), steps or STEPS[size]
    recipe = resolve(load_agent(agent), family.recipe, (*PROTOCOL, f"steps={planned}"))
    spec = RunSpec.now(recipe, family.recipe, seed=seed, steps=planned)
    wall, cpu = time.perf_counter(), time.process_time()
    noted = UntilSolved()
    with closing(TrainingSession(recipe, family, seed, "cpu")) as session:
        session.model.learn(planned, noted)
        taken = session.model.num_timesteps
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    found = np.flatnonzero(np.array(noted.returns) > FOUND)
    return {
        "format": FORMAT,
        "size": size,
        "agent": agent,
        "seed": seed,
        "planned_steps": planned,
        "steps": taken,
        "episodes": len(noted.returns),
        "solved": noted.solved,
        "first_found": None if not len(found) else int(found[0]) + 1,
        "found": len(found),
        "last_return": round(float(np.mean(noted.returns[-EPISODES:])), 4),
        "seconds": {kind: round(value, 1) for kind, value in seconds.items()},
        "versions": spec.versions,
        "commit": spec.commit,
        "started": spec.started,
        "recipe": {
            "agent": recipe.model_dump(mode="json", by_alias=True),
            "family": family.recipe.model_dump(mode="json", by_alias=True, exclude_none=True),
        },
    }


def describe(result: Mapping[str, Any]) -> str:
    """A result in one line."""
    how = "solved after" if result["solved"] else "not solved in"
    first = (
        "never found" if result["first_found"] is None else f"first found in episode {result['first_found']}"
    )
    return (
        f"size {result['size']} {result['agent']} seed {result['seed']}: {how} {result['episodes']} episodes,"
        f" {first}; {result['seconds']['wall']:.0f} s"
    )


def _sizes(text: str) -> list[int]:
    """Reads an option such as `10,20`."""
    sizes = seeds(text)
    if not set(sizes) <= set(STEPS):
        raise argparse.ArgumentTypeError(f"found {text!r}; allowed: some of {', '.join(map(str, STEPS))}")
    return sizes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.deep_sea", description=__doc__)
    parser.add_argument("--sizes", type=_sizes, default=[*STEPS], metavar="N,N")
    parser.add_argument("--agents", type=comma_separated(*AGENTS), default=[*AGENTS], metavar="NAME,NAME")
    parser.add_argument("--seeds", type=seeds, default=[*SEEDS], metavar="S,S")
    parser.add_argument("--steps", type=int, help="of each run; give it with --results")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    options = parser.parse_args(arguments)
    work = (
        (
            options.results / str(size) / agent / f"seed-{seed}.json",
            partial(measure, size, agent, seed, options.steps),
        )
        for size in options.sizes
        for seed in options.seeds
        for agent in options.agents
    )
    return complete("benchmarks.learning.deep_sea", work, describe)


if __name__ == "__main__":
    raise SystemExit(main())
