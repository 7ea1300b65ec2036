"""What an option of training costs: `python -m benchmarks.speed.training_options`.

Environment steps that an agent trains per second of CPU time with an option, over those of the same agent
without it: the same seed, number of environments and networks, one thread, both in this process, taking turns
of some rollouts and the updates that follow each. Evaluations, checkpoints and logs of a run are left out.
`OPTIONS` has a line for each option, `AGENTS` one for each agent that trains with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
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
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training.session import TrainingSession

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "normalize": ("normalize=true",),
}
"""By what a table calls it, the overrides that switch an option on."""

AGENTS: Mapping[str, tuple[str, tuple[str, ...], int]] = {
    "hyper-ppo": ("pendulum", ("n_envs=8",), 1),
    "hyper-sac": (
        "pendulum",
        ("n_envs=8", "algorithm.learning_starts=256", "algorithm.train_freq=1", "algorithm.gradient_steps=1"),
        32,
    ),
}
"""By agent: the family, overrides with an option and without, and rollouts in a turn."""

GOAL = (">=", 0.9)
NEVER = 1_000_000
"""Rollouts between two logs."""


class Trainer:
    """An agent in training, some rollouts at a time.

    Args:
        agent: its name.
        overrides: of its recipe.
    """

    def __init__(self, agent: str, overrides: Sequence[str]) -> None:
        name, _, rollouts = AGENTS[agent]
        family = Family.load(name)
        recipe = resolve(load_agent(agent), family.recipe, overrides)
        self._session = TrainingSession(recipe, family, 0, "cpu")
        self.model = self._session.model
        self.model.set_logger(Logger(None, []))
        self.steps = rollouts * recipe.n_envs * getattr(recipe.algorithm, "n_steps", 1)
        if recipe.algorithm.off_policy:
            self._learn(2 * self.model.learning_starts)  # type: ignore[attr-defined]

    def turn(self) -> Spent:
        """Collect the rollouts and learn from them."""
        return spent(lambda: self._learn(self.steps))

    def close(self) -> None:
        """Close the environments."""
        self._session.close()

    def _learn(self, steps: int) -> None:
        self.model.learn(steps, None, NEVER, reset_num_timesteps=False)


def compare(agent: str, option: str, rounds: int, pairs: int, overrides: Sequence[str] = ()) -> list[Measure]:
    """Measures of one agent with an option and without."""
    family, own, _ = AGENTS[agent]
    without = Trainer(agent, (*own, *overrides))
    with_option = Trainer(agent, (*own, *overrides, *OPTIONS[option]))
    for trainer in (without, with_option):
        trainer.turn()
    measured = alternate(without.turn, with_option.turn, rounds, pairs)
    what = f"{agent} with {option} over without, training steps per second, {family}"
    measures = [Measure(what, ratios(measured), "ratio", GOAL, on_the_clock(measured))]
    for words, trainer, place in ((f"with {option}", with_option, 1), (f"without {option}", without, 0)):
        taken = [[pair[place] for pair in each] for each in measured]
        measures.append(rate(f"{agent} {words}, {family}: training", trainer.steps, taken))
        trainer.close()
    return measures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.training_options", __doc__)
    command.add_argument("--options", nargs="+", default=list(OPTIONS), choices=list(OPTIONS), metavar="O")
    command.add_argument("--rounds", type=int, default=5, help="medians of which the range is shown")
    command.add_argument("--pairs", type=int, default=5, help="turns of each side in a round")
    options = command.parse_args(arguments)
    torch.set_num_threads(1)
    rounds, pairs = (1, 1) if options.quick else (options.rounds, options.pairs)
    measures = [
        measure
        for option in options.options
        for agent in AGENTS
        for measure in compare(agent, option, rounds, pairs)
    ]
    setting = {"pairs_per_round": pairs, "quick": options.quick}
    return finish(Report("speed.training_options", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
