"""Agents that identify tasks episode by episode."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import BaseEnvironmentError
from hyperrl.evaluation import Policy, evaluate_tasks
from hyperrl.identify.adaptation import AdaptedTask, adapt_tasks
from hyperrl.identify.dynamics_model import DynamicsModel
from hyperrl.identify.inference import Settings
from hyperrl.identify.models import IdentificationModel
from hyperrl.recipes import FamilyRecipe
from hyperrl.tasks import Family, contextualize

SETTINGS = Settings(particles=60, seed=3)


def control(observation: dict[str, Any]) -> Any:
    """Drives ode's x to 0 where the sign of the context that is observed is right."""
    push = -np.sign(observation["context"]) * np.clip(20 * observation["obs"], -1, 1)
    return np.concatenate([push, np.zeros_like(push)], axis=1)


def adapted(name: str, contexts: list[dict[str, float]], policy: Policy = control, **options: Any) -> Any:
    family = Family.load(name)
    model = IdentificationModel("dynamics", lambda data: DynamicsModel(family, data))
    return adapt_tasks(policy, family, contexts, model, SETTINGS, **{"episodes": 2, **options})


def test_the_estimate_of_an_episode_is_what_the_next_one_observes() -> None:
    task: AdaptedTask
    (task,) = adapted("ode", [{"c0": -3.0}], episodes=3)
    assert [dict(seen) for seen in task.observed if seen is not None] == [
        {"c0": 1.0}, dict(task.estimates[0].context), dict(task.estimates[1].context)
    ]  # fmt: skip
    assert task.estimates[0].context["c0"] == pytest.approx(-3, rel=1e-4)
    assert task.returns[0] < 5
    assert task.returns[1:] == pytest.approx(task.with_context.returns[1:], abs=1)
    assert task.returns[1] > 150
    assert task.lengths == (200, 200, 200)
    assert task.split == "interpolation"


def test_returns_with_the_true_context_are_those_of_an_evaluation() -> None:
    (task,) = adapted("double-integrator", [{"mass": 0.8}], constant)
    (exact,) = evaluate_tasks(
        constant, Family.load("double-integrator"), [{"mass": 0.8}], episodes=2, seed=SETTINGS.seed
    )
    assert task.with_context == exact
    assert task.returns == tuple(exact.returns)  # what does not look at the context does the same


def constant(observation: dict[str, Any]) -> Any:
    return np.full((len(observation["obs"]), 2), 0.5, np.float32)


def test_all_transitions_so_far_are_used_rewards_among_them() -> None:
    family, seen = Family.load("ode"), []

    def model(data: Any) -> DynamicsModel:
        seen.append((len(data), data.episodes, data.rewards is not None))
        return DynamicsModel(family, data)

    settings = Settings(particles=50, most=300)
    adapt_tasks(control, family, [{"c0": 2.0}], IdentificationModel("dynamics", model), settings, episodes=3)
    assert seen == [(200, 1, True), (300, 2, True), (300, 3, True)]


def test_between_chosen_episodes_the_estimate_stays() -> None:
    counts: list[int] = []
    family = Family.load("ode")

    def model(data: Any) -> DynamicsModel:
        counts.append(data.episodes)
        return DynamicsModel(family, data)

    (task,) = adapt_tasks(
        control, family, [{"c0": 2.0}], IdentificationModel("dynamics", model), Settings(particles=50),
        episodes=4, after=[3],
    )  # fmt: skip
    assert counts == [1, 3]
    assert task.estimates[1] is task.estimates[0]
    assert task.observed[1:] == (task.estimates[0].context,) * 2 + (task.estimates[2].context,)


def test_tasks_do_not_influence_each_other() -> None:
    for first in ("default", "explore"):
        one = adapted("ode", [{"c0": 2.0}], first=first)
        both = adapted("ode", [{"c0": -3.0}, {"c0": 2.0}], first=first)
        assert both[1].returns == one[0].returns
        assert dict(both[1].estimates[-1].context) == dict(one[0].estimates[-1].context)


def test_the_first_episode_may_explore() -> None:
    (task,) = adapted("ode", [{"c0": -3.0}], first="explore")
    assert task.observed[0] is None
    assert task.estimates[0].context["c0"] == pytest.approx(-3, rel=1e-4)
    assert task.returns[1] > 150


def test_random_actions_are_valid_where_there_are_masks(tmp_path: Path) -> None:
    from hyperrl import api
    from tests.runs import untrained

    run = untrained(tmp_path / "run", "hyper-maskable-ppo", "wall-gap")
    found = api.adapt(run, contexts=[{"near": 0.0}], episodes=1, first="explore", particles=50, save=False)
    assert found.tasks[0].lengths[0] > 1


class Failing(gym.Env[Any, Any]):
    """Its fifth step fails."""

    observation_space = gym.spaces.Box(-1, 1, (1,), np.float32)
    action_space = gym.spaces.Box(-1, 1, (1,), np.float32)
    gain, steps = 1.0, 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        return np.zeros(1, np.float32), 1.0 / (5 - self.steps), self.steps == 9, False, {}


def test_a_base_environment_that_fails_is_named() -> None:
    family = contextualize(Failing, {"gain": {"default": 1.0, "train": [0.5, 2.0]}}, max_steps=9)
    model = IdentificationModel("learned", lambda data: DynamicsModel(family, data))
    with pytest.raises(BaseEnvironmentError, match=r"ZeroDivisionError.*task gain=2, step 5 of an episode"):
        adapt_tasks(still, family, [{"gain": 2.0}], model, SETTINGS, episodes=1)


def still(observation: dict[str, Any]) -> Any:
    return np.zeros((len(observation["obs"]), 1), np.float32)


def test_a_hyperparameter_is_given() -> None:
    recipe = Family.load("ode").recipe.model_dump(mode="json", by_alias=True, exclude_none=True)
    gamma = {"about": "g", "default": 0.99, "train": [0.9, 0.99], "hyperparameter": "gamma"}
    features = {**recipe["features"], "gamma": gamma}
    splits = {"train": {"list": [{"c0": 1}]}}
    family = Family(FamilyRecipe.parse({**recipe, "features": features, "splits": splits}, "ode"))
    seen: list[float] = []

    def policy(observation: dict[str, Any]) -> Any:
        seen.extend(observation["context"][:, 1].tolist())
        return np.zeros((len(observation["obs"]), 2), np.float32)

    model = IdentificationModel("dynamics", lambda data: DynamicsModel(family, data))
    (task,) = adapt_tasks(policy, family, [{"c0": -3, "gamma": 0.9}], model, SETTINGS, episodes=2)
    assert [each["gamma"] for each in task.observed if each is not None] == [0.9, 0.9]
    assert set(seen) == {-1.0}


def test_progress_counts_identifications() -> None:
    steps: list[tuple[int, int]] = []
    adapted("ode", [{"c0": 1.0}, {"c0": 2.0}], progress=lambda *each: steps.append(each))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
