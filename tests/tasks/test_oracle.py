"""The oracle of the ode families: the published table, brute force, what the environment really pays."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hyperrl.evaluation import evaluate_tasks
from hyperrl.evaluation.zero_shot import start_seeds
from hyperrl.tasks import Family
from hyperrl.tasks.oracle import fastest_rise, ode_return
from tests.evaluation.conftest import drive

TABLE = [0.050, 0.609, 0.806, 0.872, 0.904, 0.926, 0.937, 0.946, 0.953, 0.958, 0.962]


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("size", "mean"), list(enumerate(TABLE)))
def test_the_published_table(size: int, mean: float, sign: int) -> None:
    found = Family.load("ode").oracle({"c0": sign * size})
    assert found is not None
    assert round(found / 200, 3) == pytest.approx(mean)


@given(c0=st.floats(-10, 10), c1=st.floats(-10, 10), force=st.sampled_from([1.0, 10.0]))
def test_no_action_rises_faster(c0: float, c1: float, force: float) -> None:
    axis = force * np.linspace(-1, 1, 201)
    real, imaginary = np.meshgrid(axis, axis)
    z = real + 1j * imaginary
    best = (c0 * z + c1 * z**2).real.max()
    found = fastest_rise(c0, c1, force)
    assert found >= best - 1e-9
    assert found <= best + 1e-3 * force * force * 10


def fastest_action(c0: float, c1: float, wanted: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Among a fine grid of actions, one whose rate is nearest to `wanted`."""
    axis = np.linspace(-1, 1, 401)
    real, imaginary = np.meshgrid(axis, np.linspace(0, 1, 201))
    rate = c0 * real + c1 * (real**2 - imaginary**2)
    index = np.unravel_index(np.abs(rate - wanted).argmin(), rate.shape)
    return np.array([real[index], imaginary[index]], np.float32)


@pytest.mark.parametrize(
    ("c0", "c1"), [(4.0, 0.0), (3.0, 7.0), (-2.0, 9.0), (1.0, -8.0), (-10.0, -10.0), (0.0, 5.0)]
)
def test_acting_greedily_reaches_it_in_the_environment(c0: float, c1: float) -> None:
    family = Family.load("ode-2d")
    env = family.make_default()
    seen, _ = env.reset(options={"context": {"c0": c0, "c1": c1}, "x": 1.0})
    total = 0.0
    for _ in range(200):
        seen, reward, *_ = env.step(fastest_action(c0, c1, -100.0 * float(seen["obs"][0])))
        total += float(reward)
    oracle = family.oracle({"c0": c0, "c1": c1})
    assert oracle is not None
    assert oracle - 2.0 <= total <= oracle + 1e-9


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), c0=st.floats(-10, 10), c1=st.floats(-10, 10))
def test_no_policy_beats_it(seed: int, c0: float, c1: float) -> None:
    """Feedback laws drawn at random, played as a batch."""
    family = Family.load("ode-2d")
    batch = family.make_vec(16, contexts=[{"c0": c0, "c1": c1}] * 16, options={"x": 1.0})
    rng = np.random.default_rng(seed)
    gain, bias = rng.normal(size=(16, 2)) * 5, rng.normal(size=(16, 2)) * 0.2
    seen, _ = batch.reset(seed=0)
    total = np.zeros(16)
    for _ in range(200):
        action = np.clip(gain * seen["obs"] + bias, -1, 1).astype(np.float32)
        seen, reward, *_ = batch.step(action)
        total += reward
    oracle = family.oracle({"c0": c0, "c1": c1})
    assert oracle is not None
    assert total.max() <= oracle + 1.0


def test_symmetries_and_limits() -> None:
    family = Family.load("ode-2d")
    for c0, c1 in itertools.product(range(-10, 11, 5), repeat=2):
        assert family.oracle({"c0": c0, "c1": c1}) == family.oracle({"c0": -c0, "c1": c1})
        mirrored = ode_return([{"c0": c0, "c1": -c1, "force": 1.0}] * 200, start=-1.0)
        assert mirrored == family.oracle({"c0": c0, "c1": c1})
    assert ode_return([{"c0": 5.0, "force": 100.0}] * 200, start=1.0) == 200.0
    assert ode_return([{"c0": 0.0, "force": 1.0}] * 7, start=0.0) == 7.0
    assert Family.load("cartpole").oracle({}) is None


def test_means_over_the_splits_are_the_benchmarks() -> None:
    family = Family.load("ode")
    means = {
        s: np.mean([family.oracle(t) or 0 for t in family.tasks(s)]) / 200
        for s in ("interpolation", "extrapolation")
    }
    assert means["interpolation"] == pytest.approx(0.860, abs=1e-3)
    assert means["extrapolation"] == pytest.approx(0.951, abs=1e-3)


def test_the_decision_adapters_families_have_the_published_oracle() -> None:
    """Mean return over -10 to 10 in steps of 0.1, the 0 counted, where one step may carry x across."""
    family = Family.load("ode-da")
    returns = [family.oracle({"c0": c0 / 10}) or 0.0 for c0 in range(-100, 101)]
    assert np.mean(returns) == pytest.approx(198.9, abs=0.05)
    weaker = [ode_return([{"c0": c0 / 10, "force": 10.0}] * 200, start=1.0) for c0 in range(-100, 101)]
    assert np.mean(weaker) == pytest.approx(195.5, abs=0.1)
    assert Family.load("ode-da-2d").oracle({"c0": 0.0, "c1": 5.0}) == 200.0


def test_one_step_carries_x_to_the_goal_where_the_weights_follow_the_context() -> None:
    family = Family.load("ode-da")
    tasks = [task for task in family.tasks("extrapolation") if task["c0"]]
    batch = family.make_vec(len(tasks), contexts=tasks, options={"x": 1.0})
    seen, _ = batch.reset(seed=0)
    total = np.zeros(len(tasks))
    factors = np.array([task["c0"] for task in tasks])
    for _ in range(200):
        action = np.zeros((len(tasks), 2), np.float32)
        action[:, 0] = np.clip(-seen["obs"][:, 0] / factors, -1, 1)
        seen, reward, *_ = batch.step(action)
        total += reward
    oracles = [family.oracle(task) for task in tasks]
    np.testing.assert_allclose(total, np.array(oracles, float), atol=1e-9)


def test_starts_of_ode_da() -> None:
    starts = Family.load("ode-da").make_vec(200, contexts=[{}] * 200).reset(seed=0)[0]["obs"]
    assert set(starts[:, 0].tolist()) == {-1.0, -0.5, 0.5, 1.0}


def test_the_oracle_of_changing_tasks_is_that_of_their_courses() -> None:
    """A policy that knows the present coefficient reaches it, and one jump later it is another."""
    family = Family.load("ode").with_schedules({"c0": "jump:10"})
    (result,) = evaluate_tasks(drive, family, [{"c0": 1.0}], episodes=8)
    fixed = Family.load("ode").oracle({"c0": 1.0})
    assert result.oracle is not None
    assert fixed is not None
    assert result.oracle != fixed
    assert result.mean == pytest.approx(result.oracle, abs=1.01)  # a step beside a threshold may tip over
    seeds = start_seeds(family.space.complete({"c0": 1.0}), 8, 0)
    single = [family.oracle({"c0": 1.0}, [seed]) or 0 for seed in seeds]
    assert len(set(single)) > 4
    assert np.mean(single) == pytest.approx(result.oracle)
