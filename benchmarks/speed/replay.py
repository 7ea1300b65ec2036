"""Replayed experience: `python -m benchmarks.speed.replay`.

Bytes that a stored transition takes, beside Stable-Baselines3's buffer of the same observations with and
without their context. And updates that `hyper-sac` makes per second of CPU time over those of `concat-sac`:
the same target networks of 256-256, batches of 256 rows, algorithm and replay, one thread, both in this
process, taking turns of a few updates each, on batches with few tasks in them and with as many as rows.
Once over `concat-sac` as it comes, whose policy is Stable-Baselines3's; and once over `concat-sac` with what
of our policy's economies a plain one can have: the leaner distribution of actions and Adam in one loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import SAC
from stable_baselines3.common.buffers import DictReplayBuffer
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
from hyperrl.policies import ContextReplayBuffer
from hyperrl.policies.distributions import fast_distribution
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model

AGENTS = ("hyper-sac", "concat-sac")
FAMILY = "pendulum"
TASKS = (4, 256)
GOAL = (">=", 0.95)
ROWS = 256
STORED = 4096
TASK_NUMBER = 4
"""Bytes of the number of a task."""


def filled(make: Any, space: gym.spaces.Dict, action_space: gym.Space[Any], tasks: int) -> Any:
    """A buffer with random transitions of so many tasks, eight environments at a time."""
    random = np.random.default_rng(0)
    buffer = make(STORED, space, action_space, device="cpu", n_envs=8)
    size = (space["context"].shape or ()) if "context" in space.spaces else ()
    contexts = random.standard_normal((tasks, *size)).astype(np.float32)
    for step in range(STORED // 8):
        seen = {
            name: random.standard_normal((8, *(part.shape or ()))).astype(part.dtype)
            for name, part in space.spaces.items()
        }
        if "context" in seen:
            seen["context"] = contexts[(8 * step + np.arange(8)) % tasks]
        actions = random.uniform(-1, 1, (8, *(action_space.shape or ())))
        buffer.add(seen, seen, actions, random.standard_normal(8), np.zeros(8), [{}] * 8)
    return buffer


def stored_bytes(buffer: Any) -> float:
    """Bytes of a transition."""
    parts = [*buffer.observations.values(), *buffer.next_observations.values()]
    arrays = (*parts, buffer.actions, buffer.rewards, buffer.dones, buffer.timeouts)
    return float(sum(array.nbytes for array in arrays)) / STORED


def memory(family: Family) -> list[Measure]:
    """Bytes of a transition: ours, and Stable-Baselines3's with and without the context."""
    space, actions = family.observation_space, family.action_space
    assert isinstance(space, gym.spaces.Dict)
    without = gym.spaces.Dict({name: part for name, part in space.spaces.items() if name != "context"})
    ours = stored_bytes(filled(ContextReplayBuffer, space, actions, 4))
    with_context = stored_bytes(filled(DictReplayBuffer, space, actions, 4))
    plain = stored_bytes(filled(DictReplayBuffer, without, actions, 4))
    name = f"{family.name}: a transition"
    return [
        Measure(f"{name}, contexts stored once a task", [ours], "bytes", ("<=", plain + TASK_NUMBER)),
        Measure(f"{name}, DictReplayBuffer with context", [with_context], "bytes"),
        Measure(f"{name}, DictReplayBuffer without context", [plain], "bytes"),
    ]


class Contestant:
    """An agent that learns from replayed batches.

    Args:
        agent: its name.
        family: the tasks.
        tasks: how many there are in replay.
        updates: in a turn.
        lean: whether a plain policy gets the distribution and the optimizers of a generated one.
    """

    def __init__(self, agent: str, family: Family, tasks: int, updates: int, lean: bool = False) -> None:
        self.recipe = resolve(load_agent(agent), family.recipe, [f"algorithm.batch_size={ROWS}"])
        model = bare_model(self.recipe, family.observation_space, family.action_space)
        assert isinstance(model, SAC)
        assert isinstance(model.observation_space, gym.spaces.Dict)
        model.set_logger(Logger(None, []))
        model.replay_buffer = filled(ContextReplayBuffer, model.observation_space, model.action_space, tasks)
        if lean:
            model.actor.action_dist = fast_distribution(model.actor.action_dist)  # type: ignore[assignment]
            for part in (model.actor, model.critic):
                groups: Any = part.optimizer.param_groups
                part.optimizer = torch.optim.Adam(groups[0]["params"], lr=groups[0]["lr"], fused=True)
        self.model, self.updates = model, updates

    def turn(self) -> Spent:
        """Some updates."""
        return spent(lambda: self.model.train(self.updates, ROWS))


def speed(family: Family, tasks: int, rounds: int, pairs: int, updates: int) -> list[Measure]:
    """Updates of the one agent over those of the other, as it comes and lean."""
    hyper, concat = (Contestant(agent, family, tasks, updates) for agent in AGENTS)
    lean = Contestant(AGENTS[1], family, tasks, updates, lean=True)
    if (
        hyper.recipe.algorithm != concat.recipe.algorithm
        or hyper.recipe.policy.net_arch != concat.recipe.policy.net_arch
    ):
        raise ValueError("the agents differ in their algorithm's settings or their networks")
    for contestant in (hyper, concat, lean):
        contestant.turn()
    name = "{} over {}, updates per second, 256-256, {} tasks"
    against_lean = alternate(lean.turn, hyper.turn, rounds, pairs)
    measured = alternate(concat.turn, hyper.turn, rounds, pairs)
    measures = [
        Measure(name.format(*AGENTS, tasks), ratios(measured), "ratio", GOAL, on_the_clock(measured)),
        Measure(
            name.format(AGENTS[0], f"lean {AGENTS[1]}", tasks),
            ratios(against_lean),
            "ratio",
            beside=on_the_clock(against_lean),
        ),
    ]
    for agent, place in ((AGENTS[0], 1), (AGENTS[1], 0)):
        taken = [[pair[place] for pair in each] for each in measured]
        measures.append(rate(f"{agent}, {tasks} tasks: updates", updates, taken, "updates/s"))
    return measures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit status."""
    command = parser("speed.replay", __doc__)
    command.add_argument("--rounds", type=int, default=5, help="medians of which the range is shown")
    command.add_argument("--pairs", type=int, default=8, help="turns of each agent in a round")
    options = command.parse_args(arguments)
    rounds, pairs, updates = (1, 1, 2) if options.quick else (options.rounds, options.pairs, 8)
    family = Family.load(FAMILY)
    measures = memory(family)
    for tasks in TASKS:
        measures += speed(family, tasks, rounds, pairs, updates)
    setting = {"rows": ROWS, "updates_per_turn": updates, "pairs_per_round": pairs, "quick": options.quick}
    return finish(Report("speed.replay", measures, setting), options.json)


if __name__ == "__main__":
    raise SystemExit(main())
