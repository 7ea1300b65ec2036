"""What an agent's choices of its environments cost: `python -m benchmarks.speed.environment_options`.

Environment steps per second with an option over those without it, in turns, the actions random and the same:
`frame_stack: 4` where environments advance as one batch, in threads (MuJoCo) and one after the other. Only
the environments are timed; an agent that acts and learns takes several times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from benchmarks.measures import Measure, Report, alternate, finish, on_the_clock, parser, rate, ratios
from benchmarks.speed.mujoco_rollout import Roller
from hyperrl.recipes import EnvironmentOptions, is_missing
from hyperrl.tasks import Family, TaskSampler

STACK = EnvironmentOptions(frame_stack=4)
GOAL = (">=", 0.9)


@dataclass(frozen=True)
class Case:
    """A family and how many of its environments step.

    Attributes:
        family: its name.
        envs: how many.
        how: how they step, in words.
        threads: as `Family.make_vec` takes it.
        steps: of all environments, in a turn.
    """

    family: str
    envs: int
    how: str
    threads: int | None = None
    steps: int = 200

    @property
    def name(self) -> str:
        """How measures call it."""
        return f"{self.family}, {self.envs} environments {self.how}"


CASES = (
    Case("ode", 8, "as arrays"),
    Case("cartpole", 8, "as arrays"),
    Case("cartpole", 64, "as arrays"),
    Case("pendulum", 8, "as arrays"),
    Case("hopper-dynamics", 16, "in threads", steps=20),
    Case("mountaincar", 8, "one after the other", steps=50),
)


def roller(case: Case, options: EnvironmentOptions, steps: int) -> tuple[Any, Roller]:
    """The environments of a case with some options, reset, and what steps them."""
    family = Family(Family.load(case.family).recipe, None, options)
    env = family.make_vec(
        case.envs, sampler=TaskSampler(family.tasks("train"), "uniform", 0), threads=case.threads
    )
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(64)]
    env.reset(seed=0)
    return env, Roller(env.advance, actions, steps)


def measure(case: Case, rounds: int, pairs: int, steps: int) -> Iterator[Measure]:
    """The ratio, and the rates behind it."""
    plain_env, plain = roller(case, EnvironmentOptions(), steps)
    stacked_env, stacked = roller(case, STACK, steps)
    with closing(plain_env), closing(stacked_env):
        plain.turn(), stacked.turn()
        measured = alternate(plain.turn, stacked.turn, rounds, pairs)
    name = f"frame_stack: {STACK.frame_stack} over 1, steps per second, {case.name}"
    yield Measure(name, ratios(measured), "ratio", GOAL, on_the_clock(measured))
    for place, what in enumerate(("without it", f"frame_stack: {STACK.frame_stack}")):
        taken = [[pair[place] for pair in each] for each in measured]
        yield rate(f"{what}, {case.name}", steps * case.envs, taken)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.environment_options", __doc__)
    command.add_argument("--rounds", type=int, default=5, help="medians of which the range is shown")
    command.add_argument("--pairs", type=int, default=15, help="turns of each side in a round")
    options = command.parse_args(arguments)
    rounds, pairs = (1, 1) if options.quick else (options.rounds, options.pairs)
    measures: list[Measure] = []
    for case in CASES:
        if not is_missing(Family.load(case.family).recipe.extra):
            measures += measure(case, rounds, pairs, 2 if options.quick else case.steps)
    return finish(Report("speed.environment_options", measures, {"quick": options.quick}), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
