"""How a task reaches the base environment, and how it stays there."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv

from hyperrl.errors import BaseEnvironmentError, UserError
from hyperrl.recipes import parse_family
from hyperrl.tasks import Family, TaskSampler, check_family, contextualize
from hyperrl.tasks.carriers import Carrier
from tests.masked import ACTIONS, Masked, masked_family, random_valid
from tests.tasks.bases import Base, family_of_base


def family_of(base: str, features: dict[str, Any], **more: Any) -> Family:
    filled = {name: {"about": name, **feature} for name, feature in features.items()}
    return Family(
        parse_family({"name": "mine", "about": "mine", "base": base, "features": filled, **more}, "test")
    )


def test_infos_carry_raw_values_and_observations_the_descriptor() -> None:
    env = Family.load("pendulum").make(sampler=TaskSampler([{"m": 2.0, "l": 0.5}], seed=0))
    seen, info = env.reset(seed=0)
    assert info["context"] == {"m": 2.0, "l": 0.5, "g": 10.0}
    np.testing.assert_array_equal(seen["context"], np.array([1.0, -1.0, 0.0], np.float32))
    assert set(seen) == {"obs", "context"}
    for step in range(200):
        seen, _, _, truncated, info = env.step(env.action_space.sample())
        assert info == {"task": 0, "context": {"m": 2.0, "l": 0.5, "g": 10.0}}
        assert truncated == (step == 199)
    info["context"]["m"] = 99.0
    assert env.reset()[1]["context"]["m"] == 2.0


def test_a_context_given_to_reset_is_for_that_episode() -> None:
    env = Family.load("ode").make(sampler=TaskSampler([{"c0": 1.0}, {"c0": 5.0}], "round-robin"))
    assert env.reset()[1]["context"] == {"c0": 1.0}
    given = env.reset(options={"context": {"c0": -7.0}, "x": 0.5})
    assert given[1]["context"] == {"c0": -7.0}
    assert given[1]["task"] == -1
    assert given[0]["obs"] == [0.5]
    assert env.reset()[1]["context"] == {"c0": 5.0}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "fast", None])
def test_a_context_that_is_not_finite_is_refused(number: Any) -> None:
    env = Family.load("ode").make_default()
    with pytest.raises(UserError, match=r"c0 is .*a finite number is needed"):
        env.reset(options={"context": {"c0": number}})


@pytest.mark.parametrize("number", [float("nan"), 21.0, "left"])
def test_a_start_outside_the_observation_space_is_refused(number: Any) -> None:
    with pytest.raises(UserError, match=r"reset option 'x' is .*\[-20, 20\]"):
        Family.load("ode").make_default().reset(options={"x": number})


def test_the_context_survives_sb3s_automatic_reset() -> None:
    sampler = TaskSampler([{"force_mag": float(force)} for force in (5, 10, 15)], "round-robin")
    family = Family.load("cartpole")
    envs = DummyVecEnv([lambda: family.make(sampler=sampler)] * 2)
    envs.seed(0)
    envs.reset()
    played = [[env.base.force_mag] for env in envs.envs]  # type: ignore[attr-defined]
    for _ in range(60):
        seen, _, dones, infos = envs.step(np.ones(2, int))
        for i in np.flatnonzero(dones):
            assert infos[i]["context"]["force_mag"] == played[i][-1]
            played[i].append(envs.envs[i].base.force_mag)  # type: ignore[attr-defined]
        assert isinstance(seen, dict)
        expected = [2 * (forces[-1] - 5) / 15 - 1 for forces in played]
        np.testing.assert_allclose(seen["context"][:, 4], expected, rtol=1e-6)
    assert min(map(len, played)) >= 4
    assert sum(sampler.finished) == sum(map(len, played)) - 2


def test_an_owned_sampler_is_seeded_by_reset_and_a_shared_one_is_not() -> None:
    family = Family.load("cartpole")
    env = family.make()
    draws = [[env.reset(seed=3)[1]["task"], *(env.reset()[1]["task"] for _ in range(9))] for _ in range(2)]
    assert draws[0] == draws[1]
    assert len(set(draws[0])) > 3
    shared = TaskSampler(family.tasks("train"), "round-robin")
    env = family.make(sampler=shared)
    assert [env.reset(seed=0)[1]["task"] for _ in range(3)] == [0, 1, 2]


def signed(**more: Any) -> dict[str, Any]:
    return {"default": 1.0, "train": [-1.0, 1.0], **more}


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        (signed(physics="mass"), "'physics' needs a MuJoCo or Box2D simulator; PendulumEnv has neither"),
        (signed(reward="velocity"), "'reward: velocity' needs 'x_velocity'"),
    ],
)
def test_a_base_without_what_carries_the_feature_is_refused(feature: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        check_family(family_of("Pendulum-v1", {"this": feature}))


def test_spaces_that_change_with_the_task_are_refused() -> None:
    """Networks have one size; the action's would else be noticed by whoever plays, or never."""

    class Growing(Base):
        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            self.action_space = spaces.Discrete(round(self.gain) + 1)
            return super().reset(seed=seed)

    family = contextualize(lambda: Growing(action_space=spaces.Discrete(2)), {"gain": {"train": [0.5, 2.0]}})
    env = family.make()
    env.reset(options={"context": {"gain": 1.0}})
    says = r"its action_space is Discrete\(3\); allowed: the other tasks', Discrete\(2\)"
    with pytest.raises(BaseEnvironmentError, match=says):
        env.reset(options={"context": {"gain": 2.0}})
    with pytest.raises(UserError, match="its action_space is"):
        check_family(family)


