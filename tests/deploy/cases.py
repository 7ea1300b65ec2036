"""Runs of every target and space, a few steps old, their parameters moved away from the start."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm

from hyperrl import UserError, load_specialist
from hyperrl.deploy.extract import extract_specialist
from hyperrl.deploy.plan import Specialist
from hyperrl.evaluation import ModelPolicy
from hyperrl.policies.registry import view
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family, contextualize
from hyperrl.tasks.spaces import choices_of
from hyperrl.training.build import bare_model, training_descriptors
from tests.policies.worlds import disturb

ROWS = 10_000
IMAGES = 200


class Custom(gym.Env[Any, Any]):
    """An environment of given spaces with one attribute to vary; it is never played."""

    def __init__(self, seen: spaces.Space[Any], done: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space, self.gravity = seen, done, 1.0


def custom(seen: spaces.Space[Any], done: spaces.Space[Any]) -> Family:
    return contextualize(lambda: Custom(seen, done), features={"gravity": {"train": [0.5, 2.0]}})


VECTOR = spaces.Box(-2, 2, (4,), np.float32)
BOX = spaces.Box(np.array([-1.0, -3.0], np.float32), np.array([2.0, 0.5], np.float32))
IMAGE = spaces.Box(0, 255, (36, 36, 1), np.uint8)
MATRIX = spaces.Box(-2, 2, (2, 3), np.float32)
NORMALIZED = "normalize={clip_obs: 1.2}"


@dataclass(frozen=True)
class Case:
    """An agent on a family, and how many observations it is tried on."""

    agent: str
    family: str | tuple[spaces.Space[Any], spaces.Space[Any]]
    overrides: tuple[str, ...] = ()
    rows: int = ROWS
    seed: int = 1


def hyper(**fields: Any) -> tuple[str, ...]:
    return tuple(f"policy.hypernetwork.{name}={value}" for name, value in fields.items())


CASES = {
    "ppo": Case("hyper-ppo", "pendulum"),
    "ppo full": Case("hyper-ppo-full", "pendulum"),
    "ppo discrete": Case("hyper-ppo", "cartpole", seed=3),
    "ppo bounds": Case("hyper-ppo", (VECTOR, BOX)),
    "ppo matrix": Case("hyper-ppo", (VECTOR, spaces.Box(-2.0, 1.0, (2, 3), np.float32))),
    "ppo multi-discrete": Case("hyper-ppo", (VECTOR, spaces.MultiDiscrete([2, 3])), seed=3),
    "ppo multi-binary": Case("hyper-ppo", (VECTOR, spaces.MultiBinary(3))),
    "ppo gSDE": Case("hyper-ppo", "pendulum", ("algorithm.use_sde=true",)),
    "ppo layer norm": Case("hyper-ppo", "pendulum", ("policy.layer_norm=true",)),
    "ppo residual": Case("hyper-ppo", "pendulum", ("policy.residual=true", "policy.layer_norm=true")),
    "ppo gelu": Case("hyper-ppo", "pendulum", ("policy.activation_fn=gelu",)),
    "ppo silu": Case("hyper-ppo", "pendulum", ("policy.activation_fn=silu",)),
    "ppo elu": Case("hyper-ppo", "pendulum", ("policy.activation_fn=elu",)),
    "ppo adapter": Case("hyper-ppo", "pendulum", hyper(strategy="adapter", adapter_activation="relu")),
    "ppo no hidden": Case("hyper-ppo", "pendulum", ("policy.net_arch=[]",)),
    "ppo embedding, noise": Case("hyper-ppo", "pendulum", hyper(inputs="[context, embedding, noise]")),
    "ppo discrete observations": Case("hyper-ppo", (spaces.Discrete(5), BOX)),
    "ppo several integers": Case("hyper-ppo", (spaces.MultiDiscrete([2, 3]), BOX)),
    "ppo short integers": Case("hyper-ppo", (spaces.Box(0, 9, (4,), np.uint16), BOX)),
    "ppo dictionary": Case(
        "hyper-ppo", (spaces.Dict(place=VECTOR, tile=spaces.Discrete(4), buttons=spaces.MultiBinary(2)), BOX)
    ),
    "ppo image": Case("hyper-ppo", (IMAGE, BOX), rows=IMAGES),
    "ppo generated convolutions": Case(
        "hyper-ppo", (IMAGE, BOX), ("policy.convolutions=[[4, 3, 2], [6, 3, 2]]",), rows=IMAGES
    ),
    "ppo Nature's convolutions": Case(
        "hyper-ppo",
        (IMAGE, BOX),
        ("policy.convolutions=[[32, 8, 4], [64, 4, 2], [64, 3, 1]]", "policy.activation_fn=relu"),
        rows=IMAGES,
    ),
    "ppo normalized": Case("hyper-ppo", "pendulum", (NORMALIZED,)),
    "ppo normalized dictionary": Case(
        "hyper-ppo",
        (spaces.Dict(place=spaces.Box(-2, 2, (4,), np.float64), tile=spaces.Discrete(4), size=MATRIX), BOX),
        (NORMALIZED,),
    ),
    "ppo normalized beside an image": Case(
        "hyper-ppo", (spaces.Dict(place=VECTOR, image=IMAGE), BOX), (NORMALIZED,), rows=IMAGES
    ),
    "concat sac normalized": Case("concat-sac", (VECTOR, BOX), (NORMALIZED,)),
    "blind dqn normalized": Case("blind-dqn", "cartpole", (NORMALIZED,), seed=3),
    "a2c": Case("hyper-a2c", "cartpole", seed=3),
    "sac": Case("hyper-sac", (VECTOR, BOX)),
    "sac gSDE": Case("hyper-sac", "pendulum", ("algorithm.use_sde=true",)),
    "td3": Case("hyper-td3", (VECTOR, BOX)),
    "dqn": Case("hyper-dqn", "cartpole"),
    "concat ppo": Case("concat-ppo", "pendulum"),
    "concat ppo image": Case("concat-ppo", (IMAGE, BOX), rows=IMAGES),
    "concat ppo dictionary": Case("concat-ppo", (spaces.Dict(a=VECTOR, tile=spaces.Discrete(4)), BOX)),
    "concat sac": Case("concat-sac", (VECTOR, BOX)),
    "concat td3": Case("concat-td3", (VECTOR, BOX)),
    "concat dqn": Case("concat-dqn", "cartpole"),
    "blind ppo": Case("blind-ppo", "cartpole"),
    "blind sac": Case("blind-sac", "pendulum"),
    "blind td3": Case("blind-td3", "pendulum"),
    "blind dqn": Case("blind-dqn", "cartpole", seed=3),
    "a2c image": Case("hyper-a2c", (IMAGE, spaces.Discrete(3)), rows=IMAGES, seed=2),
    "sac image": Case("hyper-sac", (IMAGE, BOX), rows=IMAGES),
    "td3 image": Case("hyper-td3", (IMAGE, BOX), rows=IMAGES),
    "dqn image": Case("hyper-dqn", (IMAGE, spaces.Discrete(3)), rows=IMAGES, seed=1),
    "concat sac image": Case("concat-sac", (IMAGE, BOX), rows=IMAGES),
    "concat dqn image": Case("concat-dqn", (IMAGE, spaces.Discrete(3)), rows=IMAGES),
    "blind ppo image": Case("blind-ppo", (IMAGE, BOX), rows=IMAGES),
    "maskable ppo": Case("hyper-maskable-ppo", "wall-gap", seed=8),
    "maskable ppo multi-discrete": Case("hyper-maskable-ppo", (VECTOR, spaces.MultiDiscrete([2, 3])), seed=8),
    "maskable ppo multi-binary": Case("hyper-maskable-ppo", (VECTOR, spaces.MultiBinary(3)), seed=2),
    "concat maskable ppo": Case("concat-maskable-ppo", (VECTOR, spaces.MultiBinary(3))),
    "blind maskable ppo": Case("blind-maskable-ppo", "wall-gap", seed=2),
    "tqc": Case("hyper-tqc", (VECTOR, BOX)),
    "tqc image": Case("hyper-tqc", (IMAGE, BOX), rows=IMAGES),
    "crossq": Case("hyper-crossq", (VECTOR, BOX)),
    "trpo": Case("hyper-trpo", "pendulum"),
    "trpo discrete": Case("hyper-trpo", "cartpole", seed=2),
    "qrdqn": Case("hyper-qrdqn", "cartpole", seed=5),
    "qrdqn image": Case("hyper-qrdqn", (IMAGE, spaces.Discrete(3)), rows=IMAGES, seed=2),
    "concat tqc": Case("concat-tqc", (VECTOR, BOX)),
    "concat crossq": Case("concat-crossq", (VECTOR, BOX)),
    "concat trpo": Case("concat-trpo", "pendulum"),
    "concat qrdqn": Case("concat-qrdqn", "cartpole"),
    "blind tqc": Case("blind-tqc", "pendulum"),
    "blind trpo": Case("blind-trpo", "pendulum"),
    "blind qrdqn": Case("blind-qrdqn", "cartpole"),
}
"""Every kind of target, action and observation."""


@dataclass(frozen=True)
class Example:
    """A model, its specialist on one task, observations and what the model does there."""

    model: BaseAlgorithm
    family: Family
    context: dict[str, float]
    specialist: Specialist
    observations: Any
    actions: NDArray[Any]


CONTRIBUTED = ("tqc", "crossq", "trpo", "qrdqn", "maskable-ppo")
MASKED = [name for name in CASES if "maskable" in name]


@cache
def example(name: str) -> Example:
    case = CASES[name]
    if case.agent.endswith(CONTRIBUTED):
        pytest.importorskip("sb3_contrib", reason="needs the extra contrib")
    family = Family.load(case.family) if isinstance(case.family, str) else custom(*case.family)
    small = () if "policy.net_arch=[]" in case.overrides else ("policy.net_arch=[16, 16]",)
    recipe = resolve(load_agent(case.agent), family.recipe, (*small, *case.overrides))
    torch.manual_seed(case.seed)
    model = bare_model(
        recipe,
        family.observation_space,
        family.action_space,
        to_learn=False,
        descriptors=training_descriptors(recipe, family),
    )
    disturb(model.policy)
    set_statistics(model)
    context = {name: low + 0.3 * (high - low) for name, (low, high) in _ranges(family).items()}
    seen = observations_of(family, case.rows)
    descriptor = family.space.descriptors([context])
    batch = {**seen, "context": np.repeat(descriptor, case.rows, axis=0)}
    actions = ModelPolicy(model)(batch)
    found = extract_specialist(model, case.agent, family, context)
    observations = next(iter(seen.values())) if len(seen) == 1 else seen
    return Example(model, family, context, found, observations, actions)


def set_statistics(model: BaseAlgorithm) -> None:
    """Statistics as of observations around 0.5, where the model has any."""
    normalization = view(model).normalization
    for part in [] if normalization is None else normalization.parts.values():
        part.mean.uniform_(0.3, 0.7)
        part.var.uniform_(0.2, 3.0)


def _ranges(family: Family) -> dict[str, tuple[float, float]]:
    return {name: feature.train for name, feature in family.space.features.items()}


def observations_of(family: Family, rows: int, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Random observations, those without bounds within [-3, 3]; images from dark to bright."""
    space = family.observation_space
    assert isinstance(space, spaces.Dict)
    parts = {name: _within(part) for name, part in space.spaces.items() if name != "context"}
    batch: Any = batch_space(spaces.Dict(parts), rows)
    batch.seed(seed)
    light = np.linspace(0, 1, rows)[:, None, None, None]
    return {
        name: (part * light).astype(np.uint8) if part.dtype == np.uint8 else part
        for name, part in batch.sample().items()
    }


