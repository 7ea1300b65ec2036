"""What inferring a hidden context is worth: `python -m benchmarks.learning.inferred`.

The contexts of `ode` (strength and sign of the action) and of `double-integrator` (sign of the action, mass)
are hidden. Off policy an encoder infers them from the last transitions: `hyper-sac-inferred` generates its
networks from the latent, `concat-sac-inferred` has it as one more input. Beside them train `blind-sac`, which
infers nothing, and `hyper-sac`, which sees the context. On policy `hyper-recurrent-ppo` generates its
networks from the memory of an LSTM, and `blind-recurrent-ppo`, sb3-contrib's own policy, has an LSTM as large
as gives it as many parameters.

One small JSON file a seed below `benchmarks/results/inferred/POLICY/FAMILY/seed-N.json`; those that are there
are skipped, and several processes share the work.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.learning.protocols import PROTOCOLS
from benchmarks.learning.suite import comma_separated, complete, seeds
from benchmarks.learning.variants import compare, describe
from hyperrl import api
from hyperrl.evaluation import Evaluation
from hyperrl.recipes import load_agent, resolve
from hyperrl.store import Run
from hyperrl.tasks import Family
from hyperrl.training.parameter_matching import count_parameters, nearest_width

RESULTS = Path(__file__).resolve().parents[1] / "results" / "inferred"
FAMILIES = ("ode", "double-integrator")
SPLITS = ("train", "interpolation", "extrapolation")
SEEDS = (400, 401, 402, 403, 404)
OFF_POLICY, ON_POLICY = POLICIES = "off-policy", "on-policy"
HYPER, CONCAT, BLIND, CONTEXT = "hyper", "concat", "blind", "context"
MEMORY, PLAIN = "hyper-memory", "plain-memory"
SETTINGS: dict[str, tuple[str, ...]] = {
    "ode": (
        "steps=60000",
        "policy.net_arch=[64, 64]",
        "algorithm.gradient_steps=2",
        "evaluate_every=10000",
        "checkpoint_every=10000000",
    ),
    "double-integrator": PROTOCOLS["double-integrator"].fields,
}
"""Overrides of all off-policy agents. On `double-integrator` they are those of the Actuator Inversion
Benchmark, as in `benchmarks.learning.protocols`."""


def measure(policy: str, family: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a family: all agents of a kind trained and evaluated.

    Raises:
        UserError: an unknown family, or a wrong number.
    """
    tasks = Family.load(family)

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        return {role: api.evaluate(run, splits=SPLITS, save=False) for role, run in runs.items()}

    agents: dict[str, tuple[str, Sequence[str]]]
    if policy == OFF_POLICY:
        names = {
            HYPER: "hyper-sac-inferred",
            CONCAT: "concat-sac-inferred",
            BLIND: "blind-sac",
            CONTEXT: "hyper-sac",
        }
        agents = {role: (name, SETTINGS[family]) for role, name in names.items()}
    else:
        agents = {
            MEMORY: ("hyper-recurrent-ppo", ()),
            PLAIN: ("blind-recurrent-ppo", (f"policy.lstm_hidden_size={matched_size(tasks)}",)),
        }
    return compare(tasks, agents, SPLITS, seed, steps, play)


def matched_size(family: Family) -> int:
    """The size of the LSTM that gives `blind-recurrent-ppo` the parameters of `hyper-recurrent-ppo`."""
    spaces = family.observation_space, family.action_space

    def count(agent: str, *overrides: str) -> int:
        return count_parameters(resolve(load_agent(agent), family.recipe, overrides), *spaces)

    goal = count("hyper-recurrent-ppo")
    return nearest_width(lambda size: count("blind-recurrent-ppo", f"policy.lstm_hidden_size={size}"), goal)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.inferred", description=__doc__)
    parser.add_argument("--families", type=comma_separated(*FAMILIES), default=[*FAMILIES], metavar="F,F")
    parser.add_argument("--policies", type=comma_separated(*POLICIES), default=[*POLICIES], metavar="P,P")
    parser.add_argument("--seeds", type=seeds, default=[*SEEDS], metavar="S,S")
    parser.add_argument("--steps", type=int, help="in place of the recipes'; give it with --results")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    options = parser.parse_args(arguments)
    work = (
        (
            options.results / policy / family / f"seed-{seed}.json",
            partial(measure, policy, family, seed, options.steps),
        )
        for seed in options.seeds
        for policy in options.policies
        for family in options.families
    )
    return complete("benchmarks.learning.inferred", work, describe)


if __name__ == "__main__":
    raise SystemExit(main())