def raising(error: BaseException) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


ENDED = gym.error.ResetNeeded("the episode has ended")


@pytest.mark.parametrize(
    "error", [ValueError("too far"), SystemExit(0), StopIteration(), KeyError("x"), ENDED, BaseException("!")]
)
def test_a_failing_base_is_named_with_task_and_step(error: BaseException) -> None:
    env = family_of_base(fails=raising(error)).make()
    env.reset(options={"context": {"gain": 1.5}})
    env.step(np.zeros(1, np.float32))
    where = r"test_env.py, line \d+\) \(task gain=1.5, step 2 of an episode\)$"
    said = rf"^the base environment failed: {type(error).__name__}.*{where}"
    with pytest.raises(BaseEnvironmentError, match=said) as told:
        env.step(np.zeros(1, np.float32))
    assert "in fail\n" in told.value.trace


@pytest.mark.parametrize(("reads", "when"), [(False, "attributes are read"), (True, "the task is set")])
def test_a_property_that_fails_is_the_bases_failure(reads: bool, when: str) -> None:
    class Guarded(Base):
        @property
        def load(self) -> float:
            if not reads:
                raise RuntimeError("not ready")
            return 1.0

        @load.setter
        def load(self, value: float) -> None:
            raise RuntimeError("too much")

    with pytest.raises(BaseEnvironmentError, match=rf"RuntimeError: .*\(task load=1, as .*{when}\)$"):
        contextualize(Guarded, {"load": {"train": [0.5, 2.0], "default": 1.0}}).make()


@pytest.mark.parametrize("error", [UserError("mine"), KeyboardInterrupt()])
def test_what_is_not_the_bases_failure_stays_what_it_is(error: BaseException) -> None:
    env = family_of_base(fails=raising(error)).make()
    env.reset()
    env.step(np.zeros(1, np.float32))
    with pytest.raises(type(error)):
        env.step(np.zeros(1, np.float32))


def test_a_step_before_the_first_reset_is_the_callers_mistake() -> None:
    with pytest.raises(gym.error.ResetNeeded):
        gym.make("hyperrl/pendulum-v0").unwrapped.step(np.zeros(1, np.float32))


def test_a_base_that_cannot_draw_is_named() -> None:
    env = family_of_base().make()
    env.reset()
    with pytest.raises(BaseEnvironmentError, match=r"NotImplementedError.*a picture"):
        env.render()


def test_a_space_that_a_task_changes_is_refused() -> None:
    class Growing(Base):
        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            self.observation_space = spaces.Box(-9, 9, (int(self.gain),), np.float32)
            super().reset(seed=seed)
            return np.zeros(int(self.gain), np.float32), {}

    features = {"gain": {"train": [1, 3], "values": [1, 2, 3], "at": "reset", "default": 2}}
    splits = {
        "train": {"list": [{"gain": 1}]},
        "validation": {"list": [{"gain": 2}]},
        "interpolation": {"list": [{"gain": 3}]},
    }
    with pytest.raises(
        UserError, match=r"feature 'gain' at 1: .*has shape \(1,\); allowed: \(2,\), as its space"
    ):
        check_family(contextualize(Growing, features, splits=splits))