def _within(space: spaces.Space[Any]) -> spaces.Space[Any]:
    if not isinstance(space, spaces.Box) or space.dtype.kind != "f":
        return space
    return spaces.Box(np.clip(space.low, -3, 3), np.clip(space.high, -3, 3), dtype=space.dtype.type)


def masked_example(name: str) -> tuple[Example, NDArray[np.bool_], NDArray[Any]]:
    """An example that takes masks, random masks of its observations, and what the model does by them."""
    made, sizes = example(name), choices_of(example(name).family.action_space)
    rng, rows = np.random.default_rng(0), len(made.actions)
    masks = rng.random((rows, sum(sizes))) < 0.5
    for start, size in zip(np.cumsum((0, *sizes[:-1])), sizes, strict=True):
        masks[np.arange(rows), start + rng.integers(size, size=rows)] = True
    seen = made.observations if isinstance(made.observations, dict) else {"obs": made.observations}
    context = np.repeat(made.family.space.descriptors([made.context]), rows, axis=0)
    wanted = ModelPolicy(made.model)({**seen, "context": context}, masks)
    return made, masks, wanted


def assert_masked(made: Example, masks: NDArray[np.bool_], wanted: NDArray[Any], actions: Any) -> None:
    """No masked choice is made; the agent's own are, but where two outputs tie to single precision."""
    sizes = choices_of(made.family.action_space)
    places = np.cumsum((0, *sizes[:-1])) + np.reshape(actions, (len(masks), -1))
    assert np.take_along_axis(masks, places.astype(np.int64), axis=1).all()
    assert actions.dtype == np.int64
    assert actions.shape == wanted.shape
    assert np.mean(actions == wanted) > 1 - 2e-4
    assert np.mean(actions == made.actions) < 0.9


