from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hyperrl.errors import UserError
from hyperrl.recipes import Feature, load_agent
from hyperrl.tasks.context_errors import ContextErrors, noise_sizes
from hyperrl.tasks.contexts import ContextSpace

FIELDS: dict[str, dict[str, Any]] = {
    "mass": {"train": [1, 3]},
    "heading": {"train": [0, 4], "encoding": "circle"},
    "sign": {"train": [-1, 1], "values": [-1, 1]},
    "gear": {"train": [1, 4], "values": [1, 2, 4], "encoding": "categorical"},
}
SPACE = ContextSpace(
    {name: Feature.model_validate({"about": name, "default": 1, **fields}) for name, fields in FIELDS.items()}
)
ERRORS = ContextErrors(SPACE)
TASK = SPACE.complete({"mass": 2, "heading": 3, "sign": -1, "gear": 2})


def shifted(*error: float) -> NDArray[np.float32]:
    found: NDArray[np.float32] = ERRORS.shift(SPACE.descriptors([TASK]), np.array([error], np.float64))[0]
    return found


def descriptor(**values: float) -> NDArray[np.float32]:
    found: NDArray[np.float32] = SPACE.descriptors([TASK | values])[0]
    return found


@pytest.mark.parametrize(
    ("error", "values"),
    [
        ((0, 0, 0, 0), {}),
        ((0.25, 0, 0, 0), {"mass": 2.5}),
        ((-1, 0, 0, 0), {"mass": 0}),
        ((0, 0.5, 0, 0), {"heading": 5}),
        ((0, -0.1, 0, 0), {"heading": 2.6}),
        ((0, 0, 1, 0), {"sign": 1}),
        ((0, 0, 0, 1), {"gear": 4}),
        ((0, 0, 0, 2), {"gear": 1}),
        ((0.1, 0.1, 1, 1), {"mass": 2.2, "heading": 3.4, "sign": 1, "gear": 4}),
    ],
)
def test_a_shifted_descriptor_is_that_of_the_wrong_context(
    error: tuple[float, ...], values: dict[str, float]
) -> None:
    np.testing.assert_allclose(shifted(*error), descriptor(**values), atol=1e-6)


def test_no_error_leaves_every_bit() -> None:
    contexts = [TASK | {"mass": mass, "heading": mass} for mass in np.linspace(1, 3, 50).tolist()]
    before = SPACE.descriptors(contexts)
    assert np.array_equal(ERRORS.shift(before, np.zeros((50, 4))), before)


def test_rows_have_errors_of_their_own() -> None:
    before = SPACE.descriptors([TASK, TASK])
    found = ERRORS.shift(before, np.array([[0, 0, 0, 0], [0.5, 0, 1, 0]]))
    np.testing.assert_allclose(found, [descriptor(), descriptor(mass=3, sign=1)], atol=1e-6)


def test_noise_is_uniform_and_values_change_with_its_probability() -> None:
    rng, sizes = np.random.default_rng(0), np.array([0.2, 0.0, 0.3, 0.5])
    drawn = np.array([ERRORS.draw(sizes, rng) for _ in range(4000)])
    mass, heading, sign, gear = drawn.T
    assert -0.2 <= mass.min() < -0.19
    assert 0.19 < mass.max() <= 0.2
    assert abs(mass.mean()) < 0.01
    assert mass.std() == pytest.approx(0.4 / 12**0.5, rel=0.05)
    assert not heading.any()
    assert (sign == 1).mean() == pytest.approx(0.3, abs=0.03)
    assert set(sign) == {0.0, 1.0}
    assert [(gear == places).mean() for places in (0, 1, 2)] == pytest.approx([0.5, 0.25, 0.25], abs=0.03)


def test_directions_come_in_opposite_pairs_and_larger_errors_change_what_smaller_ones_do() -> None:
    directions = ERRORS.draw_directions(6, np.random.default_rng(1))
    small, large = ERRORS.of_size(directions, 0.1), ERRORS.of_size(directions, 0.4)
    assert small.shape == (6, 4)
    assert np.array_equal(np.abs(small[:, :2]), np.full((6, 2), 0.1))
    assert np.array_equal(small[::2, :2], -small[1::2, :2])
    assert np.array_equal(large[:, :2], 4 * small[:, :2])
    many = ERRORS.draw_directions(2000, np.random.default_rng(2))
    some, more = (ERRORS.of_size(many, size)[:, 2:] != 0 for size in (0.1, 0.4))
    assert (more | ~some).all()
    assert [each.mean() for each in (some, more)] == pytest.approx([0.1, 0.4], abs=0.03)


def test_a_single_value_has_no_other() -> None:
    fields = {"about": "x", "default": 1, "train": [0, 1], "values": [1]}
    alone = ContextErrors(ContextSpace({"x": Feature.model_validate(fields)}))
    assert not alone.draw(np.ones(1), np.random.default_rng(0)).any()


@pytest.mark.parametrize(
    ("noise", "sizes"),
    [(0.0, [0, 0, 0, 0]), (0.1, [0.1] * 4), ({"sign": 0.2, "mass": 0.1}, [0.1, 0, 0.2, 0])],
)
def test_sizes_are_one_for_each_feature(noise: Any, sizes: list[float]) -> None:
    agent = load_agent("hyper-ppo").model_copy(update={"context_noise": noise})
    assert noise_sizes(agent, SPACE).tolist() == sizes


def test_an_unknown_feature_is_refused() -> None:
    agent = load_agent("hyper-ppo").model_copy(update={"context_noise": {"mas": 0.1}})
    with pytest.raises(UserError, match=r"^agent 'hyper-ppo': context_noise: unknown feature 'mas'; did you"):
        noise_sizes(agent, SPACE)
