"""A training's whole state between two rollouts, and going on from it."""

from __future__ import annotations

import math
import random
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl.errors import UserError
from hyperrl.policies.optimizer import IMPLEMENTATION
from hyperrl.policies.registry import view
from hyperrl.store import Run, pack, unpack
from hyperrl.tasks import TaskSampler
from hyperrl.training.normalization import TrainingEnv, frozen_statistics, note_original_observation

COUNTERS = ("num_timesteps", "_n_updates", "_episode_num", "_current_progress_remaining")
NOISE = ("exploration_mat", "exploration_matrices")

RESTORE_ERRORS = (
    LookupError, TypeError, ValueError, AttributeError, RuntimeError, ArithmeticError, AssertionError,
)  # fmt: skip
"""What is raised by a state that is not of this training."""

State = dict[str, Any]


def capture(model: BaseAlgorithm, env: TrainingEnv, sampler: TaskSampler, *, in_rollout: bool) -> State:
    """All that training goes on from.

    Weights, optimizers, counters, the episodes and values that are still to be logged, the state of every
    random generator, the last observation, an LSTM's state, the environments where the batch gives their
    state, the task sampler, and replayed experience. Call it between rollouts only: a rollout that has begun
    is not stored.

    Args:
        model: the algorithm, with a logger.
        env: its environments.
        sampler: what hands them their tasks.
        in_rollout: called at the start of a rollout, when gSDE has drawn the rollout's noise already.
    """
    state: State = {
        "steps": model.num_timesteps,
        "policy": model.policy.state_dict(),
        "learning": model.policy.training,
        **_optimizer_states(model),
        "counters": {name: getattr(model, name) for name in COUNTERS},
        "elapsed": (time.time_ns() - model.start_time) / 1e9,
        "episodes": list(model.ep_info_buffer or ()),
        "successes": list(model.ep_success_buffer or ()),
        "pending": _pending(model),
        "last_obs": model._last_obs,
        "last_episode_starts": model._last_episode_starts,
        "sampler": sampler.get_state(),
        "env": env.get_state(),
        "rng": _rng_state(model),
        **view(model).extra_state(),
    }
    if in_rollout and model.use_sde:
        state["noise"] = {name: getattr(view(model).action_dist, name) for name in NOISE}
    return state


def restore(model: BaseAlgorithm, env: TrainingEnv, sampler: TaskSampler, state: State, what: str) -> bool:
    """Bring a freshly built model, its environments and the sampler to a captured state.

    The random generators are left to `restore_rng`, which is called when the next rollout starts. UserError,
    beginning with `what`, where the weights do not fit.

    Returns:
        Whether the environments go on where they were; if not (they offer no state), they were reset,
        and what follows is a fair training but not the one that was interrupted.
    """
    # a policy with noise draws it anew where this mode changes, which it does at the first rollout's start
    model.policy.set_training_mode(state.get("learning", True))
    load_weights(model, state["policy"], what)
    for name, optimizer in view(model).optimizers.items():
        _restore_optimizer(optimizer, state["optimizer"] if name == "policy" else state["optimizers"][name])
    for name in COUNTERS:
        _expect(name, state["counters"][name], getattr(model, name))
        setattr(model, name, state["counters"][name])
    if model.num_timesteps != state["steps"]:
        raise ValueError(f"num_timesteps is {model.num_timesteps}, steps {state['steps']}")
    view(model).load_extra_state(state, _expect)
    model.ep_info_buffer = deque(state["episodes"], maxlen=model._stats_window_size)
    model.ep_success_buffer = deque(state["successes"], maxlen=model._stats_window_size)
    _expect("episodes", state["episodes"], [{"r": 0.0, "l": 0, "t": 0.0}])
    _expect("successes", [float(success) for success in state["successes"]], [0.0])
    _expect("elapsed", state["elapsed"], 0.0)
    assert model.env is not None
    with frozen_statistics(model):  # they are of the weights
        fresh = model.env.reset()
    _expect("the environments' observation", state["last_obs"], fresh)
    _expect("last_episode_starts", state["last_episode_starts"], np.ones(env.num_envs, dtype=bool))
    exact = state["env"] is not None
    if exact:
        _expect("env", state["env"], env.get_state())
        env.set_state(state["env"])
    else:
        view(model).end_episodes()
    sampler.set_state(state["sampler"])
    model._last_obs = state["last_obs"] if exact else fresh  # type: ignore[assignment]
    model._last_episode_starts = state["last_episode_starts"] if exact else np.ones(env.num_envs, dtype=bool)
    note_original_observation(model)
    return exact


