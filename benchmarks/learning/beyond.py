"""What agents should do beyond the training ranges: `python -m benchmarks.learning.beyond`.

Holds a rim of the training ranges out of each family (`Family.hold_out_rim`), trains `hyper-ppo` and
`blind-ppo` on what is left, and evaluates them on the rim, on interpolation and on extrapolation: the agent
with generated networks by both of `policy.beyond`, `linear` and `saturate`, its weights as they are. The
choice between the two is made by the rim alone. Where PPO does not learn, `hyper-sac` and `blind-sac` do, by
the family's published protocol.

One small JSON file a seed below `benchmarks/results/beyond/FAMILY/seed-N.json`; those that are there are
skipped, and several processes share the work. `--effort-0` asks the same of agents that pay no price on
effort, `policy.effort_coef` being 0 (`benchmarks/results/beyond-effort-0`). `--factor 0.5` shrinks ranges to
half of their width, so that the rim reaches further out (`benchmarks/results/beyond-0.5`).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.learning.protocols import PROTOCOLS
from benchmarks.learning.suite import comma_separated, complete, seeds
from benchmarks.learning.variants import compare, describe
from hyperrl import api
from hyperrl.evaluation import Evaluation
from hyperrl.recipes import RIM, load_family
from hyperrl.store import Run
from hyperrl.tasks import Family

ROOT = Path(__file__).resolve().parents[1] / "results"
FACTORS = (0.8, 0.5)
"""Parts of the training ranges' width that agents train on; the first by default."""
HELD_OUT: Mapping[str, Any] = {"count": 16, "seed": 4}
"""Of `Family.hold_out_rim`, beside the factor."""
CHOICES = ("linear", "saturate")
HYPER, BLIND = "hyper", "blind"
SPLITS = (RIM, "interpolation", "extrapolation")
SEEDS = (100, 101, 102, 103, 104)
NO_EFFORT = "policy.effort_coef=0"


@dataclass(frozen=True)
class Setting:
    """How a family is trained on.

    Attributes:
        algorithm: of both agents.
        overrides: of their recipes, as `hyperrl train --set` takes them.
    """

    algorithm: str = "ppo"
    overrides: tuple[str, ...] = ()


FAMILIES: dict[str, Setting] = {
    **dict.fromkeys(
        (
            "ode", "ode-2d", "ode-aib", "cartpole", "pendulum", "acrobot", "mountaincar", "inverted-pendulum",
            "double-integrator", "double-integrator-friction", "pendulum-actuator", "lunar-lander",
        ),
        Setting(),
    ),
    "ode-da": Setting("sac", PROTOCOLS["ode-da"].fields),
}  # fmt: skip
"""Families with tasks of extrapolation whose agents train in minutes, those of PPO first."""


@dataclass(frozen=True)
class Job:
    """One seed of a family.

    Attributes:
        family: the family's name.
        seed: of both agents' runs.
        with_effort: whether effort has the price of the agent's recipe; without, no blind agent is trained.
        factor: part of the training ranges' width that is trained on.
        steps: in place of the recipes'.
    """

    family: str
    seed: int
    with_effort: bool = True
    factor: float = FACTORS[0]
    steps: int | None = None

    @property
    def path(self) -> Path:
        """Where its result lies, below the folder of the results."""
        return Path(self.family) / f"seed-{self.seed}.json"

    @property
    def agents(self) -> dict[str, str]:
        """The agents that are trained, by what plays in them."""
        algorithm = FAMILIES[self.family].algorithm
        blind = {BLIND: f"blind-{algorithm}"} if self.with_effort else {}
        return {HYPER: f"hyper-{algorithm}", **blind}

    def overrides(self, role: str) -> tuple[str, ...]:
        """The overrides of the recipe of one of them."""
        without = (NO_EFFORT,) if role == HYPER and not self.with_effort else ()
        return (*FAMILIES[self.family].overrides, *without)


def folder(factor: float, with_effort: bool = True, root: Path = ROOT) -> Path:
    """Where results of ranges that were shrunk so far lie."""
    narrower = "" if factor == FACTORS[0] else f"-{factor:g}"
    return root / f"beyond{narrower}{'' if with_effort else '-effort-0'}"


def with_beyond(run: Run, choice: str) -> Run:
    """The run with another `policy.beyond` of its agent, its weights as they are."""
    agent = run.spec.agent
    policy = agent.policy.model_copy(update={"beyond": choice})
    changed = agent.model_copy(update={"policy": policy})
    return replace(run, spec=run.spec.model_copy(update={"agent": changed}))


def measure(job: Job) -> dict[str, Any]:
    """Train the agents of one seed and evaluate them.

    Raises:
        UserError: an unknown family, or a wrong number.
    """
    rim = {"factor": job.factor, **HELD_OUT}
    family = Family.load(job.family).hold_out_rim(**rim)
    splits = [split for split in SPLITS if family.tasks(split)]

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        playing = {choice: with_beyond(runs[HYPER], choice) for choice in CHOICES}
        playing |= {BLIND: runs[BLIND]} if BLIND in runs else {}
        return {name: api.evaluate(run, splits=splits, save=False) for name, run in playing.items()}

    agents = {role: (agent, job.overrides(role)) for role, agent in job.agents.items()}
    return {**compare(family, agents, splits, job.seed, job.steps, play), "rim": rim}


def jobs_of(
    families: Sequence[str], numbers: Sequence[int], with_effort: bool = True, **settings: Any
) -> list[Job]:
    """Every seed of every family, one seed of all before the next; families of SAC come last.

    Without effort those alone whose agents pay a price on it.
    """
    chosen = [name for name in families if with_effort or pays_for_effort(name)]
    jobs = [Job(family, seed, with_effort, **settings) for seed in numbers for family in chosen]
    return sorted(jobs, key=lambda job: FAMILIES[job.family].algorithm != "ppo")


def pays_for_effort(family: str) -> bool:
    """Whether `effort_coef` has an effect: `hyper-ppo` pays for continuous actions, `hyper-sac` for none."""
    return FAMILIES[family].algorithm == "ppo" and load_family(family).actions == "continuous"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.beyond", description=__doc__)
    parser.add_argument("--families", type=comma_separated(*FAMILIES), default=[*FAMILIES], metavar="F,F")
    parser.add_argument("--seeds", type=seeds, default=[*SEEDS], metavar="S,S")
    parser.add_argument("--effort-0", action="store_true", help="agents that pay no price on effort")
    parser.add_argument("--factor", type=float, default=FACTORS[0], choices=FACTORS, help="0.8 or 0.5")
    parser.add_argument("--steps", type=int, help="in place of the recipes'; give it with --results")
    parser.add_argument("--results", type=Path, help="folder of the JSON files")
    options = parser.parse_args(arguments)
    root = options.results or folder(options.factor, not options.effort_0)
    settings = {"with_effort": not options.effort_0, "factor": options.factor, "steps": options.steps}
    jobs = jobs_of(options.families, options.seeds, **settings)
    work = ((root / job.path, partial(measure, job)) for job in jobs)
    return complete("benchmarks.learning.beyond", work, describe)


if __name__ == "__main__":
    raise SystemExit(main())
