"""Features that permute the entries of actions."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from hyperrl.errors import UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, TaskSampler
from hyperrl.tasks.vector import BatchedEnv, ContextualSyncEnv, ThreadedEnv
from tests.suite import playable

DOUBLE_INTEGRATOR = "hyperrl-base/double-integrator-v0"


class TwoRows(gym.Env[Any, Any]):
    """Observes the action, (2, 2), that it got."""

    observation_space = gym.spaces.Box(-2.0, 2.0, (2, 2), np.float32)
    action_space = gym.spaces.Box(-1.0, 1.0, (2, 2), np.float32)

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=kwargs.get("seed"))
        return np.zeros((2, 2), np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return np.asarray(action, np.float32), 0.0, False, False, {}


class OtherBounds(TwoRows):
    action_space = gym.spaces.Box(
        np.array([-1.0, -1.0, 0.0], np.float32), np.array([1.0, 1.0, 2.0], np.float32)
    )


def family_of(features: dict[str, Any], base: Any = DOUBLE_INTEGRATOR) -> Family:
    """A family over an id, or over a class."""
    filled = {name: {"about": name, **feature} for name, feature in features.items()}
    text = base if isinstance(base, str) else "Pendulum-v1"
    recipe = parse_family({"name": "mine", "about": "mine", "base": text, "features": filled}, "test")
    return Family(recipe, None if isinstance(base, str) else lambda **kwargs: base())


def orders(*lists: list[int]) -> dict[str, Any]:
    values = list(range(len(lists)))
    return {"default": 0, "train": [0, max(1, values[-1])], "values": values, "permutations": [*lists]}


def test_transitions_are_the_bases_with_the_action_permuted_by_hand() -> None:
    """Of single environments and of a batch, whose environments play different permutations."""
    family = family_of({"axes": orders([0, 1], [1, 0])})
    plain = Family.load("double-integrator").make_default()
    contexts = [{"axes": 1}, {"axes": 0}, {"axes": 1}]
    batch = family.make_vec(3, contexts=contexts)
    assert isinstance(batch, BatchedEnv)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (20, 3, 2)).astype(np.float32)
    batch.reset(seed=[4, 5, 6])
    together = [batch.step(each)[0]["obs"] for each in actions]
    for row, (context, seed) in enumerate(zip(contexts, (4, 5, 6), strict=True)):
        env = family.make_default()
        env.reset(seed=seed, options={"context": context})
        plain.reset(seed=seed)
        for step, action in enumerate(actions[:, row]):
            by_hand = np.array([action[1], action[0]]) if context["axes"] else action
            expected = plain.step(by_hand)
            found = env.step(action)
            np.testing.assert_array_equal(found[0]["obs"], expected[0]["obs"])
            assert found[1:4] == expected[1:4]
            np.testing.assert_array_equal(together[step][row], expected[0]["obs"])


def test_a_factor_belongs_to_an_entry_of_the_bases_action() -> None:
    """The permutation comes before `scales`, in whichever order the file has them."""
    axes, weak = orders([0, 1], [1, 0]), {"default": 1.0, "train": [0.5, 2.0], "scales": "action.0"}
    action, context = np.array([0.25, -0.75], np.float32), {"axes": 1, "weak": 0.5}
    plain = Family.load("double-integrator").make_default()
    plain.reset(seed=1)
    expected = plain.step(np.array([-0.75 * 0.5, 0.25], np.float32))[0]["obs"]
    for features in ({"axes": axes, "weak": weak}, {"weak": weak, "axes": axes}):
        family = family_of(features)
        env, batch = family.make_default(), family.make_vec(1, contexts=[context])
        assert isinstance(batch, BatchedEnv)
        env.reset(seed=1, options={"context": context})
        batch.reset(seed=[1])
        np.testing.assert_array_equal(env.step(action)[0]["obs"], expected)
        np.testing.assert_array_equal(batch.step(action[None])[0]["obs"][0], expected)


def test_entry_i_of_the_bases_action_is_the_one_that_place_i_names() -> None:
    """With a permutation that is not its own inverse, and with actions of two axes."""
    family = family_of({"wires": orders([1, 2, 3, 0], [0, 1, 2, 3])}, TwoRows)
    envs = family.make_vec(2, contexts=[{"wires": 0}, {"wires": 1}])
    assert isinstance(envs, ContextualSyncEnv)
    envs.reset(seed=0)
    action = np.array([[0.1, 0.2], [0.3, 0.4]], np.float32)
    observed = envs.step(np.stack([action, action]))[0]["obs"]
    np.testing.assert_array_equal(observed[0], np.array([[0.2, 0.3], [0.4, 0.1]], np.float32))
    np.testing.assert_array_equal(observed[1], action)
    carriers = [next(iter(env.carriers)) for env in envs.envs]  # type: ignore[attr-defined]
    together = type(carriers[0]).actions(carriers, np.stack([action, action]))
    np.testing.assert_array_equal(together, observed)
    assert together.dtype == np.float32


def test_an_action_is_left_as_it_was() -> None:
    env = family_of({"axes": orders([1, 0])}).make_default()
    env.reset(seed=0)
    action = np.array([0.25, -0.75], np.float32)
    env.step(action)
    np.testing.assert_array_equal(action, np.array([0.25, -0.75], np.float32))


@pytest.mark.parametrize(
    ("base", "lists", "says"),
    [
        (
            "CartPole-v1",
            [[0, 1]],
            r"found for an action of Discrete\(2\); allowed: for a Box of several numbers",
        ),
        (
            "Pendulum-v1",
            [[0, 1]],
            r"found for an action of Box\(-2.0, 2.0, \(1,\).*allowed: for a Box of several",
        ),
        (DOUBLE_INTEGRATOR, [[0, 2, 1]], "found lists of 3 entries; allowed: 2, as an action has"),
        (
            OtherBounds,
            [[0, 1, 2], [2, 1, 0]],
            r"found entry 2 of an action, within \[0.0, 2.0\], in the place of entry 0, within \[-1.0, 1.0\]",
        ),
    ],
)
def test_permuting_what_cannot_be_permuted_is_refused(base: Any, lists: list[list[int]], says: str) -> None:
    family = family_of({"this": orders(*lists)}, base)
    for make in (family.make_default, lambda: family.make_vec(2, contexts=[{}, {}])):
        with pytest.raises(UserError, match=rf"^features.this.permutations: {says}"):
            make()


def test_entries_of_equal_bounds_may_be_exchanged_beside_others() -> None:
    env = family_of({"this": orders([1, 0, 2])}, OtherBounds).make_default()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="reshape"):
        env.step(np.zeros(4, np.float32))


def test_a_value_without_a_permutation_is_refused() -> None:
    family = family_of({"axes": orders([0, 1], [1, 0])})
    message = "context: axes is 0.5; its values: 0, 1"
    with pytest.raises(UserError, match=message):
        family.make_default().reset(options={"context": {"axes": 0.5}})
    with pytest.raises(UserError, match=message):
        family.make_vec(1, contexts=[{"axes": 0.5}])


@pytest.mark.parametrize("name", playable(["half-cheetah-permuted"]))
def test_legs_are_exchanged(name: str) -> None:
    """In single environments and side by side, the inverted motors of exchanged legs too."""
    family = Family.load(name)
    plain = Family.load("half-cheetah-actuator").make_default()
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (10, 6)).astype(np.float32)
    contexts: list[dict[str, float]] = [{"action_sign": -1, "legs": 1}, {"legs": 1}, {"legs": 0}]
    envs = family.make_vec(3, contexts=contexts)
    assert isinstance(envs, ThreadedEnv)
    envs.reset(seed=[0, 0, 0])
    together = [envs.step(np.stack([each] * 3))[0]["obs"] for each in actions]
    for row, context in enumerate(contexts):
        plain.reset(seed=0)
        env = family.make_default()
        env.reset(seed=0, options={"context": context})
        for step, action in enumerate(actions):
            by_hand = action[[3, 4, 5, 0, 1, 2]] if context["legs"] else action
            expected = plain.step(by_hand * np.float32(context.get("action_sign", 1.0)))[0]["obs"]
            np.testing.assert_array_equal(env.step(action)[0]["obs"], expected)
            np.testing.assert_array_equal(together[step][row], expected)


def test_training_tasks_of_all_permutations_come() -> None:
    family = Family.load("double-integrator-permuted")
    envs = family.make_vec(64, sampler=TaskSampler(family.tasks("train"), seed=0))
    observation, infos = envs.reset(seed=0)
    assert {context["axes"] for context in infos["context"]} == {0.0, 1.0}
    assert {tuple(row[:2]) for row in observation["context"]} == {(0.0, 1.0), (1.0, 0.0)}