@pytest.mark.parametrize("by", ["method", "info"])
@pytest.mark.parametrize("actions", ACTIONS)
def test_masks_are_the_bases_by_either_convention(actions: str, by: str) -> None:
    """An entry belongs to the choice in its place, whichever number the base counts from."""
    env, base, rng = masked_family(actions, by).make_default(), Masked(actions, by), np.random.default_rng(0)
    assert env.has_wrapper_attr("action_masks") == (by == "method")
    env.reset(seed=4)
    base.reset(seed=4)
    for _ in range(9):
        mask = env.action_masks()
        np.testing.assert_array_equal(mask, base.mask)
        assert mask.dtype == np.bool_
        (action,) = random_valid(mask[None], actions, rng)
        mask[:] = False
        assert env.action_masks().any()
        env.step(action)
        base.step(action + getattr(base.action_space, "start", 0))
    assert env.has_wrapper_attr("action_masks")


def test_a_base_without_masks_has_no_such_method() -> None:
    env = Family.load("cartpole").make_default()
    env.reset(seed=0)
    assert not env.has_wrapper_attr("action_masks")
    with pytest.raises(AttributeError, match="CartPoleEnv has no action masks"):
        _ = env.action_masks


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (
            np.zeros(4),
            r"its action mask: found no valid choice; allowed: at least one for each part of an action",
        ),
        (np.ones(5), r"its action mask: found shape \(5,\); allowed: \(4,\), an entry for each choice"),
        (np.ones((1, 5)), r"its action mask: found shape \(1, 5\)"),
        (None, "its action mask: found NoneType; allowed: an array of 4 truth values"),
    ],
)
def test_an_illegal_mask_is_the_bases_failure(mask: Any, says: str) -> None:
    env = masked_family().make_default()
    env.reset(seed=0)
    (action,) = random_valid(env.action_masks()[None], "discrete", np.random.default_rng(0))
    env.step(action)
    env.base.mask = mask  # type: ignore[attr-defined]
    where = r" \(task pay=1, the action mask of step 2 of an episode\)$"
    with pytest.raises(BaseEnvironmentError, match=f"^the base environment failed: {says}.*{where}"):
        env.action_masks()


def test_a_mask_that_an_info_lacks_is_the_bases_failure() -> None:
    class Forgetful(Masked):
        def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
            return *super().step(action)[:4], {}

    env = contextualize(lambda: Forgetful(by="info"), {"pay": {"default": 1.0, "train": [0.5, 2.0]}}).make()
    env.reset(seed=0)
    (action,) = random_valid(env.action_masks()[None], "discrete", np.random.default_rng(0))
    env.step(action)
    with pytest.raises(BaseEnvironmentError, match="its info has no 'action_mask'; allowed: one in each, as"):
        env.action_masks()


def test_a_method_of_the_base_that_fails_is_its_failure() -> None:
    env = masked_family().make_default()
    env.reset(seed=0)
    env.base.action_masks = lambda: 1 / 0  # type: ignore[attr-defined]
    with pytest.raises(BaseEnvironmentError, match="ZeroDivisionError: division by zero"):
        env.action_masks()


def test_a_carrier_of_actions_changes_masks_or_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    env = masked_family().make_default()
    env.reset(seed=0)
    mask = env.action_masks()

    class Reversing(Carrier):
        def action(self, action: Any) -> Any:
            return 3 - action

    carrier = Reversing({}, {})
    monkeypatch.setattr(env, "_acting", [carrier])
    with pytest.raises(UserError, match="Reversing changes actions and no masks; allowed: a method 'mask'"):
        env.action_masks()
    monkeypatch.setattr(Reversing, "mask", lambda self, mask: mask[::-1])
    np.testing.assert_array_equal(env.action_masks(), mask[::-1])
    (action,) = random_valid(env.action_masks()[None], "discrete", np.random.default_rng(0))
    env.step(action)


@pytest.mark.parametrize(
    "name", ["acrobot", "hopper-dynamics", "pendulum-actuator", "half-cheetah-velocity", "lunar-lander"]
)
def test_a_closed_environment_is_freed_without_the_garbage_collector(name: str) -> None:
    family = Family.load(name)
    gc.collect()
    gc.disable()  # It runs rarely, and knows nothing of the megabytes that a simulator takes.
    try:
        single, batch = family.make_default(), family.make_vec(2)
        bases = [weakref.ref(env.base) for env in (single, *getattr(batch, "envs", []))]
        single.close()
        batch.close()
        del single, batch
        assert [base() for base in bases] == [None] * len(bases)
    finally:
        gc.enable()
