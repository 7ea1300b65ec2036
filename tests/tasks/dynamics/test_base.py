"""Each feature of each shipped family against the textbook's equation with that feature in it."""

from typing import Any

import numpy as np
import pytest

from hyperrl.tasks import ContextualEnv, Family
from hyperrl.tasks.vector import BatchedEnv
from tests.suite import PLAIN
from tests.tasks.dynamics.textbook import EQUATIONS
from tests.tasks.vector.test_batched import BATCHED

FAMILIES = [Family.load(name) for name in PLAIN]


CASES = [(family, feature) for family in FAMILIES for feature in family.space.names]


def state_of(env: ContextualEnv) -> Any:
    return env.base.state if hasattr(env.base, "state") else env.base._trail[-1]  # type: ignore[attr-defined]


def angle_blind(name: str, state: Any) -> Any:
    """Acrobot's angles modulo a turn: at the seam either end is right."""
    if name != "acrobot":
        return state
    return [*np.cos(state[:2]), *np.sin(state[:2]), *state[2:]]


def test_every_shipped_family_has_its_equation() -> None:
    assert set(EQUATIONS) == set(PLAIN)


@pytest.mark.parametrize(("family", "feature"), CASES, ids=[f"{f.name}-{x}" for f, x in CASES])
def test_the_transition_is_the_textbooks(family: Family, feature: str) -> None:
    low, high = family.space.features[feature].widest
    values = family.space.features[feature].values or (low, (low + 2 * high) / 3, high)
    env = family.make_default()
    equation: Any = EQUATIONS[family.name]
    for value in values:
        context = {**family.space.default, feature: float(value)}
        env.reset(seed=1, options={"context": context})
        env.action_space.seed(1)
        for _ in range(40):
            before, action = np.array(state_of(env), np.float64), env.action_space.sample()
            expected, reward = equation(before.tolist(), action.tolist(), context)
            _, found, terminated, truncated, _ = env.step(action)
            np.testing.assert_allclose(
                angle_blind(family.name, state_of(env)),
                angle_blind(family.name, expected),
                rtol=1e-5,
                atol=1e-7,
            )
            assert found == pytest.approx(reward, rel=1e-6, abs=1e-9)
            if terminated or truncated:
                break
    env.close()


@pytest.mark.parametrize(("family", "feature"), CASES, ids=[f"{f.name}-{x}" for f, x in CASES])
def test_the_equation_depends_on_the_feature(family: Family, feature: str) -> None:
    """The equations above are not blind to a feature either: each moves when that feature alone moves."""
    equation: Any = EQUATIONS[family.name]
    low, high = family.space.features[feature].train
    outcomes = []
    for value in (low + 0.1 * (high - low), high - 0.1 * (high - low)):
        env = family.make_default()
        env.reset(seed=1)
        env.action_space.seed(2)
        state, passed = np.array(state_of(env), np.float64).tolist(), []
        for _ in range(400):  # until a wall is reached
            context = {**family.space.default, feature: value}
            state, reward = equation(state, env.action_space.sample().tolist(), context)
            passed.append([*state, reward])
        outcomes.append(passed)
        env.close()
    assert outcomes[0] != outcomes[1]


def test_starts_of_our_own_environments() -> None:
    starts = {
        name: Family.load(name).make_vec(200, contexts=[{}] * 200).reset(seed=0)[0]["obs"]
        for name in ("ode", "point-goal", "double-integrator")
    }
    assert np.abs(starts["ode"]).max() <= 1
    assert starts["ode"].min() < -0.9
    assert starts["ode"].max() > 0.9
    assert np.abs(starts["point-goal"][:, :2]).max() <= 0.1
    assert (starts["point-goal"][:, 2:] == 0).all()
    corners = starts["double-integrator"]
    sizes = np.abs(corners[:, :2])
    assert 0.8 <= sizes.min() < 0.82
    assert 0.98 < sizes.max() <= 1.0
    assert {tuple(row) for row in np.sign(corners[:, :2])} == {(-1, -1), (-1, 1), (1, -1), (1, 1)}
    assert (corners[:, 2:] == 0).all()


@pytest.mark.parametrize("name", ["point-goal", "double-integrator", "double-integrator-friction"])
def test_a_start_is_given_coordinate_by_coordinate(name: str) -> None:
    env = Family.load(name).make_default()
    drawn = env.reset(seed=3)[0]["obs"]
    for axis, options in enumerate(({"x": 0.0625}, {"y": 0.0625})):
        found = env.reset(seed=3, options=options)[0]["obs"]
        assert found[axis] == 0.0625
        np.testing.assert_array_equal(np.delete(found, axis), np.delete(drawn, axis))


@pytest.mark.parametrize("name", BATCHED)
def test_states_are_restored_from_what_is_observed(name: str) -> None:
    """A step from the restored state is the environment's own, and an observation of it the same."""
    family = Family.load(name)
    dynamics = family.dynamics()
    assert dynamics is not None
    env = family.make_vec(3, contexts=family.tasks("train")[:3])
    assert isinstance(env, BatchedEnv)
    observation, _ = env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(10):
        observation, *_ = env.step(env.action_space.sample())
    state = dynamics.restore(observation)
    own = env.get_state()["state"]
    assert state.shape == own.shape
    np.testing.assert_array_equal(dynamics.observe(own), observation[dynamics.part])
    np.testing.assert_allclose(dynamics.observe(state), observation[dynamics.part], atol=1e-6)
    np.testing.assert_allclose(np.sin(state), np.sin(own), atol=1e-5)
