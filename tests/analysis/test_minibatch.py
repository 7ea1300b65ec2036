"""The minibatches and observations that costs are measured with."""

import numpy as np
import pytest

from hyperrl.analysis.minibatch import MinibatchShape, observations
from hyperrl.recipes import load_agent, resolve
from hyperrl.tasks import Family
from hyperrl.training.build import bare_model


@pytest.mark.parametrize(
    ("agent", "overrides", "shape"),
    [
        ("concat-ppo", ("n_steps=7", "batch_size=4", "n_epochs=3"), (4, 2, 3, 3)),
        ("concat-a2c", ("n_steps=7",), (14, 0, 1, 1)),
        ("concat-sac", ("batch_size=5", "gradient_steps=3"), (5, 0, 3, 1)),
    ],
)
def test_rows_are_those_of_the_algorithm(
    agent: str, overrides: tuple[str, ...], shape: tuple[int, ...]
) -> None:
    family = Family.load("pendulum")
    fields = ["n_envs=2", "policy.net_arch=[4]", *(f"algorithm.{field}" for field in overrides)]
    recipe = resolve(load_agent(agent), family.recipe, fields)
    model = bare_model(recipe, family.observation_space, family.action_space)
    descriptors = family.space.descriptors(family.tasks("train"))
    found = MinibatchShape.of(model, descriptors)
    assert (found.rows, found.rest, found.minibatches, found.epochs) == shape
    assert len(found.descriptors) == min(len(descriptors), found.rows)
    batch = found.observations(family.observation_space, found.rows)
    again = np.arange(found.rows) % len(found.descriptors)
    np.testing.assert_array_equal(batch["context"], found.descriptors[again])


def test_observations_are_of_the_space() -> None:
    family = Family.load("cartpole")
    descriptors = family.space.descriptors(family.tasks("train")[:3])
    batch = observations(family.observation_space, descriptors)
    for row in range(3):
        row_of = {name: part[row] for name, part in batch.items()}
        assert family.observation_space.contains(row_of)
