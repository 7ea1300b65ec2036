"""Computes traces: a short training of each agent, and some transitions of each family, in a few numbers.

A trace uses the public interface alone (`hyperrl.train`, Gymnasium's ids, files of a run), so that it can be
compared after internals have moved. Numbers of networks are held without their names for the same reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import hyperrl
from hyperrl.recipes import load_agent, load_family
from tests.suite import family_for

SEED = 3
TRANSITIONS = 50
ON_POLICY = {"n_steps": 32, "batch_size": 64, "n_epochs": 2, "n_critic_updates": 2}
"""Two rollouts of 32 steps in 4 environments."""
OFF_POLICY = {
    "train_freq": 4, "gradient_steps": 4, "learning_starts": 64, "batch_size": 32, "buffer_size": 1024,
}  # fmt: skip
"""64 updates, once 64 steps are taken."""
STEPS = {"on-policy": 256, "off-policy": 320}

DECIDED_BY_ROUNDING = ("crossq",)
"""Algorithms of whose traces shapes and names alone are held. A bias ahead of a batch normalization has a
gradient of zero, up to rounding; Adam makes whole steps of it, whose signs differ between processors."""

Trace = dict[str, Any]


def trace_agent(name: str, folder: Path) -> Trace:
    """Train an agent for two rollouts, or 64 updates, and tell what came of it.

    Args:
        name: an agent of the suite.
        folder: where the run goes.

    Returns:
        `weights`: for each tensor of the policy its shape, Euclidean norm and first, middle and last entry,
        ordered by shape and norm; `returns`: of the evaluation at the end, by task; `scalars`: names of what
        was logged; `digest`: of all weights and returns, equal on one machine alone. Of algorithms that are
        `DECIDED_BY_ROUNDING` shapes, the number of returns and names alone.
    """
    algorithm = load_agent(name).algorithm
    wanted = OFF_POLICY if algorithm.off_policy else ON_POLICY
    known = type(algorithm).model_fields
    overrides = [f"algorithm.{field}={value}" for field, value in wanted.items() if field in known]
    hyperrl.train(
        name, family_for(name), out=folder, seed=SEED,
        steps=STEPS["off-policy" if algorithm.off_policy else "on-policy"],
        overrides=["n_envs=4", "evaluate_every=100000", *overrides],
    )  # fmt: skip
    stored = load_file(folder / "checkpoints" / "latest.safetensors")
    weights = [array for key, array in stored.items() if key.startswith("policy/")]
    evaluation = json.loads((folder / "evaluations" / "final.json").read_text())
    returns = [float(task["mean"]) for task in evaluation["tasks"]]
    exact = algorithm.name not in DECIDED_BY_ROUNDING
    return {
        "weights": sorted(_summary(array) if exact else [list(array.shape)] for array in weights),
        "returns": returns if exact else len(returns),
        "scalars": scalar_names(folder),
        "digest": _digest([*sorted(array.tobytes() for array in weights), json.dumps(returns).encode()]),
    }


def trace_family(name: str) -> Trace:
    """Play two tasks of a family with drawn actions.

    Returns:
        `tasks`: for the first and the last training task, the context, and per transition the sum and the
        last entry of the observation, the reward, and whether the episode ended; `digest`: of all that.
    """
    tasks = hyperrl.Family(load_family(name)).tasks("train")
    with closing(gym.make(f"hyperrl/{name}-v0", disable_env_checker=True)) as env:
        played = [_transitions(env, context) for context in (tasks[0], tasks[-1])]
    return {"tasks": played, "digest": _digest([json.dumps(played).encode()])}


def scalar_names(folder: Path) -> list[str]:
    """Names of the scalars in a run's TensorBoard events, those of its sub-runs among them, in order."""
    names: set[str] = set()
    for parent in {file.parent for file in folder.rglob("events.out.tfevents.*")}:
        events = EventAccumulator(str(parent), size_guidance={"scalars": 1})
        events.Reload()
        below = parent.relative_to(folder).as_posix()
        names |= {tag if below == "." else f"{below}: {tag}" for tag in events.Tags()["scalars"]}
    return sorted(names)


def _transitions(env: gym.Env[Any, Any], context: Mapping[str, float]) -> dict[str, Any]:
    observation, _ = env.reset(seed=SEED, options={"context": dict(context)})
    env.action_space.seed(SEED)
    steps = [[*_numbers(observation), 0.0, 0]]
    for _ in range(TRANSITIONS):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        steps.append([*_numbers(observation), float(reward), int(terminated) + 2 * int(truncated)])
        if terminated or truncated:
            observation, _ = env.reset(options={"context": dict(context)})
            steps.append([*_numbers(observation), 0.0, 0])
    return {"context": dict(context), "steps": steps}


def _numbers(observation: Mapping[str, Any]) -> list[float]:
    parts = [np.asarray(part, np.float64).ravel() for _, part in sorted(observation.items())]
    flat = np.concatenate(parts)
    return [float(flat.sum()), float(flat[-1]), float(np.abs(flat).max())]


def _summary(array: NDArray[Any]) -> list[Any]:
    flat = array.astype(np.float64).ravel()
    ends = [flat[0], flat[flat.size // 2], flat[-1]] if flat.size else []
    return [list(array.shape), float(np.linalg.norm(flat)), [float(value) for value in ends]]


def _digest(parts: list[bytes]) -> str:
    total = hashlib.blake2b(digest_size=16)
    for part in parts:
        total.update(len(part).to_bytes(8, "little") + part)
    return total.hexdigest()
