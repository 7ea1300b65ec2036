"""What identifying an unknown task is worth, episode by episode: `python -m benchmarks.learning.adapt`.

Trains `hyper-ppo` and `concat-ppo`, and lets both act on 32 tasks that they were not trained on, drawn from
the training ranges, whose contexts they are not given (`hyperrl adapt`): the first episode is played with the
context of defaults, later ones with what the episodes before them tell. The episode after 0, 1, 3 and 10
others counts, beside the same agent from the same start with the true context.

On 8 of the tasks, a plain policy also learns in the place of identifying, for as many environment steps: the
network of `hyper-ppo` for the context of defaults (`specialize --format sb3`), and the same from scratch.
Both update their weights once an episode.

One small JSON file a seed below `benchmarks/results/adapt/FAMILY/seed-N.json`; those that are there are
skipped, and several processes share the work. `--quick` tries it out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO

from benchmarks.learning.suite import curve
from benchmarks.learning.variants import command, compare
from hyperrl import api
from hyperrl.evaluation import Evaluation, ModelPolicy, RunResult, TaskResult, evaluate_tasks
from hyperrl.evaluation.plan import spread_out
from hyperrl.identify.adaptation import AdaptedTask, adapt_tasks
from hyperrl.identify.inference import Settings
from hyperrl.identify.models import choose_model
from hyperrl.identify.prior import Prior
from hyperrl.recipes import Context
from hyperrl.store import Run
from hyperrl.tasks import Family

RESULTS = Path(__file__).resolve().parents[1] / "results" / "adapt"
FAMILIES = ("ode", "double-integrator", "cartpole", "pendulum")
SEEDS = (800, 801, 802, 803, 804)
UNSEEN, LEARNED = SPLITS = "unseen", "learned"
"""All tasks, and those of them on which policies learn."""
TASKS, LEARNED_TASKS, TASK_SEED = 32, 8, 0
AFTER = (0, 1, 3, 10)
"""Episodes before the one that counts."""
SETTINGS = Settings(particles=100, most=200)
HYPER, CONCAT, SPECIALIST, SCRATCH = "hyper", "concat", "specialist", "scratch"
AGENTS: Mapping[str, tuple[str, Sequence[str]]] = {HYPER: ("hyper-ppo", ()), CONCAT: ("concat-ppo", ())}
GOALS = {"ode": 0.95, "double-integrator": 0.95, "cartpole": 0.9, "pendulum": 0.9}
"""What `hyper-ppo` reaches after one episode, as a part of its return with the true context."""


def at(role: str, episodes: int) -> str:
    """What a result calls the episode after so many others."""
    return f"{role}@{episodes}"


def exact(role: str, episodes: int) -> str:
    """What a result calls the same agent from the same starts, with the true context."""
    return f"{role}-true@{episodes}"


def measure(family: str, seed: int, steps: int | None = None) -> dict[str, Any]:
    """One seed of a family: both agents trained, and everything played.

    Raises:
        UserError: an unknown family, or a wrong number.
    """
    tasks = Family.load(family)
    drawn = Prior(tasks.space, "training").sample(TASKS, np.random.default_rng(TASK_SEED))
    unseen = tasks.space.contexts(drawn)
    untrained: dict[str, float] = {}

    def play(runs: Mapping[str, Run]) -> dict[str, Evaluation]:
        played: dict[str, Evaluation] = {}
        for role, run in runs.items():
            untrained[role] = curve(run.path / "progress.csv")["interpolation"][0]
            played |= _adapted(role, run, tasks, unseen)
        chosen = spread_out(unseen, LEARNED_TASKS)
        return played | _learning(
            runs[HYPER], tasks, chosen, seed + 1
        )  # from scratch otherwise than the agent

    result = compare(tasks, AGENTS, SPLITS, seed, steps, play)
    return {**result, "untrained": untrained, "particles": SETTINGS.particles, "transitions": SETTINGS.most}


def _adapted(role: str, run: Run, family: Family, contexts: Sequence[Context]) -> dict[str, Evaluation]:
    """The episodes that count of an agent that identifies tasks, and with the true contexts."""
    agent = api.load(run)
    found = adapt_tasks(
        ModelPolicy(agent.model), agent.family, contexts, choose_model(run, family, "dynamics"), SETTINGS,
        episodes=AFTER[-1] + 1, after=AFTER,
    )  # fmt: skip
    played = {}
    for count in AFTER:
        played[at(role, count)] = _evaluation(run, [_nth(task, task.returns, count) for task in found])
        true = [_nth(task, task.with_context.returns, count) for task in found]
        played[exact(role, count)] = _evaluation(run, true)
    return played


def _nth(task: AdaptedTask, returns: Sequence[float], episode: int) -> TaskResult:
    return TaskResult(task.context, UNSEEN, [returns[episode]], [task.lengths[episode]], None)


def _evaluation(run: Run, results: Sequence[TaskResult]) -> Evaluation:
    """Results of all tasks, and once more of those on which policies learn."""
    learned = [replace(each, split=LEARNED) for each in spread_out(results, LEARNED_TASKS)]
    return _of(run, [*results, *learned])


def _of(run: Run, results: list[TaskResult]) -> Evaluation:
    spec = run.spec
    found = RunResult(
        str(run.path), spec.seed, run.status.steps, "best", run.checkpoint_steps("best"), results
    )
    return Evaluation(spec.agent.name, spec.family.name, 1, SETTINGS.seed, True, (found,))


def _learning(run: Run, family: Family, contexts: Sequence[Context], seed: int) -> dict[str, Evaluation]:
    """The episodes that count of policies that learn on each task by itself."""
    with tempfile.TemporaryDirectory(prefix="hyperrl-adapt-") as folder:
        file = Path(folder) / "specialist.zip"
        api.specialize(run, family.space.default, format="sb3", out=file)
        by_task = {
            role: [_learned(file, role == SCRATCH, family, context, seed) for context in contexts]
            for role in (SPECIALIST, SCRATCH)
        }
    return {
        at(role, count): _of(run, [results[place] for results in every])
        for role, every in by_task.items()
        for place, count in enumerate(AFTER)
    }


def _learned(file: Path, scratch: bool, family: Family, context: Context, seed: int) -> list[TaskResult]:
    """The episodes that count of a specialist that learns on a task, one update an episode.

    Args:
        file: of the specialist, as Stable-Baselines3 loads it.
        scratch: whether it begins with fresh weights.
        family: of the task.
        context: the task.
        seed: of its learning.
    """
    steps = family.max_steps
    with closing(_without_context(family.on_tasks([context]))) as env:
        model = PPO.load(file, env=env, n_steps=steps, batch_size=steps)
        model.set_random_seed(seed)
        if scratch:
            model._setup_model()
        results = []
        for before, count in zip((0, *AFTER), AFTER, strict=False):
            if count > before:
                model.learn(steps * (count - before), reset_num_timesteps=False)
            results.append(_episode(partial(_predict, model), family, context, count))
    return results


def _predict(model: PPO, observation: Mapping[str, Any]) -> Any:
    """A policy that does not see the context."""
    return model.predict(observation["obs"], deterministic=True)[0]


def _episode(policy: Any, family: Family, context: Context, number: int) -> TaskResult:
    """The episode of a task that begins as an adapting agent's episode of that number does."""
    (played,) = evaluate_tasks(
        policy, family, [context], episodes=number + 1, seed=SETTINGS.seed, splits=[LEARNED]
    )
    return replace(played, returns=played.returns[-1:], lengths=played.lengths[-1:], oracle=None)


def _without_context(family: Family) -> gym.Env[Any, Any]:
    """One environment of a family, whose observations are those of its base."""
    env = family.make()
    space: Any = env.observation_space
    return gym.wrappers.TransformObservation(env, lambda seen: seen["obs"], space["obs"])


main = partial(command, "benchmarks.learning.adapt", __doc__, measure, RESULTS, FAMILIES, SEEDS)
"""Runs the command line; its exit status."""

if __name__ == "__main__":
    raise SystemExit(main())
