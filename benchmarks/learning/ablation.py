"""What each choice of the default recipe is worth: `python -m benchmarks.learning.ablation`.

Trains `hyper-ppo` with every strategy, low rank and modulation with one more choice changed at a time, and a
concatenating network of as many parameters beside them, and evaluates every run on the validation tasks, by
which the default is chosen, and on the held-out splits. One small JSON file a run below
`benchmarks/results/ablation/FAMILY/VARIANT/seed-N.json`; runs that have a file are skipped, and several
processes share the work.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.learning.suite import Job, work_through

RESULTS = Path(__file__).resolve().parents[1] / "results" / "ablation"
FAMILIES = ("ode", "point-goal", "pendulum")
SEEDS = (10, 11, 12, 13, 14)
STEPS = {"ode": 80_000, "point-goal": 100_000, "pendulum": 100_000}
"""About half of what the families ask for: enough to tell choices apart."""

_HYPER = "policy.hypernetwork."


@dataclass(frozen=True)
class Variant:
    """A recipe: an agent of the suite and what is changed in it.

    Attributes:
        about: what it is, as a table says it.
        overrides: as `hyperrl train --set` takes them.
        agent: the agent's name.
        base: the variant that differs from it in one choice, with which it is compared.
    """

    about: str
    overrides: tuple[str, ...] = ()
    agent: str = "hyper-ppo"
    base: str = "base"


def _low_rank(about: str, *fields: str, effort: float | None = None) -> Variant:
    return _strategy(about, "low-rank", *fields, effort=effort)


def _modulation(about: str, *fields: str, effort: float | None = None) -> Variant:
    return replace(_strategy(f"modulation, {about}", "modulation", *fields, effort=effort), base="modulation")


def _strategy(about: str, name: str, *fields: str, effort: float | None = None) -> Variant:
    price = () if effort is None else (f"policy.effort_coef={effort}",)
    return Variant(about, (*(_HYPER + field for field in (f"strategy={name}", *fields)), *price))


VARIANTS: dict[str, Variant] = {
    "base": _low_rank("low-rank, rank 8, trunk of 64, effort 0.03"),
    "rank-2": _low_rank("rank 2", "rank=2"),
    "rank-4": _low_rank("rank 4", "rank=4"),
    "rank-16": _low_rank("rank 16", "rank=16"),
    "trunk-32": _low_rank("trunk of 32", "hidden=[32]"),
    "linear": _low_rank("linear hypernetwork", "architecture=linear"),
    "separate-trunks": _low_rank("a trunk each for actor and critic", "trunk=separate"),
    "shared-outputs": _low_rank("output layers shared", "generate=[actor.0,actor.1,critic.0,critic.1]"),
    "effort-0": _low_rank("no price on effort", effort=0),
    "effort-0.1": _low_rank("effort 0.1", effort=0.1),
    "full": _strategy("full generation", "full"),
    "chunked": _strategy("chunked", "chunked"),
    "adapter": _strategy("adapters", "adapter"),
    "modulation": Variant("modulation, the default"),
    "modulation-trunk-32": _modulation("trunk of 32", "hidden=[32]"),
    "modulation-linear": _modulation("linear hypernetwork", "architecture=linear"),
    "modulation-shared-outputs": _modulation(
        "output layers shared", "generate=[actor.0,actor.1,critic.0,critic.1]"
    ),
    "modulation-effort-0": _modulation("no price on effort", effort=0),
    "modulation-effort-0.1": _modulation("effort 0.1", effort=0.1),
    "modulation-hyperfan-in": _modulation("hyperfan-in initialization", "initialization=hyperfan-in"),
    "modulation-hyperfan-out": _modulation("hyperfan-out initialization", "initialization=hyperfan-out"),
    "modulation-bias-hyperinit": _modulation("Bias-HyperInit", "initialization=bias-hyperinit"),
    "mask": _strategy("masks", "mask"),
    "hyperfan-in": _low_rank("hyperfan-in initialization", "initialization=hyperfan-in"),
    "hyperfan-out": _low_rank("hyperfan-out initialization", "initialization=hyperfan-out"),
    "bias-hyperinit": _low_rank("Bias-HyperInit", "initialization=bias-hyperinit"),
    "concat-matched": Variant("concatenation, as many parameters as modulation", agent="concat-ppo-matched"),
}
"""Each variant by its name; all but `base` and concatenation change one thing of their base."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.ablation", description=__doc__)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES, metavar="F")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS), metavar="V")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS), metavar="S")
    parser.add_argument("--steps", type=int, help="in place of this benchmark's; give it with --results")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the JSON files")
    options = parser.parse_args(arguments)
    jobs = [
        Job(
            family, name, seed, options.steps or STEPS[family], VARIANTS[name].agent, VARIANTS[name].overrides
        )
        for seed in options.seeds
        for name in options.variants
        for family in options.families
    ]
    return work_through("benchmarks.learning.ablation", jobs, options.results)


if __name__ == "__main__":
    raise SystemExit(main())
