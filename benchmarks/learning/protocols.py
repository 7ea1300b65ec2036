"""Learning off policy by published protocols: `python -m benchmarks.learning.protocols`.

Trains `hyper-sac`, `concat-sac` and `blind-sac` on families as papers do, where that differs from what the
suite's recipes say, and evaluates every run on the held-out splits. One small JSON file a run below
`benchmarks/results/protocols/FAMILY/AGENT/seed-N.json`; runs that have a file are skipped, and several
processes share the work.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.learning.suite import Job, work_through

RESULTS = Path(__file__).resolve().parents[1] / "results" / "protocols"
AGENTS = ("hyper-sac", "concat-sac", "blind-sac")
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Protocol:
    """How a family is trained on.

    Attributes:
        about: whose protocol it is, and where ours departs from it.
        environments: that run side by side, each step of all of them followed by one update.
        warmup: environment steps, all environments together, before learning.
        updates: in all.
        overrides: further ones of the agents' recipes.
    """

    about: str
    environments: int
    warmup: int
    updates: int
    overrides: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """Environment steps, all environments together."""
        return self.warmup + self.environments * self.updates

    @property
    def fields(self) -> tuple[str, ...]:
        """The agents' recipes' fields that it sets, as `hyperrl train --set` takes them."""
        return (
            f"steps={self.steps}",
            f"n_envs={self.environments}",
            f"algorithm.learning_starts={self.warmup}",
            "algorithm.train_freq=1",
            "algorithm.gradient_steps=1",
            *self.overrides,
        )


_AIB = Protocol(
    "The protocol of the Actuator Inversion Benchmark: SAC 256-256, 20 training contexts with an environment"
    " each, one update for each step of all of them, critics at 1e-3. It differs in two points: the actor"
    " learns at every update, not at every second one, and the budget is 40,000 updates, not 100,000.",
    environments=20,
    warmup=5_000,
    updates=40_000,
    overrides=(
        "sampler=round-robin",
        "policy.critic_lr_scale=3.3333333",
        "evaluate_every=40000",
        "checkpoint_every=10000000",
    ),
)

_DECISION_ADAPTER = Protocol(
    "The protocol of the Decision Adapter: SAC, batch 256, actor at 3e-4, critics at 1e-3, 300,000"
    " environment steps. It differs in two points: eight environments play side by side, so that there are"
    " an eighth of the updates, and networks are 64-64.",
    environments=8,
    warmup=2_000,
    updates=37_250,
    overrides=(
        "policy.net_arch=[64, 64]",
        "policy.critic_lr_scale=3.3333333",
        "evaluate_every=30000",
        "checkpoint_every=10000000",
    ),
)

_CHEETAH = Protocol(
    "SAC with networks of 128-128, 16 environments side by side, and one update for each step of all of them."
    " Two processor cores complete all nine runs within an hour.",
    environments=16,
    warmup=5_000,
    updates=25_000,
    overrides=("policy.net_arch=[128, 128]", "evaluate_every=45000", "checkpoint_every=10000000"),
)

PROTOCOLS: dict[str, Protocol] = {
    "double-integrator": _AIB,
    "double-integrator-friction": _AIB,
    "half-cheetah-velocity": _CHEETAH,
    "ode-da": _DECISION_ADAPTER,
}
"""By family."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.protocols", description=__doc__)
    parser.add_argument(
        "--families", nargs="+", default=list(PROTOCOLS), choices=list(PROTOCOLS), metavar="F"
    )
    parser.add_argument("--agents", nargs="+", default=list(AGENTS), metavar="A")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS), metavar="S")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    options = parser.parse_args(arguments)
    jobs = [
        Job(family, agent, seed, overrides=PROTOCOLS[family].fields)
        for family in options.families
        for seed in options.seeds
        for agent in options.agents
    ]
    return work_through("benchmarks.learning.protocols", jobs, options.results)


if __name__ == "__main__":
    raise SystemExit(main())