def same_structure(value: Any, expected: Any) -> bool:
    """Whether a part of a state is of the kind expected: types, keys, shapes; a list may be of any length."""
    if isinstance(expected, Mapping):
        return (
            isinstance(value, Mapping)
            and value.keys() == expected.keys()
            and all(same_structure(value[key], part) for key, part in expected.items())
        )
    if isinstance(expected, np.ndarray | torch.Tensor):
        same = isinstance(value, type(expected)) and value.dtype == expected.dtype
        return same and value.shape == expected.shape
    if isinstance(expected, tuple):
        same = isinstance(value, tuple) and len(value) == len(expected)
        return same and all(map(same_structure, value, expected))
    if isinstance(expected, list):
        return isinstance(value, list) and all(
            same_structure(part, each) for part in value for each in expected[:1]
        )
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return number and (isinstance(value, int) or not isinstance(expected, int))
    return expected is None or isinstance(value, type(expected))


def _expect(name: str, value: Any, expected: Any) -> None:
    if not same_structure(value, expected):
        raise ValueError(f"{name} is of another kind")


def _restore_optimizer(optimizer: torch.optim.Optimizer, state: State) -> None:
    """Load an optimizer's state, and try on a copy whether it can step from there.

    How it steps is its own choice and not that of the version which stored the state.
    """
    groups = []
    for stored, own in zip(state["param_groups"], optimizer.state_dict()["param_groups"], strict=True):
        _expect("the learning rate", stored["lr"], own["lr"])
        groups.append({**stored, **{name: own[name] for name in IMPLEMENTATION if name in own}})
        if groups[-1] != {**own, "lr": stored["lr"]}:
            raise ValueError("the optimizer's settings are not the recipe's")
    optimizer.load_state_dict({**state, "param_groups": groups})
    for parameter, moments in optimizer.state.items():
        for name, value in moments.items():
            numbers = torch.as_tensor(value)
            fits = numbers.shape in (torch.Size(), parameter.shape) and bool(numbers.isfinite().all())
            if not fits or (name == "step" and numbers.min() < 0):
                raise ValueError(f"{name} of the optimizer is of another kind")
    trial = deepcopy(optimizer)
    for group in trial.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    trial.step()


def _optimizer_states(model: BaseAlgorithm) -> State:
    states = {name: optimizer.state_dict() for name, optimizer in view(model).optimizers.items()}
    first = {"optimizer": states.pop("policy")} if "policy" in states else {}
    return first | ({"optimizers": states} if states else {})


def restore_logger(model: BaseAlgorithm, state: State) -> None:
    """Give the logger back what was recorded but not written, and the clock the time already spent."""
    for key, (value, count, excluded) in state["pending"].items():
        model.logger.name_to_value[key] = value
        model.logger.name_to_count[key] = count
        model.logger.name_to_excluded[key] = tuple(excluded)
    model.start_time -= int(state["elapsed"] * 1e9)
    model._num_timesteps_at_start = 0


def restore_rng(model: BaseAlgorithm, state: State) -> None:
    """Set all generators, that of random actions too, and gSDE's noise, at the start of the first rollout."""
    rng = state["rng"]
    random.setstate(rng["python"])
    np.random.set_state(rng["numpy"])
    torch.set_rng_state(rng["torch"])
    if model.device.type == "cuda" and "cuda" in rng:
        torch.cuda.set_rng_state(rng["cuda"], model.device)
    actions = rng.get("actions")
    if actions is not None:
        model.action_space.np_random.bit_generator.state = actions
    if not model.use_sde:
        return
    if "noise" not in state:
        policy: Any = model.policy
        policy.reset_noise(model.n_envs)
        return
    for name in NOISE:
        setattr(view(model).action_dist, name, state["noise"][name].to(model.device))