def assert_agrees(made: Example, actions: NDArray[Any], rows: slice = slice(None)) -> None:
    """To 1e-5 of the largest action; integers the same but where two outputs tie to single precision."""
    wanted = made.actions[rows]
    assert actions.shape == wanted.shape
    if wanted.dtype.kind == "f" and made.specialist.plan.action.rule in ("clip", "unscale"):
        assert actions.dtype == np.float32
        np.testing.assert_allclose(actions, wanted, atol=1e-5, rtol=0)
        assert np.ptp(wanted) > 1e-3
    else:
        assert actions.dtype == np.int64
        assert np.mean(actions == wanted) > 1 - 2e-4
        assert len(np.unique(wanted, axis=0)) > 1


def bytes_with_plan(plan: Any, arrays: Any = None) -> bytes:
    """A file whose description was changed by hand."""
    from safetensors.numpy import save

    own = example("ppo").specialist.arrays
    return bytes(save(own if arrays is None else arrays, {"specialist": json.dumps(plan)}))


def plan_json(name: str = "ppo") -> Any:
    return json.loads(example(name).specialist.plan.model_dump_json())


def assert_refused(data: bytes, path: Path, says: str) -> None:
    path.write_bytes(data)
    with pytest.raises(UserError, match=says):
        load_specialist(path)