def load_weights(model: BaseAlgorithm, weights: Mapping[str, torch.Tensor], what: str) -> None:
    """Load a policy's weights, as whoever reads a checkpoint does.

    Raises:
        UserError: beginning with `what`, where a name or a shape differs, or a parameter is not finite.
    """
    own = model.policy.state_dict(keep_vars=True)
    for name in sorted(own.keys() | weights.keys()):
        here, there = (tuple(of[name].shape) if name in of else "nothing" for of in (own, weights))
        if here != there:
            raise UserError(f"{what}: weights {name!r}: found {there}, expected {here}")
        if isinstance(own[name], torch.nn.Parameter) and not bool(weights[name].isfinite().all()):
            raise UserError(f"{what}: weights {name!r}: found numbers that are not finite")
    model.policy.load_state_dict(dict(weights))


def learned(model: BaseAlgorithm) -> State:
    """What a model has learned: the policy's weights, and what else the algorithm has to learn."""
    return {"policy": model.policy.state_dict(), **view(model).learned()}


def load_learned(model: BaseAlgorithm, state: State, what: str) -> None:
    """Bring a freshly built model to what another has learned; raises as `load_weights`.

    Args:
        model: to learn on, or to act alone.
        state: of a checkpoint, a whole one too.
        what: how a message begins.
    """
    load_weights(model, state["policy"], what)
    view(model).load_learned(state)


def mismatch_prefix(run: Run, name: str) -> str:
    """How a message begins about weights that are not those of the run's agent."""
    return f"run {str(run.path)!r}: checkpoint {name!r} does not fit the agent in run.yaml"


@contextmanager
def restoring(run: Run) -> Iterator[None]:
    """UserError where restoring the latest checkpoint fails, as its state is not of this training."""
    try:
        yield
    except RESTORE_ERRORS as error:
        raise UserError(
            f"run {str(run.path)!r}: checkpoint 'latest' does not fit run.yaml ({error})"
        ) from error


def save_state(run: Run, name: str, state: State) -> None:
    """Write a captured state, or a part of it with at least `steps` and `policy`, as one checkpoint."""
    tensors, tree = pack(state)
    run.save_checkpoint(name, tensors, {"steps": state["steps"], "state": tree})


def load_state(run: Run, name: str) -> State:
    """Read what `save_state` wrote; UserError when the file is no such checkpoint."""
    tensors, meta = run.load_checkpoint(name)
    try:
        state = unpack(tensors, meta["state"])
        weights, steps = state["policy"].values(), state["steps"]
        if not (
            same_structure(steps, 0)
            and steps >= 0
            and all(isinstance(each, torch.Tensor) for each in weights)
        ):
            raise TypeError
    except (*RESTORE_ERRORS, RecursionError) as error:
        raise UserError(f"run {str(run.path)!r}: checkpoint {name!r} is not one of a training") from error
    return dict(state)


def _rng_state(model: BaseAlgorithm) -> dict[str, Any]:
    state = {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.get_rng_state()}
    if model.device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(model.device)
    if view(model).off_policy:  # random actions are drawn from their space
        state["actions"] = model.action_space.np_random.bit_generator.state
    return state


def _pending(model: BaseAlgorithm) -> dict[str, tuple[float, int, tuple[str, ...]]]:
    logger = model.logger
    return {
        key: (
            value.item() if isinstance(value, np.number) else value,
            logger.name_to_count.get(key, 0),
            logger.name_to_excluded.get(key, ("",)),
        )
        for key, value in logger.name_to_value.items()
        if isinstance(value, int | float | np.number)
    }
